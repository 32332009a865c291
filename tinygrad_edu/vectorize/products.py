"""Dots as matrix products: families {rows of x} x {rows of w}.

A product of several rows of x (a convolution) stands row after row in its array: column p*U + u is
row p with row u of w. Dots that form no product are multiplied and added up pair by pair.
"""

from collections.abc import Sequence
from typing import Any

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr
from tinygrad_edu.vectorize.layout import Layout, Variable, spread
from tinygrad_edu.vectorize.steps import Pairs, Product, Regrouped, as_rows, is_loss
from tinygrad_edu.vectorize.tape import Tape


def families(tape: Tape, dots: list[int]) -> list[list[int]]:
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


def place_matrices(layout: Layout, families: list[list[int]]) -> None:
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


def add_dots(found: Regrouped, cells: list[int]) -> None:
    """A family of dots as one product, or several, or else pair by pair."""
    tape, layout = found.tape, found.layout
    size = len(tape.parents[cells[0]]) // 2
    split = {i: _halves(layout, tape.parents[i], size) for i in cells}
    ws = list(dict.fromkeys(w for w, _ in split.values()))
    xs = list(dict.fromkeys(x for _, x in split.values()))
    by_pair = {pair: i for i, pair in split.items()}
    halves = [half for pair in split.values() for half in pair]
    if (len(ws) == 1 or len(xs) == 1) and all(layout.batched[i] for half in halves for i in half):
        _add_pairs(found, cells, [split[i] for i in cells])
        return
    if len(cells) == 1 and not any(layout.batched[i] for half in halves for i in half):
        order = layout.in_place(ws[0])
        w, x = (tuple([half[k] for k in order]) for half in halves)
        _add_pairs(found, cells, [(w, x)])
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
    batched_w = any(layout.batched[p] for p in w)
    if batched_w and not any(layout.batched[p] for p in x):
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
    x = layout.read([cell for row in xs for cell in row])
    w, w_read = layout.matrix([c for row in ws for c in row], units)
    name = _name_of_product(layout, w, batched_x)
    biases = _biases(tape, cells)
    b = None
    if biases is not None:
        shared = biases[:units]
        leaves = tape.parameters.keys() | tape.constants.keys()
        repeated = rows > 1 and biases == shared * rows
        if repeated and not batched_w and leaves.issuperset(shared):
            biases = shared
        b = layout.read(biases)
    full_x = as_rows(x, x.n)
    if batched_w:
        z = expr.batched_product(full_x, w, rows, units, size)
        flat = True
    else:
        z = Expr("@", (full_x if rows == 1 else expr.reshape(full_x, size), transposed(w)))
        flat = rows == 1
    if b is None:
        expression = z if flat else expr.reshape(z, rows * units)
    elif b.n == units < rows * units and not flat:
        expression = expr.reshape(z + b.expression, rows * units)
    else:
        expression = (z if flat else expr.reshape(z, rows * units)) + b.expression
    step = Product(name, x, w, w_read, b, rows, units, size, batched_x, batched_w)
    batched = batched_x or any(layout.batched[i] for i in cells)
    found.emit(step, Variable(name, "value", batched, len(cells), tuple(cells)), expression)


def transposed(a: Any) -> Any:
    """The transpose of a matrix; that of a transpose is the matrix."""
    return a.args[0] if isinstance(a, Expr) and a.op == "T" else expr.T(a)


def _name_of_product(layout: Layout, w: Any, batched: bool) -> str:
    """Z with the number of its weights: Z1, where W1 is used again Z1_2, Z1_3, ...."""
    if not batched:
        return layout.fresh("V")
    while isinstance(w, Expr) and w.args:
        w = w.args[0]
    if not str(w).startswith("W"):
        return layout.fresh("Z")
    name = "Z" + str(w)[1:]
    return layout.fresh(f"{name}_", 2) if name in layout.variables else name


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
        expression = expr.reshape(expr.rowsum(expr.reshape(products, size)), len(cells))
    else:
        expression = expr.rowsum(products)
    if b is not None:
        expression = expression + b.expression
    batched = any(layout.batched[i] for i in cells)
    name = "L" if is_loss(found, cells) else layout.fresh("V")
    step = Pairs(name, x, w, b, size)
    found.emit(step, Variable(name, "value", batched, len(cells), tuple(cells)), expression)
