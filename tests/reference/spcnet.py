"""Numbers of SpcNet and of the DINO head in double precision, for tests/unit/model.

    python3 -m venv /tmp/spcnet-ref
    /tmp/spcnet-ref/bin/pip install torch==2.11.0 numpy h5py
    /tmp/spcnet-ref/bin/python tests/reference/spcnet.py

Writes tests/reference/data/{spcnet,dino_head}.txt: lines `key value value ...`. Weights and inputs
come from formulas that the C++ tests repeat (tests/unit/model/formula.h).
"""

from pathlib import Path

import torch
from torch import nn

from spcnet_torch import SpcNet

DATA = Path(__file__).parent / "data"
SMALL = dict(channels=8, blocks="1,1,1,1", pooling_hidden=6, embedding_dim=5)
VARIANTS = {  # name: (mel bins, changes)
    "asp_avg": (20, dict()),
    "asp_avg_plain": (24, dict(identity=False)),
    "asp_max": (20, dict(block_pooling="max")),
    "asp_none": (24, dict(block_pooling="none")),
    "stats_avg": (20, dict(pooling="stats")),
    "stats_max_plain": (24, dict(pooling="stats", block_pooling="max", identity=False)),
    "stats_none_plain": (20, dict(pooling="stats", block_pooling="none", identity=False)),
    "widths": (21, dict(reduction=3, pconv_ratio=0.5, blocks="2,1,2,1", channels=16)),
}


def wave(count, phase):
    return torch.sin(0.7 * torch.arange(count, dtype=torch.float64) + phase)


def value_of(name, tensor):
    """The value of a parameter or buffer: a function of its name, shape and position."""
    s = wave(tensor.numel(), sum(name.encode()) % 97).reshape(tensor.shape)
    if name.endswith("running_var"):
        return 1 + 0.3 * s * s
    if name.endswith("weight") and tensor.dim() == 1:
        return 1 + 0.2 * s
    if name.endswith("weight"):
        return s / (tensor.numel() / tensor.shape[0]) ** 0.5
    return 0.1 * s


def input_of(*shape):
    i = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return (torch.sin(0.37 * i) + 0.5 * torch.sin(0.0013 * i * i)).reshape(shape)


def fill(net):
    net.double()
    state = net.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            tensor.copy_(value_of(name, tensor))
    return net


class Lines:
    def __init__(self, name):
        self.path, self.lines = DATA / name, []

    def add(self, key, *values):
        self.lines.append(" ".join([key, *(f"{float(v):.17g}" for v in values)]))

    def write(self):
        self.path.write_text("\n".join(self.lines) + "\n")


def measure(lines, key, net, x):
    """Outputs in both modes, gradients of a fixed scalar, running statistics after one pass."""
    with torch.no_grad():
        lines.add(f"{key}/eval", *net.eval()(x).flatten())
    x.requires_grad_(True)
    y = net.train()(x)
    lines.add(f"{key}/train", *y.detach().flatten())
    (y.flatten() * torch.cos(0.3 * torch.arange(y.numel(), dtype=torch.float64))).sum().backward()
    lines.add(f"{key}/grad/input", x.grad.sum(), x.grad.norm())
    for name, parameter in net.named_parameters():
        lines.add(f"{key}/grad/{name}", parameter.grad.sum(), parameter.grad.norm())
    for name, buffer in net.named_buffers():
        if buffer.is_floating_point():
            lines.add(f"{key}/running/{name}", buffer.sum(), buffer.norm())


def multiply_adds(net, bins, frames):
    total = 0

    def count(module, _, output):
        nonlocal total
        total += module.weight.numel() * output.numel() // (output.shape[1] if output.dim() == 4 else output.shape[-1])

    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(count)
    with torch.no_grad():
        net.eval()(torch.zeros(1, frames, bins))
    return total


class DinoHead(nn.Module):
    def __init__(self, use_bn, embedding=6, hidden=10, bottleneck=5, prototypes=7):
        super().__init__()
        sizes = [embedding, hidden, hidden, bottleneck]
        self.mlp = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.bn = nn.ModuleList(nn.BatchNorm1d(hidden) if use_bn else nn.Identity() for _ in range(2))
        self.last = nn.Linear(bottleneck, prototypes, bias=False)

    def forward(self, x):
        for mlp, bn in zip(self.mlp, self.bn):
            x = nn.functional.gelu(bn(mlp(x)))
        x = nn.functional.normalize(self.mlp[2](x))
        return nn.functional.linear(x, nn.functional.normalize(self.last.weight))


def main():
    lines = Lines("spcnet.txt")
    for bins, frames in ((64, 200), (80, 300)):
        paper = SpcNet(bins)
        lines.add(f"parameters/{bins}", sum(p.numel() for p in paper.parameters()))
        lines.add(f"multiply_adds/{bins}x{frames}", multiply_adds(paper, bins, frames))
    for key, (bins, changes) in VARIANTS.items():
        measure(lines, key, fill(SpcNet(bins, **{**SMALL, **changes})), input_of(3, 37, bins))
    lines.write()

    lines = Lines("dino_head.txt")
    for key, use_bn in (("bn", True), ("plain", False)):
        measure(lines, key, fill(DinoHead(use_bn)), input_of(5, 6))
    lines.write()


if __name__ == "__main__":
    main()
