"""The namespace `m` of NumPy arrays: the functions of `floats`, elementwise and without warnings.

Where `floats` takes a tuple of numbers (`sum`, `dot`), this takes a tuple of arrays.
Operators between arrays follow the caller's `numpy.errstate`.
"""

import math
from collections.abc import Callable, Iterable
from functools import reduce, wraps
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def _quiet(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` with inf and nan as answers in place of RuntimeWarnings."""

    @wraps(f)
    def quiet(*x: Any) -> Any:
        with np.errstate(all="ignore"):
            return f(*x)

    return quiet


abs, hypot, sqrt = _quiet(np.fabs), _quiet(np.hypot), _quiet(np.sqrt)  # noqa: A001
exp, expm1, log, log1p = _quiet(np.exp), _quiet(np.expm1), _quiet(np.log), _quiet(np.log1p)
sin, cos, tan = _quiet(np.sin), _quiet(np.cos), _quiet(np.tan)
asin, acos, atan = _quiet(np.arcsin), _quiet(np.arccos), _quiet(np.arctan)
sinh, cosh, tanh = _quiet(np.sinh), _quiet(np.cosh), _quiet(np.tanh)
atan2, divide = _quiet(np.arctan2), _quiet(np.divide)
pow = _quiet(np.float_power)  # noqa: A001  (np.power takes a square root for 0.5: nan of -inf)
erf = np.vectorize(math.erf, otypes=[float])
equal, where = np.equal, np.where


@_quiet
def sigmoid(x: ArrayLike) -> Array:
    """1 / (1 + exp(-x)), without overflow: the exponential is only taken of -|x|."""
    e = np.exp(-np.fabs(x))
    return np.where(np.less(x, 0), e, 1.0) / (1.0 + e)


@_quiet
def softplus(x: ArrayLike) -> Array:
    """ln(1 + exp(x)), without overflow: the exponential is only taken of -|x|."""
    return maximum(x, 0.0) + np.log1p(np.exp(-np.fabs(x)))


def maximum(x: ArrayLike, y: ArrayLike) -> Array:
    """The larger, `x` if they tie (the sign of a zero is kept); nan if one of them is."""
    return np.where(np.greater_equal(x, y) | np.isnan(x), x, y)


def minimum(x: ArrayLike, y: ArrayLike) -> Array:
    """The smaller, `x` if they tie; nan if one of them is."""
    return np.where(np.less_equal(x, y) | np.isnan(x), x, y)


@_quiet
def sum(x: Iterable[ArrayLike]) -> Array:  # noqa: A001
    """x1 + ... + xn, added from left to right."""
    return reduce(np.add, x, np.zeros(()))


@_quiet
def dot(w: Iterable[ArrayLike], x: Iterable[ArrayLike], b: ArrayLike = 0.0) -> Array:
    """w1 x1 + ... + wn xn + b."""
    return reduce(np.add, map(np.multiply, w, x), np.asarray(b))


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
