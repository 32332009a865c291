"""Plane: what every unit of a run gives over a grid of the plane, and its colours."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.image import imsave

from tinygrad_edu.playground.features import columns
from tinygrad_edu.playground.run import Run
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.program import Program
from tinygrad_edu.view.base.palette import NEGATIVE, POSITIVE
from tinygrad_edu.view.pictures.canvas import tinted
from tinygrad_edu.view.pictures.field import Extent, extent_of, outputs_of

#: Points a side.
SIDES: Final = 60
#: As the lines of the network diagram: positive, negative.
_POSITIVE, _NEGATIVE = np.array([to_rgb(POSITIVE.light), to_rgb(NEGATIVE.light)])


class Plane:
    """The units of `run` over a square around its points, as a program of NumPy."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.extent = square(np.array(run.data.X))
        left, right, bottom, top = self.extent
        xs, ys = np.linspace(left, right, SIDES), np.linspace(top, bottom, SIDES)
        grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
        self.rows = columns(grid, run.settings.features)
        layers = run.model.layers
        self.program = Program(
            lambda x: [a for layer in outputs_of(layers, x) for a in layer],
            self.rows[:1].tolist(), self.rows[-1:].tolist(),
        )  # fmt: skip

    def activations(self) -> list[Array]:
        """For each layer (SIDES, SIDES, units), from the top left, with the weights as they are."""
        self.program.read_parameters()
        found = self.program.columns(self.rows).reshape(SIDES, SIDES, -1)
        return np.split(found, np.cumsum(self.run.model.sizes[1:-1]), axis=-1)

    def regions(self, activations: Sequence[Array]) -> Array:
        """The decision regions as colours, (SIDES, SIDES, 3): paler where in doubt."""
        with np.errstate(all="ignore"):
            shares = np.nan_to_num(self.run.head.probabilities(activations[-1]))
        return tinted(shares)


def square(points: Array) -> Extent:
    """The smallest square around the points, with a margin."""
    left, right, bottom, top = extent_of(points)
    x, y, half = (left + right) / 2, (bottom + top) / 2, max(right - left, top - bottom) / 2
    return x - half, x + half, y - half, y + half


def heat(a: Array) -> Array:
    """Activations as colours, (..., 3): blue above 0, orange below, white 0, by the largest."""
    a = np.nan_to_num(a)
    scaled = (a / (np.abs(a).max() or 1.0))[..., None]
    colour: Any = np.where(scaled > 0, _POSITIVE, _NEGATIVE)
    image: Array = 1 - (1 - colour) * np.abs(scaled)
    return image


def png(image: Array) -> bytes:
    """Colours (height, width, 3) in [0, 1] as a PNG file."""
    buffer = BytesIO()
    imsave(buffer, np.ascontiguousarray(image), format="png")
    return buffer.getvalue()
