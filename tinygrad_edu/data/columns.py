"""A column of a table: what it holds, and how it becomes features."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from tinygrad_edu.checks import instance
from tinygrad_edu.data.notation import MANY_WORDS, NOTATIONS, names_something
from tinygrad_edu.data.preprocessing import MOST_NUMBERS, mean_and_std, places
from tinygrad_edu.data.table import Table, TableError, column_error, listing, shown
from tinygrad_edu.text import clean, short

__all__ = ["kind_of"]

#: A column of words that has more of them is left out, unless somebody wants it.
MANY_CATEGORIES: Final = 100
#: A whole number in each row under such a name, or 0, 1, 2... in so many rows of the first column.
ID_NAME: Final = re.compile(
    r"(?i:(^|[\W_])(u?id|guid|uuid|nr|no|index|key|row)$|^column 1$)|[a-z]I[dD]$"
)
MANY_IN_TURN: Final = 20
#: So many cells of words in a column of numbers are mistakes.
FEW_WORDS: Final = 10
CONSTANT: Final = "every row holds {}; delete the constant column"
#: What is made of cells without a value.
FILLINGS: Final = ("refuse", "mean", "category")


def as_table(x: Any) -> Table:
    """A table, or TypeError."""
    table: Table = instance("table", x, Table, "a Table", "write read_table(path)")
    return table


def kind_of(table: Table, name: str) -> tuple[str, str]:
    """What a column holds: number, category, constant, date, id or text, and why it is of use.

    The reason is given for the last four, from which a net learns nothing.
    """
    read = as_table(table).read(name)
    cells = table.columns[name]
    words = list(dict.fromkeys(cell for cell in cells if cell.lower() not in ("", "nan")))
    n = len(cells) - len(table.missing(name))
    example = shown(words[0]) if words else "nothing"
    if len(words) < 2 or (n == read.found and len({x for x in read.numbers if x == x}) == 1):
        return "constant", f"every row holds {example}"
    dates = [word for word in words if re.fullmatch(NOTATIONS["dates or times"][0], word)]
    if 10 * len(dates) >= 9 * len(words):
        return "date", f"it holds dates or times such as {example}"
    each = len(words) == n > 2
    strange = len(read.strange)
    if read.found >= strange and (strange <= FEW_WORDS or read.found > 9 * strange):
        if not all(word.isdecimal() for word in words):
            return "number", ""
        first, names = read.numbers[0], any(map(names_something, words))
        in_turn = (
            name == table.header[0] and n >= MANY_IN_TURN and first in (0, 1)
            and all(x == first + i for i, x in enumerate(read.numbers))
        )  # fmt: skip
        if each and (names or in_turn or ID_NAME.search(name)):
            return "id", f"each row has a number of its own, such as {example}"
        if not names:
            return "number", ""
    elif told := table.notation(name):
        return "text", told
    if len(words) >= max(MANY_WORDS, 0.8 * n) or len(words) > MANY_CATEGORIES:
        code = each and all(re.search(r"\d", word) and " " not in word for word in words)
        return "id" if code else "text", f"{len(words)} different words in {n} rows"
    return "category", ""


def alike_words(table: Table, name: str) -> str:
    """A sentence on two words of a column that differ in capitals alone; "" if none do."""
    seen: dict[str, str] = {}
    for word in sorted(set(table.columns[name])):
        if (other := seen.setdefault(word.casefold(), word)) != word:
            return f"{clean(name, 40)}: {shown(other)} and {shown(word)} are two different words"
    return ""


@dataclass(frozen=True)
class NumericColumn:
    """A column of numbers, standardised: one feature (x - mean) / deviation.

    `missing` says what is made of a cell without a number: "" refuses it, "mean" takes the mean,
    and "category" too, with a second feature that is 1 for it and else 0. `decimal` is the comma
    of the training table, which a new one may not tell; `unit` its unit, which a new one must have.
    """

    kind: ClassVar = "numeric"
    name: str
    mean: float
    deviation: float
    missing: str = ""
    decimal: str = ""
    unit: str = ""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The name of the column, and perhaps that it is missing."""
        return (self.name,) + (f"{self.name} is missing",) * (self.missing == "category")

    def encode(self, table: Table) -> list[list[float]]:
        """Return n numbers for each feature."""
        numbers = table.floats(self.name, missing=bool(self.missing), decimal=self.decimal)
        if (unit := table.units[self.name]) != self.unit and table.read(self.name).found:
            here, there = unit or "without a unit", self.unit or "without one"
            told = f"the numbers are {here} and those of the training data {there}"
            raise column_error(table, self.name, f"{told}; write them in the same unit")
        scaled = [0.0 if x != x else (x - self.mean) / self.deviation for x in numbers]
        for i, x in enumerate(scaled):
            if not math.isfinite(x):
                raise table.error(
                    i, self.name,
                    f"{numbers[i]} is too far from the mean {self.mean} of the training data",
                )  # fmt: skip
        return [scaled, [float(x != x) for x in numbers]][: len(self.feature_names)]

    def decode(self, x: float) -> float:
        """The number that is x standardised."""
        return x * self.deviation + self.mean

    def cell(self, features: Sequence[float]) -> str:
        """The text of a cell that has these features."""
        return short(self.decode(features[0])) if not any(features[1:]) else "missing"


@dataclass(frozen=True)
class CategoryColumn:
    """A column of words, 1-of-k: one feature per category, 1.0 for the word in the cell.

    `missing` is the category that an empty cell is taken for; "" refuses it.
    """

    kind: ClassVar = "category"
    name: str
    categories: tuple[str, ...]
    missing: str = ""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """`column=category` for each of the k categories."""
        return tuple(f"{self.name}={category}" for category in self.categories)

    def encode(self, table: Table) -> list[list[float]]:
        """Return n numbers for each feature."""
        found = places_in(table, self.name, self.categories, "category", self.missing)
        return [[float(place == k) for place in found] for k in range(len(self.categories))]

    def cell(self, features: Sequence[float]) -> str:
        """The text of a cell that has these features."""
        return self.categories[features.index(1.0)]


def learned(
    table: Table, name: str, rows: Sequence[int], kind: str | None, missing: str
) -> NumericColumn | CategoryColumn:
    """The encoding of a column of this kind, None for what its cells look like."""
    if kind == "number" or (kind is None and table.is_numeric(name)):
        gaps = table.missing(name, numeric=True)
        return numeric_column(table, name, rows, missing if gaps or missing == "refuse" else "mean")
    if kind is None and (remark := table.remarks.get(name)):
        raise TableError(remark)
    empty = set(table.missing(name)) if missing != "refuse" else ()
    words = {*table.columns[name]} - {"", "nan"} if empty else {*table.text(name)}
    fill = ""
    if missing != "refuse":
        counts = Counter(table.columns[name][i] for i in rows if i not in empty)
        fill = max(counts, key=lambda word: counts[word], default="missing")
        fill = "missing" if empty and missing == "category" else fill
        words.add(fill)
    if len(words) == 1:
        raise column_error(table, name, CONSTANT.format(shown(*words)))
    if len(words) * len(table) > MOST_NUMBERS:
        told = f"{len(words)} words in {len(table)} rows make more than {MOST_NUMBERS:,} numbers"
        raise column_error(table, name, f"{told}; leave the column out")
    return CategoryColumn(name, tuple(sorted(words)), fill)


def numeric_column(
    table: Table, name: str, rows: Sequence[int], missing: str = "refuse"
) -> NumericColumn:
    """A column of numbers with mean and deviation of the training rows."""
    missing = "" if missing == "refuse" else missing
    numbers = table.floats(name, missing=bool(missing))
    known = {x for x in numbers if x == x}
    if len(known) == 1:
        raise column_error(table, name, CONSTANT.format(*known))
    training = [x for i in rows if (x := numbers[i]) == x]
    if len(set(training)) < 2:
        told = f"every training row holds {training[0] if training else 'no number'}"
        raise column_error(table, name, f"{told}; choose other rows or delete it")
    mean, deviation = mean_and_std(training)
    if not 0 < deviation < math.inf:
        told = f"the numbers from {min(training)} to {max(training)} are too narrow or too wide"
        how = "to standardise in floating point; change their unit"
        raise column_error(table, name, f"{told} {how}")
    comma = "," in table.decimals.values() and table.decimals[name] != "."
    return NumericColumn(name, mean, deviation, missing, "," * comma, table.units[name])


def places_in(
    table: Table, name: str, known: tuple[str, ...], called: str, missing: str = ""
) -> list[int]:
    """Where each cell of a column stands among the known words; TableError for another one."""
    empty = set(table.missing(name)) if missing else ()
    cells = table.columns[name] if missing else table.text(name)
    words = [missing if i in empty else cell for i, cell in enumerate(cells)]
    return places(words, known, lambda i, cell: table.error(
        i, name, f"unknown {called} {shown(cell)}; known are {listing(known)}"
    ))  # fmt: skip
