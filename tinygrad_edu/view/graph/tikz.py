"""TikZ: a diagram for LaTeX, its boxes where a renderer puts them, its texts in LaTeX's fonts."""

import shlex
from collections.abc import Iterator
from importlib import resources
from itertools import zip_longest
from typing import Final, NamedTuple

from tinygrad_edu.text import latex_name, name_parts
from tinygrad_edu.view.base.palette import BY_NAME
from tinygrad_edu.view.base.render import render
from tinygrad_edu.view.base.svg import wrapped
from tinygrad_edu.view.base.tex import latex_page, latex_words
from tinygrad_edu.view.graph.diagram import Box, Diagram, Edge, Frame, Number
from tinygrad_edu.view.graph.dot import is_sign, middle_cut, stands_beside, to_dot

#: Pixels in an inch of the renderer, and points of print in a pixel.
_INCH, _POINT = 72.0, 0.75
#: Around a table in its box; a line of the caption, and its least width.
_INSIDE, _LINE, _CAPTION = 10.0, 13.4, 420.0
_COLOURS: Final = (
    *("zero", "wash", "press", "ink", "soft", "edge"),
    *("positive", "negative", "positive_text", "negative_text"),
)


class _Layout(NamedTuple):
    """What a renderer placed: boxes and texts on lines by their ids, lines by their ends."""

    width: float
    places: dict[str, str]
    sizes: dict[str, tuple[float, float]]
    curves: dict[tuple[str, str], list[str]]


def to_tikz(diagram: Diagram, title: str) -> str:
    """A file that pdflatex makes a page of its size of, with the diagram as a tikzpicture.

    A letter that LaTeX lacks is its number in a frame. Raises RenderError without a renderer.
    """
    layout = _layout(diagram)
    lines = [*(_node(box, layout) for box in diagram.boxes), *_bands(diagram)]
    for k, edge in enumerate(diagram.edges):
        lines += _edge(edge, f"e{k}", diagram, layout)
    sheet = resources.files("tinygrad_edu.view.graph").joinpath("tikz.tex").read_text("utf-8")
    colours = (
        rf"\definecolor{{{name}}}{{HTML}}{{{BY_NAME[name.upper()][1:].upper()}}}"
        for name in _COLOURS
    )
    lines += _caption(diagram, layout.width)
    content = ["\\begin{tikzpicture}[graph]", *lines, "\\end{tikzpicture}"]
    return latex_page(title, "\n".join(content), sheet.replace("{{colours}}", "\n".join(colours)))


def _layout(diagram: Diagram) -> _Layout:
    found = _Layout(0.0, {}, {}, {})
    for line in render(to_dot(diagram, captioned=False), "plain").decode().splitlines():
        kind, *words = shlex.split(line)
        if kind == "graph":
            found = found._replace(width=_INCH * float(words[1]))
        elif kind == "node":
            found.places[words[0]] = _point(*words[1:3])
            w, h = (_POINT * _INCH * float(x) for x in words[3:5])
            found.sizes[words[0]] = w, h
        elif kind == "edge":
            tail, head, n, *numbers = words
            points = [_point(*numbers[k : k + 2]) for k in range(0, 2 * int(n), 2)]
            bends = zip(points[1::3], points[2::3], points[3::3], strict=True)
            curve = [points[0], *(f".. controls {a} and {b} .. {c}" for a, b, c in bends)]
            found.curves.setdefault((tail, head), []).append(" ".join(curve))
    return found


def _point(x: str, y: str) -> str:
    return f"({_INCH * float(x):.1f},{_INCH * float(y):.1f})"


def _node(box: Box, layout: _Layout) -> str:
    """A box with a table: names left, numbers at its right edge, words over the whole width."""
    columns = max((len(row.numbers) for row in box.rows), default=len(box.numbers[:1]))
    title, word = box.name, box.word
    if box.rows:
        rows = [" & ".join([_name(row.name), *map(_number, row.numbers)]) for row in box.rows]
    else:
        beside = []
        if box.numbers and stands_beside(title):
            beside, title = [_name(title)], ""
        if box.numbers and is_sign(word):
            beside, word = [*beside, _soft(word)], ""
        rows = [
            f"{a} & {b}" for a, b in zip_longest(beside, map(_number, box.numbers), fillvalue="")
        ]
    head = [latex_words(middle_cut(title))] * bool(title) + [_soft(middle_cut(word))] * bool(word)
    whole = rf"\multicolumn{{{columns + 1}}}{{@{{}}l@{{}}}}"
    lines = [f"{whole}{{{' '.join(head)}}}"] * bool(head) + rows
    lines += [f"{whole}{{{_soft(detail)}}}" for detail in box.details]
    width, height = layout.sizes[box.id]
    room = f"{max(width - _POINT * _INSIDE, 1.0):.1f}bp"
    table = rf"\begin{{tabular*}}{{{room}}}{{@{{}}l@{{\extracolsep{{\fill}}}}{'r' * columns}@{{}}}}"
    content = table + " \\\\ ".join(lines) + r"\end{tabular*}" if lines else ""
    look = f"graph/{box.kind}" + ", graph/root" * box.root + ", graph/rows" * bool(box.rows)
    if box.shade:
        sign = "positive" if box.shade > 0 else "negative"
        look += f", fill={sign}!{35 * abs(box.shade):.0f}!zero"
    look += f", minimum width={width:.1f}bp, minimum height={height:.1f}bp"
    return rf"\node[{look}] ({box.id}) at {layout.places[box.id]} {{{content}}};"


def _number(number: Number) -> str:
    text = latex_words(number.text)
    if not number.back or not number.value:
        return _soft(number.text) if number.back else text
    colour = "positive_text" if number.value > 0 else "negative_text"
    return rf"\textcolor{{{colour}}}{{\textbf{{{text}}}}}"


def _edge(edge: Edge, label: str, diagram: Diagram, layout: _Layout) -> Iterator[str]:
    """A line in the renderer's curves, what stands on it between two of them."""
    look, colour = "graph/line", "soft"
    if edge.weight is not None:
        sign = "positive" if edge.weight > 0 else "negative" if edge.weight < 0 else "edge"
        width = _POINT * (0.7 + 3.3 * edge.share)
        look += f", draw={sign}, line width={width:.2f}bp" + ", dashed" * (edge.weight < 0)
        colour = f"{sign}_text" if edge.weight else "soft"
    look += ", dotted" * edge.dotted
    ends = [(edge.tail, edge.head)]
    if label in layout.places:
        ends = [(edge.tail, label), (label, edge.head)]
        roles = [_name(edge.role)] if edge.role else []
        said = " ".join([*roles, *map(_number, edge.numbers)])
        yield rf"\node[graph/tag, text={colour}] at {layout.places[label]} {{{said}}};"
    for k, pair in enumerate(ends, 1):
        headed = k == len(ends) and not diagram.flowing and edge.weight is None
        yield rf"\draw[{look}{', graph/head' * headed}] {layout.curves[pair].pop(0)};"


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


def _caption(diagram: Diagram, width: float) -> Iterator[str]:
    """The sentences below, as wide as in other pictures."""
    limit = max(width, _CAPTION)
    texts = (line for text in diagram.caption for line in wrapped(text, 11, limit))
    for k, text in enumerate(texts):
        yield rf"\node[anchor=north west] at (0,{-6 - _LINE * k:.1f}) {{{_soft(text)}}};"


def _name(name: str) -> str:
    """A name as in lectures in mathematics, another one upright."""
    return rf"\smash{{${latex_name(name)}$}}" if name_parts(name) else latex_words(name)


def _soft(text: str) -> str:
    return rf"\soft{{{latex_words(text)}}}" if text else ""
