"""The corpus of 877 MB of downloads, and the programs run on it."""
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPCNET = ROOT / "build/release/bin/spcnet"
SPCNET_DATA = SPCNET.with_name("spcnet-data")
CACHE = Path(os.environ.get("SPCNET_CACHE", Path.home() / ".cache/spcnet"))
CORPUS = CACHE / "corpus-whole"
LISTS = ("all", "group", "xsess")


def run(*command, ranks=2):
    """Its standard output; ends the soak when it fails."""
    as_root = ["--allow-run-as-root"] if os.getuid() == 0 else []
    started = ["mpirun", *as_root, "--oversubscribe", "-n", str(ranks), *map(str, command)] if ranks > 1 else [*map(str, command)]
    done = subprocess.run(started, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{Path(sys.argv[0]).name}: {' '.join(started)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def build():
    run(ROOT / "data/corpus/build.sh", "--set", "whole", "--out", CORPUS, ranks=1)


def eers(trained, shards):
    """EER in percent on each of LISTS, by the embeddings of a run."""
    out = trained / "eval.h5"
    run(SPCNET, "extract", "--run", trained, "--shards", shards, "--utts", CORPUS / "eval.utts", "--out", out)
    return [json.loads(run(SPCNET, "score", "--embeddings", out, "--trials", CORPUS / f"trials_{name}.txt", "--json", ranks=1))["eer"] for name in LISTS]
