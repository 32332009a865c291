"""A loss over a grid of two parameters, which are put back afterwards."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from tinygrad_edu.engine import Value, no_grad, toposort
from tinygrad_edu.examples import examples
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.train.engines import vectorized_or_scalar
from tinygrad_edu.train.evaluation import evaluation
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.program import Program
from tinygrad_edu.view.pictures.stages import evaluating

#: A function of no arguments that builds the loss, or `(model, X, y, loss)` as `fit` takes them.
Surface = Callable[[], Value] | tuple[Any, Any, Any, str | Loss]
Measure = Callable[[], float]

#: Points a side of the grid of a loss that cannot be vectorised.
COARSE: Final = 21


class LossGrid:
    """Measures a loss at any numbers of two parameters, through NumPy where that can be.

    Raises TypeError for what is no loss, ValueError for a loss that has not both as leaves.
    """

    def __init__(self, loss: Surface, w1: Value, w2: Value) -> None:
        self.parameters = (w1, w2)
        one, by_program, self._by_scalars = _ways(loss)
        leaves = {v for v in toposort(one(), leaves=True) if not v.parents}
        for k, w in enumerate(self.parameters, 1):
            if w not in leaves:
                raise ValueError(
                    f"the loss does not depend on w{k}, {w!r:.60}: give a parameter of the model"
                )

        def compiled() -> Measure | None:
            measure = by_program()
            measure()
            return measure

        self._by_program: Measure | None = vectorized_or_scalar(compiled, lambda: None)

    def over(self, along1: Sequence[float], along2: Sequence[float]) -> Array:
        """The loss for each number of w2 (down) and of w1 (across)."""
        return np.array([self.at([(a, b) for a in along1]) for b in along2])

    def at(self, points: Sequence[tuple[float, float]]) -> list[float]:
        """The loss at each of the points (w1, w2)."""
        w1, w2 = self.parameters
        found = []
        with _kept(self.parameters):
            for a, b in points:
                w1.data, w2.data = a, b
                found.append(self._measured())
        return found

    def sides(self, resolution: int) -> int:
        """How many points a side can be had in good time."""
        return resolution if self._by_program else min(resolution, COARSE)

    def _measured(self) -> float:
        if self._by_program is None:
            return self._by_scalars()

        def by_scalars() -> float:  # from the first comparison on that has another outcome
            self._by_program = None
            return self._by_scalars()

        return vectorized_or_scalar(self._by_program, by_scalars)


def _ways(loss: Any) -> tuple[Callable[[], Value], Callable[[], Measure], Measure]:
    """The graph of the loss, of one example at least; and two ways to measure it."""
    if isinstance(loss, tuple) and len(loss) == 4:
        model, X, y, name = loss
        rows, targets = examples(X, y)
        of_one = find_loss(name)

        def mean(engine: str) -> Measure:
            measure = evaluation(model, rows, targets, of_one, engine)
            return lambda: measure()[0]

        def first() -> Value:
            with evaluating(model):
                return of_one(model(rows[0]), targets[0])

        return first, lambda: mean("matrix"), mean("scalar")
    if not callable(loss):
        raise TypeError(
            "the loss must be a function of no arguments or a tuple (model, X, y, loss), "
            f"got {type(loss).__name__}"
        )

    def by_program() -> Measure:
        program = Program(lambda _: loss(), (0.0,))
        return lambda: float(program.columns([0.0])[0, 0])

    def by_scalars() -> float:
        with no_grad():
            return float(loss().data)

    return loss, by_program, by_scalars


@contextmanager
def _kept(parameters: Sequence[Value]) -> Iterator[None]:
    held = [p.data for p in parameters]
    try:
        yield
    finally:
        for p, x in zip(parameters, held, strict=True):
            p.data = x
