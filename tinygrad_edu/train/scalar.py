"""The scalar engine: one graph of Values per batch, built example by example."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import Loss
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.train.finite import DivergenceError, check_finite

Model = Callable[[Any], Any]
Penalty = Callable[[Any], Value]

#: From rows and targets to the mean loss (penalty included) and the outputs as numbers; the
#: gradients are then in the parameters.
BatchGradient = Callable[[Sequence[Any], Sequence[Any]], tuple[float, list[list[float]]]]
Engine = Callable[[Model, Loss, Penalty | None], BatchGradient]


def scalar_engine(model: Model, loss: Loss, penalty: Penalty | None) -> BatchGradient:
    """One graph of Values per batch, built example by example."""

    @_collector_paused()  # around it all: the graph is dropped before the collector is back
    def gradient(X: Sequence[Any], y: Sequence[Any]) -> tuple[float, list[list[float]]]:
        outputs = [model(x) for x in X]
        total = f.mean([loss(o, t) for o, t in zip(outputs, y, strict=True)])
        if penalty is not None:
            total = total + penalty(model)
        if not isinstance(total, Value) or not total.parents:
            raise TypeError(
                "there is nothing to differentiate: the loss must give a Value made from the "
                "output, outside of no_grad()"
            )
        total.backward()
        return total._float, [numbers_of(o) for o in outputs]

    return gradient


class ScalarDescent:
    """Descent on Values: each step runs an engine and the optimizer on the numbers of Values."""

    def __init__(
        self, gradient: BatchGradient, optimizer: Optimizer, rows: Sequence[Any], y: Sequence[Any]
    ) -> None:
        self.gradient, self.optimizer, self.rows, self.targets = gradient, optimizer, rows, y
        self.last_finite = self._data()

    def step(self, chosen: Sequence[int], epoch: int) -> tuple[float, list[list[float]]]:
        """One update on the examples of these numbers: the mean loss before it, and the outputs.

        Raises DivergenceError, the parameters then being the last ones with a finite loss.
        """
        optimizer = self.optimizer
        X, y = [self.rows[i] for i in chosen], [self.targets[i] for i in chosen]
        before = self._data()
        try:
            optimizer.zero_grad()
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

    def read(self) -> None:
        """Values are read at each step."""

    def write(self) -> None:
        """Values are written at each step."""

    def _data(self) -> list[float]:
        return [p._float for p in self.optimizer.parameters]

    def _restore(self, numbers: list[float]) -> None:
        for p, x in zip(self.optimizer.parameters, numbers, strict=True):
            p.data = x


def numbers_of(output: Any) -> list[float]:
    """The outputs of a model as plain numbers. Raises TypeError for anything but Values."""
    outputs = output if isinstance(output, (list, tuple)) else [output]
    for o in outputs:
        if not isinstance(o, Value):
            raise TypeError(f"a model gives a Value or a list of Values, got {type(o).__name__}")
    return [o._float for o in outputs]


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Without cycles there is nothing for the collector to find, only much to look at."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
