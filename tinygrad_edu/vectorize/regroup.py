"""Regrouping: nodes of equal depth and operation become one array, dots matrix products.

Nothing is known here of layers: the graph is all there is. A family of dots is a product of rows of
x with rows of w. One of several rows of x (a convolution) stands row after row in its array:
column p*U + u is row p with row u of w. Dots that form no product are added up pair by pair.
"""

import re
from collections.abc import Sequence
from itertools import chain
from typing import Any

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr, Symbol
from tinygrad_edu.vectorize.layout import Layout, Operand, P, spread
from tinygrad_edu.vectorize.steps import (
    Elementwise,
    Pairs,
    Product,
    Regrouped,
    Rows,
    as_rows,
    is_loss,
    read,
    reduction_of,
    rows_of_classes,
    written,
)
from tinygrad_edu.vectorize.tape import DOT, Row, Tape, as_row


def regroup(program: Regrouped) -> None:
    """Find the arrays and equations of its graph. VectorizeError for a record it cannot write."""
    tape = program.tape
    levels = tape.levels()
    dots = [_families(tape, [i for i in level if tape.records[i] is DOT]) for level in levels]
    _place_matrices(program.layout, [family for group in dots for family in group])
    for level, group in zip(levels, dots, strict=True):
        program.layout.settle(level)
        _add_batched(program, [family for family in group if _is_batched(program.layout, family)])
        for family in group:
            if not _is_batched(program.layout, family):
                _add_dots(program, family)
        for key, cells in _alike(program, [i for i in level if tape.records[i] is not DOT]).items():
            if key[0] == "rows":
                _add_rows(program, cells)
            else:
                _add_elementwise(program, cells)
    program.results = [program.layout.read(nodes) for nodes in tape.results]
    for guard in tape.guards:  # parameters that are only compared have a place too
        program.layout.read([guard.left]), program.layout.read([guard.right])


def _alike(program: Regrouped, cells: list[int]) -> dict[tuple[Any, ...], list[int]]:
    """Nodes that one equation computes: of one operation, reading the same arrays."""
    tape, arrays = program.tape, program.layout.array
    groups: dict[tuple[Any, ...], list[int]] = {}

    def source(cell: int) -> str | None:
        if cell in tape.constants:
            return "constant"
        return "parameter" if tape.parameters[cell] else arrays[cell]

    for i in cells:
        record, parents = tape.records[i], tape.parents[i]
        key: tuple[Any, ...]
        if reduction_of(record) is not None:
            batched = program.layout.any_batched(parents)
            key = ("rows", record.value, len(parents), batched)
        else:
            key = ("each", record, tuple(map(source, parents)))
        groups.setdefault(key, []).append(i)
    return groups


def _add_elementwise(program: Regrouped, cells: list[int]) -> None:
    layout, tape = program.layout, program.tape
    record = tape.records[cells[0]]
    cells = layout.sorted(cells)
    columns = zip(*[tape.parents[i] for i in cells], strict=True)
    operands = tuple([read(layout, column) for column in columns])
    expression = written(record, "value", *[o.expression for o in operands])
    step = Elementwise(_name_of_result(program, operands, cells), record, operands)
    program.emit(step, cells, expression, batched=layout.any_batched(cells[:1]))


def _add_rows(program: Regrouped, cells: list[int]) -> None:
    layout, tape = program.layout, program.tape
    rows, batched = [tape.parents[i] for i in cells], layout.any_batched(cells[:1])
    reduction, classes, given, places = reduction_of(tape.records[cells[0]]), None, [], {}
    assert reduction is not None
    results, size = cells, len(rows[0])
    if reduction.wide:
        row_of = {row: r for r, row in enumerate(dict.fromkeys(rows))}
        columns = [int(tape.records[i].constants["k"]) for i in cells]
        places = {i: row_of[row] * size + k for i, row, k in zip(cells, rows, columns, strict=True)}
        first = {column: i for i, column in reversed(places.items())}
        rows, results = [*row_of], [first.get(column, -1) for column in range(len(row_of) * size)]
    if reduction.chooses:
        targets, size = [row[0] for row in rows], size - 1
        x, classes = layout.read([p for row in rows for p in row[1:]]), layout.read(targets)
        t, of_rows = rows_of_classes(layout, x, size, classes, batched=batched)
        given = [t, layout.given.issuperset(targets)]
    else:
        x = read(layout, [p for row in rows for p in row])
        of_rows = as_rows(x, size)
    name = _name_of_result(program, (x,), cells)
    value = reduction.value(of_rows, size, *given)
    flat = value if x.n == size else expr.reshape(value, len(results))
    program.emit(Rows(name, reduction, x, size, classes), results, flat, batched=batched)
    for i, column in places.items():
        layout.array[i], layout.column[i] = name, column


def _name_of_result(program: Regrouped, operands: tuple[Operand, ...], cells: Sequence[int]) -> str:
    """A for the activation of a Z, L for the loss, V for any other value."""
    layout = program.layout
    if is_loss(program, cells):
        return "L"
    first = operands[0].expression if operands else None
    if isinstance(first, Symbol) and re.fullmatch(r"Z\d+(_\d+)?", first.name):
        name = "A" + first.name[1:]
        others = operands[1:]
        alone = all(all(p.array == P for p in o.parts) for o in others)
        if name not in layout.variables and alone:
            return name
    return layout.fresh("V")


def _families(tape: Tape, dots: list[int]) -> list[list[int]]:
    """Dots that share rows of w or of x, directly or through others, with rows of equal length."""
    root: dict[Any, Any] = {}

    def find(row: Any) -> Any:
        while root.setdefault(row, row) != row:
            root[row] = root[root[row]]
            row = root[row]
        return row

    rows: dict[Row, int] = {}
    keys = []
    for i in dots:
        w, x = (rows.setdefault(row, len(rows)) for row in tape.parents[i][:2])
        keys.append(((w, "w"), (x, "x")))
        root[find((w, "w"))] = find((x, "x"))
    groups: dict[Any, list[int]] = {}
    for i, (w_key, _) in zip(dots, keys, strict=True):
        groups.setdefault((find(w_key), len(tape.parents[i][2])), []).append(i)
    return list(groups.values())


def _place_matrices(layout: Layout, families: list[list[int]]) -> None:
    """The weights of layers get their blocks first, W1, b1, W2, b2, ..., so that none is torn."""
    tape = layout.tape
    number = 1
    for cells in families:
        pairs, ws, xs = _split(layout, cells)
        if len(ws) * len(xs) != len(cells) or not layout.are_new_parameters(*ws):
            continue
        if not layout.any_batched(*xs):
            continue
        layout.block(ws, f"W{number}", matrix=True)
        by_w = {w: i for i, (w, _) in zip(cells, pairs, strict=True)}
        biases = _biases(tape, [by_w[w] for w in ws])
        if biases is not None and layout.are_new_parameters(biases):
            layout.block([biases], f"b{number}")
        number += 1


def _is_batched(layout: Layout, cells: list[int]) -> bool:
    """Whether both rows of each dot differ from example to example."""
    rows = [layout.tape.parents[i][:2] for i in cells]
    return all(layout.any_batched(w) and layout.any_batched(x) for w, x in rows)


def _add_batched(program: Regrouped, families: list[list[int]]) -> None:
    """Families of such dots: those of equal sizes as products side by side, others pair by pair.

    A product has its columns too where less than half of its dots are not asked for.
    """
    parents = program.tape.parents
    pairs: dict[tuple[int, int], list[int]] = {}
    products: dict[tuple[int, int, int], list[Any]] = {}
    for cells in families:
        by_pair = {parents[i][:2]: i for i in cells}
        xs, ws = (list(dict.fromkeys(rows)) for rows in zip(*by_pair, strict=True))
        rows, units, size, biases = len(xs), len(ws), len(ws[0]), len(parents[cells[0]][2])
        if rows == 1 or units == 1:
            pairs.setdefault((size, biases), []).extend(cells)
        elif len(by_pair) == len(cells) > rows * units / 2 and not biases:
            every = [by_pair.get((x, w), -1) for x in xs for w in ws]
            products.setdefault((rows, units, size), []).append((every, ws, xs))
        else:
            _add_dots(program, cells)
    for several in products.values():
        cells, ws, xs = (list(chain(*parts)) for parts in zip(*several, strict=True))
        _add_product(program, cells, ws, xs, len(several))
    for cells in pairs.values():
        _add_pairs(program, cells, [parents[i][:2] for i in cells])


def _add_dots(program: Regrouped, cells: list[int]) -> None:
    """A family of dots as one product, or several, or else pair by pair."""
    layout = program.layout
    pairs, ws, xs = _split(layout, cells)
    split = dict(zip(cells, pairs, strict=True))
    by_pair = dict(zip(pairs, cells, strict=True))
    if len(cells) == 1 and not layout.any_batched(*ws, *xs):
        order = layout.in_place(ws[0])
        w, x = (as_row([half[k] for k in order]) for half in pairs[0])
        _add_pairs(program, cells, [(w, x)])
        return
    if len(by_pair) == len(cells) == len(ws) * len(xs):
        _add_product(program, [by_pair[w, x] for x in xs for w in ws], ws, xs)
        return
    groups: dict[Row, list[int]] = {}
    for i, (_, x) in split.items():
        groups.setdefault(x, []).append(i)
    single = []
    for x, group in groups.items():
        own = [split[i][0] for i in group]
        if len(group) > 1 and len(set(own)) == len(own):
            _add_product(program, group, own, [x])
        else:
            single += group
    if single:
        _add_pairs(program, single, [split[i] for i in single])


def _split(layout: Layout, cells: list[int]) -> tuple[list[tuple[Row, Row]], list[Row], list[Row]]:
    """The operands of dots as (w, x), w the same for every example if one is; all w, all x."""
    pairs = []
    for w, x, _ in [layout.tape.parents[i] for i in cells]:
        turned = layout.any_batched(w) and not layout.any_batched(x)
        pairs.append((x, w) if turned else (w, x))
    ws, xs = (list(dict.fromkeys(rows)) for rows in zip(*pairs, strict=True))
    return pairs, ws, xs


def _biases(tape: Tape, cells: Sequence[int]) -> Row | None:
    biases = as_row([i for cell in cells for i in tape.parents[cell][2]])
    return biases or None


def _add_product(
    program: Regrouped, cells: list[int], ws: Sequence[Row], xs: Sequence[Row], blocks: int = 1
) -> None:
    layout, tape = program.layout, program.tape
    rows, units, size = len(xs) // blocks, len(ws) // blocks, len(ws[0])
    batched_x, batched_w = layout.any_batched(*xs), layout.any_batched(*ws)
    x = read(layout, [cell for row in xs for cell in row])
    w, w_read = layout.matrix(ws)
    name = _name_of_product(layout, w, batched_x and not batched_w)
    biases = _biases(tape, [i for i in cells if i >= 0])
    b = None
    if biases is not None:
        shared = biases[:units]
        repeated = rows > 1 and [*biases] == [*shared] * rows
        leaves = all(tape.parameters[c] or c in tape.constants for c in shared)
        if repeated and not batched_w and leaves:
            biases = shared
        b = layout.read(biases)
    full_x = as_rows(x, x.n)
    if batched_w:
        z = expr.batched_product(full_x, w, rows, units, size, *([blocks] if blocks > 1 else ()))
    else:
        across = w.args[0] if w.op == "T" else expr.T(w)
        z = Expr("@", (full_x if rows == 1 else expr.reshape(full_x, size), across))
    if b is not None and b.n == units:  # one for each row of w
        z = z + b.expression
    if rows > 1 and not batched_w:
        z = expr.reshape(z, rows * units)
    if b is not None and b.n != units:
        z = z + b.expression
    step = Product(name, x, w, w_read, b, rows, units, size, batched_x, batched_w, blocks)
    batched = batched_x or layout.any_batched([i for i in cells if i >= 0])
    program.emit(step, cells, z, batched=batched)


def _name_of_product(layout: Layout, w: Any, batched: bool) -> str:
    """Z with the number of its weights: Z1, where W1 is used again Z1_2, Z1_3, ...."""
    if not batched:
        return layout.fresh("V")
    while isinstance(w, Expr) and w.args:
        w = w.args[0]
    if not isinstance(w, Symbol) or not w.name.startswith("W"):
        return layout.fresh("Z")
    name = f"Z{w.name[1:]}"
    return layout.fresh(f"{name}_", 2) if name in layout.variables else name


def _add_pairs(program: Regrouped, cells: list[int], pairs: Sequence[tuple[Row, Row]]) -> None:
    layout = program.layout
    size = len(pairs[0][0])
    w = layout.read([cell for row, _ in pairs for cell in row])
    x = layout.read([cell for _, row in pairs for cell in row])
    biases = _biases(program.tape, cells)
    b = None if biases is None else layout.read(biases)
    products = spread(w) * spread(x)
    if len(cells) > 1:
        expression = expr.reshape(expr.rowsum(expr.reshape(products, size)), len(cells))
    else:
        expression = expr.rowsum(products)
    if b is not None:
        expression = expression + b.expression
    name = "L" if is_loss(program, cells) else layout.fresh("V")
    step = Pairs(name, x, w, b, size)
    program.emit(step, cells, expression, batched=layout.any_batched(cells))
