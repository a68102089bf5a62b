#!/usr/bin/env python3
"""`spcnet cluster`: pseudo labels that do not depend on ranks, and that an interruption does not change."""
import json
import os
import signal
import sys
import unittest

import h5py
import numpy as np

import fixtures

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../reference"))
import kmeans as reference  # noqa: E402  the script that made the numbers

REFERENCE = dict(line.split() for line in (reference.DATA / "kmeans.txt").read_text().splitlines())
PRODUCTS = ["centroids.h5", "labels", "labels.h5", "summary.json"]


class ClusterTest(fixtures.SpcnetTest):
    def embeddings(self, rows, name="e.h5", utts=None):
        rows = np.asarray(rows, np.float32)
        with h5py.File(self.path(name), "w") as file:
            file["embedding"] = rows
            file["utt"] = np.array(utts or [f"utt-{i:05}" for i in range(len(rows))], dtype=h5py.string_dtype())
        return name

    def cluster(self, clusters, out, *arguments, embeddings="e.h5", ranks=1, **expectations):
        command = ["spcnet", "cluster", "--embeddings", embeddings, "--num-clusters", str(clusters), "--out", out, *arguments]
        return self.run_program(*command, ranks=ranks, **expectations)

    def summary(self, out):
        return json.loads(self.read(f"{out}/summary.json"))

    def labels(self, out):
        return np.array([int(line.split()[1]) for line in self.read(f"{out}/labels").splitlines()])

    def tensor(self, name, path):
        with h5py.File(self.path(path), "r") as file:
            return file[name][:]

    def assert_same(self, out, other):
        for name in PRODUCTS:
            if name.endswith(".h5"):
                with h5py.File(self.path(out, name)) as a, h5py.File(self.path(other, name)) as b:
                    self.assertEqual(sorted(a), sorted(b))
                    for dataset in a:
                        self.assertEqual(a[dataset][:].tobytes() if dataset != "utt" else list(a[dataset]),
                                         b[dataset][:].tobytes() if dataset != "utt" else list(b[dataset]), f"{name} {dataset}")
            else:
                self.assertEqual(self.read(f"{out}/{name}"), self.read(f"{other}/{name}"))


class Planted(ClusterTest):
    def setUp(self):
        super().setUp()
        self.rows = reference.planted()
        self.assertAlmostEqual(self.rows.sum(dtype=np.float64), float(REFERENCE["sum_of_rows"]), places=6)
        self.embeddings(self.rows)

    def test_as_good_as_the_best_of_five_of_scikit_learn_on_any_number_of_ranks(self):
        for metric, at_least in (("cosine", True), ("euclidean", False)):
            with self.subTest(metric):
                best = float(REFERENCE[metric])
                for seed in ("1", "2"):
                    self.cluster(reference.CLUSTERS, f"{metric}-{seed}", "--metric", metric, "--seed", seed)
                    objective = self.summary(f"{metric}-{seed}")["objective"]
                    if at_least:
                        self.assertGreater(objective, 0.99 * best)
                    else:
                        self.assertLess(objective, 1.01 * best)
                self.assertNotEqual(self.read(f"{metric}-1/labels"), self.read(f"{metric}-2/labels"))
                for ranks in (2, 4):
                    self.cluster(reference.CLUSTERS, f"{metric}-ranks", "--metric", metric, "--seed", "1", ranks=ranks)
                    self.assert_same(f"{metric}-ranks", f"{metric}-1")

    def test_products_are_what_they_say(self):
        self.cluster(50, "out", "--seeding", "random")
        self.assertEqual(sorted(os.listdir(self.path("out"))), PRODUCTS)
        labels = self.labels("out")
        np.testing.assert_array_equal(self.tensor("label", "out/labels.h5"), labels)
        self.assertEqual([line.split()[0] for line in self.read("out/labels").splitlines()], [f"utt-{i:05}" for i in range(len(labels))])
        summary = self.summary("out")
        self.assertAlmostEqual(summary["objective"], reference.cosine_objective(self.rows, labels, 50), delta=1e-3 * summary["objective"])
        np.testing.assert_array_equal(self.tensor("sizes", "out/centroids.h5"), np.bincount(labels))
        np.testing.assert_array_equal(self.tensor("objective", "out/centroids.h5"), summary["objective_per_pass"])
        self.assertEqual(summary["passes"], len(summary["objective_per_pass"]))
        self.assertTrue(summary["converged"])
        self.assertEqual([summary[key] for key in ("smallest", "largest")], [np.bincount(labels).min(), np.bincount(labels).max()])
        units = self.rows / np.linalg.norm(self.rows, axis=1, keepdims=True)
        means = np.stack([units[labels == cluster].mean(axis=0) for cluster in range(50)])
        np.testing.assert_allclose(self.tensor("means", "out/centroids.h5"), means, atol=1e-6)
        centroids = self.tensor("centroids", "out/centroids.h5")
        np.testing.assert_allclose(np.linalg.norm(centroids, axis=1), 1, atol=1e-6)
        self.assertGreater(np.mean((units @ centroids.T).argmax(axis=1) == labels), 0.9999)

    def test_half_whitened(self):
        """Each direction comes out with the root of the singular value that it had."""
        for ranks in (1, 2):
            self.cluster(50, f"out-{ranks}", "--half-whiten", "--pca-dim", "40", ranks=ranks)
        self.assert_same("out-1", "out-2")
        units = (self.rows / np.linalg.norm(self.rows, axis=1, keepdims=True)).astype(np.float64)
        mean, projection = (self.tensor(name, "out-1/whitening.h5") for name in ("mean", "projection"))
        np.testing.assert_allclose(mean, units.mean(axis=0), atol=1e-9)
        self.assertEqual(projection.shape, (256, 40))
        values = np.linalg.svd(units - mean, compute_uv=False)[:40]
        np.testing.assert_allclose(np.linalg.norm((units - mean) @ projection, axis=0), np.sqrt(values), rtol=1e-6)
        whitened = (units - mean) @ projection
        whitened /= np.linalg.norm(whitened, axis=1, keepdims=True)
        centroids = self.tensor("centroids", "out-1/centroids.h5")
        self.assertGreater(np.mean((whitened @ centroids.T).argmax(axis=1) == self.labels("out-1")), 0.999)
        # The same as a back end of scoring.
        pairs = [(0, 1), (2, 3), (4, 5), (6, 7)]
        trials = "".join(f"{i % 2} utt-{a:05} utt-{b:05}\n" for i, (a, b) in enumerate(pairs))
        expected = np.array([whitened[a] @ whitened[b] for a, b in pairs])
        said = self.spcnet("score", "--embeddings", "e.h5", "--trials", self.write("trials", trials), "--whitening", "out-1/whitening.h5", "--json")
        wrong = [np.mean(expected[1::2] < t) + np.mean(expected[::2] >= t) for t in expected]
        self.assertAlmostEqual(json.loads(said.stdout)["eer"] / 100, min(wrong) / 2, delta=0.26)
        self.spcnet("score", "--embeddings", "e.h5", "--trials", "trials", "--whitening", "out-1/centroids.h5", expect=1,
                    err="holds no mean and projection; it is made by `spcnet cluster --half-whiten`")
        self.spcnet("score", "--embeddings", "e.h5", "--trials", "trials", "--whitening", "out-1/whitening.h5", "--mean", "e.h5", expect=2,
                    err="--whitening subtracts a mean already; drop --mean")


class Interrupted(ClusterTest):
    OPTIONS = ("--seeding", "random", "--tolerance", "0", "--max-passes", "60")

    def setUp(self):
        super().setUp()
        self.embeddings(np.random.default_rng(1).standard_normal((20000, 128)))
        self.cluster(300, "straight", *self.OPTIONS)

    def start(self, *arguments):
        return self.start_program("spcnet", "cluster", "--embeddings", "e.h5", "--num-clusters", "300", "--out", "out", *self.OPTIONS, *arguments)

    def test_a_stop_is_gone_on_from(self):
        process = self.start()
        self.wait_for_text("pass 7:", process)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait_for_end(process), 75)
        self.assertEqual(os.listdir(self.path("out")), ["partial.h5"])
        self.cluster(300, "out", *self.OPTIONS, ranks=2, err="going on after pass ")
        self.assert_same("out", "straight")

    def test_a_kill_costs_the_passes_that_were_not_saved(self):
        process = self.start()
        self.wait_for_text("pass 7:", process)
        process.kill()
        self.wait_for_end(process)
        self.assertNotIn("summary.json", os.listdir(self.path("out")))
        self.cluster(300, "out", *self.OPTIONS)
        self.assert_same("out", "straight")

    def test_what_does_not_belong_is_passed_over(self):
        process = self.start("--seed", "5")
        self.wait_for_text("pass 3:", process)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait_for_end(process), 75)
        said = self.cluster(300, "out", *self.OPTIONS).stderr
        self.assertNotIn("going on", said)
        self.assert_same("out", "straight")
        self.write("out/partial.h5", "not HDF5")
        self.cluster(300, "out", *self.OPTIONS, err=["warning: ", "partial.h5", "; clustering starts again"])
        self.assert_same("out", "straight")
        self.assertNotIn("partial.h5", os.listdir(self.path("out")))


class Odd(ClusterTest):
    def test_fewer_directions_than_clusters(self):
        self.embeddings(np.repeat(np.eye(3, 4), [10, 5, 2], axis=0))
        for seeding in ("kmeans++", "random"):
            with self.subTest(seeding):
                self.cluster(6, seeding, "--seeding", seeding, err="warning: 3 of 6 clusters have no utterance and are left out")
                self.assertEqual(sorted(np.bincount(self.labels(seeding))), [2, 5, 10])
                self.assertEqual(len(self.tensor("centroids", f"{seeding}/centroids.h5")), 3)
                summary = self.summary(seeding)
                self.assertEqual((summary["num_clusters"], summary["converged"]), (3, True))
                self.assertLess(summary["passes"], 20)

    def test_far_from_the_origin(self):
        random = np.random.default_rng(5)
        rows = random.standard_normal((8, 16)).repeat(200, axis=0) * 3 + 0.3 * random.standard_normal((1600, 16))
        self.embeddings(rows)
        self.cluster(8, "near", "--metric", "euclidean")
        self.embeddings(rows + 10000)
        for ranks in (1, 2):
            self.cluster(8, f"far-{ranks}", "--metric", "euclidean", ranks=ranks)
        self.assert_same("far-1", "far-2")
        self.assertEqual(self.read("far-1/labels"), self.read("near/labels"))
        self.assertAlmostEqual(self.summary("far-1")["objective"] / self.summary("near")["objective"], 1, places=3)
        np.testing.assert_allclose(self.tensor("centroids", "far-1/centroids.h5"), self.tensor("centroids", "near/centroids.h5") + 10000, atol=2e-3)

    def test_what_an_earlier_clustering_left(self):
        self.embeddings(np.random.default_rng(1).standard_normal((100, 8)))
        self.cluster(4, "out", "--half-whiten")
        self.assertIn("whitening.h5", os.listdir(self.path("out")))
        self.cluster(4, "out")
        self.assertEqual(sorted(os.listdir(self.path("out"))), PRODUCTS)

    def test_names_that_no_line_can_hold(self):
        for utts, message in ((["a", "b", "a"], "the utterance a is there twice"), (["a", "b c", "d"], "the utterance 'b c' is empty or has spaces")):
            self.embeddings(np.eye(3), utts=utts)
            self.cluster(2, "out", expect=1, err=f"e.h5: {message}")

    def test_a_cluster_for_each_utterance(self):
        self.embeddings(np.random.default_rng(1).standard_normal((30, 8)))
        self.cluster(30, "out")
        self.assertEqual(sorted(self.labels("out")), list(range(30)))
        self.cluster(1, "one")
        self.assertEqual(set(self.labels("one")), {0})

    def test_errors(self):
        rows = np.random.default_rng(1).standard_normal((600, 8))
        self.embeddings(rows)
        self.cluster(601, "out", expect=2, err="601 clusters of 600 utterances; each cluster needs one")
        self.cluster(0, "out", expect=2, err="the number of clusters must be >= 1")
        self.cluster(5, "out", "--metric", "cos", expect=2, err="metric = cos, must be cosine or euclidean")
        self.cluster(5, "out", "--seeding", "x", expect=2, err="seeding = x, must be kmeans++ or random")
        self.cluster(5, "out", embeddings="none.h5", expect=1, err="no embeddings none.h5; make them with `spcnet extract --out`")
        self.write("file", "")
        self.cluster(5, "file/out", expect=1, err="file/out")
        self.spcnet("cluster", "--num-clusters", "5", "--out", "x", expect=2, err="--embeddings E.h5 is missing")
        self.spcnet("cluster", "--num-clusters", "5", "--embeddings", "e.h5", expect=2, err="--out DIR is missing")
        for value, metric in ((0, "cosine"), (np.nan, "cosine"), (np.inf, "euclidean")):
            bad = rows.copy()
            bad[550] = value
            self.embeddings(bad, "bad.h5")
            for ranks in (1, 2):
                with self.subTest(value=value, ranks=ranks):
                    self.cluster(5, "out", "--metric", metric, embeddings="bad.h5", ranks=ranks, expect=1,
                                 err="error: the embedding of utt-00550 is zero or not finite; extract again from a checkpoint that works")


if __name__ == "__main__":
    unittest.main()
