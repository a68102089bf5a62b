"""Shards of as many utterances as VoxCeleb2's development set has, in the form that `spcnet-data fbank` writes, but for their features: those are
holes in the files. They read as zeros, and take no room on the disk."""
import os

import h5py
import numpy as np

UTTS, SPEAKERS = 1_092_009, 5_994
BINS = 80
SHARD_FRAMES = 2_000_000  # spcnet-data's default
SHORTEST, LONGEST, MEAN = 398, 6000, 755  # frames of 10 ms: 132 GB in all
FBANK = f"num_mel_bins={BINS} sample_rate=16000 frame_length_ms=25 frame_shift_ms=10"


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


def crc32c(data, table=tuple(crc_table())):
    register = 0xFFFFFFFF
    for byte in data:
        register = register >> 8 ^ table[(register ^ byte) & 0xFF]
    return register ^ 0xFFFFFFFF


def crcs_of_zeros(most_frames):
    """CRC-32C of 0, 1, .. `most_frames` frames of zeros."""
    register, crcs, table = 0xFFFFFFFF, [0], crc_table()
    for _ in range(most_frames):
        for _ in range(2 * BINS):
            register = register >> 8 ^ table[register & 0xFF]
        crcs.append(register ^ 0xFFFFFFFF)
    return np.array(crcs, np.uint32)


def lengths(count):
    """Frames of each utterance: four seconds and more, a few of them much longer."""
    random = np.random.default_rng(1)
    frames = SHORTEST + (MEAN - SHORTEST) * random.standard_exponential(count)
    return np.minimum(frames, LONGEST).astype(np.int64)


def names(count, speakers):
    """(utterances, speakers), named as Kaldi's recipe names VoxCeleb2's: id00012-21Uxsk56VDQ-00001."""
    letters = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"))
    random = np.random.default_rng(2)
    videos = ["".join(row) for row in letters[random.integers(0, len(letters), (count // 7 + 1, 11))]]
    spks = [f"id{i * speakers // count:05}" for i in range(count)]
    return [f"{spk}-{videos[i // 7]}-{i:07}" for i, spk in enumerate(spks)], spks


def write_shard(path, utts, spks, frames, crcs, begin):
    """`begin`: rows of the list before this shard's."""
    text = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)  # a place in the file
        creation.set_fill_time(h5py.h5d.FILL_TIME_NEVER)    # that nothing is written to
        space = h5py.h5s.create_simple((int(frames.sum()), BINS))
        h5py.h5d.create(file.id, b"feats", h5py.h5t.IEEE_F16LE, space, creation)
        file.create_dataset("utt", data=utts, dtype=text)
        file.create_dataset("first_frame", data=np.cumsum(frames) - frames)
        file.create_dataset("num_frames", data=frames)
        file.create_dataset("crc32c", data=crcs[frames])
        file.create_dataset("spk", data=spks, dtype=text)
        file.attrs.update({"format_version": 1, "fbank": FBANK, "item_begin": begin, "item_end": begin + len(utts), "items": "holes"})


def write_shards(folder, count=UTTS, speakers=SPEAKERS):
    """The folder's shards and manifest; returns (utterances, their frames)."""
    os.makedirs(folder)
    frames = lengths(count)
    utts, spks = names(count, speakers)
    crcs = crcs_of_zeros(int(frames.max()))
    number_of = (np.cumsum(frames) - frames) // SHARD_FRAMES
    bounds = [*np.flatnonzero(np.diff(number_of, prepend=-1)), count]
    lines = ["# spcnet shards, format 1", "# part 1 of 1", f"# fbank {FBANK}", "# items holes", "# bad 0", "# file\tutterances\tframes"]
    for number, (begin, end) in enumerate(zip(bounds, bounds[1:])):
        name = f"shard-{number:05}.h5"
        write_shard(os.path.join(folder, name), utts[begin:end], spks[begin:end], frames[begin:end], crcs, int(begin))
        lines.append(f"{name}\t{end - begin}\t{frames[begin:end].sum()}")
    with open(os.path.join(folder, "manifest-001-of-001.tsv"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return utts, frames
