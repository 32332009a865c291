"""Assignments for graders, made of the lessons, and the solutions of all exercises for teachers.

A lesson is a notebook as JSON has it. An exercise is a cell of code with `answer = ...` and a line
`check("4.1", answer)`, below the cell of text that asks.
"""

import json
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tinygrad_edu.exercises import EXERCISES, Exercise, variant

Cell = dict[str, Any]

_CHECKED: Final = re.compile(r'^check\("(R?\d+\.\d+)", answer\)\n?', re.MULTILINE)
_NO_ANSWER: Final = re.compile(r"^answer = \.\.\..*$", re.MULTILINE)
#: A cell below an exercise that takes our version where the reader's is not right, and goes on.
_OURS: Final = re.compile(r"(.*?)\n+if not check\([^\n]*\n    (\w+) = (\w+)\n?(.*)", re.DOTALL)


def solutions(seed: int = 0) -> str:
    """All exercises with a right answer and why it is right, lesson by lesson, as Markdown."""
    parts = ["# Solutions of the exercises"]
    lesson = ""
    for number in EXERCISES:
        exercise, part = variant(number, seed), number.partition(".")[0]
        if part != lesson:
            parts.append(f"## {'Lesson' if part.isdigit() else 'Chapter'} {part}")
            lesson = part
        parts.append(f"**{number}** {_as_markdown(exercise.question)}")
        parts += [f"```python\n{exercise.solution}\n```", exercise.why]
    return "\n\n".join(parts) + "\n"


def _as_markdown(question: str) -> str:
    """A question, its choices as a list."""
    return re.sub(r"\n  (\w\))", r"\n- \1", question).replace("\n", "\n\n", 1)


class _Asked(NamedTuple):
    """An exercise of a lesson: its number, the cell that asks, and the program to be completed."""

    number: str
    question: Cell
    program: str
    solution: str
    seed: int

    def filled(self, above: str, below: str) -> str:
        """The program with a right answer between these lines, in the place of `answer = ...`."""
        return _NO_ANSWER.sub(lambda _: f"{above}\n{self.solution}\n{below}", self.program, count=1)

    def tested(self) -> str:
        """The program that shows what `check` says where the answer is not right."""
        seed = f", seed={self.seed}" if self.seed else ""
        return (
            "from tinygrad_edu.exercises import check\n\n"
            f'verdict = check("{self.number}", answer{seed})\nassert verdict.right, verdict'
        )


def _nbgrader(asked: _Asked) -> list[Cell]:
    """As nbgrader's extension marks cells, https://nbgrader.readthedocs.io."""
    cells = [asked.question]
    for name, text, is_test in (
        ("answer", asked.filled("answer = ...\n### BEGIN SOLUTION", "### END SOLUTION"), False),
        ("check", asked.tested(), True),
    ):
        mark = {
            "grade": is_test, "locked": is_test, "solution": not is_test, "task": False,
            "schema_version": 3, "grade_id": f"{name}-{asked.number.replace('.', '-')}",
        } | ({"points": 1} if is_test else {})  # fmt: skip
        cells.append(_cell("code", text, nbgrader=mark))
    return cells


def _otter(asked: _Asked) -> list[Cell]:
    """As `otter assign` reads them, https://otter-grader.readthedocs.io."""
    prompt = '# END SOLUTION\n""" # BEGIN PROMPT\nanswer = ...  # your answer\n"""; # END PROMPT'
    name = f"q{asked.number.replace('.', '_')}"
    return [
        _cell("raw", f"# BEGIN QUESTION\nname: {name}\npoints: 1"), asked.question,
        _cell("raw", "# BEGIN SOLUTION"),
        _cell("code", asked.filled("# BEGIN SOLUTION NO PROMPT", prompt)),
        _cell("raw", "# END SOLUTION"), _cell("raw", "# BEGIN TESTS"),
        _cell("code", asked.tested()),
        _cell("raw", "# END TESTS"), _cell("raw", "# END QUESTION"),
    ]  # fmt: skip


#: By the name of a grader, the text of a first cell, and the cells of an exercise.
GRADERS: Final[dict[str, tuple[str, Callable[[_Asked], list[Cell]]]]] = {
    "nbgrader": ("", _nbgrader),
    "otter": ("# ASSIGNMENT CONFIG\ninit_cell: true\nexport_cell: true\ngenerate: true", _otter),
}


def assignments(lessons: Path, grader: str, seed: int = 0) -> dict[str, str]:
    """The lessons with exercises for a grader of `GRADERS`: the text of each notebook by its stem.

    With a seed the exercises that vary have its numbers.
    """
    first, made = GRADERS[grader]
    found = {}
    for path in sorted(lessons.glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = [*_with_exercises(notebook["cells"], made, seed)]
        if len(cells) > len(notebook["cells"]):
            cells = [*([_cell("raw", first)] if first else []), *cells]
            for k, cell in enumerate(cells):
                cell["id"] = f"cell-{k:03}"
            text = json.dumps({**notebook, "cells": cells}, indent=1, ensure_ascii=False)
            found[path.stem] = f"{text}\n"
    return found


def _with_exercises(
    cells: Sequence[Cell], made: Callable[[_Asked], list[Cell]], seed: int
) -> Iterator[Cell]:
    """The cells of a lesson without outputs, those of its exercises as a grader has them."""
    k = 0
    while k < len(cells):
        text, asks = _source(cells, k), cells[k]["cell_type"] == "markdown"
        program = _source(cells, k + asks)
        checked = _CHECKED.search(program)
        k += 1
        if checked is None:
            yield _cell(cells[k - 1]["cell_type"], text)
            continue
        k += asks
        number = checked[1]
        exercise = variant(number, seed)
        if not asks or exercise.question != EXERCISES[number].question:
            text = f"**{number}** {_as_markdown(exercise.question)}"
        program = _CHECKED.sub("", program).rstrip()
        ours = _OURS.fullmatch(_source(cells, k))
        solution = f"{ours[1]}\n\n\n{ours[2]} = answer = {ours[3]}" if ours else _solved(exercise)
        yield from made(_Asked(number, _cell("markdown", text), program, solution, seed))
        if ours and ours[4]:
            yield _cell("code", ours[4])
        k += ours is not None


def _solved(exercise: Exercise) -> str:
    """The program of a solution, whose names stay its own."""
    if "\n" not in exercise.solution:
        return exercise.solution
    body = textwrap.indent(f"{exercise.solution}\nreturn answer", "    ")
    return f"def solved():\n{body}\n\n\nanswer = solved()"


def _source(cells: Sequence[Cell], k: int) -> str:
    return "".join(cells[k]["source"]) if k < len(cells) else ""


def _cell(kind: str, source: str, **metadata: Any) -> Cell:
    cell: Cell = {"cell_type": kind, "metadata": metadata, "source": source}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
