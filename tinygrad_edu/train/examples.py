"""Examples: rows and targets as a user gives them, checked once and made plain floats."""

import math
import random
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from typing import Any, Final

from tinygrad_edu.checks import number

#: Makes another row of a row, such as the same with noise: (row, rng) -> row.
Augment = Callable[[list[float], random.Random], Iterable[Any]]

_TEXT: Final = (str, bytes, bytearray)


def examples(
    X: Iterable[Any], y: Iterable[Any], names: tuple[str, str] = ("X", "y")
) -> tuple[list[list[float]], list[Any]]:
    """Rows and targets as lists of floats (class numbers as ints), checked once."""
    X, y = (_listed(name, data) for name, data in zip(names, (X, y), strict=True))
    rows = [_row(row, f"{names[0]}[{i}]") for i, row in enumerate(X)]
    targets = [_target(t, f"{names[1]}[{i}]") for i, t in enumerate(y)]
    if not rows:
        raise ValueError(f"{names[0]} has no rows")
    if len(rows) != len(targets):
        raise ValueError(f"{len(rows)} rows in {names[0]} but {len(targets)} targets in {names[1]}")
    _check_widths(names[0], rows)
    _check_widths(names[1], targets)
    return rows, targets


def inputs(X: Iterable[Any]) -> list[list[float]]:
    """Rows alone, checked in the same way; none are fine."""
    rows = [_row(row, f"X[{i}]") for i, row in enumerate(_listed("X", X))]
    _check_widths("X", rows)
    return rows


def augmented(
    augment: Augment, rows: Sequence[list[float]], rng: random.Random
) -> list[list[float]]:
    """Each row as `augment` changes it, checked like the rows of X; the rows themselves stay."""
    name, found = "augment(row, rng)", []
    for row in rows:
        new = augment(list(row), rng)
        if isinstance(new, _TEXT) or not isinstance(new, Iterable):
            raise TypeError(f"{name} must be a row of numbers, got {type(new).__name__}")
        found.append(_row(new, name))
        if len(found[-1]) != len(row):
            raise ValueError(f"{name} must be a row of {len(row)} numbers, got {len(found[-1])}")
    return found


def _listed(name: str, data: Any) -> Iterable[Any]:
    """The data as something that gives its rows, which a frame does not."""
    if hasattr(data, "to_numpy"):
        data = data.to_numpy()
    if isinstance(data, (*_TEXT, dict)) or not isinstance(data, Iterable):
        raise TypeError(f"{name} must be a list or an array, got {type(data).__name__}")
    return data


def _check_widths(name: str, data: list[Any]) -> None:
    for i, row in enumerate(data):
        if _width(row) != _width(data[0]):
            raise ValueError(f"{name}[{i}] is {_width(row)}, {name}[0] is {_width(data[0])}")


def _width(row: Any) -> str:
    return f"a row of {len(row)}" if isinstance(row, list) else "one number"


def _row(row: Any, name: str) -> list[float]:
    if isinstance(row, _TEXT) or not isinstance(row, Iterable):
        raise TypeError(
            f"{name} must be a row of numbers, got {type(row).__name__}: "
            "for one feature write [[x] for x in X]"
        )
    return [_finite(x, f"{name}[{j}]") for j, x in enumerate(row)]


def _target(t: Any, name: str) -> Any:
    if isinstance(t, _TEXT):
        raise TypeError(
            f"{name} is the text {str(t)!r:.40}: encode classes as numbers, "
            "for instance sorted(set(y)).index(label)"
        )
    if isinstance(t, Integral):
        return int(t)
    return _row(t, name) if isinstance(t, Iterable) else _finite(t, name)


def _finite(x: Any, name: str) -> float:
    value = number(x, name)
    if not math.isfinite(value):
        raise ValueError(
            f"{name} is {value!r}: remove or replace the row, training needs finite data"
        )
    return value
