"""Mermaid: a diagram as the text that Markdown pages draw themselves, GitHub's too."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

from tinygrad_edu.view.base.palette import EDGE, INK, NEGATIVE, POSITIVE, PRESS, WASH, ZERO
from tinygrad_edu.view.graph.board.columns import Card
from tinygrad_edu.view.graph.diagram import Box, Diagram, Edge, Frame
from tinygrad_edu.view.graph.dot import ground

_SHAPES: Final = {"input": ("[", "]"), "inputs": ("[", "]"), "hidden": ("[", "]")}
#: More lines than this between two boxes are one.
_FEW: Final = 3
_ROUND: Final = ("(", ")")
_GREY: Final = f"fill:{PRESS.light},stroke:{PRESS.light},color:{INK.light}"
_PAPER: Final = f"fill:{ZERO.light},stroke:{EDGE.light},color:{INK.light}"
_BAND: Final = f"fill:{WASH.light},stroke:{WASH.light},color:{INK.light}"


def to_mermaid(diagram: Diagram, title: str) -> str:
    """A flowchart: boxes with their names and numbers, lines with what stands on them.

    Where the boxes stand is decided by who draws it. Colours are those of a light ground; the
    caption is part of the title.
    """
    head = json.dumps(" ".join([f"{title}.", *diagram.caption]), ensure_ascii=False)
    lines = ["---", f"title: {head}", "---", f"flowchart {diagram.rankdir}"]
    places: dict[tuple[Frame, ...], int] = {}
    for box in diagram.boxes:
        for n in range(len(box.within)):
            places.setdefault(box.within[: n + 1], len(places))
    around: tuple[Frame, ...] = ()
    for box in [*sorted(diagram.boxes, key=lambda box: places.get(box.within, -1)), Box("")]:
        pairs = [*zip_longest(around, box.within)]
        shared = next((k for k, (a, b) in enumerate(pairs) if a != b), len(pairs))
        lines += ["end"] * (len(around) - shared)
        for n in range(shared, len(box.within)):
            frame = f"f{places[box.within[: n + 1]]}"
            lines += [f'subgraph {frame}["{_text(" ".join(box.within[n]).strip())}"]']
        around = box.within
        lines += [_box(box)] * bool(box.kind)
    lines += [f"style f{k} {_BAND}" for k in places.values()]
    edges = _bundled(diagram.edges)
    lines += map(_edge, edges)
    for k, edge in enumerate(edges):
        if edge.weight:
            colour = POSITIVE if edge.weight > 0 else NEGATIVE
            look = f"stroke:{colour.light},stroke-width:{edge.width:.1f}px"
            lines.append(f"linkStyle {k} {look}" + ",stroke-dasharray:5" * (edge.weight < 0))
    for name, look, grey in (("paper", _PAPER, False), ("grey", _GREY, True)):
        kinds = [box.id for box in diagram.boxes if (box.kind in ("parameter", "chip")) == grey]
        if kinds:
            lines += [f"classDef {name} {look}", f"class {','.join(kinds)} {name}"]
    lines += [f"style {box.id} fill:{ground(box)}" for box in diagram.boxes if box.shade]
    roots = [box.id for box in diagram.boxes if box.root]
    lines += [f"style {root} stroke:{INK.light},stroke-width:2px" for root in roots]
    return "\n".join(lines) + "\n"


def _bundled(edges: Sequence[Edge]) -> list[Edge]:
    """The lines, those of many weights between the same two boxes as one."""
    many = Counter((edge.tail, edge.head) for edge in edges if edge.weight is not None)
    found = [e for e in edges if e.weight is None or many[e.tail, e.head] <= _FEW]
    return found + [Edge(*ends, role=f"{n:,} weights") for ends, n in many.items() if n > _FEW]


def _box(box: Box) -> str:
    head = " ".join(part for part in (box.name, box.word) if part)
    rows = [" ".join([row.name, *(x.text for x in row.numbers)]) for row in box.rows]
    said = [*rows, *(x.text for x in box.numbers), *box.details]
    if isinstance(box, Card):
        said = [" ".join(cell.said for cell in row) for row in box.cells]
        head = "" if any(line.startswith(f"{box.name} ") for line in said) else head
    lines = [line for line in (head, *said) if line.strip()]
    opening, closing = _SHAPES.get(box.kind, _ROUND)
    return f'{box.id}{opening}"{"<br/>".join(map(_text, lines))}"{closing}'


def _edge(edge: Edge) -> str:
    line = "-.->" if edge.dotted else "---" if edge.weight is not None else "-->"
    return (
        f"{edge.tail} {line}" + (f'|"{_text(edge.said)}"|' if edge.said else "") + f" {edge.head}"
    )


def _text(text: str) -> str:
    """A text in quotes: everything but letters, digits and spaces as its number."""
    return "".join(c if c.isalnum() or c in " .,_" else f"#{ord(c)};" for c in text)
