#!/usr/bin/env python3
"""Thirty times kill -9 of a rank or of mpirun within one short training: the weights are those of a run that nothing disturbed."""
import os
import statistics
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import launch  # pylint: disable=wrong-import-position


class Kills(launch.KilledTest):
    STEPS = 1200
    KILLS = 30

    def test_thirty(self):
        seconds = self.kill_often(self.KILLS)
        print(f"{self.KILLS} kills in {self.STEPS} steps on two ranks, the last checkpoint equals the undisturbed run's bit for bit; "
              f"from kill to the first new step {statistics.median(seconds):.1f} s in the middle, {max(seconds):.1f} s at most")


if __name__ == "__main__":
    unittest.main()
