"""Peer of bench_fbank: the same energies by kaldi-native-fbank, on one thread.

usage: fbank_peer.py WAV_SCP      16 kHz, one channel. Prints one JSON line

The package computes all frames in accept_waveform(), which first copies a Python list number by number. What that costs is measured by an
object whose frames are so far apart that an utterance has one or none, and is taken off in `hours_per_core_second`: that is the C++ code
alone. `with_python` has it, and the fetching of each frame.
"""
import json
import sys
import time
import wave

import kaldi_native_fbank as knf
import numpy as np

RATE = 16000


def options(frame_shift_ms):
    """F = 80, no dither, the defaults otherwise."""
    made = knf.FbankOptions()
    made.frame_opts.samp_freq = RATE
    made.frame_opts.frame_shift_ms = frame_shift_ms
    made.frame_opts.dither = 0
    made.mel_opts.num_bins = 80
    return made


def read(path):
    """Samples in int16 scale, as the package wants them."""
    with wave.open(path) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
            sys.exit(f"fbank_peer: {path} is not 16 kHz, one channel, 16 bits")
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32).tolist()


def accept(waves, frame_shift_ms):
    """The objects that hold the frames of all waves, and core-seconds."""
    start = time.process_time()
    computers = []
    for samples in waves:
        computers.append(knf.OnlineFbank(options(frame_shift_ms)))
        computers[-1].accept_waveform(RATE, samples)
        computers[-1].input_finished()
    return computers, time.process_time() - start


def main():
    """One pass over the corpus, with and without frames."""
    with open(sys.argv[1], encoding="utf-8") as file:
        waves = [read(line.split()[1]) for line in file]
    _, copying = accept(waves, 3.6e6)
    computers, accepting = accept(waves, 10)
    start = time.process_time()
    for computer in computers:
        for frame in range(computer.num_frames_ready):
            computer.get_frame(frame)
    fetching = time.process_time() - start
    hours = sum(map(len, waves)) / RATE / 3600
    print(json.dumps({"hours_per_core_second": hours / (accepting - copying), "with_python": hours / (accepting + fetching)}))


if __name__ == "__main__":
    main()
