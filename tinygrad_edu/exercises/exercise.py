"""Exercise: a question, what tells whether an answer is right, and what helps on the way there.

A table of a .toml file says what it is. A solution there is a program of the package's own, and
runs when an answer is first compared with its own.
"""

import random
import textwrap
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from tinygrad_edu.exercises.answers import Right, choice, equal, function
from tinygrad_edu.exercises.engine import READ, as_numbers


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


def exercise_of(table: Mapping[str, Any], right: Right | None = None, seed: int = 0) -> Exercise:
    """The exercise of a table, with the numbers that a seed draws; those that come first for 0.

    `right` tells what is right where it is not what the solution gives, or not that alone.
    """
    rng = random.Random(seed)
    varied = table.get("numbers", {}).items()
    drawn = {name: rng.choice(xs) if seed else xs[0] for name, xs in varied}
    choices: Mapping[str, list[str]] = table.get("choices", {})
    said = [table["question"], *table.get("hints", [table.get("hint", "")])]
    question, *hints = (_filled(text, drawn) for text in said)
    question += "".join(f"\n  {letter}) {_filled(text)}" for letter, (text, _) in choices.items())
    kind = table.get("kind", "work")
    if choices:
        letter, reasons = table["right"], {a: _filled(reason) for a, (_, reason) in choices.items()}
        solution, why = f'answer = "{letter}"', reasons[letter]
        return Exercise(question, choice(letter, reasons), tuple(hints), kind, solution, why)
    given = [f"{', '.join(drawn)} = {', '.join(map(repr, drawn.values()))}"] if drawn else []
    solution = "\n".join([*given, table["solution"].strip()])
    right = right or _as_solved(table, solution)
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
                cases, options["read"] = as_numbers(cases), READ[table["reads"]]
            return function(answer, *cases, **options)
        return equal(answer, ordered=table.get("ordered", True), **options)

    return lambda answer: right()(answer)


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
