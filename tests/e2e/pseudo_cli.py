#!/usr/bin/env python3
"""`spcnet gate` and `spcnet agreement`: two small tools around pseudo labels."""
import json
import math
import unittest

import h5py
import numpy as np

import fixtures


class Gate(fixtures.SpcnetTest):
    def losses(self, *parts):
        return self.write("losses", "\n".join(f"{value:.17g}" for value in np.exp(np.concatenate(parts))) + "\n")

    def two_kinds(self, seed=1):
        random = np.random.default_rng(seed)
        return random.normal(-2, 0.7, 1400), random.normal(1.5, 0.3, 600)

    def gate(self, path, *arguments, **expectations):
        return json.loads(self.spcnet("gate", "--losses", path, "--json", *arguments, **expectations).stdout)

    def test_a_crossing(self):
        said = self.gate(self.losses(*self.two_kinds()))
        self.assertEqual(said["case"], "crossing")
        for name, expected in (("weights", (0.7, 0.3)), ("means", (-2, 1.5)), ("variances", (0.49, 0.09))):
            np.testing.assert_allclose(said[name], expected, atol=0.05, err_msg=name)

        def density(component, u):
            weight, mean, variance = (said[name][component] for name in ("weights", "means", "variances"))
            return weight * math.exp(-(u - mean) ** 2 / (2 * variance)) / math.sqrt(variance)
        self.assertAlmostEqual(density(0, said["threshold"]), density(1, said["threshold"]), places=12)
        self.assertAlmostEqual(said["trusted"], 0.7, delta=0.01)
        self.assertEqual((said["reason"], said["excluded"]), ("", 0))

    def test_every_other_case(self):
        one_peak = self.losses(np.random.default_rng(3).normal(0.2, 0.8, 5000))
        said = self.gate(one_peak)
        self.assertEqual((said["case"], said["threshold"], said["trusted"]), ("no_gate", None, 1))
        self.assertIn("one peak", said["reason"])
        said = self.gate(one_peak, "--previous", "0.1")
        self.assertEqual((said["case"], said["threshold"]), ("kept_previous", 0.1))
        self.assertAlmostEqual(said["trusted"], 0.45, delta=0.02)
        random = np.random.default_rng(3)
        said = self.gate(self.losses(random.normal(0, 1, 3000), random.normal(1.2, 2.5, 60)), "--previous", "0.1")
        self.assertEqual((said["case"], said["threshold"]), ("keep_all", None))

    def test_the_losses_of_a_run(self):
        text = self.losses(*self.two_kinds())
        with h5py.File(self.path("losses.h5"), "w") as file:
            file["loss"] = np.loadtxt(text).astype(np.float32)
        self.assertAlmostEqual(self.gate("losses.h5")["threshold"], self.gate(text)["threshold"], places=4)
        self.spcnet("gate", "--losses", "none.h5", expect=1, err="no losses none.h5")
        self.spcnet("gate", "--losses", self.write("broken.h5", "x"), expect=1, err="broken.h5")

    def test_words_for_people(self):
        self.spcnet("gate", "--losses", self.losses(*self.two_kinds()), out=["reliable       0.69", "unreliable     0.30", "crossing\nthreshold ", "labels are trusted"])

    def test_losses_that_are_no_numbers(self):
        path = self.losses(*self.two_kinds())
        with open(path, "a", encoding="ascii") as file:
            file.write("nan\ninf\n")
        self.assertEqual(self.gate(path, err="warning: 2 of 2002 losses are not finite: left out")["excluded"], 2)
        with open(path, "a", encoding="ascii") as file:
            file.write("nan\n")
        self.spcnet("gate", "--losses", path, expect=1, err=f"{path}: 3 of 2003 losses are not finite numbers; the network has diverged")
        self.spcnet("gate", "--losses", self.write("words", "1.5\n2,5\n"), expect=1, err="words:2: '2,5' is no number; expected one loss a line")
        self.spcnet("gate", "--losses", self.write("two", "1 2\n"), expect=1, err="two:1: '1 2' is no number")
        self.spcnet("gate", "--losses", self.write("minus", "1\n-0.5\n"), expect=1, err="minus:2: -0.5 is negative; expected losses, not their logarithms")
        self.spcnet("gate", "--losses", self.write("empty", ""), expect=1, err="empty: no losses; expected one a line")
        self.spcnet("gate", "--losses", "none", expect=1, err="none")
        self.spcnet("gate", expect=2, err="--losses F is missing")
        self.spcnet("gate", "--losses", path, "--previous", "low", expect=2, err="--previous low is no number")


class Agreement(fixtures.SpcnetTest):
    FIGURES = ("nmi", "ami", "purity", "inverse_purity", "pairwise_f1", "accuracy")

    def agreement(self, labels, reference, **expectations):
        self.write("a", labels)
        self.write("b", reference)
        return json.loads(self.spcnet("agreement", "--labels", "a", "--reference", "b", "--json", **expectations).stdout)

    def test_by_hand(self):
        said = self.agreement("u1 0\nu2 0\nu3 0\nu4 1\nu5 1\nu6 2\n", "u6 cat\nu5 ben\nu4 ben\nu3 ben\nu2 ann\nu1 ann\n")
        self.assertAlmostEqual(said["purity"], 5 / 6)
        self.assertAlmostEqual(said["inverse_purity"], 5 / 6)
        self.assertAlmostEqual(said["accuracy"], 5 / 6)
        self.assertAlmostEqual(said["pairwise_f1"], 2 * 2 / (4 + 4))
        self.assertEqual((said["utterances"], said["clusters"], said["classes"]), (6, 3, 3))
        same = self.agreement("u1 7\nu2 9\nu3 7\n", "u3 x\nu2 y\nu1 x\n")
        self.assertEqual([same[figure] for figure in self.FIGURES], [1] * 6)

    def test_utterances_that_one_does_not_know(self):
        said = self.agreement("u1 0\nu2 1\nu9 1\n", "u1 a\nu2 b\nu3 b\n", err="warning: 1 of 3 utterances have no label in b: left out")
        self.assertEqual((said["utterances"], said["accuracy"]), (2, 1))
        self.write("a", "u1 0\n")
        self.write("b", "x1 0\n")
        self.spcnet("agreement", "--labels", "a", "--reference", "b", expect=1,
                    err="no utterance is both in a and in b; their ids must be the same (the first one here is 'u1')")

    def test_errors(self):
        self.spcnet("agreement", "--labels", "a", expect=2, err="--reference B is missing")
        self.spcnet("agreement", "--reference", "a", expect=2, err="--labels A is missing")
        self.spcnet("agreement", "--labels", "none", "--reference", "none", expect=1, err="none")
        self.spcnet("agreement", "--labels", self.write("a", "u1\n"), "--reference", "a", expect=1, err="/a:1: 1 words, expected an utterance and its label")

    def test_words_for_people(self):
        self.spcnet("agreement", "--labels", self.write("a", "u1 0\nu2 1\n"), "--reference", "a",
                    out=["utterances      2 in 2 clusters and 2 classes", "AMI             1.0000", "accuracy        1.0000"])


if __name__ == "__main__":
    unittest.main()
