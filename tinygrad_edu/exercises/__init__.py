"""The exercises of the notebooks: `check("4.1", answer)` says whether an answer is right.

The first number is that of the notebook. What is said of a wrong answer is a hint, never the
answer. Questions and hints stand in questions.toml, what is right in a file per chapter.
"""

import tomllib
from importlib import resources
from typing import Any, Final

from tinygrad_edu.checks import one_of
from tinygrad_edu.exercises import beyond, engine, nets, practice, slips, training
from tinygrad_edu.exercises.exercise import AnswerError, Exercise, Right, Verdict

__all__ = ["EXERCISES", "Exercise", "Verdict", "check"]


def _read() -> dict[str, Exercise]:
    file = resources.files("tinygrad_edu.exercises").joinpath("questions.toml")
    answers: dict[str, Right] = {}
    for chapter in (engine, nets, training, practice, beyond, slips):
        answers |= chapter.ANSWERS
    exercises = {}
    for number, text in tomllib.loads(file.read_text("utf-8")).items():
        question, hint = (" ".join(text.get(part, "").split()) for part in ("question", "hint"))
        exercises[number] = Exercise(question, answers[number], hint)
    return exercises


#: The exercises by number, such as "4.1", in the order of the lessons.
EXERCISES: Final = _read()


def check(number: str, answer: Any = ...) -> Verdict:
    """What there is to say of an answer to the exercise of that number.

    `...` is no answer yet: the question is said again. Raises ValueError for an unknown number;
    what a function that is the answer raises is told by the verdict.
    """
    if not isinstance(number, str):
        such = number if isinstance(number, float) else 2.1
        raise TypeError(f'the number of an exercise is a text: write check("{such}", answer)')
    exercise = EXERCISES[one_of("exercise", number, EXERCISES)]
    if answer is ...:
        return Verdict(number, None, f"no answer yet. {exercise.question}")
    try:
        if exercise.right(answer):
            return Verdict(number, True, "right.")
    except AnswerError as error:
        return Verdict(number, False, f"not yet: {error}.")
    return Verdict(number, False, f"not yet. Hint: {exercise.hint}")
