"""The exercises of lessons 16 to 19 with more than one right answer, or rules."""

import math
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, Final

import numpy as np

from tinygrad_edu.diagnose import diagnose_backward, diagnose_engine
from tinygrad_edu.engine import Value, toposort
from tinygrad_edu.exercises.kinds import Right, diagnosed, each, numbers
from tinygrad_edu.exercises.reading import (
    AnswerError,
    asked,
    described,
    read_list,
    read_numbers,
    read_value,
)
from tinygrad_edu.functions import dot
from tinygrad_edu.losses import squared_error
from tinygrad_edu.nn import MLP
from tinygrad_edu.vectorize import vectorize


def _is_leaky(answer: Any) -> bool:
    """Whether a function of one Value is z for z > 0, else z / 10, vectorised and without where."""
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


#: Patches of 3 x 3 by columns from left to right, and by rows from top to bottom.
_FLAT: Final = [1.0] * 9
_RIGHT: Final = ([0.0, 0.0, 1.0] * 3, [0.0, 1.0, 1.0] * 3)
_BELOW: Final = ([0.0] * 6 + [1.0] * 3, [0.0] * 3 + [1.0] * 6)


def _is_edge_kernel(answer: Any) -> bool:
    rows = read_list(answer, 3, "rows")
    w = [x for row in rows for x in read_numbers(row, 3)]
    if not all(abs(x) < 1e6 for x in w):
        return False
    silent = all(abs(_response(w, patch)) < 1e-9 for patch in (_FLAT, *_BELOW))
    return silent and all(_response(w, patch) > 1e-3 for patch in _RIGHT)


def _response(w: Iterable[float], patch: Iterable[float]) -> float:
    return sum(a * b for a, b in zip(w, patch, strict=True))


def _is_symmetry_unit(answer: Any) -> bool:
    weights = read_numbers(answer, 6)
    if not all(map(math.isfinite, weights)):
        return False
    largest = max(map(abs, weights))
    return largest > 0 and all(
        (abs(dot(weights, bits)) <= 1e-9 * largest) == (bits == bits[::-1])
        for bits in product((0.0, 1.0), repeat=6)
    )


_GRADIENTS = ("dW1", "db1", "dW2", "db2")


def _is_backward(answer: Any, sizes: tuple[int, int]) -> bool:
    """A net with one hidden tanh layer, its squared error as a mean over five examples."""
    net, rng = MLP(2, [*sizes], "tanh", rng=3), np.random.default_rng(3)
    X, Y = rng.normal(size=(5, 2)), rng.normal(size=(5, sizes[-1]))
    program = vectorize(lambda x, y: squared_error(net(x), y), X[0], Y[0])
    parameters = [np.array([[w.data for w in unit.w] for unit in layer.neurons])
                  if is_w else np.array([[unit.b.data for unit in layer.neurons]])
                  for layer in net.layers for is_w in (True, False)]  # fmt: skip
    found = asked(answer, *parameters, X, Y, read=_read_gradients)
    try:
        return diagnosed(diagnose_backward(program, found, X, Y))
    except (TypeError, ValueError) as error:  # of no numbers
        raise AnswerError(str(error)) from None


def _read_gradients(found: Any) -> dict[str, Any]:
    if not isinstance(found, Mapping) or not {*_GRADIENTS} <= {*found}:
        raise AnswerError(
            f"a dict with {', '.join(_GRADIENTS)} is asked for, and this is {described(found)}"
        )
    return {name: found[name] for name in _GRADIENTS}


def _is_engine(answer: Any) -> bool:
    try:
        return diagnosed(diagnose_engine(answer))
    except TypeError as error:
        raise AnswerError(str(error)) from None


ANSWERS: dict[str, Right] = {
    "16.3": _is_leaky,
    "17.3": _is_edge_kernel,
    "18.3": _is_symmetry_unit,
    "19.1": each(_is_backward, (3, 1), (4, 2)),
    "19.2": _is_engine,
}
