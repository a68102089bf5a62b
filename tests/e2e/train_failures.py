#!/usr/bin/env python3
"""What goes wrong in `spcnet train` ends with exit code 1 and a message that names the thing and the remedy."""
import os
import resource
import shutil
import subprocess
import unittest

import h5py
import numpy as np

import fixtures
import interrupted
import support


class Shards(fixtures.SpcnetTest):
    """Damaged shards. An epoch of six steps reads every utterance."""

    def fails(self, data, *messages, **expectations):
        result = self.train("run", "--train.epochs", "1", data=data, expect=1, err=["error: ", *messages], **expectations)
        self.assertNotIn("step 6/6", result.stderr)
        return result

    def test_missing(self):
        self.fails("nowhere", "no folder nowhere; make shards with `spcnet-data fbank --out`")
        os.mkdir(self.path("empty"))
        self.fails("empty", "no manifest in empty: the shards are not finished; run `spcnet-data fbank` again")
        data = self.copy_of_shards()
        os.remove(os.path.join(data, "shard-00002.h5"))
        self.fails(data, "shard-00002.h5 is missing; copy it back, or run `spcnet-data fbank` again")

    def test_truncated(self):
        data = self.copy_of_shards()
        fixtures.cut_in_half(os.path.join(data, "shard-00001.h5"))
        self.fails(data, "shard-00001.h5: truncated or no shard (", "delete the file and run `spcnet-data fbank` again")

    def test_truncated_while_it_trains(self):
        """Cut behind the first utterances: what the index promised is not there when it is read."""
        data = self.copy_of_shards()
        process = self.start_program(*self.train_command("run", "--train.epochs", "100000", data=data))
        self.wait_for_text("step 1/", process)
        for name in ("shard-00000.h5", "shard-00003.h5"):
            os.truncate(os.path.join(data, name), 10000)
        self.assertEqual(self.wait_for_end(process), 1, self.read("stderr.txt"))
        self.assertRegex(self.read("stderr.txt"), r"error: utterance \S+ in shard \S+: the file ends too early: truncated; delete the file")

    def test_flipped_bit(self):
        data = self.copy_of_shards()
        fixtures.flip_bit(os.path.join(data, "shard-00001.h5"), "feats")
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                said = self.fails(data, "wrong checksum, the data changed on the disk; delete the file and run `spcnet-data fbank` again",
                                  ranks=ranks, timeout=60).stderr
                self.assertRegex(said, r"error: utterance v\d-\d in shard \S+/shard-00001.h5: wrong checksum")

    def test_nan_in_the_features(self):
        data = self.copy_of_shards()
        with h5py.File(os.path.join(data, "shard-00002.h5"), "r+") as shard:
            first, count = shard["first_frame"][3], shard["num_frames"][3]
            utt = shard["utt"].asstr()[3]
            shard["feats"][first + 7, 5] = np.nan
            shard["crc32c"][3] = support.crc32c(shard["feats"][first:first + count].tobytes())
        self.fails(data, f"utterance {utt} in shard {data}/shard-00002.h5: a feature is NaN or infinite")

    def test_same_utterance_twice(self):
        data = self.copy_of_shards()
        self.train("run", "--shards", data, expect=1, err=f"utterance v0-0 occurs twice, again in {data}/shard-00000.h5")

    def test_shards_that_disagree(self):
        self.train("run", "--shards", fixtures.shards(bins=32), expect=1, err="shards disagree on the features: ")

    def test_lists(self):
        self.write("utts.txt", "v0-0\nv0-9\n")
        self.train("run", "--utts", "utts.txt", expect=1, err=["utts.txt", "in no shard, among them v0-9"])
        self.train("run", "--utts", "none.txt", expect=1, err="cannot open none.txt: No such file or directory")
        self.write("empty.txt", "")
        self.train("run", "--utts", "empty.txt", expect=1, err="empty")


class RunFolder(fixtures.SpcnetTest):
    def test_in_use(self):
        process = self.start_training("run", "--train.epochs", "100000")
        self.wait_for_text("step 1/", process)
        self.train("run", expect=1, err="error: another run is at work in run; wait for its end or use another --run")
        self.assertIsNone(process.poll(), "the first run goes on")

    def test_other_configuration(self):
        self.train("run", "--train.max_steps", "1")
        self.train("run", "--optim.lr", "0.2", "--model.embedding_dim", "16", expect=1, err=[
            ".h5 was written with another configuration:", "optim.lr: 0.1 -> 0.2", "model.embedding_dim: 32 -> 16",
            "use the same one to continue the run, or another --run"])
        # These decide when to stop, to save and to speak, not what is computed.
        self.train("run", "--train.max_steps", "2", "--checkpoint.every_steps", "1", "--checkpoint.keep", "2", "--log.every_seconds", "1",
                   "--dist.timeout_s", "60", "--loader.threads", "1", err="done after step 2")

    def test_other_utterances(self):
        self.train("run", "--train.max_steps", "1")
        self.write("utts.txt", "".join(f"{utt}\n" for utt, _ in fixtures.utts_of(fixtures.shards())[1:]))
        self.train("run", "--utts", "utts.txt", expect=1, err=["the utterances: 48 utterances, crc32c ", "-> 47 utterances, crc32c "])

    def test_cannot_be_made(self):
        self.write("file", "")
        self.train("file/run", expect=1, err="error: cannot make the run folder file/run: Not a directory")
        said = self.train("/proc/run", expect=1, err="error: cannot make the run folder /proc/run: ").stderr
        self.assertEqual(len(said.splitlines()), 1, "nothing else is said, and nothing goes on")

    def test_init_from_something_else(self):
        self.train("other", "--train.max_steps", "1", "--model.channels", "16")
        shard = os.path.join(fixtures.shards(), "shard-00000.h5")
        for path, message in (
                ("tiny.conf", "tiny.conf is no checkpoint of `spcnet train`, or damaged"), ("none.h5", "no checkpoint none.h5"),
                (shard, "shard-00000.h5 is no checkpoint of `spcnet train`, or damaged"),
                (self.checkpoint("other", 1), "stem/conv/weight has shape [16, 1, 3, 3], this configuration needs [8, 1, 3, 3]")):
            with self.subTest(path):
                self.train("run", "--init-from", path, expect=1, err=["error: ", message])


class FullDisk(fixtures.SpcnetTest):
    def limited(self):
        """The size of a file is limited, so that writing fails as it does on a full disk. Open MPI's own files are 4 MiB."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, 8 << 20))

    def test_limited_file_size(self):
        big = ["--dino.hidden_dim", "1024"]  # a checkpoint of 14 MiB
        self.train("run", *big, "--train.max_steps", "5")
        older = fixtures.read_tensors(self.checkpoint("run", 5))
        result = self.train("run", *big, "--train.max_steps", "20", preexec=self.limited, expect=1,
                            err=["error: writing run/checkpoints/step-00000020.h5: ", "File too large"])
        for step in (10, 15, 20):
            self.assertRegex(result.stderr, f"error: the checkpoint of step {step} is not saved: .*; training goes on, older checkpoints stay")
        self.assertIn("step 20/20", result.stderr)
        self.assertEqual(os.listdir(self.path("run", "checkpoints")), ["step-00000005.h5"])
        self.assertEqual(fixtures.read_tensors(self.checkpoint("run", 5))[1], older[1])
        self.train("run", *big, "--train.max_steps", "10", err=["continuing from run/checkpoints/step-00000005.h5", "done after step 10"])

    def test_full_file_system(self):
        """On a file system of 3 MiB where this user may mount one, with a log on /dev/full elsewhere."""
        os.mkdir(self.path("disk"))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", self.path("disk")], check=False, capture_output=True)
        if mounted.returncode == 0:
            self.addCleanup(subprocess.run, ["umount", self.path("disk")], check=True)
            self.train("disk/run", "--train.max_steps", "10", expect=1,
                       err=["error: writing disk/run/checkpoints/step-00000010.h5: ", "No space left on device"])
        else:
            self.train("disk/run", "--train.max_steps", "5")
            os.remove(self.path("disk/run/train.jsonl"))
            os.symlink("/dev/full", self.path("disk/run/train.jsonl"))
            self.train("disk/run", "--train.max_steps", "10",
                       err=["warning: cannot write disk/run/train.jsonl: No space left on device; training goes on", "done after step 10"])
            os.remove(self.checkpoint("disk/run", 10))
        self.assertEqual(os.listdir(self.path("disk/run/checkpoints")), ["step-00000005.h5"])
        shutil.copytree(self.path("disk/run"), self.path("moved"), ignore=shutil.ignore_patterns("train.jsonl"))
        self.train("moved", "--train.max_steps", "10", err=["continuing from moved/checkpoints/step-00000005.h5", "done after step 10"])


class Launch(fixtures.SpcnetTest):
    def test_processes_that_do_not_find_each_other(self):
        for variables in ({"SLURM_NTASKS": "2", "SLURM_PROCID": "0"}, {"PMI_SIZE": "4", "PMI_RANK": "1"}):
            with self.subTest(variables):
                self.train("run", env=variables, expect=1, err=[
                    "error: the launcher started ", "but MPI sees this one alone", "Start with `srun --mpi=pmix` or with the mpirun of"])
        self.assertFalse(os.path.exists(self.path("run")))

    def test_one_process_in_a_larger_allocation(self):
        self.train("run", "--train.max_steps", "1", env={"SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "1"}, err="done after step 1")


class Replicas(fixtures.SpcnetTest):
    """Ranks whose networks are not the same any more."""

    def test_a_flipped_bit_in_the_memory_of_a_rank(self):
        frozen = ["--dino.freeze_last_layer_epochs", "100000"]  # the prototypes stay as the first checkpoint has them
        process = self.start_training("run", *frozen, "--train.epochs", "100000", "--dist.sentinel_steps", "7", ranks=3)
        self.wait_until("a checkpoint", lambda: self.checkpoints("run"), process)
        prototypes = fixtures.read_tensors(self.checkpoint("run", self.checkpoints("run")[0]))[0]["student/head/last/weight"]
        self.assertGreater(fixtures.flip_bit_in_memory(interrupted.rank_process(process, 1), prototypes), 0)
        self.assertEqual(self.wait_for_end(process), 1)
        said = self.read("stderr.txt")
        self.assertRegex(said, r"error: after step \d+: rank 1 holds another student.head.last.weight than the others; \d+ of \d+ tensors "
                               r"differ. A faulty memory or processor")
        newest = fixtures.read_tensors(self.checkpoint("run", self.checkpoints("run")[-1]))[0]
        self.assertEqual(newest["student/head/last/weight"].tobytes(), prototypes.tobytes())

    def test_statistics_of_their_own_are_no_difference(self):
        self.train("run", "--train.sync_bn", "false", "--train.max_steps", "4", "--dist.sentinel_steps", "1", ranks=2, err="done after step 4")


class NotFinite(fixtures.SpcnetTest):
    def test_ends_after_so_many_steps_in_a_row(self):
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                result = self.train(f"run{ranks}", "--optim.lr", "1e38", "--optim.warmup_epochs", "0", "--train.max_nonfinite_steps", "3",
                                    ranks=ranks, expect=1, timeout=60)
                self.assertRegex(result.stderr, r"warning: step \d+ skipped on all ranks: rank \d: \S+.* is not finite")
                self.assertRegex(result.stderr, r"error: 3 steps in a row were not finite, the last at step \d+, rank \d: .*; lower optim.*The checkpoints of the run are from before")

    def test_what_may_be_broken_is_not_saved(self):
        bad = ["--optim.lr", "1e38", "--optim.clip_norm", "0", "--optim.warmup_epochs", "0"]
        self.train("run", *bad, "--train.max_steps", "7", expect=1, err=["error: the last ", "steps were not finite and are not saved"])
        self.assertEqual(self.checkpoints("run"), [])


if __name__ == "__main__":
    unittest.main()
