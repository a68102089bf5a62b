#!/usr/bin/env python3
"""The layout enforces itself: #includes against the table of rooms, third parties inside their room, collectives in two rooms only.

usage: layout.py [ROOT]      prints every breach, exit code 1 if there is one
"""
import re
import sys
from pathlib import Path

# room -> rooms it may include, besides itself, or single headers of one. Arrows point down only; never sideways, except that the loop drives
# everything below it.
ROOMS = {
    "base": set(),
    "feat": {"base", "kernels"},
    "store": {"base", "kernels"},
    "kernels": set(),
    "linalg": {"base"},
    "dist": {"base"},
    "metrics": {"base"},
    "plot": {"base"},
    "loader": {"base", "store"},
    "model": {"base", "dist", "kernels", "linalg"},
    "loss": {"base", "kernels"},
    "pseudo": {"base", "linalg"},
    "eval": {"base"},
    "report": {"base", "store", "plot"},
    "onnx_export": {"base", "store", "model/spcnet_config.h"},  # without LibTorch, whose protobuf is another one
    "train": {"base", "kernels", "store", "dist", "metrics", "loader", "model", "loss", "pseudo", "eval", "report"},
    "plan": {"base", "loader", "model", "pseudo", "train"},
    "app": {"base", "store", "dist", "metrics", "loader", "model", "loss", "pseudo", "eval", "report", "train", "plan"},
    "data": {"base", "kernels", "feat", "store", "plot"},
    "launcher": {"base"},
}
# What a header's name begins with -> the only rooms that may include it.
THIRD_PARTIES = {
    "hdf5": {"store"}, "H5": {"store"},
    "mpi": {"dist"}, "nccl": {"dist"}, "cuda": {"dist", "kernels"},
    "prometheus/": {"metrics"},
    "sndfile": {"feat"}, "soxr": {"feat"}, "kiss_": {"feat"},
    "boost/": {"base"}, "nlohmann/": {"base"},
    "hwy/": {"kernels"},
    "onnx/": {"onnx_export"}, "google/protobuf/": {"onnx_export"},
    "ATen/": {"linalg", "dist", "model", "loss", "pseudo", "eval", "train"}, "c10/": {"dist", "model", "loss", "pseudo", "eval", "train"},
    "torch/": {"dist", "model", "loss", "pseudo", "train"},
}
COLLECTIVES = re.compile(r"\b(all_reduce|all_gather|reduce_scatter)\w*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def breaches_of(path: Path, room: str, text: str):
    """Yields (line, message) for one file."""
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            quote, header = match.groups()
            target = header.split("/")[0]
            if quote == '"' and target in ROOMS and target != room and not {target, header} & ROOMS[room]:
                yield number, f"{room} may not include {target} ({header})"
            if quote == '"' and target not in ROOMS:
                yield number, f'"{header}" names no room'
            for prefix, allowed in THIRD_PARTIES.items():
                if quote == "<" and header.startswith(prefix) and room not in allowed:
                    yield number, f"<{header}> belongs to {' and '.join(sorted(allowed))} alone"
        if room not in ("dist", "train") and COLLECTIVES.search(line):
            yield number, "collectives are called in dist and train alone"


def rooms_of(root: Path):
    """Yields (room, folder)."""
    for folder in sorted((root / "src").iterdir()):
        if folder.is_dir():
            yield folder.name, folder
    for name in ("data", "launcher"):
        if (root / name).is_dir():
            yield name, root / name


def check(root: Path):
    """All breaches below `root`, as text."""
    found = []
    for room, folder in rooms_of(root):
        if room not in ROOMS:
            found.append(f"{folder}: no such room; add it to the table with what it may include")
            continue
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".h", ".cpp", ".cu", ".cuh"):
                found += [f"{path}:{n}: {m}" for n, m in breaches_of(path, room, path.read_text())]
    return found


def check_self():
    """The check can fail: planted breaches are found."""
    planted = '#include <hdf5.h>\n#include "train/trainer.h"\n#include "nowhere/x.h"\ncomm.all_reduce_now(x);\n'
    assert len(list(breaches_of(Path("x.cpp"), "eval", planted))) == 4
    assert not list(breaches_of(Path("x.cpp"), "eval", '#include <vector>\n#include "base/error.h"\n'))
    one_header = '#include "model/spcnet_config.h"\n#include "model/spcnet.h"\n'
    assert [line for line, _ in breaches_of(Path("x.cpp"), "onnx_export", one_header)] == [2]


if __name__ == "__main__":
    check_self()
    problems = check(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2])
    print("\n".join(problems) if problems else "layout: every include obeys the table")
    sys.exit(1 if problems else 0)
