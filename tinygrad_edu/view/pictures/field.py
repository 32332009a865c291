"""A function of points over a grid of the plane, and what the layers of a model give there."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu import checks
from tinygrad_edu.checks import row, whole
from tinygrad_edu.engine import Value, no_grad
from tinygrad_edu.examples import inputs
from tinygrad_edu.nn import Layer, Neuron
from tinygrad_edu.nn.mode import in_mode, modules_of
from tinygrad_edu.nn.sequential import layers_of
from tinygrad_edu.train.engines import vectorized_or_scalar
from tinygrad_edu.train.held import asks_types
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.program import Program
from tinygrad_edu.vectorize.tape import DIFFERENT, VectorizeError

Rows = Sequence[Sequence[float]]
#: left, right, bottom, top
Extent = tuple[float, float, float, float]
#: From points as they are drawn to the rows that a model takes.
Transform = Callable[[list[list[float]]], Iterable[Iterable[float]]]

#: Points a side of the grid of a function that cannot be vectorised.
COARSE: Final = 60
#: Points a side of the finest grid.
FINEST: Final = 2000


class Field(NamedTuple):
    """Numbers over a grid: `numbers[i, j]` are the K at the point (xs[j], ys[i])."""

    xs: Array
    ys: Array
    numbers: Array


def field(
    function: Callable[[Any], Any],
    extent: Extent,
    resolution: int,
    transform: Transform | None = None,
) -> Field:
    """`function` of one row, over a grid of `resolution` squared.

    A function that cannot be vectorised gets a grid of at most COARSE squared.
    """
    extent = read_extent(extent)
    whole("resolution", resolution, 2, FINEST)

    def over(sides: int, numbers: Callable[..., Array]) -> Field:
        xs, ys = np.linspace(*extent[:2], sides), np.linspace(*extent[2:], sides)
        points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
        found = numbers(function, mapped("transform", transform, points))
        return Field(xs, ys, found.reshape(sides, sides, -1))

    return vectorized_or_scalar(
        lambda: over(resolution, _by_program), lambda: over(min(resolution, COARSE), _by_scalars)
    )


def mapped(name: str, transform: Transform | None, rows: Array) -> Array:
    """What a transform of this name makes of rows; without one they stay as they are."""
    if transform is None:
        return rows
    made = checks.function(name, transform, "rows")(rows.tolist())
    found: Array = inputs(made, f"{name}(rows)").array
    return found


def numbers_at(function: Callable[[Any], Any], rows: Array) -> Array:
    """The K numbers that `function` gives for each of n rows, (n, K)."""
    return vectorized_or_scalar(
        lambda: _by_program(function, rows), lambda: _by_scalars(function, rows)
    )


def _by_program(function: Callable[[Any], Any], rows: Array) -> Array:
    """The same through NumPy. Raises VectorizeError for a function that cannot be vectorised."""
    found = Program(function, rows[:1].tolist(), rows[-1:].tolist()).columns(rows)
    few = [0, len(rows) // 2, -1]
    alike = np.allclose(found[few], _by_scalars(function, rows[few]), 1e-9, 1e-9, equal_nan=True)
    if asks_types(function) or not alike:  # it may treat a Value otherwise than a number
        raise VectorizeError(DIFFERENT)
    return found


def _by_scalars(function: Callable[[Any], Any], rows: Array) -> Array:
    """The same, one row after another; `function` may also give plain numbers."""
    with no_grad():
        outputs = [_all(function(row)) for row in rows.tolist()]
    return np.array([[v.data if isinstance(v, Value) else float(v) for v in o] for o in outputs])


def read_extent(extent: Any) -> Extent:
    """The extent that a user gives: left, right, bottom, top."""
    left, right, bottom, top = row("extent", extent, 4)
    if left == right or bottom == top:
        raise ValueError(
            "extent is left, right, bottom, top, of which left and right must differ, and bottom "
            f"and top; got {left:g}, {right:g}, {bottom:g}, {top:g}"
        )
    return left, right, bottom, top


def extent_of(points: Array, margin: float = 0.12) -> Extent:
    """The rectangle around (n, 2) points, with a margin relative to its sides."""
    low, high = points.min(axis=0), points.max(axis=0)
    around = np.where(high > low, margin * (high - low), np.maximum(1.0, 1e-9 * abs(low)))
    (left, bottom), (right, top) = (low - around).tolist(), (high + around).tolist()
    return left, right, bottom, top


def _all(output: Any) -> list[Any]:
    """The one output, or several, as a list."""
    several = isinstance(output, Iterable) and not isinstance(output, Value)
    return list(output) if several else [output]


def outputs_of(layers: Sequence[Callable[[Any], Any]], x: Any) -> list[list[Value]]:
    """What each layer gives for the row `x`."""
    rows = []
    for layer in layers:
        x = _all(layer(x))
        rows.append(x)
    return rows


def evaluating(model: Any) -> AbstractContextManager[None]:
    """A model, or a list of layers, in evaluation mode; afterwards as it was."""
    parts = modules_of(*(model if isinstance(model, Sequence) else [model]))
    return in_mode(parts, training=False)


def first_units(model: Any, *, hidden: bool = False) -> list[Neuron]:
    """The units of the first layer; none where the model does not show its layers.

    With `hidden` none unless units come after them.
    """
    try:
        layers = layers_of(model)
    except TypeError:
        return []
    first = layers[0]
    if not isinstance(first, (Layer, Neuron)) or (hidden and not dense_before(layers[1:])):
        return []
    return first.neurons if isinstance(first, Layer) else [first]


def dense_before(layers: Sequence[Any]) -> int:
    """How many of the layers have units: the number of the last of these in lectures."""
    return sum(any(isinstance(m, Neuron) for m in modules_of(layer)) for layer in layers)
