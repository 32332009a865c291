"""The exercises of lesson 8, losses and outputs."""

import math
from typing import Any, Final

from tinygrad_edu.engine import Value, grad
from tinygrad_edu.exercises.exercise import Exercise, number
from tinygrad_edu.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_squared_error,
)


def _mean_cross_entropy() -> float:
    losses = [cross_entropy([math.log(p), math.log(1 - p)], 0).data for p in (0.5, 0.25, 0.5)]
    return sum(losses) / len(losses)


def _steepest_output() -> float:
    """The output of the sigmoid unit, target 1, where half the square has its largest slope."""

    def slope(o: float) -> float:
        z = Value(math.log(o / (1 - o)))
        return abs(grad(half_squared_error(z.sigmoid(), 1.0), z).data)

    return max((k / 1000 for k in range(1, 1000)), key=slope)


def _is_stable(answer: Any) -> bool:
    points = [(z, y) for z in (-1000.0, -2.0, 0.0, 0.5, 40.0, 1000.0) for y in (0.0, 1.0)]
    return callable(answer) and all(
        number(binary_cross_entropy_with_logits(z, y).data, 1e-9)(answer(z, y)) for z, y in points
    )


EXERCISES: Final[dict[str, Exercise]] = {
    "8.1": Exercise(
        "The mean cross entropy of the three examples is asked for.",
        number(_mean_cross_entropy),
        "each example costs the negative natural logarithm of what its right class got; take the "
        "mean of the three costs.",
    ),
    "8.2": Exercise(
        "The output o with the largest |dE/dz| is asked for.",
        number(_steepest_output, 1e-2),
        "dE/dz = (o - 1) o (1 - o) for y = 1: evaluate it for many o between 0 and 1, or set its "
        "derivative by o to 0.",
    ),
    "8.3": Exercise(
        "A function loss(z, y) that gives a float for the net input z and the target y is asked "
        "for.",
        _is_stable,
        "-ln s(z) = ln(1 + e^-z) and -ln(1 - s(z)) = ln(1 + e^z). Where the exponent is large and "
        "positive, ln(1 + e^z) = z + ln(1 + e^-z) has a harmless one; math.log1p helps.",
    ),
}
