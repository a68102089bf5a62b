#!/usr/bin/env python3
"""Training on labels: the classifier, the gate and the correction, as files and as a run that can be interrupted."""
import json
import os
import unittest

import h5py
import numpy as np

import fixtures
import support

OPTIONS = ("--train.objective", "pseudo_label", "--views.num_global", "1", "--views.num_local", "0", "--optim.warmup_epochs", "0.5",
           "--aam.margin_warmup_epochs", "1", "--loss_gate.enabled", "true", "--loss_gate.first_epoch", "2", "--loss_gate.min_kept", "0",
           "--label_correction.type", "fix", "--label_correction.first_epoch", "2", "--label_correction.threshold", "0.1",
           "--label_correction.max_share", "1")


def utts():
    return [utt for utt, *_ in fixtures.utts_of(fixtures.shards())]


def noisy_labels():
    """A seventh of the utterances carry the label of another voice."""
    lines = []
    for i, utt in enumerate(utts()):
        voice = int(utt[1:].split("-")[0])
        lines.append(f"{utt} {(voice + 1) % fixtures.VOICES if i % 7 == 0 else voice}\n")
    return "".join(lines)


class LabelTest(fixtures.SpcnetTest):
    def setUp(self):
        super().setUp()
        self.labels = self.write("labels", noisy_labels())

    def train_on_labels(self, run, *arguments, ranks=1, **expectations):
        return self.train(run, *OPTIONS, "--labels", self.labels, *arguments, ranks=ranks, **expectations)


class Speakers(LabelTest):
    def test_the_list_beside_the_shards_labels_all_of_them(self):
        """Those of other speeds too, which no list of the corpus has."""
        data = fixtures.shards(fixtures.BINS, "--speeds", "0.9,1.1")
        self.labels = os.path.join(data, "utt2spk")
        said = self.train_on_labels("run", "--train.max_steps", "3", data=data).stderr
        self.assertIn(f"{3 * fixtures.NUM_UTTS} utterances", said)
        self.labels = os.path.join(fixtures.corpus(), "utt2spk")
        self.train_on_labels("other", data=data, expect=1, err=f"{2 * fixtures.NUM_UTTS} of {3 * fixtures.NUM_UTTS} utterances have no label")


class Epochs(LabelTest):
    STEPS = 4 * fixtures.STEPS_PER_EPOCH

    def test_what_an_epoch_leaves(self):
        said = self.train_on_labels("run", "--train.max_steps", str(self.STEPS)).stderr
        self.assertIn("epoch 0: 48 labels trusted, 0 corrected, 0 dropped; by the speakers 85.4167 % of the trusted labels are right\n", said)
        self.assertRegex(said, r"epoch 1: 48 labels trusted, 0 corrected, 0 dropped; gate \w+")
        events = [json.loads(line) for line in self.read("run/train.jsonl").splitlines() if '"labels"' in line]
        self.assertEqual([event["epoch"] for event in events], [0, 1, 2, 3])
        for event in events:
            self.assertEqual(event["trusted"] + event["corrected"] + event["dropped"], 48)
            self.assertEqual("gate" in event, event["epoch"] >= 1)
        self.assertGreater(events[3]["corrected"], 0)
        with h5py.File(self.path("run/losses.h5")) as file:
            self.assertEqual(file.attrs["epoch"], 3)
            self.assertEqual(list(file["utt"].asstr()), utts())
            self.assertTrue(np.isfinite(file["loss"][:]).all())
            self.assertGreater(file["loss"][:].min(), 0)
            decisions = file["decision"][:]
        for decision, count in (("trusted", np.sum(decisions == -1)), ("dropped", np.sum(decisions == -2)), ("corrected", np.sum(decisions >= 0))):
            self.assertEqual(events[3][decision], count)
        right = np.arange(48) % 7 != 0
        self.assertAlmostEqual(events[0]["precision"], 41 / 48)
        self.assertAlmostEqual(events[3]["precision"], np.mean(right[decisions == -1]))
        self.assertAlmostEqual(events[3]["recall"], np.sum(right & (decisions == -1)) / 41)

    def test_a_step_shows_its_labels(self):
        self.train_on_labels("run", "--train.max_steps", "3", "--log.every_seconds", "0")
        steps = [json.loads(line) for line in self.read("run/train.jsonl").splitlines() if "label_loss" in line]
        self.assertEqual(len(steps), 3)
        for step in steps:
            self.assertEqual(step["trusted"], 1)
            self.assertAlmostEqual(step["loss"], step["label_loss"], places=5)
            self.assertGreaterEqual(step["accuracy"], 0)

    def test_a_run_goes_on_amid_an_epoch_to_the_same_bits(self):
        """What is known of the labels so far is part of a checkpoint."""
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                self.train_on_labels(f"straight-{ranks}", "--train.max_steps", str(self.STEPS), ranks=ranks)
                for step in (4, 9, 15, 20, self.STEPS):
                    self.train_on_labels(f"pieces-{ranks}", "--train.max_steps", str(step), ranks=ranks)
                self.assert_same_checkpoint(self.checkpoint(f"pieces-{ranks}", self.STEPS), self.checkpoint(f"straight-{ranks}", self.STEPS))

    def test_the_number_of_ranks_changes_no_bit_in_deterministic_mode(self):
        for ranks in (1, 2):
            self.train_on_labels(f"run-{ranks}", "--dist.deterministic", "true", "--train.max_steps", str(self.STEPS), ranks=ranks)
        self.spcnet("diff", self.checkpoint("run-1", self.STEPS), self.checkpoint("run-2", self.STEPS), out="the same bits")

    def test_embeddings_come_from_the_network_that_was_trained(self):
        self.train_on_labels("run", "--train.max_steps", "2")
        self.spcnet("extract", "--run", "run", "--shards", fixtures.shards(), "--out", "e.h5", err="student")
        self.train("next", "--init-from", self.checkpoint("run", 2), "--train.max_steps", "1", err="backbones start from student.backbone.")
        self.train_on_labels("again", "--init-from", self.checkpoint("next", 1), "--train.max_steps", "1", err="backbones start from teacher.backbone.")


class Recipe(LabelTest):
    def test_supervised_training_begins(self):
        """True speakers, no gate: every label is trusted; the network is made small here."""
        for name in ("vox1_supervised", "vox2_supervised"):
            with self.subTest(name):
                self.train_by(os.path.join(support.ROOT, "configs", name + ".conf"), name)

    def train_by(self, recipe, run):
        labels = os.path.join(fixtures.corpus(), "utt2spk")
        small = ("--model.channels", "8", "--model.blocks", "1,1,1,1", "--train.batch_size", "8", "--train.epochs", "2", "--train.precision", "fp32")
        self.spcnet("train", "--config", recipe, *small, "--shards", fixtures.shards(64), "--labels", labels, "--run", run,
                    err=["labels trusted, 0 corrected, 0 dropped", "done after step 12"])
        events = [json.loads(line) for line in self.read(f"{run}/train.jsonl").splitlines() if '"labels"' in line]
        self.assertEqual([(event["trusted"], event["corrected"], event["dropped"]) for event in events], [(48, 0, 0)] * 2)


class Head(LabelTest):
    def setUp(self):
        super().setUp()
        self.spcnet("extract", "--init", "--config", self.config, "--shards", fixtures.shards(), "--out", "e.h5")
        self.spcnet("cluster", "--embeddings", "e.h5", "--num-clusters", "5", "--out", "clusters")
        self.labels = "clusters/labels"

    def test_starts_from_the_means_of_the_clusters(self):
        self.train_on_labels("run", "--head-init", "clusters/centroids.h5", "--train.max_steps", "1", "--optim.lr", "1e-12", "--optim.min_lr", "0",
                             err="the classifier starts from the means of 5 clusters of clusters/centroids.h5")
        with h5py.File(self.path("clusters/centroids.h5")) as file:
            means = file["means"][:]
        with h5py.File(self.checkpoint("run", 1)) as file:
            np.testing.assert_allclose(file["student/head/weight"][:], means, atol=1e-6)

    def test_what_does_not_fit_is_refused(self):
        self.labels = self.write("labels", noisy_labels())
        self.train_on_labels("run", "--head-init", "clusters/centroids.h5", expect=1, err="the label 5 is none of the 5 clusters of clusters/centroids.h5")
        self.labels = "clusters/labels"
        self.train_on_labels("run", "--head-init", "clusters/centroids.h5", "--model.embedding_dim", "16", expect=1,
                             err="is of embeddings of 32 dimensions, the network makes 16")
        self.train_on_labels("run", "--head-init", "e.h5", expect=1, err="e.h5")
        self.train_on_labels("run", "--head-init", "none.h5", expect=1, err="none.h5")


class Wrong(LabelTest):
    def test_usage(self):
        self.train("run", *OPTIONS, expect=2, err="--labels F is missing: train.objective = pseudo_label needs labels")
        self.train("run", "--labels", self.labels, expect=2, err="--labels and --head-init are for train.objective = pseudo_label")
        self.train_on_labels("run", "--views.num_local", "1", expect=2, err="option '--views.num_local' cannot be specified more than once")
        self.train("run", "--train.objective", "pseudo_label", "--labels", self.labels, expect=2,
                   err="train.objective = pseudo_label trains on one view of an utterance: set views.num_global = 1")
        self.train("run", *OPTIONS[:6], "--label_correction.type", "soft", "--labels", self.labels, expect=2, err="set loss_gate.enabled = true")
        self.train("run", "--train.objective", "labels", expect=2, err="train.objective = labels, must be dino or pseudo_label")

    def test_labels(self):
        lines = noisy_labels().splitlines(keepends=True)
        self.labels = self.write("few", "".join(lines[:40]))
        self.train_on_labels("run", expect=1, err=["8 of 48 utterances have no label in ", ", the first is ", "--utts"])
        self.train_on_labels("run", "--utts", self.labels, "--train.max_steps", "1", err="40 utterances")
        self.labels = self.write("same", "".join(line.split()[0] + " x\n" for line in lines))
        self.train_on_labels("other", expect=1, err="gives every utterance the label x; a classifier needs two")
        self.labels = "none"
        self.train_on_labels("other", expect=1, err="none")

    def test_other_labels_on_resume(self):
        self.train_on_labels("run", "--train.max_steps", "2")
        lines = noisy_labels().splitlines(keepends=True)
        self.labels = self.write("changed", "".join([lines[0].split()[0] + " 3\n", *lines[1:]]))
        self.train_on_labels("run", expect=1, err=["was written with another configuration: the utterances: ", "; labels: 6 classes, crc32c "])
        self.run_program("spcnet-launch", "-n", "2", "--check", "--", *self.train_command("run", *OPTIONS, "--labels", self.labels), expect=1,
                         err="was written with another configuration: the utterances: ")

    def test_losses_that_cannot_be_kept_end_nothing(self):
        os.makedirs(self.path("run/losses.h5/in-the-way"))
        self.train_on_labels("run", "--train.max_steps", str(fixtures.STEPS_PER_EPOCH), err=["error: the losses of epoch 0 are not kept: ", "done after step"])


if __name__ == "__main__":
    unittest.main()
