#!/usr/bin/env python3
"""faiss: the peer of `bench.py kmeans`.

    python kmeans_peer.py EMBEDDINGS.f32 ROWS DIM CLUSTERS PASSES

Prints one JSON line: seconds a pass of faiss' spherical k-means over the same rows from random first centroids, and its peak RSS in MiB. Needs
faiss-cpu.
"""
import json
import resource
import sys

import faiss
import numpy as np


def main():
    path, (rows, dim, clusters, passes) = sys.argv[1], map(int, sys.argv[2:])
    x = np.fromfile(path, np.float32).reshape(rows, dim)
    kmeans = faiss.Kmeans(dim, clusters, niter=passes, spherical=True, seed=1, max_points_per_centroid=rows)
    kmeans.train(x)
    times = kmeans.iteration_stats
    print(json.dumps({"faiss_s_a_pass": float(times[len(times) - 1]["time"]) / passes,
                      "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


if __name__ == "__main__":
    main()
