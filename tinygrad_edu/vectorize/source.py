"""The program as NumPy that a student reads: one line per equation, with its sizes."""

import re
import textwrap
from collections.abc import Iterable
from typing import Any, Final

from tinygrad_edu.ink import Ink, text
from tinygrad_edu.vectorize.gradient import Gradient
from tinygrad_edu.vectorize.layout import Equation, Variable, spread
from tinygrad_edu.vectorize.regroup import Regrouped
from tinygrad_edu.vectorize.shape import extent

#: Operators: how tightly they bind.
_OPERATORS: Final = {"<": 0, "<=": 0, ">": 0, ">=": 0, "==": 0, "+": 1, "-": 1, "*": 2, "/": 2, "@": 2}
_NEGATIVE: Final = 3
_POWER: Final = 4
_ATOM: Final = 5

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
    "sigmoid": '''
def sigmoid(x):
    e = np.exp(-np.fabs(x))  # at most 1, so that nothing overflows
    return np.where(x < 0, e, 1) / (1 + e)
''',
    "softplus": '''
def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.fabs(x)))
''',
    "erf": '''
erf = np.vectorize(math.erf, otypes=[float])
''',
    "softmax": '''
def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
''',
    "log_softmax": '''
def log_softmax(x):
    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))
''',
    "logsumexp": '''
def logsumexp(x):
    top = x.max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    return top + np.log(np.exp(x - top).sum(axis=1, keepdims=True))
''',
    "pick": '''
def pick(x, t):  # x_t of each row
    return np.take_along_axis(x, t.astype(int), axis=1)
''',
    "onehot": '''
def onehot(t, n):  # 1 in column t of each row
    return (t == np.arange(n)).astype(float)
''',
    "products_of_others": '''
def products_of_others(x):  # for each column the product of the others
    n = x.shape[1]
    return np.stack([np.delete(x, j, axis=1).prod(axis=1) for j in range(n)], axis=1)
''',
    "scatter": '''
def scatter(rows, n, *pieces):  # pieces added up at their columns
    out = np.zeros((n, rows))
    for piece, columns in pieces:
        np.add.at(out, columns, np.broadcast_to(piece, (rows, len(columns))).T)
    return out.T
''',
    "batched_product": '''
def batched_product(x, w, rows, units, size):  # x w^T for each example
    z = x.reshape(-1, rows, size) @ w.reshape(-1, units, size).transpose(0, 2, 1)
    return z.reshape(-1, rows * units)
''',
    "batched_back_x": '''
def batched_back_x(d, w, rows, units, size):
    return (d.reshape(-1, rows, units) @ w.reshape(-1, units, size)).reshape(-1, rows * size)
''',
    "batched_back_w": '''
def batched_back_w(d, x, rows, units, size):
    d = d.reshape(-1, rows, units).transpose(0, 2, 1)
    return (d @ x.reshape(-1, rows, size)).reshape(-1, units * size)
''',
}


class NumPy:
    """Writes expressions in NumPy and notes which helpers they need."""

    def __init__(self, variables: dict[str, Variable]) -> None:
        self.variables = variables
        self.used: dict[str, None] = {}

    def text(self, x: Any, level: int = 0) -> str:
        """The expression, in parentheses where it binds less than `level`."""
        written, own = self._written(x)
        return f"({written})" if own < level else written

    def _written(self, x: Any) -> tuple[str, int]:
        if not isinstance(x, Ink):
            return _number(x), _NEGATIVE if x < 0 else _ATOM
        if isinstance(x, _Bracketed):
            return f"({self.text(x.operands[0])})", _ATOM
        head, o = x.head, x.operands
        if not o:
            return head, _ATOM
        if head == "where" and is_relu(x):
            return f"np.maximum({self.text(o[2])}, 0)", _ATOM
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
                o = tuple([_Bracketed(a) if isinstance(a, Ink) and a.head == "@" else a for a in o])
            right = own if head in ("+",) else own + 1
            return f"{self.text(o[0], own)} {head} {self.text(o[1], right)}", own
        if head == "pow" and not isinstance(o[1], Ink) and o[1] == int(o[1]):
            return f"{self.text(o[0], _ATOM)} ** {_number(o[1])}", _POWER
        if head in _NAMESPACE:
            return f"np.{_NUMPY.get(head, head)}({self._list(o)})", _ATOM
        return self._array(head, o), _ATOM

    def _array(self, head: str, o: tuple[Any, ...]) -> str:
        a = self.text(o[0], _ATOM) if isinstance(o[0], Ink) else ""
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
            case "full":
                return f"np.broadcast_to({self.text(o[0])}, (B, {o[1]}))"
            case "wide":
                return f"np.broadcast_to({self.text(o[0])}, ({'B' if batched else 1}, {o[1]}))"
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
            raise ValueError(f"m.{head} is no function of a namespace")
        if head == "softmax":
            self.used["softmax"] = None
        self.used[head] = None
        return f"{head}({self._list(o)})"

    def _joined(self, o: tuple[Any, ...]) -> Iterable[str]:
        rows = any(extent(a, self.variables)[0] for a in o[1:])
        for a in o[1:]:
            batched, n = extent(a, self.variables)
            plain = batched == rows
            yield self.text(a) if plain else f"np.broadcast_to({self.text(a)}, (B, {n}))"

    def _scattered(self, o: tuple[Any, ...]) -> Iterable[str]:
        rows = any(extent(a, self.variables)[0] for a in o[1::3])
        yield "B" if rows else "1"
        yield str(o[0])
        for piece, place, n in zip(o[1::3], o[2::3], o[3::3], strict=True):
            columns = place if isinstance(place, str) else f"range({place}, {place + n})"
            yield f"({self.text(piece)}, {columns})"

    def _list(self, operands: Iterable[Any]) -> str:
        return ", ".join(self.text(a) if not isinstance(a, str) else a for a in operands)


class _Bracketed(Ink):
    """An expression that stands in parentheses, for the eye."""

    def __init__(self, x: Ink) -> None:
        super().__init__("()", (x,))


def _is_share(x: Any) -> bool:
    """Whether an expression is 1/B, what one of B examples counts."""
    return isinstance(x, Ink) and x.head == "divide" and text(x) == "divide(1, B)"


def is_relu(x: Ink) -> bool:
    """Whether an expression is where(x < 0, 0, x), for which arrays have a faster maximum."""
    condition, a, b = x.operands
    if not isinstance(condition, Ink) or condition.head != "<" or isinstance(a, Ink):
        return False
    left, right = condition.operands
    return left is b and not isinstance(right, Ink) and right == 0 and a == 0


def source(program: Regrouped, gradient: Gradient | None, outputs: bool = False) -> str:
    """The whole program: a function of P, the vector of all parameters, and the arrays.

    It gives the mean loss and its gradient, in the order of P; without `gradient` what the
    function gives for each example.
    """
    variables = program.layout.variables
    numpy = NumPy(variables)
    blocks = [v for v in variables.values() if v.role == "parameter"]
    arguments = [v.name for v in variables.values() if v.role in ("input", "sample")]
    size = len(program.layout.parameters)
    lines: list[str] = []
    for block in blocks:
        shape = block.matrix or (1, block.size)
        stop = block.start + block.size
        view = f"P[{block.start}:{stop}].reshape({shape[0]}, {shape[1]})"
        lines.append(f"{block.name} = {view}")
    parameters = lines
    forward = list(_lines(numpy, program.layout.equations))
    backward: list[tuple[str, str]] = []
    if gradient is not None:
        backward = list(_lines(numpy, gradient.equations))
        parts = [
            f"{gradient.blocks[b.name]}.ravel()" if b.name in gradient.blocks else f"np.zeros({b.size})"
            for b in blocks
        ]
        joined = textwrap.wrap(", ".join(parts), 84, break_long_words=False)
        if len(joined) > 1:
            backward.append(("G = np.concatenate([", ""))
            backward += [(f"    {line}", "") for line in joined]
            backward.append(("])", f"({size},)"))
        elif parts:
            backward.append((f"G = np.concatenate([{joined[0]}])", f"({size},)"))
        for piece, columns in gradient.pieces:
            backward.append((_added(numpy.text(piece, _ATOM), columns), ""))
        result = f"return {numpy.text(program.results[0].expression, _ATOM)}.mean(), G"
    else:
        result = f"return {', '.join(numpy.text(spread(r)) for r in program.results)}"
    constants = [
        f"{v.name} = np.array([[{', '.join(_number(program.tape.constants[c]) for c in v.cells)}]])"
        for v in variables.values()
        if v.role == "constant"
    ]
    indexes = [f"{v.name} = {_runs(v.cells)}" for v in variables.values() if v.role == "index"]
    needed = re.findall(r"\w+", " ".join([*(t for t, _ in forward + backward), result]))
    indexes = [line for line in indexes if line.split(" ")[0] in needed]
    name = "outputs" if gradient is None else "loss_and_gradient"
    head = f"def {name}({', '.join(['P', *arguments] if blocks else arguments)}):"
    sections = [("", [(p, "") for p in parameters]), ("forward", forward), ("backward", backward)]
    body = []
    if any(re.search(r"\bB\b", t) for t, _ in forward + backward):
        body.append("    B = len(X)")
    for title, rows in sections:
        if title and rows:
            body += ["", f"    # {title}"]
        body += _aligned(rows)
    body += ["", f"    {result}"] if False else [f"    {result}"]
    helpers = "".join(HELPERS[name] for name in numpy.used)
    imports = "import math\n\n" if "erf" in numpy.used else ""
    preamble = "\n".join([*constants, *indexes])
    parts_of = [imports + "import numpy as np", helpers.strip("\n"), preamble, "\n".join([head, *body])]
    return "\n\n\n".join(part for part in parts_of if part) + "\n"


def _added(piece: str, columns: tuple[int, ...]) -> str:
    """A piece added to the gradient at its columns."""
    start, n = columns[0], len(columns)
    if columns == tuple(range(start, start + n)):
        return f"G[{start}:{start + n}] += {piece}[0]"
    if len(set(columns)) == n:
        return f"G[{_runs(columns)}] += {piece}[0]"
    return f"np.add.at(G, {_runs(columns)}, {piece}[0])"


def _lines(numpy: NumPy, equations: list[Equation]) -> Iterable[tuple[str, str]]:
    """Each equation as code, and the sizes in it."""
    for target, expression in equations:
        yield f"{target} = {numpy.text(expression)}", _sizes(numpy.variables, target, expression)


def _sizes(variables: dict[str, Variable], target: str, expression: Any) -> str:
    v = variables[target]
    shape = v.matrix or ("B" if v.batched else 1, v.size)
    return f"({shape[0]}, {shape[1]})"


def _aligned(rows: list[tuple[str, str]], widest: int = 72) -> list[str]:
    """Lines of code with their comments below each other."""
    column = max((len(code) for code, _ in rows if len(code) <= widest), default=0)
    return [
        f"    {code:<{column}}  # {sizes}" if sizes else f"    {code}" for code, sizes in rows
    ]


def _number(x: float) -> str:
    if x != x:
        return "np.nan"
    if x in (float("inf"), float("-inf")):
        return "np.inf" if x > 0 else "-np.inf"
    return repr(int(x)) if x == int(x) and abs(x) < 1e15 and str(float(x)) != "-0.0" else repr(float(x))


def _runs(columns: tuple[int, ...]) -> str:
    """An index in short: a range where it is one."""
    if len(columns) > 2:
        step = columns[1] - columns[0]
        if step and list(columns) == list(range(columns[0], columns[-1] + (1 if step > 0 else -1), step)):
            return f"range({columns[0]}, {columns[-1] + (1 if step > 0 else -1)}, {step})"
    return str(list(columns))
