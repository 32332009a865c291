"""Settings: everything that is chosen in the playground, and the features of a point, checked."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import pi
from typing import Any, Final

import numpy as np

from tinygrad_edu.checks import Check, listed, one_of, real, whole
from tinygrad_edu.data import DATA_SETS
from tinygrad_edu.examples import inputs
from tinygrad_edu.losses import RECORDS
from tinygrad_edu.nn import UNIT_ACTIVATIONS
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
    points = inputs(X).array
    if points.shape[1:] != (2,):
        raise ValueError(f"X has rows of {points.shape[-1]} numbers: points of the plane have 2")
    if not (names := _features("names", names)):
        raise ValueError('names is empty: write names=["x1", "x2"]')
    rows: list[list[float]] = columns(points, names).tolist()
    return rows


def columns(points: Array, names: Sequence[str]) -> Array:
    """The same for an array (n, 2): (n, number of names)."""
    x1, x2 = points.T
    found: Array = np.stack([FEATURES[name](x1, x2) for name in names], axis=-1)
    return found


#: The data sets of points of the plane; "own" is the user's.
DATA: Final = {name: recipe for name, recipe in DATA_SETS.items() if recipe.noise}
OWN: Final = "own"
LOSSES: Final = tuple(name for name in sorted(RECORDS) if RECORDS[name].page)
PENALTIES: Final = ("none", "l1", "l2")
#: Of hidden units; softmax is one of a whole layer.
UNITS: Final = UNIT_ACTIVATIONS
MAX_LAYERS, MAX_UNITS = 4, 16
#: What can change while training goes on; everything else starts it anew.
RUNNING: Final = frozenset(["lr", "penalty", "strength", "batch_size"])


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is chosen. Raises TypeError or ValueError naming the setting.

    data        "moons", "circles", "spiral", "blobs", "xor", or "own"
    n, noise    number of points and standard deviation; not those of "own"
    test_share  the part of the points held out, from 0 to below 1
    features    of a point, such as ("x1", "x2", "x1*x2")
    hidden      units of each hidden layer, at most 4 layers of 16
    loss        "cross_entropy", "half_squared_error", or for two classes "hinge"
    lr          learning rate
    penalty     "none", "l1" or "l2", times `strength`
    batch_size  number of examples in an update, None for all
    seed        of data, split, initial weights and shuffling
    """

    data: str = "moons"
    n: int = 300
    noise: float = 0.2
    test_share: float = 0.3
    features: Sequence[str] = ("x1", "x2")
    hidden: Sequence[int] = (8, 8)
    activation: str = "tanh"
    loss: str = "cross_entropy"
    lr: float = 0.1
    penalty: str = "none"
    strength: float = 0.001
    batch_size: int | None = 10
    seed: int = 0

    def __post_init__(self) -> None:
        for name, check in CHECKS.items():
            object.__setattr__(self, name, check(name, getattr(self, name)))
        if not self.features:
            raise ValueError('features is empty: a net needs at least one, such as ["x1", "x2"]')
        if len(set(self.features)) < len(self.features):
            raise ValueError(f"features names one twice: {', '.join(self.features)}")
        if len(self.hidden) > MAX_LAYERS:
            raise ValueError(
                f"hidden has {len(self.hidden)} layers, at most {MAX_LAYERS} are shown"
            )


def _features(name: str, x: Any) -> tuple[str, ...]:
    return tuple(one_of("feature", item, FEATURES) for item in listed(name, x, "features"))


def _layers(name: str, x: Any) -> tuple[int, ...]:
    sizes = listed(name, x, "layer sizes")
    return tuple(whole(f"a layer in {name}", n, 1, MAX_UNITS) for n in sizes)


#: What each setting may be.
CHECKS: Final[dict[str, Check]] = {
    "data": partial(one_of, table=(*DATA, OWN)),
    "n": partial(whole, least=4),
    "noise": partial(real, least=0),
    "test_share": partial(real, least=0, below=1),
    "features": _features,
    "hidden": _layers,
    "activation": partial(one_of, table=UNITS),
    "loss": partial(one_of, table=LOSSES),
    "lr": partial(real, above=0),
    "penalty": partial(one_of, table=PENALTIES),
    "strength": partial(real, least=0),
    "batch_size": lambda name, n: None if n is None else whole(name, n),
    "seed": partial(whole, least=0),
}
