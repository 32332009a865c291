"""Classic: what a source printed beside what the engine gives."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from tinygrad_edu import functions
from tinygrad_edu.engine import Value
from tinygrad_edu.files import packaged_table

__all__ = ["Classic", "Row"]

#: No line of a table is longer.
WIDTH = 100


@dataclass(frozen=True)
class Row:
    """One number: `published` as its source printed it, such as "0.30" or "3.51e-05", and `here`.

    `published` is "" where the source has no number but ours helps the reader: it agrees. `here`,
    rounded to the printed digits, must be the print, or not further from it than `within`, where
    the source says "about". Where the two cannot agree, such as counts from other random weights,
    `unlike` says why, and they stand side by side without a verdict.
    """

    quantity: str
    published: str
    here: float
    within: float | None = None
    unlike: str = ""

    @property
    def difference(self) -> float:
        """here - published, nan where nothing was published."""
        return self.here - float(self.published or "nan")

    @property
    def agrees(self) -> bool:
        """Whether `here` is the published number, to the printed digits or `within` its limits."""
        if self.unlike or not self.published:
            return True
        if self.within is not None:
            return abs(self.difference) <= self.within
        return Decimal(f"{self.here:.{decimals(self.published)}f}") == Decimal(self.published)


@dataclass(frozen=True, repr=False)
class Classic:
    """A published worked example: its rows, and as text the table "published | here | difference".

    `source` is the citation, `note` what a reader must know to compare. `against` is what stands in
    the first column where that is not printed, such as "by formula".
    """

    title: str
    source: str
    rows: tuple[Row, ...]
    note: str = ""
    against: str = "published"

    @property
    def agrees(self) -> bool:
        """Whether every row agrees."""
        return all(row.agrees for row in self.rows)

    def __repr__(self) -> str:
        cells = [(row.published, here(row), difference(row), verdict(row)) for row in self.rows]
        known = any(row.published for row in self.rows)
        cells.insert(0, (self.against * known, "here", "difference" * known, ""))
        widths = [max(len(line[k]) for line in cells) for k in range(4)]
        names = ["", *(row.quantity for row in self.rows)]
        room = min(max(map(len, names)), WIDTH - sum(widths) - 8)
        lines = [*textwrap.wrap(self.title, WIDTH), *textwrap.wrap(self.source, WIDTH)]
        for name, line in zip(names, cells, strict=True):
            *first, last = textwrap.wrap(name, room, subsequent_indent="  ") or [""]
            numbers = "  ".join(f"{cell:>{w}}" for cell, w in zip(line[:3], widths, strict=False))
            lines += [*first, f"{last:<{room}}  {numbers}  {line[3]}".rstrip()]
        return "\n".join([*lines, *textwrap.wrap(self.note, WIDTH)])


def classic(name: str, rows: Iterable[Row], **numbers: object) -> Classic:
    """These rows between the texts of this name in `texts.toml`, whose note holds the numbers."""
    texts = _file("texts.toml")
    setting, own = texts["rumelhart_setting"], texts[name]
    note = own.get("note", "").format(**numbers, rumelhart_setting=setting)
    title, source, note = (" ".join(x.split()) for x in (own["title"], own["source"], note))
    return Classic(title, source, tuple(rows), note, own.get("against", "published"))


def decimals(published: str) -> int:
    """How many places behind the point were printed: 2 for "0.30", 7 for "3.51e-05"."""
    exponent = Decimal(published).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def here(row: Row) -> str:
    """The number with 10 digits, or as many as were printed."""
    return f"{row.here:.{max(10, len(Decimal(row.published or 0).as_tuple().digits))}g}"


def difference(row: Row) -> str:
    """The difference to two digits, if there is one."""
    if row.unlike or not row.published:
        return ""
    return f"{row.difference:.1e}" if row.difference else "0"


def verdict(row: Row) -> str:
    """Nothing where the printed digits agree."""
    if row.unlike:
        return row.unlike
    if not row.agrees:
        return "differs"
    return "" if row.within is None else f"within {row.within:g}"


def printed(name: str) -> list[str]:
    """Numbers as a source prints them, from `printed.toml`."""
    return str(_file("printed.toml")[name]).split()


def worked(name: str) -> tuple[Row, ...]:
    """The numbers of the expressions in `worked.toml` under this name, from the engine."""
    rows = []
    for example in _file("worked.toml")[name]:
        known: dict[str, Any] = {x: Value(number) for x, number in example["leaves"].items()}
        for line in example["lines"]:
            result, _, formula = line.partition(" = ")
            known[result] = eval(formula, {**vars(functions)}, known)
        known[result].backward()
        for quantity, what, text in example["printed"]:
            v = known[what.removesuffix("'")]
            here = v.grad if what.endswith("'") else v.data
            rows.append(Row(quantity, text, here, example.get("within")))
    return tuple(rows)


@cache
def _file(name: str) -> dict[str, Any]:
    return packaged_table(f"classics/{name}")
