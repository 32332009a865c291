"""Formulas of results and their slopes: records of operations, evaluated over `expr` on letters.

Nothing here knows a derivative. A formula is written as a reader writes it: without the functions
that programs have against rounding and overflow, without factors 1 and terms 0. Long sums and
products keep two terms at the front and one at the end.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, Final

from tinygrad_edu import expr, losses
from tinygrad_edu.engine import Primitive, Value, primitives
from tinygrad_edu.expr import Expr, Symbol, same
from tinygrad_edu.text import short
from tinygrad_edu.view.explain.notation import MORE, letter

_SOFTMAX, _CROSS_ENTROPY = primitives["softmax"].value, primitives["cross_entropy"].value
_SHIFTED: Final = {
    *(_SOFTMAX, _CROSS_ENTROPY),
    *(primitives[name].value for name in ("log_softmax", "logsumexp")),
}
#: Losses with special cases, and where these count: at which numbers of the first operand.
_GUARDED: Final = {losses._bce.value: (0.0, 1.0), losses._bce_logits.value: (-math.inf, math.inf)}
_LONGEST: Final = 5
#: What Python raises in a record that takes the letters for floats: it has no formula.
UNWRITABLE: Final = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError),
    *(RuntimeError, TypeError, ValueError),
)


def formulas(v: Value, *, general: bool = False) -> tuple[Any, Callable[[int], Any]]:
    """The value of a result, and a function that gives its slope to parent i, as expr on letters.

    The letter of a parent is the number of its first position, that of `v` the number n after the
    last parent, and n + 1 + i that of the share of operand i in their softmax; `written` puts names
    in their place. In `general` each parent has a letter of its own, one that stands there twice
    and a constant too. Softmax and its like are written without the shift by the largest operand
    against overflow, which cancels, and binary cross entropy as in the textbooks, unless one of its
    special cases is at hand, a constant target in it as its number. Raises one of UNWRITABLE where
    the record cannot be evaluated on letters.
    """
    op: Primitive = v.op  # type: ignore[assignment]
    first = {p: i for i, p in reversed(list(enumerate(v.parents)))}
    x: list[Any] = [letter(i if general else first[p]) for i, p in enumerate(v.parents)]
    y = letter(len(x))
    m = _Mathematics()
    if not general:
        numbers = zip(x, v.numbers[1:], v.parents, strict=True)
        m.known = {a: number for a, number, p in numbers if p.kind == "constant"}
    if op.value in _GUARDED:
        m = m if v.numbers[1] in _GUARDED[op.value] else _Unguarded()
        x[1] = v.numbers[2] if v.parents[1].kind == "constant" and not general else x[1]
    if op.value is _CROSS_ENTROPY:
        x[0] = v.numbers[1]  # the class number chooses the formula
    if op.value in _SHIFTED:
        m = _Unshifted()
    value = op.value(m, *x, **op.constants)
    if isinstance(m, _Unshifted):
        m.shares = {a: letter(len(x) + 1 + i) for i, a in enumerate(x) if isinstance(a, Expr)}
        if op.value is _SOFTMAX:
            m.shares[x[int(op.constants["k"])]] = y
        if op.value is _CROSS_ENTROPY and x[0] in range(len(x) - 1):
            value = -m.log(m.shares[x[1 + int(x[0])]])
    slopes, memo = op.slopes(m, y, *x, **op.constants), dict[int, Any]()
    slope = lambda i: _turned(_shortened(slopes[i], memo))  # noqa: E731
    return _turned(_shortened(value, memo)), slope


def shared(v: Value) -> tuple[Value, ...]:
    """The operands whose shares in their softmax may stand in the formulas of `v`."""
    if v.op is None or v.op.value not in _SHIFTED or v.op.name == "logsumexp":
        return ()
    return v.parents[1:] if v.op.value is _CROSS_ENTROPY else v.parents


# fmt: off
#: Functions that programs have against rounding and overflow, and what they are.
_EXACT: Final[Mapping[str, Callable[..., Any]]] = {
    "expm1":    lambda x: expr.exp(x) - 1,
    "hypot":    lambda x, y: expr.sqrt(x * x + y * y),
    "log1p":    lambda x: expr.log(1 + x),
    "softplus": lambda x: expr.log(1 + expr.exp(x)),
}
# fmt: on


class _Mathematics:
    """`expr` with the functions of programs written as those of mathematics.

    `known` has the numbers of letters by which a case is settled.
    """

    known: Mapping[Any, float] = {}

    def __getattr__(self, name: str) -> Any:
        return _EXACT.get(name) or getattr(expr, name)

    def sigmoid(self, x: Any) -> Any:
        opposite = _opposite(x)
        return expr.sigmoid(x) if opposite is None else 1 - expr.sigmoid(opposite)

    def abs(self, x: Any) -> Any:
        return expr.abs(x) if isinstance(x, Expr) else abs(x)

    def equal(self, x: Any, y: Any) -> Any:
        a = self.known.get(x, x)
        return expr.equal(x, y) if isinstance(a, Expr) or isinstance(y, Expr) else a == y

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        condition = self.known.get(condition, condition)
        if isinstance(condition, Symbol):
            condition = Expr("!=", (condition, 0.0))
        if not isinstance(condition, Expr):
            return x if condition else y
        return expr.where(condition, x, y)


class _Unshifted(_Mathematics):
    """For formulas which any shift leaves as they are: the largest operand counts as 0.

    `shares` has the letters of the shares in a softmax, by operand.
    """

    def __init__(self) -> None:
        self.shares: dict[Any, Symbol] = {}

    def maximum(self, x: Any, y: Any) -> float:
        return 0.0

    def divide(self, x: Any, y: Any) -> Any:
        share = self.shares.get(x.args[0])
        return expr.divide(x, y) if share is None else share


class _Unguarded(_Mathematics):
    """For formulas of a probability in (0, 1): no special case."""

    def equal(self, x: Any, y: Any) -> bool:
        return False

    def abs(self, x: Any) -> Any:
        return x


def total(slopes: Sequence[Any]) -> Any:
    """The sum of the slopes to one parent that stands at several positions: a + a is 2 a."""
    if len(slopes) > 1 and all(same(slopes[0], slope) for slope in slopes):
        return _product(len(slopes), slopes[0])
    return _shortened(expr.sum(slopes), {})


def _shortened(x: Any, memo: dict[int, Any]) -> Any:
    """The same expression, simple, its long chains cut and its numbers rounded."""
    if not isinstance(x, Expr):
        return float(short(x))
    if isinstance(x, Symbol):
        return x
    if id(x) not in memo:
        terms = _chain_of(x)
        if len(terms) > _LONGEST:
            terms = [*terms[:2], MORE, terms[-1]]
        operands = [_shortened(a, memo) for a in terms]
        if x.op in ("+", "*"):
            memo[id(x)] = reduce(_RULES[x.op], operands)
        elif x.op in ("maximum", "minimum") and len(operands) > 2:
            memo[id(x)] = Expr(x.op[:3], tuple(operands))
        else:
            memo[id(x)] = _RULES[x.op](*operands) if x.op in _RULES else Expr(x.op, tuple(operands))
    return memo[id(x)]


def _chain_of(x: Expr) -> list[Any]:
    """[a, b, c] for (a + b) + c; the operands for what is no chain."""
    if x.op not in ("+", "*", "maximum", "minimum"):
        return list(x.args)
    backwards = []
    left: Any = x
    while isinstance(left, Expr) and left.op == x.op:
        backwards.append(left.args[1])
        left = left.args[0]
    return [left, *reversed(backwards)]


def _sum(a: Any, b: Any) -> Any:
    if _is(a, 0) or _is(b, 0):
        return b if _is(a, 0) else a
    opposite = _opposite(b)
    return a + b if opposite is None else a - opposite


def _difference(a: Any, b: Any) -> Any:
    if _is(a, 0) or _is(b, 0):
        return _negative(b) if _is(a, 0) else a
    if (opposite := _opposite(b)) is not None:
        return a + opposite
    if isinstance(a, Expr) and isinstance(b, Expr) and a.op == b.op == "*":
        (u, s), (t, v) = a.args, b.args
        if same(u, _difference(1.0, t)) and same(v, _difference(1.0, s)):
            return _difference(s, t)  # (1 - t) s - t (1 - s)
    return a - b


def _product(a: Any, b: Any) -> Any:
    if isinstance(a, Expr) and not isinstance(b, Expr):
        return _product(b, a)
    if _is(a, 0) or _is(a, 1):
        return b if a else 0.0
    opposite = b if _is(a, -1) else _opposite(b)
    if opposite is not None:
        return _negative(b if opposite is b else _product(a, opposite))
    if not isinstance(b, Expr):
        return a * b
    if b.op == "*" and not isinstance(b.args[0], Expr):
        return _product(_product(b.args[0], a), b.args[1])
    if n := _exponent(a, b):
        return Expr("pow", (b, n + 1.0)) if n > 1 else Expr("*", (b, b))
    if isinstance(a, Expr) and a.op in ("*", "negative") and _exponent(a.args[-1], b):
        return Expr(a.op, (*a.args[:-1], _product(a.args[-1], b)))
    return Expr("*", (a, b))


def _exponent(a: Any, b: Expr) -> int:
    """n where a is b to the power of n, a small whole number, else 0."""
    if not isinstance(a, Expr) or same(a, b):
        return int(isinstance(a, Expr))
    if a.op == "*" and same(a.args[0], b) and same(a.args[1], b):
        return 2
    whole = a.op == "pow" and a.args[1] in range(3, 100) and same(a.args[0], b)
    return int(a.args[1]) if whole else 0


def _negative(a: Any) -> Any:
    if not isinstance(a, Expr):
        return 0.0 - a
    if a.op == "-":
        return Expr("-", a.args[::-1])
    if a.op == "*" and not same(*a.args):
        return _product(_negative(a.args[0]), a.args[1])
    if a.op == "where":
        return Expr("where", (a.args[0], *map(_negative, a.args[1:])))
    return a.args[0] if a.op == "negative" else Expr("negative", (a,))


_RULES: Final[Mapping[str, Callable[..., Any]]] = {
    **{"+": _sum, "-": _difference, "*": _product, "negative": _negative},  # noqa: PIE800
    "divide": lambda a, b: 0.0 if _is(a, 0) else a if _is(b, 1) else Expr("divide", (a, b)),
    "where": lambda condition, a, b: a if same(a, b) else Expr("where", (condition, a, b)),
}


def _is(x: Any, n: int) -> bool:
    return not isinstance(x, Expr) and bool(x == n)


def _opposite(x: Any) -> Any:
    """b for an `x` that is written -b, else None."""
    if not isinstance(x, Expr):
        return -x if x < 0 else None
    if x.op == "negative":
        return x.args[0]
    opposite = _opposite(x.args[0]) if x.op == "*" else None
    return None if opposite is None else _product(opposite, x.args[1])


def _turned(x: Any) -> Any:
    """1 if x > 0 else 0, for 0 if x <= 0 else 1."""
    if not isinstance(x, Expr) or x.op != "where" or x.args[0].op not in ("<", "<="):
        return x
    condition, a, b = x.args
    if isinstance(b, Expr) and b.op == "where":
        return x
    return Expr("where", (Expr({"<": ">=", "<=": ">"}[condition.op], condition.args), b, a))
