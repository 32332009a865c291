"""What people read: users' texts made harmless, numbers made short, columns that stand straight.

Cleaning makes a text fit for any format; each format then escapes its own special characters.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

DASH: Final = "\N{EN DASH}"
JOINER: Final = "\u2060"
_SPACES = re.compile(r"[\t\n\r\f\x85\u2028\u2029]+")
_BIDI_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_IN_LECTURES: Final = re.compile(
    r"((?:delta|alpha)(?=[\d#]|$)|[A-Za-z])_?(\d*)(?:(?<=\d)\[(\d+)(?:,(\d+))?\])?(\(\d+\))?(#\d+)?"
)
_LATEX: Final = {c: f"\\{c}" for c in "{}$&#%_"} | {
    "\\": r"\backslash ",
    "^": r"\wedge ",
    "~": r"\sim ",
    "<": r"\lt ",
    ">": r"\gt ",
    " ": r"\ ",
    "'": "\N{RIGHT SINGLE QUOTATION MARK}",
    "`": "\N{LEFT SINGLE QUOTATION MARK}",
}


def clean(text: str, width: int = 24) -> str:
    """`text` on one line, at most `width` characters, an ellipsis where it was cut.

    Line breaks become spaces, bidirectional controls go, and what no XML may hold (other control
    characters, lone surrogates, noncharacters) becomes U+FFFD.
    """
    text = _BIDI_CONTROLS.sub("", _SPACES.sub(" ", text[: 4 * width + 4]))
    text = "".join("\ufffd" if _is_forbidden(c) else c for c in text)
    return text if len(text) <= width else text[: width - 1] + "…"


def _is_forbidden(c: str) -> bool:
    return (
        unicodedata.category(c) in ("Cc", "Cs")
        or ord(c) & 0xFFFE == 0xFFFE
        or 0xFDD0 <= ord(c) <= 0xFDEF
    )


def short(x: float) -> str:
    """`x` to four significant digits, as in a textbook: 0.7071, -3, 12346, 1.5e-7, nan.

    Integers below a million keep all their digits, and -0.0 is 0: its sign is in no textbook.
    """
    x += 0.0
    positional = f"{x:.0f}" if 9999.5 <= abs(x) < 999999.5 else f"{x:.4g}"
    mantissa, e, exponent = positional.partition("e")
    return mantissa + (f"e{int(exponent)}" if e else "")


def number_text(x: float) -> str:
    """A number to the last digit: 3 for 3.0, 0.1, 1.5e-7, -0.0, inf."""
    value = float(x)
    if value.is_integer() and -1e15 < value < 1e15 and repr(value) != "-0.0":
        return str(int(value))
    mantissa, e, exponent = repr(value).partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def name_parts(name: str) -> tuple[str, str, list[str]] | None:
    """The letter of a name as in lectures, what stands above it and what below: w, (1), 23."""
    known = _IN_LECTURES.fullmatch(name)
    if known is None:
        return None
    letter, layer, unit, index, net, use = known.groups()
    above = f"({layer})" if unit else ""
    comma = "," if index and len(unit + index) > 2 else ""
    first = f"{unit}{comma}{index or ''}" if unit else layer
    return letter, above, [part for part in (first, net, use) if part]


def latex_name(name: str) -> str:
    r"""A name for math mode: w, z_{12}, w^{(1)}_{23} for w1[2,3], others upright and escaped."""
    if parts := name_parts(name):
        letter, above, below = parts
        letter = f"\\{letter}" if len(letter) > 1 else letter
        indices = r"\,".join(below).replace("#", r"\#")
        letter += f"^{{{above}}}" if above else ""
        return letter + (f"_{{{indices}}}" if indices else "")
    if re.fullmatch(r"-?[0-9.]+(e-?[0-9]+)?|-?inf|nan", name):
        return latex_number(name)
    return rf"\mathrm{{{latex_escaped(name)}}}"


def latex_number(x: str) -> str:
    r"""The text of a number for math mode: 1.5e-7 is 1.5 \cdot 10^{-7}."""
    mantissa, _, exponent = x.partition("e")
    mantissa = mantissa.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def latex_escaped(text: str) -> str:
    r"""A text to stand in \mathrm{} or \mathtt{}, harmless whatever it holds."""
    return "".join(_LATEX.get(c, c) for c in text)


def superscript(x: float) -> str:
    """An exponent: ² for 2.0, ⁻¹ for -1.0, ^0.5 for what is no integer."""
    if x.is_integer() and abs(x) < 1000:
        return str(int(x)).translate(_SUPERSCRIPTS)
    return f"^{short(x)}"


def table(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Rows of cells as columns two spaces apart: the first `left` flush left, the others right.

    >>> print(table([("part", "parameters"), ("layer1", "48")]))
    part    parameters
    layer1          48
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.ljust(width) if k < left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def public_order(name: str) -> tuple[bool, bool, str]:
    """The key that sorts an `__all__`: CONSTANTS, then Classes, then functions."""
    return not name.isupper(), name[0].islower(), name
