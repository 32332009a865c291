"""The namespace `m` of plain floats: IEEE 754 answers where Python raises or turns complex.

Overflow is inf, a number outside the domain gives nan, a division by zero is inf or nan; nothing
here raises. The primitives use these functions for the forward pass and the slopes of a `Value`.
"""

import builtins
import math
import sys
from collections.abc import Callable, Iterable
from math import atan, erf, inf, nan, tanh
from numbers import Real
from operator import mul
from typing import Any


def number(x: object, what: str = "Value") -> float:
    """`x` as a float, if it is one real number: int, float, bool, Fraction or a NumPy scalar.

    Raises TypeError for anything else, naming `what` was to take it; OverflowError beyond 1.8e308.
    """
    if type(x) is float:
        return x
    if is_real(x):
        try:
            return float(x)  # type: ignore[arg-type]
        except OverflowError:
            raise OverflowError(
                f"{what} takes a float, at most 1.8e308, and this {type(x).__name__} is larger"
            ) from None
        except TypeError:
            pass  # NumPy counts its timedelta64 among the integers
    shown = repr(x) if isinstance(x, (str, bytes)) else ""
    kind = f"{type(x).__name__} {shown[:40]}".strip()
    raise TypeError(f"{what} takes one real number, got {kind}: {_remedy(x)}")


def is_real(x: object) -> bool:
    """Whether `x` is a real number that a float can stand for (NumPy's bool included)."""
    if isinstance(x, Real):
        return True
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(x, numpy.bool_)


def _remedy(x: object) -> str:
    kind = type(x).__name__
    if any(base.__name__ == "Value" for base in type(x).__mro__):
        return "use the Value as it is, or its number v.data"
    if isinstance(x, (str, bytes, bytearray)):
        return "write float(...) around a text that is a number"
    if isinstance(x, complex) or kind.startswith("complex"):
        return "complex numbers have no place in a real gradient; write z.real or z.imag"
    if kind == "Decimal":
        return "write float(d), which rounds it to 53 bits"
    if kind in ("ndarray", "Tensor"):
        return "write x.item() for an array of one number, or make one Value per element"
    if isinstance(x, (list, tuple, set, dict)):
        return "make one Value per number, as in [Value(x) for x in xs]"
    return "write a number such as 1.0"


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
    "is_real",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "no_flow",
    "number",
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
