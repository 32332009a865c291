"""The exercises of lessons 8 to 11: outputs and losses, descent, symmetry, saturation."""

import math
import random
import statistics
from collections.abc import Callable
from typing import Any, Final

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value, grad, parameter
from tinygrad_edu.exercises.exercise import Exercise, number, numbers
from tinygrad_edu.functions import sigmoid
from tinygrad_edu.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_squared_error,
)
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD

EXERCISES: dict[str, Exercise] = {}


# Lesson 8, losses and outputs.


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


EXERCISES |= {
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


# Lesson 9, gradient descent.

Function = Callable[[Value], Value]

_EXAMPLES: Final = ((1.0, 2.0), (3.0, 1.0))


def _gradient_of_a_linear_unit() -> list[float]:
    w1, w0 = parameter(1.0), parameter(0.0)
    error = f.mean([half_squared_error(w1 * x + w0, t) for x, t in _EXAMPLES])
    return [v.data for v in grad(error, [w1, w0])]


def _two_valleys(w: Value) -> Value:
    return w**4 - 3 * w**2 + w


def _descend(loss: Function, w: float, eta: float, steps: int) -> float:
    for _ in range(steps):
        at = Value(w)
        w -= eta * grad(loss(at), at).data
    return w


def _deeper_bottom() -> float:
    bottoms = [_descend(_two_valleys, start, 0.02, 400) for start in (-2.0, 2.0)]
    return min(bottoms, key=lambda w: _two_valleys(Value(w)).data)


def _is_descent(answer: Any) -> bool:
    cases: list[tuple[Function, float, float, int]] = [
        (lambda w: (w - 3) ** 2, 0.0, 0.1, 1),
        (lambda w: (w - 3) ** 2, -1.0, 0.25, 12),
        (_two_valleys, 0.5, 0.01, 30),
        (lambda w: w.exp() - w, 2.0, 0.1, 0),
    ]
    return callable(answer) and all(number(_descend(*case), 1e-6)(answer(*case)) for case in cases)


EXERCISES |= {
    "9.1": Exercise(
        "The list [dE/dw1, dE/dw0] over the examples (1, 2) and (3, 1) is asked for.",
        numbers(_gradient_of_a_linear_unit),
        "write down o - t for each example; for w1 it is multiplied by the x of the example. "
        "Take the mean over the examples, not the sum.",
    ),
    "9.2": Exercise(
        "The w at the bottom of the deeper valley of f is asked for.",
        number(_deeper_bottom, 2e-3),
        "descend from a start on each side of 0 and compare the two values of f.",
    ),
    "9.3": Exercise(
        "A function descend(loss, w, eta, steps) that gives a number is asked for.",
        _is_descent,
        "in each step make a new Value of w, call loss on it, walk back, and move w by -eta times "
        "the gradient of that Value. With 0 steps it gives w.",
    ),
}


# Lesson 10, initialisation and symmetry.

_DRAWS: Final = 4000


def _first_gradients() -> list[float]:
    """dL/dv of an output weight and dL/dw of a hidden one, where all weights are zero."""
    model = MLP(2, [4, 1], "sigmoid", "sigmoid", init="zeros")
    binary_cross_entropy(model([1.0, -2.0]), 1).backward()
    return [model.layers[1].neurons[0].w[0].grad, model.layers[0].neurons[0].w[0].grad]


def _units_that_differ() -> int:
    """How many different hidden units there are after training from two groups of equal ones."""
    model = MLP(2, [6, 1], "tanh", "sigmoid", init=lambda rng, nin, nout: 0.3)
    hidden = model.layers[0].neurons
    for unit in hidden[4:]:
        for w in unit.w:
            w.data = -0.2
    optimizer = SGD(model.parameters(), lr=0.5)
    for _ in range(5):
        for x, t in (([1.0, -2.0], 1), ([0.5, 1.0], 0)):
            optimizer.zero_grad()
            binary_cross_entropy(model(x), t).backward()
            optimizer.step()
    return len({tuple(p.data for p in unit.parameters()) for unit in hidden})


def _is_initialiser(answer: Any) -> bool:
    return callable(answer) and all(_has_variance(answer, nin) for nin in (4, 100))


def _has_variance(answer: Any, nin: int) -> bool:
    rng = random.Random(1)
    draws = [answer(rng, nin, 7) for _ in range(_DRAWS)]
    if not all(isinstance(w, (int, float)) for w in draws):
        return False
    if draws[0] != answer(random.Random(1), nin, 7):
        return False
    mean, variance = statistics.fmean(draws), float(statistics.pvariance(draws))
    return abs(mean) < 0.1 * nin**-0.5 and 0.9 < variance * nin < 1.1


EXERCISES |= {
    "10.1": Exercise(
        "The list [dL/dv, dL/dw] for an output weight v and a hidden weight w is asked for.",
        numbers(_first_gradients),
        "the output is a sigmoid at z = 0, and so is each hidden activation. The delta of the "
        "output is a - y; dL/dv is that times the activation below. What does delta_j = g'(z_j) "
        "v delta give with the v there is?",
    ),
    "10.2": Exercise(
        "The number of different hidden units after training is asked for.",
        number(_units_that_differ),
        "two units stay equal if everything that reaches them is equal: the inputs forward, the "
        "weight above and delta backward. Sort the six units by what they start from.",
    ),
    "10.3": Exercise(
        "A function lecun(rng, nin, nout) that draws one weight is asked for.",
        _is_initialiser,
        "rng.gauss(mean, deviation) takes the standard deviation, the root of the variance. Draw "
        "from the rng that is given, so that equal seeds give equal weights.",
    ),
}


# Lesson 11, saturation and dead units.

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


EXERCISES |= {
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
