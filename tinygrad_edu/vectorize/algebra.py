"""Algebra of array expressions: products with slopes, sums of pieces, what fits where."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import islice
from operator import mul
from typing import Any, Final

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr, Symbol, show
from tinygrad_edu.namespace import no_flow
from tinygrad_edu.vectorize.layout import Variable
from tinygrad_edu.vectorize.operations import Variables, extent

#: How many examples there are.
B: Final = expr.symbol("B")
#: 1/B, the cotangent of each of B losses in their mean.
SHARE: Final = expr.divide(1.0, B)


def names(x: Any) -> list[str]:
    """The arrays that an expression mentions."""
    return [a.name for a in _parts(x) if isinstance(a, Symbol)]


def is_longer(x: Any, limit: int) -> bool:
    """Whether an expression has more operands than that, all in all."""
    return any(True for _ in islice(_parts(x), limit, None))


def _parts(x: Any) -> Iterator[Any]:
    """The expression, its operands, their operands, ..."""
    stack = [x]
    while stack:
        a = stack.pop()
        yield a
        if isinstance(a, Expr):
            stack.extend(a.args)


def times(g: Any, slope: Any) -> Any:
    """g * slope; where nothing flows, 0 in place of a product.

    The numbers of g and slope become one where g is nothing else: 1/B * 0.5 * (2 * V1) = V1 / B.
    Elsewhere factors stay as the records have them, since products in another order overflow
    elsewhere.
    """
    if slope is no_flow or g is no_flow:
        return no_flow
    if _stops(slope):
        condition, a, b = slope.args
        return expr.where(condition, _else_zero(times(g, a)), _else_zero(times(g, b)))
    if isinstance(g, Expr) and any(_is_array(factor) for factor in _factors(g)):
        return -g if not isinstance(slope, Expr) and slope == -1 else g * slope
    number, shares, arrays = 1.0, 0, []
    for factor in (*_factors(g), *_factors(slope)):
        if not isinstance(factor, Expr):
            number *= factor
        elif factor is SHARE:
            shares += 1
        elif factor is B:
            shares -= 1
        else:
            arrays.append(factor)
    product: Any = number
    if arrays:
        product = reduce(mul, arrays)
        product = -product if number == -1 else number * product
    for _ in range(abs(shares)):
        product = product * (SHARE if shares > 0 else B)
    return product


def _is_array(x: Any) -> bool:
    return isinstance(x, Expr) and x is not SHARE and x is not B


def _factors(x: Any) -> Iterator[Any]:
    """The factors of a product, of a quotient by a number, of a negative."""
    stack = [x]
    while stack:
        a = stack.pop()
        if isinstance(a, Expr) and a.op == "*":
            stack.extend(reversed(a.args))
        elif isinstance(a, Expr) and a.op == "negative":
            stack.extend((a.args[0], -1.0))
        elif isinstance(a, Expr) and a.op == "divide" and not isinstance(a.args[1], Expr):
            stack.extend((1.0 / a.args[1], a.args[0]))
        else:
            yield a


def _stops(slope: Any) -> bool:
    """Whether nothing flows along a slope, at least in one of its cases."""
    if isinstance(slope, Expr):
        return slope.op == "where" and any(_stops(x) for x in slope.args[1:])
    return slope is no_flow


def _else_zero(x: Any) -> Any:
    return 0.0 if x is no_flow else x


def total_of(pieces: Sequence[Any]) -> Any:
    """The sum of expressions, nested no deeper than the logarithm of their number."""
    texts = [show(piece) for piece in pieces]
    different = dict(zip(texts, pieces, strict=True))
    if len(different) < len(pieces):
        counts = Counter(texts)
        pieces = [times(float(counts[text]), piece) for text, piece in different.items()]
    if len(pieces) <= 2:
        return pieces[0] if len(pieces) == 1 else pieces[0] + pieces[1]
    half = (len(pieces) + 1) // 2
    return total_of(pieces[:half]) + total_of(pieces[half:])


def is_scalar(x: Any, variables: Variables) -> bool:
    """Whether no array is in an expression: it is a number, or made of numbers and B."""
    if not isinstance(x, Expr):
        return True
    if isinstance(x, Symbol):
        return x.name not in variables
    if x.op in ("wide", "full", "columns", "take"):
        return False
    return all(is_scalar(a, variables) for a in x.args if not isinstance(a, str))


def fitted(x: Any, array: Variable, variables: Variables) -> Any:
    """`x`, repeated to the rows and columns of the array where it is a number or narrower."""
    fits = extent(x, variables) == (array.batched, array.size)
    if fits and not is_scalar(x, variables):
        return x
    return (expr.full if array.batched else expr.wide)(x, array.size)


def is_relu(x: Expr) -> bool:
    """Whether an expression is where(x < 0, 0, x), for which arrays have a faster maximum."""
    if x.op != "where":
        return False
    condition, a, b = x.args
    if not isinstance(condition, Expr) or condition.op != "<" or isinstance(a, Expr):
        return False
    left, right = condition.args
    return left is b and not isinstance(right, Expr) and right == 0 and a == 0
