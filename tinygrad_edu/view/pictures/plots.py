"""Numbers as lines, dots and colours: lists, tables, and what a run has after each epoch."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import accumulate
from random import Random
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from tinygrad_edu.checks import (
    as_model,
    flag,
    function,
    instance,
    is_listed,
    listed,
    number,
    one_of,
    real,
    row,
    text_of,
)
from tinygrad_edu.engine import Value, grad
from tinygrad_edu.examples import examples
from tinygrad_edu.figure import Figure, draw_epochs
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.nn.sequential import dense_layers
from tinygrad_edu.train import History, fit
from tinygrad_edu.train.engines import vectorized_or_scalar
from tinygrad_edu.train.held import put_back, trial
from tinygrad_edu.train.training import AnyOptimizer
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.program import Program
from tinygrad_edu.view.base.palette import CURVES, IN_ORDER, PLOT_INK
from tinygrad_edu.view.network.deltas import loss_of, passes_of
from tinygrad_edu.view.pictures.canvas import bare, canvas, graph, key, legend, plain, signed

#: Rows and columns of a heat map whose names can still be read.
_MOST: Final = 64


def plot(
    x: Iterable[float],
    ys: Mapping[str, Iterable[float]],
    *,
    dots: Iterable[str] = (),
    log: str = "none",
    names: tuple[str, str] = ("x", ""),
    ax: Axes | None = None,
) -> Axes:
    """Lists of numbers over `x`, by name: a line for each, or dots for those named in `dots`.

    `log` says, as "x", "y" or "xy", which scales are logarithmic: what is 0 or less has no place
    there. `names` stand on the axes. Raises ValueError for lists of another length than `x`.
    """
    across = row("x", x)
    instance("ys", ys, Mapping, "a dict of lists by name", 'write plot(x, {"loss": losses})')
    lists = {str(name): numbers for name, numbers in ys.items()}
    if not lists:
        raise ValueError("ys is empty: give at least one list of numbers by its name")
    marked = [one_of("dots", name, lists) for name in listed("dots", dots, "names of ys")]
    labels = [plain(text_of("names", name)) for name in listed("names", names, "two texts")]
    if len(labels) != 2:
        raise ValueError(f"names are those of the two axes, got {len(labels)}")
    one_of("log", log, ("none", "x", "y", "xy"))
    outside = ax is None and len(lists) > 1
    ax, entries = canvas(ax, 6.0 + 1.8 * outside, 3.6), []
    for name, numbers, colour in zip(lists, lists.values(), _colours(len(lists)), strict=True):
        up = row(f"ys[{name!r}]", numbers, len(across))
        look: dict[str, Any] = {"marker": "o", "ms": 3.5, "ls": ""} if name in marked else {"lw": 2}
        ax.plot(across, _above_0(up) if "y" in log else up, color=colour, **look)
        entries.append(key(plain(name, 40), color=colour, **look))
    if "x" in log:
        ax.set_xscale("log")
    if "y" in log:
        ax.set_yscale("log")
    graph(ax, *labels)
    legend(ax, entries if len(entries) > 1 else [], outside=outside)
    return ax


def _colours(n: int) -> list[str]:
    return [CURVES[k % len(CURVES)] for k in range(n)]


def _above_0(numbers: Iterable[float]) -> list[float]:
    """What a logarithmic scale shows."""
    return [x if x > 0 else math.nan for x in numbers]


def heat_map(
    rows: Iterable[Iterable[Any]],
    names: Iterable[Any] = (),
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """A table of numbers as colours: blue positive, orange negative, white 0, the largest darkest.

    `rows` are of numbers or Values, such as the attention of a head; a short one ends early.
    `names` stand at the columns and, where there are as many, at the rows. Raises ValueError for no
    number at all, for more than 64 rows or columns, and for another count of names.

    >>> ax = heat_map([[1.0], [0.25, 0.75]], "ab", title="head 1")
    """
    table = [
        [
            x.data if isinstance(x, Value) else number(x, f"rows[{i}]")
            for x in listed(f"rows[{i}]", numbers, "numbers")
        ]
        for i, numbers in enumerate(listed("rows", rows, "rows of numbers"))
    ]
    height, width = len(table), max(map(len, table), default=0)
    if not width or max(width, height) > _MOST:
        raise ValueError(f"a heat map has 1 to {_MOST} rows and columns, got {height}, {width}")
    names = [*names] if isinstance(names, str) else listed("names", names, "names")
    labels = [plain(name, 14) for name in names] or [str(k + 1) for k in range(width)]
    if len(labels) != width:
        raise ValueError(f"the longest row has {width} numbers, got {len(names)} names")
    ax = canvas(ax, 1.4 + 0.35 * max(width, 5), 1.2 + 0.35 * max(height, 3))
    numbers = np.array([[*row, *[math.nan] * (width - len(row))] for row in table])
    top = float(np.abs(numbers[np.isfinite(numbers)]).max(initial=0.0))
    ax.imshow(numbers, extent=(-0.5, width - 0.5, height - 0.5, -0.5), **signed(top))
    ax.set_xticks(range(width), labels)
    ax.set_yticks(range(height), labels if height == width else map(str, range(1, height + 1)))
    ax.set_title(plain(title, 60), color=PLOT_INK, fontsize=10)
    bare(ax)
    return ax


def beside(*pictures: Callable[..., Axes], width: float = 10.0, height: float = 3.4) -> Figure:
    """Pictures side by side in a figure of `width` by `height` inches, which shows itself.

    Each is a function that takes the axes it draws into as `ax`, such as
    `lambda ax: pictures.tangent(f, 1.0, ax=ax)`.
    """
    if not pictures:
        raise ValueError("beside needs at least one picture, a function that takes ax")
    size = (real("width", width, above=0), real("height", height, above=0))
    figure = Figure(figsize=size, layout="constrained")
    for k, picture in enumerate(pictures):
        function(f"pictures[{k}]", picture, "ax", "write lambda ax: pictures.tangent(f, 1, ax=ax)")
        picture(ax=figure.add_subplot(1, len(pictures), k + 1))
    return figure


Run = History | Iterable[float]


def loss_curve(
    histories: Run | Mapping[Any, Run], *, log: bool = False, ax: Axes | None = None
) -> Axes:
    """The loss after each epoch: of one run, or of several by name, in a dict.

    A run is a `History`, its validation loss dashed, or a list of numbers. `log` gives a
    logarithmic scale, on which losses of 0 and less are left out. Raises TypeError for other runs.
    """
    named = histories if isinstance(histories, Mapping) else {"training": histories}
    runs = [_losses(run, name) for name, run in named.items()]
    outside, log = ax is None and len(runs) > 1, flag("log", log)
    ax, colours = canvas(ax, 6.0 + 1.6 * outside, 3.4), _colours(len(runs))
    curves = [
        (_above_0(losses) if log else losses, {"color": colour, "ls": style})
        for run, colour in zip(runs, colours, strict=True)
        for losses, style in zip(run, ("-", "--"), strict=True)
    ]
    if log and any(x > 0 for losses, _ in curves for x in losses):
        ax.set_yscale("log")
    draw_epochs(ax, curves)
    ax.set_ylabel("loss")
    handles = [key(plain(n), color=c, lw=1.8) for n, c in zip(named, colours, strict=True)]
    if any(validation for _, validation in runs):
        colour = CURVES[0] if len(runs) == 1 else PLOT_INK
        handles.append(key("validation", color=colour, ls="--", lw=1.8))
    legend(ax, handles if len(handles) > 1 else [], outside=outside)
    return ax


def _losses(run: Any, name: Any) -> tuple[list[float], list[float]]:
    """Training and validation losses of a run."""
    if isinstance(run, History):
        return run.loss, run.validation_loss
    if not is_listed(run):
        kind = type(run).__name__
        raise TypeError(f"{name!r:.40} must be a History or a list of losses, got {kind}")
    return [number(x, "a loss") for x in run], []


def gradients(
    model: Any,
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    loss: str | Loss,
    optimizer: AnyOptimizer = "sgd",
    epochs: int = 50,
    batch_size: int | None = None,
    rng: int | Random | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The mean |delta| of each layer, before training and after each epoch: a curve per layer.

    delta is dL/dz of a unit, L the loss of one example; the mean is over units and examples. The
    scale is logarithmic, what is 0 is left out. Where the curves of the first layers lie far below
    those of the last, gradients vanish on their way back (Glorot and Bengio 2010). The options are
    those of `fit`, which trains the net of dense layers; afterwards it is as it was.
    """
    layers, of_one = dense_layers(as_model(model)), find_loss(loss)
    rows, targets = examples(X, y)
    pairs = [*zip(rows, targets, strict=True)]

    def back(x: Sequence[Any], target: Any) -> list[Any]:
        passes = passes_of(model, layers, list(x))
        return grad(loss_of(model, passes, target, of_one), [z for p in passes for z in p.z])

    def by_scalars() -> Array:
        return np.array([[delta.data for delta in back(*pair)] for pair in pairs])

    program = cache(lambda: Program(back, pairs[0]))
    ends = [*accumulate(len(layer.neurons) for layer in layers)][:-1]
    sizes: list[list[float]] = []

    def look(_: Any = None) -> None:
        found = vectorized_or_scalar(lambda: program().columns(rows, targets), by_scalars)
        sizes.append([float(abs(part).mean()) for part in np.split(found, ends, axis=1)])

    parameters = [p for layer in layers for u in layer.neurons for p in u.parameters()]
    with put_back(parameters), trial(model, of_one, optimizer):
        look()
        fit(
            model, rows, targets, loss=of_one, optimizer=optimizer, epochs=epochs,
            batch_size=batch_size, rng=rng, callbacks=[look], progress=False,
        )  # fmt: skip
    outside, ax = ax is None, canvas(ax, 7.6, 3.6)
    colours = mpl.colormaps[IN_ORDER](np.linspace(0, 0.88, len(layers)))
    curves = [_above_0(of_layer) for of_layer in zip(*sizes, strict=True)]
    ax.set_yscale("log")
    draw_epochs(ax, [(c, {"color": colour}) for c, colour in zip(curves, colours, strict=True)])
    ax.set_ylabel(r"mean $|\delta|$")
    handles = [key(f"layer{k}", color=c, lw=1.8) for k, c in enumerate(colours, 1)]
    legend(ax, handles, outside=outside)
    return ax
