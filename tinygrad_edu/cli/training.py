"""What all demos that train share: say what is trained, train until the end or Ctrl-C, and tell."""

import random
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tinygrad_edu.cli.options import Settings
from tinygrad_edu.engine import no_grad
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.nn import MLP, Sequential
from tinygrad_edu.nn.recurrent import RNN
from tinygrad_edu.optim import find_optimizer
from tinygrad_edu.text import clean
from tinygrad_edu.train import History, fit
from tinygrad_edu.view.base.report import Picture

Rows = Sequence[Sequence[float]]
Model = MLP | Sequential | RNN


def fitted(settings: Settings, rows: int) -> Settings:
    """The settings with a batch no larger than the data."""
    if settings.batch_size is not None and settings.batch_size >= rows:
        return replace(settings, batch_size=None)
    return settings


def trained(
    announcement: Sequence[str],
    model: Model,
    examples: tuple[Rows, Sequence[Any]],
    *,
    loss: str | Loss,
    settings: Settings,
    rng: random.Random,
    validation: tuple[Rows, Sequence[Any]] | None = None,
) -> History:
    """Print the announcement, how it is trained, and how that ended."""
    batch = "full batch" if settings.batch_size is None else f"batches of {settings.batch_size}"
    how = f"{settings.optimizer} with learning rate {settings.lr:g}, {batch}"
    start = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the same is said by `_ending`
        try:  # from the first line on, Ctrl-C ends with a saved model
            print("\n".join([*announcement, f"{settings.loss}, {how}"]), flush=True)
            history = fit(
                model, *examples, loss=loss,
                optimizer=find_optimizer(settings.optimizer)(model.parameters(), lr=settings.lr),
                epochs=settings.epochs, batch_size=settings.batch_size, validation=validation,
                rng=rng,
            )  # fmt: skip
        except KeyboardInterrupt:
            history = History(interrupted=True)
    print(f"{_ending(history, settings)} in {time.monotonic() - start:.1f} s\n", flush=True)
    return history


def measured(
    name: str, loss: str | Loss, outputs: Rows, targets: Sequence[Any], right: Sequence[bool]
) -> tuple[str, str, str, str]:
    """A row of the table of results: rows, mean loss, and the share that is right."""
    loss_of, n = find_loss(loss), len(right)
    with no_grad():
        mean = sum(loss_of(o, t).data for o, t in zip(outputs, targets, strict=True)) / n
    return name, str(n), f"{mean:.4f}" if mean < 1e6 else f"{mean:.3e}", f"{sum(right) / n:.1%}"


def print_results(results: Sequence[Sequence[str]]) -> None:
    """The table of results, its header first."""
    for name, *cells in results:
        print(f"  {name:<10}{cells[0]:>8}" + "".join(f"{cell:>12}" for cell in cells[1:]))


def facts(model: Model, settings: Settings, history: History) -> dict[str, str]:
    """What the report tells of the training."""
    n = len(history)
    stopped = f" ({history.stopped or 'interrupted'})" if n < settings.epochs else ""
    return {
        "parameters": f"{len(model.parameters()):,}",
        "loss": str(settings.loss),
        "optimizer": f"{settings.optimizer}, learning rate {settings.lr:g}",
        "epochs": f"{n} of {settings.epochs}{stopped}",
        "batch": "full" if settings.batch_size is None else f"{settings.batch_size} rows",
        "seed": str(settings.seed),
    }


def course(history: History) -> Picture:
    """Loss and accuracy over the epochs."""
    what = "loss and accuracy" if history.accuracy else "loss"
    dashed = " (dashed: test rows, after it)" if history.validation_loss else ""
    caption = f"Mean {what} in each epoch of training{dashed}."
    return Picture("Course of training", caption, history.plot().png())


def finish(settings: Settings, history: History, notes: Sequence[str], written: list[str]) -> int:
    """Print what was written; give the exit code: 0, 1 after divergence, 130 after Ctrl-C."""
    print("\n" + "\n".join([*notes, f"wrote {', '.join(written)}"]))
    print(f"   to {clean(settings.out, 1000)}")
    if history.interrupted:
        print("tinygrad-edu: interrupted; what was learned so far is saved", file=sys.stderr)
        return 130
    if history.stopped:
        print(f"tinygrad-edu: {history.stopped}", file=sys.stderr)
        return 1
    return 0


def _ending(history: History, settings: Settings) -> str:
    n = len(history)
    if history.interrupted:
        return f"interrupted after {n} of {settings.epochs} epochs"
    if history.stopped:
        return f"diverged after {n} of {settings.epochs} epochs"
    return f"trained {n} {'epoch' if n == 1 else 'epochs'}"
