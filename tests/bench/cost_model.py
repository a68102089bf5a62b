"""What a step costs on N ranks, from what a rank computes and what a link carries. Pure functions.

A step of N ranks, each with the same rows as one rank alone, takes
    compute                                     of one rank that is alone on its cores
  + messages x (scatter x e(N) + small(N))      batch norm: one short all-reduce a layer and pass, which nothing hides, and at each of which
                                                all wait for the slowest; e(N) standard deviations is what the latest of N is late
  + bucket(N)                                   the last bucket of gradients, full only when backward is over
  + max(0, gradients(N) - backward)             what of the others does not fit behind backward
with  e(N)         = the expected largest of N draws of a normal distribution (Blom 1958)
      small(N)     = ceil(log2 N) (latency + bytes / bandwidth)                        recursive doubling
      bucket(N)    = 2 (N - 1) latency + 2 (N - 1) / N bytes / bandwidth               a ring
`scatter` is fitted to a measured step of two ranks, so that it holds everything that two ranks cost here and the other terms do not explain.
It assumes one rank a network adapter, a network whose links do not disturb each other, ranks that are late independently of each other,
and that loading never holds a step up.
"""
import math
import statistics
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Link:
    name: str
    latency_s: float  # of a short message, one way
    bytes_per_s: float


@dataclass(frozen=True)
class Work:
    compute_s: float  # of a step on one rank alone
    scatter_s: float  # standard deviation of when ranks come to a message
    backward: float  # share of compute behind which gradients can travel
    gradient_bytes: float
    bucket_bytes: float  # of one bucket
    messages: int  # short all-reduces in a step
    message_bytes: float


def largest_of(ranks):
    return statistics.NormalDist().inv_cdf((ranks - 0.375) / (ranks + 0.25))


def small_seconds(ranks, size, link):
    return math.ceil(math.log2(ranks)) * (link.latency_s + size / link.bytes_per_s) if ranks > 1 else 0.0


def ring_seconds(ranks, size, link):
    return 2 * (ranks - 1) * link.latency_s + 2 * (ranks - 1) / ranks * size / link.bytes_per_s


def step_seconds(ranks, work, link):
    if ranks == 1:
        return work.compute_s
    waiting = work.messages * (work.scatter_s * largest_of(ranks) + small_seconds(ranks, work.message_bytes, link))
    buckets = math.ceil(work.gradient_bytes / work.bucket_bytes)
    early = (buckets - 1) * ring_seconds(ranks, work.bucket_bytes, link)
    return (work.compute_s + waiting + ring_seconds(ranks, work.bucket_bytes, link) + max(0.0, early - work.backward * work.compute_s))


def fitted(work, link, step_s):
    """The work with the scatter that makes a step of two ranks take so long."""
    unexplained = step_s - step_seconds(2, replace(work, scatter_s=0.0), link)
    return replace(work, scatter_s=max(0.0, unexplained) / (work.messages * largest_of(2)))


def efficiency(ranks, work, link):
    """Samples/s of N ranks over N times those of one."""
    return work.compute_s / step_seconds(ranks, work, link)
