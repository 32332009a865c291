"""The command `draw`: numbers and picture of a formula, and one sentence for wrong input."""

import re
from pathlib import Path

import pytest

from tinygrad_edu.view import RenderError

pytestmark = pytest.mark.usefixtures("folder")


def test_draw_prints_value_and_gradients_and_writes_the_picture(run):
    # y = tanh(4), dy/dc = 1 - y^2, dy/da = b dy/dc, dy/db = a dy/dc
    assert run("draw", "tanh(a*b + c)", "a=2", "b=-3", "c=10", "-o", "g.dot")[0] == (
        "tanh(a*b + c) = 0.999329299739067\n"
        "\n"
        "   value                gradient\n"
        "a      2  -0.0040228520490775965\n"
        "b     -3    0.002681901366051731\n"
        "c     10   0.0013409506830258655\n"
        "\n"
        "wrote g.dot\n"
    )
    assert "\N{MINUS SIGN}0.004<" in Path("g.dot").read_text()


def test_the_suffix_names_the_format_and_the_picture_is_graph_svg_unless_said_otherwise(run):
    run("draw", "a*a", "a=2", "-o", "g.PNG")
    assert Path("g.PNG").read_bytes().startswith(b"\x89PNG")
    run("draw", "a*a", "a=2")
    assert Path("graph.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("edges", "shown"), [("none", ""), ("local", "local derivative"), ("gradient", "gradient")]
)
def test_edges_carry_the_numbers_that_were_asked_for(edges, shown, run):
    run("draw", "7*a", "a=2", "--edges", edges, "-o", "g.dot")
    told = re.findall("Lines: ([a-z ]*)", Path("g.dot").read_text())
    assert [text.startswith(shown) for text in told] == [True] * bool(shown)


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("2*3", "2*3 = 6\n"),
        ("1/a a=0", "1/a = inf\n\n   value  gradient\na      0      -inf\n"),
        ("log(a) a=-1", "log(a) = nan\n\n   value  gradient\na     -1        -1\n"),
        ("a a=inf", "a = inf\n\n   value  gradient\na    inf         1\n"),
        ("a*e a=1e-3", "a*e = 0.002718281828459045\n\n   value           gradient\n"
                       "a  0.001  2.718281828459045\n"),
        ("where(a>0,a,b) a=2 b=3", "where(a>0,a,b) = 2\n\n   value  gradient\n"
                                   "a      2         1\nb      3         0\n"),
        ("2*e e=3", "2*e = 6\n\n   value  gradient\ne      3         2\n"),
    ],
)  # fmt: skip
def test_numbers_are_shown_as_they_are_and_names_of_the_user_go_before_constants(
    words, printed, run
):
    told, _ = run("draw", *words.split(), "-o", "g.dot")
    assert told.startswith(printed)
    assert told.endswith("\n\nwrote g.dot\n")


def test_names_and_long_formulas_fit_80_columns(run):
    name = "a" * 300
    words = [f"sqrt({name}) + 1/3 + 1/3 + 1/3 + 1/3", f"{name}=1e-300", "-o", "g.dot"]
    assert max(map(len, run("draw", *words)[0].splitlines())) <= 80


def test_a_picture_that_cannot_be_written_is_told_after_the_numbers(run):
    printed, errors = run("draw", "a", "a=1", "-o", "no/g.dot", code=2)
    assert printed.startswith("a = 1\n")
    assert errors == ("tinygrad-edu: no picture was written: no/g.dot: No such file or directory\n")


def test_a_suffix_that_is_no_format_is_told_with_those_that_are(run):
    assert run("draw", "a", "a=1", "-o", "g.foo", code=2)[1] == (
        "tinygrad-edu: no picture was written: a drawing is saved as .svg, .png, .pdf, .eps, .gif, "
        ".jpg, .webp, .dot, .gv, .tex or .mmd, and 'g.foo' is none of these: write -o graph.svg\n"
    )


def test_without_a_renderer_the_numbers_are_printed_all_the_same(run, monkeypatch):
    def fail(*_: object) -> bytes:
        raise RenderError("nothing to draw with")

    monkeypatch.setattr("tinygrad_edu.view.graph.picture.render", fail)
    printed, errors = run("draw", "a", "a=1", code=2)
    assert printed.startswith("a = 1\n")
    assert errors == "tinygrad-edu: no picture was written: nothing to draw with\n"
    assert not Path("graph.svg").exists()
