"""Heads: what a loss asks of the last layer, and what the outputs then mean for classes."""

from __future__ import annotations  # so that help() shows the names of the types

from collections.abc import Sequence
from operator import eq, mul
from typing import Any, NamedTuple

from tinygrad_edu.losses import LOSSES, RECORDS, Loss, record_of
from tinygrad_edu.train.training import numpy_or_none


class Head(NamedTuple):
    """How outputs and classes go together.

    outputs     what the loss takes, as in `LossRecord`: "numbers", "probability", "logit", ...
    units       how many outputs: one tells two classes apart, several have one class each
    activation  of the last layer: "linear", "sigmoid", "softmax" or another
    low         the target for the first of two classes, 0 or -1
    """

    outputs: str
    units: int
    activation: str = "linear"
    low: int = 0

    @property
    def threshold(self) -> float:
        """A single output above it is the second class."""
        return 0.0 if self.outputs == "logit" or self.low < 0 else 0.5

    def targets(self, y: Sequence[int]) -> list[Any]:
        """Class numbers as the loss takes them: 0 and 1, -1 and 1, class numbers or 1-of-k rows."""
        if self.units == 1:
            return [int(c) or self.low for c in y]
        if self.outputs == "logits":
            return [int(c) for c in y]
        return [[float(c == k) for k in range(self.units)] for c in y]

    def classes(self, outputs: Any) -> Any:
        """The class numbers (...) of outputs (..., units); the first of the largest in a tie."""
        np = numpy_or_none()
        if np is None:  # of n outputs
            return [o.index(max(o)) if self.units > 1 else o[0] > self.threshold for o in outputs]
        outputs = np.asarray(outputs, dtype=float)
        if self.units == 1:
            return (outputs[..., 0] > self.threshold).astype(int)
        if not np.isnan(outputs.max(initial=0.0)):
            return outputs.argmax(axis=-1)
        none = np.isnan(outputs)  # is no largest number, unless it is the first
        return np.where(none, -np.inf, outputs).argmax(axis=-1) * ~none[..., 0]

    def class_numbers(self, targets: Sequence[Any]) -> Any:
        """The class numbers (n,) of targets, which are class numbers or 1-of-k rows."""
        np, middle = numpy_or_none(), (1 + self.low) / 2
        if np is None:
            rows = _alone(targets)
            if isinstance(rows[0], list):
                return [t.index(1) for t in rows]
            return [t > middle for t in rows] if self.units == 1 else rows
        t = np.asarray(targets)
        if t.ndim > 1 and t.shape[1] > 1:
            return t.argmax(axis=1)
        return (t.ravel() > middle if self.units == 1 else t.ravel()).astype(int)

    def probabilities(self, outputs: Any) -> Any:
        """For outputs (..., units) as an array the share of each class, (..., k), with the sum 1.

        A score s, and what was trained with the targets -1 and 1, gives (1 - s)/2 and (1 + s)/2,
        held within [0, 1]. The class of an output has the largest share.
        """
        import numpy as np

        from tinygrad_edu.vectorize.arrays import sigmoid

        if self.outputs == "logits":
            e: Any = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
            return e / e.sum(axis=-1, keepdims=True)
        if self.units == 1 and self.outputs == "logit":
            return np.concatenate([sigmoid(-outputs), sigmoid(outputs)], axis=-1)
        if self.units == 1:
            p = ((outputs - self.low) / (1 - self.low)).clip(0, 1)
            return np.concatenate([1 - p, p], axis=-1)
        shares = outputs.clip(0, 1)
        if self.activation == "softmax":
            return shares
        total = shares.sum(axis=-1, keepdims=True)
        return np.where(total > 0, shares / np.where(total > 0, total, 1), 1 / self.units)


def head_for(loss: str, classes: int) -> Head:
    """The last layer that the loss of this name asks for, with so many classes.

    Raises ValueError for a loss of two classes where there are more, naming others.
    """
    kind = RECORDS[loss].outputs
    if kind == "logits":
        return Head(kind, classes)
    if classes == 2:
        linear = kind in ("logit", "score")
        return Head(kind, 1, "linear" if linear else "sigmoid", -1 if kind == "score" else 0)
    if kind != "numbers":
        others = [name for name in LOSSES if RECORDS[name].outputs in ("logits", "numbers")]
        raise ValueError(
            f"the loss {loss} is for 2 classes and this data has {classes}: "
            f"choose {', '.join(others)}"
        )
    return Head(kind, classes, "softmax")


def head_of(loss: Loss, targets: Sequence[Any], units: int) -> Head | None:
    """The head that explains these targets, or None where they are no classes.

    Several outputs: the largest is the class, for targets that are class numbers or 1-of-k rows.
    One output: above 0 for targets -1 and 1, and for logits; above 1/2 for targets 0 and 1.
    """
    record = record_of(loss)
    kind = "numbers" if record is None else record.outputs
    rows = _alone(targets)
    if isinstance(rows[0], list):
        one_of_k = all(t.count(0) == len(t) - 1 and 1 in t for t in set(map(tuple, rows)))
        return Head(kind, units) if one_of_k else None
    numbers = set(rows)
    if units > 1:
        return Head(kind, units) if all(t >= 0 and t % 1 == 0 for t in numbers) else None
    low = -1 if kind == "score" or -1 in numbers else 0
    return Head(kind, 1, low=low) if numbers <= {low, 1} else None


def _alone(targets: Sequence[Any]) -> list[Any]:
    """Targets without the list about a single number."""
    rows = list(targets)
    return [t for [t] in rows] if isinstance(rows[0], list) and len(rows[0]) == 1 else rows


class Right:
    """Counts outputs that have the class of their target, by weight; None where there are none."""

    def __init__(self, loss: Loss, targets: Sequence[Any], weights: Any = None) -> None:
        self.loss, self.targets, self.weights = loss, targets, weights
        self.asked = False

    def known(self, units: int) -> bool:
        """Whether targets are classes, which it finds out, for so many outputs of an example."""
        if not self.asked:
            self.head, self.asked = head_of(self.loss, self.targets, units), True
            self.wanted: Any = self.head and self.head.class_numbers(self.targets)
        return self.head is not None

    def share(self, outputs: Any, order: Any = slice(None)) -> Any:
        """The share (...) of right ones of the outputs (..., n, units), of targets in an order."""
        if not self.known(len(outputs[0])) or self.head is None:
            return None
        if isinstance(self.wanted, list):  # without NumPy, of n outputs
            places = range(len(self.wanted))[order] if isinstance(order, slice) else order
            weights = [1.0 if self.weights is None else self.weights[i] for i in places]
            correct = map(eq, self.head.classes(outputs), map(self.wanted.__getitem__, places))
            return sum(map(mul, weights, correct)) / sum(weights)
        right = self.head.classes(outputs) == self.wanted[order]
        if self.weights is None:
            return right.sum(axis=-1) / len(self.targets)
        weights = self.weights[order]  # summed in the same order, so that all of them give 1
        return (right * weights).sum(axis=-1) / weights.sum(axis=-1)
