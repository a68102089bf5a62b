"""Which speakers are held out, the trial lists, and the text files that describe a corpus."""

import collections
import os
import random
from dataclasses import dataclass
from typing import Iterable

from sources import Speaker

DRAWS = 150  # trials drawn for each speaker and kind; equal draws count once


@dataclass
class Row:
    """One finished speaker."""

    speaker: Speaker
    utts: list[str]  # SPEAKER/SESSION-NNNN.wav
    seconds: float
    split: str = ""  # train or eval


def session_of(utt: str) -> str:
    return utt.split("/")[1].rsplit("-", 1)[0]


def assign_splits(rows: Iterable[Row]) -> None:
    """Of the speakers of a group whose label means one human, the first, third, ... are held out; roles always train."""
    seen = collections.Counter()
    for row in rows:
        row.split = "train"
        if row.speaker.label != "role":
            seen[row.speaker.group] += 1
            row.split = "eval" if seen[row.speaker.group] % 2 else "train"


def may_differ(one: Speaker, other: Speaker) -> bool:
    """False if both could be one human: the same language in two packages may be one volunteer."""
    return one.group == other.group or not set(one.language.split("+")) & set(other.language.split("+"))


def draw_trials(rows: list[Row], rng: random.Random, same_group: bool, cross_session: bool) -> list[tuple[int, str, str]]:
    """(1 target or 0 nontarget, utt, utt) over the held-out speakers, sorted by utterance.

    same_group: nontargets share the group, hence the channel. cross_session: the two sides of a target are from different sessions.
    """
    held_out = [row for row in rows if row.split == "eval"]
    trials = set()
    for row in held_out:
        others = [other for other in held_out if other is not row and may_differ(row.speaker, other.speaker)]
        if same_group:
            others = [other for other in others if other.speaker.group == row.speaker.group]
        for _ in range(DRAWS):
            one, two = rng.sample(row.utts, 2)
            if not (cross_session and session_of(one) == session_of(two)):
                trials.add((1, one, two))
        for _ in range(2 * DRAWS if others else 0):
            utt = rng.choice(row.utts)
            trials.add((0, utt, rng.choice(rng.choice(others).utts)))
    return sorted(trials, key=lambda trial: trial[1:])


def write_trials(folder: str, rows: list[Row]) -> None:
    """trials_all.txt; trials_group.txt (nontargets share the channel); trials_xsess.txt (targets do not, too).

    A list without targets or without nontargets is not written: no error rate can be had from it.
    """
    rng = random.Random(7)
    for name, same_group, cross_session in ("all", False, False), ("group", True, False), ("xsess", True, True):
        trials = draw_trials(rows, rng, same_group, cross_session)
        targets = sum(target for target, _, _ in trials)
        print(f"trials_{name}: {targets} target, {len(trials) - targets} nontarget")
        if 0 < targets < len(trials):
            write_lines(f"{folder}/trials_{name}.txt", (f"{target} {one} {two}" for target, one, two in trials))


def write_lines(path: str, lines: Iterable[str]) -> None:
    with open(path, "w", encoding="utf8") as file:
        file.writelines(line + "\n" for line in lines)


def write_speakers(folder: str, rows: list[Row]) -> None:
    """speakers.tsv, utt2spk, train.utts and eval.utts."""
    header = "speaker group label lang utts seconds sessions split".replace(" ", "\t")
    table = []
    for row in rows:
        sessions = len({session_of(utt) for utt in row.utts})
        who = row.speaker
        fields = (who.name, who.group, who.label, who.language, len(row.utts), round(row.seconds, 1), sessions, row.split)
        table.append("\t".join(map(str, fields)))
    write_lines(f"{folder}/speakers.tsv", [header, *table])
    write_lines(f"{folder}/utt2spk", sorted(f"{utt} {row.speaker.name}" for row in rows for utt in row.utts))
    for split in "train", "eval":
        write_lines(f"{folder}/{split}.utts", sorted(utt for row in rows if row.split == split for utt in row.utts))


def write_wav_scp(folder: str, utts: Iterable[str], home: str, prefix: str = "") -> None:
    """wav.scp: `prefix`utt, and where it lies once the corpus is in `home`. Replaces an old one in one step."""
    write_lines(f"{folder}/wav.scp.tmp", (f"{prefix}{utt} {home}/{prefix}{utt}" for utt in sorted(utts)))
    os.replace(f"{folder}/wav.scp.tmp", f"{folder}/wav.scp")
