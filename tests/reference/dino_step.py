"""Five whole steps of DINO in double precision, written from its description, for tests/unit/train.

    python3 -m venv /tmp/dino-step-ref
    /tmp/dino-step-ref/bin/pip install torch==2.11.0 numpy h5py
    /tmp/dino-step-ref/bin/python tests/reference/dino_step.py

Writes tests/reference/data/dino_step.txt: lines `key value value ...`. Weights come from the formula
of spcnet.py under the tensors' full names ("student.backbone.fc.weight"), features from integers, so
that they are the same float32 numbers everywhere; the C++ tests repeat both (tests/unit/train).
"""

from pathlib import Path

import torch
from torch import nn

from spcnet import DinoHead, Lines, value_of
from spcnet_torch import SpcNet

BINS, UTTS, GLOBALS, LOCALS = 16, 4, 2, 2
GLOBAL_FRAMES, LOCAL_FRAMES = 40, 24
STUDENT_TEMP, CENTER_MOMENTUM = 0.1, 0.9
SGD_MOMENTUM, WEIGHT_DECAY, CLIP = 0.9, 0.05, 0.05


def settings(step):  # learning rate, teacher temperature, teacher momentum, is the last layer frozen
    return 0.02 * (step + 1), 0.04 + 0.01 * step, 0.9 + 0.01 * step, step < 2


def features(views, frames, step, kind):
    i = torch.arange(views * UTTS * frames * BINS, dtype=torch.int64)
    h = (31 * i * i + 7919 * i + 104729 * step + 1299709 * kind) % 2039
    return (h.double() / 512 - 2).reshape(views * UTTS, frames, BINS)


def network(role):
    backbone = SpcNet(BINS, channels=8, blocks="1,1,1,1", pooling_hidden=8, embedding_dim=8)
    head = DinoHead(True, embedding=8, hidden=16, bottleneck=6, prototypes=16)
    net = nn.ModuleDict(dict(backbone=backbone, head=head)).double()
    for name, tensor in net.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(value_of(f"{role}.{name}", tensor))
    return net.train()


def main():
    student, teacher = network("student"), network("teacher")
    center = value_of("center", torch.empty(16, dtype=torch.float64))
    momentum = {name: torch.zeros_like(p) for name, p in student.named_parameters()}
    lines = Lines("dino_step.txt")
    for step in range(5):
        lr, teacher_temp, teacher_momentum, frozen = settings(step)
        views = features(GLOBALS, GLOBAL_FRAMES, step, 0)
        with torch.no_grad():
            teacher_logits = teacher.head(teacher.backbone(views))
        embeddings = [student.backbone(views), student.backbone(features(LOCALS, LOCAL_FRAMES, step, 1))]
        student_logits = student.head(torch.cat(embeddings))

        loss = entropy = pairs = 0
        for q, target in enumerate(teacher_logits.chunk(GLOBALS)):
            target = torch.softmax((target - center) / teacher_temp, dim=-1)
            entropy += torch.special.entr(target).sum(-1).mean() / GLOBALS
            for v, logits in enumerate(student_logits.chunk(GLOBALS + LOCALS)):
                if v != q:
                    loss = loss - (target * torch.log_softmax(logits / STUDENT_TEMP, dim=-1)).sum(-1).mean()
                    pairs += 1
        loss = loss / pairs
        lines.add(f"step/{step}/loss", loss.detach())
        lines.add(f"step/{step}/teacher_entropy", entropy)
        student.zero_grad(set_to_none=True)
        loss.backward()

        lines.add(f"step/{step}/grad_norm", sum(p.grad.square().sum() for p in student.parameters()).sqrt())
        clipped = 0
        with torch.no_grad():
            for name, p in student.named_parameters():
                coefficient = CLIP / (p.grad.norm() + 1e-6)
                if coefficient < 1:
                    p.grad.mul_(coefficient)
                    clipped += 1
                if frozen and name == "head.last.weight":
                    continue
                decayed = p.grad + WEIGHT_DECAY * p if p.dim() > 1 else p.grad
                momentum[name] = SGD_MOMENTUM * momentum[name] + decayed
                p.sub_(lr * momentum[name])
            for mine, theirs in zip(teacher.parameters(), student.parameters()):
                mine.mul_(teacher_momentum).add_((1 - teacher_momentum) * theirs)
            center = CENTER_MOMENTUM * center + (1 - CENTER_MOMENTUM) * teacher_logits.mean(0)
        print(f"step {step}: loss {loss.item():.6f}, {clipped} of {len(momentum)} tensors clipped")

    lines.add("end/center", *center)
    for role, net in (("student", student), ("teacher", teacher)):
        for name, tensor in net.state_dict().items():
            if tensor.is_floating_point():
                lines.add(f"end/{role}.{name}", tensor.sum(), tensor.norm())
    lines.write()


if __name__ == "__main__":
    main()
