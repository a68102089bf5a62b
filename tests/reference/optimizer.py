"""Ten steps of PyTorch's SGD and AdamW in double precision, for tests/unit/train.

    python3 -m venv /tmp/optimizer-ref
    /tmp/optimizer-ref/bin/pip install torch==2.11.0 numpy
    /tmp/optimizer-ref/bin/python tests/reference/optimizer.py

Writes tests/reference/data/optimizer.txt: lines `type/parameter/step value value ...`. Parameters,
gradients and learning rates come from formulas that the C++ test repeats.
"""

from pathlib import Path

import torch

DATA = Path(__file__).parent / "data"
STEPS = 10
WEIGHT_DECAY = 0.3


def values(count, frequency, phase):
    return torch.sin(frequency * torch.arange(count, dtype=torch.float64) + phase)


def main():
    lines = []
    for kind in ("sgd", "adamw"):
        weight = values(12, 1.1, 0.2).reshape(3, 4).requires_grad_(True)
        bias = values(5, 0.6, 0.9).requires_grad_(True)
        groups = [dict(params=[weight], weight_decay=WEIGHT_DECAY), dict(params=[bias], weight_decay=0)]
        if kind == "sgd":
            optimizer = torch.optim.SGD(groups, lr=1, momentum=0.9)
        else:
            optimizer = torch.optim.AdamW(groups, lr=1, betas=(0.85, 0.97), eps=1e-4)
        for step in range(1, STEPS + 1):
            for group in optimizer.param_groups:
                group["lr"] = 0.02 * step
            weight.grad = values(12, 0.7, step).reshape(3, 4) * step
            bias.grad = values(5, 0.5, 2 * step)
            optimizer.step()
            for name, tensor in (("weight", weight), ("bias", bias)):
                lines.append(" ".join([f"{kind}/{name}/{step}", *(f"{float(v):.17g}" for v in tensor.detach().flatten())]))
    (DATA / "optimizer.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
