#!/usr/bin/env python3
"""Rounds of pseudo labels: all stages as one run, interrupted wherever it may be, and each of them by hand."""
import json
import os
import random
import re
import shutil
import signal
import time
import unittest

import h5py

import fixtures
import support

STAGES = ("stage-1", "round-1", "round-2", "finetune")
# A gate and a correction that have something to do in so short a round.
ROUNDS = """
[rounds]
count = 2
epochs_per_round = 3
finetune_epochs = 1

[cluster]
num_clusters = 9
half_whiten = true

[extract]
batch_frames = 200

[round.optim]
type = adamw
lr = 0.002
min_lr = 0
warmup_epochs = 0.5

[round.aam]
margin_warmup_epochs = 1

[round.loss_gate]
enabled = true
first_epoch = 2
min_kept = 0

[round.label_correction]
type = fix
first_epoch = 2
threshold = 0.2
max_share = 1

[finetune.views]
global_frames = 60

[finetune.aam]
margin = 0.4
margin_warmup_epochs = 0
"""


class RoundsTest(fixtures.SpcnetTest):
    def setUp(self):
        super().setUp()
        self.rounds = self.write("rounds.conf", ROUNDS)

    def command(self, run, *arguments):
        return self.train_command(run, "--config", self.rounds, "--train.epochs", "2", *arguments)

    def go(self, run, *arguments, **expectations):
        return self.run_program(*self.command(run, *arguments), **expectations)

    def newest(self, run, stage):
        folder = os.path.join(run, stage)
        return self.checkpoint(folder, self.checkpoints(folder)[-1])

    def assert_same_results(self, run, other):
        for stage in STAGES:
            self.assert_same_checkpoint(self.newest(run, stage), self.newest(other, stage))
        for stage in ("round-1", "round-2"):
            for name in ("labels", "summary.json", "agreement.json"):
                self.assertEqual(self.read(os.path.join(run, stage, name)), self.read(os.path.join(other, stage, name)))
            for name in ("labels.h5", "losses.h5", "centroids.h5"):
                one, two = (fixtures.read_tensors(self.path(folder, stage, name))[0] for folder in (run, other))
                self.assertEqual({key: value.tolist() for key, value in one.items()}, {key: value.tolist() for key, value in two.items()}, name)


class WholeRun(RoundsTest):
    def test_what_the_stages_leave(self):
        said = self.go("run", ranks=2, err=["stage 1 of 4: stage-1", "stage 4 of 4: finetune", "all 4 stages are done; the last one is in run/finetune",
                                            "the classifier starts from the means of 9 clusters of run/round-1/centroids.h5",
                                            "the classifier starts from that of run/round-2/checkpoints/step-00000018.h5"]).stderr
        for stage, steps in zip(STAGES, (12, 18, 18, 6)):
            self.assertEqual(self.checkpoints(os.path.join("run", stage))[-1], steps)
            for name in ("config.ini", "run.json", "train.jsonl"):
                self.assertTrue(os.path.exists(self.path("run", stage, name)), f"{stage}/{name}")
        for number in (1, 2):
            folder = f"run/round-{number}"
            for name in ("embeddings.h5", "labels", "labels.h5", "centroids.h5", "whitening.h5", "summary.json", "losses.h5", "agreement.json"):
                self.assertTrue(os.path.exists(self.path(folder, name)), f"{folder}/{name}")
            self.assertEqual(len(self.read(f"{folder}/labels").splitlines()), fixtures.NUM_UTTS)
        with h5py.File(self.path("run/round-2/embeddings.h5")) as file:
            self.assertEqual(file.attrs["source"], "run/round-1/checkpoints/step-00000018.h5")
        self.assertRegex(said, r"round-1: clusters and speakers of 48 utterances: NMI 0\.\d+, AMI 0\.\d+, purity [01.]\d*, ")
        self.check_the_stages_keys()
        self.check_agreement()
        self.check_a_second_call()
        self.spcnet("extract", "--run", "run", "--shards", fixtures.shards(), "--out", "e.h5", err="by run/finetune/checkpoints/step-00000006.h5 student")
        self.run_program("spcnet-launch", "-n", "2", "--check", "--", *self.command("run"), out="every rank is fit to start")

    def check_the_stages_keys(self):
        config = [self.read(f"run/{stage}/config.ini") for stage in STAGES]
        for key, values in {"objective": ("dino", *["pseudo_label"] * 3), "seed": "1234", "lr": ("0.1", *["0.002"] * 3), "epochs": "2331",
                            "margin": ("0.2", "0.2", "0.2", "0.4"), "global_frames": ("40", "40", "40", "60"), "num_global": "2111"}.items():
            self.assertEqual([re.search(rf"^{key} = (.*)$", text, re.M)[1] for text in config], list(values), key)
        whole = self.read("run/config.ini")
        self.assertIn("optim.lr = 0.002", whole)
        self.assertIn("epochs_per_round = 3", whole)

    def check_agreement(self):
        utt2spk = os.path.join(fixtures.corpus(), "utt2spk")
        events = [json.loads(line) for line in self.read("run/train.jsonl").splitlines() if '"agreement"' in line]
        for number, references in ((1, ["speakers"]), (2, ["speakers", "previous_round"])):
            folder = f"run/round-{number}"
            agreement = json.loads(self.read(f"{folder}/agreement.json"))
            self.assertEqual(list(agreement), references)
            printed = self.spcnet("agreement", "--labels", f"{folder}/labels", "--reference", utt2spk, "--json").stdout
            self.assertEqual(agreement["speakers"], json.loads(printed))
            self.assertEqual([event["reference"] for event in events if event["stage"] == f"round-{number}"], references)
        printed = self.spcnet("agreement", "--labels", "run/round-2/labels", "--reference", "run/round-1/labels", "--json").stdout
        self.assertEqual(json.loads(self.read("run/round-2/agreement.json"))["previous_round"], json.loads(printed))

    def check_a_second_call(self):
        """Nothing is made again."""
        def times():
            return {name: os.stat(os.path.join(folder, name)).st_mtime_ns for folder, _, names in os.walk(self.path("run")) for name in names
                    if folder != self.path("run")}
        before = times()
        self.go("run", ranks=2, err=[*(f"{stage} is done: run/{stage}/checkpoints/step-" for stage in STAGES), "all 4 stages are done"])
        self.assertEqual(times(), before)

    def test_more_rounds_go_on_from_those_that_are_done(self):
        self.go("run", "--rounds.count", "1", "--rounds.finetune_epochs", "0")
        self.go("run", "--rounds.finetune_epochs", "0", err="round-1 is done")
        self.go("straight", "--rounds.finetune_epochs", "0")
        self.assert_same_checkpoint(self.newest("run", "round-2"), self.newest("straight", "round-2"))

    def test_recordings_are_compared_with(self):
        recordings = self.write("utt2rec", "".join(f"{utt} {i % 5}\n" for i, (utt, _) in enumerate(fixtures.utts_of(fixtures.shards()))))
        self.go("run", "--rounds.count", "1", "--rounds.finetune_epochs", "0", "--recordings", recordings, "--train.max_steps", "1",
                err="round-1: clusters and recordings of 48 utterances")
        self.assertEqual(json.loads(self.read("run/round-1/agreement.json"))["recordings"]["classes"], 5)

    def test_the_number_of_ranks_changes_no_bit_in_deterministic_mode(self):
        for ranks in (1, 2):
            self.go(f"run-{ranks}", "--dist.deterministic", "true", ranks=ranks)
        self.spcnet("diff", self.newest("run-1", "finetune"), self.newest("run-2", "finetune"), out="the same bits")
        self.assert_same_results("run-1", "run-2")


class ByHand(RoundsTest):
    def test_every_stage_gives_the_same(self):
        self.go("run", "--rounds.count", "1")
        one_run = ("--rounds.count", "0")
        self.go("dino", *one_run)
        self.assert_same_checkpoint(self.newest("run", "stage-1"), self.newest("", "dino"))
        # On as many threads as the run: how products of matrices are shared out may show in the last bit.
        self.spcnet("extract", "--run", "dino", "--shards", fixtures.shards(), "--out", "e.h5", "--extract.batch_frames", "200", "--train.threads", "1")
        self.spcnet("cluster", "--embeddings", "e.h5", "--num-clusters", "9", "--half-whiten", "--out", "clusters")
        self.assertEqual(self.read("clusters/labels"), self.read("run/round-1/labels"))
        for stage, backbone, head in (("round-1", "dino", "clusters/centroids.h5"), ("finetune", "round-1", self.path("round-1/checkpoints/step-00000018.h5"))):
            self.spcnet("train", "--config", self.path("run", stage, "config.ini"), "--shards", fixtures.shards(), "--labels", "clusters/labels",
                        "--init-from", self.newest("", backbone), "--head-init", head, "--run", stage)
            self.assert_same_checkpoint(self.newest("run", stage), self.newest("", stage))

    def test_a_checkpoint_takes_the_place_of_stage_1(self):
        self.go("run", "--rounds.count", "1", "--rounds.finetune_epochs", "0")
        checkpoint = shutil.copy(self.newest("run", "stage-1"), self.path("mine.h5"))
        for _ in range(2):  # the second one finds it done
            self.go("rest", "--rounds.count", "1", "--rounds.finetune_epochs", "0", "--stage-1", checkpoint)
        self.assertFalse(os.path.exists(self.path("rest/stage-1")))
        self.assert_same_checkpoint(self.newest("run", "round-1"), self.newest("rest", "round-1"))

    def test_rounds_may_all_start_from_stage_1(self):
        self.go("run", "--rounds.backbone", "stage-1", "--rounds.finetune_epochs", "0")
        self.spcnet("train", "--config", self.path("run/round-2/config.ini"), "--shards", fixtures.shards(), "--labels", "run/round-2/labels", "--init-from",
                    self.newest("run", "stage-1"), "--head-init", "run/round-2/centroids.h5", "--run", "round-2")
        self.assert_same_checkpoint(self.newest("run", "round-2"), self.newest("", "round-2"))
        with h5py.File(self.path("run/round-2/embeddings.h5")) as file:
            self.assertEqual(file.attrs["source"], "run/round-1/checkpoints/step-00000018.h5")


class Interrupted(RoundsTest):
    # Where -> what stands on the screen, or in the run folder, then.
    POINTS = {
        "extraction": ("stage 2 of 4: round-1", None),
        "clustering": (None, "run/round-1/embeddings.h5"),
        "GMM": ("epoch 2: ", None),
        "mid-epoch": (None, "run/round-2/checkpoints/step-00000005.h5"),
        "fine-tuning": ("stage 4 of 4: finetune", None),
    }

    def wait_for(self, point, process):
        text, path = self.POINTS[point]
        if text:
            self.wait_for_text(text, process)
        else:
            self.wait_until(point, lambda: os.path.exists(self.path(path)), process)

    def test_kills_change_nothing(self):
        """At five points, each a random moment later; two ranks, killed at once."""
        self.go("straight", ranks=2)
        for point in self.POINTS:
            process = self.start_program(*self.command("run"), ranks=2)
            self.wait_for(point, process)
            time.sleep(random.uniform(0, 0.05))
            for rank in support.children(process.pid):
                os.kill(rank, signal.SIGKILL)
            self.assertNotEqual(self.wait_for_end(process), 0, point)
        self.go("run", ranks=2, err="round-2 is done")
        self.assert_same_results("run", "straight")

    def test_a_stop_is_heeded_everywhere(self):
        self.go("straight")
        for point in self.POINTS:
            process = self.start_program(*self.command("run"))
            self.wait_for(point, process)
            process.send_signal(signal.SIGUSR1)
            self.assertEqual(self.wait_for_end(process), 75, f"{point}\n{self.read('stderr.txt')}")
        self.go("run")
        self.assert_same_results("run", "straight")

    def test_the_launcher_starts_it_again(self):
        self.go("straight", ranks=2)
        process = self.start_program("spcnet-launch", "-n", "2", "--backoff", "0.1", "--", *self.command("run"))
        self.wait_for("mid-epoch", process)
        mpirun, = support.children(process.pid)
        os.kill(support.children(mpirun)[1], signal.SIGKILL)
        self.assertEqual(self.wait_for_end(process), 0, self.read("stderr.txt"))
        self.assertRegex(self.read("stderr.txt"), r"restarting from the checkpoint of step \d+ of round-2, 1 of ")
        self.assert_same_results("run", "straight")


class Wrong(RoundsTest):
    def test_usage(self):
        for arguments, message in (
                (["--round.optim.lrr", "1"], "round.optim.lrr: there is no key optim.lrr"),
                (["--round.optim.lr", "fast"], "[round.*]: "),
                (["--finetune.optim.lr", "-1"], "optim.lr must be > 0"),
                (["--round.train.epochs", "3"], "round.train.epochs: rounds train on labels for rounds.epochs_per_round epochs"),
                (["--finetune.model.channels", "4"], "finetune.model.channels: the network stays that of stage 1"),
                (["--rounds.count", "-1"], "rounds.count must be in 0..1000"),
                (["--rounds.count", "0", "--round.optim.lrr", "1"], "round.optim.lrr: there is no key optim.lrr"),
                (["--rounds.finetune_epochs", "0", "--finetune.optimm.lr", "1"], "finetune.optimm.lr: there is no key optimm.lr"),
                (["--rounds.backbone", "best"], "rounds.backbone = best, must be previous or stage-1"),
                (["--cluster.metric", "l1"], "l1"),
                (["--labels", "x"], "--labels and --head-init are for a run without rounds"),
                (["--stage-1", "x", "--init-from", "y"], "--init-from is where stage 1 starts, --stage-1 takes its place"),
                (["--rounds.count", "0", "--stage-1", "x"], "--stage-1 and --recordings are for rounds.count > 0"),
                (["--train.objective", "pseudo_label", "--views.num_global", "1", "--views.num_local", "0"], "rounds.count = 2 needs train.objective = dino")):
            with self.subTest(arguments=arguments):
                self.go("run", *arguments, expect=2, err=message)
                self.assertFalse(os.path.exists(self.path("run")))

    def test_what_can_be_known_is_said_at_the_start(self):
        """By the run and by the look before it."""
        for arguments, ranks, code, message in (
                (["--cluster.num_clusters", "7500"], 1, 2, "cluster.num_clusters = 7500 for 48 utterances; set it between 2 and that"),
                (["--cluster.num_clusters", "1"], 1, 2, "cluster.num_clusters = 1 for 48 utterances"),
                (["--recordings", "none"], 1, 1, "none"),
                (["--recordings", self.write("other", "x y\n")], 1, 2, "names none of the utterances of the shards, such as v0-0"),
                (["--stage-1", "none.h5"], 1, 1, "no checkpoint none.h5"),
                (["--round.train.batch_size", "1"], 2, 2, "round-1: train.batch_size = 1 for 2 ranks"),
                (["--finetune.fbank.num_mel_bins", "40"], 1, 2, "finetune: fbank.num_mel_bins = 40 but the shards have 24")):
            with self.subTest(arguments=arguments):
                self.go("run", *arguments, ranks=ranks, expect=code, err=message)
                self.assertFalse(os.path.exists(self.path("run/stage-1/checkpoints")))
                self.run_program("spcnet-launch", "-n", str(ranks), "--check", "--", *self.command("run", *arguments), expect=1, err=message)

    ONE = ("--rounds.count", "1", "--rounds.finetune_epochs", "0")

    def test_what_is_done_does_not_change_unseen(self):
        self.go("run", *self.ONE)
        for arguments, message in (
                (["--optim.lr", "0.2"], ["run/stage-1/checkpoints/step-00000012.h5", "optim.lr: 0.1 -> 0.2", "remove run/stage-1 and the stages after it"]),
                (["--round.optim.lr", "0.2"], ["run/round-1/checkpoints/step-00000018.h5", "optim.lr: 0.002 -> 0.2", "or remove run/round-1 and the stages"]),
                (["--cluster.num_clusters", "5"], ["run/round-1 was made of other inputs: cluster: k 9, cosine, ", " -> k 5, cosine, "]),
                (["--cluster.max_passes", "1"], "at most 50 passes to 1e-04, half-whitened, 128 directions -> k 9, "),
                (["--extract.max_frames", "40"], "extract: batch_frames 200, max_frames 6000 -> batch_frames 200, max_frames 40")):
            with self.subTest(arguments=arguments):
                self.go("run", *self.ONE, *arguments, expect=1, err=message)
                self.run_program("spcnet-launch", "-n", "1", "--check", "--", *self.command("run", *self.ONE, *arguments), expect=1, err=message)
        os.remove(self.newest("run", "stage-1"))
        self.go("run", *self.ONE, err="all 2 stages are done")  # from step 10 on, to the same bits
        self.go("run", *self.ONE, "--stage-1", self.newest("run", "stage-1"), err="all 1 stages are done")

    def test_another_network_in_front_of_labels_that_are_there(self):
        """Of the same name and number of steps, too."""
        self.go("run", *self.ONE)
        mine = shutil.copy(self.newest("run", "stage-1"), self.path("mine.h5"))
        self.go("mine", *self.ONE, "--stage-1", mine)
        shutil.rmtree(self.path("run/stage-1"))
        self.go("run", *self.ONE, "--optim.lr", "0.02", expect=1, err=[
            "run/round-1 was made of other inputs: backbone: stage-1/checkpoints/step-00000012.h5, crc32c ", "remove run/round-1 and the stages after it"])
        shutil.copy(self.newest("run", "stage-1"), mine)
        self.go("mine", *self.ONE, "--stage-1", mine, expect=1, err="mine/round-1 was made of other inputs: backbone: ")
        shutil.rmtree(self.path("run/round-1"))
        self.go("run", *self.ONE, "--optim.lr", "0.02", err="all 2 stages are done")

    def test_other_utterances_behind_a_given_stage_1(self):
        self.go("run", *self.ONE)
        self.go("rest", *self.ONE, "--stage-1", self.newest("run", "stage-1"))
        shutil.rmtree(self.path("rest/round-1/checkpoints"))
        some = self.write("some", "".join(f"{utt}\n" for utt, _ in fixtures.utts_of(fixtures.shards())[:40]))
        self.go("rest", *self.ONE, "--stage-1", self.newest("run", "stage-1"), "--utts", some, expect=1, err="rest/round-1 was made of other inputs: utterances: 48 ")

    def test_a_round_more_is_refused_before_it_is_made(self):
        self.go("run", "--rounds.count", "1")
        self.go("run", expect=1, err=["run/finetune/checkpoints/step-00000006.h5", "remove run/finetune and the stages after it"])
        self.assertFalse(os.path.exists(self.path("run/round-2")))
        shutil.rmtree(self.path("run/finetune"))
        self.go("run", err="all 4 stages are done")

    def test_embeddings_that_are_damaged_are_made_again(self):
        self.go("run", *self.ONE)
        for name in ("checkpoints", "summary.json"):
            path = self.path("run/round-1", name)
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
        fixtures.cut_in_half(self.path("run/round-1/embeddings.h5"))
        self.go("run", *self.ONE, err=["; they are made again", "all 2 stages are done"])

    def test_a_run_is_with_rounds_or_without(self):
        self.train("plain", "--train.max_steps", "1")
        self.go("plain", expect=1, err="plain holds a run without rounds; name another --run")
        self.go("run", "--train.max_steps", "1")
        self.train("run", expect=1, err="run holds a run with rounds")

    def test_a_second_run_in_the_same_folder(self):
        process = self.start_program("spcnet", "train", "--config", self.config, "--config", self.rounds, "--shards", fixtures.shards(), "--run", "run")
        self.wait_until("it is at work", lambda: os.path.exists(self.path("run/run.json")), process)
        self.go("run", expect=1, err="another run is at work in run")

    def test_labels_that_were_lost(self):
        self.go("run", "--rounds.count", "1", "--rounds.finetune_epochs", "0")
        os.remove(self.path("run/round-1/labels"))
        self.go("run", expect=1, err=["no run/round-1/labels, though the clustering is done; remove run/round-1 and the stages after it"])


class Recipe(RoundsTest):
    def test_stage_1_is_that_of_dino(self):
        """A file stands alone, so the keys are there twice."""
        def keys(name):
            with open(os.path.join(support.ROOT, "configs", name), encoding="utf-8") as file:
                sections = re.split(r"^\[(.*)\]$", file.read(), flags=re.M)
            return {section: re.findall(r"^\w.*$", text, re.M) for section, text in zip(sections[1::2], sections[2::2])}
        dino, rounds = keys("vox2_dino.conf"), keys("vox2_dlg_lc.conf")
        for section, lines in dino.items():
            self.assertEqual(lines, rounds[section], section)
        self.assertEqual({name.split(".")[0] for name in rounds if name not in dino}, {"rounds", "cluster", "round", "finetune"})

    def test_it_goes_through_all_stages(self):
        """The network and its data are made small; one step of each stage."""
        recipe = os.path.join(support.ROOT, "configs/vox2_dlg_lc.conf")
        small = ("--model.channels", "8", "--model.blocks", "1,1,1,1", "--dino.out_dim", "64", "--dino.hidden_dim", "32", "--dino.bottleneck_dim", "16",
                 "--cluster.num_clusters", "6", "--train.batch_size", "8", "--round.train.batch_size", "8", "--finetune.train.batch_size", "8",
                 "--train.max_steps", "1", "--train.precision", "fp32")
        self.spcnet("train", "--config", recipe, *small, "--shards", fixtures.shards(80, "--fbank.window=hamming"), "--run", "run", err="all 7 stages are done")


if __name__ == "__main__":
    unittest.main()
