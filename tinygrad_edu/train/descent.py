"""Gradient descent: `train` is a generator of steps."""

from __future__ import annotations  # so that help() shows the names of the types

import random
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tinygrad_edu.checks import as_random, whole
from tinygrad_edu.engine import Value
from tinygrad_edu.examples import examples, read_row
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.nn import Module
from tinygrad_edu.optim import Optimizer, find_optimizer
from tinygrad_edu.train.engines import Descent, Engine, find_engine
from tinygrad_edu.train.scalar import Model, Penalty

#: Makes another row of a row, such as the same with noise: (row, rng) -> row.
Augment = Callable[[list[float], random.Random], Iterable[Any]]
#: An optimizer, its name, or a function that makes one from the parameters.
AnyOptimizer = str | Optimizer | Callable[[list[Value]], Optimizer]


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


class Batch(NamedTuple):
    """One update: which examples it was made on, and what the engine gave for them."""

    epoch: int
    number: int
    last: bool
    loss: float
    outputs: Any
    chosen: list[int]


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
    augment: Augment | None = None,
) -> Iterator[Step]:
    """Descend, yielding a `Step` after every update.

    `X` is n rows of numbers, `y` n numbers, class numbers or rows. `batch_size=None` is the full
    batch, 1 online descent; batches are drawn anew each epoch, shuffled by `rng` (None is seed 0).
    The gradient of a batch is that of its mean loss, plus `penalty(model)`. `augment(row, rng)`
    gives the row to learn from in place of a chosen one: it is called for every row of every batch,
    in the order of the batch, after the shuffling of the epoch and with its generator.

    A module is in training mode during a step, and in its own mode again between steps: the loss
    and the outputs are those of the step, with dropout and the statistics of the batch.

    `engine` is "matrix" (the graph of one example as a NumPy program, see `vectorize`), "scalar" (a
    graph of Values for each batch), "auto" (matrix where the model can be vectorised, else scalar),
    or a function (model, loss, penalty) -> gradient of a batch.

    Raises ValueError or TypeError for data and options that do not fit, VectorizeError where
    "matrix" is asked for and there is no such program, DivergenceError where the
    loss, a gradient or a parameter is no longer finite: the parameters are then the last ones with
    a finite loss. After an interruption they are those of the last complete step.
    """
    rows, targets = examples(X, y)
    batches = descend(
        model, rows, targets, loss=find_loss(loss), optimizer=optimizer, epochs=epochs,
        batch_size=batch_size, penalty=penalty, engine=engine, rng=rng, augment=augment, every=True,
    )  # fmt: skip
    return (
        Step(
            batch.epoch,
            batch.number,
            batch.loss,
            _as_lists(batch.outputs, len(batch.chosen)),
            [targets[i] for i in batch.chosen],
        )
        for batch in batches
    )


def descend(
    model: Model,
    rows: Sequence[Any],
    targets: Sequence[Any],
    *,
    loss: Loss,
    optimizer: AnyOptimizer,
    epochs: int,
    batch_size: int | None,
    penalty: Penalty | None,
    engine: str | Engine,
    rng: int | random.Random | None,
    augment: Augment | None,
    every: bool,
) -> Generator[Batch, None, None]:
    """The batches of a descent, options as for `train`, on rows and targets that are checked.

    The parameters have their numbers after the last batch of an epoch, with `every` after each
    batch, and when it ends.
    """
    optimizer = _optimizer(optimizer, model)
    epochs = whole("epochs", epochs, least=0)
    size = len(rows) if batch_size is None else whole("batch_size", batch_size)
    if size > len(rows):
        warnings.warn(f"batch_size {size} is larger than the {len(rows)} rows", stacklevel=3)
    rng = as_random(0 if rng is None else rng)
    if penalty is not None and not callable(penalty):
        raise TypeError(
            f"penalty is a function of the model, got {type(penalty).__name__}: "
            "write penalty=lambda model: l2(model.parameters(), 1e-4)"
        )
    if augment is not None and not callable(augment):
        raise TypeError(
            f"augment is a function of a row and a generator, got {type(augment).__name__}: "
            "write augment=lambda row, rng: [x + rng.gauss(0, 0.1) for x in row]"
        )
    descent = find_engine(engine)(model, loss, penalty, optimizer, rows, targets)

    def changed(chosen: list[int]) -> list[list[float]] | None:
        return None if augment is None else [_augmented(augment, rows[i], rng) for i in chosen]

    return _batches(descent, len(rows), epochs, min(size, len(rows)), rng, changed, every)


def _batches(
    descent: Descent,
    n: int,
    epochs: int,
    size: int,
    rng: random.Random,
    changed: Callable[[list[int]], list[list[float]] | None],
    every: bool,
) -> Generator[Batch, None, None]:
    order = list(range(n))
    written = True
    try:
        for epoch in range(epochs):
            if size < n:
                rng.shuffle(order)
            for number, start in enumerate(range(0, n, size)):
                if every or start == 0:
                    descent.read()
                chosen = order[start : start + size]
                rows = changed(chosen)
                written = False
                loss, outputs = descent.step(chosen, epoch, rows)
                last = start + size >= n
                if every or last:
                    descent.write()
                    written = True
                yield Batch(epoch, number, last, loss, outputs, chosen)
    except BaseException:
        if not written:
            descent.write()
        raise


def _augmented(augment: Augment, row: list[float], rng: random.Random) -> list[float]:
    """The row as `augment` changes it, checked like the rows of X; the row itself stays."""
    changed = read_row(augment(list(row), rng), "augment(row, rng)")
    if len(changed) != len(row):
        raise ValueError(
            f"augment(row, rng) must be a row of {len(row)} numbers, got {len(changed)}"
        )
    return changed


def _as_lists(outputs: Any, n: int) -> list[list[float]]:
    """The outputs of n examples as lists; the same row for all where they depend on none."""
    if isinstance(outputs, list):
        return outputs
    rows: list[list[float]] = outputs.tolist()
    return rows if len(rows) == n else rows * n


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
