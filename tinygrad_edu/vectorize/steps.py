"""The steps of a program forward: what each array is computed from, as data; operations on rows."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from tinygrad_edu import expr
from tinygrad_edu.engine import Primitive, primitives
from tinygrad_edu.expr import Expr
from tinygrad_edu.namespace import no_flow
from tinygrad_edu.vectorize.algebra import fitted, opened
from tinygrad_edu.vectorize.layout import Equation, Layout, Operand, P, Part, Variable, spread
from tinygrad_edu.vectorize.operations import extent
from tinygrad_edu.vectorize.tape import Tape, VectorizeError


class Reduction(NamedTuple):
    """An n-ary operation on rows of n numbers; `wide` if its result has n columns.

    A record lists its operands one by one; here they are the columns of an array x (m, n), and the
    result `value(x, n)` is one column, or n where it is one number per operand (softmax).
    `vjp(y, x, g, n)` is the gradient for x, sum_k g_k dy_k/dx_j, from the gradient g of the result:
    what the slopes of the record add up to, in n steps where they would be n^2. If it `chooses`,
    the first operand is no part of x but a class number: both take these too, as a column t, and
    `value` whether they are known to be some.
    """

    value: Callable[..., Any]
    vjp: Callable[..., Any]
    wide: bool = False
    chooses: bool = False


def _shared(best: Any, loses: Any, g: Any) -> Any:
    """Of n operands that tie each gets g/n, the others nothing."""
    return expr.where(loses, no_flow, expr.divide(best, expr.rowsum(best)) * g)


REDUCTIONS: Final[dict[str, Reduction]] = {
    "sum": Reduction(lambda x, n: expr.rowsum(x), lambda y, x, g, n: g),
    "mean": Reduction(
        lambda x, n: expr.divide(expr.rowsum(x), n), lambda y, x, g, n: expr.divide(g, n)
    ),
    "prod": Reduction(
        lambda x, n: expr.rowprod(x), lambda y, x, g, n: expr.products_of_others(x) * g
    ),
    "max": Reduction(
        lambda x, n: expr.rowmax(x), lambda y, x, g, n: _shared(expr.equal(x, y), x < y, g)
    ),
    "min": Reduction(
        lambda x, n: expr.rowmin(x), lambda y, x, g, n: _shared(expr.equal(x, y), x > y, g)
    ),
    "logsumexp": Reduction(lambda x, n: expr.logsumexp(x), lambda y, x, g, n: expr.exp(x - y) * g),
    "softmax": Reduction(
        lambda x, n: expr.softmax(x),
        lambda y, x, g, n: g * y * (1 - y) - y * expr.sums_of_others(g * y),
        wide=True,
    ),
    "log_softmax": Reduction(
        lambda x, n: expr.log_softmax(x),
        lambda y, x, g, n: g * (1 - expr.softmax(x)) - expr.softmax(x) * expr.sums_of_others(g),
        wide=True,
    ),
    "cross_entropy": Reduction(
        lambda x, n, t, known: -(expr.pick if known else expr.pick_if_any)(expr.log_softmax(x), t),
        lambda y, x, g, n, t: (expr.softmax(x) - expr.onehot(t, n)) * g,
        chooses=True,
    ),
}


def reduction_of(record: Primitive) -> Reduction | None:
    """The operation on rows of a record, whatever its constants; None if there is none."""
    known = primitives.get(record.name)
    return REDUCTIONS.get(record.name) if known and known.value is record.value else None


@dataclass(frozen=True, slots=True)
class Elementwise:
    """target = record(operands), number by number."""

    target: str
    record: Primitive
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """target = reduction of each row of `size` numbers; `classes` has a class number per row."""

    target: str
    reduction: Reduction
    operand: Operand
    size: int
    classes: Operand | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """target = x w^T + b, for rows of x and rows of w with `size` numbers each.

    `rows` and `units` count them, in each of `blocks` products side by side; `w` is an expression
    with one row per unit, and where it is no block of parameters `w_read` says how it is read.
    `batched_w`: the weights differ from example to example.
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
    blocks: int = 1


@dataclass(frozen=True, slots=True)
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

    def emit(self, step: Step, cells: Sequence[int], expression: Any, *, batched: bool) -> None:
        """Enter a step that gives these nodes, and its equation."""
        variable = Variable(step.target, "value", batched, len(cells), tuple(cells))
        expression = fitted(expression, variable, self.layout.variables)
        self.layout.place(variable)
        self.layout.equations.append(Equation(variable.name, expression))
        self.steps.append(step)


def operands_of(step: Step) -> tuple[Operand, ...]:
    """What a step passes its gradient on to, but for a matrix of parameters."""
    match step:
        case Elementwise():
            return step.operands
        case Rows():
            return (step.operand,)
    return tuple([o for o in (step.x, getattr(step, "w_read", None), step.b) if o is not None])


def read(layout: Layout, row: Sequence[int]) -> Operand:
    """The nodes as columns of one array, as `layout` reads them, but in these cases in short.

    Columns that stand k times each are repeated, columns that stand there k times one after the
    other are a tile; an array that has a number in the place of some columns is masked.
    """
    cells, n, constants = tuple(row), len(row), layout.tape.constants
    period = next((j for j in range(1, n) if cells[j] == cells[0]), n)
    if 1 < period < n and n % period == 0 and cells == cells[:period] * (n // period):
        each = layout.read(cells[:period])
        parts = [
            Part(array, columns, tuple([j + p for p in places or range(period)]))
            for j in range(0, n, period)
            for array, columns, places, _ in each.parts
        ]
        return Operand(expr.tile(spread(each), n // period), tuple(parts), n)
    k = next((k for k, cell in enumerate(cells) if cell != cells[0]), n)
    if 1 < k < n and n % k == 0 and all(cells[j] == cells[j - j % k] for j in range(n)):
        each = layout.read(cells[::k])
        parts = []
        for array, columns, places, _ in each.parts:
            columns = tuple(range(layout.variables[array].size)) if columns is None else columns
            wide = places and tuple([k * p + j for p in places for j in range(k)])
            parts.append(Part(array, tuple([c for c in columns for _ in range(k)]), wide))
        return Operand(expr.repeat(spread(each), k), tuple(parts), n)
    kept = [j for j, c in enumerate(cells) if c not in constants]
    arrays = {layout.array[cells[j]] for j in kept if len(kept) < n} - {None, P}
    number, *others = {c for c in cells if c in constants} or {-1}
    if not others and len(arrays) == 1 and [layout.column[cells[j]] for j in kept] == kept:
        whole, nodes = layout.variables[str(*arrays)], {repr(x): i for i, x in constants.items()}
        if whole.size == n and {"0.0", "-inf"} <= {*nodes}:
            signs = [nodes["-inf" if c == number else "0.0"] for c in cells]
            mask = layout.read(signs).expression
            x = expr.where(mask < 0, constants[number], expr.symbol(whole.name))
            return Operand(layout.named(x, cells), (Part(whole.name, None, None, mask),), n)
    return layout.read(cells)


def as_rows(x: Operand, size: int) -> Any:
    """The operands as rows of `size`."""
    return spread(x) if x.n == size else expr.reshape(spread(x), size)


def rows_of_classes(
    layout: Layout, x: Operand, size: int, classes: Operand, *, batched: bool
) -> tuple[Any, Any]:
    """The class numbers as a column and the operands as rows, both for all examples if one is."""

    def full(operand: Operand, size: int) -> Any:
        x = spread(operand)
        if batched and not extent(x, layout.variables)[0]:
            x = expr.full(x, operand.n)
        return x if operand.n == size else expr.reshape(x, size)

    return full(classes, 1), full(x, size)


def is_loss(program: Regrouped, cells: Sequence[int]) -> bool:
    """Whether the nodes are the (first) result of a function of rows and targets."""
    tape = program.tape
    return list(cells) == tape.results[0] and len(tape.inputs) != 1


def written(record: Primitive, what: str, *operands: Any) -> Any:
    """The value or the slopes of a record as expressions of arrays."""
    try:
        return getattr(record, what)(expr, *operands, **record.constants)
    except (TypeError, ValueError, AttributeError) as error:
        raise VectorizeError(
            f"the {what} of the operation {record.name} cannot be written for arrays ({error}): "
            "write it with +, -, * and functions of m alone, as in m.divide(x, y), m.pow(x, 2) "
            "and m.where(x > 0, x, 0.0)"
        ) from error


def slopes_of(step: Elementwise) -> list[Any]:
    """The slopes as expressions. Raises VectorizeError unless there is one for each operand."""
    operands = [o.expression for o in step.operands]
    slopes = written(step.record, "slopes", expr.symbol(step.target), *operands)
    if len(slopes) != len(operands):
        raise VectorizeError(
            f"{step.record.name} gave {len(slopes)} slopes for {len(operands)} parents"
        )
    return [opened(slope) for slope in slopes]


#: Whose slopes are numbers.
_BOUNDED: Final = (REDUCTIONS["sum"], REDUCTIONS["mean"])


def steep_arrays(program: Regrouped, active: Set[str]) -> set[str]:
    """The active arrays of which a gradient of 0 may become nan further back, as 0 * inf."""
    steep: set[str] = set()
    for step in program.steps:
        if step.target not in active or isinstance(step, Product):
            continue
        if isinstance(step, Elementwise):
            bounded = all(map(_is_bounded, slopes_of(step)))
        else:
            bounded = isinstance(step, Rows) and step.reduction in _BOUNDED
        reads = {part.array for operand in operands_of(step) for part in operand.parts}
        if not bounded or not steep.isdisjoint(reads):
            steep.add(step.target)
    return steep


def _is_bounded(slope: Any) -> bool:
    """Whether a slope is a number, in each of its cases."""
    if isinstance(slope, Expr):
        return slope.op == "where" and all(map(_is_bounded, slope.args[1:]))
    return True
