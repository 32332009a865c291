"""When an output counts as right: the decision rule that belongs to a loss and its targets."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tinygrad_edu.losses import Loss, binary_cross_entropy_with_logits, hinge, perceptron


def argmax(x: Sequence[float]) -> int:
    """The index of the largest number, the first one in a tie."""
    return max(range(len(x)), key=x.__getitem__)


class Decision(NamedTuple):
    """The rule from an output to a class: above a threshold or not, or (None) the largest."""

    threshold: float | None

    def classes(self, outputs: Any) -> list[int]:
        """The class of each output, for rows of numbers as lists or as an array."""
        if not isinstance(outputs, list):
            if self.threshold is None and (outputs != outputs).any():
                return self.classes(outputs.tolist())  # nan is no largest number
            chosen = outputs.argmax(1) if self.threshold is None else outputs[:, 0] > self.threshold
            found: list[int] = chosen.tolist()
            return found
        if self.threshold is None:
            return [argmax(o) for o in outputs]
        return [int(o[0] > self.threshold) for o in outputs]

    def wanted(self, targets: Sequence[Any]) -> list[int]:
        """The class of each target."""
        if self.threshold is None:
            return [argmax(t) if isinstance(t, Sequence) else int(t) for t in targets]
        return [int((t[0] if isinstance(t, Sequence) else t) > self.threshold) for t in targets]

    def share(self, outputs: Any, targets: Sequence[Any]) -> float:
        """The share of outputs, in [0, 1], that have the class of their target."""
        pairs = zip(self.classes(outputs), self.wanted(targets), strict=True)
        return sum(a == b for a, b in pairs) / len(targets)


def decision(loss: Loss, targets: Sequence[Any], outputs: int) -> Decision | None:
    """The rule that says whether an output is right, or None where targets are no classes.

    Several `outputs`: the largest is the class, for targets that are class numbers or 1-of-k rows.
    One output: above 0 for targets -1 and 1, and for logits; above 1/2 for targets 0 and 1.
    """
    if isinstance(targets[0], Sequence) and len(targets[0]) > 1:
        one_of_k = all(sorted(t) == [0] * (len(t) - 1) + [1] for t in targets)
        return Decision(None) if one_of_k else None
    values = {t[0] if isinstance(t, Sequence) else t for t in targets}
    if outputs > 1:
        return Decision(None) if all(t >= 0 and t == int(t) for t in values) else None
    if loss in (hinge, perceptron) or -1 in values:
        return Decision(0.0) if values <= {-1, 1} else None
    if values <= {0, 1}:
        return Decision(0.0 if loss is binary_cross_entropy_with_logits else 0.5)
    return None
