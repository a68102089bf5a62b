#!/usr/bin/env python3
"""`spcnet export`: embeddings as NumPy and Kaldi read them."""
import os
import struct
import unittest

import h5py
import numpy as np

import fixtures
from onnx_tools import need_python, peer


def setUpModule():
    need_python()


def read_vector(specifier):
    """The float vector at FILE:OFFSET, by the description of Kaldi's binary form (matrix/kaldi-vector.cc)."""
    path, offset = specifier.rsplit(":", 1)
    with open(path, "rb") as file:
        file.seek(int(offset))
        mark, size, count = struct.unpack("<5sci", file.read(10))
        if (mark, size) != (b"\0BFV ", b"\4"):
            raise AssertionError(f"{specifier}: {mark} {size}")
        return np.frombuffer(file.read(4 * count), "<f4")


class Export(fixtures.SpcnetTest):
    ROWS = 9000  # more than are taken at a time

    def setUp(self):
        super().setUp()
        self.embedding = np.random.default_rng(2).normal(size=(self.ROWS, 7)).astype(np.float32)
        self.utts = [f"id{i // 10:05}/Straße-{i}.wav" for i in range(self.ROWS)]
        with h5py.File(self.path("e.h5"), "w") as file:
            file["embedding"] = self.embedding
            file["utt"] = np.array(self.utts, dtype=h5py.string_dtype())

    def test_numpy(self):
        self.spcnet("export", "--embeddings", "e.h5", "--npy", "out.npy", err="9000 embeddings of 7 dimensions: out.npy")
        with open(self.path("out.npy"), "rb") as file:
            self.assertEqual(np.lib.format.read_magic(file), (1, 0))
        loaded = np.load(self.path("out.npy"))
        self.assertEqual(loaded.dtype, np.float32)
        np.testing.assert_array_equal(loaded, self.embedding)
        self.assertEqual(self.read("out.utts").splitlines(), self.utts)

    def test_kaldi(self):
        os.mkdir(self.path("exp"))
        self.spcnet("export", "--embeddings", "e.h5", "--kaldi", "exp/xvector", err="exp/xvector.ark, exp/xvector.scp")
        lines = [line.split(" ") for line in self.read("exp/xvector.scp").splitlines()]
        self.assertEqual([utt for utt, _ in lines], self.utts)
        self.assertTrue(all(where.startswith("exp/xvector.ark:") for _, where in lines))
        vectors = np.array([read_vector(self.path(where)) for _, where in lines])
        np.testing.assert_array_equal(vectors, self.embedding)
        with open(self.path("exp/xvector.ark"), "rb") as file:
            self.assertTrue(file.read().startswith(self.utts[0].encode() + b" \0BFV \4\7\0\0\0"))

    def test_kaldi_files_are_those_that_kaldiio_reads(self):
        self.spcnet("export", "--embeddings", "e.h5", "--kaldi", "xvector")
        _, read = peer(self, "kaldi", "xvector.scp", "xvector.ark", "read.npz")
        for way in ("scp", "ark"):
            self.assertEqual(read[f"{way}_utts"].tolist(), self.utts)
            self.assertEqual(read[way].dtype, np.float32)
            np.testing.assert_array_equal(read[way], self.embedding)

    def test_failures(self):
        self.spcnet("export", "--npy", "a.npy", expect=2, err="error: --embeddings E.h5 is missing")
        self.spcnet("export", "--embeddings", "e.h5", expect=2, err="error: say into what: --npy E.npy, --kaldi PREFIX")
        self.spcnet("export", "--embeddings", "e.h5", "--npy", "a.txt", expect=2, err="--npy a.txt: the name must end with .npy")
        self.spcnet("export", "--embeddings", "no.h5", "--npy", "a.npy", expect=1, err="no embeddings no.h5; make them with `spcnet extract --out`")
        self.spcnet("export", "--embeddings", "e.h5", "--kaldi", "no/such", expect=1, err=["error: ", "no/such.ark"])
        self.assertFalse(os.path.exists(self.path("a.npy")))


if __name__ == "__main__":
    unittest.main()
