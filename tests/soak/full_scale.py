#!/usr/bin/env python3
"""As many utterances as VoxCeleb2's development set has, 1,092,009 of 5,994 speakers, in sparse shards of 132 GB: what their number costs at the
start, in memory, in a step, at the end of an epoch, on going on in the middle of one, and in an extraction. The network is tiny: what is
measured beside it is the data's. Ends with 1 when a limit is broken.

usage: full_scale.py [--folder DIR]     where the data go, 0.2 GB; deleted at the end
"""
import argparse
import os
import random
import statistics
import sys
import tempfile

import h5py

import order
import sparse_shards
from watch import watch

RANKS = 2
BATCH = 8
MEMORY_MIB = 1024   # a rank may take so much more than on a thousand utterances
RESUME_SECONDS = 5  # longer than a start at the beginning
CONFIG = f"""
[model]
channels = 8
blocks = 1,1,1,1
pooling_hidden = 16
embedding_dim = 256

[views]
num_global = 2
global_frames = 40
num_local = 2
local_frames = 24

[augment]
speech_prob = 0.3
babble_prob = 0.3

[dino]
out_dim = 32
hidden_dim = 32
bottleneck_dim = 16

[optim]
lr = 0.001
scale_lr = false

[train]
epochs = 20
batch_size = {BATCH}
precision = fp32
threads = 1

[loader]
threads = 1

[checkpoint]
every_steps = 100

[log]
every_seconds = 0
"""
ON_LABELS = ["--train.objective", "pseudo_label", "--views.num_global", "1", "--views.num_local", "0", "--loss_gate.enabled", "true"]


class FullScale:
    def __init__(self, folder):
        self.folder = folder
        self.broken = []
        self.config = self.path("tiny.conf")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG)
        self.utts = {}
        for name, count, speakers, clusters in (("few", 1000, 10, 50), ("all", sparse_shards.UTTS, sparse_shards.SPEAKERS, 7500)):
            self.utts[name], frames = sparse_shards.write_shards(self.path(name), count, speakers)
            draw = random.Random(1)
            with open(self.path(f"{name}.labels"), "w", encoding="utf-8") as file:
                file.writelines(f"{utt} {draw.randrange(clusters)}\n" for utt in self.utts[name])
            hours, gigabytes = frames.sum() / 360000, frames.sum() * sparse_shards.BINS * 2 / 1e9
            print(f"{count} utterances of {speakers} speakers, {hours:.0f} h, {gigabytes:.1f} GB", flush=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def limit(self, what, value, most):
        if value > most:
            self.broken.append(f"{what}: {value:.1f}, at most {most}")

    def train(self, data, run, steps, *options, ranks=RANKS):
        """@param steps  the last one"""
        return watch("spcnet", "train", "--config", self.config, "--shards", self.path(data), "--run", self.path(run), "--train.max_steps",
                     str(steps), *options, ranks=ranks, run=self.path(run))

    def start(self, kind, options):
        """Starts a run on few and on all, and on all once more in the middle of the second epoch, where it goes over the epoch's end."""
        few, whole = (self.train(name, f"{kind}-{name}", 30, *options[name]) for name in ("few", "all"))
        more = whole.peak_mib - few.peak_mib
        print(f"{kind}: start to first step {few.first_step:.1f} s on few, {whole.first_step:.1f} s on all; processor {few.cpu:.1f} s, "
              f"{whole.cpu:.1f} s; memory of a rank {few.peak_mib} MiB, {whole.peak_mib} MiB: {more} MiB more", flush=True)
        self.limit(f"{kind}: MiB more a rank", more, MEMORY_MIB)

        count = len(self.utts["all"])
        places = {"at a random place of the second epoch": random.Random(2).randrange(count // BATCH + 1, 2 * count // BATCH - 100),
                  "before the end of the second epoch": 2 * count // BATCH - 20}
        for number, (place, step) in enumerate(places.items()):
            run = f"{kind}-moved-{number}"
            order.move_run(self.path(f"{kind}-all"), self.path(run), self.utts["all"], step)
            moved = self.train("all", run, step + 30, *options["all"])
            extra = moved.first_step - whole.first_step
            print(f"{kind}: going on {place}, step {step}: {moved.first_step:.1f} s to the first step, {extra:+.1f} s; processor {moved.cpu:.1f} s; "
                  f"memory of a rank {moved.peak_mib} MiB", flush=True)
            self.limit(f"{kind}: seconds longer {place}", extra, RESUME_SECONDS)
            self.limit(f"{kind}: MiB more a rank {place}", moved.peak_mib - few.peak_mib, MEMORY_MIB)
        longest, seconds = max(moved.steps, key=lambda each: each[1])
        usual = statistics.median(seconds for _, seconds in moved.steps)
        print(f"{kind}: the longest step there is {longest}, {seconds:.2f} s; the middle one {1000 * usual:.0f} ms", flush=True)

    def step(self):
        """The same steps of one rank on few and on all, in turns, for the machine's speed drifts."""
        times = {"few": [], "all": []}
        for turn in range(3):
            for name, seconds in times.items():
                seconds += [each for _, each in self.train(name, f"steps-{name}-{turn}", 200, ranks=1).steps]
        few, whole = (statistics.median(times[name]) for name in ("few", "all"))
        print(f"a step: {1000 * few:.1f} ms on few, {1000 * whole:.1f} ms on all: {whole / few:.2f}", flush=True)

    def extract(self):
        """Every utterance, 0.3 s of each."""
        out = self.path("embeddings.h5")
        options = ["--init", "--config", self.config, "--extract.max_frames", "32"]
        few, whole = (watch("spcnet", "extract", *options, "--shards", self.path(name), "--out", out, ranks=RANKS) for name in ("few", "all"))
        with h5py.File(out, "r") as file:
            rows, dim = file["embedding"].shape
            if rows != len(self.utts["all"]) or file["utt"].asstr()[-1] != self.utts["all"][-1]:
                self.broken.append(f"extraction: {rows} rows")
        more, share = whole.peak_mib - few.peak_mib, rows * dim * 4 // RANKS >> 20
        print(f"extraction: {rows} embeddings in {whole.seconds:.0f} s; memory of a rank {few.peak_mib} MiB on few, {whole.peak_mib} MiB: "
              f"{more} MiB more, its share of the embeddings among them: {share} MiB", flush=True)
        self.limit("extraction: MiB more a rank", more, MEMORY_MIB)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder")
    with tempfile.TemporaryDirectory(prefix="spcnet_full_scale_", dir=parser.parse_args().folder) as folder:
        scale = FullScale(folder)
        scale.start("DINO", {"few": [], "all": []})
        scale.start("labels", {name: ["--labels", scale.path(f"{name}.labels"), *ON_LABELS] for name in ("few", "all")})
        scale.step()
        scale.extract()
    for each in scale.broken:
        print(f"broken limit: {each}")
    sys.exit(1 if scale.broken else 0)


if __name__ == "__main__":
    main()
