"""The matrix engine: the graph of one example, vectorised, trains on whole batches of arrays."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from tinygrad_edu.engine import Value, modes, no_grad
from tinygrad_edu.engine.node import Node
from tinygrad_edu.losses import Loss
from tinygrad_edu.optim import OPTIMIZERS, Optimizer
from tinygrad_edu.train.finite import DivergenceError, check_finite
from tinygrad_edu.train.scalar import BatchGradient, Model, Penalty, scalar_engine
from tinygrad_edu.vectorize import VectorizeError, arrays
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.errors import WAY_OUT
from tinygrad_edu.vectorize.kernel import Kernel
from tinygrad_edu.vectorize.program import CHECKED_ROWS, Program, close, magnitude_of
from tinygrad_edu.vectorize.tape import Recorder

#: The update is made on so many parameters at a time, which a processor keeps at hand.
_CHUNK: Final = 16_384
#: From so many parameters on fewer rows are compared with the scalar engine.
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


class MatrixDescent:
    """Descent on arrays: parameters, gradient and optimizer state are vectors.

    The numbers of the Values are those of the vectors after `write`, and read into them by `read`.
    Raises VectorizeError where the model cannot be vectorised, ValueError or TypeError for targets
    that do not fit the loss.
    """

    def __init__(
        self,
        model: Model,
        loss: Loss,
        penalty: Penalty | None,
        optimizer: Optimizer,
        rows: Sequence[Any],
        targets: Sequence[Any],
    ) -> None:
        self.optimizer = optimizer
        self.program = program = loss_program(model, loss, penalty, rows, targets)
        if not program.parameters or not modes.recording():
            raise VectorizeError(
                "there is nothing to differentiate: the loss must give a Value made from the "
                "output, outside of no_grad()"
            )
        check_targets(model, loss, rows, targets)
        self.X, self.y = as_arrays(rows, targets)
        program.check_classes({"Y": self.y})
        check_program(program, scalar_engine(model, loss, penalty), rows, targets)
        place = {p: k for k, p in zip(program.order, program.parameters, strict=True)}
        places = [place.get(p, -1) for p in optimizer.parameters]
        self.places = np.array(places, dtype=np.intp)
        self.inside = np.flatnonzero(self.places >= 0)
        self.whole = sorted(places) == list(range(len(program.P)))
        self.on_values = type(optimizer) not in OPTIMIZERS.values()
        self.loaded: Kernel | None = None
        self.g = np.zeros(len(places))
        self.read()
        self.last_finite = program.P.copy()
        self.copied = 0

    def step(self, chosen: Sequence[int], epoch: int) -> tuple[float, Array]:
        """One update on the examples of these numbers: the mean loss before it, and the outputs.

        Raises DivergenceError, the parameters then being the last ones with a finite loss.
        """
        program = self.program
        kernel = self._filled(chosen)
        with np.errstate(all="ignore"):
            try:
                program.run(kernel)
                loss = kernel.mean()
                check_finite("the loss", [loss], self.optimizer, epoch)
                self._check_finite("a gradient", program.G, epoch)
                self._update(epoch)
            except DivergenceError:
                np.copyto(program.P, self.last_finite)
                raise
        return loss, kernel.results[1]

    def read(self) -> None:
        """Take over the numbers of the parameters and the state of the optimizer."""
        self.program.read_parameters()
        self.x = np.array([p._float for p in self.optimizer.parameters])
        self.states = [self._state(s) for s in zip(*self.optimizer.states, strict=True)]

    def write(self) -> None:
        """Give numbers and gradients to the parameters, and the optimizer its state."""
        program, optimizer = self.program, self.optimizer
        optimizer.zero_grad()
        if not self.whole:
            for p, x in zip(optimizer.parameters, self.x.tolist(), strict=True):
                p.data = x
        numbers, gradients = program.in_order(program.P), program.in_order(program.G)
        for p, x, g in zip(program.parameters, numbers.tolist(), gradients.tolist(), strict=True):
            p.data = x
            p.grad = g
        if self.states and not self.on_values:
            columns = [self._column(state) for state in self.states]
            optimizer.states = list(zip(*columns, strict=True))

    def _filled(self, chosen: Sequence[int]) -> Kernel:
        kernel = self.program.kernel(len(chosen), gradient=True)
        if len(chosen) < len(self.X):
            for name, array in (("X", self.X), ("Y", self.y)):
                np.take(array, chosen, axis=0, out=kernel.inputs[name], mode="clip")
        elif kernel is not self.loaded:
            np.copyto(kernel.inputs["X"], self.X)
            np.copyto(kernel.inputs["Y"], self.y)
            self.loaded = kernel
        self.program.draw(kernel)
        return kernel

    def _update(self, epoch: int) -> None:
        """One update, which is undone where it is interrupted or leaves what is not finite."""
        P = self.program.P
        self.copied = 0
        if self.on_values or not self.whole:
            np.copyto(self.last_finite, P)
            self.copied = len(P)
        try:
            if self.on_values:
                self.write()
                self.optimizer.step()
                self.read()
            else:
                self._update_vectors()
            self._check_finite("a parameter", P, epoch)
        except BaseException:
            np.copyto(P[: self.copied], self.last_finite[: self.copied])
            raise

    def _update_vectors(self) -> None:
        """The optimizer's own equation, on vectors."""
        optimizer, P, G = self.optimizer, self.program.P, self.program.G
        if not self.whole:
            self.g[self.inside] = G[self.places[self.inside]]
        x, g = (P, G) if self.whole else (self.x, self.g)
        lr, t = optimizer.lr, optimizer.steps + 1
        for start in range(0, len(x), _CHUNK):
            part = slice(start, start + _CHUNK)
            if self.whole:
                np.copyto(self.last_finite[part], P[part])
                self.copied = part.stop
            states = tuple([None if state is None else state[part] for state in self.states])
            x[part], states = optimizer.update(arrays, g[part], x[part], lr, t, states)
            for k, state in enumerate(states):
                if state is not None:
                    if self.states[k] is None:
                        self.states[k] = np.empty(len(x))
                    self.states[k][part] = state
        if not self.whole:
            P[self.places[self.inside]] = self.x[self.inside]
        optimizer.steps = t

    def _state(self, column: Sequence[Any]) -> Any:
        """A state of all parameters as a vector, in the order of the updates."""
        if column[0] is None or self.on_values:
            return None
        vector = np.array(column, dtype=float)
        if self.whole:
            vector[self.places] = vector.copy()
        return vector

    def _column(self, state: Any) -> list[Any]:
        """The same as numbers, in the order of the optimizer's parameters."""
        if state is None:
            return [None] * len(self.places)
        column: list[Any] = (state[self.places] if self.whole else state).tolist()
        return column

    def _check_finite(self, what: str, vector: Array, epoch: int) -> None:
        if not math.isfinite(vector.dot(vector)):  # or the square is too large: look at each
            check_finite(what, vector.tolist(), self.optimizer, epoch)


class Evaluator:
    """The mean loss and the outputs of a model on given rows, as often as asked."""

    def __init__(
        self, model: Model, rows: Sequence[Any], targets: Sequence[Any], loss: Loss
    ) -> None:
        self.program = loss_program(model, loss, None, rows, targets)
        check_targets(model, loss, rows, targets)
        check_program(self.program, scalar_engine(model, loss, None), rows, targets)
        self.kernel = self.program.kernel(len(rows), gradient=False)
        X, y = as_arrays(rows, targets)
        self.program.check_classes({"Y": y})
        np.copyto(self.kernel.inputs["X"], X)
        np.copyto(self.kernel.inputs["Y"], y)
        self.outputs = len(self.program.tape.results[1])
        self.rows = len(rows)

    def measure(self) -> tuple[float, Array]:
        """The mean loss, and (n, outputs)."""
        self.program.read_parameters()
        self.program.draw(self.kernel)
        with np.errstate(all="ignore"):
            self.program.run(self.kernel)
        outputs = self.kernel.results[1]
        return self.kernel.mean(), np.broadcast_to(outputs, (self.rows, self.outputs))


def as_arrays(rows: Sequence[Any], targets: Sequence[Any]) -> tuple[Array, Array]:
    """Rows and targets as (n, columns)."""
    return np.array(rows, dtype=float), np.array(targets, dtype=float).reshape(len(rows), -1)


def check_targets(model: Model, loss: Loss, rows: Sequence[Any], targets: Sequence[Any]) -> None:
    """Raise what the loss raises for a target that does not fit; a program would not notice."""
    with no_grad():
        output = model(rows[0])
        different = {repr(t): t for t in targets}
        for t in different.values():
            loss(output, t)


def check_program(
    program: Program, reference: BatchGradient, rows: Sequence[Any], targets: Sequence[Any]
) -> None:
    """Raise VectorizeError unless loss and gradient are those of scalars, on a few rows."""
    first_of = {repr(t): i for i, t in reversed(list(enumerate(targets)))}
    few = CHECKED_ROWS if len(program.P) < _MANY else CHECKED_ROWS - 1
    chosen = sorted({*list(first_of.values())[:few], len(rows) - 1})[-few:]
    X, y = [rows[i] for i in chosen], [targets[i] for i in chosen]
    kernel = program.kernel(len(chosen), gradient=True)
    for name, array in zip(("X", "Y"), as_arrays(X, y), strict=True):
        np.copyto(kernel.inputs[name], array)
    if program.samples:
        kernel.inputs["S"].fill(0.5)
    program.read_parameters()
    with np.errstate(all="ignore"):
        program.run(kernel)
    held = [p._grad for p in program.parameters]
    try:
        for p in program.parameters:
            p.grad = 0.0
        with modes.watched(_Lenient()):
            loss, _ = reference(X, y)
        gradient = np.array([p.grad for p in program.parameters])
    finally:
        for p, g in zip(program.parameters, held, strict=True):
            p._grad = g
    size = magnitude_of(kernel, program.P)
    same = close(np.array(kernel.mean()), np.array(loss), size)
    if not same or not close(program.in_order(program.G), gradient, size):
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
