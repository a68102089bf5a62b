#!/usr/bin/env python3
"""`spcnet-data voxceleb` on trees of the official shapes with what real ones hold: m4a, odd names, empty, broken and long files."""
import os
import shutil
import subprocess
import unittest
import wave

import h5py

import fixtures
import support


def frames_of(folder):
    """{utterance: frames}"""
    found = {}
    for name in os.listdir(folder):
        if name.endswith(".h5"):
            with h5py.File(os.path.join(folder, name), "r") as shard:
                found.update(zip(shard["utt"].asstr()[:], shard["num_frames"][:]))
    return found


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


class Voxceleb(support.ProgramTest):
    def setUp(self):
        super().setUp()
        corpus = fixtures.corpus()
        wavs = [os.path.join(corpus, "wav", name) for name in sorted(os.listdir(os.path.join(corpus, "wav")))]
        self.vox1 = [("vox1_dev_wav/wav", "id10001", wavs[:4]), ("vox1_test_wav/wav", "id10270", wavs[8:12]), ("vox1_test_wav/wav", "id10271", wavs[16:18])]
        for part, speaker, files in self.vox1:
            for number, source in enumerate(files):
                self.copy(source, "vox1", part, speaker, "5r0dWxy17C8", f"{number + 1:05}.wav")
        for number, source in enumerate(wavs[:6]):
            ffmpeg("-i", source, "-c:a", "aac", self.place("vox2", "dev/aac", f"id{number // 3 + 12:05}", "21Uxsk56VDQ", f"{number + 1:05}.m4a"))
        self.trials = "1 id10270/5r0dWxy17C8/00001.wav id10270/5r0dWxy17C8/00002.wav\n0 id10270/5r0dWxy17C8/00001.wav id10271/5r0dWxy17C8/00001.wav\n"
        self.write("vox1/veri_test2.txt", self.trials)

    def place(self, *names):
        os.makedirs(self.path(*names[:-1]), exist_ok=True)
        return self.path(*names)

    def copy(self, source, *names):
        shutil.copy(source, self.place(*names))

    def voxceleb(self, *arguments, **expectations):
        return self.run_program("spcnet-data", "voxceleb", *arguments, "--out", "lists", **expectations)

    def pack(self, name, **expectations):
        return self.run_program("spcnet-data", "fbank", "--wav-scp", f"lists/{name}/wav.scp", "--utt2spk", f"lists/{name}/utt2spk", "--out", f"shards-{name}",
                                **expectations)

    def test_lists_are_as_the_trials_call_them(self):
        done = self.voxceleb("--vox1", "vox1", "--vox2", "vox2", "--allow-missing", out=[
            "vox1_dev: 4 of 148642 utterances of 1 speakers (of 1211)", "vox1_test: 6 of 4874 utterances of 2 speakers (of 40)",
            "vox1: 10 of 153516 utterances of 3 speakers (of 1251)", "vox2_dev: 6 of 1092009 utterances of 2 speakers (of 5994)", "trials O: 2 of 37611, "])
        self.assertIn("vox2_dev: 1092003 utterances of the official corpus are missing", done.stderr)
        self.assertEqual(self.read("lists/trials/O.txt"), self.trials)
        self.assertEqual(self.read("lists/vox1/utt2spk").splitlines()[:5],
                         [*(f"id10001/5r0dWxy17C8/{n:05}.wav id10001" for n in range(1, 5)), "id10270/5r0dWxy17C8/00001.wav id10270"])
        self.assertIn("id00012/21Uxsk56VDQ/00001.m4a id00012\n", self.read("lists/vox2_dev/utt2spk"))
        self.pack("vox1_test", out="6 utterances, ")
        self.pack("vox2_dev", out="6 utterances, ")
        self.assertEqual([spk for _, spk in fixtures.utts_of(self.path("shards-vox2_dev"))], ["id00012"] * 3 + ["id00013"] * 3)

    def test_m4a_is_the_sound_that_it_was_made_from(self):
        self.voxceleb("--vox2", "vox2", "--allow-missing")
        self.pack("vox2_dev")
        frames = frames_of(self.path("shards-vox2_dev"))
        source = os.path.join(fixtures.corpus(), "wav", sorted(os.listdir(os.path.join(fixtures.corpus(), "wav")))[0])
        with wave.open(source, "rb") as file:
            expected = (file.getnframes() - 400) // 160 + 1
        self.assertLessEqual(abs(frames["id00012/21Uxsk56VDQ/00001.m4a"] - expected), 13)  # an AAC frame at either end, and its priming

    def test_what_real_trees_hold(self):
        video = ("vox2", "dev/aac", "id00012", "21Uxsk56VDQ")
        m4a = self.path(*video, "00001.m4a")
        open(self.place(*video, "00090.m4a"), "wb").close()
        with open(m4a, "rb") as whole, open(self.place(*video, "00091.m4a"), "wb") as cut:
            cut.write(whole.read()[:os.path.getsize(m4a) // 2])
        ffmpeg("-i", m4a, "-ar", "48000", "-ac", "2", self.place(*video, "00092.m4a"))
        ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=480:a=0.1:r=16000:seed=1", "-c:a", "aac", self.place(*video, "00093.m4a"))
        self.copy(m4a, *video, "a name.m4a")
        self.copy(m4a, *video, "cover.jpg")
        self.copy(m4a, *video, "extra", "00001.m4a")
        ffmpeg("-i", m4a, self.place(*video, "00001.wav"))
        done = self.voxceleb("--vox2", "vox2", "--allow-missing", out="vox2_dev: 9 of 1092009 utterances")
        for odd in ("00090.m4a: is empty", "a name.m4a: is not called idNNNNN/VIDEO/NNNNN", "cover.jpg: is not called", "extra/00001.m4a: is not called",
                    "00001.m4a: is ", "00001.wav once more"):
            self.assertIn(odd, done.stderr)
        done = self.pack("vox2_dev", expect=1, out="8 utterances, ")
        self.assertRegex(done.stderr, r"left out id00012/21Uxsk56VDQ/00091.m4a: cannot read .*00091.m4a: damaged, or no audio file: ffmpeg says '.+'")
        self.assertIn("resampled from 48000 Hz", done.stdout)
        self.assertIn("the channels of 1 file were averaged", done.stdout)
        self.assertGreater(frames_of(self.path("shards-vox2_dev"))["id00012/21Uxsk56VDQ/00093.m4a"], 47000)

    def test_without_ffmpeg_the_program_is_named(self):
        self.voxceleb("--vox2", "vox2", "--allow-missing")
        done = self.pack("vox2_dev", expect=1, env={"PATH": "/nowhere"})
        self.assertIn("it takes the program ffmpeg, which is not on PATH; install it, or convert to wav or flac", done.stderr)

    def test_noises(self):
        source = self.path("vox1", "vox1_dev_wav/wav/id10001/5r0dWxy17C8/00001.wav")
        for name in ("musan/noise/free-sound/noise-free-sound-0000.wav", "musan/music/fma/music-fma-0000.wav", "rirs/simulated_rirs/smallroom/Room001/Room001-00001.wav",
                     "rirs/pointsource_noises/noise-free-sound-0000.wav"):
            self.copy(source, *name.split("/"))
        self.write("musan/noise/free-sound/README", "of whom\n")
        self.voxceleb("--musan", "musan", "--rirs", "rirs", "--allow-missing", out=["musan_noise: 1 of 930 files", "rirs_simulated: 1 files", "rirs_noises: 1 files"])
        self.assertTrue(self.read("lists/musan_noise/wav.scp").startswith("noise/free-sound/noise-free-sound-0000.wav /"))
        self.assertFalse(os.path.exists(self.path("lists/musan_noise/utt2spk")))
        # The lists are what augmented copies are made from.
        sounds = ["--rir-scp", "lists/rirs_simulated/wav.scp", "--noise-scp", "lists/rirs_noises/wav.scp"]
        pack = ["spcnet-data", "fbank", "--wav-scp", "lists/musan_noise/wav.scp", "--out", "shards", *sounds]
        self.run_program(*pack, "--copies.num", "3", out="1 utterance, ", err=None)
        self.run_program("spcnet-data", "verify", "shards", out="copies      3 augmented")
        self.run_program(*pack, expect=2, err="copies.num = 0; say how many of each utterance")

    def test_failures(self):
        self.voxceleb("--vox1", "vox1", expect=1, err="the corpora are not complete, see above; the lists in lists hold what is there. --allow-missing takes that for enough")
        self.voxceleb(expect=2, err="give a corpus by --vox1, --vox2, --musan or --rirs DIR")
        self.voxceleb("--vox1", "none", expect=1, err="no folder none")
        os.mkdir(self.path("empty"))
        self.voxceleb("--vox2", "empty", expect=1, err="empty holds no folder of a speaker, idNNNNN; give the folder that VoxCeleb 2 was unpacked into")
        self.voxceleb("--musan", "vox1", expect=1, err="none of noise, music, speech is in vox1")


if __name__ == "__main__":
    unittest.main()
