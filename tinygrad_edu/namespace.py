"""The functions of a namespace `m`, in one table: what each is for floats, in NumPy and in LaTeX.

A record is written over `m`; this module is the namespace of plain numbers, `floats`, for the
forward pass and the slopes of a Value. It gives IEEE 754 answers where Python raises or turns
complex: overflow is inf, a number outside the domain gives nan, a division by zero is inf or nan.
The namespaces of arrays and of expressions, and everything that prints, read the same table.

A new function is two lines: its definition for floats, and its row in `FUNCTIONS`.
"""

import math
import sys
from collections.abc import Callable, Iterable
from math import inf, nan
from math import pow as _pow
from typing import Any, Final, NamedTuple

#: The gradient of a node that no backward pass has reached: -0.0, which added to any number leaves
#: it as it is. It is recognised by identity.
UNREACHED: Final = float("-0.0")


class _NoFlow(float):
    """0 that stays what it is times anything, inf and nan too, and leaves what it is added to.

    So a gradient that is itself `no_flow` says: a pass came by, and nothing flowed here.
    """

    __slots__ = ()

    def __mul__(self, other: object) -> Any:
        return self

    def __add__(self, other: Any) -> Any:
        return other

    def __radd__(self, other: Any) -> Any:
        return self if other is UNREACHED else other

    def __neg__(self) -> Any:
        return self

    __rmul__ = __truediv__ = __mul__


#: The slope along which nothing flows back: the loser of a max, relu below zero, the condition of
#: where. Behind it nothing is visited; a slope that happens to be 0 is, and 0 * inf is nan there.
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
acosh, _atanh = _total(math.acosh), _total(math.atanh)
abs, erf, hypot, tanh = math.fabs, math.erf, math.hypot, math.tanh
asinh, atan, atan2 = math.asinh, math.atan, math.atan2


def _logarithm(f: Callable[[float], float]) -> Callable[[float], float]:
    """`f` with log(0) = -inf and nan below."""
    return lambda x: f(x) if x > 0 else (-inf if x == 0 else nan)


log, log2, log10 = _logarithm(math.log), _logarithm(math.log2), _logarithm(math.log10)


def log1p(x: float) -> float:
    """ln(1 + x), with log1p(-1) = -inf and nan below."""
    return math.log1p(x) if x > -1 else (-inf if x == -1 else nan)


def atanh(x: float) -> float:
    """The inverse of tanh, with atanh(1) = inf and nan beyond."""
    return math.copysign(inf, x) if math.fabs(x) == 1 else _atanh(x)


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


def remainder(x: float, y: float) -> float:
    """x - n y for the whole n that makes it at least 0 and below y (of the sign of y); x % 0 is nan."""
    return x % y if y != 0 else nan


def pow(x: float, y: float) -> float:
    """x ** y as in C: overflow is inf, a negative base with a fractional exponent is nan."""
    try:
        return _pow(x, y)
    except (ValueError, OverflowError):
        if x < 0 and y != math.floor(y):
            return nan
        odd = math.fmod(y, 2) in (-1, 1)  # y % 2 is rounded
        return -inf if odd and math.copysign(1.0, x) < 0 else inf


def maximum(x: float, y: float) -> float:
    """The larger; nan if one of them is."""
    return x if x >= y or x != x else y


def minimum(x: float, y: float) -> float:
    """The smaller; nan if one of them is."""
    return x if x <= y or x != x else y


def sum(x: Iterable[float]) -> float:
    """0 + x1 + ... + xn from left to right; Python's `sum` compensates from 3.12 on."""
    total = 0.0
    for a in x:
        total += a
    return total


def dot(w: Iterable[float], x: Iterable[float], b: float = 0.0) -> float:
    """0 + b + w1 x1 + ... + wn xn from left to right."""
    b += 0.0
    for a, c in zip(w, x):  # noqa: B905  (strict costs a tenth, and the caller knows)
        b += a * c
    return b


def where(condition: object, x: Any, y: Any) -> Any:
    """`x` where the condition holds, else `y`."""
    return x if condition else y


def equal(x: float, y: float) -> bool:
    """Equality as numbers (on Values `==` is identity)."""
    return x == y


class Function(NamedTuple):
    """A function of `m`: its name here, as text of NumPy and as a template of LaTeX.

    `numpy` names a function of NumPy, or one of `vectorize.helpers` where NumPy has none. In the
    template {0}, {1}, ... are the operands.
    """

    name: str
    numpy: str
    latex: str


# fmt: off
#: Every function of a namespace but `sum` and `dot`, which take rows of operands.
FUNCTIONS: Final = {function.name: function for function in (
    Function("abs",       "np.fabs",        r"\left|{0}\right|"),
    Function("acos",      "np.arccos",      r"\arccos\left({0}\right)"),
    Function("acosh",     "np.arccosh",     r"\operatorname{{arcosh}}\left({0}\right)"),
    Function("asin",      "np.arcsin",      r"\arcsin\left({0}\right)"),
    Function("asinh",     "np.arcsinh",     r"\operatorname{{arsinh}}\left({0}\right)"),
    Function("atan",      "np.arctan",      r"\arctan\left({0}\right)"),
    Function("atan2",     "np.arctan2",     r"\operatorname{{atan2}}\left({0}, {1}\right)"),
    Function("atanh",     "np.arctanh",     r"\operatorname{{artanh}}\left({0}\right)"),
    Function("cos",       "np.cos",         r"\cos\left({0}\right)"),
    Function("cosh",      "np.cosh",        r"\cosh\left({0}\right)"),
    Function("divide",    "np.divide",      r"\frac{{{0}}}{{{1}}}"),
    Function("equal",     "np.equal",       r"{0} = {1}"),
    Function("erf",       "erf",            r"\operatorname{{erf}}\left({0}\right)"),
    Function("exp",       "np.exp",         r"e^{{{0}}}"),
    Function("expm1",     "np.expm1",       r"\left(e^{{{0}}} - 1\right)"),
    Function("hypot",     "np.hypot",       r"\sqrt{{{0}^2 + {1}^2}}"),
    Function("log",       "np.log",         r"\ln\left({0}\right)"),
    Function("log10",     "np.log10",       r"\log_{{10}}\left({0}\right)"),
    Function("log1p",     "np.log1p",       r"\ln\left(1 + {0}\right)"),
    Function("log2",      "np.log2",        r"\log_2\left({0}\right)"),
    Function("maximum",   "np.maximum",     r"\max\left({0}, {1}\right)"),
    Function("minimum",   "np.minimum",     r"\min\left({0}, {1}\right)"),
    Function("pow",       "np.float_power", r"{0}^{{{1}}}"),
    Function("remainder", "np.remainder",   r"{0} \bmod {1}"),
    Function("sigmoid",   "sigmoid",        r"\sigma\left({0}\right)"),
    Function("sin",       "np.sin",         r"\sin\left({0}\right)"),
    Function("sinh",      "np.sinh",        r"\sinh\left({0}\right)"),
    Function("softplus",  "softplus",       r"\operatorname{{softplus}}\left({0}\right)"),
    Function("sqrt",      "np.sqrt",        r"\sqrt{{{0}}}"),
    Function("tan",       "np.tan",         r"\tan\left({0}\right)"),
    Function("tanh",      "np.tanh",        r"\tanh\left({0}\right)"),
    Function("where",     "np.where",       r"\begin{{cases}} {1} & {0} \\ {2} & \text{{otherwise}} \end{{cases}}"),
)}
# fmt: on

#: The namespace `m` of floats: this module. Python finds the attributes of modules fastest.
floats: Final[Any] = sys.modules[__name__]
__all__ = sorted([*FUNCTIONS, "dot", "sum"])
