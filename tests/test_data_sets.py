"""What every data set that is known by name must have: a half-connected one fails here."""

import inspect
import math
import random
import re
from pathlib import Path

import pytest

import tinygrad_edu
from tinygrad_edu import data
from tinygrad_edu.checks import one_of
from tinygrad_edu.cli import main
from tinygrad_edu.data import DATA_SETS, Dataset
from tinygrad_edu.nn import ACTIVATIONS, MLP
from tinygrad_edu.playground import Settings
from tinygrad_edu.playground.start import Start

PLANE = [name for name, recipe in DATA_SETS.items() if recipe.noise]


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_data_set_is_a_public_function_of_its_name(name: str) -> None:
    make = DATA_SETS[name].make
    assert make.__name__ == name
    assert getattr(data, name) is getattr(tinygrad_edu, name) is make
    assert name in data.__all__
    assert name in dir(tinygrad_edu)
    assert inspect.getdoc(make)


@pytest.mark.parametrize("name", DATA_SETS)
def test_rows_labels_and_names_fit_together(name: str) -> None:
    rows = DATA_SETS[name].rows(random.Random(0))
    assert isinstance(rows, Dataset)
    assert all(type(x) is float and math.isfinite(x) for row in rows.X for x in row)
    assert {len(row) for row in rows.X} == {len(rows.feature_names)}
    assert len(rows.y) == len(rows.X)
    if DATA_SETS[name].target == "class":
        assert set(rows.y) == set(range(len(rows.class_names)))
    else:
        assert all(type(y) is float and math.isfinite(y) for y in rows.y)
        assert rows.class_names == ()
    height, width = DATA_SETS[name].image or (1, len(rows.X[0]))
    assert height * width == len(rows.X[0])
    assert (rows.name, bool(rows.source)) == (name, True)


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_data_set_is_a_demo_whose_net_can_be_made(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = DATA_SETS[name]
    assert one_of("activation", recipe.activation, ACTIVATIONS)
    assert MLP(2, [*recipe.hidden, 1], recipe.activation)
    with pytest.raises(SystemExit):
        main(["demo", "--help"])
    line = next(x for x in capsys.readouterr().out.splitlines() if x.split()[:1] == [name])
    assert line.split(maxsplit=1)[1] == recipe.text


@pytest.mark.slow
@pytest.mark.parametrize("name", DATA_SETS)
def test_every_data_set_has_a_demo_that_runs(name: str, tmp_path: Path) -> None:
    arguments = ["demo", name, "--epochs", "1", "--hidden", "2", "--out", str(tmp_path)]
    assert main(arguments) == 0
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize("name", PLANE)
def test_points_of_the_plane_are_reproducible_from_a_seed(name: str) -> None:
    recipe = DATA_SETS[name]
    points = recipe.points(32, 0.1, 5)
    assert points.feature_names == ("x1", "x2")
    assert len(points) == 32
    assert points.class_names == tuple(map(str, range(len(points.class_names))))
    assert points == recipe.points(32, 0.1, 5)
    assert points == recipe.make(32, **{recipe.noise: 0.1}, rng=random.Random(5))
    assert points.X != recipe.points(32, 0.1, 6).X


@pytest.mark.parametrize("name", PLANE)
def test_points_of_the_plane_are_in_the_playground(name: str) -> None:
    start = Start(Settings(data=name, n=20, noise=0.1))
    assert start.data == DATA_SETS[name].points(20, 0.1, 0)


@pytest.mark.parametrize("name", PLANE)
@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"n": 0}, ValueError, r"n must be an int from \d to 1000000, got 0"),
        ({"n": 10**9}, ValueError, r"n must be an int from \d to 1000000, got 1000000000"),
        ({"n": 10.0}, TypeError, r"n must be an int from \d to 1000000, got float 10.0"),
        ({"n": True}, TypeError, r"n must be an int from \d to 1000000, got bool True"),
        ({"noise": -0.1}, ValueError, "{noise} must be a finite number >= 0, got -0.1"),
        ({"noise": math.nan}, ValueError, "{noise} must be a finite number >= 0, got nan"),
        ({"noise": math.inf}, ValueError, "{noise} must be a finite number >= 0, got inf"),
        ({"noise": 10**400}, ValueError, "{noise} must be a finite number >= 0, got inf"),
        ({"noise": "0.1"}, TypeError, "{noise} must be a finite number >= 0, got str '0.1'"),
        ({"noise": None}, TypeError, "{noise} must be a finite number >= 0, got None"),
        ({"rng": None}, TypeError, "rng must be an int seed or a random.Random, got NoneType; .*"),
        ({"rng": -1}, ValueError, "rng must be a seed of at least 0, got -1; write rng=1"),
    ],
)
def test_a_bad_size_noise_or_seed_is_refused(
    name: str, options: dict[str, object], error: type[Exception], sentence: str
) -> None:
    recipe = DATA_SETS[name]
    named = {recipe.noise if key == "noise" else key: x for key, x in options.items()}
    with pytest.raises(error) as caught:
        recipe.make(**named)
    assert re.fullmatch(sentence.replace("{noise}", recipe.noise), str(caught.value))
