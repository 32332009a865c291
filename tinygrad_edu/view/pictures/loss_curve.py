"""The loss over the epochs, of one run or of several."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tinygrad_edu.checks import is_listed, number
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
    handles, validated = [], False
    for k, (name, training, validation) in enumerate(runs):
        colour = CURVES[k % len(CURVES)]
        for losses, style in ((training, "-"), (validation, "--")):
            shown = [x if not log or x > 0 else math.nan for x in losses]
            marker = "o" if len(shown) == 1 else None
            ax.plot(shown, color=colour, ls=style, lw=1.8, marker=marker)
        handles.append(key(name, color=colour, lw=1.8))
        validated = validated or bool(validation)
    if validated:
        colour = CURVES[0] if len(runs) == 1 else INK
        handles.append(key("validation", color=colour, ls="--", lw=1.8))
    if not any(training for _, training, _ in runs):
        ax.text(0.5, 0.5, "no epoch was completed", ha="center", transform=ax.transAxes)
    elif log and any(x > 0 for _, *both in runs for losses in both for x in losses):
        ax.set_yscale("log")
    elif not log:
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
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
