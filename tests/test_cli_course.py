"""The command `course`: the lessons in a folder of one's own."""

import argparse
from pathlib import Path

import pytest

from tinygrad_edu.cli import lessons
from tinygrad_edu.cli.options import ADD, UsageError
from tinygrad_edu.exercises import EXERCISES

LESSONS = Path(__file__).parents[1] / "notebooks"


def run(*argv: str) -> int:
    parser = argparse.ArgumentParser()
    ADD["course"](parser.add_subparsers())
    return lessons.course(parser.parse_args(["course", *argv]))


def shown(folder: Path) -> set[Path]:
    return {p.relative_to(folder) for p in folder.rglob("*") if p.suffix in (".ipynb", ".svg")}


def test_every_lesson_and_picture_is_written(tmp_path, capsys):
    assert run(str(tmp_path / "mine")) == 0
    assert shown(tmp_path / "mine") == shown(LESSONS)
    count = len(list(LESSONS.glob("*.ipynb")))
    assert capsys.readouterr().out.startswith(f"wrote {count} lessons into ")
    for path in shown(LESSONS):
        assert (tmp_path / "mine" / path).read_bytes() == (LESSONS / path).read_bytes()


def test_work_that_is_there_is_not_touched(tmp_path):
    own = tmp_path / sorted(LESSONS.glob("*.ipynb"))[3].name
    own.write_text("my answers")
    with pytest.raises(UsageError, match="is there already, perhaps with your work"):
        run(str(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == [own.name]
    assert own.read_text() == "my answers"


def test_an_installation_without_lessons_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(lessons, "_PLACES", (tmp_path / "none",))
    with pytest.raises(UsageError, match="lacks the lessons"):
        run(str(tmp_path))


def test_what_teachers_ask_for_is_written_without_the_lessons(tmp_path, capsys):
    options = ("solutions", "nbgrader", "otter")
    where = {name: tmp_path / f"{name}s" for name in options}
    assert run(*(word for name in options for word in (f"--{name}", str(where[name])))) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"wrote the solutions of {len(EXERCISES)} exercises into {where['solutions']}"
    assert where["solutions"].read_text().startswith("# Solutions of the exercises")
    lesson = "04_perceptrons_and_gates"
    assert (where["nbgrader"] / "source" / lesson / f"{lesson}.ipynb").is_file()
    assert (where["otter"] / lesson / f"{lesson}.ipynb").is_file()
    assert sorted(tmp_path.iterdir()) == sorted(where.values())
    with pytest.raises(UsageError, match="solutionss is there already"):
        run("--solutions", str(where["solutions"]))


def test_a_folder_that_is_named_gets_the_lessons_too(tmp_path, capsys):
    assert run(str(tmp_path / "mine"), "--solutions", str(tmp_path / "s.md"), "--seed", "3") == 0
    assert shown(tmp_path / "mine") == shown(LESSONS)
    assert len(capsys.readouterr().out.splitlines()) == 2
    with pytest.raises(UsageError, match="seed must be an int of at least 0, got -1"):
        run(str(tmp_path / "other"), "--seed", "-1")


@pytest.mark.slow
def test_each_lesson_of_a_worksheet_is_there_and_each_seed_has_other_numbers():
    numbers = {path.name[:2] for path in LESSONS.glob("*.ipynb")}
    first, second = lessons.worksheets(1), lessons.worksheets(2)
    assert {name[:2] for name in first} <= numbers
    assert [*first] == [*second]
    for name, sheet in first.items():
        assert sheet.solution.svg != sheet.svg != second[name].svg


@pytest.mark.slow
def test_worksheets_and_their_solutions_are_pages_to_print(tmp_path):
    assert run("--worksheets", str(tmp_path), "--seed", "2") == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f"{n}{part}.pdf" for n in lessons.worksheets(2) for part in ("", "_solution")}
    assert all(path.read_bytes().startswith(b"%PDF") for path in tmp_path.iterdir())
