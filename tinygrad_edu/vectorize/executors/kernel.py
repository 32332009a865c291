"""The program as calls of NumPy into arrays that are allocated once, for one number of examples.

The equations are taken apart into single operations, equal ones computed once; each writes into
memory that is given out beforehand. Transposes, slices and reshapes are views. Running a kernel is
one call of NumPy after the other, with nothing to decide.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

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
from tinygrad_edu.vectorize.executors.expressions import Expressions, UpdateEquation
from tinygrad_edu.vectorize.gradient import Gradient
from tinygrad_edu.vectorize.layout import P, Variable
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
    compiler = _Compiler(B, parameters, into)
    roots, guards = compiler.forward(program)
    if gradient is not None:
        into.fill(0.0)
        compiler.backward(gradient)
    run = compile_calls(allocate(compiler.calls, [*roots, *guards]))
    results, outcomes = ([b.resolved() for b in buffers] for buffers in (roots, guards))
    inputs = {name: buffer.array for name, buffer in compiler.inputs.items()}
    return Kernel(run, inputs, results, outcomes, _mean_of(results[0]))


class _Compiler(Calls, Expressions[Buffer]):
    """Takes programs apart into calls, with vectors for the parameters and their gradient."""

    def __init__(self, B: int, parameters: Array, into: Array) -> None:
        Calls.__init__(self, B)
        Expressions.__init__(self)
        self.parameters, self.into = parameters, into
        self.named |= {"B": given(float(B)), P: given(parameters[None, :])}

    def given(self, x: float) -> Buffer:
        return given(x)

    def constants(self, numbers: Array) -> Buffer:
        return given(numbers[None, :])

    def argument(self, n: int) -> Buffer:
        return given(np.zeros((self.B, n)))

    def block(self, v: Variable) -> tuple[Buffer, Buffer]:
        place, shape = slice(v.start, v.start + v.size), v.matrix or (1, v.size)
        return given(self.parameters[place].reshape(shape)), given(self.into[place].reshape(shape))

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

    def put(self, buffer: Buffer, place: Buffer) -> None:
        made = [i for i, call in enumerate(self.calls) if call.out is buffer]
        if self.direct and made and not buffer.stays and buffer.shape == place.shape:
            later = self.calls[made[0] + 1 :]
            if not any(a.array is place.array for call in later for a in call.operands):
                buffer.place(place.array)
                return
        self.add((buffer,), place, copy)

    def own(self, buffer: Buffer) -> Buffer:
        if buffer.shape[0] == self.B and not buffer.memory.stays:
            return buffer
        return self.repeated(buffer, (self.B, buffer.shape[1]))

    def clear(self, place: Buffer) -> None:
        self.add((), place, lambda out: [(out.fill, (0.0,))])

    def add_pieces(self, piece: Buffer, place: Any, n: int) -> None:
        self.add_at(given(self.into[None, :]), piece, place, n)


def _mean_of(x: Array) -> Callable[[], float]:
    numbers, ones = x.reshape(-1), np.ones(x.size)
    return lambda: float(ones.dot(numbers)) / x.size


class Update:
    """x and its states after one update from the gradient g: `update(lr, t)` changes the vectors.

    `states` has a vector, or None where there is none yet. Those that the equation makes are in
    `states` after the first call, for which another `Update` is to be made.
    """

    def __init__(
        self, equation: UpdateEquation, x: Array, g: Array, states: Sequence[Array | None]
    ):
        self._lr, self._t = np.empty(()), np.empty(())
        compiler = _Compiler(0, x, g)
        arrays = {"g": g, "x": x, "lr": self._lr, "t": self._t}
        compiler.named |= {name: given(array) for name, array in arrays.items()}
        held = [None if a is None else given(a) for a in states]
        after = compiler.update(equation, held, lambda: given(np.empty(len(x))))
        self.states = [None if b is None else b.array for b in after]
        self.made_states = any(
            a is None and b is not None for a, b in zip(held, after, strict=True)
        )
        self._run = compile_calls(allocate(compiler.calls, []))

    def __call__(self, lr: float, t: int) -> None:
        """One update."""
        self._lr[()], self._t[()] = lr, t
        self._run()
