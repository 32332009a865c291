"""Regrouping: nodes of equal depth and operation become one array.

Nothing is known here of layers: the graph is all there is. `products` does the same for dots.
"""

import re
from collections.abc import Sequence
from typing import Any

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr
from tinygrad_edu.functions import _dot
from tinygrad_edu.vectorize.layout import Layout, Operand, P, Variable
from tinygrad_edu.vectorize.products import add_dots, families, place_matrices
from tinygrad_edu.vectorize.rows import choice_value, is_choice, row_operation
from tinygrad_edu.vectorize.steps import (
    Elementwise,
    Regrouped,
    Rows,
    as_rows,
    is_loss,
    rows_of_choice,
    written,
)
from tinygrad_edu.vectorize.tape import Tape


def regroup(tape: Tape) -> Regrouped:
    """The arrays and equations of a graph. Raises VectorizeError for a record it cannot write."""
    found = Regrouped(tape, Layout(tape))
    levels = _levels(tape)
    dots = [families(tape, [i for i in level if tape.records[i] == _dot]) for level in levels]
    place_matrices(found.layout, [family for group in dots for family in group])
    for level, group in zip(levels, dots, strict=True):
        found.layout.settle(level)
        for family in group:
            add_dots(found, family)
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
        batched = layout.batched[cells[0]]
        name = _name_of_result(found, (x,), cells)
        step = Rows(name, record, x, size, t)
        value = choice_value(
            expr,
            *rows_of_choice(layout, step, batched=batched),
            known=all(i in layout.given for i in (tape.parents[cell][0] for cell in cells)),
        )
        expression = value if len(cells) == 1 else expr.reshape(value, len(cells))
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
    value = operation.value(expr, as_rows(x, size), size)
    name = _name_of_result(found, (x,), cells)
    batched = layout.batched[cells[0]]
    expression = _flat(value, len(results), x, size)
    variable = Variable(name, "value", batched, len(results), tuple(results))
    found.emit(Rows(name, record, x, size), variable, expression)
    for i, column in again:
        layout.home[i] = (name, column)


def _flat(value: Any, n: int, x: Operand, size: int) -> Any:
    """Results of rows, side by side again."""
    return value if x.n == size else expr.reshape(value, n)


def _name_of_result(found: Regrouped, operands: tuple[Operand, ...], cells: Sequence[int]) -> str:
    """A for the activation of a Z, L for the loss, V for any other value."""
    layout = found.layout
    if is_loss(found, cells):
        return "L"
    first = operands[0].expression if operands else None
    if isinstance(first, Expr) and re.fullmatch(r"Z\d+(_\d+)?", first.op):
        name = "A" + first.op[1:]
        others = operands[1:]
        alone = all(all(p.array == P for p in o.parts) for o in others)
        if name not in layout.variables and alone:
            return name
    return layout.fresh("V")
