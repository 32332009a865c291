"""When an output counts as right: the decision rule that belongs to a loss and its targets."""

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_edu.losses import Loss, binary_cross_entropy_with_logits, hinge, perceptron

#: Numbers of one output.
Output = Sequence[float]
Decision = Callable[[Output, Any], bool]


def argmax(x: Sequence[float]) -> int:
    """The index of the largest number, the first one in a tie."""
    return max(range(len(x)), key=x.__getitem__)


def decision(loss: Loss, targets: Sequence[Any], outputs: int) -> Decision | None:
    """The rule that says whether an output is right, or None where targets are no classes.

    Several `outputs`: the largest is the class, for targets that are class numbers or 1-of-k rows.
    One output: above 0 for targets -1 and 1, and for logits; above 1/2 for targets 0 and 1.
    """
    if isinstance(targets[0], Sequence) and len(targets[0]) > 1:
        one_of_k = all(sorted(t) == [0] * (len(t) - 1) + [1] for t in targets)
        return _largest_of_row if one_of_k else None
    values = {t[0] if isinstance(t, Sequence) else t for t in targets}
    if outputs > 1:
        return _largest if all(t >= 0 and t == int(t) for t in values) else None
    if loss in (hinge, perceptron) or -1 in values:
        return _above(0.0) if values <= {-1, 1} else None
    if values <= {0, 1}:
        return _above(0.0 if loss is binary_cross_entropy_with_logits else 0.5)
    return None


def _largest(output: Output, target: float) -> bool:
    return argmax(output) == target


def _largest_of_row(output: Output, target: Sequence[float]) -> bool:
    return argmax(output) == argmax(target)


def _above(threshold: float) -> Decision:
    def right(output: Output, target: Any) -> bool:
        t = target[0] if isinstance(target, Sequence) else target
        return bool((output[0] > threshold) == (t > threshold))

    return right
