"""What each unit of a net looks for, its weights; and what it sees, its activations."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from tinygrad_edu.checks import whole
from tinygrad_edu.examples import inputs
from tinygrad_edu.nn import Neuron
from tinygrad_edu.nn.convolution import Conv2d
from tinygrad_edu.nn.dense import layers_of
from tinygrad_edu.text import short
from tinygrad_edu.view.base.palette import signed_map
from tinygrad_edu.view.pictures.canvas import INK, cell, sheet, title
from tinygrad_edu.view.pictures.field import (
    Extent,
    Transform,
    evaluating,
    extent_of,
    field,
    first_units,
    layer_number,
    outputs_of,
)

_COLUMNS: Final = 8


def weights(model: Any, *, height: int = 8, width: int = 8, ax: Axes | None = None) -> Axes:
    """A picture of `height` by `width` weights for each unit of the first layer, row by row.

    `model` is a Layer, a Conv2d, a list of Neurons, or a model that begins with a Layer. Blue
    weights are positive, orange ones negative, white is 0; all units have the same scale, without
    their biases. Raises ValueError for units with another number of inputs.
    """
    units = _units(model)
    if not units:
        raise TypeError(
            "weights are drawn for a Layer, a Conv2d or a model that begins with a Layer, "
            f"got {type(model).__name__}"
        )
    height, width = whole("height", height), whole("width", width)
    if units[0].nin != height * width:
        raise ValueError(
            f"the units have {units[0].nin} weights, which are no picture of {height} x {width}: "
            "write weights(model, height=..., width=...)"
        )
    pictures = np.array([[w.data for w in unit.w] for unit in units]).reshape(-1, height, width)
    finite = np.nan_to_num(pictures, nan=0.0, posinf=0.0, neginf=0.0)
    largest = float(np.abs(finite).max())
    columns = min(_COLUMNS, len(units))
    rows = -(-len(units) // columns)
    ax, colours = sheet(ax, rows, columns, 1.0), signed_map()
    for k, picture in enumerate(finite):
        place = cell(*divmod(k, columns))
        ax.imshow(
            picture, extent=place, cmap=colours, vmin=-(largest or 1.0), vmax=largest or 1.0,
            interpolation="nearest", aspect="equal",
        )  # fmt: skip
        title(ax, place, f"{'kernel' if isinstance(model, Conv2d) else 'neuron'}{k + 1}")
    scale = (
        f"orange {short(float(f'{-largest:.3g}'))}   white 0   "
        f"blue {short(float(f'{largest:.3g}'))}"
    )
    ax.set_xlabel(scale, color=INK)
    return ax


def _units(model: Any) -> list[Neuron]:
    if isinstance(model, Conv2d):
        return model.kernels
    if isinstance(model, (list, tuple)) and all(isinstance(unit, Neuron) for unit in model):
        return list(model)
    return first_units(model)


def neuron_maps(
    model: Any,
    X: Iterable[Any] | None = None,
    *,
    layer: int | None = None,
    extent: Extent | None = None,
    transform: Transform | None = None,
    resolution: int = 60,
    ax: Axes | None = None,
) -> Axes:
    """A small map of the plane for each unit, layer by layer, coloured by its activation.

    Blue is above 0, orange below, white 0; each unit has its own scale, its largest activation in
    brackets. One that is 0 everywhere is dead. `model` is an MLP, a Sequential or a list of layers
    with 2 inputs; `layer` chooses one, counting from 1. The maps cover `extent` (left, right,
    bottom, top), by default the points `X`, drawn as dots, else -2 to 2; `transform` as for
    `regions`. Raises ValueError for points that are not in the plane.
    """
    layers = layers_of(model)
    points = np.empty((0, 2)) if X is None else inputs(X).array
    if points.size and points.shape[1] != 2:
        raise ValueError(f"maps are drawn for points of 2 numbers, X has {points.shape[1]}")
    if extent is None:
        extent = extent_of(points) if points.size else (-2.0, 2.0, -2.0, 2.0)
    resolution = whole("resolution", resolution, 2)
    sizes: list[int] = []

    def all_units(x: Any) -> list[Any]:
        rows = outputs_of(layers, x)
        sizes[:] = map(len, rows)
        return [a for row in rows for a in row]

    with evaluating(model):
        numbers = field(all_units, extent, resolution, transform)[0].numbers
    starts = np.cumsum([0, *sizes]).tolist()
    chosen = range(len(layers)) if layer is None else [layer_number(layer, len(layers), 0)]
    rows = [
        (k, list(range(start, min(start + _COLUMNS, starts[k + 1]))))
        for k in chosen
        for start in range(starts[k], starts[k + 1], _COLUMNS)
    ]
    ax = sheet(ax, len(rows), max(len(units) for _, units in rows), 1.0)
    for i, (k, units) in enumerate(rows):
        for j, unit in enumerate(units):
            _map(ax, cell(i, j), numbers[..., unit], points, extent, unit - starts[k] + 1)
        first = units[0] == starts[k]
        left, _, bottom, top = cell(i, 0)
        ax.text(
            left - 0.08, (bottom + top) / 2, f"layer{k + 1}" if first else "",
            rotation=90, ha="right", va="center", color=INK,
        )  # fmt: skip
    return ax


def _map(ax: Axes, place: Extent, a: Any, points: Any, extent: Extent, number: int) -> None:
    finite = np.nan_to_num(a)
    top = float(np.abs(finite).max())
    scale = top or 1.0
    ax.imshow(
        finite, extent=place, origin="lower", cmap=signed_map(), vmin=-scale, vmax=scale,
        interpolation="bilinear", aspect="equal",
    )  # fmt: skip
    left, right, bottom, up = extent
    if len(points):
        x = place[0] + (points[:, 0] - left) / (right - left)
        y = place[2] + (points[:, 1] - bottom) / (up - bottom)
        ax.plot(x, y, ".", color=INK, ms=1.5, alpha=0.35, mew=0)
    title(ax, place, f"neuron{number} ({short(float(f'{top:.2g}')) if top else 'dead'})")
