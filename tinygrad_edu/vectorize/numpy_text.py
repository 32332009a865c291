"""Expressions of arrays in NumPy, as a student writes them, and the functions that NumPy lacks."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from tinygrad_edu.expr import Expr
from tinygrad_edu.vectorize.errors import VectorizeError
from tinygrad_edu.vectorize.layout import Variable
from tinygrad_edu.vectorize.shape import extent

#: Operators: how tightly they bind.
_OPERATORS: Final = {
    "<": 0,
    "<=": 0,
    ">": 0,
    ">=": 0,
    "==": 0,
    "+": 1,
    "-": 1,
    "*": 2,
    "/": 2,
    "@": 2,
}
_NEGATIVE: Final = 3
_POWER: Final = 4
ATOM: Final = 5

#: Functions of a namespace under NumPy's names, where they differ.
_NUMPY: Final = {
    "abs": "fabs",
    "acos": "arccos",
    "asin": "arcsin",
    "atan": "arctan",
    "atan2": "arctan2",
    "pow": "float_power",
}
_NAMESPACE: Final = (
    *("abs", "acos", "asin", "atan", "atan2", "cos", "cosh", "exp", "expm1", "hypot", "log"),
    *("log1p", "maximum", "minimum", "pow", "sin", "sinh", "sqrt", "tan", "tanh", "where"),
)

#: Functions that NumPy lacks: what the source defines where it uses them.
HELPERS: Final = {
    "sigmoid": """
def sigmoid(x):
    e = np.exp(-np.fabs(x))  # at most 1, so that nothing overflows
    return np.where(x < 0, e, 1) / (1 + e)
""",
    "softplus": """
def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.fabs(x)))
""",
    "erf": """
erf = np.vectorize(math.erf, otypes=[float])
""",
    "softmax": """
def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
""",
    "log_softmax": """
def log_softmax(x):
    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))
""",
    "logsumexp": """
def logsumexp(x):
    top = x.max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    return top + np.log(np.exp(x - top).sum(axis=1, keepdims=True))
""",
    "pick_if_any": """
def pick_if_any(x, t):  # x_t of each row, nan where there is none
    chosen = t == np.arange(x.shape[1])
    found = np.where(chosen, x, 0).sum(axis=1, keepdims=True)
    return np.where(chosen.any(axis=1, keepdims=True), found, np.nan)
""",
    "sums_of_others": """
def sums_of_others(x):  # for each column the sum of the others
    total = x.sum(axis=1, keepdims=True)
    if np.isfinite(total).all():
        return total - x
    return np.stack([np.delete(x, j, axis=1).sum(axis=1) for j in range(x.shape[1])], axis=1)
""",
    "pick": """
def pick(x, t):  # x_t of each row
    return np.take_along_axis(x, t.astype(int), axis=1)
""",
    "onehot": """
def onehot(t, n):  # 1 in column t of each row
    return (t == np.arange(n)).astype(float)
""",
    "products_of_others": """
def products_of_others(x):  # for each column the product of the others
    n = x.shape[1]
    return np.stack([np.delete(x, j, axis=1).prod(axis=1) for j in range(n)], axis=1)
""",
    "scatter": """
def scatter(rows, n, *pieces):  # pieces added up at their columns
    out = np.zeros((n, rows))
    for piece, columns in pieces:
        np.add.at(out, columns, np.broadcast_to(piece, (rows, len(columns))).T)
    return out.T
""",
    "batched_product": """
def batched_product(x, w, rows, units, size):  # x w^T for each example
    z = x.reshape(-1, rows, size) @ w.reshape(-1, units, size).transpose(0, 2, 1)
    return z.reshape(-1, rows * units)
""",
    "batched_back_x": """
def batched_back_x(d, w, rows, units, size):
    return (d.reshape(-1, rows, units) @ w.reshape(-1, units, size)).reshape(-1, rows * size)
""",
    "batched_back_w": """
def batched_back_w(d, x, rows, units, size):
    d = d.reshape(-1, rows, units).transpose(0, 2, 1)
    return (d @ x.reshape(-1, rows, size)).reshape(-1, units * size)
""",
}


class NumPy:
    """Writes expressions in NumPy and notes which helpers they need."""

    def __init__(self, variables: Mapping[str, Variable]) -> None:
        self.variables = variables
        self.used: dict[str, None] = {}

    def text(self, x: Any, level: int = 0) -> str:
        """The expression, in parentheses where it binds less than `level`."""
        written, own = self._written(x)
        return f"({written})" if own < level else written

    def _written(self, x: Any) -> tuple[str, int]:
        if not isinstance(x, Expr):
            return number(x), _NEGATIVE if x < 0 else ATOM
        if isinstance(x, _Bracketed):
            return f"({self.text(x.args[0])})", ATOM
        head, o = x.op, x.args
        if not o:
            return head, ATOM
        if head == "where" and is_relu(x):
            return f"np.maximum({self.text(o[2])}, 0)", ATOM
        if head == "negative":
            return f"-{self.text(o[0], _NEGATIVE)}", _NEGATIVE
        if head == "divide":
            head = "/"
        if head == "equal":
            head = "=="
        if head == "*" and any(_is_share(a) for a in o):
            other = o[0] if _is_share(o[1]) else o[1]
            return f"{self.text(other, 2)} / B", 2
        if head in _OPERATORS:
            own = _OPERATORS[head]
            if head in ("*", "/"):
                o = tuple([_Bracketed(a) if isinstance(a, Expr) and a.op == "@" else a for a in o])
            right = own if head in ("+",) else own + 1
            return f"{self.text(o[0], own)} {head} {self.text(o[1], right)}", own
        if head == "pow" and not isinstance(o[1], Expr) and o[1] == int(o[1]):
            return f"{self.text(o[0], ATOM)} ** {number(o[1])}", _POWER
        if head in _NAMESPACE:
            return f"np.{_NUMPY.get(head, head)}({self._list(o)})", ATOM
        return self._array(head, o), ATOM

    def _array(self, head: str, o: tuple[Any, ...]) -> str:
        a = self.text(o[0], ATOM) if isinstance(o[0], Expr) else ""
        batched = bool(o) and extent(o[0], self.variables)[0]
        match head:
            case "T":
                return f"{a}.T"
            case "columns":
                return f"P[None, {o[1]}:{o[2]}]" if a == "P" else f"{a}[:, {o[1]}:{o[2]}]"
            case "take":
                return f"P[None, {o[1]}]" if a == "P" else f"{a}[:, {o[1]}]"
            case "reshape":
                return f"{a}.reshape(-1, {o[1]})"
            case "full" | "wide":
                rows = "B" if head == "full" or batched else "1"
                return self._spread(o[0], rows, o[1])
            case "repeat":
                return f"{a}.repeat({o[1]}, axis=1)"
            case "total":
                return f"{a}.sum(axis=0, keepdims=True)"
            case "rowsum" | "rowmax" | "rowmin" | "rowprod":
                return f"{a}.{head[3:]}(axis=1, keepdims=True)"
            case "join":
                return f"np.hstack([{', '.join(self._joined(o))}])"
            case "scatter":
                self.used["scatter"] = None
                return f"scatter({', '.join(self._scattered(o))})"
        if head not in HELPERS:
            raise VectorizeError(f"m.{head} is no function of a namespace")
        self.used[head] = None
        return f"{head}({self._list(o)})"

    def _spread(self, x: Any, rows: str, n: int) -> str:
        """`x`, repeated to that many rows and columns."""
        if not isinstance(x, Expr):
            return f"np.full(({rows}, {n}), {number(x)})"
        return f"np.broadcast_to({self.text(x)}, ({rows}, {n}))"

    def _joined(self, o: tuple[Any, ...]) -> Iterable[str]:
        rows = any(extent(a, self.variables)[0] for a in o[1:])
        for a in o[1:]:
            batched, n = extent(a, self.variables)
            inner = a.args[0] if a.op == "wide" else a
            yield self.text(a) if batched == rows else self._spread(inner, "B", n)

    def _scattered(self, o: tuple[Any, ...]) -> Iterable[str]:
        rows = any(extent(a, self.variables)[0] for a in o[1::3])
        yield "B" if rows else "1"
        yield str(o[0])
        for piece, place, n in zip(o[1::3], o[2::3], o[3::3], strict=True):
            columns = place if isinstance(place, str) else f"range({place}, {place + n})"
            yield f"({self.text(piece)}, {columns})"

    def _list(self, operands: Iterable[Any]) -> str:
        return ", ".join(self.text(a) if not isinstance(a, str) else a for a in operands)


class _Bracketed(Expr):
    """An expression that stands in parentheses, for the eye."""

    def __init__(self, x: Expr) -> None:
        super().__init__("()", (x,))


def _is_share(x: Any) -> bool:
    """Whether an expression is 1/B, what one of B examples counts."""
    if not isinstance(x, Expr) or x.op != "divide":
        return False
    share, examples = x.args
    return not isinstance(share, Expr) and share == 1 and str(examples) == "B"


def is_relu(x: Expr) -> bool:
    """Whether an expression is where(x < 0, 0, x), for which arrays have a faster maximum."""
    condition, a, b = x.args
    if not isinstance(condition, Expr) or condition.op != "<" or isinstance(a, Expr):
        return False
    left, right = condition.args
    return left is b and not isinstance(right, Expr) and right == 0 and a == 0


def number(x: float) -> str:
    """A number as Python writes it, whole ones without a point."""
    if x != x:
        return "np.nan"
    if x in (float("inf"), float("-inf")):
        return "np.inf" if x > 0 else "-np.inf"
    return (
        repr(int(x))
        if x == int(x) and abs(x) < 1e15 and str(float(x)) != "-0.0"
        else repr(float(x))
    )
