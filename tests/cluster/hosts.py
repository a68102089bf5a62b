#!/usr/bin/env python3
"""Several hosts: ranks on all of them, and one that is cut off in mid-run."""
import os
import re
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

    def launch_command(self, hosts, *options, train=()):
        via = [word for option in hosts.mpi_options() for word in ("--via-arg", option)]
        command = self.train_command(self.path("run"), "--train.max_steps", str(self.STEPS), *train)
        command[0] = support.program("spcnet")  # the other hosts have no PATH to it
        launch = [support.program("spcnet-launch"), "--hosts", ",".join(f"{name}:1" for name in hosts.names), "--backoff", "0.1", *via,
                  *options, "--", *command]
        return hosts.on("node1", *launch)

    def start(self, hosts, *options, train=()):
        with open(self.path("stderr.txt"), "w", encoding="utf-8") as stderr:
            process = subprocess.Popen(self.launch_command(hosts, *options, train=train), cwd=self.folder, env=support.environment(),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
        self.addCleanup(support.end, process)
        return process


class TwoHosts(HostsTest):
    def test_train_as_two_ranks_of_one_do(self):
        process = self.start(self.hosts(2))
        self.assertEqual(self.wait_for_end(process), 0, self.read("stderr.txt"))
        self.assertIn("2 ranks x 1 threads", self.read("stderr.txt"))
        self.assert_equals_straight(ranks=2)


class Check(HostsTest):
    def check(self, hosts, timeout=120):
        done = subprocess.run(self.launch_command(hosts, "--check"), cwd=self.folder, env=support.environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=timeout)
        return done.returncode, done.stdout, done.stderr

    def test_names_the_slow_link_and_then_the_dead_host(self):
        hosts = self.hosts(3)
        hosts.limit("100mbit", "node3")
        code, out, err = self.check(hosts)
        self.assertEqual(code, 0, out + err)
        self.assertIn("3 ranks on 3 hosts", out)
        for row in (r"^   0  node1 ", r"^   1  node2 ", r"^   2  node3 "):
            self.assertRegex(out, re.compile(row, re.MULTILINE))
        self.assertIn("every rank is fit to start", out)
        self.assertRegex(err, r"warning: rank 0 on node1 receives from the rank before it 1?\d(\.\d+)? MB/s, the others \d{2,}")
        hosts.cut_off("node3")
        code, out, err = self.check(hosts)
        self.assertEqual(code, 1, out + err)
        self.assertRegex(err, r"^error: host node3: ssh: connect to host node3 port 22: .*; `ssh node3` must work from here without a password\n$")


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
