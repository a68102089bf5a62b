#!/usr/bin/env python3
"""`spcnet train` as its users meet it: help, wrong usage, what a run leaves behind."""
import json
import os
import pty
import re
import statistics
import subprocess
import unittest

import h5py
import numpy as np

import fixtures
import support

COMMANDS = ("model", "plan", "train", "preflight", "average", "extract", "export", "score", "cluster", "gate", "agreement", "diff", "metrics", "report", "explain")


class Help(support.ProgramTest):
    def test_lists_the_commands_and_the_exit_codes(self):
        for flag in ("--help", "-h", "help"):
            self.run_program("spcnet", flag, out=[*COMMANDS, "0 done", "1 failed", "2 wrong usage", "75 stopped by request"])

    def test_lists_every_key_with_default_and_unit(self):
        text = self.run_program("spcnet", "train", "--help", out=[
            "mpirun -n 2 spcnet train --config", "--config arg", "--shards arg", "--noise-shards", "--utts", "--run arg", "--init-from",
            "--fbank.num_mel_bins arg (=0)", "--model.channels arg (=32)", "--model.blocks arg (=3,3,9,3)", "--dino.out_dim arg (=65536)",
            "--dino.teacher_temp arg (=0.07)", "--views.global_frames arg (=300)", "their length, frames",
            "--augment.speech_snr_low arg (=5)", "its lowest signal-to-noise ratio, dB", "--optim.lr arg (=0.2)",
            "--train.epochs arg (=150)", "--rounds.count arg (=0)", "--cluster.num_clusters arg (=7500)", "--round.* arg", "--finetune.* arg", "--train.max_steps arg (=0)",
            "--train.precision arg (=auto)", "--checkpoint.every_steps arg (=1000)", "steps between checkpoints",
            "--log.every_seconds arg (=5)", "--dist.timeout_s arg (=600)", "longest wait for the other ranks, and longest time without progress, seconds"]).stdout
        keys = [line.split()[0][2:] for line in text.splitlines() if line.startswith("  --") and "." in line.split()[0]]
        self.assertGreater(len(keys), 60)
        for line in text.splitlines():
            if line.startswith("  --") and "." in line.split()[0] and ".*" not in line.split()[0]:
                self.assertRegex(line, r"^  --[a-z_]+\.\w+ arg \(=[^)]+\)")

    def test_version_everywhere(self):
        line = self.run_program("spcnet", "--version").stdout
        self.assertRegex(line, r"^spcnet \d+\.\d+\.\d+ \(.*\)\n$")
        for command in COMMANDS:
            self.assertEqual(self.run_program("spcnet", command, "--version").stdout, line)


class Allocator(support.ProgramTest):
    def test_is_jemalloc_that_keeps_its_pages(self):
        """Without an environment that says so: MALLOC_CONF only asks for the list of options."""
        self.run_program("spcnet", "--version", env={"MALLOC_CONF": "stats_print:true"},
                         err=['opt.thp: "always"', "opt.dirty_decay_ms: -1", "opt.muzzy_decay_ms: -1"])


class WrongUsage(fixtures.SpcnetTest):
    def test_of_the_program(self):
        self.spcnet(expect=2, out="usage: spcnet COMMAND")
        self.spcnet("trian", expect=2, err="error: unknown command 'trian'; `spcnet --help` lists them")

    def test_missing_arguments(self):
        self.spcnet("train", "--run", "run", expect=2, err="error: --shards DIR is missing; make shards with `spcnet-data fbank`")
        self.spcnet("train", "--shards", "x", expect=2, err="error: --run RUN is missing: the folder for checkpoints and logs")
        self.train("run", "--train.max_steps", expect=2, err="the required argument for option '--train.max_steps' is missing")
        self.train("run", "more", expect=2, err="too many positional options")

    def test_keys_and_values(self):
        for arguments, message in (
                (["--train.max_step", "3"], "unrecognised option '--train.max_step'; --help lists every option and key"),
                (["--train.max_steps", "three"], "the argument ('three') for option '--train.max_steps' is invalid"),
                (["--train.max_steps", "-1"], "train.max_steps >= 0"),
                (["--train.batch_size", "0"], "train.batch_size"),
                (["--train.precision", "fp8"], "train.precision = fp8, must be auto, fp32, bf16 or fp64"),
                (["--train.device", "gpu"], "train.device = gpu, must be auto, cpu or cuda"),
                (["--train.cuda_graphs", "true", "--train.accumulate", "2"], "set train.accumulate = 1 and dist.wire = fp32"),
                (["--train.cuda_graphs", "true", "--dist.wire", "bf16"], "train.cuda_graphs records a step of one micro-batch whose gradients travel as they are"),
                (["--optim.type", "lars"], "optim.type = lars, must be sgd or adamw"),
                (["--optim.lr", "0"], "optim.lr must be > 0"),
                (["--dino.teacher_temp", "0"], "dino.*_temp must be > 0"),
                (["--views.local_frames", "8"], "must be >= 16"),
                (["--views.num_global", "1", "--views.num_local", "0"], "views.num_global + views.num_local must be >= 2: a view learns from another one"),
                (["--train.epochs", "inf"], "train.epochs must be > 0 and <= 1e6"),
                (["--train.epochs", "nan"], "train.epochs must be > 0 and <= 1e6"),
                (["--augment.tilt_db", "-1"], "augment.tilt_db"),
                (["--augment.speech_prob", "0", "--augment.noise_prob", "0.5"], "augment.noise_prob = 0.5 needs --noise-shards"),
                (["--checkpoint.keep", "0"], "checkpoint.keep must be >= 1"),
                (["--dist.expected_ranks", "2"], "dist.expected_ranks = 2 but MPI started 1"),
                (["--fbank.num_mel_bins", "80"],
                 "fbank.num_mel_bins = 80 but the shards have 24; drop the key, or pack with --fbank.num_mel_bins 80")):
            with self.subTest(arguments):
                self.train("run", *arguments, expect=2, err=["error: ", message])
        self.assertEqual(self.checkpoints("run"), [])

    def test_what_the_data_lack_is_said_before_anything_else(self):
        for key, message in (("augment.copy_prob", "the shards hold no augmented copies; pack them with `spcnet-data fbank --copies.num`"),
                             ("augment.noise_prob", "needs --noise-shards")):
            said = self.train("run", f"--{key}", "0.3", expect=2, err=["error: ", message]).stderr
            self.assertEqual(len(said.splitlines()), 1)

    def test_config_files(self):
        for name, text, message in (
                ("key.conf", "[train]\nepohcs = 3\n", "unrecognised option 'train.epohcs'"),
                ("value.conf", "[train]\nepochs = many\n", "the argument ('many') for option 'train.epochs' is invalid"),
                ("line.conf", "[train]\nepochs 3\n", "invalid line 'epochs 3'")):
            with self.subTest(name):
                self.write(name, text)
                self.train("run", "--config", name, expect=2, err=["error: ", name, message])
        self.train("run", "--config", "missing.conf", expect=2, err=["error: ", "missing.conf"])
        self.train("run", "--config", self.folder, expect=2, err=["error: ", self.folder])

    def test_fewer_rows_than_ranks(self):
        self.train("run", "--train.batch_size", "1", ranks=2, expect=2, err="train.batch_size = 1 for 2 ranks; every rank needs a row")
        self.train("run", "--train.accumulate", "5", ranks=2, expect=2,
                   err="train.batch_size = 8 for 2 ranks with train.accumulate = 5; every rank needs a row in each micro-batch")

    def test_ranks_say_it_once(self):
        result = self.run_program("spcnet", "train", "--run", "run", ranks=2, expect=2)
        self.assertEqual(result.stderr.count("--shards DIR is missing"), 1, result.stderr)


class Terminal(fixtures.SpcnetTest):
    def test_one_line_of_progress_renews_itself(self):
        screen, stderr = pty.openpty()
        command = support.command_line(self.train_command("run", "--train.max_steps", "8"), 1)
        with subprocess.Popen(command, stderr=stderr, cwd=self.folder, env=support.environment()) as process:
            os.close(stderr)
            said = b""
            while True:
                try:
                    said += os.read(screen, 65536)
                except OSError:  # the other side is closed
                    break
            self.assertEqual(process.wait(), 0, said)
        os.close(screen)
        text = said.decode().replace("\r\n", "\n")
        lines = text.split("\n")
        progress = [line for line in lines if "samples/s" in line]
        self.assertEqual(len(re.findall(r"step \d+/8 ", text)), 8)
        self.assertIn("step 7/8 ", progress[-1])
        self.assertRegex(progress[-1], "\r\033\\[Kstep 8/8 .*$")
        self.assertTrue(any(line.startswith("done after step 8") for line in lines), "what is not progress has a line of its own")


class Run(fixtures.SpcnetTest):
    def test_leaves_checkpoints_with_the_promised_paths(self):
        said = self.train("run", "--train.max_steps", "12").stderr
        self.assertRegex(said, r"step 12/12  epoch 2\.00  loss \d+\.\d+  lr \d\.\d+  \d+\.\d+ samples/s  data-wait \d+\.\d %  comm-wait \d+\.\d %  "
                               r"(?:slowest rank [01] x\d\.\d\d  )?ETA 0 s")
        self.assertRegex(said, r"done after step 12; peak memory of a rank \d+ MiB; run folder run")
        self.assertEqual(self.checkpoints("run"), [5, 10, 12])
        tensors, info = fixtures.read_tensors(self.checkpoint("run", 12))
        for role in ("student", "teacher"):
            for name, shape in (
                    ("backbone/stem/conv/weight", (8, 1, 3, 3)), ("backbone/stem/bn/running_var", (8,)),
                    ("backbone/stages/0/0/k1/weight", (1, 1, 3, 3)), ("backbone/stages/1/0/k2/conv/bias", (8,)),
                    ("backbone/stages/2/0/k3/bn/weight", (16,)), ("backbone/stages/2/0/bn/weight", (32,)),
                    ("backbone/stages/3/0/k4/conv/weight", (32, 32, 3, 3)), ("backbone/stages/3/0/conv/weight", (64, 64, 3, 3)),
                    ("backbone/stages/3/0/bn_out/bias", (64,)), ("backbone/down/0/bn/running_mean", (8,)),
                    ("backbone/down/2/conv/weight", (64, 32, 2, 2)), ("backbone/pool/w1/weight", (16, 64 * 3)),
                    ("backbone/pool/w2/bias", (64 * 3,)), ("backbone/fc/weight", (32, 2 * 64 * 3)),
                    ("head/mlp/0/weight", (32, 32)), ("head/bn/0/running_mean", (32,)), ("head/bn/1/weight", (32,)),
                    ("head/mlp/2/weight", (16, 32)), ("head/last/weight", (32, 16))):
                self.assertEqual(tensors[f"{role}/{name}"].shape, shape, name)
        self.assertEqual(tensors["center"].shape, (32,))
        self.assertTrue(all(np.isfinite(tensor).all() for tensor in tensors.values()))
        self.assertEqual({tensor.dtype for name, tensor in tensors.items() if not name.startswith("optimizer")}, {np.dtype(np.float32)})
        self.assertEqual((info["step"], info["utterances"], info["num_mel_bins"]), (12, 96, 24))
        self.assertEqual((info["network"], info["precision"]), ("teacher", "fp32"))
        same = np.array_equal(tensors["student/backbone/fc/weight"], tensors["teacher/backbone/fc/weight"])
        self.assertFalse(same, "the teacher lags behind")

        counted = sum(tensor.size for name, tensor in tensors.items() if name.startswith("teacher/backbone") and "running" not in name)
        model = self.spcnet("model", "--config", "tiny.conf", "--fbank.num_mel_bins", "24", "--json").stdout
        self.assertEqual(json.loads(model)["parameters"], counted)

    def test_writes_down_what_it_did(self):
        self.train("run", "--train.max_steps", "3", "--train.seed", "7", "--fbank.num_mel_bins", "24")
        lines = [json.loads(line) for line in self.read("run/train.jsonl").splitlines()]
        self.assertEqual([line["step"] for line in lines], [1, 2, 3])
        for line in lines:
            self.assertGreater(line["loss"], 0)
            self.assertGreater(line["samples_per_s"], 0)
            for key in ("epoch", "samples", "lr", "teacher_temp", "grad_norm", "teacher_entropy", "kl", "center_norm", "embedding_std",
                        "data_wait", "page_faults"):
                self.assertIn(key, line)
        self.assertEqual(lines[1]["samples"], 16)
        about = json.loads(self.read("run/run.json"))
        self.assertEqual((about["seed"], about["world_size"], about["precision"]), (7, 1, "fp32"))
        self.assertIn("num_mel_bins=24", about["fbank"])
        # The resolved configuration is one that the program takes.
        self.run_program("spcnet", "train", "--config", "run/config.ini", "--shards", fixtures.shards(), "--run", "again")
        self.assert_same_checkpoint(self.checkpoint("run", 3), self.checkpoint("again", 3))

    def test_takes_no_memory_from_the_system_once_steps_repeat(self):
        self.train("run", "--train.max_steps", "12")
        faults = [json.loads(line)["page_faults"] for line in self.read("run/train.jsonl").splitlines()]
        self.assertEqual(len(faults), 12)
        self.assertLess(statistics.median(faults[5:]), 100)

    def test_without_max_steps_runs_all_epochs(self):
        self.train("run", "--train.max_steps", "0", "--train.epochs", "2", err=["steps 0 to 12 of 12", "done after step 12"])
        self.assertEqual(self.checkpoints("run"), [5, 10, 12])
        self.train("run", "--train.max_steps", "0", "--train.epochs", "2", err=["steps 12 to 12 of 12", "done after step 12"])

    def test_bf16_trains(self):
        self.train("run", "--train.precision", "bf16", "--train.max_steps", "3", err="1 threads, bf16;")
        tensors, info = fixtures.read_tensors(self.checkpoint("run", 3))
        self.assertEqual((info["precision"], tensors["student/backbone/fc/weight"].dtype), ("bf16", np.float32))
        self.assertTrue(all(np.isfinite(tensor).all() for tensor in tensors.values()))

    def test_says_where_graphs_have_no_effect(self):
        self.train("run", "--train.max_steps", "1", "--train.device", "cpu", "--train.cuda_graphs", "true",
                   err=["train.cuda_graphs has no effect here: it is for DINO on a GPU", "done after step 1"])

    def test_auto_precision_is_settled_once(self):
        said = self.train("run", "--train.precision", "auto", "--train.max_steps", "1").stderr
        settled = fixtures.read_tensors(self.checkpoint("run", 1))[1]["precision"]
        self.assertIn(settled, ("fp32", "bf16"))
        self.assertIn(f"1 threads, {settled};", said)
        self.train("run", "--train.precision", "auto", "--train.max_steps", "2", err=f"1 threads, {settled};")

    def test_noise_shards(self):
        noisy = ["--augment.speech_prob", "0", "--augment.babble_prob", "0", "--augment.noise_prob", "1"]
        self.train("run", *noisy, "--noise-shards", fixtures.shards(), "--train.max_steps", "2")
        self.train("clean", "--augment.speech_prob", "0", "--augment.babble_prob", "0", "--train.max_steps", "2")
        self.spcnet("diff", self.checkpoint("run", 2), self.checkpoint("clean", 2), expect=1, out="tensors differ")
        self.train("run", *noisy, "--noise-shards", fixtures.shards(), "--noise-shards", self.few_more(), "--train.max_steps", "3",
                   expect=1, err="the utterances: ")
        self.train("other", *noisy, "--noise-shards", fixtures.shards(40), expect=2,
                   err="the noise shards hold other features than the training shards")

    def few_more(self):
        """Shards of one more utterance."""
        self.write_wav("more.wav", 1)
        self.write("more.scp", f"more {self.path('more.wav')}\n")
        self.run_program("spcnet-data", "fbank", "--wav-scp", "more.scp", "--out", "more", "--fbank.num_mel_bins", str(fixtures.BINS))
        return self.path("more")

    def test_utts_restricts_the_data(self):
        some = [utt for utt, _ in fixtures.utts_of(fixtures.shards())][::3]
        self.write("some.txt", "\n".join(some) + "\n")
        self.train("run", "--utts", "some.txt", "--train.max_steps", "2", err=["16 utterances", "steps 0 to 2 of 40"])

    def test_diff_tells_whether_two_runs_are_the_same(self):
        self.train("a", "--train.max_steps", "1")
        self.train("b", "--train.max_steps", "1")
        self.train("c", "--train.max_steps", "1", "--train.seed", "2")
        first = self.checkpoint("a", 1)
        self.spcnet("diff", first, self.checkpoint("b", 1), out="tensors, the same bits")
        self.spcnet("diff", first, self.checkpoint("c", 1), expect=1, out=["tensors differ", "first    center: 32 elements", "largest  "])
        self.spcnet("diff", first, expect=2, err="name two checkpoints")
        self.spcnet("diff", first, "none.h5", expect=2, err="none.h5")
        fixtures.flip_bit(self.checkpoint("c", 1), "center")
        self.spcnet("diff", first, self.checkpoint("c", 1), expect=2, err="wrong checksum")

    def test_starts_from_another_run(self):
        self.train("first", "--train.max_steps", "10")
        # The rate is tiny, so after one step the backbone is still the one it started from: the first run's teacher.
        self.train("second", "--init-from", self.checkpoint("first", 10), "--train.max_steps", "1", "--optim.lr", "1e-9",
                   "--optim.min_lr", "0", err="backbones start from teacher.backbone.* of ")
        first, second = (fixtures.read_tensors(self.checkpoint(run, step))[0] for run, step in (("first", 10), ("second", 1)))
        for name in ("stem/conv/weight", "fc/weight", "stages/2/0/k3/conv/weight"):
            for role in ("student", "teacher"):
                np.testing.assert_allclose(second[f"{role}/backbone/{name}"], first[f"teacher/backbone/{name}"], atol=1e-7)
        self.assertFalse(np.allclose(second["student/head/mlp/0/weight"], first["teacher/head/mlp/0/weight"], atol=1e-3), "the head is new")

    def test_checkpoint_names_its_network_and_opens_in_h5py(self):
        self.train("run", "--train.max_steps", "1")
        with h5py.File(self.checkpoint("run", 1), "r") as file:
            backbone = file[file.attrs["network"]]["backbone"]
            self.assertIn("weight", backbone["stem/conv"])
        self.assertEqual(sorted(os.listdir(self.path("run"))), ["checkpoints", "config.ini", "lock", "run.json", "targets", "train.jsonl"])


if __name__ == "__main__":
    unittest.main()
