"""DOT: the text that a renderer makes a picture of; shapes, cells and layout of a diagram.

A kind is told by corners, ground and weight of the outline, never by a hue: colour belongs to the
signs of numbers.
"""

from itertools import pairwise
from typing import Any, Final

from tinygrad_edu.text import JOINER, clean
from tinygrad_edu.view.base.palette import (
    EDGE,
    INK,
    NEGATIVE,
    POSITIVE,
    PRESS,
    WASH,
    ZERO,
)
from tinygrad_edu.view.base.render import dot_writer
from tinygrad_edu.view.base.svg import wrapped
from tinygrad_edu.view.graph.cells import LABEL, on_line, rows_of, soft, table_of, title, width_of
from tinygrad_edu.view.graph.diagram import VALUE_KINDS, Box, Diagram, Edge, Frame

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
#: What keeps two boxes in their order.
_UNSEEN: Final = {"style": "invis", "tailport": "c", "headport": "c"}
_TITLE: Final = 40
#: Of a box beside its cells.
_OUTSIDE: Final = 9.0
#: The caption of DOT alone, in pixels; the picture wraps its own by its width.
_CAPTION: Final = 560.0


def to_dot(diagram: Diagram, *, paper: bool = False, captioned: bool = True) -> str:
    """DOT for a diagram, with colours or, for `paper`, black and grey on white, no tooltips."""
    gaps = _GAPS | (_CLOSE if diagram.flowing else {})
    graph = dot_writer().Digraph(
        graph_attr={"rankdir": diagram.rankdir, **_GRAPH, **gaps}, node_attr=_NODE, edge_attr=_EDGE
    )
    if diagram.caption and captioned:
        lines = (line for text in diagram.caption for line in wrapped(text, LABEL, _CAPTION))
        graph.attr(label=f"""<{"".join(f'{soft(line)}<BR ALIGN="LEFT"/>' for line in lines)}>""")
    if paper:
        graph.attr(bgcolor="white")
    frames = [frame for frame in dict.fromkeys(box.within for box in diagram.boxes) if frame]
    clusters = {frame: _cluster(f"cluster{k}", frame) for k, frame in enumerate(frames, 1)}
    for box in diagram.boxes:
        _add_box(clusters[box.within] if box.within else graph, box, paper)
    for ids in diagram.columns:
        with graph.subgraph() as column:
            column.attr(rank="same")
            for above, below in pairwise(ids):
                column.edge(above, below, **_UNSEEN)
    for cluster in clusters.values():
        graph.subgraph(cluster)
    for k, edge in enumerate(diagram.edges):
        _add_edge(graph, edge, f"e{k}", diagram, paper)
    source: str = graph.source
    return source


def width(diagram: Diagram) -> float:
    """About the width of the picture, the way from inputs to result being from left to right.

    A box stands as far right as those it is made from make it, a source just before its first use.
    """
    ranks = dict.fromkeys((box.id for box in diagram.boxes), 0)
    widths = {box.id: _OUTSIDE + width_of(rows_of(box)) for box in diagram.boxes}
    at: dict[int, float] = {}
    order = {box: k for k, box in enumerate(ranks)}
    edges = sorted(diagram.edges, key=lambda edge: order[edge.head])
    steps = [(edge, on_line(edge)) for edge in edges]
    for edge, cells in steps:
        ranks[edge.head] = max(ranks[edge.head], ranks[edge.tail] + edge.length + bool(cells))
    made = {edge.head for edge, _ in steps}
    for edge, cells in reversed(steps):
        if edge.tail not in made:
            ranks[edge.tail] = max(ranks[edge.tail], ranks[edge.head] - edge.length - bool(cells))
    for box, rank in ranks.items():
        at[rank] = max(at.get(rank, 0.0), widths[box])
    for edge, cells in steps:
        rank = ranks[edge.head] - edge.length
        at[rank] = max(at.get(rank, 0.0), sum(cell.width for cell in cells))
    gap = 72 * float((_CLOSE if diagram.flowing else _GAPS)["ranksep"])
    bands = len({box.within for box in diagram.boxes if box.within})
    around = _OUTSIDE * (1 + bands + diagram.flowing)
    return sum(at.values()) + gap * max(ranks.values(), default=0) + around


def _cluster(name: str, frame: Frame) -> Any:
    cluster = dot_writer().Digraph(name, graph_attr=_BAND)
    cluster.attr(label=table_of([[title(clean(frame.title, _TITLE), frame.words)]]))
    return cluster


def _add_box(graph: Any, box: Box, paper: bool) -> None:
    look = _LOOKS[box.kind] | (_ROOT if box.root else {})
    if paper and box.kind in VALUE_KINDS:
        look |= {"color": INK.light, "fillcolor": "white", "penwidth": "1"}
    if box.shade:
        look |= {"fillcolor": ground(box), "style": look["style"] or "filled"}
    told = box.tooltip or "; ".join(row.tooltip for row in box.rows if row.tooltip)
    tooltip = in_tooltip(told) if told and not paper else None
    ordering = "in" if box.ordered else None
    graph.node(box.id, table_of(rows_of(box)), tooltip=tooltip, ordering=ordering, **look)


def ground(box: Box) -> str:
    """The colour of a shaded ground, which shines through."""
    sign = POSITIVE if box.shade > 0 else NEGATIVE
    return f"{sign.light}{round(255 * SHADE * abs(box.shade)):02x}"


def _add_edge(graph: Any, edge: Edge, label: str, diagram: Diagram, paper: bool) -> None:
    """A line; what stands on it is a node of its own, so that it has one owner."""
    look = _line(edge) | {
        "id": f"{edge.tail}-{edge.head}",
        "tooltip": in_tooltip(edge.tooltip) if edge.tooltip and not paper else None,
        "minlen": f"{edge.length}" if edge.length > 1 else None,
        "arrowhead": "none" if diagram.flowing or edge.weight is not None else None,
    }
    cells = on_line(edge, paper=paper)
    if not cells:
        graph.edge(edge.tail, edge.head, **look)
        return
    graph.node(label, table_of([cells]), shape="plain", id=look["id"])
    graph.edge(edge.tail, label, **look | {"arrowhead": "none"})
    graph.edge(label, edge.head, **look)


def _line(edge: Edge) -> dict[str, str | None]:
    """The look of a line: for a weight width tells its relative size, colour and dash its sign."""
    if edge.weight is None:
        return {"style": "dotted"} if edge.dotted else {}
    look = _PLUS if edge.weight > 0 else _MINUS if edge.weight < 0 else _ZERO
    return {**look, "penwidth": f"{edge.width:.3g}"}


def in_tooltip(text: str) -> str:
    r"""The same for tooltips, which some renderers unescape twice: U+2060 keeps \ and N apart."""
    escaped: str = dot_writer().escape(text.replace("\\", "\\" + JOINER).replace("&", "&amp;"))
    return escaped
