"""Exercise: what an answer must be, and what helps whoever has not found it yet.

An answer is read by one function for each kind: any real number but a bool, any list or array of
them. An `AnswerError` says what is wrong with its form, and what the student's function raised.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from functools import cache
from numbers import Real
from typing import Any, Final, NamedTuple, TypeVar

from tinygrad_edu.checks import is_listed
from tinygrad_edu.diagnose import Diagnosis
from tinygrad_edu.engine import Value, grad
from tinygrad_edu.examples import as_array
from tinygrad_edu.text import clean

#: Whether an answer, any object, is right. Raises AnswerError where there is more to say than that.
Right = Callable[[Any], bool]

T = TypeVar("T")

#: Below this a number counts as 0; elsewhere tolerances are relative.
_ZERO: Final = 1e-12
_WORDS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class AnswerError(Exception):
    """What stands against an answer that is not even a wrong one, as a sentence without its dot."""


class Exercise(NamedTuple):
    """A question, what tells whether an answer is right, and a hint that does not give it away."""

    question: str
    right: Right
    hint: str


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
    """Whether an answer is the number x, to a relative tolerance; a count has the tolerance 0.

    A function computes x, once, when there is an answer to compare with.
    """
    expected = _once(x)
    return lambda answer: _near(read_number(answer), expected(), tolerance)


def numbers(
    xs: Sequence[float] | Callable[[], Sequence[float]],
    tolerance: float = 1e-3,
    *,
    ordered: bool = True,
) -> Right:
    """Whether an answer holds these numbers, in this order unless that is no matter.

    Tolerances are those of `number`.
    """
    computed = _once(xs)

    def right(answer: Any) -> bool:
        expected = list(computed())
        found = read_numbers(answer, None if not ordered else len(expected), ordered=ordered)
        if not ordered:
            found, expected = sorted(found), sorted(expected)
        return len(found) == len(expected) and all(
            _near(a, x, tolerance) for a, x in zip(found, expected, strict=True)
        )

    return right


def slopes(f: Callable[..., Value], *at: float) -> Callable[[], list[float]]:
    """A function that computes the derivatives of `f` by each of its arguments."""

    def computed() -> list[float]:
        xs = [Value(x) for x in at]
        return [v.data for v in grad(f(*xs), xs)]

    return computed


def each(right: Callable[[Any, T], bool], *cases: T) -> Right:
    """Whether an answer is right in each of these cases."""
    return lambda answer: all(right(answer, case) for case in cases)


def word(*accepted: str) -> Right:
    """Whether an answer is one of these words, in any case and with spaces around it."""

    def right(answer: Any) -> bool:
        if not isinstance(answer, str):
            raise AnswerError(f"a word is asked for, and this is {described(answer)}")
        return answer.strip().lower() in accepted

    return right


def read_number(answer: Any) -> float:
    """An answer as a float: any real number but a bool, a Value, an array of no dimensions."""
    x: Any = answer.data if isinstance(answer, Value) else answer
    array = as_array(x)
    x = array.item() if array is not None and array.ndim == 0 else x
    if isinstance(x, bool) or not isinstance(x, (Real, Decimal)):
        raise AnswerError(f"a number is asked for, and this is {described(answer)}")
    try:
        return float(x)
    except OverflowError:  # larger than any number that is asked for
        return math.inf
    except ValueError:  # a decimal that signals
        return math.nan


def read_numbers(answer: Any, n: int | None = None, *, ordered: bool = True) -> list[float]:
    """The numbers of an answer, `n` of them if given; a set only where their order is no matter."""
    return [read_number(x) for x in read_list(answer, n, "numbers", ordered=ordered)]


def read_value(answer: Any) -> Value:
    """An answer that is a Value."""
    if not isinstance(answer, Value):
        raise AnswerError(f"a Value is asked for, and this is {described(answer)}")
    return answer


def read_list(answer: Any, n: int | None, of: str, *, ordered: bool = True) -> list[Any]:
    """The items of a list, an array or the like."""
    array = as_array(answer)
    items = answer if array is None else array.tolist()
    free = not ordered and isinstance(items, AbstractSet)
    found = list(items) if free or is_listed(items) else None
    if found is None or (n is not None and len(found) != n):
        wanted = of if n is None else f"{_counted(n)} {of}"
        raise AnswerError(
            f"a list of {wanted} is asked for, and this is {described(answer, found)}"
        )
    return found


def asked(answer: Any, *args: Any, read: Callable[[Any], T]) -> T:
    """What the answer, a function, gives for these arguments, as `read` reads it."""
    if not callable(answer):
        raise AnswerError(f"a function is asked for, and this is {described(answer)}")
    shown = ", ".join(map(_shown, args))
    try:
        found = answer(*args)
    except Exception as error:  # whatever a student's function may raise
        said = clean(f"{type(error).__name__}: {error}", 200)
        raise AnswerError(f"asked for ({shown}) the function raised {said}") from error
    try:
        return read(found)
    except AnswerError as error:
        raise AnswerError(f"of what the function gives for ({shown}): {error}") from None


def _shown(x: Any) -> str:
    array = None if callable(x) else as_array(x)
    return "f" if callable(x) else f"{x!r:.40}" if array is None else f"array of {array.shape}"


def diagnosed(found: Diagnosis) -> bool:
    """Whether nothing is wrong; a slip that is named is told as a hint, without its correction."""
    if not found.right and found.slip != "unknown":
        raise AnswerError(found.sentence.rstrip("."))
    return found.right


def described(x: Any, items: Sequence[Any] | None = None) -> str:
    """What an answer is, in words."""
    if x is None or isinstance(x, bool):
        return repr(x)
    if items is not None:
        return f"a list of {_counted(len(items))}"
    kinds: Mapping[Any, str] = {
        (Real, Decimal, Value): "one number", str: "a text", Mapping: "a mapping",
        AbstractSet: "a set, which has no order",
    }  # fmt: skip
    known = next((text for kind, text in kinds.items() if isinstance(x, kind)), "")
    other = "a function" if callable(x) else "a list" if is_listed(x) else ""
    return known or other or f"of type {type(x).__name__}"


def _once(x: Any) -> Callable[[], Any]:
    return cache(x) if callable(x) else lambda: x


def _counted(n: int) -> str:
    return _WORDS[n] if n < len(_WORDS) else str(n)


def _near(a: float, x: float, tolerance: float) -> bool:
    return math.isclose(a, x, rel_tol=tolerance, abs_tol=_ZERO if tolerance else 0.0)
