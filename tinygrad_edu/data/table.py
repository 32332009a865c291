"""A table of text read from a CSV file, with errors that name the file, the line and the column."""

from __future__ import annotations  # arrays take no type while a program runs

import difflib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tinygrad_edu.checks import flag, listed, one_of, text_of, whole
from tinygrad_edu.data.notation import (
    MANY_WORDS,
    NOT_FINITE,
    Read,
    decimal_of,
    in_unit,
    is_number,
    names_something,
    notation_of,
    read_cells,
    unit_of,
)

__all__ = ["Table", "TableError"]


class TableError(ValueError):
    """A table that cannot be used; the message is one sentence that says where and why."""


@dataclass(frozen=True, repr=False)
class Table:
    """Columns of text by name, n cells each; `lines` are the n line numbers in the file `path`.

    Cells are stripped of blanks. What they hold is judged when a column is asked for, so an
    empty cell matters only in a column that is used. `remarks` tell, by their names, of the columns
    that are not what they look like: numbers in another notation (see NOTATIONS), names of rows,
    and names that are read as numbers. `how` says how the file is written, if not with commas and
    in UTF-8.
    """

    path: str
    columns: dict[str, list[str]]
    lines: list[int]
    how: str = ""

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.columns)

    def __len__(self) -> int:
        return len(self.lines)

    def __repr__(self) -> str:
        return f"Table(path={self.path!r}, rows={len(self)}, columns={len(self.columns)})"

    @cached_property
    def remarks(self) -> dict[str, str]:
        """A sentence for each column that calls for one, with how to write it or leave it out."""
        found = {name: self._judged(name) for name in self.columns}
        return {name: str(column_error(self, name, x)) for name, x in found.items() if x}

    @cached_property
    def decimals(self) -> dict[str, str]:
        """The decimal sign that each column shows: a comma, a point, or ""."""
        return {name: decimal_of(dict.fromkeys(self._bare(name))) for name in self.columns}

    @cached_property
    def units(self) -> dict[str, str]:
        """The unit of each column whose cells all have the same, such as %, $ or kg; or ""."""
        return {name: unit_of(cells) for name, cells in self.columns.items()}

    def _bare(self, name: str) -> list[str]:
        cells = self.columns[name]
        return [in_unit(cell)[0] for cell in cells] if self.units[name] else cells

    def text(self, name: str) -> list[str]:
        """Return the cells of a column; TableError if missing, or for an empty, nan or inf cell."""
        cells = self._cells(name)
        infinite = self.read(name).infinite
        for cell in dict.fromkeys(cells):
            if not cell or NOT_FINITE.fullmatch(cell) or cell in infinite:
                raise self.error(cells.index(cell), name, (
                    f"{shown(cell)} is not a finite number" if cell
                    else "the cell is empty; fill it in or delete the row"
                ))  # fmt: skip
        return cells

    def is_numeric(self, name: str) -> bool:
        """Whether any cell of a column is a number; `numbers` then demands it of all of them."""
        return bool(self.text(name) and self.read(name).found)

    def numbers(self, name: str) -> list[float]:
        """Return the cells of a column as finite numbers; TableError at the first that is none."""
        return list(self.floats(name, missing=False))

    def floats(self, name: str, *, missing: bool = True, decimal: str = "") -> array[float]:
        """The cells of a column as numbers, nan where one is `missing`; TableError for text.

        `decimal` is the sign to take, "," or ".", where the column itself does not tell.
        """
        cells = self._cells(name) if flag("missing", missing) else self.text(name)
        read = self.read(name, decimal)
        for i in read.strange if missing else sorted({*read.strange, *read.missing}):
            how = "write 1,5 for 1.5" if is_number(cells[i]) else notation_of(cells[i])[1]
            told = f"text {shown(cells[i])} where a number is expected"
            raise self.error(i, name, f"{told}; {how}" if how else told)
        return read.numbers[:]

    def missing(self, name: str, *, numeric: bool = False) -> list[int]:
        """The rows whose cell is empty or nan, of a column of numbers also - and NA and the like.

        Rows count from 0.
        """
        cells = self._cells(name)
        if flag("numeric", numeric):
            return self.read(name).missing
        return [i for i, cell in enumerate(cells) if cell.lower() in ("", "nan")]

    def take(self, rows: Iterable[int]) -> Table:
        """The table of some rows alone, which keep the numbers of their lines."""
        rows = [whole("a row", i, 0, len(self) - 1) for i in listed("rows", rows, "row numbers")]
        columns = {name: [cells[i] for i in rows] for name, cells in self.columns.items()}
        table = Table(self.path, columns, [self.lines[i] for i in rows], self.how)
        # what rows that are gone may have told
        vars(table).update(decimals=self.decimals, units=self.units)
        return table

    @cached_property
    def _decimal(self) -> str:
        signs = {*self.decimals.values()} - {""}
        return signs.pop() if len(signs) == 1 else ""

    @cached_property
    def _known(self) -> dict[tuple[str, str], Read]:
        return {}

    def read(self, name: str, decimal: str = "") -> Read:
        """The numbers of a column, read once.

        Where it may be read in two ways, such as 1,234, `decimal` decides, or all other columns.
        """
        self._cells(name)  # or TableError
        sign = self.decimals[name] or one_of("decimal", decimal, ("", ",", ".")) or self._decimal
        if (name, sign) not in self._known:
            self._known[name, sign] = read_cells(self._bare(name), sign)
        return self._known[name, sign]

    def error(self, row: int, name: str, message: str) -> TableError:
        """Return the error that names the place of a cell; rows count from 0."""
        where = whole("row", row, 0, len(self) - 1)
        return TableError(f"{self.path}, line {self.lines[where]}, column {shown(name)}: {message}")

    def notation(self, name: str) -> str:
        """Of a column whose words are mostly numbers in a notation of people, how to write them."""
        different = (
            [] if self.read(name).found else [*dict.fromkeys(filter(None, self._cells(name)))]
        )
        strange = {word: found for word in different[:1000] if (found := notation_of(word))[0]}
        if len(different) < 2 or 2 * len(strange) <= len(different[:1000]):
            return ""
        word, (called, how) = next(iter(strange.items()))
        return f"{shown(word)} is text, as {called} are: {how}, or delete the column"

    def _judged(self, name: str) -> str:
        """What calls for a remark in the cells of a column; "" if nothing does."""
        cells = self.columns[name]
        different = list(dict.fromkeys(filter(None, cells)))
        numbers = different if self.read(name).found else []
        for cell in numbers:
            if names_something(cell):
                return (
                    f"as a feature {shown(cell)} is the number {float(cell):.17g}: if these are "
                    "names, such as postcodes, write a letter before each, or delete the column"
                )
        if told := self.notation(name):
            return told
        if not numbers and len(different) >= max(MANY_WORDS, 0.8 * len(cells)):
            return (
                f"{len(different)} different words in {len(cells)} rows, which a net learns by "
                "heart: write them as numbers or as a few words, or delete the column"
            )
        return ""

    def _cells(self, name: str) -> list[str]:
        if text_of("name", name) not in self.columns:
            raise TableError(f"{self.path}: no column {shown(name)}; {self._choices(name)}")
        return self.columns[name]

    def _choices(self, name: str) -> str:
        close = difflib.get_close_matches(name, self.header, n=1)
        if close:
            return f"did you mean {shown(close[0])}?"
        found = f" (found: {self.how})" if self.how else ""
        return f"the columns are {listing(self.header)}{found}"


def column_error(table: Table, name: str, message: str) -> TableError:
    """The error that names a column."""
    return TableError(f"{table.path}, column {shown(name)}: {message}")


def shown(text: str) -> str:
    """Return text in quotes, cut to fit into a message."""
    return repr(text if len(text_of("text", text)) <= 40 else text[:39] + "…")


def listing(names: Sequence[str]) -> str:
    """The names in quotes, at most ten of them."""
    return ", ".join(map(shown, names[:10])) + (", ..." if len(names) > 10 else "")
