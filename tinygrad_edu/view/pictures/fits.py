"""What a net that predicts numbers gives: a curve as its units add up, predictions, residuals."""

import math
from collections.abc import Callable, Iterable
from itertools import cycle
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from tinygrad_edu.checks import as_model, whole
from tinygrad_edu.examples import examples, targets
from tinygrad_edu.nn import Layer
from tinygrad_edu.nn.sequential import layers_of
from tinygrad_edu.text import short
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.view.base.palette import CURVES, NEGATIVE, PLOT_FAINT, PLOT_PALE, POSITIVE
from tinygrad_edu.view.pictures.canvas import canvas, graph, key, legend, plain, point_size
from tinygrad_edu.view.pictures.field import (
    Transform,
    dense_before,
    evaluating,
    mapped,
    numbers_at,
    outputs_of,
)

#: Points of a curve; so much of the height of the points is shown above and below them.
_POINTS: Final = 401
_MARGIN: Final = 0.35


def curve(
    model: Callable[[Any], Any],
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    transform: Transform | None = None,
    inverse: Transform | None = None,
    units: int = 6,
    feature_name: str = "x",
    name: str = "y",
    ax: Axes | None = None,
) -> Axes:
    """What a model of one number learned, over its points; and how its hidden units add up to it.

    `X`, `y` are n rows of one number with a number each. Of an MLP or a Sequential that ends in one
    linear unit the sums are drawn too: its bias, and that plus the weighted activations of the
    units of the last hidden layer, one after the other, the largest first. `units` of them get a
    line, 0 none. `transform` makes the model's rows from X, `inverse` rows of y from its outputs,
    such as `scaler` and `scaler.inverse` of `fit_standard_scaler`. `feature_name` and `name` stand
    on the axes.

    Raises ValueError for rows of several numbers and a model of several outputs.
    """
    points, wanted = (rows.array for rows in examples(X, y))
    whole("units", units, 0)
    if points.shape != (len(points), 1) or wanted.shape != points.shape:
        raise ValueError(
            "a curve is drawn for rows of one number with one each, got arrays of the shapes "
            f"{points.shape} for X and {wanted.shape} for y"
        )
    xs = np.linspace(points.min(), points.max(), _POINTS)[:, None]
    rows = mapped("transform", transform, xs)
    steps = _sums(as_model(model), rows, units) if units else []
    with evaluating(model):
        fitted = numbers_at(as_model(model), rows)
    if fitted.shape[1] != 1:
        raise ValueError(f"a curve is drawn for a model of one output, this has {fitted.shape[1]}")

    outside = ax is None
    ax = canvas(ax, 7.6, 4.2)
    colours, entries = cycle(CURVES[1:]), []
    lines: list[tuple[str, Array, dict[str, Any]]] = [
        (called, sums, {"color": next(colours), "lw": 1.1, "ls": "--"}) for called, sums in steps
    ]
    lines.append(("the net", fitted, {"color": CURVES[0], "lw": 2.4, "zorder": 4}))
    for called, numbers, look in lines:
        ax.plot(xs[:, 0], mapped("inverse", inverse, numbers)[:, 0], **look)
        entries.append(key(called, **look))
    ax.scatter(points, wanted, s=point_size(2 * len(points)), color=PLOT_FAINT, alpha=0.5, lw=0)
    low, high = wanted.min(), wanted.max()
    around = _MARGIN * (high - low or 1.0)
    ax.set_ylim(low - around, high + around)
    graph(ax, plain(feature_name), plain(name))
    legend(ax, entries, outside=outside)
    return ax


def _sums(model: Any, rows: Array, most: int) -> list[tuple[str, Array]]:
    """The bias of the last unit, and the sums (n, 1) as its inputs are added: `most` of them."""
    try:
        *hidden, last = layers_of(model)
    except TypeError:
        return []
    one = isinstance(last, Layer) and last.nout == 1 and str(last.activation) == "linear"
    if not hidden or not one:
        return []
    unit = last.neurons[0]
    with evaluating(hidden):
        parts = numbers_at(lambda x: outputs_of(hidden, x)[-1], rows) * [w.data for w in unit.w]
    sums = np.full((len(rows), 1), 0.0 if unit.b is None else unit.b.data)
    k = dense_before(hidden)
    steps = [(f"b{k + 1}[1]", sums)]
    for j in np.argsort(-np.ptp(parts, axis=0), kind="stable").tolist():
        sums = sums + parts[:, [j]]
        steps.append((f"+ w{k + 1}[1,{j + 1}] a{k}[{j + 1}]", sums))
    return steps[: most + 1]


def predictions(
    actual: Iterable[Any], predicted: Iterable[Any], *, name: str = "y", ax: Axes | None = None
) -> Axes:
    """Predicted numbers (up) against the true ones (across); on the line they are equal.

    `actual` and `predicted` are n numbers each. Raises ValueError if the lengths differ.
    """
    true, found = _numbers(actual, predicted)
    ends = [np.min([true, found]), np.max([true, found])]
    ax = canvas(ax, 4.6, 4.4)
    ax.plot(ends, ends, color=PLOT_PALE, lw=1.2, zorder=1)
    ax.scatter(true, found, s=point_size(2 * len(true)), color=CURVES[0], alpha=0.6, lw=0)
    graph(ax, f"true {plain(name)}", f"predicted {plain(name)}")
    ax.set_aspect("equal", adjustable="datalim")
    return ax


def residuals(
    actual: Iterable[Any], predicted: Iterable[Any], *, name: str = "y", ax: Axes | None = None
) -> Axes:
    """How far predicted numbers are off, predicted - true, over the predicted ones.

    Blue is too much, orange too little; between the dashed lines is the root of the mean square.
    A bend or a funnel shows what a model misses. Options as for `predictions`.
    """
    true, found = _numbers(actual, predicted)
    off = found - true
    spread = math.hypot(*off.tolist()) / math.sqrt(len(off))
    ax = canvas(ax, 4.6, 4.4)
    for level, ls in ((0.0, "-"), (spread, "--"), (-spread, "--")):
        ax.axhline(level, color=PLOT_PALE, ls=ls, lw=1.2, zorder=1)
    colours = np.where(off > 0, POSITIVE.light, NEGATIVE.light)
    ax.scatter(found, off, s=point_size(2 * len(true)), c=colours, alpha=0.6, lw=0)
    ax.set_title(f"root of the mean square {short(spread)}", fontsize=9)
    graph(ax, f"predicted {plain(name)}", "predicted - true")
    return ax


def _numbers(actual: Iterable[Any], predicted: Iterable[Any]) -> tuple[Array, Array]:
    true, found = targets(actual, "actual").array, targets(predicted, "predicted").array
    if true.shape != found.shape or true.shape[1:] != (1,):
        raise ValueError(
            f"actual and predicted need as many numbers, at least one, got {len(true)} rows of "
            f"{true.shape[-1]} and {len(found)} of {found.shape[-1]}"
        )
    return true[:, 0], found[:, 0]
