#!/usr/bin/env python3
"""From trees as the corpora are unpacked to the table, the exported network and the audit page: the commands of configs/README.md, as they stand there,
on a tree of real speech, with a tiny network.

usage: reproduction.py [--demo]     with the demo's corpus and recipe, whose table means something
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import unittest

from onnx_tools import cosine, need_python, peer, read_embeddings
from support import CACHE, ROOT, ProgramTest
from voxceleb_tree import Tree

SMALL = """
[model]
channels = 8
blocks = 1,1,1,1
embedding_dim = 32

[views]
num_global = 2
global_frames = 60
num_local = 2
local_frames = 32

[dino]
out_dim = 64
hidden_dim = 32
bottleneck_dim = 16

[optim]
type = adamw
lr = 0.001
scale_lr = false
warmup_epochs = 0.2

[train]
epochs = 1
batch_size = 16
threads = 1

[checkpoint]
every_steps = 2

[rounds]
count = 1
epochs_per_round = 1
finetune_epochs = 1

[cluster]
num_clusters = 6
"""

SUPERVISED = """
[fbank]
num_mel_bins = 64

[model]
channels = 8
blocks = 1,1,1,1
embedding_dim = 32

[views]
num_global = 1
global_frames = 60
num_local = 0

[optim]
type = adamw
lr = 0.001
scale_lr = false
warmup_epochs = 0.2

[train]
objective = pseudo_label
epochs = 1
batch_size = 16
threads = 1

[checkpoint]
every_steps = 1
"""


def setUpModule():
    need_python()


def commands(title, number=0):
    """Those of a listing in the section of this title, as lists of words."""
    with open(os.path.join(ROOT, "configs/README.md"), encoding="utf-8") as file:
        section = file.read().split(f"# {title}\n")[1]
    block = section.split("```")[1 + 2 * number].replace("\\\n", " ")
    return [words for words in (shlex.split(line, comments=True) for line in block.splitlines()) if words]


FROM_CORPORA = commands("From the corpora to the table")
SUPERVISED_VOX2, SUPERVISED_VOX1 = (commands("With true speakers", number) for number in range(2))


def rows_of(table):
    """{figure: its words}"""
    return {title.strip(): figures.split() for title, figures in (re.split(r"  +(?=\S)", line.rstrip(), maxsplit=1) for line in table.splitlines()[:4])}


class Reproduction(ProgramTest):
    corpus = "small"
    config = SMALL
    timeout = 120

    def setUp(self):
        super().setUp()
        corpus = os.path.join(CACHE, f"corpus-{self.corpus}")
        subprocess.run([os.path.join(ROOT, "data/corpus/build.sh"), "--set", self.corpus, "--out", corpus], check=True, stdout=sys.stderr)
        self.tree = Tree(corpus, self.folder)
        self.write("configs/vox2_dlg_lc.conf", self.config)
        for name in ("vox2_supervised", "vox1_supervised"):
            self.write(f"configs/{name}.conf", SUPERVISED)
        shutil.copy(os.path.join(ROOT, "configs/fbank80.conf"), self.path("configs"))

    def run_commands(self, listing):
        """A listing's commands with two ranks, and a corpus that is not all of VoxCeleb; {its first words: what it said}"""
        said = {}
        for words in map(list, listing):
            if words[:2] == ["spcnet-data", "voxceleb"]:
                words.append("--allow-missing")
            if "-n" in words:
                words[words.index("-n") + 1] = "2"
            if "--gpus-per-node" in words:
                words[words.index("--gpus-per-node") + 1] = "2"
            if "--cohort" in words:
                words += ["--top-n", "2"]  # of two speakers
            name = " ".join(words[words.index("--") + 1:] if "--" in words else words)
            said[name] = self.run_program(*words, timeout=self.timeout)
        return said

    def test_the_commands_of_the_recipes(self):
        said = self.run_commands(FROM_CORPORA)

        def of(start):
            (found,) = (done for name, done in said.items() if name.startswith(start))
            return found

        # Every odd file is named, and ended nothing.
        lists, packed = of("spcnet-data voxceleb"), of("spcnet-data fbank --config configs/fbank80.conf --wav-scp lists/vox2_dev")
        for name, reason in self.tree.odd.items():
            self.assertRegex(lists.stderr + packed.stderr, f"{re.escape(name)}.*{reason}")
        self.assertIn("resampled from 48000 Hz", packed.stdout)
        self.assertIn(f"{len(self.tree.parts['train']) + 2} utterances, ", packed.stdout)

        with open(self.path("audit.html"), encoding="utf-8") as page:
            audit = page.read()
        self.assertIn("00993.m4a", audit, "the longest utterance stands out")
        table = of("spcnet score").stdout
        print(table, flush=True)
        rows = rows_of(table)
        self.assertEqual(rows[""], list("OEH"), table)
        for name, targets, nontargets in zip("OEH", rows["target trials"], rows["nontarget trials"]):
            self.assertEqual(int(targets) + int(nontargets), len(self.read(f"lists/trials/{name}.txt").splitlines()), name)
        for figure in rows["EER, %"][::4]:
            self.assertTrue(0 < float(figure) < 50, table)

        # What sherpa-onnx makes of recordings with the exported network is what the table was made from.
        ours = read_embeddings(self.path("vox1.h5"))
        picked = sorted(ours)[::max(1, len(ours) // 5)]
        os.mkdir(self.path("wav"))
        for number, utt in enumerate(picked):
            (source,) = (wav for old, wav in self.tree.wavs.items() if self.tree.name_of.get(old) == f"{utt}.wav")
            shutil.copy(source, self.path("wav", f"{number}.wav"))
        _, theirs = peer(self, "sherpa", "spcnet.onnx", "wav", "theirs.npz")
        for number, utt in enumerate(picked):
            self.assertGreater(cosine(theirs[str(number)], ours[utt]), 0.999, utt)

    def test_the_commands_of_the_supervised_recipes(self):
        self.run_commands(FROM_CORPORA[:1])
        # Of the small corpus one speaker is left for VoxCeleb1-dev, and a classifier needs two.
        lines = self.read("lists/vox1_dev/utt2spk").splitlines()
        if len({line.split()[1] for line in lines}) == 1:
            self.write("lists/vox1_dev/utt2spk", "".join(f"{line}{'b' * (number % 2)}\n" for number, line in enumerate(lines)))
        for listing, lists in ((SUPERVISED_VOX2, "OEH"), (SUPERVISED_VOX1, "O")):
            (table,) = (done.stdout for name, done in self.run_commands(listing).items() if name.startswith("spcnet score"))
            print(table, flush=True)
            rows = rows_of(table)
            self.assertEqual(rows[""], list(lists), table)
            for figure in rows["EER, %"][::4]:
                self.assertTrue(0 < float(figure) < 50, table)


class Demo(Reproduction):
    corpus = "demo"
    timeout = 3600

    def setUp(self):
        with open(os.path.join(ROOT, "configs/demo.conf"), encoding="utf-8") as file:
            self.config = file.read().replace("every_steps = 100", "every_steps = 30")  # a round of 108 steps has three to average
        super().setUp()


if __name__ == "__main__":
    demo = "--demo" in sys.argv
    unittest.main(argv=[sys.argv[0]], defaultTest="Demo.test_the_commands_of_the_recipes" if demo else "Reproduction")
