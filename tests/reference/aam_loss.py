"""AAM-softmax by its formula in double precision, with gradients, for tests/unit/loss/aam_loss_test.cpp.

    python3 -m venv /tmp/loss-ref
    /tmp/loss-ref/bin/pip install torch==2.11.0 numpy
    /tmp/loss-ref/bin/python tests/reference/aam_loss.py

Writes tests/reference/data/aam_loss.txt. Cosines come from a formula that the test repeats; the angle is taken by acos, the margin added,
and the cross-entropy computed by PyTorch.
"""

import math
from pathlib import Path

import torch

DATA = Path(__file__).parent / "data"
CASES = {"paper": (7, 5, 30, 0.2), "no_margin": (4, 3, 10, 0), "large": (6, 9, 32, 0.5), "beyond": (5, 4, 3, 1.2)}


def main():
    lines = []
    for name, (rows, classes, scale, margin) in CASES.items():
        count = rows * classes
        cosines = (0.99 * torch.sin(1.3 * (torch.arange(count, dtype=torch.float64) + 1))).view(rows, classes).requires_grad_(True)
        labels = torch.arange(rows) % classes
        angle = torch.acos(cosines)
        turned = torch.where(angle + margin <= math.pi, torch.cos(angle + margin), cosines - margin * math.sin(margin))
        logits = scale * torch.where(torch.nn.functional.one_hot(labels, classes).bool(), turned, cosines)
        losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
        (losses * torch.arange(1, rows + 1)).sum().backward()
        for what, values in (("loss", losses), ("gradient", cosines.grad)):
            lines.append(" ".join([f"{name}/{what}", *(f"{float(v):.17g}" for v in values.detach().flatten())]))
    (DATA / "aam_loss.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
