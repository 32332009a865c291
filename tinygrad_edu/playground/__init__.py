"""Playground: train a small net on points of the plane in a notebook, and watch all of it.

    from tinygrad_edu import playground

    playground()                                  # the two moons
    playground(data="spiral", hidden=[16], lr=0.3)
    playground(X, y)                              # your own points and labels
    playground("flowers.csv", columns=["length", "width", "species"])
    playground(show=["plane", "losses", "net"])   # for a lesson

    lesson("lesson.html")                         # as a file, for any browser

`Run` is the same without widgets; `features` and `points` stand in the code that a playground
writes. The widgets are the extra `notebook`.
"""

import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from tinygrad_edu.playground.lesson import lesson
from tinygrad_edu.playground.play import Playground, playground
from tinygrad_edu.playground.points import points
from tinygrad_edu.playground.run import Run
from tinygrad_edu.playground.settings import Settings, features

__all__ = ["Playground", "Run", "Settings", "features", "lesson", "playground", "points"]


class _Folder(ModuleType):
    """The folder is its function too: `from tinygrad_edu import playground` serves for both."""

    def __call__(self, X: Any = None, y: Iterable[Any] | None = None, **options: Any) -> Playground:
        return playground(X, y, **options)


sys.modules[__name__].__class__ = _Folder
