"""The data of the page are those of the package: points, split and features, number by number."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu
from tinygrad_edu.data import DATA_SETS, train_test_split
from tinygrad_edu.playground.settings import FEATURES, features

NODE = shutil.which("node")
PACKAGE = Path(tinygrad_edu.__file__).parent
SETS = [name for name, recipe in DATA_SETS.items() if recipe.noise]
TASKS: list[dict[str, Any]] = [
    {"name": name, "n": n, "noise": noise, "seed": seed, "share": share}
    for name in SETS
    for n, noise, seed, share in ((300, 0.2, 0, 0.3), (61, 0.0, 7, 0.5), (20, 1.5, 2**33, 0.05))
]
#: Sets that have as many classes as one wants, and what Python calls their number.
COUNTED = [("spiral", "arms", 2), ("blobs", "centers", 5)]
TASKS += [
    {"name": name, "n": 51, "noise": 0.1, "seed": 2, "share": 0.2, "classes": k}
    for name, _, k in COUNTED
]


@cache
def in_node() -> list[Any]:
    if NODE is None:
        pytest.skip("node is not installed")
    command = [NODE, str(Path(__file__).with_name("data_in_node.mjs")), str(PACKAGE)]
    done = subprocess.run(command, input=json.dumps(TASKS), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("k", range(len(TASKS) - len(COUNTED)))
def test_points_and_split_are_those_of_python(k: int) -> None:
    task, found = TASKS[k], in_node()[k]
    made = DATA_SETS[task["name"]].points(task["n"], task["noise"], task["seed"])
    assert found["classes"] == made.y
    np.testing.assert_allclose(found["points"], made.X, rtol=1e-12, atol=1e-14)
    train, _, test, _ = train_test_split(
        range(len(made)), made.y, test_size=task["share"], rng=task["seed"]
    )  # fmt: skip
    assert found["split"] == {"train": train, "test": test}


def test_the_number_of_classes_is_chosen_as_in_python() -> None:
    for (name, called, k), found in zip(COUNTED, in_node()[-len(COUNTED) :], strict=True):
        options = {called: k, DATA_SETS[name].noise: 0.1}
        made = getattr(tinygrad_edu, name)(51, rng=2, **options)
        assert found["classes"] == made.y
        np.testing.assert_allclose(found["points"], made.X, rtol=1e-12, atol=1e-14)


def test_features_have_the_names_and_numbers_of_python() -> None:
    found = in_node()[0]
    assert found["names"] == list(FEATURES)
    rows = features(found["points"], found["names"])
    np.testing.assert_allclose(np.ravel(rows), found["rows"], rtol=1e-12, atol=1e-15)
