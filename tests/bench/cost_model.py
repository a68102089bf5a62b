"""What a step costs on N ranks, from what a rank computes and what a link carries. Pure functions.

A step of N ranks, each with the same rows as one rank alone, takes
    compute x (1 + jitter sqrt(2 ln N))         the slowest of N ranks whose step times scatter by `jitter` of their mean
  + messages x small(N)                         batch norm: one short all-reduce a layer and pass, which nothing hides
  + bucket(N)                                   the last bucket of gradients, full only when backward is over
  + max(0, gradients(N) - backward)             what of the others does not fit behind backward
with  small(N)     = ceil(log2 N) (latency + bytes / bandwidth)                        recursive doubling
      bucket(N)    = 2 (N - 1) latency + 2 (N - 1) / N bytes / bandwidth               a ring
It assumes one rank a network adapter, a network whose links do not disturb each other, and that loading never holds a step up.
"""
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    name: str
    latency_s: float  # of a short message, one way
    bytes_per_s: float


@dataclass(frozen=True)
class Work:
    compute_s: float  # of a step on one rank alone
    jitter: float  # standard deviation of that over its mean
    backward: float  # share of compute behind which gradients can travel
    gradient_bytes: float
    bucket_bytes: float  # of one bucket
    messages: int  # short all-reduces in a step
    message_bytes: float


def small_seconds(ranks, size, link):
    return math.ceil(math.log2(ranks)) * (link.latency_s + size / link.bytes_per_s) if ranks > 1 else 0.0


def ring_seconds(ranks, size, link):
    return 2 * (ranks - 1) * link.latency_s + 2 * (ranks - 1) / ranks * size / link.bytes_per_s


def step_seconds(ranks, work, link):
    if ranks == 1:
        return work.compute_s
    slowest = work.compute_s * (1 + work.jitter * math.sqrt(2 * math.log(ranks)))
    buckets = math.ceil(work.gradient_bytes / work.bucket_bytes)
    early = (buckets - 1) * ring_seconds(ranks, work.bucket_bytes, link)
    return (slowest + work.messages * small_seconds(ranks, work.message_bytes, link) + ring_seconds(ranks, work.bucket_bytes, link)
            + max(0.0, early - work.backward * work.compute_s))


def efficiency(ranks, work, link):
    """Samples/s of N ranks over N times those of one."""
    return work.compute_s / step_seconds(ranks, work, link)
