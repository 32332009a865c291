"""Random numbers that are part of a graph, such as the mask of a dropout layer."""

from collections.abc import Callable

from tinygrad_edu.engine import modes
from tinygrad_edu.engine.value import Value


class RandomLeaf(Value):
    """A leaf whose number is drawn: `RandomLeaf(rng.random)` draws one when it is made.

    A function that makes one for each example can be vectorised: its program draws a number for
    each example anew, in the same order. `draw` takes nothing and gives a float.
    """

    __slots__ = ("draw",)

    def __init__(self, draw: Callable[[], float], name: str | None = None) -> None:
        x = modes.tell("drawn", self)  # a tracer decides what is drawn
        super().__init__(draw() if x is None else x, name)
        self.draw = draw
