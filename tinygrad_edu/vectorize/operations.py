"""Operations on arrays, one record each: the extent of the result, NumPy, and LaTeX.

The extent of an expression says whether it has a row per example, and its number of columns.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from tinygrad_edu.expr import Expr, Symbol
from tinygrad_edu.expr.styles import ADD, ATOM, MATRIX, NEGATE, POWER, TRANSPARENT, Form
from tinygrad_edu.vectorize.layout import Variable

#: (batched, columns).
Extent = tuple[bool, int]
Variables = Mapping[str, Variable]


class Operation(NamedTuple):
    """An operation on arrays.

    `extent(variables, *operands)` is that of the result; `numpy` and `latex` are forms, or
    functions of the variables and operands that give one; None for a function written by its name.
    """

    extent: Callable[..., Extent]
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


def _of_rows(reduction: str, latex: str) -> Operation:
    numpy = _attribute(f"{reduction}(axis=1, keepdims=True)")
    return Operation(_one_column, numpy, Form(latex, MATRIX, (NEGATE,)))


def _times(v: Variables, a: Any, k: int) -> Extent:
    batched, n = extent(a, v)
    return (batched, n * k)


def _any_batched(v: Variables, n: int, *pieces: Any) -> Extent:
    return (any(extent(a, v)[0] for a in pieces), n)


def _batched(i: int, j: int) -> Operation:
    """Products of matrices for each example, with as many columns as their sizes and number say."""
    return Operation(lambda v, a, b, *s: (True, s[i] * s[j] * (*s, 1)[3]))


_SAME: Final = Form("{0}", TRANSPARENT)
_AS_IT_IS: Final = Operation(lambda v, x: extent(x, v))

# fmt: off
OPERATIONS: Final[dict[str, Operation]] = {
    "@": Operation(_of_product, Form("{0} @ {1}", MATRIX, (MATRIX, NEGATE)), Form(r"{0}\,{1}", MATRIX, (MATRIX, NEGATE))),
    "T": Operation(_of_transpose, _attribute("T"), Form(r"{0}^{{\top}}", POWER, (ATOM,))),
    "columns": Operation(lambda v, a, start, stop: (extent(a, v)[0], stop - start), _entries("{1}:{2}"), _latex_entries),
    "take": Operation(lambda v, a, index: (extent(a, v)[0], v[index].size), _entries("{1}"), _latex_entries),
    "reshape": Operation(_n_columns, _attribute("reshape(-1, {1})"), _SAME),
    "wide": Operation(_n_columns, lambda v, a, n: Form(_spread(a, "B" if extent(a, v)[0] else "1", n)), _SAME),
    "full": Operation(lambda v, a, n: (True, n), lambda v, a, n: Form(_spread(a, "B", n)), _SAME),
    "repeat": Operation(_times, _attribute("repeat({1}, axis=1)")),
    "tile": Operation(_times, Form("np.tile({0}, {1})"), _SAME),
    "join": Operation(_any_batched, _joined, _latex_joined),
    "scatter": Operation(lambda v, n, *pieces: _any_batched(v, n, *pieces[::3]), _scattered, _latex_scattered),
    "total": Operation(lambda v, a: (False, extent(a, v)[1]), _attribute("sum(axis=0, keepdims=True)"),
                       Form(r"\mathbf{{1}}^{{\top}} {0}", MATRIX, (NEGATE,))),
    "rowsum": _of_rows("sum", r"{0}\,\mathbf{{1}}"),
    "rowmax": _of_rows("max", r"\max_{{k}} {0}"),
    "rowmin": _of_rows("min", r"\min_{{k}} {0}"),
    "rowprod": _of_rows("prod", r"\prod_{{k}} {0}"),
    "pick": Operation(_one_column, None, _latex_entries),
    "onehot": Operation(_n_columns, None, Form(r"\mathbf{{1}}\left[k = {0}\right]", ATOM, (ADD,))),
    **dict.fromkeys(("pick_if_any", "logsumexp"), Operation(_one_column)),
    **dict.fromkeys(("softmax", "log_softmax", "products_of_others", "sums_of_others"), _AS_IT_IS),
    "batched_product": _batched(0, 1),
    "batched_back_x": _batched(0, 2),
    "batched_back_w": _batched(1, 2),
}
# fmt: on
