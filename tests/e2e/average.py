#!/usr/bin/env python3
"""`spcnet average`: weights are the mean of the checkpoints', batch norm fits them, and the file serves where a checkpoint does."""
import os
import shutil
import unittest

import h5py
import numpy as np

import fixtures


def tensors(path, prefix):
    """{name: array} of a checkpoint."""
    found = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) and name.startswith(prefix) else None)
    return found


class Average(fixtures.SpcnetTest):
    def average(self, out, *arguments, **expectations):
        return self.spcnet("average", *arguments, "--shards", fixtures.shards(), "--out", out, **expectations)

    def test_weights_are_the_mean(self):
        run = fixtures.finished_run(10)
        self.average("a.h5", "--run", run, "--last", "2", "--batches", "3", "--batch-size", "8",
                     err=["averaging 2 checkpoints, the last of them of step 10\n", "statistics of batch norm from 3 batches of 8 crops\n",
                          "the mean of 2 checkpoints, steps 5 to 10: a.h5"])
        first, last = (tensors(os.path.join(run, f"checkpoints/step-{step:08}.h5"), "teacher/") for step in (5, 10))
        mean = tensors(self.path("a.h5"), "")
        self.assertEqual(set(mean), set(last), "the network, and nothing else")
        for name, value in mean.items():
            if "running_" not in name:
                np.testing.assert_allclose(value, (first[name] + last[name]) / 2, rtol=1e-6, atol=1e-8)

    def test_statistics_are_those_of_clean_crops(self):
        # Of one checkpoint alone the weights stay, so whole utterances give nearly the statistics of its own training.
        run = fixtures.finished_run(10)
        for ranks in (1, 2):
            self.average(f"of-{ranks}.h5", "--run", run, "--last", "1", "--batches", "12", "--batch-size", "16", ranks=ranks)
        one, two = (tensors(self.path(f"of-{ranks}.h5"), "") for ranks in (1, 2))
        own = tensors(os.path.join(run, "checkpoints/step-00000010.h5"), "teacher/")
        for name, value in one.items():
            np.testing.assert_allclose(two[name], value, rtol=1e-3, atol=1e-5, err_msg="ranks change nothing but the last digits")
            if name.endswith("running_var"):
                self.assertGreater(value.min(), 0)
            if "running_" not in name:
                np.testing.assert_array_equal(value, own[name].astype(np.float32))
        moved = max(np.abs(value - own[name]).max() for name, value in one.items() if "running_" in name)
        self.assertGreater(moved, 1e-3)

    def test_serves_where_a_checkpoint_does(self):
        self.average("a.h5", "--checkpoint", os.path.join(fixtures.finished_run(10), "checkpoints/step-00000010.h5"))
        self.spcnet("extract", "--checkpoint", "a.h5", "--shards", fixtures.shards(), "--out", "e.h5")
        with h5py.File(self.path("e.h5"), "r") as file:
            self.assertTrue(np.isfinite(file["embedding"][:]).all())
        self.train("next", "--init-from", self.path("a.h5"), "--train.max_steps", "1", err="backbones start from teacher.backbone.* of ")

    def test_failures(self):
        run = fixtures.finished_run(10)
        self.average("a.h5", "--run", run, "--last", "9", expect=1, err=["holds 2 whole checkpoints, not 9; train with a larger checkpoint.keep, or lower --last"])
        self.average("a.h5", expect=2, err="give one of --run RUN and --checkpoint F")
        self.average("a.h5", "--run", run, "--last", "0", expect=2, err="--last and --batches must be >= 1, --batch-size >= 2")
        self.spcnet("average", "--run", run, "--out", "a.h5", expect=2, err="--shards DIR is missing")
        self.spcnet("average", "--run", run, "--last", "1", "--shards", fixtures.shards(20), "--out", "a.h5", expect=1, err="the shards have 20; pack them with --fbank.num_mel_bins 24")
        self.average("a.h5", "--run", run, "--last", "1", "--batch-size", "2", ranks=3, expect=2, err="--batch-size 2 for 3 ranks; every rank needs a crop")
        self.average("a.h5", "--run", run, "--last", "1", "--threads", "-1", expect=2, err="--threads must be 0 to 1024")
        self.average("no/a.h5", "--run", run, "--last", "1", expect=2, err="--out no/a.h5: there is no folder no")
        self.assertFalse(os.path.exists(self.path("a.h5")))
        shutil.copytree(run, self.path("run"))
        fixtures.flip_bit(self.checkpoint("run", 10), "teacher/backbone/fc/weight")
        self.average("a.h5", "--run", "run", "--last", "1", err=["passed over: ", "the mean of 1 checkpoints, steps 5 to 5"])


if __name__ == "__main__":
    unittest.main()
