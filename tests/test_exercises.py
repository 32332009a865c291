"""Right answers are right, others are not, and a hint never gives the answer away."""

import re
from typing import Any

import pytest

from tinygrad_edu.exercises import EXERCISES, Exercise, _tables, check, variant


def solved(exercise: Exercise) -> Any:
    """The answer that the solution of an exercise gives, by a way that `right` does not take."""
    names: dict[str, Any] = {}
    exec(exercise.solution, names)
    return names["answer"]


#: A right answer to each exercise.
ANSWERS: dict[str, Any] = {name: solved(exercise) for name, exercise in EXERCISES.items()}
#: Those that have other numbers with another seed.
VARYING = [name for name in EXERCISES if variant(name, 1).solution != variant(name, 2).solution]
CHOICES = [name for name, exercise in EXERCISES.items() if "\n  a) " in exercise.question]

WRONG: list[Any] = [None, "no", -1234.5, [], [1.0], {}, True, object()]


@pytest.mark.parametrize("name", sorted(EXERCISES))
def test_a_right_answer_is_right_and_others_get_a_hint(name: str) -> None:
    exercise = EXERCISES[name]
    verdict = check(name, ANSWERS[name])
    assert verdict.said == f"right. {exercise.why}"
    assert " ".join(repr(verdict).split()) == f"Exercise {name}: {verdict.said}"
    assert all(len(line) <= 100 for line in repr(check(name)).split("\n"))
    for answer in WRONG:
        verdict = check(name, answer)
        assert verdict.right is False
        # what has another form is told so, where it was given the hint of a wrong number before
        assert verdict.said.startswith(("not yet. Hint: ", "not yet: "))
        assert len(verdict.said) > 30
        assert not verdict
    unanswered = check(name)
    assert not unanswered
    assert unanswered.right is None
    assert unanswered.said == f"no answer yet. {exercise.question}"


@pytest.mark.parametrize("name", sorted(EXERCISES))
def test_an_exercise_has_a_reason_hints_and_a_question_in_words(name: str) -> None:
    exercise = EXERCISES[name]
    assert exercise.question.endswith(".") or name in CHOICES
    assert exercise.why.endswith((".", "?"))
    assert exercise.kind in ("predict", "why", "work")
    assert name in CHOICES or 1 <= len(exercise.hints) <= 3
    assert not re.search(r"[{}]", exercise.question) or name not in VARYING


def test_a_hint_does_not_hold_the_number_that_is_asked_for() -> None:
    for name, answer in ANSWERS.items():
        if isinstance(answer, float):
            for hint in EXERCISES[name].hints:
                digits = re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", hint)
                assert all(abs(float(x) - answer) > 1e-3 * abs(answer) for x in digits), name


@pytest.mark.parametrize("name", VARYING)
def test_other_seeds_ask_for_other_numbers_and_are_solved_alike(name: str) -> None:
    questions = {check(name, seed=seed).said for seed in range(8)}
    assert len(questions) > 2
    for seed in range(1, 8):
        exercise = variant(name, seed)
        assert exercise[2:] == variant(name, seed)[2:]
        assert check(name, solved(exercise), seed=seed), exercise.question
        assert check(name, None, seed=seed).right is False
    others = [variant(name, seed) for seed in range(8)]
    assert any(not check(name, solved(other)) for other in others)
    assert variant(name)[2:] == EXERCISES[name][2:]


def test_all_seeds_are_one_where_an_exercise_does_not_vary() -> None:
    assert variant("4.2", 5).question == EXERCISES["4.2"].question
    assert check("4.2", 104, seed=5)


@pytest.mark.parametrize("name", [name for name in EXERCISES if "mistakes" in _tables()[name]])
def test_each_mistake_of_an_exercise_is_wrong_and_is_told(name: str) -> None:
    names: dict[str, Any] = {}
    exec(EXERCISES[name].solution, names)
    for said, text in _tables()[name]["mistakes"].items():
        verdict = check(name, eval(text, names))
        assert verdict.right is False, said
        assert said in verdict.said


def test_hints_come_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    exercise = Exercise("How many?", lambda answer: answer == 3, ("first.", "second.", "third."))
    monkeypatch.setitem(EXERCISES, "1.1", exercise)
    said = [check("1.1", 4, hint=k).said for k in range(4)]
    assert said == [
        'not yet. Hint: first. More: check("1.1", answer, hint=2)',
        'not yet. Hint: first. More: check("1.1", answer, hint=2)',
        'not yet. Hint: second. More: check("1.1", answer, hint=3)',
        "not yet. Hint: third.",
    ]
    assert check("1.1", hint=2).said == "no answer yet. How many? Hint: second."
    assert check("1.1", 3, hint=2).said == "right."
    for k in (4, -1, 0.5, True):
        with pytest.raises((ValueError, TypeError), match="hint must be an int from 0 to 3"):
            check("1.1", 4, hint=k)  # type: ignore[arg-type]


def test_a_question_without_hints_offers_none() -> None:
    assert EXERCISES["1.4"].hints == ()
    assert check("1.4", "a").said.endswith("what is left of h?")


def test_another_hint_is_offered_for_the_same_numbers() -> None:
    found = solved(variant("4.1", 3))
    assert check("4.1", [0.0, 0.0, 0.0], seed=3).said.startswith("not yet. Hint: is the net input")
    assert 'More: check("4.1", answer, hint=1, seed=3)' in check("4.1", found[::-1], seed=3).said
