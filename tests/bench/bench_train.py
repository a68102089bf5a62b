"""A DINO training step of the paper's network on two ranks, beside the same loop in plain PyTorch DDP."""
import json
import re
import statistics
import tempfile
from pathlib import Path

from common import AS_ROOT, HAS_BF16, ROOT, TRAIN, peer_python, run, shards
from table import Row

WHAT = "2 ranks x 8, C0 = 32, F = 80, K = 65536"
JEMALLOC = {"LD_PRELOAD": "libjemalloc.so.2", "MALLOC_CONF": "thp:always,dirty_decay_ms:-1,muzzy_decay_ms:-1,metadata_thp:always"}
GLIBC = {"LD_PRELOAD": "libstdc++.so.6:libc.so.6"}  # in front of the allocator that the program is linked to


class Runs:
    """Figures of several runs."""
    def __init__(self):
        self.rates, self.mib, self.page_faults = [], 0, []

    def add(self, rate, mib, page_faults=0):
        """Takes in one run."""
        self.rates.append(rate)
        self.mib = max(self.mib, mib)
        self.page_faults.append(page_faults)


def our_run(folder, precision, steps, environment):
    """Median samples/s of the steps after the first two, peak MiB of a rank, most page faults of one of the last steps."""
    with tempfile.TemporaryDirectory() as out:
        _, log = run(["mpirun", "-n", 2, "--oversubscribe", *AS_ROOT, *TRAIN, "--shards", folder, "--run", out, "--train.max_steps", steps + 2,
                      "--train.precision", precision], **environment)
        lines = [json.loads(line) for line in (Path(out) / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    rates = [line["samples_per_s"] for line in lines if line["step"] > 2]
    return statistics.median(rates), int(re.search(r"peak memory of a rank (\d+) MiB", log).group(1)), max(line["page_faults"] for line in lines[-2:])


def peer_run(precision, steps, environment):
    """The same of plain PyTorch DDP."""
    flags = ["--bf16"] if precision == "bf16" else []
    out, _ = run([peer_python(), ROOT / "tests/bench/pytorch_ddp_dino.py", "--ranks", 2, "--threads", 1, "--steps", steps, *flags], **environment)
    figures = json.loads(out.strip().splitlines()[-1])
    return figures["samples_per_s"], figures["peak_rss_mib"]


def bench_train(options):
    """All in turn, so that a drift of the machine's speed meets all."""
    precisions = ["bf16", "fp32"] if HAS_BF16 else ["fp32"]
    ours = {precision: Runs() for precision in precisions}
    peer = {precision: Runs() for precision in precisions}
    first = precisions[0]
    ours_glibc, peer_jemalloc = Runs(), Runs()
    with tempfile.TemporaryDirectory() as folder:
        shards(folder, 80)
        for _ in range(options.runs):
            for precision in precisions:
                ours[precision].add(*our_run(folder, precision, options.steps, {}))
                if options.peer:
                    peer[precision].add(*peer_run(precision, options.steps, {}))
            ours_glibc.add(*our_run(folder, first, options.steps, GLIBC))
            if options.peer:
                peer_jemalloc.add(*peer_run(first, options.steps, JEMALLOC))

    def row(figure, our, beside, their):
        return Row(figure, "samples/s", our.rates, beside, their.rates, mib=our.mib, mib_beside=their.mib if their.rates else None)
    for precision in precisions:
        yield row(f"DINO, {precision}, {WHAT}", ours[precision], f"PyTorch DDP, {precision}", peer[precision])
    if options.peer:
        yield row(f"DINO, {first}, against jemalloc", ours[first], f"PyTorch DDP, {first}, jemalloc preloaded", peer_jemalloc)
        if first != "fp32":
            yield row("DINO, bf16, against the peer's default", ours["bf16"], "PyTorch DDP, fp32", peer["fp32"])
    yield row(f"DINO, {first}, the allocator alone", ours[first], "ours with glibc's", ours_glibc)
    yield Row(f"pages taken from the system a step, {first}", "faults", ours[first].page_faults, "limit", [100], less_is_better=True)
