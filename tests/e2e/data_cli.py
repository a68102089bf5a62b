#!/usr/bin/env python3
"""spcnet-data as its users meet it: exit codes, messages, files that h5py reads, and what a kill leaves."""
import glob
import os
import re
import resource
import signal
import subprocess
import time
import unittest
import wave

import h5py
import numpy as np

import support

COMMANDS = ("fbank", "verify", "voxceleb", "mfcc-stats")


def contents(folder):
    """utt -> (speaker, features as bytes, checksum) of all shards of a folder."""
    found = {}
    for name in sorted(glob.glob(os.path.join(folder, "*.h5"))):
        with h5py.File(name, "r") as shard:
            feats = shard["feats"][:]
            speakers = shard["spk"][:] if "spk" in shard else [b""] * len(shard["utt"])
            for utt, spk, first, count, crc in zip(shard["utt"][:], speakers, shard["first_frame"][:],
                                                   shard["num_frames"][:], shard["crc32c"][:]):
                assert utt not in found, utt
                found[utt.decode()] = (spk.decode(), feats[first:first + count].tobytes(), int(crc))
    return found


class DataTest(support.ProgramTest):
    def data(self, *arguments, **expectations):
        return self.run_program("spcnet-data", *arguments, **expectations)

    def lists(self, count=6):
        """wav.scp and utt2spk of a few tones."""
        for i in range(count):
            self.write_wav(f"wav/u{i}.wav", 0.4 + 0.1 * i, hz=200 + 50 * i)
        self.write("wav.scp", "".join(f"u{i} {self.path('wav', f'u{i}.wav')}\n" for i in range(count)))
        self.write("utt2spk", "".join(f"u{i} s{i % 2}\n" for i in range(count)))

    def pack(self, *arguments, out="shards", **expectations):
        return self.data("fbank", "--wav-scp", "wav.scp", "--utt2spk", "utt2spk", "--out", out,
                         *arguments, **expectations)


class Help(DataTest):
    def test_lists_the_commands(self):
        for flag in ("--help", "-h"):
            self.data(flag, out=COMMANDS)

    def test_is_what_no_command_prints(self):
        self.data(expect=2, out="usage: spcnet-data COMMAND")

    def test_lists_every_key_with_its_default(self):
        self.data("fbank", "--help", out=[
            "spcnet-data fbank --wav-scp wav.scp", "--wav-dir", "--utt2spk", "--out", "--part arg (=1/1)",
            "--shard-frames arg (=2000000)", "--threads", "--fail-on-bad",
            "--fbank.num_mel_bins arg (=64)", "--fbank.frame_length_ms arg (=25)", "--copies.num arg (=0)",
            "--fbank.dither arg (=0)", "--fbank.snip_edges arg (=true)"])
        self.data("verify", "--help", out=["spcnet-data verify shards --html", "--threads", "40 dB"])
        self.data("mfcc-stats", "--help", out=["spcnet-data mfcc-stats --shards shards --out",
                                               "--num-ceps arg (=20)"])

    def test_version_everywhere(self):
        line = self.data("--version").stdout
        self.assertRegex(line, r"^spcnet \d+\.\d+\.\d+ \(.*\)\n$")
        for command in COMMANDS:
            self.assertEqual(self.data(command, "--version").stdout, line)


class WrongUsage(DataTest):
    def test_ends_with_2_and_says_what_to_do(self):
        for arguments, message in (
                (["pack"], "unknown command 'pack'; `spcnet-data --help` lists them"),
                (["fbank"], "one of --wav-scp FILE and --wav-dir DIR"),
                (["fbank", "--wav-scp", "a", "--wav-dir", "b", "--out", "o"], "one of --wav-scp FILE and"),
                (["fbank", "--wav-scp", "a"], "by --out DIR"),
                (["fbank", "--wav-scp", "a", "--out", "o", "--fbank.num_bins", "80"], "fbank.num_bins"),
                (["fbank", "--wav-scp", "a", "--out", "o", "--fbank.num_mel_bins", "x"], "num_mel_bins"),
                (["fbank", "--wav-scp", "a", "--out", "o", "--fbank.num_mel_bins", "0"], "must be >= 3"),
                (["fbank", "--wav-scp", "a", "--out", "o", "--threads", "0"], "must be 1 to 1024"),
                (["fbank", "--wav-scp", "a", "--out", "o", "--shard-frames", "0"], "must be > 0"),
                (["verify"], "spcnet-data verify DIR"),
                (["mfcc-stats", "--out", "e.h5"], "--shards DIR"),
                (["mfcc-stats", "--shards", "s"], "--out FILE")):
            with self.subTest(arguments):
                self.data(*arguments, expect=2, err=["error: ", message])

    def test_part_must_be_i_of_n(self):
        for part in ("0/2", "3/2", "1", "a/b", "1/2x", "-1/2", "1/0"):
            with self.subTest(part):
                self.data("fbank", "--wav-scp", "a", "--out", "o", "--part", part, expect=2,
                          err=f"part = {part}, must be i/n")


class Failures(DataTest):
    def test_end_with_1_and_name_the_thing(self):
        self.lists()
        self.write("pipe.scp", "a cat a.wav |\n")
        self.write("short_utt2spk", "u0 s0\n")
        os.makedirs(self.path("nothing"))
        self.write_wav("sounds/noise/a.wav", 0.1)
        for arguments, message in (
                (["fbank", "--wav-scp", "none.scp", "--out", "o"], "none.scp"),
                (["fbank", "--wav-scp", "pipe.scp", "--out", "o"], "pipe.scp: line 1: utterance a is a Kaldi pipe"),
                (["fbank", "--wav-dir", "nothing", "--out", "o"], "no .wav, .flac, .ogg or .m4a file in nothing"),
                (["fbank", "--wav-scp", "wav.scp", "--utt2spk", "short_utt2spk", "--out", "o"],
                 "no speaker for 5 of 6 utterances, the first is u1"),
                (["fbank", "--wav-scp", "wav.scp", "--out", "utt2spk/o"], 
                 "cannot make the folder utt2spk/o: Not a directory; name one by --out"),
                (["fbank", "--wav-scp", "wav.scp", "--out", "/proc/o"], "cannot make the folder /proc/o: "),
                (["voxceleb", "--musan", "sounds", "--out", "/proc/o"], "cannot make the folder /proc/o: "),
                (["verify", "none"], "no folder none; make shards with"),
                (["verify", "nothing"], "the shards are not finished"),
                (["mfcc-stats", "--shards", "nothing", "--out", "e.h5"], "the shards are not finished")):
            with self.subTest(arguments):
                self.data(*arguments, expect=1, err=["error: ", message])
        self.assertFalse(os.path.exists(self.path("o")), "a list that cannot be read leaves no folder")

    def test_full_disk(self):
        self.lists()

        def limit():  # the size of files is limited: writing fails as it does on a full disk
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

        self.data("fbank", "--wav-scp", "wav.scp", "--out", "shards", preexec=limit, expect=1,
                  err="error: writing shards/shard-00000.h5: ")
        self.assertEqual([n for n in os.listdir(self.path("shards")) if not n.startswith(".")], [])


class Packing(DataTest):
    def test_h5py_reads_the_shard(self):
        self.lists()
        result = self.pack("--fbank.num_mel_bins", "80")
        self.assertRegex(result.stdout, r"^6 utterances, 0\.0\d+ h, 2 speakers, 1 shard, 0 bad; .* s, "
                                        r"\d+ x real time, \d+\.\d+ h of speech per core-second\n$")
        with h5py.File(self.path("shards/shard-00000.h5"), "r") as shard:
            feats = shard["feats"]
            self.assertEqual(feats.dtype, np.float16)
            self.assertIsNone(feats.chunks, "contiguous")
            frames = shard["num_frames"][:]
            # 25 ms frames every 10 ms, wholly inside 0.4, 0.5, ... 0.9 s
            self.assertEqual(list(frames), [38, 48, 58, 68, 78, 88])
            self.assertEqual(list(shard["first_frame"][:]), list(np.cumsum(frames) - frames))
            self.assertEqual(feats.shape, (sum(frames), 80))
            self.assertEqual([u.decode() for u in shard["utt"][:]], [f"u{i}" for i in range(6)])
            self.assertEqual([s.decode() for s in shard["spk"][:]], ["s0", "s1"] * 3)
            first, count = shard["first_frame"][3], frames[3]
            self.assertEqual(int(shard["crc32c"][3]), support.crc32c(feats[first:first + count].tobytes()))
            self.assertEqual(shard.attrs["format_version"], 1)
            self.assertIn("num_mel_bins=80 sample_rate=16000", shard.attrs["fbank"])
            # The tone of 200 Hz: its bin is louder than one far above its overtones.
            tone = feats[0:38].astype(np.float32).mean(axis=0)
            self.assertGreater(tone[:12].max(), tone[60:].max() + 3)
        self.assertIn("shard-00000.h5\t6\t378", self.read("shards/manifest-001-of-001.tsv"))

    def test_wav_dir_knows_no_speakers(self):
        self.lists()
        self.data("fbank", "--wav-dir", "wav", "--out", "shards", out="6 utterances, 0.0")
        found = contents(self.path("shards"))
        self.assertEqual(sorted(found), [f"u{i}.wav" for i in range(6)])
        self.assertEqual({spk for spk, _, _ in found.values()}, {""})
        self.data("verify", "shards", out="speakers    not known")

    def test_threads_change_nothing(self):
        self.lists()
        self.pack("--threads", "1", "--fbank.dither", "1", out="one")
        self.pack("--threads", "5", "--fbank.dither", "1", out="five")
        self.assertEqual(contents(self.path("one")), contents(self.path("five")))

    def test_config_file(self):
        self.lists()
        self.write("fbank.conf", "[fbank]\nnum_mel_bins = 40\n")
        self.pack("--config", "fbank.conf")
        with h5py.File(self.path("shards/shard-00000.h5"), "r") as shard:
            self.assertEqual(shard["feats"].shape[1], 40)

    def test_recipes_of_training_are_configuration_files(self):
        self.lists(2)
        for path in glob.glob(os.path.join(support.ROOT, "configs", "*.conf")):
            with self.subTest(path), open(path, encoding="utf-8") as file:
                self.pack("--config", path, out=os.path.basename(path))
                wanted = re.search(r"num_mel_bins = (\d+)", file.read())
                with h5py.File(self.path(os.path.basename(path), "shard-00000.h5"), "r") as shard:
                    self.assertEqual(shard["feats"].shape[1], int(wanted[1]) if wanted else 64)
        self.write("typo.conf", "[model]\nchannels = 8\n[fbank]\nnum_bins = 80\n")
        self.pack("--config", "typo.conf", out="typo", expect=2, err="fbank.num_bins")
        self.pack("--model.channels", "8", out="typo", expect=2, err="model.channels")

    def test_parts_are_the_whole(self):
        self.lists()
        self.pack(out="whole")
        self.pack("--part", "2/2", out="parts")
        self.data("verify", "parts", expect=1, err="part 1 of 2 is missing in parts; run `spcnet-data fbank --part 1/2`")
        self.pack("--part", "1/2", out="parts")
        self.assertEqual(contents(self.path("parts")), contents(self.path("whole")))
        self.assertTrue(os.path.exists(self.path("parts/part-002-of-002-shard-00000.h5")))
        self.data("verify", "parts", out=["shards      2 in 2 parts", "utterances  6"])

    def test_resampling_is_said(self):
        self.lists(2)
        self.write_wav("wav/u0.wav", 0.5, rate=8000)
        self.write_wav("wav/u1.wav", 0.5, rate=44100, channels=2)
        summary = self.pack().stdout
        self.assertIn("; 2 files were resampled from 8000, 44100 Hz to 16000 Hz", summary)
        self.assertIn("; the channels of 1 file were averaged", summary)

    def test_bad_files_are_left_out_and_counted(self):
        self.lists()
        self.write("wav/u2.wav", "no audio")
        self.write("wav/u4.wav", "")
        for _ in range(2):  # a finished run says the same again
            self.pack(err=["warning: 2 files could not be packed and are left out, the first is u2: cannot read",
                           "delete shard-00000.h5 in shards"])
        self.pack("--fail-on-bad", expect=1, err="error: 2 files could not be packed")
        self.assertEqual(sorted(contents(self.path("shards"))), ["u0", "u1", "u3", "u5"])
        self.data("verify", "shards", out="left out    2 files while packing",
                  err="left out while packing: u4: cannot read")

    def test_nothing_but_bad_files_is_an_error(self):
        self.lists(2)
        for name in ("wav/u0.wav", "wav/u1.wav"):
            self.write(name, "no audio")
        self.pack(expect=1, err="error: none of the 2 files could be packed, the first problem is u0: cannot read")
        self.assertFalse(os.path.exists(self.path("shards/manifest-001-of-001.tsv")))

    def test_the_speakers_of_the_shards_are_a_list_of_labels(self):
        self.lists()
        self.write("wav/u2.wav", "no audio")
        self.pack("--speeds", "0.9,1.1", "--part", "2/2")
        self.assertFalse(os.path.exists(self.path("shards/utt2spk")), "half of it")
        self.pack("--speeds", "0.9,1.1", "--part", "1/2")
        speakers = [f"{utt} {spk}" for utt, (spk, _, _) in contents(self.path("shards")).items()]
        self.assertEqual(len(speakers), 15)
        self.assertIn("sp1.1-u5 sp1.1-s1", speakers)
        self.assertEqual(self.read("shards/utt2spk").splitlines(), speakers)
        self.data("fbank", "--wav-scp", "wav.scp", "--utt2spk", "shards/utt2spk", "--out", "shards", expect=2,
                  err="shards/utt2spk is where this command writes the speakers of the shards; use another --out")

    def test_fail_on_bad_stops_at_the_first(self):
        self.lists()
        self.write("wav/u2.wav", "no audio")
        self.write("wav/u4.wav", "no audio")
        result = self.pack("--fail-on-bad", expect=1, err="error: u2: cannot read")
        self.assertNotIn("u4", result.stderr)
        self.assertFalse(os.path.exists(self.path("shards/manifest-001-of-001.tsv")))

    def test_other_options_are_refused(self):
        self.lists()
        self.pack()
        self.pack("--fbank.num_mel_bins", "80", expect=1,
                  err=["num_mel_bins=64", "num_mel_bins=80", "use another --out, or delete shards"])
        self.assertIn("complete already: 6 utterances", self.pack().stdout)


class Interrupted(DataTest):
    COUNT = 3000
    ARGUMENTS = ("--wav-scp", "wav.scp", "--out", "shards", "--threads", "1", "--shard-frames", "30000",
                 "--fbank.num_mel_bins", "24")

    def start_half(self):
        """A run that has published two of its twenty shards."""
        path = self.write_wav("tone.wav", 2.025)  # 201 frames
        self.write("wav.scp", "".join(f"u{i:04} {path}\n" for i in range(self.COUNT)))
        process = self.start_program("spcnet-data", "fbank", *self.ARGUMENTS)
        end = time.time() + 60
        while not os.path.exists(self.path("shards/shard-00001.h5")):
            self.assertIsNone(process.poll(), self.read("stderr.txt"))
            self.assertLess(time.time(), end, "no second shard after a minute")
            time.sleep(0.002)
        return process

    def check_half(self):
        """Whole shards without a manifest; returns how many."""
        names = os.listdir(self.path("shards"))
        self.assertNotIn("manifest-001-of-001.tsv", names)
        shards = sorted(n for n in names if n.endswith(".h5"))
        self.assertLess(len(shards), 20, "it was to be interrupted half-way")
        for name in shards:
            with h5py.File(self.path("shards", name), "r") as shard:
                self.assertEqual(len(shard["utt"]), 150)
        self.data("verify", "shards", expect=1, err="the shards are not finished")
        return len(shards)

    def check_continues(self, kept):
        result = self.data("fbank", *self.ARGUMENTS, out=f"{self.COUNT} utterances", err=f"continuing: {kept} shards")
        self.assertIn("20 shards, 0 bad", result.stdout)
        names = os.listdir(self.path("shards"))
        self.assertEqual([n for n in names if n.endswith(".tmp")], [])
        self.assertEqual(len(contents(self.path("shards"))), self.COUNT)
        self.data("verify", "shards", out=f"utterances  {self.COUNT}")

    def test_killed_then_continued(self):
        process = self.start_half()
        process.send_signal(signal.SIGKILL)
        self.assertEqual(process.wait(), -signal.SIGKILL)
        kept = self.check_half()
        self.write("shards/shard-00099.h5.tmp", "what a kill may leave")
        self.check_continues(kept)

    def test_stopped_by_request_then_continued(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                process = self.start_half()
                process.send_signal(number)
                self.assertEqual(process.wait(timeout=30), 75)
                kept = self.check_half()
                self.assertIn(f"stopped as asked: {kept} shards with {150 * kept} utterances stay in shards; "
                              "the same command continues", self.read("stderr.txt"))
                self.assertEqual([n for n in os.listdir(self.path("shards")) if n.endswith(".tmp")], [])
                self.check_continues(kept)
                for name in os.listdir(self.path("shards")):
                    os.remove(self.path("shards", name))

    def test_two_at_once_are_refused(self):
        process = self.start_half()
        process.send_signal(signal.SIGSTOP)
        self.data("fbank", *self.ARGUMENTS, expect=1, err="another process packs part 1 of 1 into shards now")
        process.send_signal(signal.SIGCONT)
        self.assertEqual(process.wait(timeout=120), 0, self.read("stderr.txt"))

    def test_progress_is_told(self):
        process = self.start_half()
        process.send_signal(signal.SIGSTOP)  # the clock goes on
        time.sleep(3.2)
        process.send_signal(signal.SIGCONT)
        self.assertEqual(process.wait(timeout=120), 0)
        self.assertRegex(self.read("stderr.txt"), r"\d+ of 3000 utterances \(\d+ %\), \d+\.\d+ h of speech, "
                                                  r"\d+ x real time, \d+:\d\d left")


class Verify(DataTest):
    def test_sums_up(self):
        self.lists()
        self.pack()
        text = self.data("verify", "shards").stdout
        self.assertEqual(re.sub(r"[^\n]*fbank [^\n]*\n", "", text),
                         "shards      1 in 1 part\nutterances  6\nframes      378\nhours       0.0011\n"
                         "speakers    2\nsessions    not known: names are not speaker/session/file\nduration    0.38 s shortest, 0.68 s median, 0.88 s longest\n"
                         "silence     0.00 % of the frames, more than 40 dB below the loud ones of their utterance\n"
                         "rates       16000 Hz\nlevel       -16.3 dBFS quietest, -16.3 median, -16.3 loudest, root of the mean square\n"
                         "clipping    none\nduplicates  none\nNaN         0 values\nleft out    0 files while packing\n")

    def test_finds_recordings_without_sound(self):
        self.lists(2)
        with wave.open(self.path("wav/u1.wav"), "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes(bytes(32000))
        self.pack()
        self.data("verify", "shards", out="soundless   1 utterance of nothing but zeros, the first is u1")

    def test_what_cannot_be_printed_is_an_error(self):
        self.lists()
        self.pack()
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([support.program("spcnet-data"), "verify", self.path("shards")], stdout=full, stderr=subprocess.PIPE,
                                  text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (1, "error: cannot write to standard output; is the disk full?\n"))

    def test_finds_changed_bytes(self):
        self.lists()
        self.pack()
        with h5py.File(self.path("shards/shard-00000.h5"), "r") as shard:
            offset = shard["feats"].id.get_offset()
        with open(self.path("shards/shard-00000.h5"), "r+b") as file:
            file.seek(offset + 1001)
            byte = file.read(1)[0]
            file.seek(offset + 1001)
            file.write(bytes([byte ^ 1]))
        self.data("verify", "shards", expect=1, out="utterances  6",
                  err=["utterance u0 in shard-00000.h5: wrong checksum", "error: shards is damaged: 1 problem"])

    def test_finds_a_nan(self):
        self.lists()
        self.pack()
        with h5py.File(self.path("shards/shard-00000.h5"), "r+") as shard:
            shard["feats"][40, 3] = np.nan
            shard["crc32c"][1] = support.crc32c(shard["feats"][38:86].tobytes())
        self.data("verify", "shards", expect=1, out="NaN         1 value\n",
                  err="utterance u1 in shard-00000.h5: 1 value NaN or infinite")

    def test_lists_at_most_twenty_problems(self):
        self.lists(25)
        self.pack()
        with h5py.File(self.path("shards/shard-00000.h5"), "r+") as shard:
            shard["crc32c"][:] = np.zeros(25, np.uint32)
        result = self.data("verify", "shards", expect=1, err=["error: and 5 more", "is damaged: 25 problems"])
        self.assertEqual(result.stderr.count("wrong checksum"), 20)


class MfccStats(DataTest):
    def test_writes_standardised_embeddings(self):
        self.lists()
        self.pack()
        self.data("mfcc-stats", "--shards", "shards", "--out", "e.h5", "--num-ceps", "12",
                  out="6 embeddings of 24 values in e.h5")
        with h5py.File(self.path("e.h5"), "r") as file:
            embedding = file["embedding"][:]
            self.assertEqual([u.decode() for u in file["utt"][:]], [f"u{i}" for i in range(6)])
        np.testing.assert_allclose(embedding.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(embedding.std(axis=0), 1, atol=1e-5)

        # The same from the definition.
        with h5py.File(self.path("shards/shard-00000.h5"), "r") as shard:
            feats = shard["feats"][:].astype(np.float64)
            edges = np.cumsum(shard["num_frames"][:])[:-1]
        k, n = np.arange(1, 13)[:, None], np.arange(64)[None]
        cepstra = feats @ (np.sqrt(2 / 64) * np.cos(np.pi * k * (n + 0.5) / 64)).T
        stats = np.array([np.concatenate([c.mean(0), c.std(0)]) for c in np.split(cepstra, edges)])
        np.testing.assert_allclose(embedding, (stats - stats.mean(0)) / stats.std(0), atol=1e-3)

    def test_too_many_coefficients(self):
        self.lists(2)
        self.pack()
        self.data("mfcc-stats", "--shards", "shards", "--out", "e.h5", "--num-ceps", "64", expect=2,
                  err="num-ceps = 64, must be 1 to 63")


if __name__ == "__main__":
    unittest.main()
