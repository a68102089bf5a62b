"""The best of five runs of scikit-learn's KMeans on planted clusters, for tests/e2e/cluster_cli.py.

    python3 -m venv /tmp/pseudo-ref
    /tmp/pseudo-ref/bin/pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
    /tmp/pseudo-ref/bin/python tests/reference/kmeans.py

Writes tests/reference/data/kmeans.txt. The rows are made here, and again in the test, by planted(). For the cosine, scikit-learn gets rows
of length 1, and the objective is the sum of the cosines between the rows and the mean of their cluster.
"""

from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data"
CLUSTERS = 200


def planted(count=20000, dim=256, clusters=CLUSTERS, spread=1.5):
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((clusters, dim))
    return (centres[rng.integers(0, clusters, count)] + spread * rng.standard_normal((count, dim))).astype(np.float32)


def cosine_objective(rows, labels, clusters=CLUSTERS):
    units = rows / np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    sums = np.zeros((clusters, rows.shape[1]))
    np.add.at(sums, labels, units)
    return np.linalg.norm(sums, axis=1).sum()


def main():
    from sklearn.cluster import KMeans
    rows = planted()
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    spherical = KMeans(CLUSTERS, n_init=5, random_state=0).fit(units)
    euclidean = KMeans(CLUSTERS, n_init=5, random_state=0).fit(rows)
    figures = {"sum_of_rows": rows.sum(dtype=np.float64), "cosine": cosine_objective(rows, spherical.labels_), "euclidean": euclidean.inertia_}
    (DATA / "kmeans.txt").write_text("".join(f"{name} {float(value):.17g}\n" for name, value in figures.items()))


if __name__ == "__main__":
    main()
