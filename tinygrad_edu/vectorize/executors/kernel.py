"""The program as calls of NumPy into arrays that are allocated once, for one number of examples.

Each instruction becomes a few calls, its operands views of the arena or of arrays that are given.
Running a kernel is one call of NumPy after the other, with nothing to decide.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.expr import Expr
from tinygrad_edu.vectorize.algebra import of_any_zero
from tinygrad_edu.vectorize.arrays import Array as Numbers
from tinygrad_edu.vectorize.executors.calls import (
    COMPARISONS,
    FUNCTIONS_OF_ARRAYS,
    Call,
    Views,
    calls_of,
)
from tinygrad_edu.vectorize.executors.code import Code, UpdateEquation
from tinygrad_edu.vectorize.executors.instructions import (
    Array,
    allocate,
    filled,
    needed_for,
    repeated,
)
from tinygrad_edu.vectorize.gradient import Gradient
from tinygrad_edu.vectorize.layout import P
from tinygrad_edu.vectorize.steps import Regrouped
from tinygrad_edu.vectorize.tape import VectorizeError


class Kernel(NamedTuple):
    """A program for B examples: fill `inputs`, call `run()`, read the rest.

    `results` have a column per number, and one row for numbers that are the same for all examples,
    `mean()` is that of the first; `guards` are the outcomes of comparisons. The gradient is then in
    the vector that the kernel was compiled for.
    """

    run: Callable[[], None]
    inputs: dict[str, Numbers]
    results: list[Numbers]
    guards: list[Numbers]
    mean: Callable[[], float]


def compile_kernel(
    program: Regrouped, gradient: Gradient | None, B: int, parameters: Numbers, into: Numbers
) -> Kernel:
    """The calls for B examples, with the parameter vector and the vector its gradient goes into."""
    code = _Code(B, parameters, into)
    results, guards = code.forward(program)
    if gradient is not None:
        into.fill(0.0)
        code.backward(gradient)
    code.kept += (*results, *guards)
    run, look = code.compiled(), code.views.look
    inputs = {name: look(a) for name, a in code.inputs.items()}
    numbers = look(results[0]).reshape(-1)
    ones = np.ones(numbers.size)
    mean = lambda: float(ones.dot(numbers)) / numbers.size  # noqa: E731
    return Kernel(run, inputs, [*map(look, results)], [*map(look, guards)], mean)


class Update:
    """x and its states after one update from the gradient g: `update(lr, t)` changes the vectors.

    `states` has a vector, or None where there is none yet. Those that the equation makes are in
    `states` after the first call, for which another `Update` is to be made.
    """

    def __init__(
        self, equation: UpdateEquation, x: Numbers, g: Numbers, states: Sequence[Numbers | None]
    ):
        code = _Code(0, x, g)
        self._lr, self._t = np.empty(1), np.empty(1)
        code.named |= {"x": code.P, "g": code.G}
        code.named |= {"lr": code.of(self._lr), "t": code.of(self._t)}
        held = [None if a is None else code.of(a) for a in states]
        after = code.update(equation, held, lambda: code.of(np.empty(len(x))))
        self.states = [None if a is None else a.memory.content for a in after]
        self.made_states = [a is None for a in held] != [a is None for a in after]
        self._run = code.compiled()

    def __call__(self, lr: float, t: int) -> None:
        """One update."""
        self._lr[0], self._t[0] = lr, t
        self._run()


class _Code(Code):
    """Instructions for NumPy, with vectors for the parameters and their gradient."""

    views: Views

    def __init__(self, rows: int, parameters: Numbers, into: Numbers) -> None:
        super().__init__(rows)
        self.P, self.G = self.of(parameters), self.of(into)
        self.named |= {"B": self.given(float(rows)), P: self.P}

    def of(self, vector: Numbers) -> Array:
        """A vector that exists."""
        return self.fixed(1, len(vector), content=vector)

    def fixed(self, m: int, n: int, *, batched: bool = False, content: Any = None) -> Array:
        numbers = np.zeros(m * n * (self.rows if batched else 1)) if content is None else content
        return super().fixed(m, n, batched=batched, content=numbers)

    def simpler(self, x: Expr) -> Expr:
        return of_any_zero(x) if self.sign_of_zero_is_free else x

    def function(self, op: str, arrays: list[Array]) -> Array:
        if op not in FUNCTIONS_OF_ARRAYS:
            raise VectorizeError(f"m.{op} is no function of a namespace")
        if op == "where":
            return self._where(*arrays)
        if op in ("maximum", "minimum"):  # of equal numbers the first, 0 and -0 too
            extreme = self.each("larger" if op == "maximum" else "smaller", *arrays)
            return self._where(self.function("equal", arrays), arrays[0], extreme)
        out = self.each(op, *arrays)
        out.memory.bools = op in COMPARISONS
        return out

    def _where(self, condition: Array, a: Array, b: Array) -> Array:
        """`a` where the condition holds, else `b`, whose memory it may take over."""
        if not condition.memory.bools:
            condition = self.function("!=", [condition, self.given(0.0)])
        arrays = (condition, a, b)
        sizes = [(x.m, x.n, x.batched) for x in arrays]
        m, n, batched = map(max, zip(*sizes, strict=True))
        if sizes[2] != (m, n, batched) == sizes[1]:
            arrays = (self.function("not", [condition]), b, a)
        out = self.new(m, n, batched=batched)
        operands = [repeated(x, out) for x in arrays]
        return self.add("where", out, *operands, reusable=(operands[2],))

    def compiled(self) -> Callable[[], None]:
        """One function that makes all the calls, once memory is given out."""
        for memory in self.contents:
            memory.at = 0
        needed = needed_for(self.kept, self.instructions)
        self.views = Views(self.rows, filled(allocate(needed, 0, self.kept)))
        return _one_function([call for i in needed for call in calls_of(self.views, i)])


def _one_function(calls: Sequence[Call]) -> Callable[[], None]:
    """One function that makes all the calls."""
    names: dict[str, Any] = {}
    known: dict[int, str] = {}

    def named(x: Any) -> str:
        if id(x) not in known:
            known[id(x)] = f"x{len(names)}"
            names[known[id(x)]] = x  # which keeps it alive, and its id its own
        return known[id(x)]

    text = ["def run():", "    pass"]
    for f, arguments, *keywords in calls:
        options = [f"{key}={named(x)}" for key, x in (keywords[0] if keywords else {}).items()]
        text.append(f"    {named(f)}({', '.join([*map(named, arguments), *options])})")
    exec(compile("\n".join(text), "<kernel>", "exec"), names)
    run: Callable[[], None] = names["run"]
    return run
