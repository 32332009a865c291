"""The error surface: the loss over two parameters, and the paths of descents on it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap

from tinygrad_edu.checks import one_of, real, whole
from tinygrad_edu.engine import Value
from tinygrad_edu.text import short
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.view.base.palette import CURVES, HEIGHTS
from tinygrad_edu.view.pictures.canvas import INK, canvas, legend, plain
from tinygrad_edu.view.pictures.classes import key
from tinygrad_edu.view.pictures.field import Extent, extent_of
from tinygrad_edu.view.pictures.loss_grid import LossGrid, Surface

KINDS: Final = ("contour", "3d")
_LEVELS: Final = 16

Path = Sequence[tuple[float, float]]


def surface(
    loss: Surface,
    w1: Value,
    w2: Value,
    *,
    span: float = 2.0,
    extent: Extent | None = None,
    paths: Mapping[Any, Path] | None = None,
    kind: str = "contour",
    resolution: int = 60,
    ax: Axes | None = None,
) -> Axes:
    """The loss over the parameters `w1` (across) and `w2`, all others as they are.

    `loss` is a function of no arguments that gives a Value, or the tuple `(model, X, y, loss)` as
    `fit` takes them: the mean loss. It is measured on a grid of `resolution` squared points, 21
    squared if it cannot be vectorised. The grid covers `extent`, (w1 from, to, w2 from, to), or
    `span` to all sides of the parameters as they are, and the paths. `paths` are lists of points
    (w1, w2) by name, as `descent_path` gives them. `kind` is "contour" or "3d". Contours lie closer
    together near the minimum.

    The parameters are put back. Raises ValueError where the loss does not depend on them.
    """
    one_of("kind", kind, KINDS)
    named = [(plain(name), np.array(path, dtype=float)) for name, path in (paths or {}).items()]
    for name, path in named:
        if path.ndim != 2 or path.shape[1] != 2:
            raise ValueError(f"the path {name!r} must be a list of points (w1, w2)")
    grid = LossGrid(loss, w1, w2)
    if extent is None:
        span = real("span", span, above=0)
        here = [w1.data, w2.data]
        around = [[x - span for x in here], [x + span for x in here]]
        extent = extent_of(
            np.vstack([around, *(path for _, path in named)]), margin=0.05 if named else 0.0
        )
    sides = grid.sides(whole("resolution", resolution, 2))
    xs, ys = np.linspace(*extent[:2], sides), np.linspace(*extent[2:], sides)
    height = grid.over(xs.tolist(), ys.tolist())
    height[~np.isfinite(height)] = np.nan

    outside = ax is None
    flat = kind == "contour"
    size = (6.0 + 1.4 * bool(named) * flat, 4.6)
    ax = canvas(ax, *size, projection="rectilinear" if flat else "3d")
    (_contours if flat else _relief)(ax, xs, ys, height)
    handles = []
    if not named and extent[0] <= w1.data <= extent[1] and extent[2] <= w2.data <= extent[3]:
        named = [("", np.array([[w1.data, w2.data]]))]
    for k, (name, path) in enumerate(named):
        colour = CURVES[k % len(CURVES)] if name else INK
        numbers = list(path.T)
        if not flat:
            numbers.append(np.array(grid.at([(a, b) for a, b in path.tolist()])))
        _course(ax, numbers, colour)
        if name:
            handles.append(key(name, color=colour, marker=".", ms=5, lw=1.5))
    ax.set_xlim(extent[:2])
    ax.set_ylim(extent[2:])
    ax.set_xlabel(plain(w1.name or "w1"))
    ax.set_ylabel(plain(w2.name or "w2"))
    if not flat:
        ax.set_zlabel("loss", labelpad=9)  # type: ignore[attr-defined]
    legend(ax, handles, outside=outside)
    return ax


def _contours(ax: Axes, xs: Array, ys: Array, height: Array) -> None:
    if np.isnan(height).all() or np.nanmax(height) == np.nanmin(height):
        return
    low, high = np.nanmin(height), np.nanmax(height)
    levels = low + (high - low) * np.linspace(0, 1, _LEVELS + 1) ** 2
    pale = LinearSegmentedColormap.from_list("heights", list(HEIGHTS[:2]))
    ax.contourf(xs, ys, height, levels, cmap=pale, norm=BoundaryNorm(levels.tolist(), 256))
    lines = ax.contour(xs, ys, height, levels[1:-1], colors=HEIGHTS[2], linewidths=0.6)
    ax.clabel(lines, levels[1:-1:3].tolist(), fmt=short, fontsize=7, colors=HEIGHTS[3])


def _relief(ax: Any, xs: Array, ys: Array, height: Array) -> None:
    ax.computed_zorder = False
    a, b = np.meshgrid(xs, ys)
    ax.plot_surface(a, b, height, cmap="Blues_r", alpha=0.85, linewidth=0, zorder=1)


def _course(ax: Any, numbers: Sequence[Array], colour: str) -> None:
    """A path: its points joined, a ring where it starts, a large point where it ends."""
    ax.plot(*numbers, color=colour, marker=".", ms=4, lw=1.5, zorder=3)
    start, end = ([x[k : k + 1 or None] for x in numbers] for k in (0, -1))
    ax.plot(*start, color=colour, marker="o", ms=7, mfc="white", zorder=4)
    ax.plot(*end, color=colour, marker="o", ms=7, mec="white", zorder=5)
