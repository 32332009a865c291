"""Where the texts and boxes of an SVG stand, in the fonts that readers have, and what collides.

`faults(svg, font)` lists in sentences: texts over texts, texts over the edge of a box, lines
through texts, boxes over boxes, what is cut by the edge of the picture, texts too small to read, a
picture wider than a column of a page. An empty list means that it can be read. By hand:

    python -m tests.boxes picture.svg [...]
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple
from unicodedata import east_asian_width
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
from matplotlib.ft2font import FT2Font

SVG = "{http://www.w3.org/2000/svg}"
#: Pixels of the column of a notebook, and of the smallest text; an index may be smaller.
COLUMN, SMALLEST = 700.0, 10.9
#: What two things may share, in pixels, before it counts as a collision; a letter and its own
#: index, which stands under its slant, share more.
SLACK, TOUCH = 0.6, 2.0
#: A box holds a text of one letter at least; arrow heads and cells of maps do not.
LEAST = 11.0
PIXELS = {"": 1.0, "px": 1.0, "pt": 96 / 72, "mm": 96 / 25.4, "in": 96.0}
#: Below this opacity a line is a shade behind the text.
FAINT = 0.35

#: The fonts of readers, narrowest first: files of matplotlib by family, weight and slant. Arial and
#: Liberation are as wide as Helvetica. A letter that the first lacks is taken from DejaVu.
FONTS = {
    "Helvetica": {
        "sans": ("phvr8a", "phvb8a", "phvro8a"),
        "serif": ("ptmr8a", "ptmb8a", "ptmri8a"),
        "mono": ("pcrr8a", "pcrb8a", "pcrro8a"),
    },
    "DejaVu": {
        "sans": ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique"),
        "serif": ("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic"),
        "mono": ("DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique"),
    },
}


class Glyph(NamedTuple):
    """Advance and ink above and below the line, for a size of 1."""

    width: float
    above: float
    below: float


@cache
def _afm(name: str) -> dict[str, Glyph]:
    path = resources.files("matplotlib") / "mpl-data" / "fonts" / "afm" / f"{name}.afm"
    row = r"C (\d+) ; WX (\d+) ; N \w+ ; B (-?\d+) (-?\d+) (-?\d+) (-?\d+)"
    found = re.findall(row, path.read_text("latin-1"))
    return {
        chr(int(code)): Glyph(int(w) / 1000, int(top) / 1000, -int(bottom) / 1000)
        for code, w, _, bottom, _, top in found
        if chr(int(code)).isascii()
    }


@cache
def _ttf(name: str) -> FT2Font:
    path = resources.files("matplotlib") / "mpl-data" / "fonts" / "ttf" / f"{name}.ttf"
    font = FT2Font(str(path))
    font.set_size(100, 72)
    return font


@cache
def glyph(font: str, family: str, style: int, letter: str) -> Glyph:
    """A letter in one of FONTS; `style` is 0 for upright, 1 for bold, 2 for italic."""
    name = FONTS[font][family][style]
    if not name.startswith("DejaVu"):
        own = _afm(name).get(letter)
        return own or glyph("DejaVu", family, style, letter)
    if not _ttf(name).get_char_index(ord(letter)):  # a square of another font
        return Glyph(1.0 if east_asian_width(letter) in "WF" else 0.7, 0.9, 0.2)
    drawn = _ttf(name).load_char(ord(letter))
    _, bottom, _, top = drawn.bbox
    return Glyph(drawn.linearHoriAdvance / 6553600, top / 6400, -bottom / 6400)


class Box(NamedTuple):
    """A rectangle around something, in pixels of the picture."""

    left: float
    top: float
    right: float
    bottom: float

    def within(self, other: "Box", slack: float = SLACK) -> bool:
        return (
            other.left - slack <= self.left
            and self.right <= other.right + slack
            and other.top - slack <= self.top
            and self.bottom <= other.bottom + slack
        )

    def shared(self, other: "Box") -> float:
        """The smaller side of what both cover, 0 if they are apart."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(min(wide, high), 0.0)


class Text(NamedTuple):
    """A run of letters; those of one <text> have one owner. `size` is in pixels.

    A halo in the colour of the ground keeps the line that a text stands on away from it.
    """

    said: str
    box: Box
    size: float
    owner: int
    index: bool
    halo: bool


class Shape(NamedTuple):
    """A closed shape or a line: its points, whether it hides what was painted before."""

    box: Box
    points: np.ndarray
    order: int
    closed: bool
    hides: bool
    seen: bool
    width: float


class Picture(NamedTuple):
    """What stands in an SVG, in pixels."""

    width: float
    height: float
    texts: list[Text]
    shapes: list[Shape]


def read(svg: str, font: str = "Helvetica") -> Picture:
    """The texts and shapes of an SVG, as a reader with this font sees them."""
    root = ElementTree.fromstring(svg)
    rules = _rules("".join(e.text or "" for e in root.iter(f"{SVG}style")))
    box = _numbers(root.get("viewBox", "0 0 1 1"))
    sides = [re.fullmatch(r"([\d.]+)([a-z]*)", root.get(s, "")) for s in ("width", "height")]
    width, height = (
        float(s[1]) * PIXELS[s[2]] if s else n for s, n in zip(sides, box[2:], strict=True)
    )
    reader = _Reader(font, rules)
    scale = width / box[2]
    at = np.array([[scale, 0, -scale * box[0]], [0, scale, -scale * box[1]], [0, 0, 1]])
    reader.walk(root, at, {"font-size": "16"})
    return Picture(width, height, reader.texts, reader.shapes)


class _Reader:
    """Goes through the elements with the transformation and the look that they inherit."""

    def __init__(self, font: str, rules: Sequence[tuple[str, Mapping[str, str]]]) -> None:
        self.font, self.rules = font, rules
        self.texts: list[Text] = []
        self.shapes: list[Shape] = []
        self.order = 0

    def look(self, element: Element, inherited: Mapping[str, str]) -> dict[str, str]:
        """Attributes, then rules for the tag and its classes, then the element's own style."""
        own = dict(element.attrib)
        names = {"." + name for name in own.get("class", "").split()}
        for selector, rule in self.rules:
            if selector in names or selector == element.tag.removeprefix(SVG):
                own.update(rule)
        own.update(_declared(own.get("style", "")))
        passed = {k: v for k, v in inherited.items() if k in _INHERITED}
        return passed | own

    def walk(self, parent: Element, at: np.ndarray, look: Mapping[str, str]) -> None:
        look = self.look(parent, look)
        for element in parent:
            tag = element.tag.removeprefix(SVG)
            if tag in ("style", "title", "desc", "defs", "clipPath", "marker", "symbol"):
                continue
            self.order += 1
            own = self.look(element, look)
            if own.get("display") == "none" or own.get("visibility") == "hidden":
                continue
            placed = at @ _matrix(own.get("transform", ""))
            if tag == "svg":
                x, y, wide, _ = _numbers(element.get("viewBox", "0 0 1 1"))
                scale = float(element.get("width", wide)) / wide
                dx, dy = float(element.get("x", 0)), float(element.get("y", 0))
                inner = np.array(
                    [[scale, 0, dx - scale * x], [0, scale, dy - scale * y], [0, 0, 1]]
                )
                self.walk(element, at @ inner, look)
            elif tag in ("g", "a"):
                self.walk(element, placed, look)
            elif tag == "text":
                self.text(element, placed, own)
            elif tag in _SHAPES:
                self.shape(element, tag, placed, own)

    def shape(self, element: Element, tag: str, at: np.ndarray, look: Mapping[str, str]) -> None:
        points, closed = _SHAPES[tag](element)
        if not len(points):
            return
        fill = look.get("fill", "black")
        closed = (closed or fill != "none") and tag not in ("line", "polyline")
        opacity = float(look.get("opacity", 1)) * float(look.get("stroke-opacity", 1))
        filled = fill not in ("none", "transparent") and float(look.get("fill-opacity", 1)) > 0.9
        drawn = look.get("stroke", "none") not in ("none", "transparent") and opacity > FAINT
        placed = (np.c_[points, np.ones(len(points))] @ at.T)[:, :2]
        (left, top), (right, bottom) = placed.min(axis=0), placed.max(axis=0)
        box = Box(left, top, right, bottom)
        hides, width = closed and filled, float(look.get("stroke-width", 1))
        self.shapes.append(Shape(box, placed, self.order, closed, hides, drawn or hides, width))

    def text(self, element: Element, at: np.ndarray, look: Mapping[str, str]) -> None:
        runs: list[tuple[str, Mapping[str, str], list[float | None]]] = []
        self._runs(element, look, runs, first=True)
        if not any(said.strip() for said, _, _ in runs):
            return
        fixed = element.get("textLength")
        natural = sum(self._size(said, own)[0] for said, own, _ in runs)
        stretch = float(fixed) / natural if fixed and natural else 1.0
        chunks: list[list[tuple[str, Mapping[str, str], list[float | None]]]] = []
        for run in runs:
            if run[2][0] is not None or not chunks:
                chunks.append([])
            chunks[-1].append(run)
        x = y = 0.0
        scale = float(np.hypot(at[0, 0], at[1, 0]))
        for chunk in chunks:
            width = sum(stretch * self._size(said, own)[0] for said, own, _ in chunk)
            x = chunk[0][2][0] if chunk[0][2][0] is not None else x
            x -= {"end": width, "middle": width / 2}.get(look.get("text-anchor", ""), 0.0)
            for said, own, (_, new_y, dx, dy) in chunk:
                y = y if new_y is None else new_y
                x, y = x + (dx or 0), y + (dy or 0)
                wide, above, below = self._size(said, own)
                size = float(own["font-size"].removesuffix("px"))
                if said.strip():
                    edges = (x, x + stretch * wide), (y - above, y + below)
                    corners = np.array([[a, b, 1] for a in edges[0] for b in edges[1]])
                    placed = (corners @ at.T)[:, :2]
                    (left, top), (right, bottom) = placed.min(axis=0), placed.max(axis=0)
                    small = own["font-size"] != look["font-size"]
                    box = Box(left, top, right, bottom)
                    halo = look.get("paint-order") == "stroke"
                    halo = halo and float(look.get("stroke-width", 1)) >= 4
                    self.texts.append(
                        Text(said.strip(), box, scale * size, self.order, small, halo)
                    )
                x += stretch * wide

    def _runs(
        self,
        element: Element,
        look: Mapping[str, str],
        runs: list[tuple[str, Mapping[str, str], list[float | None]]],
        *,
        first: bool,
    ) -> None:
        start: list[float | None] = [
            _numbers(element.get(name, ""))[0] if element.get(name) else None
            for name in ("x", "y", "dx", "dy")
        ]
        if first:
            start[:2] = [start[0] or 0.0, start[1] or 0.0]
        nothing: list[float | None] = [None, None, None, None]
        runs.append((element.text or "", look, start))
        for inner in element:
            if inner.tag == f"{SVG}tspan":
                self._runs(inner, self.look(inner, look), runs, first=False)
            if inner.tail and inner.tail.strip():
                runs.append((inner.tail, look, nothing))

    def _size(self, said: str, look: Mapping[str, str]) -> Glyph:
        """Width of a text, and its ink above and below the line."""
        said = re.sub(r"[ \t\n]+", " ", said)
        size = float(look["font-size"].removesuffix("px"))
        family = look.get("font-family", "")
        kind = "mono" if "mono" in family else "serif" if _SERIF.search(family) else "sans"
        weight = {"bold": 700, "normal": 400}.get(look.get("font-weight", "normal"))
        bold = (weight or int(look["font-weight"])) >= 600
        style = 1 if bold else 2 if look.get("font-style") == "italic" else 0
        glyphs = [glyph(self.font, kind, style, letter) for letter in said if letter != "\u2060"]
        if not glyphs:
            return Glyph(0.0, 0.0, 0.0)
        above, below = max(g.above for g in glyphs), max(g.below for g in glyphs)
        return Glyph(size * sum(g.width for g in glyphs), size * above, size * below)


_SERIF = re.compile(r"(?<!sans-)\bserif|Times|STIX|Roman|Cambria")
_INHERITED = {
    *("font-size", "font-family", "font-weight", "font-style", "text-anchor", "fill", "stroke"),
    *("opacity", "fill-opacity", "stroke-opacity", "visibility", "stroke-width"),
}


def _rules(sheet: str) -> list[tuple[str, Mapping[str, str]]]:
    """Selectors of one tag or class with what they declare, on a light ground."""
    sheet = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", sheet)
    return [
        (selector.strip().split(" ")[-1], _declared(body))
        for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", sheet)
        for selector in selectors.split(",")
    ]


def _declared(style: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in style.split(";") if ":" in part)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _numbers(text: str) -> list[float]:
    return [float(x) for x in re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text)]


def _matrix(transform: str) -> np.ndarray:
    """The matrix of an attribute `transform`."""
    whole = np.eye(3)
    for name, inside in re.findall(r"(\w+)\s*\(([^)]*)\)", transform):
        n = _numbers(inside)
        if name == "translate":
            step = np.array([[1, 0, n[0]], [0, 1, n[1] if len(n) > 1 else 0.0], [0, 0, 1]])
        elif name == "scale":
            step = np.diag([n[0], n[-1], 1.0])
        elif name == "rotate":
            c, s = np.cos(np.radians(n[0])), np.sin(np.radians(n[0]))
            step = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
            if len(n) == 3:
                there = np.array([[1, 0, n[1]], [0, 1, n[2]], [0, 0, 1]])
                step = there @ step @ np.linalg.inv(there)
        else:
            a, b, c, d, e, f = n
            step = np.array([[a, c, e], [b, d, f], [0, 0, 1]])
        whole = whole @ step
    return whole


def _get(element: Element, *names: str) -> list[float]:
    return [float(element.get(name, 0)) for name in names]


def _rect(element: Element) -> tuple[np.ndarray, bool]:
    x, y, w, h = _get(element, "x", "y", "width", "height")
    return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h], [x, y]]), True


def _round(element: Element) -> tuple[np.ndarray, bool]:
    x, y, r, rx, ry = _get(element, "cx", "cy", "r", "rx", "ry")
    turn = np.linspace(0, 2 * np.pi, 25)
    return np.c_[x + (rx or r) * np.cos(turn), y + (ry or r) * np.sin(turn)], True


def _line(element: Element) -> tuple[np.ndarray, bool]:
    return np.array(_get(element, "x1", "y1", "x2", "y2")).reshape(2, 2), False


def _poly(element: Element) -> tuple[np.ndarray, bool]:
    points = np.array(_numbers(element.get("points", ""))).reshape(-1, 2)
    return points, element.tag.endswith("polygon")


def _path(element: Element) -> tuple[np.ndarray, bool]:
    """The points of a path; curves as ten steps, arcs by their ends."""
    points: list[np.ndarray] = []
    here = start = np.zeros(2)
    closed = False
    counts = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}
    parts = re.findall(r"(?i)([MLHVCSQTAZ])([^MLHVCSQTAZ]*)", element.get("d", ""))
    for letter, inside in parts:
        n, kind = _numbers(inside), letter.upper()
        if kind == "Z":
            closed = True
            points.append(start)
            here = start
            continue
        for k in range(0, len(n), counts[kind]):
            part = n[k : k + counts[kind]]
            base = here if letter.islower() else np.zeros(2)
            if kind in "HV":
                end = here.copy()
                end["HV".index(kind)] = part[0] + base["HV".index(kind)]
                points.append(end)
            elif kind == "A":
                end = base + part[5:]
                points.append(end)
            else:
                bends = base + np.array(part).reshape(-1, 2)
                end = bends[-1]
                steps = np.linspace(0, 1, 11)[1:, None] if kind in "CSQ" else np.ones((1, 1))
                knots = [here, *bends]
                while len(knots) > 1:  # de Casteljau
                    knots = [a + steps * (b - a) for a, b in pairwise(knots)]
                    if kind in "MLT":
                        knots = [end[None]]
                points.extend(knots[0])
            here = end
            if kind == "M" and k == 0:
                start = end
    found = np.array(points).reshape(-1, 2)
    return found, closed or (len(found) > 2 and bool(np.allclose(found[0], found[-1])))


_SHAPES = {
    "rect": _rect,
    "circle": _round,
    "ellipse": _round,
    "line": _line,
    "polyline": _poly,
    "polygon": _poly,
    "path": _path,
}


def faults(svg: str, font: str = "Helvetica", *, column: float = COLUMN) -> list[str]:
    """What cannot be read in a picture, for a reader with this font: a sentence for each fault."""
    seen = read(svg, font)
    found = []
    if seen.width > column + 0.5:
        found.append(f"the picture is {seen.width:.0f} px wide, more than {column:.0f}")
    page = Box(0.0, 0.0, seen.width, seen.height)
    boxes = [
        s
        for s in seen.shapes
        if s.closed and s.seen and min(s.box.right - s.box.left, s.box.bottom - s.box.top) > LEAST
    ]
    for text in seen.texts:
        found += _of_text(text, page, boxes, seen.shapes)
        if text.size < SMALLEST and not (text.index or any(_is_index(text, t) for t in seen.texts)):
            found.append(f"{text.said!r} is only {text.size:.1f} px high")
    for a, b in combinations(seen.texts, 2):
        is_name = a.owner == b.owner or _is_index(a, b) or _is_index(b, a)
        slack = TOUCH if is_name else SLACK
        if a.box.shared(b.box) > slack:
            found.append(f"{a.said!r} and {b.said!r} share {a.box.shared(b.box):.1f} px")
    for shape in seen.shapes:
        if shape.seen and not shape.box.within(page, 1.0):
            found.append(f"a shape is cut by the edge of the picture: {_at(shape.box)}")
    for p, q in combinations(boxes, 2):
        apart = p.box.within(q.box) or q.box.within(p.box) or p.box.shared(q.box) <= 1.0
        if not apart:
            found.append(
                f"two boxes share {p.box.shared(q.box):.1f} px: {_at(p.box)}, {_at(q.box)}"
            )
    return found


def _is_index(text: Text, letter: Text) -> bool:
    """Whether a text of its own is an index of another one: smaller, and right beside it."""
    beside = abs(text.box.left - letter.box.right) < 2 * TOUCH
    apart = text.box.bottom < letter.box.top - 4 or letter.box.bottom + 4 < text.box.top
    return text.size < 0.8 * letter.size and beside and not apart


def _of_text(
    text: Text, page: Box, boxes: Sequence[Shape], shapes: Sequence[Shape]
) -> Iterator[str]:
    """What is wrong with one text: cut, over an edge, hidden, crossed by a line."""
    if not text.box.within(page):
        yield f"{text.said!r} is cut by the edge of the picture: {_at(text.box)}"
    covers = [s.order for s in shapes if s.hides and text.box.within(s.box, SLACK)]
    ground = max((order for order in covers if order < text.owner), default=-1)
    for box in boxes:
        if box.order > ground and text.box.shared(box.box) > SLACK:
            if box.hides and box.order > text.owner:
                yield f"{text.said!r} is hidden by a box: {_at(box.box)}"
            elif not text.box.within(box.box, 0.0):
                both = f"{_at(text.box)}, {_at(box.box)}"
                yield f"{text.said!r} runs over the edge of its box: {both}"
    left, top, right, bottom = text.box
    inner = Box(left + 0.8, top + 0.8, right - 0.8, bottom - 0.8)
    lines = [s for s in shapes if s.seen and not s.closed and s.order > ground]
    crossing = [s for s in lines if _crosses(s, inner)]
    if text.halo:  # it stands on a line, and hides those that are weaker
        first, *others = sorted(crossing, key=lambda s: -s.width) or [None]
        crossing = [s for s in crossing if s.order > text.owner]
        crossing += [s for s in others if first and s.width >= first.width]
    if crossing:
        count = f"{len(crossing)} lines run" if len(crossing) > 1 else "a line runs"
        yield f"{count} through {text.said!r}: {_at(text.box)}"


def _crosses(line: Shape, box: Box) -> bool:
    """Whether a line has a point inside of a box."""
    if line.box.left > box.right or line.box.right < box.left:
        return False
    for a, b in pairwise(line.points):
        steps = max(int(np.hypot(*(b - a))), 1)
        x, y = (a + np.linspace(0, 1, steps + 1)[:, None] * (b - a)).T
        if ((x > box.left) & (x < box.right) & (y > box.top) & (y < box.bottom)).any():
            return True
    return False


def _at(box: Box) -> str:
    return f"({box.left:.0f}, {box.top:.0f}) to ({box.right:.0f}, {box.bottom:.0f})"


if __name__ == "__main__":
    for path in sys.argv[1:]:
        for name in FONTS:
            for fault in faults(Path(path).read_text(encoding="utf-8"), name):
                print(f"{path}, {name}: {fault}")
