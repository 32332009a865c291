"""From the text of a table to rows of numbers and class numbers, the same for new tables."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any, Final

from tinygrad_edu.checks import Check, instance, listed, real
from tinygrad_edu.data.encoding import mean_and_std, places
from tinygrad_edu.data.table import Table, TableError, listing, shown

__all__ = ["TableEncoder"]

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
        found = _places(table, self.name, self.categories, "category")
        return [[float(i == place) for i in range(len(self.categories))] for place in found]


@dataclass(frozen=True)
class TableEncoder:
    """What was learned from a training table; `features` and `labels` apply it to any table.

    A column of finite numbers is standardised, a column without any number is 1-of-k; one that
    mixes them is an error, and one of numbers in another notation, such as decimal commas. The
    different texts of the target are the class names, to the letter: 1 and 01 are two. Words are
    sorted; numbers must be whole, at most 20 different ones, and are sorted by value.
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
        rows = _checked_rows(rows, len(_table(table)))
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
        parts = [column.encode(_table(table)) for column in self.columns]
        return [[x for part in row for x in part] for row in zip(*parts, strict=True)]

    def labels(self, table: Table) -> list[int]:
        """Return n class numbers 0..k-1; TableError for an unknown class."""
        return _places(_table(table), self.target, self.class_names, "class")

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
        try:
            encoder = cls(**_fields("encoder", data, _ENCODER))
        except TypeError as error:
            raise ValueError(str(error)) from None
        _distinct("columns and target", [c.name for c in encoder.columns] + [encoder.target])
        return encoder


def _table(x: Any) -> Table:
    table: Table = instance("table", x, Table, "a Table", "write read_table(path)")
    return table


def _checked_rows(rows: Sequence[int] | None, n: int) -> Sequence[int]:
    rows = range(n) if rows is None else listed("rows", rows, "row numbers", Integral)
    for row in rows:
        if not 0 <= row < n:
            raise ValueError(f"rows must be row numbers 0..{n - 1}, got {row}")
    if not len(rows):
        raise ValueError("rows is empty; at least two training rows are needed")
    return rows


def _class_names(table: Table, target: str) -> tuple[str, ...]:
    cells = table.text(target)
    names = tuple(sorted(set(cells)))
    if table.is_numeric(target):
        broken = [i for i, x in enumerate(table.numbers(target)) if not x.is_integer()]
        if broken or len(names) > MAX_CLASSES:
            got = shown(cells[broken[0]]) if broken else f"{len(names)} different numbers"
            raise TableError(
                f"{table.path}, column {shown(target)}: a target holds classes, that is words "
                f"or at most {MAX_CLASSES} different whole numbers, and this one holds {got}"
            )
        names = tuple(sorted(names, key=float))
    if len(names) == 1:
        raise TableError(
            f"{table.path}, column {shown(target)}: every row is of class {shown(names[0])}; "
            "at least two classes are needed"
        )
    return names


def _learned(table: Table, name: str, rows: Sequence[int]) -> NumericColumn | CategoryColumn:
    where = f"{table.path}, column {shown(name)}"
    if not table.is_numeric(name):
        if remark := table.remarks.get(name):
            raise TableError(remark)
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
    mean, deviation = mean_and_std(training)
    if not 0 < deviation < math.inf:
        raise TableError(
            f"{where}: the numbers from {min(training)} to {max(training)} are "
            "too narrow or too wide to standardise in floating point; change their unit"
        )
    return NumericColumn(name, mean, deviation)


def _places(table: Table, name: str, known: tuple[str, ...], called: str) -> list[int]:
    return places(table.text(name), known, lambda i, cell: table.error(
        i, name, f"unknown {called} {shown(cell)}; known are {listing(known)}"
    ))  # fmt: skip


# Reading back what may have been written by anybody: each value is checked before it is used.


def _fields(what: str, data: object, checks: Mapping[str, Check], inside: str = "") -> Any:
    """The fields of an object, each as its check gives it: these and no others."""
    if not isinstance(data, dict):
        raise ValueError(f"{what} must be an object, got {_kind(data)}")
    for name in checks:
        if name not in data:
            raise ValueError(f"{what} lacks the field {name!r}")
    for name in data:
        if name not in checks:
            raise ValueError(f"{what} has an unknown field {_kind(name)}")
    return {name: check(inside + name, data[name]) for name, check in checks.items()}


def _text(what: str, x: object) -> str:
    if not isinstance(x, str) or not x:
        raise ValueError(f"{what} must be text that is not empty, got {_kind(x)}")
    return x


def _list_of(check: Check, least: int) -> Check:
    def entries(what: str, x: object) -> tuple[Any, ...]:
        if not isinstance(x, list) or len(x) < least:
            got = f"{len(x)}" if isinstance(x, list) else _kind(x)
            raise ValueError(f"{what} must be a list of at least {least} entries, got {got}")
        return tuple(check(f"{what}[{i}]", entry) for i, entry in enumerate(x))

    return entries


def _names(what: str, x: object) -> tuple[str, ...]:
    return tuple(_distinct(what, _list_of(_text, 2)(what, x)))


def _distinct(what: str, names: Sequence[str]) -> Sequence[str]:
    for name, times in Counter(names).items():
        if times > 1:
            raise ValueError(f"{what} must be distinct, but {shown(name)} is there twice")
    return names


def _column(what: str, data: object) -> NumericColumn | CategoryColumn:
    kind = data.get("kind") if isinstance(data, dict) else "numeric"
    if kind not in ("numeric", "category"):
        raise ValueError(f"{what}.kind must be 'numeric' or 'category', got {_kind(kind)}")
    column, checks = _COLUMNS[kind]
    fields = _fields(what, data, {"kind": lambda _, x: x, **checks}, f"{what}.")
    return column(**{name: x for name, x in fields.items() if name != "kind"})


def _kind(x: object) -> str:
    return shown(x) if isinstance(x, str) else type(x).__name__


_COLUMNS: Final[dict[str, tuple[type[NumericColumn | CategoryColumn], dict[str, Check]]]] = {
    "numeric": (NumericColumn, {"name": _text, "mean": real, "deviation": partial(real, above=0)}),
    "category": (CategoryColumn, {"name": _text, "categories": _names}),
}
_ENCODER: Final[dict[str, Check]] = {
    "columns": _list_of(_column, 1),
    "target": _text,
    "class_names": _names,
}
