"""Impulse responses of rooms by the image method (Allen & Berkley 1979)."""
import os
import wave

import numpy as np

RATE = 16000
SPEED = 343.0  # of sound, m/s


def images(length, source, receiver, most):
    """Along one axis: (distances of a source's images from the receiver, reflections of each), as far as `most` metres."""
    n = np.arange(-int(most / length) - 1, int(most / length) + 2)
    distance = np.concatenate([2 * n * length + source - receiver, 2 * n * length - source - receiver])
    reflections = np.concatenate([np.abs(2 * n), np.abs(2 * n - 1)])
    near = np.abs(distance) < most
    return distance[near], reflections[near]


def impulse_response(size, source, receiver, rt60):
    """Walls are all alike, their reflection is Eyring's for the reverberation time; delays are rounded to samples."""
    volume, surface = np.prod(size), 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    reflection = np.exp(-0.161 * volume / (surface * rt60) / 2)
    response = np.zeros(int(rt60 * RATE))
    most = len(response) / RATE * SPEED
    (x, rx), (y, ry), (z, rz) = (images(*axis, most) for axis in zip(size, source, receiver))
    plane, plane_reflections = np.add.outer(x * x, y * y).ravel(), np.add.outer(rx, ry).ravel()
    for height, more in zip(z, rz):
        distance = np.sqrt(plane + height * height)
        delay = (distance / SPEED * RATE).round().astype(int)
        heard = delay < len(response)
        gains = reflection ** (plane_reflections[heard] + more) / (4 * np.pi * distance[heard])
        response += np.bincount(delay[heard], gains, len(response))
    return response


def write_rooms(paths):
    """Rooms of 3-10 x 3-8 x 2.5-4 m with a reverberation time of 0.15 to 0.8 s, a microphone and a speaker anywhere in them."""
    draw = np.random.default_rng(1)
    for path in paths:
        size = draw.uniform([3, 3, 2.5], [10, 8, 4])
        source, receiver = (draw.uniform([0.5, 0.5, 1], size - [0.5, 0.5, 0.7]) for _ in range(2))
        response = impulse_response(size, source, receiver, draw.uniform(0.15, 0.8))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes((response / np.abs(response).max() * 32000).round().astype("<i2").tobytes())
