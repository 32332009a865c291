"""Where and how a picture is drawn: axes and labels, the look of classes, cells side by side."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.projections import get_projection_class

from tinygrad_edu.checks import instance, listed
from tinygrad_edu.figure import Figure
from tinygrad_edu.text import clean
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.view.base.palette import CLASSES, PLOT_INK, signed_map
from tinygrad_edu.view.pictures.field import Extent

#: More classes than this are told apart by no colour, and take long to draw.
MOST_CLASSES: Final = 100


class _Shown:
    """Axes that show their figure in a notebook."""

    def _repr_png_(self: Any) -> tuple[bytes, dict[str, int]]:
        picture: tuple[bytes, dict[str, int]] = self.figure._repr_png_()
        return picture


class PictureAxes(_Shown, Axes):
    """As `matplotlib.axes.Axes`; `ax.figure.savefig("regions.png")` writes the picture."""


def canvas(
    ax: Axes | None, width: float, height: float, *, projection: str = "rectilinear"
) -> Axes:
    """`ax`, or the axes of a new figure of that size in inches.

    Raises TypeError for what is no axes, ValueError for axes of another projection.
    """
    if ax is None:
        kind: type[Axes] = PictureAxes
        if projection != "rectilinear":
            kind = type("PictureAxes", (_Shown, get_projection_class(projection)), {})
        # compress: else what is beside axes of a fixed aspect, such as a legend, is cut off
        layout = ConstrainedLayoutEngine(compress=True, w_pad=0.08, h_pad=0.08)
        figure = Figure(figsize=(width, height), layout=layout)
        return figure.add_subplot(axes_class=kind)
    instance("ax", ax, Axes, "the axes of a matplotlib figure", "write ax=figure.add_subplot()")
    if ax.name != projection:
        raise ValueError(
            f"this picture needs axes with the projection {projection!r}, got {ax.name!r}: "
            f"write ax=figure.add_subplot(projection={projection!r})"
        )
    return ax


def legend(ax: Axes, handles: Sequence[Any], *, outside: bool) -> None:
    """The key of a picture: right of axes of our own, inside those of others."""
    if not handles:
        return
    if ax.name == "3d":
        ax.legend(handles=handles, loc="upper left", frameon=False)
    elif outside:
        ax.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    else:
        ax.legend(handles=handles, loc="best", framealpha=0.85, fontsize="small")


def bare(ax: Axes) -> None:
    """No frame and no tick marks; the numbers stay."""
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(length=0, colors=PLOT_INK)


def graph(ax: Axes, across: str, up: str = "") -> None:
    """Axes of curves: a faint grid, no line above or on the right."""
    ax.set_xlabel(across)
    ax.set_ylabel(up)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)


def plane(ax: Axes, extent: Extent, across: str, up: str) -> None:
    """Axes of two numbers: what they are called, and from where to where they go."""
    ax.set_xlim(extent[:2])
    ax.set_ylim(extent[2:])
    ax.set_xlabel(across)
    ax.set_ylabel(up)


def plain(text: object, width: int = 24) -> str:
    """A user's text as a label: on one line, and dollars are no formula."""
    return clean(str(text), width).replace("$", r"\$")


_MARKERS: Final = "os^DvPX*<h"
#: Stars and crosses have less area than their size tells.
_AREAS: Final = {"*": 1.8, "P": 1.3, "X": 1.3}


def look_of(j: int) -> tuple[str, str]:
    """Colour and marker of class j; the pair repeats after 100 classes."""
    n = len(CLASSES)
    return CLASSES[j % n], _MARKERS[(j + j // n) % n]


def tinted(shares: Array) -> Array:
    """Points as colours (..., 3), by the shares of the classes (..., k): paler where in doubt."""
    k = shares.shape[-1]
    certainty = ((shares.max(axis=-1) - 1 / k) / (1 - 1 / k)).clip(0, 1)
    tint = np.array([to_rgb(look_of(j)[0]) for j in range(k)])[shares.argmax(axis=-1)]
    image: Array = 1 - (1 - tint) * (0.05 + 0.4 * certainty)[..., None]
    return image


def places_of(labels: Sequence[int]) -> Array:
    """Class numbers 0..k-1, also for the labels -1 and 1."""
    numbers = np.array(labels)
    return (numbers + 1) // 2 if (numbers < 0).any() else numbers


def class_labels(labels: Sequence[int], k: int, class_names: Sequence[Any] | None) -> list[str]:
    """The names of k classes, by default their numbers. Raises ValueError for another count."""
    check_classes(k)
    if class_names is None:
        return ["class -1", "class +1"] if -1 in labels else [f"class {j}" for j in range(k)]
    class_names = listed("class_names", class_names, "names")
    if len(class_names) != k:
        raise ValueError(f"class_names has {len(class_names)} names for {k} classes")
    texts = [plain(name) for name in class_names]
    return [f"class {name}" if name.lstrip("+-").isdigit() else name for name in texts]


def check_classes(k: int) -> None:
    """Raises ValueError for more classes than a picture can show."""
    if k > MOST_CLASSES:
        raise ValueError(f"a picture shows at most {MOST_CLASSES} classes, got {k}")


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
    return Line2D([], [], label=name, **({"color": PLOT_INK} | look))


#: A cell is a square of side 1; so much is left between cells, and above them for a title.
GAP: Final = 0.12
TITLE: Final = 0.26


def cell(row: int, column: int) -> Extent:
    """The square of a cell; rows go downwards."""
    left, top = column * (1 + GAP), -row * (1 + GAP + TITLE)
    return left, left + 1, top - 1, top


def sheet(ax: Axes | None, rows: int, columns: int, inches: float, beside: float = 0.0) -> Axes:
    """Axes for that many cells.

    A figure of our own has them in that size, and so many inches `beside` them for a legend.
    """
    height = 1 + GAP + TITLE
    width = max(columns * (1 + GAP) * inches, 3.0)
    ax = canvas(ax, width + 0.6 + beside, rows * height * inches + 0.5)
    plane(ax, (-GAP, columns * (1 + GAP), -rows * height, TITLE), "", "")
    ax.set_aspect("equal")
    ax.set_xticks([])
    ax.set_yticks([])
    bare(ax)
    return ax


def signed(top: float) -> dict[str, Any]:
    """How numbers from -top to top look: blue is positive, orange negative, white 0."""
    return {"vmin": -(top or 1.0), "vmax": top or 1.0, "cmap": signed_map(), "aspect": "equal"}


def title(ax: Axes, extent: Extent, text: str, *, size: float = 8) -> None:
    """The title of a cell."""
    left, right, _, top = extent
    ax.text(
        (left + right) / 2,
        top + 0.03,
        text,
        ha="center",
        va="bottom",
        fontsize=size,
        color=PLOT_INK,
    )
