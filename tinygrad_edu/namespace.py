"""The namespace `m` of plain floats: IEEE 754 answers where Python raises or turns complex.

Overflow is inf, a number outside the domain gives nan, a division by zero is inf or nan; nothing
here raises. The primitives use these functions for the forward pass and the slopes of a `Value`.
"""

import builtins
import math
from collections.abc import Callable, Iterable
from math import atan, erf, inf, nan, tanh
from operator import mul
from typing import Any


class _NoFlow(float):
    """Zero that stays zero whatever it is multiplied with, inf and nan included."""

    __slots__ = ()

    def __mul__(self, other: object) -> float:
        return 0.0

    __rmul__ = __mul__


#: The slope along which nothing flows back: the loser of a max, relu below zero.
#: It differs from a slope that happens to be 0: against an infinite gradient that one gives nan.
no_flow = _NoFlow(0.0)


def _total(
    f: Callable[[float], float], overflow: Callable[[float], float] = lambda x: inf
) -> Callable[[float], float]:
    """`f` from the math module, made total: nan outside its domain, `overflow(x)` beyond it."""

    def total(x: float) -> float:
        try:
            return f(x)
        except ValueError:
            return nan
        except OverflowError:
            return overflow(x)

    return total


exp, expm1, cosh = _total(math.exp), _total(math.expm1), _total(math.cosh)
sinh = _total(math.sinh, lambda x: math.copysign(inf, x))
sin, cos, tan, sqrt = (_total(f) for f in (math.sin, math.cos, math.tan, math.sqrt))
asin, acos = _total(math.asin), _total(math.acos)
atan2, hypot, abs = math.atan2, math.hypot, math.fabs


def log(x: float) -> float:
    """ln x, with log(0) = -inf and nan below."""
    return math.log(x) if x > 0 else (-inf if x == 0 else nan)


def log1p(x: float) -> float:
    """ln(1 + x), with log1p(-1) = -inf and nan below."""
    return math.log1p(x) if x > -1 else (-inf if x == -1 else nan)


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow: the exponential is only taken of -|x|."""
    e = math.exp(-math.fabs(x))
    return (e if x < 0 else 1.0) / (1.0 + e)


def softplus(x: float) -> float:
    """ln(1 + exp(x)), without overflow: the exponential is only taken of -|x|."""
    return maximum(x, 0.0) + math.log1p(math.exp(-math.fabs(x)))


def divide(x: float, y: float) -> float:
    """x / y, with 1/0 = inf, 1/-0 = -inf and 0/0 = nan."""
    if y != 0:
        return x / y
    return nan if x == 0 or x != x else math.copysign(inf, x) * math.copysign(1.0, y)


def pow(x: float, y: float) -> float:
    """x ** y as in C: overflow is inf, a negative base with a fractional exponent is nan."""
    try:
        return math.pow(x, y)
    except (ValueError, OverflowError):
        if x < 0 and y != math.floor(y):
            return nan
        odd = y % 2 == 1
        return -inf if odd and math.copysign(1.0, x) < 0 else inf


def maximum(x: float, y: float) -> float:
    """The larger; nan if one of them is."""
    return x if x >= y or x != x else y


def minimum(x: float, y: float) -> float:
    """The smaller; nan if one of them is."""
    return x if x <= y or x != x else y


def sum(x: Iterable[float]) -> float:
    """x1 + ... + xn, added as Python's `sum` adds (compensated from Python 3.12 on)."""
    return builtins.sum(x, 0.0)


def dot(w: Iterable[float], x: Iterable[float], b: float = 0.0) -> float:
    """w1 x1 + ... + wn xn + b."""
    return builtins.sum(map(mul, w, x), b)


def where(condition: object, x: Any, y: Any) -> Any:
    """`x` where the condition holds, else `y`."""
    return x if condition else y


def equal(x: float, y: float) -> bool:
    """Equality as numbers (on Values `==` is identity)."""
    return x == y


__all__ = [
    "abs",
    "acos",
    "asin",
    "atan",
    "atan2",
    "cos",
    "cosh",
    "divide",
    "dot",
    "equal",
    "erf",
    "exp",
    "expm1",
    "hypot",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "no_flow",
    "pow",
    "sigmoid",
    "sin",
    "sinh",
    "softplus",
    "sqrt",
    "sum",
    "tan",
    "tanh",
    "where",
]
