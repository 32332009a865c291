"""The data sets by name, and what the command line and the playground know of each."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from tinygrad_edu.data.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a data set is made, and a net that learns it within seconds: the demo of its name.

    text        what it is, in a line
    demo        arguments of `make` for the demo, besides `rng`
    noise       what `make(n, ..., rng=seed)` calls its noise, if its rows are points of the plane
                that the playground can show; "" if not
    unit        what the rows are divided by for the net; None: each column is standardised
    group       what a group of rows is called, if it has groups
    hidden, activation, lr, epochs, batch_size, test_size
                of the net and its training
    """

    make: Callable[..., Dataset]
    text: str
    demo: Mapping[str, Any] = field(default_factory=dict)
    noise: str = ""
    unit: float | None = None
    group: str = "group"
    hidden: tuple[int, ...]
    activation: str = "tanh"
    lr: float
    epochs: int
    batch_size: int | None = 32
    test_size: float = 0.25

    def rows(self, rng: random.Random) -> Dataset:
        """The rows of the demo."""
        return self.make(**({"rng": rng, **self.demo} if self.noise else self.demo))

    def points(self, n: int, noise: float, seed: int) -> Dataset:
        """n points of the plane, for data sets with a `noise`."""
        return self.make(n, **{self.noise: noise}, rng=seed)

    def code(self, n: int, noise: float, seed: int) -> str:
        """The call that gives the same points."""
        return f"{self.make.__name__}({n}, {self.noise}={noise}, rng={seed})"


DATA_SETS: Final[dict[str, Recipe]] = {}

_Make = TypeVar("_Make", bound=Callable[..., Dataset])


def data_set(**recipe: Any) -> Callable[[_Make], _Make]:
    """Enter a function as a data set under its name, with the fields of its `Recipe`."""

    def enter(make: _Make) -> _Make:
        DATA_SETS[make.__name__] = Recipe(make=make, **recipe)
        return make

    return enter
