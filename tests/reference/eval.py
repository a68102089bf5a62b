"""EER and minDCF of stored scores, for tests/unit/eval/det_test.cpp.

    python3 -m venv /tmp/eval-ref
    /tmp/eval-ref/bin/pip install numpy==2.4.6 scikit-learn==1.9.1
    /tmp/eval-ref/bin/python tests/reference/eval.py

Made with Python 3.11, numpy 2.4.6, scikit-learn 1.9.1. Writes tests/reference/data/eval_*.txt:
first `name value` lines, then an empty line, then one `score label` line per trial.

The ROC points come from scikit-learn and are checked against counts made by definition, one
threshold at a time. The crossing FNR = FPR is found in exact fractions.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_curve

DATA = Path(__file__).parent / "data"


def rates(scores, labels):
    """[(FPR, FNR)] as exact fractions, from the point that accepts nothing on."""
    targets, nontargets = scores[labels == 1], scores[labels == 0]
    points = []
    for threshold in [np.inf, *sorted(set(scores), reverse=True)]:
        false_accepts = int(np.sum(nontargets >= threshold))
        misses = int(np.sum(targets < threshold))
        points.append((Fraction(false_accepts, len(nontargets)), Fraction(misses, len(targets))))
    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    assert np.allclose(fpr, [float(f) for f, _ in points], rtol=0, atol=1e-12)
    assert np.allclose(1 - tpr, [float(m) for _, m in points], rtol=0, atol=1e-12)
    return points


def eer(points):
    """FPR where the straight line between two neighbours meets FNR = FPR."""
    for (f0, m0), (f1, m1) in zip(points, points[1:]):
        if m0 >= f0 and m1 <= f1:
            share = (m0 - f0) / ((m0 - f0) + (f1 - m1))
            return f0 + share * (f1 - f0)
    raise AssertionError("the ends (0, 1) and (1, 0) lie on both sides")


def eer_arg_min(points):
    return min((abs(m - f), max(m, f)) for f, m in points)[1]


def min_dcf(points, p_target, c_miss=1, c_fa=1):
    p = Fraction(str(p_target))
    cost = min(c_miss * p * m + c_fa * (1 - p) * f for f, m in points)
    return cost / min(c_miss * p, c_fa * (1 - p))


def write(name, text_of_score, targets, nontargets):
    labels = np.concatenate([np.ones(len(targets), int), np.zeros(len(nontargets), int)])
    texts = [text_of_score(x) for x in np.concatenate([targets, nontargets])]
    order = np.random.default_rng(3).permutation(len(texts))
    texts, labels = [texts[i] for i in order], labels[order]
    points = rates(np.array([float(text) for text in texts]), labels)
    expected = {
        "eer": eer(points),
        "eer_arg_min": eer_arg_min(points),
        "min_dcf_0.01": min_dcf(points, 0.01),
        "min_dcf_0.05": min_dcf(points, 0.05),
        "min_dcf_0.5_miss_10": min_dcf(points, 0.5, c_miss=10),
    }
    lines = [f"{key} {float(value)!r}" for key, value in expected.items()] + [""]
    lines += [f"{text} {label}" for text, label in zip(texts, labels)]
    (DATA / f"eval_{name}.txt").write_text("\n".join(lines) + "\n")
    print(name, len(points) - 1, "distinct scores of", len(texts), *lines[:5], sep="\n  ")


def main():
    DATA.mkdir(exist_ok=True)
    random = np.random.default_rng(20)
    # About 100 distinct scores: nearly every trial is tied with one of the other label.
    write("ties", "{:.2f}".format, random.normal(0.45, 0.13, 1200), random.normal(0.1, 0.12, 2800))
    write("continuous", "{:.9f}".format, random.normal(0.5, 0.15, 700),
          random.normal(0.05, 0.14, 1300))


if __name__ == "__main__":
    main()
