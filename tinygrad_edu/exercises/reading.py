"""Reading an answer: one function for each form that an answer can have.

Any real number but a bool is a number, any list or array of them a list. An `AnswerError` says what
is wrong with the form, and what the student's function raised.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from numbers import Real
from typing import Any, Final, TypeVar

from tinygrad_edu.checks import is_flag, is_listed, is_real
from tinygrad_edu.engine import Value
from tinygrad_edu.examples import as_array
from tinygrad_edu.text import clean

T = TypeVar("T")

_WORDS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class AnswerError(Exception):
    """What is wrong with the form of an answer, as a sentence without its dot."""


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
        wanted = of if n is None else f"{_counted(n)} {of.rstrip('s') if n == 1 else of}"
        raise AnswerError(
            f"a list of {wanted} is asked for, and this is {described(answer, found)}"
        )
    return found


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
        raise AnswerError(f"asked for {shown_all(args)} the function raised {said}") from error
    try:
        return read(found)
    except AnswerError as error:
        raise type(error)(f"of what the function gives for {shown_all(args)}: {error}") from None


def shown_all(args: Iterable[Any]) -> str:
    """The arguments of a call as they are told."""
    return f"({', '.join(map(shown, args))})"


def shown(x: Any) -> str:
    """An argument as it is told."""
    array = None if callable(x) else as_array(x)
    return "f" if callable(x) else f"{x!r:.40}" if array is None else f"array of {array.shape}"


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


def _counted(n: int) -> str:
    return _WORDS[n] if n < len(_WORDS) else str(n)
