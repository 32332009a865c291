"""The exercises of lessons 8 to 11: outputs and losses, descent, symmetry, saturation."""

import math
import random
import statistics
from collections.abc import Callable
from typing import Any, Final

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value, grad
from tinygrad_edu.exercises.kinds import (
    MistakeError,
    Right,
    each,
    function,
    number,
    numbers,
    slopes,
)
from tinygrad_edu.exercises.reading import AnswerError, asked, read_number, read_value
from tinygrad_edu.functions import sigmoid
from tinygrad_edu.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_squared_error,
)
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD

ANSWERS: dict[str, Right] = {}
VARIED: dict[str, Callable[..., Right]] = {}


# Lesson 7, losses and outputs.


def _mean_cross_entropy() -> float:
    losses = [cross_entropy([math.log(p), math.log(1 - p)], 0).data for p in (0.5, 0.25, 0.5)]
    return sum(losses) / len(losses)


def _steepest_output() -> float:
    """The output of the sigmoid unit, target 1, where half the square has its largest slope."""

    def slope(o: float) -> float:
        z = Value(math.log(o / (1 - o)))
        return abs(grad(half_squared_error(z.sigmoid(), 1.0), z).data)

    return max((k / 1000 for k in range(1, 1000)), key=slope)


def _plain(found: Any) -> float:
    if isinstance(found, Value):
        raise AnswerError("a float is asked for, and this is a Value")
    return read_number(found)


ANSWERS |= {
    "7.1": number(
        _mean_cross_entropy,
        mistakes={
            "sum for mean": 4 * math.log(2),
            "that is a logarithm to the base 10": 4 / 3 * math.log10(2),
            "that is a logarithm to the base 2": 4 / 3,
            "the mean is taken of the costs, not of the probabilities": -math.log(5 / 12),
        },
    ),
    "7.2": number(_steepest_output, 1e-2, {"there the slope of the sigmoid alone is largest": 0.5}),
    "7.3": function(
        lambda z, y: binary_cross_entropy_with_logits(z, y).data,
        *((z, y) for z in (-1000.0, -2.0, 0.0, 0.5, 40.0, 1000.0) for y in (0.0, 1.0)),
        read=_plain,
    ),
}


# Lesson 9, gradient descent.

Function = Callable[[Value], Value]

_EXAMPLES: Final = ((1.0, 2.0), (3.0, 1.0))


def _loss_of_a_linear_unit(w: Value, b: Value) -> Any:
    return f.mean([half_squared_error(w * x + b, y) for x, y in _EXAMPLES])


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


def _loss_slopes(w: float, b: float) -> Right:
    deltas = [w * x + b - y for x, y in _EXAMPLES]
    return numbers(
        slopes(_loss_of_a_linear_unit, w, b),
        mistakes={"the x of the example is missing in dL/dw": [sum(deltas) / 2] * 2},
    )


VARIED["9.1"] = _loss_slopes
ANSWERS |= {
    "9.2": number(
        _deeper_bottom,
        2e-3,
        {
            "that is the bottom of the other valley": lambda: _descend(
                _two_valleys, 2.0, 0.02, 400
            ),
            "that is f at the bottom, and w is asked for": (
                lambda: _two_valleys(Value(_deeper_bottom())).data
            ),
        },
    ),
    "9.3": function(
        _descend,
        (lambda w: (w - 3) ** 2, 0.0, 0.1, 1),
        (lambda w: (w - 3) ** 2, -1.0, 0.25, 12),
        (_two_valleys, 0.5, 0.01, 30),
        (lambda w: w.exp() - w, 2.0, 0.1, 0),
        tolerance=1e-6,
        mistakes={
            "it climbs: the step goes against the gradient": (
                lambda loss, w, eta, steps: _descend(loss, w, -eta, steps)
            ),
            "eta is missing": lambda loss, w, eta, steps: _descend(loss, w, 1.0, min(steps, 1)),
            "it makes one step whatever `steps` is": (
                lambda loss, w, eta, steps: _descend(loss, w, eta, 1)
            ),
            "it makes a step too many": (
                lambda loss, w, eta, steps: _descend(loss, w, eta, steps + 1)
            ),
            "the gradient is taken at the start alone: make a new Value in each step": (
                lambda loss, w, eta, steps: w + steps * (_descend(loss, w, eta, 1) - w)
            ),
        },
    ),
    "9.4": number(1.0, mistakes={"that is the bottom, and the steps are too long for it": 0.0}),
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


def _is_gaussian(answer: Any, nin: int) -> bool:
    """Mean 0, variance 1/nin, kurtosis 3 (1.8 if uniform), each to about five standard errors."""
    rng = random.Random(1)
    draws = [asked(answer, rng, nin, 7, read=read_number) for _ in range(_DRAWS)]
    if draws[0] != asked(answer, random.Random(1), nin, 7, read=read_number):
        raise AnswerError("equal seeds give other weights: draw from the rng that is given")
    mean, variance = statistics.fmean(draws), float(statistics.pvariance(draws))
    if abs(mean) > 0.1 * nin**-0.5:
        return False
    if 0.9 < variance * nin**2 < 1.1:
        raise MistakeError("1/nin is the variance, and `gauss` takes its root")
    if not 0.9 < variance * nin < 1.1:
        raise MistakeError("the mean is right, the variance is not")
    if not 2.6 < statistics.fmean([(w - mean) ** 4 for w in draws]) / variance**2 < 3.4:
        raise MistakeError("mean and variance are right, but they are not of a Gaussian")
    return True


def _size_after_six_layers(variance: float) -> Right:
    square = 25 * variance
    mistakes = {
        "that is the factor of the mean square": square**6,
        "that is the factor of one layer": square**0.5,
    }
    return number(square**3, mistakes=mistakes)


VARIED["10.4"] = _size_after_six_layers
ANSWERS |= {
    "10.1": numbers(
        _first_gradients,
        mistakes={
            "with the cross entropy the slope of the sigmoid is not in delta": [-1 / 16, 0.0],
            "dL/dv lacks the activation below": [-0.5, 0.0],
        },
    ),
    "10.2": number(
        _units_that_differ, 0.0, {"units that start equal and are told the same stay equal": 6}
    ),
    "10.3": each(_is_gaussian, 4, 100),
}


# Lesson 11, saturation and dead units.

_Z: Final = 6.0
_ALPHA: Final = 0.1


def _factor_through_three_layers(w: float) -> float:
    """By how much delta shrinks on its way down: g' = 1/4 and the weight w, three times."""
    below = z = Value(0.0)
    for _ in range(3):
        z = w * (sigmoid(z) - 0.5)
    return grad(z, below).data


def _ratio_of_deltas() -> float:
    z = Value(_Z)
    entropy = grad(binary_cross_entropy_with_logits(z, 0), z).data
    return entropy / grad(half_squared_error(sigmoid(z), 0), z).data


def _is_generalised_relu(answer: Any, x: float) -> bool:
    z = Value(x)
    a = asked(answer, z, read=read_value)
    slope = 1.0 if x > 0 else _ALPHA
    return number(slope * x, 1e-9)(a) and number(slope, 1e-9)(grad(a, z))


VARIED["11.1"] = lambda w: number(
    _factor_through_three_layers(w),
    1e-4,
    {
        "value for slope": (w / 2) ** 3,
        "the slopes are right, and the weights are missing": 1 / 64,
        "the weights are right, and the slopes are missing": w**3,
        "that is one layer, and there are three": w / 4,
    },
)
ANSWERS |= {
    "11.2": number(
        _ratio_of_deltas, 1e-2, {"that is the other way round": lambda: 1 / _ratio_of_deltas()}
    ),
    "11.3": each(_is_generalised_relu, -50.0, -3.0, -0.5, 0.5, 4.0),
}
