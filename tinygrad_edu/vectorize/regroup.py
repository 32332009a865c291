"""Regrouping: nodes of equal depth and operation become one array.

`dot` nodes that form a product {rows of x} x {rows of w} become a matrix product. A product of
several rows of x (a convolution) stands row after row in its array: column p*U + u is row p with
row u of w. Nothing is known here of layers: the graph is all there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tinygrad_edu import ink
from tinygrad_edu.engine.record import Record
from tinygrad_edu.functions import _dot
from tinygrad_edu.ink import Ink
from tinygrad_edu.vectorize.errors import VectorizeError
from tinygrad_edu.vectorize.layout import Equation, Layout, Operand, Variable, spread
from tinygrad_edu.vectorize.rows import choice_value, is_choice, row_operation
from tinygrad_edu.vectorize.shape import extent
from tinygrad_edu.vectorize.tape import Tape


@dataclass(frozen=True)
class Elementwise:
    """target = record(operands), number by number."""

    target: str
    record: Record
    operands: tuple[Operand, ...]


@dataclass(frozen=True)
class Rows:
    """target = record of each row of `size` numbers; `choice` are class numbers, one per row."""

    target: str
    record: Record
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
        if extent(expression, self.layout.variables) != (variable.batched, variable.size):
            expression = (ink.full if variable.batched else ink.wide)(expression, variable.size)
        self.layout.place(variable)
        self.layout.equations.append(Equation(variable.name, expression))
        self.steps.append(step)


def regroup(tape: Tape) -> Regrouped:
    """The arrays and equations of a graph. Raises VectorizeError for a record it cannot write."""
    found = Regrouped(tape, Layout(tape))
    levels = _levels(tape)
    families = [_families(tape, [i for i in level if tape.records[i] == _dot]) for level in levels]
    _place_matrices(found.layout, [family for group in families for family in group])
    for level, group in zip(levels, families, strict=True):
        for family in group:
            _add_dots(found, family)
        for key, cells in _alike(found, [i for i in level if tape.records[i] != _dot]).items():
            if key[0] == "rows":
                _add_rows(found, cells)
            else:
                _add_elementwise(found, cells)
    found.results = [found.layout.read(nodes) for nodes in tape.results]
    return found


def _levels(tape: Tape) -> list[list[int]]:
    """The results of operations by depth: the longest way from a leaf."""
    depth = [0] * len(tape.records)
    levels: list[list[int]] = []
    for i, parents in enumerate(tape.parents):
        if parents:
            depth[i] = d = 1 + max([depth[p] for p in parents])
            if d > len(levels):
                levels.append([])
            levels[d - 1].append(i)
    return levels


def _alike(found: Regrouped, cells: list[int]) -> dict[tuple[Any, ...], list[int]]:
    """Nodes that one equation computes: of one operation, reading the same arrays."""
    tape, home = found.tape, found.layout.home
    groups: dict[tuple[Any, ...], list[int]] = {}

    def source(cell: int) -> str:
        if cell in tape.constants:
            return "constant"
        return "parameter" if cell in tape.parameters else home[cell][0]

    for i in cells:
        record, parents = tape.records[i], tape.parents[i]
        assert record is not None
        key: tuple[Any, ...]
        if row_operation(record) is not None or is_choice(record):
            batched = any(found.layout.batched[p] for p in parents)
            key = ("rows", record.value, len(parents), batched)
        else:
            key = ("each", record, tuple(map(source, parents)))
        groups.setdefault(key, []).append(i)
    return groups


def _add_elementwise(found: Regrouped, cells: list[int]) -> None:
    layout, tape = found.layout, found.tape
    record = tape.records[cells[0]]
    assert record is not None
    cells = layout.sorted(cells)
    columns = zip(*[tape.parents[i] for i in cells], strict=True)
    operands = tuple([layout.read(column) for column in columns])
    expression = written(record, "value", *[o.expression for o in operands])
    batched = layout.batched[cells[0]]
    name = _name_of_result(found, operands, cells)
    step = Elementwise(name, record, operands)
    found.emit(step, Variable(name, "value", batched, len(cells), tuple(cells)), expression)


def _add_rows(found: Regrouped, cells: list[int]) -> None:
    layout, tape = found.layout, found.tape
    record = tape.records[cells[0]]
    assert record is not None
    if is_choice(record):
        x = layout.read([p for i in cells for p in tape.parents[i][1:]])
        t = layout.read([tape.parents[i][0] for i in cells])
        size = len(tape.parents[cells[0]]) - 1
        column = t.expression if len(cells) == 1 else ink.reshape(spread(t), 1)
        value = choice_value(ink, column, _as_rows(x, size))
        name = _name_of_result(found, (x,), cells)
        expression = _flat(value, len(cells), x, size)
        batched = layout.batched[cells[0]]
        step = Rows(name, record, x, size, t)
        found.emit(step, Variable(name, "value", batched, len(cells), tuple(cells)), expression)
        return
    operation = row_operation(record)
    assert operation is not None
    size = len(tape.parents[cells[0]])
    if operation.wide:
        families = list(dict.fromkeys(tape.parents[i] for i in cells))
        row_of = {parents: r for r, parents in enumerate(families)}
        results = [-1] * (len(families) * size)
        again = []
        for i in cells:
            record_i = tape.records[i]
            assert record_i is not None
            column = row_of[tape.parents[i]] * size + int(record_i.constants["k"])
            if results[column] < 0:
                results[column] = i
            else:
                again.append((i, column))
        x = layout.read([p for parents in families for p in parents])
    else:
        results, again = cells, []
        rows = [tape.parents[i] for i in cells]
        x = layout.read([row[k] for row in rows for k in layout.in_place(row)])
    value = operation.value(ink, _as_rows(x, size), size)
    name = _name_of_result(found, (x,), cells)
    batched = layout.batched[cells[0]]
    expression = _flat(value, len(results), x, size)
    variable = Variable(name, "value", batched, len(results), tuple(results))
    found.emit(Rows(name, record, x, size), variable, expression)
    for i, column in again:
        layout.home[i] = (name, column)


def _as_rows(x: Operand, size: int) -> Any:
    """The operands as rows of `size`."""
    expression = spread(x)
    if not isinstance(expression, Ink):
        expression = ink.wide(expression, x.n)
    return expression if x.n == size else ink.reshape(expression, size)


def _flat(value: Any, n: int, x: Operand, size: int) -> Any:
    """Results of rows, side by side again."""
    return value if x.n == size else ink.reshape(value, n)


def written(record: Record, what: str, *operands: Any) -> Any:
    """The value or the slopes of a record as expressions of arrays."""
    try:
        return getattr(record, what)(ink, *operands, **record.constants)
    except (TypeError, ValueError, AttributeError) as error:
        raise VectorizeError(
            f"the {what} of the operation {record.name} cannot be written for arrays ({error}): "
            "write it with the operators and functions of m alone, as in m.exp(x) and "
            "m.where(x > 0, x, 0.0)"
        ) from error


def _families(tape: Tape, dots: list[int]) -> list[list[int]]:
    """Dots that share rows of w or of x, directly or through others, with rows of equal length."""
    root: dict[Any, Any] = {}

    def find(row: Any) -> Any:
        while root.setdefault(row, row) != row:
            root[row] = root[root[row]]
            row = root[row]
        return row

    rows: dict[tuple[int, ...], int] = {}
    keys = []
    for i in dots:
        parents = tape.parents[i]
        n = len(parents) // 2
        w = rows.setdefault(parents[:n], len(rows))
        x = rows.setdefault(parents[n : 2 * n], len(rows))
        keys.append(((w, "w"), (x, "x")))
        root[find((w, "w"))] = find((x, "x"))
    groups: dict[Any, list[int]] = {}
    for i, (w_key, _) in zip(dots, keys, strict=True):
        groups.setdefault((find(w_key), len(tape.parents[i]) % 2), []).append(i)
    return list(groups.values())


def _place_matrices(layout: Layout, families: list[list[int]]) -> None:
    """The weights of layers get their blocks first, W1, b1, W2, b2, ..., so that none is torn."""
    tape = layout.tape
    number = 1
    for cells in families:
        size = len(tape.parents[cells[0]]) // 2
        split = [_halves(layout, tape.parents[i], size) for i in cells]
        ws = list(dict.fromkeys(w for w, _ in split))
        xs = {x for _, x in split}
        weights = [c for row in ws for c in row]
        if len(ws) * len(xs) != len(cells) or not layout.are_new_parameters(weights):
            continue
        if not any(layout.batched[c] for row in xs for c in row):
            continue
        layout.block(weights, f"W{number}", (len(ws), size))
        by_w = dict(zip([w for w, _ in split], cells, strict=True))
        biases = _biases(tape, [by_w[w] for w in ws])
        if biases is not None and layout.are_new_parameters(biases):
            layout.block(biases, f"b{number}")
        number += 1


def _add_dots(found: Regrouped, cells: list[int]) -> None:
    """A family of dots as one product, or several, or else pair by pair."""
    tape, layout = found.tape, found.layout
    size = len(tape.parents[cells[0]]) // 2
    split = {i: _halves(layout, tape.parents[i], size) for i in cells}
    ws = list(dict.fromkeys(w for w, _ in split.values()))
    xs = list(dict.fromkeys(x for _, x in split.values()))
    by_pair = {pair: i for i, pair in split.items()}
    one_row = len(ws) == 1 or len(xs) == 1
    if one_row and all(layout.batched[h] for pair in split.values() for half in pair for h in half):
        _add_pairs(found, cells, [split[i] for i in cells])
        return
    if len(by_pair) == len(cells) == len(ws) * len(xs):
        _add_product(found, [by_pair[w, x] for x in xs for w in ws], ws, xs)
        return
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, (_, x) in split.items():
        groups.setdefault(x, []).append(i)
    single = []
    for x, group in groups.items():
        own = [split[i][0] for i in group]
        if len(group) > 1 and len(set(own)) == len(own):
            _add_product(found, group, own, [x])
        else:
            single += group
    if single:
        _add_pairs(found, single, [split[i] for i in single])


def _halves(
    layout: Layout, parents: tuple[int, ...], n: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The operands of a dot as (w, x), w being the half that is the same for every example."""
    w, x = parents[:n], parents[n : 2 * n]
    batched_w = any([layout.batched[p] for p in w])
    if batched_w and not any([layout.batched[p] for p in x]):
        return x, w
    return w, x


def _biases(tape: Tape, cells: Sequence[int]) -> list[int] | None:
    return [tape.parents[i][-1] for i in cells] if len(tape.parents[cells[0]]) % 2 else None


def _add_product(
    found: Regrouped,
    cells: list[int],
    ws: Sequence[tuple[int, ...]],
    xs: Sequence[tuple[int, ...]],
) -> None:
    layout, tape = found.layout, found.tape
    rows, units, size = len(xs), len(ws), len(ws[0])
    batched_x = any(layout.batched[cell] for row in xs for cell in row)
    batched_w = any(layout.batched[cell] for row in ws for cell in row)
    if not batched_x and rows == units == 1:
        order = layout.in_place(ws[0])
        ws, xs = [tuple([ws[0][k] for k in order])], [tuple([xs[0][k] for k in order])]
    x = layout.read([cell for row in xs for cell in row])
    w, w_read = layout.matrix([c for row in ws for c in row], units)
    name = _name_of_product(layout, w, batched_x)
    biases = _biases(tape, cells)
    b = None
    if biases is not None:
        shared = biases[:units]
        leaves = tape.parameters.keys() | tape.constants.keys()
        if rows > 1 and biases == shared * rows and leaves.issuperset(shared):
            biases = shared
        b = layout.read(biases)
    full_x = _as_rows(x, x.n)
    if batched_w:
        z = ink.batched_product(full_x, w, rows, units, size)
        flat = True
    else:
        z = Ink("@", (full_x if rows == 1 else ink.reshape(full_x, size), transposed(w)))
        flat = rows == 1
    if b is None:
        expression = z if flat else ink.reshape(z, rows * units)
    elif b.n == units < rows * units and not flat:
        expression = ink.reshape(z + b.expression, rows * units)
    else:
        expression = (z if flat else ink.reshape(z, rows * units)) + b.expression
    step = Product(name, x, w, w_read, b, rows, units, size, batched_x, batched_w)
    batched = batched_x or any(layout.batched[i] for i in cells)
    found.emit(step, Variable(name, "value", batched, len(cells), tuple(cells)), expression)


def transposed(a: Any) -> Any:
    """The transpose of a matrix; that of a transpose is the matrix."""
    return a.operands[0] if isinstance(a, Ink) and a.head == "T" else ink.T(a)


def _name_of_product(layout: Layout, w: Any, batched: bool) -> str:
    """Z with the number of its weights, as long as it is free."""
    if not batched:
        return layout.fresh("V")
    while isinstance(w, Ink) and w.operands:
        w = w.operands[0]
    name = "Z" + str(w)[1:]
    return name if str(w).startswith("W") and name not in layout.variables else layout.fresh("Z")


def _add_pairs(
    found: Regrouped,
    cells: list[int],
    pairs: Sequence[tuple[tuple[int, ...], tuple[int, ...]]],
) -> None:
    layout = found.layout
    size = len(pairs[0][0])
    w = layout.read([cell for row, _ in pairs for cell in row])
    x = layout.read([cell for _, row in pairs for cell in row])
    biases = _biases(found.tape, cells)
    b = None if biases is None else layout.read(biases)
    products = spread(w) * spread(x)
    if len(cells) > 1:
        expression = ink.reshape(ink.rowsum(ink.reshape(products, size)), len(cells))
    else:
        expression = ink.rowsum(products)
    if b is not None:
        expression = expression + b.expression
    batched = any(layout.batched[i] for i in cells)
    name = "L" if _is_loss(found, cells) else layout.fresh("V")
    step = Pairs(name, x, w, b, size)
    found.emit(step, Variable(name, "value", batched, len(cells), tuple(cells)), expression)


def _is_loss(found: Regrouped, cells: Sequence[int]) -> bool:
    return list(cells) == found.tape.results[0]


def _name_of_result(found: Regrouped, operands: tuple[Operand, ...], cells: Sequence[int]) -> str:
    """A for the activation of a Z, L for the loss, V for any other value."""
    layout = found.layout
    if _is_loss(found, cells):
        return "L"
    first = operands[0].expression if operands else None
    if isinstance(first, Ink) and first.head.startswith("Z") and first.head[1:].isdigit():
        name = "A" + first.head[1:]
        others = operands[1:]
        alone = all(all(p.array == "P" for p in o.parts) for o in others)
        if name not in layout.variables and alone:
            return name
    return layout.fresh("V")
