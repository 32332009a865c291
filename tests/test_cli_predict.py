import csv
import io
import json
import math
import sys
from pathlib import Path

import pytest
from command_line import start

from tinygrad_edu.data import TableEncoder, digits, iris
from tinygrad_edu.losses import LOSSES
from tinygrad_edu.nn import MLP

XOR = "x1,x2\n0,0\n0,1\n1,0\n1,1\n"


pytestmark = pytest.mark.usefixtures("folder", "model_only")


@pytest.fixture
def predicted(run):
    """Predicts a table; gives the rows of cells that are printed."""

    def predict(table, model="model.json"):
        Path("new.csv").write_text(table)
        printed, errors = run("predict", model, "new.csv")
        assert errors == ""
        return list(csv.reader(io.StringIO(printed)))

    return predict


def encoder(*columns, classes=("no", "yes")):
    found = [{"name": c, "kind": "numeric", "mean": 1.0, "deviation": 2.0} for c in columns]
    return {"columns": found, "target": "y", "class_names": list(classes)}


def saved(sizes, loss, *, output="linear", metadata=None, parameters=None):
    model = MLP(sizes[0], sizes[1:], output=output, rng=0)
    if parameters is not None:
        for p, x in zip(model.parameters(), parameters, strict=True):
            p.data = x
    names = [f"x{i}" for i in range(1, sizes[0] + 1)]
    good = {"encoder": encoder(*names, classes=[f"c{i}" for i in range(max(2, sizes[-1]))])}
    model.save("model.json", metadata=metadata or {**good, "loss": loss})


def test_a_model_of_the_demo_predicts_a_table_with_its_feature_names(run, predicted):
    run("demo", "xor", "--out", "out")
    table = "note,x2,x1\nq,0,0\nr,1,0\ns,0,1\nt,1,1\n"
    header, *rows = predicted(table, "out/model.json")
    assert header == ["prediction", "p(0)", "p(1)"]
    assert [row[0] for row in rows] == ["0", "1", "1", "0"]
    for row in rows:
        assert float(row[1]) + float(row[2]) == pytest.approx(1, abs=1e-5)
        assert float(row[1 + int(row[0])]) > 0.9


def test_a_model_of_train_predicts_classes_by_name(run, predicted):
    rows = "".join(
        f"{i},{'red' if i % 2 else 'blue'},{'yes' if i % 2 else 'no'}\n" for i in range(8)
    )
    Path("table.csv").write_text("size,colour,ripe\n" + rows)
    options = ["--epochs", "60", "--test-ratio", "0", "--out", "out"]
    run("train", "table.csv", "--target", "ripe", *options)
    header, *found = predicted("colour,size\nred,3\nblue,3\n", "out/model.json")
    assert header == ["prediction", "p(no)", "p(yes)"]
    assert [row[0] for row in found] == ["yes", "no"]


@pytest.mark.slow
def test_a_convolutional_model_of_the_demo_predicts_too(run, predicted):
    run("demo", "digits-conv", "--epochs", "1", "--out", "out")
    table = io.StringIO()
    csv.writer(table).writerows([digits().feature_names, *digits().X[:2]])
    header, *rows = predicted(table.getvalue(), "out/model.json")
    assert header == ["prediction", *(f"p({c})" for c in range(10))]
    assert [row[0] for row in rows] == ["0", "1"]


# z = 1 * (x1 - 1)/2 + 0.5 with weight 1 and bias 0.5: at x1 = 2 it is 1, at x1 = -1 it is -0.5
SHARES = ["p(c0)", "p(c1)"], [1 / (1 + math.e), math.e / (1 + math.e)]


@pytest.mark.parametrize(
    ("loss", "output", "header", "numbers"),
    [
        ("binary_cross_entropy_with_logits", "linear", *SHARES),
        ("binary_cross_entropy", "sigmoid", *SHARES),
        ("hinge", "linear", ["score(c1)"], [1.0]),
        ("perceptron", "linear", ["score(c1)"], [1.0]),
    ],
)
def test_probabilities_and_scores_by_hand(loss, output, header, numbers, predicted):
    saved([1, 1], loss, output=output, parameters=[1.0, 0.5])
    first, *rows = predicted("x1\n2\n-1\n")
    assert first == ["prediction", *header]
    assert [row[0] for row in rows] == ["c1", "c0"]
    assert [float(x) for x in rows[0][1:]] == pytest.approx(numbers, rel=1e-5)


def test_several_outputs_give_the_softmax_of_the_net_inputs(predicted):
    # z = (0, log 2, log 3) whatever x: probabilities 1/6, 2/6, 3/6
    logs = [0.0, 0.0, 0.0, math.log(2), 0.0, math.log(3)]
    for loss, output in (("cross_entropy", "linear"), ("squared_error", "softmax")):
        saved([1, 3], loss, output=output, parameters=logs)
        found = predicted("x1\n2\n")
        assert found == [
            ["prediction", "p(c0)", "p(c1)", "p(c2)"],
            ["c2", "0.166667", "0.333333", "0.5"],
        ]


@pytest.fixture
def error_of(run):
    """What is said of words that cannot be used, and nothing is printed."""

    def error(*words):
        printed, errors = run("predict", *words, code=2)
        assert printed == ""
        return errors.removeprefix("tinygrad-edu: ").removesuffix("\n")

    return error


WRONG_TABLES = [
    (None, "x1\n1\n", ": no column 'x2'; the columns are 'x1'"),
    (None, "x1,x2\n1,a\n", ", line 2, column 'x2': text 'a' where a number is expected"),
    (None, "x1,x2\n", ": the file has a header but no rows"),
    ([1e308, 1e308, 0.0], "x1,x2\n1,1\n9,9\n",
     ", line 3: the net gives inf, its numbers overflow here"),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "table", "sentence"), WRONG_TABLES)
def test_a_table_that_does_not_fit_is_refused_with_its_place(parameters, table, sentence, error_of):
    saved([2, 1], "hinge", parameters=parameters)
    Path("new.csv").write_text(table)
    assert error_of("model.json", "new.csv") == f"new.csv{sentence}"


LACKING = (
    "its metadata lack the encoder and the loss: predict reads the model.json that demo and "
    "train write"
)
NET = "MLP(2, [1], 'relu', output='linear')"
GOOD = encoder("x1", "x2")
WRONG = "its metadata are wrong: "
WRONG_METADATA = [
    ({}, LACKING),
    ({"encoder": GOOD}, LACKING),
    ({"encoder": GOOD, "loss": "hige"},
     f"{WRONG}unknown loss 'hige': choose {', '.join(LOSSES)}; did you mean 'hinge'?"),
    ({"encoder": [], "loss": "hinge"}, f"{WRONG}encoder must be an object, got list"),
    ({"encoder": {**GOOD, "class_names": ["a", "a"]}, "loss": "hinge"},
     f"{WRONG}class_names must be distinct, but 'a' is there twice"),
    ({"encoder": encoder("x1", "x2", classes="abc"), "loss": "hinge"},
     f"{WRONG}the loss hinge is for 2 classes and this data has 3: choose "
     "cross_entropy, half_squared_error, mean_squared_error, squared_error"),
    ({"encoder": encoder("x1"), "loss": "hinge"},
     f"its metadata tell of 1 features and 2 classes, which do not fit {NET}"),
    *(
        ({"encoder": GOOD, "loss": loss},
         f"its metadata tell of 2 features and 2 classes, which do not fit {NET}")
        for loss in ("cross_entropy", "squared_error")
    ),
]  # fmt: skip


@pytest.mark.parametrize(("metadata", "sentence"), WRONG_METADATA)
def test_metadata_that_somebody_else_wrote_are_checked(metadata, sentence, error_of):
    MLP(2, [1], rng=0).save("model.json", metadata=metadata)
    Path("new.csv").write_text(XOR)
    assert error_of("model.json", "new.csv") == f"model.json: {sentence}"


def test_metadata_hold_encoder_and_loss_and_nothing_else(run):
    run("demo", "iris", "--epochs", "1", "--out", "out")
    metadata = json.loads(Path("out/model.json").read_text())["metadata"]
    assert set(metadata) == {"encoder", "loss"}
    assert TableEncoder.from_dict(metadata["encoder"]).class_names == iris().class_names


@pytest.mark.parametrize(
    ("error", "sentence"),
    [(OSError(28, "No space left on device"), "No space left on device"),
     (MemoryError(), "out of memory")],
)  # fmt: skip
def test_what_the_system_refuses_is_one_sentence(error, sentence, run, monkeypatch):
    def fail(*_):
        raise error

    saved([2, 1], "hinge")
    Path("new.csv").write_text(XOR)
    monkeypatch.setattr("tinygrad_edu.cli.predict._csv", fail)
    errors = run("predict", "model.json", "new.csv", code=1)[1]
    assert errors == f"tinygrad-edu: {sentence}\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_reader_that_leaves_early_sees_no_traceback():
    saved([2, 1], "hinge")
    Path("new.csv").write_text("x1,x2\n" + "1,1\n" * 6_000)
    with start("predict", "model.json", "new.csv") as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.readline() == "prediction,score(c1)\n"
        run.stdout.close()
        assert run.stderr.read() == ""
        assert run.wait(timeout=60) == 141


TRAINED = "name,size,colour,ripe\n" + "".join(
    f"fruit {i},{i},{'red' if i % 2 else 'blue'},{'yes' if i % 2 else 'no'}\n" for i in range(12)
)


@pytest.fixture
def trained(run):
    """A model of `train`, which left the names of the rows out."""
    Path("table.csv").write_text(TRAINED)
    run("train", "table.csv", "--target", "ripe", "--epochs", "1", "--out", "out")


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        ("name", [["name"], ["fruit 0"]]),
        ("ripe,name", [["ripe", "name"], ["no", "fruit 0"]]),
        ("all", [["name", "size", "colour", "ripe"], ["fruit 0", "0", "blue", "no"]]),
    ],
)
def test_columns_are_kept_on_request_before_the_predictions(keep, kept, trained, run):
    printed, _ = run("predict", "out/model.json", "table.csv", "--keep", keep)
    lines = list(csv.reader(io.StringIO(printed)))
    assert lines[0] == [*kept[0], "prediction", "p(no)", "p(yes)"]
    assert lines[1][:-3] == kept[1]
    assert len(lines) == 13


def test_predictions_are_written_to_a_file_and_a_table_read_from_standard_input(
    trained, run, error_of, monkeypatch
):
    words = ["predict", "out/model.json"]
    printed, _ = run(*words, "table.csv")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TRAINED.encode())))
    assert run(*words, "-", "--out", "found.csv")[0] == ""
    assert Path("found.csv").read_text() == printed
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"size\n1\n")))
    assert error_of("out/model.json", "-") == (
        "standard input: no column 'colour'; the columns are 'size'"
    )


def test_what_cannot_be_kept_is_named(trained, error_of):
    Path("new.csv").write_text("size,colour,prediction\n1,red,yes\n")
    assert error_of("out/model.json", "new.csv", "--keep", "siz") == (
        "new.csv: no column 'siz'; did you mean 'size'?"
    )
    assert error_of("out/model.json", "new.csv", "--keep", "all") == (
        "--keep: a column 'prediction' is what predict writes; keep others"
    )


def test_a_prediction_has_the_unit_of_the_target(run, predicted):
    Path("table.csv").write_text("size,price\n" + "".join(f"{i},${3 * i}\n" for i in range(12)))
    run("train", "table.csv", "--target", "price", "--epochs", "1", "--out", "out")
    header, first = predicted("size\n3\n", "out/model.json")
    assert header == ["prediction ($)"]
    assert float(first[0])
