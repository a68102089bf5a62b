#!/usr/bin/env python3
"""What a run exports: the table of metrics, every rank's port, the list that Prometheus reads."""
import glob
import json
import os
import re
import signal
import socket
import time
import unittest
import urllib.request

import fixtures
import support

PARAMETERS = 120609  # of the tests' network, by `spcnet train`


def scrape(target):
    """name -> {frozenset of label pairs: value}, and name -> type."""
    with urllib.request.urlopen(f"http://{target}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    series, types = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            types[name] = kind
        elif not line.startswith("#"):
            name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
            pairs = frozenset(re.findall(r'(\w+)="([^"]*)"', labels or ""))
            series.setdefault(name, {})[pairs] = float(value)
    return series, types


class Table(fixtures.SpcnetTest):
    def test_the_document_is_current(self):
        with open(os.path.join(support.ROOT, "monitoring/METRICS.md"), encoding="utf-8") as file:
            self.assertEqual(self.spcnet("metrics", "--list", "--markdown").stdout, file.read(),
                             "make it anew: spcnet metrics --list --markdown > monitoring/METRICS.md")

    def test_lists(self):
        rows = json.loads(self.spcnet("metrics", "--list", "--json").stdout)
        self.assertGreater(len(rows), 50)
        text = self.spcnet("metrics", "--list").stdout
        for row in rows:
            self.assertIn(f"{row['name']}  {row['type']}, {row['unit']}, {row['by']}", text)
        self.spcnet("metrics", expect=2, err="--list is missing")
        self.spcnet("metrics", "--list", "--json", "--markdown", expect=2, err="give one of --json and --markdown")


class Run(fixtures.SpcnetTest):
    def start(self, *arguments, ranks=2):
        process = self.start_training("run", "--train.epochs", "5000", *arguments, ranks=ranks)
        self.wait_until("the list of ranks", lambda: os.path.exists(self.path("run/targets/run.json")), process)
        return process, json.loads(self.read("run/targets/run.json"))

    def test_every_rank_exports(self):
        process, targets = self.start()
        host = socket.gethostname()
        self.assertEqual([target["labels"] for target in targets],
                         [{"job": "spcnet", "run": "run", "rank": str(rank), "host": host} for rank in range(2)])
        self.wait_until("some steps", lambda: sum(scrape(targets[0]["targets"][0])[0]["spcnet_train_steps_total"].values()) > 5, process)
        table = {row["name"]: row for row in json.loads(self.spcnet("metrics", "--list", "--json").stdout)}
        for rank, target in enumerate(targets):
            series, types = scrape(target["targets"][0])
            for name, kind in types.items():
                if name.startswith("exposer_"):
                    continue  # the server's own
                self.assertEqual(kind, table[name]["type"])
                self.assertTrue(rank == 0 or table[name]["by"] == "every rank", name)
            for name, values in series.items():
                for labels, _ in values.items() if not name.startswith("exposer_") else ():
                    self.assertLessEqual({("run", "run"), ("rank", str(rank)), ("host", host)}, labels, name)
            missing = {name for name, row in table.items() if row["by"] == "every rank" or rank == 0} - set(types)
            of_labels = {name for name in missing if name.startswith(("spcnet_gate_", "spcnet_cluster_", "spcnet_eval_", "spcnet_gpu_")) or "round" in name or "accuracy" in name}
            self.assertEqual(missing - of_labels, set() if rank else {name for name in missing if "checkpoint" in name})
            self.check_values(series, rank)
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(self.wait_for_end(process), 75)
        self.assertFalse(os.path.exists(self.path("run/targets/run.json")), "the list of a run that has ended")

    def check_values(self, series, rank):
        def total(name, **labels):
            return sum(value for pairs, value in series[name].items() if set(labels.items()) <= pairs)
        steps = total("spcnet_train_steps_total")
        self.assertEqual(total("spcnet_train_samples_total"), steps * fixtures.BATCH / 2)
        self.assertAlmostEqual(total("spcnet_train_audio_seconds_total"), steps * fixtures.BATCH / 2 * (2 * 0.40 + 2 * 0.24), places=5)
        self.assertEqual(total("spcnet_train_step_duration_seconds_count"), steps)
        whole = total("spcnet_train_step_duration_seconds_sum")
        phases = total("spcnet_train_phase_seconds_total") - total("spcnet_train_phase_seconds_total", phase="checkpoint")
        self.assertAlmostEqual(phases / whole, 1, places=3)
        self.assertLessEqual(total("spcnet_train_own_seconds_total"), whole)
        self.assertEqual(total("spcnet_run_state", state="train"), 1)
        self.assertEqual(total("spcnet_run_state"), 1)
        self.assertGreater(total("spcnet_data_read_bytes_total"), 10000)
        self.assertGreater(total("spcnet_comm_waits_total"), steps)
        self.assertGreater(total("spcnet_comm_bytes_total"), steps * 4 * PARAMETERS)
        self.assertLess(total("spcnet_comm_bytes_total"), 2 * (steps + 1) * 4 * PARAMETERS)
        for stage in ("read", "augment"):
            self.assertGreater(total("spcnet_data_stage_seconds_total", stage=stage), 0)
        self.assertGreater(total("process_resident_memory_bytes"), 1e7)
        if rank == 0:
            self.assertEqual(total("spcnet_train_step"), steps)
            self.assertGreater(total("spcnet_train_loss"), 0)
            self.assertEqual(total("spcnet_run_world_size"), 2)

    def test_a_port_that_is_taken_ends_nothing(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            self.train("run", "--train.max_steps", "2", "--metrics.ports", port, err=[
                f"warning: no metrics: cannot listen at 127.0.0.1:{port}: Address already in use; training goes on.", "done after step 2"])
        self.assertFalse(os.path.exists(self.path("run/targets")))

    def test_the_end_is_there_for_a_last_look(self):
        process = self.start_training("run", "--train.max_steps", "100", "--metrics.linger_s", "60")
        self.wait_until("the list of ranks", lambda: os.path.exists(self.path("run/targets/run.json")), process)
        target, = json.loads(self.read("run/targets/run.json"))
        scrape(target["targets"][0])  # somebody fetches
        self.wait_for_text("done after step 100", process)
        time.sleep(0.5)
        self.assertIsNone(process.poll(), "it waits for a last look")
        def done():
            states = scrape(target["targets"][0])[0]["spcnet_run_state"]
            return any(value == 1 and ("state", "done") in labels for labels, value in states.items())
        self.assertTrue(done())
        self.assertEqual(self.wait_for_end(process, seconds=5), 0)

    def test_none_if_not_wanted(self):
        self.train("run", "--train.max_steps", "1", "--metrics.enabled", "false")
        self.assertFalse(os.path.exists(self.path("run/targets")))

    def test_a_folder_of_lists(self):
        process = self.start_training("run", "--train.epochs", "5000", "--metrics.targets", self.path("all"), "--metrics.ports", "20000-39999")
        self.wait_until("the list", lambda: glob.glob(self.path("all/run-*.json")), process)
        name, = os.listdir(self.path("all"))
        port = int(json.loads(self.read("all/" + name))[0]["targets"][0].split(":")[1])
        self.assertTrue(20000 <= port <= 39999)
        self.train("other/run", "--train.max_steps", "1", "--metrics.targets", self.path("all"))
        self.assertEqual(os.listdir(self.path("all")), [name], "a run of the same name takes its own list away, not this one")

    def test_usage(self):
        for key, value, message in (("ports", "80-70", "metrics.ports = 80-70, must be any, a port or a range"),
                                    ("listen", "here", "metrics.listen = here, must be auto or an IPv4 address"),
                                    ("linger_s", "-1", "metrics.linger_s must be >= 0")):
            self.train("run", f"--metrics.{key}", value, expect=2, err=message)


if __name__ == "__main__":
    unittest.main()
