"""The matrix engine: the graph of one example, vectorised, trains on whole batches of arrays."""

import math
from collections.abc import Sequence
from contextvars import copy_context
from functools import partial
from itertools import count, repeat
from typing import Any, Final

import numpy as np

from tinygrad_edu.engine import Value, gradients, modes
from tinygrad_edu.engine.leaves import assign, data_of
from tinygrad_edu.examples import Rows
from tinygrad_edu.losses import Loss, record_of
from tinygrad_edu.nn import Module
from tinygrad_edu.optim import OPTIMIZERS, Optimizer
from tinygrad_edu.train.blocks import Descent
from tinygrad_edu.train.held import asks_types, trial, unchanged
from tinygrad_edu.train.scalar import batch_loss, with_penalty
from tinygrad_edu.train.training import (
    NOTHING,
    DivergenceError,
    Model,
    Penalty,
    WeightedLoss,
    check_finite,
)
from tinygrad_edu.vectorize import VectorizeError
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.executors.kernel import Kernel, Update
from tinygrad_edu.vectorize.program import Program
from tinygrad_edu.vectorize.trace import lenient

#: How many rows are compared with the scalar engine, fewer from so many parameters on.
_CHECKED_ROWS: Final = 3
_MANY: Final = 20_000


class MatrixDescent(Descent):
    """Descent on arrays: parameters, gradient and optimizer state are vectors.

    The numbers of the Values are those of the vectors after `write`, and read into them by `read`.

    program         the loss of one example as a program, with the vectors P and G
    X, y            the rows and targets that `step` chooses from, (n, columns)
    place           of each parameter of the program in P
    places          the same for those of the optimizer, -1 for one that is not in it
    inside          the numbers of those that are in P
    whole           whether the optimizer has just the parameters in P: it then works on P itself
    x, g            else its own parameters and their gradients, in its own order
    states          the states of all parameters as vectors, None where there is none yet
    update          the equation of the optimizer as calls of NumPy, once it is needed
    options         what that equation is made for
    on_values       whether the optimizer is one of the user's, which works on Values
    loaded          the kernel that holds all rows, so that they need not be copied again
    last_finite     P before the last update
    quiet           a context in which NumPy does not warn; entering it costs a tenth of errstate
    """

    def __init__(self, program: Program, optimizer: Optimizer, X: Array, y: Array) -> None:
        self.program, self.optimizer = program, optimizer
        self.X, self.y = np.ascontiguousarray(X), y  # taken row by row
        self.quiet = copy_context()
        self.quiet.run(np.seterr, all="ignore")
        if not program.parameters or not modes.mode().recording:
            raise VectorizeError(NOTHING)
        self.place = dict(zip(program.parameters, count(), strict=False))
        self.places = self._places_of(optimizer.parameters)
        self.inside = np.flatnonzero(self.places >= 0)
        self.whole = np.array_equal(np.sort(self.places), np.arange(len(program.P)))
        own_step = "step" in vars(optimizer)
        self.on_values = own_step or type(optimizer) not in OPTIMIZERS.values()
        self.loaded: Kernel | None = None
        self.x, self.g = np.zeros(len(self.places)), np.zeros(len(self.places))
        self.states: Sequence[Array | None] = []
        self.update: Update | None = None
        self.options: dict[str, Any] | None = None
        self._take_over()
        self.values, self.last_finite = program.parameters, program.P.copy()
        self.sure = not program.tape.guards
        self.measured: list[Value] | None = None

    def step(
        self, chosen: Sequence[int], epoch: int, rows: Sequence[Any] | None = None
    ) -> tuple[float, Array]:
        """As `Descent.step`, by the program and the optimizer's equation."""
        if rows is not None and self.program.asks:
            raise VectorizeError(
                "the model or the loss asks what kind of number it gets, or looks it up, and rows "
                'that augment makes are not known before: train with engine="scalar"'
            )
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

    def read(self) -> bool:
        """Take over the numbers of the parameters and the state of the optimizer.

        False, and nothing done, where the program no longer does what model and loss do.
        """
        stands = self.program.stands()
        if stands:
            self._take_over()
        return stands

    def _take_over(self) -> None:
        self.program.read_parameters()
        if not self.whole:
            self.x[...] = data_of(self.optimizer.parameters)
        if self.on_values:
            return
        columns = self.optimizer.columns
        if not columns:  # zip(*rows) would take each of 100,000 parameters for an argument
            rows = self.optimizer.states
            columns = [[state[k] for state in rows] for k in range(len(rows[0]))]
        states = [self._state(column) for column in columns]
        kept = [state is None for state in states] == [vector is None for vector in self.states]
        others = ("_lr", "_states", "columns", "parameters", "steps")
        options = {name: x for name, x in vars(self.optimizer).items() if name not in others}
        if not kept or options != self.options:  # another equation
            self.options, self.states, self.update = options, states, None
            return
        for state, vector in zip(states, self.states, strict=True):
            if state is not None and vector is not None:
                np.copyto(vector, state)

    def write(self) -> None:
        """Give numbers and gradients to the parameters, and the optimizer its state."""
        program, optimizer = self.program, self.optimizer
        if not self.whole:
            optimizer.zero_grad()
            for p, x in zip(optimizer.parameters, self.x.tolist(), strict=True):
                p.data = x
        assign(program.parameters, program.P.tolist(), program.G.tolist())
        if self.states:
            optimizer.columns = [self._column(state) for state in self.states]

    def numbers(self, leaves: list[Value]) -> Any:
        """The numbers of these leaves as they are now; of none but parameters without writing."""
        if self.measured is not leaves:
            self.measured, self.measured_places = leaves, self._places_of(leaves)
        if self.measured_places.min(initial=0) < 0:
            self.write()
            return data_of(leaves)
        return self.program.P[self.measured_places]

    def _places_of(self, leaves: list[Value]) -> Any:
        return np.fromiter(map(self.place.get, leaves, repeat(-1)), np.intp, len(leaves))

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
                self._take_over()
            else:
                self._update_vectors()
            vector = P if before is None else x
            if not math.isfinite(vector.dot(vector)):  # or the square is too large: look at each
                check_finite("a parameter", vector.tolist(), self.optimizer, epoch)
        except BaseException:
            np.copyto(P, self.last_finite)
            if before is not None:
                np.copyto(x, before)
            raise

    def _update_vectors(self) -> None:
        program, optimizer = self.program, self.optimizer
        if self.update is None:
            x, g = (program.P, program.G) if self.whole else (self.x, self.g)
            self.update = Update(optimizer.update, x, g, self.states)
            self.states = self.update.states
        if not self.whole:
            self.g[self.inside] = program.G[self.places[self.inside]]
        t = optimizer.steps + 1
        self.update(optimizer.lr, t)
        if not self.whole:
            program.P[self.places[self.inside]] = self.x[self.inside]
        optimizer.steps = t
        if self.update.made_states:
            self.states, self.update = self.update.states, None

    def _state(self, column: Sequence[float | None]) -> Any:
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


def checked_program(
    model: Model,
    loss: Loss,
    penalty: Penalty | None,
    rows: Rows,
    targets: Rows,
    *,
    gradient: bool = True,
) -> tuple[Program, Array, Array]:
    """The loss (and penalty) of one example as a program, which also gives the outputs.

    Also rows and targets as arrays (n, columns), once they fit the loss and the program, with its
    gradient if that is asked for, fits the scalar engine. Raises VectorizeError where there is no
    such program, and what the loss raises.
    """

    def example(x: list[Value], t: Any) -> tuple[Value, Any]:
        if isinstance(model, Module) and model.couples_examples:
            raise VectorizeError(
                f"{model!r:.80} couples the examples of a batch in training mode, and a program "
                'computes each example by itself: write engine="scalar"'
            )
        output = model(x)
        return with_penalty(loss(output, t), penalty, model), output

    def by_scalars(X: Sequence[Any], y: Sequence[Any]) -> tuple[Array, Array | None]:
        with modes.tracing(lenient):
            mean, _ = batch_loss(model, loss, penalty, X, y)
            if not gradient:
                return np.array(mean.data), None
            by = gradients(mean)
        return np.array(mean.data), np.array([by.get(p, 0.0) for p in program.parameters])

    with trial(example):
        ends = (rows[0], targets[0]), (rows[-1], targets[-1])
        harmless, watch = partial(trial, example), partial(unchanged, example)
        program = Program(example, *ends, trial=harmless, watch=watch)
        program.asks |= asks_types(example)
        few = _CHECKED_ROWS if len(program.P) < _MANY else _CHECKED_ROWS - 1
        X, y = rows.array, targets.array
        kinds = _kinds(loss, y, few)
        with modes.tracing(lenient):  # a loss refuses what does not fit, a program would not notice
            output = model(rows[0])
            for i in kinds:
                loss(output, targets[i])
        program.plan.check_classes({"Y": y})
        chosen: Sequence[int] = sorted({*kinds[:few], len(rows) - 1})[-few:]
        if program.asks:
            chosen = range(len(rows))
        elif program.is_sure:
            program.check_graphs(gradient=gradient)
            chosen = ()
        for k in range(0, len(chosen), few):
            batch = [[of[i] for i in chosen[k : k + few]] for of in (rows, targets)]
            arrays = {"X": X[chosen[k : k + few]], "Y": y[chosen[k : k + few]]}
            program.compare(arrays, partial(by_scalars, *batch), gradient=gradient)
    return program, X, y


def _kinds(loss: Loss, y: Array, few: int) -> Sequence[int]:
    """The examples whose targets a loss may refuse: the first of each target, of any weight."""
    plain, weights = (loss.loss, 1) if isinstance(loss, WeightedLoss) else (loss, 0)
    record = record_of(plain)
    if record is not None and record.outputs == "numbers":  # where one that is fine tells of all
        return range(len(y))[:few]
    first = np.unique(y[:, : y.shape[1] - weights], axis=0, return_index=True)[1]
    return sorted(first.tolist())
