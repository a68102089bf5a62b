#!/usr/bin/env python3
"""`spcnet plan`: its memory beside that of real runs, what it refuses, what it prints."""
import json
import os
import re
import unittest

import fixtures

# Large enough that activations are most of a rank's memory; a step takes a second.
NETWORK = ["--model.channels", "16", "--model.blocks", "2,1,2,1", "--views.global_frames", "200", "--views.local_frames", "150",
           "--dino.out_dim", "16384", "--dino.hidden_dim", "512", "--dino.bottleneck_dim", "128",
           "--checkpoint.every_steps", "2", "--checkpoint.keep", "2"]
# A step of it takes less than embeddings and evaluation do.
WIDE = ["--model.channels", "32", "--model.blocks", "1,1,1,1", "--train.batch_size", "4", "--train.precision", "fp32",
        "--rounds.count", "1", "--rounds.epochs_per_round", "1", "--cluster.num_clusters", "6"]
STATED = ["--tflops", "1", "--memory-gib", "64", "--train.device", "cpu"]


class PlanTest(fixtures.SpcnetTest):
    def plan(self, *arguments, **expectations):
        return self.spcnet("plan", "--config", self.config, *arguments, **expectations)

    def plan_json(self, *arguments, **expectations):
        return json.loads(self.plan("--json", *arguments, **expectations).stdout)


class Memory(PlanTest):
    def check(self, *arguments, network=(), ranks=1, train=(), plan=()):
        """Plans, trains four steps of each stage, compares; 80 mel bins."""
        network = network or NETWORK
        shards = fixtures.shards(80)
        planned = self.plan_json(*STATED, "--gpus-per-node", str(ranks), "--shards", shards, "--classes", "6", *plan, *network, *arguments)
        said = self.train("run", *network, *arguments, *train, "--train.max_steps", "4", data=shards, ranks=ranks).stderr
        measured = max(int(peak) for peak in re.findall(r"peak memory of a rank (\d+) MiB", said))
        predicted = max(stage["memory"]["needed"] for stage in planned["stages"]) / 2**20
        print(f"{' '.join(arguments)} on {ranks}: predicted {predicted:.0f} MiB, measured {measured} MiB, {predicted / measured - 1:+.1%}")
        self.assertGreater(measured, 500, "mostly the program")
        self.assertLess(abs(predicted / measured - 1), 0.15, f"predicted {predicted:.0f} MiB, measured {measured} MiB")
        return [stage["memory"]["phase"] for stage in planned["stages"]]

    def test_of_dino(self):
        self.check("--train.precision", "fp32", "--train.batch_size", "16")

    def test_of_ranks_with_micro_batches(self):
        self.check("--train.precision", "fp32", "--train.batch_size", "32", "--train.accumulate", "2", "--dist.wire", "bf16", ranks=2)

    def test_of_labels(self):
        self.check("--train.objective", "pseudo_label", "--views.num_global", "1", "--views.num_local", "0", "--train.batch_size", "32",
                   "--optim.type", "adamw", train=["--labels", os.path.join(fixtures.corpus(), "utt2spk")])

    def test_of_embeddings_in_front_of_a_round(self):
        self.assertEqual(self.check(network=WIDE), ["training", "extraction"])

    def test_of_rounds_that_are_watched(self):
        phases = self.check(network=WIDE, train=["--trials", self.write_trials(fixtures.NUM_UTTS)], plan=["--eval-utterances", str(fixtures.NUM_UTTS)])
        self.assertEqual(phases, ["evaluation", "evaluation"])


class Measured(PlanTest):
    def test_a_few_steps_tell_the_rate(self):
        said = self.plan("--measure", "--shards", fixtures.shards(), "--gpus-per-node", "2", ranks=2).stdout
        self.assertRegex(said, r"rate: [\d.]+ TFLOP/s a rank in fp32, measured here: [\d.]+ s for a step of 4 utterances a rank on 2 ranks")
        self.assertRegex(said, r"\ndino +120 +[\d.]+ ")
        planned = self.plan_json("--measure", "--shards", fixtures.shards())
        stage = planned["stages"][0]
        self.assertAlmostEqual(stage["step_s"], stage["operations"] / planned["operations_per_s"])


class Said(PlanTest):
    def test_what_does_not_fit_is_refused_with_what_would(self):
        arguments = [*STATED[:2], "--memory-gib", "1.7", "--nodes", "2", "--shards", fixtures.shards(), *NETWORK, "--train.batch_size", "64",
                     "--train.precision", "fp32", "--train.device", "cuda"]
        said = self.plan(*arguments, expect=1, err=["error: it cannot run: dino needs ", " a rank and has 1.70 GiB: set train.accumulate "])
        accumulate = re.search(r"set train.accumulate (\d+) ", said.stderr)[1]
        self.plan(*arguments, "--train.accumulate", accumulate)

    def test_what_no_network_makes_smaller(self):
        self.plan("--tflops", "1", "--memory-gib", "1.4", "--train.device", "cuda", expect=1,
                  err=" and has 1.40 GiB: whatever the network, CUDA takes 1.50 GiB; use ranks with more memory")

    def test_all_stages_of_the_recipe(self):
        recipe = os.path.join(os.path.dirname(__file__), "..", "..", "configs", "vox2_dlg_lc.conf")
        said = self.spcnet("plan", "--config", recipe, "--nodes", "2", "--gpus-per-node", "4", "--tflops", "312", "--memory-gib", "80").stdout
        self.assertIn("2 nodes x 4 ranks with a GPU each; 1092009 utterances of 780 frames as in VoxCeleb2 (--shards DIR counts yours), 80 mel bins",
                      said.splitlines()[0])
        self.assertIn("rate: 312 TFLOP/s in bf16, as stated, x 0.3 that training is taken to reach", said)
        rows = [line.split()[0] for line in said.splitlines() if line and "Gbit/s" in line]
        self.assertRegex(said, r"\nmemory by phase, round-1: training [\d.]+ GiB, extraction [\d.]+ GiB, clustering [\d.]+ GiB\n")
        self.assertEqual(rows, ["stage-1", *(f"round-{i}" for i in range(1, 6)), "finetune"])

    def test_what_is_missing(self):
        self.plan(expect=2, err="give --measure, to time a few steps on this machine, or --tflops R")
        self.plan("--measure", "--tflops", "1", expect=2, err="give --measure")
        self.plan("--tflops", "1", expect=2, err="--memory-gib M is missing: the memory of a GPU")
        self.plan(*STATED, "--nodes", "0", expect=2, err="--nodes, --gpus-per-node, --utterances")
        self.plan(*STATED, "--efficiency", "2", expect=2, err="--efficiency = 2, must be in (0, 1]")
        self.plan(*STATED, "--gpus-per-node", "9", expect=2, err="train.batch_size = 8 for 9 ranks")
        self.plan(*STATED, "--shards", "nowhere", expect=1, err="nowhere")
        for flag, value, low in (("--tflops", "inf", "0.001"), ("--tflops", "1e-300", "0.001"), ("--tflops", "nan", "0.001"), ("--memory-gib", "inf", "0.01"),
                                 ("--memory-gib", "-1", "0.01"), ("--link-gbit", "0", "0.001"), ("--mean-seconds", "inf", "0.1")):
            stated = {"--tflops": "1", "--memory-gib": "64", "--train.device": "cpu", flag: value}
            self.plan(*(word for pair in stated.items() for word in pair), expect=2, err=[f"error: {flag} = {value}, must be {low} to "])


if __name__ == "__main__":
    unittest.main()
