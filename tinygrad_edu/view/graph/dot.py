"""DOT: the text that a renderer makes a picture of; shapes, colours and layout of a diagram.

The hues are those of Okabe and Ito, told apart with any colour vision; kinds also differ in
corners, border and word. The ground is transparent: boxes and labels are light with dark ink,
and lines have a grey that stands out on white and on black. A sheet to print has neither.
"""

import html
from itertools import pairwise
from typing import Any, Final

import graphviz  # type: ignore[import-untyped]

from tinygrad_edu.text import JOINER, clean
from tinygrad_edu.view.base.palette import (
    BOXES,
    GRAPH_FAINT,
    GRAPH_INK,
    GRAPH_LINE,
    GRAPH_PAPER,
    NEGATIVE,
    POSITIVE,
)
from tinygrad_edu.view.graph.diagram import VALUE_KINDS, Box, Diagram, Edge, Row

_FONT: Final = "Helvetica"

_GRAPH: Final = {"bgcolor": "transparent", "fontname": _FONT, "labelloc": "b", "pad": "0.1"}
_GAPS: Final = {"nodesep": "0.2", "ranksep": "0.35"}
_NODE: Final = {"fontcolor": GRAPH_INK, "fontname": _FONT, "fontsize": "12", "height": "0.3"}
_EDGE: Final = {"arrowsize": "0.6", "color": GRAPH_LINE, "fontname": _FONT, "fontsize": "10"}


def _box(style: str, line: str, fill: str) -> dict[str, str]:
    look = {"shape": "box", "style": style, "color": line, "fillcolor": fill}
    return look | {"margin": "0.07,0.03", "penwidth": "1.2"}


_OPERATION: Final = {"style": "filled", "color": GRAPH_LINE, "fillcolor": GRAPH_PAPER}
#: Input: sharp corners. Parameter, layer: double border. Constant: dashed. Result, unit: round.
_LOOKS: Final = {
    "input": _box("filled", *BOXES["input"]),
    "parameter": _box("filled", *BOXES["parameter"]) | {"peripheries": "2"},
    "constant": _box("filled,dashed", *BOXES["constant"]),
    "result": _box("filled,rounded", *BOXES["result"]),
    "sign": _OPERATION
    | {"shape": "circle", "fixedsize": "true", "width": "0.34", "fontsize": "15"},
    "function": _OPERATION | {"shape": "ellipse", "margin": "0.03,0.02"},
    "unit": _box("filled,rounded", *BOXES["unit"]),
    "layer": _box("filled,rounded", *BOXES["unit"]) | {"peripheries": "2"},
    "group": _box("filled,rounded,dashed", *BOXES["result"]),
    "inputs": _box("filled", *BOXES["input"]) | {"peripheries": "2"},
    "hidden": _OPERATION
    | {"shape": "box", "style": "filled,rounded,dotted"}
    | {"fontcolor": GRAPH_FAINT, "fontsize": "10"},
}
_ROOT: Final = {"penwidth": "2.6"}
#: The frame around what is inside of an opened unit or layer.
_CLUSTER: Final = {
    "style": "filled,rounded",
    "color": BOXES["unit"][0],
    "fillcolor": GRAPH_PAPER,
    "fontcolor": GRAPH_INK,
    "fontsize": "12",
    "labelloc": "t",
    "margin": "10",
}
_PLUS: Final = {"color": POSITIVE.light}
_MINUS: Final = {"color": NEGATIVE.light, "style": "dashed"}
_ZERO: Final = {"color": GRAPH_LINE, "style": "dotted"}
_THINNEST: Final = 0.6
#: Width of the line of the largest weight.
_WIDEST: Final = {False: 4.0, True: 2.5}
#: What keeps two boxes in their order.
_UNSEEN: Final = {"style": "invis", "tailport": "c", "headport": "c"}
_SIDES: Final = {"LR": "ew", "RL": "we", "TB": "sn", "BT": "ns"}
#: Of a frame to write in, in points.
_WIDTH, _HEIGHT = 62, 26
_TITLE: Final = 40


def to_dot(diagram: Diagram, *, paper: bool = False) -> str:
    """DOT for a diagram, in colours or, for `paper`, in black and grey on white, no tooltips."""
    graph = graphviz.Digraph(
        graph_attr={"rankdir": diagram.rankdir, **_GRAPH, **_GAPS}, node_attr=_NODE, edge_attr=_EDGE
    )
    if diagram.caption:
        lines = "<BR/>".join(map(in_html, diagram.caption))
        graph.attr(label=f"<{_pill(_faint(lines), 6)}>")
    if paper:
        graph.attr(bgcolor="white")
    if diagram.crowded:
        graph.attr(ranksep="1.2", splines="line")
        graph.attr("edge", tailport=_SIDES[diagram.rankdir][0], headport=_SIDES[diagram.rankdir][1])
    clusters: dict[tuple[str, ...], Any] = {(): graph}
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
    for edge in diagram.edges:
        _add_edge(graph, edge, diagram.crowded, paper)
    source: str = graph.source
    return source


def _cluster(clusters: dict[tuple[str, ...], Any], around: tuple[str, ...]) -> Any:
    """The drawing inside these frames, made if it is new."""
    for n in range(1, len(around) + 1):
        if around[:n] not in clusters:
            cluster = graphviz.Digraph(f"cluster{len(clusters)}", graph_attr=_CLUSTER)
            cluster.attr(label=in_string(clean(around[n - 1], _TITLE)))
            clusters[around[:n]] = cluster
    return clusters[around]


def _add_box(graph: Any, box: Box, paper: bool) -> None:
    look = _LOOKS[box.kind] | (_ROOT if box.root else {})
    if paper and box.kind in VALUE_KINDS:
        look |= {"color": GRAPH_INK, "fillcolor": "white"}
    graph.node(
        box.id,
        _plain(box) if box.kind in ("sign", "function", "hidden") else _lines(box),
        tooltip=in_tooltip(box.tooltip) if box.tooltip and not paper else None,
        ordering="in" if box.ordered else None,
        **look,
    )


def _plain(box: Box) -> str:
    """An operation, its constants under it."""
    if not box.details:
        return in_string(box.name)
    return f"<{in_html(box.name)}<BR/>{_faint(in_html(', '.join(box.details)), 9)}>"


def _lines(box: Box) -> str:
    """Lines of a box: name and word, details, rows of a label and a number."""
    name = f"<B>{in_html(box.name)}</B>" if box.name else ""
    word = _faint(in_html(box.word), 9) if box.word else ""
    title = "  ".join(part for part in (name, word) if part)
    lines = [f'<TD COLSPAN="3">{title}</TD>'] if title else []
    lines += [f'<TD COLSPAN="3">{_faint(in_html(detail))}</TD>' for detail in box.details]
    for row in box.rows:
        # a keyed text changes, and may be bold in the widest of the usual fonts
        place = f' HREF="#{box.id}.{row.label}"' if row.keyed else ""
        width = max(36, round(0.7 * 12 * len(row.text))) if row.keyed else 36
        lines.append(
            f'<TD ALIGN="LEFT">{_faint(in_html(row.label))}</TD><TD WIDTH="8"></TD>'
            f'<TD ALIGN="RIGHT" WIDTH="{width}"{place}>{_number(row)}</TD>'
        )
    rows = "".join(f"<TR>{line}</TR>" for line in lines)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{rows}</TABLE>>'


def _number(row: Row) -> str:
    if not row.blank:
        return in_html(row.text)
    return (
        f'<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="2" CELLPADDING="0" COLOR="{GRAPH_INK}"><TR>'
        f'<TD FIXEDSIZE="TRUE" WIDTH="{_WIDTH}" HEIGHT="{_HEIGHT}">{in_html(row.text)}</TD>'
        "</TR></TABLE>"
    )


def _add_edge(graph: Any, edge: Edge, crowded: bool, paper: bool) -> None:
    graph.edge(
        edge.tail,
        edge.head,
        label=_edge_label(edge, paper),
        tooltip=in_tooltip(edge.tooltip) if edge.tooltip and not paper else None,
        weight="0" if edge.loose else None,
        **_line(edge, _WIDEST[crowded]),
    )


def _line(edge: Edge, widest: float) -> dict[str, str]:
    """The look of a line: for a weight width tells its relative size, colour and dash its sign."""
    if edge.weight is None:
        return {"style": "dotted"} if edge.dotted else {}
    look = _PLUS if edge.weight > 0 else _MINUS if edge.weight < 0 else _ZERO
    return look | {"penwidth": f"{_THINNEST + (widest - _THINNEST) * edge.share:.3g}"}


def _edge_label(edge: Edge, paper: bool) -> str | None:
    """The role of an operand, numbers or both: on paper side by side, else on a light pill."""
    role = f'<FONT COLOR="{GRAPH_FAINT}"><I>{in_html(edge.role)}</I></FONT>' if edge.role else ""
    parts = [part for part in (role, *map(_number, edge.rows)) if part]
    if not parts:
        return None
    if not paper:
        return f"<{_pill(' '.join(parts))}>"
    row = "".join(f"<TD>{part}</TD>" for part in parts)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0"><TR>{row}</TR></TABLE>>'


def _faint(content: str, size: int = 10) -> str:
    return f'<FONT COLOR="{GRAPH_FAINT}" POINT-SIZE="{size}">{content}</FONT>'


def _pill(content: str, padding: int = 3) -> str:
    return (
        f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{padding}" STYLE="ROUNDED" '
        f'BGCOLOR="{GRAPH_PAPER}"><TR><TD><FONT COLOR="{GRAPH_INK}">{content}</FONT></TD></TR>'
        "</TABLE>"
    )


def in_html(text: str) -> str:
    r"""A cleaned text for Graphviz's HTML-like labels, where backslashes are special too: \N."""
    return html.escape(text).replace("\\", "\\\\")


def in_tooltip(text: str) -> str:
    r"""The same for tooltips, which some renderers unescape twice: U+2060 keeps \ and N apart."""
    return in_string(text.replace("\\", "\\" + JOINER))


def in_string(text: str) -> str:
    """A cleaned text for Graphviz's plain strings, where backslashes and entities are special."""
    escaped: str = graphviz.escape(text.replace("&", "&amp;"))
    return escaped
