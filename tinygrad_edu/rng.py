"""The one way a seed becomes a generator of random numbers."""

import random
from numbers import Integral

__all__ = ["as_random"]


def as_random(rng: int | random.Random) -> random.Random:
    """Return `rng` itself, or a new `random.Random` seeded with it.

    A `Random` is used and advanced; an int gives the same numbers at every call. Anything else
    (None, a bool, a NumPy generator) is a TypeError, a negative seed a ValueError:
    `random.Random(-1)` would repeat `random.Random(1)`.
    """
    if isinstance(rng, random.Random):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, Integral):
        raise TypeError(
            f"rng must be an int seed or a random.Random, got {type(rng).__name__}; write rng=0"
        )
    if rng < 0:
        raise ValueError(f"rng must be a seed of at least 0, got {rng}; write rng={-rng}")
    return random.Random(int(rng))
