#!/usr/bin/env python3
"""Speed and memory, each figure beside a peer measured in the same minute.

usage: bench.py [train|loader|fbank|score|extract|kmeans|hosts|scaling|checkpoint|metrics ...] [--json] [--runs N] [--no-peer]

train    DINO samples/s of the paper-size network on two MPI ranks; peer: the same loop in plain PyTorch DDP (pytorch_ddp_dino.py)
loader   MB/s of whole utterances from shards; peer: reading the same bytes raw
fbank    hours of speech packed per core-second
score    580,000 trials, scoring and metrics; a million trials normalised by a cohort of 6,000 speakers, beside NumPy
extract  embeddings of real speech by the paper-size network on one thread; peer: PyTorch eager, which must give the same (extract_peer.py)
kmeans   1,092,009 embeddings in 7500 clusters: seconds a pass beside the machine's matrix products and faiss
hosts    two hosts that are network namespaces (root), as fast as this machine and at 1 Gbit/s: all-reduce beside a ping-pong of the same
         bytes; the share of a training step that waits for gradients, with and without overlap
scaling  one rank, two independent ones and two that train together, a core each; what the model of cost (cost_model.py) makes of it for
         8, 64 and 512 ranks
metrics  telling a step to the metrics, beside a step of demo.conf
checkpoint   how long training stands still for a checkpoint, and what writing it costs the steps beside it
Without a name all are run. Needs the release build, and for the peers of train, score, extract and kmeans PyTorch and faiss, which `./dev bench` installs.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import cost_model
from bench_as_norm import bench_as_norm
from bench_extract import bench_extract
from bench_kmeans import bench_kmeans

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "build/release/bin"
CACHE = Path(os.environ.get("SPCNET_CACHE", Path.home() / ".cache/spcnet"))


def run(command, **environment):
    """Runs a command to its end; returns what it printed, standard output and error apart. Ends the benchmark when it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env={**os.environ, **environment})
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")
    return done.stdout, done.stderr


def corpus():
    """The small corpus of real speech."""
    folder = CACHE / "corpus-small"
    run([ROOT / "data/corpus/build.sh", "--set", "small", "--out", folder])
    return folder


def shards(folder, bins):
    """Packs the small corpus; returns the summary line."""
    summary, _ = run([BIN / "spcnet-data", "fbank", "--wav-scp", corpus() / "wav.scp", "--out", folder, "--fbank.num_mel_bins", bins])
    return summary.strip().splitlines()[-1]


def peer_python():
    """A Python with PyTorch."""
    python = CACHE / "venv-pytorch-2.11.0/bin/python"
    if not python.exists():
        sys.exit("bench: no PyTorch for the peer; run this by `./dev bench train`, or with --no-peer")
    return python


def our_training(folder, precision, steps):
    """Median samples/s of the steps after the first two, and peak MiB of a rank."""
    mpirun = ["mpirun", "-n", 2, "--oversubscribe"] + (["--allow-run-as-root"] if os.geteuid() == 0 else [])
    with tempfile.TemporaryDirectory() as out:
        _, log = run(mpirun + [BIN / "spcnet", "train", "--config", ROOT / "tests/bench/train.conf", "--shards", folder, "--run", out,
                               "--train.max_steps", steps + 2, "--train.precision", precision])
        lines = [json.loads(line) for line in (Path(out) / "train.jsonl").read_text().splitlines()]
    rates = [line["samples_per_s"] for line in lines if line["step"] > 2]
    return statistics.median(rates), int(re.search(r"peak memory of a rank (\d+) MiB", log).group(1))


def peer_training(precision, steps):
    """The same of plain PyTorch DDP."""
    flags = ["--bf16"] if precision == "bf16" else []
    out, _ = run([peer_python(), ROOT / "tests/bench/pytorch_ddp_dino.py", "--ranks", 2, "--threads", 1, "--steps", steps, *flags])
    figures = json.loads(out.strip().splitlines()[-1])
    return figures["samples_per_s"], figures["peak_rss_mib"]


def bench_train(options):
    """Ours and the peer in turn, so that a drift of the machine's speed meets both."""
    with tempfile.TemporaryDirectory() as folder:
        shards(folder, 80)
        has_bf16 = "avx512_bf16" in Path("/proc/cpuinfo").read_text()
        for precision in ["fp32", "bf16"] if has_bf16 else ["fp32"]:
            ours, theirs = [], []
            for _ in range(options.runs):
                ours.append(our_training(folder, precision, options.steps))
                if options.peer:
                    theirs.append(peer_training(precision, options.steps))
            yield figure(f"DINO training, {precision}, 2 ranks x 8, C0 = 32, F = 80, K = 65536", "samples_per_s", ours, theirs, "PyTorch DDP")


def figure(name, unit, ours, theirs, peer):
    """One line: medians and spreads of (rate, memory) pairs."""
    rates = [rate for rate, _ in ours]
    line = {"figure": name, unit: round(statistics.median(rates), 3), "min": round(min(rates), 3), "max": round(max(rates), 3),
            "peak_mib": max(memory for _, memory in ours)}
    if theirs:
        peer_rates = [rate for rate, _ in theirs]
        line |= {"peer": peer, "peer_" + unit: round(statistics.median(peer_rates), 3), "peer_min": round(min(peer_rates), 3),
                 "peer_max": round(max(peer_rates), 3), "peer_peak_mib": max(memory for _, memory in theirs),
                 "ratio": round(statistics.median(rates) / statistics.median(peer_rates), 3)}
    return line


def bench_loader(_):
    """Reading whole utterances in shuffled order against raw reading."""
    with tempfile.TemporaryDirectory() as folder:
        shards(folder, 80)
        out, _ = run([BIN / "bench_read", folder])
        yield from map(json.loads, out.splitlines())


def bench_fbank(options):
    """The packer's own summary, several times."""
    rates = []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            rates.append((float(re.search(r"([\d.]+) h of speech per core-second", shards(folder, 80)).group(1)), 0))
    yield figure("packing wav to shards, F = 80", "hours_per_core_second", rates, [], "")


def bench_score(options):
    """Reading, scoring and metrics of a large trial list."""
    out, _ = run([BIN / "bench_score"])
    yield from map(json.loads, out.splitlines())
    yield from bench_as_norm(run, BIN / "spcnet", peer_python() if options.peer else None)


def on_hosts(hosts, *command):
    """One rank on each of two hosts."""
    as_root = ["--allow-run-as-root", "-n", 2, "--host", ",".join(hosts.names), "--bind-to", "none"]
    return run(hosts.on(hosts.names[0], "mpirun", *map(str, as_root), *hosts.mpi_options(), *map(str, command)))


def exposed(hosts, folder, overlap, steps):
    """Per cent of the time of a step in which it waits for other ranks after backward, and samples/s: medians."""
    with tempfile.TemporaryDirectory() as out:
        on_hosts(hosts, BIN / "spcnet", "train", "--config", ROOT / "tests/bench/train.conf", "--shards", folder, "--run", out,
                 "--train.max_steps", steps + 1, "--dist.overlap", str(overlap).lower(), "--dist.sentinel_steps", 0)
        lines = [json.loads(line) for line in (Path(out) / "train.jsonl").read_text().splitlines()][1:]
    return 100 * statistics.median(line["reduce_wait"] for line in lines), statistics.median(line["samples_per_s"] for line in lines)


def bench_hosts(options):
    """Two ranks on two hosts of this machine."""
    sys.path.insert(0, str(ROOT / "tests/cluster"))
    import netns  # pylint: disable=import-outside-toplevel,import-error
    netns.require()
    for rate in (None, "1gbit"):
        with netns.Hosts(2) as hosts, tempfile.TemporaryDirectory() as folder:
            if rate:
                hosts.limit(rate)
            link = rate or "unlimited"
            for line in on_hosts(hosts, BIN / "bench_comm")[0].splitlines():
                yield {**json.loads(line), "link": link}
            shards(folder, 80)
            with_overlap, rate_with = exposed(hosts, folder, True, options.steps)
            without, rate_without = exposed(hosts, folder, False, options.steps)
            yield {"figure": "exposed communication, 2 hosts x 8, C0 = 32, F = 80, K = 65536", "link": link, "percent_of_step": round(with_overlap, 2),
                   "samples_per_s": round(rate_with, 3), "peer": "without overlap", "peer_percent_of_step": round(without, 2),
                   "peer_samples_per_s": round(rate_without, 3), "ratio": round(rate_with / rate_without, 3)}


def step_times(folder, out):
    """The command of a run of the paper's network, one line of the log a step, and a function that reads its steps' seconds."""
    command = [BIN / "spcnet", "train", "--config", ROOT / "tests/bench/train.conf", "--shards", folder, "--run", out,
               "--dist.sentinel_steps", 0]

    def read():
        lines = [json.loads(line) for line in (Path(out) / "train.jsonl").read_text().splitlines()]
        samples = lines[1]["samples"] - lines[0]["samples"]
        return lines, [samples / line["samples_per_s"] for line in lines[1:]]  # the first one compiles convolutions
    return command, read


def bench_scaling(options):
    """Weak scaling from one core to two."""
    rows, steps = 8, options.steps + 1
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "shards"
        shards(packed, 80)

        def start(name, cores, *more):
            command, read = step_times(packed, Path(folder) / name)
            pinned = ["taskset", "-c", cores, *command, "--train.max_steps", steps, *more]
            return subprocess.Popen([str(part) for part in pinned], stderr=subprocess.DEVNULL), read

        def seconds(name, cores):
            """Of a step, for independent runs at the same time."""
            runs = [start(f"{name}{core}", core, "--train.batch_size", rows) for core in cores]
            for process, _ in runs:
                if process.wait() != 0:
                    sys.exit("bench: spcnet train failed")
            return [read()[1] for _, read in runs]

        alone = seconds("alone", "0")[0]
        apart = seconds("apart", "01")
        command, read = step_times(packed, Path(folder) / "together")
        as_root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
        run(["mpirun", "-n", 2, "--bind-to", "core", *as_root, *command, "--train.max_steps", steps, "--train.batch_size", 2 * rows])
        together = read()[1]
    apart_rate = sum(rows / statistics.median(each) for each in apart)
    together_rate = 2 * rows / statistics.median(together)
    yield {"figure": "weak scaling, C0 = 32, F = 80, K = 65536, 8 utterances a rank, a core each", "one_rank_samples_per_s":
           round(rows / statistics.median(alone), 3), "two_ranks_samples_per_s": round(together_rate, 3), "peer": "two independent processes",
           "peer_samples_per_s": round(apart_rate, 3), "ratio": round(together_rate / apart_rate, 3)}
    memory = cost_model.Link("this machine's memory", 5e-6, 2.3e9)
    work = cost_model.fitted(cost_model.Work(compute_s=statistics.median(apart[0] + apart[1]), scatter_s=0, backward=0.6, gradient_bytes=118e6,
                                             bucket_bytes=25 << 20, messages=476, message_bytes=2048), memory, statistics.median(together))
    yield {"figure": "the model, fitted to two ranks here", "compute_s": round(work.compute_s, 3), "step_s":
           round(cost_model.step_seconds(2, work, memory), 3), "scatter_ms": round(1000 * work.scatter_s, 3)}
    for link in (cost_model.Link("1 Gbit/s", 15e-6, 124e6), cost_model.Link("10 Gbit/s", 15e-6, 1.2e9), cost_model.Link("100 Gbit/s", 3e-6, 11e9)):
        yield {"figure": f"the model: efficiency on {link.name}",
               **{f"ranks_{ranks}": round(cost_model.efficiency(ranks, work, link), 3) for ranks in (8, 64, 512)}}


def bench_checkpoint(options):
    """Saving while training goes on."""
    every = 3
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "shards"
        shards(packed, 80)
        command, read = step_times(packed, Path(folder) / "run")
        as_root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
        run(["mpirun", "-n", 2, "--bind-to", "core", *as_root, *command, "--train.max_steps", every * options.runs + every - 1,
             "--checkpoint.every_steps", every])
        lines, seconds = read()
        size = max(path.stat().st_size for path in (Path(folder) / "run/checkpoints").iterdir())
    stalls = [line["save_wait"] * second for line, second in zip(lines[1:], seconds) if line["save_wait"] > 0]
    beside = [second * (1 - line["save_wait"]) for line, second in zip(lines[1:], seconds) if line["save_wait"] > 0]
    others = [second for line, second in zip(lines[1:], seconds) if line["save_wait"] == 0]
    stall = statistics.median(stalls)
    lost = stall + max(0.0, statistics.median(beside) - statistics.median(others))
    yield {"figure": "a checkpoint, C0 = 32, F = 80, K = 65536, 2 ranks", "megabytes": round(size / 1e6), "stall_s": round(stall, 3), "step_beside_s":
           round(statistics.median(beside), 3), "percent_at_one_a_minute": round(100 * lost / 60, 2), "peer": "a step without",
           "peer_step_s": round(statistics.median(others), 3), "ratio": round(statistics.median(beside) / statistics.median(others), 3)}


def bench_metrics(options):
    """What a step costs that is told to the metrics."""
    told = json.loads(run([BIN / "bench_metrics"])[0])
    with tempfile.TemporaryDirectory() as folder:
        shards(Path(folder) / "shards", 64)
        train = [BIN / "spcnet", "train", "--config", ROOT / "configs/demo.conf", "--rounds.count", 0, "--shards", Path(folder) / "shards",
                 "--train.threads", 1, "--log.every_seconds", 0, "--train.max_steps", 2 + 3 * options.runs]
        run([*train, "--run", Path(folder) / "run"])
        lines = [json.loads(line) for line in (Path(folder) / "run/train.jsonl").read_text(encoding="utf-8").splitlines()]
    step = statistics.median(32 / line["samples_per_s"] for line in lines[2:] if "loss" in line)
    yield {"figure": "telling a step to the metrics", "us": round(1e6 * told["step_s"], 2), "scrape_ms": round(1e3 * told["scrape_s"], 3),
           "scrape_kb": round(told["bytes"] / 1e3, 1), "peer": "a step of demo.conf, one rank, one thread", "peer_ms": round(1e3 * step, 1),
           "percent": round(100 * told["step_s"] / step, 5)}


def main():
    benches = {"train": bench_train, "loader": bench_loader, "fbank": bench_fbank, "score": bench_score,
               "extract": lambda options: bench_extract(run, shards, BIN / "spcnet", peer_python() if options.peer else None, options.runs, figure),
               "kmeans": lambda options: bench_kmeans(run, BIN / "spcnet", peer_python() if options.peer else None), "hosts": bench_hosts,
               "scaling": bench_scaling, "checkpoint": bench_checkpoint, "metrics": bench_metrics}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(benches))
    parser.add_argument("--json", action="store_true", help="one JSON line per figure")
    parser.add_argument("--runs", type=int, default=3, help="of each figure; the median is reported")
    parser.add_argument("--steps", type=int, default=6, help="timed training steps a run")
    parser.add_argument("--no-peer", dest="peer", action="store_false", help="ours alone")
    options = parser.parse_args()
    if options.runs < 1 or options.steps < 2:
        parser.error("--runs must be at least 1, --steps at least 2")
    unknown = set(options.names) - set(benches)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(benches)}")
    for name in options.names or benches:
        for line in benches[name](options):
            if options.json:
                print(json.dumps(line), flush=True)
            else:
                print(f"{line.pop('figure')}\n    " + "  ".join(f"{key} {value}" for key, value in line.items()), flush=True)


if __name__ == "__main__":
    main()
