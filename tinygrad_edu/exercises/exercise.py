"""Exercise: what an answer must be, and what helps whoever has not found it yet."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tinygrad_edu.engine import Value

#: Whether an answer, any object, is right.
Right = Callable[[Any], bool]


class Exercise(NamedTuple):
    """A question, what tells whether an answer is right, and a hint that does not give it away.

    `right` takes any object. `hint` is a text, or a function of a wrong answer that gives one.
    """

    question: str
    right: Right
    hint: str | Callable[[Any], str]


class Verdict:
    """What is said of an answer: `right` is True, False, or None where there is no answer yet.

    In an `assert` or `if` it counts as its `right`.
    """

    def __init__(self, number: str, right: bool | None, said: str) -> None:
        self.number, self.right, self.said = number, right, said

    def __bool__(self) -> bool:
        return self.right is True

    def __repr__(self) -> str:
        return f"Exercise {self.number}: {self.said}"


def number(x: float | Callable[[], float], tolerance: float = 1e-3) -> Right:
    """Whether an answer is the number x, to a relative tolerance (absolute below 1).

    A function computes x when there is an answer to compare with.
    """
    return lambda answer: _near(answer, x() if callable(x) else x, tolerance)


def numbers(xs: Sequence[float] | Callable[[], Sequence[float]], tolerance: float = 1e-3) -> Right:
    """Whether an answer is a list or tuple of these numbers, in this order; as for `number`."""

    def right(answer: Any) -> bool:
        expected = xs() if callable(xs) else xs
        return (
            isinstance(answer, (list, tuple))
            and len(answer) == len(expected)
            and all(_near(a, x, tolerance) for a, x in zip(answer, expected, strict=True))
        )

    return right


def word(*accepted: str) -> Right:
    """Whether an answer is one of these words, in any case and with spaces around it."""
    return lambda answer: isinstance(answer, str) and answer.strip().lower() in accepted


def _near(answer: Any, x: float, tolerance: float) -> bool:
    if isinstance(answer, Value):
        answer = answer.data
    if isinstance(answer, bool) or not isinstance(answer, (int, float)):
        return False
    return math.isclose(answer, x, rel_tol=tolerance, abs_tol=tolerance)
