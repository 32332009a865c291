"""The exercises of lesson 14, digits."""

from functools import cache
from typing import Any, Final

from tinygrad_edu.exercises.exercise import Exercise, number, numbers, word
from tinygrad_edu.nn import MLP

#: Lists of true and predicted classes, and their most frequent mistake.
_CASES: Final = (
    ([0, 1, 2, 2, 2, 1], [0, 1, 1, 1, 2, 2], [2, 1]),
    ([8, 8, 8, 8, 3, 3, 9], [8, 8, 8, 1, 8, 8, 9], [3, 8]),
    ([5], [6], [5, 6]),
)


@cache
def _number_of_parameters() -> int:
    return len(MLP(64, [16, 8, 10]).parameters())


def _is_most_confused(answer: Any) -> bool:
    return callable(answer) and all(
        numbers(pair)(answer(list(actual), list(predicted))) for actual, predicted, pair in _CASES
    )


EXERCISES: Final[dict[str, Exercise]] = {
    "14.1": Exercise(
        "The number of parameters of a 64-16-8-10 net is asked for.",
        lambda answer: number(_number_of_parameters(), 1e-9)(answer),
        "a layer of n units on m inputs has a weight for each pair, and a bias for each unit.",
    ),
    "14.2": Exercise(
        'The word "better", "same" or "worse" is asked for.',
        word("same"),
        "each hidden unit has a weight for every pixel: does anything in the net know which pixels "
        "are neighbours? Train it and compare the accuracies.",
    ),
    "14.3": Exercise(
        "A function most_confused(actual, predicted) that gives a pair of class numbers is asked "
        "for.",
        _is_most_confused,
        "zip the two lists, leave out the pairs that are right, and count the rest: "
        "collections.Counter has most_common.",
    ),
}
