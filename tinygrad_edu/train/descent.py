"""Gradient descent: `train` is a generator of steps."""

from __future__ import annotations  # so that help() shows the names of the types

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tinygrad_edu.checks.habits import answered
from tinygrad_edu.examples import examples
from tinygrad_edu.losses import Loss
from tinygrad_edu.train.blocks import Block, Descent, broken_off, planned
from tinygrad_edu.train.engines import find_engine
from tinygrad_edu.train.training import (
    AnyOptimizer,
    Augment,
    Engine,
    Model,
    Penalty,
    prepared,
    weighted,
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


@answered
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
    sample_weight: Iterable[float] | None = None,
) -> Iterator[Step]:
    """Descend, yielding a `Step` after every update.

    `X` is n rows of numbers, `y` n numbers, class numbers or rows. `batch_size=None` is the full
    batch, 1 online descent; batches are drawn anew each epoch, shuffled by `rng` (None is seed 0).
    The gradient of a batch is that of its mean loss, plus `penalty(model)`. `augment(row, rng)`
    gives the row to learn from in place of a chosen one: it is called for every row of every batch,
    in the order of the batch, after the shuffling of the epoch and with its generator.

    `sample_weight` is a weight w >= 0 for each example, and only their ratios count: those of all n
    are scaled to the mean 1, and the loss of a batch is the mean of its w L. So every batch pulls
    with the weight that its examples have among all, an epoch has the loss sum w L / sum w, and in
    a full batch w = 2 is the example given twice. (scikit-learn divides a batch by its own sum of
    weights, which is the same for a full batch.) An example with w = 0 is left out.

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
    rows, targets, weights = weighted(*examples(X, y), sample_weight)
    training = prepared(model, rows, targets, loss, optimizer, penalty, weights)
    epochs, block = planned(training, epochs, batch_size, rng, augment)
    return _steps(find_engine(engine)(training), block, epochs, targets)


def _steps(descent: Descent, block: Block, epochs: int, targets: Sequence[Any]) -> Iterator[Step]:
    """Read the parameters, make a step and write them; also one that is broken off."""
    first = written = True
    try:
        for epoch in range(epochs):
            for batch, (chosen, rows) in enumerate(block.epoch()):
                descent.read()
                written = False
                loss, outputs = descent.step(chosen, epoch, rows)
                first = False
                descent.write()
                written = True
                lists = outputs if isinstance(outputs, list) else outputs.tolist()
                if len(lists) < len(chosen):  # the same for all, where they depend on none
                    lists *= len(chosen)
                yield Step(epoch, batch, loss, lists, [targets[i] for i in chosen])
    except BaseException as error:
        broken_off(descent, error, written=written, first=first)
        raise
