"""Answers: how each form of them is read, which are right, and which mistakes are known.

Any real number but a bool is a number, any list or array of them a list. What was read is compared
with what is right, then with what known mistakes give: a sign, a factor or the order that is
another, and what an exercise declares as `mistakes`. An `AnswerError` says what is wrong with the
form, and what the student's function raised.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from copy import deepcopy
from decimal import Decimal
from functools import partial
from numbers import Real
from typing import Any, Final, TypeVar

from tinygrad_edu.checks import is_flag, is_listed, is_real
from tinygrad_edu.diagnose import SLIPS, Diagnosis
from tinygrad_edu.engine import Value
from tinygrad_edu.examples import as_array
from tinygrad_edu.text import clean

#: Whether an answer, any object, is right. Raises AnswerError where there is more to say than that.
Right = Callable[[Any], bool]
#: What mistakes give, for a function the wrong one, by what is said of them: the name of a slip of
#: `diagnose`, or a sentence without its dot.
Mistakes = Mapping[str, Any]

T = TypeVar("T")

#: Below this a number counts as 0; elsewhere tolerances are relative.
_ZERO: Final = 1e-12
_COUNTS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_PLACES: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


class AnswerError(Exception):
    """What is wrong with the form of an answer, as a sentence without its dot."""


class MistakeError(AnswerError):
    """What is wrong with an answer that has its form, without what would be right."""


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


def read_list(answer: Any, n: int | None, of: str, *, ordered: bool = True) -> list[Any]:
    """The items of a list, an array or the like."""
    array = as_array(answer)
    items = answer if array is None else array.tolist()
    free = not ordered and isinstance(items, AbstractSet)
    found = list(items) if free or is_listed(items) else None
    if found is None or (n is not None and len(found) != n):
        wanted = of if n is None else f"{_counted(n)} {of.rstrip('s') if n == 1 else of}"
        this = described(answer) if found is None else f"a list of {_counted(len(found))}"
        raise AnswerError(f"a list of {wanted} is asked for, and this is {this}")
    return found


def read_value(answer: Any) -> Value:
    """An answer that is a Value."""
    if not isinstance(answer, Value):
        raise AnswerError(f"a Value is asked for, and this is {described(answer)}")
    return answer


def read_flag(answer: Any) -> bool:
    """An answer that is True or False; an object that only counts as one of them is taken too."""
    if not is_flag(answer) and (isinstance(answer, Real) or not is_real(answer)):
        raise AnswerError(f"True or False is asked for, and this is {described(answer)}")
    return bool(answer)


def read_text(answer: Any, of: str = "word") -> str:
    """An answer in words, in small letters without the spaces around it."""
    if not isinstance(answer, str):
        raise AnswerError(f"a {of} is asked for, and this is {described(answer)}")
    return answer.strip().lower()


def asked(answer: Any, *args: Any, read: Callable[[Any], T]) -> T:
    """What the answer, a function, gives for these arguments, as `read` reads it."""
    if not callable(answer):
        raise AnswerError(f"a function is asked for, and this is {described(answer)}")
    try:
        found = answer(*args)
    except AnswerError:  # of an answer that is asked while it answers
        raise
    except Exception as error:  # whatever a student's function may raise
        said = clean(f"{type(error).__name__}: {error}", 200)
        raise AnswerError(f"asked for {_shown_all(args)} the function raised {said}") from error
    try:
        return read(found)
    except AnswerError as error:
        raise type(error)(f"of what the function gives for {_shown_all(args)}: {error}") from None


def described(x: Any) -> str:
    """What an answer is, in words."""
    if x is None or isinstance(x, bool):
        return repr(x)
    kinds: Mapping[Any, str] = {
        (Real, Decimal, Value): "one number", str: "a text", Mapping: "a mapping",
        AbstractSet: "a set, which has no order",
    }  # fmt: skip
    known = next((text for kind, text in kinds.items() if isinstance(x, kind)), "")
    other = "a function" if callable(x) else "a list" if is_listed(x) else ""
    return known or other or f"of type {type(x).__name__}"


def _counted(n: int) -> str:
    return _COUNTS[n] if n < len(_COUNTS) else str(n)


def _shown_all(args: Iterable[Any]) -> str:
    """The arguments of a call as they are told."""
    return f"({', '.join(map(_shown, args))})"


def _shown(x: Any) -> str:
    array = None if callable(x) else as_array(x)
    return "f" if callable(x) else f"{x!r:.40}" if array is None else f"array of {array.shape}"


def equal(
    expected: Any,
    tolerance: float = 1e-3,
    mistakes: Mistakes | None = None,
    *,
    ordered: bool = True,
) -> Right:
    """Whether an answer is this number or word, or holds these numbers.

    The tolerance is relative, 0 for a count; a word may have any case and spaces around it. Numbers
    stand in this order unless that is no matter.
    """
    if isinstance(expected, str):
        return lambda answer: read_text(answer) == expected
    if not ordered:
        in_order = sorted(expected)
        return lambda answer: _same(
            sorted(read_numbers(answer, ordered=False)), in_order, tolerance
        )

    def is_right(answer: Any) -> bool:
        found = _reader(expected)(answer)
        if _compared(found, expected, tolerance, (mistakes or {}).items()):
            return True
        if changed := _changed(found, expected, tolerance):
            raise MistakeError(changed)
        return False

    return is_right


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
        known = ((said, given(mistake)) for said, mistake in (mistakes or {}).items())
        if _compared(found, expected, tolerance, known):
            return True
        pairs = zip(cases, found, expected, strict=True)
        case, gives, wanted = next(pair for pair in pairs if not _same(*pair[1:], tolerance))
        changed = _changed(gives, wanted, tolerance) or "another result is right"
        raise MistakeError(f"for {_shown_all(case)} the function gives {_shown(gives)}: {changed}")

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


def diagnosed(diagnose: Callable[..., Diagnosis], *args: Any) -> bool:
    """Whether nothing is wrong; what is wrong first is told, and its slip, without a correction."""
    try:
        found = diagnose(*args)
    except (TypeError, ValueError) as error:  # of what cannot be judged
        raise AnswerError(str(error)) from None
    if not found.right:
        raise MistakeError(found.sentence.rstrip("."))
    return True


def _reader(expected: Any) -> Callable[[Any], Any]:
    """What reads an answer of this kind."""
    if isinstance(expected, bool):
        return read_flag
    return partial(read_numbers, n=len(expected)) if _is_list(expected) else read_number


def _compared(
    found: Any, expected: Any, tolerance: float, mistakes: Iterable[tuple[str, Any]]
) -> bool:
    """Whether it is the same; raises MistakeError for what a known mistake gives."""
    if _same(found, expected, tolerance):
        return True
    for said, mistake in mistakes:
        if _same(found, mistake, tolerance):
            raise MistakeError(f"{said}: {SLIPS[said]}" if said in SLIPS else said)
    return False


def _same(found: Any, expected: Any, tolerance: float) -> bool:
    """Whether they are the same numbers, one or in lists of lists."""
    if _is_list(expected):
        return len(found) == len(expected) and all(
            _same(a, x, tolerance) for a, x in zip(found, expected, strict=True)
        )
    return math.isclose(found, expected, rel_tol=tolerance, abs_tol=_ZERO if tolerance else 0.0)


def _is_list(x: Any) -> bool:
    return isinstance(x, (list, tuple))


def _changed(found: Any, expected: Any, tolerance: float) -> str:
    """What was done to right numbers, or which of them are wrong; "" where that cannot be told."""
    if not _is_list(expected):
        found, expected = [found], [expected]
    pairs = list(zip(found, expected, strict=True))
    wrong = [k for k, (a, x) in enumerate(pairs) if not _same(a, x, tolerance)]
    which = f"{len(wrong)} of the numbers"
    if len(wrong) == len(pairs):
        which = "the number" if len(pairs) == 1 else "every number"
    elif len(wrong) == 1 and wrong[0] < len(_PLACES):
        which = f"the {_PLACES[wrong[0]]} number"
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
