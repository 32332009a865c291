"""From the text of a table to rows of numbers and class numbers, the same for new tables."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from numbers import Integral
from typing import Any, Final

from tinygrad_edu.checks import Check, instance, listed, one_of, real, text_of
from tinygrad_edu.data.columns import (
    FILLINGS,
    CategoryColumn,
    NumericColumn,
    as_table,
    learned,
    numeric_column,
    places_in,
)
from tinygrad_edu.data.notation import is_number
from tinygrad_edu.data.table import Table, TableError, column_error, shown

__all__ = ["TableEncoder"]

MAX_CLASSES = 20


@dataclass(frozen=True)
class TableEncoder:
    """What was learned from a training table; `features` and `labels` apply it to any table.

    A column of finite numbers is standardised, a column without any number is 1-of-k; one that
    mixes them is an error, and one of numbers in another notation, such as 3%. The
    different texts of the target are the class names, to the letter: 1 and 01 are two. Words are
    sorted; numbers must be whole, at most 20 different ones, and are sorted by value. Where the
    target is a number to predict, `number` standardises it and there are no class names.
    """

    columns: tuple[NumericColumn | CategoryColumn, ...]
    target: str
    class_names: tuple[str, ...]
    number: NumericColumn | None = None

    @classmethod
    def fit(
        cls,
        table: Table,
        target: str,
        rows: Sequence[int] | None = None,
        *,
        kinds: Mapping[str, str] | None = None,
        missing: str = "refuse",
    ) -> "TableEncoder":
        """Learn the encoding of every column but `target`.

        `rows` (numbers from 0, default all) are the training rows: means and deviations come from
        them alone, so that test rows stay unseen. Categories and class names come from the whole
        table. TableError for a constant column, a mixed one, or a target that is not classes.

        `kinds` tell what columns are, and that no others are used: "number", "category", and for
        the target "number" or "label", which takes all texts for classes. `missing` says what is
        made of cells without a value: "refuse"; "mean", of the training rows, and the commonest
        word; or "category", a word of its own, and for numbers a further feature.
        """
        rows = _checked_rows(rows, len(as_table(table)))
        known = _checked_kinds(table, text_of("target", target), kinds)
        one_of("missing", missing, FILLINGS)
        numeric = known.get(target) == "number"
        number = numeric_column(table, target, rows) if numeric else None
        names = () if numeric else _class_names(table, target, known.get(target) == "label")
        features = [n for n in table.header if n != target and (kinds is None or n in known)]
        if not features:
            raise TableError(
                f"{table.path}: {shown(target)} is the only column; a feature is needed too"
            )
        columns = tuple(learned(table, n, rows, known.get(n), missing) for n in features)
        return cls(columns, target, names, number)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the d features, `column` or `column=category`."""
        return tuple(name for column in self.columns for name in column.feature_names)

    def features(self, table: Table) -> list[list[float]]:
        """Return n rows of d numbers; further columns of the table are ignored.

        TableError for a missing column, text among numbers, or an unknown category.
        """
        features = [x for column in self.columns for x in column.encode(as_table(table))]
        return list(map(list, zip(*features, strict=True)))

    def labels(self, table: Table) -> Any:
        """Return n class numbers 0..k-1 or standardised numbers; TableError for a new class."""
        if self.number is not None:
            return self.number.encode(as_table(table))[0]
        return places_in(as_table(table), self.target, self.class_names, "class")

    @property
    def parts(self) -> list[slice]:
        """Which features are those of each column."""
        ends = list(accumulate((len(c.feature_names) for c in self.columns), initial=0))
        return list(map(slice, ends, ends[1:]))

    def to_dict(self) -> dict[str, Any]:
        """Return the encoder as dicts, lists, text and finite numbers, ready for JSON."""
        columns = [{"name": c.name, "kind": c.kind, **_stored(c)} for c in self.columns]
        target: Any = {"class_names": list(self.class_names)}
        if self.number is not None:
            target = {"number": _stored(self.number)}
        return {"columns": columns, "target": self.target, **target}

    @classmethod
    def from_dict(cls, data: object) -> "TableEncoder":
        """Return the encoder that `to_dict` wrote; ValueError, naming the field, for all else."""
        try:
            numeric = isinstance(data, dict) and "number" in data
            fields = _fields("encoder", data, _TO_NUMBERS if numeric else _ENCODER)
            if numeric:
                number = NumericColumn(fields["target"], **fields["number"])
                fields |= {"class_names": (), "number": number}
            encoder = cls(**fields)
        except TypeError as error:
            raise ValueError(str(error)) from None
        _distinct("columns and target", [c.name for c in encoder.columns] + [encoder.target])
        return encoder


def _stored(column: NumericColumn | CategoryColumn) -> dict[str, Any]:
    """The fields of a column but its name; those that are optional where they are not empty."""
    fields = {name: x for name, x in vars(column).items() if name != "name" and x != ""}
    return {name: list(x) if isinstance(x, tuple) else x for name, x in fields.items()}


def _checked_rows(rows: Sequence[int] | None, n: int) -> Sequence[int]:
    rows = range(n) if rows is None else listed("rows", rows, "row numbers", Integral)
    for row in rows:
        if not 0 <= row < n:
            raise ValueError(f"rows must be row numbers 0..{n - 1}, got {row}")
    if not len(rows):
        raise ValueError("rows is empty; at least two training rows are needed")
    return rows


def _checked_kinds(table: Table, target: str, kinds: Any) -> Mapping[str, str]:
    if kinds is None:
        return {}
    instance("kinds", kinds, Mapping, "a mapping", 'write kinds={"size": "number", "c": "label"}')
    for name, kind in kinds.items():
        table.missing(name)
        one_of("kind", kind, ("number", "label" if name == target else "category"))
    if target not in kinds:
        raise ValueError(f"kinds must say whether the target {shown(target)} is number or label")
    return kinds  # type: ignore[no-any-return]


def _class_names(table: Table, target: str, labels: bool) -> tuple[str, ...]:
    cells = table.text(target)
    names = tuple(sorted(set(cells), key=lambda x: (0, float(x), x) if is_number(x) else (1, 0, x)))
    if not labels and table.is_numeric(target):
        broken = [i for i, x in enumerate(table.numbers(target)) if not x.is_integer()]
        if broken or len(names) > MAX_CLASSES:
            got = shown(cells[broken[0]]) if broken else f"{len(names)} different numbers"
            wanted = f"classes, that is words or at most {MAX_CLASSES} different whole numbers"
            told = f"a target holds {wanted}, and this one holds {got}"
            raise column_error(table, target, told)
    if len(names) == 1:
        told = f"every row is of class {shown(names[0])}; at least two classes are needed"
        raise column_error(table, target, told)
    return names


# Reading back what may have been written by anybody: each value is checked before it is used.


def _fields(what: str, data: object, checks: Mapping[str, Check], inside: str = "") -> Any:
    """The fields of an object, each as its check gives it: these and no others."""
    if not isinstance(data, dict):
        raise ValueError(f"{what} must be an object, got {_kind(data)}")
    for name in checks:
        if name not in data and name not in _OPTIONAL:
            raise ValueError(f"{what} lacks the field {name!r}")
    for name in data:
        if name not in checks:
            raise ValueError(f"{what} has an unknown field {_kind(name)}")
    return {
        name: check(inside + name, data[name]) for name, check in checks.items() if name in data
    }


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
    if not isinstance(kind, str) or kind not in _COLUMNS:
        raise ValueError(f"{what}.kind must be 'numeric' or 'category', got {_kind(kind)}")
    column, checks = _COLUMNS[kind]
    fields = _fields(what, data, {"kind": lambda _, x: x, **checks}, f"{what}.")
    del fields["kind"]
    return column(**fields)


def _kind(x: object) -> str:
    return shown(x) if isinstance(x, str) else type(x).__name__


#: Fields of a column that are left out where they are empty.
_OPTIONAL: Final[dict[str, Check]] = {
    "missing": partial(one_of, table=FILLINGS[1:]),
    "decimal": partial(one_of, table=(",",)),
    "unit": _text,
}
_STANDARD: Final[dict[str, Check]] = {
    "mean": real,
    "deviation": partial(real, above=0),
    **_OPTIONAL,
}
_COLUMNS: Final[dict[str, tuple[type[NumericColumn | CategoryColumn], dict[str, Check]]]] = {
    "numeric": (NumericColumn, {"name": _text, **_STANDARD}),
    "category": (CategoryColumn, {"name": _text, "categories": _names, "missing": _text}),
}
_ENCODER: Final[dict[str, Check]] = {
    "columns": _list_of(_column, 1),
    "target": _text,
    "class_names": _names,
}
_TO_NUMBERS: Final[dict[str, Check]] = {
    "columns": _list_of(_column, 1),
    "target": _text,
    "number": lambda what, data: _fields(what, data, _STANDARD, "number."),
}
