"""k-means at the size of VoxCeleb2: seconds a pass, memory, and the rate of its arithmetic."""
import json
import re
import statistics
import tempfile
from pathlib import Path

import h5py
import numpy as np
from common import AS_ROOT, BIN, peer_python, run
from table import Row

ROWS, DIM, CLUSTERS = 1_092_009, 256, 7500
PASSES = 4


def write_embeddings(folder):
    """Rows around random directions, of length 1, as embeddings.h5 and raw for the peer."""
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((CLUSTERS, DIM), dtype=np.float32)
    with h5py.File(folder / "e.h5", "w") as file, open(folder / "e.f32", "wb") as raw:
        data = file.create_dataset("embedding", (ROWS, DIM), np.float32)
        for begin in range(0, ROWS, 65536):
            count = min(65536, ROWS - begin)
            rows = centres[rng.integers(0, CLUSTERS, count)] + 2 * rng.standard_normal((count, DIM), dtype=np.float32)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            data[begin:begin + count] = rows
            raw.write(rows.tobytes())
        file.create_dataset("utt", data=[f"utt-{i:07}" for i in range(ROWS)], dtype=h5py.string_dtype())


def bench_kmeans(options):
    """On two ranks of one core each; beside faiss."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_embeddings(folder)
        _, log = run(["mpirun", "-n", 2, "--bind-to", "core", *AS_ROOT, BIN / "spcnet", "cluster", "--embeddings", folder / "e.h5", "--num-clusters",
                      CLUSTERS, "--out", folder / "out", "--seeding", "random", "--max-passes", PASSES, "--tolerance", 0])
        seconds = [float(each) for each in re.findall(r"clusters, ([\d.e+-]+) s", log)[1:]]
        memory = int(re.search(r"peak memory of a rank (\d+) MiB", log).group(1))
        peer = None
        if options.peer:
            out, _ = run([peer_python(), Path(__file__).parent / "kmeans_peer.py", folder / "e.f32", ROWS, DIM, CLUSTERS, PASSES])
            peer = json.loads(out.strip().splitlines()[-1])
    flops = 2 * ROWS * CLUSTERS * DIM / statistics.median(seconds)
    name = f"k-means of {ROWS:,} x {DIM}, k = {CLUSTERS}, 2 ranks"
    yield Row(f"{name}: a pass", "s", seconds, "faiss, two threads" if peer else "", [peer["faiss_s_a_pass"]] if peer else [], less_is_better=True,
              mib=memory, mib_beside=peer and peer["peak_mib"])
    yield Row(f"{name}: arithmetic", "GFLOP/s", [flops / 1e9])
