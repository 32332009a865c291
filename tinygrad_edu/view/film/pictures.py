"""The pictures of a film: one drawing with a place for every number, and a sheet of several frames.

The drawing is rendered once. A value at n3 has the keys n3 (its box), n3.data and n3.grad (its
numbers); an arrow has n1-n3.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from copy import deepcopy
from functools import cached_property
from textwrap import wrap
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from tinygrad_edu.view.base.display import Picture
from tinygrad_edu.view.base.palette import INK, NOW, SOFT, WASH
from tinygrad_edu.view.base.svg import SVG, inline, place, size_of, tag, words
from tinygrad_edu.view.graph.picture import KEY

#: Around a box or arrow that takes part in a frame; seen on white and on black.
HIGHLIGHT: Final = NOW.light
_GAP: Final = 14.0
_LINE: Final = 14.0
_LINES: Final = 3
_LEAST: Final = 300.0
_WHOLE: Final = 900.0


def filled(root: Element, numbers: Mapping[str, str]) -> Element:
    """A copy of the drawing with these texts at their keys."""
    root = deepcopy(root)
    for element in root.iter(f"{SVG}text"):
        key = element.get(KEY)
        if key is not None:
            element.text = numbers.get(key, "")
    return root


class Snapshot(NamedTuple):
    """One frame: its heading and sentences, the text of every number, the keys that take part."""

    heading: str
    sentences: Sequence[str]
    numbers: Mapping[str, str]
    active: AbstractSet[str]


class ContactSheet(Picture):
    """Frames of a film in one picture, which shows itself in a notebook."""

    _kind = "strip"

    def __init__(self, draw: Callable[[], str], text: str) -> None:
        self._draw, self.text = draw, text

    @cached_property
    def svg(self) -> str:
        """An SVG element. Raises RenderError without a renderer."""
        return self._draw()

    def __repr__(self) -> str:
        return self.text


def contact_sheet(
    drawing: Element, snapshots: Sequence[Snapshot], title: str, description: str
) -> str:
    """The SVG element: frames side by side while 900 points are enough, then below each other."""
    w, h = size_of(drawing)
    width = max(w, _LEAST)
    columns = max(1, min(3, len(snapshots), int(_WHOLE // (width + _GAP))))
    captions = [_caption_lines(snapshot, width) for snapshot in snapshots]
    above = _LINE * (1 + max(map(len, captions))) + 10
    rows = -(-len(snapshots) // columns)
    wide, high = columns * (width + _GAP) + _GAP, rows * (above + h + _GAP) + _GAP
    outer = tag("svg", width=f"{wide:.0f}pt", height=f"{high:.0f}pt")
    outer.set("viewBox", f"0 0 {wide:.0f} {high:.0f}")
    for k, (snapshot, caption) in enumerate(zip(snapshots, captions, strict=True)):
        x = _GAP + k % columns * (width + _GAP)
        y = _GAP + k // columns * (above + h + _GAP)
        _caption(outer, x, y, width, [snapshot.heading, *caption])
        frame = filled(drawing, snapshot.numbers)
        _light_up(frame, snapshot.active)
        outer.append(place(frame, x, y + above, w, h))
    return inline(outer, title, description)


def _caption_lines(snapshot: Snapshot, width: float) -> list[str]:
    lines = [line for text in snapshot.sentences for line in wrap(text, int(width / 5.6))]
    return lines if len(lines) <= _LINES else [*lines[: _LINES - 1], "…"]


def _caption(outer: Element, x: float, y: float, width: float, lines: Sequence[str]) -> None:
    """A light card with the heading in bold, and what happens."""
    height = _LINE * len(lines) + 6
    outer.append(tag("rect", x=x, y=y, width=width, height=height, rx=4.0, fill=WASH.light))
    for k, line in enumerate(lines):
        look = {"fill": INK.light} if k else {"fill": SOFT.light, "font_weight": "bold"}
        outer.append(words(line, x + 6, y + _LINE * (k + 1) - 1, font_size="10.5", **look))


def _light_up(frame: Element, active: AbstractSet[str]) -> None:
    """Strong borders around what takes part; the keys go."""
    for part in frame.iter():
        key = part.attrib.pop(KEY, "")
        if key in active and not key.endswith((".data", ".grad")):
            for shape in part.iter():
                if shape.get("stroke") not in (None, "none"):
                    shape.set("stroke", HIGHLIGHT)
                    shape.set("stroke-width", "2" if "-" in key else "3")
