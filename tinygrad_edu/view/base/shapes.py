"""What stands on a page of SVG: shapes and texts, what they look like, and where they are.

It knows what Graphviz and the views write: g, svg in svg, path, polygon, polyline, rect, and text
with tspans; of a style sheet the rules for a class on a light ground, its variables too.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from tinygrad_edu.view.base.svg import SVG

#: Of a screen, by the unit of a length.
_PIXELS: Final = {"": 1.0, "px": 1.0, "pt": 96 / 72, "mm": 96 / 25.4}
#: What the parts of a group have from it.
_INHERITED: Final = re.compile(r"fill(-opacity)?|stroke(-.*)?|font-.*|text-anchor")
#: Of a quarter of a circle, how far the handles of a cubic stand from its ends.
_ROUND: Final = 0.5523

Look = Mapping[str, str]
Point = tuple[float, float]


class Place(NamedTuple):
    """How points come onto the page: so many times larger, then moved."""

    scale: float
    x: float = 0.0
    y: float = 0.0

    def of(self, x: float, y: float) -> Point:
        """The point on the page."""
        return self.x + self.scale * x, self.y + self.scale * y

    def inside(self, scale: float, x: float, y: float) -> "Place":
        """That of what is so many times larger, then moved, in this place."""
        return Place(self.scale * scale, *self.of(x, y))


class Shape(NamedTuple):
    """Steps with their points: to M, along lines L, cubics C, back to the start Z.

    Lengths of its look are to be scaled.
    """

    look: Look
    scale: float
    steps: Sequence[tuple[str, Sequence[Point]]]


class Run(NamedTuple):
    """Letters of one look."""

    said: str
    look: Look

    @property
    def size(self) -> float:
        """The size of the letters, before they are scaled."""
        return float(self.look.get("font-size", "12").removesuffix("px"))

    @property
    def weight(self) -> str:
        """How they are printed: normal or bold."""
        weight = self.look.get("font-weight", "normal")
        return "bold" if weight == "bold" or (weight.isdigit() and int(weight) >= 600) else "normal"


class Text(NamedTuple):
    """Runs one after the other, that begin, end or have their middle ("start", ...) at a point."""

    runs: list[Run]
    at: Point
    anchor: str
    scale: float


class Page(NamedTuple):
    """The size of a page, its shapes and its texts, each a list of its lines, in their order."""

    width: float
    height: float
    parts: Sequence[Shape | Sequence[Text]]


def page_of(svg: str, pixel: float = 1.0) -> Page:
    """What stands in an SVG, in pixels or in parts of which a pixel has so many."""
    root = ElementTree.fromstring(svg)
    left, top, wide, high = numbers_in(root.get("viewBox", ""))
    size, unit = re.findall(r"([\d.]+)(\w*)", root.get("width", f"{wide}"))[0]
    scale = pixel * float(size) * _PIXELS[unit] / wide
    rules = _rules("".join(e.text or "" for e in root.iter(f"{SVG}style")))
    start = Place(scale).inside(1.0, -left, -top)
    return Page(scale * wide, scale * high, [*_parts(root, _look(root, {}, rules), start, rules)])


def numbers_in(text: str) -> list[float]:
    """The numbers of an attribute."""
    return [float(x) for x in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text)]


def _rules(sheet: str) -> dict[str, dict[str, str]]:
    """What a style sheet says of a class or a tag on a light ground, its variables replaced."""
    sheet = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", sheet)
    rules: dict[str, dict[str, str]] = {}
    variables: dict[str, str] = {}
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", sheet):
        for selector in selectors.split(","):
            if "[" not in selector:  # a scheme of a page
                rules.setdefault(selector.split()[-1].strip("."), {}).update(_declared(body))
                variables |= _declared(body)
    for rule in rules.values():
        for name, value in rule.items():
            rule[name] = re.sub(r"var\((--[\w-]+)\)", lambda v: variables[v[1]], value)
    return rules


def _declared(style: str) -> dict[str, str]:
    return {k: v.strip() for k, v in re.findall(r"([\w-]+)\s*:\s*([^;]+)", style)}


def _look(element: Element, around: Look, rules: Mapping[str, Look]) -> dict[str, str]:
    """The look of an element: from the group around, its attributes, the sheet, its own style."""
    look = {name: x for name, x in around.items() if _INHERITED.fullmatch(name)} | element.attrib
    for name in (element.tag.removeprefix(SVG), *element.get("class", "").split()):
        look |= rules.get(name, {})
    own = _declared(element.get("style", ""))
    look |= {name: x for name, x in own.items() if "var(" not in x}
    faint = float(around.get("opacity", "1")) * float(look.get("opacity", "1"))
    return look | {"opacity": str(faint)}


def _parts(
    parent: Element, around: Look, at: Place, rules: Mapping[str, Look]
) -> Iterator[Shape | Sequence[Text]]:
    for element in parent:
        tag, look = element.tag.removeprefix(SVG), _look(element, around, rules)
        if tag == "svg":
            left, top, width, _ = numbers_in(element.get("viewBox", ""))
            x, y = float(element.get("x", "0")), float(element.get("y", "0"))
            scale = float(element.get("width", width)) / width
            inner = at.inside(scale, x - scale * left, y - scale * top)
            yield from _parts(element, look, inner, rules)
        elif tag == "g":
            inner = at
            for name, inside in re.findall(r"(\w+)\s*\(([^)]*)\)", element.get("transform", "")):
                first, second = [*numbers_in(inside), 0.0][:2]
                if name == "translate":
                    inner = inner.inside(1.0, first, second)
                elif name == "scale":
                    inner = inner.inside(first, 0.0, 0.0)
            yield from _parts(element, look, inner, rules)
        elif tag in ("path", "polygon", "polyline", "rect"):
            steps = _rect(look) if tag == "rect" else _path(look)
            steps += [("Z", steps[0][1])] * (tag in ("rect", "polygon"))
            placed = [(kind, [at.of(*point) for point in points]) for kind, points in steps]
            yield Shape(look, at.scale, placed)
        elif tag == "text":
            yield from filter(None, [_texts(element, look, at, rules)])


def _path(look: Look) -> list[tuple[str, list[Point]]]:
    parts = re.findall(r"([MLC])([^MLC]*)", look.get("d", ""))
    found = [(kind, _points(inside)) for kind, inside in parts]
    if first := _points(look.get("points", "")):
        found = [("M", first[:1]), ("L", first[1:])]
    return found


def _points(text: str) -> list[Point]:
    numbers = numbers_in(text)
    return [*zip(numbers[::2], numbers[1::2], strict=True)]


def _rect(look: Look) -> list[tuple[str, list[Point]]]:
    """Four sides, between which corners are round."""
    x, y, width, height, r = (
        float(look.get(name, "0")) for name in ("x", "y", "width", "height", "rx")
    )
    corners = [(x, y, 1, 1), (x + width, y, -1, 1)]
    corners += [(x + width, y + height, -1, -1), (x, y + height, 1, -1)]
    steps: list[tuple[str, list[Point]]] = []
    for k, (a, b, right, down) in enumerate(corners):
        along, across = (a, b + down * r), (a + right * r, b)
        start, end = (across, along) if k % 2 else (along, across)
        steps.append(("L" if k else "M", [start]))
        if r:
            handles = [(p + _ROUND * (a - p), q + _ROUND * (b - q)) for p, q in (start, end)]
            steps.append(("C", [*handles, end]))
    return steps


def _texts(element: Element, look: Look, at: Place, rules: Mapping[str, Look]) -> list[Text]:
    """The lines of a text: a tspan with a place of its own begins one."""
    anchor, found = look.get("text-anchor", "start"), list[Text]()
    for part in (element, *element):
        own = look if part is element else _look(part, look, rules)
        if part is element or part.get("x") is not None:
            x, y = (float(part.get(name, "0")) for name in "xy")
            found.append(Text([], at.of(x, y), anchor, at.scale))
        tail = None if part is element else part.tail
        runs = (Run(part.text or "", own), Run(tail or "", look))
        found[-1].runs.extend(run for run in runs if run.said.strip())
    return [text for text in found if text.runs]
