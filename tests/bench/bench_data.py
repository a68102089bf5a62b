"""Shards: making them, reading them."""
import json
import re
import tempfile

from common import BIN, run, shards
from table import Row


def bench_loader(_):
    """Whole utterances in shuffled order, beside raw reading of the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        shards(folder, 80)
        for line in map(json.loads, run([BIN / "bench_read", folder])[0].splitlines()):
            yield Row(line["figure"], "MB/s", [line["mb_per_s"]], "reading the same bytes raw", [line["raw_mb_per_s"]])


def bench_fbank(options):
    """The packer's own summary."""
    rates = []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            rates.append(float(re.search(r"([\d.]+) h of speech per core-second", shards(folder, 80)).group(1)))
    yield Row("packing wav to shards, F = 80", "h per core-second", rates)
