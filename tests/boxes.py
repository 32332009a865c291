"""Where the texts and boxes of an SVG stand, in the fonts that readers have, and what collides.

`faults(svg, font)` lists in sentences: texts over texts, texts over the edge of a box, lines
through texts, boxes over boxes, what is cut by the edge of the picture, texts too small to read, a
picture wider than a column of a page. An empty list means that it can be read. By hand:

    python -m tests.boxes picture.svg [...]
"""

import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple
from unicodedata import east_asian_width

import numpy as np
from matplotlib.ft2font import FT2Font

from tinygrad_edu.view.base import shapes

#: Pixels of the column of a notebook, and of the smallest text; an index may be smaller.
COLUMN, SMALLEST = 700.0, 10.9
#: What two things may share, in pixels, before it counts as a collision; a letter and its own
#: index, which stands under its slant, share more.
SLACK, TOUCH = 0.6, 2.0
#: A box holds a text of one letter at least; arrow heads and cells of maps do not.
LEAST = 11.0
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
    """A run of letters; those of one <text> have one owner. `size` is in pixels."""

    said: str
    box: Box
    size: float
    owner: int
    index: bool


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
    page = shapes.page_of(svg)
    picture = Picture(page.width, page.height, [], [])
    for order, part in enumerate(page.parts):
        if isinstance(part, shapes.Shape):
            picture.shapes.append(_shape(part, order))
        else:
            picture.texts.extend(_texts(part, order, font))
    return picture


def _around(points: np.ndarray) -> Box:
    return Box(*points.min(axis=0), *points.max(axis=0))


def _shape(shape: shapes.Shape, order: int) -> Shape:
    look, points = shape.look, _points(shape)
    is_open = shape.steps[-1][0] != "Z" and not np.allclose(points[0], points[-1])
    fill, opacity = look.get("fill", "black"), float(look["opacity"])
    closed = not is_open or fill != "none"
    filled = fill not in ("none", "transparent") and float(look.get("fill-opacity", 1)) > 0.9
    drawn = look.get("stroke", "none") not in ("none", "transparent")
    drawn &= opacity * float(look.get("stroke-opacity", 1)) > FAINT
    hides, width = closed and filled, float(look.get("stroke-width", 1))
    return Shape(_around(points), points, order, closed, hides, drawn or hides, width)


def _points(shape: shapes.Shape) -> np.ndarray:
    """The points of a shape, of each cubic ten."""
    found: list[np.ndarray] = []
    for kind, points in shape.steps:
        if kind != "C":
            found += [*np.array(points)]
            continue
        for k in range(0, len(points), 3):
            a, b, c, d = (found[-1], *np.array(points[k : k + 3]))
            t = np.linspace(0, 1, 11)[1:, None]
            s = 1 - t
            found += [*(s**3 * a + 3 * s**2 * t * b + 3 * s * t**2 * c + t**3 * d)]
    return np.array(found)


def _texts(lines: Sequence[shapes.Text], order: int, font: str) -> Iterator[Text]:
    sizes = [[_size(run, font) for run in line.runs] for line in lines]
    fixed = lines[0].runs[0].look.get("textLength")
    natural = sum(glyph.width for glyphs in sizes for glyph in glyphs)
    stretch = float(fixed) / natural if fixed and natural else 1.0
    largest = max(run.size for line in lines for run in line.runs)
    for line, glyphs in zip(lines, sizes, strict=True):
        widths = [line.scale * stretch * glyph.width for glyph in glyphs]
        x, y = line.at
        x -= {"end": sum(widths), "middle": sum(widths) / 2}.get(line.anchor, 0.0)
        for run, glyph, width in zip(line.runs, glyphs, widths, strict=True):
            above, below = line.scale * glyph.above, line.scale * glyph.below
            box, small = Box(x, y - above, x + width, y + below), run.size < largest
            yield Text(run.said.strip(), box, line.scale * run.size, order, small)
            x += width


def _size(run: shapes.Run, font: str) -> Glyph:
    """Width of a text, and its ink above and below the line."""
    said = re.sub(r"[ \t\n]+", " ", run.said)
    family = run.look.get("font-family", "")
    kind = "mono" if "mono" in family else "serif" if _SERIF.search(family) else "sans"
    style = 1 if run.weight == "bold" else 2 if run.look.get("font-style") == "italic" else 0
    glyphs = [glyph(font, kind, style, letter) for letter in said if letter != "\u2060"]
    above, below = max(g.above for g in glyphs), max(g.below for g in glyphs)
    return Glyph(run.size * sum(g.width for g in glyphs), run.size * above, run.size * below)


_SERIF = re.compile(r"(?<!sans-)\bserif|Times|STIX|Roman|Cambria")


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
