"""Functions of arrays: those that NumPy lacks, and the namespace `m` of arrays.

The first stand here as a printed program quotes them; an array has a row per example, and where
numbers are picked, `t` has the column numbers. The namespace has the functions of `floats`,
elementwise and without warnings; where `floats` takes a tuple of numbers (`sum`, `dot`), it takes a
tuple of arrays. Operators between arrays follow the caller's `numpy.errstate`.
"""
# mypy: disable-error-code="no-untyped-def"

import math
from collections.abc import Callable, Iterable, Sequence
from functools import reduce, wraps
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_edu.checks import number
from tinygrad_edu.namespace import FUNCTIONS

Array = NDArray[np.float64]


def sigmoid(x):
    e = np.exp(-np.fabs(x))  # at most 1, so that nothing overflows
    return np.where(x < 0, e, 1) / (1 + e)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.fabs(x)))


def erf(x):
    return np.vectorize(math.erf, otypes=[float])(x)


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def log_softmax(x):
    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def logsumexp(x):
    top = x.max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    return top + np.log(np.exp(x - top).sum(axis=1, keepdims=True))


def pick(x, t):  # x_t of each row
    return np.take_along_axis(x, t.astype(int), axis=1)


def pick_if_any(x, t):  # x_t of each row, nan where there is none
    chosen = t == np.arange(x.shape[1])
    picked = np.where(chosen, x, 0).sum(axis=1, keepdims=True)
    return np.where(chosen.any(axis=1, keepdims=True), picked, np.nan)


def onehot(t, n):  # 1 in column t of each row
    return (t == np.arange(n)).astype(float)


def sums_of_others(x):  # for each column the sum of the others, also where some are infinite
    total = x.sum(axis=1, keepdims=True)
    if np.isfinite(total).all():
        return total - x
    return np.stack([np.delete(x, j, axis=1).sum(axis=1) for j in range(x.shape[1])], axis=1)


def products_of_others(x):  # for each column the product of the others, without dividing
    ones = np.ones((len(x), 1))
    before = np.cumprod(np.hstack([ones, x[:, :-1]]), axis=1)
    after = np.cumprod(np.hstack([ones, x[:, :0:-1]]), axis=1)
    return before * after[:, ::-1]


def scatter(rows, n, *pieces):  # pieces added up at their columns
    out = np.zeros((n, rows))
    for piece, columns in pieces:
        np.add.at(out, columns, np.broadcast_to(piece, (rows, len(columns))).T)
    return out.T


def batched_product(x, w, rows, units, size, blocks=1):  # x w^T for each block of each example
    z = x.reshape(-1, rows, size) @ w.reshape(-1, units, size).transpose(0, 2, 1)
    return z.reshape(-1, blocks * rows * units)


def batched_back_x(d, w, rows, units, size, blocks=1):
    x = d.reshape(-1, rows, units) @ w.reshape(-1, units, size)
    return x.reshape(-1, blocks * rows * size)


def batched_back_w(d, x, rows, units, size, blocks=1):
    w = d.reshape(-1, rows, units).transpose(0, 2, 1) @ x.reshape(-1, rows, size)
    return w.reshape(-1, blocks * units * size)


def shaped(a, *shape):  # as many rows of as many numbers, which may stand flat
    a = np.asarray(a, dtype=float)
    if a.shape[:1] != shape[:1] or a.size != np.prod(shape):
        raise ValueError(f"expected an array of shape {shape}, got {a.shape}")
    return a.reshape(shape)


#: By their names.
HELPERS: Final[dict[str, Callable[..., Any]]] = {
    f.__name__: f
    for f in (
        *(sigmoid, softplus, erf, softmax, log_softmax, logsumexp),
        *(pick, pick_if_any, onehot, sums_of_others, products_of_others, scatter),
        *(batched_product, batched_back_x, batched_back_w, shaped),
    )
}


TOLERANCE: Final = 1e-8
ROUNDING: Final = 1e-12


def largest(x: Array) -> float:
    """The largest size of the finite numbers."""
    return float(np.abs(x[np.isfinite(x)]).max(initial=0.0))


def agree(x: ArrayLike, y: Array, scale: float) -> bool:
    """Whether numbers are those that others found; inf and nan must stand at the same places.

    They agree to TOLERANCE relative to the largest, or to ROUNDING relative to `scale`, the largest
    number that they are computed from, which remains where they cancel.
    """
    tolerance = TOLERANCE * largest(y) + ROUNDING * scale
    return bool(np.isclose(x, y, TOLERANCE, tolerance, equal_nan=True).all())


def as_array(x: ArrayLike, name: str) -> Array:
    """A user's array of numbers, itself where it has floats. Raises TypeError for anything else."""
    try:
        array = np.asarray(x)
        if array.dtype.kind == "O":
            numbers = [number(v, name) for v in array.reshape(-1).tolist()]
            array = np.array(numbers).reshape(array.shape)
    except (TypeError, ValueError):  # not numbers, or ragged rows
        array = np.asarray("")
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be an array of numbers, got {type(x).__name__}")
    return np.asarray(array, dtype=float)


def in_shapes(
    arrays: Sequence[ArrayLike], names: Sequence[str], shapes: Sequence[tuple[int, ...]]
) -> tuple[dict[str, Array], bool]:
    """A user's arrays by name, each (B, n), for examples of these shapes; whether it is just one.

    Raises TypeError unless there is one array for each, ValueError for another shape.
    """
    if len(arrays) != len(shapes):
        raise TypeError(f"the program takes {len(shapes)} arrays, got {len(arrays)}")
    arranged, single, B = dict[str, Array](), False, None
    for name, array, shape in zip(names, arrays, shapes, strict=True):
        a = as_array(array, name)
        single = a.shape == shape
        if single:
            a = a[None]
        if a.shape == (*a.shape[:1], 1) and not shape:
            a = a[:, 0]
        if a.shape[1:] != shape:
            expected = ", ".join(["B", *map(str, shape)])
            raise ValueError(
                f"{name} must have the shape ({expected}{',' * (not shape)}), got "
                f"{np.shape(array)}: the example was "
                f"{'a number' if not shape else f'of shape {shape}'}"
            )
        if B is not None and len(a) != B:
            raise ValueError(f"{name} has {len(a)} examples, {names[0]} has {B}")
        B = len(a)
        arranged[name] = a.reshape(B, int(np.prod(shape)))
    if not B:
        raise ValueError("the arrays hold no examples")
    return arranged, single


def of_arrays(name: str) -> Callable[..., Any]:
    """The function of NumPy, or the helper, that the table of functions names."""
    home, _, name = FUNCTIONS[name].numpy.rpartition(".")
    function: Callable[..., Any] = getattr(np, name) if home else HELPERS[name]
    return function


def _quiet(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` with inf and nan as answers in place of RuntimeWarnings."""

    @wraps(f)
    def quiet(*x: Any) -> Any:
        with np.errstate(all="ignore"):
            return f(*x)

    return quiet


globals().update({name: _quiet(of_arrays(name)) for name in FUNCTIONS})


# In place of NumPy's, which keep the sign of a zero on some machines only.
def maximum(x: ArrayLike, y: ArrayLike) -> Array:
    """The larger, `x` if they tie (the sign of a zero is kept); nan if one of them is."""
    return np.where(np.greater_equal(x, y) | np.isnan(x), x, y)


def minimum(x: ArrayLike, y: ArrayLike) -> Array:
    """The smaller, `x` if they tie; nan if one of them is."""
    return np.where(np.less_equal(x, y) | np.isnan(x), x, y)


@_quiet
def sum(x: Iterable[ArrayLike]) -> Array:  # noqa: A001
    """0 + x1 + ... + xn, added from left to right."""
    return reduce(np.add, x, np.zeros(()))


@_quiet
def dot(w: Iterable[ArrayLike], x: Iterable[ArrayLike], b: ArrayLike = 0.0) -> Array:
    """0 + b + w1 x1 + ... + wn xn, added from left to right."""
    return reduce(np.add, map(np.multiply, w, x), np.asarray(b) + 0.0)


__all__ = sorted([*FUNCTIONS, "dot", "sum"])
