"""The kinds of answers: which is right, and which mistakes are known by what they give.

What can be read of an answer is compared with what is right, then with what known mistakes give: a
sign, a factor or the order that is another, and what an exercise declares as `mistakes`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any, Final, TypeVar

from tinygrad_edu.diagnose import SLIPS, Diagnosis
from tinygrad_edu.exercises.reading import (
    AnswerError,
    asked,
    read_flag,
    read_number,
    read_numbers,
    read_text,
    shown,
    shown_all,
)

#: Whether an answer, any object, is right. Raises AnswerError where there is more to say than that.
Right = Callable[[Any], bool]
#: What mistakes give, for a function the wrong one, by what is said of them: the name of a slip of
#: `diagnose`, or a sentence without its dot.
Mistakes = Mapping[str, Any]

T = TypeVar("T")

#: Below this a number counts as 0; elsewhere tolerances are relative.
_ZERO: Final = 1e-12
_PLACES: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


class MistakeError(AnswerError):
    """What is wrong with an answer that has its form, without what would be right."""


def number(x: float, tolerance: float = 1e-3, mistakes: Mistakes | None = None) -> Right:
    """Whether an answer is the number x, to a relative tolerance; a count has the tolerance 0."""
    return _compared(read_number, x, tolerance, mistakes)


def numbers(
    xs: Sequence[float],
    tolerance: float = 1e-3,
    mistakes: Mistakes | None = None,
    *,
    ordered: bool = True,
) -> Right:
    """Whether an answer holds these numbers, in this order unless that is no matter.

    Tolerances are those of `number`.
    """
    if ordered:
        return _compared(partial(read_numbers, n=len(xs)), xs, tolerance, mistakes)
    return lambda answer: _same(sorted(read_numbers(answer, ordered=False)), sorted(xs), tolerance)


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

    def given(f: Any) -> list[Any]:
        """What a function of the package's own gives, read as an answer is."""
        results = [f(*deepcopy(case)) for case in cases]
        return [(read or _reader(result))(result) for result in results]

    def is_right(answer: Any) -> bool:
        expected = given(right)
        found = [
            asked(answer, *deepcopy(case), read=read or _reader(x))
            for case, x in zip(cases, expected, strict=True)
        ]
        wrong = [k for k, x in enumerate(expected) if not _same(found[k], x, tolerance)]
        for said, mistake in (mistakes or {}).items() if wrong else ():
            if _same(found, given(mistake), tolerance):
                raise MistakeError(_said(said))
        if wrong:
            case, gives, wanted = cases[wrong[0]], found[wrong[0]], expected[wrong[0]]
            changed = _changed(gives, wanted, tolerance) or "another result is right"
            raise MistakeError(
                f"for {shown_all(case)} the function gives {shown(gives)}: {changed}"
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


def diagnosed(found: Diagnosis) -> bool:
    """Whether nothing is wrong; what is wrong first is told, and its slip, without a correction."""
    if not found.right:
        raise MistakeError(found.sentence.rstrip("."))
    return True


def _compared(
    read: Callable[[Any], Any], expected: Any, tolerance: float, mistakes: Mistakes | None
) -> Right:
    """Whether what is read is a number or a list of them; raises MistakeError."""

    def right(answer: Any) -> bool:
        found = read(answer)
        if _same(found, expected, tolerance):
            return True
        for said, mistake in (mistakes or {}).items():
            if _same(found, mistake, tolerance):
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
