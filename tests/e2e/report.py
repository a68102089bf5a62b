#!/usr/bin/env python3
"""`spcnet report` and `spcnet explain` on a run through all stages; the page opened in a browser."""
import os
import re
import struct
import subprocess
import unittest

import rounds
import support

FIGURES = ("loss", "eer", "det", "entropy", "embedding", "lr", "phases", "speed", "clusters", "gate", "label-quality", "gate-round-1-2", "gate-round-2-1", "gate-finetune-0")


class Report(rounds.RoundsTest):
    def setUp(self):
        super().setUp()
        self.write_trials(wrong_every=7)  # so that the error rate is not zero

    def whole_run(self):
        self.go("run", "--trials", "O=trials.txt", "--log.every_seconds", "0", ranks=2)
        self.assertEqual(self.spcnet("report", "run").stdout, "run/report.html\n")
        return self.path("run/report.html")

    def opened(self, *arguments):
        return subprocess.run([support.browser(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.path('profile')}",
                               "--enable-logging=stderr", "--hide-scrollbars", *arguments], capture_output=True, text=True, timeout=120, check=True)

    def test_of_all_stages(self):
        page = self.whole_run()
        with open(page, encoding="utf-8") as file:
            html = file.read()
        figures = [name for name in re.findall(r"<figure id=\"([^\"]*)\"", html) if name != "slowest"]  # ranks compare their times once a second only
        self.assertEqual(figures[:len(FIGURES) - 3], list(FIGURES[:-3]))
        for name in FIGURES:
            self.assertIn(f'<figure id="{name}">', html)
        self.assertIsNone(re.search(r"<script|https?://|\bsrc=|@import|url\(", html), "it must need nothing else")
        self.assertNotRegex(html, r"\b(?:nan|inf)\b")
        for stage in rounds.STAGES:
            self.assertIn(f"<td>{stage}</td>", html)
        self.assertIn("<th>version</th>".replace("th>", "td>"), html)
        said = self.spcnet("explain", "run").stdout
        self.assertRegex(said, r"^finetune: \d+\.\d\d utterances a second\. Of the time, \d+\.\d % is computation, ")
        self.assertEqual(len(said.splitlines()), len(set(said.splitlines())))
        self.check_in_browser(page)

    def check_in_browser(self, page):
        dump = self.opened("--dump-dom", f"file://{page}")
        for name in FIGURES:
            figure = re.search(rf'<figure id="{name}">.*?</figure>', dump.stdout, re.S)
            self.assertIsNotNone(figure, name)
            self.assertRegex(figure.group(0), r"<(?:path|rect) ", name)
        self.assertNotRegex(dump.stderr, r"CONSOLE|Uncaught|ERR_")
        shots = []
        for size, scheme in (("1300,2000", 1), ("400,800", 1), ("1300,2000", 0)):  # light, on a phone, dark
            shot = self.path("shot.png")
            self.opened(f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={shot}", f"--window-size={size}", f"file://{page}")
            with open(shot, "rb") as file:
                shots.append(file.read())
            self.assertEqual(struct.unpack(">II", shots[-1][16:24]), tuple(map(int, size.split(","))))
            self.assertGreater(len(shots[-1]), 20000, "a blank page")
            os.remove(shot)
        self.assertNotEqual(shots[0], shots[2], "dark is light")

    def test_of_a_run_without_rounds(self):
        self.train("run", "--train.max_steps", "6")
        self.spcnet("report", "run", "--out", "page.html", out="page.html")
        html = self.read("page.html")
        self.assertIn('<figure id="loss">', html)
        for absent in ("eer", "clusters", "slowest"):
            self.assertNotIn(f'<figure id="{absent}">', html)

    def test_wrong_usage(self):
        os.mkdir(self.path("nothing"))
        for command in ("report", "explain"):
            self.spcnet(command, expect=2, err=f"RUN is missing: spcnet {command} RUN")
            self.spcnet(command, "nothing", expect=1, err="nothing holds no run: there is no run.json")
        self.train("run", "--train.max_steps", "1")
        self.spcnet("report", "run", "--out", "no/such/page.html", expect=1, err="no/such/page.html")


if __name__ == "__main__":
    unittest.main()
