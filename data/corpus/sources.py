"""What each Debian package holds: which clip was spoken by whom, in which session, and how it is stored.

Every reader takes the folder with the unpacked packages, yields clips in a fixed order, and yields nothing for packages that are
not there. Paths are relative to that folder. How sure a label is stands in `Speaker.label`:
  person  a name or a credit says that one human speaks       lang  one volunteer per language folder, assumed
  role    one character; its actor may speak other characters too
"""

import collections
import glob
import os
import re
from dataclasses import dataclass
from typing import Iterator

import queen


@dataclass(frozen=True)
class Speaker:
    name: str
    group: str  # the packages that share a recording chain
    label: str  # person, lang or role
    language: str  # "en", or "en+es" for more than one


@dataclass(frozen=True)
class Clip:
    speaker: Speaker | None  # None: unlabelled
    session: str
    path: str  # relative to the folder of packages
    encoding: str = "container"  # container: sox knows it; g722: raw G.722 at 16 kHz; u8: raw unsigned 8 bit at 11,025 Hz


def find(root: str, pattern: str) -> list[str]:
    """Sorted paths below `root` that match; `**` is any number of folders."""
    return sorted(glob.glob(pattern, root_dir=root, recursive=True))


def last_folders(root: str, pattern: str) -> list[tuple[str, str]]:
    """(name, path with a final slash) of the folders that match."""
    return [(path.rstrip("/").rsplit("/", 1)[-1], path) for path in find(root, pattern.rstrip("/") + "/")]


def clips_of(speaker: Speaker, session: str, paths: list[str], encoding: str = "container") -> Iterator[Clip]:
    return (Clip(speaker, session, path, encoding) for path in paths)


def asterisk(root: str) -> Iterator[Clip]:
    """Telephone prompts by professionals, one per package. Allison speaks English and Spanish: two sessions."""
    no_speech = re.compile(r"/silence/|beep|2tone|tt-monkeys|tt-somethingwrong|/dir-|ss-noservice\d|doorbell|/moh")
    for package, name, session, language, suffix in [
        ("core-sounds-en-g722", "allison", "en", "en+es", "g722"),
        ("core-sounds-es-g722", "allison", "es", "en+es", "g722"),
        ("core-sounds-fr-g722", "june", "fr", "fr", "g722"),
        ("core-sounds-it-g722", "carlo", "it", "it", "g722"),
        ("core-sounds-ru-g722", "ivrru", "ru", "ru", "g722"),
        ("prompt-it-menardi-wav", "menardi", "it", "it", "wav"),
        ("prompt-fr-armelle", "armelle", "fr", "fr", "gsm"),
        ("prompt-es-co", "esco", "es", "es", "gsm"),
    ]:
        paths = [path for path in find(root, f"asterisk-{package}/**/*.{suffix}") if not no_speech.search(path)]
        speaker = Speaker(f"ast-{name}", "asterisk", "person", language)
        yield from clips_of(speaker, session, paths, "g722" if suffix == "g722" else "container")


def tuxpaint(root: str) -> Iterator[Clip]:
    """Spoken names of drawings, one volunteer per language. Letters and digits come from other projects: left out."""
    for language in "be bg ca da el es fr ro ru".split():
        paths = [path for path in find(root, f"tuxpaint-stamps-default/**/*_desc_{language}.ogg") if "/symbols/" not in path]
        yield from clips_of(Speaker(f"tux-{language}", "tuxpaint", "person", language), language, paths)


def fillets(root: str) -> Iterator[Clip]:
    """Dialogues of a game in two languages: the subtitle font of a line tells its character. The two fish are one actor each."""
    fonts = collections.defaultdict(set)  # line -> fonts
    for path in find(root, "fillets-ng-data/**/script/**/dialogs*.lua"):
        with open(f"{root}/{path}", encoding="utf8", errors="replace") as script:
            for line, font in re.findall(r'dialogId\("([^"]+)", *"([^"]+)"', script.read()):
                fonts[line].add(font)
    for language in "cs", "nl":
        for path in find(root, f"fillets-ng-data-{language}/**/*.ogg"):
            level, line = path.split("/")[-3], os.path.basename(path)[: -len(".ogg")]
            if len(fonts[line]) != 1:
                continue
            character = next(iter(fonts[line])).removeprefix("font_")
            if character in ("small", "big"):
                label = "person"
            elif language == "cs" and (character == "parrot" or level == "linux" and character in ("linuxer1", "linuxer2")):
                label = "role"  # other minor characters are few or, like the two gods, mostly noise
            else:
                continue
            yield Clip(Speaker(f"fil-{language}-{character}", "fillets", label, language), language, path)


def festvox(root: str) -> Iterator[Clip]:
    """A synthesis voice that ships its recordings: one man reads sentences."""
    yield from clips_of(Speaker("frv-nsh", "festvox-ru", "person", "ru"), "ru", find(root, "festvox-ru/**/wav/*.wav"))


def klettres(root: str) -> Iterator[Clip]:
    """Letters and syllables in many languages."""
    for language, folder in last_folders(root, "klettres-data/usr/share/klettres/*"):
        yield from clips_of(Speaker(f"kle-{language}", "klettres", "lang", language), language, find(root, f"{folder}**/*.ogg"))


def ktuberling(root: str) -> Iterator[Clip]:
    """Single words in many languages. Serbian in its other script (sr@...) repeats the same recordings: left out."""
    for language, folder in last_folders(root, "ktuberling-data/usr/share/ktuberling/sounds/*"):
        if not language.startswith("sr@"):
            paths = find(root, f"{folder}*.ogg") + find(root, f"{folder}*.wav")
            yield from clips_of(Speaker(f"ktu-{language}", "ktuberling", "lang", language), language, paths)


def gcin(root: str) -> Iterator[Clip]:
    """Mandarin syllables, spoken by two people that the package names."""
    for voice in "3", "5":
        yield from clips_of(Speaker(f"gcn-{voice}", "gcin", "person", "zh"), "zh", find(root, f"gcin-voice/**/{voice}.ogg"))


def hedgewars(root: str) -> Iterator[Clip]:
    """Taunts of a game's creatures, some pitched or shouted. Robot is not a voice."""
    for voice, folder in last_folders(root, "hedgewars-data/**/Sounds/voices/*"):
        if voice != "Robot":
            speaker = Speaker("hdg-" + voice.replace("_", "-"), "hedgewars", "role", "-")
            yield from clips_of(speaker, "a", find(root, f"{folder}*.ogg"))


def kajongg(root: str) -> Iterator[Clip]:
    """Calls of a game. The German and the English voices may be the same people."""
    for language, pattern in ("en", "voices/*male*"), ("de", "voices/de/*male*"):
        for voice, folder in last_folders(root, f"kajongg/usr/share/kajongg/{pattern}"):
            speaker = Speaker(f"kaj-{language}-{voice}", "kajongg", "role", language)
            yield from clips_of(speaker, "a", find(root, f"{folder}*.ogg"))


def amazon_queen(root: str) -> Iterator[Clip]:
    """Dialogues of a game: actors by its credits, session = character. Lines without a sure actor are unlabelled."""
    for archive in find(root, "flight-of-the-amazon-queen/**/queen.1c"):
        for path, actor, session in queen.unpack(root, archive):
            speaker = Speaker(f"faq-{actor}", "amazonqueen", "person", "en") if actor else None
            yield Clip(speaker, session, path)


def drascula(root: str) -> Iterator[Clip]:
    """Dialogues of a game in two languages: the file's prefix is the character. (The Italian package repeats the English audio.)"""
    characters = {"": "hacker", "D": "dracula", "VB": "vonbraun", "I": "igor", "BJ": "bj", "L": "werewolf", "T": "bartender",
                  "E": "blind", "P": "pianist", "B": "b"}  # fmt: skip
    for language, package in ("en", "drascula"), ("es", "drascula-spanish"):
        for path in find(root, f"{package}/usr/share/scummvm/drascula/{language}/*.ALS"):
            prefix = re.match(r"([A-Z]*)\d+\.ALS$", os.path.basename(path))
            if prefix and prefix[1] in characters:
                speaker = Speaker(f"dra-{language}-{characters[prefix[1]]}", f"drascula-{language}", "role", language)
                yield Clip(speaker, language, path, "u8")


READERS = (asterisk, tuxpaint, fillets, festvox, klettres, ktuberling, gcin, hedgewars, kajongg, amazon_queen, drascula)


def read_all(root: str) -> list[Clip]:
    """The clips of all packages below `root`. Symbolic links (files shared with another package) are left out."""
    return [clip for reader in READERS for clip in reader(root) if not os.path.islink(f"{root}/{clip.path}")]
