"""How classes look: a colour, a marker and a name each; and labels as class numbers."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.view.base.palette import CLASSES
from tinygrad_edu.view.pictures.canvas import INK, plain

_MARKERS: Final = "os^DvPX*<h"
#: Stars and crosses have less area than their size tells.
_AREAS: Final = {"*": 1.8, "P": 1.3, "X": 1.3}


def look_of(j: int) -> tuple[str, str]:
    """Colour and marker of class j; the pair repeats after 100 classes."""
    n = len(CLASSES)
    return CLASSES[j % n], _MARKERS[(j + j // n) % n]


def places_of(labels: Sequence[int]) -> Array:
    """Class numbers 0..k-1, also for the labels -1 and 1."""
    found = np.array(labels)
    return (found + 1) // 2 if (found < 0).any() else found


def names_of(labels: Sequence[int], k: int, class_names: Sequence[Any] | None) -> list[str]:
    """The names of k classes, by default their numbers. Raises ValueError for another count."""
    if class_names is None:
        return ["class -1", "class +1"] if -1 in labels else [f"class {j}" for j in range(k)]
    if len(class_names) != k:
        raise ValueError(f"class_names has {len(class_names)} names for {k} classes")
    shown = [plain(name) for name in class_names]
    return [f"class {name}" if name.lstrip("+-").isdigit() else name for name in shown]


def scatter(ax: Axes, points: Array, classes: Array, k: int, n: int, **look: Any) -> None:
    """Points (m, 2) in the colour and with the marker of their class; n are drawn in all."""
    for j in range(k):
        chosen = points[classes == j]
        if len(chosen):
            colour, marker = look_of(j)
            size = point_size(n) * _AREAS.get(marker, 1.0)
            edge: dict[str, Any] = {"edgecolors": "white", "linewidths": 0.7 if n <= 500 else 0.25}
            x1, x2 = chosen.T
            ax.scatter(x1, x2, s=size, color=colour, marker=marker, zorder=3, **(edge | look))


def point_size(n: int) -> float:
    """The area of a marker, in points squared, where n are drawn."""
    return 90 if n <= 20 else 34 if n <= 500 else 14


def keys(names: Sequence[str]) -> list[Line2D]:
    """An entry of the legend for each class."""
    looks = map(look_of, range(len(names)))
    return [
        key(name, color=colour, marker=marker, ls="", ms=7)
        for name, (colour, marker) in zip(names, looks, strict=True)
    ]


def key(name: str, **look: Any) -> Line2D:
    """An entry of the legend."""
    return Line2D([], [], label=name, **({"color": INK} | look))
