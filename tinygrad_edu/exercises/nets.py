"""The exercises of lessons 4 to 19 with more than one right answer, or rules."""

import math
import random
import statistics
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Final

import numpy as np

from tinygrad_edu.data import xor
from tinygrad_edu.diagnose import diagnose_backward, diagnose_engine
from tinygrad_edu.engine import Value, grad, toposort
from tinygrad_edu.exercises.answers import (
    AnswerError,
    MistakeError,
    Right,
    asked,
    described,
    diagnosed,
    equal,
    function,
    read_list,
    read_number,
    read_numbers,
    read_value,
)
from tinygrad_edu.functions import dot
from tinygrad_edu.losses import binary_cross_entropy_with_logits, squared_error
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
    return asked(answer, *inputs, read=equal([sum(bits) % 2, sum(bits) // 2], 0.0))


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


def _are_hidden_deltas(answer: Any, sizes: list[int]) -> bool:
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
    if len(found) != len(a) or equal(right, 1e-9)(found):
        return len(found) == len(a)
    program = vectorize(lambda x: out(net_inputs(x)), x)
    return diagnosed(diagnose_backward, program, {"delta1": [found]}, [x])


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
    return equal(slope * x, 1e-9)(a) and equal(slope, 1e-9)(grad(a, z))


def _is_leaky(answer: Any) -> bool:
    """Whether a function of one Value is z for z > 0, else z / 10, vectorised and without where."""
    result = asked(answer, Value(-2.0), read=read_value)
    if any(v.op is not None and v.op.name == "where" for v in toposort(result)):
        raise AnswerError("where is not to be used")
    found = asked(
        lambda zs: vectorize(lambda x: answer(x[0]), [0.5])([[z] for z in zs]).ravel(),
        [-2.0, -0.5, 0.25, 3.0],
        read=read_numbers,
    )
    return equal([-0.2, -0.05, 0.25, 3.0], 1e-9)(found)


#: Patches of 3 x 3 by columns from left to right, and by rows from top to bottom.
_FLAT: Final = [1.0] * 9
_RIGHT: Final = ([0.0, 0.0, 1.0] * 3, [0.0, 1.0, 1.0] * 3)
_BELOW: Final = ([0.0] * 6 + [1.0] * 3, [0.0] * 3 + [1.0] * 6)


def _is_edge_kernel(answer: Any) -> bool:
    w = [x for row in read_list(answer, 3, "rows") for x in read_numbers(row, 3)]
    if not all(abs(x) < 1e6 for x in w):
        return False

    def response(patch: Sequence[float]) -> float:
        return sum(a * b for a, b in zip(w, patch, strict=True))

    silent = all(abs(response(patch)) < 1e-9 for patch in (_FLAT, *_BELOW))
    return silent and all(response(patch) > 1e-3 for patch in _RIGHT)


def _is_symmetry_unit(answer: Any) -> bool:
    weights = read_numbers(answer, 6)
    if not all(map(math.isfinite, weights)):
        return False
    largest = max(map(abs, weights))
    return largest > 0 and all(
        (abs(dot(weights, bits)) <= 1e-9 * largest) == (bits == bits[::-1])
        for bits in product((0.0, 1.0), repeat=6)
    )


def _is_backward(answer: Any, sizes: list[int]) -> bool:
    """A net with one hidden tanh layer, its squared error as a mean over five examples."""
    net, rng = MLP(2, sizes, "tanh", rng=3), np.random.default_rng(3)
    X, Y = rng.normal(size=(5, 2)), rng.normal(size=(5, sizes[-1]))
    program = vectorize(lambda x, y: squared_error(net(x), y), X[0], Y[0])
    parameters = []
    for layer in net.layers:
        parameters.append(np.array([[w.data for w in unit.w] for unit in layer.neurons]))
        parameters.append(np.array([[unit.b.data for unit in layer.neurons]]))
    found = asked(answer, *parameters, X, Y, read=_read_gradients)
    return diagnosed(diagnose_backward, program, found, X, Y)


def _read_gradients(found: Any) -> dict[str, Any]:
    names = ("dW1", "db1", "dW2", "db2")
    if not isinstance(found, Mapping) or not {*names} <= {*found}:
        asks = f"a dict with {', '.join(names)} is asked for"
        raise AnswerError(f"{asks}, and this is {described(found)}")
    return {name: found[name] for name in names}


#: Net inputs of a sigmoid unit and targets, at the ends of what a float holds too.
_NET_INPUTS: Final = [(z, y) for z in (-1000.0, -2.0, 0.0, 0.5, 40.0, 1000.0) for y in (0.0, 1.0)]

ANSWERS: Final[dict[str, Right]] = {
    "4.3": _is_adder,
    "5.1": _is_line,
    "5.3": _is_xor,
    "6.3": lambda answer: all(_are_hidden_deltas(answer, s) for s in ([3, 2], [1, 4], [4, 1])),
    "7.3": function(
        lambda z, y: binary_cross_entropy_with_logits(z, y).data, *_NET_INPUTS, read=_plain
    ),
    "10.3": lambda answer: all(_is_gaussian(answer, nin) for nin in (4, 100)),
    "11.3": lambda answer: all(
        _is_generalised_relu(answer, x) for x in (-50.0, -3.0, -0.5, 0.5, 4.0)
    ),
    "16.3": _is_leaky,
    "17.3": _is_edge_kernel,
    "18.3": _is_symmetry_unit,
    "19.1": lambda answer: all(_is_backward(answer, sizes) for sizes in ([3, 1], [4, 2])),
    "19.2": lambda answer: diagnosed(diagnose_engine, answer),
}
