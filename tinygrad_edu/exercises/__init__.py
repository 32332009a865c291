"""The exercises of the notebooks: `check("4.1", answer)` says whether an answer is right.

The first number is that of the notebook. What is said of a wrong answer is first what is wrong with
its form, then which mistake gives it, if that is known, else a hint, and never the answer:
`check("4.1", answer, hint=2)` gives the second one. Some exercises have numbers of their own for
each seed: `check("4.1", seed=7)` asks, `check("4.1", answer, seed=7)` compares.

An exercise is a table of a .toml file, and what is right stands beside it in the .py file of the
same name, as a kind of answer (`kinds.py`) with the mistakes that are known:

    ["4.1"]
    question = "The list [w0, w1, w2] after one step is asked for, with eta = {eta}."
    numbers = {eta = [0.1, 0.2, 0.5]}   # the first is the lesson's, a seed chooses
    hints = ["first this", "then that"]  # up to three; or hint = "one"
    solution = "answer = [0.5 + eta, ...]"  # Python; the names of `numbers` are there
    why = "The net input is below 0, so ..."  # said when it is right

    VARIED |= {"4.1": lambda eta: numbers(..., mistakes={"sign": ..., "the bias has no step": ...})}
    ANSWERS |= {"4.2": number(...), "4.3": function(right, case, case, mistakes={"order": wrong})}

A question of choice needs no Python. Its `kind` is "predict" where the answer is given before it is
run, "why" where a reason is chosen:

    ["4.4"]
    kind = "why"
    question = "Why does no single unit compute XOR?"
    right = "b"
    [ "4.4".choices ]
    a = ["It has too few weights.", "More weights draw no other line: what is z = 0 ?"]
    b = ["z = 0 is one line.", "No line has (0, 1) and (1, 0) on one side alone."]
"""

import random
import tomllib
from functools import cache
from importlib import resources
from typing import Any, Final

from tinygrad_edu.checks import one_of, whole
from tinygrad_edu.exercises import beyond, engine, nets, practice, slips, training
from tinygrad_edu.exercises.exercise import Exercise, Verdict
from tinygrad_edu.exercises.kinds import MistakeError, Right, choice
from tinygrad_edu.exercises.reading import AnswerError

__all__ = ["EXERCISES", "Exercise", "Verdict", "check", "variant"]

_CHAPTERS: Final = (engine, nets, training, practice, beyond, slips)


@cache
def _texts() -> dict[str, dict[str, Any]]:
    """The tables of the .toml files, in the order of the lessons, those of reference last."""
    texts: dict[str, dict[str, Any]] = {}
    for chapter in _CHAPTERS:
        name = chapter.__name__.rpartition(".")[2]
        file = resources.files("tinygrad_edu.exercises").joinpath(f"{name}.toml")
        texts |= tomllib.loads(file.read_text("utf-8"))
    return {number: texts[number] for number in sorted(texts, key=_place)}


def _place(number: str) -> tuple[bool, list[int]]:
    return number[0] == "R", [int(part) for part in number.lstrip("R").split(".")]


def variant(number: str, seed: int = 0) -> Exercise:
    """The exercise of that number with the numbers of a seed; those of the lesson have seed 0.

    Where an exercise does not vary, all seeds give the same.
    """
    text = _texts()[_known(number)]
    varied = text.get("numbers", {})
    rng = random.Random(whole("seed", seed, 0))
    drawn = {name: rng.choice(xs) if seed else xs[0] for name, xs in varied.items()}
    choices = text.get("choices", {})
    right: Right
    if choices:
        right = choice(text["right"], {letter: reason for letter, (_, reason) in choices.items()})
    else:
        name = "VARIED" if varied else "ANSWERS"
        [found] = [vars(c)[name][number] for c in _CHAPTERS if number in vars(c).get(name, ())]
        right = found(**drawn) if varied else found
    said = [text["question"], text.get("why", ""), *text.get("hints", [text.get("hint", "")])]
    question, why, *hints = (_filled(part, drawn) for part in said)
    question += "".join(f"\n  {letter}) {_filled(c[0])}" for letter, c in choices.items())
    solution = text.get("solution", f'answer = "{text.get("right")}"').strip()
    if drawn:
        solution = f"{', '.join(drawn)} = {', '.join(map(repr, drawn.values()))}\n{solution}"
    why = why or (_filled(choices[text["right"]][1]) if choices else "")
    kind = text.get("kind", "work")
    return Exercise(question, right, tuple(filter(None, hints)), kind, solution, why)


def _filled(text: str, drawn: dict[str, Any] | None = None) -> str:
    """A text in one line, with the numbers that are drawn."""
    line = " ".join(text.split())
    return line.format(**drawn) if drawn else line


def _known(number: Any) -> str:
    if not isinstance(number, str):
        such = number if isinstance(number, float) else 2.1
        raise TypeError(f'the number of an exercise is a text: write check("{such}", answer)')
    return one_of("exercise", number, _texts())


#: The exercises by number, such as "4.1", in the order of the lessons.
EXERCISES: Final = {number: variant(number) for number in _texts()}


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
            right, said, offered = False, f"not yet: {error}.", isinstance(error, MistakeError)
    if right:
        return Verdict(number, True, f"right. {exercise.why}".rstrip())
    if hint:
        said += f" Hint: {exercise.hints[hint - 1]}"
    if offered and hint < len(exercise.hints):
        varied = f", seed={seed}" if seed else ""
        said += f' More: check("{number}", answer, hint={hint + 1}{varied})'
    return Verdict(number, right, said)
