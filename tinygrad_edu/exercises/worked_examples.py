"""The exercises of lesson 18, classics."""

import math
from functools import cache
from itertools import product
from typing import Any, Final

from tinygrad_edu.checks import is_real
from tinygrad_edu.engine import Value, grad
from tinygrad_edu.exercises.exercise import Exercise, number, numbers
from tinygrad_edu.functions import dot
from tinygrad_edu.losses import binary_cross_entropy


def _circuit() -> list[float]:
    x, y, z = Value(1.0), Value(-3.0), Value(2.0)
    return [v.data for v in grad((x + y) * z, [x, y, z])]


@cache
def _output_with_cross_entropy() -> float:
    w, b = Value(2.0), Value(2.0)
    for _ in range(300):
        slopes = grad(binary_cross_entropy((w * 1.0 + b).sigmoid(), 0.0), [w, b])
        w.data, b.data = w.data - 0.15 * slopes[0].data, b.data - 0.15 * slopes[1].data
    return (w * 1.0 + b).sigmoid().data


def _is_symmetry_unit(answer: Any) -> bool:
    if not isinstance(answer, (list, tuple)) or len(answer) != 6:
        return False
    if not all(is_real(w) and math.isfinite(w) for w in answer):
        return False
    largest = max(abs(w) for w in answer)
    return largest > 0 and all(
        (abs(dot([float(w) for w in answer], bits)) <= 1e-9 * largest) == (bits == bits[::-1])
        for bits in product((0.0, 1.0), repeat=6)
    )


EXERCISES: Final[dict[str, Exercise]] = {
    "18.1": Exercise(
        "The list [df/dx, df/dy, df/dz] of f = (x + y) z at (1, -3, 2) is asked for.",
        numbers(_circuit),
        "multiply swaps its inputs: the sum gets z as its gradient and passes it on to x and y; z "
        "gets the sum.",
    ),
    "18.2": Exercise(
        "The output after 300 steps with the binary cross entropy is asked for.",
        number(_output_with_cross_entropy, 1e-2),
        'return unit instead of fit(...), then print learning(2.0, 2.0, "binary_cross_entropy")'
        "([1.0]).data.",
    ),
    "18.3": Exercise(
        "A list of six weights is asked for.",
        _is_symmetry_unit,
        "weights at the same distance from the middle must cancel; on one side no two different "
        "sets of the three weights may have the same sum, with either sign.",
    ),
}
