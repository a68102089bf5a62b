#!/usr/bin/env python3
"""Does augmentation help, and which: none, in the feature domain, or copies made of the waveforms? DINO on the whole corpus, equal samples, three seeds.

usage: copies.py [--work DIR] [--epochs E] [--seeds N]     downloads 877 MB and sounds of 50 MB; what is done of it is found again

Voices of copies are those of other training speakers. Shards, network and order are the same in all rows: only what is done to a view differs.
"""
import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import sounds
from whole_corpus import CACHE, CORPUS, LISTS, ROOT, SPCNET, SPCNET_DATA, build, eers, run

sys.path.insert(0, str(ROOT / "tests/e2e"))
from rooms import write_rooms  # pylint: disable=wrong-import-position

OFF = ("--augment.speech_prob", 0, "--augment.babble_prob", 0, "--augment.tilt_db", 0, "--augment.time_masks", 0, "--augment.freq_masks", 0)
ROWS = {"none": OFF, "features": (), "copies": (*OFF, "--augment.copy_prob", 0.8)}
COPIES = 4


def make_sounds(folder):
    """{kind: list}"""
    lists = {kind: folder / f"{kind}.scp" for kind in ("noise", "music", "rir")}
    if not folder.exists():
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        with tempfile.TemporaryDirectory() as work:
            sounds.convert(sounds.NOISES, sounds.is_noise, CACHE / "debian", Path(work), partial / "noise")
            sounds.convert(sounds.MUSIC, sounds.is_music, CACHE / "debian", Path(work), partial / "music")
        write_rooms([partial / f"rir/room{number:03}.wav" for number in range(60)])
        partial.rename(folder)
    for kind, path in lists.items():
        sounds.write_list(folder / kind, path)
    return lists


def lines_of(path, utts):
    return [line for line in path.read_text(encoding="utf-8").splitlines(True) if line.split()[0] in utts]


def pack(work):
    """Shards of the training data with copies, and of the evaluation's."""
    utts = {name: set((CORPUS / f"{name}.utts").read_text(encoding="utf-8").split()) for name in ("train", "eval")}
    speakers = lines_of(CORPUS / "wav.scp", utts["train"])
    lists = {"speech": speakers, "train": speakers + (CORPUS / "unlabelled/wav.scp").read_text(encoding="utf-8").splitlines(True),
             "eval": lines_of(CORPUS / "wav.scp", utts["eval"])}
    for name, lines in lists.items():
        (work / f"{name}.scp").write_text("".join(lines), encoding="utf-8")
    options = [f"--{kind}-scp={path}" for kind, path in make_sounds(CACHE / "sounds").items()]
    run(SPCNET_DATA, "fbank", "--wav-scp", work / "train.scp", "--out", work / "train", "--copies.num", COPIES, "--speech-scp", work / "speech.scp", *options,
        ranks=1)
    run(SPCNET_DATA, "fbank", "--wav-scp", work / "eval.scp", "--out", work / "eval", ranks=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=ROOT / "runs/copies")
    parser.add_argument("--epochs", type=float, default=1.4)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    build()
    pack(work)
    print(f"{'held-out EER, percent':24}" + "".join(f"{name:>8}" for name in LISTS), flush=True)
    results = {row: [] for row in ROWS}
    for seed in range(1, arguments.seeds + 1):
        for row, options in ROWS.items():
            trained = work / f"{row}-{seed}"
            run(SPCNET, "train", "--config", ROOT / "configs/demo.conf", "--rounds.count", 0, "--shards", work / "train", "--run", trained, "--train.epochs",
                arguments.epochs, "--train.seed", seed, *options)
            results[row].append(eers(trained, work / "eval"))
            print(f"{row + f', seed {seed}':24}" + "".join(f"{eer:8.2f}" for eer in results[row][-1]), flush=True)
    for row, rows in results.items():
        print(f"{row + ', mean':24}" + "".join(f"{statistics.mean(column):8.2f}" for column in zip(*rows)), flush=True)


if __name__ == "__main__":
    main()
