"""The command `draw`: numbers and picture of a formula, and one sentence for wrong input."""

import argparse
import re
from pathlib import Path

import pytest

from tinygrad_edu.cli import draw
from tinygrad_edu.cli.options import ADD, UsageError
from tinygrad_edu.view import RenderError


def run(*argv):
    parser = argparse.ArgumentParser()
    ADD["draw"](parser.add_subparsers())
    return draw.run(parser.parse_args(["draw", *argv]))


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_draw_prints_value_and_gradients_and_writes_the_picture(capsys):
    # y = tanh(4), dy/dc = 1 - y^2, dy/da = b dy/dc, dy/db = a dy/dc
    assert run("tanh(a*b + c)", "a=2", "b=-3", "c=10", "-o", "g.dot") == 0
    assert capsys.readouterr().out == (
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


def test_the_picture_is_graph_svg_unless_said_otherwise():
    run("a*a", "a=2")
    assert Path("graph.svg").read_text().startswith("<svg")


def test_the_suffix_names_the_format():
    run("a*a", "a=2", "-o", "g.PNG")
    assert Path("g.PNG").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("edges", "shown"), [("none", ""), ("local", "local derivative"), ("gradient", "gradient")]
)
def test_edges_carry_the_numbers_that_were_asked_for(edges, shown):
    run("7*a", "a=2", "--edges", edges, "-o", "g.dot")
    told = re.findall("Lines: ([a-z ]*)", Path("g.dot").read_text())
    assert [text.startswith(shown) for text in told] == [True] * bool(shown)


def test_a_formula_of_numbers_alone_has_no_table(capsys):
    assert run("2*3", "-o", "g.dot") == 0
    assert capsys.readouterr().out == "2*3 = 6\n\nwrote g.dot\n"


@pytest.mark.parametrize(
    ("formula", "a", "shown"),
    [
        ("1/a", "0", ["1/a = inf", "-inf"]),
        ("log(a)", "-1", ["log(a) = nan", "-1"]),
        ("a", "inf", ["a = inf", "1"]),
        ("a*e", "1e-3", ["a*e = 0.002718281828459045", "2.718281828459045"]),
    ],
)
def test_numbers_that_are_not_finite_are_shown_as_they_are(formula, a, shown, capsys):
    assert run(formula, f"a={a}", "-o", "g.dot") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [lines[0], lines[3].split()[2]] == shown


def test_a_variable_without_influence_has_gradient_0(capsys):
    run("where(a > 0, a, b)", "a=2", "b=3", "-o", "g.dot")
    assert "\nb      3         0\n" in capsys.readouterr().out


def test_a_name_of_the_user_goes_before_a_constant(capsys):
    run("2*e", "e=3", "-o", "g.dot")
    assert capsys.readouterr().out.startswith("2*e = 6\n")


def test_names_and_long_formulas_fit_80_columns(capsys):
    name = "a" * 300
    run(f"sqrt({name}) + 1/3 + 1/3 + 1/3 + 1/3", f"{name}=1e-300", "-o", "g.dot")
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_a_picture_that_cannot_be_written_is_told_after_the_numbers():
    with pytest.raises(UsageError) as caught:
        run("a", "a=1", "-o", "no/g.dot")
    assert str(caught.value) == "no picture was written: no/g.dot: No such file or directory"


def test_a_suffix_that_is_no_format_is_told_with_those_that_are():
    with pytest.raises(UsageError) as caught:
        run("a", "a=1", "-o", "g.foo")
    assert str(caught.value) == (
        "no picture was written: a drawing is saved as .svg, .png, .pdf, .eps, .gif, .jpg, .webp, "
        ".dot, .gv, .tex or .mmd, and 'g.foo' is none of these: write -o graph.svg"
    )


def test_without_a_renderer_the_numbers_are_printed_all_the_same(capsys, monkeypatch):
    def fail(*_: object) -> bytes:
        raise RenderError("nothing to draw with")

    monkeypatch.setattr("tinygrad_edu.view.graph.picture.render", fail)
    with pytest.raises(UsageError, match="no picture was written: nothing to draw with"):
        run("a", "a=1")
    assert capsys.readouterr().out.startswith("a = 1\n")
    assert not Path("graph.svg").exists()
