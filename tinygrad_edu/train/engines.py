"""Engines: what computes the steps of a descent, by name; and the choice between them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from tinygrad_edu.checks import one_of
from tinygrad_edu.engine import Value, modes
from tinygrad_edu.nn.mode import in_mode, modules_of
from tinygrad_edu.train.blocks import Block, Descent
from tinygrad_edu.train.scalar import ScalarDescent
from tinygrad_edu.train.training import Engine, Training, numpy_or_none

T = TypeVar("T")


def vectorized_or_scalar(
    vectorized: Callable[[], T],
    scalar: Callable[[], T],
    engine: str | Engine = "auto",
    *,
    worth: bool = True,
) -> T:
    """What `vectorized` gives, or `scalar` where there is no program of arrays.

    "matrix" insists on the first and "scalar" on the second, as an engine of one's own does. "auto"
    takes the first if it is `worth` it and NumPy is there. Inside `detect_anomaly()` it is always
    the second, since nodes are to be named. Raises ValueError for an unknown name, and whatever
    model, loss or data raise by themselves: only a VectorizeError leads to the other way.
    """
    if callable(engine) or one_of("engine", engine, ENGINES) == "scalar" or modes.mode().checking:
        return scalar()
    if engine == "auto" and (not worth or numpy_or_none() is None):
        return scalar()
    from tinygrad_edu.vectorize import VectorizeError

    try:
        return vectorized()
    except VectorizeError:
        if engine == "matrix":
            raise
    return scalar()


def matrix_descent(training: Training) -> Descent:
    """The graph of one example as a program for all. Raises VectorizeError where there is none."""
    from tinygrad_edu.train.machine import MachineDescent
    from tinygrad_edu.train.matrix import checked_program

    model, loss, penalty, optimizer, rows, targets = training
    program, X, y = checked_program(model, loss, penalty, rows, targets)
    return MachineDescent(program, optimizer, X, y)


class ArrayDescent(Descent):
    """The matrix engine; for "auto" where, and as long as, there is a program, else the scalar one.

    The program is traced anew where it no longer does what model, loss and penalty do.
    """

    def __init__(self, training: Training, engine: str) -> None:
        self.training, self.engine = training, engine
        self.descent = self._made()

    def _made(self) -> Descent:
        self.modules = modules_of(self.training.model)

        def vectorized() -> Descent:
            with in_mode(self.modules, training=True):
                return matrix_descent(self.training)

        scalar: Callable[[], Descent] = partial(ScalarDescent, self.training)
        return vectorized_or_scalar(vectorized, scalar, self.engine)

    def step(
        self, chosen: Sequence[int], epoch: int, rows: Sequence[Any] | None = None
    ) -> tuple[float, Any]:
        """As the engine does it; from the first batch on that no program fits, the scalar one."""

        def by_scalars() -> tuple[float, Any]:
            self.descent.write()
            self._go_on(ScalarDescent(self.training))
            return self.descent.step(chosen, epoch, rows)

        return vectorized_or_scalar(
            lambda: self.descent.step(chosen, epoch, rows), by_scalars, self.engine
        )

    def run(self, block: Block, epoch: int) -> None:
        """Whole epochs by the engine, or where a step may need scalars step by step."""
        if self.descent.sure and block.rows is None:
            self.descent.run(block, epoch)
        else:
            super().run(block, epoch)

    def read(self) -> bool:
        """Take over the numbers of the parameters, or whatever else was changed."""
        with in_mode(self.modules, training=True):
            stands = self.descent.read()
        if not stands:
            self._go_on(self._made())
        return True

    def _go_on(self, descent: Descent) -> None:
        """With another descent, which knows the last numbers that were fine."""
        fine = dict(zip(self.descent.values, self.descent.last_finite, strict=True))
        numbers = zip(descent.values, descent.last_finite, strict=True)
        descent.last_finite[:] = [fine.get(v, x) for v, x in numbers]
        self.descent = descent

    def write(self) -> None:
        """Give the parameters those of the engine."""
        self.descent.write()

    def numbers(self, leaves: list[Value]) -> Any:
        """Those that the engine has."""
        return self.descent.numbers(leaves)


ENGINES: Final[dict[str, Callable[[Training], Descent]]] = {
    "auto": partial(ArrayDescent, engine="auto"),
    "matrix": partial(ArrayDescent, engine="matrix"),
    "scalar": ScalarDescent,
}


def find_engine(engine: str | Engine) -> Callable[[Training], Descent]:
    """The engine of that name, or the one made of a function. ValueError for an unknown name."""
    if callable(engine):
        return partial(ScalarDescent, engine=engine)
    return ENGINES[one_of("engine", engine, ENGINES)]
