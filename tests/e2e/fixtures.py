"""Small shards of made-up speech, a configuration that makes a step in milliseconds, and what tests of `spcnet` do with them."""
import atexit
import functools
import os
import shutil
import subprocess
import tempfile
import time
import wave

import h5py
import numpy as np

import support

RATE = 16000
VOICES = 6
UTTS_PER_VOICE = 8
NUM_UTTS = VOICES * UTTS_PER_VOICE
BINS = 24
BATCH = 8
STEPS_PER_EPOCH = NUM_UTTS // BATCH

# Everything that draws random numbers is on: order, crops, mixing, tilt, masks.
CONFIG = f"""
[model]
channels = 8
blocks = 1,1,1,1
pooling_hidden = 16
embedding_dim = 32

[views]
num_global = 2
global_frames = 40
num_local = 2
local_frames = 24

[augment]
speech_prob = 0.3
babble_prob = 0.3
tilt_db = 3
time_masks = 1
freq_masks = 1

[dino]
out_dim = 32
hidden_dim = 32
bottleneck_dim = 16
momentum_teacher = 0.98
warmup_teacher_temp_epochs = 2
freeze_last_layer_epochs = 0.5

[optim]
type = sgd
lr = 0.1
min_lr = 0.001
scale_lr = false
warmup_epochs = 1

[train]
epochs = 20
batch_size = {BATCH}
precision = fp32
threads = 1

[checkpoint]
every_steps = 5
keep = 100

[log]
every_seconds = 0
"""


def voice(number, seconds, random):
    """Harmonics of a wavering pitch under three formants and a rhythm of syllables; pitch and formants are the voice's own. 16 bit."""
    pitch = 90 + 35 * number
    formants = np.array([400 + 90 * number, 1300 + 160 * number, 2500 + 130 * number])
    t = np.arange(int(seconds * RATE)) / RATE
    wavering = 1 + 0.08 * np.sin(2 * np.pi * (2 + random.random()) * t + 6 * random.random())
    phase = 2 * np.pi * np.cumsum(pitch * wavering) / RATE
    harmonics = range(1, int(4000 / pitch))
    gains = [np.exp(-(((h * pitch - formants) / 180) ** 2)).sum() + 0.02 for h in harmonics]
    sound = sum(gain * np.sin(h * phase) for gain, h in zip(gains, harmonics))
    sound *= 0.55 + 0.45 * np.sin(2 * np.pi * (3 + random.random()) * t + 6 * random.random())
    sound += 0.02 * random.standard_normal(len(t))
    return (8000 * sound / np.abs(sound).max()).astype("<i2")


@functools.cache
def corpus():
    """A folder with wav/, wav.scp and utt2spk: 48 utterances of six voices, 1 to 3 s. Made once, deleted when the process ends."""
    folder = tempfile.mkdtemp(prefix="spcnet_corpus_")
    atexit.register(shutil.rmtree, folder)
    os.mkdir(os.path.join(folder, "wav"))
    random = np.random.default_rng(1)
    scp, utt2spk = [], []
    for i in range(NUM_UTTS):
        utt = f"v{i % VOICES}-{i // VOICES}"
        path = os.path.join(folder, "wav", utt + ".wav")
        with wave.open(path, "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(voice(i % VOICES, 1 + 2 * random.random(), random).tobytes())
        scp.append(f"{utt} {path}\n")
        utt2spk.append(f"{utt} v{i % VOICES}\n")
    for name, lines in (("wav.scp", scp), ("utt2spk", utt2spk)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.writelines(lines)
    return folder


@functools.cache
def shards(bins=BINS, *options):
    """A folder of four shards of the corpus, packed with more options if given. Shared: copy it before changing it."""
    out = os.path.join(corpus(), "-".join(("shards", str(bins), *(option.strip("-") for option in options))))
    subprocess.run([support.program("spcnet-data"), "fbank", "--wav-scp", os.path.join(corpus(), "wav.scp"), "--utt2spk",
                    os.path.join(corpus(), "utt2spk"), "--out", out, "--fbank.num_mel_bins", str(bins), "--shard-frames", "2500", *options],
                   check=True, timeout=60, stdout=subprocess.DEVNULL)
    return out


@functools.cache
def finished_run(steps, *arguments, ranks=1):
    """The folder of a run of CONFIG that nothing interrupted."""
    folder = tempfile.mkdtemp(dir=corpus())
    config = os.path.join(folder, "tiny.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write(CONFIG)
    run = os.path.join(folder, "run")
    command = ["spcnet", "train", "--config", config, "--shards", shards(), "--run", run, "--train.max_steps", str(steps), *arguments]
    done = subprocess.run(support.command_line(command, ranks), env=support.environment(), capture_output=True, text=True, timeout=120,
                          check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return run


def utts_of(folder):
    """(utterance, speaker) in the order of the shards."""
    found = []
    for name in sorted(n for n in os.listdir(folder) if n.endswith(".h5")):
        with h5py.File(os.path.join(folder, name), "r") as shard:
            found += zip(shard["utt"].asstr()[:], shard["spk"].asstr()[:])
    return found


def read_tensors(path):
    """name -> array, and the attributes of the file."""
    tensors = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, item: tensors.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
        return tensors, dict(file.attrs)


def flip_bit(path, dataset):
    """Changes one bit in the middle of the dataset's bytes, behind the back of HDF5."""
    with h5py.File(path, "r") as file:
        offset = file[dataset].id.get_offset() + file[dataset].id.get_storage_size() // 2
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def flip_bit_in_memory(pid, values):
    """Changes the last bit of an array in the memory of a process, wherever it holds these values. Returns how often that was."""
    found = 0
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        areas = [line.split() for line in maps]
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        for bounds, rights, *_, inode in (area[:5] for area in areas):
            if not rights.startswith("rw") or inode != "0":
                continue
            begin, end = (int(bound, 16) for bound in bounds.split("-"))
            memory.seek(begin)
            content = memory.read(end - begin) or b""
            at = content.find(values.tobytes())
            while at >= 0:
                memory.seek(begin + at)
                memory.write(bytes([content[at] ^ 1]))
                found += 1
                at = content.find(values.tobytes(), at + 1)
    return found


def cut_in_half(path):
    os.truncate(path, os.path.getsize(path) // 2)


class SpcnetTest(support.ProgramTest):
    def setUp(self):
        super().setUp()
        self.config = self.write("tiny.conf", CONFIG)

    def spcnet(self, *arguments, **expectations):
        return self.run_program("spcnet", *arguments, **expectations)

    def train_command(self, run, *arguments, data=None):
        return ["spcnet", "train", "--config", self.config, "--shards", data or shards(), "--run", run, *arguments]

    def train(self, run, *arguments, data=None, **expectations):
        return self.run_program(*self.train_command(run, *arguments, data=data), **expectations)

    def start_training(self, run, *arguments, ranks=1):
        return self.start_program(*self.train_command(run, *arguments), ranks=ranks)

    def copy_of_shards(self):
        return shutil.copytree(shards(), self.path("copied_shards"))

    def write_trials(self, count=16, wrong_every=None):
        """trials.txt: all pairs of the first `count` utterances; if asked, every so many has the wrong label. Its path."""
        utts = [utt for utt, _ in utts_of(shards())][:count]
        pairs = [(a, b) for i, a in enumerate(utts) for b in utts[i + 1:]]
        same = [a.split("-")[0] == b.split("-")[0] for a, b in pairs]
        labels = [int(each != bool(wrong_every and i % wrong_every == 0)) for i, each in enumerate(same)]
        return self.write("trials.txt", "".join(f"{label} {a} {b}\n" for label, (a, b) in zip(labels, pairs)))

    def checkpoint(self, run, step):
        return self.path(run, "checkpoints", f"step-{step:08}.h5")

    def checkpoints(self, run):
        """The steps of the checkpoints that a run has; what is half written does not count."""
        folder = self.path(run, "checkpoints")
        names = os.listdir(folder) if os.path.exists(folder) else []
        return sorted(int(name[5:13]) for name in names if name.startswith("step-") and name.endswith(".h5"))

    def wait_until(self, what, condition, process, seconds=60):
        """Until the condition holds; the program must still be at work then."""
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertIsNone(process.poll(), f"it ended before: {what}\n{self.read('stderr.txt')}")
            self.assertLess(time.monotonic(), deadline, f"not within {seconds} s: {what}\n{self.read('stderr.txt')}")
            time.sleep(0.002)

    def wait_for_text(self, text, process):
        self.wait_until(f"'{text}'", lambda: text in self.read("stderr.txt"), process)

    def wait_for_end(self, process, seconds=60):
        """Its exit code."""
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.fail(f"still there after {seconds} s\n{self.read('stderr.txt')}")

    def assert_same_checkpoint(self, one, other):
        """Equal bit for bit, but for the configuration, where max_steps and the like may differ."""
        (tensors, info), (other_tensors, other_info) = read_tensors(one), read_tensors(other)
        self.assertEqual(tensors.keys(), other_tensors.keys())
        self.assertGreater(len(tensors), 100)
        for name, tensor in tensors.items():
            self.assertEqual(tensor.dtype, other_tensors[name].dtype, name)
            self.assertEqual(tensor.tobytes(), other_tensors[name].tobytes(), f"{name} of {one} and {other}")
        free = ("config", "crc32c")  # the latter is over the former
        self.assertEqual({key: value for key, value in info.items() if key not in free},
                         {key: value for key, value in other_info.items() if key not in free})


class ContinuedRunTest(SpcnetTest):
    """Runs of STEPS steps that stop before their end and go on."""

    STEPS = 50

    def run_on(self, *arguments, ranks=1, steps=STEPS, **expectations):
        return self.train("run", "--train.max_steps", str(steps), *arguments, ranks=ranks, **expectations)

    def assert_equals_straight(self, *arguments, ranks=1, step=STEPS):
        """The run's checkpoint is, bit for bit, that of a run that went straight on."""
        straight = finished_run(self.STEPS, *arguments, ranks=ranks)
        self.assert_same_checkpoint(self.checkpoint("run", step), os.path.join(straight, "checkpoints", f"step-{step:08}.h5"))
