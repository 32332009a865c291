import json
import os
import re
import shlex
import signal
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tinygrad_edu.cli import main
from tinygrad_edu.nn import MLP
from tinygrad_edu.train import fit
from tinygrad_edu.view.pictures import regions

FILES_2D = {"graph.svg", "loss.png", "model.json", "regions.png", "report.html"}
QUICK = ["--epochs", "1", "--hidden", "2"]


@pytest.fixture
def quick_pictures(monkeypatch):
    """No graph, and decision regions on a coarse grid."""
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    monkeypatch.setitem(regions.__kwdefaults__, "resolution", 10)


@pytest.fixture
def model_only(monkeypatch):
    monkeypatch.setattr("tinygrad_edu.cli.run.write_report", lambda *_: [])


def without_times(text):
    return re.sub(r"in [0-9.]+ s", "in ... s", text)


def run_in_process(*words, cwd, seed="random"):
    environment = os.environ | {
        "PYTHONHASHSEED": seed,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TINYGRAD_EDU_GRAPHVIZ": "none",
    }
    command = [sys.executable, "-m", "tinygrad_edu", *words]
    return subprocess.Popen(
        command, cwd=cwd, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def command_in(report):
    class Reader(HTMLParser):
        inside = False
        text = ""

        def handle_starttag(self, tag, attrs):
            self.inside = self.inside or tag == "code"

        def handle_data(self, data):
            if self.inside:
                self.text += data

        def handle_endtag(self, tag):
            self.inside = self.inside and tag != "code"

    reader = Reader()
    reader.feed(report)
    return shlex.split(reader.text)


def test_demo_prints_accuracies_and_writes_model_pictures_and_report(tmp_path, capsys):
    assert main(["demo", "xor", "--out", str(tmp_path)]) == 0
    printed, errors = capsys.readouterr()
    assert without_times(printed) == (
        "xor: 4 training rows, no test rows; 2 features, 2 classes\n"
        "net 2-4-1, tanh, 17 parameters\n"
        "binary_cross_entropy_with_logits, adam with learning rate 0.05, full batch\n"
        "trained 200 epochs in ... s\n"
        "\n"
        "            rows    loss  accuracy\n"
        "  training     4  0.0024    100.0%\n"
        "\n"
        "wrote model.json, regions.png, loss.png, graph.svg, report.html\n"
        f"   to {tmp_path}\n"
    )
    assert errors == ""  # no bar where nobody can see it
    assert {path.name for path in tmp_path.iterdir()} == FILES_2D
    report = (tmp_path / "report.html").read_text()
    assert (tmp_path / "graph.svg").read_text().strip() in report
    assert report.count("data:image/png;base64,") == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "picture", "training", "test"),
    [
        ("moons", "regions.png", 150, 50),
        ("circles", "regions.png", 150, 50),
        ("spiral", "regions.png", 225, 75),
        ("blobs", "regions.png", 114, 36),  # round(50 / 4) = 12 of each class
        ("iris", "confusion.png", 114, 36),
    ],
)
def test_every_data_set_runs(data, picture, training, test, tmp_path, capsys, quick_pictures):
    assert main(["demo", data, *QUICK, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{data}: {training} training rows, {test} test rows;")
    assert re.search(rf"\n  test +{test} +[0-9.]+ +[0-9.]+%\n", printed)
    assert max(map(len, printed.splitlines()[:-1])) <= 80 or "skipped" in printed
    assert {path.name for path in tmp_path.iterdir()} == FILES_2D - {
        "graph.svg",
        "regions.png",
    } | {picture}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "training", "test"),
    [("moons", 0.97, 0.9), ("circles", 0.97, 0.9), ("iris", 0.95, 0.93), ("digits", 0.95, 0.9)],
)
def test_the_defaults_reach_a_good_accuracy(data, training, test, tmp_path, capsys, quick_pictures):
    assert main(["demo", data, "--out", str(tmp_path)]) == 0
    found = re.findall(r"([0-9.]+)%\n", capsys.readouterr().out)
    assert float(found[0]) >= 100 * training
    assert float(found[1]) >= 100 * test


@pytest.mark.slow
def test_without_a_renderer_the_demo_says_that_the_graph_is_skipped(
    tmp_path, capsys, quick_pictures
):
    assert main(["demo", "xor", *QUICK, "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[-3:-1] == [
        "graph.svg skipped: pictures are switched off by TINYGRAD_EDU_GRAPHVIZ=none: unset it, or "
        'use .dot or .save("g.dot")',
        "wrote model.json, regions.png, loss.png, report.html",
    ]
    assert {path.name for path in tmp_path.iterdir()} == FILES_2D - {"graph.svg"}


@pytest.mark.slow
def test_a_file_that_cannot_be_written_is_named(tmp_path, monkeypatch, capsys, quick_pictures):
    monkeypatch.chdir(tmp_path)
    os.makedirs("out/loss.png")
    assert main(["demo", "xor", *QUICK, "--out", "out"]) == 2
    path = os.path.join("out", "loss.png")
    assert capsys.readouterr().err == f"tinygrad-edu: cannot write {path!r}: Is a directory\n"


@pytest.mark.slow
def test_other_files_in_the_folder_are_left_alone(tmp_path, quick_pictures):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "loss.png").write_text("old")
    assert main(["demo", "xor", *QUICK, "--out", str(tmp_path)]) == 0
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")


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
def test_every_loss_gets_the_last_layer_it_needs(data, loss, output, last, tmp_path, model_only):
    assert main(["demo", data, *QUICK, "--loss", loss, "--out", str(tmp_path)]) == 0
    model = MLP.load(tmp_path / "model.json")
    assert (model.output, model.sizes[-1]) == (output, last)


def test_hidden_none_is_a_linear_classifier(tmp_path, model_only):
    options = ["--hidden", "none", "--epochs", "1", "--out", str(tmp_path)]
    assert main(["demo", "xor", *options]) == 0
    assert MLP.load(tmp_path / "model.json").sizes == [2, 1]


@pytest.mark.slow
def test_two_processes_write_the_same_model_and_report(tmp_path):
    words = ["demo", "circles", *QUICK, "--out", "out"]
    runs = []
    for seed in ("1", "2"):
        (tmp_path / seed).mkdir()
        runs.append(run_in_process(*words, cwd=tmp_path / seed, seed=seed))
    printed = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert without_times(printed[0][0]) == without_times(printed[1][0])
    for name in ("model.json", "report.html"):
        first, second = ((tmp_path / seed / "out" / name).read_bytes() for seed in ("1", "2"))
        assert first == second, name


@pytest.mark.slow
def test_the_command_in_the_report_reproduces_the_model(tmp_path, monkeypatch, quick_pictures):
    monkeypatch.chdir(tmp_path)
    options = ["--seed", "7", "--batch-size", "16", "--lr", "0.1", "--test-ratio", "0.5"]
    assert main(["demo", "circles", *QUICK, *options, "--out", "an out"]) == 0
    model = Path("an out/model.json").read_bytes()
    words = command_in(Path("an out/report.html").read_text())
    assert words[:5] == ["python", "-m", "tinygrad_edu", "demo", "circles"]
    Path("an out/model.json").unlink()
    assert main(words[3:]) == 0
    assert Path("an out/model.json").read_bytes() == model


def test_another_seed_gives_another_model(tmp_path, model_only):
    parameters = []
    for seed in ("0", "1"):
        assert main(["demo", "xor", *QUICK, "--seed", seed, "--out", str(tmp_path)]) == 0
        parameters.append(json.loads((tmp_path / "model.json").read_text())["state"])
    assert parameters[0] != parameters[1]


def test_divergence_saves_the_last_finite_model_and_gives_exit_code_1(tmp_path, capsys, model_only):
    options = ["--optimizer", "sgd", "--lr", "1e300", "--out", str(tmp_path)]
    assert main(["demo", "xor", "--loss", "squared_error", "--activation", "relu", *options]) == 1
    printed, errors = capsys.readouterr()
    assert re.search(r"\ndiverged after \d+ of 200 epochs in ", printed)
    assert re.fullmatch(
        r"tinygrad-edu: diverged in epoch \d+: .* at lr=1e\+300; try a smaller learning rate\n",
        errors,
    )
    MLP.load(tmp_path / "model.json")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_saves_what_was_learned_and_gives_exit_code_130(tmp_path):
    run = run_in_process("demo", "xor", "--epochs", "100000000", "--out", "out", cwd=tmp_path)
    assert run.stdout is not None
    for _ in range(3):  # the settings are printed, training begins
        run.stdout.readline()
    run.send_signal(signal.SIGINT)
    printed, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert errors == "tinygrad-edu: interrupted; what was learned so far is saved\n"
    assert re.search(r"^interrupted after \d+ of 100000000 epochs in ", printed, re.MULTILINE)
    MLP.load(tmp_path / "out" / "model.json")
    assert "interrupted" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize("epochs", [0, 3])
def test_ctrl_c_says_how_many_epochs_were_learned(
    epochs, tmp_path, capsys, model_only, monkeypatch
):
    def interrupt(epoch):
        if epoch.number == epochs - 1:
            raise KeyboardInterrupt

    def interrupted_fit(*arguments, **options):
        if not epochs:
            raise KeyboardInterrupt
        return fit(*arguments, callbacks=[interrupt], **options)

    monkeypatch.setattr("tinygrad_edu.cli.run.fit", interrupted_fit)
    assert main(["demo", "xor", "--hidden", "2", "--out", str(tmp_path)]) == 130
    printed, errors = capsys.readouterr()
    assert f"\ninterrupted after {epochs} of 200 epochs in " in printed
    assert errors.endswith("tinygrad-edu: interrupted; what was learned so far is saved\n")
    MLP.load(tmp_path / "model.json")
