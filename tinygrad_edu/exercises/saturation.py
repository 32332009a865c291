"""The exercises of lesson 11, saturation and dead units."""

from typing import Any, Final

from tinygrad_edu.engine import Value, grad
from tinygrad_edu.exercises.exercise import Exercise, number
from tinygrad_edu.functions import sigmoid
from tinygrad_edu.losses import binary_cross_entropy_with_logits, half_squared_error

_Z: Final = 6.0
_ALPHA: Final = 0.1


def _factor_through_three_layers() -> float:
    """By how much delta shrinks on its way down: g' = 1/4 and the weight 2, three times."""
    below = z = Value(0.0)
    for _ in range(3):
        z = 2 * (sigmoid(z) - 0.5)
    return grad(z, below).data


def _ratio_of_deltas() -> float:
    z = Value(_Z)
    entropy = grad(binary_cross_entropy_with_logits(z, 0), z).data
    return entropy / grad(half_squared_error(sigmoid(z), 0), z).data


def _is_generalised_relu(answer: Any) -> bool:
    return callable(answer) and all(_right_at(answer, x) for x in (-50.0, -3.0, -0.5, 0.5, 4.0))


def _right_at(answer: Any, x: float) -> bool:
    z = Value(x)
    a = answer(z)
    if not isinstance(a, Value):
        return False
    slope = 1.0 if x > 0 else _ALPHA
    return number(slope * x, 1e-9)(a) and number(slope, 1e-9)(grad(a, z))


EXERCISES: Final[dict[str, Exercise]] = {
    "11.1": Exercise(
        "The factor by which delta is multiplied on its way through three layers is asked for.",
        number(_factor_through_three_layers, 1e-4),
        "each layer multiplies delta by g'(z) and by the weight: what is a (1 - a) where z = 0? "
        "Then three layers.",
    ),
    "11.2": Exercise(
        "How many times the one delta is larger than the other, at z = 6, is asked for.",
        number(_ratio_of_deltas, 1e-2),
        "with target 0 the one delta is a, the other a times the slope of the sigmoid: their ratio "
        "is 1 over that slope.",
    ),
    "11.3": Exercise(
        "A function g(z) of a Value, max(z, 0) + 0.1 min(z, 0), is asked for.",
        _is_generalised_relu,
        "functions.maximum and functions.minimum take two arguments, one of which may be a number; "
        "the answer must give a Value, so that there is something to differentiate.",
    ),
}
