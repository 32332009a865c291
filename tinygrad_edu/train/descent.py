"""Gradient descent: `train` is a generator of steps."""

from __future__ import annotations  # so that help() shows the names of the types

import math
import random
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from tinygrad_edu.engine import Value
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.nn import Module
from tinygrad_edu.optim import Optimizer, find_optimizer
from tinygrad_edu.options import positive_int
from tinygrad_edu.rng import as_random
from tinygrad_edu.train.examples import examples
from tinygrad_edu.train.scalar import BatchGradient, Engine, Model, Penalty, find_engine

#: An optimizer, its name, or a function that makes one from the parameters.
AnyOptimizer = str | Optimizer | Callable[[list[Value]], Optimizer]


class DivergenceError(ArithmeticError):
    """The loss, a gradient or a parameter became inf or nan."""


class Step(NamedTuple):
    """One update: its place, the mean loss before it, and what the model gave for its examples."""

    epoch: int
    batch: int
    loss: float
    outputs: list[list[float]]
    targets: list[Any]

    def __repr__(self) -> str:
        return (
            f"Step(epoch={self.epoch}, batch={self.batch}, loss={self.loss:.6g}, "
            f"{len(self.targets)} examples)"
        )


def train(
    model: Model,
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    loss: str | Loss,
    optimizer: AnyOptimizer,
    epochs: int,
    batch_size: int | None = None,
    penalty: Penalty | None = None,
    engine: str | Engine = "auto",
    rng: int | random.Random | None = None,
) -> Iterator[Step]:
    """Descend, yielding a `Step` after every update.

    `X` is n rows of numbers, `y` n numbers, class numbers or rows. `batch_size=None` is the full
    batch, 1 online descent; batches are drawn anew each epoch, shuffled by `rng` (None is seed 0).
    The gradient of a batch is that of its mean loss, plus `penalty(model)`.

    Raises ValueError or TypeError for data and options that do not fit, DivergenceError where the
    loss, a gradient or a parameter is no longer finite: the parameters are then the last ones with
    a finite loss. After an interruption they are those of the last complete step.
    """
    rows, targets = examples(X, y)
    loss = find_loss(loss)
    optimizer = _optimizer(optimizer, model)
    epochs = positive_int("epochs", epochs, least=0)
    size = len(rows) if batch_size is None else positive_int("batch_size", batch_size)
    if size > len(rows):
        warnings.warn(f"batch_size {size} is larger than the {len(rows)} rows", stacklevel=2)
    rng = as_random(0 if rng is None else rng)
    if penalty is not None and not callable(penalty):
        raise TypeError(
            f"penalty is a function of the model, got {type(penalty).__name__}: "
            "write penalty=lambda model: l2(model.parameters(), 1e-4)"
        )
    gradient = find_engine(engine)(model, loss, penalty)
    return _steps(gradient, optimizer, rows, targets, epochs, min(size, len(rows)), rng)


def _steps(
    gradient: BatchGradient,
    optimizer: Optimizer,
    rows: list[list[float]],
    targets: list[Any],
    epochs: int,
    size: int,
    rng: random.Random,
) -> Iterator[Step]:
    order = list(range(len(rows)))
    last_finite = _data(optimizer)
    for epoch in range(epochs):
        if size < len(rows):
            rng.shuffle(order)
        for batch, start in enumerate(range(0, len(rows), size)):
            chosen = order[start : start + size]
            X, y = [rows[i] for i in chosen], [targets[i] for i in chosen]
            before = _data(optimizer)
            try:
                optimizer.zero_grad()
                loss, outputs = gradient(X, y)
                _check_finite("the loss", [loss], optimizer, epoch)
                _check_finite(
                    "a gradient", [p.grad for p in optimizer.parameters], optimizer, epoch
                )
                last_finite = before
                optimizer.step()
                _check_finite("a parameter", _data(optimizer), optimizer, epoch)
            except DivergenceError:
                _set_data(optimizer, last_finite)
                raise
            except BaseException:
                _set_data(optimizer, before)
                raise
            yield Step(epoch, batch, loss, outputs, y)


def _data(optimizer: Optimizer) -> list[float]:
    return [p.data for p in optimizer.parameters]


def _set_data(optimizer: Optimizer, numbers: list[float]) -> None:
    for p, x in zip(optimizer.parameters, numbers, strict=True):
        p.data = x


def _check_finite(what: str, numbers: list[float], optimizer: Optimizer, epoch: int) -> None:
    if not all(map(math.isfinite, numbers)):
        bad = next(x for x in numbers if not math.isfinite(x))
        raise DivergenceError(
            f"diverged in epoch {epoch}: {what} is {bad!r} at lr={optimizer.lr:g}; "
            "try a smaller learning rate"
        )


def _optimizer(optimizer: AnyOptimizer, model: Model) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        if not isinstance(model, Module):
            raise TypeError(
                "for a model that is no nn.Module give an optimizer with its parameters"
            )
        make = optimizer if callable(optimizer) else find_optimizer(optimizer)
        optimizer = make(model.parameters())
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"optimizer must make an Optimizer of the parameters, got {optimizer!r:.40}: "
                "write optimizer=lambda parameters: SGD(parameters, lr=0.1)"
            )
    if isinstance(model, Module) and set(model.parameters()).isdisjoint(optimizer.parameters):
        raise ValueError(
            f"{optimizer!r} holds no parameter of {model!r}: make it from model.parameters()"
        )
    return optimizer
