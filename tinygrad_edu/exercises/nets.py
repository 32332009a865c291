"""The exercises of lessons 4 to 11 with more than one right answer, or rules."""

import math
import random
import statistics
from collections.abc import Sequence
from typing import Any

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
from tinygrad_edu.nn import MLP
from tinygrad_edu.perceptron import gate, truth_table
from tinygrad_edu.vectorize import vectorize


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


def _is_line(answer: Any) -> bool:
    """Whether z is 0 at (2, 0) and at (0, 1), and above 0 at (0, 0)."""
    w1, w2, b = _finite(answer, 3)
    return b > 0 and max(abs(2 * w1 + b), abs(w2 + b)) < 1e-9 * b


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


def _is_hidden_deltas(answer: Any, sizes: list[int]) -> bool:
    hidden, output = MLP(2, sizes, "sigmoid", rng=7).layers
    delta = [0.7 - k for k in range(len(output.neurons))]

    def net_inputs(x: Any) -> list[Value]:
        return [unit.net_input(x) for unit in hidden.neurons]

    def out(z: Any) -> Any:
        """A sum of net inputs, by which its slopes are the deltas."""
        a = [v.sigmoid() for v in z]
        return dot(delta, [unit.net_input(a) for unit in output.neurons])

    x = [0.5, -1.0]
    z = net_inputs(x)
    right = [v.data for v in grad(out(z), z)]
    weights = [[w.data for w in unit.w] for unit in output.neurons]
    a = [v.sigmoid().data for v in z]
    found = asked(answer, a, weights, list(delta), read=read_numbers)
    if len(found) != len(a) or numbers(right, 1e-9)(found):
        return len(found) == len(a)
    program = vectorize(lambda x: out(net_inputs(x)), x)
    return diagnosed(diagnose_backward(program, {"delta1": [found]}, [x]))


def _plain(found: Any) -> float:
    if isinstance(found, Value):
        raise AnswerError("a float is asked for, and this is a Value")
    return read_number(found)


def _is_gaussian(answer: Any, nin: int) -> bool:
    """Mean 0, variance 1/nin, kurtosis 3 (1.8 if uniform), each to about five standard errors."""
    rng = random.Random(1)
    draws = [asked(answer, rng, nin, 7, read=read_number) for _ in range(4000)]
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


def _is_generalised_relu(answer: Any, x: float) -> bool:
    z = Value(x)
    a = asked(answer, z, read=read_value)
    slope = 1.0 if x > 0 else 0.1
    return number(slope * x, 1e-9)(a) and number(slope, 1e-9)(grad(a, z))


ANSWERS: dict[str, Right] = {
    "4.3": _is_adder,
    "5.1": _is_line,
    "5.3": _is_xor,
    "6.3": each(_is_hidden_deltas, [3, 2], [1, 4], [4, 1]),
    "7.3": function(
        lambda z, y: binary_cross_entropy_with_logits(z, y).data,
        *((z, y) for z in (-1000.0, -2.0, 0.0, 0.5, 40.0, 1000.0) for y in (0.0, 1.0)),
        read=_plain,
    ),
    "10.3": each(_is_gaussian, 4, 100),
    "11.3": each(_is_generalised_relu, -50.0, -3.0, -0.5, 0.5, 4.0),
}
