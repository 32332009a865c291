"""Calls of NumPy that do what an instruction says, its operands views of the arena."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from tinygrad_edu.namespace import FUNCTIONS
from tinygrad_edu.vectorize.arrays import HELPERS, of_arrays
from tinygrad_edu.vectorize.arrays import Array as Numbers
from tinygrad_edu.vectorize.executors.instructions import Array, Instruction

COMPARISONS: Final = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "equal": np.equal,
    "!=": np.not_equal,
    "not": np.logical_not,
}
FUNCTIONS_OF_ARRAYS: Final[dict[str, Any]] = {
    **{name: of_arrays(name) for name in FUNCTIONS},
    **COMPARISONS,
    "*": np.multiply,
    "+": np.add,
    "-": np.subtract,
    "copy": np.copyto,
    "copysign": np.copysign,
    "larger": np.maximum,  # these two of 0 and -0 any
    "smaller": np.minimum,
    "negative": np.negative,
}
#: A call: a function, its arguments, its keywords.
Call = tuple[Any, ...]


class Views:
    """Arrays of NumPy for those of instructions on so many rows, in their arena or given."""

    def __init__(self, rows: int, arena: Numbers) -> None:
        self.rows, self.arena, self.truths = rows, arena, arena.view(bool)
        self._views: dict[tuple[Any, ...], Any] = {}

    def strided(self, a: Array, shape: tuple[int, ...], steps: tuple[int, ...]) -> Any:
        """The numbers of an array; one object for equal ones, as NumPy then sees quicker."""
        memory, start = a.whole()
        numbers, at = memory.content, start
        if numbers is None:
            numbers, at = self.arena, memory.at + start
        if memory.bools:
            numbers, at = self.truths, 8 * memory.at + start
        key = (id(numbers), at, shape, steps)
        if key not in self._views:
            size = numbers.itemsize
            strides = [size * step for step in steps]
            self._views[key] = np.ndarray(shape, numbers.dtype, numbers, size * at, strides)
        return self._views[key]

    def look(self, a: Array) -> Any:
        """The numbers of an array: (rows, columns), with more than one place (rows, m, n)."""
        rows = self.rows if a.batched else 1
        if a.m == 1:
            return self.strided(a, (rows, a.n), (a.row, a.column))
        return self.strided(a, (rows, a.m, a.n), (a.row, a.place, a.column))

    def operand(self, a: Array) -> Any:
        """The same, but one number for all has no axis: NumPy is quicker with it."""
        single = (a.m == 1 or a.place == 0) and (a.n == 1 or a.column == 0)
        return self.strided(a, (), ()) if single and not a.batched else self.look(a)

    def places(self, a: Array) -> Any:
        """The places of all rows, one below the other."""
        rows = self.rows if a.batched else 1
        step = a.row if a.m == 1 else a.place
        assert a.m == 1 or rows == 1 or a.row == a.m * a.place
        return self.strided(a, (rows * a.m, a.n), (step, a.column))

    def matrices(self, a: Array, m: int, n: int) -> Any:
        """A matrix for each row."""
        return self.strided(a, (self.rows if a.batched else 1, m, n), (a.row, a.place, a.column))


def _where(views: Views, i: Instruction) -> list[Call]:
    out, condition, a, b = map(views.operand, (i.out, *i.operands))
    number = i.operands[1].number
    copied = [] if np.may_share_memory(out, b) else [(np.copyto, (out, b))]
    if number is None or condition.shape != out.shape:
        return [*copied, (np.copyto, (out, a), {"where": condition})]
    # a mask pays as arithmetic on all numbers where its branches are many
    if repr(number) == "0.0" and out.size >= 2048:  # not -0
        bits, words, one = np.empty(out.shape, dtype=np.int64), out.view(np.int64), np.int8(1)
        keep = (np.subtract, (condition.view(np.int8), np.array(one), bits))  # 0 or all bits
        return [*copied, keep, (np.bitwise_and, (words, bits, words))]
    return [*copied, (np.putmask, (out, condition, np.array(number)))]


def _product(views: Views, i: Instruction) -> list[Call]:
    x, w = i.operands
    across = views.strided(w, (w.m, w.n), (w.column, w.place))
    return [(np.dot, (views.places(x), across, views.places(i.out)))]


def _batched(views: Views, i: Instruction) -> list[Call]:
    a, b, out = map(views.matrices, (*i.operands, i.out), (i.m, i.n, i.m), (i.k, i.k, i.n))
    return [(np.matmul, (a, b.transpose(0, 2, 1), out))]


def _rowsum(out: Numbers, a: Numbers) -> list[Call]:
    if a.shape[1] == 1:
        return [(np.add, (a, np.array(0.0), out))]  # a sum starts from 0: that of -0 is 0
    ones = np.ones(a.shape[1])
    if a.dtype == bool:
        numbers = np.empty(a.shape)
        return [(np.copyto, (numbers, a)), (np.dot, (numbers, ones, out[:, 0]))]
    return [(np.dot, (a, ones, out[:, 0]))]


def _reduced(f: Any) -> Callable[..., list[Call]]:
    """The product of each row, or an extreme, of 0 and -0 any; of short rows column by column."""

    def calls(out: Numbers, a: Numbers) -> list[Call]:
        rows, n = a.shape
        if f is np.multiply or rows < 1000 or not 2 <= n <= 8:
            return [(f.reduce, (a, 1, None, out, True))]
        column = out[:, 0]
        return [(f, (a[:, 0] if j == 1 else column, a[:, j]), {"out": column}) for j in range(1, n)]

    return calls


def _picked(out: Numbers, a: Numbers, *t: Numbers, find: Any = None) -> list[Call]:
    """The number of each row at a column, or at the first of the columns that `find` looks for."""
    rows, n = a.shape
    starts, index = (np.arange(rows) * float(n))[:, None], np.empty((rows, 1), dtype=np.intp)
    first = [] if t else [(find, (a, 1, index[:, 0]))]
    to_index = (np.add, (t[0] if t else index, starts, index), {"casting": "unsafe"})
    return [*first, to_index, (np.take, (a, index, None, out, "clip"))]


def _take(views: Views, i: Instruction) -> list[Call]:
    assert i.columns is not None
    return [
        (np.take, (views.look(i.operands[0]), i.columns.content, -1, views.look(i.out), "clip"))
    ]


def _scatter(views: Views, i: Instruction) -> list[Call]:
    """out[:, columns] += piece."""
    assert i.columns is not None
    place, out, piece = i.columns.content, views.look(i.out), views.look(i.operands[0])
    order = np.argsort(place, kind="stable")  # a column may be named several times
    columns, starts = np.unique(place[order], return_index=True)
    sorted_piece = np.empty((*out.shape[:-1], len(place)))
    first: list[Call] = []
    if piece.shape != sorted_piece.shape:
        narrow, piece = piece, np.empty(sorted_piece.shape)
        first = [(np.copyto, (piece, narrow))]
    first.append((np.take, (piece, order, -1, sorted_piece, "clip")))
    if len(columns) == out.shape[-1] == len(place):  # each column once
        return [*first, (np.add, (out, sorted_piece, out))]
    sums = np.empty((*out.shape[:-1], len(columns)))
    first.append((np.add.reduceat, (sorted_piece, starts, -1, None, sums)))
    return [*first, (_add_columns, (out, columns, sums))]


#: Of the places of all rows, one below the other.
_BY_ROWS: Final[dict[str, Callable[..., list[Call]]]] = {
    "gradient": lambda out, b, d: [(np.dot, (d.T, b, out))],
    "total": lambda out, a: [(np.dot, (np.ones(len(a)), a, out[0]))],
    "rowsum": _rowsum,
    "rowprod": _reduced(np.multiply),
    "top": _reduced(np.maximum),
    "bottom": _reduced(np.minimum),
    "rowmax": partial(_picked, find=np.argmax),
    "rowmin": partial(_picked, find=np.argmin),
    "pick": _picked,
}
_OTHERS: Final[dict[str, Callable[[Views, Instruction], list[Call]]]] = {
    "where": _where,
    "product": _product,
    "batched": _batched,
    "take": _take,
    "scatter": _scatter,
}


def _store(out: Numbers, f: Callable[..., Numbers], arrays: Sequence[Numbers]) -> None:
    out[...] = f(*arrays)


def _add_columns(out: Numbers, columns: Any, sums: Numbers) -> None:
    out[..., columns] += sums


def calls_of(views: Views, i: Instruction) -> list[Call]:
    """The calls for an instruction."""
    if i.op in _OTHERS:
        return _OTHERS[i.op](views, i)
    if i.op not in FUNCTIONS_OF_ARRAYS:
        out, *arrays = map(views.places, (i.out, *i.operands))
        write = _BY_ROWS.get(i.op)
        return write(out, *arrays) if write else [(_store, (out, HELPERS[i.op], arrays))]
    f, out, *arrays = FUNCTIONS_OF_ARRAYS[i.op], *map(views.operand, (i.out, *i.operands))
    if f is np.copyto:
        return [(f, (out, *arrays))]
    if not isinstance(f, np.ufunc):
        return [(_store, (out, f, arrays))]
    keyword = f in (np.maximum, np.minimum)  # they take no third argument by position
    return [(f, arrays, {"out": out})] if keyword else [(f, (*arrays, out))]
