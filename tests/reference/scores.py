"""Normalised and calibrated scores, what they cost, and figures of speakers drawn anew, for tests/unit/eval.

    python3 -m venv /tmp/scores-ref
    /tmp/scores-ref/bin/pip install numpy==2.4.6 scikit-learn==1.9.1
    /tmp/scores-ref/bin/python tests/reference/scores.py

Made with Python 3.11, numpy 2.4.6, scikit-learn 1.9.1. Writes tests/reference/data/scores.txt, lines
`key value value ...`. Embeddings are sines, so that the test can make them itself: of forty
utterances of eight speakers, and of a cohort of thirty utterances of six.
"""

import itertools
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

DATA = Path(__file__).parent / "data"
DIM = 12


def embeddings(utts, speakers, phase):
    """float32 [utts, DIM]: a speaker's own wave, another one of the utterance, off the origin."""
    rows = np.arange(utts * DIM).reshape(utts, DIM) + 1
    speaker = np.arange(utts) % speakers
    own = np.sin(2.3 * (speaker[:, None] * DIM + np.arange(DIM) + 1) + phase)
    return (1.1 * own + 0.55 * np.sin(1.3 * rows + phase) + 0.3).astype(np.float32), speaker


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def as_norm(scores, pairs, rows, cohort, top_n):
    """WeSpeaker's score_norm.py, without its files."""
    cosines = rows @ cohort.T
    top = np.sort(cosines, axis=1)[:, ::-1][:, :top_n]
    mean, deviation = top.mean(1), top.std(1)
    return np.array([0.5 * ((s - mean[a]) / deviation[a] + (s - mean[b]) / deviation[b])
                     for s, (a, b) in zip(scores, pairs)])


def cllr(ratios, targets):
    cost = [np.mean(np.logaddexp(0, -ratios[targets])), np.mean(np.logaddexp(0, ratios[~targets]))]
    return np.mean(cost) / np.log(2)


def act_dcf(ratios, targets, p):
    accepted = ratios >= np.log((1 - p) / p)
    return (p * np.mean(~accepted[targets]) + (1 - p) * np.mean(accepted[~targets])) / min(p, 1 - p)


def eer_and_min_dcf(scores, targets):
    """By definition, one threshold at a time, as in eval.py."""
    points = []
    for threshold in [np.inf, *sorted(set(scores), reverse=True)]:
        points.append((np.mean(scores[~targets] >= threshold), np.mean(scores[targets] < threshold)))
    for (f0, m0), (f1, m1) in zip(points, points[1:]):
        if m0 >= f0 and m1 <= f1:
            share = (m0 - f0) / ((m0 - f0) + (f1 - m1))
            break
    costs = [min(p * m + (1 - p) * f for f, m in points) / p for p in (0.01, 0.05)]
    return [f0 + share * (f1 - f0), *costs]


def main():
    rows, speaker = embeddings(40, 8, 0)
    others, other_speaker = embeddings(30, 6, 0.5)
    rows, others = rows.astype(np.float64), others.astype(np.float64)
    pairs = list(itertools.combinations(range(40), 2))
    targets = np.array([speaker[a] == speaker[b] for a, b in pairs])
    mean = others.mean(0)
    centred = unit(rows - mean)
    scores = np.array([centred[a] @ centred[b] for a, b in pairs])
    speakers = unit(np.array([others[other_speaker == s].mean(0) for s in range(6)]) - mean)
    by_speaker = as_norm(scores, pairs, centred, speakers, 4)
    by_utterance = as_norm(scores, pairs, centred, unit(others - mean), 20)

    weight = np.where(targets, 0.5 / targets.sum(), 0.5 / (~targets).sum()) * len(targets)
    fit = LogisticRegression(C=np.inf, tol=1e-14, max_iter=10000, solver="newton-cholesky")
    fit.fit(scores[:, None], targets, sample_weight=weight)
    scale, offset = fit.coef_[0, 0], fit.intercept_[0]
    ratios = scale * scores + offset

    # Speakers drawn so many times, in the order of their numbers; trials repeated as often.
    drawn = np.array([2, 0, 1, 3, 1, 0, 0, 1])
    times = [drawn[speaker[a]] if same else drawn[speaker[a]] * drawn[speaker[b]]
             for (a, b), same in zip(pairs, targets)]
    values = {
        "cosine": scores, "as_norm_speakers": by_speaker, "as_norm_utterances": by_utterance,
        "calibration": [scale, offset], "cllr": [cllr(scores, targets), cllr(ratios, targets)],
        "act_dcf": [act_dcf(ratios, targets, 0.01), act_dcf(ratios, targets, 0.05)],
        "drawn": eer_and_min_dcf(np.repeat(scores, times), np.repeat(targets, times)),
        "drawn_costs": [act_dcf(np.repeat(10 * scores, times), np.repeat(targets, times), p) for p in (0.01, 0.05)]
                       + [cllr(np.repeat(10 * scores, times), np.repeat(targets, times))],
        "once": eer_and_min_dcf(scores, targets),
        "quantile": np.quantile([3.0, 1.0, 7.5, 2.0], [0, 0.025, 0.5, 0.9, 1]),
    }
    lines = [" ".join([key, *(repr(float(value)) for value in list_of)]) for key, list_of in values.items()]
    (DATA / "scores.txt").write_text("\n".join(lines) + "\n")
    for key in ("calibration", "cllr", "act_dcf", "drawn", "drawn_costs", "once", "quantile"):
        print(key, *values[key])


if __name__ == "__main__":
    main()
