"""Operations on arrays as instructions: views, products, and what goes by rows."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from tinygrad_edu.vectorize.executors.instructions import Array, Instructions, NoInstruction


def _transposed(code: Instructions, a: Array) -> Array:
    """A matrix across; of an array of examples, which only a product can read so, a remark."""
    if a.batched:
        return a.view(across=not a.across)
    return a.view(m=a.n, n=a.m, place=a.column, column=a.place)


def _product(code: Instructions, a: Array, b: Array) -> Array:
    if a.across:  # summed over examples and places
        d = a.view(across=False)
        if not b.batched or b.across or (d.m, d.batched) != (b.m, b.batched):
            raise NoInstruction("arrays of examples are multiplied by others of as many")
        out = code.new(d.n, b.n, batched=False)
        out = out.view(place=b.n)
        return code.add("gradient", out, b, d, m=d.m, n=d.n, k=b.n, rows=0)
    if b.batched or a.n != b.m:
        raise NoInstruction("matrices of a product are the same for all examples")
    out = code.new(a.m, b.n, batched=a.batched)
    x = a if a.batched else a.view(row=1)  # the only number of a column, read as if of many
    w = b.view(place=b.column, column=b.place)
    return code.add("product", out, x, w, k=a.n)


def _reshape(code: Instructions, a: Array, n: int) -> Array:
    if not code.is_plain(a):
        a = code.copied(a, a.m, a.n, batched=a.batched)
    step = code.cap if a.batched else 1
    m = a.m * a.n // n
    return a.view(m=m, n=n, column=step, place=n * step if m > 1 else 0)


def _columns(code: Instructions, a: Array, start: int, stop: int) -> Array:
    return a.view(start=a.start + start * a.column, n=stop - start)


def _take(code: Instructions, a: Array, index: str) -> Array:
    columns = code.indexes[index]
    out = code.new(a.m, len(columns), batched=a.batched)
    return code.add("take", out, a, columns=code.index(columns))


def _repeat(code: Instructions, a: Array, k: int) -> Array:
    """Each column k times: its k copies are written as columns of a place of their own."""
    a = a if a.m == 1 or code.is_plain(a) else code.copied(a, a.m, a.n, batched=a.batched)
    out = code.new(a.m, a.n * k, batched=a.batched)
    places = a.m * a.n
    each = a.view(m=places, n=1, place=a.column if places > 1 else 0)
    step = code.cap if a.batched else 1
    code.each("copy", each, out=out.view(m=places, n=k, place=k * step if places > 1 else 0))
    return out


def _total(code: Instructions, a: Array) -> Array:
    if a.m == 1 and not a.batched:
        return a
    out = code.new(1, a.n, batched=False)
    return code.add("total", out, a, m=a.m, rows=int(not a.batched))


def _join(code: Instructions, n: int, *parts: Array) -> Array:
    batched = any(p.batched for p in parts)
    out = code.new(max(p.m for p in parts), n, batched=batched)
    start = 0
    for part in parts:
        code.each("copy", part, out=_columns(code, out, start, start + part.n))
        start += part.n
    return out


def _scatter(code: Instructions, n: int, *pieces: Any) -> Array:
    arrays = [p if isinstance(p, Array) else code.given(float(p)) for p in pieces[::3]]
    out = code.new(max(p.m for p in arrays), n, batched=any(p.batched for p in arrays))
    code.each("copy", code.given(0.0), out=out)
    for piece, place, k in zip(arrays, pieces[1::3], pieces[2::3], strict=True):
        add_at(code, out, piece, code.indexes[place] if isinstance(place, str) else place, k)
    return out


def add_at(code: Instructions, out: Array, piece: Array, place: Any, n: int) -> None:
    """Add `piece` to n columns of `out`, from `place` on or at these columns."""
    if isinstance(place, int):
        to = _columns(code, out, place, place + n)
        code.each("+", to, piece, out=to)
        return
    step = piece.column if piece.n == n else 0
    piece = piece.view(n=n, column=step, place=piece.place if piece.m == out.m else 0)
    code.add("scatter", out, piece, n=n, columns=code.index(place))


def _onehot(code: Instructions, t: Array, n: int) -> Array:
    return code.each("equal", t, code.fixed(1, n, content=np.arange(float(n))))


def _by_rows(op: str, *, wide: bool = False) -> Callable[..., Array]:
    """A number of each row, or one for each of its columns."""
    return lambda code, a, *others: code.by_rows(op, a, a.n if wide else 1, *others)


def _batched(
    code: Instructions, steps: Callable[..., Any], a: Array, b: Array, *sizes: int
) -> Array:
    """out[i, j] = sum of a[i, k] b[j, k] over k for each example; a column of the result each.

    `steps(rows, units, size)` gives the numbers of i, j and k, and the steps of a and b. A fourth
    size says how many such products stand side by side.
    """
    m, n, k, (ai, ak), (bj, bk) = steps(*sizes[:3])
    blocks = (*sizes, 1)[3]
    out = code.new(1, blocks * m * n, batched=True)
    for c in range(blocks):
        arrays = [
            a.view(start=a.start + c * m * k * a.column, place=ai * a.column, column=ak * a.column),
            b.view(start=b.start + c * n * k * b.column, place=bj * b.column, column=bk * b.column),
        ]
        part = _columns(code, out, c * m * n, (c + 1) * m * n)
        code.add("batched", part.view(m=m, n=n, place=n * code.cap), *arrays, k=k)
    return out


#: What is made of the operations that expressions of arrays have besides those number by number.
OPERATIONS: Final[dict[str, Callable[..., Array]]] = {
    "@": _product,
    "T": _transposed,
    "columns": _columns,
    "take": _take,
    "reshape": _reshape,
    "wide": lambda code, a, n: code.copied(a, a.m, n, batched=a.batched),
    "full": lambda code, a, n: code.copied(a, 1, n, batched=True),
    "repeat": _repeat,
    "tile": lambda code, a, k: _join(code, a.n * k, *[a] * k),
    "join": _join,
    "scatter": _scatter,
    "total": _total,
    "rowsum": _by_rows("rowsum"),
    "rowmax": _by_rows("rowmax"),
    "rowmin": _by_rows("rowmin"),
    "rowprod": _by_rows("rowprod"),
    "top": _by_rows("top"),
    "bottom": _by_rows("bottom"),
    "pick": _by_rows("pick"),
    "pick_if_any": _by_rows("pick_if_any"),
    "onehot": _onehot,
    "sums_of_others": _by_rows("sums_of_others", wide=True),
    "products_of_others": _by_rows("products_of_others", wide=True),
    "batched_product": lambda code, a, b, *sizes: _batched(
        code, lambda r, u, s: (r, u, s, (s, 1), (s, 1)), a, b, *sizes
    ),
    "batched_back_x": lambda code, a, b, *sizes: _batched(
        code, lambda r, u, s: (r, s, u, (u, 1), (1, s)), a, b, *sizes
    ),
    "batched_back_w": lambda code, a, b, *sizes: _batched(
        code, lambda r, u, s: (u, s, r, (1, u), (1, s)), a, b, *sizes
    ),
}
