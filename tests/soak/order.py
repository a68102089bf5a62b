"""The order of training, computed a second time from its definition (src/base/random.h, src/loader/sampler.h), and a checkpoint moved to another
place in it."""
import os
import shutil
import struct

import h5py
import numpy as np

from sparse_shards import crc32c

MASK = (1 << 64) - 1


def mix64(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & MASK
    return x ^ x >> 31


def hash64(data, value):
    value = mix64(value ^ len(data))
    for begin in range(0, len(data), 8):
        value = mix64(value ^ struct.unpack("<Q", data[begin:begin + 8].ljust(8, b"\0"))[0])
    return value


def philox(seed, stream, blocks):
    """The first draws of 64 bits of a stream, two a block of Philox4x32-10."""
    low, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    counter = [np.arange(blocks, dtype=np.uint64), np.zeros(blocks, np.uint64), np.full(blocks, stream & 0xFFFFFFFF, np.uint64),
               np.full(blocks, stream >> 32, np.uint64)]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        one, two = np.uint64(0xD2511F53) * counter[0], np.uint64(0xCD9E8D57) * counter[2]
        counter = [two >> shift ^ counter[1] ^ np.uint64(key[0]), two & low, one >> shift ^ counter[3] ^ np.uint64(key[1]), one & low]
        key = [key[0] + 0x9E3779B9 & 0xFFFFFFFF, key[1] + 0xBB67AE85 & 0xFFFFFFFF]
    return np.stack([counter[0] << shift | counter[1], counter[2] << shift | counter[3]], axis=1).ravel()


def permutation(count, seed, epoch):
    """Fisher-Yates from the end."""
    stream = 0
    for coordinate in (1, epoch):
        stream = mix64(stream ^ mix64(coordinate + 1))
    draws = philox(seed, stream, count // 2 + 1)[:count - 1]
    places = np.arange(count, 1, -1, dtype=np.uint64)
    # A draw whose product's lower half lies below `places` may be drawn again; of a million none does but with a chance of 1e-7.
    assert not ((draws * places) < places).any()
    low, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    others = ((draws >> shift) * places + ((draws & low) * places >> shift)) >> shift
    order = list(range(count))
    for last, other in zip(range(count - 1, 0, -1), others.tolist()):
        order[last], order[other] = order[other], order[last]
    return order


def next_batch(utts, seed, step, batch_size):
    """The hash of the batch after `step` steps, as checkpoints hold it."""
    orders, value = {}, 0
    for position in range(step * batch_size, (step + 1) * batch_size):
        epoch, place = divmod(position, len(utts))
        if epoch not in orders:
            orders[epoch] = permutation(len(utts), seed, epoch)
        value = hash64(utts[orders[epoch][place]].encode(), value)
    return f"{value:016x}"


def loss_of_each(count):
    """As after an epoch on labels of which a fifth are wrong."""
    draw = np.random.default_rng(3)
    return np.exp(np.where(draw.random(count) < 0.8, draw.normal(0, 0.5, count), draw.normal(2, 0.4, count))).astype(np.float32)


def move_run(run, target, utts, step):
    """A copy of a run's folder whose only checkpoint, its newest one, says that `step` steps are done, and knows a loss of every utterance."""
    folder = os.path.join(run, "checkpoints")
    newest = max(name for name in os.listdir(folder) if name.startswith("step-"))
    os.makedirs(os.path.join(target, "checkpoints"))
    path = os.path.join(target, "checkpoints", f"step-{step:08}.h5")
    shutil.copy(os.path.join(folder, newest), path)
    with h5py.File(path, "r+") as file:
        if "labels" in file:
            losses = file["labels/losses"]
            losses[:] = loss_of_each(len(utts))
            losses.attrs.modify("crc32c", crc32c(losses[:].tobytes()))
        info = file.attrs
        batch_size = int(info["utterances"]) // int(info["step"])
        seed = next(int(line.split("=")[1]) for line in info["config"].splitlines() if line.startswith("seed"))
        for name, value in (("step", step), ("utterances", step * batch_size), ("next_batch", next_batch(utts, seed, step, batch_size))):
            info.modify(name, value)
        fields = ("step", "utterances", "num_mel_bins", "fbank", "network", "config", "precision", "data", "version", "next_batch")
        info.modify("crc32c", crc32c("\n".join(str(info[name]) for name in fields).encode()))
