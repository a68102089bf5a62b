"""Shards: making them, reading them."""
import json
import re
import sys
import tempfile

from common import BIN, CACHE, ROOT, corpus, run, shards
from table import Row


def bench_loader(options):
    """Whole utterances in shuffled order, beside raw reading of the same files."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:  # on a disk, which /tmp may not be
        for line in map(json.loads, run([BIN / "bench_read", folder, options.runs])[0].splitlines()):
            yield Row(line["figure"], "MB/s", line["ours"], line["beside"], line["raw"])


def peer_rates():
    """Hours of speech per core-second of kaldi-native-fbank: of its C++ code, and with what Python adds."""
    python = CACHE / "venv-kaldi-native-fbank-1.23.0/bin/python"
    if not python.exists():
        sys.exit("bench: no kaldi-native-fbank for the peer; run this by `./dev bench fbank`, or with --no-peer")
    figures = json.loads(run([python, ROOT / "tests/bench/fbank_peer.py", corpus() / "wav.scp"])[0])
    return figures["hours_per_core_second"], figures["with_python"]


def bench_fbank(options):
    """Energies alone, the packer's own summary, and the peer in turn."""
    energies, packing, peer = [], [], []
    for _ in range(options.runs):
        energies.append(json.loads(run([BIN / "bench_fbank", corpus() / "wav.scp"])[0])["hours_per_core_second"])
        with tempfile.TemporaryDirectory() as folder:
            packing.append(float(re.search(r"([\d.]+) h of speech per core-second", shards(folder, 80)).group(1)))
        if options.peer:
            peer.append(peer_rates())
    unit, name = "h per core-second", "kaldi-native-fbank's C++, energies alone"
    compiled = [each for each, _ in peer]
    yield Row("log mel energies, F = 80", unit, energies, name, compiled)
    if options.peer:
        yield Row("log mel energies, F = 80", unit, energies, "kaldi-native-fbank from Python", [whole for _, whole in peer])
    yield Row("packing wav to shards, F = 80", unit, packing, name, compiled)
