#!/usr/bin/env python3
"""Deterministic mode: the same bits on one, two and four ranks."""
import shutil
import unittest

import fixtures


class Deterministic(fixtures.SpcnetTest):
    STEPS = 20

    def run_to(self, run, ranks, steps=STEPS, *arguments):
        return self.train(run, "--dist.deterministic", "true", "--train.max_steps", str(steps), *arguments, ranks=ranks)

    def bytes_of(self, run, step=STEPS):
        with open(self.checkpoint(run, step), "rb") as file:
            return file.read()

    def test_the_checkpoints_of_one_two_and_four_ranks_are_equal_files(self):
        for precision in ("fp32", "bf16"):
            with self.subTest(precision):
                for ranks in (1, 2, 4):
                    self.run_to(f"run-{ranks}", ranks, self.STEPS, "--train.precision", precision)
                for ranks in (2, 4):
                    self.assertEqual(self.bytes_of("run-1"), self.bytes_of(f"run-{ranks}"), f"{ranks} ranks")
                    self.spcnet("diff", self.checkpoint("run-1", self.STEPS), self.checkpoint(f"run-{ranks}", self.STEPS), out="same")
                for ranks in (1, 2, 4):
                    shutil.rmtree(self.path(f"run-{ranks}"))

    def test_a_run_goes_on_with_the_same_bits_on_another_number_of_ranks(self):
        self.run_to("straight", 1)
        for steps, ranks in ((8, 4), (13, 1), (self.STEPS, 2)):
            self.run_to("moved", ranks, steps)
        self.assert_same_checkpoint(self.checkpoint("straight", self.STEPS), self.checkpoint("moved", self.STEPS))

    def test_without_it_the_bits_differ(self):
        for ranks in (1, 2):
            self.train(f"run-{ranks}", "--train.max_steps", "5", ranks=ranks)
        self.spcnet("diff", self.checkpoint("run-1", 5), self.checkpoint("run-2", 5), expect=1)

    def test_it_is_a_mode_of_the_whole_run(self):
        self.run_to("run", 1, 5)
        self.train("run", expect=1, err="dist.deterministic: true -> false")

    def test_three_ranks_are_refused(self):
        self.train("run", "--dist.deterministic", "true", ranks=3, expect=2, err="dist.deterministic runs on 1, 2 or 4 ranks, not on 3")


if __name__ == "__main__":
    unittest.main()
