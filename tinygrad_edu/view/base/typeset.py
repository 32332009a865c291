"""Names in pictures: a letter in italics, its layer above and its unit below, formulas of them."""

import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from tinygrad_edu.text import superscript
from tinygrad_edu.view.base.svg import SVG, fitted, text_width, words

_SERIF: Final = "'STIX Two Text', Cambria, 'Times New Roman', 'Liberation Serif', Times, serif"
_ITALIC: Final = {"font-family": _SERIF, "font-style": "italic"}
_NAME: Final = re.compile(
    r"(?<![\w.])(delta|alpha|[A-Za-z])(\d*)(?:(?<=\d)\[(\d+)(?:,(\d+))?\])?(\(\d+\))?(#\d+)?(?![A-Za-z0-9_(])"
)
_GREEK: Final = {"delta": "δ", "alpha": "\N{GREEK SMALL LETTER ALPHA}"}
#: Of the size: that of indices, and how far they stand above and below.
_INDEX, _ABOVE, _BELOW = 0.66, 0.42, 0.26


def typeset(
    text: str, x: float, y: float, size: float, *, anchor: str = "start", **look: str | float
) -> list[Element]:
    """A formula such as `a1[2] = tanh(z1[2])` as texts, from (x, y) on, or centred or ending there.

    Names of one letter are set as in lectures, everything else is upright.
    """
    weight = str(look.get("font_weight", "normal"))
    x -= {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * formula_width(text, size, weight)
    parts = []
    for piece, dx, dy, scale, is_letter in _pieces(text, size, weight):
        if is_letter:  # its font is that of a part, since a text has that of the picture
            part = words("", x + dx, y + dy, font_size=f"{scale * size:.4g}", **look)
            SubElement(part, f"{SVG}tspan", _ITALIC).text = piece
        else:
            fit = fitted(piece, scale * size, weight)
            part = words(piece, x + dx, y + dy, font_size=f"{scale * size:.4g}", **look, **fit)
        parts.append(part)
    return parts


def formula_width(text: str, size: float, weight: str = "normal") -> float:
    """The width of a typeset formula."""
    pieces = _pieces(text, size, weight)
    return max((dx + text_width(t, s * size, weight) for t, dx, _, s, _ in pieces), default=0.0)


def _pieces(text: str, size: float, weight: str) -> Iterator[tuple[str, float, float, float, bool]]:
    """Texts with their places from the start, sizes, and whether they are letters of names."""
    x, end = 0.0, 0
    for found in [*_NAME.finditer(text), None]:
        between = text[end : found.start() if found else None]
        if between.strip():
            lead = len(between) - len(between.lstrip())
            yield between.strip(), x + text_width(between[:lead], size, weight), 0.0, 1.0, False
        x += text_width(between, size, weight)
        if found is None:
            return
        end = found.end()
        letter, layer, unit, index, net, use = found.groups()
        letter = _GREEK.get(letter, letter)
        yield letter, x, 0.0, 1.05, True
        x += text_width(letter, 1.05 * size, weight) + 0.03 * size
        comma = "," if index and len(unit + index) > 2 else ""
        below = f"{unit}{comma}{index or ''}" if unit else layer
        below += "".join(filter(None, (net, use)))
        above, wide = f"({layer})" * bool(unit), 0.0
        for index_text, dy in ((above, -_ABOVE * size), (below, _BELOW * size)):
            if index_text:
                yield index_text, x, dy, _INDEX, False
                wide = max(wide, text_width(index_text, _INDEX * size, weight))
        x += wide


def readable(formula: str) -> str:
    """A formula in text as it is read: ∂L/∂w for dL/dw, x² for x**2, · for *, a true minus."""
    formula = re.sub(r"(?<!\w)([a-z]+\d+\[[\d,]+\])(?=\*\*)", r"(\1)", formula)
    formula = re.sub(r"\*\*(\d+)", lambda power: superscript(float(power[1])), formula)
    formula = re.sub(r"\bd([^\s/]+)/d(?=[A-Za-z(])", r"∂\1/∂", formula)
    signs = {" * ": " · ", "<=": "≤", ">=": "≥", "-": "\N{MINUS SIGN}"}
    for sign, written in signs.items():
        formula = formula.replace(sign, written)
    return formula
