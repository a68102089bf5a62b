"""The loss of DINO as its authors wrote it (a loop over pairs of views), for tests/unit/loss.

    python3 -m venv /tmp/dino-ref
    /tmp/dino-ref/bin/pip install torch==2.11.0 numpy
    /tmp/dino-ref/bin/python tests/reference/dino_loss.py

Writes tests/reference/data/dino_loss.txt: lines `key value value ...`. The loop follows DINOLoss in
main_dino.py of facebookresearch/dino, in double precision; inputs come from formulas that the C++
test repeats.
"""

from pathlib import Path

import torch

DATA = Path(__file__).parent / "data"
CASES = {  # name: V views, G of them global, B utterances, K prototypes
    "multi_crop": (6, 2, 3, 11),
    "two_views": (2, 2, 3, 11),
    "one_global": (3, 1, 2, 4),
    "three_globals": (5, 3, 2, 4),
}
STUDENT_TEMP, TEACHER_TEMP = 0.1, 0.04


def values(count, frequency):
    return torch.sin(frequency * (torch.arange(count, dtype=torch.float64) + 1))


def main():
    lines = []
    for key, (views, global_views, rows, classes) in CASES.items():
        student = values(views * rows * classes, 1.3).reshape(-1, classes).requires_grad_(True)
        teacher = values(global_views * rows * classes, 2.1).reshape(-1, classes)
        center = 0.2 * values(classes, 0.7)

        student_out = (student / STUDENT_TEMP).chunk(views)
        teacher_out = torch.softmax((teacher - center) / TEACHER_TEMP, dim=-1).chunk(global_views)
        loss = entropy = kl = terms = 0
        for iq, q in enumerate(teacher_out):
            for v, s in enumerate(student_out):
                if v == iq:
                    continue
                log_student = torch.log_softmax(s, dim=-1)
                loss = loss + torch.sum(-q * log_student, dim=-1).mean()
                entropy += torch.special.entr(q).sum(-1).mean()
                kl += torch.nn.functional.kl_div(log_student.detach(), q, reduction="sum") / rows
                terms += 1
        loss = loss / terms
        loss.backward()
        for name, value in (("loss", loss.detach()), ("entropy", entropy / terms), ("kl", kl / terms),
                            ("center_sum", teacher.sum(0)), ("gradient", student.grad)):
            lines.append(" ".join([f"{key}/{name}", *(f"{float(v):.17g}" for v in value.flatten())]))
    (DATA / "dino_loss.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
