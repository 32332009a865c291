"""The steps of a program forward: what each array is computed from, as data."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tinygrad_edu import expr
from tinygrad_edu.engine import Primitive
from tinygrad_edu.vectorize.errors import VectorizeError
from tinygrad_edu.vectorize.layout import Equation, Layout, Operand, Variable, spread
from tinygrad_edu.vectorize.shape import extent, fitted
from tinygrad_edu.vectorize.tape import Tape


@dataclass(frozen=True)
class Elementwise:
    """target = record(operands), number by number."""

    target: str
    record: Primitive
    operands: tuple[Operand, ...]


@dataclass(frozen=True)
class Rows:
    """target = record of each row of `size` numbers; `choice` are class numbers, one per row."""

    target: str
    record: Primitive
    operand: Operand
    size: int
    choice: Operand | None = None


@dataclass(frozen=True)
class Product:
    """target = x w^T + b, for rows of x and rows of w with `size` numbers each.

    `rows` and `units` count them; `w` is an expression with one row per unit, and where it is no
    block of parameters `w_read` says how it is read. `batched_w`: the weights differ from example
    to example.
    """

    target: str
    x: Operand
    w: Any
    w_read: Operand | None
    b: Operand | None
    rows: int
    units: int
    size: int
    batched_x: bool
    batched_w: bool


@dataclass(frozen=True)
class Pairs:
    """target = a sum of products per number, where the rows of x and w form no product."""

    target: str
    x: Operand
    w: Operand
    b: Operand | None
    size: int


Step = Elementwise | Rows | Product | Pairs


@dataclass
class Regrouped:
    """A program as data: its arrays, the steps forward in order, and what it gives."""

    tape: Tape
    layout: Layout
    steps: list[Step] = field(default_factory=list)
    results: list[Operand] = field(default_factory=list)

    def emit(self, step: Step, variable: Variable, expression: Any) -> None:
        """Enter a step and its equation."""
        expression = fitted(expression, variable, self.layout.variables)
        self.layout.place(variable)
        self.layout.equations.append(Equation(variable.name, expression))
        self.steps.append(step)


def as_rows(x: Operand, size: int) -> Any:
    """The operands as rows of `size`."""
    return spread(x) if x.n == size else expr.reshape(spread(x), size)


def rows_of_choice(layout: Layout, step: Rows, *, batched: bool) -> tuple[Any, Any]:
    """The class numbers as a column and the operands as rows, both for all examples if one is."""
    assert step.choice is not None

    def full(operand: Operand, size: int) -> Any:
        x = spread(operand)
        if batched and not extent(x, layout.variables)[0]:
            x = expr.full(x, operand.n)
        return x if operand.n == size else expr.reshape(x, size)

    return full(step.choice, 1), full(step.operand, step.size)


def is_loss(found: Regrouped, cells: Sequence[int]) -> bool:
    """Whether the nodes are the (first) result of a function of rows and targets."""
    tape = found.tape
    return list(cells) == tape.results[0] and len(tape.inputs) != 1


def written(record: Primitive, what: str, *operands: Any) -> Any:
    """The value or the slopes of a record as expressions of arrays."""
    try:
        return getattr(record, what)(expr, *operands, **record.constants)
    except (TypeError, ValueError, AttributeError) as error:
        raise VectorizeError(
            f"the {what} of the operation {record.name} cannot be written for arrays ({error}): "
            "write it with the operators and functions of m alone, as in m.exp(x) and "
            "m.where(x > 0, x, 0.0)"
        ) from error
