#!/usr/bin/env python3
"""The main job on real speech, small: Debian packages -> shards -> DINO on two ranks -> embeddings -> EER, and Python reads it all."""
import json
import os
import subprocess
import sys
import unittest

import h5py
import numpy

from support import CACHE, ROOT, ProgramTest

CORPUS = os.path.join(CACHE, "corpus-small")


class SpeechTest(ProgramTest):
    def eer(self, embeddings, trials):
        scored = self.run_program("spcnet", "score", "--embeddings", embeddings, "--trials", os.path.join(CORPUS, trials), "--json")
        return json.loads(scored.stdout)["eer"]

    def test_from_speech_to_eer(self):
        subprocess.run([os.path.join(ROOT, "data/corpus/build.sh"), "--set", "small", "--out", CORPUS], check=True, timeout=280,
                       stdout=sys.stderr)
        self.run_program("spcnet-data", "fbank", "--wav-scp", os.path.join(CORPUS, "wav.scp"), "--utt2spk",
                         os.path.join(CORPUS, "utt2spk"), "--out", "shards", "--shard-frames", "40000")
        self.run_program("spcnet-data", "verify", "shards", out="speakers    5")
        config = os.path.join(ROOT, "configs/demo.conf")
        self.run_program("spcnet", "extract", "--init", "--config", config, "--shards", "shards", "--out", "untrained.h5", timeout=200)
        said = self.run_program("spcnet", "train", "--config", config, "--shards", "shards", "--run", "run", "--train.max_steps", "60",
                                "--train.epochs", "8", "--optim.warmup_epochs", "0.5", "--cluster.num_clusters", "10", "--log.every_seconds", "0",
                                ranks=2, timeout=280)
        self.assertEqual(said.stderr.count("done after step"), 2)
        for stage in ("stage-1", "round-1"):
            self.run_program("spcnet", "extract", "--run", f"run/{stage}", "--shards", "shards", "--out", f"{stage}.h5", ranks=2, timeout=280)

        steps = [json.loads(line) for line in self.read("run/stage-1/train.jsonl").splitlines()]
        self.assertEqual(len(steps), 60)
        first, last = (numpy.mean([step["loss"] for step in part]) for part in (steps[:5], steps[-5:]))
        self.assertLess(last, first - 0.1, "the loss falls")
        untrained = self.eer("untrained.h5", "trials_group.txt")
        for stage in ("stage-1", "round-1"):
            self.assertLess(self.eer(f"{stage}.h5", "trials_group.txt"), untrained, stage)
        agreement = json.loads(self.read("run/round-1/agreement.json"))["speakers"]
        self.assertGreater(agreement["purity"], 0.5)
        self.assertGreater(agreement["ami"], 0.2)

        with h5py.File(self.path("round-1.h5")) as file:
            self.assertEqual(file["embedding"].dtype, numpy.float32)
            self.assertEqual(file["embedding"].shape, (308, 256))
            self.assertEqual(sorted(file["utt"].asstr()[:]), sorted(line.split()[0] for line in open(os.path.join(CORPUS, "wav.scp"))))
            self.assertTrue(numpy.isfinite(file["embedding"][:]).all())


if __name__ == "__main__":
    unittest.main()
