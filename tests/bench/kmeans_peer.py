#!/usr/bin/env python3
"""What a machine can do, and faiss: the peers of `bench.py kmeans`.

    python kmeans_peer.py EMBEDDINGS.f32 ROWS DIM CLUSTERS PASSES

Prints one JSON line: FLOP/s of a large matrix product in PyTorch, seconds a pass of faiss' spherical k-means over the same rows from random
first centroids, and its peak RSS in MiB. Needs torch and faiss-cpu.
"""
import json
import resource
import sys
import time

import faiss
import numpy as np
import torch


def gemm_rate(size=4096, rounds=5):
    a = torch.randn(size, size)
    torch.mm(a, a)
    began = time.monotonic()
    for _ in range(rounds):
        torch.mm(a, a)
    return rounds * 2 * size**3 / (time.monotonic() - began)


def main():
    path, (rows, dim, clusters, passes) = sys.argv[1], map(int, sys.argv[2:])
    rate = gemm_rate()
    x = np.fromfile(path, np.float32).reshape(rows, dim)
    kmeans = faiss.Kmeans(dim, clusters, niter=passes, spherical=True, seed=1, max_points_per_centroid=rows)
    kmeans.train(x)
    times = kmeans.iteration_stats
    print(json.dumps({"gemm_flops": rate, "faiss_s_a_pass": float(times[len(times) - 1]["time"]) / passes,
                      "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


if __name__ == "__main__":
    main()
