"""Diagram: what a picture of a graph shows, as plain data; DOT, SVG and text are made from it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tinygrad_edu import text

#: What boxes of a single value are called; those of an operation have no label, and others stand
#: for several values.
VALUE_KINDS: Final = ("input", "parameter", "constant", "result")
_SOURCES: Final = 4


class Row(NamedTuple):
    """A number in a box or on a line: what it is, and its text.

    exact  the number with all its digits, for tooltips
    keyed  whether the text can be found in the SVG, under the id of the box and the label
    blank  whether it stands in a frame to write in, which may be empty
    """

    label: str
    text: str
    exact: str = ""
    keyed: bool = False
    blank: bool = False


@dataclass
class Box:
    """A node of a diagram; all texts are cleaned, none is escaped.

    kind     one of VALUE_KINDS, "sign" or "function" (an operation), "unit", "layer", "group",
             "inputs" (several values), "hidden" (values that are left out)
    label    the name in texts, "" for what no text lists
    name     the name in the box, or the sign of an operation
    word     beside the name, faint
    details  lines under the name, faint
    made     the operation, activation or kind that it came from, in a word
    sources  labels of what it was made from
    within   titles of the frames around it, from outside
    ordered  whether the lines to it keep their order
    id       n0, n1, ... in the order in which they were added
    """

    kind: str
    label: str = ""
    name: str = ""
    word: str = ""
    details: Sequence[str] = ()
    rows: Sequence[Row] = ()
    tooltip: str = ""
    made: str = ""
    sources: Sequence[str] = ()
    root: bool = False
    within: tuple[str, ...] = ()
    ordered: bool = False
    id: str = ""


@dataclass
class Edge:
    """A line from one box to another.

    role    what the tail is to the head, such as w[1]
    rows    the numbers that stand on the line
    weight  the weight it stands for, if any, and `share`, its size against the largest, 0 to 1
    dotted  whether it stands for what is left out
    loose   whether it leaves the boxes where they are
    """

    tail: str
    head: str
    role: str = ""
    rows: Sequence[Row] = ()
    tooltip: str = ""
    weight: float | None = None
    share: float = 0.0
    dotted: bool = False
    loose: bool = False


@dataclass
class Diagram:
    """Boxes, sources first, the lines between them, and lines of words below.

    rankdir  the way from inputs to result: "LR", "TB", "RL" or "BT"
    columns  ids of boxes that stand one under the other in this order
    crowded  whether there are too many lines for numbers: they run straight, far apart
    """

    caption: Sequence[str] = ()
    rankdir: str = "LR"
    columns: Sequence[Sequence[str]] = ()
    crowded: bool = False
    boxes: list[Box] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    def add(self, box: Box) -> Box:
        """The box, with the next id."""
        box.id = f"n{len(self.boxes)}"
        self.boxes.append(box)
        return box


def table(diagram: Diagram, notes: Sequence[str] = (), most: int | None = None) -> str:
    """The diagram as lines of text, and notes below; of many values only the last are told.

    Of values: name, how made, data, grad; else name, what it shows, what it was made from.
    """
    boxes = [box for box in diagram.boxes if box.label]
    total = len(boxes)
    if all(box.kind in VALUE_KINDS for box in boxes):
        boxes = boxes if most is None else boxes[-most:]
        rows = [("name", "made by", "data", "grad"), *map(_value, boxes)]
    else:
        rows = [("name", "shows", "made from"), *map(_block, boxes)]
    hidden = total - len(boxes)
    counted = f"({hidden:,} value{'s' * (hidden > 1)} before these left out)"
    return "\n".join([text.table(rows, left=len(rows[0])), *[counted] * bool(hidden), *notes])


def _value(box: Box) -> tuple[str, ...]:
    made = f"{box.made}({_few(box.sources)})" if box.kind == "result" else box.made
    data, grad, *_ = [*(row.text for row in box.rows), ""]
    return box.label, made, data, grad


def _block(box: Box) -> tuple[str, ...]:
    parts = [box.made, *box.details, *(f"{row.label} {row.text}" for row in box.rows)]
    return box.label, ", ".join(part for part in parts if part), _few(box.sources)


def _few(names: Sequence[str]) -> str:
    return ", ".join([*names[:_SOURCES], *["…"] * (len(names) > _SOURCES)])
