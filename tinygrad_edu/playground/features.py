"""Features: what the net is given of a point of the plane."""

from collections.abc import Callable, Iterable, Sequence
from math import pi
from typing import Any, Final

import numpy as np

from tinygrad_edu.checks import one_of
from tinygrad_edu.examples import inputs
from tinygrad_edu.vectorize.arrays import Array

__all__ = ["FEATURES", "features"]

#: A feature by name: a function of x1 and x2.
FEATURES: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "x1": lambda x1, x2: x1,
    "x2": lambda x1, x2: x2,
    "x1*x2": lambda x1, x2: x1 * x2,
    "x1**2": lambda x1, x2: x1 * x1,
    "x2**2": lambda x1, x2: x2 * x2,
    "sin(pi*x1)": lambda x1, x2: np.sin(pi * x1),
    "sin(pi*x2)": lambda x1, x2: np.sin(pi * x2),
}


def features(X: Iterable[Any], names: Sequence[str]) -> list[list[float]]:
    """Rows of the features named, a column each, of n points (x1, x2).

    >>> features([[2.0, 3.0]], ["x1", "x1*x2", "x2**2"])
    [[2.0, 6.0, 9.0]]
    """
    rows: list[list[float]] = columns(inputs(X).array, names).tolist()
    return rows


def columns(points: Array, names: Sequence[str]) -> Array:
    """The same for an array (n, 2): (n, number of names)."""
    x1, x2 = points.T
    found: Array = np.stack([FEATURES[feature(name)](x1, x2) for name in names], axis=-1)
    return found


def feature(name: str) -> str:
    """The name, checked. Raises ValueError for an unknown one."""
    return one_of("feature", name, FEATURES)
