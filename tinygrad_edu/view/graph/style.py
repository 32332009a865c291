"""The look of a drawing: shapes, colours and the layout of labels.

The hues are those of Okabe and Ito, told apart with any colour vision; kinds also differ in
corners, border and word. The ground is transparent: boxes and labels are light with dark ink,
and lines have a grey that stands out on white and on black.
"""

from collections.abc import Sequence
from typing import Final

from tinygrad_edu.view.base import palette
from tinygrad_edu.view.base.palette import BOXES, NEGATIVE, POSITIVE

_FONT: Final = "Helvetica"

FAINT, INK, LINE, PAPER = (
    palette.GRAPH_FAINT,
    palette.GRAPH_INK,
    palette.GRAPH_LINE,
    palette.GRAPH_PAPER,
)

GRAPH: Final = {
    "bgcolor": "transparent",
    "fontname": _FONT,
    "labelloc": "b",
    "nodesep": "0.2",
    "pad": "0.1",
    "ranksep": "0.35",
}
NODE: Final = {"fontcolor": INK, "fontname": _FONT, "fontsize": "12", "height": "0.3"}
EDGE: Final = {"arrowsize": "0.6", "color": LINE, "fontname": _FONT, "fontsize": "10"}


def _box(style: str, line: str, fill: str) -> dict[str, str]:
    return {
        "shape": "box",
        "style": style,
        "color": line,
        "fillcolor": fill,
        "margin": "0.07,0.03",
        "penwidth": "1.2",
    }


#: Input: sharp corners. Parameter: double border. Constant: dashed border. Result: round corners.
KINDS: Final = {
    "input": _box("filled", *BOXES["input"]),
    "parameter": _box("filled", *BOXES["parameter"]) | {"peripheries": "2"},
    "constant": _box("filled,dashed", *BOXES["constant"]),
    "result": _box("filled,rounded", *BOXES["result"]),
}
ROOT: Final = {"penwidth": "2.6"}
SIGN: Final = {
    "shape": "circle",
    "style": "filled",
    "color": LINE,
    "fillcolor": PAPER,
    "fixedsize": "true",
    "width": "0.34",
    "fontsize": "15",
}
FUNCTION: Final = {
    "shape": "ellipse",
    "style": "filled",
    "color": LINE,
    "fillcolor": PAPER,
    "margin": "0.03,0.02",
}
#: What stands for several values: a unit or a layer, and any other operations together.
BLOCKS: Final = {
    "unit": _box("filled,rounded", *BOXES["unit"]),
    "layer": _box("filled,rounded", *BOXES["unit"]) | {"peripheries": "2"},
    "group": _box("filled,rounded,dashed", *BOXES["result"]),
    "inputs": _box("filled", *BOXES["input"]) | {"peripheries": "2"},
}
#: An opened unit or layer.
CLUSTER: Final = {
    "style": "filled,rounded",
    "color": BOXES["unit"][0],
    "fillcolor": PAPER,
    "fontcolor": INK,
    "fontsize": "12",
    "labelloc": "t",
    "margin": "10",
}
_PLUS: Final = {"color": POSITIVE.light}
_MINUS: Final = {"color": NEGATIVE.light, "style": "dashed"}
_ZERO: Final = {"color": LINE, "style": "dotted"}
#: What keeps two boxes in their order.
UNSEEN: Final = {"style": "invis", "tailport": "c", "headport": "c"}
HIDDEN: Final = {
    "shape": "box",
    "style": "filled,rounded,dotted",
    "color": LINE,
    "fillcolor": PAPER,
    "fontcolor": FAINT,
    "fontsize": "10",
}


def value_label(name: str, kind: str, rows: Sequence[tuple[str, str]]) -> str:
    """A box of one to three lines: name and kind, data, grad; the texts are already escaped."""
    return box_label(name, "" if kind == "result" else kind, rows)


def box_label(
    name: str, word: str, rows: Sequence[tuple[str, str]], details: Sequence[str] = ()
) -> str:
    """Lines of a box: name and word, details, rows of a label and a number; all escaped."""
    word = f'<FONT COLOR="{FAINT}" POINT-SIZE="9">{word}</FONT>' if word else ""
    title = " ".join(part for part in (f"<B>{name}</B>" if name else "", word) if part)
    lines = [f'<TD COLSPAN="3">{title}</TD>'] if title else []
    for detail in details:
        lines.append(f'<TD COLSPAN="3"><FONT COLOR="{FAINT}" POINT-SIZE="10">{detail}</FONT></TD>')
    for what, number in rows:
        lines.append(
            f'<TD ALIGN="LEFT"><FONT COLOR="{FAINT}" POINT-SIZE="10">{what}</FONT></TD>'
            f'<TD WIDTH="8"></TD><TD ALIGN="RIGHT" WIDTH="36">{number}</TD>'
        )
    table = "".join(f"<TR>{line}</TR>" for line in lines)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{table}</TABLE>>'


def two_lines(above: str, below: str) -> str:
    """An operation with its constants under it."""
    return f'<{above}<BR/><FONT COLOR="{FAINT}" POINT-SIZE="9">{below}</FONT>>'


def edge_label(role: str, number: str) -> str:
    """A light pill with the role of an operand, a number, or both."""
    role = f'<FONT COLOR="{FAINT}"><I>{role}</I></FONT>' if role else ""
    return f"<{_pill(' '.join(part for part in (role, number) if part))}>"


def caption(lines: Sequence[str]) -> str:
    """Lines under the whole drawing."""
    text = "<BR/>".join(lines)
    faint = f'<FONT COLOR="{FAINT}" POINT-SIZE="10">{text}</FONT>'
    return f"<{_pill(faint, 6)}>"


def weight_line(w: float, largest: float, widest: float) -> dict[str, str]:
    """An edge for a weight: its width relative to the largest |w|, colour and dash its sign."""
    share = min(abs(w) / largest, 1.0) if largest and w == w else 0.0
    look = _PLUS if w > 0 else _MINUS if w < 0 else _ZERO
    return look | {"penwidth": f"{0.6 + (widest - 0.6) * share:.3g}"}


def _pill(content: str, padding: int = 3) -> str:
    return (
        f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{padding}" STYLE="ROUNDED" '
        f'BGCOLOR="{PAPER}"><TR><TD><FONT COLOR="{INK}">{content}</FONT></TD></TR></TABLE>'
    )
