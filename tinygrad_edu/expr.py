"""The namespace `m` of symbols: a record evaluated with it gives its formula, as LaTeX and as text.

    >>> from tinygrad_edu import functions, expr
    >>> y, x = expr.symbol("y"), expr.symbol("x")
    >>> expr.latex(functions.tanh.slopes(expr, y, x)[0])
    '1 - y^{2}'

Any function of a namespace exists here by its name (`expr.exp`, `expr.where`): it gives an `Expr`
that remembers its operands. The text of an `Expr` is Python over the functions of a namespace.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from tinygrad_edu.checks import is_real
from tinygrad_edu.namespace import no_flow

_COMPARE, _ADD, _MULTIPLY, _NEGATE, _POWER, _ATOM = range(6)

_LEVEL: Final = {
    "<": _COMPARE,
    "<=": _COMPARE,
    ">": _COMPARE,
    ">=": _COMPARE,
    "+": _ADD,
    "-": _ADD,
    "*": _MULTIPLY,
    "negative": _NEGATE,
}

_LATEX_SIGN: Final = {"<=": r"\le", ">=": r"\ge", "*": r"\,"}

#: How a function is written in LaTeX, {0}, {1}, ... being its operands. Others get an upright name.
_LATEX_CALL: Final = {
    "abs": r"\left|{0}\right|",
    "acos": r"\arccos\left({0}\right)",
    "asin": r"\arcsin\left({0}\right)",
    "atan": r"\arctan\left({0}\right)",
    "cos": r"\cos\left({0}\right)",
    "cosh": r"\cosh\left({0}\right)",
    "divide": r"\frac{{{0}}}{{{1}}}",
    "equal": r"\left[{0} = {1}\right]",
    "exp": r"e^{{{0}}}",
    "expm1": r"\left(e^{{{0}}} - 1\right)",
    "hypot": r"\sqrt{{{0}^2 + {1}^2}}",
    "log": r"\ln\left({0}\right)",
    "log1p": r"\ln\left(1 + {0}\right)",
    "maximum": r"\max\left({0}, {1}\right)",
    "minimum": r"\min\left({0}, {1}\right)",
    "sigmoid": r"\sigma\left({0}\right)",
    "sin": r"\sin\left({0}\right)",
    "sinh": r"\sinh\left({0}\right)",
    "sqrt": r"\sqrt{{{0}}}",
    "tan": r"\tan\left({0}\right)",
    "tanh": r"\tanh\left({0}\right)",
    "where": r"\begin{{cases}} {1} & {0} \\ {2} & \text{{otherwise}} \end{{cases}}",
}


class Expr:
    """An expression: the name of its function or operator, and its operands."""

    __slots__ = ("args", "op")

    def __init__(self, op: str, args: tuple[Any, ...] = ()) -> None:
        self.op, self.args = op, args

    def __add__(self, other: Any) -> Any:
        return self if _is(other, 0) else Expr("+", (self, other))

    def __radd__(self, other: Any) -> Any:
        return self if _is(other, 0) else Expr("+", (other, self))

    def __sub__(self, other: Any) -> Any:
        return self if _is(other, 0) else Expr("-", (self, other))

    def __rsub__(self, other: Any) -> Any:
        return -self if _is(other, 0) else Expr("-", (other, self))

    def __mul__(self, other: Any) -> Any:
        return self if _is(other, 1) else Expr("*", (self, other))

    def __rmul__(self, other: Any) -> Any:
        return self if _is(other, 1) else Expr("*", (other, self))

    def __neg__(self) -> "Expr":
        return Expr("negative", (self,))

    def __lt__(self, other: Any) -> "Expr":
        return Expr("<", (self, other))

    def __le__(self, other: Any) -> "Expr":
        return Expr("<=", (self, other))

    def __gt__(self, other: Any) -> "Expr":
        return Expr(">", (self, other))

    def __ge__(self, other: Any) -> "Expr":
        return Expr(">=", (self, other))

    def __eq__(self, other: object) -> bool:
        if is_real(other):
            self._no_decision()
        return self is other

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return self._no_decision()

    def _no_decision(self) -> bool:
        raise TypeError(
            "a record cannot decide in Python what its operands are: write m.where(x > 0, a, b), "
            "m.equal(x, y), m.maximum(x, y)"
        )

    def __str__(self) -> str:
        return text(self)

    def __repr__(self) -> str:
        return f"Expr({text(self)!r})"


def symbol(name: str) -> Expr:
    """A letter; an index after an underscore is set as a subscript in LaTeX (`x_1`)."""
    return Expr(name)


def __getattr__(name: str) -> Callable[..., Expr]:
    if name.startswith("_"):
        raise AttributeError(f"module 'tinygrad_edu.expr' has no attribute {name!r}")
    return lambda *operands: Expr(name, operands)


def sum(x: Sequence[Any]) -> Any:  # noqa: A001
    """x1 + ... + xn."""
    total, *rest = x
    for a in rest:
        total = total + a
    return total


def dot(w: Sequence[Any], x: Sequence[Any], *b: Any) -> Any:
    """w1 x1 + ... + wn xn (+ b)."""
    return sum([*(wi * xi for wi, xi in zip(w, x, strict=True)), *b])


def text(x: Any) -> str:
    """`x` as Python over the functions of a namespace."""
    if not isinstance(x, Expr):
        return _number(x)
    if x.op == "negative":
        return f"-{_inside(text, x, 0)}"
    if x.op in _LEVEL:
        return f"{_inside(text, x, 0)} {x.op} {_inside(text, x, 1)}"
    if not x.args:
        return x.op
    return f"{x.op}({', '.join(text(a) for a in x.args)})"


def latex(x: Any) -> str:
    """`x` as LaTeX, without dollar signs."""
    if not isinstance(x, Expr):
        return _number(x).replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    if x.op == "negative":
        return f"-{_inside(latex, x, 0)}"
    if x.op == "*" and text(x.args[0]) == text(x.args[1]):
        return f"{_inside(latex, x, 0, _POWER)}^{{2}}"
    if x.op in _LEVEL:
        sign = _LATEX_SIGN.get(x.op, x.op)
        return f"{_inside(latex, x, 0)} {sign} {_inside(latex, x, 1)}"
    if not x.args:
        letter, _, index = x.op.partition("_")
        return f"{letter}_{{{index}}}" if index else letter
    if x.op == "pow":
        return f"{_inside(latex, x, 0, _POWER)}^{{{latex(x.args[1])}}}"
    shown = [latex(a) for a in x.args]
    if x.op == "where":
        shown[0] = shown[0].removeprefix(r"\left[").removesuffix(r"\right]")
    if x.op in _LATEX_CALL:
        return _LATEX_CALL[x.op].format(*shown)
    name = x.op.replace("_", r"\_")
    return rf"\operatorname{{{name}}}\left({', '.join(shown)}\right)"


def _inside(show: Callable[[Any], str], x: Expr, k: int, level: int | None = None) -> str:
    """Operand k of `x`, in parentheses where its operator binds less."""
    operand = x.args[k]
    level = _LEVEL[x.op] if level is None else level
    shown = show(operand)
    own = _ATOM
    if isinstance(operand, Expr):
        own = _LEVEL.get(operand.op, _ATOM)
        if show is latex and operand.op in ("exp", "pow") and level == _POWER:
            own = _POWER
    elif operand < 0:
        own = _NEGATE
    tight = own < level or (own == level and (k == 1 or level == _POWER))
    tight = tight or (own == _NEGATE and (k == 1 or level == _POWER))
    if not tight:
        return shown
    return rf"\left({shown}\right)" if show is latex else f"({shown})"


def _is(x: Any, n: int) -> bool:
    return is_real(x) and x is not no_flow and bool(x == n)


def _number(x: float) -> str:
    value = float(x)
    if value - value != 0:
        return repr(value)
    return str(int(value)) if value == int(value) and -1e15 < value < 1e15 else repr(value)
