"""The corpus builder's rules, on made-up sounds and speakers."""

import os
import random
import sys
import tempfile
import unittest
import wave

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../data/corpus"))
import audio  # noqa: E402
import corpus  # noqa: E402
import lists  # noqa: E402
import queen  # noqa: E402
import sources  # noqa: E402


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    """Loud enough to pass for speech."""
    return np.random.RandomState(seed).randint(-3000, 3000, round(seconds * audio.RATE)).astype(np.int16)


def speaker_row(name: str, group: str, label: str = "person", language: str = "en", sessions: tuple[str, ...] = ("a",)) -> lists.Row:
    speaker = sources.Speaker(name, group, label, language)
    return lists.Row(speaker, [f"{name}/{sessions[i % len(sessions)]}-{i:04d}.wav" for i in range(20)], 40.0)


def held_out(*rows: lists.Row) -> list[lists.Row]:
    for row in rows:
        row.split = "eval"
    return list(rows)


class CutTest(unittest.TestCase):
    def test_parts_are_short_and_join_to_the_clip(self) -> None:
        for seconds in 0.5, 11.99, 12, 12.01, 17, 24.3, 61:
            clip = noise(seconds, seed=round(10 * seconds))
            parts = audio.cut(clip)
            self.assertLessEqual(max(map(len, parts)), 12 * audio.RATE)
            np.testing.assert_array_equal(np.concatenate(parts), clip)

    def test_cuts_at_the_pause(self) -> None:
        clip = noise(15)
        pause = round(7.4 * audio.RATE)
        clip[pause : pause + audio.FRAME] = 0
        self.assertEqual([len(part) for part in audio.cut(clip)], [pause, len(clip) - pause])


class UtteranceTest(unittest.TestCase):
    def test_short_clips_of_a_session_are_stitched_until_two_seconds(self) -> None:
        clips = [("a", str(i), noise(0.5, i)) for i in range(7)]
        (utterance,) = audio.make_utterances(clips)  # four make 2 s; the other three never do and are dropped
        self.assertEqual((utterance.kind, utterance.clips), ("stitched", ["0", "1", "2", "3"]))
        self.assertEqual(len(utterance.samples), 4 * (audio.RATE // 2 + audio.FRAME))
        np.testing.assert_array_equal(utterance.samples[: audio.RATE // 2], clips[0][2])
        self.assertFalse(utterance.samples[audio.RATE // 2 :][: audio.FRAME].any())

    def test_sessions_are_not_mixed(self) -> None:
        utterances = audio.make_utterances([("ab"[i % 2], str(i), noise(0.9, i)) for i in range(6)])
        self.assertEqual([(each.session, each.clips) for each in utterances], [("a", ["0", "2", "4"]), ("b", ["1", "3", "5"])])

    def test_longer_clips_stand_alone_or_are_split(self) -> None:
        utterances = audio.make_utterances([("a", "one", noise(1.3)), ("a", "two", noise(20))])
        self.assertEqual([(each.kind, each.clips) for each in utterances][:2], [("single", ["one"]), ("split", ["two"])])
        self.assertEqual(sum(len(each.samples) for each in utterances), round(21.3 * audio.RATE))

    def test_digital_silence_and_clicks_are_rejected(self) -> None:
        self.assertFalse(audio.is_speech(np.zeros(3 * audio.RATE, np.int16)))
        self.assertFalse(audio.is_speech(np.zeros(0, np.int16)))
        self.assertFalse(audio.is_speech(noise(0.1)))
        self.assertTrue(audio.is_speech(noise(0.2)))
        self.assertEqual(audio.make_utterances([("a", "silence", np.zeros(3 * audio.RATE, np.int16))]), [])

    def test_written_files_have_one_level_and_no_digital_silence(self) -> None:
        quiet = noise(2) // 10
        quiet[: audio.RATE] = 0
        with tempfile.TemporaryDirectory() as folder:
            audio.write_wav(f"{folder}/speaker/a-0000.wav", quiet)
            with wave.open(f"{folder}/speaker/a-0000.wav") as file:
                self.assertEqual((file.getframerate(), file.getnchannels(), file.getsampwidth()), (16000, 1, 2))
                samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(int)
        self.assertEqual(len(samples), len(quiet))
        self.assertAlmostEqual(int(np.abs(samples).max()), audio.PEAK, delta=50)
        self.assertAlmostEqual(float(samples[: audio.RATE].std()), 8, delta=0.5)


class SplitTest(unittest.TestCase):
    def test_every_second_speaker_of_a_group_is_held_out_and_roles_never(self) -> None:
        rows = [speaker_row("g-1", "g"), speaker_row("g-2", "g", "role"), speaker_row("g-3", "g", "lang"), speaker_row("g-4", "g"),
                speaker_row("h-1", "h", "role"), speaker_row("h-2", "h"), speaker_row("h-3", "h")]  # fmt: skip
        lists.assign_splits(rows)
        self.assertEqual([row.split for row in rows], ["eval", "train", "train", "eval", "train", "eval", "train"])


class TrialTest(unittest.TestCase):
    def setUp(self) -> None:
        self.rows = held_out(speaker_row("g-1", "g", language="ru", sessions=("x", "y")), speaker_row("g-2", "g", language="ru"),
                             speaker_row("h-1", "h", language="en+ru"), speaker_row("h-2", "h", language="fr"))  # fmt: skip
        self.rows.append(speaker_row("g-3", "g", language="de"))
        self.rows[-1].split = "train"
        self.speakers = {row.speaker.name: row.speaker for row in self.rows}

    def draw(self, same_group: bool, cross_session: bool) -> list[tuple[int, sources.Speaker, sources.Speaker, str, str]]:
        trials = lists.draw_trials(self.rows, random.Random(7), same_group, cross_session)
        return [(target, self.speakers[one.split("/")[0]], self.speakers[two.split("/")[0]], one, two) for target, one, two in trials]

    def test_targets_are_one_speaker_and_nontargets_two(self) -> None:
        for target, one, two, utt, other in self.draw(False, False):
            self.assertEqual(target == 1, one == two)
            self.assertNotEqual(utt, other)

    def test_nontargets_never_share_a_language_across_groups(self) -> None:
        pairs = {(one.name, two.name) for target, one, two, _, _ in self.draw(False, False) if not target}
        self.assertNotIn(("g-1", "h-1"), pairs)  # both speak Russian: perhaps one volunteer
        self.assertNotIn(("h-1", "g-2"), pairs)
        self.assertIn(("g-1", "g-2"), pairs)  # one package, so two people
        self.assertIn(("g-1", "h-2"), pairs)

    def test_training_speakers_are_in_no_trial(self) -> None:
        self.assertNotIn("g-3", {speaker.name for trial in self.draw(False, False) for speaker in trial[1:3]})

    def test_group_list_keeps_to_the_group(self) -> None:
        trials = self.draw(True, False)
        self.assertTrue(trials)
        self.assertTrue(all(one.group == two.group for _, one, two, _, _ in trials))

    def test_cross_session_targets_change_the_session(self) -> None:
        targets = [(one.name, lists.session_of(utt), lists.session_of(other)) for target, one, _, utt, other in self.draw(True, True) if target]
        self.assertEqual(set(targets), {("g-1", "x", "y"), ("g-1", "y", "x")})

    def test_a_list_without_targets_is_not_written(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            lists.write_trials(folder, held_out(speaker_row("g-1", "g"), speaker_row("g-2", "g")))
            self.assertEqual(sorted(os.listdir(folder)), ["trials_all.txt", "trials_group.txt"])


class FilesTest(unittest.TestCase):
    def test_identical_clips_of_two_speakers_are_dropped_and_of_one_kept_once(self) -> None:
        one, two = (sources.Speaker(name, "g", "person", "en") for name in ("one", "two"))
        contents = {"a": b"1", "b": b"1", "c": b"2", "d": b"2", "e": b"3"}
        with tempfile.TemporaryDirectory() as folder:
            for name, content in contents.items():
                with open(f"{folder}/{name}", "wb") as file:
                    file.write(content)
            clips = [sources.Clip(speaker, "s", path) for speaker, path in ((one, "a"), (one, "b"), (one, "c"), (two, "d"), (two, "e"))]
            self.assertEqual([clip.path for clip in corpus.drop_duplicates(folder, clips)], ["a", "e"])

    def test_readers_tolerate_missing_packages(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(sources.read_all(folder), [])

    def test_a_moved_corpus_gets_its_paths_back(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(f"{folder}/unlabelled")
            lists.write_wav_scp(folder, ["s/a-0001.wav", "s/a-0000.wav"], "/old place")
            lists.write_wav_scp(f"{folder}/unlabelled", ["faq/C1-0.wav"], "/old place", "unlabelled/")
            corpus.relocate(folder)
            with open(f"{folder}/wav.scp", encoding="utf8") as file:
                self.assertEqual(file.read(), f"s/a-0000.wav {folder}/s/a-0000.wav\ns/a-0001.wav {folder}/s/a-0001.wav\n")
            with open(f"{folder}/unlabelled/wav.scp", encoding="utf8") as file:
                self.assertEqual(file.read(), f"unlabelled/faq/C1-0.wav {folder}/unlabelled/faq/C1-0.wav\n")

    def test_archive_names_lead_to_actors(self) -> None:
        dialogues = {"03": "FAYE1", "04": "STRANGER"}
        self.assertEqual(queen.classify("JOE0012", dialogues), ("lavelle", "joe"))
        self.assertEqual(queen.classify("0300A1J2", dialogues), ("lavelle", "dlg"))
        self.assertEqual(queen.classify("0300A1P2", dialogues), ("valdez", "faye"))
        self.assertEqual(queen.classify("0400A1P2", dialogues), (None, "faq"))
        self.assertEqual(queen.classify("C10000", dialogues), (None, "faq"))
        self.assertIsNone(queen.classify("DOOR", dialogues))


if __name__ == "__main__":
    unittest.main()
