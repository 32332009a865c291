"""Settings: everything that is chosen in the playground, and the features of a point, checked."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from math import cos, exp, hypot, pi, sin
from typing import Any, Final
from urllib.parse import urlencode

import numpy as np

from tinygrad_edu.checks import Check, listed, one_of, real, whole
from tinygrad_edu.data import DATA_SETS
from tinygrad_edu.examples import inputs
from tinygrad_edu.losses import RECORDS
from tinygrad_edu.nn import UNIT_ACTIVATIONS
from tinygrad_edu.playground.parts import PENALTIES, UPDATES
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
    if not (names := _FEATURES("names", names)):
        raise ValueError('names is empty: write names=["x1", "x2"]')
    return columns(points, names)


def columns(points: Array, names: Sequence[str]) -> list[list[float]]:
    """The same for an array (n, 2), or (n, 1) and features of x1 alone."""
    x1, x2 = points[:, 0], points[:, -1]
    found: list[list[float]] = np.stack(
        [FEATURES[name](x1, x2) for name in names], axis=-1
    ).tolist()
    return found


#: The data sets of points of the plane, functions of one and of two numbers; "own" are the user's
#: points; of sets with as many classes as one wants, what Python calls their number.
POINTS: Final = {name: recipe for name, recipe in DATA_SETS.items() if recipe.noise}
COUNTED: Final = {"spiral": "arms", "blobs": "centers"}
FUNCTIONS: Final[Mapping[str, Callable[[float], float]]] = {
    "line": lambda x: 0.8 * x - 0.1,
    "sine": lambda x: sin(3 * x),
    "wave": lambda x: sin(8 * x) * x,
    "bend": lambda x: abs(x) - 0.5,
    "jump": lambda x: 0.7 if x > 0 else -0.7,
}
SURFACES: Final[Mapping[str, Callable[[float, float], float]]] = {
    "plane": lambda x1, x2: (x1 + x2) / 2,
    "hills": lambda x1, x2: 20 * x1 * x2 * exp(-4 * (x1**2 + x2**2)),
    "ripple": lambda x1, x2: cos(6 * hypot(x1, x2)),
}
SETS: Final = (*POINTS, *FUNCTIONS, *SURFACES)
OWN: Final = "own"
LOSSES: Final = tuple(name for name, record in RECORDS.items() if record.page)
#: Of hidden units; softmax is one of a whole layer, and the slope of prelu is learned.
UNITS: Final = tuple(name for name in UNIT_ACTIVATIONS if name != "prelu")
MOST_LAYERS, MOST_UNITS, MOST_POINTS, MOST_CLASSES = 6, 8, 1000, 10
#: What can change while training goes on; everything else starts it anew.
RUNNING: Final = frozenset(["rate", "optimizer", "penalty", "strength", "batch"])


def _each(of: str, what: str, check: Check) -> Check:
    return lambda name, x: tuple(check(what, item) for item in listed(name, x, of))


def _units(what: str, n: Any) -> int:
    """As many as the page has room for."""
    try:
        return whole(what, n, 1, MOST_UNITS)
    except ValueError as error:
        way = "more train in a page of export.to_page(model, X, y, ...)"
        raise ValueError(f"{error}: {way}" if n > MOST_UNITS else str(error)) from None


def _or_none(check: Check) -> Check:
    return lambda name, x: None if x is None else check(name, x)


def _setting(default: Any, check: Check) -> Any:
    return field(default=default, metadata={"check": check})


_SEED: Final = partial(whole, least=0, most=2**32 - 1)
_FEATURES: Final = _each("features", "feature", partial(one_of, table=FEATURES))
_SIZES: Final = _each("layer sizes", "a layer in hidden", _units)
_KINDS: Final = _each("names", "activation", partial(one_of, table=UNITS))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is chosen. Raises TypeError or ValueError naming the setting.

    data         "moons", "circles", "spiral", "blobs", "xor"; functions of one number: "line",
                 "sine", "wave", "bend", "jump"; of two: "plane", "hills", "ripple"; or "own"
    n, noise     number of points, at most 1,000, and standard deviation; not those of "own"
    share        the part of the points held out, from 0 to 0.9
    seed         of data, split and shuffling
    start        the seed of the first weights, that of the data where it is None
    classes      how many, of "spiral" and "blobs", at most 10
    features     of a point, such as ("x1", "x2", "x1*x2")
    hidden       units of each hidden layer, at most 6 layers of 8
    activations  of each hidden layer; one name is that of all, a further layer is like the last
    loss         "cross_entropy", "half_squared_error", or for two classes "hinge"
    optimizer    "adam", "sgd", "momentum", ... with their usual options
    rate         the learning rate
    batch        number of examples in an update, None for all
    penalty      "none", "l1" or "l2", times `strength`
    dropout      the probability with which a hidden unit is left out, from 0 to 0.9
    """

    data: str = _setting("moons", partial(one_of, table=(*SETS, OWN)))
    n: int = _setting(240, partial(whole, least=4, most=MOST_POINTS))
    noise: float = _setting(0.15, partial(real, least=0, most=10))
    share: float = _setting(0.3, partial(real, least=0, most=0.9))
    seed: int = _setting(0, _SEED)
    start: int | None = _setting(None, _or_none(_SEED))
    classes: int = _setting(3, partial(whole, least=2, most=MOST_CLASSES))
    features: Sequence[str] = _setting(("x1", "x2"), _FEATURES)
    hidden: Sequence[int] = _setting((4, 2), _SIZES)
    activations: Sequence[str] = _setting(("tanh",), _KINDS)
    loss: str = _setting("cross_entropy", partial(one_of, table=LOSSES))
    optimizer: str = _setting("adam", partial(one_of, table=UPDATES))
    rate: float = _setting(0.01, partial(real, above=0, most=1000))
    batch: int | None = _setting(10, _or_none(partial(whole, least=1, most=MOST_POINTS)))
    penalty: str = _setting("none", partial(one_of, table=("none", *PENALTIES)))
    strength: float = _setting(0.001, partial(real, least=0, most=1000))
    dropout: float = _setting(0.0, partial(real, least=0, most=0.9))

    def __post_init__(self) -> None:
        if isinstance(self.activations, str):
            object.__setattr__(self, "activations", (self.activations,))
        for known in fields(self):
            value = known.metadata["check"](known.name, getattr(self, known.name))
            object.__setattr__(self, known.name, value)
        if not self.features:
            raise ValueError('features is empty: a net needs at least one, such as ["x1", "x2"]')
        if len(set(self.features)) < len(self.features):
            raise ValueError(f"features names one twice: {', '.join(self.features)}")
        most = len(self.hidden)
        if most > MOST_LAYERS:
            raise ValueError(f"hidden has {most} layers, at most {MOST_LAYERS} are shown")
        last = (*self.activations, "tanh")[max(len(self.activations) - 1, 0)]
        each = (*self.activations, *[last] * most)[:most]
        object.__setattr__(self, "activations", each)

    @property
    def link(self) -> str:
        """What the page reads them from, behind the # of its address."""
        pairs = vars(self) | {"batch": self.batch or "all"}
        pairs |= {k: " ".join(map(str, x)) for k, x in pairs.items() if isinstance(x, tuple)}
        return urlencode({k: x for k, x in pairs.items() if x not in (None, OWN)})


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """These settings with some changed, which may have the names of the first release."""
    known = [one.name for one in fields(Settings)]
    wanted = {}
    for name, value in changes.items():
        wanted[EARLIER.get(name) or one_of("setting", name, known)] = value
    if "lr" in changes:  # which was the rate of plain descent
        wanted.setdefault("optimizer", "sgd")
    new = replace(settings, **wanted)
    given = wanted.get("activations", "")
    if not isinstance(given, str) and len(given) != len(new.hidden):
        raise ValueError(f"{len(new.hidden)} hidden layers need as many activations, got {given}")
    return new


#: What the first release called them.
EARLIER: Final = {
    "activation": "activations", "batch_size": "batch", "lr": "rate", "test_share": "share",
}  # fmt: skip
