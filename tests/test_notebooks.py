"""The committed notebooks: a lesson each, with static pictures that GitHub shows."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tinygrad_edu import playground
from tinygrad_edu.exercises import EXERCISES
from tinygrad_edu.playground.play import Playground

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
#: The quickstart and the views are shown, not exercised.
LESSONS = [path for path in NOTEBOOKS if "01" <= path.name < "99"]
#: It was 1,000,000: each SVG has a PNG beside it now.
MOST_BYTES = 1_500_000

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if cell["cell_type"] == kind]


def test_a_notebook_is_a_lesson_a_companion_of_a_deck_or_a_chapter_of_reference() -> None:
    marks = [path.name.partition("_")[0] for path in NOTEBOOKS]
    assert len({*marks}) == len(marks)
    assert not [mark for mark in marks if not re.fullmatch(r"\d\d|D[0-4]|R\d", mark)]


@each_notebook
def test_a_notebook_is_executed_in_order_without_errors(path: Path) -> None:
    code = cells(path, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    assert path.stat().st_size < MOST_BYTES


@each_notebook
def test_every_svg_of_a_notebook_has_a_png_beside_it(path: Path) -> None:
    """JupyterLab shows no SVG of a notebook that is not trusted, and a cloned one is not."""
    for cell in cells(path, "code"):
        for output in cell["outputs"]:
            data = output.get("data", {})
            assert "image/svg+xml" not in data or "image/png" in data


@each_notebook
def test_every_picture_of_a_notebook_is_static(path: Path) -> None:
    """GitHub and nbviewer strip scripts and frames, and show SVG and PNG."""
    assert "widgets" not in json.loads(path.read_text(encoding="utf-8"))["metadata"]
    for cell in cells(path, "code"):
        for output in cell["outputs"]:
            data = output.get("data", {})
            shown = "".join(data.get("text/html", ""))
            assert not re.search(r"<(script|iframe|svg|img)", shown)
            assert "application/vnd.jupyter.widget-view+json" not in data


@each_notebook
def test_a_notebook_says_how_it_runs_in_colab(path: Path) -> None:
    """Colab opens it from the repository, and has not installed the package."""
    assert "In Colab: first run `%pip install tinygrad-edu`" in "".join(
        cells(path, "markdown")[0]["source"]
    )


@each_lesson
def test_a_lesson_opens_with_what_is_seen_and_what_can_be_changed(path: Path) -> None:
    opening = "".join(cells(path, "markdown")[0]["source"])
    assert opening.startswith("# ")
    assert "**You will see**" in opening
    assert "**You can change**" in opening
    assert re.search(r"^Before: .*(?:;|\.) [Aa]bout \d+ minutes\.", opening, re.MULTILINE), opening


@each_lesson
def test_a_lesson_has_five_exercises_that_are_left_to_the_reader(path: Path) -> None:
    """One is answered before it is run, one asks for a reason."""
    number = path.name.partition("_")[0].removeprefix("0")
    code = "\n".join("".join(cell["source"]) for cell in cells(path, "code"))
    asked = re.findall(r'check\("(R?\d+\.\d+)", answer\)', code)
    assert len(asked) >= 5
    assert asked == [name for name in EXERCISES if name.startswith(f"{number}.")]
    assert code.count("answer = ...") == len(asked)
    assert {"predict", "why", "work"} <= {EXERCISES[name].kind for name in asked}


@each_notebook
def test_a_playground_that_a_text_names_opens_with_these_settings(path: Path) -> None:
    prose = "\n".join("".join(cell["source"]) for cell in cells(path, "markdown"))
    for call in re.findall(r"`(playground\([^`]*\))`", prose):
        assert isinstance(eval(call, {"playground": playground}), Playground), call


@each_notebook
def test_a_link_of_a_notebook_leads_to_a_notebook(path: Path) -> None:
    """On GitHub, in a copy of the course and on the site."""
    prose = "\n".join("".join(cell["source"]) for cell in cells(path, "markdown"))
    names = {link.partition("#")[0] for link in re.findall(r"\]\((?!https?:|#)([^)]+)\)", prose)}
    assert not [name for name in names if not (path.parent / name).exists()]
