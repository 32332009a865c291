"""The exercises of lessons 4 to 11 with more than one right answer, or rules."""

import math
import random
import statistics
from collections.abc import Sequence
from typing import Any, Final

from tinygrad_edu.data import xor
from tinygrad_edu.diagnose import diagnose_backward
from tinygrad_edu.engine import Value, grad
from tinygrad_edu.exercises.kinds import (
    MistakeError,
    Right,
    diagnosed,
    each,
    function,
    number,
    numbers,
)
from tinygrad_edu.exercises.reading import AnswerError, asked, read_number, read_numbers, read_value
from tinygrad_edu.functions import dot
from tinygrad_edu.losses import binary_cross_entropy_with_logits
from tinygrad_edu.nn import MLP, Neuron
from tinygrad_edu.perceptron import gate, truth_table
from tinygrad_edu.vectorize import vectorize

ANSWERS: dict[str, Right] = {}


# Lesson 4, perceptrons and gates.


def _is_adder(answer: Any) -> bool:
    """Gates take numbers near 0 and 1 as bits, and arithmetic does not."""
    rows = list(truth_table(sum, 3))
    if not all(_adds(answer, bits, bits) for bits in rows):
        return False
    try:
        gates_alone = all(_adds(answer, bits, [0.1 + 0.8 * bit for bit in bits]) for bits in rows)
    except AnswerError:
        gates_alone = False
    if not gates_alone:
        raise AnswerError("it adds bits, but not by gates alone: these take 0.1 and 0.9 as well")
    return True


def _adds(answer: Any, bits: Sequence[int], inputs: Sequence[float]) -> bool:
    return asked(answer, *inputs, read=numbers([sum(bits) % 2, sum(bits) // 2], 0.0))


ANSWERS["4.3"] = _is_adder


# Lesson 5, from a neuron to a multilayer perceptron.


def _net_inputs(weights: Any) -> list[float]:
    """z at (2, 0), (0, 1) and (0, 0), of the unit with [w1, w2, b] = `weights`."""
    unit = Neuron(2, "linear", rng=0)
    for p, w in zip(unit.parameters(), weights, strict=True):
        p.data = w
    return [unit(point).data for point in ([2.0, 0.0], [0.0, 1.0], [0.0, 0.0])]


def _is_line(answer: Any) -> bool:
    first, second, origin = _net_inputs(_finite(answer, 3))
    return origin > 0 and max(abs(first), abs(second)) < 1e-9 * origin


def _is_xor(answer: Any) -> bool:
    model = MLP(2, [2, 1], "step", output="step", init="zeros")
    for p, w in zip(model.parameters(), _finite(answer, 9), strict=True):
        p.data = w
    X, y = xor()
    if [model(row).data for row in X] != list(y):
        return False
    units = [[unit(row).data for row in X] for unit in model.layers[0].neurons]
    gates = [[float(gate(name)(row)) for row in X] for name in ("AND", "OR")]
    if sorted(units) != sorted(gates):
        raise AnswerError("it computes XOR, but its hidden units are not OR and AND")
    return True


def _finite(answer: Any, n: int) -> list[float]:
    found = read_numbers(answer, n)
    if not all(map(math.isfinite, found)):
        raise AnswerError("the numbers must be finite")
    return found


ANSWERS["5.1"] = _is_line
ANSWERS["5.3"] = _is_xor


# Lesson 6, the delta rules emerge.


def _is_hidden_deltas(answer: Any, sizes: list[int]) -> bool:
    hidden, output = MLP(2, sizes, "sigmoid", rng=7).layers
    delta = [0.7 - k for k in range(len(output.neurons))]

    def out(x: Any) -> Value:
        """A sum of net inputs, by which its slopes are the deltas."""
        a = [unit(x) for unit in hidden.neurons]
        total: Value = dot(delta, [unit.net_input(a) for unit in output.neurons])
        return total

    x = [0.5, -1.0]
    z = [unit.net_input(x) for unit in hidden.neurons]
    a = [v.sigmoid() for v in z]
    net_inputs = [unit.net_input(a) for unit in output.neurons]
    right = [v.data for v in grad(dot(delta, net_inputs), z)]
    weights = [[w.data for w in unit.w] for unit in output.neurons]
    found = asked(answer, [v.data for v in a], weights, list(delta), read=read_numbers)
    if len(found) != len(a) or numbers(right, 1e-9)(found):
        return len(found) == len(a)
    return diagnosed(diagnose_backward(vectorize(out, x), {"delta1": [found]}, [x]))


ANSWERS["6.3"] = each(_is_hidden_deltas, [3, 2], [1, 4], [4, 1])


# Lesson 7, losses and outputs.


def _plain(found: Any) -> float:
    if isinstance(found, Value):
        raise AnswerError("a float is asked for, and this is a Value")
    return read_number(found)


ANSWERS["7.3"] = function(
    lambda z, y: binary_cross_entropy_with_logits(z, y).data,
    *((z, y) for z in (-1000.0, -2.0, 0.0, 0.5, 40.0, 1000.0) for y in (0.0, 1.0)),
    read=_plain,
)


# Lesson 10, initialisation and symmetry.

_DRAWS: Final = 4000


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


ANSWERS["10.3"] = each(_is_gaussian, 4, 100)


# Lesson 11, saturation and dead units.

_ALPHA: Final = 0.1


def _is_generalised_relu(answer: Any, x: float) -> bool:
    z = Value(x)
    a = asked(answer, z, read=read_value)
    slope = 1.0 if x > 0 else _ALPHA
    return number(slope * x, 1e-9)(a) and number(slope, 1e-9)(grad(a, z))


ANSWERS["11.3"] = each(_is_generalised_relu, -50.0, -3.0, -0.5, 0.5, 4.0)
