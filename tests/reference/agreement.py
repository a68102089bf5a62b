"""NMI, AMI, purity, pairwise F1 and accuracy of random labelings, for tests/unit/pseudo/agreement_test.cpp.

    python3 -m venv /tmp/pseudo-ref
    /tmp/pseudo-ref/bin/pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
    /tmp/pseudo-ref/bin/python tests/reference/agreement.py

Writes tests/reference/data/agreement.txt. Mutual information is scikit-learn's, the assignment SciPy's on the dense table, the rest is
computed by its definition.
"""

from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, pair_confusion_matrix

DATA = Path(__file__).parent / "data"


def figures(labels, reference):
    table = contingency_matrix(labels, reference)
    (_, false_pairs), (missed_pairs, true_pairs) = pair_confusion_matrix(reference, labels)
    rows, columns = linear_sum_assignment(table, maximize=True)
    count = len(labels)
    return {
        "nmi": normalized_mutual_info_score(reference, labels),
        "ami": adjusted_mutual_info_score(reference, labels),
        "purity": table.max(axis=1).sum() / count,
        "inverse_purity": table.max(axis=0).sum() / count,
        "pairwise_f1": 2 * true_pairs / (2 * true_pairs + false_pairs + missed_pairs),
        "accuracy": table[rows, columns].sum() / count,
    }


def cases():
    rng = np.random.default_rng(1)
    yield "chance", rng.integers(0, 12, 400), rng.integers(0, 9, 400)
    yield "chance_many", rng.integers(0, 150, 500), rng.integers(0, 90, 500)
    for noise in (0.1, 0.4, 0.8):
        truth = rng.integers(0, 40, 900)
        yield f"noise_{noise}", np.where(rng.random(900) < noise, rng.integers(0, 55, 900), truth), truth
    truth = rng.integers(0, 20, 600)
    yield "split", 3 * truth + rng.integers(0, 3, 600), truth
    yield "merged", truth // 3, truth
    skewed = np.minimum(rng.zipf(1.6, 800), 60)
    yield "skewed", np.where(rng.random(800) < 0.3, rng.integers(0, 61, 800), skewed), skewed
    yield "one_cluster", np.zeros(50, int), rng.integers(0, 4, 50)
    yield "singletons", np.arange(50), rng.integers(0, 4, 50)
    yield "gaps", 7 * rng.integers(0, 5, 60) + 3, 11 * rng.integers(0, 6, 60)


def main():
    lines = []
    for name, labels, reference in cases():
        lines += [f"{name}/{figure} {float(value):.17g}" for figure, value in figures(labels, reference).items()]
        lines += [" ".join(map(str, (f"{name}/labels", *labels))), " ".join(map(str, (f"{name}/reference", *reference)))]
    (DATA / "agreement.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
