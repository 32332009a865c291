"""Heads: what a loss asks of the last layer, and what the outputs then mean for classes."""

from __future__ import annotations  # so that help() shows the names of the types

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tinygrad_edu.losses import LOSSES, RECORDS, Loss, record_of


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

    def classes(self, outputs: Any) -> list[int]:
        """The class number of each output (n, units); the first of the largest in a tie."""
        several = self.units > 1
        if not isinstance(outputs, list) and not (several and (outputs != outputs).any()):
            chosen = outputs.argmax(axis=1) if several else outputs[:, 0] > self.threshold
            numbers: list[int] = chosen.astype(int).tolist()
            return numbers
        if several:  # nan is no largest number
            return [max(range(self.units), key=o.__getitem__) for o in outputs]
        return [int(o[0] > self.threshold) for o in outputs]

    def class_numbers(self, targets: Iterable[Any]) -> list[int]:
        """The class number of each target, which may be a class number or a 1-of-k row."""
        if self.units == 1:
            middle = (1 + self.low) / 2
            return [int((t[0] if isinstance(t, Sequence) else t) > middle) for t in targets]
        return [
            max(range(len(t)), key=t.__getitem__)
            if isinstance(t, Sequence) and len(t) > 1
            else int(t[0] if isinstance(t, Sequence) else t)
            for t in targets
        ]

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


def head_for(loss: str, classes: int, among: Iterable[str] = LOSSES) -> Head:
    """The last layer that the loss of this name asks for, with so many classes.

    Raises ValueError for a loss of two classes where there are more, naming others `among` which
    to choose.
    """
    kind = RECORDS[loss].outputs
    if kind == "logits":
        return Head(kind, classes)
    if classes == 2:
        linear = kind in ("logit", "score")
        return Head(kind, 1, "linear" if linear else "sigmoid", -1 if kind == "score" else 0)
    if kind != "numbers":
        others = [name for name in among if RECORDS[name].outputs in ("logits", "numbers")]
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
    if isinstance(targets[0], Sequence) and len(targets[0]) > 1:
        one_of_k = all(sorted(t) == [0] * (len(t) - 1) + [1] for t in targets)
        return Head(kind, units) if one_of_k else None
    values = {t[0] if isinstance(t, Sequence) else t for t in targets}
    if units > 1:
        return Head(kind, units) if all(t >= 0 and t == int(t) for t in values) else None
    if kind == "score" or -1 in values:
        return Head(kind, 1, low=-1) if values <= {-1, 1} else None
    return Head(kind, 1) if values <= {0, 1} else None


class Right:
    """Counts outputs that have the class of their target; None where targets are no classes."""

    def __init__(self, loss: Loss, targets: Sequence[Any]) -> None:
        self.loss, self.targets = loss, targets
        self.head: Head | None = None
        self.wanted: list[int] = []
        self.asked = False

    def __call__(self, outputs: Any, chosen: Sequence[int]) -> int | None:
        """How many of the outputs for the targets of these numbers are right."""
        if not self.asked:
            self.head, self.asked = head_of(self.loss, self.targets, len(outputs[0])), True
            self.wanted = [] if self.head is None else self.head.class_numbers(self.targets)
        if self.head is None:
            return None
        classes = self.head.classes(outputs)
        if len(classes) == 1:  # outputs that depend on no example stand there once
            classes *= len(chosen)
        return sum(c == self.wanted[i] for c, i in zip(classes, chosen, strict=True))
