#!/usr/bin/env python3
"""Speed and memory, each figure beside a peer's or a limit measured in the same minutes, as one table.

usage: bench.py [NAME ...] [--json] [--runs N] [--steps N] [--no-peer]

train       DINO samples/s of the paper's network on two MPI ranks; beside the same loop in plain PyTorch DDP (pytorch_ddp_dino.py), under glibc's
            allocator as users run it and under jemalloc, and beside ours under glibc's
roofline    the parts of a step beside this core's matrix products and copies; draws build/roofline.svg
loader      whole utterances from shards, from the disk and from the page cache; beside reading the same files raw, and the same pieces of them
fbank       log mel energies, and packing from files to shards; beside kaldi-native-fbank's energies (fbank_peer.py)
score       580,000 trials, scoring and metrics; a million trials normalised by a cohort of 6,000 speakers, beside NumPy
extract     embeddings of real speech by the paper's network on one thread; beside PyTorch eager, which must give the same
kmeans      1,092,009 embeddings in 7500 clusters, a pass; beside faiss
hosts       two hosts that are network namespaces (root), as fast as this machine and at 1 Gbit/s: all-reduce beside a ping-pong of the same
            bytes; the share of a training step that waits for gradients, with and without overlap
scaling     two ranks that train together, beside two independent ones; what the model of cost (cost_model.py) makes of it for 64 ranks
checkpoint  how long training stands still for a checkpoint, and what writing it costs the steps beside it
metrics     telling a step to the metrics, beside a step of demo.conf
Without a name all are run. A ratio above 1: better than what stands beside. MiB: peak of a process, ours / beside.
Needs the release build, and for the peers of train, score, extract and kmeans PyTorch and faiss, of fbank kaldi-native-fbank, which
`./dev bench` installs.
"""
import argparse
import sys

import table
from bench_data import bench_fbank, bench_loader
from bench_extract import bench_extract
from bench_kmeans import bench_kmeans
from bench_metrics import bench_metrics
from bench_ranks import bench_checkpoint, bench_hosts, bench_scaling
from bench_roofline import bench_roofline
from bench_score import bench_score
from bench_train import bench_train
from privileged import NOT_RUN, NotRun

BENCHES = {"train": bench_train, "roofline": bench_roofline, "loader": bench_loader, "fbank": bench_fbank, "score": bench_score, "extract": bench_extract,
           "kmeans": bench_kmeans,
           "hosts": bench_hosts, "scaling": bench_scaling, "checkpoint": bench_checkpoint, "metrics": bench_metrics}


def main():
    """Each row as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--json", action="store_true", help="one JSON line per figure")
    parser.add_argument("--runs", type=int, default=3, help="of train, loader, fbank, score and extract; the others run once, and tell of their steps or passes")
    parser.add_argument("--steps", type=int, default=6, help="timed training steps a run")
    parser.add_argument("--no-peer", dest="peer", action="store_false", help="ours alone")
    options = parser.parse_args()
    if options.runs < 1 or options.steps < 2:
        parser.error("--runs must be at least 1, --steps at least 2")
    unknown = set(options.names) - set(BENCHES)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    if not options.json:
        print(table.header(), flush=True)
    left_out = []
    for name in options.names or BENCHES:
        try:
            for row in BENCHES[name](options):
                row.command = f"./dev bench {name}"
                print(row.as_json() if options.json else row.as_text(), flush=True)
        except NotRun:  # it has said why
            left_out.append(name)
    if left_out:
        print(f"bench: without {', '.join(left_out)}, which this machine does not permit", file=sys.stderr)
        sys.exit(NOT_RUN)


if __name__ == "__main__":
    main()
