#!/usr/bin/env python3
"""`spcnet-data verify --html`: a corpus with planted faults, and the page that names them."""
import glob
import math
import os
import re
import struct
import subprocess
import unittest
import wave
import xml.etree.ElementTree as xml

import h5py
import numpy as np

import support

RATE = 16000
ODD = "s1/v1/<b>&'\"odd\".wav"
FIGURES = ("summary", "duration", "silence", "bins", "level", "peak", "clipping", "speakers", "sessions", "duplicates",
           "longest", "shortest", "silent", "loudest", "quietest", "clipped", "soundless", "left-out")


def tone(seconds, amplitude, hz=250.0):
    """Whole periods of a sine, full scale is 1."""
    return [amplitude * math.sin(2 * math.pi * hz * i / RATE) for i in range(int(seconds * RATE))]


class AuditTest(support.ProgramTest):
    def record(self, utt, samples):
        """An utterance of these samples, cut at full scale, in 16 bits; its speaker is the first part of the name."""
        path = self.path("wav", f"{len(self.scp)}.wav")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with wave.open(path, "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            values = [max(-32768, min(32767, round(32768 * sample))) for sample in samples]
            file.writeframes(struct.pack(f"<{len(values)}h", *values))
        self.scp.append((utt, path))

    def setUp(self):
        super().setUp()
        self.scp = []
        for i in range(24):
            self.record(f"s{i % 3}/v{i % 4}/plain{i}.wav", tone(1 + 0.05 * i, 0.1 + 0.01 * i, 200 + 10 * i))
        self.record("s0/v0/cut.wav", tone(1, 1.5))
        self.record("s0/v0/quiet.wav", tone(1, 0.001))
        self.record("s0/v0/paused.wav", tone(0.5, 0.3) + [0] * RATE)
        self.record("s0/v1/zeros.wav", [0] * RATE)
        self.record(ODD, tone(30, 0.2))
        self.scp.append(("s2/v9/twin.wav", self.scp[5][1]))
        self.scp.append(("s2/v9/lost<>.wav", self.path("wav/none.wav")))

    def pack(self, *arguments):
        self.write("wav.scp", "".join(f"{utt} {path}\n" for utt, path in self.scp))
        self.write("utt2spk", "".join(f"{utt} {utt.split('/')[0]}\n" for utt, _ in self.scp))
        self.run_program("spcnet-data", "fbank", "--wav-scp", "wav.scp", "--utt2spk", "utt2spk", "--out", "shards",
                         "--shard-frames", "1500", *arguments, err="lost<>.wav")

    def verify(self, *arguments, **expectations):
        return self.run_program("spcnet-data", "verify", "shards", *arguments, **expectations)

    def page(self, **expectations):
        """Figures of the page by their id, each as the text of its parts, and the page's HTML."""
        self.verify("--html", "page.html", **expectations)
        html = self.read("page.html")
        figures = {}
        for figure in xml.fromstring(html).iter("figure"):  # it must be well-formed
            cells = [[cell.text or "" for cell in row] for row in figure.iter("tr")]
            figures[figure.get("id")] = (figure.find("figcaption").text or "", cells[1:], figure.find("svg"))
        return figures, html


class Page(AuditTest):
    def test_names_every_planted_finding(self):
        self.pack()
        figures, html = self.page()
        self.assertEqual(sorted(figures), sorted(FIGURES))
        self.assertIsNone(re.search(r"<script|https?://|\bsrc=|@import|url\(", html), "it must need nothing else")
        self.assertNotRegex(html, r"\b(?:nan|inf)\b")
        self.assertFalse(os.path.exists(self.path("page.html.tmp")))
        first = {name: rows[0] for name, (_, rows, _) in figures.items() if rows}
        self.assertEqual(first["clipped"][0], "s0/v0/cut.wav")
        # A sine of 1.5 is above 1 in this share of its period; the samples are 64 a period.
        above = sum(abs(1.5 * math.sin(2 * math.pi * i / 64)) >= 0.99 for i in range(64)) / 64
        self.assertAlmostEqual(float(first["clipped"][1]), 100 * above, delta=100 * 2 / 64)
        self.assertEqual(len(figures["clipped"][1]), 1, "nothing else is clipped")
        self.assertEqual(first["loudest"][0], "s0/v0/cut.wav")
        self.assertEqual(first["quietest"], ["s0/v0/quiet.wav", "-63.0"])  # 20 lg 0.001 - 3.01
        self.assertEqual([row[0] for row in figures["silent"][1][:2]], ["s0/v1/zeros.wav", "s0/v0/paused.wav"])
        self.assertEqual(figures["soundless"][1], [["s0/v1/zeros.wav"]])
        self.assertEqual(figures["duplicates"][1], [["2", "s2/v1/plain5.wav = s2/v9/twin.wav"]])
        self.assertEqual(first["longest"], [ODD, "29.98"])
        self.assertIn("&lt;b&gt;&amp;", html)
        self.assertEqual(first["left-out"][0], "s2/v9/lost<>.wav")
        self.assertIn("No such file", first["left-out"][1])
        self.assertIn("The first 20 of 30.", figures["longest"][0])
        for name in ("duration", "silence", "bins", "level", "peak", "clipping", "speakers", "sessions"):
            self.assertIsNotNone(figures[name][2], name)

    def test_text_and_summary_of_the_page_agree(self):
        self.pack()
        figures, _ = self.page()
        lines = [line.split(None, 1) for line in self.verify().stdout.splitlines() if not line.startswith("left out")]
        told = {what: value for what, value in figures["summary"][1]}
        for what, value in lines:
            self.assertEqual(told[what], value)
        self.assertEqual(told["speakers"], "3")
        self.assertEqual(told["sessions"], "13")  # 12 of the plain ones, and v9 of s2
        self.assertEqual(told["duplicates"], "1 group of 2 utterances, s2/v1/plain5.wav = s2/v9/twin.wav")
        self.assertRegex(told["clipping"], r"^1 utterance, the worst is s0/v0/cut\.wav: \d+\.\d\d % of its samples$")

    def test_of_shards_without_levels_says_so(self):
        self.pack()
        for name in glob.glob(self.path("shards", "*.h5")):
            with h5py.File(name, "r+") as shard:
                self.assertEqual(shard["peak_db"].dtype, np.float32)
                self.assertEqual(list(np.unique(shard["source_rate"][:])), [RATE])
                for column in ("peak_db", "rms_db", "clipped", "source_rate"):
                    del shard[column]
        figures, html = self.page(out=["level       not recorded", "clipping    not recorded"])
        self.assertIn("packed without measuring it", figures["level"][0])
        self.assertEqual(set(FIGURES) - set(figures), {"peak", "clipping", "loudest", "quietest", "clipped"})
        self.assertIn("<dd>not recorded</dd>", html)

    def test_of_damaged_shards_tells_the_damage(self):
        self.pack()
        name = sorted(glob.glob(self.path("shards", "*.h5")))[0]
        with h5py.File(name, "r+") as shard:
            shard["crc32c"][0] = 1
            del shard["peak_db"]
            shard["peak_db"] = np.zeros(1, np.float32)
        figures, _ = self.page(expect=1, err=["wrong checksum", "columns of another length", "2 problems"])
        self.assertEqual(len(figures["problems"][1]), 2)
        self.assertIn("s0/v0/plain0.wav", figures["problems"][1][1][0])

    def test_in_a_browser(self):
        self.pack()
        self.page()
        shot = self.path("shot.png")
        done = subprocess.run([support.browser(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.path('profile')}",
                               "--enable-logging=stderr", f"--screenshot={shot}", "--window-size=1300,3000", f"file://{self.path('page.html')}"],
                              capture_output=True, text=True, timeout=120, check=True)
        self.assertNotRegex(done.stderr, r"CONSOLE|Uncaught|ERR_")
        self.assertGreater(os.path.getsize(shot), 50000, "a blank page")


class WrongPath(AuditTest):
    def test_is_one_error_before_anything_is_read(self):
        self.pack()
        for page, reason in (("no/such/page.html", "No such file or directory"), ("shards", "it is a folder"),
                             ("/proc/page.html", "/proc/page.html")):
            with self.subTest(page):
                result = self.verify("--html", page, expect=1, err=["error: cannot write " + page, reason])
                self.assertEqual(result.stdout, "")
                self.assertEqual(len(result.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
