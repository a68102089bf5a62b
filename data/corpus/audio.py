"""From a stored clip to utterances of 1 to 12 s: decode, cut long clips, stitch short ones, level, write. 16 kHz, mono, int16."""

import functools
import os
import subprocess
import wave
from dataclasses import dataclass

import numpy as np

import sources

RATE = 16000  # samples per second
LONGEST = 12 * RATE  # samples of an utterance
SHORTEST = RATE
SINGLE = 13 * RATE // 10  # a clip of this length stands alone; shorter ones are stitched
STITCHED = 2 * RATE  # stitching goes on until there is so much, gaps not counted
FRAME = RATE // 20  # 50 ms: the gap between stitched clips, and the unit in which cut() looks for a pause
PEAK = 23000  # level of the loudest sample
RAW = ["-t", "raw", "-e", "signed", "-b", "16", "-c", "1", "-r", str(RATE)]
TRIM = ["silence", "1", "0.03", "0.6%", "reverse"]  # drops leading silence and turns the clip round: twice trims both ends
EFFECTS = ["gain", "-n", "-3", "highpass", "80", *TRIM, *TRIM]


@dataclass
class Utterance:
    session: str
    kind: str  # single: one clip; split: part of a long clip; stitched: several short clips
    samples: np.ndarray
    clips: list[str]  # paths of the clips


@functools.lru_cache(maxsize=2)  # packages; no speaker has clips in more than two
def decode_g722_package(root: str, package: str) -> dict[str, bytes]:
    """Path -> PCM of all G.722 files of a package, by one run of ffmpeg: a byte of G.722 is two samples, so the result cuts by size."""
    paths = [path for path in sources.find(root, f"{package}/**/*.g722") if not os.path.islink(f"{root}/{path}")]
    contents = []
    for path in paths:
        with open(f"{root}/{path}", "rb") as file:
            contents.append(file.read())
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "g722", "-i", "-", "-f", "s16le", "-"]
    pcm = subprocess.run(command, input=b"".join(contents), stdout=subprocess.PIPE, check=True).stdout
    decoded, start = {}, 0
    for path, content in zip(paths, contents):
        decoded[path] = pcm[start : start + 4 * len(content)]
        start += 4 * len(content)
    return decoded


def decode(root: str, clip: sources.Clip) -> np.ndarray:
    """The clip at 16 kHz, without its leading and trailing silence; empty if nothing is left. No dither: equal on every run."""
    data = None
    if clip.encoding == "g722":
        data = decode_g722_package(root, clip.path.split("/")[0])[clip.path]
        source = [*RAW, "-"]
    elif clip.encoding == "u8":
        source = ["-t", "raw", "-e", "unsigned", "-b", "8", "-c", "1", "-r", "11025", f"{root}/{clip.path}"]
    else:
        source = [f"{root}/{clip.path}"]
    done = subprocess.run(["sox", "-D", "-V1", *source, *RAW, "-", *EFFECTS], input=data or b"", capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"sox cannot decode {clip.path}: {done.stderr.decode(errors='replace').strip()}")
    return np.frombuffer(done.stdout, np.int16)


def is_speech(samples: np.ndarray) -> bool:
    """False for near-silence and clicks."""
    return len(samples) >= 0.15 * RATE and bool(np.abs(samples.astype(np.int32)).mean() > 150)


def cut(samples: np.ndarray) -> list[np.ndarray]:
    """Parts of at most 12 s; a long clip is cut at the quietest 50 ms between 5 and 10 s. Nothing is lost: the parts join to the clip."""
    parts = []
    while len(samples) > LONGEST:
        frames = np.abs(samples[5 * RATE : 10 * RATE].astype(np.int32)).reshape(-1, FRAME)
        end = 5 * RATE + int(frames.mean(axis=1).argmin()) * FRAME
        parts.append(samples[:end])
        samples = samples[end:]
    return [*parts, samples]


def stitch(clips: list[np.ndarray]) -> np.ndarray:
    """The clips one after another, each followed by 50 ms of silence."""
    gap = np.zeros(FRAME, np.int16)
    return np.concatenate([part for clip in clips for part in (clip, gap)])


def make_utterances(decoded: list[tuple[str, str, np.ndarray]]) -> list[Utterance]:
    """Utterances of one speaker from (session, path, samples) in order. Short clips that never fill an utterance are dropped."""
    utterances = []
    waiting: dict[str, list[tuple[str, np.ndarray]]] = {}  # session -> short clips
    for session, path, samples in decoded:
        if not is_speech(samples):
            continue
        if len(samples) >= SINGLE:
            kind = "single" if len(samples) <= LONGEST else "split"
            utterances += [Utterance(session, kind, part, [path]) for part in cut(samples) if len(part) >= SHORTEST]
            continue
        pool = waiting.setdefault(session, [])
        pool.append((path, samples))
        if sum(len(short) for _, short in pool) >= STITCHED:
            joined = stitch([short for _, short in pool])
            utterances.append(Utterance(session, "stitched", joined, [short_path for short_path, _ in pool]))
            waiting[session] = []
    return utterances


@functools.cache
def noise_floor() -> np.ndarray:
    """60 s at about -72 dBFS: hides digital silence, which would give a source away."""
    return np.random.RandomState(0).normal(0, 8, 60 * RATE)


def level(samples: np.ndarray) -> np.ndarray:
    """The samples with their peak at a fixed level, over the noise floor; the stretch of noise depends on the length alone."""
    noise = noise_floor()
    start = len(samples) % (len(noise) - len(samples))
    peak = max(float(np.abs(samples.astype(np.float64)).max()), 1.0)
    mixed = samples.astype(np.float64) * (PEAK / peak) + noise[start : start + len(samples)]
    return np.clip(mixed, -32768, 32767).astype("<i2")


def write_wav(path: str, samples: np.ndarray) -> None:
    """Levels the samples and writes them; makes the folder."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(level(samples).tobytes())
