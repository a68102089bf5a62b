#!/usr/bin/env python3
"""Fused blocks against the plain composition over 300 steps of configs/demo.conf: their losses may not differ by more than those of two seeds do.

usage: kernels.py [--steps N] [--precision P ...]      on the small corpus (245 MB of downloads), one rank; without P in fp32 and, where the
                                                       processor computes in it, in bf16
"""
import argparse
import json
import os
import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from whole_corpus import CACHE, ROOT, SPCNET, SPCNET_DATA, run

sys.path.insert(0, str(ROOT / "tests/bench"))
from common import HAS_BF16

CORPUS = CACHE / "corpus-small"
WINDOW = 20


def losses(folder, precision, kernels, seed, steps):
    """Means of the loss over windows of steps."""
    out = folder / f"{precision}-{kernels}-{seed}"
    run(SPCNET, "train", "--config", ROOT / "configs/demo.conf", "--rounds.count", 0, "--shards", folder / "shards", "--run", out,
        "--train.epochs", 1000, "--train.max_steps", steps, "--train.precision", precision, "--train.kernels", kernels,
        "--train.threads", 1, "--train.seed", seed, "--log.every_seconds", 0, "--checkpoint.every_steps", 100000, ranks=1)
    lines = [json.loads(line) for line in (out / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    each = [line["loss"] for line in lines if "loss" in line]
    assert len(each) == steps, len(each)
    return [statistics.mean(each[begin:begin + WINDOW]) for begin in range(0, steps, WINDOW)]


def distance(one, other):
    """Root mean square over windows."""
    return statistics.mean((a - b) ** 2 for a, b in zip(one, other)) ** 0.5


def compare(folder, precision, steps):
    """Two seeds, both ways. Returns whether the ways differ by no more than the seeds."""
    ways = [(kernels, seed) for seed in (1, 2) for kernels in ("plain", "fused")]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:  # of threads that wait for a process of one thread
        curves = dict(zip(ways, pool.map(lambda way: losses(folder, precision, *way, steps), ways)))
    print(f"{precision}: loss, means of {WINDOW} steps: plain and fused of seed 1, plain and fused of seed 2")
    for window, values in enumerate(zip(curves["plain", 1], curves["fused", 1], curves["plain", 2], curves["fused", 2])):
        print(f"{(window + 1) * WINDOW:6}  " + "  ".join(f"{value:8.4f}" for value in values))
    between_ways = max(distance(curves["plain", seed], curves["fused", seed]) for seed in (1, 2))
    between_seeds = min(distance(curves[kernels, 1], curves[kernels, 2]) for kernels in ("plain", "fused"))
    print(f"{precision}: fused against plain, the farther seed: {between_ways:.5f}    seed 1 against seed 2, the nearer way: {between_seeds:.5f}", flush=True)
    return between_ways <= between_seeds


def main():
    """Every precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"] if HAS_BF16 else ["fp32"])
    options = parser.parse_args()
    run(ROOT / "data/corpus/build.sh", "--set", "small", "--out", CORPUS, ranks=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(SPCNET_DATA, "fbank", "--wav-scp", CORPUS / "wav.scp", "--out", folder / "shards", "--fbank.num_mel_bins", 64, ranks=1)
        apart = [precision for precision in options.precision if not compare(folder, precision, options.steps)]
    if apart:
        sys.exit(f"fused blocks and plain ones differ by more than two seeds do in {', '.join(apart)}")


if __name__ == "__main__":
    main()
