"""A function of one number with its tangent, the slope from the engine beside it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from tinygrad_edu.checks import real
from tinygrad_edu.engine import Value, gradients
from tinygrad_edu.text import short
from tinygrad_edu.view.base.palette import CURVES
from tinygrad_edu.view.pictures.canvas import INK, canvas, plain


def tangent(
    f: Callable[[Any], Any],
    x: float,
    *,
    span: float = 3.0,
    name: str = "f",
    ax: Axes | None = None,
) -> Axes:
    """The graph of `f` from x - span to x + span, and its tangent at `x`.

    `f` is a function of a Value that gives a Value; the slope is its derivative by the engine.
    """
    x, span = real("x", x), real("span", span, above=0)
    xs = np.linspace(x - span, x + span, 201)
    curve = [value_and_slope(f, v)[0] for v in xs.tolist()]
    y, slope = value_and_slope(f, x)
    outside = ax is None
    ax = canvas(ax, 5.4, 3.8)
    ax.plot(xs, curve, color=CURVES[0], lw=2)
    low, high = ax.get_ylim()
    half = 0.6 * span
    ends = np.array([x - half, x + half])
    ax.plot(ends, y + slope * (ends - x), color=CURVES[1], lw=1.6)
    ax.plot([x], [y], "o", color=INK, ms=6, zorder=4)
    ax.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    name, at = plain(name), short(x)
    value, rise = f"{name}({at}) = {short(y)}", f"slope {name}'({at}) = {short(slope)}"
    if outside:
        ax.set_title(f"{value},  {rise}", fontsize=11)
    else:  # on two lines, beside other axes
        ax.set_title(f"{value}\n{rise}", fontsize=9)
    ax.set_xlabel("x")
    ax.set_ylabel(f"{name}(x)")
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def value_and_slope(f: Callable[[Any], Any], x: float) -> tuple[float, float]:
    """f(x) and f'(x); the slope is 0 where `f` gives a plain number."""
    v = Value(x)
    y = f(v)
    if not isinstance(y, Value):
        return float(y), 0.0
    return y.data, gradients(y).get(v, 0.0)
