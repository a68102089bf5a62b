#!/usr/bin/env python3
"""A run that is continued ends, bit for bit, as if it had never stopped; damaged checkpoints are passed over, old ones deleted."""
import functools
import os
import shutil
import unittest

import h5py

import fixtures
import support

# What a checkpoint says of its run, in the order of its checksum.
ABOUT = ("step", "utterances", "num_mel_bins", "fbank", "network", "config", "precision", "data", "version", "next_batch")


class Halves(fixtures.ContinuedRunTest):
    def test_equal_the_whole(self):
        for ranks, arguments in ((1, ()), (2, ()), (1, ("--optim.type", "adamw", "--optim.lr", "0.002"))):
            with self.subTest(ranks=ranks, arguments=arguments):
                # 17 is no multiple of an epoch's six steps and lies between two checkpoints.
                self.run_on(*arguments, ranks=ranks, steps=17, err="done after step 17")
                said = self.run_on(*arguments, ranks=ranks, steps=30, err="continuing from run/checkpoints/step-00000017.h5").stderr
                self.assertIn("steps 17 to 30 of 120", said)
                self.assertNotIn("step 17/", said)
                self.assert_equals_straight(*arguments, ranks=ranks, step=30)
                shutil.rmtree(self.path("run"))

    def test_other_seed_is_another_run(self):
        """The comparison can fail."""
        self.run_on("--train.seed", "2", steps=5)
        with self.assertRaises(AssertionError):
            self.assert_equals_straight(step=5)

    def test_on_another_number_of_ranks(self):
        for before, after in ((2, 1), (1, 2)):
            with self.subTest(before=before, after=after):
                self.run_on(ranks=before, steps=6)
                self.run_on(ranks=after, steps=12, err=["continuing from", "step 7/12", "done after step 12"])
                shutil.rmtree(self.path("run"))


class Damaged(fixtures.ContinuedRunTest):
    def test_newest_checkpoint_is_passed_over(self):
        flip_bit = functools.partial(fixtures.flip_bit, dataset="teacher/backbone/fc/weight")
        for damage in (fixtures.cut_in_half, flip_bit, lambda path: os.truncate(path, 0), self.change_a_letter):
            self.run_on(steps=10)
            damage(self.checkpoint("run", 10))
            self.run_on(steps=15, err=["warning: checkpoint run/checkpoints/step-00000010.h5 is damaged and passed over: ",
                                       "continuing from run/checkpoints/step-00000005.h5"])
            self.assert_equals_straight(step=15)
            shutil.rmtree(self.path("run"))

    @staticmethod
    def change_a_letter(path):
        """In the configuration that the checkpoint carries."""
        with open(path, "r+b") as file:
            at = file.read().index(b"momentum_teacher")
            file.seek(at)
            file.write(b"n")

    def test_does_not_count_among_those_that_are_kept(self):
        self.run_on(steps=15)
        fixtures.flip_bit(self.checkpoint("run", 15), "center")
        self.run_on("--checkpoint.keep", "1", steps=12, err=["it is kept as run/checkpoints/step-00000015.h5.damaged", "done after step 12"])
        self.assertEqual(self.checkpoints("run"), [12])
        self.run_on("--checkpoint.keep", "1", steps=20, err="continuing from run/checkpoints/step-00000012.h5")
        self.assert_equals_straight(step=20)

    def test_every_checkpoint(self):
        self.run_on(steps=10)
        for step in (5, 10):
            fixtures.flip_bit(self.checkpoint("run", step), "student/head/last/weight")
        self.run_on(expect=1, err=["every checkpoint in run/checkpoints is damaged; restore one, or start again with another --run"])


class OtherOrder(fixtures.ContinuedRunTest):
    def test_of_utterances_is_refused(self):
        """As after a change of the program that draws them."""
        self.run_on(steps=5)
        with h5py.File(self.checkpoint("run", 5), "r+") as file:
            expected = file.attrs["next_batch"]
            file.attrs["next_batch"] = "0123456789abcdef"
            about = [str(file.attrs[key]) for key in ABOUT]
            file.attrs["crc32c"] = support.crc32c("\n".join(about).encode())
        self.run_on(expect=1, err=["step-00000005.h5 expects other utterances to come next than this program would take (hash "
                                   f"0123456789abcdef, not {expected}): it was written by spcnet ", "start again with another --run"])


class Kept(fixtures.ContinuedRunTest):
    def test_the_newest(self):
        self.run_on("--checkpoint.keep", "2", "--checkpoint.every_steps", "3", steps=11)
        self.assertEqual(self.checkpoints("run"), [9, 11])
        self.run_on("--checkpoint.keep", "3", "--checkpoint.every_steps", "4", steps=20)
        self.assertEqual(self.checkpoints("run"), [12, 16, 20])
        self.assertEqual([name for name in os.listdir(self.path("run", "checkpoints")) if not name.endswith(".h5")], [])

    def test_milestones(self):
        self.run_on("--checkpoint.keep", "1", "--checkpoint.every_steps", "2", "--checkpoint.milestone_steps", "6", steps=15)
        self.assertEqual(self.checkpoints("run"), [6, 12, 15])


if __name__ == "__main__":
    unittest.main()
