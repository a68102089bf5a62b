#!/usr/bin/env python3
"""A run that was asked to stop, or was killed, continues with the same command, bit for bit as if nothing had happened."""
import os
import shutil
import signal
import subprocess
import time
import unittest

import fixtures
import support


def rank_process(mpirun, rank):
    """The process id of a rank, among the children of mpirun."""
    for pid in support.children(mpirun.pid):
        with open(f"/proc/{pid}/environ", encoding="utf-8") as environment:
            if f"OMPI_COMM_WORLD_RANK={rank}" in environment.read().split("\0"):
                return pid
    raise AssertionError(f"mpirun has no rank {rank}")


def is_at_work(pid):
    """Neither gone nor a zombie, which only waits for its parent to take note."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class InterruptedTest(fixtures.ContinuedRunTest):
    def start(self, *arguments, ranks=1):
        """A run that would go on to its end; it has two checkpoints when this returns."""
        process = self.start_training("run", "--train.max_steps", str(self.STEPS), *arguments, ranks=ranks)
        self.wait_until("the checkpoint of step 10", lambda: 10 in self.checkpoints("run"), process)
        return process

    def wait_until_gone(self, pid, seconds):
        deadline = time.monotonic() + seconds
        while is_at_work(pid):
            self.assertLess(time.monotonic(), deadline, f"process {pid} is still at work\n{self.read('stderr.txt')}")
            time.sleep(0.05)


class Stopped(InterruptedTest):
    def stop(self, process, number):
        process.send_signal(number)
        self.assertEqual(self.wait_for_end(process), 75, self.read("stderr.txt"))
        self.assertIn("stopped as asked; the same command continues after step", self.read("stderr.txt"))
        last = self.checkpoints("run")[-1]
        self.assertLess(last, self.STEPS, "it was to be stopped before its end")
        return last

    def test_by_a_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            with self.subTest(number):
                last = self.stop(self.start(), number)
                self.run_on(err=f"continuing from run/checkpoints/step-{last:08}.h5")
                self.assert_equals_straight()
                shutil.rmtree(self.path("run"))

    def test_under_mpirun(self):
        self.stop(self.start(ranks=2), signal.SIGUSR1)
        self.run_on(ranks=2, err=["continuing from run/checkpoints/step-", f"done after step {self.STEPS}"])
        self.assert_equals_straight(ranks=2)

    def test_second_sigint_ends_at_once(self):
        # Wide and long enough for a step of a second and more
        slow = ["--model.channels", "64", "--views.global_frames", "400"]
        process = self.start_training("run", *slow)
        self.wait_for_text("learning rate", process)
        process.send_signal(signal.SIGINT)
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(timeout=0.3)
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.wait_for_end(process, seconds=1), 130, self.read("stderr.txt"))
        self.assertEqual(self.checkpoints("run"), [])


class Killed(InterruptedTest):
    def test_a_rank(self):
        for rank in (0, 1):
            with self.subTest(rank=rank):
                process = self.start(ranks=2)
                other = rank_process(process, 1 - rank)
                os.kill(rank_process(process, rank), signal.SIGKILL)
                self.assertNotEqual(self.wait_for_end(process, seconds=10), 0)
                self.assertRegex(self.read("stderr.txt"), rf"rank {rank} .*exited on signal 9")
                self.wait_until_gone(other, seconds=5)
                last = self.checkpoints("run")[-1]
                self.assertLess(last, self.STEPS, "it was to be killed before its end")
                self.run_on(ranks=2, err=f"continuing from run/checkpoints/step-{last:08}.h5")
                self.assert_equals_straight(ranks=2)
                shutil.rmtree(self.path("run"))

    def test_a_run_alone(self):
        process = self.start()
        process.kill()
        process.wait()
        last = self.checkpoints("run")[-1]
        self.assertLess(last, self.STEPS, "it was to be killed before its end")
        self.write(f"run/checkpoints/step-{last + 5:08}.h5.tmp", "what a kill may leave")
        self.run_on(err=f"continuing from run/checkpoints/step-{last:08}.h5")  # the lock went with its holder
        self.assert_equals_straight()


if __name__ == "__main__":
    unittest.main()
