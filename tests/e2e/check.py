#!/usr/bin/env python3
"""spcnet-launch --check: what the ranks of a run would meet, before it is started."""
import os
import re
import unittest

import fixtures
import support

ROW = re.compile(r"^ +(\d+)  (\S+) +(\d+) +(-?[\d.]+) +([\d.e+]+) +([\d.e+]+|-) +([\d.e+]+)$", re.MULTILINE)


class CheckTest(fixtures.SpcnetTest):
    def check(self, *options, train=(), program="spcnet", data=None, ranks=2, run="run", **expectations):
        command = [program, *self.train_command(run, *train, data=data)[1:]]
        return self.run_program("spcnet-launch", "-n", str(ranks), "--check", *options, "--", *command, **expectations)

    def wrapped(self, name, for_rank_one):
        """A program that is spcnet, but for what it does on rank 1 before."""
        path = self.write(name, f'#!/bin/sh\n[ "$OMPI_COMM_WORLD_RANK" != 1 ] || {for_rank_one}\nexec {support.program("spcnet")} "$@"\n')
        os.chmod(path, 0o755)
        return path


class Fit(CheckTest):
    def test_a_row_for_each_rank(self):
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                said = self.check(ranks=ranks, out="every rank is fit to start").stdout
                rows = ROW.findall(said)
                self.assertEqual([int(row[0]) for row in rows], list(range(ranks)), said)
                for _, host, threads, clock, gemm, link, shards in rows:
                    self.assertEqual(host, os.uname().nodename[:16])
                    self.assertEqual(int(threads), 1)
                    self.assertLess(abs(float(clock)), 500, "one machine has one clock")
                    self.assertGreater(float(gemm), 0.1)
                    self.assertGreater(float(shards), 0.1)
                    self.assertTrue(link == "-" if ranks == 1 else float(link) > 1, link)
                self.assertEqual("bus bandwidth" in said, ranks == 2)

    def test_the_run_can_start_and_go_on_afterwards(self):
        self.check()
        self.assertEqual(os.listdir(self.path("run")), ["lock"], "nothing else is written")
        self.train("run", "--train.max_steps", "1", err="done after step 1")
        self.check()

    def test_dry_run_prints_its_command(self):
        self.assertIn(" preflight --config ", self.check("--dry-run", out="mpirun -n 2").stdout)


class Odd(CheckTest):
    def test_configuration(self):
        program = self.wrapped("odd", 'set -- "$@" --optim.lr 0.25')
        said = self.check(program=program, expect=1, err=" error: rank 1 on ").stderr
        self.assertIn(": optim.lr: 0.25, on rank 0 0.1\n", said)
        self.assertEqual(said.count("error: "), 1)

    def test_libraries(self):
        program = self.wrapped("odd", "export LD_PRELOAD=libBrokenLocale.so.1")
        said = self.check(program=program, expect=1).stderr
        self.assertRegex(said, r"error: rank 1 on \S+: libBrokenLocale.so.1: build [0-9a-f]+, on rank 0 absent\n")

    def test_program(self):
        """One bit of the build id, as another build of the same source would have."""
        other = self.path("other")
        with open(support.program("spcnet"), "rb") as file:
            content = bytearray(file.read())
        at = content.index(b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0")
        content[at + 16] ^= 1
        with open(other, "wb") as file:
            file.write(content)
        os.chmod(other, 0o755)
        said = self.check(program=self.wrapped("odd", f'exec {other} "$@"'), expect=1).stderr
        self.assertRegex(said, r"error: rank 1 on \S+: program: build [0-9a-f]{40}, on rank 0 build [0-9a-f]{40}\n")

    def test_runs_that_would_not_start(self):
        for train, message in ((["--dist.expected_ranks", "5"], "dist.expected_ranks = 5 but MPI started 2"),
                               (["--fbank.num_mel_bins", "99"], "fbank.num_mel_bins = 99 but the shards have 24"),
                               (["--train.accumulate", "8"], "train.batch_size = 8 for 2 ranks with train.accumulate = 8")):
            with self.subTest(train):
                self.check(train=train, expect=1, err=["error: rank 0 on ", message])

    def test_training_refuses_a_rank_with_another_configuration(self):
        """Each of these once ended in a hang or in a message that misled."""
        for key, value, other in (("train.seed", "4", "1"), ("dist.deterministic", "true", "false"), ("train.accumulate", "2", "1")):
            with self.subTest(key):
                program = self.wrapped("odd", f'set -- "$@" --{key} {value}')
                command = [program, *self.train_command("run", "--train.max_steps", "3")[1:]]
                self.run_program("spcnet-launch", "-n", "2", "--", *command, expect=2, timeout=30,
                                 err=f"error: rank 1 was started with another configuration: {key}: {value}, on rank 0 {other}")

    def test_data(self):
        data = self.copy_of_shards()
        program = self.wrapped("odd", f'set -- "$@" --utts {self.write("few.txt", "v0-0")}')
        self.check(program=program, expect=1, err=": data: 1 utterances, crc32c ")
        fixtures.cut_in_half(os.path.join(data, "shard-00001.h5"))
        self.check(data=data, expect=1, err=["error: rank 0 on ", "error: rank 1 on ", "shard-00001.h5: truncated or no shard"])

    def test_damage_that_is_met_while_reading(self):
        data = self.copy_of_shards()
        for number in range(4):
            fixtures.flip_bit(os.path.join(data, f"shard-{number:05}.h5"), "feats")
        self.check(data=data, expect=1, err=["error: rank 0 on ", "wrong checksum"])

    def test_a_checkpoint_that_does_not_fit(self):
        self.train("run", "--train.max_steps", "1")
        self.check(train=["--optim.lr", "0.2"], expect=1,
                   err=["error: rank 0 on ", "step-00000001.h5 was written with another configuration: optim.lr: 0.1 -> 0.2; use"])
        self.check(train=["--init-from", "none.h5"])  # has no effect on a run that goes on
        self.check(run="new", train=["--init-from", "none.h5"], expect=1, err=["error: rank 0 on ", "none.h5"])

    def test_noise_of_other_features(self):
        self.check(train=["--noise-shards", fixtures.shards(40)], expect=1, err=["error: rank 0 on ", "the noise shards hold other features"])

    def test_a_rank_that_is_stopped_is_named(self):
        program = self.wrapped("odd", "(while [ ! -e run/lock ]; do sleep 0.01; done; kill -STOP $$) &")
        self.check(program=program, train=["--dist.timeout_s", "3"], expect=1, timeout=60,
                   err=["error: suspect: rank 1 on ", "waited 3 s for the other ranks in "])

    def test_run_folder(self):
        self.write("run", "a file")
        self.check(expect=1, err=["error: rank 0 on ", "cannot make the run folder run: "])


class Failing(CheckTest):
    def test_another_command(self):
        self.run_program("spcnet-launch", "--check", "--", "spcnet", "score", "--trials", "t", expect=2,
                         err="error: --check looks at `spcnet train`, not at `")

    def test_a_wrong_command_line(self):
        self.check(train=["--optim.lrr", "1"], expect=2, err="unrecognised option '--optim.lrr'")

    def test_a_mistake_of_one_rank_alone_is_not_lost(self):
        program = self.wrapped("odd", 'set -- "$@" --optim.lrr 1')
        self.check(program=program, expect=2, err="error: unrecognised option '--optim.lrr'")

    def test_a_host_that_does_not_answer(self):
        for agent, message in (("false", "exit code 1; `ssh elsewhere` must work from here"),
                               (self.script("no-program", "echo not found; exit 127"), "does not run there (not found); install it"),
                               (self.script("denied", "echo Permission denied >&2; exit 255"), "Permission denied; `ssh elsewhere` must work")):
            with self.subTest(agent):
                via = ("--via-arg", "--mca", "--via-arg", "plm_rsh_agent", "--via-arg", agent)
                self.run_program("spcnet-launch", "--check", "--hosts", "localhost:1,elsewhere:1", *via, "--", *self.train_command("run"), expect=1,
                                 err=["error: host elsewhere: ", message])

    def test_ranks_that_never_meet(self):
        """As behind a firewall: mpirun has started what it can, and waits."""
        self.script("mpirun", "echo '[1,0]<stderr>:UCX  WARN  no such device' >&2; exec sleep 1000")
        environment = {"PATH": self.folder + ":" + os.environ["PATH"]}
        for check in (["--check"], []):
            with self.subTest(check):
                self.run_program("spcnet-launch", "-n", "2", *check, "--start-timeout", "0.5", "--max-restarts", "0", "--",
                                 *self.train_command("run"), expect=1, env=environment, timeout=60,
                                 err="error: the ranks have not found each other within 0.5 s")

    def script(self, name, text):
        path = self.write(name, f"#!/bin/sh\n{text}\n")
        os.chmod(path, 0o755)
        return path


if __name__ == "__main__":
    unittest.main()
