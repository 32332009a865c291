"""Diagram: what a picture of a graph shows, as plain data; DOT, SVG and text are made from it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tinygrad_edu import text
from tinygrad_edu.view.base.numbers import UNKNOWN, decimal

#: What boxes of a single value are called; others stand for several values.
VALUE_KINDS: Final = ("input", "parameter", "constant", "result")
_SOURCES: Final = 4
#: The widths of the lines of no weight and of the largest.
_THINNEST, _WIDEST = 0.7, 4.0


class Number(NamedTuple):
    """A number in a box or on a line: what it is, and the number, None if it is not yet known.

    back   whether it comes back (a gradient, a delta): it has the colour of its sign
    sign   what stands before it, such as that of a product before a factor
    keyed  whether the text can be found in the SVG, under the id of the box and the label
    blank  whether it stands in a frame to write in, which is empty where the number is None
    """

    label: str
    value: float | None = None
    back: bool = False
    sign: str = ""
    keyed: bool = False
    blank: bool = False

    @property
    def text(self) -> str:
        """The number as it stands in a picture."""
        if self.value is None:
            return "" if self.blank else UNKNOWN
        return self.sign + decimal(self.value)

    @property
    def short(self) -> str:
        """The number as it stands in a text."""
        return self.text if self.value is None else text.short(self.value)

    @property
    def exact(self) -> str:
        """What it is and all its digits, for tooltips."""
        return f"{self.label} = {'not computed' if self.value is None else repr(self.value)}"


class Frame(NamedTuple):
    """What a band around several boxes is called: its title, and soft words after it."""

    title: str
    words: str = ""


def title_of(layer: str) -> str:
    """What a layer is called above what is in it: Layer 1 for layer1, other names as they are."""
    return re.sub(r"^layer ?(?=\d)", "Layer ", layer)


@dataclass
class Box:
    """A node of a diagram; all texts are cleaned, none is escaped.

    kind     one of VALUE_KINDS, "chip" (a parameter on its line), "unit", "layer", "group",
             "inputs" (several values), "hidden" (values that are left out)
    label    the name in texts, "" for what no text lists
    name     the name in the box: left of the numbers if it is short, else above them
    word     soft: the operation below a short name, else after the name
    details  lines under the name, soft
    numbers  one below the other
    rows     in place of numbers: boxes of which each is a row, a name and its numbers side by side
    made     the operation, activation or kind that it came from, in a word
    sources  labels of what it was made from
    within   the band around it
    ordered  whether the lines to it keep their order
    shade    from -1 to 1, how strong the colour of a sign is that its ground has
    id       n0, n1, ... in the order in which they were added, of each row too
    """

    kind: str
    label: str = ""
    name: str = ""
    word: str = ""
    details: Sequence[str] = ()
    numbers: Sequence[Number] = ()
    rows: Sequence["Box"] = ()
    tooltip: str = ""
    made: str = ""
    sources: Sequence[str] = ()
    root: bool = False
    within: Frame | None = None
    ordered: bool = False
    shade: float = 0.0
    id: str = ""


@dataclass
class Edge:
    """A line from one box, or a row of it, to another.

    role    what the tail is to the head, such as w[1]; the shape of what a line between layers is
    numbers what stands on the line
    weight  the weight it stands for, if any, whose sign is the colour
    share   its size against the largest, 0 to 1: its width
    length  the least distance of the two, in ranks
    dotted  whether it stands for what is left out
    full    whether it is drawn full, not faint
    lit     whether it has a halo
    below   the height at which it passes below what stands between, if anything does
    """

    tail: str
    head: str
    role: str = ""
    numbers: Sequence[Number] = ()
    tooltip: str = ""
    weight: float | None = None
    share: float = 0.0
    length: int = 1
    dotted: bool = False
    tail_row: int | None = None
    head_row: int | None = None
    full: bool = True
    lit: bool = False
    below: float | None = None

    @property
    def said(self) -> str:
        """The texts that stand on it."""
        return " ".join(text for text in (self.role, *(x.text for x in self.numbers)) if text)

    @property
    def width(self) -> float:
        """In pixels, from 0.7 to 4; 1 for what has no size."""
        sized = self.weight is not None or self.share
        return _THINNEST + (_WIDEST - _THINNEST) * self.share if sized else 1.0


@dataclass
class Diagram:
    """Boxes, sources first, the lines between them, and sentences below.

    rankdir  the way from inputs to result: "LR", "TB", "RL" or "BT"
    columns  ids of boxes that stand one under the other in this order
    flowing  whether parameters stand on their lines: no heads of arrows, ranks close together
    """

    caption: Sequence[str] = ()
    rankdir: str = "LR"
    columns: Sequence[Sequence[str]] = ()
    flowing: bool = False
    boxes: list[Box] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    count: int = 0

    def add(self, box: Box) -> Box:
        """The box, it and its rows with the next ids."""
        for part in (box, *box.rows):
            part.id = f"n{self.count}"
            self.count += 1
        self.boxes.append(box)
        return box

    def ways(self) -> dict[str, str]:
        """The keys of lines; where one comes from a chip, that of the line that leads there."""
        chips = {box.id for box in self.boxes if box.kind == "chip"}
        keys = {edge.head: f"{edge.tail}-{edge.head}" for edge in self.edges}
        ends = [(edge.tail, f"{edge.tail}-{edge.head}") for edge in self.edges]
        return {key: keys.get(tail, key) if tail in chips else key for tail, key in ends}

    def values(self) -> Iterator[Box]:
        """The boxes that a text lists, rows in place of a box that has no label."""
        for box in self.boxes:
            yield from (part for part in ([box] if box.label else box.rows) if part.label)


def table(diagram: Diagram, notes: Sequence[str] = (), most: int | None = None) -> str:
    """The diagram as lines of text, and notes below; of many values only the last are told.

    Of values: name, how made, data, grad; else name, what it shows, what it was made from.
    """
    values = list(diagram.values())
    total = len(values)
    if all(box.kind in VALUE_KINDS or box.kind == "chip" for box in values):
        boxes = values if most is None else values[-most:]
        rows = [("name", "made by", "data", "grad"), *map(_value, boxes)]
    else:
        boxes = values
        rows = [("name", "shows", "made from"), *map(_block, boxes)]
    hidden = total - len(boxes)
    counted = f"({hidden:,} value{'s' * (hidden > 1)} before these left out)"
    return "\n".join([text.table(rows, left=len(rows[0])), *[counted] * bool(hidden), *notes])


def _value(box: Box) -> tuple[str, ...]:
    made = f"{box.made}({_few(box.sources)})" if box.kind == "result" else box.made
    data, grad, *_ = [*(number.short for number in box.numbers), ""]
    return box.label, made, data, grad


def _block(box: Box) -> tuple[str, ...]:
    of_rows = [f"{row.name} {x.short}" for row in box.rows for x in row.numbers]
    numbers = [f"{x.label} {x.short}" for x in box.numbers]
    parts = [box.made, *box.details, *of_rows, *numbers]
    return box.label, ", ".join(part for part in parts if part), _few(box.sources)


def _few(names: Sequence[str]) -> str:
    return ", ".join([*names[:_SOURCES], *["…"] * (len(names) > _SOURCES)])
