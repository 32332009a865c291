"""Formulas of results and their slopes: records of operations, evaluated over `expr` on letters.

Nothing here knows a derivative. Long sums and products keep two terms at the front and one at the
end.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tinygrad_edu import expr, losses
from tinygrad_edu.engine import Primitive, Value, primitives
from tinygrad_edu.expr import Expr, Symbol, same
from tinygrad_edu.text import short
from tinygrad_edu.view.explain.notation import MORE, letter

_SHIFTED: Final = {
    primitives[name].value for name in ("softmax", "log_softmax", "logsumexp", "cross_entropy")
}
#: Losses with special cases, and where these count: at which numbers of the first operand.
_GUARDED: Final = {losses._bce.value: (0.0, 1.0), losses._bce_logits.value: (-math.inf, math.inf)}
_OPERATORS: Final = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_LONGEST: Final = 5
#: What Python raises in a record that takes the letters for floats: it has no formula.
UNWRITABLE: Final = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError),
    *(RuntimeError, TypeError, ValueError),
)


def formulas(v: Value, *, general: bool = False) -> tuple[Any, Callable[[int], Any]]:
    """The value of a result, and a function that gives its slope to parent i, as expr on letters.

    The letter of a parent is the number of its first position, that of `v` the number after the
    last parent; `written` puts names in their place. In `general` each parent has a
    letter of its own, one that stands there twice and a constant too. Softmax and its like are
    written without the shift by the largest operand against overflow, which cancels, and binary
    cross entropy as in the textbooks, a constant target in it as its number, unless one of its
    special cases is at hand. Raises one of UNWRITABLE where the record cannot be evaluated on
    letters.
    """
    op: Primitive = v.op  # type: ignore[assignment]
    first = {p: i for i, p in reversed(list(enumerate(v.parents)))}
    x: list[Any] = [letter(i if general else first[p]) for i, p in enumerate(v.parents)]
    y = letter(len(x))
    m: Any = _Unshifted() if op.value in _SHIFTED else expr
    if op.value is primitives["cross_entropy"].value:
        x[0] = v.numbers[1]  # the class number chooses the formula
    tidied: Callable[[Any], Any] = lambda formula: formula  # noqa: E731
    if op.value in _GUARDED and v.numbers[1] not in _GUARDED[op.value]:
        m, tidied = _Unguarded(), _tidied
        known_target = v.parents[1].kind == "constant" and not general
        x[1] = v.numbers[2] if known_target else x[1]
    value = _shortened(tidied(op.value(m, *x, **op.constants)), {}, {})
    # a slope of softmax holds the softmax itself: that is y
    known = {str(value): y} if type(value) is Expr else {}
    slopes = [tidied(slope) for slope in op.slopes(m, y, *x, **op.constants)]
    memo: dict[int, Any] = {}
    return value, lambda i: _shortened(slopes[i], known, memo)


class _Unshifted:
    """`expr` for formulas which any shift leaves as they are: the largest operand counts as 0."""

    def __getattr__(self, name: str) -> Any:
        return getattr(expr, name)

    def maximum(self, x: Any, y: Any) -> float:
        return 0.0

    def abs(self, x: Any) -> Any:
        return expr.abs(x) if isinstance(x, Expr) else abs(x)

    def equal(self, x: Any, y: Any) -> Any:
        return expr.equal(x, y) if isinstance(x, Expr) or isinstance(y, Expr) else x == y

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        if isinstance(condition, Expr):
            return expr.where(condition, x, y)
        return x if condition else y


class _Unguarded(_Unshifted):
    """`expr` for formulas of a probability in (0, 1): no special case, 1 - p for exactness."""

    def equal(self, x: Any, y: Any) -> bool:
        return False

    def abs(self, x: Any) -> Any:
        return x

    def log1p(self, x: Any) -> Any:
        return expr.log(1 - x.args[0] if x.op == "negative" else 1 + x)


def _tidied(x: Any) -> Any:
    """Without terms that are 0 and factors that are 1; a - b for a + -b."""
    if not isinstance(x, Expr) or isinstance(x, Symbol):
        return x
    a, *rest = (_tidied(operand) for operand in x.args)
    if x.op in ("*", "divide") and not isinstance(a, Expr) and a == 0:
        return 0.0
    if x.op == "*" and not isinstance(a, Expr) and a == -1:
        return -rest[0]
    if x.op == "+" and (opposite := _opposite(rest[0])) is not None:
        return a - opposite
    return _OPERATORS[x.op](a, *rest) if x.op in _OPERATORS else Expr(x.op, (a, *rest))


def _opposite(x: Any) -> Any:
    """b for an `x` that is written -b, else None."""
    if not isinstance(x, Expr):
        return -x if x < 0 else None
    if x.op == "negative":
        return x.args[0]
    opposite = _opposite(x.args[0]) if x.op == "*" else None
    return None if opposite is None else opposite * x.args[1]


def total(slopes: Sequence[Any]) -> Any:
    """The sum of the slopes to one parent that stands at several positions: a + a is 2 a."""
    if len(slopes) > 1 and all(same(slopes[0], slope) for slope in slopes):
        return len(slopes) * slopes[0]
    return _shortened(expr.sum(slopes), {}, {})


def _shortened(x: Any, known: Mapping[str, Expr], memo: dict[int, Any]) -> Any:
    """The same expression with long chains cut, numbers rounded, `known` parts named."""
    if not isinstance(x, Expr):
        return float(short(x))
    if isinstance(x, Symbol):
        return x
    if id(x) not in memo:
        terms = _chain_of(x)
        if len(terms) > _LONGEST:
            terms = [*terms[:2], MORE, terms[-1]]
        operands = [_shortened(a, known, memo) for a in terms]
        memo[id(x)] = _joined(x.op, operands)
        if known:
            memo[id(x)] = known.get(str(memo[id(x)]), memo[id(x)])
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


def _joined(head: str, terms: list[Any]) -> Any:
    if head in ("maximum", "minimum") and len(terms) > 2:
        return Expr(head[:3], tuple(terms))
    if head == "-" and not isinstance(terms[0], Expr) and terms[0] == 0:
        return Expr("negative", (terms[1],))
    if head not in ("+", "*"):
        return Expr(head, tuple(terms))
    joined, *rest = terms
    for term in rest:
        joined = Expr(head, (joined, term))
    return joined
