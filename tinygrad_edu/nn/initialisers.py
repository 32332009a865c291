"""Initial weights: how one is drawn for a unit with `nin` inputs in a layer of `nout` units."""

import math
import random
from collections.abc import Callable
from typing import Final

from tinygrad_edu.checks import one_of
from tinygrad_edu.nn.activations import Activation, record_of
from tinygrad_edu.nn.mode import current

#: Draws one weight: (rng, nin, nout) -> weight.
Initialiser = Callable[[random.Random, int, int], float]


def zeros(rng: random.Random, nin: int, nout: int) -> float:
    """0 for every weight: the units of a layer stay equal, and sigmoids give 1/2 whatever x is."""
    return 0.0


def normal(rng: random.Random, nin: int, nout: int) -> float:
    """Standard Gaussian, mean 0 and variance 1: wide layers saturate."""
    return rng.gauss(0.0, 1.0)


def uniform(rng: random.Random, nin: int, nout: int) -> float:
    """Uniform in (-1, 1)."""
    return rng.uniform(-1.0, 1.0)


def small(rng: random.Random, nin: int, nout: int) -> float:
    """Uniform in (-0.05, 0.05), the small random numbers of Mitchell (1997, table 4.2)."""
    return rng.uniform(-0.05, 0.05)


def xavier(rng: random.Random, nin: int, nout: int) -> float:
    """Uniform in +-sqrt(6 / (nin + nout)) (Glorot and Bengio 2010): for sigmoid and tanh."""
    limit = math.sqrt(6 / (nin + nout))
    return rng.uniform(-limit, limit)


def he(rng: random.Random, nin: int, nout: int) -> float:
    """Gaussian with variance 2 / nin (He, Zhang, Ren and Sun 2015): for the ReLU family."""
    return rng.gauss(0.0, math.sqrt(2 / nin))


INITIALISERS: Final[dict[str, Initialiser]] = {
    draw.__name__: draw for draw in (he, normal, small, uniform, xavier, zeros)
}


def initialiser(init: str | Initialiser | None, activation: Activation) -> Initialiser:
    """The initialiser of that name, the function itself, or by default the one for `activation`."""
    if init is None:
        init = record_of(activation).init if current.get().drawn else "zeros"
    return init if callable(init) else INITIALISERS[one_of("init", init, INITIALISERS)]
