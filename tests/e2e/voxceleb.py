#!/usr/bin/env python3
"""`spcnet-data voxceleb` on trees of the official shapes with what real ones hold: m4a, odd names, empty, broken and long files."""
import ctypes
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


def without_root():
    """Permissions count for the program that is started, whoever starts it: gives up CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability)  # PR_CAPBSET_DROP; a user without these cannot, and need not


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
        self.assertIn("warning: 5 files are left out, all in lists/left_out.txt", done.stderr)
        done = self.pack("vox2_dev", out="8 utterances, ", err="warning: 1 file could not be packed and is left out")
        self.assertRegex(done.stderr, r"left out id00012/21Uxsk56VDQ/00091.m4a: cannot read .*00091.m4a: damaged, or no audio file: ffmpeg says '.+'")
        self.assertNotIn("0x", done.stderr, "places in memory differ from run to run, and what is said is kept in the shards")
        self.assertIn("resampled from 48000 Hz", done.stdout)
        self.assertIn("the channels of 1 file were averaged", done.stdout)
        self.assertGreater(frames_of(self.path("shards-vox2_dev"))["id00012/21Uxsk56VDQ/00093.m4a"], 47000)

    def test_what_cannot_be_read_ends_nothing(self):
        video = ("vox1", "vox1_dev_wav/wav", "id10001", "5r0dWxy17C8")
        os.symlink("/nowhere", self.place(*video, "00091.wav"))
        os.symlink("00092.wav", self.place(*video, "00092.wav"))
        os.mkfifo(self.place(*video, "00093.wav"))
        os.symlink("../..", self.place("vox1", "vox1_dev_wav/wav", "id10001", "round"))
        os.symlink(self.path("vox1"), self.place("vox1", "vox1_test_wav", "all"))
        self.copy(self.path(*video, "00001.wav"), "vox1", "vox1_test_wav/wav", "id10270", "locked", "00001.wav")
        os.chmod(self.path("vox1/vox1_test_wav/wav/id10270/locked"), 0)
        self.addCleanup(os.chmod, self.path("vox1/vox1_test_wav/wav/id10270/locked"), 0o700)
        os.makedirs(self.path("vox1/extra/list_test_all2.txt"))
        done = self.voxceleb("--vox1", "vox1", "--allow-missing", preexec=without_root, out=["vox1: 10 of", "trials O: 2 of"], err="trials E: no list_test_all2.txt")
        said = {"00091.wav": "is a link to a file that is not there", "00092.wav": "Too many levels of symbolic links", "00093.wav": "is a pipe, a socket or a device, no file",
                "id10001/round": "is a link to a folder that it lies in", "vox1_test_wav/all": "is a link to a folder that it lies in", "id10270/locked": "Permission denied",
                "extra/list_test_all2.txt": "is a folder"}
        left_out = dict(line.split("\t") for line in self.read("lists/left_out.txt").splitlines())
        self.assertEqual(len(left_out), len(said), done.stderr)
        for name, reason in said.items():
            (path,) = (path for path in left_out if path.endswith(name))
            self.assertEqual(left_out[path], reason)
            self.assertIn(f"left out {path}: {reason}", done.stderr)
        self.assertEqual(len(self.read("lists/vox1/wav.scp").splitlines()), 10)

    def test_all_that_is_left_out_stands_in_a_file(self):
        for number in range(25):
            self.write(f"vox2/dev/aac/id00012/21Uxsk56VDQ/notes-{number}.doc", "odd")
        for number in range(6):  # the corpus' own descriptions, one for each recording
            self.write(f"vox2/dev/txt/id{number // 3 + 12:05}/21Uxsk56VDQ/{number + 1:05}.txt", "Identity  :\n")
        done = self.voxceleb("--vox2", "vox2", "--allow-missing", out="vox2_dev: 6 of", err=[
            "and 5 more, see lists/left_out.txt", "25 files are left out, all in lists/left_out.txt"])
        self.assertEqual(done.stderr.count("warning: left out "), 20)
        lines = self.read("lists/left_out.txt").splitlines()
        self.assertEqual(len(lines), 25)
        for line in lines:
            self.assertRegex(line, r"^/.*/notes-\d+\.doc\tis not called idNNNNN/VIDEO/NNNNN$")
        shutil.rmtree(self.path("vox2/dev/aac/id00012"))
        self.voxceleb("--vox2", "vox2", "--allow-missing")
        self.assertFalse(os.path.exists(self.path("lists/left_out.txt")), "of a run before")

    def test_trial_lists(self):
        page = "; fetch https://mm.kaist.ac.kr/datasets/voxceleb/meta/"
        done = self.voxceleb("--vox1", "vox1", expect=1, err=[
            f"warning: trials E: no list_test_all2.txt below vox1{page}list_test_all2.txt", f"warning: trials H: no list_test_hard2.txt below vox1{page}list_test_hard2.txt"])
        self.assertNotIn("first", done.stderr, "lists of the first edition are not asked for")
        self.assertNotIn("no veri_test2.txt", done.stderr)
        self.write("vox1/list_test_all2.txt", "<!DOCTYPE html>\n<title>404 Not Found</title>\n")
        self.write("vox1/list_test_hard2.txt", "")
        self.write("vox1/older/veri_test2.txt", self.trials[:self.trials.index("\n") + 1])
        self.write("vox1/copy/veri_test2.txt", self.trials + "no trial\n")
        self.write("lists/trials/H.txt", "of a run before\n")
        self.voxceleb("--vox1", "vox1", "--allow-missing", expect=1, out="trials O: 2 of 37611, ", err=[
            f"vox1/list_test_all2.txt: has no line `0|1 utterance utterance`{page}", f"list_test_hard2.txt: has no line `0|1 utterance utterance`; it is empty{page}",
            "vox1/older/veri_test2.txt differs from ", "vox1/copy/veri_test2.txt, which is taken", "1 line of ", "the first is line 3"])
        self.assertEqual(os.listdir(self.path("lists/trials")), ["O.txt"])
        self.write("vox1/old/list_test_all2.txt", self.trials)
        self.write("vox1/old/list_test_hard2.txt", self.trials)
        self.voxceleb("--vox1", "vox1", "--allow-missing", out="trials E: 2 of", err="warning: trials H: ")
        self.assertEqual(sorted(os.listdir(self.path("lists/trials"))), ["E.txt", "H.txt", "O.txt"])
        self.assertEqual(self.read("lists/trials/O.txt"), self.trials + "no trial\n")

    def test_names_are_those_of_the_trials_whatever_the_files_are(self):
        video = self.path("vox1/vox1_test_wav/wav/id10270/5r0dWxy17C8")
        for number, extension in ((1, "flac"), (2, "m4a")):
            ffmpeg("-i", f"{video}/{number:05}.wav", f"{video}/{number:05}.{extension}")
            os.remove(f"{video}/{number:05}.wav")
        os.rename(f"{video}/00003.wav", f"{video}/00003.WAV")
        ffmpeg("-i", f"{video}/00004.wav", f"{video}/00004.flac")  # as well
        self.voxceleb("--vox1", "vox1", "--allow-missing", out="vox1_test: 6 of", err="00004.flac: is ")
        scp = dict(line.split() for line in self.read("lists/vox1_test/wav.scp").splitlines())
        self.assertEqual(sorted(scp)[:4], [f"id10270/5r0dWxy17C8/{n:05}.wav" for n in range(1, 5)])
        self.assertEqual([os.path.basename(scp[utt]) for utt in sorted(scp)[:4]], ["00001.flac", "00002.m4a", "00003.WAV", "00004.wav"])
        self.pack("vox1_test", out="6 utterances, ")

    def test_too_many_files_and_none(self):
        for number in range(663):
            self.write(f"musan/music/fma/{number}.wav", "sound")
        os.makedirs(self.path("musan/noise"))
        self.write("vox2/test/txt/id00020/21Uxsk56VDQ/00001.txt", "Identity  :\n")
        self.voxceleb("--musan", "musan", "--vox2", "vox2", "--allow-missing", expect=1, out=["musan_music: 663 of 660 files\n", "vox2_dev: 6 of"], err=[
            "musan_music: 3 files more than the official corpus has", "error: musan_noise: no file with .wav, .m4a or .flac below musan/noise",
            "error: vox2_test: no file called idNNNNN/VIDEO/NNNNN with .wav, .m4a or .flac below vox2"])
        self.assertFalse(os.path.exists(self.path("lists/vox2_test")))

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
