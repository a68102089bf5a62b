#!/usr/bin/env python3
"""AS-norm of a million trials in NumPy, the way of WeSpeaker's score_norm.py but for np.partition in place of a whole sort.

usage: as_norm_peer.py FOLDER TOP_N     reads eval.f32, cohort.f32 and pairs.i32, prints {"seconds", "mean", "std"} of the scores
"""
import json
import sys
import time
from pathlib import Path

import numpy as np


def main():
    folder, top_n, dim, block = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), 4096
    rows = np.fromfile(folder / "eval.f32", np.float32).reshape(-1, dim)
    cohort = np.fromfile(folder / "cohort.f32", np.float32).reshape(-1, dim)
    enrol, test = np.fromfile(folder / "pairs.i32", np.int32).reshape(2, -1)
    start = time.perf_counter()
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cohort = cohort / np.linalg.norm(cohort, axis=1, keepdims=True)
    mean, deviation = np.empty(len(rows)), np.empty(len(rows))
    for begin in range(0, len(rows), block):
        cosines = rows[begin:begin + block] @ cohort.T
        top = np.partition(cosines, cosines.shape[1] - top_n, axis=1)[:, -top_n:]
        mean[begin:begin + block], deviation[begin:begin + block] = top.mean(1), top.std(1)
    scores = np.einsum("nd,nd->n", rows[enrol], rows[test])
    scores = 0.5 * ((scores - mean[enrol]) / deviation[enrol] + (scores - mean[test]) / deviation[test])
    print(json.dumps({"seconds": time.perf_counter() - start, "mean": float(scores.mean()), "std": float(scores.std())}))


if __name__ == "__main__":
    main()
