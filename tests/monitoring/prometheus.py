#!/usr/bin/env python3
"""The real Prometheus beside a real run: every panel, variable and annotation gets data, and the alerts that need a person come.

Two ranks go through DINO, two rounds of pseudo labels and fine-tuning, with a crash and a restart on the way, beside monitoring/run-prometheus.sh.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(FOLDER, "..", "e2e"), os.path.join(FOLDER, "..", "cluster")]
import privileged  # pylint: disable=wrong-import-position
import rounds  # pylint: disable=wrong-import-position
import support  # pylint: disable=wrong-import-position
import boards  # pylint: disable=wrong-import-position

# What this machine cannot show, and why.
WITHOUT_DATA = {"spcnet-ranks: GPU memory": "it needs a GPU"}


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Server:
    """monitoring/run-prometheus.sh, and what can be asked of it."""

    def __init__(self, run, data, output):
        self.port = free_port()
        script = os.path.join(support.ROOT, "monitoring", "run-prometheus.sh")
        self.process = subprocess.Popen([script, run, "--port", str(self.port), "--data", data], stdout=output, stderr=output)
        self.began = time.time()

    def get(self, path, **parameters):
        query = urllib.parse.urlencode(parameters, doseq=True).encode()
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}"
        try:
            with urllib.request.urlopen(f"{url}?{query.decode()}", timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def has_data(self, expr):
        """Whether it had a value at any time since the start."""
        return bool(self.get("query_range", query=boards.with_values(expr), start=self.began, end=time.time(), step=5)["result"])

    def alerts(self):
        """{name: [(state, labels), ...]}"""
        found = {}
        for alert in self.get("alerts")["alerts"]:
            found.setdefault(alert["labels"]["alertname"], []).append((alert["state"], alert["labels"]))
        return found

    def value(self, expr):
        result = self.get("query", query=expr)["result"]
        return float(result[0]["value"][1]) if result else None

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=30)


class Prometheus(rounds.RoundsTest):
    def setUp(self):
        super().setUp()
        self.write_trials()
        os.makedirs(self.path("run"))
        with open(self.path("server.txt"), "w", encoding="utf-8") as output:
            self.server = Server(self.path("run"), self.path("data"), output)
        self.addCleanup(self.server.end)
        self.wait("the server", lambda: "http://" in self.read("server.txt"), 30)

    def start_run(self):
        """Its stages are long enough to be seen by several scrapes wherever it runs; fine-tuning has no end."""
        return self.start_program(*self.train_command(
            "run", "--config", self.rounds, "--train.epochs", "80", "--eval.every_epochs", "10", "--trials", self.path("trials.txt"), "--rounds.epochs_per_round", "80",
            "--rounds.finetune_epochs", "100000", "--checkpoint.every_steps", "50", "--dist.timeout_s", "3000", "--dist.silence_s", "3000"), ranks=2)

    def wait(self, what, condition, seconds):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"not within {seconds} s: {what}\n{self.read('server.txt')}\n{self.said_by_the_run()}")
            time.sleep(0.5)

    def said_by_the_run(self):
        return self.read("stderr.txt")[-3000:] if os.path.exists(self.path("stderr.txt")) else "it was not started"

    def ranks_of(self, process):
        found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True).stdout.split()
        return sorted(map(int, found))

    def crash(self, process):
        for pid in [*self.ranks_of(process), process.pid]:
            os.kill(pid, signal.SIGKILL)
        process.wait()

    def check_boards(self):
        for board in boards.boards().values():
            for where, expr in boards.expressions(board):
                with self.subTest(where, expr=expr):
                    self.assertEqual(self.server.has_data(expr), where not in WITHOUT_DATA)
            for variable in board["templating"]["list"]:
                if variable["type"] == "query":
                    series, label = boards.with_values(variable["query"]["query"])[len("label_values("):-1].rsplit(",", 1)
                    self.assertTrue(self.server.get(f"label/{label.strip()}/values", **{"match[]": series}), variable["name"])

    def test_shows_a_run_and_raises_alarm(self):
        process = self.start_run()
        self.wait("both ranks answer", lambda: self.server.value('sum(up{job="spcnet", run="run"})') == 2, 60)
        self.wait("evaluations", lambda: (self.server.value("max(spcnet_eval_step)") or 0) > 0, 60)
        self.crash(process)
        process = self.start_run()
        self.wait("fine-tuning", lambda: os.path.exists(self.path("run/finetune/train.jsonl")), 600)
        time.sleep(25)  # several scrapes of it
        self.check_boards()
        firing = [name for name, alerts in self.server.alerts().items() if any(state == "firing" for state, _ in alerts)]
        self.assertEqual(firing, [])
        for target in json.loads(self.read("run/targets/run.json")):
            with urllib.request.urlopen(f"http://{target['targets'][0]}/metrics", timeout=10) as answer:
                checked = subprocess.run(["promtool", "check", "metrics"], input=answer.read(), capture_output=True, check=False)
            self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, b""))

        os.kill(self.ranks_of(process)[1], signal.SIGSTOP)
        self.wait("RankDown fires", lambda: [state for state, _ in self.server.alerts().get("SpcnetRankDown", [])] == ["firing"], 120)
        (_, labels), = self.server.alerts()["SpcnetRankDown"]
        self.assertEqual((labels["run"], labels["host"], labels["severity"]), ("run", socket.gethostname(), "critical"))
        self.crash(process)
        self.wait("RunUnreachable is pending", lambda: [state for state, _ in self.server.alerts().get("SpcnetRunUnreachable", [])] == ["pending"], 30)

        self.server.end()
        self.assertTrue(os.path.exists(self.path("run/prometheus/wal")), "its data is kept with the run")
        self.assertFalse(os.path.exists(self.path("data")))


if __name__ == "__main__":
    privileged.require("prometheus")
    unittest.main()
