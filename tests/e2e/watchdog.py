#!/usr/bin/env python3
"""Ranks that are stuck or slow are named."""
import os
import signal
import threading
import time
import unittest

import fixtures
import interrupted
import launch


class Stuck(fixtures.SpcnetTest):
    def start(self, *arguments, run="run", ranks=3):
        process = self.start_training(run, "--train.epochs", "100000", *arguments, ranks=ranks)
        self.wait_for_text("step 5/", process)
        return process

    def test_a_stopped_rank_is_named_with_every_ranks_position(self):
        for rank, others in ((1, "ranks 0, 2"), (0, "ranks 1-2")):
            with self.subTest(rank):
                process = self.start("--dist.timeout_s", "3", run=f"run-{rank}")
                os.kill(interrupted.rank_process(process, rank), signal.SIGSTOP)
                began = time.monotonic()
                self.assertEqual(self.wait_for_end(process), 1)
                self.assertLess(time.monotonic() - began, 20)
                said = self.read("stderr.txt")
                host = os.uname().nodename
                self.assertRegex(said, rf"error: rank {rank} on {host}: silent for \d+\.?\d* s, before that at step \d+, (step|data|saving)")
                self.assertRegex(said, rf"error: {others}: step \d+, (step|saving), waits for ")
                self.assertRegex(said, rf"error: suspect: rank {rank} on {host}: silent, so it is stopped, out of memory, or its host is cut off")
                self.assertRegex(said, r"error: (after step \d+: )?rank \d waited 3 s for the other ranks in ")

    def test_silence_ends_the_run_before_the_timeout(self):
        process = self.start("--dist.silence_s", "2", ranks=2)
        os.kill(interrupted.rank_process(process, 1), signal.SIGSTOP)
        self.assertEqual(self.wait_for_end(process, 30), 1)
        self.assertIn("error: rank 1 was not heard of for 2 s; the ranks are ended", self.read("stderr.txt"))


class Slow(fixtures.SpcnetTest):
    def test_a_rank_that_computes_slowly_is_named(self):
        """Stopped for four fifths of the time, mostly in computing: the network is larger, and ranks meet once a step."""
        process = self.start_training("run", "--train.epochs", "100000", "--dist.straggler_s", "2", "--model.channels", "16",
                                      "--train.sync_bn", "false", ranks=2)
        self.wait_for_text("step 5/", process)
        slow = interrupted.rank_process(process, 1)
        ended = threading.Event()

        def brake():
            while not ended.wait(0.01):
                os.kill(slow, signal.SIGSTOP)
                time.sleep(0.04)
                os.kill(slow, signal.SIGCONT)
        thread = threading.Thread(target=brake)
        thread.start()
        try:
            self.wait_for_text("warning: rank 1 on", process)
        finally:
            ended.set()
            thread.join()
        self.assertRegex(self.read("stderr.txt"), r"warning: rank 1 on \S+ (computes|waits for data) [\d.]+ s a step, the others [\d.]+ s; every step waits for it")


class Restarted(launch.LaunchTest):
    STEPS = 120

    def test_a_stopped_rank_costs_one_restart(self):
        process = self.start("--timeout", "3", "--max-restarts", "1")
        self.wait_for_step(process, 20)
        os.kill(self.processes(process)[1][1], signal.SIGSTOP)
        self.assertEqual(self.wait_for_end(process, 60), 0, self.read("stderr.txt"))
        self.assertRegex(self.read("stderr.txt"), rf"spcnet-launch: exit code 1 on {os.uname().nodename}; restarting from the checkpoint of step")
        self.assert_equals_straight("--dist.timeout_s", "3", ranks=2, step=self.STEPS)


if __name__ == "__main__":
    unittest.main()
