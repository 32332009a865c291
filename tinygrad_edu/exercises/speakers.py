"""The exercises of lesson 15, vowels."""

from typing import Any, Final

from tinygrad_edu.data import folds, standardising
from tinygrad_edu.exercises.exercise import Exercise, number, word

#: Who spoke each of eight rows, and row numbers that are no fair split.
_GROUPS: Final = [1, 1, 2, 2, 3, 3, 4, 4]
_UNFAIR: Final = (
    ([0, 2, 4, 6], [1, 3, 5, 7]),
    ([0, 1, 2, 3, 4, 5, 6], [7]),
    ([0, 1, 2, 3], [4, 5]),
    ([0, 1, 2, 3, 4, 5, 6, 7], [0, 1]),
)


def _is_fair(answer: Any) -> bool:
    if not callable(answer):
        return False
    fair = [answer(training, test, _GROUPS) for training, test in folds(_GROUPS, 4)]
    unfair = [answer(training, test, _GROUPS) for training, test in _UNFAIR]
    return fair == [True] * len(fair) and unfair == [False] * len(unfair)


EXERCISES: Final[dict[str, Exercise]] = {
    "15.1": Exercise(
        "The standardised number for 900 Hz is asked for, after 300 and 700 Hz.",
        lambda answer: number(standardising([[300.0], [700.0]])([[900.0]])[0][0])(answer),
        "take the mean away, and divide by the deviation, here the distance of either sound to "
        "the mean.",
    ),
    "15.2": Exercise(
        "The word that is mixed up most with hod is asked for.",
        word("hawed"),
        "look at the row and the column of hod: the two vowels are neighbours in the plane, and in "
        "many accents of English there is no difference between them today.",
    ),
    "15.3": Exercise(
        "A function fair(training, test, groups) that gives True or False is asked for.",
        _is_fair,
        "make a set of the speakers of each side and look at what they have in common; then the "
        "row numbers of both sides together must be those of all rows.",
    ),
}
