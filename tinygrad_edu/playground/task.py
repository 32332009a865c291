"""Task: what a loss asks of the net and of the targets, for two classes and for more."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.data import one_hot
from tinygrad_edu.playground.settings import Settings
from tinygrad_edu.vectorize.arrays import Array


class Task(NamedTuple):
    """The name of the loss in the package, the output layer, and how targets are written."""

    loss: str
    output: str
    units: int
    code: str

    def targets(self, y: Sequence[int]) -> list[Any]:
        """Targets for this loss from class numbers."""
        if self.loss == "hinge":
            return [2 * c - 1 for c in y]
        if self.output == "sigmoid" and self.units > 1:
            return one_hot(y, range(self.units))
        return list(y)

    def shares(self, outputs: Array) -> Array:
        """The share of each class, (n, k) in [0, 1], from outputs (n, units)."""
        if self.output == "sigmoid":
            p = outputs
        elif self.loss == "hinge":
            p = (0.5 + outputs / 2).clip(0, 1)
        elif self.units == 1:
            p = 0.5 + np.tanh(outputs / 2) / 2
        else:
            e: Any = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
            p = e / e.sum(axis=-1, keepdims=True)
        return np.concatenate([1 - p, p], axis=-1) if self.units == 1 else p


def task(settings: Settings, classes: int) -> Task:
    """The task of so many classes: two have one output unit, more have one each.

    Raises ValueError for hinge where there are more than two.
    """
    units = 1 if classes == 2 else classes
    if settings.loss == "half_squared_error":
        code = "y_train" if units == 1 else f"one_hot(y_train, range({units}))"
        return Task("half_squared_error", "sigmoid", units, code)
    if settings.loss == "cross_entropy":
        name = "cross_entropy" if units > 1 else "binary_cross_entropy_with_logits"
        return Task(name, "linear", units, "y_train")
    if units > 1:
        raise ValueError(
            f"hinge tells two classes apart, {settings.data} has {classes}: "
            "choose cross_entropy or half_squared_error"
        )
    return Task("hinge", "linear", 1, "[2 * c - 1 for c in y_train]")
