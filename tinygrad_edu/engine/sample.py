"""Random numbers that are part of a graph, such as the mask of a dropout layer."""

from collections.abc import Callable

from tinygrad_edu.engine import modes
from tinygrad_edu.engine.value import Value


class Sample(Value):
    """A leaf whose number is drawn: `Sample(rng.random)` draws one when it is made.

    A function that makes one for each example can be vectorised: its program draws a number for
    each example anew, in the same order. `draw` takes nothing and gives a float.
    """

    __slots__ = ("draw",)

    def __init__(self, draw: Callable[[], float], name: str | None = None) -> None:
        mode = modes.current.get()
        watcher = None if mode is None else mode.watcher
        super().__init__(draw() if watcher is None else watcher.drawn(self), name)
        self.draw = draw
