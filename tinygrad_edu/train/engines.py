"""Engines: what computes the steps of a descent, by name."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Protocol

from tinygrad_edu.checks import one_of
from tinygrad_edu.losses import Loss
from tinygrad_edu.nn import Module
from tinygrad_edu.train.phase import modules_of, phase
from tinygrad_edu.train.scalar import (
    BatchGradient,
    Model,
    Penalty,
    ScalarDescent,
    scalar_engine,
)

#: An engine of your own: (model, loss, penalty) -> a function that gives the gradient of a batch.
Engine = Callable[[Model, Loss, Penalty | None], BatchGradient]


class Descent(Protocol):
    """The steps of a descent on given rows and targets."""

    def step(
        self, chosen: Sequence[int], epoch: int, rows: Sequence[Any] | None = None
    ) -> tuple[float, Any]:
        """One update on the examples of these numbers: the mean loss before it, and the outputs.

        `rows`, if given, take the place of theirs.
        """

    def read(self) -> None:
        """Take over the numbers of the parameters."""

    def write(self) -> None:
        """Give the parameters their numbers and gradients."""


#: (model, loss, penalty, optimizer, rows, targets) -> the descent; rows and targets are checked.
MakeDescent = Callable[..., Descent]


def matrix_descent(*task: Any) -> Descent:
    """The graph of one example as a program for all. Raises VectorizeError where there is none."""
    from tinygrad_edu.train.matrix import MatrixDescent

    model = task[0]
    with phase(modules_of(model), training=True):
        if isinstance(model, Module) and model.couples_examples:
            from tinygrad_edu.vectorize import VectorizeError

            raise VectorizeError(
                f"{model!r:.80} couples the examples of a batch in training mode, and a program "
                'computes each example by itself: write engine="scalar"'
            )
        return MatrixDescent(*task)


def scalar_descent(
    model: Model, loss: Loss, penalty: Penalty | None, *rest: Any, engine: Engine = scalar_engine
) -> Descent:
    """A graph of Values for each batch, or what an engine of your own does."""
    return ScalarDescent(model, engine(model, loss, penalty), *rest)


class AutoDescent:
    """The matrix engine where, and as long as, the model can be vectorised; else the scalar one."""

    def __init__(self, *task: Any) -> None:
        self.task = task
        try:
            self.descent = matrix_descent(*task)
        except Exception:
            # Whatever a model does with a Value that it does not with a number, the scalar engine
            # trains it; and where model, loss or data are wrong, it says so in its own words.
            self.descent = scalar_descent(*task)

    def step(
        self, chosen: Sequence[int], epoch: int, rows: Sequence[Any] | None = None
    ) -> tuple[float, Any]:
        """As the engine does it; from the first batch on that no program fits, the scalar one."""
        from tinygrad_edu.vectorize import VectorizeError

        try:
            return self.descent.step(chosen, epoch, rows)
        except VectorizeError:
            self.descent.write()
            self.descent = scalar_descent(*self.task)
            return self.descent.step(chosen, epoch, rows)

    def read(self) -> None:
        """Take over the numbers of the parameters."""
        self.descent.read()

    def write(self) -> None:
        """Give the parameters their numbers and gradients."""
        self.descent.write()


ENGINES: Final[dict[str, MakeDescent]] = {
    "auto": AutoDescent,
    "matrix": matrix_descent,
    "scalar": scalar_descent,
}


def find_engine(engine: str | Engine) -> MakeDescent:
    """The engine of that name, or the one made of a function. ValueError for an unknown name."""
    if not callable(engine):
        return ENGINES[one_of("engine", engine, ENGINES)]
    return partial(scalar_descent, engine=engine)
