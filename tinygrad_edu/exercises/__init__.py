"""The exercises of the notebooks: `check("4.1", answer)` says whether an answer is right.

The first number is that of the notebook. What is said of a wrong answer is first what is wrong with
its form, then which mistake gives it, if that is known, else a hint, and never the answer:
`check("4.1", answer, hint=2)` gives the second one. Some exercises have numbers of their own for
each seed: `check("4.1", seed=7)` asks, `check("4.1", answer, seed=7)` compares.

An exercise is a table of a .toml file. Right is what its solution gives:

    ["4.1"]
    question = "The list [w0, w1, w2] after one step is asked for, with eta = {eta}."
    numbers = {eta = [0.1, 0.2, 0.5]}    # the first is the lesson's, a seed draws one
    hints = ["first this.", "then that."]  # up to three, or hint = "one."
    solution = "answer = [0.5 + eta, -0.7, 2 + eta]"  # Python, with the names of `numbers`
    why = "The net input is below 0, so the output is 0."  # said of a right answer
    tolerance = 0                          # of counts; else relative, 1e-3 if it is not said
    ["4.1".mistakes]                       # what a mistake gives, with the names of the solution
    "sign" = "[0.5 - eta, -1.3, 2 - eta]"  # a name of `SLIPS`, or a sentence without its dot

A function is asked for the arguments of each of `cases = ["[1.0, 2.0], 3"]`, and its mistakes are
functions. Where the solution is not the only right answer, ANSWERS of a .py file says what is.
Its `kind` is "predict" where the answer is given before it is run, "why" where a reason is chosen.
A question of choice has `choices`: for each letter a sentence, and what there is to say of it.
"""

from functools import cache
from typing import Any, Final

from tinygrad_edu.checks import one_of, whole
from tinygrad_edu.exercises import engine, nets
from tinygrad_edu.exercises.answers import AnswerError, MistakeError
from tinygrad_edu.exercises.exercise import Exercise, Verdict, exercise_of
from tinygrad_edu.files import packaged_table

__all__ = ["EXERCISES", "Exercise", "Verdict", "check", "variant"]

#: What is right where that is not what the solution gives, or not that alone.
_RIGHT: Final = engine.ANSWERS | nets.ANSWERS
_FILES: Final = ("engine", "build", "nets", "training", "practice", "beyond", "slips")


@cache
def _tables() -> dict[str, dict[str, Any]]:
    """The tables of the .toml files, in the order of the lessons, those of reference last."""
    tables: dict[str, dict[str, Any]] = {}
    for name in _FILES:
        tables |= packaged_table(f"exercises/{name}.toml")
    return {number: tables[number] for number in sorted(tables, key=_place)}


def _place(number: str) -> tuple[bool, list[int]]:
    return number[0] == "R", [int(part) for part in number.lstrip("R").split(".")]


def variant(number: str, seed: int = 0) -> Exercise:
    """The exercise of that number with the numbers of a seed; those of the lesson have seed 0.

    Where an exercise does not vary, all seeds give the same.
    """
    return exercise_of(_tables()[_known(number)], _RIGHT.get(number), whole("seed", seed, 0))


def _known(number: Any) -> str:
    if not isinstance(number, str):
        such = number if isinstance(number, float) else 2.1
        raise TypeError(f'the number of an exercise is a text: write check("{such}", answer)')
    return one_of("exercise", number, _tables())


#: The exercises by number, such as "4.1", in the order of the lessons.
EXERCISES: Final = {number: variant(number) for number in _tables()}


def check(number: str, answer: Any = ..., *, hint: int = 0, seed: int = 0) -> Verdict:
    """What there is to say of an answer to the exercise of that number.

    `...` is no answer yet: the question is said again. `hint` asks for one of the hints, from 1 on;
    `seed` for the numbers of a variant. Raises ValueError for an unknown number or a hint that is
    not there; what a function that is the answer raises is told by the verdict.
    """
    exercise = variant(number, seed) if seed else EXERCISES[_known(number)]
    hint = whole("hint", hint, 0, len(exercise.hints))
    right, said, offered = None, f"no answer yet. {exercise.question}", False
    if answer is not ...:
        try:
            right, said, offered = exercise.right(answer), "not yet.", True
            hint = hint or min(1, len(exercise.hints))
        except AnswerError as error:  # help is offered to whoever has found the form
            right, offered = False, isinstance(error, MistakeError)
            said = f"not yet: {error}" + "." * (not str(error).endswith("?"))
    if right:
        return Verdict(number, True, f"right. {exercise.why}".rstrip())
    if hint:
        said += f" Hint: {exercise.hints[hint - 1]}"
    if offered and hint < len(exercise.hints):
        varied = f", seed={seed}" if seed else ""
        said += f' More: check("{number}", answer, hint={hint + 1}{varied})'
    return Verdict(number, right, said)
