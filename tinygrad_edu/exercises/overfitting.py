"""The exercises of lesson 12, overfitting and regularisation."""

from typing import Any, Final

from tinygrad_edu.engine import Value
from tinygrad_edu.exercises.exercise import Exercise, numbers
from tinygrad_edu.nn import Neuron
from tinygrad_edu.nn.norm import BatchNorm
from tinygrad_edu.train import EarlyStopping, Epoch

_VALIDATION_LOSSES: Final = (0.9, 0.7, 0.5, 0.6, 0.55, 0.52, 0.4, 0.3)


def _kept_and_expected() -> list[float]:
    a, p = 0.6, 0.25
    kept = a / (1 - p)
    return [kept, (1 - p) * kept]


def _stopped_and_restored() -> list[float]:
    stopping = EarlyStopping(patience=3)
    unit = Neuron(1, init="zeros")
    for k, loss in enumerate(_VALIDATION_LOSSES):
        if stopping(Epoch(k, False, unit, 0.0, None, loss, None)):
            return [k, stopping.best_epoch]
    return []


def _is_normalisation(answer: Any) -> bool:
    columns = ([1.0, 2.0, 3.0, 6.0], [-5.0, 5.0], [0.01, 0.02, 0.02])
    return callable(answer) and all(_normalises(answer, column) for column in columns)


def _normalises(answer: Any, column: list[float]) -> bool:
    expected = [row[0].data for row in BatchNorm(1).batch([[x] for x in column])]
    found = answer(list(column))
    if isinstance(found, (list, tuple)):
        found = [v.data if isinstance(v, Value) else v for v in found]
    return numbers(expected, 1e-6)(found)


EXERCISES: Final[dict[str, Exercise]] = {
    "12.1": Exercise(
        "The list [what a kept activation becomes, its expectation] is asked for.",
        numbers(_kept_and_expected),
        "a kept number is divided by the probability to be kept; the expectation is the mean of "
        "the two outcomes, weighted with their probabilities.",
    ),
    "12.2": Exercise(
        "The list [epoch after which it stops, epoch whose weights are restored] is asked for.",
        numbers(_stopped_and_restored),
        "mark the epochs that are better than all before them; from the last of these count the "
        "epochs without a new best until the patience is used up. It does not see what would "
        "have come later.",
    ),
    "12.3": Exercise(
        "A function normalised(xs) that gives a list of as many numbers is asked for.",
        _is_normalisation,
        "subtract the mean; divide by the root of (variance + eps), the variance divided by N, not "
        "by N - 1, and eps inside the root.",
    ),
}
