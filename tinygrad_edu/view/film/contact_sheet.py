"""A film as a strip: a few of its frames below each other, one SVG that needs no script."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from textwrap import wrap
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from tinygrad_edu.view.base.display import drawn
from tinygrad_edu.view.film import template as scene

#: Around a box or arrow that takes part in a frame; seen on white and on black.
HIGHLIGHT: Final = "#b93cc4"
_GAP: Final = 14.0
_LINE: Final = 14.0
_LINES: Final = 3
_LEAST: Final = 300.0
_WHOLE: Final = 900.0


class Still(NamedTuple):
    """One frame: its heading and sentences, the text of every number, the keys that take part."""

    heading: str
    sentences: Sequence[str]
    numbers: Mapping[str, str]
    active: frozenset[str]


class Strip:
    """Stills of a film in one picture, which shows itself in a notebook."""

    def __init__(self, draw: Callable[[], str], text: str) -> None:
        self._draw, self.text = draw, text

    @cached_property
    def svg(self) -> str:
        """An SVG element. Raises RenderError without a renderer."""
        return self._draw()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return drawn(lambda: self.svg, self.text, lambda: self.text)

    def __repr__(self) -> str:
        return self.text


def strip(drawing: Element, stills: Sequence[Still], title: str, description: str) -> str:
    """The SVG element: frames side by side while 900 points are enough, then below each other."""
    w, h = scene.size(drawing)
    width = max(w, _LEAST)
    columns = max(1, min(3, len(stills), int(_WHOLE // (width + _GAP))))
    captions = [_lines(still, width) for still in stills]
    above = _LINE * (1 + max(map(len, captions))) + 10
    rows = -(-len(stills) // columns)
    outer = _tag("svg")
    total = (columns * (width + _GAP) + _GAP, rows * (above + h + _GAP) + _GAP)
    outer.set("width", f"{total[0]:.0f}pt")
    outer.set("height", f"{total[1]:.0f}pt")
    outer.set("viewBox", f"0 0 {total[0]:.0f} {total[1]:.0f}")
    for k, (still, caption) in enumerate(zip(stills, captions, strict=True)):
        x = _GAP + k % columns * (width + _GAP)
        y = _GAP + k // columns * (above + h + _GAP)
        _caption(outer, x, y, width, [still.heading, *caption])
        frame = scene.filled(drawing, still.numbers)
        _light_up(frame, still.active)
        for name, number in {"x": x, "y": y + above, "width": w, "height": h}.items():
            frame.set(name, f"{number:.2f}")
        outer.append(frame)
    return scene.element(outer, title, description)


def _lines(still: Still, width: float) -> list[str]:
    lines = [line for said in still.sentences for line in wrap(said, int(width / 5.6))]
    return lines if len(lines) <= _LINES else [*lines[: _LINES - 1], "…"]


def _caption(outer: Element, x: float, y: float, width: float, lines: Sequence[str]) -> None:
    """A light card with the heading in bold, and what happens."""
    card = _tag("rect", x=x, y=y, width=width, height=_LINE * len(lines) + 6, rx=4.0)
    card.set("fill", "#f4f4f4")
    outer.append(card)
    for k, line in enumerate(lines):
        text = _tag("text", x=x + 6, y=y + _LINE * (k + 1) - 1)
        text.set("font-size", "10.5")
        text.set("fill", "#555555" if k == 0 else "#1a1a1a")
        if k == 0:
            text.set("font-weight", "bold")
        text.text = line
        outer.append(text)


def _light_up(frame: Element, active: frozenset[str]) -> None:
    """Strong borders around what takes part; the keys go."""
    for element in frame.iter():
        key = element.attrib.pop(scene.KEY, None)
        if key in active and not key.endswith((".data", ".grad")):
            for shape in element.iter():
                if shape.get("stroke") not in (None, "none"):
                    shape.set("stroke", HIGHLIGHT)
                    shape.set("stroke-width", "2" if "-" in key else "3")


def _tag(name: str, **place: float) -> Element:
    element = Element(f"{scene.SVG}{name}")
    for attribute, number in place.items():
        element.set(attribute, f"{number:.2f}")
    return element
