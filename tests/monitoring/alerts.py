#!/usr/bin/env python3
"""Every alert of monitoring/prometheus fires on the series it is for, not sooner than it says, and stays silent on those of a run that is well."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(FOLDER, "..", "e2e"), os.path.join(FOLDER, "..", "cluster")]
import privileged  # pylint: disable=wrong-import-position
import support  # pylint: disable=wrong-import-position

RULES = os.path.join(support.ROOT, "monitoring", "prometheus")
INTERVAL = "30s"
# Two ranks that make a step a second; rank 0's figures of the whole run besides.
RANKS = [f'job="spcnet", run="a", rank="{rank}", host="node{rank}", instance="node{rank}:1"' for rank in (0, 1)]
ZERO = {"job": "spcnet", "run": "a", "rank": "0", "host": "node0", "instance": "node0:1"}
ONE = {"job": "spcnet", "run": "a", "rank": "1", "host": "node1", "instance": "node1:1"}
RUN = {"job": "spcnet", "run": "a"}


def steady(value, length=200):
    return f"{value}x{length}"


def counter(per_second, length=200):
    return f"0+{30 * per_second}x{length}"


def clock(length=200, late=0):
    """Time stamps that follow the clock; promtool's begins at 0."""
    return f"{-late}+30x{length}"


def healthy():
    """{series: values} of a run of a hundred minutes that is well."""
    series = {}
    for labels in RANKS:
        series[f"up{{{labels}}}"] = steady(1)
        series[f'spcnet_build_info{{{labels}, version="0.1.0"}}'] = steady(1)
        series[f'spcnet_run_state{{{labels}, state="train"}}'] = steady(1)
        series[f"spcnet_train_last_step_timestamp_seconds{{{labels}}}"] = clock()
        series[f"spcnet_train_steps_total{{{labels}}}"] = counter(1)
        series[f"spcnet_train_own_seconds_total{{{labels}}}"] = counter(0.9)
        series[f'spcnet_train_phase_seconds_total{{{labels}, phase="data_wait"}}'] = counter(0.05)
        series[f'spcnet_train_phase_seconds_total{{{labels}, phase="forward_backward"}}'] = counter(0.95)
    zero = RANKS[0]
    series[f'spcnet_train_nonfinite_steps_total{{{zero}, what="loss"}}'] = steady(0)
    series[f"spcnet_train_loss_uniform_nats{{{zero}}}"] = steady(11)
    series[f"spcnet_train_epoch{{{zero}}}"] = steady(5)
    series[f"spcnet_ssl_teacher_entropy_nats{{{zero}}}"] = steady(6)
    series[f"spcnet_ssl_teacher_marginal_entropy_nats{{{zero}}}"] = steady(8)
    series[f"spcnet_ssl_embedding_std{{{zero}}}"] = steady(0.6)
    series[f"spcnet_run_start_timestamp_seconds{{{zero}}}"] = steady(0)
    series[f"spcnet_checkpoint_interval_steps{{{zero}}}"] = steady(100)
    series[f"spcnet_checkpoint_last_success_timestamp_seconds{{{zero}}}"] = clock(late=100)
    series[f'spcnet_checkpoint_operations_total{{{zero}, result="error"}}'] = steady(0)
    series[f'spcnet_eval_eer_ratio{{{zero}, trials="O"}}'] = steady(0.105)
    series[f'spcnet_eval_best_eer_ratio{{{zero}, trials="O"}}'] = steady(0.1)
    series[f"spcnet_gate_kept_ratio{{{zero}}}"] = steady(0.7)
    series[f'spcnet_gate_gmm_fits_total{{{zero}, result="kept_previous"}}'] = "0x60 1x139"
    return series


# Alert -> what is otherwise than in a run that is well, from the tenth minute on; the minute in which it is silent yet, and the one in
# which it fires; the labels that it has then.
ILL = "x20 "  # ten minutes as they were, then
CASES = {
    "RankDown": ({f"up{{{RANKS[1]}}}": f"1{ILL}0x180"}, 10, 12, ONE),
    "RunUnreachable": ({f"up{{{labels}}}": f"1{ILL}0x180" for labels in RANKS}, 14, 16, RUN),
    "TrainingStalled": ({f"spcnet_train_last_step_timestamp_seconds{{{labels}}}": f"0+30x20 600x180" for labels in RANKS}, 20, 23, RUN),
    "NonFinite": ({f'spcnet_train_nonfinite_steps_total{{{RANKS[0]}, what="loss"}}': f"0{ILL}1x180"}, 10, 11, {**ZERO, "what": "loss"}),
    "CollapseUniform": ({f"spcnet_ssl_teacher_entropy_nats{{{RANKS[0]}}}": f"6{ILL}10.95x180"}, 24, 27, ZERO),
    "CollapseOneHot": ({f"spcnet_ssl_teacher_marginal_entropy_nats{{{RANKS[0]}}}": f"8{ILL}0.5x180"}, 24, 27, ZERO),
    "CollapseOneHot of embeddings": ({f"spcnet_ssl_embedding_std{{{RANKS[0]}}}": f"0.6{ILL}0.05x180"}, 24, 27, ZERO),
    "StragglerRank": ({f"spcnet_train_own_seconds_total{{{RANKS[1]}}}": "0+27x20 540+90x180"}, 19, 26, ONE),
    "DataStarvation": ({f'spcnet_train_phase_seconds_total{{{RANKS[1]}, phase="data_wait"}}': "0+1.5x20 30+20x180"}, 19, 26, ONE),
    "CheckpointTooOld": ({f"spcnet_checkpoint_last_success_timestamp_seconds{{{RANKS[0]}}}": "0+30x20 600x180"}, 19, 22, ZERO),
    "CheckpointTooOld for none": ({f"spcnet_checkpoint_last_success_timestamp_seconds{{{RANKS[0]}}}": "_x200"}, 11, 15, ZERO),
    "CheckpointFailed": ({f'spcnet_checkpoint_operations_total{{{RANKS[0]}, result="error"}}': f"0{ILL}1x180"}, 10, 11,
                         {**ZERO, "result": "error"}),
    "EerRegression": ({f'spcnet_eval_eer_ratio{{{RANKS[0]}, trials="O"}}': f"0.105{ILL}0.12x180"}, 14, 16, {**ZERO, "trials": "O"}),
    "GateDegenerate": ({f"spcnet_gate_kept_ratio{{{RANKS[0]}}}": f"0.7{ILL}0.995x180"}, 39, 42, ZERO),
    "GateDegenerate for none": ({f"spcnet_gate_kept_ratio{{{RANKS[0]}}}": f"0.7{ILL}0.001x180"}, 39, 42, ZERO),
    "GateDegenerate unfitted": ({f'spcnet_gate_gmm_fits_total{{{RANKS[0]}, result="kept_previous"}}': f"0{ILL}2x180"}, 39, 42,
                                {**ZERO, "result": "kept_previous"}),
    "MetricsMissing": ({f'spcnet_build_info{{{labels}, version="0.1.0"}}': f"1{ILL}stale" for labels in RANKS}, 19, 22, RUN),
}


def alerts():
    with open(os.path.join(RULES, "alerts.yml"), encoding="utf-8") as file:
        return {rule["alert"]: rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]}


def expected(rule, labels):
    def filled(text):
        return re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels.get(found.group(1), ""), text)
    return {"exp_labels": {**labels, **rule["labels"]}, "exp_annotations": {key: filled(text) for key, text in rule["annotations"].items()}}


def promtool(*arguments, cwd=RULES):
    return subprocess.run(["promtool", *arguments], cwd=cwd, capture_output=True, text=True, check=False)


class Alerts(unittest.TestCase):
    def run_groups(self, groups):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "test.yml")
            with open(path, "w", encoding="utf-8") as file:
                yaml.safe_dump({"rule_files": [os.path.join(RULES, name) for name in ("recording.yml", "alerts.yml")],
                                "evaluation_interval": INTERVAL, "tests": groups}, file)
            return promtool("test", "rules", path)

    @staticmethod
    def group(series, checks):
        return {"interval": INTERVAL, "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": checks}

    def test_every_alert_has_a_case(self):
        self.assertEqual({"Spcnet" + name.split()[0] for name in CASES}, set(alerts()))

    def test_a_run_that_is_well_is_silent(self):
        checks = [{"eval_time": f"{minute}m", "alertname": name, "exp_alerts": []} for name in alerts() for minute in (1, 15, 60, 99)]
        done = self.run_groups([self.group(healthy(), checks)])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_teacher_that_knows_nothing_in_the_first_epoch_is_well(self):
        young = {f"spcnet_train_epoch{{{RANKS[0]}}}": steady(0.5), f"spcnet_ssl_teacher_entropy_nats{{{RANKS[0]}}}": steady(10.99)}
        done = self.run_groups([self.group({**healthy(), **young}, [{"eval_time": "90m", "alertname": "SpcnetCollapseUniform", "exp_alerts": []}])])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_labels_without_a_teacher_may_have_narrow_embeddings(self):
        series = {name: values for name, values in healthy().items() if "teacher" not in name}
        series[f"spcnet_ssl_embedding_std{{{RANKS[0]}}}"] = steady(0.05)
        done = self.run_groups([self.group(series, [{"eval_time": "90m", "alertname": "SpcnetCollapseOneHot", "exp_alerts": []}])])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_fires_for_what_it_is_for(self):
        rules = alerts()
        for case, (ill, silent, fires, labels) in CASES.items():
            with self.subTest(case):
                name = "Spcnet" + case.split()[0]
                series = healthy()
                self.assertLessEqual(set(ill), set(series), "a case changes series of a run that is well")
                done = self.run_groups([self.group({**series, **ill}, [
                    {"eval_time": f"{silent}m", "alertname": name, "exp_alerts": []},
                    {"eval_time": f"{fires}m", "alertname": name, "exp_alerts": [expected(rules[name], labels)]}])])
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Files(unittest.TestCase):
    def test_promtool_finds_no_fault(self):
        for arguments in (("check", "rules", "--lint-fatal", "recording.yml", "alerts.yml"), ("check", "config", "prometheus.yml")):
            done = promtool(*arguments)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_alert_has_its_page_and_its_board(self):
        with open(os.path.join(support.ROOT, "monitoring", "README.md"), encoding="utf-8") as file:
            headings = {line[4:].strip().lower() for line in file if line.startswith("### ")}
        boards = {name[:-len(".json")] for name in os.listdir(os.path.join(support.ROOT, "monitoring", "grafana", "boards"))}
        for name, rule in alerts().items():
            self.assertEqual(rule["annotations"]["runbook_url"], f"monitoring/README.md#{name.lower()}")
            self.assertIn(name.lower(), headings)
            self.assertIn(re.match(r"/d/([a-z-]+)\?var-run={{ \$labels\.run }}$", rule["annotations"]["dashboard"]).group(1), boards)
            self.assertIn(rule["labels"]["severity"], ("critical", "warning", "info"))


if __name__ == "__main__":
    privileged.require("promtool")
    unittest.main()
