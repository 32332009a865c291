"""The program as calls of NumPy into arrays that are allocated once, for one number of examples.

The equations are taken apart into single operations, equal ones computed once; each writes into
memory that is given out beforehand. Transposes, slices and reshapes are views. Running a kernel is
one call of NumPy after the other, with nothing to decide.
"""

from collections.abc import Callable, Container, Sequence
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr, Symbol
from tinygrad_edu.namespace import FUNCTIONS, floats
from tinygrad_edu.vectorize.algebra import MADE_OF, of_any_zero, shifted_exp, top
from tinygrad_edu.vectorize.arrays import Array, of_arrays
from tinygrad_edu.vectorize.executors.buffers import (
    Buffer,
    Calls,
    allocate,
    compile_calls,
    copy,
    given,
)
from tinygrad_edu.vectorize.gradient import Gradient
from tinygrad_edu.vectorize.layout import Equation, P, consecutive, spread
from tinygrad_edu.vectorize.operations import OPERATIONS
from tinygrad_edu.vectorize.steps import Pairs, Product, Regrouped, operands_of
from tinygrad_edu.vectorize.tape import Guard, VectorizeError

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
#: What is computed at once where all operands are numbers.
_FOLD: Final[dict[str, Callable[..., float]]] = {
    "*": lambda a, b: a * b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "divide": floats.divide,
    "negative": lambda a: -a,
}


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
    compiler.equations(program.layout.equations, free=_only_multiplied(program))
    roots = [compiler.buffer(spread(result)) for result in program.results]
    roots[1:] = [compiler.own(buffer) for buffer in roots[1:]]
    guards = [compiler.guard(guard) for guard in program.tape.guards]
    if gradient is not None:
        compiler.direct = not gradient.pieces  # else what is added later would change it
        compiler.equations(gradient.equations)
        compiler.pieces(gradient)
    run = compile_calls(allocate(compiler.calls, [*roots, *guards]))
    results, outcomes = ([b.resolved() for b in buffers] for buffers in (roots, guards))
    return Kernel(run, compiler.inputs, results, outcomes, _mean_of(results[0]))


class Expressions(Calls):
    """Takes expressions apart into calls; `named` are the arrays that they mention."""

    def __init__(self, B: int) -> None:
        super().__init__(B)
        self.named: dict[str, Buffer] = {"B": given(float(B))}
        self.known: dict[Any, Buffer] = {}
        self.keep: list[Any] = []
        #: Whether all that reads the result adds it up with others, from 0 on.
        self.sign_of_zero_is_free = False

    def buffer(self, x: Any) -> Buffer:
        """The number or array of an expression; what is known already is not computed again."""
        if not isinstance(x, Expr):
            return given(float(x))
        if isinstance(x, Symbol):
            return self.named[x.name]
        if self.sign_of_zero_is_free:
            x = of_any_zero(x)
        if x.op in MADE_OF:
            operand = self.buffer(x.args[0])
            name = f"#{id(operand)}"
            self.named[name] = operand
            return self.buffer(MADE_OF[x.op](expr.symbol(name)))
        if x.op == "*" and (single := self._with_one_number(x)) is not x:
            return self.buffer(single)
        a = x.args[0]
        if x.op == "negative" and isinstance(a, Expr) and a.op == "pick":
            log_softmax, t = a.args
            if log_softmax.op == "log_softmax":
                z = log_softmax.args[0]
                log_sum = expr.log(expr.rowsum(shifted_exp(z)))
                return self.buffer(Expr("-", (log_sum, expr.pick(z - top(z), t))))
        operands = [self.buffer(o) if isinstance(o, Expr) else o for o in x.args]
        key = (x.op, *[id(o) if isinstance(o, Buffer) else repr(o) for o in operands])
        if key not in self.known:
            self.keep.append(operands)  # ids stay theirs
            self.known[key] = self._computed(x, operands)
        return self.known[key]

    def _with_one_number(self, x: Expr) -> Any:
        """A product of several numbers and at most one array with one number.

        With more arrays the order stays, since products in another order overflow elsewhere.
        """
        numbers, arrays, stack = [], [], [x]
        while stack:
            a = stack.pop()
            if isinstance(a, Expr) and a.op == "*":
                stack.extend(reversed(a.args))
            elif (number := self.buffer(a).number) is None:
                arrays.append(a)
            else:
                numbers.append(number)
        if len(numbers) < 2 or len(arrays) > 1:
            return x
        number = prod(numbers)
        if not arrays:
            return number
        return arrays[0] if number == 1 else Expr("*", (arrays[0], number))

    def _computed(self, x: Expr, operands: list[Any]) -> Buffer:
        if x.op in OPERATIONS:
            if not isinstance(operands[0], Buffer) and x.op not in ("join", "scatter"):
                operands[0] = given(operands[0])
            return OPERATIONS[x.op].run(self, *operands)
        if x.op not in _UFUNCS:
            raise VectorizeError(f"m.{x.op} is no function of a namespace")
        buffers = [b if isinstance(b, Buffer) else given(b) for b in operands]
        numbers = [b.number for b in buffers]
        if x.op in _FOLD and None not in numbers:
            return given(_FOLD[x.op](*numbers))
        if x.op == "pow" and numbers[1] == 2:
            return self.ufunc(np.multiply, buffers[0], buffers[0])
        if x.op == "where":
            return self.where(*buffers)
        if x.op in ("maximum", "minimum"):  # of equal numbers the first, 0 and -0 too
            ties = self.ufunc(np.equal, *buffers, dtype=bool)
            return self.where(ties, buffers[0], self.ufunc(_UFUNCS[x.op], *buffers))
        f = _UFUNCS[x.op]
        if isinstance(f, np.ufunc):
            return self.ufunc(f, *buffers, dtype=bool if x.op in _COMPARISONS else float)
        return self.by_function(f, np.broadcast_shapes(*[b.shape for b in buffers]), *buffers)


class _Compiler(Expressions):
    """Takes equations apart into calls."""

    def __init__(self, program: Regrouped, B: int, parameters: Array, into: Array) -> None:
        super().__init__(B)
        self.program, self.into = program, into
        self.named[P] = given(parameters[None, :])
        self.inputs: dict[str, Array] = {}
        self.targets: dict[str, Array] = {}
        self.direct = True
        for v in program.layout.variables.values():
            if v.role in ("input", "sample"):
                self.inputs[v.name] = np.zeros((B, v.size))
                self.named[v.name] = Buffer((B, v.size)).place(self.inputs[v.name])
            elif v.role == "parameter":
                place, shape = slice(v.start, v.start + v.size), v.matrix or (1, v.size)
                self.named[v.name] = given(parameters[place].reshape(shape))
                self.targets[f"d{v.name}"] = into[place].reshape(shape)
            elif v.role == "constant":
                self.named[v.name] = given(np.array([[program.tape.constants[c] for c in v.cells]]))
            elif v.role == "index":
                self.indexes[v.name] = np.array(v.cells, dtype=np.intp)

    def equations(self, equations: Sequence[Equation], free: Container[str] = ()) -> None:
        """Compute each target; gradients of blocks straight into their place.

        The sign of a zero in the targets `free` does not matter.
        """
        for target, expression in equations:
            self.sign_of_zero_is_free = target in free
            place = self.targets.get(target)
            before = len(self.calls)
            buffer = self.buffer(expression)
            if place is None:
                self.named[target] = buffer
                continue
            new = len(self.calls) > before and self.calls[-1].out is buffer
            if new and self.direct and not buffer.fixed:
                buffer.place(place)
            else:
                self.add((buffer,), Buffer(place.shape).place(place), copy)

    def pieces(self, gradient: Gradient) -> None:
        """The gradients that go to single parameters, added to those of their blocks."""
        for name, place in self.targets.items():
            if name[1:] not in gradient.blocks:
                place.fill(0.0)
                if gradient.pieces:
                    self.add((), Buffer(place.shape).place(place), lambda out: [(out.fill, (0.0,))])
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

    def guard(self, guard: Guard) -> Buffer:
        """The outcomes of a comparison."""
        left, right = (self.program.layout.read([i]).expression for i in guard[1:3])
        return self.buffer(Expr(guard.sign, (left, right)))


def _only_multiplied(program: Regrouped) -> set[str]:
    """The arrays that are read by products and sums of products alone: these start from 0."""
    readers = [*program.results]
    for step in program.steps:
        readers += () if isinstance(step, Product | Pairs) else operands_of(step)
    return program.layout.variables.keys() - {p.array for o in readers for p in o.parts}


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
        calls = Expressions(0)
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


def _written_last(calls: Expressions, buffer: Buffer, held: Array) -> bool:
    """Let a result be written where its old number stands, if nothing reads that afterwards."""
    places = [i for i, call in enumerate(calls.calls) if call.out is buffer]
    if not places or buffer.fixed or buffer.shape != held.shape:
        return False
    later = calls.calls[places[0] + 1 :]
    if any(a.array is held for call in later for a in call.arguments):
        return False
    buffer.place(held)
    return True
