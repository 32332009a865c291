"""Pages of A4 to print, as SVG: lines of text, a drawing, boxes to write in, rules."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from tinygrad_edu.view.base.palette import EDGE, INK, NEGATIVE_TEXT, POSITIVE_TEXT, SOFT
from tinygrad_edu.view.base.svg import (
    fitted,
    formula_width,
    place,
    size_of,
    tag,
    text_width,
    typeset,
    words,
)

#: A millimetre, and the sides of A4, in points.
MM: Final = 72 / 25.4
_SHORT, _LONG = 210 * MM, 297 * MM
_MARGIN: Final = 18 * MM
#: A box to write in, and the size of what stands there.
WIDE, HIGH, SIZE = 22 * MM, 9 * MM, 12.0
#: The least scale of a drawing with boxes: 18 mm or more by 8, with texts of 11 points; without.
LEAST, SMALLEST = 11 / 12, 0.67
_LARGEST: Final = 1.15
_TEXT, _LEADING = 11.0, 1.45


class Answer(NamedTuple):
    """A number with its name; `asked` where a box stands for it, `back` for one that flows back."""

    name: str
    number: str
    asked: bool = True
    back: bool = False


class Paper:
    """Pages that are filled from the top, in portrait or landscape."""

    def __init__(self, *, landscape: bool) -> None:
        self.landscape = landscape
        self.width, self.height = (_LONG, _SHORT) if landscape else (_SHORT, _LONG)
        self.pages: list[Element] = []
        self.turn()

    @property
    def inside(self) -> float:
        """The width between the margins."""
        return self.width - 2 * _MARGIN

    def turn(self) -> None:
        """Begin a new page."""
        wide, high = ("297mm", "210mm") if self.landscape else ("210mm", "297mm")
        view = f"0 0 {self.width:.2f} {self.height:.2f}"
        page = tag("svg", viewBox=view, width=wide, height=high)
        page.append(tag("rect", x=0, y=0, width=self.width, height=self.height, fill="white"))
        self.pages.append(page)
        self.top = _MARGIN

    def together(self) -> Element:
        """The pages under each other, a single one as it is."""
        if len(self.pages) == 1:
            return self.pages[0]
        high = self.height * len(self.pages)
        sides = {"width": f"{self.width / MM:g}mm", "height": f"{high / MM:g}mm"}
        root = tag("svg", viewBox=f"0 0 {self.width:.2f} {high:.2f}", **sides)
        for k, page in enumerate(self.pages):
            root.append(place(page, 0, k * self.height, self.width, self.height))
        return root

    def need(self, height: float) -> None:
        """Turn the page unless there is still room for so much."""
        if self.top + height > self.height - _MARGIN:
            self.turn()

    def text(self, text: str, size: float = _TEXT, indent: float = 0.0, **look: str) -> None:
        """Lines of text under what is there."""
        for line in wrap(text, int((self.inside - indent) / (0.5 * size))):
            self.need(_LEADING * size)
            self.top += _LEADING * size
            self._add(words(line, _MARGIN + indent, self.top, **_look(size, **look)))

    def tasks(self, tasks: Sequence[str]) -> None:
        """Numbered lines."""
        for k, task in enumerate(tasks, 1):
            number = words(
                str(k), _MARGIN, self.top + _LEADING * _TEXT, **_look(font_weight="bold")
            )
            self._add(number)
            self.text(task, indent=6 * MM)

    def fields(self, names: Sequence[str]) -> None:
        """Words with lines to write on, side by side."""
        self.top += 2.2 * _TEXT
        step = self.inside / len(names)
        for k, name in enumerate(names):
            x = _MARGIN + k * step
            self._add(words(name, x, self.top, **_look()))
            x, end = x + text_width(name, _TEXT) + 2 * MM, x + step - 6 * MM * (k + 1 < len(names))
            points = f"{x:.2f},{self.top + 2:.2f} {end:.2f},{self.top + 2:.2f}"
            self._add(tag("polyline", fill="none", stroke=EDGE.light, points=points))
        self.top += _TEXT / 2

    def scale_for(self, drawing: Element) -> float:
        """How large the drawing would be on this page."""
        width, height = size_of(drawing)
        free = self.height - _MARGIN - self.top - 2 * HIGH
        return min(_LARGEST, self.inside / width, free / height)

    def picture(self, drawing: Element) -> None:
        """The drawing, as large as it may be."""
        scale = self.scale_for(drawing)
        width, height = (scale * side for side in size_of(drawing))
        self._add(place(drawing, (self.width - width) / 2, self.top + HIGH, width, height))
        self.top += height + 2 * HIGH

    def heading(self, text: str) -> None:
        """A heading, with room for a row under it."""
        self.need(HIGH + 2.5 * _TEXT)
        self.top += 0.6 * _TEXT
        self.text(text, font_weight="bold")
        self.top += 0.5 * _TEXT

    def answers(self, answers: Sequence[Answer], *, solved: bool) -> None:
        """Boxes in columns, each after its name."""
        columns = 4 if self.landscape else 3
        step = self.inside / columns
        for k, answer in enumerate(answers):
            if k % columns == 0:
                self.need(1.3 * HIGH)
                self.top += 1.3 * HIGH
            x, y = _MARGIN + k % columns * step, self.top - HIGH
            for part in row(answer, x, y, step - 8 * MM, solved=solved):
                self._add(part)

    def rules(self, lines: Sequence[str]) -> None:
        """Formulas, one under the other, as the last of a sheet."""
        self.heading("Rules")
        for line in lines:
            few = wrap(line, int(self.inside / (0.47 * _TEXT)), subsequent_indent="    ")
            for k, part in enumerate(few):
                self.need(_LEADING * _TEXT)
                self.top += _LEADING * _TEXT
                start = _MARGIN + 4 * MM * (k > 0)
                for piece in typeset(part.strip(), start, self.top, 10.5, fill=INK.light):
                    self._add(piece)

    def note(self, text: str) -> None:
        """A soft line."""
        self.top += 0.4 * _TEXT
        self.text(text, 9, fill=SOFT.light)

    def _add(self, part: Element) -> None:
        self.pages[-1].append(part)


def row(answer: Answer, x: float, y: float, width: float, *, solved: bool) -> list[Element]:
    """A name and its number at the right end of the width, in a box where it is asked."""
    end = x + width
    baseline = y + HIGH / 2 + 0.36 * SIZE
    if answer.asked:  # a long name begins further left
        x = min(x, end - WIDE - 1.2 * formula_width(answer.name, SIZE))
    parts = typeset(answer.name, x, baseline, SIZE, fill=INK.light)
    if answer.asked:
        look = {"fill": "white", "stroke": EDGE.light, "stroke_width": "0.9"}
        parts.append(tag("rect", x=end - WIDE, y=y, width=WIDE, height=HIGH, **look))
    if solved or not answer.asked:
        shown = answer.number.replace("-", "\N{MINUS SIGN}")
        colour, weight = INK.light, "normal"
        if answer.back:
            colour = NEGATIVE_TEXT.light if shown[0] == "\N{MINUS SIGN}" else POSITIVE_TEXT.light
            weight = "bold"
            colour = SOFT.light if shown == "0" else colour
        look = {"fill": colour, "font_weight": weight, "text_anchor": "end"}
        size = min(SIZE, SIZE * (WIDE - 4 * MM) / text_width(shown, SIZE, weight))
        look |= fitted(shown, size, weight)
        parts.append(words(shown, end - 2.5 * MM * answer.asked, baseline, **_look(size, **look)))
    return parts


def _look(size: float = _TEXT, **look: str) -> dict[str, str]:
    return {"fill": INK.light, "font_size": f"{size:g}", **look}
