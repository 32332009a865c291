"""The program as calls of NumPy into arrays that are allocated once, for one number of examples.

The equations are taken apart into single operations, equal ones computed once; each writes into
memory that is given out beforehand. Transposes, slices and reshapes are views. Running a kernel is
one call of NumPy after the other, with nothing to decide.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr
from tinygrad_edu.namespace import FUNCTIONS
from tinygrad_edu.vectorize.algebra import of_any_zero
from tinygrad_edu.vectorize.arrays import Array, of_arrays
from tinygrad_edu.vectorize.executors.buffers import (
    Buffer,
    Calls,
    allocate,
    compile_calls,
    copy,
    given,
)
from tinygrad_edu.vectorize.executors.expressions import Expressions, only_multiplied
from tinygrad_edu.vectorize.gradient import Gradient
from tinygrad_edu.vectorize.layout import P, consecutive, spread
from tinygrad_edu.vectorize.operations import OPERATIONS
from tinygrad_edu.vectorize.steps import Regrouped
from tinygrad_edu.vectorize.tape import VectorizeError

_UFUNCS: Final[dict[str, Any]] = {
    **{name: of_arrays(name) for name in FUNCTIONS},
    "*": np.multiply,
    "+": np.add,
    "-": np.subtract,
    "copysign": np.copysign,
    "larger": np.maximum,  # these two of 0 and -0 any
    "smaller": np.minimum,
    "negative": np.negative,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "!=": np.not_equal,
}
_COMPARISONS: Final = ("<", "<=", ">", ">=", "equal", "!=")


class Kernel(NamedTuple):
    """A program for B examples: fill `inputs`, call `run()`, read the rest.

    `results` have a column per number, and one row for numbers that are the same for all examples,
    `mean()` is that of the first; `guards` are the outcomes of comparisons. The gradient is then in
    the vector that the kernel was compiled for.
    """

    run: Callable[[], None]
    inputs: dict[str, Array]
    results: list[Array]
    guards: list[Array]
    mean: Callable[[], float]


def compile_kernel(
    program: Regrouped, gradient: Gradient | None, B: int, parameters: Array, into: Array
) -> Kernel:
    """The calls for B examples, with the parameter vector and the vector its gradient goes into."""
    compiler = _Compiler(program, B, parameters, into)
    compiler.equations(program.layout.equations, free=only_multiplied(program))
    roots = [compiler.buffer(spread(result)) for result in program.results]
    roots[1:] = [compiler.own(buffer) for buffer in roots[1:]]
    guards = compiler.outcomes(program)
    if gradient is not None:
        compiler.direct = not gradient.pieces  # else what is added later would change it
        compiler.equations(gradient.equations)
        compiler.pieces(gradient)
    run = compile_calls(allocate(compiler.calls, [*roots, *guards]))
    results, outcomes = ([b.resolved() for b in buffers] for buffers in (roots, guards))
    return Kernel(run, compiler.inputs, results, outcomes, _mean_of(results[0]))


class _Calls(Calls, Expressions[Buffer]):
    """Takes expressions apart into calls."""

    def __init__(self, B: int) -> None:
        Calls.__init__(self, B)
        Expressions.__init__(self)
        self.named["B"] = given(float(B))

    def given(self, x: float) -> Buffer:
        return given(x)

    def simpler(self, x: Expr) -> Expr:
        return of_any_zero(x) if self.sign_of_zero_is_free else x

    def operation(self, op: str, operands: list[Any]) -> Buffer:
        return OPERATIONS[op].run(self, *operands)

    def function(self, op: str, buffers: list[Buffer]) -> Buffer:
        if op not in _UFUNCS:
            raise VectorizeError(f"m.{op} is no function of a namespace")
        if op == "where":
            return self.where(*buffers)
        if op in ("maximum", "minimum"):  # of equal numbers the first, 0 and -0 too
            ties = self.ufunc(np.equal, *buffers, dtype=bool)
            return self.where(ties, buffers[0], self.ufunc(_UFUNCS[op], *buffers))
        f = _UFUNCS[op]
        if isinstance(f, np.ufunc):
            return self.ufunc(f, *buffers, dtype=bool if op in _COMPARISONS else float)
        return self.by_function(f, np.broadcast_shapes(*[b.shape for b in buffers]), *buffers)


class _Compiler(_Calls):
    """Takes equations apart into calls."""

    def __init__(self, program: Regrouped, B: int, parameters: Array, into: Array) -> None:
        super().__init__(B)
        self.into = into
        self.named[P] = given(parameters[None, :])
        self.inputs: dict[str, Array] = {}
        self.direct = True
        for v in program.layout.variables.values():
            if v.role in ("input", "sample"):
                self.inputs[v.name] = np.zeros((B, v.size))
                self.named[v.name] = Buffer((B, v.size)).place(self.inputs[v.name])
            elif v.role == "parameter":
                place, shape = slice(v.start, v.start + v.size), v.matrix or (1, v.size)
                self.named[v.name] = given(parameters[place].reshape(shape))
                self.targets[f"d{v.name}"] = given(into[place].reshape(shape))
            elif v.role == "constant":
                self.named[v.name] = given(np.array([[program.tape.constants[c] for c in v.cells]]))
            elif v.role == "index":
                self.indexes[v.name] = np.array(v.cells, dtype=np.intp)

    def move(self, buffer: Buffer, place: Buffer, *, new: bool) -> None:
        if new and self.direct and not buffer.fixed and self.calls[-1].out is buffer:
            buffer.place(place.array)
        else:
            self.add((buffer,), place, copy)

    def pieces(self, gradient: Gradient) -> None:
        """The gradients that go to single parameters, added to those of their blocks."""
        for name, place in self.targets.items():
            if name[1:] not in gradient.blocks:
                place.array.fill(0.0)
                if gradient.pieces:
                    self.add((), place, lambda out: [(out.fill, (0.0,))])
        row = Buffer((1, len(self.into))).place(self.into[None, :])
        buffers = [self.buffer(piece) for piece, _ in gradient.pieces]
        for buffer, (_, columns) in zip(buffers, gradient.pieces, strict=True):
            where = columns[0] if consecutive(columns) else np.array(columns)
            self.add_at(row, buffer, where, len(columns))

    def own(self, buffer: Buffer) -> Buffer:
        """A result with a row per example, in memory that an update does not change."""
        if buffer.shape[0] == self.B and not buffer.owner.fixed:
            return buffer
        return self.repeated(buffer, (self.B, buffer.shape[1]))


def _mean_of(x: Array) -> Callable[[], float]:
    numbers, ones = x.reshape(-1), np.ones(x.size)
    return lambda: float(ones.dot(numbers)) / x.size


#: The equation: (m, g, x, lr, t, state) -> new x and state, as `Optimizer.update`.
UpdateEquation = Callable[..., tuple[Any, tuple[Any, ...]]]


class Update:
    """x and its states after one update from the gradient g: `update(lr, t)` changes the vectors.

    `states` has a vector, or None where there is none yet. Those that the equation makes are in
    `states` after the first call, for which another `Update` is to be made.
    """

    def __init__(
        self, equation: UpdateEquation, x: Array, g: Array, states: Sequence[Array | None]
    ):
        self._lr, self._t = np.empty(()), np.empty(())
        held_states = {f"s{k}": state for k, state in enumerate(states)}
        arrays = {"g": g, "x": x, "lr": self._lr, "t": self._t, **held_states}
        calls = _Calls(0)
        for name, array in arrays.items():
            if array is not None:
                calls.named[name] = Buffer(array.shape).place(array)
        symbols = [None if a is None else expr.symbol(name) for name, a in arrays.items()]
        new_x, new_states = equation(expr, *symbols[:4], tuple(symbols[4:]))
        pairs = list(zip(states, new_states, strict=True))
        self.made_states = any(old is None and new is not None for old, new in pairs)
        self.states = [np.empty(len(x)) if a is None and b is not None else a for a, b in pairs]
        places = [*zip(new_states, self.states, strict=True), (new_x, x)]
        results = [(calls.buffer(new), held) for new, held in places if held is not None]
        for buffer, held in results:
            if not _written_last(calls, buffer, held):
                calls.add((buffer,), Buffer(held.shape).place(held), copy)
        self._run = compile_calls(allocate(calls.calls, []))

    def __call__(self, lr: float, t: int) -> None:
        """One update."""
        self._lr[()], self._t[()] = lr, t
        self._run()


def _written_last(calls: Calls, buffer: Buffer, held: Array) -> bool:
    """Let a result be written where its old number stands, if nothing reads that afterwards."""
    places = [i for i, call in enumerate(calls.calls) if call.out is buffer]
    if not places or buffer.fixed or buffer.shape != held.shape:
        return False
    later = calls.calls[places[0] + 1 :]
    if any(a.array is held for call in later for a in call.arguments):
        return False
    buffer.place(held)
    return True
