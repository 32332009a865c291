"""The command `playground`: its page in a file, and served to a browser of this computer."""

import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from command_line import start

from tinygrad_edu.cli import main

TABLE = "u,v,word,kind\n1,2,x,a\n3,4,y,b\n2,1,x,a\n5,4,y,b\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "t.csv").write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_of_a_data_set_is_written(folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["playground", "spiral", "-o", "p.html"]) == 0
    assert capsys.readouterr().out == "wrote p.html: open it in a browser\n"
    assert 'data-preset="data=spiral&amp;n=240' in (folder / "p.html").read_text()


def test_the_page_of_a_table_has_its_points(folder: Path) -> None:
    words = ["t.csv", "--columns", "u,v", "--target", "kind"]
    assert main(["playground", *words, "-o", "p.html"]) == 0
    text = (folder / "p.html").read_text()
    assert "own=file%2C-1.18" in text
    assert "%5B%22a%22%2C+%22b%22%5D" in text


def test_a_class_of_one_row_is_trained_on(folder: Path) -> None:
    (folder / "few.csv").write_text("u,v,kind\n1,2,a\n2,1,b\n3,3,a\n")
    assert main(["playground", "few.csv", "-o", "p.html"]) == 0
    assert "&amp;share=0.0&amp;" in (folder / "p.html").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["moon"], "no data set 'moon': choose moons, circles, "),
        (["none.csv"], "'none.csv': No such file or directory"),
        (["t.csv"], "t.csv: three columns are needed, for x1, x2 and the class: "
                    "write --columns A,B --target COLUMN"),
        (["t.csv", "--columns", "u,v"], "three columns are named: --columns A,B --target COLUMN"),
        (["t.csv", "--columns", "u,word", "--target", "kind"], "column 'word' holds no numbers"),
        (["-o", "none/p.html"], "no page was written: none/p.html: No such file or directory"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_says_why(
    folder: Path, capsys: pytest.CaptureFixture, words: list[str], said: str
) -> None:
    assert main(["playground", *words]) in (1, 2)
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_without_a_file_it_is_served_to_this_computer_until_it_is_interrupted() -> None:
    with start("playground", "--no-open") as run:
        line = run.stdout.readline()
        address = line.removeprefix("the playground is at ").removesuffix(" until Ctrl-C\n")
        assert address.startswith("http://127.0.0.1:")
        with urlopen(address) as answer:
            assert answer.read().startswith(b"<!DOCTYPE html>")
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{address}etc/passwd")
        run.send_signal(signal.SIGINT)
        rest, said = run.communicate(timeout=30)
    assert (run.returncode, rest, said) == (0, "stopped\n", "")


def test_a_doubt_about_a_table_is_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    (folder / "days.csv").write_text("day,v,kind\n2020-01-01,2,a\n2020-01-02,1,b\n")
    assert main(["playground", "days.csv"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("tinygrad-edu: days.csv, column 'day': '2020-01-01' is text")
    assert not recwarn
