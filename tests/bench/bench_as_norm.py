"""A million trials over as many utterances as VoxCeleb1 has, normalised by a cohort of 6,000 speakers."""
import json
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

UTTS, COHORT, DIM, TRIALS, TOP_N = 145_160, 6_000, 256, 1_000_000, 300


def write_inputs(folder):
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


def seconds_of(run, command):
    start = time.perf_counter()
    run(command)
    return time.perf_counter() - start


def bench_as_norm(run, binary, peer_python):
    """@param peer_python  a Python with NumPy of PyPI, or None"""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_inputs(folder)
        score = [binary, "score", "--embeddings", folder / "eval.h5", "--trials", f"all={folder / 'trials'}", "--json"]
        plain = seconds_of(run, score)
        normed = seconds_of(run, [*score, "--cohort", folder / "cohort.h5", "--top-n", TOP_N])
        line = {"figure": f"AS-norm, {TRIALS} trials, cohort {COHORT}, top {TOP_N}", "seconds": round(normed - plain, 2), "without_seconds": round(plain, 2)}
        if peer_python:
            out, _ = run([peer_python, Path(__file__).parent / "as_norm_peer.py", folder, TOP_N, DIM])
            peer = json.loads(out)
            line.update(peer="NumPy, single precision", peer_seconds=round(peer["seconds"], 2), ratio=round(peer["seconds"] / (normed - plain), 2))
        yield line
