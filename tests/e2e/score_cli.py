#!/usr/bin/env python3
"""`spcnet extract` and `spcnet score`: embeddings that do not depend on ranks or batches, and error rates by the book."""
import itertools
import json
import os
import re
import shutil
import unittest

import h5py
import numpy as np

import fixtures
import support


def trained():
    return fixtures.finished_run(10)


def read_embeddings(path):
    with h5py.File(path, "r") as file:
        return file["embedding"][:], list(file["utt"].asstr()[:])


def error_rates(scores, targets):
    """EER in percent and minDCF at 0.01 and 0.05, from every threshold. Equal scores are accepted together."""
    scores, targets = np.asarray(scores), np.asarray(targets, bool)
    thresholds = np.concatenate([[np.inf], np.unique(scores)[::-1]])
    misses = np.array([np.mean(scores[targets] < threshold) for threshold in thresholds])
    false_accepts = np.array([np.mean(scores[~targets] >= threshold) for threshold in thresholds])
    after = np.argmax(misses - false_accepts <= 0)
    gap_before, gap_after = (misses - false_accepts)[[after - 1, after]]
    share = gap_before / (gap_before - gap_after)
    eer = 100 * (false_accepts[after - 1] + share * (false_accepts[after] - false_accepts[after - 1]))
    costs = [np.min(p * misses + (1 - p) * false_accepts) / min(p, 1 - p) for p in (0.01, 0.05)]
    return eer, *costs


class ScoreTest(fixtures.SpcnetTest):
    def extract(self, out, *arguments, data=None, **expectations):
        return self.spcnet("extract", *arguments, "--shards", data or fixtures.shards(), "--out", out, **expectations)

    def score(self, embeddings, trials, *arguments):
        return json.loads(self.spcnet("score", "--embeddings", embeddings, "--trials", trials, "--json", *arguments).stdout)

    def write_embeddings(self, name, utts, embedding):
        with h5py.File(self.path(name), "w") as file:
            file["embedding"] = np.asarray(embedding, np.float32)
            file["utt"] = np.array(list(utts), dtype=h5py.string_dtype())

    def made_up(self, ties=False):
        """Embeddings of nine speakers around their centres, off the origin, with all pairs as trials. With ties they are axes, and all
        cosines are exactly -1, 0 or 1."""
        random = np.random.default_rng(3)
        speakers = np.repeat(np.arange(9), 5)
        embedding = random.normal(size=(9, 7))[speakers] + 0.9 * random.normal(size=(45, 7)) + 0.7
        if ties:
            largest = np.abs(embedding).argmax(axis=1)
            embedding = np.sign(embedding) * (np.arange(7) == largest[:, None]) * 2.0 ** random.integers(-3, 3, size=(45, 1))
        utts = [f"u{i}" for i in range(45)]
        self.write_embeddings("e.h5", utts, embedding)
        pairs = list(itertools.combinations(range(45), 2))
        self.write("voxceleb.txt", "".join(f"{int(speakers[a] == speakers[b])} u{a} u{b}\n" for a, b in pairs))
        self.write("kaldi.txt", "".join(f"u{a} u{b} {'target' if speakers[a] == speakers[b] else 'nontarget'}\n" for a, b in pairs))
        return embedding.astype(np.float32).astype(np.float64), pairs, [speakers[a] == speakers[b] for a, b in pairs]

    def assert_rates(self, figures, expected):
        np.testing.assert_allclose([figures[key] for key in ("eer", "min_dcf_0.01", "min_dcf_0.05")], expected, rtol=1e-9)


def cosines(embedding, pairs, mean=0.0):
    unit = (embedding - mean) / np.linalg.norm(embedding - mean, axis=1, keepdims=True)
    return [unit[a] @ unit[b] for a, b in pairs]


class Extract(ScoreTest):
    def test_layout(self):
        self.extract("e.h5", "--run", trained(), err="48 embeddings of 32 dimensions by ")
        embedding, utts = read_embeddings(self.path("e.h5"))
        self.assertEqual((embedding.dtype, embedding.shape), (np.float32, (48, 32)))
        self.assertEqual(utts, [utt for utt, _ in fixtures.utts_of(fixtures.shards())])
        self.assertTrue(np.isfinite(embedding).all())
        self.assertGreater(embedding.std(axis=0).min(), 0)

    def test_ranks_and_batches_change_nothing(self):
        self.extract("one.h5", "--run", trained())
        one, utts = read_embeddings(self.path("one.h5"))
        for name, ranks, arguments in (("two", 2, ()), ("three", 3, ()), ("alone", 1, ("--extract.batch_frames", "1"))):
            with self.subTest(name):
                self.extract(name + ".h5", "--run", trained(), *arguments, ranks=ranks)
                other, other_utts = read_embeddings(self.path(name + ".h5"))
                self.assertEqual(other_utts, utts)
                np.testing.assert_allclose(other, one, rtol=0, atol=1e-5 * np.abs(one).max())

    def test_sources(self):
        checkpoint = os.path.join(trained(), "checkpoints", "step-00000010.h5")
        self.extract("run.h5", "--run", trained(), err="step-00000010.h5 teacher: run.h5")
        self.extract("newest.h5", "--checkpoint", checkpoint)
        self.extract("older.h5", "--checkpoint", checkpoint.replace("10.h5", "05.h5"))
        self.extract("init.h5", "--init", "--config", "tiny.conf", err="by untrained: init.h5")
        self.extract("again.h5", "--init", "--config", "tiny.conf")
        of = {name: read_embeddings(self.path(name + ".h5"))[0] for name in ("run", "newest", "older", "init", "again")}
        np.testing.assert_array_equal(of["run"], of["newest"])
        np.testing.assert_array_equal(of["init"], of["again"])
        for one, other in (("run", "older"), ("run", "init"), ("older", "init")):
            self.assertGreater(np.abs(of[one] - of[other]).max(), 1e-3, (one, other))

    def test_the_network_is_the_checkpoints(self):
        self.extract("e.h5", "--run", trained(), "--config", "tiny.conf", "--train.threads", "2", "--extract.batch_frames", "500")
        self.extract("e.h5", "--run", trained(), "--model.embedding_dim", "5", expect=2,
                     err=["error: model.embedding_dim = 5, but ", "was trained with 32; drop the key"])

    def test_features_are_those_of_the_training(self):
        self.extract("e.h5", "--run", trained(), data=fixtures.shards(fixtures.BINS, "--fbank.window", "hamming"), expect=1,
                     err=["was trained on other features than the shards hold; pack them alike: '", "window=hamming"])
        self.extract("e.h5", "--run", trained(), data=fixtures.shards(fixtures.BINS, "--fbank.dither", "1"))

    def test_some_utterances(self):
        self.extract("all.h5", "--run", trained())
        everything, utts = read_embeddings(self.path("all.h5"))
        self.write("some.txt", "\n".join(utts[40:10:-7]) + "\n")
        self.extract("some.h5", "--run", trained(), "--utts", "some.txt")
        embedding, some = read_embeddings(self.path("some.h5"))
        self.assertEqual(some, sorted(utts[40:10:-7], key=utts.index))
        np.testing.assert_allclose(embedding, everything[[utts.index(utt) for utt in some]], rtol=0, atol=1e-5 * np.abs(everything).max())

    def test_wrong_usage(self):
        for arguments in ((), ("--run", "a", "--init"), ("--run", "a", "--checkpoint", "b")):
            self.extract("e.h5", *arguments, expect=2, err="error: give one of --run RUN, --checkpoint F and --init")
        self.spcnet("extract", "--init", "--out", "e.h5", expect=2, err="error: --shards DIR is missing")
        self.spcnet("extract", "--init", "--shards", "x", expect=2, err="error: --out E.h5 is missing")

    def test_failures(self):
        self.extract("e.h5", "--run", "none", expect=1, err="no checkpoint in none/checkpoints; train first, or give --checkpoint F")
        self.extract("e.h5", "--checkpoint", "none.h5", expect=1, err="no checkpoint none.h5")
        self.extract("e.h5", "--run", trained(), data="none", expect=1, err="no folder none; make shards with")
        self.extract("e.h5", "--run", trained(), data=fixtures.shards(bins=32), expect=1,
                     err="was trained on 24 mel bins, the shards have 32; pack them with --fbank.num_mel_bins 24")
        self.extract("none/e.h5", "--run", trained(), expect=2, err="error: --out none/e.h5: there is no folder none")
        self.extract(".", "--run", trained(), expect=2, err="error: --out . is a folder; name a file")
        said = self.extract("/proc/e.h5", "--run", trained(), expect=1, err="error: cannot write /proc/e.h5: ").stderr
        self.assertEqual(len(said.splitlines()), 1, "before anything is extracted")
        data = self.copy_of_shards()
        fixtures.flip_bit(os.path.join(data, "shard-00003.h5"), "feats")
        for ranks in (1, 2):
            self.extract("e.h5", "--run", trained(), data=data, ranks=ranks, expect=1, err="shard-00003.h5: wrong checksum")
        self.assertFalse(os.path.exists(self.path("e.h5")))

    def test_damaged_checkpoint(self):
        shutil.copytree(trained(), self.path("run"))
        fixtures.flip_bit(self.checkpoint("run", 10), "teacher/backbone/fc/weight")
        self.extract("e.h5", "--checkpoint", self.checkpoint("run", 10), expect=1, err="teacher/backbone/fc/weight has a wrong checksum")
        self.extract("e.h5", "--run", "run", err=["step-00000010.h5 is damaged and passed over", "step-00000005.h5 teacher: e.h5"])


class Score(ScoreTest):
    def test_agrees_with_the_definition(self):
        for ties in (False, True):
            with self.subTest(ties=ties):
                embedding, pairs, targets = self.made_up(ties)
                scores = cosines(embedding, pairs)
                self.assertEqual(len(set(scores)) < 4, ties)
                expected = error_rates(scores, targets)
                self.assertGreater(expected[0], 1)
                self.assert_rates(self.score("e.h5", "voxceleb.txt"), expected)

    def test_both_forms_are_one(self):
        self.made_up()
        figures = self.score("e.h5", "voxceleb.txt")
        self.assertEqual(self.score("e.h5", "kaldi.txt"), figures)
        self.assertEqual((figures["targets"], figures["nontargets"]), (9 * 10, 45 * 44 // 2 - 9 * 10))

    def test_mean_is_subtracted(self):
        embedding, pairs, targets = self.made_up()
        self.write_embeddings("mean.h5", ["m0", "m1"], [embedding[:30].mean(0) + 1, embedding[:30].mean(0) - 1])
        mean = read_embeddings(self.path("mean.h5"))[0].astype(np.float64).mean(0)
        figures = self.score("e.h5", "voxceleb.txt", "--mean", "mean.h5")
        self.assert_rates(figures, error_rates(cosines(embedding, pairs, mean), targets))
        self.assertNotEqual(figures["eer"], self.score("e.h5", "voxceleb.txt")["eer"])

    def test_of_extracted_embeddings(self):
        self.extract("e.h5", "--run", trained())
        embedding, utts = read_embeddings(self.path("e.h5"))
        speaker = dict(fixtures.utts_of(fixtures.shards()))
        pairs = list(itertools.combinations(range(len(utts)), 2))
        targets = [speaker[utts[a]] == speaker[utts[b]] for a, b in pairs]
        self.write("trials.txt", "".join(f"{int(same)} {utts[a]} {utts[b]}\n" for (a, b), same in zip(pairs, targets)))
        self.assert_rates(self.score("e.h5", "trials.txt"), error_rates(cosines(embedding.astype(np.float64), pairs), targets))
        text = self.spcnet("score", "--embeddings", "e.h5", "--trials", "trials.txt").stdout
        self.assertRegex(text, r"^ +trials\ntarget trials +168\nnontarget trials +960\nEER, % +\d+\.\d+\nEER \(arg-min\), % +\d+\.\d+\n"
                               r"minDCF\(0\.01\) +\d\.\d+\nminDCF\(0\.05\) +\d\.\d+\n"
                               r"actDCF\(0\.01\) +\d+\.\d+\nactDCF\(0\.05\) +\d+\.\d+\nCllr +\d\.\d+\n"
                               r"actDCF and Cllr take scores for log-likelihood ratios, which these are not: --calibrate LIST makes them so\n$")


class SeveralLists(ScoreTest):
    """Nine speakers of made_up() and a cohort; all pairs, and the harder half of the nontargets."""

    def setUp(self):
        super().setUp()
        self.embedding, pairs, targets = self.made_up()
        cosine = cosines(self.embedding, pairs)
        middle = np.median([score for score, same in zip(cosine, targets) if not same])
        with open(self.path("voxceleb.txt"), encoding="utf-8") as file:
            lines = file.readlines()
        self.hard = [n for n, same in enumerate(targets) if same or cosine[n] > middle]
        self.write("hard.txt", "".join(lines[n] for n in self.hard))
        self.pairs, self.targets, self.lines = pairs, targets, lines
        random = np.random.default_rng(5)
        self.cohort = (random.normal(size=(11, 7))[np.arange(33) % 11] + 0.5 * random.normal(size=(33, 7)) + 0.7).astype(np.float32)
        self.write_embeddings("cohort.h5", [f"c{i}" for i in range(33)], self.cohort)
        self.write("cohort.utt2spk", "".join(f"c{i} s{i % 11}\n" for i in range(33)))
        self.write("utt2spk", "".join(f"u{i} s{i // 5}\n" for i in range(45)))

    def scores_of(self, name, *arguments):
        self.spcnet("score", "--embeddings", "e.h5", "--trials", f"A={name}", "--scores", "scores", *arguments)
        rows = [line.split() for line in self.read("scores/A.txt").splitlines()]
        return [row[:2] for row in rows], np.array([float(row[2]) for row in rows])

    def test_each_is_as_alone(self):
        both = json.loads(self.spcnet("score", "--embeddings", "e.h5", "--trials", "all=voxceleb.txt", "--trials", "hard.txt", "--json").stdout)
        self.assertEqual(both, {"all": self.score("e.h5", "voxceleb.txt"), "hard": self.score("e.h5", "hard.txt")})
        self.assertGreater(both["hard"]["eer"], both["all"]["eer"])
        text = self.spcnet("score", "--embeddings", "e.h5", "--trials", "all=voxceleb.txt", "--trials", "hard.txt").stdout
        self.assertRegex(text, r"^ +all +hard\ntarget trials +90 +90\nnontarget trials +900 +450\nEER, % +\d")

    def test_score_files_are_the_trials_in_their_order(self):
        names, scores = self.scores_of("voxceleb.txt")
        self.assertEqual(names, [line.split()[1:] for line in self.lines])
        np.testing.assert_allclose(scores, cosines(self.embedding, self.pairs), rtol=1e-8, atol=1e-9)

    def test_as_norm(self):
        unit = self.embedding / np.linalg.norm(self.embedding, axis=1, keepdims=True)
        means = np.array([self.cohort[s::11].astype(np.float64).mean(0) for s in range(11)])
        for members, top_n, arguments in ((means, 5, ("--cohort-utt2spk", "cohort.utt2spk")), (self.cohort.astype(np.float64), 20, ())):
            members = members / np.linalg.norm(members, axis=1, keepdims=True)
            top = np.sort(unit @ members.T, axis=1)[:, -top_n:]
            normed = [np.mean([(unit[a] @ unit[b] - top[i].mean()) / top[i].std() for i in (a, b)]) for a, b in self.pairs]
            _, scores = self.scores_of("voxceleb.txt", "--cohort", "cohort.h5", "--top-n", str(top_n), *arguments)
            np.testing.assert_allclose(scores, normed, rtol=1e-6, atol=1e-6)
        one = self.scores_of("voxceleb.txt", "--cohort", "cohort.h5", "--cohort-size", "12", "--top-n", "5")[1]
        np.testing.assert_array_equal(one, self.scores_of("voxceleb.txt", "--cohort", "cohort.h5", "--cohort-size", "12", "--top-n", "5")[1])
        other = self.scores_of("voxceleb.txt", "--cohort", "cohort.h5", "--cohort-size", "12", "--top-n", "5", "--seed", "2")[1]
        self.assertGreater(np.abs(other - one).max(), 0.1)

    def test_calibration_makes_ratios(self):
        raw, fitted = self.score("e.h5", "voxceleb.txt"), self.score("e.h5", "voxceleb.txt", "--calibrate", "voxceleb.txt")
        self.assertEqual(fitted["eer"], raw["eer"])
        self.assertLess(fitted["cllr"], raw["cllr"] - 0.1)
        calibrated = self.score("e.h5", "hard.txt", "--calibrate", "voxceleb.txt")
        _, before = self.scores_of("hard.txt")
        _, after = self.scores_of("hard.txt", "--calibrate", "voxceleb.txt")
        scale, offset = np.polyfit(before, after, 1)
        self.assertGreater(scale, 1)
        np.testing.assert_allclose(after, scale * before + offset, atol=1e-6)
        accepted, target = after >= np.log(19), np.array(self.targets)[self.hard]
        expected = (0.05 * np.mean(~accepted[target]) + 0.95 * np.mean(accepted[~target])) / 0.05
        self.assertAlmostEqual(calibrated["act_dcf_0.05"], expected, places=9)

    def test_calibration_on_the_trials_themselves_is_warned_of(self):
        of = lambda keep: "".join(line for line in self.lines if all(keep(int(utt[1:])) for utt in line.split()[1:]))
        self.write("first.txt", of(lambda utt: utt < 25))
        self.write("last.txt", of(lambda utt: utt >= 25))
        calibrated = lambda trials, on: self.spcnet("score", "--embeddings", "e.h5", "--trials", f"A={trials}", "--calibrate", on)
        self.assertIn("25 utterances of the trials A are in --calibrate first.txt, which should be of other speakers",
                      calibrated("first.txt", "first.txt").stderr)
        self.assertIn("25 utterances of the trials A are in --calibrate first.txt", calibrated("voxceleb.txt", "first.txt").stderr)
        of_others = calibrated("last.txt", "first.txt")
        self.assertEqual(of_others.stderr, "")
        self.assertNotIn("--calibrate", of_others.stdout, "these are ratios")

    def test_intervals_by_speaker(self):
        figures = self.score("e.h5", "voxceleb.txt", "--bootstrap", "200", "--utt2spk", "utt2spk")
        low, high = figures["intervals"]["eer"]
        self.assertLess(low, figures["eer"])
        self.assertGreater(high, figures["eer"])
        self.assertEqual(figures["intervals"]["replicates"], 200)
        self.assertEqual(self.score("e.h5", "voxceleb.txt", "--bootstrap", "200", "--utt2spk", "utt2spk", "--threads", "1"), figures)
        text = self.spcnet("score", "--embeddings", "e.h5", "--trials", "voxceleb.txt", "--bootstrap", "200", "--utt2spk", "utt2spk").stdout
        self.assertRegex(text, rf"\nEER, % +{figures['eer']:.3f} \({low:.3f} to {high:.3f}\)\n")
        self.assertIn("in brackets: 95 % intervals", text)
        for key in ("min_dcf_0.01", "min_dcf_0.05", "act_dcf_0.01", "act_dcf_0.05", "cllr"):
            low, high = figures["intervals"][key]
            self.assertTrue(low <= figures[key] <= high, key)

    def test_intervals_of_few_speakers_are_warned_of(self):
        warned = lambda trials: self.spcnet("score", "--embeddings", "e.h5", "--trials", f"A={trials}", "--bootstrap", "200", "--utt2spk", "utt2spk").stderr
        self.assertIn("warning: trials A: do not rely on the intervals: they are of 9 speakers, and of 200 draws of these 200 had both kinds",
                      warned("voxceleb.txt"))
        self.write("two.txt", "".join(line for line in self.lines if all(int(utt[1:]) < 10 for utt in line.split()[1:])))
        usable = int(re.search(r"they are of 2 speakers, and of 200 draws of these (\d+) had both kinds", warned("two.txt"))[1])
        self.assertTrue(60 < usable < 140, "about half of the draws have both speakers")
        random = np.random.default_rng(4)
        self.write_embeddings("e.h5", [f"u{i}" for i in range(60)], random.normal(size=(60, 7)))
        self.write("utt2spk", "".join(f"u{i} s{i // 3}\n" for i in range(60)))
        self.write("many.txt", "".join(f"{int(a // 3 == b // 3)} u{a} u{b}\n" for a, b in itertools.combinations(range(60), 2)))
        self.assertEqual(warned("many.txt"), "", "twenty speakers")

    def test_failures(self):
        def fails(message, *arguments, expect=1):
            self.spcnet("score", "--embeddings", "e.h5", "--trials", "voxceleb.txt", *arguments, expect=expect, err=["error: ", message])
        fails("--bootstrap draws speakers; give them by --utt2spk FILE", "--bootstrap", "100", expect=2)
        fails("--bootstrap 99: must be 100 to 1000000, as 95 % intervals need their tails, or 0", "--bootstrap", "99", "--utt2spk", "utt2spk", expect=2)
        fails("--cohort-utt2spk and --cohort-size need --cohort E.h5", "--cohort-size", "9", expect=2)
        fails("--top-n 300 of a cohort of 33; lower it, or take a larger cohort", "--cohort", "cohort.h5", expect=2)
        fails("another list is named voxceleb already; give NAME=FILE", "--trials", "voxceleb.txt", expect=2)
        fails("--trials a/b=voxceleb.txt: the name a/b holds a '/'; give NAME=FILE", "--trials", "a/b=voxceleb.txt", expect=2)
        fails("cohort.h5 has no utterance that utt2spk names", "--cohort", "cohort.h5", "--cohort-utt2spk", "utt2spk")
        fails("--scores e.h5", "--scores", "e.h5")
        self.write("few", "u0 s0\n")
        fails("few: no speaker for utterance u1, which has trials", "--bootstrap", "100", "--utt2spk", "few")
        self.write("wrong", self.read("utt2spk").replace("u7 s1", "u7 s2"))
        fails("trial of two speakers; the speakers are not those of the list", "--bootstrap", "100", "--utt2spk", "wrong")
        self.write("easy", "1 u0 u0\n0 u0 u44\n")
        fails("--calibrate easy: a threshold tells all target trials from all nontarget ones", "--calibrate", "easy")
        with h5py.File(self.path("w.h5"), "w") as file:
            for name, value in (("mean", np.zeros(8)), ("projection", np.eye(7))):
                data = file.create_dataset(name, data=value)
                data.attrs["crc32c"] = np.int64(support.crc32c(value.tobytes()))
        fails("w.h5 is damaged: mean must be float64 [E], projection float64 [E, P]", "--whitening", "w.h5")


class ScoreFailures(ScoreTest):
    def fails(self, message, embeddings="e.h5", trials="voxceleb.txt", *arguments):
        self.spcnet("score", "--embeddings", embeddings, "--trials", trials, *arguments, expect=1, err=["error: ", message])

    def test_trial_lists(self):
        self.made_up()
        for name, text, message in (
                ("typo", "1 u0 u1\n0 u0 u7x\n", "typo:2: no embedding for utterance 'u7x'; extract it, or write the ids in the list"),
                ("label", "1 u0 u1\n2 u0 u7\n", "label:2: unknown label '2', expected 1 or 0"),
                ("mixed", "1 u0 u1\nu0 u7 nontarget\n", "mixed:2: this line is in Kaldi form, the lines before it are in VoxCeleb form"),
                ("fields", "1 u0 u1\n\n0 u0\n", "fields:3: 2 fields, expected 3"),
                ("empty", "", "empty: no trials"),
                ("onesided", "1 u0 u1\n", "onesided: no nontarget trials; EER and minDCF need both kinds")):
            with self.subTest(name):
                self.write(name, text)
                self.fails(message, trials=name)

    def test_files(self):
        self.made_up()
        self.fails("no embeddings none.h5; make them with `spcnet extract --out`", embeddings="none.h5")
        self.fails("none.txt: No such file or directory", trials="none.txt")
        self.fails("tiny.conf", embeddings="tiny.conf")
        self.write_embeddings("mean.h5", ["m"], [[1.0, 2.0, 3.0]])
        self.fails("mean.h5 has 3 dimensions, e.h5 has 7", "e.h5", "voxceleb.txt", "--mean", "mean.h5")
        fixtures.cut_in_half(self.path("e.h5"))
        self.fails("embeddings e.h5: ")

    def test_values(self):
        self.write("trials.txt", "1 a b\n0 a c\n")
        self.write_embeddings("nan.h5", "abc", [[1, 2], [3, np.nan], [1, 1]])
        self.fails("the embedding of utterance 'b' has the value nan at 1", embeddings="nan.h5", trials="trials.txt")
        self.write_embeddings("zero.h5", "abc", [[1, 2], [3, 1], [0, 0]])
        self.fails("the embedding of utterance 'c' is zero", embeddings="zero.h5", trials="trials.txt")
        self.write_embeddings("twice.h5", "aba", [[1, 2], [3, 1], [1, 1]])
        self.fails("the embeddings hold utterance 'a' twice", embeddings="twice.h5", trials="trials.txt")

    def test_wrong_usage(self):
        self.spcnet("score", "--trials", "t", expect=2, err="error: --embeddings E.h5 is missing")
        self.spcnet("score", "--embeddings", "e", expect=2, err="error: --trials T is missing")
        self.spcnet("score", "--embedings", "e", expect=2, err="unrecognised option '--embedings'; --help lists every option")


if __name__ == "__main__":
    unittest.main()
