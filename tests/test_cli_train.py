"""The command `train`: what it prints and writes of a table."""

import csv
import json
import os
import re
from pathlib import Path

import pytest

from tinygrad_edu.cli import main
from tinygrad_edu.data import iris
from tinygrad_edu.view.pictures import regions

TABLE = """\
size,colour,weight,ripe
1,red,3,no
2,blue,1,yes
3,red,2,no
4,blue,5,yes
5,red,1,no
6,blue,2,yes
7,red,4,no
8,blue,3,yes
"""


@pytest.fixture(autouse=True)
def quick_pictures(folder, monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    monkeypatch.setitem(regions.__kwdefaults__, "resolution", 10)


def train(text, *options, target="ripe"):
    Path("table.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    return main(["train", "table.csv", "--target", target, *options])


@pytest.mark.slow
def test_train_learns_a_table_of_numbers_and_words(capsys):
    assert train(TABLE, "--epochs", "50", "--out", "out") == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "numbers: size, weight\ncategories: colour\ntarget ripe: classes\n"
        "table.csv: 6 training rows, 2 test rows; 4 features, 2 classes\n"
        "net 4-16-1, tanh, 97 parameters\n"
    )
    assert re.search(r"\n  test +2 +[0-9.]+ +100\.0%\n", printed)  # the colour tells the class
    assert set(os.listdir("out")) == {"confusion.png", "loss.png", "model.json", "report.html"}
    report = Path("out/report.html").read_text()
    assert "size, colour=blue, colour=red, weight" in report


def test_the_encoding_is_learned_from_the_training_rows_alone(model_only):
    rows = [f"{i},{'ab'[i % 2]}" for i in range(12)]
    text = "x,ripe\n" + "\n".join(rows) + "\n"
    assert train(text, "--epochs", "1", "--test-ratio", "0.5") == 0
    encoder = json.loads(Path("tinygrad_edu_out/model.json").read_text())["metadata"]["encoder"]
    assert encoder["columns"][0]["mean"] != 5.5  # the mean of all rows
    assert train(text, "--epochs", "1", "--test-ratio", "0") == 0
    encoder = json.loads(Path("tinygrad_edu_out/model.json").read_text())["metadata"]["encoder"]
    assert encoder["columns"][0]["mean"] == 5.5
    assert encoder["class_names"] == ["a", "b"]


def test_train_on_iris_written_as_a_table(capsys, model_only):
    data = iris()
    with open("iris.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*data.feature_names, "species"])
        for row, label in zip(data.X, data.y, strict=True):
            writer.writerow([*row, data.class_names[int(label)]])
    assert main(["train", "iris.csv", "--target", "species", "--epochs", "30"]) == 0
    test = re.search(r"\n  test +36 +[0-9.]+ +([0-9.]+)%\n", capsys.readouterr().out)
    assert test
    assert float(test[1]) > 90


@pytest.mark.slow
def test_two_numbers_get_decision_regions_and_names_are_shown_literally_in_the_report():
    name = "<script>$x$</script>"
    text = f"a,b,{name}\n" + "".join(f"{i},{i * i},<b>$y{i % 2}\n" for i in range(8))
    assert train(text, "--epochs", "1", "--hidden", "2", "--out", "out", target=name) == 0
    assert "regions.png" in os.listdir("out")
    report = Path("out/report.html").read_text()
    assert "<script" not in report
    assert "<b>" not in report
    assert "&lt;b&gt;$y0, &lt;b&gt;$y1" in report
