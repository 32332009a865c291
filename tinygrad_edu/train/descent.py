"""Gradient descent: `train` is a generator of steps."""

from __future__ import annotations  # so that help() shows the names of the types

import random
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, NamedTuple

from tinygrad_edu.checks import as_random, function, whole
from tinygrad_edu.examples import examples
from tinygrad_edu.losses import Loss
from tinygrad_edu.train.blocks import Descent, OtherRows
from tinygrad_edu.train.engines import find_engine
from tinygrad_edu.train.training import (
    AnyOptimizer,
    Augment,
    Divergence,
    DivergenceError,
    Engine,
    Model,
    Penalty,
    Training,
    changed_row,
    prepared,
)


class Step(NamedTuple):
    """One update: its place, the mean loss before it, and what the model gave for its examples."""

    epoch: int
    batch: int
    loss: float
    outputs: list[list[float]]
    targets: list[Any]

    def __repr__(self) -> str:
        place = f"epoch={self.epoch}, batch={self.batch}"
        return f"Step({place}, loss={self.loss:.6g}, {len(self.targets)} examples)"


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
    training = prepared(model, rows, targets, loss, optimizer, penalty)
    batches = descend(training, epochs, batch_size, engine, rng, augment, sync="step", shared=True)
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
    training: Training,
    epochs: int,
    batch_size: int | None,
    engine: str | Engine,
    rng: int | random.Random | None,
    augment: Augment | None,
    *,
    sync: str = "epoch",
    shared: bool = False,
) -> Generator[Batch, None, None]:
    """The batches of a descent, options as for `train`.

    The Values of the parameters are those of the descent after each "step" or each "epoch", as
    `sync` says, and when it ends. With `shared` code of the user's runs then, which may change
    them, and whatever else model, loss and penalty depend on.
    """
    epochs, size, rng, rows = course(training, epochs, batch_size, rng, augment)
    descent, order = find_engine(engine)(training), list(range(len(training.rows)))
    shuffle = None if rng is None else rng.shuffle
    return batches(descent, order, range(epochs), size, shuffle, rows, sync, shared)


def course(
    training: Training,
    epochs: int,
    batch_size: int | None,
    rng: int | random.Random | None,
    augment: Augment | None,
) -> tuple[int, int, random.Random | None, OtherRows | None]:
    """Epochs, examples of a batch, what shuffles them, if anything, and what changes them."""
    rows, n = training.rows, len(training.rows)
    epochs = whole("epochs", epochs, least=0)
    size = n if batch_size is None else whole("batch_size", batch_size)
    if size > n:
        warnings.warn(f"batch_size {size} is larger than the {n} rows", stacklevel=4)
    rng = as_random(0 if rng is None else rng)
    shuffling = rng if size < n else None
    if augment is None:
        return epochs, min(size, n), shuffling, None
    remedy = "write augment=lambda row, rng: [x + rng.gauss(0, 0.1) for x in row]"
    function("augment", augment, "a row and a generator", remedy)
    augmented = lambda chosen: [changed_row(augment, rows[i], rng) for i in chosen]  # noqa: E731
    return epochs, min(size, n), shuffling, augmented


def batches(
    descent: Descent,
    order: Any,
    epochs: Iterable[int],
    size: int,
    shuffle: Callable[[Any], None] | None,
    rows: OtherRows | None = None,
    sync: str = "epoch",
    shared: bool = False,
) -> Generator[Batch, None, None]:
    """Steps of `size` examples through all in `order`, shuffled before each epoch.

    `rows` makes other rows of those chosen. The parameters are written after each "step", each
    "epoch", or never, as `sync` says, and with `shared` read before; a step or an epoch that is
    broken off writes them too.
    """
    n, written, first = len(order), True, True
    try:
        for epoch in epochs:
            if shuffle is not None:
                shuffle(order)
            for number, start in enumerate(range(0, n, size)):
                if shared and (sync == "step" or start == 0):
                    descent.read()
                chosen = order[start : start + size]
                new_rows = None if rows is None else rows(chosen)
                written = sync == "never"
                loss, outputs = descent.step(chosen, epoch, new_rows)
                first = False
                last = start + size >= n
                if sync == "step" or (sync == "epoch" and last):
                    descent.write()
                    written = True
                yield Batch(epoch, number, last, loss, outputs, chosen)
    except BaseException as error:
        if not written:
            descent.write()
        match error.args:
            case [Divergence() as found] if first:
                raise DivergenceError(found._replace(first=True)) from None
        raise


def _as_lists(outputs: Any, n: int) -> list[list[float]]:
    """The outputs of n examples as lists; the same row for all where they depend on none."""
    if isinstance(outputs, list):
        return outputs
    rows: list[list[float]] = outputs.tolist()
    return rows if len(rows) == n else rows * n
