"""Divergence: numbers that are no longer finite end a descent."""

import math
from collections.abc import Iterable

from tinygrad_edu.optim import Optimizer


class DivergenceError(ArithmeticError):
    """The loss, a gradient or a parameter became inf or nan."""


def check_finite(what: str, numbers: Iterable[float], optimizer: Optimizer, epoch: int) -> None:
    """Raise DivergenceError, naming `what`, for the first number that is inf or nan."""
    bad = next((x for x in numbers if not math.isfinite(x)), None)
    if bad is not None:
        raise DivergenceError(
            f"diverged in epoch {epoch}: {what} is {float(bad)!r} at lr={optimizer.lr:g}; "
            "try a smaller learning rate"
        )
