"""The exercises of lesson 2, derivatives by nudging."""

import math
from typing import Any, Final

from tinygrad_edu.engine import Value, grad
from tinygrad_edu.exercises.exercise import Exercise, number, numbers

_STEPS: Final = (1e-1, 1e-3, 1e-5, 1e-8, 1e-12)


def _partial_derivatives() -> list[float]:
    x, y = Value(3.0), Value(-2.0)
    return [v.data for v in grad(x * x * y + y, [x, y])]


def _best_step() -> float:
    def error(h: float) -> float:
        return abs((math.exp(1.0 + h) - math.exp(1.0 - h)) / (2 * h) - math.e)

    return min(_STEPS, key=error)


def _is_second_difference(answer: Any) -> bool:
    if not callable(answer):
        return False
    of_sine, of_parabola = answer(math.sin, 0.7, 1e-3), answer(lambda x: 3 * x * x + x, 2.0, 0.5)
    return number(-math.sin(0.7), 1e-4)(of_sine) and number(6.0)(of_parabola)


EXERCISES: Final[dict[str, Exercise]] = {
    "2.1": Exercise(
        "The list [df/dx, df/dy] of f = x^2 y + y at x = 3, y = -2 is asked for.",
        numbers(_partial_derivatives),
        "hold y for df/dx: the term x^2 y is a constant times x^2; hold x for df/dy, and mind that "
        "f has two terms with y.",
    ),
    "2.2": Exercise(
        "One of the five steps h is asked for.",
        lambda answer: isinstance(answer, float) and answer == _best_step(),
        "print abs(central_difference(math.exp, 1.0, h) - math.e) for each h: the error falls "
        "with h at first, and rises where rounding takes over.",
    ),
    "2.3": Exercise(
        "A function second_difference(f, x, h) is asked for.",
        _is_second_difference,
        "f'' is the derivative of f': take the slope from x to x + h, the slope from x - h to x, "
        "and divide their difference by the distance of the two.",
    ),
}
