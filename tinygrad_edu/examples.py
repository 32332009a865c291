"""Examples: rows X and targets y in whatever form a user has them, read and checked once.

Lists, tuples, iterators, arrays of any type, frames, series and tensors on the CPU are taken; sets,
mappings, text and bytes are refused. What comes in as an array of numbers is checked as an array.
"""

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from numbers import Integral, Real
from typing import Any, Final, Protocol, runtime_checkable

from tinygrad_edu.checks import UNORDERED, is_listed, is_real, number

#: Lists in lists of a target; one that contains itself has no end.
_DEEPEST: Final = 30
_TEXT: Final = (str, bytes, bytearray)


@runtime_checkable
class _Column(Protocol):
    """A frame or a series, of pandas or another library."""

    def to_numpy(self) -> Any: ...


@runtime_checkable
class _Labelled(Protocol):
    """A frame or a series with labels for its rows, as in pandas."""

    iloc: Any


@runtime_checkable
class _Tensor(Protocol):
    """What NumPy can look into, such as a tensor on the CPU."""

    def __array__(self) -> Any: ...


@runtime_checkable
class _Sparse(Protocol):
    """A sparse matrix, as SciPy has them."""

    def toarray(self) -> Any: ...


class Rows(Sequence[Any]):
    """n rows of floats, or n targets (ints, floats or rows), as lists and as an array.

    What did not come in is made: the lists once, when first asked for, the array each time.
    """

    def __init__(self, lists: list[Any] | None, array: Any = None) -> None:
        self._lists, self._array = lists, array

    @property
    def lists(self) -> list[Any]:
        """Rows as lists of floats; targets as ints, floats or lists."""
        if self._lists is None:
            self._lists = self._array.tolist()
        return self._lists

    @property
    def array(self) -> Any:
        """All of it as floats, (n, columns)."""
        import numpy

        given = self._lists if self._array is None else self._array
        numbers = numpy.asarray(given, dtype=float)
        return numbers if numbers.ndim == 2 else numbers.reshape(len(self), len(self) and 1)

    def __len__(self) -> int:
        return len(self._array if self._lists is None else self._lists)

    def __getitem__(self, i: Any) -> Any:
        return self._array[i].tolist() if self._lists is None else self._lists[i]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.lists)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        own = self._array is None  # what came in stays with whoever gave it
        return self.array.astype(dtype or float, copy=not own)

    def __repr__(self) -> str:
        return f"Rows({len(self)})"


def examples(
    X: Iterable[Any], y: Iterable[Any], names: tuple[str, str] = ("X", "y"), *, own: bool = True
) -> tuple[Rows, Rows]:
    """Rows of floats and targets (class numbers as ints), as many of each, at least one.

    Unless they are to be their `own`, an array of floats is shared with whoever gave it.

    Raises TypeError for what holds no rows of numbers, ValueError for rows of different lengths and
    for numbers that are not finite, naming the place.
    """
    rows, wanted = inputs(X, names[0], own=own), targets(y, names[1], own=own)
    if not rows:
        raise ValueError(f"{names[0]} has no rows")
    if len(rows) != len(wanted):
        raise ValueError(f"{len(rows)} rows in {names[0]} but {len(wanted)} targets in {names[1]}")
    return rows, wanted


def inputs(X: Iterable[Any], name: str = "X", *, own: bool = True) -> Rows:
    """Rows of floats alone, checked in the same way; none are fine."""
    data = _opened(X, name, most=2)
    if _is_numeric(data) and data.ndim == 2:
        return Rows(None, _all_finite(data.astype(float, order="C", copy=own), name))
    rows = [read_row(row, f"{name}[{i}]") for i, row in enumerate(data)]
    return _even(rows, name)


def targets(y: Iterable[Any], name: str = "y", *, own: bool = True) -> Rows:
    """Targets alone, checked in the same way: ints (also for booleans), floats, or rows of floats.

    Raises TypeError for labels that are text.
    """
    data = _opened(y, name, most=2)
    if _is_numeric(data):
        if data.ndim == 1 and data.dtype.kind != "f":
            return Rows(None, data.astype(int if data.dtype.kind == "b" else data.dtype, copy=own))
        return Rows(None, _all_finite(data.astype(float, order="C", copy=own), name))
    wanted = [_read_target(t, f"{name}[{i}]") for i, t in enumerate(data)]
    return _even(wanted, name)


def class_numbers(y: Iterable[Any], name: str = "y") -> list[int]:
    """Targets that are whole numbers. Raises ValueError for others."""
    labels = [t[0] if isinstance(t, list) and len(t) == 1 else t for t in targets(y, name)]
    for i, label in enumerate(labels):
        if isinstance(label, list) or label != int(label):
            raise ValueError(
                f"{name}[{i}] is {label!r:.40}, and no class number: "
                "write sorted(set(y)).index(label) for a label"
            )
    return [int(label) for label in labels]


def kept(data: Iterable[Any], name: str) -> Any:
    """A frame, an array or a tensor itself, else a list of its rows, whatever they are."""
    entries = _opened(data, name)
    return list(entries) if as_array(entries) is None else data


def labels(y: Iterable[Any], name: str = "y") -> list[Any]:
    """Labels of any type; those of a single column may stand in rows of one."""
    entries = _opened(y, name)
    listed = list(entries) if as_array(entries) is None else entries.tolist()
    alone = [t[0] if isinstance(t, (list, tuple)) and len(t) == 1 else t for t in listed]
    return [read_target(t) if as_array(t) is not None else t for t in alone]


def take(data: Any, numbers: list[int]) -> Any:
    """The rows of these numbers, in this order: of a frame, an array or a tensor as the same."""
    if isinstance(data, _Labelled):
        return data.iloc[numbers]
    return [data[i] for i in numbers] if as_array(data) is None else data[numbers]


def like(data: Any, rows: Any) -> Any:
    """An array of rows in the form of `data`: a frame of the same names, an array, else lists."""
    array, frame = as_array(data), data
    if isinstance(data, _Labelled) and array.ndim == 2:
        return type(frame)(rows, index=frame.index, columns=frame.columns)
    return rows.tolist() if array is None else rows


def read_row(row: Any, name: str) -> list[float]:
    """One row of finite floats."""
    if type(row) is list and {float}.issuperset(map(type, row)) and math.isfinite(sum(row)):
        return row[:]  # at once
    entries = _in_order(row, name)
    if entries is None:
        kind, remedy = type(row).__name__, "for one feature write [[x] for x in X], for one row [X]"
        if kind in ("void", "record"):
            kind, remedy = "a record of an array", "write its fields as a list"
        raise TypeError(f"{name} must be a row of numbers, got {kind}: {remedy}")
    return [
        x if type(x) is float and math.isfinite(x) else _finite(x, f"{name}[{j}]")
        for j, x in enumerate(entries)
    ]


def read_target(t: Any, depth: int = 0) -> Any:
    """One target as Python's own numbers: an int (also for a boolean), a float or a list of them.

    What is no number, such as a Value, stays as it is. A target may be infinite here. Raises
    ValueError for masked numbers.
    """
    if type(t) in (float, int) or isinstance(t, UNORDERED):
        return t
    if is_real(t):
        value = number(t, "a target")
        return int(t) if isinstance(t, Integral) or not isinstance(t, Real) else value
    array = as_array(t)
    if array is not None and not _plain(array, "a target").ndim:
        return read_target(array.item())
    if isinstance(t, Iterable):
        if depth > _DEEPEST:
            raise TypeError("a target is nested too deeply: it is a number or a list of numbers")
        return [read_target(x, depth + 1) for x in (t if array is None else array.tolist())]
    return t


def class_number(target: Any, n: int) -> int:
    """A target as one of the class numbers 0..n-1 of `cross_entropy`."""
    if not isinstance(target, Real) or (k := number(target, "a class number")) % 1 != 0:
        raise ValueError(
            f"the target of cross_entropy is a class number 0..{n - 1} or a list of {n} "
            f"probabilities, got {target!r}"
        )
    if not 0 <= k < n:
        raise ValueError(f"class {k:.0f} is out of range 0..{n - 1}")
    return int(k)


def as_array(x: Any) -> Any:
    """`x` as an array of NumPy, if it is one, a frame, a series or a tensor; else None."""
    if type(x) in (float, int, list, tuple) or isinstance(x, (*_TEXT, Rows)):
        return None
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(x, (numpy.ndarray, numpy.generic)):
        return None if isinstance(x, numpy.generic) else x
    if isinstance(x, _Column):
        return x.to_numpy()
    return import_module("numpy").asarray(x) if isinstance(x, _Tensor) else None


def _in_order(x: Any, name: str) -> Any:
    """`x`, as an array if it is one, if it gives entries in an order; else None."""
    array = as_array(x)
    entries = x if array is None else _plain(array, name)
    return entries if is_listed(entries) else None


def _opened(data: Any, name: str, most: int | None = None) -> Any:
    """The data as an array, of `most` dimensions, or as something else with rows in an order."""
    if isinstance(data, Rows):
        return data.lists if data._lists is not None else data._array
    if isinstance(data, _Sparse):
        raise TypeError(f"{name} is a sparse matrix: write {name}.toarray()")
    entries = _in_order(data, name)
    if entries is None:
        kind = type(data).__name__ if as_array(data) is None else "an array without rows"
        raise TypeError(f"{name} must be a list or an array, got {kind}")
    if most and as_array(entries) is not None and entries.ndim > most:
        raise ValueError(
            f"{name} has {entries.ndim} dimensions, at most {most} are rows of numbers: "
            f"write {name}.reshape(len({name}), -1)"
        )
    return entries


def _plain(array: Any, name: str) -> Any:
    """The array as NumPy's own type."""
    import numpy

    if array.dtype.names is not None:
        raise TypeError(f"{name} is a structured array: give its fields as columns of one array")
    if numpy.ma.is_masked(array):
        raise ValueError(f"{name} has masked numbers: remove or replace them, as in X.filled(0)")
    return numpy.asarray(array)


def _is_numeric(data: Any) -> bool:
    return as_array(data) is not None and data.dtype.kind in "fiub"


def _all_finite(array: Any, name: str) -> Any:
    """The array itself. Raises ValueError for the first number that is inf or nan."""
    numpy = sys.modules["numpy"]
    with numpy.errstate(all="ignore"):
        if math.isfinite(array.sum()):  # as it is of no numbers of which one is not
            return array
    finite = numpy.isfinite(array)
    if not finite.all():
        place = [int(k[0]) for k in (~finite).nonzero()]
        where = name + "".join(f"[{k}]" for k in place)
        _finite(float(array[tuple(place)]), where)
    return array


def _even(data: list[Any], name: str) -> Rows:
    widths = [len(row) if isinstance(row, list) else -1 for row in data]
    for i, width in enumerate(widths):
        if width != widths[0]:
            a, b = ("one number" if n < 0 else f"a row of {n}" for n in (width, widths[0]))
            raise ValueError(f"{name}[{i}] is {a}, {name}[0] is {b}")
    return Rows(data)


def _read_target(t: Any, name: str) -> Any:
    if type(t) is int and abs(t) < 2**63:
        return t
    if isinstance(t, _TEXT):
        raise TypeError(
            f"{name} is the text {str(t)!r:.40}: encode classes as numbers, "
            "for instance sorted(set(y)).index(label)"
        )
    target = read_target(t)
    if isinstance(target, Iterable):
        return read_row(target, name)
    value = _finite(target, name)
    return target if type(target) is int else value


def _finite(x: Any, name: str) -> float:
    value = math.nan if type(x).__name__ == "NAType" else number(x, name)
    if not math.isfinite(value):
        raise ValueError(
            f"{name} is {value!r}: remove or replace the row, training needs finite data"
        )
    return value
