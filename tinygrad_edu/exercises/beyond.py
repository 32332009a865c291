"""The exercises of lessons 16 to 18: matrices, shared weights, worked examples."""

import math
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any, Final

from tinygrad_edu.engine import Value, grad, toposort
from tinygrad_edu.exercises.kinds import Right, number, numbers, slopes
from tinygrad_edu.exercises.reading import AnswerError, asked, read_list, read_numbers, read_value
from tinygrad_edu.functions import dot
from tinygrad_edu.losses import binary_cross_entropy
from tinygrad_edu.nn import MLP, Conv2d, RNNCell

ANSWERS: dict[str, Right] = {}
VARIED: dict[str, Callable[..., Right]] = {}


# Lesson 16, from scalars to matrices.


def _products() -> float:
    from tinygrad_edu.vectorize import vectorize

    model = MLP(2, [3, 3, 1], "tanh")
    program = vectorize(lambda x, y: (model(x) - y) ** 2, [0.1, 0.2], 1.0)
    return float(program.source.count("@"))


def _is_leaky(answer: Any) -> bool:
    """Whether a function of one Value is z for z > 0, else z / 10, vectorised and without where."""
    from tinygrad_edu.vectorize import vectorize

    result = asked(answer, Value(-2.0), read=read_value)
    if any(v.op is not None and v.op.name == "where" for v in toposort(result)):
        raise AnswerError("where is not to be used")
    points = [-2.0, -0.5, 0.25, 3.0]
    found = asked(
        lambda zs: vectorize(lambda x: answer(x[0]), [0.5])([[z] for z in zs]).ravel(),
        points,
        read=read_numbers,
    )
    return numbers([-0.2, -0.05, 0.25, 3.0], 1e-9)(found)


VARIED["16.1"] = lambda units, inputs, n: numbers(
    [units, inputs],
    0.0,
    {
        "transposed": [inputs, units],
        "the sum runs over the examples, so that there is no axis of them": [n, inputs],
    },
)
ANSWERS |= {
    "16.2": number(
        _products, 0.0, {"below the first layer there is nothing that wants a delta": 9}
    ),
    "16.3": _is_leaky,
}
VARIED["16.4"] = lambda eta, strength: number(
    1 - 2 * eta * strength,
    mistakes={
        "the derivative of w^2 has a factor 2": 1 - eta * strength,
        "that is what is taken away": 2 * eta * strength,
        "it grows: the step goes against the gradient": 1 + 2 * eta * strength,
    },
)


# Lesson 17, convolution and recurrence.

#: Patches of 3 x 3 by columns from left to right, and by rows from top to bottom.
_FLAT: Final = [1.0] * 9
_RIGHT: Final = ([0.0, 0.0, 1.0] * 3, [0.0, 1.0, 1.0] * 3)
_BELOW: Final = ([0.0] * 6 + [1.0] * 3, [0.0] * 3 + [1.0] * 6)


def _height_and_parameters() -> list[float]:
    """A wide image would take its time, a narrow one of 28 rows gives maps as high."""
    conv = Conv2d(3, 16, 5, stride=2, padding=2)
    height = len(conv([[[0.0]] * 28] * 3)[0])
    return [height, len(conv.parameters())]


def _number_of_steps() -> int:
    cell = RNNCell(1, 1)
    (unit,) = cell.neurons
    unit.w[0].data, unit.w[1].data = 1.0, 0.8
    first = h = [Value(0.0)]
    k = 0
    while k == 0 or grad(h[0], first[0]).data >= 1e-3:
        h = cell([0.0], h)
        k += 1
    return k


def _is_edge_kernel(answer: Any) -> bool:
    rows = read_list(answer, 3, "rows")
    w = [x for row in rows for x in read_numbers(row, 3)]
    if not all(abs(x) < 1e6 for x in w):
        return False
    silent = all(abs(_response(w, patch)) < 1e-9 for patch in (_FLAT, *_BELOW))
    return silent and all(_response(w, patch) > 1e-3 for patch in _RIGHT)


def _response(w: Iterable[float], patch: Iterable[float]) -> float:
    return sum(a * b for a, b in zip(w, patch, strict=True))


ANSWERS |= {
    "17.1": numbers(
        _height_and_parameters,
        0.0,
        {
            "each unit has one bias": [14, 16 * 75],
            "a unit sees all three channels": [14, 16 * 26],
            "a map has its own unit, not one for each place": [14, 14 * 14 * 16 * 76],
            "the padding is missing": [12, 16 * 76],
            "the stride is missing": [28, 16 * 76],
        },
    ),
    "17.2": number(_number_of_steps, 0.0),
    "17.3": _is_edge_kernel,
}


# Lesson 18, classics.


def _output_with_cross_entropy() -> float:
    w, b = Value(2.0), Value(2.0)
    for _ in range(300):
        slopes = grad(binary_cross_entropy((w * 1.0 + b).sigmoid(), 0.0), [w, b])
        w.data, b.data = w.data - 0.15 * slopes[0].data, b.data - 0.15 * slopes[1].data
    return (w * 1.0 + b).sigmoid().data


def _is_symmetry_unit(answer: Any) -> bool:
    weights = read_numbers(answer, 6)
    if not all(map(math.isfinite, weights)):
        return False
    largest = max(map(abs, weights))
    return largest > 0 and all(
        (abs(dot(weights, bits)) <= 1e-9 * largest) == (bits == bits[::-1])
        for bits in product((0.0, 1.0), repeat=6)
    )


VARIED["18.1"] = lambda x, y, z: numbers(
    slopes(lambda x, y, z: (x + y) * z, x, y, z),
    mistakes={
        "wrong operand": [x + y, x + y, z],
        "the sum passes on what it gets: it multiplies by 1": [x * z, y * z, x + y],
    },
)
ANSWERS |= {
    "18.2": number(_output_with_cross_entropy, 1e-2, {"that is with the square as the loss": 0.20}),
    "18.3": _is_symmetry_unit,
}
