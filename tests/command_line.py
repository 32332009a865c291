"""What tests of the command line share: runs here and in processes, words in a report."""

import os
import re
import shlex
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from processes import Process, run_in_process


def command_in(report: str) -> list[str]:
    """The words of the last command in a report, `python -m tinygrad_edu` first."""
    code = report[report.rindex("<code>") : report.rindex("</code>")]
    return shlex.split(unescape(re.sub("<[^>]*>", "", code)))


def start(*words: str, **environment: str) -> Process:
    """The command line in a process of its own, which draws no graph: `with start(...) as run:`."""
    settings = {"PYTHONPATH": os.pathsep.join(sys.path), "TINYGRAD_EDU_GRAPHVIZ": "none"}
    return run_in_process("-m", "tinygrad_edu", *words, env=os.environ | settings | environment)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is that of the process."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def model_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pictures and no report."""
    monkeypatch.setattr("tinygrad_edu.cli.run.write_report", lambda *_: [])


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[str, str]]:
    """Runs a command that ends with a code; gives what it printed, and its errors."""
    from tinygrad_edu.cli import main  # late: all tests import this file

    def ran(*words: str, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        assert main(list(words)) == code
        return tuple(capsys.readouterr())  # type: ignore[return-value]

    return ran
