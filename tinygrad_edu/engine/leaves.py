"""Leaves: many at once, and random numbers in a graph, such as the mask of a dropout layer."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tinygrad_edu.checks import function
from tinygrad_edu.engine import modes
from tinygrad_edu.engine.value import Value
from tinygrad_edu.namespace import UNREACHED


def data_of(leaves: Sequence[Value]) -> list[float]:
    """`data` of each, at once where no tracer wants to hear of it."""
    if modes.mode().tracer is None:
        return [v._float for v in leaves]
    return [v.data for v in leaves]


def first_result(values: Iterable[Value]) -> Value | None:
    """The first that an operation gave, None if all are leaves."""
    return next((v for v in values if v._birth), None)


def assign(leaves: Sequence[Value], numbers: Iterable[float], gradients: Iterable[float]) -> None:
    """Give each its number and gradient, which are floats."""
    for v, x, g in zip(leaves, numbers, gradients, strict=True):
        v._float, v._grad = x, g or UNREACHED


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
