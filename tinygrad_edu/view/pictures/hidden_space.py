"""The plane as a hidden layer bends it: the examples in the space of its activations."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from tinygrad_edu.examples import class_numbers, inputs
from tinygrad_edu.nn.dense import layers_of
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.view.base.palette import PLOT_FAINT
from tinygrad_edu.view.pictures.canvas import (
    bare,
    canvas,
    class_labels,
    keys,
    legend,
    places_of,
    scatter,
)
from tinygrad_edu.view.pictures.field import (
    dense_before,
    evaluating,
    extent_of,
    field,
    layer_number,
    numbers_at,
    outputs_of,
)
from tinygrad_edu.view.pictures.regions import paint
from tinygrad_edu.view.pictures.shares import read

#: Lines of the grid in each direction, and points on each.
_LINES: Final = 15
_POINTS: Final = 61


def hidden_space(
    model: Any,
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    layer: int | None = None,
    outputs: str = "auto",
    class_names: Sequence[Any] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The examples where layer `layer` puts them, by default the last hidden one.

    `model` is an MLP, a Sequential or a list of layers, `layer` counts from 1; `X` are n rows as
    the model takes them, `y` class numbers. Two units are the axes, with the regions that the
    layers above give there; of more units the first two principal components are shown, with their
    share of the variance. For two inputs the lines of a square grid are drawn as the layer bends
    them. `outputs` as for `regions`. Raises ValueError for a layer of one unit.
    """
    layers = layers_of(model)
    k = layer_number(layer, len(layers), max(len(layers) - 2, 0))
    rows, labels = inputs(X).array, class_numbers(y)
    if not len(rows) or len(rows) != len(labels):
        raise ValueError(
            f"hidden_space needs a label for each row, got {len(rows)} rows, {len(labels)} labels"
        )
    lines = _grid(rows) if rows.shape[1] == 2 else []
    with evaluating(model):
        places = numbers_at(lambda x: outputs_of(layers[: k + 1], x)[-1], np.vstack([rows, *lines]))
    units = places.shape[1]
    if units < 2:
        raise ValueError(f"layer {k + 1} has one unit: hidden_space needs two or more")
    axis_names = [f"a{dense_before(layers[: k + 1])}[{j}]" for j in (1, 2)]
    if units > 2:
        places, axis_names = _principal(places, len(rows))
    points, curves = places[: len(rows)], places[len(rows) :].reshape(-1, _POINTS, 2)
    extent = extent_of(points)
    classes = places_of(labels)
    n_classes = max(int(classes.max()) + 1, 2, len(class_names or ()))

    outside = ax is None
    ax = canvas(ax, 6.4, 4.6)
    if units == 2 and k + 1 < len(layers):
        with evaluating(model):
            above, _ = field(lambda a: outputs_of(layers[k + 1 :], a)[-1], extent, 200)
        shares = read(above.numbers, labels, outputs).shares
        n_classes = shares.shape[-1]
        paint(ax, above._replace(numbers=shares), extent)
        ax.set_aspect("auto")
    for curve in curves:
        ax.plot(*curve.T, color=PLOT_FAINT, lw=0.6, alpha=0.6, zorder=2)
    scatter(ax, points, classes, n_classes, len(points))
    ax.set_xlim(extent[:2])
    ax.set_ylim(extent[2:])
    ax.set_xlabel(axis_names[0])
    ax.set_ylabel(axis_names[1])
    bare(ax)
    legend(ax, keys(class_labels(labels, n_classes, class_names)), outside=outside)
    return ax


def _grid(rows: Array) -> list[Array]:
    """Lines along x1 and along x2 over the points, (points, 2) each."""
    left, right, bottom, top = extent_of(rows)
    xs, ys = np.linspace(left, right, _POINTS), np.linspace(bottom, top, _POINTS)
    down = [np.column_stack([np.full(_POINTS, x), ys]) for x in np.linspace(left, right, _LINES)]
    return down + [
        np.column_stack([xs, np.full(_POINTS, y)]) for y in np.linspace(bottom, top, _LINES)
    ]


def _principal(places: Array, n: int) -> tuple[Array, list[str]]:
    """The first two principal components of the first n points, of all; and what they are called.

    Signs are chosen so that the largest weight of a component is positive.
    """
    mean = places[:n].mean(axis=0)
    _, singular, components = np.linalg.svd(places[:n] - mean, full_matrices=False)
    components = np.vstack([components, np.zeros((2, places.shape[1]))])[:2]
    largest = np.abs(components).argmax(axis=1)
    components *= np.where(components[[0, 1], largest] < 0, -1.0, 1.0)[:, None]
    variance = np.append(singular, [0.0, 0.0])[:2] ** 2 / max((singular**2).sum(), 1e-300)
    names = [
        f"principal component {j + 1} of {places.shape[1]} units ({part:.0%} of variance)"
        for j, part in enumerate(variance.tolist())
    ]
    return (places - mean) @ components.T, names
