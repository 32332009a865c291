"""TikZ: a diagram for LaTeX, its boxes where they stand in its picture, in LaTeX's fonts."""

import shlex
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

from tinygrad_edu.files import packaged
from tinygrad_edu.text import latex_name, name_parts
from tinygrad_edu.view.base.palette import BY_NAME
from tinygrad_edu.view.base.render import render
from tinygrad_edu.view.base.svg import wrapped
from tinygrad_edu.view.base.tex import latex_page, latex_words
from tinygrad_edu.view.graph.board.columns import Board, Card, Cell, height_of, layout_of
from tinygrad_edu.view.graph.board.curves import name_places
from tinygrad_edu.view.graph.cells import is_sign, lines_of, middle_cut, stands_beside
from tinygrad_edu.view.graph.diagram import Box, Diagram, Edge, Frame, Number
from tinygrad_edu.view.graph.dot import SHADE, to_dot

#: Points of print in a pixel; pixels in an inch of the renderer; beside a table in its box.
_POINT, _INCH, _SIDE = 0.75, 72.0, 5.0
#: The size of the caption, its leading and its least width, as in other pictures.
_SIZE, _LEADING, _NARROWEST = 11, 14.0, 290.0
_COLOURS: Final = (
    *("zero", "wash", "press", "ink", "soft", "edge"),
    *("positive", "negative", "positive_text", "negative_text"),
)
_Point = tuple[float, float]


def to_tikz(diagram: Diagram, title: str) -> str:
    """A file that pdflatex makes a page of its size of, with the diagram as a tikzpicture.

    A letter that LaTeX lacks is its number in a frame. Raises RenderError without a renderer where
    one has to place the boxes.
    """
    lines = [*(_board(diagram) if isinstance(diagram, Board) else _graph(diagram))]
    sheet = packaged("view/graph/formats/tikz.tex")
    colours = (
        rf"\definecolor{{{name}}}{{HTML}}{{{BY_NAME[name.upper()][1:].upper()}}}"
        for name in _COLOURS
    )
    content = [r"\begin{tikzpicture}[graph]", *lines, r"\end{tikzpicture}"]
    return latex_page(title, "\n".join(content), sheet.replace("{{colours}}", "\n".join(colours)))


def _graph(diagram: Diagram) -> Iterator[str]:
    """What a renderer places: boxes, bands behind them, lines, what stands on them."""
    places: dict[str, Sequence[float]] = {}
    paths: dict[tuple[str, str], list[str]] = {}
    width = 0.0
    for line in render(to_dot(diagram, captioned=False), "plain").decode().splitlines():
        kind, *said = shlex.split(line)
        if kind == "graph":
            width = _INCH * float(said[1])
        elif kind == "node":
            places[said[0]] = [_INCH * float(x) for x in said[1:5]]
        elif kind == "edge":
            numbers = [_INCH * float(x) for x in said[3 : 3 + 2 * int(said[2])]]
            points = [*zip(numbers[::2], numbers[1::2], strict=True)]
            paths.setdefault((said[0], said[1]), []).append(_path(points))
    for box in diagram.boxes:
        x, y, wide, high = places[box.id]
        yield _node(box, x, y, wide, high, _values(box, wide - 2 * _SIDE))
    yield from _bands(diagram)
    for k, edge in enumerate(diagram.edges):
        look = _stroke(edge)
        look += ", dotted" * edge.dotted
        label, headed = f"e{k}", not diagram.flowing and edge.weight is None
        ends = [(edge.tail, label), (label, edge.head)]
        for pair in ends if label in places else [(edge.tail, edge.head)]:
            head = ", graph/head" * (headed and pair[1] == edge.head)
            yield rf"\draw[{look}{head}] {paths[pair].pop(0)};"
        if label in places:
            role = [_name(edge.role)] if edge.role else []
            x, y, *_ = places[label]
            yield _tag(" ".join([*role, *map(_number, edge.numbers)]), x, y, edge.weight)
    yield from _caption(diagram, width, 0.0)


def _board(board: Board) -> Iterator[str]:
    """Columns of cards as they stand in the picture, with the lines between them."""
    tables, spots, curves, heads, feet, width, low, _ = layout_of(board)
    for curve in sorted(curves, key=lambda c: (c.line.full, c.line.share)):
        look = _stroke(curve.line)
        yield rf"\draw[{look}] {_path([(x, -y) for x, y in curve.path()])};"
    for name, table in tables.items():
        s = spots[name]
        middle = (s.left + s.right) / 2, -(s.top + s.bottom) / 2
        content = _cells(table.card, table.widths)
        yield _node(table.card, *middle, s.right - s.left, s.bottom - s.top, content)
    for column in board.layers:
        for upper, lower in column.stems:
            yield rf"\draw[graph/line] ({upper.id}) -- ({lower.id});"
    for shared in board.shared:
        for name, number in shared.uses:
            way = rf"\draw[graph/line] ({name}.south) to[out=-90, in=90] "
            yield way + rf"node[graph/tag, near start] {{{_number(number)}}} ({shared.card.id});"
    for column, (x, y), foot in zip(board.layers, heads, feet, strict=True):
        yield _words(rf"\textbf{{{latex_words(column.name)}}} {_soft(column.soft)}", x, -y)
        if column.foot:
            yield _words(_soft(column.foot), foot[0], -foot[1])
    for curve, x, y in name_places(curves, {c.line.said: 6.0 * len(c.line.said) for c in curves}):
        yield _tag(latex_words(curve.line.said), x, -y, curve.line.weight)
    yield from _caption(board, width, -low)


def _path(points: Sequence[_Point]) -> str:
    """Cubics one after the other."""
    first, *rest = (f"({x:.1f},{y:.1f})" for x, y in points)
    bends = zip(rest[::3], rest[1::3], rest[2::3], strict=True)
    return " ".join([first, *(f".. controls {a} and {b} .. {c}" for a, b, c in bends)])


def _stroke(line: Edge) -> str:
    """The look of a line: for a weight its sign is the colour, and negative ones are dashed."""
    weight = line.weight or 0.0
    sign = "positive" if weight > 0 else "negative" if weight < 0 else "edge"
    faint = "" if line.full else "!13!zero"
    dashed = ", dashed" * (weight < 0)
    return f"graph/line, draw={sign}{faint}, line width={_POINT * line.width:.2f}bp{dashed}"


def _words(said: str, x: float, y: float) -> str:
    return rf"\node[anchor=base west] at ({x:.1f},{y:.1f}) {{{said}}};"


def _tag(said: str, x: float, y: float, weight: float | None) -> str:
    colour = "soft" if not weight else "positive_text" if weight > 0 else "negative_text"
    return rf"\node[graph/tag, text={colour}] at ({x:.1f},{y:.1f}) {{{said}}};"


def _node(box: Box, x: float, y: float, width: float, height: float, content: str) -> str:
    look = f"graph/{box.kind}" + ", graph/root" * box.root
    if box.shade:
        sign = "positive" if box.shade > 0 else "negative"
        look += f", fill={sign}!{100 * SHADE * abs(box.shade):.0f}!zero"
    look += f", minimum width={_POINT * width:.1f}bp, minimum height={_POINT * height:.1f}bp"
    return rf"\node[{look}] ({box.id}) at ({x:.1f},{y:.1f}) {{{content}}};"


def _table(columns: str, rows: Sequence[tuple[str, float]], width: float) -> str:
    """Rows with their heights, in pixels as the width of all."""
    lines = (rf"{row}\row{{{_POINT * height:.2f}}}" for row, height in rows)
    table = rf"{{tabular*}}{{{_POINT * max(width, 1.0):.1f}bp}}{{@{{}}{columns}@{{}}}}"
    return rf"\begin{table}" + r"\\".join(lines) + r"\end{tabular*}"


def _values(box: Box, width: float) -> str:
    """Names left, numbers right of them, words over the whole width."""
    columns = max((len(row.numbers) for row in box.rows), default=len(box.numbers[:1]))
    title, word = box.name, box.word
    if box.rows:
        rows = [(" & ".join([_name(r.name), *map(_number, r.numbers)]), 17.0) for r in box.rows]
    else:
        beside = []
        if box.numbers and stands_beside(title):
            beside, title = [_name(title)], ""
        if box.numbers and is_sign(word):
            beside, word = [*beside, _soft(word)], ""
        pairs = zip_longest(beside, map(_number, box.numbers), fillvalue="")
        rows = [(f"{a} & {b}", 13.0 if box.kind == "chip" else 15.0) for a, b in pairs]
    above = [latex_words(middle_cut(title))] * bool(title)
    above += map(_soft, lines_of(word)) if box.numbers else [_soft(word)] * bool(word)
    whole = rf"\multicolumn{{{columns + 1}}}{{@{{}}l@{{}}}}"
    lines = [(f"{whole}{{{said}}}", 15.0) for said in above] + rows
    lines += [(f"{whole}{{{_soft(detail)}}}", 15.0) for detail in box.details]
    return _table(rf"l@{{\extracolsep{{\fill}}}}{'r' * columns}", lines, width) if lines else ""


def _cells(card: Card, widths: Sequence[float]) -> str:
    """The cells of a card, numbers at the right edges of theirs, others in the middle."""
    whole = rf"\multicolumn{{{len(widths)}}}{{@{{}}c@{{}}}}"
    rows = []
    for row in card.cells:
        said = [_cell(cell, width) for cell, width in zip(row, widths, strict=False)]
        if len(row) == 1 and len(widths) > 1:
            said = [f"{whole}{{{_cell(row[0], sum(widths))}}}"]
        rows.append((" & ".join(said), max(map(height_of, row))))
    return _table("@{}".join("c" * len(widths)), rows, sum(widths))


def _cell(cell: Cell, width: float) -> str:
    ends = "r" if cell.look in ("number", "head") else "c"
    said = _number(cell.number) if cell.number else latex_words(cell.text)
    if cell.look in ("name", "head") or (cell.text and name_parts(cell.text)):
        said = _name(cell.text)
    if cell.look in ("word", "symbol", "head") and said:
        said = rf"\soft{{{said}}}"
    if cell.picture is not None:
        ends, p = "c", cell.picture
        side = f"{_POINT * p.side:.2f}bp"
        shown = [rf"\begin{{tikzpicture}}[x={side}, y={side}, graph/small]"]
        for i, line in enumerate(p.rows):
            for j, x in enumerate(line):
                share = min(abs(x) / p.largest, 1.0) if p.largest and x == x else 0.0
                colour = "ink" if p.ink else "positive" if x > 0 else "negative"
                shown += [
                    rf"\fill[{colour}!{94 * share:.0f}!zero] ({j},{-i}) rectangle +(1,-1);"
                ] * (share > 0.01)
        shown.append(rf"\draw[edge] (0,0) rectangle ({max(map(len, p.rows))},{-len(p.rows)});")
        said = "".join([*shown, r"\end{tikzpicture}"])
    return rf"\makebox[{_POINT * width:.1f}bp][{ends}]{{{said}}}"


def _number(number: Number) -> str:
    text = latex_words(number.text)
    if not number.back or not number.value:
        return _soft(number.text) if number.back else text
    colour = "positive_text" if number.value > 0 else "negative_text"
    return rf"\textcolor{{{colour}}}{{\textbf{{{text}}}}}"


def _bands(diagram: Diagram) -> Iterator[str]:
    """The grounds behind what is in an opened layer, with their titles."""
    inside: dict[tuple[Frame, ...], list[str]] = {}
    for box in diagram.boxes:
        for n in range(1, len(box.within) + 1):
            inside.setdefault(box.within[:n], []).append(f"({box.id})")
    for k, frames in enumerate(sorted(inside, key=len)):
        title, words = frames[-1]
        around = f"graph/band, fit={''.join(inside[frames])}"
        named = rf"(b{k}.north west) {{\textbf{{{latex_words(title)}}} {_soft(words)}}}"
        yield r"\begin{scope}[on background layer]"
        yield rf"\node[{around}] (b{k}) {{}}; \node[anchor=south west] at {named};"
        yield r"\end{scope}"


def _caption(diagram: Diagram, width: float, low: float) -> Iterator[str]:
    """The sentences below."""
    limit = max(0.8 * width, _NARROWEST)
    texts = (line for text in diagram.caption for line in wrapped(text, _SIZE, limit))
    for k, text in enumerate(texts, 1):
        yield _words(_soft(text), 5, low - _LEADING * k)


def _name(name: str) -> str:
    """A name as in lectures in mathematics, another one upright."""
    return rf"\smash{{${latex_name(name)}$}}" if name_parts(name) else latex_words(name)


def _soft(text: str) -> str:
    return rf"\soft{{{latex_words(text)}}}" if text else ""
