"""The exercises of the notebooks: `check("4.1", answer)` says whether an answer is right.

The first number is that of the notebook. What is said of a wrong answer is first what is wrong with
its form, then which mistake gives it, if that is known, else a hint, and never the answer:
`check("4.1", answer, hint=2)` gives the second one. Some exercises have numbers of their own for
each seed: `check("4.1", seed=7)` asks, `check("4.1", answer, seed=7)` compares.

An exercise is a table of a .toml file. Right is what its solution gives:

    ["4.1"]
    question = "The list [w0, w1, w2] after one step is asked for, with eta = {eta}."
    numbers = {eta = [0.1, 0.2, 0.5]}    # the first is the lesson's, a seed draws one
    hints = ["first this.", "then that."]  # up to three
    solution = "answer = [0.5 + eta, -0.7, 2 + eta]"  # Python, with the names of `numbers`
    why = "The net input is below 0, so the output is 0."  # said of a right answer
    tolerance = 0                          # of counts; else relative, 1e-3 if it is not said
    ["4.1".mistakes]                       # what a mistake gives, with the names of the solution
    "sign" = "[0.5 - eta, -1.3, 2 - eta]"  # a name of `SLIPS`, or a sentence without its dot

A function is asked for the arguments of each of `cases = ["[1.0, 2.0], 3"]`, and its mistakes are
functions; with `reads = "value"`, or "values", these are Values of a class of the reader's, which
numbers stand in for. Where the solution is not the only right answer, ANSWERS of a .py file says
what is. Its `kind` is "predict" where the answer is given before it is run, "why" where a reason is
chosen. A question of choice has `choices`: for each letter a sentence, and what there is to say.
"""

import random
import textwrap
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks import one_of, whole
from tinygrad_edu.exercises import engine, nets
from tinygrad_edu.exercises.answers import (
    AnswerError,
    MistakeError,
    Right,
    choice,
    equal,
    function,
)
from tinygrad_edu.files import packaged_table

__all__ = ["EXERCISES", "Exercise", "Verdict", "check", "variant"]

#: What is right where that is not what the solution gives, or not that alone.
_RIGHT: Final = engine.ANSWERS | nets.ANSWERS
_FILES: Final = ("engine", "build", "nets", "training", "practice", "beyond", "slips")


class Exercise(NamedTuple):
    """A question, what tells whether an answer is right, and hints that do not give it away.

    `kind` is "predict" for what is said before it is run, "why" for a reason that is chosen, else
    "work". `solution` is a program whose `answer` is right, and `why` tells why it is.
    """

    question: str
    right: Right
    hints: tuple[str, ...]
    kind: str = "work"
    solution: str = ""
    why: str = ""

    @property
    def hint(self) -> str:
        """The first hint, "" where there is none."""
        return next(iter(self.hints), "")


class Verdict:
    """What is said of an answer: `right` is True, False, or None where there is no answer yet.

    In an `assert` or `if` it counts as its `right`.
    """

    def __init__(self, number: str, right: bool | None, said: str) -> None:
        self.number, self.right, self.said = number, right, said

    def __bool__(self) -> bool:
        return self.right is True

    def __repr__(self) -> str:
        lines = f"Exercise {self.number}: {self.said}".split("\n")
        return "\n".join(wrapped for line in lines for wrapped in _wrapped(line))


def _wrapped(line: str) -> list[str]:
    """A line in lines of at most 100 characters: a notebook would break them within words."""
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(
        line, 100, subsequent_indent=f"{indent}    ", break_long_words=False, break_on_hyphens=False
    )


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
    table, rng = _tables()[_known(number)], random.Random(whole("seed", seed, 0))
    varied = table.get("numbers", {}).items()
    drawn = {name: rng.choice(xs) if seed else xs[0] for name, xs in varied}
    choices: Mapping[str, list[str]] = table.get("choices", {})
    question, *hints = (_filled(x, drawn) for x in (table["question"], *table.get("hints", ())))
    question += "".join(f"\n  {letter}) {_filled(text)}" for letter, (text, _) in choices.items())
    kind = table.get("kind", "work")
    if choices:
        letter, reasons = table["right"], {a: _filled(reason) for a, (_, reason) in choices.items()}
        solution, why = f'answer = "{letter}"', reasons[letter]
        return Exercise(question, choice(letter, reasons), tuple(hints), kind, solution, why)
    given = [f"{', '.join(drawn)} = {', '.join(map(repr, drawn.values()))}"] if drawn else []
    solution = "\n".join([*given, table["solution"].strip()])
    right = _RIGHT.get(number) or _as_solved(table, solution)
    return Exercise(question, right, tuple(hints), kind, solution, _filled(table["why"], drawn))


def _filled(text: str, drawn: Mapping[str, Any] | None = None) -> str:
    """A text in one line, with the numbers that are drawn."""
    line = " ".join(text.split())
    return line.format(**drawn) if drawn else line


def _as_solved(table: Mapping[str, Any], solution: str) -> Right:
    """Whether an answer is that of the solution; mistakes are written with its names."""

    @cache
    def right() -> Right:
        names: dict[str, Any] = {}
        exec(solution, names)
        answer, mistakes = names["answer"], table.get("mistakes", {}).items()
        options: dict[str, Any] = {
            "tolerance": table.get("tolerance", 1e-3),
            "mistakes": {said: eval(text, names) for said, text in mistakes},
        }
        if callable(answer):
            cases = [eval(f"({case},)", names) for case in table["cases"]]
            if "reads" in table:
                cases, options["read"] = engine.as_numbers(cases), engine.READ[table["reads"]]
            return function(answer, *cases, **options)
        return equal(answer, ordered=table.get("ordered", True), **options)

    return lambda answer: right()(answer)


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
