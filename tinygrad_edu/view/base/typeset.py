"""Names in formulas: a letter in italics, its layer above and its unit below, in SVG and HTML."""

import html
import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from tinygrad_edu.text import name_parts, superscript
from tinygrad_edu.view.base.svg import SVG, fitted, text_width, words

_SERIF: Final = "'STIX Two Text', Cambria, 'Times New Roman', 'Liberation Serif', Times, serif"
ITALIC: Final = {"font-family": _SERIF, "font-style": "italic"}
_NAME: Final = re.compile(
    r"(?<![\w.])((?:delta|alpha|[A-Za-z])\d*(?:\[[\d,]+\])?(?:\(\d+\))?(?:#\d+)?)(?![A-Za-z0-9_(])"
)
_GREEK: Final = {"delta": "δ", "alpha": "\N{GREEK SMALL LETTER ALPHA}"}
#: Of the size: that of indices, and how far they stand above and below.
_INDEX, _ABOVE, _BELOW = 0.66, 0.42, 0.26


def typeset(
    text: str, x: float, y: float, size: float, *, anchor: str = "start", **look: str | float
) -> list[Element]:
    """A formula such as `a1[2] = tanh(z1[2])` as texts, from (x, y) on, or centred there."""
    weight = str(look.get("font_weight", "normal"))
    x -= formula_width(text, size, weight) / 2 * (anchor == "middle")
    parts = []
    for piece, dx, dy, own, is_letter in pieces(text, size, weight):
        part = words("", x + dx, y + dy, font_size=f"{own:.4g}", **look)
        if is_letter:  # its font is that of a part, since a text has that of the picture
            SubElement(part, f"{SVG}tspan", ITALIC).text = piece
        else:
            part.text = piece
            part.attrib.update(fitted(piece, own, weight))
        parts.append(part)
    return parts


def formula_width(text: str, size: float, weight: str = "normal") -> float:
    """The width of a typeset formula."""
    places = pieces(text, size, weight)
    return max((x + text_width(piece, own, weight) for piece, x, _, own, _ in places), default=0.0)


def in_html(formula: str) -> str:
    """The markup of a formula."""
    parts = []
    for plain, letter, above, below in _pieces(formula):
        indices = (("sup", above), ("sub", below))
        name = f"<i>{letter}</i>" * bool(letter)
        parts += [html.escape(plain), name, *(f"<{t}>{x}</{t}>" for t, x in indices if x)]
    return "".join(parts)


def readable(formula: str) -> str:
    """A formula in text as it is read: ∂L/∂w for dL/dw, x² for x**2, · for *, a true minus."""
    formula = re.sub(r"(?<!\w)([a-z]+\d+\[[\d,]+\])(?=\*\*)", r"(\1)", formula)
    formula = re.sub(r"\*\*(\d+)", lambda power: superscript(float(power[1])), formula)
    formula = re.sub(r"\bd([^\s/]+)/d(?=[A-Za-z(])", r"∂\1/∂", formula)
    signs = {" * ": " · ", "<=": "≤", ">=": "≥", "-": "\N{MINUS SIGN}"}
    for sign, written in signs.items():
        formula = formula.replace(sign, written)
    return formula


def _pieces(text: str) -> Iterator[tuple[str, str, str, str]]:
    """What is no name, and after it a name: its letter, what stands above and below."""
    *pairs, last = _NAME.split(text)
    for plain, name in zip(pairs[::2], pairs[1::2], strict=True):
        if parts := name_parts(name):
            letter, above, below = parts
            yield plain, _GREEK.get(letter, letter), above, "".join(below)
        else:
            yield plain + name, "", "", ""
    yield last, "", "", ""


def pieces(
    text: str, size: float, weight: str = "normal"
) -> Iterator[tuple[str, float, float, float, bool]]:
    """Texts with their places from the start, sizes, and whether they are letters of names."""
    x = 0.0
    for plain, letter, above, below in _pieces(text):
        if plain.strip():
            lead = plain[: len(plain) - len(plain.lstrip())]
            yield plain.strip(), x + text_width(lead, size, weight), 0.0, size, False
        x += text_width(plain, size, weight)
        if letter:
            yield letter, x, 0.0, 1.05 * size, True
            x += text_width(letter, 1.05 * size, weight)
            # with serifs m and w are wider, and an index leans on its letter
            x += (0.03 if (above or below) and letter not in "mw" else 0.12) * size
        small = _INDEX * size
        for index, dy in ((above, -_ABOVE), (below, _BELOW)):
            if index:
                yield index, x, dy * size, small, False
        x += max(text_width(index, small, weight) for index in (above, below))
