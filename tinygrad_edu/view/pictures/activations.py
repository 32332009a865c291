"""Activations with their gradients and how they are spread; a function with its tangent."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from tinygrad_edu.checks import function, instance, listed, number, real, row
from tinygrad_edu.engine import Value, gradients
from tinygrad_edu.nn.activations import Activation, activation_name, record_of
from tinygrad_edu.text import short
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.view.base.palette import CURVES, PLOT_INK, PLOT_PALE, PLOT_SHADE
from tinygrad_edu.view.network.deltas import name_of_function
from tinygrad_edu.view.pictures.canvas import canvas, cell, graph, key, legend, plain, sheet, title
from tinygrad_edu.view.pictures.field import Extent

_COLUMNS: Final = 4
#: What a cell shows of the numbers of a function.
_LOW, _HIGH = -1.3, 2.3


def activations(
    names: Activation | Sequence[Activation] = ("step", "sigmoid", "tanh", "relu"),
    *,
    span: float = 5.0,
    saturation: float = 0.05,
    ax: Axes | None = None,
) -> Axes:
    """Activations g(z) with their gradients g'(z), for z from -span to span.

    `names` is a name of `nn.ACTIVATIONS` or a function of a Value, or several of them, which get a
    small picture each, with the lines 0 and 1. Where |g'(z)| < `saturation` the unit learns next to
    nothing: shaded. prelu has the slope 0.25.
    """
    single = isinstance(names, str) or callable(names)
    chosen: Any = [names] if single else listed("names", names, "activations")
    if not chosen:
        raise ValueError("names needs at least one activation")
    span = real("span", span, above=0)
    saturation = real("saturation", saturation, least=0)
    z = np.linspace(-span, span, 401)
    functions = map(_function, chosen)
    curves = [np.array([value_and_slope(g, x) for x in z.tolist()]).T for g in functions]
    titles = [name if isinstance(name, str) else name_of_function(name) for name in chosen]
    outside = ax is None
    if len(chosen) == 1:
        ax = _alone(ax, z, curves[0], titles[0], saturation)
    else:
        columns = min(_COLUMNS, len(chosen))
        ax = sheet(ax, -(-len(chosen) // columns), columns, 1.6, beside=1.4)
        for k, (curve, name) in enumerate(zip(curves, titles, strict=True)):
            place = cell(*divmod(k, columns))
            _small(ax, place, z / span, curve, saturation)
            title(ax, place, plain(name), size=10)
    legend(
        ax,
        [
            key("g(z)", color=CURVES[0], lw=2),
            key("g'(z)", color=CURVES[1], lw=1.6, ls="--"),
            Patch(color=PLOT_SHADE, label=f"|g'(z)| < {saturation:g}"),
        ],
        outside=outside,
    )
    return ax


def _function(name: Activation) -> Callable[[Any], Any]:
    record = record_of(activation_name(name))
    if record.of_layer:
        raise ValueError(f"{name} is an activation of a whole layer: it has no graph over z")
    return record.function if record.alpha is None else lambda z: record.function(z, record.alpha)


def _alone(ax: Axes | None, z: Array, curve: Array, name: str, saturation: float) -> Axes:
    a, slope = curve
    ax = canvas(ax, 6.0, 3.6)
    ax.plot(z, a, color=CURVES[0], lw=2)
    ax.plot(z, slope, color=CURVES[1], lw=1.6, ls="--")
    ax.fill_between(
        z, 0, 1, where=np.abs(slope) < saturation, color=PLOT_SHADE, lw=0, zorder=0,
        transform=ax.get_xaxis_transform(),
    )  # fmt: skip
    ax.set_title(plain(name))
    graph(ax, "z")
    return ax


def _small(ax: Axes, place: Extent, z: Array, curve: Array, saturation: float) -> None:
    """A cell; z is in -1..1."""
    a, slope = curve
    left, right, bottom, top = place
    x = (left + right) / 2 + z * (right - left) / 2

    def height(y: Any) -> Any:
        return bottom + (top - bottom) * (y - _LOW) / (_HIGH - _LOW)

    ax.fill_between(x, bottom, top, where=np.abs(slope) < saturation, color=PLOT_SHADE, lw=0)
    ax.plot([left, right, right, left, left], [bottom, bottom, top, top, bottom],
            color=PLOT_PALE, lw=0.7)  # fmt: skip
    for y in (0, 1):
        ax.plot([left, right], [height(y)] * 2, color=PLOT_INK, lw=0.5, alpha=0.5)
        ax.text(left - 0.02, height(y), str(y), ha="right", va="center", fontsize=7, color=PLOT_INK)
    for numbers, colour, ls in ((slope, CURVES[1], "--"), (a, CURVES[0], "-")):
        inside = (numbers >= _LOW) & (numbers <= _HIGH)
        ax.plot(x, np.where(inside, height(numbers), np.nan), color=colour, ls=ls, lw=1.7)


def histograms(
    groups: Mapping[Any, Iterable[float]],
    *,
    span: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """How the numbers of each group are spread: a histogram for each, one beside the other.

    `groups` are lists of numbers by name, such as the activations of each layer. All have the same
    scale up, from and to `span`, by default the least and the largest number; numbers outside are
    left out. The longest bar of a group is as wide as that of any other. Raises ValueError for no
    group, an empty one, and a span whose end is below its beginning.
    """
    instance("groups", groups, Mapping, "a dict of lists of numbers", 'write {"layer 1": [0.5, 1]}')
    named = {plain(name): row(f"groups[{name!r}]", xs) for name, xs in groups.items()}
    if not all([named, *named.values()]):
        raise ValueError("histograms need at least one group, and a number in each")
    every = [x for xs in named.values() for x in xs]
    low, high = (min(every), max(every)) if span is None else row("span", span, 2)
    if low > high:
        raise ValueError(f"span is from the least to the largest number, got {low:g} to {high:g}")
    half = 0.5 * (low == high)  # one number has a bar too
    edges = np.linspace(low - half, high + half, 26)
    ax = canvas(ax, 1.0 + 1.1 * len(named), 2.6)
    for k, xs in enumerate(named.values()):
        counts = np.histogram(xs, edges)[0]
        bars, left = k + 0.85 * counts / counts.max(initial=1), k
        ax.stairs(bars, edges, baseline=left, orientation="horizontal", fill=True, color=CURVES[0])
    ax.set_xticks(range(len(named)), list(named), ha="left")
    graph(ax, "")
    return ax


def tangent(
    f: Callable[[Any], Any],
    x: float,
    *,
    span: float = 3.0,
    name: str = "f",
    variable: str = "x",
    ax: Axes | None = None,
) -> Axes:
    """The graph of `f` from x - span to x + span, and its tangent at `x`.

    `f` is a function of a Value that gives a Value; the slope is its derivative by the engine.
    `name` and `variable` are what the axes call them, as in f(x).
    """
    x, span = real("x", x), real("span", span, above=0)
    function("f", f, "a Value")
    xs = np.linspace(x - span, x + span, 201)
    curve = [value_and_slope(f, v)[0] for v in xs.tolist()]
    y, slope = value_and_slope(f, x)
    ax_given = ax is not None
    ax = canvas(ax, 5.4, 3.8)
    ax.plot(xs, curve, color=CURVES[0], lw=2)
    low, high = ax.get_ylim()
    half = 0.6 * span
    ends = np.array([x - half, x + half])
    ax.plot(ends, y + slope * (ends - x), color=CURVES[1], lw=1.6)
    ax.plot([x], [y], "o", color=PLOT_INK, ms=6, zorder=4)
    ax.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    name, variable, at = plain(name), plain(variable), short(x)
    value, rise = f"{name}({at}) = {short(y)}", f"slope {short(slope)}"
    beside = "\n" if ax_given else ",  "  # on two lines, beside other axes
    ax.set_title(f"{value}{beside}{rise}", fontsize=9 if ax_given else 11)
    graph(ax, variable, f"{name}({variable})")
    return ax


def value_and_slope(f: Callable[[Any], Any], x: float) -> tuple[float, float]:
    """f(x) and f'(x); the slope is 0 where `f` gives a plain number."""
    v = Value(x)
    y = f(v)
    if not isinstance(y, Value):
        return number(y, "what f gives"), 0.0
    return y.data, gradients(y).get(v, 0.0)
