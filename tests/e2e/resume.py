#!/usr/bin/env python3
"""A run that was stopped, killed or damaged continues with the same command, bit for bit as if nothing had happened."""
import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import fixtures
import support

STEPS = 50  # of a run to its end; checkpoints every 5


@functools.cache
def straight(ranks, *arguments):
    """The checkpoints of a run that nothing interrupted."""
    folder = tempfile.mkdtemp(dir=fixtures.corpus())
    config = os.path.join(folder, "tiny.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write(fixtures.CONFIG)
    command = ["spcnet", "train", "--config", config, "--shards", fixtures.shards(), "--run", os.path.join(folder, "run"),
               "--train.max_steps", str(STEPS), *arguments]
    done = subprocess.run(support.command_line(command, ranks), env=support.environment(), capture_output=True, text=True, timeout=120,
                          check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return os.path.join(folder, "run", "checkpoints")


def rank_process(mpirun, rank):
    """The process id of a rank, among the children of mpirun."""
    with open(f"/proc/{mpirun.pid}/task/{mpirun.pid}/children", encoding="utf-8") as file:
        for pid in file.read().split():
            with open(f"/proc/{pid}/environ", encoding="utf-8") as environment:
                if f"OMPI_COMM_WORLD_RANK={rank}" in environment.read().split("\0"):
                    return int(pid)
    raise AssertionError(f"mpirun has no rank {rank}")


def is_at_work(pid):
    """Neither gone nor a zombie, which only waits for its parent to take note."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class ResumeTest(fixtures.SpcnetTest):
    def run_on(self, *arguments, run="run", ranks=1, steps=STEPS, **expectations):
        return self.train(run, "--train.max_steps", str(steps), *arguments, ranks=ranks, **expectations)

    def start(self, *arguments, ranks=1):
        """A run that would go on to its end; it has two checkpoints when this returns."""
        process = self.start_training("run", "--train.max_steps", str(STEPS), *arguments, ranks=ranks)
        self.wait_until("the checkpoint of step 10", lambda: 10 in self.checkpoints("run"), process)
        return process

    def wait_until_gone(self, pid, seconds):
        deadline = time.monotonic() + seconds
        while is_at_work(pid):
            self.assertLess(time.monotonic(), deadline, f"process {pid} is still at work\n{self.read('stderr.txt')}")
            time.sleep(0.05)

    def assert_equals_straight(self, *arguments, ranks=1, step=STEPS):
        self.assert_same_checkpoint(self.checkpoint("run", step), os.path.join(straight(ranks, *arguments), f"step-{step:08}.h5"))


class Halves(ResumeTest):
    def test_equal_the_whole(self):
        for ranks, arguments in ((1, ()), (2, ()), (1, ("--optim.type", "adamw", "--optim.lr", "0.002"))):
            with self.subTest(ranks=ranks, arguments=arguments):
                # 17 is no multiple of an epoch's six steps and lies between two checkpoints.
                self.run_on(*arguments, ranks=ranks, steps=17, err="done after step 17")
                said = self.run_on(*arguments, ranks=ranks, steps=30, err="continuing from run/checkpoints/step-00000017.h5").stderr
                self.assertIn("steps 17 to 30 of 120", said)
                self.assertNotIn("step 17/", said)
                self.assert_equals_straight(*arguments, ranks=ranks, step=30)
                shutil.rmtree(self.path("run"))

    def test_other_seed_is_another_run(self):
        """The comparison can fail."""
        self.run_on("--train.seed", "2", steps=5)
        with self.assertRaises(AssertionError):
            self.assert_equals_straight(step=5)

    def test_on_another_number_of_ranks(self):
        for before, after in ((2, 1), (1, 2)):
            with self.subTest(before=before, after=after):
                self.run_on(ranks=before, steps=6)
                self.run_on(ranks=after, steps=12, err=["continuing from", "step 7/12", "done after step 12"])
                shutil.rmtree(self.path("run"))


class Stopped(ResumeTest):
    def stop(self, process, number):
        process.send_signal(number)
        self.assertEqual(self.wait_for_end(process), 75, self.read("stderr.txt"))
        self.assertIn("stopped as asked; the same command continues after step", self.read("stderr.txt"))
        last = self.checkpoints("run")[-1]
        self.assertLess(last, STEPS, "it was to be stopped before its end")
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
        self.run_on(ranks=2, err=["continuing from run/checkpoints/step-", f"done after step {STEPS}"])
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


class Killed(ResumeTest):
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
                self.assertLess(last, STEPS, "it was to be killed before its end")
                self.run_on(ranks=2, err=f"continuing from run/checkpoints/step-{last:08}.h5")
                self.assert_equals_straight(ranks=2)
                shutil.rmtree(self.path("run"))

    def test_a_run_alone(self):
        process = self.start()
        process.kill()
        process.wait()
        last = self.checkpoints("run")[-1]
        self.assertLess(last, STEPS, "it was to be killed before its end")
        self.write(f"run/checkpoints/step-{last + 5:08}.h5.tmp", "what a kill may leave")
        self.run_on(err=f"continuing from run/checkpoints/step-{last:08}.h5")  # the lock went with its holder
        self.assert_equals_straight()


class Damaged(ResumeTest):
    def test_newest_checkpoint_is_passed_over(self):
        flip_bit = functools.partial(fixtures.flip_bit, dataset="teacher/backbone/fc/weight")
        for damage in (fixtures.cut_in_half, flip_bit, lambda path: os.truncate(path, 0)):
            self.run_on(steps=10)
            damage(self.checkpoint("run", 10))
            self.run_on(steps=15, err=["warning: checkpoint run/checkpoints/step-00000010.h5 is damaged and passed over: ",
                                       "continuing from run/checkpoints/step-00000005.h5"])
            self.assert_equals_straight(step=15)
            shutil.rmtree(self.path("run"))

    def test_every_checkpoint(self):
        self.run_on(steps=10)
        for step in (5, 10):
            fixtures.flip_bit(self.checkpoint("run", step), "student/head/last/weight")
        self.run_on(expect=1, err=["every checkpoint in run/checkpoints is damaged; restore one, or start again with another --run"])


class Kept(ResumeTest):
    def test_the_newest(self):
        self.run_on("--checkpoint.keep", "2", "--checkpoint.every_steps", "3", steps=11)
        self.assertEqual(self.checkpoints("run"), [9, 11])
        self.run_on("--checkpoint.keep", "3", "--checkpoint.every_steps", "4", steps=20)
        self.assertEqual(self.checkpoints("run"), [12, 16, 20])
        self.assertEqual([name for name in os.listdir(self.path("run", "checkpoints")) if not name.endswith(".h5")], [])


if __name__ == "__main__":
    unittest.main()
