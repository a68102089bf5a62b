#!/usr/bin/env python3
"""Equal error rates while training: what is said, that it is what `spcnet score` says, and that training does not notice."""
import json
import os
import re
import shutil
import unittest

import h5py

import fixtures


class Evaluation(fixtures.SpcnetTest):
    def setUp(self):
        super().setUp()
        self.write_trials(24)

    def evaluations(self, run):
        with open(self.path(run, "train.jsonl"), encoding="utf-8") as file:
            return [line for line in map(json.loads, file) if line.get("event") == "evaluation"]

    def step_of_best(self, run):
        with h5py.File(self.path(run, "checkpoints/best.h5"), "r") as file:
            return file.attrs["step"]

    def evaluate(self, run, *arguments, **expectations):
        return self.train(run, "--trials", f"O={self.path('trials.txt')}", "--train.epochs", "2", *arguments, **expectations)

    def test_says_what_score_says_and_changes_nothing(self):
        done = self.evaluate("with", "--trials", f"again={self.path('trials.txt')}", ranks=2)
        lines = self.evaluations("with")
        self.assertEqual([line["step"] for line in lines], [0, fixtures.STEPS_PER_EPOCH, 2 * fixtures.STEPS_PER_EPOCH])
        self.assertEqual([line["samples"] for line in lines], [fixtures.BATCH * line["step"] for line in lines])
        self.train("without", "--train.epochs", "2", ranks=2)
        self.assert_same_checkpoint(self.checkpoint("with", 12), self.checkpoint("without", 12))
        self.spcnet("extract", "--run", "with", "--shards", fixtures.shards(), "--out", "e.h5")
        scored = json.loads(self.spcnet("score", "--embeddings", "e.h5", "--trials", "trials.txt", "--json").stdout)
        last = lines[-1]["trials"]
        self.assertEqual(last["O"], last["again"])
        self.assertAlmostEqual(100 * last["O"]["eer"], scored["eer"], delta=0.5)  # other batches, other roundings
        self.assertAlmostEqual(last["O"]["min_dcf"], scored["min_dcf_0.01"], delta=0.02)
        self.assertGreater(len(last["O"]["det"]), 2)
        self.assertIn(f"step 12: equal error rate {100 * last['O']['eer']:.2f} % on O, ", done.stderr)

    def test_goes_on_without_a_second_look(self):
        self.evaluate("run", "--train.max_steps", "6")
        self.evaluate("run")
        self.assertEqual([line["step"] for line in self.evaluations("run")], [0, 6, 12])
        self.evaluate("run")  # finds all done
        self.assertEqual([line["step"] for line in self.evaluations("run")], [0, 6, 12])

    def test_a_step_that_was_undone_is_evaluated_again(self):
        for _ in range(2):
            if os.path.exists(self.path("run/checkpoints")):
                for step in (6, 7):
                    if os.path.exists(self.checkpoint("run", step)):
                        os.remove(self.checkpoint("run", step))  # as if killed before it was written
            self.evaluate("run", "--train.max_steps", "7")
        self.assertEqual(self.checkpoints("run"), [5, 7])
        self.assertEqual([line["step"] for line in self.evaluations("run")], [0, 6, 7, 6, 7])

    def test_a_list_that_comes_later(self):
        self.evaluate("run", "--train.max_steps", "6")
        self.evaluate("run", "--train.max_steps", "6", "--trials", f"more={self.path('trials.txt')}")
        self.assertEqual([sorted(line["trials"]) for line in self.evaluations("run")], [["O"], ["O"], ["O", "more"]])

    def test_keeps_the_best(self):
        self.train("run", "--trials", f"O={self.path('trials.txt')}", "--train.epochs", "4", ranks=2)
        trained = self.evaluations("run")[1:]  # the untrained network does not count
        best = min(trained, key=lambda line: line["trials"]["O"]["eer"])  # the first of equals
        self.assertEqual(self.step_of_best("run"), best["step"])
        self.spcnet("extract", "--checkpoint", "run/checkpoints/best.h5", "--shards", fixtures.shards(), "--out", "e.h5")
        self.evaluate("not", "--eval.keep_best", "false")
        self.assertFalse(os.path.exists(self.path("not/checkpoints/best.h5")))

    def test_a_best_that_is_gone_is_made_anew(self):
        def go(run, steps, **expectations):
            self.train(run, "--trials", f"O={self.path('trials.txt')}", "--train.epochs", "4", "--train.max_steps", steps, ranks=2, **expectations)
        go("run", "6")
        shutil.copytree(self.path("run"), self.path("kept"))
        os.remove(self.path("run/checkpoints/best.h5"))  # or could not be written, or was of a step that a crash undid
        go("run", "12", err="best.h5, of step 12")
        self.assertEqual(self.step_of_best("run"), 12)
        go("kept", "12")
        _, at_6, at_12 = (line["trials"]["O"]["eer"] for line in self.evaluations("kept"))
        self.assertEqual(self.step_of_best("kept"), 12 if at_12 < at_6 else 6)

    def test_takes_no_more_memory_each_time(self):
        def peak(run, epochs):
            said = self.train(run, "--trials", f"O={self.path('trials.txt')}", "--eval.every_epochs", "4", "--train.epochs", str(epochs), ranks=2).stderr
            return int(re.search(r"peak memory of a rank (\d+) MiB", said).group(1))
        few, many = peak("few", 4), peak("many", 40)
        self.assertEqual(len(self.evaluations("many")), 11)
        self.assertLess(many, 1.3 * few)

    def test_at_the_end_alone(self):
        self.evaluate("run", "--eval.every_epochs", "0")
        self.assertEqual([line["step"] for line in self.evaluations("run")], [0, 12])

    def test_the_same_on_one_rank_and_two_where_training_is(self):
        for ranks, run in ((1, "one"), (2, "two")):
            self.evaluate(run, "--dist.deterministic", "true", "--train.max_steps", "6", ranks=ranks)
        self.assertEqual([line["trials"] for line in self.evaluations("one")], [line["trials"] for line in self.evaluations("two")])

    def test_other_shards(self):
        self.evaluate("run", "--eval-shards", self.copy_of_shards(), "--train.max_steps", "1")
        self.assertEqual(len(self.evaluations("run")), 2)

    def test_wrong_input(self):
        with open(self.path("typo.txt"), "w", encoding="utf-8") as file:
            file.write("1 nobody else\n")
        self.train("run", "--trials", self.path("typo.txt"), expect=1, err=[
            "typo.txt:1: no shard for utterance 'nobody'; give --eval-shards that hold it, or write the ids in the list as the shards have them"])
        self.train("run", "--trials", self.path("none.txt"), expect=1, err="none.txt")
        self.train("run", "--trials", "O=", expect=2, err="--trials O=: expected NAME=FILE")
        self.train("run", "--eval-shards", "x", expect=2, err="--eval-shards are for --trials, which are missing")
        self.evaluate("run", "--eval.every_epochs", "-1", expect=2, err="eval.every_epochs must be >= 0")
        self.evaluate("run", "--eval-shards", fixtures.shards(20), expect=1, err="holds other features than training sees; pack them alike")
        self.assertFalse(os.path.exists(self.path("run/checkpoints")))


if __name__ == "__main__":
    unittest.main()
