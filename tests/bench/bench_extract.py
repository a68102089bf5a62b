"""Embeddings of real speech by the paper's network on one thread: utterances/s and memory beside PyTorch eager, whose embeddings must be the same."""
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from common import BIN, ROOT, TRAIN, peer_python, run, shards as pack
from table import Row

THREADS = 1
WAYS = ["alone", "alone-nhwc", "padded", "padded-nhwc"]
LEAST_COSINE = 0.9999


def train_a_little(shards, folder):
    """The checkpoint of a network whose batch norms have seen some speech."""
    run([*TRAIN, "--shards", shards, "--run", folder, "--train.batch_size", 4, "--dino.out_dim", 1024, "--train.max_steps", 3])
    return next((folder / "checkpoints").glob("step-*.h5"))


def write_for_peer(checkpoint, shards, folder):
    """The network and the features as NumPy has them, for a Python without h5py."""
    with h5py.File(checkpoint) as file:
        weights = {}
        backbone = file["teacher/backbone"]
        backbone.visititems(lambda path, item: weights.update({path.replace("/", "."): item[()]}) if isinstance(item, h5py.Dataset) else None)
        np.savez(folder / "weights.npz", **weights)
        (folder / "config.json").write_text(json.dumps({"num_mel_bins": int(file.attrs["num_mel_bins"]), "config": file.attrs["config"]}))
    lengths, feats = [], []
    for path in sorted(shards.glob("*.h5")):
        with h5py.File(path) as shard:
            lengths.append(shard["num_frames"][()])
            feats += [shard["feats"][first:first + count] for first, count in zip(shard["first_frame"], shard["num_frames"])]
    np.save(folder / "lengths.npy", np.concatenate(lengths))
    np.save(folder / "feats.npy", np.concatenate(feats))
    return sum(map(len, lengths))


def extract(checkpoint, shards, out, utts):
    """Utterances/s of the whole program, from its start to its end, and its peak MiB."""
    command = [BIN / "spcnet", "extract", "--checkpoint", checkpoint, "--shards", shards, "--out", out, "--train.threads", THREADS, "--train.device", "cpu"]
    began = time.monotonic()
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen([str(part) for part in command], stdout=said, stderr=said) as program:
            _, status, usage = os.wait4(program.pid, 0)
            program.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        said.seek(0)
        if program.returncode != 0:
            sys.exit(f"bench: {command} failed:\n{said.read().decode()[-2000:]}")
    return utts / seconds, usage.ru_maxrss // 1024


def least_cosine(out, folder):
    """Of our embeddings and the peer's; both are in the order of the shards."""
    with h5py.File(out) as file:
        ours = file["embedding"][()].astype(np.float64)
    theirs = np.load(folder / "embeddings.npy").astype(np.float64)
    return float(((ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)).min())


def bench_extract(options):
    """One thread each, in turns; the peer in the way that is fastest for it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shards = folder / "shards"
        pack(shards, 80)
        checkpoint = train_a_little(shards, folder / "run")
        utts = write_for_peer(checkpoint, shards, folder)

        def peer(way):
            out, _ = run([peer_python(), ROOT / "tests/bench/extract_peer.py", folder, THREADS, way])
            figures = json.loads(out.strip().splitlines()[-1])
            return figures["utts_per_s"], figures["peak_mib"]

        best, cosine, theirs = None, None, []
        ours = [extract(checkpoint, shards, folder / "e.h5", utts)]
        if options.peer:
            tried = {}
            for way in WAYS:
                tried[way] = peer(way)
                if way == "alone":
                    cosine = least_cosine(folder / "e.h5", folder)
            best = max(WAYS, key=lambda way: tried[way][0])
            theirs.append(tried[best])
        for _ in range(options.runs - 1):
            ours.append(extract(checkpoint, shards, folder / "e.h5", utts))
            if options.peer:
                theirs.append(peer(best))
        row = Row(f"embeddings of {utts} utterances, C0 = 32, F = 80, fp32, {THREADS} thread", "utts/s", [rate for rate, _ in ours],
                  mib=max(mib for _, mib in ours))
        if options.peer:
            row.beside, row.theirs = f"PyTorch eager, {best}", [rate for rate, _ in theirs]
            row.mib_beside = max(mib for _, mib in theirs)
            row.more = {"least_cosine": round(cosine, 8)}
        yield row
        if options.peer and not cosine > LEAST_COSINE:
            sys.exit(f"bench: an embedding has the cosine {cosine} with PyTorch's, must be > {LEAST_COSINE}")
