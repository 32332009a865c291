"""Functions of arrays that NumPy lacks: with a row per example, each gives a new array."""

import numpy as np

from tinygrad_edu.vectorize.arrays import Array


def batched_product(x: Array, w: Array, rows: int, units: int, size: int) -> Array:
    """x w^T for each example, side by side."""
    return x.reshape(-1, rows, size) @ w.reshape(-1, units, size).transpose(0, 2, 1)


def batched_back_x(d: Array, w: Array, rows: int, units: int, size: int) -> Array:
    """d w for each example."""
    return d.reshape(-1, rows, units) @ w.reshape(-1, units, size)


def batched_back_w(d: Array, x: Array, rows: int, units: int, size: int) -> Array:
    """d^T x for each example."""
    return d.reshape(-1, rows, units).transpose(0, 2, 1) @ x.reshape(-1, rows, size)


def pick_if_any(x: Array, t: Array) -> Array:
    """x_t of each row, nan where t is none of its columns."""
    chosen = t == np.arange(float(x.shape[1]))
    found: Array = np.where(chosen, x, 0.0).sum(axis=1)
    return np.where(chosen.any(axis=1), found, np.nan)


def sums_of_others(x: Array) -> Array:
    """For each column the sum of the others, also where some are infinite."""
    total = x.sum(axis=1, keepdims=True)
    if np.isfinite(total).all():
        rest: Array = total - x
        return rest
    return np.stack([np.delete(x, j, axis=1).sum(axis=1) for j in range(x.shape[1])], axis=1)


def products_of_others(x: Array) -> Array:
    """For each column the product of the others, without dividing."""
    ones = np.ones((len(x), 1))
    before: Array = np.cumprod(np.hstack([ones, x[:, :-1]]), axis=1, dtype=float)
    after: Array = np.cumprod(np.hstack([ones, x[:, :0:-1]]), axis=1, dtype=float)
    return np.multiply(before, after[:, ::-1])
