"""How the program of a net is minimised: epochs of batches, or L-BFGS on its flat gradient."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Final

import numpy as np
from numpy.random import RandomState
from scipy.optimize import minimize

from tinygrad_edu.train.matrix import MatrixDescent
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.program import Program, rows_of

#: So many rows go through the program at once where outputs are asked for.
ROWS: Final = 4096

NON_FINITE: Final = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


def epochs(descent: MatrixDescent, size: int, rng: RandomState, shuffle: bool) -> Iterator[float]:
    """Descend in batches of `size` rows, without end: the mean loss of each epoch."""
    n = len(descent.X)
    order: Any = np.arange(n)
    for epoch in count():
        if shuffle:
            rng.shuffle(order)
        total = 0.0
        for start in range(0, n, size):
            chosen = order[start : start + size]
            total += descent.step(chosen, epoch)[0] * len(chosen)
        yield total / n


def lbfgs(
    program: Program, X: Array, y: Array, tell: Callable[[float], None], **options: Any
) -> tuple[Any, list[float]]:
    """Minimise the mean loss on all rows: scipy's result, and the loss after each iteration.

    Liu and Nocedal 1989; `options` are those of scipy's "L-BFGS-B", `tell` is told each loss. The
    vector P of the program then has the numbers found. Raises ValueError where they are not finite.
    """
    kernel = program.kernel(len(X), gradient=True)
    np.copyto(kernel.inputs["X"], X)
    np.copyto(kernel.inputs["Y"], y)
    losses: list[float] = []

    def loss_and_gradient(P: Array) -> tuple[float, Array]:
        np.copyto(program.P, P)
        program.run(kernel)
        return kernel.mean(), program.G.copy()

    def record(intermediate_result: Any) -> None:
        losses.append(float(intermediate_result.fun))
        tell(losses[-1])

    with np.errstate(all="ignore"):
        found = minimize(
            loss_and_gradient,
            program.P.copy(),
            jac=True,
            method="L-BFGS-B",
            callback=record,
            options=options,
        )
    if not (np.isfinite(found.x).all() and np.isfinite(found.fun)):
        raise ValueError(NON_FINITE)
    np.copyto(program.P, found.x)
    return found, losses


def outputs(program: Program, X: Array) -> Array:
    """What the net gives for each row, (n, outputs), with the numbers that P has."""
    found = []
    for start in range(0, len(X), ROWS):
        rows = X[start : start + ROWS]
        kernel = program.kernel(len(rows), gradient=False)
        np.copyto(kernel.inputs["X"], rows)
        kernel.inputs["Y"].fill(0.0)
        with np.errstate(all="ignore"):
            program.run(kernel)
        found.append(rows_of(kernel.results[1:], len(rows)))
    return np.vstack(found)
