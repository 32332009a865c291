"""The command `demo`: what it prints and writes, on every data set and with the special models."""

import random
import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from command_line import command_in, start

from tinygrad_edu import Perceptron, load
from tinygrad_edu.cli import main
from tinygrad_edu.cli.demos import DEMOS
from tinygrad_edu.cli.run import RESULTS
from tinygrad_edu.cli.split import of_dataset
from tinygrad_edu.data import Dataset, moons
from tinygrad_edu.data.dataset import Recipe
from tinygrad_edu.figure import Figure
from tinygrad_edu.nn import MLP, Layer, Sequential
from tinygrad_edu.nn.convolution import Conv2d, Flatten, MaxPool2d, Unflatten
from tinygrad_edu.nn.recurrent import RNN
from tinygrad_edu.view.pictures import regions

FILES = {"loss.png", "model.json", "report.html"}
FILES_2D = {*FILES, "graph.svg", "regions.png"}
QUICK = ["--epochs", "1", "--hidden", "2"]


@pytest.fixture
def quick_pictures(monkeypatch):
    """No graph, and decision regions on a coarse grid."""
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    monkeypatch.setitem(regions.__kwdefaults__, "resolution", 10)


@pytest.fixture
def no_pictures(monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    monkeypatch.setattr(Figure, "png", lambda figure: b"")


@pytest.fixture
def demo(tmp_path, run):
    """Runs a demo into tmp_path; gives what it printed, and its errors."""
    return lambda *words, code=0: run("demo", *words, "--out", str(tmp_path), code=code)


def without_times(text):
    return re.sub(r"in [0-9.]+ s", "in ... s", text)


def names(folder):
    found = {path.name for path in folder.iterdir()}
    assert found <= RESULTS  # else a later run would leave them there
    return found


def test_help_explains_every_demo_in_at_most_100_columns(capsys):
    with pytest.raises(SystemExit):
        main(["demo", "--help"])
    lines = capsys.readouterr().out.splitlines()
    explained = [line.split()[0] for line in lines if re.match(r"  [a-z-]+  +\w", line)]
    assert explained[: len(DEMOS)] == list(DEMOS)
    assert max(map(len, lines)) <= 100


@pytest.mark.slow
def test_demo_prints_accuracies_and_writes_model_pictures_and_report(tmp_path, demo):
    printed, errors = demo("xor")
    assert without_times(printed) == (
        "xor: 4 training rows, no test rows; 2 features, 2 classes\n"
        "net 2-4-1, tanh, 17 parameters\n"
        "binary_cross_entropy_with_logits, adam with learning rate 0.05, full batch\n"
        "trained 200 epochs in ... s\n"
        "\n"
        "                       rows    loss  accuracy\n"
        "  training                4  0.0024    100.0%\n"
        "  logistic regression     4             50.0%\n"
        "  commonest class         4             50.0%\n"
        "\n"
        "wrote model.json, regions.png, loss.png, graph.svg, report.html\n"
        f"   to {tmp_path}\n"
    )
    assert errors == ""  # no bar where nobody can see it
    assert names(tmp_path) == FILES_2D
    report = (tmp_path / "report.html").read_text()
    assert (tmp_path / "graph.svg").read_text().strip() in report
    assert report.count("data:image/png;base64,") == 2
    for name in ("w1[4,2]", "b1[4]", "z1[4]", "a1[4]", "z2[1]", "w2[1,4]"):
        assert report.count(name) >= 2, name  # one name in all views
    assert "delta2[1]" in report  # tables of deltas and nets have it as a letter with indices
    assert "w[0]" not in report


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "picture", "training", "test"),
    [
        ("moons", "regions.png", 150, 50),
        ("circles", "regions.png", 150, 50),
        ("spiral", "regions.png", 225, 75),
        ("blobs", "regions.png", 114, 36),  # round(50 / 4) = 12 of each class
        ("iris", "confusion.png", 114, 36),
        ("sine", "curve.png predictions.png residuals.png", 150, 50),
        ("houses", "predictions.png residuals.png", 300, 100),
    ],
)
def test_every_data_set_runs(data, picture, training, test, tmp_path, demo, quick_pictures):
    printed = demo(data, *QUICK)[0]
    assert printed.startswith(f"{data}: {training} training rows, {test} test rows;")
    assert re.search(rf"\n  test +{test} +[0-9.]+ +[0-9.]+%?\n", printed)
    assert max(map(len, printed.splitlines()[:-1])) <= 80 or "skipped" in printed
    assert names(tmp_path) == {*FILES, *picture.split()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "training", "test"),
    [("moons", 0.97, 0.9), ("circles", 0.97, 0.9), ("iris", 0.95, 0.93), ("digits", 0.95, 0.9)],
)
def test_the_defaults_reach_a_good_accuracy(data, training, test, demo, quick_pictures):
    accuracies = re.findall(r"([0-9.]+)%\n", demo(data)[0])
    assert float(accuracies[0]) >= 100 * training
    assert float(accuracies[1]) >= 100 * test


@pytest.mark.slow
@pytest.mark.parametrize(("data", "part"), [("sine", 0.5), ("houses", 0.6)])
def test_a_net_predicts_numbers_better_than_a_linear_model(data, part, demo, no_pictures):
    errors = dict(re.findall(r"\n  ([a-z ]+?) +\d+ +(?:[0-9.]+ +)?([0-9.]+)(?=\n)", demo(data)[0]))
    assert list(errors) == ["training", "test", "linear model", "mean"]
    assert float(errors["test"]) < part * float(errors["linear model"]) < float(errors["mean"])


@pytest.mark.slow
def test_without_a_renderer_the_demo_says_that_the_graph_is_skipped(tmp_path, demo, quick_pictures):
    assert demo("xor", *QUICK)[0].splitlines()[-3:-1] == [
        "graph.svg skipped: pictures are switched off by TINYGRAD_EDU_GRAPHVIZ=none: unset it, or "
        'use .dot or .save("g.dot")',
        "wrote model.json, regions.png, loss.png, report.html",
    ]
    assert names(tmp_path) == FILES_2D - {"graph.svg"}


@pytest.mark.slow
def test_a_file_that_cannot_be_written_is_named(tmp_path, demo, quick_pictures):
    path = tmp_path / "loss.png"
    path.mkdir()
    errors = demo("xor", *QUICK, code=2)[1]
    [kept] = tmp_path.glob(".part-*")  # nothing was lost
    assert errors == (
        f"tinygrad-edu: cannot write {str(path)!r}: Is a directory; the results are in "
        f"{str(kept)!r}\n"
    )
    assert names(kept) >= FILES


@pytest.mark.parametrize(
    ("data", "loss", "output", "last"),
    [
        ("xor", "binary_cross_entropy", "sigmoid", 1),
        ("xor", "binary_cross_entropy_with_logits", "linear", 1),
        ("xor", "cross_entropy", "linear", 2),
        ("xor", "half_squared_error", "sigmoid", 1),
        ("xor", "hinge", "linear", 1),
        ("xor", "mean_squared_error", "sigmoid", 1),
        ("xor", "perceptron", "linear", 1),
        ("xor", "squared_error", "sigmoid", 1),
        ("iris", "mean_squared_error", "softmax", 3),
    ],
)
def test_every_loss_gets_the_last_layer_it_needs(
    data, loss, output, last, tmp_path, demo, model_only
):
    demo(data, *QUICK, "--loss", loss)
    model = MLP.load(tmp_path / "model.json")
    assert (model.output, model.sizes[-1]) == (output, last)


def test_hidden_none_is_a_linear_classifier(tmp_path, demo, model_only):
    demo("xor", "--hidden", "none", "--epochs", "1")
    assert MLP.load(tmp_path / "model.json").sizes == [2, 1]


@pytest.mark.slow
def test_two_processes_write_the_same_model_and_report(tmp_path, monkeypatch):
    runs = []
    with ExitStack() as both:
        for seed in ("1", "2"):
            (tmp_path / seed).mkdir()
            monkeypatch.chdir(tmp_path / seed)
            run = start("demo", "circles", *QUICK, "--out", "out", PYTHONHASHSEED=seed)
            runs.append(both.enter_context(run))
        printed = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert without_times(printed[0][0]) == without_times(printed[1][0])
    for name in ("model.json", "report.html"):
        first, second = ((tmp_path / seed / "out" / name).read_bytes() for seed in ("1", "2"))
        assert first == second, name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "options"),
    [
        ("circles", ["--seed", "7", "--batch-size", "16", "--lr", "0.1", "--test-ratio", "0.5"]),
        ("adder", ["--seed", "7", "--batch-size", "999"]),
    ],
)
def test_the_command_in_the_report_reproduces_the_model(
    data, options, tmp_path, monkeypatch, quick_pictures
):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", data, *QUICK, *options, "--out", "an out"]) == 0
    path = Path("an out/model.json")
    model = path.read_bytes()
    words = command_in(Path("an out/report.html").read_text())
    assert words[:7] == ["python", "-m", "tinygrad_edu", "demo", data, "--hidden", "2"]
    path.unlink()
    assert main(words[3:]) == 0
    assert path.read_bytes() == model


def test_another_seed_gives_another_model(tmp_path, demo, model_only):
    models = []
    for seed in ("0", "1"):
        demo("xor", *QUICK, "--seed", seed)
        models.append(MLP.load(tmp_path / "model.json").state_dict())
    assert models[0] != models[1]


#: Models that each have their own way to be saved.
SAVED = pytest.mark.parametrize(
    ("data", "epochs"), [("xor", 200), pytest.param("adder", 60, marks=pytest.mark.slow)]
)


@SAVED
def test_divergence_saves_the_last_finite_model_and_gives_exit_code_1(
    data, epochs, tmp_path, demo, model_only
):
    options = ["--hidden", "3", "--activation", "linear", "--optimizer", "sgd", "--lr", "1e300"]
    printed, errors = demo(data, *options, code=1)
    assert re.search(rf"\ndiverged after \d+ of {epochs} epochs in ", printed)
    assert re.fullmatch(
        r"tinygrad-edu: diverged in epoch \d+: .* at lr=1e\+300; try a smaller learning rate\n",
        errors,
    )
    load(tmp_path / "model.json")


def test_a_loss_that_rose_is_remarked(demo, model_only):
    remark = r"\nthe loss rose from 0\.\d+ to \d+\.?\d*: try a smaller --lr\nwrote model.json\n"
    assert re.search(remark, demo("xor", "--lr", "1000", "--epochs", "5")[0])
    assert "the loss rose" not in demo("xor", "--epochs", "5")[0]


@pytest.fixture
def interrupted(monkeypatch):
    """Ctrl-C before the first epoch has ended."""

    def fit(*_, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("tinygrad_edu.cli.run.fit", fit)


@SAVED
def test_ctrl_c_before_an_epoch_has_ended_saves_the_model(
    data, epochs, tmp_path, demo, model_only, interrupted
):
    printed, errors = demo(data, "--hidden", "2", code=130)
    assert f"\ninterrupted after 0 of {epochs} epochs in " in printed
    assert errors.endswith("tinygrad-edu: interrupted; what was learned so far is saved\n")
    assert isinstance(load(tmp_path / "model.json"), RNN if data == "adder" else MLP)


def test_the_perceptron_prints_its_mistakes_until_it_converges(tmp_path, demo, no_pictures):
    printed = demo("perceptron")[0]
    table = re.findall(r"^ +(\d+) +(\d+)$", printed, re.MULTILINE)
    mistakes = [int(cell) for _, cell in table]
    assert [int(epoch) for epoch, _ in table] == list(range(1, len(table) + 1))
    assert mistakes[-1] == 0 < min(mistakes[:-1])
    ending = f"converged: {sum(mistakes)} updates in {len(table)} epochs"
    assert f"\n{ending}\n" in printed
    assert names(tmp_path) == {"lines.png", "report.html"}
    assert ending in (tmp_path / "report.html").read_text()


def test_a_perceptron_without_enough_epochs_says_so(demo, no_pictures):
    printed = demo("perceptron", "--epochs", "1", "--batch-size", "full")[0]
    assert "w += y x, summed over an epoch\n" in printed
    assert "\nno end within 1 epochs; the classes are linearly separable\n" in printed


def test_many_epochs_of_a_perceptron_are_shown_by_the_first_and_the_last(
    demo, no_pictures, monkeypatch
):
    learn = Perceptron.fit

    def unlearnable(unit, X, y, **options):
        return learn(unit, [[0.0, 0.0], [0.0, 0.0]], [-1, 1], **options)

    monkeypatch.setattr(Perceptron, "fit", unlearnable)
    # below the announcement and, as in every demo, how training ended
    rows = demo("perceptron", "--epochs", "30")[0].splitlines()[5:26]
    assert [row.split()[0] for row in rows] == ["epoch", *map(str, range(1, 19)), "...", "30"]


def test_ctrl_c_ends_the_perceptron_with_a_report(tmp_path, demo, no_pictures, monkeypatch):
    learn, calls = Perceptron.fit, iter([False, True])

    def interrupted(unit, *arguments, **options):
        if next(calls):
            raise KeyboardInterrupt
        return learn(unit, *arguments, **options)

    monkeypatch.setattr(Perceptron, "fit", interrupted)
    printed, errors = demo("perceptron", code=130)
    assert "\ninterrupted after 1 of 100 epochs\n" in printed
    assert errors == "tinygrad-edu: interrupted; what was learned so far is shown\n"
    assert "interrupted after 1 of 100 epochs" in (tmp_path / "report.html").read_text()


def test_the_rows_of_a_group_stay_together():
    groups = [k // 2 for k in range(24)]
    X = [[float(group), float(k)] for k, group in enumerate(groups)]
    data = Dataset(X, [k % 2 for k in range(24)], ("a", "b"), ("0", "1"), "n", "here", groups)
    recipe = Recipe(make=moons, text="", unit=1.0, group="speaker", hidden=(), lr=1.0, epochs=1)
    split = of_dataset(data, 0.25, random.Random(0), recipe)
    training, test = ({row[0] for row in rows} for rows in (split.X, split.X_test))
    assert (len(training), len(test), len(split.X_test)) == (9, 3, 6)
    assert not training & test
    assert [X[i - 1] for i in split.lines] == split.X_test
    assert split.rule == "by speaker: 9 for training, 3 others for the test"
    assert of_dataset(data, 0.0, random.Random(0), recipe).rule == ""


@pytest.mark.slow
def test_the_vowels_are_those_of_speakers_never_heard(tmp_path, demo, no_pictures):
    printed = demo("vowels")[0]
    split = "by speaker: 57 for training, 19 others for the test"
    assert f"\nsplit {split}\nnet 2-50-10, tanh, 660 parameters\ncross_entropy, " in printed
    assert split in (tmp_path / "report.html").read_text()
    assert (tmp_path / "regions.png").exists()
    (accuracy,) = re.findall(r"  test +380 .* ([0-9.]+)%\n", printed)
    assert 68 <= float(accuracy) <= 80  # 72 to 79 % in the folds of `classics vowels`


@pytest.mark.slow
def test_the_convolution_reads_97_percent_of_the_digits(tmp_path, demo, no_pictures):
    printed = demo("digits-conv")[0]
    (accuracy,) = re.findall(r"  test +450 .* ([0-9.]+)%\n", printed)
    assert float(accuracy) >= 97
    assert max(map(len, printed.splitlines()[:-1])) <= 100
    assert names(tmp_path) == {*FILES, "confusion.png", "kernels.png", "wrong.png"}
    model = Sequential(
        Unflatten(1, 8, 8), Conv2d(1, 8, 3, padding=1, activation="relu"), MaxPool2d(2),
        Flatten(), Layer(128, 10, "linear"),
    )  # fmt: skip
    assert repr(load(tmp_path / "model.json")) == repr(model)


@pytest.mark.slow
def test_the_adder_adds_longer_numbers_than_it_was_trained_on(tmp_path, demo, no_pictures):
    printed = demo("adder")[0]
    assert re.search(r"^  7 bits +200 .* 100.0%\n  30 bits +500 .* 100.0%$", printed, re.MULTILINE)
    assert "wrote model.json, loss.png, report.html\n" in printed
    assert max(map(len, printed.splitlines()[:-1])) <= 100
    report = (tmp_path / "report.html").read_text()
    assert "89 + 45 = 134; the net says 134" in report
    steps = re.findall(r"^ +\d  (\d)  (\d) +(\d) .* (\d) +(\d)(?:</pre>.*)?$", report, re.MULTILINE)
    # 89 = 1011001 and 45 = 101101, the lowest bit first; 134 = 10000110
    assert ["".join(column) for column in zip(*steps, strict=True)] == [
        "10011010", "10110100", "01001111", "01100001", "01100001"
    ]  # fmt: skip
