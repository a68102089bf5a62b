"""What tests of exports share: the other programs that read them, in a Python of their own, and comparing embeddings."""
import json
import os
import subprocess

import h5py
import numpy as np

import support

PYTHON = os.path.join(support.CACHE, "venv-onnx", "bin", "python")
PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx_peer.py")


def need_python():
    if not os.path.exists(PYTHON):
        raise FileNotFoundError(f"{PYTHON} is missing; ./dev test installs it")


def peer(test, verb, *arguments):
    """(what onnx_peer.py told, the arrays of the file that the last argument names); names are in the test's folder."""
    done = subprocess.run([PYTHON, "-I", PEER, verb, *map(test.path, arguments)], cwd=test.folder, capture_output=True, text=True, timeout=120,
                          check=False)
    test.assertEqual(done.returncode, 0, done.stderr)
    with np.load(test.path(arguments[-1])) as file:
        return json.loads(done.stdout), {name: file[name] for name in file.files}


def read_embeddings(path):
    with h5py.File(path) as file:
        return {utt.removesuffix(".wav"): row for utt, row in zip(file["utt"].asstr()[:], file["embedding"][:])}


def cosine(one, other):
    one, other = one.astype(np.float64), other.astype(np.float64)
    return one @ other / np.linalg.norm(one) / np.linalg.norm(other)
