"""The weights of each unit of a layer as a picture."""

from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from tinygrad_edu.checks import whole
from tinygrad_edu.nn import Neuron
from tinygrad_edu.nn.convolution import Conv2d
from tinygrad_edu.text import short
from tinygrad_edu.view.base.palette import signed_map
from tinygrad_edu.view.pictures.canvas import INK
from tinygrad_edu.view.pictures.stages import first_units
from tinygrad_edu.view.pictures.tiles import cell, sheet, title

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
