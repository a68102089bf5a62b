"""What the benchmarks share: where things are, and how they are started."""
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "build/release/bin"
CACHE = Path(os.environ.get("SPCNET_CACHE", Path.home() / ".cache/spcnet"))
AS_ROOT = ["--allow-run-as-root"] if os.geteuid() == 0 else []
HAS_BF16 = "avx512_bf16" in Path("/proc/cpuinfo").read_text(encoding="ascii")
TRAIN = [BIN / "spcnet", "train", "--config", ROOT / "tests/bench/train.conf"]
sys.path.insert(0, str(ROOT / "tests/cluster"))  # hosts on this machine


def run(command, **environment):
    """Runs a command to its end; returns what it printed, standard output and error apart. Ends the benchmark when it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env={**os.environ, **environment})
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")
    return done.stdout, done.stderr


def corpus():
    """The small corpus of real speech."""
    folder = CACHE / "corpus-small"
    run([ROOT / "data/corpus/build.sh", "--set", "small", "--out", folder])
    return folder


def shards(folder, bins):
    """Packs the small corpus; returns the summary line."""
    summary, _ = run([BIN / "spcnet-data", "fbank", "--wav-scp", corpus() / "wav.scp", "--out", folder, "--fbank.num_mel_bins", bins])
    return summary.strip().splitlines()[-1]


def peer_python():
    """A Python with PyTorch."""
    python = CACHE / "venv-pytorch-2.11.0/bin/python"
    if not python.exists():
        sys.exit("bench: no PyTorch for the peer; run this by `./dev bench`, or with --no-peer")
    return python
