"""Two-component mixtures fitted to stored samples, for tests/unit/pseudo/gmm_test.cpp and loss_gate_test.cpp.

    python3 -m venv /tmp/pseudo-ref
    /tmp/pseudo-ref/bin/pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
    /tmp/pseudo-ref/bin/python tests/reference/gmm.py

Writes tests/reference/data/gmm.txt. The start is the best of all splits of the sorted samples in two, tried one by one; from there
scikit-learn's GaussianMixture goes on until the mean log likelihood gains less than 1e-10. The threshold is found by SciPy's brentq.
"""

from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.mixture import GaussianMixture

DATA = Path(__file__).parent / "data"


def start_of(samples):
    ordered = np.sort(samples)
    within = [ordered[:i].var() * i + ordered[i:].var() * (len(ordered) - i) for i in range(1, len(ordered))]
    cut = 1 + int(np.argmin(within))
    groups = (ordered[:cut], ordered[cut:])
    return [np.array(figure) for figure in zip(*((len(g) / len(ordered), g.mean(), g.var()) for g in groups))]


def crossing(weights, means, variances):
    def difference(u):
        logs = np.log(weights) + norm.logpdf(u, means, np.sqrt(variances))
        return logs[0] - logs[1]
    return brentq(difference, *means, xtol=1e-14)


def cases():
    rng = np.random.default_rng(2)
    yield "apart", np.concatenate([rng.normal(-2, 0.7, 420), rng.normal(1.5, 0.4, 180)])
    yield "near", np.concatenate([rng.normal(-0.8, 0.5, 450), rng.normal(0.9, 0.6, 250)])
    yield "uneven", np.concatenate([rng.normal(-1, 1.1, 700), rng.normal(1.6, 0.25, 60)])


def main():
    lines = []

    def add(name, values):
        lines.append(" ".join([name, *(f"{float(value):.17g}" for value in np.atleast_1d(values))]))

    for name, samples in cases():
        weights, means, variances = start_of(samples)
        fit = GaussianMixture(2, tol=1e-10, max_iter=100000, reg_covar=0, weights_init=weights, means_init=means[:, None],
                              precisions_init=1 / variances[:, None, None]).fit(samples[:, None])
        assert fit.converged_
        order = np.argsort(fit.means_[:, 0])
        fitted = fit.weights_[order], fit.means_[order, 0], fit.covariances_[order, 0, 0]
        for prefix, figures in (("start", (weights, means, variances)), ("fit", fitted)):
            for figure, values in zip(("weights", "means", "variances"), figures):
                add(f"{name}/{prefix}/{figure}", values)
        add(f"{name}/threshold", crossing(*fitted))
        add(f"{name}/samples", samples)
    (DATA / "gmm.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
