"""Sessions of the page: the Python that is written down gives the same state again."""

import json
import shutil
import subprocess
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_parts import made

import tinygrad_edu

NODE = shutil.which("node")
PACKAGE = Path(tinygrad_edu.__file__).parent

#: The first settings, and what is then done: methods with their arguments.
SESSIONS: list[list[Any]] = [
    [{}, ["step", 3]],
    [
        {"data": "spiral", "hidden": [6, 4], "activations": ["relu", "tanh"], "penalty": "l2"},
        ["step", 2], ["change", {"rate": 0.05, "batch": 32}], ["step", 2],
        ["change", {"optimizer": "momentum", "penalty": "none"}], ["step", 1],
    ],
    [
        {"data": "circles", "n": 80, "loss": "hinge", "features": ["x1", "x2", "x1*x2", "x1**2"]},
        ["step", 1], ["put", "w1[2,1]", 0.75], ["put", "w1[2,1]", 0.5], ["step", 2],
        ["put", "b3[1]", -1],
    ],
    [
        {"data": "blobs", "hidden": [5, 3], "dropout": 0.25, "batch": None, "seed": 4},
        ["step", 2], ["change", {"strength": 0.01, "penalty": "l1"}], ["step", 2],
    ],
    [
        {"data": "xor", "loss": "half_squared_error", "hidden": [3], "share": 0},
        ["step", 5], ["change", {"hidden": [4, 4]}], ["step", 2],
    ],
    [{"hidden": [], "activations": [], "optimizer": "sgd", "batch": 1}, ["step", 2]],
    [{}, ["step", 1], ["reset"], ["step", 2]],
    [{"data": "sine", "hidden": [4]}, ["step", 2], ["change", {"rate": 0.02}], ["step", 1]],
    [
        {"data": "jump", "n": 41, "features": ["x1", "x2", "sin(pi*x1)", "x1**2"], "share": 0},
        ["step", 2], ["change", {"data": "moons"}], ["change", {"data": "wave"}], ["step", 2],
    ],
    [
        {"data": "hills", "n": 60, "hidden": [5], "start": 3, "features": ["x1", "x2", "x1*x2"]},
        ["step", 2], ["change", {"data": "ripple"}], ["change", {"start": 4}], ["step", 1],
    ],
    [{"data": "plane", "n": 40, "hidden": [3], "start": 2}, ["step", 1]],
    [{"data": "spiral", "classes": 2, "n": 40, "hidden": [3]}, ["step", 1]],
    [{"data": "blobs", "classes": 4, "hidden": [3], "dropout": 0.1, "start": 9}, ["step", 1]],
    [{}, ["advance", 3], ["change", {"rate": 0.1}], ["advance"], ["put", "b1[2]", 2], ["step", 1]],
    [
        {"hidden": [2]},
        ["change", {"rate": 0}], ["change", {"data": "own"}], ["change", {"hidden": [9]}],
        ["change", {"constructor": 1}], ["change", {"features": ["x1", "x1"]}], ["put", "w9", 1],
        ["change", {"activations": ["tanh", "relu"]}], ["step", 1],
    ],
]  # fmt: skip


@cache
def in_node() -> list[Any]:
    if NODE is None:
        pytest.skip("node is not installed")
    command = [NODE, str(Path(__file__).with_name("session_in_node.mjs")), str(PACKAGE)]
    task = json.dumps({"parts": made(), "tasks": SESSIONS})
    done = subprocess.run(command, input=task, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


@pytest.mark.parametrize(
    "k",
    [pytest.param(k, marks=[pytest.mark.slow] * (k in (0, 1, 5))) for k in range(len(SESSIONS))],
)
def test_the_program_gives_the_state_again(k: int) -> None:
    found = in_node()[k]
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(found["code"], names)
    parameters = [p.data for p in names["net"].parameters()]
    np.testing.assert_allclose(found["parameters"], parameters, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("k", range(len(SESSIONS)))
def test_the_link_gives_the_settings_again(k: int) -> None:
    found = in_node()[k]
    assert found["again"] == found["state"]


@pytest.mark.parametrize("k", range(len(SESSIONS)))
def test_lens_and_map_agree(k: int) -> None:
    found = in_node()[k]
    np.testing.assert_allclose(found["out"][0], found["map"], rtol=1e-12)


def test_what_is_wrong_is_refused_and_changes_nothing() -> None:
    *_, found = in_node()
    assert found["refused"] == [
        "rate cannot be 0",
        'data "own" needs points',
        "hidden cannot be [9]",
        "no setting is called constructor",
        'features cannot be ["x1","x1"]',
        "no parameter is called w9; see names",
        "1 hidden layers need as many activations",
    ]
    assert found["epoch"] == 1


def test_a_change_while_it_runs_keeps_the_history() -> None:
    assert [found["epoch"] for found in in_node()] == [3, 5, 3, 4, 2, 2, 2, 3, 2, 1, 1, 1, 1, 3, 1]
