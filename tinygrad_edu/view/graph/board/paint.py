"""The picture of a board: its cards, the lines between them, what stands around."""

from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from tinygrad_edu.view.base.palette import (
    EDGE,
    INK,
    NEGATIVE,
    NOW,
    POSITIVE,
    PRESS,
    SOFT,
    ZERO,
    Colour,
    number_colour,
)
from tinygrad_edu.view.base.svg import LINK, room, tag, words
from tinygrad_edu.view.graph.board.columns import (
    LOOKS,
    MARGIN,
    Board,
    Cell,
    Column,
    Table,
    layout_of,
)
from tinygrad_edu.view.graph.board.curves import Curve, Spot, name_places
from tinygrad_edu.view.graph.board.maps import Grid
from tinygrad_edu.view.graph.diagram import Number
from tinygrad_edu.view.graph.dot import SHADE
from tinygrad_edu.view.graph.picture import WIDEST, finished, typeset

#: The greatest radius of round corners; from a text's middle down to its line.
_ROUND, _DOWN = 12.0, 4.2
#: How far down shared weights stand at most to have lines from their uses.
_DEEP: Final = 140.0


def board_picture(board: Board) -> Element:
    """The board as SVG, to be finished by `inline`."""
    tables, spots, curves, heads, feet, width, below, _ = layout_of(board)
    under: list[Element] = []
    over: list[Element] = []
    for curve in sorted(curves, key=lambda c: (c.line.full, c.line.share)):
        under += _stroke(curve)
    widths = {c.line.said: max(12.0, room(c.line.said, 11)) for c in curves}
    for curve, x, y in name_places(curves, widths, spots.values()):
        name, weight = curve.line.said, Number("w", curve.line.weight)
        over += _on_paper(name, x, y, widths[name], weight)
    for column in board.layers:
        for upper, lower in column.stems:
            middle = (spots[upper.id].left + spots[upper.id].right) / 2
            under.append(_path([(middle, spots[upper.id].bottom), (middle, spots[lower.id].top)]))
    for shared in board.shared:
        spot = spots[shared.card.id]
        for k, (name, number) in enumerate(shared.uses):
            user = spots[name]
            a = spot.left + (spot.right - spot.left) * (k + 0.5) / len(shared.uses)
            b, up, down = (user.left + user.right) / 2, user.bottom, spot.top
            if down - up < _DEEP:  # others stand above another row of columns
                under.append(_path([(b, up), (b, up + 26), (a, down - 26), (a, down)]))
            if number.value is not None:
                wide = room(number.text, 11, bold=True)
                over += _on_paper(number.text, b, up + 13, wide, number)
    root = tag("svg", width=f"{width + MARGIN:.0f}", height=f"{below + 8:.0f}")
    root.set("viewBox", f"0 0 {root.get('width')} {root.get('height')}")
    root.extend(under)
    root.extend(_card(table, spots[name]) for name, table in tables.items())
    for column, head, foot in zip(board.layers, heads, feet, strict=True):
        root.extend(_head(column, *head))
        if column.foot:
            root.append(words(column.foot, *foot, font_size="11", fill=SOFT.light))
    root.extend(over)
    return finished(root, board.caption)


def _stroke(curve: Curve) -> Iterator[Element]:
    line, width = curve.line, curve.line.width
    colour = EDGE if not line.weight else POSITIVE if line.weight > 0 else NEGATIVE
    path = _path(curve.path(), colour, width)
    if line.weight is not None and line.weight < 0:
        path.set("stroke-dasharray", f"{max(3, 1.6 * width):.1f} {max(2.4, 1.1 * width):.1f}")
    if not line.full:
        path.set("stroke-opacity", "0.13")
    if line.tooltip:
        path.append(_title(line.tooltip))
    if line.lit:
        halo = _path(curve.path(), NOW, width + 7)
        halo.set("stroke-opacity", "0.28")
        yield halo
    yield path


def _title(text: str) -> Element:
    title = tag("title")
    title.text = text
    return title


def _on_paper(text: str, x: float, y: float, width: float, number: Number) -> Iterator[Element]:
    """A text on a line, its middle at (x, y), in the colour of a number; bold if that came back."""
    half = max(width / 2, 6.0)
    yield _box(Spot(x - half, y - 7, x + half, y + 7), ZERO.light)
    look = {"font_size": "11", "fill": number_colour(number.value).light}
    look |= {"font_weight": "600"} if number.back else {}
    yield words(text, x, y + 3.8, text_anchor="middle", **look)


def _head(column: Column, x: float, y: float) -> Iterator[Element]:
    for text, colour, weight in ((column.name, INK, "600"), (column.soft, SOFT, "400")):
        wide = room(text, 12, bold=weight == "600")
        if text and x + wide <= WIDEST - MARGIN:
            yield words(text, x, y, font_size="12", font_weight=weight, fill=colour.light)
            x += wide + 3


#: The outline of a card, its width, its ground, and whether its corners are round.
_KINDS: Final[dict[str, tuple[Colour | None, float, Colour | None, bool]]] = {
    "input": (EDGE, 1.25, ZERO, False),
    "parameter": (None, 0.0, PRESS, True),
    "inputs": (None, 0.0, None, False),
    "hidden": (None, 0.0, None, False),
    "constant": (None, 0.0, ZERO, False),
}


def _card(table: Table, spot: Spot) -> Element:
    card, node, group = table.card, tag("g"), tag("a")  # a link becomes the group with a tooltip
    node.set("class", "node")
    node.append(group)
    outline, width, ground, is_round = _KINDS.get(card.kind, (EDGE, 1.0, ZERO, True))
    if card.root or card.lit:
        outline, width = (NOW, 2.5) if card.lit else (INK, 2.0)
    if card.shade:
        ground = POSITIVE if card.shade > 0 else NEGATIVE
    group.set(f"{LINK}title", card.tooltip)
    if ground is not None:
        radius = min(_ROUND, (spot.bottom - spot.top) / 2) * is_round
        drawn = {"stroke": outline.light, "stroke_width": f"{width:g}"} if outline else {}
        if card.shade:
            drawn["fill_opacity"] = f"{SHADE * abs(card.shade):.3f}"
        group.append(_box(spot, ground.light, rx=radius, **drawn))
    for row, middle in zip(card.cells, spot.rows, strict=True):
        x = spot.left + table.side
        spans = table.widths if len(row) > 1 else [sum(table.widths)]
        for cell, wide in zip(row, spans, strict=False):
            group.extend(_cell(cell, x, middle, wide))
            x += wide
    return node


def _cell(cell: Cell, x: float, middle: float, wide: float) -> Iterator[Element]:
    if cell.picture is not None:
        yield from _cells(cell.picture, x + wide / 2, middle)
    if not cell.said:
        return
    back = cell.number is not None and cell.number.back
    is_soft = cell.look in ("word", "symbol", "head")
    colour = SOFT if is_soft else number_colour(cell.number.value) if back and cell.number else INK
    look = {"font_size": f"{LOOKS[cell.look][0]}", "fill": colour.light}
    look |= {"font_weight": "600"} if cell.is_bold else {}
    ends = cell.look in ("number", "head")
    at, anchor = (x + wide, "end") if ends else (x + wide / 2, "middle")
    text = words(cell.said, at, middle + _DOWN, text_anchor=anchor, **look)
    if cell.look in ("name", "head"):
        typeset(text)
    yield text


def _cells(picture: Grid, middle: float, y: float) -> Iterator[Element]:
    side = picture.side
    wide, high = side * max(map(len, picture.rows)), side * len(picture.rows)
    left, top = middle - wide / 2, y - high / 2
    frame = Spot(left, top, left + wide, top + high)
    yield _box(frame, ZERO.light)
    for i, row in enumerate(picture.rows):
        for j, x in enumerate(row):
            share = min(abs(x) / picture.largest, 1.0) if picture.largest and x == x else 0.0
            if share < 0.01:
                continue
            a, b = left + j * side, top + i * side
            colour = INK if picture.ink else POSITIVE if x > 0 else NEGATIVE
            crisp: dict[str, str | float] = {"shape_rendering": "crispEdges"}
            crisp["fill_opacity"] = 0.94 * share
            yield _box(Spot(a, b, a + side, b + side), colour.light, **crisp)
            if x < 0 and side >= 8 and not picture.ink:
                yield _path([(a + 0.3 * side, b + side / 2), (a + 0.7 * side, b + side / 2)], INK)
    yield _box(frame, "none", stroke=EDGE.light)


def _path(
    points: Sequence[tuple[float, float]], colour: Colour = EDGE, width: float = 1.0
) -> Element:
    """Cubics one after the other, or a straight line."""
    first, *rest = (f"{x:.1f},{y:.1f}" for x, y in points)
    look = {"fill": "none", "stroke": colour.light, "stroke_width": f"{width:.2f}"}
    return tag("path", d=f"M{first}{'L' if len(rest) == 1 else 'C'}{' '.join(rest)}", **look)


def _box(spot: Spot, fill: str, **look: str | float) -> Element:
    size = {"width": spot.right - spot.left, "height": spot.bottom - spot.top}
    return tag("rect", x=spot.left, y=spot.top, **size, fill=fill, **look)
