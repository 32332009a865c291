"""A table of text read from a CSV file, with errors that name the file, the line and the column."""

import csv
import difflib
import io
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tinygrad_edu.checks import text_of, whole
from tinygrad_edu.files import AnyPath, open_regular, path_of

__all__ = ["Table", "TableError", "read_table"]

MAX_COLUMNS = 10_000
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_AMOUNT = (  # with groups of thousands, decimals, an exponent, in digits of any script
    r"[+\-\u2212]?(?=[.,]?\d)(\d{1,3}([.,'_\s\u2019]\d{2,3})+|\d*)([.,]\d+)?([eE][+-]?\d+)?"
)
_MONEY = "([$\u20ac\u00a3\u00a5\u20b9\u20a9]|EUR|USD|GBP|CHF)"
#: What people read as numbers and a program as words: a pattern, and what to write instead.
NOTATIONS = {
    "dates or times": (
        r"(\d{4}([-/.])\d\d?\2\d\d?|\d\d?([-/.])\d\d?\3\d{2,4})([T\s].*)?|\d\d?:\d\d(:\d\d.*)?",
        "write days or hours since the first",
    ),
    "percentages": (rf"{_AMOUNT}\s?[%\u2030]", "write 3 or 0.03 for 3%"),
    "amounts of money": (
        rf"[+-]?{_MONEY}\s?{_AMOUNT}|{_AMOUNT}\s?{_MONEY}", "write 3.50 for $3.50"
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


class TableError(ValueError):
    """A table that cannot be used; the message is one sentence that says where and why."""


@dataclass(frozen=True, repr=False)
class Table:
    """Columns of text by name, n cells each; `lines` are the n line numbers in the file `path`.

    Cells are stripped of blanks. What they hold is judged when a column is asked for, so an
    empty cell matters only in a column that is used. `remarks` tell, by their names, of the columns
    that are not what they look like: numbers in another notation (see NOTATIONS), names of rows,
    and names that are read as numbers.
    """

    path: str
    columns: dict[str, list[str]]
    lines: list[int]

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
        found = {name: _judged(cells) for name, cells in self.columns.items()}
        where = f"{self.path}, column"
        return {name: f"{where} {shown(name)}: {text}" for name, text in found.items() if text}

    def text(self, name: str) -> list[str]:
        """Return the cells of a column; TableError if missing, or for an empty, nan or inf cell."""
        if text_of("name", name) not in self.columns:
            raise TableError(f"{self.path}: no column {shown(name)}; {self._choices(name)}")
        for i, cell in enumerate(self.columns[name]):
            if not cell:
                raise self.error(i, name, "the cell is empty; fill it in or delete the row")
            if NOT_FINITE.fullmatch(cell) or (is_number(cell) and math.isinf(float(cell))):
                raise self.error(i, name, f"{shown(cell)} is not a finite number")
        return self.columns[name]

    def is_numeric(self, name: str) -> bool:
        """Whether any cell of a column is a number; `numbers` then demands it of all of them."""
        return any(is_number(cell) for cell in self.text(name))

    def numbers(self, name: str) -> list[float]:
        """Return the cells of a column as finite numbers; TableError at the first that is none."""
        cells = self.text(name)
        for i, cell in enumerate(cells):
            if not is_number(cell):
                _, how = _notation(cell)
                told = f"text {shown(cell)} where a number is expected"
                raise self.error(i, name, f"{told}; {how}" if how else told)
        return [float(cell) for cell in cells]

    def error(self, row: int, name: str, message: str) -> TableError:
        """Return the error that names the place of a cell; rows count from 0."""
        where = whole("row", row, 0, len(self) - 1)
        return TableError(f"{self.path}, line {self.lines[where]}, column {shown(name)}: {message}")

    def _choices(self, name: str) -> str:
        close = difflib.get_close_matches(name, self.header, n=1)
        if close:
            return f"did you mean {shown(close[0])}?"
        return f"the columns are {listing(self.header)}"


def read_table(path: AnyPath) -> Table:
    """Read a CSV file: comma-separated UTF-8 text whose first line names the columns.

    Blank lines are skipped, a byte order mark is accepted. TableError for everything that is not
    such a table; OSError if the file cannot be opened. Warns of columns with `remarks`.
    """
    where = path_of(path)
    with open_regular(path) as file:
        text = _decoded(file.read(), where)
    records = _records(text, where)
    _, header = next(records, (0, []))
    _check_header(header, where)
    columns: list[list[str]] = [[] for _ in header]
    lines = []
    for line, cells in records:
        if len(cells) != len(header):
            raise TableError(
                f"{where}, line {line}: the header has {len(header)} columns "
                f"but this row has {len(cells)}"
            )
        lines.append(line)
        for column, cell in zip(columns, cells, strict=True):
            column.append(cell)
    if not lines:
        raise TableError(f"{where}: the file has a header but no rows")
    table = Table(where, dict(zip(header, columns, strict=True)), lines)
    for remark in table.remarks.values():
        warnings.warn(remark, stacklevel=2)
    return table


def is_number(cell: str) -> bool:
    """Whether a cell is a number in plain decimal or exponent form (1_000 is none)."""
    return NUMBER.fullmatch(cell) is not None


def _notation(cell: str) -> tuple[str, str]:
    """What cells in the notation of this one are called, and what to write instead; or nothing."""
    for called, (form, how) in NOTATIONS.items():
        if re.fullmatch(form, cell):
            return called, how
    return "", ""


def _judged(cells: Sequence[str]) -> str:
    """What calls for a remark in the cells of a column; "" if nothing does."""
    different = list(dict.fromkeys(filter(None, cells)))
    numbers = [cell for cell in different if is_number(cell)]
    for cell in numbers:
        if LEADING_ZERO.fullmatch(cell) or (cell.isdigit() and 2**53 <= float(cell) < math.inf):
            return (
                f"as a feature {shown(cell)} is the number {float(cell):.17g}: if these are names, "
                "such as postcodes, write a letter before each, or delete the column"
            )
    some = [] if numbers else different[:1000]
    strange = [cell for cell in some if _notation(cell) != ("", "")]
    if len(some) > 1 and 2 * len(strange) > len(some):
        called, how = _notation(strange[0])
        return f"{shown(strange[0])} is text, as {called} are: {how}, or delete the column"
    if not numbers and len(different) >= max(MANY_WORDS, 0.8 * len(cells)):
        return (
            f"{len(different)} different words in {len(cells)} rows, which a net learns by heart: "
            "write them as numbers or as a few words, or delete the column"
        )
    return ""


def shown(text: str) -> str:
    """Return text in quotes, cut to fit into a message."""
    return repr(text if len(text_of("text", text)) <= 40 else text[:39] + "…")


def listing(names: Sequence[str]) -> str:
    """The names in quotes, at most ten of them."""
    return ", ".join(map(shown, names[:10])) + (", ..." if len(names) > 10 else "")


def _decoded(data: bytes, where: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TableError(
            f"{where}, line {line}: not UTF-8 text (byte 0x{data[error.start]:02x}); "
            "save the table as CSV UTF-8"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise TableError(f"{where}, line {line}: a NUL character; this is not a text file")
    return text


def _records(text: str, where: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise TableError(f"{where}, line {line}: not a CSV table ({error})") from None
        if cells not in ([], [""]):
            yield line, cells


def _check_header(header: list[str], where: str) -> None:
    if not header:
        raise TableError(f"{where}: the file is empty; a header line and rows are needed")
    if len(header) > MAX_COLUMNS:
        raise TableError(f"{where}: {len(header)} columns, at most {MAX_COLUMNS} are supported")
    if len(header) == 1:
        for separator, called in ((";", "semicolons"), ("\t", "tabs")):
            if separator in header[0]:
                raise TableError(
                    f"{where}: the header holds {called} and no comma; "
                    "save the table with commas between the columns"
                )
    seen = set()
    for i, name in enumerate(header, 1):
        if not name:
            raise TableError(f"{where}: column {i} has no name in the header")
        if name in seen:
            raise TableError(f"{where}: two columns are named {shown(name)}; rename one")
        seen.add(name)
