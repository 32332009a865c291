"""Operations on arrays, one record each: the extent of the result, NumPy, LaTeX, and execution.

The extent of an expression says whether it has a row per example, and its number of columns. To
execute an operation is to add its calls to a list; an array has two axes, a number has none.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu.expr import Expr, Symbol
from tinygrad_edu.expr.styles import ADD, ATOM, MATRIX, NEGATE, POWER, TRANSPARENT, Form
from tinygrad_edu.vectorize.arrays import HELPERS
from tinygrad_edu.vectorize.executors.buffers import Buffer, Calls, given
from tinygrad_edu.vectorize.layout import Variable

#: (batched, columns).
Extent = tuple[bool, int]
Variables = Mapping[str, Variable]


class Operation(NamedTuple):
    """An operation on arrays.

    `extent(variables, *operands)` is that of the result; `run(calls, *operands)` gives its buffer.
    `numpy` and `latex` are forms, or functions of the variables and operands that give one; None
    for a function written by its name.
    """

    extent: Callable[..., Extent]
    run: Callable[..., Buffer]
    numpy: Form | Callable[..., Form] | None = None
    latex: Form | Callable[..., Form] | None = None


def extent(x: Any, variables: Variables) -> Extent:
    """The extent of `x`; a number, and B, are one column for all examples."""
    if not isinstance(x, Expr):
        return (False, 1)
    if isinstance(x, Symbol):
        variable = variables.get(x.name)
        if variable is None:
            return (False, 1)
        return (variable.batched, variable.matrix[1] if variable.matrix else variable.size)
    if x.op in OPERATIONS:
        return OPERATIONS[x.op].extent(variables, *x.args)
    extents = [extent(a, variables) for a in x.args]
    return (any(batched for batched, _ in extents), max(n for _, n in extents))


# --- Extents --------------------------------------------------------------------------------------


def _of_product(v: Variables, a: Any, b: Any) -> Extent:
    transposed = isinstance(a, Expr) and a.op == "T"
    return (extent(a, v)[0] and not transposed, extent(b, v)[1])


def _of_transpose(v: Variables, a: Any) -> Extent:
    """The number of rows of a matrix of parameters is that of its columns."""
    batched, n = extent(a, v)
    if isinstance(a, Symbol) and (variable := v.get(a.name)) is not None and variable.matrix:
        return (batched, variable.matrix[0])
    if isinstance(a, Expr) and a.op == "reshape":
        return (batched, extent(a.args[0], v)[1] // int(a.args[1]))
    return (batched, n)


def _one_column(v: Variables, *operands: Any) -> Extent:
    return (any(extent(a, v)[0] for a in operands), 1)


def _n_columns(v: Variables, a: Any, n: int) -> Extent:
    return (extent(a, v)[0], n)


# --- NumPy ----------------------------------------------------------------------------------------


def _attribute(text: str) -> Form:
    return Form(f"{{0}}.{text}", ATOM, (ATOM,))


def _entries(text: str) -> Callable[..., Form]:
    """Columns of an array, or of the vector of all parameters, which has one axis."""

    def form(v: Variables, a: Any, *_: Any) -> Form:
        vector = isinstance(a, Symbol) and a.name == "P"
        return Form(f"P[None, {text}]" if vector else f"{{0}}[:, {text}]", ATOM, (ATOM,))

    return form


def _spread(x: Any, rows: str, n: int, k: int = 0) -> str:
    """Operand k, repeated to that many rows and columns."""
    if isinstance(x, Expr):
        return f"np.broadcast_to({{{k}}}, ({rows}, {n}))"
    return f"np.full(({rows}, {n}), {{{k}}}, float)"


def _joined(v: Variables, n: int, *pieces: Any) -> Form:
    rows = any(extent(a, v)[0] for a in pieces)
    texts, operands = [], []
    for k, a in enumerate(pieces):
        batched, width = extent(a, v)
        inner = a.args[0] if batched != rows and a.op == "wide" else a
        texts.append(f"{{{k}}}" if batched == rows else _spread(inner, "B", width, k))
        operands.append(inner)
    return Form(f"np.hstack([{', '.join(texts)}])", args=tuple(operands))


def _scattered(v: Variables, n: int, *pieces: Any) -> Form:
    rows = "B" if any(extent(a, v)[0] for a in pieces[::3]) else "1"
    places = [
        f"({{{k}}}, {place if isinstance(place, str) else f'range({place}, {place + width})'})"
        for k, (place, width) in enumerate(zip(pieces[1::3], pieces[2::3], strict=True))
    ]
    return Form(f"scatter({', '.join([rows, str(n), *places])})", args=pieces[::3])


# --- LaTeX ----------------------------------------------------------------------------------------


def _latex_entries(v: Variables, a: Any, place: Any, stop: int | None = None) -> Form:
    """Columns of an array; what has an index of its own is a group, as TeX wants it."""
    columns = "{1}" if stop is None else _places(place, stop - place)
    if isinstance(a, Symbol) and a.name == "P":
        return Form(f"P_{{{{{columns}}}}}")
    group = "{0}" if isinstance(a, Symbol) and len(a.name) == 1 else "{{{0}}}"
    return Form(f"{group}_{{{{:,{columns}}}}}", ATOM, (ATOM,))


def _places(start: int, n: int) -> str:
    """Columns from 0-based `start` on, counted from 1."""
    return f"{start + 1}" if n == 1 else f"{start + 1}:{start + n}"


def _latex_joined(v: Variables, n: int, *pieces: Any) -> Form:
    places = ", ".join(f"{{{k}}}" for k in range(len(pieces)))
    return Form(rf"\left[{places}\right]", args=pieces)


def _latex_scattered(v: Variables, n: int, *pieces: Any) -> Form:
    count = len(pieces) // 3
    operands = [*pieces[::3]]
    places = []
    for k, (place, width) in enumerate(zip(pieces[1::3], pieces[2::3], strict=True)):
        if isinstance(place, str):
            places.append(rf"{{{k}}} \to {{{len(operands)}}}")
            operands.append(place)
        else:
            places.append(rf"{{{k}}} \to {_places(place, width)}")
    scattered = rf"\mathrm{{{{scatter}}}}\left({', '.join(places)}\right)"
    return Form(scattered, ATOM, (POWER,) * count, tuple(operands))


# --- Execution ------------------------------------------------------------------------------------


def _product(calls: Calls, a: Buffer, b: Buffer) -> Buffer:
    out = Buffer((a.shape[0], b.shape[1]))
    return calls.add((a, b), out, lambda out, a, b: [(np.dot, (a, b, out))])


def _take(calls: Calls, a: Buffer, index: str) -> Buffer:
    i = calls.indexes[index]
    out = Buffer((a.shape[0], len(i)))
    return calls.add((a,), out, lambda out, a: [(np.take, (a, i, 1, out, "clip"))])


def _reshape(calls: Calls, a: Buffer, n: int) -> Buffer:
    size = int(np.prod(a.shape))
    if not a.contiguous:
        a = calls.repeated(a, a.shape)
    return calls.view(a, (size // n, n), lambda x: x.reshape(-1, n), contiguous=True)


def _repeat(calls: Calls, a: Buffer, k: int) -> Buffer:
    rows, n = a.shape
    out = Buffer((rows, n * k))
    return calls.add(
        (a,), out, lambda out, a: [(np.copyto, (out.reshape(rows, n, k), a[:, :, None]))]
    )


def _total(calls: Calls, a: Buffer) -> Buffer:
    """The sum over the rows, as a product with ones."""
    if a.shape[0] == 1:
        return a
    ones = np.ones(a.shape[0])
    out = Buffer((1, a.shape[1]))
    return calls.add((a,), out, lambda out, a: [(np.dot, (ones, a, out.reshape(-1)))])


def _rowsum(calls: Calls, a: Buffer) -> Buffer:
    if a.shape[1] == 1:
        return calls.ufunc(np.add, a, given(0.0))  # a sum starts from 0: that of -0 is 0
    ones = np.ones(a.shape[1])
    out = Buffer((a.shape[0], 1))
    if a.dtype is bool:
        a = calls.repeated(a, a.shape)
    return calls.add((a,), out, lambda out, a: [(np.dot, (a, ones, out.reshape(-1)))])


def _reduced(f: Any) -> Callable[..., Buffer]:
    """The product of each row, or an extreme, of 0 and -0 any; of short rows column by column."""

    def write(out: Any, a: Any) -> list[tuple[Any, ...]]:
        rows, n = a.shape
        if f is np.multiply or rows < 1000 or not 2 <= n <= 8:
            return [(f.reduce, (a, 1, None, out, True))]
        column = out[:, 0]
        return [(f, (a[:, 0] if j == 1 else column, a[:, j]), {"out": column}) for j in range(1, n)]

    return lambda calls, a: calls.add((a,), Buffer((a.shape[0], 1)), write)


def _join(calls: Calls, n: int, *parts: Buffer) -> Buffer:
    out = Buffer((max(p.shape[0] for p in parts), n))
    stops = np.cumsum([p.shape[1] for p in parts]).tolist()

    def write(out: Any, *arrays: Any) -> list[tuple[Any, ...]]:
        places = zip([0, *stops], stops, arrays, strict=False)
        return [(np.copyto, (out[:, start:stop], array)) for start, stop, array in places]

    return calls.add(parts, out, write)


def _scatter(calls: Calls, n: int, *pieces: Any) -> Buffer:
    buffers = [p if isinstance(p, Buffer) else given(p) for p in pieces[::3]]
    rows = max([b.shape[0] if b.shape else 1 for b in buffers])
    out = Buffer((calls.B if rows != 1 else 1, n))
    calls.add((), out, lambda out: [(out.fill, (0.0,))])
    for piece, place, k in zip(buffers, pieces[1::3], pieces[2::3], strict=True):
        calls.add_at(out, piece, calls.indexes[place] if isinstance(place, str) else place, k)
    return out


def _pick(calls: Calls, a: Buffer, *t: Buffer, first: Any = None) -> Buffer:
    """The number of each row at column `t`, or at the first of the columns that `first` looks for."""
    rows, n = a.shape
    starts, index = (np.arange(rows) * float(n))[:, None], np.empty((rows, 1), dtype=np.intp)

    def write(out: Any, a: Any, *t: Any) -> list[tuple[Any, ...]]:
        find = [] if t else [(first, (a, 1, index[:, 0]))]
        to_index = (np.add, (t[0] if t else index, starts, index), {"casting": "unsafe"})
        return [*find, to_index, (np.take, (a, index, None, out, "clip"))]

    return calls.add((a, *t), Buffer((rows, 1)), write)


def _row_function(name: str, *, wide: bool) -> Operation:
    """A helper that gives a number per row, or one per column of its first operand."""

    def run(calls: Calls, x: Buffer, *more: Buffer) -> Buffer:
        return calls.by_function(HELPERS[name], x.shape if wide else (x.shape[0], 1), x, *more)

    return Operation((lambda v, x: extent(x, v)) if wide else _one_column, run)


def _batched(name: str, i: int, j: int) -> Operation:
    """Products of matrices for each example, with as many columns as their sizes and number say."""

    def run(calls: Calls, a: Buffer, b: Buffer, *sizes: int) -> Buffer:
        shape = (calls.B, sizes[i] * sizes[j] * (*sizes, 1)[3])
        return calls.by_function(lambda a, b: HELPERS[name](a, b, *sizes), shape, a, b)

    return Operation(lambda v, a, b, *s: (True, s[i] * s[j] * (*s, 1)[3]), run)


def _of_rows(reduction: str, run: Callable[..., Buffer], latex: str) -> Operation:
    numpy = _attribute(f"{reduction}(axis=1, keepdims=True)")
    return Operation(_one_column, run, numpy, Form(latex, MATRIX, (NEGATE,)))


_SAME: Final = Form("{0}", TRANSPARENT)

# fmt: off
OPERATIONS: Final[dict[str, Operation]] = {
    "@": Operation(_of_product, _product,
                   Form("{0} @ {1}", MATRIX, (MATRIX, NEGATE)), Form(r"{0}\,{1}", MATRIX, (MATRIX, NEGATE))),
    "T": Operation(_of_transpose, lambda calls, a: calls.view(a, a.shape[::-1], lambda x: x.T),
                   _attribute("T"), Form(r"{0}^{{\top}}", POWER, (ATOM,))),
    "columns": Operation(lambda v, a, start, stop: (extent(a, v)[0], stop - start),
                         lambda calls, a, s, e: calls.view(a, (a.shape[0], e - s), lambda x: x[:, s:e]),
                         _entries("{1}:{2}"), _latex_entries),
    "take": Operation(lambda v, a, index: (extent(a, v)[0], v[index].size), _take,
                      _entries("{1}"), _latex_entries),
    "reshape": Operation(_n_columns, _reshape, _attribute("reshape(-1, {1})"), _SAME),
    "wide": Operation(_n_columns, lambda calls, a, n: calls.repeated(a, (a.shape[0] if a.shape else 1, n)),
                      lambda v, a, n: Form(_spread(a, "B" if extent(a, v)[0] else "1", n)), _SAME),
    "full": Operation(lambda v, a, n: (True, n), lambda calls, a, n: calls.repeated(a, (calls.B, n)),
                      lambda v, a, n: Form(_spread(a, "B", n)), _SAME),
    "repeat": Operation(lambda v, a, k: (extent(a, v)[0], extent(a, v)[1] * k), _repeat, _attribute("repeat({1}, axis=1)")),
    "tile": Operation(lambda v, a, k: (extent(a, v)[0], extent(a, v)[1] * k), lambda calls, a, k: _join(calls, a.shape[1] * k, *[a] * k), Form("np.tile({0}, {1})"), _SAME),
    "join": Operation(lambda v, n, *pieces: (any(extent(a, v)[0] for a in pieces), n), _join,
                      _joined, _latex_joined),
    "scatter": Operation(lambda v, n, *pieces: (any(extent(a, v)[0] for a in pieces[::3]), n), _scatter,
                         _scattered, _latex_scattered),
    "total": Operation(lambda v, a: (False, extent(a, v)[1]), _total,
                       _attribute("sum(axis=0, keepdims=True)"),
                       Form(r"\mathbf{{1}}^{{\top}} {0}", MATRIX, (NEGATE,))),
    "rowsum": _of_rows("sum", _rowsum, r"{0}\,\mathbf{{1}}"),
    "rowmax": _of_rows("max", partial(_pick, first=np.argmax), r"\max_{{k}} {0}"),
    "rowmin": _of_rows("min", partial(_pick, first=np.argmin), r"\min_{{k}} {0}"),
    "rowprod": _of_rows("prod", _reduced(np.multiply), r"\prod_{{k}} {0}"),
    "top": _of_rows("max", _reduced(np.maximum), ""), "bottom": _of_rows("min", _reduced(np.minimum), ""),
    "pick": Operation(_one_column, _pick, None, _latex_entries),
    "onehot": Operation(_n_columns, lambda calls, t, n: calls.ufunc(np.equal, t, given(np.arange(float(n))[None, :]), dtype=bool),
                        None, Form(r"\mathbf{{1}}\left[k = {0}\right]", ATOM, (ADD,))),
    **{name: _row_function(name, wide=False) for name in ("pick_if_any", "logsumexp")},
    **{name: _row_function(name, wide=True)
       for name in ("softmax", "log_softmax", "products_of_others", "sums_of_others")},
    "batched_product": _batched("batched_product", 0, 1),
    "batched_back_x": _batched("batched_back_x", 0, 2),
    "batched_back_w": _batched("batched_back_w", 1, 2),
}
# fmt: on
