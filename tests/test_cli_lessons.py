"""The commands of a course: published examples, the lessons in a folder, a file judged, a page."""

import signal
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from command_line import start

from tinygrad_edu.classics import CLASSICS, Classic, Row
from tinygrad_edu.cli import lessons
from tinygrad_edu.exercises import EXERCISES

# classics


def test_one_classic_prints_its_table(run):
    assert run("classics", "--only", "micrograd_readme")[0] == (
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


def test_without_a_name_all_run_in_turn_and_long_ones_say_so_first(run, capsys, monkeypatch):
    announced = []

    def classic() -> Classic:
        announced.append(capsys.readouterr().out.splitlines()[-1])
        return Classic("title", "source", (Row("x", "1", 1.0),))

    for name in CLASSICS:
        monkeypatch.setitem(CLASSICS, name, classic)
    monkeypatch.setattr("tinygrad_edu.cli.lessons.LONG", {"mazur": "about 4 s"})
    run("classics")
    assert announced == [
        "== mazur (about 4 s)" if name == "mazur" else f"== {name}" for name in CLASSICS
    ]


def test_a_number_that_differs_gives_exit_code_1(run, monkeypatch):
    wrong = Classic("title", "source", (Row("x", "1.5", 1.75),))
    monkeypatch.setitem(CLASSICS, "circuits", lambda: wrong)
    printed, _ = run("classics", "--only", "circuits", "--only", "micrograd_readme", code=1)
    assert printed.endswith("\ncircuits: not as published\n")


# course

LESSONS = Path(__file__).parents[1] / "notebooks"


def shown(folder: Path) -> set[Path]:
    return {p.relative_to(folder) for p in folder.rglob("*") if p.suffix in (".ipynb", ".svg")}


def test_every_lesson_and_picture_is_written(folder, run):
    printed, _ = run("course", "mine")
    assert shown(folder / "mine") == shown(LESSONS)
    count = len(list(LESSONS.glob("*.ipynb")))
    assert printed.startswith(f"wrote {count} lessons into mine")
    for path in shown(LESSONS):
        assert (folder / "mine" / path).read_bytes() == (LESSONS / path).read_bytes()


def test_work_that_is_there_is_not_touched(folder, run):
    own = folder / sorted(LESSONS.glob("*.ipynb"))[3].name
    own.write_text("my answers")
    assert "is there already, perhaps with your work" in run("course", ".", code=2)[1]
    assert [p.name for p in folder.iterdir()] == [own.name]
    assert own.read_text() == "my answers"


def test_an_installation_without_lessons_says_so(folder, run, monkeypatch):
    monkeypatch.setattr(lessons, "_PLACES", (folder / "none",))
    assert "lacks the lessons" in run("course", "mine", code=2)[1]


def test_what_teachers_ask_for_is_written_without_the_lessons(folder, run):
    where = {name: folder / f"{name}s" for name in ("solutions", "nbgrader", "otter")}
    words = (word for name in where for word in (f"--{name}", str(where[name])))
    told = run("course", *words)[0].splitlines()
    assert told[0] == f"wrote the solutions of {len(EXERCISES)} exercises into {where['solutions']}"
    assert where["solutions"].read_text().startswith("# Solutions of the exercises")
    lesson = "04_perceptrons_and_gates"
    assert (where["nbgrader"] / "source" / lesson / f"{lesson}.ipynb").is_file()
    assert (where["otter"] / lesson / f"{lesson}.ipynb").is_file()
    assert sorted(folder.iterdir()) == sorted(where.values())
    errors = run("course", "--solutions", str(where["solutions"]), code=2)[1]
    assert "solutionss is there already" in errors


def test_a_folder_that_is_named_gets_the_lessons_too(folder, run):
    printed, _ = run("course", "mine", "--solutions", "s.md", "--seed", "3")
    assert shown(folder / "mine") == shown(LESSONS)
    assert len(printed.splitlines()) == 2
    errors = run("course", "other", "--seed", "-1", code=2)[1]
    assert "seed must be an int of at least 0, got -1" in errors


@pytest.mark.slow
def test_each_lesson_of_a_worksheet_is_there_and_each_seed_has_other_numbers():
    numbers = {path.name[:2] for path in LESSONS.glob("*.ipynb")}
    first, second = lessons.worksheets(1), lessons.worksheets(2)
    assert {name[:2] for name in first} <= numbers
    assert [*first] == [*second]
    for name, sheet in first.items():
        assert sheet.solution.svg != sheet.svg != second[name].svg


@pytest.mark.slow
def test_worksheets_and_their_solutions_are_pages_to_print(folder, run):
    run("course", "--worksheets", ".", "--seed", "2")
    names = {path.name for path in folder.iterdir()}
    assert names == {f"{n}{part}.pdf" for n in lessons.worksheets(2) for part in ("", "_solution")}
    assert all(path.read_bytes().startswith(b"%PDF") for path in folder.iterdir())


# diagnose

#: A class as lesson 19 asks for it.
ENGINE = EXERCISES["19.2"].solution.replace("answer", "Value")

PASS = """
import numpy as np
from tinygrad_edu import MLP, Value

model = MLP(2, [3, 1], "tanh", rng=0)
X, y = np.array([[0.5, -1.0], [1.0, 2.0]]), np.array([1.0, 0.0])


def backward(W1, b1, W2, b2, X, y):
    A1 = np.tanh(X @ W1.T + b1)
    delta2 = 2 * (A1 @ W2.T + b2 - y[:, None]) / len(X)
    dW2 = delta2.T @ A1
    delta1 = (delta2 @ W2) * (1 - A1**2)
    dW1 = delta1.T @ X
    return locals()
"""


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (ENGINE, 0, "Value: no slip in "),
        (ENGINE.replace("p.grad +=", "p.grad ="), 1, "= stands where += belongs"),
        (PASS, 0, "backward: It is right."),
        (PASS.replace(" * (1 - A1**2)", ""), 1, "the slope of tanh, is missing"),
        (PASS.replace("2 * (", "(") + "loss = 'half_squared_error'", 0, "backward: It is right."),
        (ENGINE + PASS.replace(", Value", ""), 0, "backward: It is right."),
    ],
)
def test_a_file_is_run_and_judged(text, code, said, folder, run):
    (folder / "mine.py").write_text(text)
    out, err = run("diagnose", "mine.py", code=code)
    assert err == ""
    assert said in out


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (None, 1, "No such file"),
        ("x = 1", 2, "defines neither a class Value nor a function backward"),
        ("def backward(W1): return {}", 2, "no model and no X and no y: it needs model, a net"),
        (PASS.replace("return locals()", "return dW1"), 2, "must give a dict of its arrays"),
        (PASS.replace("y[:, None]", "y"), 1, "delta1 = (delta2 @ W2) * (1 - A1**2)"),
        ("Value = 3", 2, "takes the class itself, got int"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("def f(:", 1, "SyntaxError"),
        ("if __name__ == '__main__': 1 / 0", 2, "defines neither"),
    ],
)
def test_what_cannot_be_judged_is_told(text, code, said, folder, run):
    if text is not None:
        (folder / "mine.py").write_text(text)
    out, err = run("diagnose", "mine.py", code=code)
    assert out == ""
    assert said in err
    assert "lessons.py" not in err  # a traceback begins in the program


def test_a_file_imports_what_lies_beside_it(folder, run):
    (folder / "beside_mine.py").write_text(ENGINE)
    (folder / "mine.py").write_text("from beside_mine import Value")
    run("diagnose", "mine.py")


# playground


@pytest.fixture
def tables(folder):
    Path("t.csv").write_text("u,v,word,kind\n1,2,x,a\n3,4,y,b\n2,1,x,a\n5,4,y,b\n")
    Path("curve.csv").write_text("x,y\n" + "".join(f"{k},{k / 4}\n" for k in range(9)))
    Path("few.csv").write_text("u,v,kind\n1,2,a\n2,1,b\n3,3,a\n")


@pytest.mark.parametrize(
    ("words", "link"),
    [
        ("spiral", 'data-preset="data=spiral&amp;n=240'),
        ("t.csv --columns u,v --target kind", "own=file%2C-1.18"),
        ("t.csv --columns u,v --target kind", "%5B%22a%22%2C+%22b%22%5D"),
        ("few.csv", "&amp;share=0.0&amp;"),  # a class of one row is trained on
        ("curve.csv", "&amp;share=0.3&amp;"),
        ("curve.csv --columns x --target y", "own=file%2C0.0+0.0%2C"),
    ],
)
def test_the_page_of_a_data_set_or_a_table_is_written(words, link, tables, run):
    printed, _ = run("playground", *words.split(), "-o", "p.html")
    assert printed == "wrote p.html: open it in a browser\n"
    assert link in Path("p.html").read_text()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("moon", 2, "no data set 'moon': choose moons, circles, "),
        ("none.csv", 1, "'none.csv': No such file or directory"),
        ("t.csv", 2, "t.csv: three columns are needed, for x1, x2 and the class: "
                     "write --columns A,B --target COLUMN"),
        ("t.csv --columns u,v", 2, "three columns are named: --columns A,B --target COLUMN"),
        ("t.csv --columns u,word --target kind", 2, "column 'word' holds no numbers"),
        ("-o none/p.html", 2, "no page was written: none/p.html: No such file or directory"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_says_why(words, code, said, tables, run):
    assert said in run("playground", *words.split(), code=code)[1]


def test_a_doubt_about_a_table_is_a_sentence(run, folder, recwarn):
    Path("days.csv").write_text("day,v,kind\n2020-01-01,2,a\n2020-01-02,1,b\n")
    said = run("playground", "days.csv", code=2)[1].splitlines()
    assert said[0].startswith("tinygrad-edu: days.csv, column 'day': '2020-01-01' is text")
    assert not recwarn


@pytest.mark.slow
def test_without_a_file_it_is_served_to_this_computer_until_it_is_interrupted():
    with start("playground", "--no-open") as process:
        line = process.stdout.readline()
        address = line.removeprefix("the playground is at ").removesuffix(" until Ctrl-C\n")
        assert address.startswith("http://127.0.0.1:")
        with urlopen(address) as answer:
            assert answer.read().startswith(b"<!DOCTYPE html>")
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{address}etc/passwd")
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=30)
    assert (process.returncode, rest, said) == (0, "stopped\n", "")
