"""DOT: the text that a renderer makes a picture of; shapes, cells and layout of a diagram.

A kind is told by corners, ground and weight of the outline, never by a hue: colour belongs to the
signs of numbers. A cell filled with END or MIDDLE tells `picture` where its text is to stand.
"""

import html
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import graphviz  # type: ignore[import-untyped]

from tinygrad_edu.text import JOINER, clean, name_parts
from tinygrad_edu.view.base.palette import (
    EDGE,
    END,
    INK,
    MIDDLE,
    NEGATIVE,
    POSITIVE,
    PRESS,
    SOFT,
    WASH,
    ZERO,
    number_colour,
)
from tinygrad_edu.view.base.svg import NAMES, room, wrapped
from tinygrad_edu.view.graph.diagram import VALUE_KINDS, Box, Diagram, Edge, Frame, Number

_FONT: Final = "Helvetica"
_GRAPH: Final = {"bgcolor": "transparent", "fontname": _FONT, "labelloc": "b", "labeljust": "l"}
#: Between boxes and between ranks, in inches.
_GAPS: Final = {"pad": "0.06", "nodesep": "0.12", "ranksep": "0.22"}
_CLOSE: Final = {"nodesep": "0.09", "ranksep": "0.08"}
_NODE: Final = {"fontname": _FONT, "fontsize": "12", "height": "0.2", "width": "0.2"}
_EDGE: Final = {"arrowsize": "0.55", "color": EDGE.light, "fontname": _FONT, "penwidth": "1"}


def _box(style: str, line: str, fill: str, width: str = "1") -> dict[str, str]:
    look = {"shape": "box", "style": style, "color": line, "fillcolor": fill}
    return look | {"margin": "0.065,0.03", "penwidth": width}


_ROUND: Final = _box("filled,rounded", EDGE.light, ZERO.light)
_SHARP: Final = _box("filled", EDGE.light, ZERO.light, "1.25")
_GREY: Final = _box("filled,rounded", PRESS.light, PRESS.light)
_BARE: Final = _box("", "transparent", "transparent", "0")
_LOOKS: Final = {
    "input": _SHARP,
    "inputs": _SHARP,
    "constant": _BARE,
    "hidden": _BARE,
    "parameter": _GREY,
    "chip": _GREY | {"margin": "0.04,0.01"},
    "unit": _ROUND | {"margin": "0.055,0.03"},
    **dict.fromkeys(("result", "layer", "group"), _ROUND),
}
_ROOT: Final = {"color": INK.light, "penwidth": "2"}
#: The strongest colour of a ground, on which a number in the colour of its sign can be read.
SHADE: Final = 0.35
#: The band behind what is in an opened layer.
_BAND: Final = _box("filled,rounded", WASH.light, WASH.light) | {
    "fontname": _FONT,
    "labelloc": "t",
    "labeljust": "l",
    "margin": "5",
}
_PLUS: Final = {"color": POSITIVE.light}
_MINUS: Final = {"color": NEGATIVE.light, "style": "dashed"}
_ZERO: Final = {"color": EDGE.light, "style": "dotted"}
_THINNEST: Final = 0.7
#: Width of the line of the largest weight.
_WIDEST: Final = {False: 4.0, True: 2.5}
#: What keeps two boxes in their order.
_UNSEEN: Final = {"style": "invis", "tailport": "c", "headport": "c"}
_SIDES: Final = {"LR": "ew", "RL": "we", "TB": "sn", "BT": "ns"}
#: Of a frame to write in, in points.
_WIDTH, _HEIGHT = 62, 26
_TITLE: Final = 40
#: Characters of a name beside its numbers, and of one above them; the sizes of texts.
_BESIDE, _ABOVE = 6, 16
_NAME, _NUMBER, _LABEL = 13, 12, 11
#: The least width of a number and of one that comes back, in which it fits in any font.
_CELL: Final = {False: 46.0, True: 54.0}
_SIGN: Final = 18.0
#: The caption of DOT alone, in pixels; the picture wraps its own by its width.
_CAPTION: Final = 560.0
_ALL: Final = 'COLSPAN="all"'
_TABLE: Final = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'


def to_dot(diagram: Diagram, *, paper: bool = False, captioned: bool = True) -> str:
    """DOT for a diagram, with colours or, for `paper`, black and grey on white, no tooltips."""
    gaps = _GAPS | (_CLOSE if diagram.flowing else {})
    graph = graphviz.Digraph(
        graph_attr={"rankdir": diagram.rankdir, **_GRAPH, **gaps}, node_attr=_NODE, edge_attr=_EDGE
    )
    if diagram.caption and captioned:
        lines = (line for text in diagram.caption for line in wrapped(text, _LABEL, _CAPTION))
        ended = "".join(f'{in_html(line)}<BR ALIGN="LEFT"/>' for line in lines)
        graph.attr(label=f"<{_font(ended, SOFT.light, _LABEL)}>")
    if paper:
        graph.attr(bgcolor="white")
    if diagram.crowded:
        graph.attr(ranksep="1.2", splines="line")
        graph.attr("edge", tailport=_SIDES[diagram.rankdir][0], headport=_SIDES[diagram.rankdir][1])
    clusters: dict[tuple[Frame, ...], Any] = {(): graph}
    for box in diagram.boxes:
        _add_box(_cluster(clusters, box.within), box, paper)
    within = {box.id: box.within for box in diagram.boxes}
    for ids in diagram.columns:
        with clusters[within[ids[0]]].subgraph() as column:
            column.attr(rank="same")
            for above, below in pairwise(ids):
                column.edge(above, below, **_UNSEEN)
    for around in sorted(clusters, key=len, reverse=True):
        if around:
            clusters[around[:-1]].subgraph(clusters[around])
    for k, edge in enumerate(diagram.edges):
        _add_edge(graph, edge, f"e{k}", diagram, paper)
    source: str = graph.source
    return source


def _cluster(clusters: dict[tuple[Frame, ...], Any], around: tuple[Frame, ...]) -> Any:
    """The drawing inside these bands, made if it is new."""
    for n in range(1, len(around) + 1):
        if around[:n] not in clusters:
            cluster = graphviz.Digraph(f"cluster{len(clusters)}", graph_attr=_BAND)
            title, words = around[n - 1]
            cluster.attr(label=f"<{_title(clean(title, _TITLE), words)}>")
            clusters[around[:n]] = cluster
    return clusters[around]


def _add_box(graph: Any, box: Box, paper: bool) -> None:
    look = _LOOKS[box.kind] | (_ROOT if box.root else {})
    if paper and box.kind in VALUE_KINDS:
        look |= {"color": INK.light, "fillcolor": "white", "penwidth": "1"}
    if box.shade:
        look |= {"fillcolor": ground(box), "style": look["style"] or "filled"}
    told = box.tooltip or "; ".join(row.tooltip for row in box.rows if row.tooltip)
    tooltip = in_tooltip(told) if told and not paper else None
    cells = [*_head(box), *_lines(box), *map(_soft, box.details)]
    columns = max((row.count("<TD ") for row in cells), default=1)
    rows = "".join(f"<TR>{row}</TR>" for row in cells).replace(_ALL, f'COLSPAN="{columns}"')
    ordering = "in" if box.ordered else None
    graph.node(box.id, f"<{_TABLE}{rows}</TABLE>>", tooltip=tooltip, ordering=ordering, **look)


def ground(box: Box) -> str:
    """The colour of a shaded ground, which shines through."""
    sign = POSITIVE if box.shade > 0 else NEGATIVE
    return f"{sign.light}{round(255 * SHADE * abs(box.shade)):02x}"


def stands_beside(name: str) -> bool:
    """Whether a name stands left of its numbers: it is short, or a letter with indices."""
    return len(name) <= _BESIDE or name_parts(name) is not None


def _head(box: Box) -> Iterator[str]:
    """What stands above the numbers: titles, long names, long words."""
    if box.rows or not box.numbers:
        if box.name or box.word:
            width = room(box.name, _NUMBER, bold=True) + room(box.word, _NUMBER) + 6
            yield _left(_title(box.name, box.word), width)
        return
    if not stands_beside(box.name):
        yield _soft(middle_cut(box.name), INK.light)
    if not is_sign(box.word):
        yield _soft(middle_cut(box.word))


def is_sign(word: str) -> bool:
    """Whether the word of a box stands left of its numbers, as the sign of an operation does."""
    return len(word) <= _BESIDE + 2


def middle_cut(name: str) -> str:
    """A long name by its first 9 and its last 6 characters."""
    return name if len(name) <= _ABOVE else f"{name[:9]}…{name[-6:]}"


def _lines(box: Box) -> list[str]:
    """The numbers of a box, their names left of them: one below the other, or row by row."""
    if box.rows:
        return [
            _name_cell(row.name, 1, 12, 23, 17)
            + "".join(_number_cell(x, f"{row.id}.{x.label}", 17) for x in row.numbers)
            for row in box.rows
        ]
    chip = box.kind == "chip"
    height, size = (13, _LABEL) if chip else (15, _NUMBER)
    name = box.name if stands_beside(box.name) else ""
    word = box.word if is_sign(box.word) else ""
    count = max(len(box.numbers), bool(name) + bool(word)) if box.numbers else 0
    span = count if not (name and word) else 1
    names = [_name_cell(name, span, 12 if chip else _NAME, _SIGN, height)] if name else []
    names += [_word_cell(word, span, height)] if word else []
    least = _SIGN if box.kind == "constant" else 0.0
    cells = [_number_cell(x, f"{box.id}.{x.label}", height, size, least) for x in box.numbers]
    return [
        (names[k] if k < len(names) else "") + (cells[k] if k < len(cells) else "<TD></TD>")
        for k in range(count)
    ]


def _font(content: str, colour: str, size: int) -> str:
    return f'<FONT COLOR="{colour}" POINT-SIZE="{size}">{content}</FONT>'


def _title(title: str, words: str) -> str:
    """A title in bold, soft words after it."""
    bold = _font(f"<B>{in_html(title)}</B>", INK.light, _NUMBER) if title else ""
    space = "  " if title and words else ""
    return bold + (_font(in_html(space + words), SOFT.light, _NUMBER) if words else "")


def _left(content: str, width: float) -> str:
    """A line over the whole width of a box, at least this wide."""
    return f'<TD {_ALL} ALIGN="LEFT" HEIGHT="15" WIDTH="{width:.0f}">{content}</TD>'


def _soft(text: str, colour: str = SOFT.light) -> str:
    """A line of words, as wide as it is in any font."""
    return _left(_font(in_html(text), colour, _LABEL), room(text, _LABEL))


def _cell(content: str, width: float, height: int, marker: str, more: str = "") -> str:
    size = f'WIDTH="{width:.0f}" HEIGHT="{height}"'
    return f'<TD BGCOLOR="{marker}" {size}{more}>{content}</TD>'


def _name_cell(name: str, span: int, size: int, width: float, height: int) -> str:
    return _cell(in_names(name, size), width, height, MIDDLE, f' ROWSPAN="{span}"')


def _word_cell(word: str, span: int, height: int) -> str:
    size = 14 if len(word) == 1 else _LABEL
    content, width = _font(in_html(word), SOFT.light, size), max(_SIGN, room(word, size))
    return _cell(content, width, height, MIDDLE, f' ROWSPAN="{span}"')


def in_names(name: str, size: int, colour: str = INK.light) -> str:
    """A name: in the font of names where it is a letter with indices, else upright."""
    if name_parts(name) is None:
        return _font(in_html(name), colour, size - 1)
    return f'<FONT FACE="{NAMES}" COLOR="{colour}" POINT-SIZE="{size}">{in_html(name)}</FONT>'


def _number_cell(
    number: Number, key: str, height: int, size: int = _NUMBER, least: float = 0.0
) -> str:
    """A number at the right edge of its cell, one that comes back in the colour of its sign."""
    if number.blank:
        return f'<TD ALIGN="RIGHT">{_blank(number)}</TD>'
    # what can be found later changes its text, and a renderer has no cell for none
    place = f' HREF="#{key}"' if number.keyed else ""
    least = least or _CELL[number.back and size == _NUMBER]
    width = max(least, room(number.text, size, bold=number.back))
    return _cell(in_number(number, size), width, height, END, place)


def in_number(number: Number, size: int, colour: str = INK.light) -> str:
    """The text of a number: ink or the colour given, what comes back bold in that of its sign."""
    if not number.back:
        return _font(in_html(number.text), colour, size)
    content = f"<B>{in_html(number.text)}</B>" if number.value else in_html(number.text)
    return _font(content, number_colour(number.value).light, size)


def _blank(number: Number) -> str:
    return (
        f'<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="2" CELLPADDING="0" COLOR="{INK.light}"><TR>'
        f'<TD FIXEDSIZE="TRUE" WIDTH="{_WIDTH}" HEIGHT="{_HEIGHT}">{in_html(number.text)}</TD>'
        "</TR></TABLE>"
    )


def _add_edge(graph: Any, edge: Edge, label: str, diagram: Diagram, paper: bool) -> None:
    """A line; what stands on it is a node of its own, so that it has one owner."""
    look = _line(edge, _WIDEST[diagram.crowded]) | {
        "id": f"{edge.tail}-{edge.head}",
        "weight": "0" if edge.loose else None,
        "tooltip": in_tooltip(edge.tooltip) if edge.tooltip and not paper else None,
        "minlen": f"{edge.length}" if edge.length > 1 else None,
        "arrowhead": "none" if diagram.flowing or edge.weight is not None else None,
    }
    cells = _on_line(edge, paper)
    if not cells:
        graph.edge(edge.tail, edge.head, **look)
        return
    graph.node(label, f"<{_TABLE}<TR>{''.join(cells)}</TR></TABLE>>", shape="plain", id=look["id"])
    graph.edge(edge.tail, label, **look | {"arrowhead": "none"})
    graph.edge(label, edge.head, **look)


def _on_line(edge: Edge, paper: bool) -> list[str]:
    """The role of an operand and numbers; a weight has the colour of its sign, others are soft."""
    cells = []
    if edge.role:
        width = room(edge.role, _LABEL)
        cells.append(_cell(in_names(edge.role, 12, SOFT.light), width, 14, MIDDLE))
    for number in edge.numbers:
        if number.blank:
            cells.append(f"<TD>{_blank(number)}</TD>")
            continue
        colour = SOFT if edge.weight is None or paper else number_colour(edge.weight)
        width = room(number.text, _LABEL, bold=number.back) + 5
        cells.append(_cell(in_number(number, _LABEL, colour.light), width, 14, MIDDLE))
    return cells


def _line(edge: Edge, widest: float) -> dict[str, str | None]:
    """The look of a line: for a weight width tells its relative size, colour and dash its sign."""
    if edge.weight is None:
        return {"style": "dotted"} if edge.dotted else {}
    look = _PLUS if edge.weight > 0 else _MINUS if edge.weight < 0 else _ZERO
    return {**look, "penwidth": f"{_THINNEST + (widest - _THINNEST) * edge.share:.3g}"}


def in_html(text: str) -> str:
    r"""A cleaned text for Graphviz's HTML-like labels, where backslashes are special too: \N."""
    return html.escape(text).replace("\\", "\\\\")


def in_tooltip(text: str) -> str:
    r"""The same for tooltips, which some renderers unescape twice: U+2060 keeps \ and N apart."""
    escaped: str = graphviz.escape(text.replace("\\", "\\" + JOINER).replace("&", "&amp;"))
    return escaped
