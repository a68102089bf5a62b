#!/usr/bin/env python3
"""Several hosts: ranks on all of them, and one that is cut off in mid-run."""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import fixtures  # pylint: disable=wrong-import-position
import netns  # pylint: disable=wrong-import-position
import support  # pylint: disable=wrong-import-position


class HostsTest(fixtures.ContinuedRunTest):
    STEPS = 60

    def hosts(self, count):
        return self.enterContext(netns.Hosts(count))

    def start(self, hosts, *options, train=()):
        via = [word for option in hosts.mpi_options() for word in ("--via-arg", option)]
        command = self.train_command(self.path("run"), "--train.max_steps", str(self.STEPS), *train)
        command[0] = support.program("spcnet")  # the other hosts have no PATH to it
        launch = [support.program("spcnet-launch"), "--hosts", ",".join(f"{name}:1" for name in hosts.names), "--backoff", "0.1", *via,
                  *options, "--", *command]
        with open(self.path("stderr.txt"), "w", encoding="utf-8") as stderr:
            process = subprocess.Popen(hosts.on("node1", *launch), cwd=self.folder, env=support.environment(), stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=stderr)
        self.addCleanup(support.end, process)
        return process


class TwoHosts(HostsTest):
    def test_train_as_two_ranks_of_one_do(self):
        process = self.start(self.hosts(2))
        self.assertEqual(self.wait_for_end(process), 0, self.read("stderr.txt"))
        self.assertIn("2 ranks x 1 threads", self.read("stderr.txt"))
        self.assert_equals_straight(ranks=2)


class CutOff(HostsTest):
    STEPS = 2000
    EPOCHS = ("--train.epochs", "400")

    def test_a_host_is_named_and_left_out(self):
        hosts = self.hosts(3)
        process = self.start(hosts, "--min-ranks", "2", "--max-restarts", "4", train=("--dist.silence_s", "3", *self.EPOCHS))
        self.wait_until("a checkpoint", lambda: self.checkpoints("run"), process)
        hosts.cut_off("node3")
        self.wait_until("its name", lambda: "error: suspect: rank 2 on node3: silent" in self.read("stderr.txt"), process)
        self.wait_until("two ranks", lambda: "2 ranks x 1 threads" in self.read("stderr.txt"), process, 120)
        said = self.read("stderr.txt")
        self.assertIn("restarting from the checkpoint of step", said)
        self.assertIn("spcnet-launch: going on without the host that failed twice, with 2 ranks", said)
        at = max(self.checkpoints("run"))
        self.wait_until("more steps", lambda: max(self.checkpoints("run")) > at, process)
        process.terminate()
        self.assertEqual(self.wait_for_end(process), 75, self.read("stderr.txt"))


if __name__ == "__main__":
    netns.require()
    unittest.main()
