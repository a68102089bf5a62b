#!/usr/bin/env python3
"""Which of the project's files make up a compilation unit.

sources_of.py UNIT                            the project's sources and headers that it includes, directly or not
sources_of.py --units compile_commands.json   the units that hold code of src/, data/ and launcher/ (tests are not analysed)
"""
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def included(path: Path, seen: set):
    """Adds to `seen` every file of the project that `path` includes."""
    for name in INCLUDE.findall(path.read_text()):
        for candidate in (Path(name), path.parent / name, ROOT / "src" / name, ROOT / name):
            if candidate.is_absolute() and candidate.exists() or (candidate := candidate.resolve()).exists():
                if str(candidate).startswith(str(ROOT)) and candidate not in seen:
                    seen.add(candidate)
                    included(candidate, seen)
                break
    return seen


def units(database: Path):
    """Paths of the units in the compilation database."""
    for entry in json.loads(database.read_text()):
        path = Path(entry["file"])
        parts = path.relative_to(ROOT).parts if path.is_relative_to(ROOT) else ()
        where = parts[2:3] if parts[:1] == ("build",) else parts[:1]
        of_product = where in (("src",), ("data",), ("launcher",))
        if of_product and path.suffix != ".c":
            yield path


if __name__ == "__main__":
    if sys.argv[1] == "--units":
        print("\n".join(str(path) for path in units(Path(sys.argv[2]))))
    else:
        unit = Path(sys.argv[1])
        print("\n".join(sorted(str(path) for path in included(unit, set()))))
