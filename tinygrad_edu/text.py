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
