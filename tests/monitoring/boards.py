#!/usr/bin/env python3
"""The boards: what their generator makes, all that Grafana and a reader need, and no metric that the programs do not export."""
import json
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

MONITORING = os.path.join(support.ROOT, "monitoring")
GRAFANA = os.path.join(MONITORING, "grafana")
UNITS = {"none", "short", "s", "bytes", "Bps", "percentunit", "ops"}
OF_PROMETHEUS = {"up"}
WITH_UNIT = {"stat", "table", "timeseries", "bargauge", "gauge"}


def read(*path):
    with open(os.path.join(MONITORING, *path), encoding="utf-8") as file:
        return file.read()


def boards():
    names = sorted(os.listdir(os.path.join(GRAFANA, "boards")))
    return {name: json.loads(read("grafana", "boards", name)) for name in names}


def panels(board):
    """Those that show something, in collapsed rows too."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def expressions(board):
    """(where, PromQL) of panels and annotations."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield f"{board['uid']}: {panel['title']}", target["expr"]
    for annotation in board["annotations"]["list"]:
        yield f"{board['uid']}: annotation {annotation['name']}", annotation["expr"]


def known_metrics():
    listed = subprocess.run([support.program("spcnet"), "metrics", "--list", "--json"], capture_output=True, text=True, check=True).stdout
    names = set(OF_PROMETHEUS)
    for metric in json.loads(listed):
        names |= {metric["name"] + suffix for suffix in (("_bucket", "_sum", "_count") if metric["type"] == "histogram" else ("",))}
    for group in yaml.safe_load(read("prometheus", "recording.yml"))["groups"]:
        names |= {rule["record"] for rule in group["rules"]}
    return names


def selectors(expr):
    """(metric, matchers) of every selector."""
    return re.findall(r"\b((?:spcnet|process|run:|rank:)[a-z0-9_:]*|up)\{([^}]*)\}", expr)


def with_values(expr):
    """As Grafana sends it, everything chosen."""
    for name, value in (("$__rate_interval", "20s"), ("$__range", "1h"), ("$job", ".+"), ("$run", ".+"), ("$rank", ".+")):
        expr = expr.replace(name, value)
    return expr


class Boards(unittest.TestCase):
    def test_are_what_the_generator_makes(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, os.path.join(GRAFANA, "boards.py"), folder], check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
            self.assertEqual(sorted(os.listdir(folder)), sorted(boards()))
            for name in os.listdir(folder):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    self.assertEqual(file.read(), read("grafana", "boards", name), f"{name} is old; run monitoring/grafana/boards.py")

    def test_identity(self):
        self.assertEqual(len(boards()), 5)
        for name, board in boards().items():
            self.assertEqual(board["uid"] + ".json", name)
            self.assertLessEqual(len(board["uid"]), 40)
            self.assertEqual((board["id"], board["version"], board["schemaVersion"], board["tags"]), (None, 1, 39, ["spcnet"]))
        self.assertEqual(len({board["title"] for board in boards().values()}), 5)

    def test_ids_and_titles_are_unique_and_nothing_overlaps(self):
        for name, board in boards().items():
            every = [*board["panels"], *(inner for row in board["panels"] for inner in row.get("panels", []))]
            self.assertEqual(len({panel["id"] for panel in every}), len(every), name)
            self.assertEqual(len({panel["title"] for panel in every}), len(every), name)
            taken = {}
            for panel in every:
                place = panel["gridPos"]
                self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
                cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
                for cell in cells:
                    self.assertNotIn(cell, taken, f"{name}: {panel['title']} lies over {taken.get(cell)}")
                    taken[cell] = panel["title"]

    def test_every_data_source_is_the_variable(self):
        source = {"type": "prometheus", "uid": "${datasource}"}
        for name, board in boards().items():
            variables = {each["name"]: each for each in board["templating"]["list"]}
            self.assertEqual(list(variables), ["datasource", "job", "run", "rank"], name)
            asked = [variables["job"], variables["run"], variables["rank"], *board["annotations"]["list"], *panels(board)]
            asked += [target for panel in panels(board) for target in panel["targets"]]
            for each in asked:
                self.assertEqual(each["datasource"], source, each.get("title", each))
            for variable in (variables["run"], variables["rank"]):
                self.assertEqual((variable["multi"], variable["includeAll"], variable["allValue"], variable["refresh"]), (True, True, ".+", 2))

    def test_every_panel_explains_itself(self):
        for name, board in boards().items():
            for panel in panels(board):
                where = f"{name}: {panel['title']}"
                self.assertGreater(len(panel["description"]), 15, where)
                self.assertTrue(panel["description"].endswith("."), where)
                self.assertIn(panel["fieldConfig"]["defaults"]["unit"], UNITS, where)
                self.assertTrue(panel["targets"], where)
                if panel["type"] in WITH_UNIT - {"table"}:
                    self.assertTrue(all(target["legendFormat"] for target in panel["targets"]), where)

    def test_expressions(self):
        known = known_metrics()
        for board in boards().values():
            for where, expr in expressions(board):
                found = selectors(expr)
                self.assertTrue(found, where)
                self.assertEqual(len(re.findall(r"\b(?:spcnet_|process_)\w+", re.sub(r"(?:run|rank):\w+", "", expr))),
                                 sum(metric.startswith(("spcnet_", "process_")) for metric, _ in found), f"{where}: a metric without matchers")
                for metric, matchers in found:
                    self.assertIn(metric, known, where)
                    self.assertIn('job=~"$job"', matchers, where)
                    self.assertIn('run=~"$run"', matchers, where)
                    if metric.endswith(("_total", "_bucket", "_sum", "_count")):
                        self.assertRegex(expr, r"(?:rate|increase)\(" + re.escape(metric) + r"\{[^}]*\}\[", where)
                for window in re.findall(r"rate\([^\[]*\[([^\]]*)\]", expr):
                    self.assertEqual(window, "$__rate_interval", where)

    def test_every_exported_metric_is_shown(self):
        shown = {re.sub(r"_(bucket|sum|count)$", "", metric) for board in boards().values() for _, expr in expressions(board) for metric, _ in selectors(expr)}
        listed = json.loads(subprocess.run([support.program("spcnet"), "metrics", "--list", "--json"], capture_output=True, text=True, check=True).stdout)
        used = shown | set(re.findall(r"\b(?:spcnet|process)_\w+", read("prometheus", "recording.yml") + read("prometheus", "alerts.yml")))
        for metric in listed:
            self.assertTrue(metric["name"] in used, f"no board, rule or alert has {metric['name']}")

    def test_are_promql(self):
        rules = [{"record": f"r{i}", "expr": with_values(expr)} for i, (_, expr) in enumerate(each for board in boards().values() for each in expressions(board))]
        with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
            yaml.safe_dump({"groups": [{"name": "boards", "rules": rules}]}, file)
            file.flush()
            done = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Provisioning(unittest.TestCase):
    def test_compose_mounts_what_is_there(self):
        services = yaml.safe_load(read("compose.yml"))["services"]
        self.assertEqual(set(services), {"prometheus", "grafana"})
        mounts = [mount for service in services.values() for mount in service["volumes"]]
        for mount in mounts:
            if mount.startswith("./"):
                self.assertTrue(os.path.exists(os.path.join(MONITORING, mount.split(":")[0])), mount)
        provider = yaml.safe_load(read("grafana", "provisioning", "dashboards", "spcnet.yml"))["providers"][0]
        self.assertIn(f"./grafana/boards:{provider['options']['path']}:ro", mounts)
        source = yaml.safe_load(read("grafana", "provisioning", "datasources", "prometheus.yml"))["datasources"][0]
        self.assertEqual(source["url"], "${SPCNET_PROMETHEUS_URL}")
        self.assertIn("SPCNET_PROMETHEUS_URL", services["grafana"]["environment"])
        interval = yaml.safe_load(read("prometheus", "prometheus.yml"))["global"]["scrape_interval"]
        self.assertEqual(source["jsonData"]["timeInterval"], interval)


if __name__ == "__main__":
    privileged.require("promtool")
    unittest.main()
