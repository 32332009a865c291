"""The exercises of lesson 6, from a neuron to a multilayer perceptron."""

import math
from typing import Any, Final

from tinygrad_edu.checks import is_real
from tinygrad_edu.data import xor
from tinygrad_edu.exercises.exercise import Exercise, number
from tinygrad_edu.nn import MLP, Neuron


def _net_inputs(weights: Any) -> list[float]:
    """z at (2, 0), (0, 1) and (0, 0), of the unit with [w1, w2, b] = `weights`."""
    unit = Neuron(2, "linear", rng=0)
    for p, w in zip(unit.parameters(), weights, strict=True):
        p.data = w
    return [unit(point).data for point in ([2.0, 0.0], [0.0, 1.0], [0.0, 0.0])]


def _is_line(answer: Any) -> bool:
    if not _are_numbers(answer, 3):
        return False
    first, second, origin = _net_inputs(answer)
    return origin > 0 and max(abs(first), abs(second)) < 1e-9 * origin


def _is_xor(answer: Any) -> bool:
    if not _are_numbers(answer, 9):
        return False
    model = MLP(2, [2, 1], "step", output="step", init="zeros")
    for p, w in zip(model.parameters(), answer, strict=True):
        p.data = w
    X, y = xor()
    return [model(row).data for row in X] == list(y)


def _are_numbers(answer: Any, n: int) -> bool:
    listed = isinstance(answer, (list, tuple)) and len(answer) == n
    return listed and all(is_real(w) and math.isfinite(w) for w in answer)


EXERCISES: Final[dict[str, Exercise]] = {
    "6.1": Exercise(
        "The list [w1, w2, b] of a unit is asked for.",
        _is_line,
        "choose b > 0, the value of z at the origin; then each of the two points gives one weight: "
        "there w1 x1 + w2 x2 must cancel b.",
    ),
    "6.2": Exercise(
        "The loss after training from zeros is asked for.",
        # Both hidden units stay 0, and the bias of the output finds the mean of the labels, 1/2.
        number(math.log(2)),
        "train it and print history.loss[-1]; its hidden units are equal and stay equal, so the "
        "net can say the same thing to all four examples and nothing else.",
    ),
    "6.3": Exercise(
        "The list of the nine parameters of MLP(2, [2, 1], 'step', output='step') is asked for.",
        _is_xor,
        "a step unit is 1 where z > 0. Give OR a threshold between no 1 and one 1, AND one between "
        "one 1 and two; the output is OR but not AND.",
    ),
}
