"""Cards in columns: what the neuron and the layer level show, and nets; where everything stands.

All goes from left to right, no renderer is needed; what is wider than a page goes on below it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final, NamedTuple

from tinygrad_edu.view.base.maps import Picture
from tinygrad_edu.view.base.svg import room, text_width
from tinygrad_edu.view.graph.board.curves import Line, Spot, cut_at, pass_below
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
#: Around the picture; the height of heads; the least gap.
MARGIN, _HEAD, _NARROW = 12.0, 30.0, 24.0
#: The widest figures, also in bold, against those of Helvetica, with a little room between them.
_FIGURES: Final = 1.17


class Cell(NamedTuple):
    """What stands at one place of a card: a text, a number or a picture.

    look  "name" of a quantity, "head" over numbers, "index", "word" (soft), "symbol" (soft)
    """

    text: str = ""
    look: str = "number"
    number: Number | None = None
    picture: Picture | None = None

    @property
    def said(self) -> str:
        """Its text or that of its number."""
        return self.text if self.number is None else self.number.text

    @property
    def is_bold(self) -> bool:
        """Whether it comes back, and is not 0."""
        return self.number is not None and self.number.back and bool(self.number.value)


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


class Shared(NamedTuple):
    """Parameters that several cards use: their card, and what each use adds to a number."""

    card: Card
    uses: Sequence[tuple[str, Number]]


@dataclass
class Board(Diagram):
    """A diagram whose cards stand in columns, with lines between them and blocks below."""

    layers: list[Column] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    shared: list[Shared] = field(default_factory=list)

    def cards(self) -> list[Card]:
        """All cards in columns."""
        return [card for column in self.layers for card in [*column.cards, *column.over]]

    def put(self, kind: str, cells: Sequence[Sequence[Cell]], **texts: Any) -> Card:
        """A new card on the board."""
        card = Card(kind, cells=cells, **texts)
        self.add(card)
        return card

    def close(self) -> "Board":
        """The board, its lines as edges of the diagram too."""
        self.columns = [[card.id for card in column.cards] for column in self.layers]
        for x in self.lines:
            edge = Edge(x.tail, x.head, "", (), x.tooltip, x.weight, x.share)
            if x.weight is None:
                edge.role = x.name
            elif x.name:
                edge.numbers = [Number("w", x.weight, back=True)]
            self.edges.append(edge)
        for column in self.layers:
            ways = pairwise([*column.over, column.cards[0]])
            self.edges += [Edge(upper.id, lower.id) for upper, lower in ways]
        for shared in self.shared:
            self.edges += [Edge(shared.card.id, user, numbers=[x]) for user, x in shared.uses]
        return self


@dataclass
class Table:
    """The widths and heights of the cells of a card."""

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
        rows, y = [], top + self.above
        for height in self.heights:
            rows.append(y + height / 2)
            y += height
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
    widths = [width + more for width in widths]
    is_bare = card.kind == "inputs"
    side, above = (0.0, 0.0) if is_bare else (_SIDE, _ABOVE)
    return Table(card, widths, [max(map(_height, row)) for row in rows], side, above)


def _need(cell: Cell) -> float:
    if cell.picture is not None:
        return cell.picture.side * max(map(len, cell.picture.rows)) + 8
    size, least, _ = LOOKS[cell.look]
    if cell.look in ("name", "head"):
        return max(least, name_width(cell.text, size) + 4)
    if cell.number is not None:
        return max(least, _FIGURES * text_width(cell.said, size, "normal") + 6 + 4 * cell.is_bold)
    return max(least, room(cell.said, size) + 2)


def _height(cell: Cell) -> float:
    picture = cell.picture
    return LOOKS[cell.look][2] if picture is None else picture.side * len(picture.rows) + 6


def _gap(lines: Sequence[Line]) -> tuple[float, float]:
    """The width that the gap of these lines wants, and the least it can do with."""
    text = max((room(line.name, 11) for line in lines if line.name), default=0.0)
    if all(line.weight is None for line in lines):
        return (text + 2 * _NARROW, text + 8) if text else (34.0, _NARROW)
    if not text:
        return 64.0, _NARROW
    if any(line.tail_row is not None or line.head_row is not None for line in lines):
        return 100.0, 30.0 if all(line.tail_row is None for line in lines) else 50.0
    return 140.0, text + 44


def fits(board: Board) -> bool:
    """Whether all columns stand side by side in a page."""
    return len(_bands(*_widths(board, tables_of(board))[:2])) == 1


def tables_of(board: Board) -> dict[str, Table]:
    """The table of each card, by its id."""
    return {card.id: _table(card) for card in [*board.cards(), *(s.card for s in board.shared)]}


def _widths(
    board: Board, tables: Mapping[str, Table]
) -> tuple[list[float], list[float], list[float]]:
    """The widths of the columns; of the gap behind each the least, and how much more it wants."""
    layers = board.layers
    at = {card.id: k for k, c in enumerate(layers) for card in [*c.cards, *c.over]}
    between: list[list[Line]] = [[] for _ in layers]
    for line in board.lines:
        if at[line.head] == at[line.tail] + 1:
            between[at[line.tail]].append(line)
    gaps = [*map(_gap, between[:-1]), (0.0, 0.0)]
    wide = []
    for column, (_, least) in zip(layers, gaps, strict=True):
        head = room(column.name, 12, bold=True) + room(column.soft, 12) * (column is not layers[-1])
        cards = max(tables[card.id].width for card in [*column.cards, *column.over])
        wide.append(max(cards, max(head, room(column.foot, 11)) - max(0.0, least - 14)))
    return wide, [least for _, least in gaps], [wanted - least for wanted, least in gaps]


class Layout(NamedTuple):
    """Where cards stand, the lines (cut where they go on below), the heights of heads, the ends."""

    spots: dict[str, Spot]
    lines: list[Line]
    heads: list[float]
    right: float
    bottom: float


def layout_of(board: Board, tables: Mapping[str, Table]) -> Layout:
    """Where everything stands: columns side by side as far as they go, and on below."""
    layers = board.layers
    at = {card.id: k for k, c in enumerate(layers) for card in [*c.cards, *c.over]}
    wide, least, loose = _widths(board, tables)
    spots: dict[str, Spot] = {}
    heads: list[float] = []
    lines, ends, y = [replace(line) for line in board.lines], [0.0], 0.0
    adding = {name for shared in board.shared for name, _ in shared.uses}
    for n, band in enumerate(_bands(wide, least)):
        first, last, goes_on = band[0], band[-1], band[-1] + 1 < len(layers)
        x = MARGIN + (least[first - 1] if n else 0.0)
        taken = x + sum(wide[k] for k in band) + sum(least[k] for k in band[:-1])
        spare = WIDEST - MARGIN - _NARROW * goes_on - taken
        share = min(1.0, max(0.0, spare / (sum(loose[k] for k in band[:-1]) or 1.0)))
        halves = {k: _stacked(layers[k].cards, tables, adding) / 2 for k in band}
        rise = {k: _stacked([*layers[k].over, *layers[k].cards], tables, adding) for k in band}
        middle = y + _HEAD + max(rise[k] - halves[k] for k in band)
        names: list[str] = []
        for k in band:
            heads.append(y + 0.6 * _HEAD)
            top, cards = middle + halves[k] - rise[k], [*layers[k].over, *layers[k].cards]
            is_inner = first < k < len(wide) - 1 or bool(layers[k].over)
            most = max(tables[card.id].width for card in cards) * is_inner
            for card in cards:
                inset = max(0.0, most - tables[card.id].width) / 2
                spots[card.id] = tables[card.id].spot(x + inset, top)
                names.append(card.id)
                top += tables[card.id].height + _BETWEEN * (1 + (card.id in adding))
            x += wide[k] + (least[k] + share * loose[k]) * (k < last)
        ends.append(_end(layers[last], spots))
        spots |= {f"{n - 1}<": Spot(MARGIN, middle, MARGIN, middle)}
        spots |= {f"{n}>": Spot(x + 18 * goes_on, middle, x + 18 * goes_on, middle)}
        lines = cut_at(lines, at, last, n)
        at |= {f"{n}>": last + 1, f"{n}<": last}
        there = {*names, f"{n - 1}<", f"{n}>"}
        y = middle + max(halves.values()) + 16 * any(layers[k].foot for k in band)
        y = pass_below([x for x in lines if {x.tail, x.head} <= there], spots, names, y)
        y = _below(board.shared, tables, spots, names, y)
        y += _NARROW / 2 * goes_on
    return Layout(spots, lines, heads, max(ends + [spot.right for spot in spots.values()]), y)


def _end(column: Column, spots: Mapping[str, Spot]) -> float:
    """Where the head of a column ends, its soft part left out where there is no room."""
    name, soft = room(column.name, 12, bold=True) + 3, room(column.soft, 12)
    left = min(spots[card.id].left for card in column.cards)
    return left + (name + soft if left + name + soft <= WIDEST - MARGIN else name)


def _below(
    several: Sequence[Shared],
    tables: Mapping[str, Table],
    spots: dict[str, Spot],
    names: Sequence[str],
    low: float,
) -> float:
    """Have shared parameters stand side by side below their last use; the lower end of all."""
    if any(name in names for shared in several for name, _ in shared.uses):
        low += _NARROW  # for what each use adds
    left, ends = MARGIN, [low]
    for card, uses in several:
        if uses[-1][0] in names:
            users = [spots[name] for name, _ in uses if name in names]
            middle = (min(s.left for s in users) + max(s.right for s in users)) / 2
            x = max(left, middle - tables[card.id].width / 2)
            spots[card.id] = tables[card.id].spot(x, low + _NARROW)
            left = spots[card.id].right + _BETWEEN
            ends.append(spots[card.id].bottom)
    return max(ends)


def _bands(wide: Sequence[float], least: Sequence[float]) -> list[list[int]]:
    """The columns that stand side by side: as many as have room."""
    if sum(wide) + sum(least) <= WIDEST - 2 * MARGIN:
        return [[*range(len(wide))]]
    bands: list[list[int]] = [[]]
    used = 0.0
    for k, width in enumerate(wide):
        used += width + (least[k - 1] if k else 0.0)
        if bands[-1] and used > WIDEST - 2 * MARGIN - _NARROW:
            bands.append([])
            used = width + least[k - 1]
        bands[-1].append(k)
    return bands


def _stacked(cards: Sequence[Card], tables: Mapping[str, Table], adding: Collection[str]) -> float:
    """The height of cards one under the other, what each use adds standing below a card."""
    gaps = sum(_BETWEEN * (1 + (card.id in adding)) for card in cards[:-1])
    return sum(tables[card.id].height for card in cards) + gaps
