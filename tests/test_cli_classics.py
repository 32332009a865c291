"""The command `classics`: the tables, and an exit code that says whether all numbers agree."""

from tinygrad_edu.classics import CLASSICS, Classic, Row
from tinygrad_edu.cli import main


def test_one_classic_prints_its_table(capsys):
    assert main(["classics", "--only", "micrograd_readme"]) == 0
    assert capsys.readouterr().out == (
        "== micrograd_readme\n"
        "The expression of micrograd's README\n"
        "A. Karpathy, github.com/karpathy/micrograd\n"
        "       published         here  difference\n"
        "g        24.7041  24.70408163    -1.8e-05\n"
        "dg/da   138.8338  138.8338192     1.9e-05\n"
        "dg/db   645.5773  645.5772595    -4.1e-05\n"
        "\n"
        "all that is compared agrees\n"
    )


def test_without_a_name_all_run_in_turn_and_long_ones_say_so_first(capsys, monkeypatch):
    announced = []

    def run() -> Classic:
        announced.append(capsys.readouterr().out.splitlines()[-1])
        return Classic("title", "source", (Row("x", "1", 1.0),))

    for name in CLASSICS:
        monkeypatch.setitem(CLASSICS, name, run)
    monkeypatch.setattr("tinygrad_edu.cli.lessons.LONG", {"mazur": "about 4 s"})
    assert main(["classics"]) == 0
    assert announced == [
        "== mazur (about 4 s)" if name == "mazur" else f"== {name}" for name in CLASSICS
    ]


def test_a_number_that_differs_gives_exit_code_1(capsys, monkeypatch):
    wrong = Classic("title", "source", (Row("x", "1.5", 1.75),))
    monkeypatch.setitem(CLASSICS, "circuits", lambda: wrong)
    assert main(["classics", "--only", "circuits", "--only", "micrograd_readme"]) == 1
    assert capsys.readouterr().out.endswith("\ncircuits: not as published\n")
