"""The speech archive `queen.1c` of Flight of the Amazon Queen: MP3 clips whose names lead to a dialogue, a character, an actor."""

import os
import re
import struct
from typing import Iterator

# The in-game credits. Characters that they give to two actors are left out.
CHARACTERS = {
    "lavelle": "JOE", "hill": "SPARKY JIM APE WEDGE", "hootkins": "FRANK BUD JOHN CHEF", "reitel": "AND HENRY DEATH", "keith": "ORACLE",
    "coleman": "BOB", "arnold": "PRIN SHOWERAM", "james": "IAN CHIEF", "valdez": "FAYE", "martin": "NAOMI SEC", "reagan": "LOU WITCH",
}  # fmt: skip
ACTORS = {character: actor for actor, characters in CHARACTERS.items() for character in characters.split()}
SMALLEST_CLIP = 600  # bytes; smaller ones are placeholders


def read_index(archive: bytes) -> dict[str, tuple[int, int]]:
    """Name -> (offset, size). Big endian: 13 bytes of header, the number of files, then name[12], bundle, offset, size of each."""
    (count,) = struct.unpack_from(">H", archive, 13)
    index = {}
    for entry in range(count):
        name, _bundle, offset, size = struct.unpack_from(">12sBII", archive, 15 + 21 * entry)
        index[name.split(b"\0")[0].decode()] = (offset, size)
    return index


def read_dialogues(archive: bytes, index: dict[str, tuple[int, int]]) -> dict[str, str]:
    """Two-digit dialogue number, as in the names of its clips -> name of the dialogue (a character, often with a number)."""
    dialogues = {}
    for name, (offset, _size) in index.items():
        if name.endswith(".DOG"):
            (number,) = struct.unpack_from(">h", archive, offset + 24)
            dialogues[f"{number:02d}"] = name.removesuffix(".DOG")
    return dialogues


def classify(name: str, dialogues: dict[str, str]) -> tuple[str | None, str] | None:
    """(actor, session) of a clip; actor None: unlabelled speech; None: not used.

    JOE...: the hero's remarks. ddxxxxJn: the hero in dialogue dd. ddxxxxPn: the other person in it. Cn...: a cutscene.
    """
    if re.match(r"JOE\d", name):
        return "lavelle", "joe"
    line = re.match(r"(\d\d)[0-9A-F]{4}([JP])\d", name)
    if line and line[2] == "J":
        return "lavelle", "dlg"
    if line and line[1] in dialogues:
        character = re.sub(r"\d+$", "", dialogues[line[1]])
        return (ACTORS[character], character.lower()) if character in ACTORS else (None, "faq")
    if re.match(r"C\d", name):
        return None, "faq"
    return None


def unpack(root: str, path: str) -> Iterator[tuple[str, str | None, str]]:
    """Writes the clips of the archive to `root`/_queen and yields (path below root, actor or None, session), sorted by name."""
    with open(f"{root}/{path}", "rb") as file:
        archive = file.read()
    index = read_index(archive)
    dialogues = read_dialogues(archive, index)
    os.makedirs(f"{root}/_queen", exist_ok=True)
    for name, (offset, size) in sorted(index.items()):
        stem = name.removesuffix(".SB")
        found = classify(stem, dialogues) if stem != name and size >= SMALLEST_CLIP else None
        if found:
            clip = f"_queen/{stem}.mp3"
            with open(f"{root}/{clip}", "wb") as file:
                file.write(archive[offset : offset + size])
            yield clip, *found
