"""Right answers are right, others are not, and a hint never gives the answer away."""

import re
from pathlib import Path
from typing import Any

import pytest

from tinygrad_edu import Value
from tinygrad_edu.exercises import EXERCISES, check
from tinygrad_edu.exercises.exercise import number, numbers, word

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"

#: A right answer to each exercise, by a way that the exercise itself does not take.
ANSWERS: dict[str, Any] = {}

WRONG: list[Any] = [None, "no", -1234.5, [], [1.0], {}, True, object()]


def test_every_exercise_has_an_answer_here() -> None:
    assert sorted(ANSWERS) == sorted(EXERCISES)


@pytest.mark.parametrize("name", sorted(EXERCISES))
def test_a_right_answer_is_right_and_others_get_a_hint(name: str) -> None:
    assert repr(check(name, ANSWERS[name])) == f"Exercise {name}: right."
    for answer in WRONG:
        verdict = check(name, answer)
        assert verdict.right is False
        assert verdict.said.startswith("not yet. Hint: ")
        assert len(verdict.said) > 30
    unanswered = check(name)
    assert unanswered.right is None
    assert unanswered.said == f"no answer yet. {EXERCISES[name].question}"


def test_a_hint_does_not_hold_the_number_that_is_asked_for() -> None:
    for name, answer in ANSWERS.items():
        if isinstance(answer, float):
            digits = re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", check(name, None).said)
            assert all(abs(float(x) - answer) > 1e-3 * abs(answer) for x in digits), name


def test_an_unknown_exercise_is_named() -> None:
    with pytest.raises(ValueError, match=r"^unknown exercise '99\.9': choose "):
        check("99.9", 1.0)


def test_what_counts_as_a_number() -> None:
    right = number(0.25)
    assert right(0.25)
    assert right(Value(0.2501))
    assert not any(right(x) for x in (0.26, True, "0.25", None, float("nan")))
    assert number(1.0)(1)
    assert not number(1.0)(True)


def test_what_counts_as_a_list_of_numbers_and_as_a_word() -> None:
    assert numbers([1.0, 2.0])((1, 2))
    assert not any(numbers([1.0, 2.0])(x) for x in ([2.0, 1.0], [1.0], 1.0, "12"))
    assert word("batch")(" Batch ")
    assert not any(word("batch")(x) for x in ("online", "", None))
