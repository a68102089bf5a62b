"""Reference numbers for src/feat/convolve: scipy's convolution in float64.

Writes  data/convolve.txt   lines `CASE.x`, `CASE.h`, `CASE.shift`, `CASE.y` with values; the inputs are rounded to float32

Run:    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy==2.4.6 scipy==1.17.1
        /tmp/venv/bin/python tests/reference/convolve.py
Made with Python 3.11, numpy 2.4.6, scipy 1.17.1.
"""

import pathlib

import numpy as np
import scipy.signal

DATA = pathlib.Path(__file__).parent / "data"


def main():
    random = np.random.default_rng(0)
    lines = []
    # name, N, M, shift: a response longer than the signal, an echo, one tap, a signal of one sample.
    for name, n, m, shift in [("room", 700, 90, 11), ("long_response", 60, 400, 37), ("one_tap", 50, 1, 0), ("one_sample", 1, 20, 5)]:
        x = (random.standard_normal(n) * 3000).astype(np.float32)
        h = (random.standard_normal(m) * np.exp(-np.arange(m) / (0.2 * m))).astype(np.float32)
        y = scipy.signal.convolve(x.astype(np.float64), h.astype(np.float64), method="direct")[shift:shift + n]
        for key, values in [("x", x), ("h", h), ("shift", [shift]), ("y", y)]:
            lines.append(f"{name}.{key} " + " ".join(f"{float(v):.9g}" for v in values))
    (DATA / "convolve.txt").write_text("\n".join(lines) + "\n")


main()
