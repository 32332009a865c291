"""What stands on the cards of kernels, and of stages: pooling, batch norm, softmax, others."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tinygrad_edu.engine import Value
from tinygrad_edu.text import clean
from tinygrad_edu.view.base.graph_units import Unit
from tinygrad_edu.view.base.maps import drawn, in_rows, largest_of, shape_of, size, windows_of
from tinygrad_edu.view.base.numbers import decimal
from tinygrad_edu.view.base.operations import symbol
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
    patches_of,
    summary_of,
)
from tinygrad_edu.view.graph.board.columns import Card, Cell, Shared
from tinygrad_edu.view.graph.diagram import Number

#: So many maps stand under each other, half of them if they are higher than this; cells of a strip.
_MAPS, _HIGH, _ACROSS = 8, 8, 8
_TIMES: Final = "×"  # noqa: RUF001


def kernels(desk: Desk, block: Block) -> list[Card]:
    """Units that are used at several places: kernels with their maps, or their weights."""
    by_unit: defaultdict[tuple[Value, ...], list[Unit]] = defaultdict(list)
    for u in block.units:
        by_unit[u.w].append(u)
    data, several, uses = (
        desk.numbers.data,
        list(by_unit.values()),
        len(block.units) // len(by_unit),
    )
    deltas = [[desk.numbers.grad(u.z) for u in units] for units in several]
    foot = [f"{count_of(block.units)},", f"used {uses:,} times"]
    windows = windows_of(patches_of(block))
    if windows is None:
        desk.shapes[block] = shape_of(uses, len(several))
        pictures = {"weights": drawn("weights", [[data[w] for w in k[0].w] for k in several])}
        if desk.known:
            results = zip(*([data[u.a] for u in units] for units in several), strict=True)
            pictures["results"] = drawn("map", [list(row) for row in results])
        cells = [[Cell(text, "word") for text in pictures]]
        cells.append([Cell(picture=picture) for picture in pictures.values()])
    else:
        area, high = windows.size**2, uses // windows.width
        desk.shapes[block] = shape_of(len(several), high, windows.width)
        most = _MAPS if high <= _HIGH else _MAPS // 2
        order = sorted(range(len(several)), key=lambda k: -sum(map(size, deltas[k])))[:most]
        foot[:0] = [f"{len(several) - most:,} more"] * (len(several) > most)
        channels, largest = (
            len(several[0][0].w) // area,
            largest_of([in_rows(block.outputs, data, uses)]),
        )
        deep, is_told = min(channels, CHANNELS), deltas[0][0] is not None
        foot[:0] = [f"{deep} of {channels} channels"] * (deep < channels)
        heads = [Cell("kernel" * (k == 0), "word") for k in range(deep)]
        cells = [heads + [Cell("map", "word")] * desk.known + [Cell("|δ|", "head")] * is_told]
        for k in sorted(order):
            w = several[k][0].w
            own = largest_of([in_rows(w, data, len(w))])
            slices = (in_rows(w[c * area :][:area], data, windows.size) for c in range(deep))
            row = [Cell(picture=drawn("kernel", rows, own)) for rows in slices]
            if desk.known:
                rows = in_rows([u.a for u in several[k]], data, windows.width)
                row.append(Cell(picture=drawn("map", rows, largest)))
            cells.append([*row, *[Cell(number=mean_of(deltas[k]))] * is_told])
        desk.said |= {MEAN: None} if is_told else {}
    desk.said[PICTURES] = None
    mean = mean_of(delta for each in deltas for delta in each)
    cells += [[Cell(text, "word")] for text in foot]
    return [desk.made(block, cells, summary_of(block.units), [mean])]


def pool(desk: Desk, block: Block) -> list[Card]:
    """The maps that pooling makes of maps."""
    outputs = block.outputs
    before = [desk.shapes.get(source, "") for source in desk.cut.sources[block]]
    sizes = [int(n) for n in (before or [""])[0].split(_TIMES) if n.isdigit()]
    channels, rows, columns = [*[1] * (3 - len(sizes)), *sizes] if len(sizes) > 1 else (1, 1, 1)
    count, side = len(outputs) // channels, math.isqrt(len(outputs[0].parents))
    widths = [w for w in range(1, count + 1) if count % w == 0]
    width = min(widths, key=lambda w: abs(math.log(w * w / count * rows / columns)))
    maps = [
        in_rows(outputs[c * count :][:count], desk.numbers.data, width) for c in range(channels)
    ]
    cells = [[Cell(f"{side}{_TIMES}{side}", "word")]]
    if desk.known:
        most = _MAPS if count // width <= _HIGH else _MAPS // 2
        pictures = [drawn("map", rows_, largest_of(maps)) for rows_ in maps[:most]]
        cells = [[Cell("map", "word")], *([Cell(picture=picture)] for picture in pictures)]
        cells += [[Cell(f"{channels - most:,} more", "word")]] * (channels > most)
        desk.said[PICTURES] = None
    desk.shapes[block] = shape_of(channels, count // width, width)
    return [desk.made(block, cells, [POOLS[block.name], f"{len(outputs):,} numbers"])]


def norm(desk: Desk, block: Block) -> list[Card]:
    """What a batch normalisation subtracts, divides by, multiplies with and adds."""
    norms = [n for v in block.outputs if (n := norm_of(v))]
    most = desk.most if desk.level == "neuron" else BOXES
    cells = [[Cell("unit", "word"), *(Cell(t, "head") for t in ("mean", "variance", *"γβ"))]]
    cells[0] += [Cell("y", "head")] * desk.known
    unit = {gamma: k for k, gamma in enumerate(dict.fromkeys(n.gamma for n in norms), 1)}
    for n in norms[:most]:
        shown = (n.mean, n.variance, n.gamma, n.beta, *[n.y] * desk.known)
        cells.append([Cell(f"{unit[n.gamma]}", "index"), *map(desk.cell, shown)])
    desk.at_rows([n.y for n in norms[:most]], 1)
    count = f"{2 * len(unit):,} parameters"
    foot = [*[f"{len(norms) - most:,} more"] * (len(norms) > most), count]
    desk.said["y = γ (x - mean) / √(variance + ε) + β"] = None  # noqa: RUF001
    cells += [[Cell(text, "word")] for text in foot]
    return [desk.made(block, cells, [f"{len(norms):,} numbers", count])]


def dropout(desk: Desk, block: Block) -> list[Card]:
    """The mask, and what it lets through."""
    values = block.outputs
    masks = [next(p for p in v.parents if p.op is None) for v in values]
    kept = f"{sum(desk.numbers.data[m] != 0 for m in masks):,} of {len(values):,} kept"
    if len(values) > desk.most:
        rows = in_rows(masks, desk.numbers.data, _ACROSS)
        cells = [[Cell("mask", "word")], [Cell(picture=drawn("map", rows))]]
    else:
        cells = [[Cell("mask", "head"), *[Cell("y", "head")] * desk.known]]
        cells += [
            [desk.cell(m), *[desk.cell(v)] * desk.known] for m, v in zip(masks, values, strict=True)
        ]
        desk.at_rows(values, 1)
    return [desk.made(block, [*cells, [Cell(kept, "word")]], [kept])]


def softmax(desk: Desk, block: Block) -> list[Card]:
    """Shares: those of one list as a table, those of several, as of attention, as a map."""
    lists: dict[tuple[Value, ...], list[Value]] = {}
    for v in block.values:
        lists.setdefault(v.parents, []).append(v)
    data, many = desk.numbers.data, f"{len(block.values):,} shares"
    if not desk.known:
        return [desk.made(block, [[Cell(many, "word")]], [many])]
    if len(lists) > 1:
        rows = [[data[v] for v in several] for several in lists.values()]
        desk.shapes[block] = shape_of(len(lists), max(map(len, rows)))
        desk.said["a row of shares adds up to 1"] = desk.said[PICTURES] = None
        cells = [[Cell("shares", "word")], [Cell(picture=drawn("image", rows, 1.0))]]
        return [desk.made(block, cells, [f"{len(lists):,} rows of shares"])]
    largest = sorted(block.values, key=lambda v: -data[v])[: desk.most]
    shown = [(k, v) for k, v in enumerate(block.values, 1) if v in largest]
    desk.at_rows([v for _, v in shown], 1)
    cells = [[Cell("unit", "word"), Cell("p", "head")]]
    cells += [[Cell(f"{k}", "index"), desk.cell(v)] for k, v in shown]
    more = len(block.values) - len(shown)
    return [desk.made(block, [*cells, *[[Cell(f"{more:,} more", "word")]] * bool(more)], [many])]


def operations(desk: Desk, block: Block) -> list[Card]:
    """A stage of other operations: what they are, and their results."""
    outputs, n = block.outputs, len(block.values)
    signs = dict.fromkeys(symbol(v.op, len(v.parents)) for v in block.values if v.op)
    cells = [[Cell(clean(", ".join(signs), 24), "symbol")]]
    if desk.known and len(outputs) <= BOXES:
        desk.at_rows(outputs, 1)
        cells += desk.named(outputs)
    elif desk.known:
        across = _ACROSS if len(outputs) > 2 * BOXES else len(outputs)
        cells.append([Cell(picture=drawn("map", in_rows(outputs, desk.numbers.data, across)))])
        desk.said[PICTURES] = None
    return [desk.made(block, cells, [f"{n:,} operation{'s' * (n > 1)}"])]


def shared(desk: Desk, layer: str, made: Mapping[Block, Sequence[Card]]) -> Iterator[Shared]:
    """The weights of a layer that is used step after step, and what each use adds."""
    data, grad = desk.numbers.data, desk.numbers.grad
    uses = [block for block in made if layer_of(block) == layer]
    if not uses:
        return
    units, inside = uses[-1].units, {v for block in uses for v in block.values}
    n, end = sum(x not in inside for x in units[0].x), len(units[0].w)
    parts = [("W", 0, n), ("U", n, end)] if 0 < n < end else [("W", 0, end)]
    matrices = [(letter, [[data[w] for w in u.w[a:b]] for u in units]) for letter, a, b in parts]
    biases = [[data[u.b]] for u in units if u.b is not None]
    matrices += [("b", biases)] * (len(biases) == len(units))
    largest = largest_of([rows for _, rows in matrices])
    row = []
    for letter, rows in matrices:
        row += [Cell(letter, "name"), Cell(picture=drawn("weights", rows, largest))]
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
    card = desk.board.put("parameter", [row, [Cell(text, "word")]], name=text, tooltip=text)
    numbers = [Number("", each[chosen] if known else None, back=True) for each in adds]
    yield Shared(card, [(made[b][-1].id, x) for b, x in zip(uses, numbers, strict=True)])
