"""The exercises of lessons 12 to 15: overfitting, the spiral, digits, vowels."""

import math
from numbers import Real
from typing import Any, Final

from tinygrad_edu.checks import is_real
from tinygrad_edu.data import folds, standardising
from tinygrad_edu.exercises.exercise import (
    AnswerError,
    Right,
    asked,
    described,
    each,
    number,
    numbers,
    read_number,
    slopes,
    word,
)
from tinygrad_edu.losses import cross_entropy
from tinygrad_edu.nn import MLP, Neuron
from tinygrad_edu.nn.norm import BatchNorm
from tinygrad_edu.train import EarlyStopping, Epoch

ANSWERS: dict[str, Right] = {}


# Lesson 12, overfitting and regularisation.

_VALIDATION_LOSSES: Final = (0.9, 0.7, 0.5, 0.6, 0.55, 0.52, 0.4, 0.3)


def _stopped_and_restored() -> list[float]:
    stopping = EarlyStopping(patience=3)
    unit = Neuron(1, init="zeros")
    for k, loss in enumerate(_VALIDATION_LOSSES):
        if stopping(Epoch(k, False, unit, 0.0, None, loss, None)):
            return [k, stopping.best_epoch]
    return []


def _is_normalisation(answer: Any, column: list[float]) -> bool:
    expected = [row[0].data for row in BatchNorm(1).batch([[x] for x in column])]
    return asked(answer, list(column), read=numbers(expected, 1e-6))


ANSWERS |= {
    # The activation a = 0.6 with p = 1/4: a / (1 - p) where it is kept, whose mean is a.
    "12.1": numbers([0.6 / (1 - 0.25), 0.6]),
    "12.2": numbers(_stopped_and_restored, 0.0),
    "12.3": each(_is_normalisation, [1.0, 2.0, 3.0, 6.0], [-5.0, 5.0], [0.01, 0.02, 0.02]),
}


# Lesson 13, the spiral.


def _is_scores(answer: Any, sizes: list[int]) -> bool:
    model = MLP(2, sizes, "relu", rng=3)
    for k, p in enumerate(model.parameters()):
        p.data += 0.1 * (-1) ** k
    matrices = []
    for layer in model.layers:
        columns = [[w.data for w in unit.w] for unit in layer.neurons]
        matrices += [
            [list(row) for row in zip(*columns, strict=True)],
            [unit.b.data for unit in layer.neurons],
        ]
    points = ([0.5, -1.0], [-2.0, 0.3], [1.0, 1.0])
    return all(
        asked(answer, x, *matrices, read=numbers([z.data for z in model(x)], 1e-9)) for x in points
    )


ANSWERS |= {
    "13.1": numbers(slopes(lambda *z: cross_entropy(z, 2), *map(math.log, (0.2, 0.5, 0.3)))),
    # About 49 %: linear layers are one linear layer.
    "13.2": lambda answer: 0.45 <= read_number(answer) <= 0.56,
    "13.3": each(_is_scores, [4, 3], [1, 2]),
}


# Lesson 14, digits.

#: Lists of true and predicted classes, and their most frequent mistake.
_CASES: Final = (
    ([0, 1, 2, 2, 2, 1], [0, 1, 1, 1, 2, 2], [2, 1]),
    ([8, 8, 8, 8, 3, 3, 9], [8, 8, 8, 1, 8, 8, 9], [3, 8]),
    ([5], [6], [5, 6]),
)


def _is_most_confused(answer: Any) -> bool:
    return all(
        asked(answer, list(actual), list(predicted), read=numbers(pair, 0.0))
        for actual, predicted, pair in _CASES
    )


ANSWERS |= {
    "14.1": number(lambda: len(MLP(64, [16, 8, 10]).parameters()), 0.0),
    "14.2": word("same"),
    "14.3": _is_most_confused,
}


# Lesson 15, vowels.

#: Who spoke each of eight rows, and row numbers that are no fair split.
_GROUPS: Final = [1, 1, 2, 2, 3, 3, 4, 4]
_UNFAIR: Final = (
    ([0, 2, 4, 6], [1, 3, 5, 7]),
    ([0, 1, 2, 3, 4, 5, 6], [7]),
    ([0, 1, 2, 3], [4, 5]),
    ([0, 1, 2, 3, 4, 5, 6, 7], [0, 1]),
)


def _is_fair(answer: Any) -> bool:
    cases = [(*split, True) for split in folds(_GROUPS, 4)]
    cases += [(*split, False) for split in _UNFAIR]
    return all(
        asked(answer, training, test, _GROUPS, read=_read_bool) == fair
        for training, test, fair in cases
    )


def _read_bool(found: Any) -> bool:
    if not isinstance(found, bool) and (isinstance(found, Real) or not is_real(found)):
        raise AnswerError(f"True or False is asked for, and this is {described(found)}")
    return bool(found)


ANSWERS |= {
    "15.1": number(lambda: standardising([[300.0], [700.0]])([[900.0]])[0][0]),
    "15.2": word("hawed"),
    "15.3": _is_fair,
}
