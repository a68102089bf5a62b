"""A corpus of data/corpus/build.sh as VoxCeleb, MUSAN and RIRS_NOISES are unpacked, with what real trees hold: odd names, damaged, empty and long files."""
import collections
import os
import shutil
import subprocess
import zlib

from rooms import write_rooms

SECONDS_OF_NOISE = 20
SOUNDS = {
    "noise/free-sound/noise-free-sound": "anoisesrc=c=pink:a=0.3",
    "noise/sound-bible/noise-sound-bible": "anoisesrc=c=brown:a=0.5",
    "music/fma/music-fma": "aevalsrc=0.2*(sin(2*PI*220*t)+sin(2*PI*277*t)+sin(2*PI*330*t))*(0.6+0.4*sin(2*PI*t))",
}


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


def read_columns(path):
    with open(path, encoding="utf-8") as file:
        return [line.split(maxsplit=1) for line in file.read().splitlines()]


class Tree:
    """Speakers of the corpus' trials become VoxCeleb1, the first half of them its test part; those of its training VoxCeleb2, in m4a."""

    def __init__(self, corpus, root):
        self.root = root
        self.wavs = dict(read_columns(os.path.join(corpus, "wav.scp")))
        self.speaker_of = dict(read_columns(os.path.join(corpus, "utt2spk")))
        self.name_of = {}  # utterance of the corpus -> VoxCeleb's
        self.odd = {}      # file that must not be packed -> what must be said of it
        self.parts = {name: [utt for (utt,) in read_columns(os.path.join(corpus, f"{name}.utts"))] for name in ("eval", "train")}
        speakers = {name: list(dict.fromkeys(self.speaker_of[utt] for utt in utts)) for name, utts in self.parts.items()}
        self.test_speakers = speakers["eval"][:(len(speakers["eval"]) + 1) // 2]
        self.ids = {speaker: f"id{number + 10270:05}" for number, speaker in enumerate(speakers["eval"])}
        self.ids.update({speaker: f"id{number + 12:05}" for number, speaker in enumerate(speakers["train"])})
        self.write_vox1()
        self.write_vox2()
        self.write_trials(corpus)
        self.write_sounds()
        self.add_odd_files()

    def place(self, *names):
        path = os.path.join(self.root, *names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def name(self, part, extension):
        """idNNNNN/VIDEO/NNNNN for each utterance; a folder of the corpus is a video."""
        count = collections.Counter()
        for utt in self.parts[part]:
            video = f"{self.ids[self.speaker_of[utt]]}/v{zlib.crc32(os.path.dirname(utt).encode()):010}"
            count[video] += 1
            self.name_of[utt] = f"{video}/{count[video]:05}.{extension}"

    def write_vox1(self):
        self.name("eval", "wav")
        for utt in self.parts["eval"]:
            part = "test" if self.speaker_of[utt] in self.test_speakers else "dev"
            shutil.copy(self.wavs[utt], self.place("VoxCeleb1", f"vox1_{part}_wav/wav", self.name_of[utt]))

    def write_vox2(self):
        self.name("train", "m4a")
        # One process for many files: a start costs more than a second of speech.
        for begin in range(0, len(self.parts["train"]), 64):
            utts = self.parts["train"][begin:begin + 64]
            inputs = [word for utt in utts for word in ("-i", self.wavs[utt])]
            outputs = [word for number, utt in enumerate(utts) for word in ("-map", str(number), "-c:a", "aac", self.vox2_file(utt))]
            ffmpeg(*inputs, *outputs)

    def vox2_file(self, utt):
        return self.place("VoxCeleb2/dev/aac", self.name_of[utt])

    def write_trials(self, corpus):
        """O of the test speakers, E of all, H of those whose recordings are alike."""
        for source, target in (("all", "veri_test2"), ("all", "list_test_all2"), ("group", "list_test_hard2")):
            with open(self.place("VoxCeleb1", f"{target}.txt"), "w", encoding="utf-8") as file:
                for label, pair in read_columns(os.path.join(corpus, f"trials_{source}.txt")):
                    utts = pair.split()
                    if target != "veri_test2" or all(self.speaker_of[utt] in self.test_speakers for utt in utts):
                        file.write(" ".join([label, *(self.name_of[utt] for utt in utts)]) + "\n")

    def write_sounds(self):
        for name, source in SOUNDS.items():
            for number in range(3):
                seed = f":seed={number + 1}" if source.startswith("anoisesrc") else ""
                ffmpeg("-f", "lavfi", "-i", source + seed, "-t", SECONDS_OF_NOISE, "-ar", 16000, self.place("musan", f"{name}-{number:04}.wav"))
        for number, utt in enumerate(self.parts["train"][:20]):
            shutil.copy(self.wavs[utt], self.place("musan", f"speech/librivox/speech-librivox-{number:04}.wav"))
        write_rooms([self.place("RIRS_NOISES/simulated_rirs/smallroom", f"Room001/Room001-{number:05}.wav") for number in range(1, 9)])

    def add_odd_files(self):
        m4a = self.vox2_file(self.parts["train"][0])
        folder = os.path.dirname(m4a)
        ffmpeg("-i", m4a, "-ar", 48000, "-ac", 2, os.path.join(folder, "00992.m4a"))
        ffmpeg("-stream_loop", -1, "-i", m4a, "-t", 480, "-c:a", "aac", os.path.join(folder, "00993.m4a"))
        with open(m4a, "rb") as whole:
            half = whole.read(os.path.getsize(m4a) // 2)
        for name, content, said in (("00990.m4a", b"", "is empty"), ("00991.m4a", half, "damaged"), ("a name.m4a", half, "is not called idNNNNN/VIDEO/NNNNN"),
                                    ("cover.jpg", b"a picture", "is not called"), ("extra/00001.m4a", half, "is not called")):
            path = self.place(folder, name)
            with open(path, "wb") as file:
                file.write(content)
            self.odd[name] = said
