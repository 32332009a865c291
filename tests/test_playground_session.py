"""What the page makes of settings is what Python makes: points, net, training, and its program."""

import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
from node import in_node, made

import tinygrad_edu
from tinygrad_edu.data import DATA_SETS, train_test_split
from tinygrad_edu.playground import points
from tinygrad_edu.playground.parts import parameter_names
from tinygrad_edu.playground.settings import FEATURES, LOSSES, Settings, changed, features
from tinygrad_edu.playground.start import Start

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
def sessions() -> list[Any]:
    return list(in_node("session", {"parts": made(), "tasks": SESSIONS}))


@pytest.mark.parametrize(
    "k",
    [pytest.param(k, marks=[pytest.mark.slow] * (k in (0, 1, 5))) for k in range(len(SESSIONS))],
)
def test_the_program_gives_the_state_again(k: int) -> None:
    found = sessions()[k]
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(found["code"], names)
    parameters = [p.data for p in names["net"].parameters()]
    np.testing.assert_allclose(found["parameters"], parameters, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("k", range(len(SESSIONS)))
def test_the_link_gives_the_settings_again(k: int) -> None:
    found = sessions()[k]
    assert found["again"] == found["state"]


@pytest.mark.parametrize("k", range(len(SESSIONS)))
def test_lens_and_map_agree(k: int) -> None:
    found = sessions()[k]
    np.testing.assert_allclose(found["out"][0], found["map"], rtol=1e-12)


def test_what_is_wrong_is_refused_and_changes_nothing() -> None:
    *_, found = sessions()
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
    assert [found["epoch"] for found in sessions()] == [3, 5, 3, 4, 2, 2, 2, 3, 2, 1, 1, 1, 1, 3, 1]


# Points and features

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
def points_in_node() -> list[Any]:
    return list(in_node("data", TASKS))


@pytest.mark.parametrize("k", range(len(TASKS) - len(COUNTED)))
def test_points_and_split_are_those_of_python(k: int) -> None:
    task, found = TASKS[k], points_in_node()[k]
    made = DATA_SETS[task["name"]].points(task["n"], task["noise"], task["seed"])
    assert found["classes"] == made.y
    np.testing.assert_allclose(found["points"], made.X, rtol=1e-12, atol=1e-14)
    train, _, test, _ = train_test_split(
        range(len(made)), made.y, test_size=task["share"], rng=task["seed"]
    )  # fmt: skip
    assert found["split"] == {"train": train, "test": test}


def test_the_number_of_classes_is_chosen_as_in_python() -> None:
    for (name, called, k), found in zip(COUNTED, points_in_node()[-len(COUNTED) :], strict=True):
        options = {called: k, DATA_SETS[name].noise: 0.1}
        made = getattr(tinygrad_edu, name)(51, rng=2, **options)
        assert found["classes"] == made.y
        np.testing.assert_allclose(found["points"], made.X, rtol=1e-12, atol=1e-14)


def test_features_have_the_names_and_numbers_of_python() -> None:
    found = points_in_node()[0]
    assert found["names"] == list(FEATURES)
    rows = features(found["points"], found["names"])
    np.testing.assert_allclose(np.ravel(rows), found["rows"], rtol=1e-12, atol=1e-15)


# What Python begins with

#: The page's own first settings, which differ from those of Python's, and sessions of epochs alone.
FIRST: dict[str, Any] = {"n": 300, "noise": 0.2, "hidden": (8, 8)}
PLAIN = [k for k, (_, *calls) in enumerate(SESSIONS) if [name for name, *_ in calls] == ["step"]]


def start(**settings: Any) -> Start:
    return Start(changed(Settings(), FIRST | settings))


@pytest.mark.parametrize("k", PLAIN)
def test_training_is_that_of_the_page(k: int) -> None:
    settings, (_, epochs) = SESSIONS[k]
    began, found = start(**settings), sessions()[k]
    assert {**found["state"], "own": None} == {
        "own": None,
        **{name: [*x] if isinstance(x, tuple) else x for name, x in vars(began.settings).items()},
    }
    history = began.fit(epochs)
    np.testing.assert_allclose(history.loss, found["losses"], rtol=1e-11)
    np.testing.assert_allclose(history.validation_loss, found["testLosses"], rtol=1e-11)
    parameters = [p.data for p in began.net.module.parameters()]
    np.testing.assert_allclose(parameters, found["parameters"], rtol=1e-11, atol=1e-12)


def test_the_parameters_have_the_names_of_the_page() -> None:
    assert parameter_names([2, 2, 1]) == [
        "w1[1,1]", "w1[1,2]", "b1[1]", "w1[2,1]", "w1[2,2]", "b1[2]", "w2[1,1]", "w2[1,2]", "b2[1]",
    ]  # fmt: skip


def test_the_net_is_written_as_the_page_writes_it() -> None:
    nets = [
        start(hidden=[3]), start(hidden=[]), start(hidden=[3, 2], activations=["relu", "tanh"]),
        start(data="spiral", hidden=[2], dropout=0.5), start(data="sine", hidden=[2]),
        start(loss="half_squared_error", hidden=[2]),
    ]  # fmt: skip
    assert [repr(one.net.module) for one in nets] == [
        "MLP(2, [3, 1], 'tanh', output='linear')",
        "MLP(2, [1], 'relu', output='linear')",
        "MLP(2, [3, 2, 1], ['relu', 'tanh'], output='linear')",
        "Sequential(Layer(2, 2, 'tanh'), Dropout(0.5), Layer(2, 3, 'linear'))",
        "MLP(1, [2, 1], 'tanh', output='linear')",
        "MLP(2, [2, 1], 'tanh', output='sigmoid')",
    ]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_gets_its_targets(loss: str) -> None:
    history = start(loss=loss, hidden=[3], n=40).fit(20)
    assert history.loss[-1] < history.loss[0]
    assert history.accuracy[-1] > 0.7


def test_own_points_train() -> None:
    own = points([[0, 0], [9, 9], [0, 9]], ["a", "<b>", "c"])
    began = Start(Settings(data="own", share=0, hidden=[8]), own)
    assert began.net.sizes == [2, 8, 3]
    assert len(began.fit(2)) == 2


@pytest.mark.parametrize("width", [1, 2])
def test_an_own_function_is_learned_from_its_inputs(width: int) -> None:
    own = points([[k / 6 - 1, 0][:width] for k in range(12)], [(k / 6 - 1) ** 2 for k in range(12)])
    began = Start(Settings(data="own", share=0, hidden=[4], features=["x1", "x2", "x1**2"]), own)
    assert began.net.sizes == [width + 1, 4, 1]
    assert began.settings.features == (("x1", "x1**2") if width == 1 else ("x1", "x2", "x1**2"))
    history = began.fit(60)
    assert history.loss[-1] < 0.2 * history.loss[0]
