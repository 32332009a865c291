"""The scalar engine: one graph of Values per batch, built example by example."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Real
from typing import Any

from tinygrad_edu import functions as f
from tinygrad_edu.checks import function, instance, listed
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import Loss
from tinygrad_edu.nn import Module
from tinygrad_edu.nn.mode import in_mode, modules_of
from tinygrad_edu.train.blocks import Descent
from tinygrad_edu.train.training import (
    BatchGradient,
    DivergenceError,
    Engine,
    Model,
    Penalty,
    Training,
    check_finite,
    differentiable,
)


def scalar_engine(model: Model, loss: Loss, penalty: Penalty | None) -> BatchGradient:
    """One graph of Values per batch, built example by example, or by `model.batch` of a Module."""

    @collector_paused()  # around it all: the graph is dropped before the collector is back
    def gradient(X: Sequence[Any], y: Sequence[Any]) -> tuple[float, list[list[float]]]:
        X, y = listed("X", X, "rows"), listed("y", y, "targets")
        if len(X) != len(y):
            raise ValueError(f"{len(X)} rows in X but {len(y)} targets in y")
        total, outputs = batch_loss(model, loss, penalty, X, y)
        total.backward()
        return total.data, [numbers_of(o) for o in outputs]

    return gradient


def batch_loss(
    model: Model, loss: Loss, penalty: Penalty | None, X: Sequence[Any], y: Sequence[Any]
) -> tuple[Value, list[Any]]:
    """The mean loss of a batch, penalty included, and its outputs.

    Raises TypeError if there is nothing to differentiate.
    """
    outputs = model.batch(X) if isinstance(model, Module) else [model(x) for x in X]
    total = f.mean([loss(o, t) for o, t in zip(outputs, y, strict=True)])
    total = with_penalty(total, penalty, model)
    return differentiable(total), outputs


def with_penalty(loss: Any, penalty: Penalty | None, model: Model) -> Any:
    """The loss and the penalty, which a user's functions gave."""
    if penalty is None:
        return loss
    given = {"the loss": loss, "the penalty": penalty(model)}
    value, more = (instance(what, x, (Value, Real), "a Value") for what, x in given.items())
    return value + more


class ScalarDescent(Descent):
    """Descent on Values: each step runs an engine and the optimizer on the numbers of Values."""

    def __init__(self, training: Training, engine: Engine = scalar_engine) -> None:
        model, loss, penalty, self.optimizer, rows, targets = training
        self.gradient = function(
            "what engine gives", engine(model, loss, penalty), "rows and targets"
        )
        self.modules = modules_of(model)
        self.rows, self.targets = list(rows), list(targets)
        buffers = model.named_buffers().values() if isinstance(model, Module) else ()
        self.values = [*self.optimizer.parameters, *buffers]
        self.last_finite = self._data()

    def step(
        self, chosen: Sequence[int], epoch: int, rows: Sequence[Any] | None = None
    ) -> tuple[float, list[list[float]]]:
        """As `Descent.step`, with one graph for the batch."""
        optimizer = self.optimizer
        X = [self.rows[i] for i in chosen] if rows is None else rows
        y = [self.targets[i] for i in chosen]
        before = self._data()
        try:
            optimizer.zero_grad()
            with in_mode(self.modules, training=True):
                loss, outputs = self.gradient(X, y)
            check_finite("the loss", [loss], optimizer, epoch)
            check_finite("a gradient", [p.grad for p in optimizer.parameters], optimizer, epoch)
            self.last_finite = before
            optimizer.step()
            check_finite("a parameter", self._data(), optimizer, epoch)
        except DivergenceError:
            self._restore(self.last_finite)
            raise
        except BaseException:
            self._restore(before)
            raise
        return loss, outputs

    def _data(self) -> list[float]:
        return [v.data for v in self.values]

    def _restore(self, numbers: list[float]) -> None:
        for v, x in zip(self.values, numbers, strict=True):
            v.data = x


def numbers_of(output: Any) -> list[float]:
    """The outputs of a model as plain numbers. Raises TypeError for anything but Values."""
    outputs = output if isinstance(output, (list, tuple)) else [output]
    for o in outputs:
        if not isinstance(o, Value):
            raise TypeError(f"a model gives a Value or a list of Values, got {type(o).__name__}")
    return [o.data for o in outputs]


@contextmanager
def collector_paused() -> Iterator[None]:
    """Without cycles there is nothing for the collector to find, only much to look at."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
