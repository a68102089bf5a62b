"""Reference numbers for src/feat/fbank: Kaldi's features as kaldi-native-fbank computes them, in float32.

Reads   data/speech_16k.wav
Writes  data/fbank.tsv   one line per variant: the options, T = frames in all, and the rows stored for it
        data/fbank.f32   the stored rows of all variants one after the other, little-endian float32, [rows, num_mel_bins] each
Stored are the frames 0, 7, 14, ... and the last one, so that both edges are there.

Run:    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install kaldi-native-fbank==1.23.0 numpy==2.4.6
        /tmp/venv/bin/python tests/reference/fbank.py
Made with Python 3.11, kaldi-native-fbank 1.23.0, numpy 2.4.6.
"""

import itertools
import pathlib
import wave

import kaldi_native_fbank as knf
import numpy as np

DATA = pathlib.Path(__file__).parent / "data"
EVERY = 7
FIELDS = ["num_mel_bins", "sample_rate", "frame_length_ms", "frame_shift_ms", "window", "preemphasis", "low_freq", "high_freq",
          "snip_edges"]


def variants():
    for bins, window, snip, high in itertools.product([64, 80], ["povey", "hamming"], [1, 0], [0, 7600]):
        yield dict(num_mel_bins=bins, sample_rate=16000, frame_length_ms=25, frame_shift_ms=10, window=window, preemphasis=0.97,
                   low_freq=20, high_freq=high, snip_edges=snip)
    # The same samples called 8 kHz: another transform size, frames that are no multiple of the shift, a negative upper edge.
    yield dict(num_mel_bins=40, sample_rate=8000, frame_length_ms=20, frame_shift_ms=12.5, window="povey", preemphasis=0.9,
               low_freq=60, high_freq=-200, snip_edges=0)
    # 25 ms of 11025 Hz are 275.6 samples: the fraction is dropped.
    yield dict(num_mel_bins=23, sample_rate=11025, frame_length_ms=25, frame_shift_ms=10, window="hamming", preemphasis=0,
               low_freq=0, high_freq=0, snip_edges=1)


def fbank(samples, v):
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = v["sample_rate"]
    options.frame_opts.frame_length_ms = v["frame_length_ms"]
    options.frame_opts.frame_shift_ms = v["frame_shift_ms"]
    options.frame_opts.window_type = v["window"]
    options.frame_opts.preemph_coeff = v["preemphasis"]
    options.frame_opts.snip_edges = bool(v["snip_edges"])
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = v["num_mel_bins"]
    options.mel_opts.low_freq = v["low_freq"]
    options.mel_opts.high_freq = v["high_freq"]
    options.use_energy = False
    computer = knf.OnlineFbank(options)
    computer.accept_waveform(v["sample_rate"], samples.tolist())
    computer.input_finished()
    return np.stack([computer.get_frame(t) for t in range(computer.num_frames_ready)]).astype("<f4")


def main():
    with wave.open(str(DATA / "speech_16k.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)  # int16 scale, as Kaldi reads it
    lines, rows = ["\t".join(FIELDS + ["frames", "rows"])], []
    for v in variants():
        features = fbank(samples, v)
        kept = sorted(set(range(0, len(features), EVERY)) | {len(features) - 1})
        rows.append(features[kept].tobytes())
        lines.append("\t".join(str(v[field]) for field in FIELDS) + f"\t{len(features)}\t{','.join(map(str, kept))}")
    (DATA / "fbank.tsv").write_text("\n".join(lines) + "\n")
    (DATA / "fbank.f32").write_bytes(b"".join(rows))


if __name__ == "__main__":
    main()
