"""Cards in columns: what the neuron and the layer level show, and nets; where everything stands.

All goes from left to right, no renderer is needed; what is wider than a page goes on below it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from typing import Any, Final, NamedTuple

from tinygrad_edu.view.base.svg import room, text_width
from tinygrad_edu.view.graph.board.curves import (
    NARROW,
    Curve,
    Spot,
    curves,
    cut_at,
    gap_of,
    pass_below,
)
from tinygrad_edu.view.graph.board.maps import Grid
from tinygrad_edu.view.graph.diagram import Box, Diagram, Edge, Number
from tinygrad_edu.view.graph.picture import WIDEST, name_width

#: Of what stands in a cell: the size of its text, its least width, the height of its row.
LOOKS: Final = {
    "name": (13, 18.0, 17.0),
    "head": (12, 18.0, 16.0),
    "number": (12, 30.0, 17.0),
    "index": (12, 26.0, 21.0),
    "word": (11, 0.0, 16.0),
    "symbol": (12, 18.0, 17.0),
}
#: Beside the table of a card and above it; from card to card.
_SIDE, _ABOVE, _BETWEEN = 8.0, 5.0, 13.0
#: Around the picture; the height of heads.
MARGIN, _HEAD = 12.0, 30.0
#: The widest figures, also in bold, against those of Helvetica, with a little room between them.
_FIGURES: Final = 1.17


class Cell(NamedTuple):
    """What stands at one place of a card: a text, a number or a picture.

    look  "name" of a quantity, "head" over numbers, "index", "word" (soft), "symbol" (soft)
    """

    text: str = ""
    look: str = "number"
    number: Number | None = None
    picture: Grid | None = None

    @property
    def said(self) -> str:
        """Its text or that of its number."""
        return self.text if self.number is None else self.number.text

    @property
    def is_bold(self) -> bool:
        """Whether it comes back, and is not 0."""
        return self.number is not None and self.number.back and bool(self.number.value)


def row(*texts: str, look: str = "word") -> list[Cell]:
    """Cells of these texts, side by side."""
    return [Cell(text, look) for text in texts]


@dataclass
class Card(Box):
    """A box with a table of cells, `lit` where it is chosen; of kind "inputs" they have no box."""

    cells: Sequence[Sequence[Cell]] = ()
    lit: bool = False


@dataclass
class Column:
    """Cards one under the other below a head; those `over` them are no part of the middle row."""

    name: str
    soft: str
    cards: list[Card]
    over: list[Card] = field(default_factory=list)
    foot: str = ""
    size: int = 0

    @property
    def all(self) -> list[Card]:
        """All cards, from top to bottom."""
        return [*self.over, *self.cards]

    @property
    def stems(self) -> Iterable[tuple[Card, Card]]:
        """What a line leads down from, and to."""
        return pairwise([*self.over, self.cards[0]])


class Shared(NamedTuple):
    """Parameters that several cards use: their card, and what each use adds to a number."""

    card: Card
    uses: Sequence[tuple[str, Number]]


@dataclass
class Board(Diagram):
    """A diagram whose cards stand in columns, with lines between them and blocks below."""

    layers: list[Column] = field(default_factory=list)
    lines: list[Edge] = field(default_factory=list)
    shared: list[Shared] = field(default_factory=list)

    def cards(self) -> list[Card]:
        """All cards in columns."""
        return [card for column in self.layers for card in column.all]

    def put(self, kind: str, cells: Sequence[Sequence[Cell]], **texts: Any) -> Card:
        """A new card on the board."""
        card = Card(kind, cells=cells, **texts)
        self.add(card)
        return card

    def close(self) -> "Board":
        """The board, with all its lines as edges of the diagram."""
        self.columns = [[card.id for card in column.cards] for column in self.layers]
        stems = [Edge(a.id, b.id) for column in self.layers for a, b in column.stems]
        self.edges = [*self.lines, *stems]
        for shared in self.shared:
            self.edges += [Edge(shared.card.id, user, numbers=[x]) for user, x in shared.uses]
        return self


@dataclass
class Table:
    """The widths and heights of the cells of a card, and what is beside and above them."""

    card: Card
    widths: list[float]
    heights: list[float]
    side: float
    above: float

    @property
    def width(self) -> float:
        """Of the card."""
        return sum(self.widths) + 2 * self.side

    @property
    def height(self) -> float:
        """Of the card."""
        return sum(self.heights) + 2 * self.above

    def spot(self, x: float, top: float) -> Spot:
        """Where the card stands with its left upper corner at (x, top)."""
        ends = [*accumulate(self.heights, initial=top + self.above)]
        rows = [(a + b) / 2 for a, b in pairwise(ends)]
        return Spot(x, top, x + self.width, top + self.height, rows)


def _table(card: Card) -> Table:
    rows = card.cells
    count = max(map(len, rows), default=1)
    widths = [
        max((_need(row[k]) for row in rows if len(row) > max(k, 1)), default=0.0)
        for k in range(count)
    ]
    alone = max((_need(row[0]) for row in rows if len(row) == 1), default=0.0)
    more = max(0.0, alone - sum(widths)) / count
    side, above = (0.0, 0.0) if card.kind == "inputs" else (_SIDE, _ABOVE)
    heights = [max(map(_height, row)) for row in rows]
    return Table(card, [width + more for width in widths], heights, side, above)


def _need(cell: Cell) -> float:
    """The width of a cell."""
    size, least, _ = LOOKS[cell.look]
    if cell.picture is not None:
        return cell.picture.side * max(map(len, cell.picture.rows)) + 8
    if cell.look in ("name", "head"):
        return max(least, name_width(cell.text, size) + 4)
    if cell.number is not None:
        return max(least, _FIGURES * text_width(cell.said, size) + 6 + 4 * cell.is_bold)
    return max(least, room(cell.said, size) + 2)


def _height(cell: Cell) -> float:
    picture = cell.picture
    return LOOKS[cell.look][2] if picture is None else picture.side * len(picture.rows) + 6


class Layout(NamedTuple):
    """Where cards stand, lines run (cut where they go on below), heads and feet begin; the ends.

    `bands` are the columns that stand side by side.
    """

    tables: Mapping[str, Table]
    spots: Mapping[str, Spot]
    curves: Sequence[Curve]
    heads: Sequence[tuple[float, float]]
    feet: Sequence[tuple[float, float]]
    right: float
    bottom: float
    bands: Sequence[Sequence[int]]


def _width(column: Column, tables: Mapping[str, Table], least: float, *, is_last: bool) -> float:
    """The width of a column, whose head may stand over the gap behind it."""
    head = room(column.name, 12, bold=True) + room(column.soft, 12) * (not is_last)
    cards = max(tables[card.id].width for card in column.all)
    return max(cards, max(head, room(column.foot, 11)) - max(0.0, least - 14))


def _bands(wide: Sequence[float], least: Sequence[float]) -> list[list[int]]:
    """The columns that stand side by side: as many as have room."""
    if sum(wide) + sum(least) <= WIDEST - 2 * MARGIN:
        return [[*range(len(wide))]]
    bands: list[list[int]] = [[]]
    used = 0.0
    for k, width in enumerate(wide):
        used += width + (least[k - 1] if k else 0.0)
        if bands[-1] and used > WIDEST - 2 * MARGIN - NARROW:
            bands.append([])
            used = width + least[k - 1]
        bands[-1].append(k)
    return bands


def layout_of(board: Board) -> Layout:
    """Where everything stands: columns side by side as far as they go, and on below."""
    layers, every = board.layers, [*board.cards(), *(shared.card for shared in board.shared)]
    tables = {card.id: _table(card) for card in every}
    at = {card.id: k for k, column in enumerate(layers) for card in column.all}
    between: list[list[Edge]] = [[] for _ in layers]
    for line in board.lines:
        if at[line.head] == at[line.tail] + 1:
            between[at[line.tail]].append(line)
    least, loose = zip(*map(gap_of, between[:-1]), (0.0, 0.0), strict=True)
    wide = [
        _width(column, tables, least[k], is_last=column is layers[-1])
        for k, column in enumerate(layers)
    ]
    bands = _bands(wide, least)
    spots: dict[str, Spot] = {}
    heads: list[tuple[float, float]] = []
    feet: list[tuple[float, float]] = []
    lines, ends, y = [replace(line) for line in board.lines], [0.0], 0.0
    adding = {name for shared in board.shared for name, _ in shared.uses}

    def stacked(cards: Sequence[Card]) -> float:
        """The height of cards one under the other, what each use adds standing below a card."""
        gaps = sum(_BETWEEN * (1 + (card.id in adding)) for card in cards[:-1])
        return sum(tables[card.id].height for card in cards) + gaps

    for n, band in enumerate(bands):
        first, last, goes_on = band[0], band[-1], band[-1] + 1 < len(layers)
        x = MARGIN + (least[first - 1] if n else 0.0)
        taken = x + sum(wide[first : last + 1]) + sum(least[first:last])
        spare = WIDEST - MARGIN - NARROW * goes_on - taken
        share = min(1.0, max(0.0, spare / (sum(loose[first:last]) or 1.0)))
        halves = {k: stacked(layers[k].cards) / 2 for k in band}
        rise = {k: stacked(layers[k].all) - halves[k] for k in band}
        middle, top_of_band = y + _HEAD + max(rise.values()), y
        names: list[str] = []
        for k in band:
            cards = layers[k].all
            top, is_inner = middle - rise[k], first < k < len(layers) - 1 or bool(layers[k].over)
            most = max(tables[card.id].width for card in cards) * is_inner
            for card in cards:
                inset = max(0.0, most - tables[card.id].width) / 2
                spots[card.id] = tables[card.id].spot(x + inset, top)
                names.append(card.id)
                top += tables[card.id].height + _BETWEEN * (1 + (card.id in adding))
            left = min(spots[card.id].left for card in cards)
            heads.append((left, top_of_band + 0.6 * _HEAD))
            feet.append((left, max(spots[card.id].bottom for card in layers[k].cards) + 14))
            x += wide[k] + (least[k] + share * loose[k]) * (k < last)
        head, soft = room(layers[last].name, 12, bold=True) + 3, room(layers[last].soft, 12)
        end = heads[-1][0] + head  # the soft part is left out where it has no room
        ends.append(end + soft if end + soft <= WIDEST - MARGIN else end)
        spots |= {f"{n - 1}<": Spot(MARGIN, middle, MARGIN, middle)}
        spots |= {f"{n}>": Spot(x + 18 * goes_on, middle, x + 18 * goes_on, middle)}
        lines = cut_at(lines, at, last, n)
        at |= {f"{n}>": last + 1, f"{n}<": last}
        there = {*names, f"{n - 1}<", f"{n}>"}
        y = middle + max(halves.values()) + 16 * any(layers[k].foot for k in band)
        y = pass_below([x for x in lines if {x.tail, x.head} <= there], spots, names, y)
        y = _below(board.shared, tables, spots, names, y)
        y += NARROW / 2 * goes_on
    ends += [spot.right for spot in spots.values()]
    return Layout(tables, spots, curves(lines, spots), heads, feet, max(ends), y, bands)


def _below(
    several: Sequence[Shared],
    tables: Mapping[str, Table],
    spots: dict[str, Spot],
    names: Sequence[str],
    low: float,
) -> float:
    """Have shared parameters stand side by side below their last use; the lower end of all."""
    if any(name in names for shared in several for name, _ in shared.uses):
        low += NARROW  # for what each use adds
    left, ends = MARGIN, [low]
    for card, uses in several:
        if uses[-1][0] in names:
            users = [spots[name] for name, _ in uses if name in names]
            middle = (min(s.left for s in users) + max(s.right for s in users)) / 2
            x = max(left, middle - tables[card.id].width / 2)
            spots[card.id] = tables[card.id].spot(x, low + NARROW)
            left = spots[card.id].right + _BETWEEN
            ends.append(spots[card.id].bottom)
    return max(ends)
