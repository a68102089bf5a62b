"""What several ranks cost: two hosts, two cores, a checkpoint while they train."""
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import cost_model
from common import AS_ROOT, BIN, ROOT, TRAIN, run, shards  # before netns, which lies where it looks
import netns
from table import Row


def on_hosts(hosts, *command):
    """One rank on each of two hosts."""
    as_root = ["--allow-run-as-root", "-n", 2, "--host", ",".join(hosts.names), "--bind-to", "none"]
    return run(hosts.on(hosts.names[0], "mpirun", *map(str, as_root), *hosts.mpi_options(), *map(str, command)))


def exposed(hosts, folder, overlap, steps):
    """Per cent of the time of each step in which it waits for other ranks after backward, and the median of samples/s."""
    with tempfile.TemporaryDirectory() as out:
        on_hosts(hosts, *TRAIN, "--shards", folder, "--run", out, "--train.max_steps", steps + 1, "--dist.overlap", str(overlap).lower(),
                 "--dist.sentinel_steps", 0)
        lines = [json.loads(line) for line in (Path(out) / "train.jsonl").read_text(encoding="utf-8").splitlines()][1:]
    return [100 * line["reduce_wait"] for line in lines], statistics.median(line["samples_per_s"] for line in lines)


def bench_hosts(options):
    """Two ranks on two hosts of this machine, as fast as it is and at 1 Gbit/s."""
    netns.require()
    for rate in (None, "1gbit"):
        with netns.Hosts(2) as hosts, tempfile.TemporaryDirectory() as folder:
            if rate:
                hosts.limit(rate)
            link = f"two hosts{', 1 Gbit/s' if rate else ''}"
            for line in map(json.loads, on_hosts(hosts, BIN / "bench_comm")[0].splitlines()):
                if line["bytes"] <= 1024:  # what counts is how long it takes
                    yield Row(f"{link}: {line['figure']}", "us", [line["all_reduce_us"]], "the same bytes one way", [line["one_way_us"]], less_is_better=True)
                else:
                    yield Row(f"{link}: {line['figure']}, on the wire", "MB/s", [line["bus_mb_per_s"]], "ping-pong of the same bytes",
                              [line["one_way_mb_per_s"]])
            shards(folder, 80)
            with_overlap, rate_with = exposed(hosts, folder, True, options.steps)
            without, rate_without = exposed(hosts, folder, False, options.steps)
            yield Row(f"{link}: share of a step that waits for gradients", "%", with_overlap, "without overlap", without, less_is_better=True,
                      more={"samples_per_s": round(rate_with, 3), "samples_per_s_without": round(rate_without, 3)})


def step_times(folder, out):
    """The command of a run of the paper's network, one line of the log a step, and a function that reads its steps' seconds."""
    def read():
        lines = [json.loads(line) for line in (Path(out) / "train.jsonl").read_text(encoding="utf-8").splitlines()]
        samples = lines[1]["samples"] - lines[0]["samples"]
        return lines, [samples / line["samples_per_s"] for line in lines[1:]]  # the first one compiles convolutions
    return [*TRAIN, "--shards", folder, "--run", out, "--dist.sentinel_steps", 0], read


def bench_scaling(options):
    """Weak scaling from one core to two, and what a model of cost makes of it."""
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
        run(["mpirun", "-n", 2, "--bind-to", "core", *AS_ROOT, *command, "--train.max_steps", steps, "--train.batch_size", 2 * rows])
        together = read()[1]
    apart_rate = sum(rows / statistics.median(each) for each in apart)
    yield Row("weak scaling, 8 utterances a rank, a core each, 2 ranks", "samples/s", [2 * rows / each for each in together],
              "two independent processes", [apart_rate], more={"one_rank_samples_per_s": round(rows / statistics.median(alone), 3)})
    memory = cost_model.Link("this machine's memory", 5e-6, 2.3e9)
    work = cost_model.fitted(cost_model.Work(compute_s=statistics.median(apart[0] + apart[1]), scatter_s=0, backward=0.6, gradient_bytes=118e6,
                                             bucket_bytes=25 << 20, messages=476, message_bytes=2048), memory, statistics.median(together))
    for link in (cost_model.Link("1 Gbit/s", 15e-6, 124e6), cost_model.Link("10 Gbit/s", 15e-6, 1.2e9), cost_model.Link("100 Gbit/s", 3e-6, 11e9)):
        yield Row(f"the model fitted to it: efficiency of 64 ranks on {link.name}", "", [cost_model.efficiency(64, work, link)],
                  more={f"ranks_{ranks}": round(cost_model.efficiency(ranks, work, link), 3) for ranks in (8, 64, 512)})


def bench_checkpoint(options):
    """How long training stands still for a checkpoint, and what writing it costs the steps beside it."""
    every = 3
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "shards"
        shards(packed, 80)
        command, read = step_times(packed, Path(folder) / "run")
        run(["mpirun", "-n", 2, "--bind-to", "core", *AS_ROOT, *command, "--train.max_steps", every * options.runs + every - 1,
             "--checkpoint.every_steps", every])
        lines, seconds = read()
        size = max(path.stat().st_size for path in (Path(folder) / "run/checkpoints").iterdir())
    stalls = [line["save_wait"] * second for line, second in zip(lines[1:], seconds) if line["save_wait"] > 0]
    beside = [second * (1 - line["save_wait"]) for line, second in zip(lines[1:], seconds) if line["save_wait"] > 0]
    others = [second for line, second in zip(lines[1:], seconds) if line["save_wait"] == 0]
    yield Row(f"a checkpoint of {size / 1e6:.0f} MB: training stands still", "s", stalls)
    yield Row("the step beside its writing", "s", beside, "a step without", others, less_is_better=True)
