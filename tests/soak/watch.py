"""A run of the programs under watch: when its first step was made, what memory every rank took, how long its steps were."""
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import support  # pylint: disable=wrong-import-position


@dataclasses.dataclass
class Watched:
    seconds: float        # from the start of mpirun to the end
    first_step: float     # seconds to the first step of this run; None: it made none
    cpu: float            # processor seconds of the busiest rank until then
    peak_mib: int         # of the largest rank
    steps: list           # (step, seconds) of all but the first


def programs_of(pid):
    """The processes under `pid` that are ours."""
    found = []
    for child in support.children(pid):
        try:
            with open(f"/proc/{child}/comm", encoding="ascii") as file:
                if file.read().strip() == "spcnet":
                    found.append(child)
        except OSError:
            continue
        found += programs_of(child)
    return found


def peak_mib(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return max((int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM")), default=0)
    except OSError:
        return 0


def cpu_seconds(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0


def steps_in(run):
    """The steps in a run's log, of all its starts."""
    path = os.path.join(run, "train.jsonl")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    return [line for line in lines if "loss" in line]


def watch(*command, ranks, run=None):
    """Runs it to its end; ends the soak when it fails. @param run  the folder of a run that logs every step"""
    before = len(steps_in(run)) if run else 0
    first_step, cpu, peaks = None, 0.0, {}
    begin = time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as stderr:
        with subprocess.Popen(support.command_line(command, ranks), env=support.environment(), stdout=subprocess.DEVNULL,
                              stderr=stderr) as process:
            while process.poll() is None:
                pids = [process.pid] if ranks == 1 else programs_of(process.pid)
                for pid in pids:
                    peaks[pid] = max(peaks.get(pid, 0), peak_mib(pid))
                if run and first_step is None and len(steps_in(run)) > before:
                    first_step = time.monotonic() - begin
                    cpu = max(map(cpu_seconds, pids), default=0.0)
                time.sleep(0.1)
        seconds = time.monotonic() - begin
        stderr.seek(0)
        if process.returncode != 0:
            sys.exit(f"{' '.join(command)}\nended with {process.returncode}:\n{stderr.read()[-3000:]}")
    steps = steps_in(run)[before + 1:] if run else []
    return Watched(seconds, first_step, cpu, max(peaks.values(), default=0),
                   [(line["step"], line["samples"] / line["step"] / line["samples_per_s"]) for line in steps])
