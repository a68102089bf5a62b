#!/usr/bin/env python3
"""spcnet-launch: ranks, logs, restarts. Whatever is killed, the weights are those of a run that nothing disturbed."""
import os
import random
import re
import shutil
import signal
import time
import unittest

import fixtures
import support


class LaunchTest(fixtures.ContinuedRunTest):
    STEPS = 60

    def launch_command(self, *options, ranks=2, train=()):
        command = self.train_command(self.path("run"), "--train.max_steps", str(self.STEPS), *train)
        return ["spcnet-launch", "-n", str(ranks), "--backoff", "0.1", *options, "--", *command]

    def launch(self, *options, ranks=2, train=(), **expectations):
        return self.run_program(*self.launch_command(*options, ranks=ranks, train=train), **expectations)

    def start(self, *options, ranks=2, train=()):
        return self.start_program(*self.launch_command(*options, ranks=ranks, train=train))

    def processes(self, launcher):
        """mpirun and its ranks, as far as they are there."""
        mpirun = support.children(launcher.pid)
        return mpirun, [rank for pid in mpirun for rank in support.children(pid)]

    def wait_for_step(self, process, step):
        self.wait_until(f"the checkpoint of step {step}", lambda: (self.checkpoints("run") or [0])[-1] >= step, process)


class Launched(LaunchTest):
    def test_runs_to_the_end_with_a_log_for_each_rank(self):
        self.launch(err=["[rank 0] steps 0 to 60 of 120", "[rank 0] done after step 60"])
        self.assert_equals_straight(ranks=2)
        self.assertEqual(sorted(os.listdir(self.path("run", "logs"))), ["rank-0.log"], "rank 1 had nothing to say")
        log = self.read("run/logs/rank-0.log")
        self.assertTrue(log.startswith("== start 1: mpirun -n 2 "))
        self.assertIn("done after step 60", log)

    def test_dry_run_prints_the_command_and_starts_nothing(self):
        result = self.launch("--dry-run", out="mpirun -n 2 --tag-output")
        self.assertIn(f"{support.program('spcnet')} train --config", result.stdout)
        self.assertFalse(os.path.exists(self.path("run")))

    def test_a_wrong_command_line_is_not_tried_again(self):
        result = self.launch(train=["--dino.teacher_tmp", "1"], expect=2, err="error: unrecognised option '--dino.teacher_tmp'")
        self.assertNotIn("restarting", result.stderr)

    def test_a_run_that_cannot_begin_is_not_tried_again(self):
        result = self.run_program("spcnet-launch", "-n", "2", "--", *self.train_command("run", data="nix"), expect=1,
                                  err=["error: no folder nix", "spcnet-launch: failed before the first step; not restarted"])
        self.assertNotIn("MPI_ABORT", result.stderr, "what a rank said is enough")

    def test_what_cannot_be_launched(self):
        for arguments, message in ((["-n", "2"], "nothing to launch"), (["-n", "0x", "--", "a"], "ranks"),
                                   (["--hosts", "a:2", "-n", "3", "--", "a"], "-n 3 for 2 slots")):
            with self.subTest(arguments):
                self.run_program("spcnet-launch", *arguments, expect=2, err=["error: ", message])

    def test_help_and_version(self):
        self.run_program("spcnet-launch", "--help", out=["usage: spcnet-launch", "--max-restarts", "75 stopped by request"])
        self.assertEqual(self.run_program("spcnet-launch", "--version").stdout, self.spcnet("--version").stdout)


class Stopped(LaunchTest):
    def test_a_signal_saves_and_asks_to_be_requeued(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            with self.subTest(number):
                process = self.start()
                self.wait_for_step(process, 10)
                process.send_signal(number)
                self.assertEqual(self.wait_for_end(process), 75, self.read("stderr.txt"))
                self.assertIn("stopped as asked; the same command continues after step", self.read("stderr.txt"))
                self.assertLess(self.checkpoints("run")[-1], self.STEPS, "it was to be stopped before its end")
                self.launch(err="continuing from")
                self.assert_equals_straight(ranks=2)
                for name in os.listdir(self.path("run", "checkpoints")):
                    os.remove(self.path("run", "checkpoints", name))

    def test_before_the_ranks_are_up(self):
        self.STEPS = 500000  # pylint: disable=invalid-name
        for delay in (0, 0.01, 0.03, 0.1):  # seconds in which mpirun has no rank yet to pass a signal on to
            with self.subTest(delay):
                process = self.start(train=("--train.epochs", "100000"))
                self.wait_until("mpirun", lambda: support.children(process.pid), process)
                time.sleep(delay)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(self.wait_for_end(process), 75, self.read("stderr.txt"))
                shutil.rmtree(self.path("run"), ignore_errors=True)

    def test_nobody_outlives_a_killed_launcher(self):
        process = self.start()
        self.wait_for_step(process, 10)
        mpirun, ranks = self.processes(process)
        process.kill()
        process.wait()
        deadline = time.monotonic() + 15
        while any(os.path.exists(f"/proc/{pid}") for pid in mpirun + ranks):
            self.assertLess(time.monotonic(), deadline, "mpirun or a rank is still there")
            time.sleep(0.05)


class KilledTest(LaunchTest):
    def kill_often(self, kills, seed=1):
        """Kills a rank, or mpirun, `kills` times within the run, each as soon as the run has gone on. Seconds from each kill to the next step."""
        draw = random.Random(seed)
        long_enough = ("--train.epochs", str(self.STEPS / fixtures.STEPS_PER_EPOCH))
        process = self.start("--max-restarts", str(10 * kills), train=long_enough)
        seconds = []
        for number in range(kills):
            self.wait_for_step(process, (number + 1) * self.STEPS // (kills + 1))
            self.wait_until("two ranks", lambda: len(self.processes(process)[1]) == 2, process)
            time.sleep(draw.random() * 0.1)
            mpirun, ranks = self.processes(process)
            said = len(self.read("stderr.txt"))
            os.kill(draw.choice(mpirun + ranks), signal.SIGKILL)
            killed = time.monotonic()
            self.wait_until("restarting", lambda: "restarting from" in self.read("stderr.txt")[said:], process)
            self.wait_until("a step", lambda: re.search(r"restarting from.*\n(.*\n)*.*step \d+/", self.read("stderr.txt")[said:]), process)
            seconds.append(time.monotonic() - killed)
        self.assertEqual(self.wait_for_end(process, 120), 0, self.read("stderr.txt"))
        restarts = re.findall(r"spcnet-launch: exit code 137, signal 9.*; restarting from the checkpoint of step", self.read("stderr.txt"))
        self.assertEqual(len(restarts), kills, self.read("stderr.txt"))
        self.assertNotIn("damaged", self.read("stderr.txt"), "no checkpoint was half there")
        self.assert_equals_straight(*long_enough, ranks=2, step=self.STEPS)
        return seconds


class Killed(KilledTest):
    STEPS = 120

    def test_a_rank_or_mpirun_three_times(self):
        self.kill_often(3)

    def test_gives_up_after_the_last_restart(self):
        process = self.start("--max-restarts", "1")
        for kills in (1, 2):
            self.wait_until("two ranks", lambda: len(self.processes(process)[1]) == 2, process)
            mpirun, _ = self.processes(process)
            os.kill(mpirun[0], signal.SIGKILL)
            if kills == 1:
                self.wait_until("another mpirun", lambda: self.processes(process)[0] not in ([], mpirun), process)
        self.assertEqual(self.wait_for_end(process), 1)
        self.assertIn("spcnet-launch: gave up after 1 restarts: exit code 137, signal 9", self.read("stderr.txt"))


if __name__ == "__main__":
    unittest.main()
