"""The exercises of lesson 7, the delta rules emerge."""

import math
from typing import Any, Final

from tinygrad_edu.engine import Value, grad
from tinygrad_edu.exercises.exercise import Exercise, numbers
from tinygrad_edu.functions import dot
from tinygrad_edu.nn import MLP


def _hidden_unit() -> list[float]:
    """A weight w from x = 2 into a tanh unit that gives 0.5; the deltas are slopes of a sum."""
    w, z = Value(0.0), Value(math.atanh(0.5))
    a = (z + 2 * w).tanh()
    loss = 0.3 * (2 * a) + 0.4 * (-1 * a)
    return [v.data for v in grad(loss, [z, w])]


def _chain_with_a_zero() -> list[float]:
    w = [Value(0.5), Value(0.0), Value(2.0)]
    return [v.data for v in grad((w[2] * w[1] * w[0] * 3.0 - 1.0) ** 2, w)]


def _is_hidden_deltas(answer: Any) -> bool:
    return callable(answer) and all(_agrees(answer, sizes) for sizes in ([3, 2], [1, 4], [4, 1]))


def _agrees(answer: Any, sizes: list[int]) -> bool:
    hidden, output = MLP(2, sizes, "sigmoid", rng=7).layers
    z = [unit.net_input([0.5, -1.0]) for unit in hidden.neurons]
    a = [v.sigmoid() for v in z]
    delta = [0.7 - k for k in range(len(output.neurons))]
    out = dot(delta, [unit.net_input(a) for unit in output.neurons])
    weights = [[w.data for w in unit.w] for unit in output.neurons]
    found = answer([v.data for v in a], weights, list(delta))
    return numbers([v.data for v in grad(out, z)], 1e-9)(found)


EXERCISES: Final[dict[str, Exercise]] = {
    "7.1": Exercise(
        "The list [delta_j, dL/dw] of the hidden tanh unit is asked for.",
        numbers(_hidden_unit),
        "the slope of tanh is 1 - a^2; the sum runs over the two units that j leads to; the weight "
        "multiplies its input x.",
    ),
    "7.2": Exercise(
        "The list [dl/dw1, dl/dw2, dl/dw3] of the chain with the middle weight 0 is asked for.",
        numbers(_chain_with_a_zero),
        "call linear_claims with the changed weights. In the formula the gradient of a weight is a "
        "product of all the others.",
    ),
    "7.3": Exercise(
        "A function hidden_deltas(a, W, delta) that gives a list of numbers is asked for.",
        _is_hidden_deltas,
        "for each j: the slope of the sigmoid is a[j] * (1 - a[j]); the sum over k takes delta[k] "
        "times W[k][j], that is, a column of W.",
    ),
}
