#!/usr/bin/env python3
"""`spcnet export --onnx`: what onnxruntime and sherpa-onnx make of the file, against `spcnet extract`."""
import functools
import glob
import json
import os
import resource
import shutil
import subprocess
import unittest
import wave

import h5py
import numpy as np

import fixtures
import support
from onnx_tools import cosine, need_python, peer, read_embeddings

# From one frame on; fewer than 8 are repeated. No block's r divides them all. At 198, 230, 297 and 345 the rounding of "nearest" shows.
FRAMES = (1, 3, 7, 8, 9, 17, 50, 101, 198, 230, 297, 345, 401)
NETWORKS = {
    "as published": (),
    "max, r = 3, plain statistics": ("--model.block_pooling", "max", "--model.reduction", "3", "--model.pooling", "stats"),
    "no pooling, no identity, all of X2": ("--model.block_pooling", "none", "--model.identity", "false", "--model.pconv_ratio", "1"),
    "r = 5, no identity, half of X2": ("--model.reduction", "5", "--model.identity", "false", "--model.pconv_ratio", "0.5",
                                       "--model.blocks", "2,0,1,1"),
}
TOLERANCE = 3e-5  # of the embedding's norm
SHERPA = ("--fbank.snip_edges", "false", "--fbank.high_freq")


def setUpModule():
    need_python()


def write_wav(path, samples):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, fixtures.RATE, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())


def pack(wavs, out, *options):
    subprocess.run([support.program("spcnet-data"), "fbank", "--wav-dir", wavs, "--out", out, *options], check=True, timeout=60,
                   capture_output=True)
    return out


@functools.cache
def shards_of_lengths():
    """Utterances of FRAMES frames, named by their number."""
    folder = os.path.join(fixtures.corpus(), "lengths")
    random = np.random.default_rng(3)
    for frames in FRAMES:
        speech = fixtures.voice(frames % fixtures.VOICES, 5, random)
        write_wav(os.path.join(folder, "wav", f"{frames}.wav"), speech[:400 + 160 * (frames - 1)])
    return pack(os.path.join(folder, "wav"), os.path.join(folder, "shards"), "--fbank.num_mel_bins", str(fixtures.BINS))


def read_feats(shards):
    """utterance -> [T, F]"""
    feats = {}
    for path in glob.glob(os.path.join(shards, "*.h5")):
        with h5py.File(path) as shard:
            for utt, first, count in zip(shard["utt"].asstr()[:], shard["first_frame"][:], shard["num_frames"][:]):
                feats[utt.removesuffix(".wav")] = shard["feats"][first:first + count].astype(np.float32)
    return feats


def distance(one, other):
    return np.linalg.norm(one - other) / np.linalg.norm(other)


def rewrite(checkpoint, change):
    """Lets `change` have each tensor of the teacher's backbone, (name, array) -> array, and gives the results right checksums."""
    with h5py.File(checkpoint, "r+") as file:
        backbone = file["teacher/backbone"]
        names = []
        backbone.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        for name in names:
            new = change(name, backbone[name][()])
            if new is not None:
                del backbone[name]
                backbone[name] = new
                backbone[name].attrs["crc32c"] = np.int64(support.crc32c(new.tobytes()))


def lively(name, values):
    """Batch norm and biases as a long training might leave them, with some small variances, where what is added to them counts."""
    if values.ndim != 1:
        return None
    random = np.random.default_rng(sum(name.encode()))
    if name.endswith("running_var"):
        return (values * random.choice([0.01, 0.5, 1, 2], len(values))).astype(np.float32)
    if name.endswith("weight"):
        return (values * random.uniform(0.1, 0.5, len(values))).astype(np.float32)
    return (values + 0.2 * random.normal(size=len(values))).astype(np.float32)


class Onnx(fixtures.SpcnetTest):
    def export(self, *arguments, **expectations):
        return self.spcnet("export", *arguments, **expectations)

    def peer(self, verb, *arguments):
        return peer(self, verb, *arguments)

    def onnxruntime(self, model, feats):
        np.savez(self.path("feats.npz"), **feats)
        return self.peer("run", model, "feats.npz", "embs.npz")[1]

    def lively_checkpoint(self, *network):
        run = fixtures.finished_run(2, *network)
        path = shutil.copy(os.path.join(run, "checkpoints", "step-00000002.h5"), self.path("lively.h5"))
        rewrite(path, lively)
        return path

    def test_equals_extract(self):
        feats = read_feats(shards_of_lengths())
        self.assertEqual(sorted(len(each) for each in feats.values()), sorted(FRAMES))
        for network, arguments in NETWORKS.items():
            checkpoint = self.lively_checkpoint(*arguments)
            self.spcnet("extract", "--checkpoint", checkpoint, "--shards", shards_of_lengths(), "--out", "ours.h5")
            ours = read_embeddings(self.path("ours.h5"))
            apart = min(distance(ours[a], ours[b]) for a in ours for b in ours if a < b)
            self.assertGreater(apart, 100 * TOLERANCE, f"{network}: these embeddings are all alike")
            for switches in ((), ("--fold-bn",)):
                self.export("--checkpoint", checkpoint, "--onnx", "m.onnx", *switches)
                theirs = self.onnxruntime("m.onnx", {utt: each[None] for utt, each in feats.items()})
                errors = {utt: distance(theirs[utt][0], ours[utt]) for utt in ours}
                print(f"{network}{', folded' * bool(switches)}: largest error {max(errors.values()):.1e} of the norm")
                self.assertLess(max(errors.values()), TOLERANCE, (network, switches, errors))

    def test_run(self):
        """The newest checkpoint of a run, its teacher; a batch; features whose mean was subtracted before."""
        run = fixtures.finished_run(12)
        self.export("--run", run, "--onnx", "m.onnx", err="teacher of ")
        self.spcnet("extract", "--run", run, "--shards", fixtures.shards(), "--out", "ours.h5")
        ours, feats = read_embeddings(self.path("ours.h5")), read_feats(fixtures.shards())
        utts = [utt for utt in sorted(feats) if len(feats[utt]) > 100][:4]
        batch = np.stack([feats[utt][:100] for utt in utts])
        given = {utt: feats[utt][None] for utt in feats}
        given["batch"] = batch
        given["centred"] = batch - batch.mean(1, keepdims=True)
        given.update({f"row {i}": row[None] for i, row in enumerate(batch)})
        theirs = self.onnxruntime("m.onnx", given)
        for utt, embedding in ours.items():
            self.assertLess(distance(theirs[utt][0], embedding), TOLERANCE, utt)
        for i in range(len(batch)):
            self.assertLess(distance(theirs["batch"][i], theirs[f"row {i}"][0]), TOLERANCE)
            self.assertLess(distance(theirs["centred"][i], theirs[f"row {i}"][0]), TOLERANCE)

    def test_file(self):
        run = fixtures.finished_run(12)
        checkpoint = os.path.join(run, "checkpoints", "step-00000012.h5")
        tensors, info = fixtures.read_tensors(checkpoint)
        for role in ("teacher", "student"):
            self.export("--checkpoint", checkpoint, "--onnx", "m.onnx", "--role", role, err=f"{role} of {checkpoint}, step 12: m.onnx")
            told, constants = self.peer("describe", "m.onnx", "constants.npz")
            self.assertEqual(told["inputs"], {"feats": ["B", "T", fixtures.BINS]})
            self.assertEqual(told["outputs"], {"embs": ["B", 32]})
            self.assertEqual(told["opset"], [["", 13]])
            wanted = {"framework": "wespeaker", "language": "multilingual", "output_dim": "32", "sample_rate": "16000",
                      "normalize_samples": "0", "feature_normalize_type": "global-mean", "fbank": info["fbank"], "role": role, "step": "12"}
            self.assertEqual(told["metadata"], {**told["metadata"], **wanted})
            self.assertTrue(told["metadata"]["spcnet_version"].startswith("spcnet "))
            prefix = f"{role}/backbone/"
            backbone = {name[len(prefix):].replace("/", "."): each for name, each in tensors.items() if name.startswith(prefix)}
            self.assertGreater(len(backbone), 50)
            for name, each in backbone.items():
                np.testing.assert_array_equal(constants[name].reshape(each.shape), each, name)
        self.export("--checkpoint", checkpoint, "--onnx", "m.onnx", "--fold-bn")
        told, _ = self.peer("describe", "m.onnx", "constants.npz")
        self.assertEqual([name for kind, name in told["nodes"] if kind == "BatchNormalization"], [f"stages.{i}.0.bn" for i in range(4)])

    def test_sherpa(self):
        """From the wav on, by its own features, at the two rates of speech."""
        random = np.random.default_rng(5)
        for i in range(4):
            write_wav(self.path("wav", f"{i}.wav"), fixtures.voice(i, 2, random))
        shutil.copy(os.path.join(support.ROOT, "tests", "reference", "data", "speech_16k.wav"), self.path("wav", "speech.wav"))
        for rate, high_freq in ((16000, "7600"), (8000, "-400")):
            if rate != fixtures.RATE:  # one resampler for both
                for path in glob.glob(self.path("wav", "*.wav")):
                    subprocess.run(["sox", "-D", path, "-r", str(rate), self.path("resampled.wav")], check=True, timeout=60)
                    os.replace(self.path("resampled.wav"), path)
            options = ("--fbank.sample_rate", str(rate), *SHERPA, high_freq)
            self.train(f"run{rate}", "--train.max_steps", "12", data=fixtures.shards(80, *options))
            shards = pack(self.path("wav"), self.path(f"shards{rate}"), "--fbank.num_mel_bins", "80", *options)
            self.spcnet("extract", "--run", f"run{rate}", "--shards", shards, "--out", "ours.h5")
            ours = read_embeddings(self.path("ours.h5"))
            self.assertEqual(len(ours), 5)
            apart = min(distance(ours[a], ours[b]) for a in ours for b in ours if a < b)
            for switches in ((), ("--fold-bn",)):
                done = self.export("--run", f"run{rate}", "--onnx", "m.onnx", *switches)
                self.assertNotIn("warning", done.stderr)
                told, theirs = self.peer("sherpa", "m.onnx", "wav", "theirs.npz")
                self.assertEqual(told["dim"], 32)
                cosines = [cosine(theirs[utt], ours[utt]) for utt in ours]
                errors = [distance(theirs[utt], ours[utt]) for utt in ours]
                print(f"sherpa-onnx, {rate} Hz{', folded' * bool(switches)}: 1 - cosine {1 - min(cosines):.1e} at most, "
                      f"error {max(errors):.1e} of the norm; two utterances are {apart:.2f} apart at least")
                self.assertGreater(min(cosines), 0.999)
                self.assertLess(max(errors), 0.05 * apart)

    def test_another_front_end_is_warned_of_once(self):
        done = self.export("--run", fixtures.finished_run(2), "--onnx", "m.onnx", err=[
            "warning: sherpa-onnx cannot run m.onnx", "num_mel_bins 80 (this network: 24), high_freq 7600 (this network: 8000), snip_edges false",
            "pack with `spcnet-data fbank --fbank.num_mel_bins 80 --fbank.high_freq 7600 --fbank.snip_edges false`"])
        self.assertEqual(done.stderr.count("warning"), 1)

    def test_wrong_usage(self):
        run = fixtures.finished_run(2)
        for arguments, message in (
                ((), "--embeddings E.h5 is missing; for a network, --run RUN and --onnx M.onnx"),
                (("--run", run), "are for --onnx M.onnx, which is missing"),
                (("--embeddings", "e.h5", "--npy", "e.npy", "--fold-bn"), "are for --onnx M.onnx, which is missing"),
                (("--onnx", "m.onnx"), "--onnx needs a network: --run RUN or --checkpoint F"),
                (("--onnx", "m.onnx", "--run", run, "--checkpoint", "c.h5"), "give one of --run RUN and --checkpoint F"),
                (("--onnx", "m.onnx", "--run", run, "--npy", "e.npy"), "give two commands"),
                (("--onnx", "m.bin", "--run", run), "--onnx m.bin: the name must end with .onnx"),
                (("--onnx", "no/m.onnx", "--run", run), "--onnx no/m.onnx: there is no folder no"),
                (("--onnx", "m.onnx", "--run", run, "--role", "head"), "--role head, must be teacher or student")):
            self.export(*arguments, expect=2, err=f"error: {message}" if message.startswith("--") else message)
        self.assertFalse(glob.glob(self.path("*.onnx*")))

    def test_failures(self):
        def fails(message, *arguments, **expectations):
            done = self.export("--onnx", "m.onnx", *arguments, expect=1, err=["error: ", message], **expectations)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertFalse(glob.glob(self.path("m.onnx*")))

        fails("no checkpoint in no/checkpoints; train first, or give --checkpoint F", "--run", "no")
        fails("no checkpoint no.h5", "--checkpoint", "no.h5")
        fails("tiny.conf is no checkpoint of `spcnet train`, or damaged", "--checkpoint", "tiny.conf")
        good = os.path.join(fixtures.finished_run(2), "checkpoints", "step-00000002.h5")
        bias = "stages/1/0/k3/bn/bias"

        def planted(change):
            rewrite(shutil.copy(good, self.path("bad.h5")), lambda name, values: change(values) if name == bias else None)
            return "--checkpoint", "bad.h5"

        fails(f"bad.h5: teacher/backbone/{bias} holds a value that is not finite; take an earlier checkpoint", *planted(lambda v: v * np.inf))
        fails(f"bad.h5: teacher/backbone/{bias} has shape [7], its configuration needs [8]", *planted(lambda v: v[:7]))
        shutil.copy(good, self.path("bad.h5"))
        fixtures.flip_bit(self.path("bad.h5"), f"teacher/backbone/{bias}")
        fails("has a wrong checksum: the file is damaged", "--checkpoint", "bad.h5")
        with h5py.File(shutil.copy(good, self.path("bad.h5")), "r+") as file:
            del file[f"teacher/backbone/{bias}"]
            del file["student"]
        fails(f"bad.h5 has no tensor teacher/backbone/{bias}", "--checkpoint", "bad.h5")
        fails("bad.h5 has no student; give the other --role", "--checkpoint", "bad.h5", "--role", "student")

    def test_full_disk(self):
        """What was there before stays."""
        self.write("m.onnx", "before")
        self.export("--run", fixtures.finished_run(2), "--onnx", "m.onnx", expect=1, err=["error: writing m.onnx: cannot write", "File too large"],
                    preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)))
        self.assertEqual(self.read("m.onnx"), "before")
        self.assertEqual(glob.glob(self.path("m.onnx*")), [self.path("m.onnx")])

    def test_without_its_helper(self):
        alone = shutil.copy(support.program("spcnet"), self.path("spcnet"))
        done = subprocess.run([alone, "export", "--run", fixtures.finished_run(2), "--onnx", self.path("m.onnx")], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, f"error: no program {self.path('spcnet-onnx')}; build it with `./dev build`, and keep it in the folder of "
                                      "spcnet\n")


if __name__ == "__main__":
    unittest.main()
