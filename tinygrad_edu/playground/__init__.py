"""Playground: a page in which a small net learns points of the plane, every number in sight.

    from tinygrad_edu import playground

    playground()                                  # the two moons, in a notebook
    playground(data="spiral", hidden=[8, 8], rate=0.03)
    playground(X, y)                              # your own points and labels
    playground("flowers.csv", columns=["length", "width", "species"])
    playground(hide=["settings"], lock=True, questions=["Which unit is needed least?"])

    p = playground()
    p.parameters, p.losses, p.epoch               # read and set while it plays
    p.save("lesson.html")                         # as a file, for any browser

`features` and `points` stand in the code that the page writes. In a notebook it is one widget, of
the extra `notebook`.
"""

import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from tinygrad_edu.playground.lesson import lesson
from tinygrad_edu.playground.play import Playground, playground
from tinygrad_edu.playground.settings import Settings, features
from tinygrad_edu.playground.start import points

__all__ = ["Playground", "Settings", "features", "lesson", "playground", "points"]


class _Folder(ModuleType):
    """The folder is its function too: `from tinygrad_edu import playground` serves for both."""

    def __call__(self, X: Any = None, y: Iterable[Any] | None = None, **options: Any) -> Playground:
        return playground(X, y, **options)

    def __getattr__(self, name: str) -> Any:
        if name == "Run":
            raise ImportError(
                "Run has gone into the page: write playground().model() for its net, and fit it "
                "as the program of the page does"
            )
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


sys.modules[__name__].__class__ = _Folder
