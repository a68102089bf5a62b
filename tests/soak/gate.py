#!/usr/bin/env python3
"""The loss gate without stage 1: true speakers as labels, some of them replaced by other speakers, so that it is known which are wrong.

usage: gate.py [--work DIR] [--epochs N] [--seeds N]     on the corpus of 877 MB of downloads; what is done of it is found again

First table: epoch by epoch, how well the losses tell wrong labels from right ones, and what the gate would keep; training trusts all labels.
Second: held-out EER after the same number of epochs with 30 % wrong labels, un-gated against gated and corrected, and with no wrong label.
"""
import argparse
import json
import random
import statistics
from pathlib import Path

import h5py
import numpy as np

from whole_corpus import CACHE, CORPUS, LISTS, ROOT, SPCNET, SPCNET_DATA, build, eers, run

SHARDS = CACHE / "shards-whole/speakers"
BATCH = 64
CONFIG = f"""
[train]
objective = pseudo_label
batch_size = {BATCH}
[views]
num_global = 1
num_local = 0
[aam]
margin_warmup_epochs = 1
[optim]
warmup_epochs = 0.25
[checkpoint]
every_steps = 100000
keep = 1
"""
GATED = ("--loss_gate.enabled", "true", "--loss_gate.first_epoch", "2", "--label_correction.type", "fix", "--label_correction.first_epoch", "3")


def true_labels():
    utts = {line.split()[0] for line in (CORPUS / "train.utts").read_text().splitlines()}
    pairs = (line.split() for line in (CORPUS / "utt2spk").read_text().splitlines())
    return {utt: speaker for utt, speaker in pairs if utt in utts}


def with_noise(labels, share, seed):
    """Each label is replaced by another speaker, any with the same probability, with probability `share`."""
    draw = random.Random(seed)
    speakers = sorted(set(labels.values()))
    return {utt: draw.choice([other for other in speakers if other != speaker]) if draw.random() < share else speaker
            for utt, speaker in labels.items()}


def area_under_curve(scores, positive):
    """Probability that a positive one scores higher than another, ties counting half."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place]
    n = positive.sum()
    return (rank[positive].sum() - n * (n + 1) / 2) / (n * (len(scores) - n))


class Training:
    def __init__(self, work, name, noisy, epochs, seed, options=()):
        self.folder, self.epochs = work / name, epochs
        labels, config = work / f"{name}.labels", work / "gate.conf"
        labels.write_text("".join(f"{utt} {speaker}\n" for utt, speaker in noisy.items()))
        config.write_text(CONFIG)
        self.steps_per_epoch = len(noisy) / BATCH
        self.command = (SPCNET, "train", "--config", ROOT / "configs/demo.conf", "--config", config, "--rounds.count", 0, "--shards", SHARDS, "--utts",
                        labels, "--labels", labels, "--run", self.folder, "--train.epochs", epochs, "--train.seed", seed, *options)

    def to_epoch(self, count):
        """Trains until so many epochs are done; returns the losses of the last of them by utterance, and what was logged of it."""
        run(*self.command, "--train.max_steps", int(np.ceil(count * self.steps_per_epoch)))
        with h5py.File(self.folder / "losses.h5") as file:
            assert file.attrs["epoch"] == count - 1
            losses = dict(zip(file["utt"].asstr()[:], file["loss"][:]))
            decisions = dict(zip(file["utt"].asstr()[:], file["decision"][:]))
        events = [json.loads(line) for line in (self.folder / "train.jsonl").read_text().splitlines() if '"labels"' in line]
        return losses, decisions, next(event for event in reversed(events) if event["epoch"] == count - 1)

    def eers(self):
        run(*self.command)
        return eers(self.folder, SHARDS)


def epoch_table(training, noisy, truth, share):
    for epoch in range(1, training.epochs + 1):
        losses, _, event = training.to_epoch(epoch)
        utts = list(losses)
        loss = np.array([losses[utt] for utt in utts])
        wrong = np.array([noisy[utt] != truth[utt] for utt in utts])
        line = f"{share:5.0%} {epoch:6} {area_under_curve(loss, wrong):6.3f}"
        if "gate" in event:
            threshold = event["threshold"]
            kept = np.ones(len(loss), bool) if threshold is None else np.log(np.maximum(loss, 1e-6)) <= threshold
            precision = (~wrong[kept]).mean() if kept.any() else float("nan")
            line += f" {event['gate']:>13} {kept.mean():6.1%} {precision:10.1%} {(kept & ~wrong).sum() / (~wrong).sum():7.1%}"
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=ROOT / "runs/gate")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    work, epochs = arguments.work, arguments.epochs
    work.mkdir(parents=True, exist_ok=True)
    build()
    run(SPCNET_DATA, "fbank", "--wav-scp", CORPUS / "wav.scp", "--utt2spk", CORPUS / "utt2spk", "--out", SHARDS, ranks=1)
    truth = true_labels()
    noise = {(share, seed): with_noise(truth, share, seed) for share in (0.2, 0.3, 0.5) for seed in range(1, arguments.seeds + 1)}

    print("wrong  epoch    AUC          gate   kept  precision  recall")
    for share in (0.2, 0.3, 0.5):
        noisy = noise[share, 1]
        epoch_table(Training(work, f"all-{share:.0%}-1", noisy, epochs, 1), noisy, truth, share)

    print(f"\n{'held-out EER, percent':36}" + "".join(f"{name:>8}" for name in LISTS))
    kinds = {"no wrong label": (0, ()), "30 % wrong, all trusted": (0.3, ()), "30 % wrong, gated and corrected": (0.3, GATED)}
    for kind, (share, options) in kinds.items():
        rows = []
        for seed in range(1, arguments.seeds + 1):
            name = f"{'gated' if options else 'all'}-{share:.0%}-{seed}"
            rows.append(Training(work, name, noise[share, seed] if share else truth, epochs, seed, options).eers())
            print(f"{kind + f', seed {seed}':36}" + "".join(f"{eer:8.2f}" for eer in rows[-1]), flush=True)
        print(f"{kind + ', mean':36}" + "".join(f"{statistics.mean(column):8.2f}" for column in zip(*rows)), flush=True)


if __name__ == "__main__":
    main()
