"""Leaves: many at once, and random numbers in a graph, such as the mask of a dropout layer."""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final

from tinygrad_edu.checks import function
from tinygrad_edu.engine import modes
from tinygrad_edu.engine.value import Value
from tinygrad_edu.namespace import UNREACHED

_PLAIN: Final = {Value}


def data_of(leaves: Sequence[Value]) -> list[float]:
    """`data` of each, in a tenth of the time."""
    plain = _PLAIN.issuperset(map(type, leaves))
    return list(map(attrgetter("_float" if plain else "data"), leaves))


def assign(leaves: Sequence[Value], numbers: Iterable[float], gradients: Iterable[float]) -> None:
    """Give each its number and gradient, which are floats."""
    if _PLAIN.issuperset(map(type, leaves)):
        for v, x, g in zip(leaves, numbers, gradients, strict=True):
            v._float, v._grad = x, g or UNREACHED
        return
    for v, x, g in zip(leaves, numbers, gradients, strict=True):
        v.data, v.grad = x, g


class RandomLeaf(Value):
    """A leaf whose number is drawn: `RandomLeaf(rng.random)` draws one when it is made.

    A function that makes one for each example can be vectorised: its program draws a number for
    each example anew, in the same order. `draw` takes nothing and gives a float.
    """

    __slots__ = ("draw",)

    def __init__(self, draw: Callable[[], float], name: str | None = None) -> None:
        self.draw = function("draw", draw, "no arguments")
        x = modes.tell("drawn", self)  # a tracer decides what is drawn
        super().__init__(draw() if x is None else x, name)

    def __reduce__(self) -> Any:
        return _restore, (self.draw, self._float, self.name)


def _restore(draw: Callable[[], float], x: float, name: str | None) -> RandomLeaf:
    leaf = RandomLeaf(lambda: x, name)
    leaf.draw = draw
    return leaf
