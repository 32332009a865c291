"""Settings: everything that is chosen in the playground, checked, in one record."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tinygrad_edu.checks import one_of, real, whole
from tinygrad_edu.data import DATA_SETS
from tinygrad_edu.nn import UNIT_ACTIVATIONS
from tinygrad_edu.playground.features import feature

#: The data sets of points of the plane; "own" is the user's.
DATA: Final = {name: recipe for name, recipe in DATA_SETS.items() if recipe.noise}
OWN: Final = "own"
LOSSES: Final = ("cross_entropy", "half_squared_error", "hinge")
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
        one_of("data", self.data, (*DATA, OWN))
        whole("n", self.n, least=4)
        real("noise", self.noise, least=0)
        real("test_share", self.test_share, least=0, below=1)
        object.__setattr__(self, "features", _several("features", self.features, feature))
        object.__setattr__(self, "hidden", _several("hidden", self.hidden, _units))
        if not self.features:
            raise ValueError('features is empty: a net needs at least one, such as ["x1", "x2"]')
        if len(set(self.features)) < len(self.features):
            raise ValueError(f"features names one twice: {', '.join(self.features)}")
        if len(self.hidden) > MAX_LAYERS:
            raise ValueError(
                f"hidden has {len(self.hidden)} layers, at most {MAX_LAYERS} are shown"
            )
        one_of("activation", self.activation, UNITS)
        one_of("loss", self.loss, LOSSES)
        real("lr", self.lr, above=0)
        one_of("penalty", self.penalty, PENALTIES)
        real("strength", self.strength, least=0)
        if self.batch_size is not None:
            whole("batch_size", self.batch_size)
        whole("seed", self.seed, least=0)


def _several(name: str, items: Any, check: Callable[[Any], Any]) -> tuple[Any, ...]:
    if isinstance(items, (str, dict, set)) or not isinstance(items, Iterable):
        raise TypeError(f"{name} must be a list, got {type(items).__name__} {items!r:.40}")
    return tuple(check(item) for item in items)


def _units(n: Any) -> int:
    if whole("a layer in hidden", n) > MAX_UNITS:
        raise ValueError(f"a layer in hidden has {n} units, at most {MAX_UNITS} are shown")
    return int(n)
