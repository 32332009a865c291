"""Array programs as tables of instructions for the machine (`machine.c`): data that can be moved.

A program becomes one table for any number of examples up to a capacity: the instructions as rows of
whole numbers, and what stands in the arena before the first run. Every address is an offset.
"""

from collections.abc import Container, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.expr import Expr
from tinygrad_edu.vectorize.algebra import is_relu
from tinygrad_edu.vectorize.executors.arena import Array
from tinygrad_edu.vectorize.executors.columns import OPERATIONS, add_at
from tinygrad_edu.vectorize.executors.expressions import Expressions, only_multiplied
from tinygrad_edu.vectorize.executors.instructions import (
    ELEMENTWISE,
    NUMBERS,
    Contents,
    Instructions,
    NoInstruction,
)
from tinygrad_edu.vectorize.gradient import Gradient
from tinygrad_edu.vectorize.layout import Equation, P, consecutive, spread
from tinygrad_edu.vectorize.steps import Regrouped

#: The same instruction under another name.
_SAME = {"larger": "maximum", "smaller": "minimum", "top": "rowmax", "bottom": "rowmin"}


class Code(Instructions, Expressions[Array]):
    """Takes expressions apart into instructions."""

    functions = frozenset(ELEMENTWISE)

    def __init__(self, rows: int) -> None:
        Instructions.__init__(self, rows)
        Expressions.__init__(self)

    def is_scalar(self, buffer: Array) -> bool:
        """Whether it is one number, made from the number of examples alone."""
        return buffer.scalar

    def simpler(self, x: Expr) -> Expr:
        """Relu, and what passes where that is above 0, are one instruction."""
        if is_relu(x):
            return Expr("relu", x.args[2:])
        if x.op != "where":
            return x
        condition, a, b = x.args
        if isinstance(condition, Expr) and condition.op == "<=" and repr(a) in ("0", "0.0"):
            left, right = condition.args
            if not isinstance(right, Expr) and right == 0:
                return Expr("gate", (left, b))
        return x

    def operation(self, op: str, operands: list[Any]) -> Array:
        """One of those on columns, as instructions."""
        return OPERATIONS[_SAME.get(op, op)](self, *operands)

    def function(self, op: str, arrays: list[Array]) -> Array:
        """One number by number, as an instruction."""
        op = _SAME.get(op, op)
        if op not in NUMBERS:
            raise NoInstruction(f"m.{op} is no function of a namespace")
        relu = self.known.get(("relu", id(arrays[0])))
        if relu is not None and (op == "gate" or (op in ("<=", ">") and arrays[1].number == 0)):
            arrays[0] = relu  # it is above 0 where x is, and x itself is not needed
        if op == "+" and (biased := self.with_bias(*arrays)) is not None:
            return biased
        return self.each(op, *arrays)


class Place(NamedTuple):
    """Where an array stands: offset, steps per row (0 or 1) and column, number of columns."""

    at: int
    row: int
    column: int
    n: int


class Table(NamedTuple):
    """A program for the machine.

    code       the instructions, a row of whole numbers each
    size       of the arena, in doubles
    contents   what stands in it before the first run
    rows       for how many examples
    cap        the step from one column to the next
    parameters how many there are
    work       floating-point operations of its products, for one example
    inputs, results, guards    where these stand; guards are the outcomes of comparisons
    P, G, mean, B              offsets: parameters, gradient, the mean of the first result, and the
               number of examples
    """

    code: Any
    size: int
    contents: Contents
    rows: int
    cap: int
    parameters: int
    work: int
    inputs: dict[str, Place]
    results: list[Place]
    guards: list[Place]
    P: int
    G: int
    mean: int
    B: int


class Compiler(Code):
    """Takes the equations of a program apart.

    results, guards    what it gives, and the outcomes of comparisons
    begins             for each equation the number of its first instruction
    """

    results: list[Array]
    guards: list[Array]

    def __init__(self, program: Regrouped, rows: int) -> None:
        super().__init__(rows)
        self.direct = True
        self.begins: dict[str, int] = {}
        self.named["B"] = self.scalar()
        self.mean = self.scalar()
        n = len(program.layout.parameters)
        self.P, self.G = self.fixed(1, n), self.fixed(1, n)
        self.kept += (self.P, self.G)
        self.named[P] = self.P
        self.inputs: dict[str, Array] = {}
        for v in program.layout.variables.values():
            if v.role in ("input", "sample"):
                self.named[v.name] = self.inputs[v.name] = self.fixed(1, v.size, batched=True)
            elif v.role == "parameter":
                m, k = v.matrix or (1, v.size)
                steps = {"start": v.start, "m": m, "n": k, "place": k if m > 1 else 0}
                self.named[v.name] = self.P.view(**steps)
                self.targets[f"d{v.name}"] = self.G.view(**steps)
            elif v.role == "constant":
                numbers = np.array([program.tape.constants[c] for c in v.cells], dtype=float)
                self.named[v.name] = self.fixed(1, v.size, content=numbers)
            elif v.role == "index":
                self.indexes[v.name] = v.cells
        self.kept += self.inputs.values()

    def equations(self, equations: Sequence[Equation], free: Container[str] = ()) -> None:
        """Compute each target, and note where it begins."""
        for equation in equations:
            self.begins[equation.target] = len(self.instructions)
            super().equations([equation], free)

    def move(self, buffer: Array, place: Array, *, new: bool) -> None:
        """Made there at once where that changes nothing, else copied."""
        if new and self.direct and self.is_last(buffer):
            buffer.memory.put_into(place.memory, place.start)
        else:
            self.each("copy", buffer, out=place)

    def pieces(self, gradient: Gradient) -> None:
        """The gradients that go to single parameters, added to those of their blocks."""
        if not gradient.pieces:
            return
        for name, place in self.targets.items():
            if name[1:] not in gradient.blocks:
                self.each("copy", self.given(0.0), out=place)
        for piece, columns in gradient.pieces:
            where = columns[0] if consecutive(columns) else np.array(columns)
            add_at(self, self.G, self.buffer(piece), where, len(columns))

    def own(self, a: Array) -> Array:
        """A result with a row per example, in memory that an update does not change."""
        if a.memory.stays or not a.batched:
            a = self.copied(a, 1, a.n, batched=True)
        self.kept.append(a)
        return a


def compiled(program: Regrouped, gradient: Gradient | None, rows: int) -> Compiler:
    """The instructions for up to `rows` examples. NoInstruction for what the machine lacks."""
    c = Compiler(program, rows)
    c.equations(program.layout.equations, free=only_multiplied(program))
    c.results = [c.buffer(spread(result)) for result in program.results]
    c.kept.append(c.results[0])
    first = c.results[0].view(n=1)
    c.add("mean", c.mean, first, m=1, n=1, rows=int(not first.batched))
    c.results[1:] = [c.own(a) for a in c.results[1:]]
    c.guards = c.outcomes(program)
    c.kept += c.guards
    if gradient is not None:
        c.direct = not gradient.pieces  # else what is added later would change it
        c.equations(gradient.equations)
        c.pieces(gradient)
    return c


def table(program: Regrouped, gradient: Gradient | None, rows: int) -> Table:
    """The program for up to `rows` examples. Raises NoInstruction for what the machine lacks."""
    c = compiled(program, gradient, rows)
    code, size, contents = c.finished()
    inputs = {name: _place(a) for name, a in c.inputs.items()}
    found, outcomes = ([_place(a) for a in arrays] for arrays in (c.results, c.guards))
    offsets = [_place(a).at for a in (c.P, c.G, c.mean, c.named["B"])]
    return Table(
        code, size, contents, rows, c.cap, c.P.n, c.work(), inputs, found, outcomes, *offsets
    )


def _place(a: Array) -> Place:
    return Place(a.memory.at + a.start, int(a.batched), a.column, a.n)
