"""Assembles the corpus from unpacked packages. `build.sh` calls this; README.md describes what comes out."""

import argparse
import collections
import hashlib
import os
import random
from concurrent.futures import Executor, ThreadPoolExecutor

import audio
import lists
import sources
from sources import Clip


def drop_duplicates(root: str, clips: list[Clip]) -> list[Clip]:
    """Of byte-identical clips the first stays if all are of one speaker, and none stays otherwise."""
    digests = []
    speakers = collections.defaultdict(set)
    for clip in clips:
        with open(f"{root}/{clip.path}", "rb") as file:
            digests.append(hashlib.md5(file.read()).digest())
        speakers[digests[-1]].add(clip.speaker)
    kept, seen = [], set()
    for clip, digest in zip(clips, digests):
        if len(speakers[digest]) == 1 and digest not in seen:
            seen.add(digest)
            kept.append(clip)
    return kept


def decode_all(root: str, clips: list[Clip], pool: Executor) -> list[tuple[str, str, audio.np.ndarray]]:
    """(session, path, samples) of every clip, in order."""
    for package in {clip.path.split("/")[0] for clip in clips if clip.encoding == "g722"}:
        audio.decode_g722_package(root, package)  # once, before the threads ask for it
    samples = pool.map(lambda clip: audio.decode(root, clip), clips)
    return [(clip.session, clip.path, decoded) for clip, decoded in zip(clips, samples)]


def utterances_of(root: str, clips: list[Clip], most: int, pool: Executor) -> list[audio.Utterance]:
    """At most `most` utterances of one speaker, drawn at random but in order. Decodes no more clips than that is likely to need."""
    if len(clips) > 3 * most:
        random.Random(0).shuffle(clips)
        clips = sorted(clips[: 3 * most], key=lambda clip: (clip.session, clip.path))
    utterances = audio.make_utterances(decode_all(root, clips, pool))
    if len(utterances) > most:
        utterances = [utterances[i] for i in sorted(random.Random(1).sample(range(len(utterances)), most))]
    return utterances


def write_labelled(args: argparse.Namespace, clips: list[Clip], pool: Executor) -> None:
    """The speakers' folders, the tables and the trial lists."""
    by_speaker = collections.defaultdict(list)
    for clip in clips:
        by_speaker[clip.speaker].append(clip)
    rows, table, dropped = [], [], []
    for speaker in sorted(by_speaker, key=lambda speaker: speaker.name):
        utterances = utterances_of(args.packages, by_speaker[speaker], args.max_utterances, pool)
        if len(utterances) < args.min_utterances:
            dropped.append(f"{speaker.name} ({len(utterances)})")
            continue
        row = lists.Row(speaker, [], 0.0)
        for number, utterance in enumerate(utterances):
            utt = f"{speaker.name}/{utterance.session}-{number:04d}.wav"
            seconds = len(utterance.samples) / audio.RATE
            audio.write_wav(f"{args.out}/{utt}", utterance.samples)
            table.append(f"{utt}\t{seconds:.3f}\t{utterance.kind}\t{','.join(utterance.clips)}")
            row.utts.append(utt)
            row.seconds += seconds
        rows.append(row)
    print(f"dropped, with fewer than {args.min_utterances} utterances: {', '.join(dropped) or 'nobody'}")
    lists.assign_splits(rows)
    lists.write_lines(f"{args.out}/utts.tsv", table)
    lists.write_speakers(args.out, rows)
    lists.write_trials(args.out, rows)
    lists.write_wav_scp(args.out, (utt for row in rows for utt in row.utts), args.final)
    hours = sum(row.seconds for row in rows) / 3600
    print(f"{len(rows)} speakers, {sum(len(row.utts) for row in rows)} utterances, {hours:.2f} h")


def write_unlabelled(args: argparse.Namespace, clips: list[Clip], pool: Executor) -> None:
    """unlabelled/SOURCE/NAME-PART.wav: speech of unknown speakers, for training without labels."""
    utts, seconds = [], 0.0
    for source, path, samples in decode_all(args.packages, clips, pool):
        if len(samples) < audio.SHORTEST or not audio.is_speech(samples):
            continue
        name = os.path.basename(path).split(".")[0]
        for number, part in enumerate(audio.cut(samples)):
            if len(part) >= audio.SHORTEST:
                utts.append(f"{source}/{name}-{number}.wav")
                audio.write_wav(f"{args.out}/unlabelled/{utts[-1]}", part)
                seconds += len(part) / audio.RATE
    if utts:
        lists.write_wav_scp(f"{args.out}/unlabelled", utts, args.final, "unlabelled/")
        print(f"unlabelled: {len(utts)} utterances, {seconds / 3600:.2f} h")


def relocate(folder: str) -> None:
    """Makes the wav.scp files name the folder in which the corpus lies now."""
    for part, prefix in (folder, ""), (f"{folder}/unlabelled", "unlabelled/"):
        if os.path.exists(f"{part}/wav.scp"):
            with open(f"{part}/wav.scp", encoding="utf8") as file:
                entries = [line.rstrip("\n").split(" ", 1) for line in file]
            if any(path != f"{folder}/{utt}" for utt, path in entries):
                lists.write_wav_scp(part, (utt.removeprefix(prefix) for utt, _ in entries), folder, prefix)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--relocate", metavar="DIR", help="only bring the wav.scp files of a corpus that was moved up to date")
    parser.add_argument("--packages", help="folder that holds PACKAGE/usr/... of each unpacked package")
    parser.add_argument("--out", help="an existing folder for the corpus")
    parser.add_argument("--final", help="absolute path that the corpus will have in the end")
    parser.add_argument("--max-utterances", type=int, default=400, help="of each speaker (default: 400)")
    parser.add_argument("--min-utterances", type=int, default=20, help="speakers with fewer are dropped (default: 20)")
    args = parser.parse_args()
    if args.relocate:
        relocate(args.relocate)
        return
    clips = sources.read_all(args.packages)
    labelled = [clip for clip in clips if clip.speaker]
    distinct = drop_duplicates(args.packages, labelled)
    print(f"{len(labelled)} clips of known speakers, {len(labelled) - len(distinct)} of them duplicates", flush=True)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        write_labelled(args, distinct, pool)
        write_unlabelled(args, [clip for clip in clips if not clip.speaker], pool)


if __name__ == "__main__":
    main()
