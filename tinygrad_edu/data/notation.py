"""What a cell of a table holds: a number in one of the ways that people write them, or a word."""

from __future__ import annotations  # arrays take no type while a program runs

import math
import re
from array import array
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SIGN, _BLANKS = "[+\\-\u2212]?", "'\u2019 \u00a0\u202f\u2009"
#: Numbers with a decimal comma, and with a decimal point, and with their groups of thousands.
LOCAL: Final = {
    decimal: re.compile(
        rf"{_SIGN}(?=[{decimal}]?\d)(?:[1-9]\d{{0,2}}([{_BLANKS}{group}])\d{{3}}(?:\1\d{{3}})*|\d+)?"
        rf"(?:[{decimal}]\d+)?(?:[eE][+-]?\d+)?",
        re.ASCII,
    )
    for decimal, group in (",.", ".,")
}
_PLAIN: Final = {
    decimal: str.maketrans({decimal: ".", "\u2212": "-", **dict.fromkeys(_BLANKS + group)})
    for decimal, group in (",.", ".,")
}
#: What may be 1.234 and 1234, and only other cells tell.
EITHER: Final = re.compile(rf"{_SIGN}[1-9]\d{{0,2}}[.,]\d{{3}}", re.ASCII)
#: What stands for a number that is missing, in small letters; the last are errors of spreadsheets.
MISSING: Final = {
    *("", "na", "n/a", "nan", "null", "none", "?", "-", "--", ".", "#n/a", "#div/0!", "#value!"),
    *("#ref!", "#name?", "#num!", "#null!"),
}
_AMOUNT = (  # with groups of thousands, decimals, an exponent, in digits of any script
    r"[+\-\u2212]?(?=[.,]?\d)(\d{1,3}([.,'_\s\u2019]\d{2,3})+|\d*)([.,]\d+)?([eE][+-]?\d+)?"
)
_MONEY = "[$\u20ac\u00a3\u00a5\u20b9\u20a9]|EUR|USD|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|PLN|CZK|CAD|AUD"
_UNIT: Final = rf"{_MONEY}|[%\u2030]|\xb0[CF]|(?<=\s)[A-Za-z]\S{{0,9}}"
_IN_UNITS: Final = re.compile(rf"({_SIGN})\s?(?:({_MONEY})\s?(\S.*)|(\S.*?)\s?({_UNIT}))", re.ASCII)
#: What people read as numbers and a program as words: a pattern, and what to write instead.
NOTATIONS = {
    "dates or times": (
        r"(\d{4}([-/.])\d\d?\2\d\d?|\d\d?([-/.])\d\d?\3\d{2,4})([T\s].*)?|\d\d?:\d\d(:\d\d.*)?"
        r"|(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
        r"|(?i:(\d\d?[-. ]{1,2})?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-. ]{1,2}"
        r"(\d\d?,? )?\d{2,4})",
        "write days or hours since the first",
    ),
    "percentages": (rf"{_AMOUNT}\s?[%\u2030]", "write all of them in %"),
    "amounts of money": (
        rf"[+-]?({_MONEY})\s?{_AMOUNT}|{_AMOUNT}\s?({_MONEY})", "write all of them in one currency"
    ),
    "hexadecimal numbers": ("[+-]?0[xX][0-9a-fA-F]+", "write 31 for 0x1f"),
    "numbers with commas, blanks or other digits": (
        _AMOUNT, "write 1.5 for 1,5 and 1100 for 1,100"
    ),
}  # fmt: skip
#: A column of at least so many different words has too many, if nearly every cell is another.
MANY_WORDS = 10
LEADING_ZERO = re.compile("[+-]?0[0-9]+")
NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)


def is_number(cell: str) -> bool:
    """Whether a cell is a number in plain decimal or exponent form (1_000 is none)."""
    return NUMBER.fullmatch(cell) is not None


def names_something(cell: str) -> bool:
    """Whether a number looks like a name: 00501, or one too long for a float."""
    large = cell.isascii() and cell.isdigit() and 2**53 <= float(cell) < math.inf
    return large or LEADING_ZERO.fullmatch(cell) is not None


def notation_of(cell: str) -> tuple[str, str]:
    """What cells in the notation of this one are called, and what to write instead; or nothing."""
    for called, (form, how) in NOTATIONS.items():
        if re.fullmatch(form, cell):
            return called, how
    return "", ""


class Read(NamedTuple):
    """What a column holds: numbers, nan elsewhere; how many; rows of text, rows without a cell."""

    numbers: array[float]
    found: int
    strange: list[int]
    missing: list[int]
    infinite: set[str]


def read_cells(cells: Sequence[str], decimal: str) -> Read:
    """The numbers of cells without their unit."""
    numbers, infinite = array("d", bytes(8 * len(cells))), set()
    strange: list[int] = []
    missing: list[int] = []
    for i, cell in enumerate(cells):
        x = _number(cell, decimal)
        numbers[i] = math.nan if x is None else x
        if x is None:
            (missing if cell.lower() in MISSING else strange).append(i)
        elif math.isinf(x):
            infinite.add(cell)
            strange.append(i)
    return Read(numbers, len(cells) - len(missing) - len(strange), strange, missing, infinite)


def _number(cell: str, decimal: str) -> float | None:
    """The number in a cell, in plain form or with the decimal sign, or None."""
    if NUMBER.fullmatch(cell) and (decimal != "," or "." not in cell):
        return float(cell)
    cell, sign = _signed(cell), decimal or "."
    if not LOCAL[sign].fullmatch(cell) or (not decimal and EITHER.fullmatch(cell)):
        return None
    return float(cell.translate(_PLAIN[sign]))


def decimal_of(cells: Iterable[str]) -> str:
    """The decimal sign that most of the cells show, "" if none does, or if most are words.

    Numbers below 1000 that are whole beside others such as 1,234 show groups of thousands.
    """
    votes, either, small, large, words = {",": 0, ".": 0}, 0, 0, 0, 0
    for cell in cells:
        if EITHER.fullmatch(cell):
            either += "," in cell
        elif cell.isdecimal():
            small, large = small + (len(cell) < 4), large + (len(cell) > 3)
        else:
            found = [sign for sign, form in LOCAL.items() if form.fullmatch(_signed(cell))]
            if len(found) == 1:
                votes[found[0]] += 1
            words += not found and cell.lower() not in MISSING
    if sum(votes.values()) >= max(1, words):
        return max(votes, key=lambda sign: votes[sign])
    return "." if either and small and not large else ""


def _signed(cell: str) -> str:
    """A number below 0 as accounts have it, (3) or 3.50-, with its minus in front."""
    if cell[:1] == "(" and cell[-1:] == ")":
        return f"-{cell[1:-1]}"
    return f"-{cell[:-1]}" if cell[-1:] == "-" and re.search("[.,]", cell) else cell


def unit_of(cells: Iterable[str]) -> str:
    """The unit that all these cells have, such as %, $ or kg; "" where they have not the same."""
    units = set()
    for cell in dict.fromkeys(cells):
        if cell.lower() not in MISSING:
            units.add(in_unit(cell)[1])
            if len(units) > 1 or units == {""}:
                return ""
    return units.pop() if units else ""


def in_unit(cell: str) -> tuple[str, str]:
    """A cell such as 12 %, -$3, EUR 1,200.00 or 5 kg as its number and its unit."""
    if found := _IN_UNITS.fullmatch(_signed(cell)):
        sign, before, *numbers, after = found.groups()
        number = sign + (numbers[0] or numbers[1])
        if NUMBER.fullmatch(number) or any(form.fullmatch(number) for form in LOCAL.values()):
            return number, before or after
    return cell, ""
