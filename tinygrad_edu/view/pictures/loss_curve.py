"""The loss over the epochs, of one run or of several."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.axes import Axes

from tinygrad_edu.checks import is_listed, number
from tinygrad_edu.figure import draw_epochs
from tinygrad_edu.train import History
from tinygrad_edu.view.base.palette import CURVES
from tinygrad_edu.view.pictures.canvas import INK, canvas, key, legend, plain

Run = History | Iterable[float]


def loss_curve(
    histories: Run | Mapping[Any, Run], *, log: bool = False, ax: Axes | None = None
) -> Axes:
    """The loss after each epoch: of one run, or of several by name, in a dict.

    A run is a `History`, its validation loss dashed, or a list of numbers. `log` gives a
    logarithmic scale, on which losses of 0 and less are left out. Raises TypeError for other runs.
    """
    named = histories if isinstance(histories, Mapping) else {"training": histories}
    runs = [(plain(name), *_losses(run, name)) for name, run in named.items()]
    outside = ax is None and len(runs) > 1
    ax = canvas(ax, 6.0 + 1.6 * outside, 3.4)
    colours = [CURVES[k % len(CURVES)] for k in range(len(runs))]
    curves = [
        ([x if not log or x > 0 else math.nan for x in losses], {"color": colour, "ls": style})
        for (_, *both), colour in zip(runs, colours, strict=True)
        for losses, style in zip(both, ("-", "--"), strict=True)
    ]
    if log and any(x > 0 for losses, _ in curves for x in losses):
        ax.set_yscale("log")
    draw_epochs(ax, curves)
    ax.set_ylabel("loss")
    handles = [
        key(name, color=colour, lw=1.8) for (name, *_), colour in zip(runs, colours, strict=True)
    ]
    if any(validation for *_, validation in runs):
        colour = CURVES[0] if len(runs) == 1 else INK
        handles.append(key("validation", color=colour, ls="--", lw=1.8))
    if len(handles) > 1:
        legend(ax, handles, outside=outside)
    return ax


def _losses(run: Any, name: Any) -> tuple[list[float], list[float]]:
    """Training and validation losses of a run."""
    if isinstance(run, History):
        return run.loss, run.validation_loss
    if not is_listed(run):
        raise TypeError(
            f"{name!r:.40} must be a History or a list of losses, got {type(run).__name__}"
        )
    return [number(x, "a loss") for x in run], []
