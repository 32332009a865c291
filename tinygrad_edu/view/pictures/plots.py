"""Lists of numbers as lines over others, a table of numbers as colours, pictures side by side."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from tinygrad_edu.checks import function, instance, listed, number, one_of, real, row, text_of
from tinygrad_edu.engine import Value
from tinygrad_edu.figure import Figure
from tinygrad_edu.view.base.palette import CURVES, PLOT_INK
from tinygrad_edu.view.pictures.canvas import bare, canvas, graph, key, legend, plain, signed_image

#: Rows and columns of a heat map whose names can still be read.
_MOST: Final = 64
_LOG: Final = ("none", "x", "y", "xy")


def plot(
    x: Iterable[float],
    ys: Mapping[str, Iterable[float]],
    *,
    dots: Iterable[str] = (),
    log: str = "none",
    names: tuple[str, str] = ("x", ""),
    ax: Axes | None = None,
) -> Axes:
    """Lists of numbers over `x`, by name: a line for each, or dots for those named in `dots`.

    `log` says, as "x", "y" or "xy", which scales are logarithmic: what is 0 or less has no place
    there. `names` stand on the axes. Raises ValueError for lists of another length than `x`.
    """
    across = row("x", x)
    instance("ys", ys, Mapping, "a dict of lists by name", 'write plot(x, {"loss": losses})')
    lists = {str(name): numbers for name, numbers in ys.items()}
    if not lists:
        raise ValueError("ys is empty: give at least one list of numbers by its name")
    marked = [one_of("dots", name, lists) for name in listed("dots", dots, "names of ys")]
    labels = [plain(text_of("names", name)) for name in listed("names", names, "two texts")]
    if len(labels) != 2:
        raise ValueError(f"names are those of the two axes, got {len(labels)}")
    outside = ax is None and len(lists) > 1
    one_of("log", log, _LOG)
    ax, entries = canvas(ax, 6.0 + 1.8 * outside, 3.6), []
    for k, (name, numbers) in enumerate(lists.items()):
        up = row(f"ys[{name!r}]", numbers, len(across))
        colour = CURVES[k % len(CURVES)]
        look: dict[str, Any] = {"marker": "o", "ms": 3.5, "ls": ""} if name in marked else {"lw": 2}
        there = [math.nan if "y" in log and v <= 0 else v for v in up]
        ax.plot(across, there, color=colour, **look)
        entries.append(key(plain(name, 40), color=colour, **look))
    if "x" in log:
        ax.set_xscale("log")
    if "y" in log:
        ax.set_yscale("log")
    graph(ax, *labels)
    legend(ax, entries if len(entries) > 1 else [], outside=outside)
    return ax


def heat_map(
    rows: Iterable[Iterable[Any]],
    names: Iterable[Any] = (),
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """A table of numbers as colours: blue positive, orange negative, white 0, the largest darkest.

    `rows` are of numbers or Values, such as the attention of a head; a short one ends early.
    `names` stand at the columns and, where there are as many, at the rows. Raises ValueError for no
    number at all, for more than 64 rows or columns, and for another count of names.

    >>> ax = heat_map([[1.0], [0.25, 0.75]], "ab", title="head 1")
    """
    table = [
        [
            x.data if isinstance(x, Value) else number(x, f"rows[{i}]")
            for x in listed(f"rows[{i}]", numbers, "numbers")
        ]
        for i, numbers in enumerate(listed("rows", rows, "rows of numbers"))
    ]
    width = max(map(len, table), default=0)
    if not width or max(width, len(table)) > _MOST:
        raise ValueError(f"a heat map has 1 to {_MOST} rows and columns, got {len(table)}, {width}")
    names = [*names] if isinstance(names, str) else listed("names", names, "names")
    labels = [plain(name, 14) for name in names]
    if labels and len(labels) != width:
        raise ValueError(f"the longest row has {width} numbers, got {len(labels)} names")
    ax = canvas(ax, 1.4 + 0.35 * max(width, 5), 1.2 + 0.35 * max(len(table), 3))
    numbers = np.array([[*row, *[math.nan] * (width - len(row))] for row in table])
    top = float(np.abs(numbers[np.isfinite(numbers)]).max(initial=0.0))
    signed_image(ax, (-0.5, width - 0.5, len(table) - 0.5, -0.5), numbers, top)
    ax.set_xticks(range(width), labels or [str(k + 1) for k in range(width)])
    up = labels if len(labels) == len(table) else [str(k + 1) for k in range(len(table))]
    ax.set_yticks(range(len(table)), up)
    ax.set_title(plain(title, 60), color=PLOT_INK, fontsize=10)
    bare(ax)
    return ax


def beside(*pictures: Callable[..., Axes], width: float = 10.0, height: float = 3.4) -> Figure:
    """Pictures side by side in a figure of `width` by `height` inches, which shows itself.

    Each is a function that takes the axes it draws into as `ax`, such as
    `lambda ax: pictures.tangent(f, 1.0, ax=ax)`.
    """
    if not pictures:
        raise ValueError("beside needs at least one picture, a function that takes ax")
    size = (real("width", width, above=0), real("height", height, above=0))
    figure = Figure(figsize=size, layout="constrained")
    for k, picture in enumerate(pictures):
        function(f"pictures[{k}]", picture, "ax", "write lambda ax: pictures.tangent(f, 1, ax=ax)")
        picture(ax=figure.add_subplot(1, len(pictures), k + 1))
    return figure
