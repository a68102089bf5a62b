"""Telling a step to the metrics."""
import json
import tempfile
from pathlib import Path

from common import BIN, ROOT, run, shards
from table import Row


def bench_metrics(options):
    """Beside a step of demo.conf."""
    told = json.loads(run([BIN / "bench_metrics"])[0])
    with tempfile.TemporaryDirectory() as folder:
        shards(Path(folder) / "shards", 64)
        run([BIN / "spcnet", "train", "--config", ROOT / "configs/demo.conf", "--rounds.count", 0, "--shards", Path(folder) / "shards",
             "--train.threads", 1, "--log.every_seconds", 0, "--train.max_steps", 2 + 3 * options.runs, "--run", Path(folder) / "run"])
        lines = [json.loads(line) for line in (Path(folder) / "run/train.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = [32e3 / line["samples_per_s"] for line in lines[2:] if "loss" in line]
    yield Row("telling a step to the metrics", "ms", [1e3 * told["step_s"]], "a step of demo.conf, one rank", steps, less_is_better=True)
    yield Row(f"answering a scrape of {told['bytes'] / 1e3:.0f} KB", "ms", [1e3 * told["scrape_s"]])
