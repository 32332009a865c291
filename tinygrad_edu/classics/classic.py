"""Classic: what a source printed beside what the engine gives."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial
from typing import Any, Final

from tinygrad_edu import functions
from tinygrad_edu.engine import Value
from tinygrad_edu.files import packaged_table
from tinygrad_edu.train import fit

#: No line of a table is longer.
WIDTH = 100
#: `fit` without a bar, for 1/2 of the squared error where no other loss is named.
learn: Final = partial(fit, loss="half_squared_error", progress=False)


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
        exponent = Decimal(self.published).as_tuple().exponent
        places = max(0, -exponent) if isinstance(exponent, int) else 0
        return Decimal(f"{self.here:.{places}f}") == Decimal(self.published)

    def _cells(self) -> tuple[str, str, str, str]:
        """What a table has of it: the print, the number, the difference, and a verdict if any."""
        digits = max(10, len(Decimal(self.published or 0).as_tuple().digits))
        apart = f"{self.difference:.1e}" if self.difference else "0"
        limits = f"within {self.within:g}" if self.within is not None else ""
        return (
            self.published,
            f"{self.here:.{digits}g}",
            apart if self.published and not self.unlike else "",
            self.unlike or (limits if self.agrees else "differs"),
        )


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
        cells = [row._cells() for row in self.rows]
        known = any(row.published for row in self.rows)
        cells.insert(0, (self.against * known, "here", "difference" * known, ""))
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        names = ["", *(row.quantity for row in self.rows)]
        room = min(max(map(len, names)), WIDTH - sum(widths) - 8)
        lines = [*textwrap.wrap(self.title, WIDTH), *textwrap.wrap(self.source, WIDTH)]
        for name, (*numbers, verdict) in zip(names, cells, strict=True):
            *first, last = textwrap.wrap(name, room, subsequent_indent="  ") or [""]
            columns = "  ".join(f"{cell:>{w}}" for cell, w in zip(numbers, widths, strict=False))
            lines += [*first, f"{last:<{room}}  {columns}  {verdict}".rstrip()]
        return "\n".join([*lines, *textwrap.wrap(self.note, WIDTH)])


def classic(name: str, rows: Iterable[Row], **numbers: object) -> Classic:
    """These rows between the texts of this name in `texts.toml`, whose note holds the numbers."""
    texts = _file("texts")
    setting, own = texts["rumelhart_setting"], texts[name]
    note = own.get("note", "").format(**numbers, rumelhart_setting=setting)
    title, source, note = (" ".join(x.split()) for x in (own["title"], own["source"], note))
    return Classic(title, source, tuple(rows), note, own.get("against", "published"))


def printed(name: str) -> list[str]:
    """Numbers as a source prints them, from `printed.toml`."""
    return str(_file("printed")[name]).split()


def worked(name: str) -> list[Row]:
    """The numbers of the expressions in `worked.toml` under this name, from the engine."""
    rows = []
    for example in _file("worked")[name]:
        known: dict[str, Any] = {x: Value(number) for x, number in example["leaves"].items()}
        for line in example["lines"]:
            result, _, formula = line.partition(" = ")
            known[result] = eval(formula, {**vars(functions)}, known)
        known[result].backward()
        for quantity, what, text, *within in example["printed"]:
            v = eval(what.replace("'", ".grad"), known)
            here = v.data if isinstance(v, Value) else v
            rows.append(Row(quantity, text, here, *within or [example.get("within")]))
    return rows


@cache
def _file(name: str) -> dict[str, Any]:
    return packaged_table(f"classics/{name}.toml")
