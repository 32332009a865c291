"""The matrix engine: the graph of one example, vectorised, trains on whole batches of arrays."""

import math
from collections.abc import Sequence
from contextvars import copy_context
from typing import Any

import numpy as np

from tinygrad_edu.engine import modes
from tinygrad_edu.losses import Loss
from tinygrad_edu.optim import OPTIMIZERS, Optimizer
from tinygrad_edu.train.finite import DivergenceError, check_finite
from tinygrad_edu.train.loss_program import checked_arrays, loss_program
from tinygrad_edu.train.scalar import Model, Penalty
from tinygrad_edu.vectorize import VectorizeError
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.kernel import Kernel
from tinygrad_edu.vectorize.update import Update


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
        self.quiet = copy_context()  # entering it costs a tenth of numpy.errstate
        self.quiet.run(np.seterr, all="ignore")
        self.program = program = loss_program(model, loss, penalty, rows, targets)
        if not program.parameters or not modes.recording():
            raise VectorizeError(
                "there is nothing to differentiate: the loss must give a Value made from the "
                "output, outside of no_grad()"
            )
        self.X, self.y = checked_arrays(program, model, loss, penalty, rows, targets)
        place = {program.parameters[i]: k for k, i in enumerate(program.order)}
        places = [place.get(p, -1) for p in optimizer.parameters]
        self.places = np.array(places, dtype=np.intp)
        self.inside = np.flatnonzero(self.places >= 0)
        self.whole = sorted(places) == list(range(len(program.P)))
        own_step = "step" in vars(optimizer)
        self.on_values = own_step or type(optimizer) not in OPTIMIZERS.values()
        self.loaded: Kernel | None = None
        self.x, self.g = np.zeros(len(places)), np.zeros(len(places))
        self.update: Update | None = None
        self.options: dict[str, Any] = {}
        self.read()
        self.last_finite = program.P.copy()

    def step(
        self, chosen: Sequence[int], epoch: int, rows: Sequence[Any] | None = None
    ) -> tuple[float, Array]:
        """One update on the examples of these numbers: the mean loss before it, and the outputs.

        `rows` take the place of theirs. Raises DivergenceError, the parameters then being the last
        ones with a finite loss.
        """
        kernel = self._filled(chosen, rows)
        return self.quiet.run(self._step, kernel, epoch), kernel.results[1]

    def _step(self, kernel: Kernel, epoch: int) -> float:
        program = self.program
        try:
            program.run(kernel)
            loss = kernel.mean()
            if not math.isfinite(loss):
                check_finite("the loss", [loss], self.optimizer, epoch)
            if not math.isfinite(program.G.dot(program.G)):
                G = program.G if self.whole else program.G[self.places[self.inside]]
                check_finite("a gradient", G.tolist(), self.optimizer, epoch)
            self._update(epoch)
        except DivergenceError:
            np.copyto(program.P, self.last_finite)
            raise
        return loss

    def read(self) -> None:
        """Take over the numbers of the parameters and the state of the optimizer."""
        self.program.read_parameters()
        self.x[...] = [p.data for p in self.optimizer.parameters]
        if self.on_values:
            return
        states = [self._state(column) for column in zip(*self.optimizer.states, strict=True)]
        held = [None] * len(states) if self.update is None else self.update.states
        kept = [state is None for state in states] == [vector is None for vector in held]
        options = _options(self.optimizer)
        if self.update is None or not kept or options != self.options:
            self.options = options
            self._prepare(states)
            return
        for state, vector in zip(states, held, strict=True):
            if state is not None and vector is not None:
                np.copyto(vector, state)

    def write(self) -> None:
        """Give numbers and gradients to the parameters, and the optimizer its state."""
        program, optimizer = self.program, self.optimizer
        if not self.whole:
            optimizer.zero_grad()
            for p, x in zip(optimizer.parameters, self.x.tolist(), strict=True):
                p.data = x
        numbers, gradients = program.in_order(program.P), program.in_order(program.G)
        for p, x, g in zip(program.parameters, numbers.tolist(), gradients.tolist(), strict=True):
            p.data = x
            p.grad = g
        if self.update is not None and self.update.states:
            columns = [self._column(state) for state in self.update.states]
            optimizer.states = list(zip(*columns, strict=True))

    def _filled(self, chosen: Sequence[int], rows: Sequence[Any] | None) -> Kernel:
        kernel = self.program.kernel(len(chosen), gradient=True)
        if rows is not None:
            np.copyto(kernel.inputs["X"], rows)
            np.take(self.y, chosen, axis=0, out=kernel.inputs["Y"], mode="clip")
            self.loaded = None
        elif len(chosen) < len(self.X):
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
        P, x = self.program.P, self.x
        np.copyto(self.last_finite, P)
        before = None if self.whole else x.copy()
        try:
            if self.on_values:
                self.write()
                self.optimizer.step()
                self.read()
            else:
                self._update_vectors()
            self._check_finite("a parameter", P if before is None else x, epoch)
        except BaseException:
            np.copyto(P, self.last_finite)
            if before is not None:
                np.copyto(x, before)
            raise

    def _update_vectors(self) -> None:
        program, optimizer = self.program, self.optimizer
        assert self.update is not None
        if not self.whole:
            self.g[self.inside] = program.G[self.places[self.inside]]
        t = optimizer.steps + 1
        self.update(optimizer.lr, t)
        if not self.whole:
            program.P[self.places[self.inside]] = self.x[self.inside]
        optimizer.steps = t
        if self.update.made_states:
            self._prepare(self.update.states)

    def _prepare(self, states: Sequence[Array | None]) -> None:
        """The optimizer's own equation, as calls on the vectors."""
        x, g = (self.program.P, self.program.G) if self.whole else (self.x, self.g)
        self.update = Update(self.optimizer.update, x, g, states)

    def _state(self, column: Sequence[Any]) -> Any:
        """A state of all parameters as a vector, in the order of the updates."""
        if column[0] is None:
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


def _options(optimizer: Optimizer) -> dict[str, Any]:
    """What the equation of an optimizer depends on besides its vectors and the rate."""
    others = ("_lr", "parameters", "states", "steps")
    return {name: x for name, x in vars(optimizer).items() if name not in others}


class Evaluator:
    """The mean loss and the outputs of a model on given rows, as often as asked."""

    def __init__(
        self, model: Model, rows: Sequence[Any], targets: Sequence[Any], loss: Loss
    ) -> None:
        self.program = loss_program(model, loss, None, rows, targets)
        X, y = checked_arrays(self.program, model, loss, None, rows, targets)
        self.kernel = self.program.filled({"X": X, "Y": y}, gradient=False)
        self.outputs = len(self.program.tape.results[1])
        self.rows = len(rows)

    def measure(self) -> tuple[float, Array]:
        """The mean loss, and (n, outputs)."""
        self.program.read_parameters()
        self.program.draw(self.kernel)
        with np.errstate(all="ignore"):
            self.program.run(self.kernel)
            mean = self.kernel.mean()
        outputs = self.kernel.results[1]
        return mean, np.broadcast_to(outputs, (self.rows, self.outputs))
