"""The command `course`: the lessons in a folder of one's own."""

import argparse
from pathlib import Path

import pytest

from tinygrad_edu.cli import commands
from tinygrad_edu.cli.options import ADD, UsageError

LESSONS = Path(__file__).parents[1] / "notebooks"


def run(*argv: str) -> int:
    parser = argparse.ArgumentParser()
    ADD["course"](parser.add_subparsers())
    return commands.course(parser.parse_args(["course", *argv]))


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
    monkeypatch.setattr(commands, "_PLACES", (tmp_path / "none",))
    with pytest.raises(UsageError, match="lacks the lessons"):
        run(str(tmp_path))
