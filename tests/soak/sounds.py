"""Noises and music of Debian packages, for augmented copies in MUSAN's place."""
import subprocess
from pathlib import Path

NOISES = ("tuxpaint-stamps-default", "qabcs-data", "sound-theme-freedesktop")
MUSIC = ("hedgewars-data", "fillets-ng-data")
AUDIO = (".ogg", ".wav", ".oga", ".mp3")


def fetch(package, debs):
    """The package's .deb, downloaded when it is not there yet."""
    if not list(debs.glob(f"{package}_*.deb")):
        subprocess.run(["apt-get", "download", package], cwd=debs, check=True, capture_output=True)
    return sorted(debs.glob(f"{package}_*.deb"))[-1]


def is_noise(path):
    return "_desc" not in path.name  # a stamp's description is read aloud


def is_music(path):
    return "music" in str(path).lower()


def convert(packages, wanted, debs, work, out):
    """Recordings of the packages as 16 kHz wav files; those without a sound are left out."""
    out.mkdir(parents=True)
    found = []
    for package in packages:
        subprocess.run(["dpkg", "-x", fetch(package, debs), work / package], check=True)
        found += sorted(path for path in (work / package).rglob("*") if path.suffix in AUDIO and path.is_file() and wanted(path))
    for number, path in enumerate(found):
        target = out / f"{number:04}.wav"
        done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", path, "-ac", "1", "-ar", "16000", target], check=False, capture_output=True)
        if done.returncode != 0:
            target.unlink(missing_ok=True)
    return out


def write_list(folder, path):
    Path(path).write_text("".join(f"{each.stem} {each}\n" for each in sorted(folder.glob("*.wav"))), encoding="utf-8")
    return path
