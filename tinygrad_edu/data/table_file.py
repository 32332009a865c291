"""Reading a table from a file: its encoding, its separator, comment lines and the header."""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from tinygrad_edu.checks import text_of
from tinygrad_edu.checks.habits import warn
from tinygrad_edu.data.notation import LOCAL, is_number
from tinygrad_edu.data.table import Table, TableError, listing, shown
from tinygrad_edu.files import AnyPath, open_regular, path_of

__all__ = ["read_table"]

MAX_COLUMNS: Final = 10_000
MOST_BYTES: Final = 2**30
#: How files begin that are taken for tables, and what they are.
NO_TABLES: Final = {
    b"PK\x03\x04": "an Excel workbook or another zip file",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"%PDF": "a PDF", b"<!DOCTYPE": "a web page", b"<!doctype": "a web page",
    b"<html": "a web page", b"PAR1": "a Parquet file", b'{"': "JSON", b"[{": "JSON",
}  # fmt: skip
#: Byte order marks, the longer ones first.
MARKS: Final = {
    codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
#: What may stand between columns; where two fit as well, the first of them does.
SEPARATORS: Final = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas", " ": "blanks"}
#: The letters of a file that decide on the separator.
HEAD: Final = 100_000
QUOTED: Final = re.compile('(?m)(?:^|(?<=[,;\t| ]))"(?:[^"]|"")*"')
SEP_LINE: Final = re.compile('\\s*"?sep=(.)"?[ \t]*(?=[\r\n]|$)', re.IGNORECASE)
DIGIT: Final = re.compile(r"[+-]?[.,]?\d")
#: How spreadsheets are told that 00501 is no number.
AS_TEXT: Final = re.compile('^="([^"]*)"$')
#: The name of a last row that is a sum of the others.
TOTAL: Final = re.compile(r"((grand|sub)?[\s-]?total|sum|summe|gesamt|average)s?:?", re.IGNORECASE)
CONTROL: Final = bytes({*range(32), 127} - set(b"\t\n\v\f\r\x1a\x1c\x1d\x1e"))
Records = Iterator[tuple[int, list[str]]]


def read_table(path: AnyPath, *, encoding: str = "", delimiter: str = "") -> Table:
    """Read a CSV file, whose first line names the columns.

    Found out are: commas, semicolons, tabs, bars or blanks between columns, or a first line such
    as `sep=;`; UTF-8, UTF-16, Windows-1252 or Latin-1, with a byte order mark or without; decimal
    commas and groups of thousands; gzip. `encoding`, a name that Python knows, and `delimiter`, one
    sign, say what cannot be found out. Blank lines and comments, which begin with #, are skipped.
    TableError for everything that is not such a table; OSError if the file cannot be opened. Warns
    of columns with `remarks`.
    """
    where = path_of(path)
    with open_regular(path) as file:
        table = table_in(file.read(MOST_BYTES + 1), where, encoding, delimiter)
    for remark in table.remarks.values():
        warn(remark)
    return table


def table_in(data: bytes, where: str, encoding: str = "", delimiter: str = "") -> Table:
    """The table in the bytes of a file, which errors call `where`; options as for `read_table`."""
    text_of("encoding", encoding)
    if len(text_of("delimiter", delimiter)) > 1 or delimiter in ('"', "\r", "\n", "#"):
        raise ValueError(f'delimiter must be one sign, such as ";", got {delimiter!r}')
    how, records = split(data, where, encoding, delimiter)
    _, header = next(records, (0, []))
    columns: list[list[str]] = [[] for _ in header[:MAX_COLUMNS]]
    if len(header) > MAX_COLUMNS:
        raise TableError(f"{where}: {len(header)} columns, at most {MAX_COLUMNS} are supported")
    same: dict[str, str] = {}  # of equal cells one is kept
    lines = []
    for line, cells in records:
        if len(cells) == len(header) + 1 and not cells[-1]:
            del cells[-1]
        if len(cells) != len(header):
            more = "; quote cells that hold a separator" * (len(cells) > len(header))
            raise TableError(
                f"{where}, line {line}: the header has {len(header)} columns "
                f"but this row has {len(cells)}{more}"
            )
        lines.append(line)
        for column, cell in zip(columns, cells, strict=True):
            column.append(same.setdefault(cell, cell))
    _check_header(header, columns, where)
    if not lines:
        raise TableError(f"{where}: the file has a header but no rows")
    for name, cells in zip(header, columns, strict=True):
        if TOTAL.fullmatch(cells[-1]) and cells.count(cells[-1]) == 1:
            raise TableError(
                f"{where}, line {lines[-1]}, column {shown(name)}: {shown(cells[-1])} is what the "
                "others make together, and no row like them: delete it"
            )
    named = {name: cells for name, cells in zip(header, columns, strict=True) if name}
    table = Table(where, named, lines, how)
    if "," in table.decimals.values():
        table = Table(where, named, lines, ", ".join(filter(None, [how, "decimal commas"])))
    return table


def split(data: bytes, where: str, encoding: str, delimiter: str) -> tuple[str, Records]:
    """How the text of a file is written, "" for commas and UTF-8, and its records.

    A record is the number of its first line and its cells, stripped; blank lines and comments are
    none. The encoding is that of a byte order mark, else UTF-8, else Windows-1252 or Latin-1. The
    separator is that of a first line such as `sep=;`, else what the lines have as many of as the
    header. Lines that begin with # are comments, unless they have as many cells as the header.
    """
    how = []
    if data.startswith(b"\x1f\x8b"):
        data = _unzipped(data, where)
        how.append("gzip")
    text, called = _decoded(_checked(data, where), where, encoding)
    head = QUOTED.sub("q", text[:HEAD])
    lines = [line for line in re.split("\r\n|\r|\n", head) if line.strip()]
    if len(text) > HEAD and len(lines) > 1:
        del lines[-1]  # which may be cut
    told = SEP_LINE.match(text)
    rows = [line for line in lines[bool(told) :] if not line.lstrip().startswith("#")][:200]
    separator = delimiter or (told[1] if told else _separator(rows))
    how += [called] * (called != "UTF-8")
    if not (told or delimiter):
        _check_title(rows, separator, where)
    if separator != "," and rows and _width(rows[0], separator) > 1:
        how.append(f"{SEPARATORS.get(separator, repr(separator))} between columns")
    return ", ".join(how), _records(text, where, separator, rows, bool(told))


def _check_title(rows: list[str], separator: str, where: str) -> None:
    below = [line for line in rows[1:] if not LOCAL[","].fullmatch(line.strip(' "'))]
    more = any(all(_width(line, sign) > 1 for line in below) for sign in ";\t,|")
    if below and more and _width(rows[0], separator) == 1:
        raise TableError(
            f"{where}: the first line, {shown(rows[0].strip())}, has one cell and the others more: "
            "write the names of the columns there, or delete it"
        )


def _unzipped(data: bytes, where: str) -> bytes:
    try:
        with gzip.open(io.BytesIO(data)) as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(f"{where}: a gzip file that is broken ({error}); pack it anew") from None


def _checked(data: bytes, where: str) -> bytes:
    if len(data) > MOST_BYTES:
        raise TableError(f"{where}: more than {MOST_BYTES:,} bytes; take a part of the rows")
    for start, called in NO_TABLES.items():
        if data.startswith(start):
            raise TableError(
                f"{where}: this is {called}, not a table of text; save it as CSV UTF-8"
            )
    return data


def _decoded(data: bytes, where: str, encoding: str) -> tuple[str, str]:
    """The text of a file, and what its encoding is called."""
    found = next((codec for mark, codec in MARKS.items() if data.startswith(mark)), "utf-8")
    codec = encoding or found
    if codec == found == "utf-8" and 3 * data[:1000].count(0) > len(data[:1000]):
        codec = "utf-16-le" if data[1] == 0 else "utf-16-be"
    called = encoding or codec[:6].upper()
    try:
        text = data.decode(codec).removeprefix("\ufeff")
    except LookupError:
        raise ValueError(f"unknown encoding {codec!r}: write utf-8, cp1251, big5") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        strange, high = _western(data)
        if encoding or codec[:5] != "utf-8" or strange:
            raise TableError(
                f"{where}, line {line}: not {called.removesuffix('-')} text "
                f"(byte 0x{data[error.start]:02x}); save the table as CSV UTF-8"
            ) from None
        return (data.decode("latin-1"), "Latin-1") if high is None else (high, "Windows-1252")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise TableError(f"{where}, line {line}: a NUL character; this is not a text file")
    return text, "UTF-8" if codec.startswith("utf-8") else called


def _western(data: bytes) -> tuple[bool, str | None]:
    """Whether bytes are no text of western Europe, and it in Windows-1252, None if in Latin-1.

    Control characters are no text, UTF-8 with a wrong byte is UTF-8, and where every third letter
    is none of ASCII the writing is another.
    """
    guess = data.decode("utf-8", "replace")
    wrong = guess.count("\ufffd")
    others = sum(map(len, re.findall(r"[^\x00-\x7f]+", guess))) - wrong
    letters = len(re.findall(rb"[A-Za-z\x80-\xff]", data))
    strange = len(data) != len(data.translate(None, CONTROL)) or others > wrong
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = None
    return strange or (wrong > 10 and 3 * wrong > letters), text


def _width(line: str, separator: str) -> int:
    """How many cells a line has; several blanks are one separator."""
    bare = QUOTED.sub("q", line)
    return len(bare.split()) if separator == " " else bare.count(separator) + 1


def _separator(lines: list[str]) -> str:
    """What separates the columns: it is in the header, and most lines have as many of it."""

    def fit(separator: str) -> tuple[float, int]:
        header, *widths = (_width(line, separator) for line in lines)
        alike = widths.count(header) / len(widths) if widths else 1.0
        return (alike, header) if header > 1 else (-1.0, 0)

    if not lines:
        return ","
    best = max(list(SEPARATORS)[:-1], key=fit)
    if fit(best)[0] >= 0:
        return best
    if len(lines) > 1 and fit(" ")[0] == 1:
        return " "
    return "," if any("\t" in line for line in lines) else "\t"  # one column, perhaps of 1,5


def _records(text: str, where: str, separator: str, rows: list[str], told: bool) -> Records:
    width = _width(rows[0], separator) if rows else 0
    begins = True  # a record
    first = True  # of all

    def lines() -> Iterator[str]:
        nonlocal begins, told
        for line in io.StringIO(text, newline=""):
            bare = line.strip()
            if begins and (_is_comment(bare) or (told and bare)):
                told = False
                yield "\n"
                continue
            begins = False
            if separator == " ":  # a # that stands alone is no name
                line = (bare.removeprefix("#").lstrip() if first else bare) + "\n"
            yield line

    def _is_comment(line: str) -> bool:
        if not line.startswith("#") or told:
            return False
        if width < 2 or _width(line[1:], separator) != width:
            return True
        named = line[1:].lstrip().startswith(separator) or any(
            DIGIT.match(cell.strip(' "')) for cell in rows[0].split(separator)
        )
        return first and not named

    def unquoted(cell: str) -> str:
        return AS_TEXT.sub(r"\1", cell.strip())

    bare = unquoted if '="' in text else str.strip
    blanks = separator == " "
    reader = csv.reader(lines(), delimiter=separator, strict=True, skipinitialspace=blanks)
    while True:
        line, begins = reader.line_num + 1, True
        try:
            cells = list(map(bare, next(reader)))
        except StopIteration:
            return
        except csv.Error as error:
            raise TableError(f"{where}, line {line}: not a CSV table ({error})") from None
        if any(cells):
            if first and len(cells[0]) > 1:
                cells[0] = cells[0].removeprefix("#").strip()
            first = False
            yield line, cells


def _check_header(header: list[str], columns: list[list[str]], where: str) -> None:
    """Raise TableError for what are no names; a first column without one is named."""
    if not header:
        raise TableError(f"{where}: the file is empty; a header line and rows are needed")
    if _is_row(header, columns):
        names = ",".join(f"x{i}" for i in range(1, min(len(header), 4) + 1))
        raise TableError(
            f"{where}: the first line, {listing(header)}, is a row of numbers like the others: "
            f"write a line of names above it, such as {names}"
        )
    if not header[0]:
        header[0] = "column 1"
    seen = set()
    for i, (name, cells) in enumerate(zip(header, columns, strict=True), 1):
        if not name and any(cells):
            raise TableError(f"{where}: column {i} has no name in the header")
        if name in seen and name:
            raise TableError(f"{where}: two columns are named {shown(name)}; rename one")
        seen.add(name)


def _is_row(header: list[str], columns: list[list[str]]) -> bool:
    """Whether the names above all columns of numbers are numbers, and no years or 0, 1, 2..."""
    above = [
        name for name, cells in zip(header, columns, strict=True) if cells and is_number(cells[0])
    ]
    if not above or not all(map(is_number, above)):
        return False
    numbers = [float(name) for name in above]
    years = all(1800 <= x <= 2100 for x in numbers)
    in_turn = len({b - a for a, b in pairwise(numbers)}) == 1 and numbers[0] < numbers[1]
    return not (years or in_turn) or not all(x.is_integer() for x in numbers)
