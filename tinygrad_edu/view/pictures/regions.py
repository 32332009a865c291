"""Decision regions: the plane in the colours of the classes that a model gives there."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patheffects import withStroke

from tinygrad_edu.examples import class_numbers, inputs
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.view.base.palette import PLOT_FAINT
from tinygrad_edu.view.pictures.canvas import (
    INK,
    PALE,
    bare,
    canvas,
    class_labels,
    key,
    keys,
    legend,
    look_of,
    places_of,
    plain,
    point_size,
    scatter,
)
from tinygrad_edu.view.pictures.field import (
    Extent,
    Field,
    Transform,
    evaluating,
    extent_of,
    field,
    first_units,
)
from tinygrad_edu.view.pictures.shares import boundaries, read

#: Height by width of data whose two axes are taken to have the same unit.
_SAME_UNIT: Final = (0.4, 2.5)
#: More classes than this are named in the plane too.
_NAMED_BESIDE: Final = 4


def regions(
    model: Callable[[Any], Any],
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    X_test: Iterable[Any] = (),
    y_test: Iterable[Any] = (),
    ax: Axes | None = None,
    transform: Transform | None = None,
    outputs: str = "auto",
    class_names: Sequence[Any] | None = None,
    feature_names: Sequence[Any] = ("x1", "x2"),
    resolution: int = 300,
    hidden_lines: bool = True,
    misclassified: bool = True,
    margins: bool = True,
) -> Axes:
    """Decision regions in the plane: each point in the colour of its class, paler where in doubt.

    `X`, `y` are n training points of 2 numbers with class numbers, 0..k-1 or for one output also -1
    and 1; `X_test`, `y_test` are drawn with a black edge. `model` is a function of one row, as
    `predict` takes it; it is asked on a grid of `resolution` squared points, 60 squared if it
    cannot be vectorised. `transform` makes the model's rows from points, such as the scaling it was
    trained with: `transform=standardising(X)`.

    One output is a probability, its classes tied at 1/2, where all outputs are in [0, 1] and no
    label is -1; else a score, tied at 0. Several outputs are probabilities where they have the sum
    1, else net inputs of a softmax. `outputs="probabilities"` or "scores" decides otherwise, as for
    a linear unit that was trained to give 0 and 1.

    `margins` are dotted: scores of -1 and 1, or where the largest probability is 3/4.
    `misclassified` points get a ring. `hidden_lines` are the lines z = 0 of the units in the first
    layer of an MLP or a Sequential, dashed.

    Raises ValueError for points that are not in the plane, and labels that do not fit the outputs.
    """
    points, labels = _points(X, y, "y")
    test, test_labels = _points(X_test, y_test, "y_test")
    if not len(points):
        raise ValueError("regions need at least one training point")
    n, both, every_label = len(points), np.vstack([points, test]), [*labels, *test_labels]
    extent = extent_of(both)
    units = first_units(model, hidden=True) if hidden_lines else []
    with evaluating(model):
        grid, at_points = field(model, extent, resolution, transform, both)
    sides = grid.numbers.shape[:2]
    everything = np.vstack([grid.numbers.reshape(-1, at_points.shape[1]), at_points])
    shares, depth, limit, margin = read(everything, every_label, outputs)
    k = shares.shape[1]
    names = class_labels(every_label, k, class_names)
    grid = grid._replace(numbers=shares[: -len(both)].reshape(*sides, k))
    classes = places_of(every_label)
    wrong = shares[-len(both) :].argmax(axis=1) != classes

    outside = ax is None
    ax = _sized(ax, extent)
    entries = keys(names)
    paint(ax, grid, extent)
    if margins and _line(ax, grid, depth[: -len(both)].reshape(sides), limit, ls=":"):
        entries.append(key(margin, ls=":", lw=1))
    if units:
        z, _ = field(lambda x: [u.net_input(x) for u in units], extent, 40, transform)
        for j in range(len(units)):
            width = 0.7 if len(units) <= 16 else 0.4
            _line(ax, z, z.numbers[..., j], 0.0, ls="--", colour=PLOT_FAINT, width=width)
        entries.append(key("hidden unit z = 0", color=PLOT_FAINT, ls="--", lw=0.8))
    scatter(ax, points, classes[:n], k, len(both))
    if len(test):
        scatter(ax, test, classes[n:], k, len(both), edgecolors="black", linewidths=1.2)
        for edge, name in (("white", "training"), ("black", "test")):
            entries.append(key(name, color=PALE, marker="o", ls="", ms=7, mec=edge, mew=1.2))
    if misclassified and wrong.any():
        _ring(ax, both[wrong], point_size(len(both)))
        name = f"wrong: {wrong.sum()} of {len(both)}"
        entries.append(key(name, marker="o", ls="", ms=11, mfc="none", mew=1.0))
    if k > _NAMED_BESIDE:
        _name_beside(ax, both, classes, names)
    ax.set_xlabel(plain(feature_names[0]))
    ax.set_ylabel(plain(feature_names[1]))
    ax.set_xlim(extent[:2])
    ax.set_ylim(extent[2:])
    bare(ax)
    legend(ax, entries, outside=outside)
    return ax


def paint(ax: Axes, shares: Field, extent: Extent) -> None:
    """The regions of k classes and the lines between them, from their shares over a grid."""
    numbers = shares.numbers
    k = numbers.shape[2]
    certainty = (numbers.max(axis=2) - 1 / k) / (1 - 1 / k)
    tint = np.array([to_rgb(look_of(j)[0]) for j in range(k)])[numbers.argmax(axis=2)]
    image = 1 - (1 - tint) * (0.05 + 0.4 * certainty.clip(0, 1))[..., None]
    left, right, bottom, top = extent
    same_unit = _SAME_UNIT[0] < (top - bottom) / (right - left) < _SAME_UNIT[1]
    ax.imshow(
        image, extent=extent, origin="lower", interpolation="bilinear",
        aspect="equal" if same_unit else "auto",
    )  # fmt: skip
    for lead in boundaries(numbers):
        _line(ax, shares, lead, 0.0, width=1.1)


def _line(
    ax: Axes, grid: Field, height: Array, level: float, *,
    ls: str = "-", colour: str = INK, width: float = 1.0,
) -> bool:  # fmt: skip
    """The line where `height` has that level; whether there is one."""
    crossed = bool(height.min() < level < height.max())
    if crossed:
        look: dict[str, Any] = {"colors": colour, "linewidths": width, "linestyles": ls}
        ax.contour(grid.xs, grid.ys, height, levels=[level], **look)
    return crossed


def _ring(ax: Axes, points: Array, size: float) -> None:
    factor, width = (4.0, 1.0) if size > 20 else (3.0, 0.6)
    look: dict[str, Any] = {"facecolors": "none", "edgecolors": INK, "linewidths": width}
    ax.scatter(points[:, 0], points[:, 1], s=factor * size, zorder=4, **look)


def _name_beside(ax: Axes, points: Array, classes: Array, names: Sequence[str]) -> None:
    """The name of each class in the middle of its points."""
    halo = [withStroke(linewidth=2.5, foreground="white")]
    for j, name in enumerate(names):
        if (classes == j).any():
            x, y = np.median(points[classes == j], axis=0).tolist()
            ax.text(
                x, y, name.removeprefix("class "), ha="center", va="center", weight="bold",
                color=INK, path_effects=halo, zorder=5,
            )  # fmt: skip


def _points(X: Iterable[Any], y: Iterable[Any], name: str) -> tuple[Array, list[int]]:
    """Points of the plane (n, 2), and their n labels."""
    rows, labels = inputs(X, name.replace("y", "X")), class_numbers(y, name)
    for i, point in enumerate(rows):
        if len(point) != 2:
            raise ValueError(
                f"regions are drawn for points of 2 numbers, point {i} has {len(point)}"
            )
    if len(rows) != len(labels):
        raise ValueError(f"{name} has {len(labels)} labels for {len(rows)} points")
    return rows.array.reshape(-1, 2), labels


def _sized(ax: Axes | None, extent: Extent) -> Axes:
    """Axes in the shape of the data."""
    left, right, bottom, top = extent
    ratio = (top - bottom) / (right - left)
    width, height = (5.8, 5.8 * ratio) if _SAME_UNIT[0] < ratio < _SAME_UNIT[1] else (5.8, 4.6)
    shrunk = min(1.0, 4.8 / height)
    return canvas(ax, width * shrunk + 2.2, height * shrunk + 0.5)
