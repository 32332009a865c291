"""README and docstrings are programs: every example runs and shows what it says."""

import doctest
import importlib
import re
from pathlib import Path

import pytest
from modules import OPTIONS, assert_runs, modules_with

from tinygrad_edu.bench import TABLES, Comparison, costs, fits, matrix, scalar

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.slow
def test_the_examples_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```pycon\n(.*?)```", README.read_text(), re.DOTALL)
    assert assert_runs("\n".join(blocks), "README") > 20


def test_the_program_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL):
        exec(compile(block, "README", "exec"), {"__name__": "readme"})


def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The rows of each table of `bench`, by the option that chooses it."""
    none = lambda ours, others, *_, **__: (1.0, [Comparison(e, 1.0, [1.0]) for e in others])  # noqa: E731
    monkeypatch.setattr(costs, "compare", none)
    monkeypatch.setattr(costs, "peak", lambda run: 0.0)
    monkeypatch.setattr(costs, "INPUTS", 2)
    monkeypatch.setattr(costs, "ROWS", 3)
    return {
        "--sklearn": list(fits.DATA),
        "--only fits": list(fits.TASKS),
        "--only matrix": list(matrix.ROWS),
        "--only tracing": list(matrix.NETS),
        "--only overheads": list(costs.overheads_table(1).rows),
        "--only growth": list(costs.SIZES),
        "--only scalar": [group for group, *_ in scalar.rows()],
    }


def test_every_table_of_speed_has_the_rows_of_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = re.findall(
        r"<!-- bench (--\w+(?: [a-z]+)?).* -->\n"
        r"\| measured \| ours .*\|\n\| ---.*\|\n((?:\|.*\n)*)\n",
        README.read_text(encoding="utf-8"),
    )
    rows = {
        option: [line.split(" | ")[0][2:] for line in body.splitlines()] for option, body in shown
    }
    assert rows == measured(monkeypatch)
    assert {f"--only {name}" for name in TABLES} | {"--sklearn"} == set(rows)


def test_no_text_has_the_marks_of_a_merge() -> None:
    for path in README.parent.glob("*.md"):
        assert not re.search(r"^(<{7}|>{7}) ", path.read_text(encoding="utf-8"), re.MULTILINE), path


@pytest.mark.parametrize("module", modules_with(">>> "))
def test_the_examples_of_docstrings_run(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module), optionflags=OPTIONS)
    assert result.failed == 0
