"""Scores of long trial lists."""
import json
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from common import BIN, peer_python, run
from table import Row

UTTS, COHORT, DIM, TRIALS, TOP_N = 145_160, 6_000, 256, 1_000_000, 300


def write_inputs(folder):
    """As many utterances as VoxCeleb1 has, and a cohort."""
    rng = np.random.default_rng(1)
    for name, count in (("eval", UTTS), ("cohort", COHORT)):
        rows = rng.standard_normal((count, DIM), dtype=np.float32)
        rows.tofile(folder / f"{name}.f32")
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["embedding"] = rows
            file.create_dataset("utt", data=[f"{name}-{i:06}" for i in range(count)], dtype=h5py.string_dtype())
    pairs = rng.integers(0, UTTS, (2, TRIALS), dtype=np.int32)
    pairs.tofile(folder / "pairs.i32")
    with open(folder / "trials", "w", encoding="utf-8") as file:
        file.writelines(f"{n % 2} eval-{a:06} eval-{b:06}\n" for n, (a, b) in enumerate(pairs.T))


def seconds_of(command):
    """Of a whole process."""
    start = time.perf_counter()
    run(command)
    return time.perf_counter() - start


def bench_score(options):
    """Reading, scoring and metrics of 580,000 trials; a million trials normalised by a cohort, beside NumPy in single precision."""
    plain = [json.loads(run([BIN / "bench_score"])[0])["seconds"] for _ in range(options.runs)]
    yield Row("580,000 trials: read, score, EER and minDCF, one thread", "s", plain)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_inputs(folder)
        score = [BIN / "spcnet", "score", "--embeddings", folder / "eval.h5", "--trials", f"all={folder / 'trials'}", "--json"]
        ours, theirs = [], []
        for _ in range(options.runs):
            without = seconds_of(score)
            ours.append(seconds_of([*score, "--cohort", folder / "cohort.h5", "--top-n", TOP_N]) - without)
            if options.peer:
                theirs.append(json.loads(run([peer_python(), Path(__file__).parent / "as_norm_peer.py", folder, TOP_N, DIM])[0])["seconds"])
    yield Row(f"AS-norm of {TRIALS:,} trials, cohort of {COHORT:,}, top {TOP_N}", "s", ours, "NumPy, single precision", theirs, less_is_better=True)
