"""Assignments of the lessons as graders read them, and the solutions for teachers."""

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tinygrad_edu.exercises import EXERCISES
from tinygrad_edu.exercises.assignments import GRADERS, assignments, solutions

LESSONS = Path(__file__).parents[1] / "notebooks"
#: Those that a lesson asks for, by its stem.
ASKED = {
    path.stem: re.findall(r'check\(\\"(R?\d+\.\d+)\\", answer\)', path.read_text(encoding="utf-8"))
    for path in sorted(LESSONS.glob("*.ipynb"))
}
ASKED = {stem: numbers for stem, numbers in ASKED.items() if numbers}


@cache
def made(grader: str, seed: int = 0) -> dict[str, str]:
    return assignments(LESSONS, grader, seed)


def cells(grader: str, stem: str, seed: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(made(grader, seed)[stem])["cells"]
    return found


def test_every_lesson_with_exercises_is_an_assignment() -> None:
    for grader in GRADERS:
        assert [*made(grader)] == [*ASKED]


@pytest.mark.parametrize("grader", GRADERS)
def test_an_assignment_is_a_notebook_without_outputs(grader: str) -> None:
    nbformat = pytest.importorskip("nbformat")
    for text in made(grader).values():
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        assert not [cell for cell in notebook.cells if cell.get("outputs")]


def test_nbgrader_finds_an_answer_and_a_locked_check_of_each_exercise() -> None:
    for stem, numbers in ASKED.items():
        marked = [c for c in cells("nbgrader", stem) if "nbgrader" in c["metadata"]]
        marks = [c["metadata"]["nbgrader"] for c in marked]
        ids = [f"{kind}-{n.replace('.', '-')}" for n in numbers for kind in ("answer", "check")]
        assert [mark["grade_id"] for mark in marks] == ids
        for cell, mark in zip(marked, marks, strict=True):
            is_check = mark["grade_id"].startswith("check")
            assert mark["grade"] == mark["locked"] == is_check == (not mark["solution"])
            assert ("### BEGIN SOLUTION\n" in cell["source"]) != is_check
            compile(cell["source"], stem, "exec")


def test_otter_finds_a_solution_and_a_test_in_each_question() -> None:
    order = ["BEGIN QUESTION", "", "BEGIN SOLUTION", "", "END SOLUTION", "BEGIN TESTS", "",
             "END TESTS", "END QUESTION"]  # fmt: skip
    for stem, numbers in ASKED.items():
        first, *rest = cells("otter", stem)
        assert first["source"].startswith("# ASSIGNMENT CONFIG\n")
        begins = [k for k, c in enumerate(rest) if c["source"].startswith("# BEGIN QUESTION")]
        for k, number in zip(begins, numbers, strict=True):
            question = rest[k : k + len(order)]
            assert f"name: q{number.replace('.', '_')}\n" in question[0]["source"]
            assert "**" in question[1]["source"]
            for cell, said in zip(question, order, strict=True):
                assert (cell["cell_type"] == "raw") == bool(said)
                assert said in cell["source"].partition("\n")[0]


@pytest.mark.parametrize("name", ["1.1", "2.3", "3.5", "14.2"])
def test_the_solution_of_an_assignment_passes_its_check(name: str) -> None:
    [stem] = [stem for stem, numbers in ASKED.items() if name in numbers]
    for seed in (0, 3):
        names: dict[str, Any] = {}
        for cell in cells("nbgrader", stem, seed):
            mark = cell["metadata"].get("nbgrader", {"grade_id": ""})
            if mark["grade_id"].endswith(f"-{name.replace('.', '-')}"):
                exec(cell["source"], names)
        assert names["verdict"].right


def test_with_a_seed_the_text_asks_for_its_numbers() -> None:
    texts = ["".join(c["source"]) for c in cells("nbgrader", "01_derivatives_by_nudging", 3)]
    assert any(t.startswith("**1.1** The list [df/dx, df/dy] of f = x^2 y + y at") for t in texts)
    assert any('check("1.1", answer, seed=3)' in text for text in texts)


def test_a_version_of_ours_is_the_solution_of_an_assignment_and_no_more_a_cell() -> None:
    texts = ["".join(c["source"]) for c in cells("nbgrader", "03_build_it")]
    assert sum("our_multiply" in text for text in texts) == 1
    [filled] = [text for text in texts if "our_multiply" in text]
    assert filled.endswith("multiply = answer = our_multiply\n### END SOLUTION")
    assert any(text.startswith("Value.__mul__ = Value.__rmul__ = with_num") for text in texts)
    assert not any("if not check" in text for text in texts)


def test_teachers_get_each_exercise_with_its_answer_and_its_reason() -> None:
    text = solutions()
    for number, exercise in EXERCISES.items():
        assert f"**{number}** {exercise.question.partition(chr(10))[0]}" in text
        assert f"```python\n{exercise.solution}\n```\n\n{exercise.why}" in text
    assert solutions(3) != text


def program(name: str) -> str:
    """A grader of this Python, or of the machine; the test is skipped where there is none."""
    found = shutil.which(name, path=Path(sys.executable).parent) or shutil.which(name)
    if found is None:
        pytest.skip(f"needs the program {name}")
    return found


@pytest.mark.slow
def test_nbgrader_makes_the_students_version(tmp_path: Path) -> None:
    """It takes its marks, keeps the checks and removes the solutions."""
    nbgrader = program("nbgrader")
    stem = "02_backward_step_by_step"
    path = tmp_path / "source" / stem / f"{stem}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(made("nbgrader")[stem], encoding="utf-8")
    subprocess.run([nbgrader, "generate_assignment", stem], cwd=tmp_path, check=True, timeout=300)
    released = (tmp_path / "release" / stem / path.name).read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in released
    assert "YOUR CODE HERE" in released
    assert released.count("verdict = check") == len(ASKED[stem])


@pytest.mark.slow
def test_otter_makes_the_students_version(tmp_path: Path) -> None:
    """It runs the solutions against the checks, and removes them."""
    otter = program("otter")
    stem = "02_backward_step_by_step"
    path = tmp_path / f"{stem}.ipynb"
    path.write_text(made("otter")[stem], encoding="utf-8")
    subprocess.run([otter, "assign", path.name, "dist"], cwd=tmp_path, check=True, timeout=300)
    student = (tmp_path / "dist" / "student" / path.name).read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in student
    assert student.count("grader.check(") == len(ASKED[stem])
