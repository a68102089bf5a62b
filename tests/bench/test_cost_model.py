#!/usr/bin/env python3
"""The model of cost against numbers by hand."""
import unittest

import cost_model

LINK = cost_model.Link("a link", 1e-3, 1e9)
WORK = cost_model.Work(compute_s=10, scatter_s=0, backward=0.5, gradient_bytes=4e9, bucket_bytes=1e9, messages=100, message_bytes=1e6)


class CostModel(unittest.TestCase):
    def test_one_rank_only_computes(self):
        self.assertEqual(cost_model.step_seconds(1, WORK, LINK), 10)
        self.assertEqual(cost_model.efficiency(1, WORK, LINK), 1)

    def test_terms_by_hand(self):
        # A bucket goes around four ranks in 6 latencies and 1.5 times its bytes; three of the four fit behind backward.
        self.assertAlmostEqual(cost_model.ring_seconds(4, 1e9, LINK), 1.506)
        self.assertAlmostEqual(cost_model.small_seconds(4, 1e6, LINK), 2 * 0.002)
        self.assertAlmostEqual(cost_model.small_seconds(5, 1e6, LINK), 3 * 0.002)
        self.assertAlmostEqual(cost_model.step_seconds(4, WORK, LINK), 10 + 100 * 0.004 + 1.506)
        slow = cost_model.Link("a tenth", 1e-3, 1e8)
        self.assertAlmostEqual(cost_model.step_seconds(4, WORK, slow), 10 + 100 * 2 * 0.011 + 15.006 + (3 * 15.006 - 5))

    def test_the_latest_of_many(self):
        """The expected largest of so many standard normal numbers, from tables."""
        for ranks, expected in ((2, 0.5642), (8, 1.4236), (64, 2.3440), (512, 3.0433)):
            self.assertAlmostEqual(cost_model.largest_of(ranks), expected, delta=0.03)

    def test_the_fit_gives_back_what_was_measured(self):
        fitted = cost_model.fitted(WORK, LINK, 13)
        self.assertGreater(fitted.scatter_s, 0)
        self.assertAlmostEqual(cost_model.step_seconds(2, fitted, LINK), 13)
        self.assertEqual(cost_model.fitted(WORK, LINK, 5).scatter_s, 0)


if __name__ == "__main__":
    unittest.main()
