"""Learning-rate schedules: functions from the number k of updates made so far to the rate."""

import math
import sys
from collections.abc import Callable

from tinygrad_edu.checks import real, whole
from tinygrad_edu.namespace import floats

__all__ = ["Schedule", "cosine_decay", "exponential_decay", "linear_decay", "step_decay"]

Schedule = Callable[[int], float]


def linear_decay(start: float, end: float, steps: int) -> Schedule:
    """lr = start + (end - start) k / steps, and `end` from step `steps` on."""
    start, end = real("start", start, above=0), real("end", end, least=0)
    steps = whole("steps", steps)
    return _schedule(lambda k: start + (end - start) * min(k / steps, 1.0))


def step_decay(start: float, every: int, factor: float = 0.1) -> Schedule:
    """lr = start * factor^floor(k / every)."""
    start, factor = real("start", start, above=0), real("factor", factor, above=0)
    every = whole("every", every)
    return _schedule(lambda k: start * floats.pow(factor, k // every))


def exponential_decay(start: float, factor: float) -> Schedule:
    """lr = start * factor^k."""
    start, factor = real("start", start, above=0), real("factor", factor, above=0)
    return _schedule(lambda k: start * floats.pow(factor, k))


def cosine_decay(start: float, steps: int, end: float = 0.0) -> Schedule:
    """lr = end + (start - end) (1 + cos(pi k / steps)) / 2 (Loshchilov and Hutter 2017)."""
    start, end = real("start", start, above=0), real("end", end, least=0)
    steps = whole("steps", steps)
    return _schedule(
        lambda k: end + (start - end) * (1 + math.cos(math.pi * min(k / steps, 1.0))) / 2
    )


def _schedule(rate: Schedule) -> Schedule:
    """The rate after k updates, which are counted from 0."""
    return lambda k: rate(whole("step", k, 0, sys.maxsize))
