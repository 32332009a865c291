"""Fitting: `fit` drives `train` epoch by epoch, with a bar, a `History` and callbacks."""

from __future__ import annotations  # so that help() shows the names of the types

import math
import random
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tinygrad_edu.checks import real, whole
from tinygrad_edu.examples import Rows, examples
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.nn import Module
from tinygrad_edu.train.descent import AnyOptimizer, Augment, Batch, descend
from tinygrad_edu.train.engines import Engine
from tinygrad_edu.train.evaluation import evaluation
from tinygrad_edu.train.finite import DivergenceError
from tinygrad_edu.train.history import History
from tinygrad_edu.train.metrics import Decision, decision
from tinygrad_edu.train.scalar import Model, Penalty


class Epoch(NamedTuple):
    """What a callback gets after an epoch; the last one has `last` set."""

    number: int
    last: bool
    model: Model
    loss: float
    accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None


#: Called after each epoch; True ends training.
Callback = Callable[[Epoch], bool | None]


def fit(
    model: Model,
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    loss: str | Loss,
    optimizer: AnyOptimizer,
    epochs: int,
    batch_size: int | None = None,
    penalty: Penalty | None = None,
    validation: tuple[Iterable[Any], Iterable[Any]] | None = None,
    engine: str | Engine = "auto",
    rng: int | random.Random | None = None,
    augment: Augment | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool = True,
) -> History:
    """Train the model and give the `History`; options as for `train`.

    `validation` is (X, y) to measure after each epoch, in evaluation mode; loss and accuracy of
    the history are those of the steps themselves, in training mode. Each callback gets an `Epoch`
    and may return True to stop. `progress` shows a bar in a terminal or a notebook. Ctrl-C after
    the first epoch, or divergence, ends training with a warning: the history up to then is returned
    and the model usable.
    """
    rows, targets = examples(X, y)
    held_out = None if validation is None else _held_out(validation)
    callbacks = _callables(callbacks)
    loss = find_loss(loss)
    batches = descend(
        model, rows, targets, loss=loss, optimizer=optimizer, epochs=epochs,
        batch_size=batch_size, penalty=penalty, engine=engine, rng=rng, augment=augment,
        every=False,
    )  # fmt: skip
    measure = None if held_out is None else evaluation(model, *held_out, loss, engine)
    history = History()
    with progress_bar(epochs, progress) as bar:
        try:
            for number, value, share in _epochs(batches, loss, targets):
                measured = None if measure is None else measure()
                history._append(value, share, measured)
                bar.set_postfix(_latest(history), refresh=False)
                bar.update()
                if _stops(callbacks, _epoch(number, epochs, model, history)):
                    history.stopped = f"stopped by a callback after epoch {number}"
                    break
        except (KeyboardInterrupt, DivergenceError) as error:
            batches.close()
            history.stopped = str(error)
            if isinstance(error, KeyboardInterrupt):
                if not history.loss:
                    raise
                history.interrupted = True
                history.stopped = f"interrupted by the user after epoch {len(history) - 1}"
            warnings.warn(f"training {history.stopped}", RuntimeWarning, stacklevel=2)
    return history


def _epochs(
    batches: Iterator[Batch], loss: Loss, targets: Sequence[Any]
) -> Iterator[tuple[int, float, float | None]]:
    """For each epoch its number, the mean loss of its examples, and the share that was right."""
    n = len(targets)
    mean, outputs, chosen = 0.0, [], []
    right: Decision | None = None
    wanted: list[int] = []
    for batch in batches:
        if batch.epoch == batch.number == 0:
            right = decision(loss, targets, len(batch.outputs[0]))
            wanted = [] if right is None else right.wanted(targets)
        mean += batch.loss * (len(batch.chosen) / n)
        chosen += batch.chosen
        outputs.append(batch.outputs if isinstance(batch.outputs, list) else batch.outputs.copy())
        if batch.last:
            share = None
            if right is not None:
                classes = [c for part in outputs for c in right.classes(part)]
                share = sum(c == wanted[i] for c, i in zip(classes, chosen, strict=True)) / n
            yield batch.epoch, mean, share
            mean, outputs, chosen = 0.0, [], []


class EarlyStopping:
    """A callback: stop when the validation loss has not fallen for `patience` epochs.

    A fall counts if it is more than `min_delta`. The parameters (and buffers) of the best epoch are
    restored when it stops and after the last epoch (Prechelt 1998). Without validation data it
    takes the loss, which is measured before an update, and the parameters from before that epoch.
    """

    def __init__(self, patience: int = 10, *, min_delta: float = 0.0) -> None:
        self.patience = whole("patience", patience)
        self.min_delta = real("min_delta", min_delta, least=0)
        self.best_loss = math.inf
        self.best_epoch = 0
        self._best: dict[str, float] = {}
        self._before: dict[str, float] = {}

    def __call__(self, epoch: Epoch) -> bool:
        """Whether to stop after this epoch."""
        if not isinstance(epoch.model, Module):
            raise TypeError("EarlyStopping restores parameters: the model must be an nn.Module")
        now = epoch.model.state_dict()
        if epoch.number == 0:
            self.best_loss, self.best_epoch = math.inf, 0
            self._best = self._before = now
        loss = epoch.loss if epoch.validation_loss is None else epoch.validation_loss
        if loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch = loss, epoch.number
            self._best = self._before if epoch.validation_loss is None else now
        self._before = now
        stop = epoch.number - self.best_epoch >= self.patience
        if stop or epoch.last:
            epoch.model.load_state_dict(self._best)
        return stop

    def __repr__(self) -> str:
        return f"EarlyStopping({self.patience}, min_delta={self.min_delta})"


def _held_out(validation: Any) -> tuple[Rows, Rows]:
    try:
        X, y = validation
    except (TypeError, ValueError):
        raise TypeError(f"validation must be (X, y), got {validation!r:.60}") from None
    return examples(X, y, names=("X_val", "y_val"))


def _callables(callbacks: Any) -> Sequence[Callback]:
    if isinstance(callbacks, (list, tuple)) and any(isinstance(c, type) for c in callbacks):
        raise TypeError("callbacks holds a class: write EarlyStopping() with parentheses")
    if not isinstance(callbacks, (list, tuple)) or not all(map(callable, callbacks)):
        raise TypeError(f"callbacks must be a list of functions of an Epoch, got {callbacks!r:.60}")
    return callbacks


def _epoch(number: int, epochs: int, model: Model, history: History) -> Epoch:
    def latest(numbers: list[float]) -> float | None:
        return numbers[-1] if numbers else None

    return Epoch(
        number=number,
        last=number == epochs - 1,
        model=model,
        loss=history.loss[-1],
        accuracy=latest(history.accuracy),
        validation_loss=latest(history.validation_loss),
        validation_accuracy=latest(history.validation_accuracy),
    )


def _stops(callbacks: Sequence[Callback], epoch: Epoch) -> bool:
    answers = [callback(epoch) for callback in callbacks]
    for callback, answer in zip(callbacks, answers, strict=True):
        if answer not in (None, True, False):
            raise TypeError(
                f"callback {callback!r} must return True to stop or None, got {answer!r}"
            )
    return any(answers)


def _latest(history: History) -> dict[str, str]:
    shown = {"loss": f"{history.loss[-1]:.4f}"}
    if history.accuracy:
        shown["accuracy"] = f"{history.accuracy[-1]:.1%}"
    return shown


def progress_bar(epochs: int, progress: bool) -> Any:
    """A bar of epochs, where somebody can see it: a terminal or a notebook, never a log."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    seen = progress and (terminal or "ipykernel" in sys.modules)
    from tqdm import tqdm

    return tqdm(total=epochs, unit="epoch", disable=not seen, dynamic_ncols=True)
