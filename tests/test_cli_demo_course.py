"""The demos of the course: perceptron, vowels, digits with a convolution, the adder."""

import json
import random
import re
import shlex
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tinygrad_edu import RNN, Conv2d, Flatten, Layer, MaxPool2d, Perceptron, Sequential, Unflatten
from tinygrad_edu.cli import main
from tinygrad_edu.cli.demos import DEMOS
from tinygrad_edu.cli.split import of_dataset
from tinygrad_edu.data import Dataset
from tinygrad_edu.figure import Figure


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Figure, "png", lambda figure: b"")


def command_in(report: str) -> list[str]:
    """The words after `python -m tinygrad_edu`."""
    code = report[report.rindex("<code>") : report.rindex("</code>")]
    return shlex.split(unescape(re.sub("<[^>]*>", "", code)))[3:]


def test_help_explains_every_demo_in_at_most_100_columns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["demo", "--help"])
    lines = capsys.readouterr().out.splitlines()
    explained = [line.split()[0] for line in lines if re.match(r"  [a-z-]+  +\w", line)]
    assert explained[: len(DEMOS)] == list(DEMOS)
    assert max(map(len, lines)) <= 100


@pytest.mark.usefixtures("no_pictures")
def test_the_perceptron_prints_its_mistakes_until_it_converges(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "perceptron", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    table = re.findall(r"^ +(\d+) +(\d+)$", printed, re.MULTILINE)
    mistakes = [int(cell) for _, cell in table]
    assert [int(epoch) for epoch, _ in table] == list(range(1, len(table) + 1))
    assert mistakes[-1] == 0 < min(mistakes[:-1])
    ending = f"converged: {sum(mistakes)} updates in {len(table)} epochs"
    assert f"\n{ending}\n" in printed
    assert {path.name for path in tmp_path.iterdir()} == {"lines.png", "report.html"}
    assert ending in (tmp_path / "report.html").read_text()


@pytest.mark.usefixtures("no_pictures")
def test_a_perceptron_without_enough_epochs_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--epochs", "1", "--batch-size", "full", "--out", str(tmp_path)]
    assert main(["demo", "perceptron", *options]) == 0
    printed = capsys.readouterr().out
    assert "w += y x, summed over an epoch\n" in printed
    assert "\nnot linearly separable within 1 epochs\n" in printed


@pytest.mark.usefixtures("no_pictures")
def test_many_epochs_of_a_perceptron_are_shown_by_the_first_and_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = Perceptron.fit

    def unlearnable(unit: Perceptron, X: Any, y: Any, **options: Any) -> Any:
        return fit(unit, [[0.0, 0.0], [0.0, 0.0]], [-1, 1], **options)

    monkeypatch.setattr(Perceptron, "fit", unlearnable)
    assert main(["demo", "perceptron", "--epochs", "30", "--out", str(tmp_path)]) == 0
    # below the announcement and, as in every demo, how training ended
    rows = capsys.readouterr().out.splitlines()[5:26]
    assert [row.split()[0] for row in rows] == ["epoch", *map(str, range(1, 19)), "...", "30"]


@pytest.mark.usefixtures("no_pictures")
def test_ctrl_c_ends_the_perceptron_with_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fit, calls = Perceptron.fit, iter([False, True])

    def interrupted(unit: Perceptron, *arguments: Any, **options: Any) -> Any:
        if next(calls):
            raise KeyboardInterrupt
        return fit(unit, *arguments, **options)

    monkeypatch.setattr(Perceptron, "fit", interrupted)
    assert main(["demo", "perceptron", "--out", str(tmp_path)]) == 130
    printed, errors = capsys.readouterr()
    assert "\ninterrupted after 1 of 100 epochs\n" in printed
    assert errors == "tinygrad-edu: interrupted; what was learned so far is shown\n"
    assert "interrupted after 1 of 100 epochs" in (tmp_path / "report.html").read_text()


def test_the_rows_of_a_group_stay_together() -> None:
    groups = [k // 2 for k in range(24)]
    X = [[float(group), float(k)] for k, group in enumerate(groups)]
    data = Dataset(X, [k % 2 for k in range(24)], ("a", "b"), ("0", "1"), "n", "here", groups)
    split = of_dataset(data, 0.25, random.Random(0), unit=1.0, group="speaker")
    training, test = ({row[0] for row in rows} for rows in (split.X, split.X_test))
    assert (len(training), len(test), len(split.X_test)) == (9, 3, 6)
    assert not training & test
    assert split.rule == "by speaker: 9 for training, 3 others for the test"
    assert of_dataset(data, 0.0, random.Random(0)).rule == ""


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_the_vowels_are_those_of_speakers_never_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    assert main(["demo", "vowels", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    split = "by speaker: 57 for training, 19 others for the test"
    assert f"\nsplit {split}\nnet 2-50-10, tanh, 660 parameters\ncross_entropy, " in printed
    assert split in (tmp_path / "report.html").read_text()
    assert (tmp_path / "regions.png").exists()
    (accuracy,) = re.findall(r"  test +380 .* ([0-9.]+)%\n", printed)
    assert 68 <= float(accuracy) <= 80  # 72 to 79 % in the folds of `classics vowels`


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_the_convolution_reads_97_percent_of_the_digits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "digits-conv", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    (accuracy,) = re.findall(r"  test +450 .* ([0-9.]+)%\n", printed)
    assert float(accuracy) >= 97
    assert max(map(len, printed.splitlines()[:-1])) <= 100
    pictures = {"confusion.png", "kernels.png", "loss.png"}
    assert {path.name for path in tmp_path.iterdir()} == pictures | {
        "parameters.json",
        "report.html",
    }
    model = Sequential(
        Unflatten(1, 8, 8), Conv2d(1, 8, 3, padding=1, activation="relu"), MaxPool2d(2),
        Flatten(), Layer(128, 10, "linear"),
    )  # fmt: skip
    model.load_state_dict(json.loads((tmp_path / "parameters.json").read_text()))


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_the_adder_adds_longer_numbers_than_it_was_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "adder", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^  7 bits +200 .* 100.0%\n  30 bits +500 .* 100.0%$", printed, re.MULTILINE)
    assert (
        "parameters.json is for load_state_dict: a model.json for predict can hold an MLP alone\n"
        "wrote parameters.json, loss.png, report.html\n"
    ) in printed
    assert max(map(len, printed.splitlines()[:-1])) <= 100
    report = (tmp_path / "report.html").read_text()
    assert "89 + 45 = 134; the net says 134" in report
    steps = re.findall(r"^ +\d  (\d)  (\d) +(\d) .* (\d) +(\d)(?:</pre>.*)?$", report, re.MULTILINE)
    # 89 = 1011001 and 45 = 101101, the lowest bit first; 134 = 10000110
    assert ["".join(column) for column in zip(*steps, strict=True)] == [
        "10011010", "10110100", "01001111", "01100001", "01100001"
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_the_command_in_the_report_of_an_adder_reproduces_it(tmp_path: Path) -> None:
    options = ["--hidden", "2", "--epochs", "2", "--seed", "7", "--batch-size", "999"]
    assert main(["demo", "adder", *options, "--out", str(tmp_path)]) == 0
    parameters = tmp_path / "parameters.json"
    first = parameters.read_text()
    words = command_in((tmp_path / "report.html").read_text())
    assert words[:4] == ["demo", "adder", "--hidden", "2"]
    parameters.unlink()
    assert main(words) == 0
    assert parameters.read_text() == first


def _diverging(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return ["--optimizer", "sgd", "--lr", "1e300", "--activation", "linear"]


def _interrupted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    def fit(*arguments: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("tinygrad_edu.cli.run.fit", fit)
    return []


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(
    ("case", "code", "printed", "error"),
    [
        (_diverging, 1, "diverged after", "tinygrad-edu: diverged in epoch "),
        (_interrupted, 130, "interrupted after 0 of 60 epochs", "tinygrad-edu: interrupted; what"),
    ],
)
def test_what_was_learned_is_saved_when_training_ends_early(
    case: Callable[[pytest.MonkeyPatch], list[str]],
    code: int,
    printed: str,
    error: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = case(monkeypatch)
    assert main(["demo", "adder", "--hidden", "3", *options, "--out", str(tmp_path)]) == code
    out, err = capsys.readouterr()
    assert f"\n{printed}" in out
    assert err.startswith(error)
    RNN(2, 3, 1).load_state_dict(json.loads((tmp_path / "parameters.json").read_text()))
