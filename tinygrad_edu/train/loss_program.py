"""The program of a loss: made from an example, checked against the scalar engine."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from tinygrad_edu.engine import Value, gradients, modes
from tinygrad_edu.engine.node import Node
from tinygrad_edu.examples import Rows
from tinygrad_edu.losses import Loss
from tinygrad_edu.train.scalar import Model, Penalty, batch_loss
from tinygrad_edu.vectorize import VectorizeError
from tinygrad_edu.vectorize.agreement import agree
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.errors import WAY_OUT
from tinygrad_edu.vectorize.program import Program
from tinygrad_edu.vectorize.tape import Recorder

#: How many rows are compared with the scalar engine, fewer from so many parameters on.
_CHECKED_ROWS: Final = 3
_MANY: Final = 20_000


def loss_program(
    model: Model,
    loss: Loss,
    penalty: Penalty | None,
    rows: Sequence[Any],
    targets: Sequence[Any],
) -> Program:
    """The program of the loss (and penalty) of one example, which also gives the outputs."""

    def example(x: list[Value], t: Any) -> tuple[Value, Any]:
        output = model(x)
        value = loss(output, t)
        return (value if penalty is None else value + penalty(model)), output

    last = len(rows) - 1
    return Program(example, (rows[0], targets[0]), (rows[last], targets[last]))


def checked_arrays(
    program: Program,
    model: Model,
    loss: Loss,
    penalty: Penalty | None,
    rows: Sequence[Any],
    targets: Sequence[Any],
) -> tuple[Array, Array]:
    """Rows and targets as (n, columns), once they fit the loss and the program fits the scalars."""
    _check_targets(model, loss, rows, targets)
    X, y = _as_arrays(rows, targets)
    program.check_classes({"Y": y})
    _check_program(program, partial(batch_loss, model, loss, penalty), rows, targets)
    return X, y


def _as_arrays(rows: Any, targets: Any) -> tuple[Array, Array]:
    """Rows and targets as (n, columns)."""
    return np.array(rows, dtype=float), np.array(targets, dtype=float).reshape(len(rows), -1)


def _first_of_each(targets: Sequence[Any]) -> list[int]:
    return (targets if isinstance(targets, Rows) else Rows(list(targets))).first_of_each()


def _check_targets(model: Model, loss: Loss, rows: Sequence[Any], targets: Sequence[Any]) -> None:
    """Raise what the loss raises for a target that does not fit; a program would not notice."""
    with modes.watched(_Lenient()):  # which draws no sample
        output = model(rows[0])
        for i in _first_of_each(targets):
            loss(output, targets[i])


def _check_program(
    program: Program,
    reference: Callable[..., tuple[Value, Any]],
    rows: Sequence[Any],
    targets: Sequence[Any],
) -> None:
    """Raise VectorizeError unless loss and gradient are those of scalars, on a few rows."""
    few = _CHECKED_ROWS if len(program.P) < _MANY else _CHECKED_ROWS - 1
    chosen = sorted({*_first_of_each(targets)[:few], len(rows) - 1})[-few:]
    X, y = [rows[i] for i in chosen], [targets[i] for i in chosen]
    arrays = dict(zip(program.names, _as_arrays(X, y), strict=True))
    kernel = program.filled(arrays, gradient=True)
    if program.samples:
        kernel.inputs["S"].fill(0.5)
    with np.errstate(all="ignore"):
        program.run(kernel)
        mean = kernel.mean()
    with modes.watched(_Lenient()):
        loss, _ = reference(X, y)
        by = gradients(loss)
    losses = (np.array(mean), np.array(loss.data))
    gradient = np.array([by.get(p, 0.0) for p in program.parameters])
    if not agree(kernel, program.P, losses, (program.in_order(program.G), gradient)):
        raise VectorizeError(
            "the matrix program and the scalar graph give different numbers: the model or the loss "
            "may treat a Value otherwise than a number, or an operation of your own computes "
            f"something else for arrays; {WAY_OUT}"
        )


class _Lenient(Recorder):
    """Fixed numbers for samples, and nothing refused."""

    def made(self, v: Value, recorded: bool) -> None:
        return

    def read(self, v: Node) -> None:
        return

    def compared(self, sign: str, v: Value, other: Value | float, outcome: bool) -> None:
        return
