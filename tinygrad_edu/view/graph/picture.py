"""From a diagram to SVG: what a renderer placed, with the texts where they are to stand.

The renderer's SVG gives places. Then one unit is one pixel; colours are classes, so that a dark
ground has its own, and attributes, for readers without style sheets; numbers end at the right edge
of their cells; names are letters with indices; the caption stands below.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from tinygrad_edu.files import packaged
from tinygrad_edu.text import name_parts
from tinygrad_edu.view.base.palette import END, MIDDLE, NAMES, NOW, SOFT, styled
from tinygrad_edu.view.base.render import RenderError, render
from tinygrad_edu.view.base.svg import (
    FITTING,
    ITALIC,
    LINK,
    SVG,
    formula_width,
    parsed,
    pieces,
    room,
    size_of,
    words,
    wrapped,
)
from tinygrad_edu.view.graph.board.curves import Spot, curves
from tinygrad_edu.view.graph.diagram import Diagram, Edge
from tinygrad_edu.view.graph.dot import to_dot

#: The attribute that holds the key of a box (n3), of a line (n1-n3) and of a number (n3.data).
KEY: Final = "data-key"
#: The column of a notebook, in pixels: a picture that is no wider is made smaller in less room.
WIDEST: Final = 700
CLASS: Final = "tge-graph"
#: From the middle of a cell down to the line that a text stands on.
_BASELINE: Final = 4.2
#: Of the caption: its size, from line to line, the least width that it is wrapped to.
_SIZE, _LEADING, _NARROWEST = 11, 14.0, 290.0
#: Of the width of the picture, and the margin.
_WIDE, _EDGE = 0.8, 5.0


@dataclass
class Picture:
    """A drawing in the making: the SVG element, the group it is drawn in, the place of each box."""

    root: Element
    canvas: Element
    spots: dict[str, Spot]


def picture(diagram: Diagram, *, paper: bool = False) -> Element:
    """The diagram as SVG, with keys; raises RenderError without a renderer.

    It is to be finished by `inline`. On `paper` it has neither classes nor a style sheet.
    """
    return finished(placed(diagram, paper=paper).root, diagram.caption, paper=paper)


def finished(root: Element, caption: Sequence[str], *, paper: bool = False) -> Element:
    """A picture with its caption, its style sheet and its classes."""
    _caption(root, caption)
    if size_of(root)[0] <= WIDEST:  # a wider one can be scrolled
        root.set("style", FITTING)
    if not paper:
        root.set("class", CLASS)
        style = Element(f"{SVG}style")
        style.text = _sheet()
        root.insert(0, style)
        for element in root.iter():
            _classify(element)
    return root


def lit(group: Element, key: str) -> Iterator[Element]:
    """The violet ring around a box, or the halos of the lines of a group."""
    is_line = "-" in key
    shapes = [e for e in group.iter() if e.tag in (f"{SVG}path", f"{SVG}polygon")]
    for shape in [e for e in shapes if e.get("fill") == "none"] if is_line else shapes[:1]:
        lit = deepcopy(shape)
        lit.attrib.pop("stroke-dasharray", None)
        look = {"class": "s-now", "fill": "none", "stroke": NOW.light, "stroke-width": "2.5"}
        if is_line:
            width = float(shape.get("stroke-width", "1")) + 7
            look |= {"stroke-width": f"{width:g}", "stroke-opacity": "0.28"}
        lit.attrib.update(look)
        yield lit


def placed(diagram: Diagram, *, paper: bool = False) -> Picture:
    """What the renderer made of the diagram, cells replaced by their texts."""
    root = parsed(render(to_dot(diagram, paper=paper, captioned=False)))
    for side in ("width", "height"):
        root.set(side, root.get(side, "").removesuffix("pt"))
    canvas = root.find(f"{SVG}g")
    if canvas is None:
        raise RenderError("the renderer's SVG has no picture in it")
    for ground in canvas.findall(f"{SVG}polygon"):
        canvas.remove(ground)
    spots: dict[str, Spot] = {}
    keys: set[str] = set()
    names: dict[Element, str] = {}
    for group in canvas:
        names[group] = name = group.findtext(f"{SVG}title", "")
        kind = group.get("class")
        group.set(KEY, name if kind == "node" else group.get("id", ""))
        if kind == "node":
            spots[name] = _spot(group)
        keys |= _texts(group, spots.get(name))
    missing = {
        f"{box.id}.{number.label}"
        for box in diagram.values()
        for number in box.numbers
        if number.keyed
    } - keys
    if missing:
        raise RenderError(f"the renderer's SVG has no place for the number {min(missing)}")
    if diagram.flowing and diagram.rankdir == "LR":
        _bend([group for group in canvas if group.get("class") == "edge"], names, spots)
    return Picture(root, canvas, spots)


def _bend(
    groups: Sequence[Element], names: Mapping[Element, str], spots: Mapping[str, Spot]
) -> None:
    """Lines with level ends in place of those of the renderer, but for what they would cross."""
    ends = (names[group].split("->") for group in groups)
    lines = [Edge(tail, head) for tail, head in ends]
    for group, curve in zip(groups, curves(lines, spots), strict=True):
        others = [s for n, s in spots.items() if n not in (curve.line.tail, curve.line.head)]
        points = [curve.at(k / 20) for k in range(21)]
        if any(s.left < x < s.right and s.top < y < s.bottom for s in others for x, y in points):
            continue
        first, *rest = (f"{x:.2f},{y:.2f}" for x, y in curve.path())
        for path in group.iter(f"{SVG}path"):
            path.set("d", f"M{first}C{' '.join(rest)}")


@cache
def _sheet() -> str:
    return styled(packaged("view/graph/picture.css"))


def _corners(element: Element) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the points of a shape."""
    points = re.findall(r"(-?[\d.]+),(-?[\d.]+)", element.get("points") or element.get("d") or "")
    x, y = ([float(point[k]) for point in points] or [0.0] for k in (0, 1))
    return min(x), min(y), max(x), max(y)


def _spot(group: Element) -> Spot:
    shapes = [e for e in group.iter() if e.tag in (f"{SVG}polygon", f"{SVG}path")]
    corners = [_corners(shape) for shape in shapes] or [(0.0, 0.0, 0.0, 0.0)]
    left, top, right, bottom = zip(*corners, strict=True)
    return Spot(min(left), min(top), max(right), max(bottom))


def _texts(group: Element, spot: Spot | None) -> set[str]:
    """Put the texts of a group where they are to stand; the keys of those that have one."""
    parents = {child: parent for parent in group.iter() for child in parent}
    cell: tuple[str, float, float, float] | None = None
    last: Element | None = None
    keys = set()
    for element in list(parents):
        if element.tag != f"{SVG}text":
            fill = element.get("fill")
            if fill in (END, MIDDLE):
                left, top, right, bottom = _corners(element)
                cell = fill, left, right, (top + bottom) / 2
                if spot and (not spot.rows or abs(spot.rows[-1] - cell[3]) > _BASELINE):
                    spot.rows.append(cell[3])
                parents[element].remove(element)
            continue
        is_name = element.get("font-style") == "italic"
        _plain(element)
        if cell:
            fill, left, right, middle = cell
            element.set("text-anchor", "end" if fill == END else "middle")
            element.set("x", f"{right if fill == END else (left + right) / 2:.2f}")
            element.set("y", f"{middle + _BASELINE:.2f}")
        elif last is not None and last.get("y") == element.get("y"):
            _join(last, element)
            parents[element].remove(element)
            continue
        if is_name:
            typeset(element)
        link = parents[element]
        key = link.get(f"{LINK}href", "").removeprefix("#")
        if key:  # the text in place of its link
            element.set(KEY, key)
            keys.add(key)
            around = parents[link]
            parents[around][list(parents[around]).index(around)] = element
        last, cell = (None if cell else element), None
    return keys


def _plain(element: Element) -> None:
    """Take from a text of the renderer what is the same in all, or decided here."""
    for name in ("font-family", "font-style", "{http://www.w3.org/XML/1998/namespace}space"):
        element.attrib.pop(name, None)
    if element.get("font-weight") == "bold":
        element.set("font-weight", "600")
    element.set("font-size", f"{float(element.get('font-size', '12')):g}")


def _join(first: Element, second: Element) -> None:
    """Texts of one line become one, without a gap or an overlap in other fonts."""
    part = SubElement(first, f"{SVG}tspan", {"font-weight": "400", **_look(second)})
    part.text = second.text


def _look(element: Element) -> dict[str, str]:
    return {k: v for k, v in element.attrib.items() if k in ("fill", "font-weight", "font-size")}


def name_width(name: str, size: float) -> float:
    """The width of a name as it is typeset, or what it needs as a text."""
    return room(name, size) if name_parts(name) is None else formula_width(name, size)


def typeset(element: Element) -> None:
    """A name such as z1[2] as a letter with (1) above and 2 below."""
    name, size = element.text or "", float(element.get("font-size", "13"))
    if name_parts(name) is None:
        return
    x, y = float(element.get("x", "0")), float(element.get("y", "0"))
    shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[element.attrib.pop("text-anchor", "start")]
    x -= shift * formula_width(name, size)
    element.set("x", f"{x:.2f}")
    element.text = ""
    for piece, dx, dy, own, is_letter in pieces(name, size):
        at = {"x": f"{x + dx:.2f}", "y": f"{y + dy:.2f}", "font-size": f"{own:.1f}"}
        SubElement(element, f"{SVG}tspan", at | (ITALIC if is_letter else {})).text = piece


def _caption(root: Element, sentences: Sequence[str]) -> None:
    """The sentences below the picture, at the left, at most four fifths of its width."""
    width, height = size_of(root)
    limit = max(_WIDE * width, _NARROWEST)
    lines = [line for sentence in sentences for line in wrapped(sentence, _SIZE, limit)]
    if lines:
        below = SubElement(root, f"{SVG}g", {"class": "caption"})
        for k, line in enumerate(lines, 1):
            look = {"font_size": f"{_SIZE}", "fill": SOFT.light}
            below.append(words(line, _EDGE, height + k * _LEADING, **look))
        width = max(width, *(2 * _EDGE + room(line, _SIZE) for line in lines))
        height += _LEADING * len(lines) + _EDGE
    for side, size in (("width", width), ("height", height)):
        root.set(side, f"{size:.0f}")
    root.set("viewBox", f"0 0 {width:.0f} {height:.0f}")


def _classify(element: Element) -> None:
    """The class of the colours of an element."""
    classes = [
        prefix + NAMES[colour]
        for name, prefix in (("fill", ""), ("stroke", "s-"))
        if (colour := element.get(name, "")) in NAMES
    ]
    if element.tag == f"{SVG}g" or not classes:
        return
    element.set("class", " ".join(classes))
