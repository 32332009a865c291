"""What stands on the cards of kernels, of stages such as pooling or softmax, and of the loss."""

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from tinygrad_edu.engine import Value
from tinygrad_edu.engine.primitive import subtract
from tinygrad_edu.text import clean
from tinygrad_edu.view.base.graph_units import Unit
from tinygrad_edu.view.base.maps import drawn, in_rows, largest_of, shape_of, size, windows_of
from tinygrad_edu.view.base.numbers import decimal
from tinygrad_edu.view.base.operations import roles, symbol
from tinygrad_edu.view.graph.blocks import POOLS, Block, norm_of
from tinygrad_edu.view.graph.board.cards import (
    BOXES,
    CHANNELS,
    MEAN,
    PICTURES,
    Desk,
    count_of,
    layer_of,
    mean_of,
    more,
    patches_of,
    summary_of,
)
from tinygrad_edu.view.graph.board.columns import Card, Cell, Shared, row
from tinygrad_edu.view.graph.diagram import Number

#: So many maps stand under each other, half of them if they are higher than this; cells of a strip.
_MAPS, _HIGH, _ACROSS = 8, 8, 8
_TIMES: Final = "×"  # noqa: RUF001


def kernels(desk: Desk, block: Block) -> list[Card]:
    """Units that are used at several places: kernels with their maps, or their weights."""
    by_unit: defaultdict[tuple[Value, ...], list[Unit]] = defaultdict(list)
    for u in block.units:
        by_unit[u.w].append(u)
    data, several, uses = desk.numbers.data, [*by_unit.values()], len(block.units) // len(by_unit)
    deltas = [[desk.numbers.grad(u.z) for u in units] for units in several]
    foot = [f"{count_of(block.units)},", f"used {uses:,} times"]
    windows = windows_of(patches_of(block))
    if windows is None:
        desk.shapes[block] = shape_of(uses, len(several))
        named = {"weights": drawn("weights", [[data[w] for w in k[0].w] for k in several])}
        if desk.known:
            results = zip(*([data[u.a] for u in units] for units in several), strict=True)
            named["results"] = drawn("map", [list(row) for row in results])
        cells = [row(*named), [Cell(picture=picture) for picture in named.values()]]
    else:
        area, high = windows.size**2, uses // windows.width
        desk.shapes[block] = shape_of(len(several), high, windows.width)
        most = _MAPS if high <= _HIGH else _MAPS // 2
        order = sorted(range(len(several)), key=lambda k: -sum(map(size, deltas[k])))[:most]
        foot[:0] = [f"{len(several) - most:,} more"] * (len(several) > most)
        channels = len(several[0][0].w) // area
        largest = largest_of([in_rows(block.outputs, data, uses)])
        deep, is_told = min(channels, CHANNELS), deltas[0][0] is not None
        foot[:0] = [f"{deep} of {channels} channels"] * (deep < channels)
        heads = row("kernel", *[""] * (deep - 1), *["map"] * desk.known)
        cells = [heads + row("|δ|", look="head") * is_told]
        for k in sorted(order):
            w = several[k][0].w
            own = largest_of([in_rows(w, data, len(w))])
            slices = (in_rows(w[c * area :][:area], data, windows.size) for c in range(deep))
            pictures = [drawn("kernel", rows, own) for rows in slices]
            if desk.known:
                rows = in_rows([u.a for u in several[k]], data, windows.width)
                pictures.append(drawn("map", rows, largest))
            told = [Cell(number=mean_of(deltas[k]))] * is_told
            cells.append([*(Cell(picture=picture) for picture in pictures), *told])
        desk.said |= {MEAN: None} if is_told else {}
    desk.said[PICTURES] = None
    mean = mean_of(delta for each in deltas for delta in each)
    return desk.whole(block, [*cells, *map(row, foot)], summary_of(block.units), [mean])


def pool(desk: Desk, block: Block) -> list[Card]:
    """The maps that pooling makes of maps."""
    outputs = block.outputs
    before = [desk.shapes.get(source, "") for source in desk.cut.sources[block]]
    sizes = [int(n) for n in (before or [""])[0].split(_TIMES) if n.isdigit()]
    channels, rows, columns = [*[1] * (3 - len(sizes)), *sizes] if len(sizes) > 1 else (1, 1, 1)
    count, side = len(outputs) // channels, math.isqrt(len(outputs[0].parents))
    widths = [w for w in range(1, count + 1) if count % w == 0]
    width = min(widths, key=lambda w: abs(math.log(w * w / count * rows / columns)))
    parts = (outputs[c * count :][:count] for c in range(channels))
    maps = [in_rows(part, desk.numbers.data, width) for part in parts]
    cells = [row(f"{side}{_TIMES}{side}")]
    if desk.known:
        most = _MAPS if count // width <= _HIGH else _MAPS // 2
        pictures = [drawn("map", rows_, largest_of(maps)) for rows_ in maps[:most]]
        cells = [row("map"), *([Cell(picture=picture)] for picture in pictures)]
        cells += more(channels - most)
        desk.said[PICTURES] = None
    desk.shapes[block] = shape_of(channels, count // width, width)
    return desk.whole(block, cells, [POOLS[block.name], f"{len(outputs):,} numbers"])


def norm(desk: Desk, block: Block) -> list[Card]:
    """What a batch normalisation subtracts, divides by, multiplies with and adds."""
    norms = [n for v in block.outputs if (n := norm_of(v))]
    most = desk.most if desk.level == "neuron" else BOXES
    heads = row("mean", "variance", "γ", "β", *["y"] * desk.known, look="head")  # noqa: RUF001
    cells = [[*row("unit"), *heads]]
    unit = {gamma: k for k, gamma in enumerate(dict.fromkeys(n.gamma for n in norms), 1)}
    for n in norms[:most]:
        shown = (n.mean, n.variance, n.gamma, n.beta, *[n.y] * desk.known)
        cells.append([Cell(f"{unit[n.gamma]}", "index"), *map(desk.cell, shown)])
    count = f"{2 * len(unit):,} parameters"
    cells += [*more(len(norms) - most), row(count)]
    desk.said["y = γ (x - mean) / √(variance + ε) + β"] = None  # noqa: RUF001
    rows = enumerate((n.y for n in norms[:most]), 1)
    return desk.whole(block, cells, [f"{len(norms):,} numbers", count], rows=rows)


def dropout(desk: Desk, block: Block) -> list[Card]:
    """The mask, and what it lets through."""
    values = block.outputs
    masks = [next(p for p in v.parents if p.op is None) for v in values]
    kept = f"{sum(desk.numbers.data[m] != 0 for m in masks):,} of {len(values):,} kept"
    if len(values) > desk.most:
        picture = drawn("map", in_rows(masks, desk.numbers.data, _ACROSS))
        return desk.whole(block, [row("mask"), [Cell(picture=picture)], row(kept)], [kept])
    pairs = zip(masks, values, strict=True)
    cells = [row("mask", *["y"] * desk.known, look="head")]
    cells += [[desk.cell(m), *[desk.cell(v)] * desk.known] for m, v in pairs]
    return desk.whole(block, [*cells, row(kept)], [kept], rows=enumerate(values, 1))


def softmax(desk: Desk, block: Block) -> list[Card]:
    """Shares: those of one list as a table, those of several, as of attention, as a map."""
    lists: dict[tuple[Value, ...], list[Value]] = {}
    for v in block.values:
        lists.setdefault(v.parents, []).append(v)
    data, many = desk.numbers.data, f"{len(block.values):,} shares"
    if not desk.known:
        return desk.whole(block, [row(many)], [many])
    if len(lists) > 1:
        rows = [[data[v] for v in several] for several in lists.values()]
        desk.shapes[block] = shape_of(len(lists), max(map(len, rows)))
        desk.said["a row of shares adds up to 1"] = desk.said[PICTURES] = None
        cells = [row("shares"), [Cell(picture=drawn("image", rows, 1.0))]]
        return desk.whole(block, cells, [f"{len(lists):,} rows of shares"])
    largest = sorted(block.values, key=lambda v: -data[v])[: desk.most]
    shown = [(k, v) for k, v in enumerate(block.values, 1) if v in largest]
    cells = [[*row("unit"), *row("p", look="head")]]
    cells += [[Cell(f"{k}", "index"), desk.cell(v)] for k, v in shown]
    cells += more(len(block.values) - len(shown))
    return desk.whole(block, cells, [many], rows=enumerate((v for _, v in shown), 1))


def operations(desk: Desk, block: Block) -> list[Card]:
    """A stage of other operations: what they are, and their results."""
    outputs, n = block.outputs, len(block.values)
    signs = dict.fromkeys(symbol(v.op, len(v.parents)) for v in block.values if v.op)
    cells = [row(clean(", ".join(signs), 24), look="symbol")]
    few = desk.known and len(outputs) <= BOXES
    if few:
        cells += desk.rows_of(outputs)
    elif desk.known:
        across = _ACROSS if len(outputs) > 2 * BOXES else len(outputs)
        cells.append([Cell(picture=drawn("map", in_rows(outputs, desk.numbers.data, across)))])
        desk.said[PICTURES] = None
    told, rows = [f"{n:,} operation{'s' * (n > 1)}"], enumerate(outputs * few, 1)
    return desk.whole(block, cells, told, rows=rows)


def loss(desk: Desk, block: Block) -> list[Card]:
    """The targets, and the result."""
    root, n, rows = desk.numbers.root, len(block.values), desk.examples
    targets: dict[Value, str] = {}
    for v in block.values:
        for p, role in zip(v.parents, roles(v.op, len(v.parents)) if v.op else (), strict=True):
            if p.op is None and p not in desk.cut.at:
                wanted = role in ("target", "t") or (v.op, role) == (subtract, "y")
                if p.kind == "input" and type(p) is Value:
                    targets[p] = desk.names[p]
                elif p.kind == "constant" and wanted:
                    targets[p] = "y"
    many = [*targets.values()].count("y") > 1
    called = {v: f"y{k}" if many else targets[v] for k, v in enumerate(targets, 1)}
    cells = [[Cell(name, "name"), desk.cell(v)] for v, name in called.items()]
    if len(targets) > 2 or rows:
        cells = [row(f"{len(targets):,} targets")] * (not rows)
    cells += desk.rows_of([root])
    numbers = [Number("data", desk.numbers.data[root]), Number("grad", desk.numbers.grad(root))]
    details = [f"{n:,} operation{'s' * (n > 1)}", *[f"over {rows:,} examples"] * bool(rows)]
    [card] = desk.whole(block, cells, details, numbers, "group")
    card.label = card.name = desk.names[root]
    return [card]


def shared(desk: Desk, layer: str) -> Iterator[Shared]:
    """The weights of a layer that is used step after step, and what each use adds."""
    data, grad = desk.numbers.data, desk.numbers.grad
    uses = [block for block in desk.made if layer_of(block) == layer]
    if not uses:
        return
    units, inside = uses[-1].units, {v for block in uses for v in block.values}
    n, end = sum(x not in inside for x in units[0].x), len(units[0].w)
    parts = [("W", 0, n), ("U", n, end)] if 0 < n < end else [("W", 0, end)]
    matrices = [(letter, [[data[w] for w in u.w[a:b]] for u in units]) for letter, a, b in parts]
    biases = [[data[u.b]] for u in units if u.b is not None]
    matrices += [("b", biases)] * (len(biases) == len(units))
    largest = largest_of([rows for _, rows in matrices])
    cells = []
    for letter, rows in matrices:
        cells += [Cell(letter, "name"), Cell(picture=drawn("weights", rows, largest))]
    text = f"{layer}: {count_of(units)}, used {len(uses):,} times"
    adds: list[defaultdict[Value, float]] = [defaultdict(float) for _ in uses]
    for block, each in zip(uses, adds, strict=True):
        for u in block.units:
            for w, x in zip(u.w, u.x, strict=True):
                each[w] += (grad(u.z) or 0.0) * data[x]
    known = all(grad(u.z) is not None for block in uses for u in block.units)
    total = {w: sum(each[w] for each in adds) for u in units for w in u.w[parts[-1][1] :]}
    chosen = max(total, key=lambda w: size(total[w]))
    desk.said["a grey block is one set of weights, each step uses it"] = None
    if known:
        name, sum_ = f"dL/d{desk.names[chosen]}", decimal(total[chosen])
        desk.said[f"on its thin lines: what each step adds to {name}, together {sum_}"] = None
    card = desk.board.put("parameter", [cells, row(text)], name=text, tooltip=text)
    numbers = [Number("", each[chosen] if known else None, back=True) for each in adds]
    yield Shared(card, [(desk.made[b][-1].id, x) for b, x in zip(uses, numbers, strict=True)])
