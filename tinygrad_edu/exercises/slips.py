"""The exercises of lesson 19 that `diagnose` judges: a backward pass, an engine."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.diagnose import diagnose_backward, diagnose_engine
from tinygrad_edu.exercises.kinds import Right, diagnosed, each
from tinygrad_edu.exercises.reading import AnswerError, asked, described
from tinygrad_edu.losses import squared_error
from tinygrad_edu.nn import MLP
from tinygrad_edu.vectorize import vectorize

ANSWERS: dict[str, Right] = {}

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


ANSWERS["19.1"] = each(_is_backward, (3, 1), (4, 2))
ANSWERS["19.2"] = _is_engine
