"""The kinds of answers: which is right, and which mistakes are known by what they give.

What can be read of an answer is compared with what is right, then with what known mistakes give: a
sign, a factor or the order that is another, and what an exercise declares as `mistakes`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import cache, partial
from typing import Any, Final, TypeVar

from tinygrad_edu.diagnose import SLIPS, Diagnosis
from tinygrad_edu.engine import Value, grad
from tinygrad_edu.exercises.reading import (
    AnswerError,
    asked,
    read_flag,
    read_number,
    read_numbers,
    read_text,
    shown,
)

#: Whether an answer, any object, is right. Raises AnswerError where there is more to say than that.
Right = Callable[[Any], bool]
#: What mistakes give, a function of it, or, for a function, the wrong one, by what is said of them:
#: the name of a slip of `diagnose`, or a sentence without its dot.
Mistakes = Mapping[str, Any]

T = TypeVar("T")

#: Below this a number counts as 0; elsewhere tolerances are relative.
_ZERO: Final = 1e-12
_PLACES: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


class MistakeError(AnswerError):
    """What is wrong with an answer that has its form, without what would be right."""


def number(
    x: float | Callable[[], float], tolerance: float = 1e-3, mistakes: Mistakes | None = None
) -> Right:
    """Whether an answer is the number x, to a relative tolerance; a count has the tolerance 0.

    A function computes x, once, when there is an answer to compare with.
    """
    return _compared(read_number, x, tolerance, mistakes)


def numbers(
    xs: Sequence[float] | Callable[[], Sequence[float]],
    tolerance: float = 1e-3,
    mistakes: Mistakes | None = None,
    *,
    ordered: bool = True,
) -> Right:
    """Whether an answer holds these numbers, in this order unless that is no matter.

    Tolerances are those of `number`.
    """
    computed = _once(xs)

    def right(answer: Any) -> bool:
        expected = list(computed())
        if ordered:
            read = partial(read_numbers, n=len(expected))
            return _compared(read, expected, tolerance, mistakes)(answer)
        return _same(sorted(read_numbers(answer, ordered=False)), sorted(expected), tolerance)

    return right


def function(
    right: Callable[..., Any],
    *cases: tuple[Any, ...],
    tolerance: float = 1e-9,
    read: Callable[[Any], Any] | None = None,
    mistakes: Mistakes | None = None,
) -> Right:
    """Whether an answer is a function that gives what `right` gives, in each of these cases.

    It is a number, a list of numbers, True or False, unless `read` reads something else. A mistake
    is a function too, and is told where the answer gives what it gives, in all cases.
    """

    def is_right(answer: Any) -> bool:
        found, expected = [], []
        for case in cases:
            expected.append(right(*deepcopy(case)))
            reader = read or _reader(expected[-1])
            found.append(asked(answer, *deepcopy(case), read=reader))
        wrong = [k for k, x in enumerate(expected) if not _same(found[k], x, tolerance)]
        for said, mistake in (mistakes or {}).items() if wrong else ():
            if _same(found, [mistake(*deepcopy(case)) for case in cases], tolerance):
                raise MistakeError(_said(said))
        if wrong:
            case, gives = cases[wrong[0]], found[wrong[0]]
            changed = _changed(found[wrong[0]], expected[wrong[0]], tolerance)
            raise MistakeError(
                f"for ({', '.join(map(shown, case))}) the function gives {shown(gives)}: "
                f"{changed or 'another result is right'}"
            )
        return True

    return is_right


def choice(right: str, reasons: Mapping[str, str]) -> Right:
    """Whether an answer is the letter `right`; what is wrong with another is told."""

    def is_right(answer: Any) -> bool:
        letter = read_text(answer, "letter").rstrip(").")
        if letter not in reasons:
            raise AnswerError(f"one of the letters {', '.join(reasons)} is asked for")
        if letter != right:
            raise MistakeError(reasons[letter].rstrip("."))
        return True

    return is_right


def word(*accepted: str) -> Right:
    """Whether an answer is one of these words, in any case and with spaces around it."""
    return lambda answer: read_text(answer) in accepted


def each(right: Callable[[Any, T], bool], *cases: T) -> Right:
    """Whether an answer is right in each of these cases."""
    return lambda answer: all(right(answer, case) for case in cases)


def slopes(f: Callable[..., Value], *at: float) -> Callable[[], list[float]]:
    """A function that computes the derivatives of `f` by each of its arguments."""

    def computed() -> list[float]:
        xs = [Value(x) for x in at]
        return [v.data for v in grad(f(*xs), xs)]

    return computed


def diagnosed(found: Diagnosis) -> bool:
    """Whether nothing is wrong; a slip that is named is told as a hint, without its correction."""
    if not found.right and found.slip != "unknown":
        raise MistakeError(found.sentence.rstrip("."))
    return found.right


def _compared(
    read: Callable[[Any], Any], x: Any, tolerance: float, mistakes: Mistakes | None
) -> Right:
    """Whether what is read is x, a number or a list of them; raises MistakeError."""
    computed = _once(x)

    def right(answer: Any) -> bool:
        found, expected = read(answer), computed()
        if _same(found, expected, tolerance):
            return True
        for said, mistake in (mistakes or {}).items():
            if _same(found, _once(mistake)(), tolerance):
                raise MistakeError(_said(said))
        if changed := _changed(found, expected, tolerance):
            raise MistakeError(changed)
        return False

    return right


def _reader(expected: Any) -> Callable[[Any], Any]:
    """What reads an answer of this kind."""
    if isinstance(expected, bool):
        return read_flag
    return partial(read_numbers, n=len(expected)) if _is_list(expected) else read_number


def _same(found: Any, expected: Any, tolerance: float) -> bool:
    """Whether they are the same numbers, one or in lists of lists."""
    if _is_list(expected):
        return len(found) == len(expected) and all(
            _same(a, x, tolerance) for a, x in zip(found, expected, strict=True)
        )
    return math.isclose(found, expected, rel_tol=tolerance, abs_tol=_ZERO if tolerance else 0.0)


def _changed(found: Any, expected: Any, tolerance: float) -> str:
    """What was done to right numbers, or which of them are wrong; "" where that cannot be told."""
    if not _is_list(expected):
        found, expected = [found], [expected]
    pairs = list(zip(found, expected, strict=True))
    wrong = [k for k, (a, x) in enumerate(pairs) if not _same(a, x, tolerance)]
    which = _which(wrong, len(pairs))
    if all(_same(-pairs[k][0], pairs[k][1], tolerance) for k in wrong):
        return f"the sign of {which} is the other way round"
    if _same(sorted(found), sorted(expected), tolerance):
        return "the numbers are right, and stand in another order"
    if tolerance == 0.0 and len(pairs) == 1 and abs(found[0] - expected[0]) == 1:
        return "it is off by one"
    ratios = [a / x for a, x in pairs if x]
    factors = (2.0, 0.5, *(ratios[:1] if len(ratios) > 1 else ()))
    if any(k and _same(found, [k * x for x in expected], tolerance) for k in factors):
        return "a factor is missing or stands there twice: the rest is right"
    if len(wrong) < len(pairs):
        return f"{which} {'is' if len(wrong) == 1 else 'are'} wrong"
    return ""


def _which(wrong: Sequence[int], n: int) -> str:
    """The wrong ones of n numbers in words."""
    if len(wrong) == n:
        return "the number" if n == 1 else "every number"
    if len(wrong) == 1 and wrong[0] < len(_PLACES):
        return f"the {_PLACES[wrong[0]]} number"
    return f"{len(wrong)} of the numbers"


def _said(mistake: str) -> str:
    """A mistake in words: a slip with what it means."""
    return f"{mistake}: {SLIPS[mistake]}" if mistake in SLIPS else mistake


def _is_list(x: Any) -> bool:
    return isinstance(x, (list, tuple))


def _once(x: Any) -> Callable[[], Any]:
    return cache(x) if callable(x) else lambda: x
