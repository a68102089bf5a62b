#!/usr/bin/env python3
"""Embeddings by PyTorch eager: the peer of `bench.py extract`.

    python extract_peer.py FOLDER THREADS WAY

FOLDER: what bench_extract.py wrote there, config.json and weights.npz of the network, feats.npy and lengths.npy of the utterances; embeddings.npy is
written. WAY: alone (an utterance at a time, the shortest first), or padded (utterances of similar length in batches of 6000 frames, zeros behind their
ends; the module does not mask them, so the embeddings are other ones and this is for the rate alone); with -nhwc the network and its maps are
channels-last. Prints one JSON line: utterances/s after one of 300 frames, and peak RSS in MiB. Needs torch.
"""
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reference"))
from spcnet_torch import SpcNet, read_config  # noqa: E402

BATCH_FRAMES, STEP = 6000, 48


def load_network(folder):
    config = json.loads((folder / "config.json").read_text())
    net = SpcNet(config["num_mel_bins"], **read_config(config["config"]))
    with np.load(folder / "weights.npz") as weights:
        net.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights.files}, strict=False)
    return net.eval()


def batches(feats, padded):
    """@param feats  [T, F] each, the shortest first"""
    if not padded:
        yield from (each[None] for each in feats)
        return
    begin = 0
    while begin < len(feats):
        length = (len(feats[begin]) + STEP - 1) // STEP * STEP
        end = begin
        while end < len(feats) and end - begin < max(1, BATCH_FRAMES // length) and len(feats[end]) <= length:
            end += 1
        batch = torch.zeros(end - begin, length, feats[0].shape[1])
        for row, each in zip(batch, feats[begin:end]):
            row[:len(each)] = each
        yield batch
        begin = end


def main():
    folder, way = Path(sys.argv[1]), sys.argv[3]
    torch.set_num_threads(int(sys.argv[2]))
    net = load_network(folder)
    if way.endswith("-nhwc"):
        net = net.to(memory_format=torch.channels_last)
    lengths = np.load(folder / "lengths.npy")
    all_feats = np.load(folder / "feats.npy", mmap_mode="r")
    with torch.inference_mode():
        net(torch.zeros(1, 300, all_feats.shape[1]))
        began = time.monotonic()
        feats = [torch.from_numpy(each.astype(np.float32)) for each in np.split(all_feats, np.cumsum(lengths)[:-1])]
        feats = [each - each.mean(0) for each in feats]
        order = np.argsort(lengths, kind="stable")
        rows = torch.cat([net(batch) for batch in batches([feats[i] for i in order], way.startswith("padded"))]).numpy()
        seconds = time.monotonic() - began
    embeddings = np.empty_like(rows)
    embeddings[order] = rows
    np.save(folder / "embeddings.npy", embeddings)
    print(json.dumps({"utts_per_s": len(lengths) / seconds, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


if __name__ == "__main__":
    main()
