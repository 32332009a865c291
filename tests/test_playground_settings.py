"""Settings, features and a user's own points: what is taken, and what is said of the rest."""

from contextlib import chdir
from dataclasses import fields
from functools import partial
from math import sin
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from node import in_node
from refusals import refusals

from tinygrad_edu.data.table import TableError
from tinygrad_edu.playground import Settings, features, points
from tinygrad_edu.playground.parts import UPDATES
from tinygrad_edu.playground.settings import (
    COUNTED,
    FEATURES,
    FUNCTIONS,
    LOSSES,
    MOST_CLASSES,
    MOST_LAYERS,
    MOST_POINTS,
    MOST_UNITS,
    OWN,
    POINTS,
    RUNNING,
    SETS,
    SURFACES,
    UNITS,
)


def test_features_are_columns_of_a_point() -> None:
    names = ["x1", "x2", "x1*x2", "x1**2", "x2**2", "sin(pi*x1)", "sin(pi*x2)"]
    (row,) = features([[0.5, -2.0]], names)
    assert row == pytest.approx([0.5, -2.0, -1.0, 0.25, 4.0, 1.0, 0.0], abs=1e-15)
    (row,) = features([[1.0, 1 / 3.141592653589793]], ["sin(pi*x2)"])
    assert row == pytest.approx([sin(1.0)])


def test_limits_and_functions_are_those_of_the_page() -> None:
    found = in_node("settings", None)
    assert found["limits"] == [MOST_LAYERS, MOST_UNITS, MOST_POINTS, MOST_CLASSES]
    assert found["counted"] == COUNTED
    made = {name: of(0.25, -0.5) for name, of in SURFACES.items()}
    assert found["surfaces"] == pytest.approx(made, abs=1e-15)
    assert {*found["running"]} == RUNNING
    assert {*found["names"]} == {"own", *(field.name for field in fields(Settings))}
    assert found["sets"] == list(POINTS)
    assert list(found["functions"]) == list(FUNCTIONS)
    for name, at in found["functions"].items():
        assert at == pytest.approx([FUNCTIONS[name](x) for x in (-1, 0, 0.5)], abs=1e-15)


def test_activations_follow_the_layers() -> None:
    assert Settings(hidden=[3, 3], activations="relu").activations == ("relu", "relu")
    assert Settings(hidden=[3], activations=["relu", "tanh"]).activations == ("relu",)
    assert Settings(hidden=[], activations=[]).activations == ()
    assert Settings(hidden=[2, 2], activations=[]).activations == ("tanh", "tanh")


def test_own_points_are_standardised_and_labels_numbered() -> None:
    # mean 2 and deviation 1; mean 0 and deviation 5
    data = points([[1, 5], [3, -5]], ["b", "a"])
    assert (data.X, data.y, data.class_names) == ([[-1, 1], [1, -1]], [1, 0], ("a", "b"))


class Frame(list[str]):
    """As a data frame: iterating it gives the names of its columns."""

    columns = ("length", "width")

    def to_numpy(self) -> Any:
        return np.array([[1, 5], [3, -5]])


def test_frames_and_columns_of_labels_are_taken() -> None:
    data = points(Frame(Frame.columns), ["b", "a"])
    assert (data.X, data.y) == ([[-1, 1], [1, -1]], [1, 0])
    assert data.feature_names == ("length", "width")
    assert points([[1, 5], [3, -5]], np.array([[0], [1]])).y == [0, 1]


@pytest.mark.parametrize(("width", "names"), [(1, ("x",)), (2, ("x1", "x2"))])
def test_numbers_that_are_no_classes_are_those_of_a_function(
    width: int, names: tuple[str, ...]
) -> None:
    X, y = [[0.5 * k, -k][:width] for k in range(12)], [k / 4 for k in range(12)]
    data = points(np.array(X), y)
    assert (data.X, data.y, data.feature_names, data.class_names) == (X, y, names, ())


def test_a_csv_file_gives_points(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("kind,u,v,w\nred,1,5,x\nblue,3,-5,y\n")
    data = points(path, columns=["u", "v", "kind"])
    assert (data.X, data.y) == ([[-1, 1], [1, -1]], [1, 0])
    assert (data.feature_names, data.class_names) == (("u", "v"), ("blue", "red"))


@pytest.mark.parametrize(
    ("columns", "X", "y"),
    [
        (["u", "w"], [[1.0], [3.0]], [0.5, -2.0]),
        (["u", "v", "w"], [[1.0, 2.0], [3.0, 4.0]], [0.5, -2.0]),
        (["u", "v"], [[1.0], [3.0]], [2.0, 4.0]),
    ],
)
def test_a_csv_file_of_numbers_gives_a_function(
    tmp_path: Path, columns: list[str], X: list[list[float]], y: list[float]
) -> None:
    path = tmp_path / "p.csv"
    path.write_text("kind,u,v,w\nred,1,2,0.5\nblue,3,4,-2\n")
    data = points(path, columns=columns)
    assert (data.X, data.y, data.class_names) == (X, y, ())
    assert data.feature_names == tuple(columns[:-1])


NO_ARRAYS = "arrays are given as X and y, a Dataset as *data, and columns are those of a CSV file"
NO_FILE = "a file holds the labels too: write columns=[x1, x2, class] for y"
PAIR = [[1, 2], [3, 4]]
BAD_POINTS: list[tuple[Any, type[Exception], str]] = [
    (([[1, 2, 3], [4, 5, 6]], [0, 1]), ValueError, "the playground shows points of 2 numbers, "
     "X[0] has 3: choose two, such as [[row[0], row[1]] for row in X]"),
    (([[1, 2]], [0, 1]), ValueError, "1 rows in X but 2 labels in y"),
    ((PAIR, [1, 1]), ValueError, "y has 1 different labels, the playground shows 2 to 10"),
    ((PAIR, [1, "a"]), TypeError, "y has numbers and texts: write them all as texts, "
     "[str(t) for t in y]"),
    ((PAIR, [1, float("nan")]), TypeError, "y[1] must be a number or a text, got nan"),
    ((PAIR, [[1, 0], [0, 1]]), TypeError, "y[0] must be a number or a text, got [1, 0]"),
    (([[1, 2]],), TypeError, NO_ARRAYS),
    (("p.csv", [0, 1]), TypeError, NO_FILE),
    (("moons",), ValueError, "there is no file moons, but a data set: write "
     'playground(data="moons")'),
    ((PAIR * 6, range(12)), ValueError, "y has 12 different labels, the playground shows 2 to 10"),
    (([[1], [2]], ["a", "b"]), TypeError, "y[0] takes one real number, got str 'a': write "
     "float(...) around a text that is a number"),
    (([[1], [2]], [1, float("inf")]), ValueError, "y[1] must be a finite number, got inf"),
]  # fmt: skip
BAD_SETTINGS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"data": "moon"}, ValueError, "unknown data 'moon': choose "
     f"{', '.join([*SETS, OWN])}; did you mean 'moons'?"),
    ({"n": 3}, ValueError, "n must be an int from 4 to 1000, got 3"),
    ({"noise": -1}, ValueError, "noise must be a finite number >= 0 and <= 10, got -1.0"),
    ({"share": 1}, ValueError, "share must be a finite number >= 0 and <= 0.9, got 1.0"),
    ({"features": []}, ValueError, 'features is empty: a net needs at least one, such as '
     '["x1", "x2"]'),
    ({"features": ["x1", "x1"]}, ValueError, "features names one twice: x1, x1"),
    ({"features": "x1"}, TypeError, "features must be a list of features, got str"),
    ({"features": ["x3"]}, ValueError, f"unknown feature 'x3': choose {', '.join(FEATURES)}"),
    ({"hidden": [2] * 7}, ValueError, "hidden has 7 layers, at most 6 are shown"),
    ({"hidden": [17]}, ValueError, "a layer in hidden must be an int from 1 to 8, got 17: "
     "more train in a page of export.to_page(model, X, y, ...)"),
    ({"hidden": [0]}, ValueError, "a layer in hidden must be an int from 1 to 8, got 0"),
    ({"hidden": 3}, TypeError, "hidden must be a list of layer sizes, got int"),
    ({"activations": ["tahn"]}, ValueError, f"unknown activation 'tahn': choose {', '.join(UNITS)}"
     "; did you mean 'tanh'?"),
    ({"loss": "hinges"}, ValueError, f"unknown loss 'hinges': choose {', '.join(LOSSES)}; "
     "did you mean 'hinge'?"),
    ({"optimizer": "adm"}, ValueError, f"unknown optimizer 'adm': choose {', '.join(UPDATES)}; "
     "did you mean 'adam'?"),
    ({"rate": 0}, ValueError, "rate must be a finite number > 0 and <= 1000, got 0.0"),
    ({"penalty": "l3"}, ValueError, "unknown penalty 'l3': choose none, l1, l2"),
    ({"batch": 0}, ValueError, "batch must be an int from 1 to 1000, got 0"),
    ({"dropout": 1}, ValueError, "dropout must be a finite number >= 0 and <= 0.9, got 1.0"),
    ({"seed": -1}, ValueError, "seed must be an int from 0 to 4294967295, got -1"),
]  # fmt: skip
test_points_that_cannot_be_shown_say_why = refusals(
    [(partial(points, *given), error, text) for given, error, text in BAD_POINTS]
)
test_settings_that_do_not_fit_say_why = refusals(
    [(partial(Settings, **given), error, text) for given, error, text in BAD_SETTINGS]
)


def of_file(columns: list[str] | None) -> None:
    with TemporaryDirectory() as folder, chdir(folder):
        Path("p.csv").write_text("u,v,word,kind\n1,2,x,a\n3,4,y,b\n")
        points("p.csv", columns=columns)


test_columns_that_are_no_points_say_why = refusals(
    [
        (lambda: of_file(None), TableError, "p.csv: three columns are needed, for x1, x2 and the "
         "class: write columns=['u', 'v', 'kind']"),
        (lambda: of_file(["u", "word", "kind"]), TableError,
         "p.csv: column 'word' holds no numbers"),
        (lambda: of_file(["u", "vv", "kind"]), TableError,
         "p.csv: no column 'vv'; did you mean 'v'?"),
    ]
)  # fmt: skip
