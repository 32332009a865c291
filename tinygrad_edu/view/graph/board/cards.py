"""What stands on the cards of a board: inputs, units, layers."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tinygrad_edu.engine import Value
from tinygrad_edu.text import clean
from tinygrad_edu.view.base.graph_units import Unit
from tinygrad_edu.view.base.naming import Names
from tinygrad_edu.view.base.numbers import Numbers, decimal
from tinygrad_edu.view.graph.blocks import Block, Cut
from tinygrad_edu.view.graph.board.columns import Board, Card, Cell, row
from tinygrad_edu.view.graph.board.maps import (
    drawn,
    image_below,
    largest_of,
    shape_of,
    size,
    windows_of,
)
from tinygrad_edu.view.graph.diagram import Number

#: So many units stand in boxes of their own; of more a table shows those with the largest delta.
BOXES: Final = 5
#: So many rows a table has at the layer level, and so many terms of a sum where a unit is opened.
_ROWS, _TERMS = 4, 12
#: So many channels of an image or a kernel are shown.
CHANNELS: Final = 3
PICTURES: Final = "kernels, maps and weights: blue positive, orange negative, paper 0"
MEAN: Final = "|δ|: mean of |dL/dz| over a map or a layer"


class Place(NamedTuple):
    """Where a value stands: a card, and there a row."""

    card: str
    row: int | None = None


@dataclass
class Desk:
    """What is put on a board, how, and what is known of the blocks that are there.

    edges     "gradient" for lines as wide as what flowed back
    opened    units and layers of which nothing is left out
    shown     the blocks that are drawn, sources first; all unless given
    caption   sentences before those that tell what numbers and lines mean
    titles    of layers, in place of their names
    known     whether the numbers are those of an example
    most      how many units of a layer are shown at least, and rows of a table
    named     whose weight stands on its line: "strongest" of many, "none", "all", with the biases
    counted   whether the parameters of a layer are counted below it
    is_net    whether the last result is no more than others
    examples  over how many examples the loss is, 0 for one alone
    sign      of a delta against dL/dz
    shade     how strong the colour of a sign is that the ground of a value has, from -1 to 1
    place     where each value stands
    made      the cards of each block
    shapes    what a block gives, as 4x6x6
    said      sentences for the caption
    """

    cut: Cut
    names: Names
    numbers: Numbers
    level: str
    edges: str = "none"
    opened: Collection[str] = ()
    shown: Sequence[Block] = ()
    caption: Sequence[str] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    known: bool = True
    most: int = 8
    named: str = "strongest"
    counted: bool = False
    is_net: bool = False
    examples: int = 0
    sign: float = 1.0
    shade: Callable[[Value], float] = lambda v: 0.0
    board: Board = field(default_factory=Board)
    place: dict[Value, Place] = field(default_factory=dict)
    made: dict[Block, list[Card]] = field(default_factory=dict)
    shapes: dict[Block, str] = field(default_factory=dict)
    said: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The blocks that are shown; layers that are used again and again, one after another."""
        self.shown = self.shown or self.cut.items
        layers = Counter(map(layer_of, self.cut.items))
        self.shared = [layer for layer, n in layers.items() if n > 1 and layer]

    def number(self, v: Value) -> Number:
        """The number of a value, with its name."""
        return Number(self.names[v], self.numbers.data[v])

    def delta(self, u: Unit) -> Number:
        """The delta of a unit."""
        grad = self.numbers.grad(u.z)
        return Number(self.names.deltas[u.z], grad and self.sign * grad, back=True)

    def cell(self, v: Value) -> Cell:
        """The number of a value on a card."""
        return Cell(number=self.number(v))

    def rows_of(self, values: Iterable[Value]) -> list[list[Cell]]:
        """A row for each value: its name and, if it is known, its number."""
        return [[Cell(self.names[v], "name"), *[self.cell(v)] * self.known] for v in values]

    def put(self, card: Card, values: Collection[Value], rows: Mapping[Value, int | None]) -> Card:
        """Put a card of these values on the board; some stand there in rows, or for it all."""
        card.name = card.name or card.label
        card.root = self.numbers.root in values and not self.is_net
        card.shade = max(map(self.shade, values), key=abs, default=0.0)
        self.board.add(card)
        self.place |= {v: Place(card.id, k) for v, k in rows.items()}
        return card

    def whole(
        self,
        block: Block,
        cells: Sequence[Sequence[Cell]],
        details: Sequence[str] = (),
        numbers: Sequence[Number] = (),
        kind: str = "layer",
        *,
        rows: Iterable[tuple[int, Value]] = (),
    ) -> list[Card]:
        """A card for a whole block; these values stand in rows of it."""
        card = Card(kind, clean(block.name, 40), details=details, numbers=numbers, cells=cells)
        said = ", ".join([*details, *(f"{x.label} = {x.short}" for x in numbers)])
        card.tooltip = f"{card.label}: {said}"
        return [self.put(card, block.values, {v: k for k, v in rows})]


def more(count: int, rest: str = "") -> list[list[Cell]]:
    """A row that tells how many are left out, none if none are."""
    return [row(f"{count:,} more{rest}")] * (count > 0)


def leaves(desk: Desk, block: Block) -> list[Card]:
    """Inputs, or parameters that are no unit's: an image, a table of the largest, or each alone."""
    kind = "input" if block.kind == "inputs" else "parameter"
    states = _states(desk)
    values = [v for v in block.values if v not in states]
    details = [f"{len(values):,} numbers"]
    users = [user for user, sources in desk.cut.sources.items() if block in sources]
    if image := _image(block, users):
        channels = [[[desk.numbers.data[v] for v in line] for line in lines] for lines in image]
        desk.shapes[block] = shape_of(len(image), len(image[0]), len(image[0][0]))
        if not desk.known:
            return desk.whole(block, [row(desk.shapes[block])], details, kind=kind)
        largest = largest_of(channels)
        inks = [drawn("image", lines, largest, ink=True) for lines in channels[:CHANNELS]]
        return desk.whole(block, [[Cell(picture=ink)] for ink in inks], details, kind="inputs")
    if len(values) > (BOXES if desk.known else max(BOXES, desk.most)):
        sizes = {v: size(desk.numbers.data[v]) * desk.known for v in values}
        most = sorted(values, key=lambda v: -sizes[v])[: desk.most]
        shown = [v for v in values if v in most]
        cells = [*desk.rows_of(shown), *more(len(values) - len(shown))]
        if cells[len(shown) :] and desk.known:
            desk.said["of many inputs the largest are shown"] = None
        return desk.whole(block, cells, details, kind=kind, rows=enumerate(shown))
    if desk.level == "layer" or any(layer_of(user) in desk.shared for user in users):
        return desk.whole(
            block, desk.rows_of(values), numbers=[*map(desk.number, values)], kind=kind
        )
    cards = []
    for v in values:
        name, number = desk.names[v], desk.number(v)._replace(label="data")
        card = Card(kind, name, numbers=[number], made=kind, cells=desk.rows_of([v]))
        card.tooltip = f"{name} = {number.short}" if desk.known else name
        cards.append(desk.put(card, (v,), {v: None}))
    return cards


def _states(desk: Desk) -> set[Value]:
    """The zeros that stand for the state before the first step."""
    uses = [b.units for b in desk.cut.items if layer_of(b) in desk.shared]
    later = {u.w: u.x for units in uses[1:] for u in units}
    return {
        x
        for u in (uses[0] if uses else ())
        for x, then in zip(u.x, later.get(u.w, u.x), strict=True)
        if x.op is None and then.op is not None and not desk.numbers.data[x]
    }


def _image(block: Block, users: Sequence[Block]) -> list[list[list[Value]]]:
    """The leaves of a block as an image, if windows slide over it."""
    for user in users:
        patches = patches_of(user)
        if patches and (windows := windows_of(patches)):
            image = image_below(patches, windows)
            return (
                image if {v for c in image for line in c for v in line} <= {*block.values} else []
            )
    return []


def layer(desk: Desk, block: Block) -> list[Card]:
    """The units of a layer: boxes, or a table."""
    if not desk.known:
        cards = [_unit(desk, u, opened=False) for u in block.units[: desk.most]]
        hidden = more(len(block.units) - len(cards))
        return cards + [desk.board.put("hidden", [cells], name=cells[0].text) for cells in hidden]
    whole = not {block.name, block.units[0].layer}.isdisjoint(desk.opened)
    alone = [u for u in block.units if u.name in desk.opened]
    if len(block.units) <= BOXES and (desk.level == "neuron" or whole):
        return [_unit(desk, u, opened=u in alone or whole) for u in block.units]
    rest = [u for u in block.units if u not in alone or whole]
    table = _table(desk, block, rest, whole=whole) if rest else []
    return [*table, *(_unit(desk, u, opened=True) for u in alone if not whole)]


def _unit(desk: Desk, u: Unit, *, opened: bool) -> Card:
    """A unit alone; opened, with the terms of its sum."""
    values = [v for v in dict.fromkeys((u.b, u.z, u.a)) if v is not None]
    delta, known = desk.delta(u), desk.known
    numbers = [*map(desk.number, values), delta] if known else [desk.number(v) for v in values[:1]]
    cells, pad = (_terms(desk, u) if opened else []), [Cell()] * 2 * opened
    for number in numbers[not opened and u.b is not None :] if known else ():
        if number.value is not None:
            cells.append([Cell(number.label, "name"), *pad, Cell(number=number)])
    word = clean(u.activation)
    card = Card("unit", clean(u.name, 40), word=word, made=word, numbers=numbers)
    card.cells = cells or [row(desk.names[u.a], look="name")]
    card.tooltip = f"{card.label} ({word}): {', '.join(f'{x.label} = {x.short}' for x in numbers)}"
    return desk.put(card, (u.z, u.a), {u.z: None, u.a: None})


def _terms(desk: Desk, u: Unit) -> list[list[Cell]]:
    """The largest terms of a net input."""
    data = desk.numbers.data
    products = [data[w] * data[x] for w, x in zip(u.w, u.x, strict=True)]
    order = sorted(range(len(products)), key=lambda k: -size(products[k]))[:_TERMS]
    cells = [row("", "w", "x", "w x", look="head")]
    for k in sorted(order):
        numbers = [desk.cell(u.w[k]), desk.cell(u.x[k]), Cell(number=Number("w x", products[k]))]
        cells.append([Cell(desk.names[u.w[k]], "name"), *numbers])
    return cells + more(len(products) - len(order))


def _table(desk: Desk, block: Block, units: Sequence[Unit], *, whole: bool) -> list[Card]:
    """A layer as a table of the units with the largest delta."""
    few = len(block.units) <= BOXES
    deltas = {u: desk.numbers.grad(u.z) for u in units}
    known = None not in deltas.values()
    live = [u for u in units if whole or few or not known or deltas[u]] or list(units)
    order = sorted(live, key=lambda u: -size(deltas[u])) if known and not few else live
    most = len(order) if whole or few else desk.most if desk.level == "neuron" else _ROWS
    shown, rest = order[:most], order[most:]
    if few:
        cells = desk.rows_of(u.a for u in shown)
    else:
        letter = "z" if all(u.a is u.z for u in units) else "a"
        cells = [[Cell("unit", "word"), *row(letter, *["delta"] * known, look="head")]]
        for u in shown:
            delta = [Cell(number=desk.delta(u))] * known
            cells.append([Cell(f"{u.place.unit}", "index"), desk.cell(u.a), *delta])
    rows = [(k, v) for k, u in enumerate(shown, not few) for v in (u.a, u.z)]
    foot = []
    if rest:
        bound = f", |δ| ≤ {decimal(max(size(deltas[u]) for u in rest))}" if known else ""
        foot += more(len(rest), bound)
    if len(live) < len(units):
        foot.append(row(f"{len(units) - len(live):,} with δ = 0"))
        desk.said["units with δ = 0 pass nothing back and have no lines"] = None
    if known and not few:
        which = "its units" if whole else f"at most {most} units"
        desk.said[f"a layer shows {which}, those with the largest |δ| first"] = None
    mean = mean_of(deltas.values())
    if desk.level == "layer":
        cells += [[Cell("|δ|", "name"), Cell(number=mean)]] * (few and mean.value is not None)
        foot += [row(count_of(units))] * (layer_of(block) not in desk.shared)
        foot += [row(f"|δ| {mean.text}")] * (not few and mean.value is not None)
        desk.said |= {MEAN: None} if known else {}
    numbers = [x for u in shown for x in (desk.number(u.a), *[desk.delta(u)] * known)]
    return desk.whole(block, cells + foot, summary_of(block.units), [mean, *numbers], rows=rows)


def layer_of(block: Block) -> str:
    """The layer of the units of a block, "" for other blocks."""
    return block.units[0].layer if block.units else ""


def patches_of(block: Block) -> list[tuple[Value, ...]]:
    """What the first unit of a layer sees, place by place; [] if its units are used once."""
    found = [u.x for u in block.units if u.w == block.units[0].w]
    return found if len(found) > 1 else []


def count_of(units: Iterable[Unit]) -> str:
    """How many parameters they have."""
    n = len({p for u in units for p in u.parameters})
    return f"{n:,} parameter{'s' * (n > 1)}"


def mean_of(deltas: Iterable[float | None]) -> Number:
    """The mean size of these numbers, which is not known unless all are."""
    sizes = [delta and abs(delta) for delta in deltas]
    known = [size / len(sizes) for size in sizes if size is not None]
    return Number("mean |delta|", math.fsum(known) if len(sizes) == len(known) > 0 else None)


def summary_of(units: Sequence[Unit]) -> list[str]:
    """How many units, of what kind, and how many parameters, in words."""
    n = len({u.name for u in units})
    kinds = {u.activation for u in units}
    activation = clean(kinds.pop(), 16) if len(kinds) == 1 else "different"
    inputs = {len(u.w) for u in units}
    of = f" of {inputs.pop():,} inputs" if len(inputs) == 1 else ""
    uses = [f"each used {len(units) // n:,} times"] * (len(units) > n)
    return [f"{n:,} {activation} unit{'s' * (n > 1)}{of}", *uses, count_of(units)]
