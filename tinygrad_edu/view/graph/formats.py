"""A drawing as the program of another language: TikZ for LaTeX, Mermaid for pages of Markdown."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from tinygrad_edu.files import packaged
from tinygrad_edu.view.base.palette import (
    EDGE,
    INK,
    NAMES,
    NEGATIVE,
    POSITIVE,
    PRESS,
    WASH,
    ZERO,
)
from tinygrad_edu.view.base.shapes import Run, Shape, Text, numbers_in, page_of
from tinygrad_edu.view.base.tex import latex_page, latex_words
from tinygrad_edu.view.graph.board.columns import Card
from tinygrad_edu.view.graph.diagram import Box, Diagram, Edge
from tinygrad_edu.view.graph.dot import ground

#: Points of print in a pixel, for letters with indices, which stand closer.
_POINT, _LETTER = 0.75, 0.66
_ANCHORS: Final = {"start": "base west", "middle": "base", "end": "base east"}
_SHAPES: Final = {"input": ("[", "]"), "inputs": ("[", "]"), "hidden": ("[", "]")}
#: More lines than this between two boxes are one.
_FEW: Final = 3
_ROUND: Final = ("(", ")")
_GREY: Final = f"fill:{PRESS.light},stroke:{PRESS.light},color:{INK.light}"
_PAPER: Final = f"fill:{ZERO.light},stroke:{EDGE.light},color:{INK.light}"
_BAND: Final = f"fill:{WASH.light},stroke:{WASH.light},color:{INK.light}"


def to_tikz(svg: str, title: str) -> str:
    """A file that pdflatex makes a page of its size of, with the picture as a tikzpicture.

    Texts are in the fonts of LaTeX; a letter that it lacks is its number in a frame.
    """
    lines: list[str] = []
    for part in page_of(svg).parts:
        lines += [_drawn(part)] if isinstance(part, Shape) else _written(part)
    colours = (
        rf"\definecolor{{{name}}}{{HTML}}{{{colour[1:].upper()}}}" for colour, name in NAMES.items()
    )
    preamble = packaged("view/graph/tikz.tex").replace("{{colours}}", "\n".join(colours))
    content = [r"\begin{tikzpicture}[svg]", *lines, r"\end{tikzpicture}"]
    return latex_page(title, "\n".join(content), preamble)


def _drawn(shape: Shape) -> str:
    """A shape, what is faint in a paler colour."""
    colours = {"fill": _colour(shape, "fill"), "draw": _colour(shape, "stroke")}
    look = [f"{name}={colour}" for name, colour in colours.items() if colour]
    if shape.look.get("stroke-dasharray", "none") != "none":
        on, off = (_POINT * x for x in numbers_in(shape.look["stroke-dasharray"])[:2])
        look.append(f"dash pattern=on {on:.2f}bp off {off:.2f}bp")
    width = _POINT * shape.scale * float(shape.look.get("stroke-width", "1"))
    path = ""
    for kind, points in shape.steps:
        places = [f"({x:.1f},{y:.1f})" for x, y in points]
        if kind == "C":
            bends = zip(places[::3], places[1::3], places[2::3], strict=True)
            path += "".join(f" .. controls {a} and {b} .. {c}" for a, b, c in bends)
        else:
            path += " -- cycle" if kind == "Z" else " -- ".join([*[""] * (kind == "L"), *places])
    look.append(f"line width={width:.2f}bp")
    return rf"\path[{', '.join(look)}] {path};"


def _colour(shape: Shape, name: str) -> str:
    colour = NAMES.get(shape.look.get(name, ""), "")
    alpha = float(shape.look.get(f"{name}-opacity", "1")) * float(shape.look["opacity"])
    return colour and (f"{colour}!{100 * alpha:.0f}!zero" if alpha < 1 else colour)


def _written(texts: Sequence[Text]) -> Iterator[str]:
    """Lines of a text; a letter with its indices is one of mathematics."""
    name, *indices = texts
    first = name.runs[0]
    if first.look.get("font-style") == "italic":
        signs = ("^" if index.at[1] < name.at[1] else "_" for index in indices)
        said = (latex_words(index.runs[0].said) for index in indices)
        raised = "".join(f"{sign}{{{text}}}" for sign, text in zip(signs, said, strict=True))
        yield _node(name, _run(first, f"${first.said}{raised}$", _LETTER))
        return
    for text in texts:
        yield _node(text, "".join(_run(run, latex_words(run.said)) for run in text.runs))


def _node(text: Text, said: str) -> str:
    x, y = text.at
    return rf"\node[anchor={_ANCHORS[text.anchor]}] at ({x:.1f},{y:.1f}) {{{said}}};"


def _run(run: Run, said: str, point: float = _POINT) -> str:
    said = rf"\textbf{{{said}}}" if run.weight == "bold" else said
    colour = NAMES.get(run.look.get("fill", ""), "ink")
    return rf"\said{{{colour}}}{{{point * run.size:.2f}}}{{{said}}}"


def to_mermaid(diagram: Diagram, title: str) -> str:
    """A flowchart: boxes with their names and numbers, lines with what stands on them.

    Where the boxes stand is decided by who draws it. Colours are those of a light ground; the
    caption is part of the title.
    """
    head = json.dumps(" ".join([f"{title}.", *diagram.caption]), ensure_ascii=False)
    lines = ["---", f"title: {head}", "---", f"flowchart {diagram.rankdir}"]
    frames = [frame for frame in dict.fromkeys(box.within for box in diagram.boxes) if frame]
    lines += [_box(box) for box in diagram.boxes if not box.within]
    for k, frame in enumerate(frames):
        lines.append(f'subgraph f{k}["{_text(" ".join(frame).strip())}"]')
        lines += [*(_box(box) for box in diagram.boxes if box.within == frame), "end"]
    lines += [f"style f{k} {_BAND}" for k in range(len(frames))]
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
