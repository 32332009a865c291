"""Exercise: a question, what tells whether an answer is right, and what helps on the way there."""

import textwrap
from typing import NamedTuple

from tinygrad_edu.exercises.kinds import Right


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
