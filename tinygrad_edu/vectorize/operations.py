"""Operations on arrays as calls: matrix products, views, sums, gathering and scattering.

Each gives the `Cell` of its result. An array has two axes; a number has none.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from tinygrad_edu.vectorize.array_functions import (
    batched_back_w,
    batched_back_x,
    batched_product,
    pick_if_any,
    products_of_others,
    sums_of_others,
)
from tinygrad_edu.vectorize.arrays import Array, erf
from tinygrad_edu.vectorize.calls import Call, Cell, given


class Operations:
    """A list of calls that grows, for B examples; `indexes` are column numbers by name."""

    def __init__(self, B: int) -> None:
        self.B = B
        self.calls: list[Call] = []
        self.indexes: dict[str, Any] = {}

    def add(self, arguments: tuple[Cell, ...], out: Cell, write: Any, reusable: int = 0) -> Cell:
        """A further call, and its cell."""
        self.calls.append(Call(arguments, out, write, reusable))
        return out

    def ufunc(self, f: Any, *cells: Cell, dtype: Any = float) -> Cell:
        """f of each number."""
        shape = np.broadcast_shapes(*[c.shape for c in cells])
        keyword = f in (np.maximum, np.minimum)  # they take no third argument by position

        def write(out: Any, *arrays: Any) -> list[tuple[Any, ...]]:
            return [(f, arrays, {"out": out})] if keyword else [(f, (*arrays, out))]

        return self.add(cells, Cell(shape, dtype), write, len(cells))

    def view(
        self, a: Cell, shape: tuple[int, ...], look: Callable[[Any], Any], contiguous: bool = False
    ) -> Cell:
        """A cell that looks into another."""
        return Cell(shape, a.dtype, base=a, look=look, contiguous=contiguous or 1 in shape)

    def where(self, condition: Cell, a: Cell, b: Cell) -> Cell:
        """`a` where the condition holds, else `b`."""
        if condition.dtype is not bool:
            condition = self.ufunc(np.not_equal, condition, given(0.0), dtype=bool)
        shape = np.broadcast_shapes(condition.shape, a.shape, b.shape)
        if b.shape != shape and a.shape == shape:
            condition, a, b = self.ufunc(np.logical_not, condition, dtype=bool), b, a
        single = a.shape == ()
        bits = np.empty(shape, dtype=np.int64) if a.number == 0 and _is_large(shape) else None

        def write(out: Any, b: Any, condition: Any, a: Any) -> list[tuple[Any, ...]]:
            copied = [] if out is b else [(np.copyto, (out, b))]
            if bits is not None and condition.shape == out.shape:  # no branch per number
                one = np.array(1, dtype=np.int8)
                words = out.view(np.int64)
                keep = (np.subtract, (condition.view(np.int8), one, bits))  # 0 or all bits
                return [*copied, keep, (np.bitwise_and, (words, bits, words))]
            if single and condition.shape == out.shape:
                return [*copied, (np.putmask, (out, condition, a))]
            return [*copied, (np.copyto, (out, a), {"where": condition})]

        return self.add((b, condition, a), Cell(shape), write, 1)

    def product(self, a: Cell, b: Cell) -> Cell:
        """The matrix product."""
        shape = (a.shape[0], b.shape[1])
        return self.add((a, b), Cell(shape), lambda out, a, b: [(np.dot, (a, b, out))])

    def transpose(self, a: Cell) -> Cell:
        """Rows for columns."""
        return self.view(a, (a.shape[1], a.shape[0]), lambda x: x.T)

    def columns(self, a: Cell, start: int, stop: int) -> Cell:
        """The columns from start to stop - 1."""
        return self.view(a, (a.shape[0], stop - start), lambda x: x[:, start:stop])

    def take(self, a: Cell, index: str) -> Cell:
        """Columns by an index."""
        i = self.indexes[index]
        out = Cell((a.shape[0], len(i)))
        return self.add((a,), out, lambda out, a: [(np.take, (a, i, 1, out, "clip"))])

    def reshape(self, a: Cell, n: int) -> Cell:
        """The same numbers in rows of n."""
        size = int(np.prod(a.shape))
        if not a.contiguous:
            a = self.repeated(a, a.shape)
        return self.view(a, (size // n, n), lambda x: x.reshape(-1, n), contiguous=True)

    def wide(self, a: Cell, n: int) -> Cell:
        """Repeated to n columns."""
        rows = a.shape[0] if a.shape else 1
        return self.repeated(a, (rows, n))

    def full(self, a: Cell, n: int) -> Cell:
        """Repeated to a row per example and n columns."""
        return self.repeated(a, (self.B, n))

    def repeated(self, a: Cell, shape: tuple[int, ...]) -> Cell:
        """Repeated to a shape."""
        return self.add((a,), Cell(shape), copy)

    def repeat(self, a: Cell, k: int) -> Cell:
        """Each column k times."""
        rows, n = a.shape
        out = Cell((rows, n * k))
        return self.add(
            (a,), out, lambda out, a: [(np.copyto, (out.reshape(rows, n, k), a[:, :, None]))]
        )

    def total(self, a: Cell) -> Cell:
        """The sum over the rows, as a product with ones."""
        if a.shape[0] == 1:
            return a
        ones = np.ones(a.shape[0])
        out = Cell((1, a.shape[1]))
        return self.add((a,), out, lambda out, a: [(np.dot, (ones, a, out.reshape(-1)))])

    def rowsum(self, a: Cell) -> Cell:
        """The sum of each row."""
        if a.shape[1] == 1:
            return a
        ones = np.ones(a.shape[1])
        out = Cell((a.shape[0], 1))
        if a.dtype is bool:
            a = self.repeated(a, a.shape)
        return self.add((a,), out, lambda out, a: [(np.dot, (a, ones, out.reshape(-1)))])

    def extreme(self, f: Any, a: Cell) -> Cell:
        """The largest, the smallest or the product of each row."""
        out = Cell((a.shape[0], 1))
        return self.add((a,), out, lambda out, a: [(f.reduce, (a, 1, None, out, True))])

    def join(self, n: int, *parts: Cell) -> Cell:
        """Columns side by side."""
        out = Cell((max(p.shape[0] for p in parts), n))

        def write(out: Any, *arrays: Any) -> list[tuple[Any, ...]]:
            calls, start = [], 0
            for array in arrays:
                stop = start + array.shape[1]
                calls.append((np.copyto, (out[:, start:stop], array)))
                start = stop
            return calls

        return self.add(parts, out, write)

    def scatter(self, n: int, *pieces: Any) -> Cell:
        """Pieces, added up at their columns."""
        cells = [p if isinstance(p, Cell) else given(p) for p in pieces[::3]]
        rows = max([c.shape[0] if c.shape else 1 for c in cells])
        rows = self.B if rows != 1 else 1
        out = self.add((), Cell((rows, n)), lambda out: [(out.fill, (0.0,))])
        for cell, place, k in zip(cells, pieces[1::3], pieces[2::3], strict=True):
            columns = self.indexes[place] if isinstance(place, str) else place
            self.add_at(out, cell, columns, k)
        return out

    def add_at(self, out: Cell, piece: Cell, place: Any, n: int) -> None:
        """out[:, place] += piece, where a column may be named several times."""
        if isinstance(place, int):
            to = self.view(out, (out.shape[0], n), lambda x: x[:, place : place + n])
            self.add((to, piece), to, lambda out, to, piece: [(np.add, (out, piece, out))])
            return
        order = np.argsort(place, kind="stable")
        columns, starts = np.unique(place[order], return_index=True)
        if piece.shape != (out.shape[0], n):
            piece = self.repeated(piece, (out.shape[0], n))
        sorted_piece = np.empty((out.shape[0], n))
        sums = np.empty((out.shape[0], len(columns)))

        def write(out: Any, _: Any, piece: Any) -> list[tuple[Any, ...]]:
            calls: list[tuple[Any, ...]] = [(np.take, (piece, order, 1, sorted_piece, "clip"))]
            calls.append((np.add.reduceat, (sorted_piece, starts, 1, None, sums)))
            return [*calls, (_add_columns, (out, columns, sums))]

        self.add((out, piece), out, write)

    def pick(self, a: Cell, t: Cell) -> Cell:
        """a_t of each row."""
        rows, n = a.shape
        starts, index = np.arange(rows) * float(n), np.empty((rows, 1), dtype=np.intp)

        def write(out: Any, a: Any, t: Any) -> list[tuple[Any, ...]]:
            to_index = (np.add, (t, starts[:, None], index), {"casting": "unsafe"})
            return [to_index, (np.take, (a, index, None, out, "clip"))]

        return self.add((a, t), Cell((rows, 1)), write)

    def onehot(self, t: Cell, n: int) -> Cell:
        """1 in column t of each row."""
        return self.ufunc(np.equal, t, given(np.arange(float(n))[None, :]), dtype=bool)

    def by_function(self, f: Any, shape: tuple[int, ...], *cells: Cell) -> Cell:
        """A function of arrays that gives a new one."""
        return self.add(cells, Cell(shape), lambda out, *a: [(_store, (out, f, a))])

    def batched(self, f: Any, n: int, a: Cell, b: Cell, *sizes: int) -> Cell:
        """A product of matrices of these sizes for each example, n numbers each."""
        return self.by_function(lambda a, b: f(a, b, *sizes), (self.B, n), a, b)


#: Expressions that are not computed number by number.
COMPUTED: Final[dict[str, Callable[..., Cell]]] = {
    "@": Operations.product,
    "T": Operations.transpose,
    "batched_back_w": lambda self, d, x, *s: self.batched(batched_back_w, s[1] * s[2], d, x, *s),
    "batched_back_x": lambda self, d, w, *s: self.batched(batched_back_x, s[0] * s[2], d, w, *s),
    "batched_product": lambda self, x, w, *s: self.batched(batched_product, s[0] * s[1], x, w, *s),
    "columns": Operations.columns,
    "erf": lambda self, x: self.by_function(erf, x.shape, x),
    "full": Operations.full,
    "join": Operations.join,
    "onehot": Operations.onehot,
    "pick": Operations.pick,
    "pick_if_any": lambda self, x, t: self.by_function(pick_if_any, (x.shape[0], 1), x, t),
    "products_of_others": lambda self, x: self.by_function(products_of_others, x.shape, x),
    "repeat": Operations.repeat,
    "reshape": Operations.reshape,
    "rowmax": lambda self, x: self.extreme(np.maximum, x),
    "rowmin": lambda self, x: self.extreme(np.minimum, x),
    "rowprod": lambda self, x: self.extreme(np.multiply, x),
    "rowsum": Operations.rowsum,
    "scatter": Operations.scatter,
    "sums_of_others": lambda self, x: self.by_function(sums_of_others, x.shape, x),
    "take": Operations.take,
    "total": Operations.total,
    "wide": Operations.wide,
}


def _is_large(shape: tuple[int, ...]) -> bool:
    """Whether a mask pays as arithmetic on all numbers, where its branches are many."""
    return len(shape) == 2 and shape[0] * shape[1] >= 2048


def copy(out: Any, a: Any) -> list[tuple[Any, ...]]:
    """The call that copies an array, or repeats it to the shape of `out`."""
    return [(np.copyto, (out, a))]


def _store(out: Array, f: Callable[..., Array], arrays: tuple[Array, ...]) -> None:
    out[...] = f(*arrays).reshape(out.shape)


def _add_columns(out: Array, columns: Any, sums: Array) -> None:
    out[:, columns] += sums
