"""Classic: what a source printed beside what the engine gives."""

import textwrap
from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Classic", "Row"]

#: No line of a table is longer.
WIDTH = 100


@dataclass(frozen=True)
class Row:
    """One number: `published` as its source printed it, such as "0.30" or "3.51e-05", and `here`.

    `published` is "" where the source has no number but ours helps the reader: it agrees. `within`
    is how far the two may be apart where the source says "about" or reports one of many random
    runs; without it `here`, rounded to the printed digits, must be the print.
    """

    quantity: str
    published: str
    here: float
    within: float | None = None

    @property
    def difference(self) -> float:
        """here - published, nan where nothing was published."""
        return self.here - float(self.published or "nan")

    @property
    def agrees(self) -> bool:
        """Whether `here` is the published number, to the printed digits or `within` its limits."""
        if not self.published:
            return True
        if self.within is not None:
            return abs(self.difference) <= self.within
        return Decimal(f"{self.here:.{decimals(self.published)}f}") == Decimal(self.published)


@dataclass(frozen=True, repr=False)
class Classic:
    """A published worked example: its rows, and as text the table "published | here | difference".

    `source` is the citation, `note` what a reader must know to compare.
    """

    title: str
    source: str
    rows: tuple[Row, ...]
    note: str = ""

    @property
    def agrees(self) -> bool:
        """Whether every row agrees."""
        return all(row.agrees for row in self.rows)

    def __repr__(self) -> str:
        cells = [(row.published, here(row), difference(row), verdict(row)) for row in self.rows]
        cells.insert(0, ("published", "here", "difference", ""))
        widths = [max(len(line[k]) for line in cells) for k in range(4)]
        names = ["", *(row.quantity for row in self.rows)]
        room = min(max(map(len, names)), WIDTH - sum(widths) - 8)
        lines = [*textwrap.wrap(self.title, WIDTH), *textwrap.wrap(self.source, WIDTH)]
        for name, line in zip(names, cells, strict=True):
            *first, last = textwrap.wrap(name, room, subsequent_indent="  ") or [""]
            numbers = "  ".join(f"{cell:>{w}}" for cell, w in zip(line[:3], widths, strict=False))
            lines += [*first, f"{last:<{room}}  {numbers}  {line[3]}".rstrip()]
        return "\n".join([*lines, *textwrap.wrap(self.note, WIDTH)])


def decimals(published: str) -> int:
    """How many places behind the point were printed: 2 for "0.30", 7 for "3.51e-05"."""
    exponent = Decimal(published).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def here(row: Row) -> str:
    """The number with 10 digits, or as many as were printed."""
    return f"{row.here:.{max(10, len(Decimal(row.published or 0).as_tuple().digits))}g}"


def difference(row: Row) -> str:
    """The difference to two digits, if there is one."""
    if not row.published:
        return ""
    return f"{row.difference:.1e}" if row.difference else "0"


def verdict(row: Row) -> str:
    """Nothing where the printed digits agree."""
    if not row.agrees:
        return "differs"
    return "" if row.within is None else f"within {row.within:g}"
