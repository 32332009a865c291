"""From the text of a table to rows of numbers and class numbers, the same for new tables."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.data.encoding import mean_and_deviation
from tinygrad_edu.data.table import Table, TableError, is_number, shown

__all__ = ["CategoryColumn", "NumericColumn", "TableEncoder"]

MAX_CLASSES = 20


@dataclass(frozen=True)
class NumericColumn:
    """A column of numbers, standardised: one feature (x - mean) / deviation."""

    name: str
    mean: float
    deviation: float

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The name of the column."""
        return (self.name,)

    def encode(self, table: Table) -> list[list[float]]:
        """Return n rows of one number each."""
        rows = []
        for i, x in enumerate(table.numbers(self.name)):
            rows.append([(x - self.mean) / self.deviation])
            if not math.isfinite(rows[i][0]):
                raise table.error(
                    i, self.name, f"{x} is too far from the mean {self.mean} of the training data"
                )
        return rows


@dataclass(frozen=True)
class CategoryColumn:
    """A column of words, 1-of-k: one feature per category, 1.0 for the word in the cell."""

    name: str
    categories: tuple[str, ...]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """`column=category` for each of the k categories."""
        return tuple(f"{self.name}={category}" for category in self.categories)

    def encode(self, table: Table) -> list[list[float]]:
        """Return n rows of k numbers each."""
        places = _places(table, self.name, table.text(self.name), self.categories, "category")
        return [[float(i == place) for i in range(len(self.categories))] for place in places]


@dataclass(frozen=True)
class TableEncoder:
    """What was learned from a training table; `features` and `labels` apply it to any table.

    A column of finite numbers is standardised, a column without any number is 1-of-k; one that
    mixes them is an error. The target's words, sorted, are the class names; a numeric target
    must hold whole numbers, at most 20 different ones, sorted by value.
    """

    columns: tuple[NumericColumn | CategoryColumn, ...]
    target: str
    class_names: tuple[str, ...]

    @classmethod
    def fit(cls, table: Table, target: str, rows: Sequence[int] | None = None) -> "TableEncoder":
        """Learn the encoding of every column but `target`.

        `rows` (numbers from 0, default all) are the training rows: means and deviations come from
        them alone, so that test rows stay unseen. Categories and class names come from the whole
        table. TableError for a constant column, a mixed one, or a target that is not classes.
        """
        rows = _checked_rows(rows, len(table))
        class_names = _class_names(table, target)
        features = [name for name in table.header if name != target]
        if not features:
            raise TableError(
                f"{table.path}: {shown(target)} is the only column; a feature is needed too"
            )
        return cls(tuple(_learned(table, name, rows) for name in features), target, class_names)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the d features, `column` or `column=category`."""
        return tuple(name for column in self.columns for name in column.feature_names)

    def features(self, table: Table) -> list[list[float]]:
        """Return n rows of d numbers; further columns of the table are ignored.

        TableError for a missing column, text among numbers, or an unknown category.
        """
        parts = [column.encode(table) for column in self.columns]
        return [[x for part in row for x in part] for row in zip(*parts, strict=True)]

    def labels(self, table: Table) -> list[int]:
        """Return n class numbers 0..k-1; TableError for an unknown class."""
        cells = [_class_name(cell) for cell in table.text(self.target)]
        return _places(table, self.target, cells, self.class_names, "class")

    def to_dict(self) -> dict[str, Any]:
        """Return the encoder as dicts, lists, text and finite numbers, ready for JSON."""
        columns: list[dict[str, Any]] = [
            {"name": c.name, "kind": "numeric", "mean": c.mean, "deviation": c.deviation}
            if isinstance(c, NumericColumn)
            else {"name": c.name, "kind": "category", "categories": list(c.categories)}
            for c in self.columns
        ]
        return {"columns": columns, "target": self.target, "class_names": list(self.class_names)}

    @classmethod
    def from_dict(cls, data: object) -> "TableEncoder":
        """Return the encoder that `to_dict` wrote; ValueError, naming the field, for all else."""
        fields = _fields(data, "encoder", ("columns", "target", "class_names"))
        entries = _a_list(fields["columns"], "columns", 1)
        columns = tuple(_column(entry, f"columns[{i}]") for i, entry in enumerate(entries))
        target = _a_text(fields["target"], "target")
        _check_distinct([column.name for column in columns] + [target], "columns and target")
        return cls(columns, target, _names(fields["class_names"], "class_names"))


def _checked_rows(rows: Sequence[int] | None, n: int) -> Sequence[int]:
    rows = range(n) if rows is None else rows
    for row in rows:
        if not 0 <= row < n:
            raise ValueError(f"rows must be row numbers 0..{n - 1}, got {row}")
    if not len(rows):
        raise ValueError("rows is empty; at least two training rows are needed")
    return rows


def _class_name(cell: str) -> str:
    """Return a cell of the target as a class name: 1, 01 and 1.0 are all class 1."""
    if is_number(cell) and float(cell).is_integer():
        return str(int(float(cell)))
    return cell


def _class_names(table: Table, target: str) -> tuple[str, ...]:
    if table.is_numeric(target):
        values = sorted(set(table.numbers(target)))
        if len(values) > MAX_CLASSES or not all(value.is_integer() for value in values):
            raise TableError(
                f"{table.path}, column {shown(target)}: a target holds classes, that is words "
                f"or at most {MAX_CLASSES} different whole numbers, and this one holds "
                f"{len(values)} different numbers"
            )
        names = tuple(str(int(value)) for value in values)
    else:
        names = tuple(sorted(set(table.text(target))))
    if len(names) == 1:
        raise TableError(
            f"{table.path}, column {shown(target)}: every row is of class {shown(names[0])}; "
            "at least two classes are needed"
        )
    return names


def _learned(table: Table, name: str, rows: Sequence[int]) -> NumericColumn | CategoryColumn:
    where = f"{table.path}, column {shown(name)}"
    if not table.is_numeric(name):
        categories = tuple(sorted(set(table.text(name))))
        if len(categories) == 1:
            raise TableError(
                f"{where}: every row holds {shown(categories[0])}; delete the constant column"
            )
        return CategoryColumn(name, categories)
    numbers = table.numbers(name)
    if len(set(numbers)) == 1:
        raise TableError(f"{where}: every row holds {numbers[0]}; delete the constant column")
    training = [numbers[i] for i in rows]
    if len(set(training)) == 1:
        raise TableError(
            f"{where}: every training row holds {training[0]}; choose other rows or delete it"
        )
    mean, deviation = mean_and_deviation(training)
    if not 0 < deviation < math.inf:
        raise TableError(
            f"{where}: the numbers from {min(training)} to {max(training)} are "
            "too narrow or too wide to standardise in floating point; change their unit"
        )
    return NumericColumn(name, mean, deviation)


def _places(
    table: Table, name: str, cells: list[str], known: tuple[str, ...], called: str
) -> list[int]:
    place = {word: i for i, word in enumerate(known)}
    for i, cell in enumerate(cells):
        if cell not in place:
            more = ", ..." if len(known) > 10 else ""
            raise table.error(
                i,
                name,
                f"unknown {called} {shown(cell)}; known are "
                f"{', '.join(map(shown, known[:10]))}{more}",
            )
    return [place[cell] for cell in cells]


# Reading back what may have been written by anybody: each value is checked before it is used.


def _column(data: object, where: str) -> NumericColumn | CategoryColumn:
    kind = _an_object(data, where).get("kind")
    if kind == "numeric":
        fields = _fields(data, where, ("name", "kind", "mean", "deviation"))
        mean = _a_number(fields["mean"], f"{where}.mean")
        deviation = _a_number(fields["deviation"], f"{where}.deviation")
        if deviation <= 0:
            raise ValueError(f"{where}.deviation must be greater than 0, got {deviation}")
        return NumericColumn(_a_text(fields["name"], f"{where}.name"), mean, deviation)
    if kind == "category":
        fields = _fields(data, where, ("name", "kind", "categories"))
        categories = _names(fields["categories"], f"{where}.categories")
        return CategoryColumn(_a_text(fields["name"], f"{where}.name"), categories)
    raise ValueError(f"{where}.kind must be 'numeric' or 'category', got {_what(kind)}")


def _an_object(data: object, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ValueError(f"{where} must be an object, got {_what(data)}")
    return data


def _fields(value: object, where: str, names: tuple[str, ...]) -> dict[str, Any]:
    data = _an_object(value, where)
    for name in names:
        if name not in data:
            raise ValueError(f"{where} lacks the field {name!r}")
    for name in data:
        if name not in names:
            raise ValueError(f"{where} has an unknown field {_what(name)}")
    return data


def _a_list(value: object, where: str, least: int) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{where} must be a list, got {_what(value)}")
    if len(value) < least:
        raise ValueError(f"{where} must have at least {least} entries, got {len(value)}")
    return value


def _a_text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{where} must be text, got {_what(value)}")
    if not value:
        raise ValueError(f"{where} must not be empty")
    return value


def _a_number(value: object, where: str) -> float:
    try:
        number = float(value) if type(value) in (int, float) else None  # type: ignore[arg-type]
    except OverflowError:
        number = math.inf
    if number is None:
        raise ValueError(f"{where} must be a number, got {_what(value)}")
    if not math.isfinite(number):
        raise ValueError(f"{where} must be a finite number, got {number}")
    return number


def _names(value: object, where: str) -> tuple[str, ...]:
    entries = _a_list(value, where, 2)
    names = [_a_text(entry, f"{where}[{i}]") for i, entry in enumerate(entries)]
    _check_distinct(names, where)
    return tuple(names)


def _check_distinct(names: list[str], where: str) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{where} must be distinct, but {shown(name)} is there twice")
        seen.add(name)


def _what(value: object) -> str:
    return shown(value) if isinstance(value, str) else type(value).__name__
