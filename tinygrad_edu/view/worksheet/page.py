"""A page of A4 to print, as SVG: lines of text, lines to write on, a drawing."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Final
from xml.etree.ElementTree import Element

from tinygrad_edu.view.base.palette import INK
from tinygrad_edu.view.base.svg import place, size_of, tag, words

#: Short and long side of A4 in points, and the margin.
_SHORT: Final = 595.28
_LONG: Final = 841.89
_MARGIN: Final = 42.0

_LEADING: Final = 1.35
#: The mean width of a character, and the most that a drawing is enlarged.
_CHARACTER: Final = 0.5
_LARGEST: Final = 1.3


class Page:
    """A page that is filled from the top, and from the bottom."""

    def __init__(self, landscape: bool) -> None:
        self.width, self.height = (_LONG, _SHORT) if landscape else (_SHORT, _LONG)
        self.top, self.bottom = _MARGIN, self.height - _MARGIN
        wide, high = ("297mm", "210mm") if landscape else ("210mm", "297mm")
        self.root = tag("svg", viewBox=f"0 0 {self.width} {self.height}", width=wide, height=high)
        corners = f"0,0 {self.width},0 {self.width},{self.height} 0,{self.height}"
        self.root.append(tag("polygon", fill="white", stroke="none", points=corners))

    def text(self, text: str, size: float, weight: str = "normal") -> None:
        """Lines of text under what is there."""
        self.top += size / 2
        for line in _wrapped(text, self.width - 2 * _MARGIN, size):
            self.top += _LEADING * size
            self._line(_MARGIN, self.top, line, size, weight)

    def fields(self, names: Sequence[str], size: float) -> None:
        """Words with lines to write on, side by side."""
        self.top += 1.6 * size
        step = (self.width - 2 * _MARGIN) / len(names)
        for k, name in enumerate(names):
            x = _MARGIN + k * step
            self._line(x, self.top, name, size, "normal")
            x, end = x + size * (0.6 * len(name) + 0.5), x + step - 2 * size
            points = f"{x:.2f},{self.top + 2:.2f} {end:.2f},{self.top + 2:.2f}"
            self.root.append(tag("polyline", fill="none", stroke=INK.light, points=points))

    def columns(self, heading: str, entries: Sequence[str], size: float, least: float) -> None:
        """Entries in columns of at least this width, at the foot of the page."""
        if not entries:
            return
        count = int((self.width - 2 * _MARGIN) // least)
        step = (self.width - 2 * _MARGIN) / count
        blocks = [_wrapped(entry, step - 2 * size, size) for entry in entries]
        columns: list[list[str]] = [[]]
        share = sum(map(len, blocks)) / count
        for block in blocks:
            full = len(columns[-1]) + len(block) / 2 > share
            if full and columns[-1] and len(columns) < count:
                columns.append([])
            columns[-1] += block
        self.bottom -= _LEADING * size * (max(map(len, columns)) + 1)
        self._line(_MARGIN, self.bottom, heading, size, "bold")
        for k, column in enumerate(columns):
            for row, line in enumerate(column, 1):
                y = self.bottom + row * _LEADING * size
                self._line(_MARGIN + k * step, y, line, size, "normal")
        self.bottom -= 2 * size

    def scale_for(self, drawing: Element) -> float:
        """The factor by which the drawing would be enlarged here."""
        width, height = size_of(drawing)
        free = self.bottom - self.top - _MARGIN / 2
        return min(_LARGEST, (self.width - 2 * _MARGIN) / width, free / height)

    def picture(self, drawing: Element) -> None:
        """The drawing, as large as it may be, in the middle of what is free."""
        width, height = size_of(drawing)
        scale = self.scale_for(drawing)
        width, height = scale * width, scale * height
        x, y = self.width - width, self.top + self.bottom + _MARGIN / 2 - height
        self.root.append(place(drawing, x / 2, y / 2, width, height))

    def _line(self, x: float, y: float, text: str, size: float, weight: str) -> None:
        look = {"fill": INK.light, "font_size": f"{size:g}", "font_weight": weight}
        self.root.append(words(text, x, y, **look))


def _wrapped(text: str, width: float, size: float) -> list[str]:
    return wrap(text, int(width / (size * _CHARACTER)))
