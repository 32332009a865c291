"""What somebody may give to training by mistake, and the exact text of the error."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import MLP, SGD, EarlyStopping, History, Value, best_of, evaluate, fit, train
from tinygrad_edu.losses import LOSSES, l2
from tinygrad_edu.optim import OPTIMIZERS

X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
Y = [0, 1, 1]
BASE: dict[str, Any] = {"loss": "squared_error", "optimizer": "sgd", "epochs": 2}

Case = tuple[dict[str, Any], type[Exception], str]


#: What rows and targets by themselves may be: test_examples.py.
DATA: dict[str, Case] = {
    "no rows": ({"X": [], "y": []}, ValueError, "X has no rows"),
    "no rows, array": ({"X": np.zeros((0, 2)), "y": []}, ValueError, "X has no rows"),
    "more targets": ({"y": [0, 1, 1, 0]}, ValueError, "3 rows in X but 4 targets in y"),
    "fewer targets": ({"y": []}, ValueError, "3 rows in X but 0 targets in y"),
    "no columns": ({"X": [[], [], []]}, ValueError, "expected 2 inputs, got 0"),
    "other columns than the model": (
        {"X": [[0.0] * 3] * 3},
        ValueError,
        "expected 2 inputs, got 3",
    ),
    "y too wide": ({"y": [[0, 1], [1, 0], [1, 0]]}, ValueError, "1 outputs but 2 targets"),
    "class numbers for squared error": (
        {"model": MLP(2, [3]), "y": [0, 1, 2]},
        ValueError,
        "3 outputs but 1 targets",
    ),
}  # fmt: skip

FITS: dict[str, Case] = {
    "0 and 1 for hinge": (
        {"loss": "hinge"},
        ValueError,
        "hinge takes targets -1 and 1, got 0: write 2 * y - 1 for classes 0 and 1",
    ),
    "-1 and 1 for cross entropy": (
        {"loss": "binary_cross_entropy_with_logits", "y": [1, 1, -1]},
        ValueError,
        "target must be a probability in [0, 1], such as 0 or 1, got -1",
    ),
    "class 3 of 3": (
        {"loss": "cross_entropy", "model": MLP(2, [3]), "y": [0, 1, 3]},
        ValueError,
        "class 3 is out of range 0..2",
    ),
    "class -1": (
        {"loss": "cross_entropy", "model": MLP(2, [3]), "y": [0, 1, -1]},
        ValueError,
        "class -1 is out of range 0..2",
    ),
    "cross entropy of one output": (
        {"loss": "cross_entropy"},
        ValueError,
        "cross_entropy takes one output per class, got 1: "
        "for a single output use binary_cross_entropy_with_logits",
    ),
    "several outputs for hinge": (
        {"loss": "hinge", "model": MLP(2, [3]), "y": [1, 1, -1]},
        ValueError,
        "this loss takes one output, got 3",
    ),
    "no sigmoid": (
        {
            "loss": "binary_cross_entropy",
            "model": MLP(2, [1], init=lambda rng, nin, nout: 7.0),
        },
        ValueError,
        "binary_cross_entropy takes a probability in [0, 1], got 7.0: "
        "end the model in a sigmoid, or use binary_cross_entropy_with_logits",
    ),
}

NAMED = f"choose {', '.join(OPTIMIZERS)}"
LOSS_NAMES = f"choose {', '.join(LOSSES)}"
OPTIONS: dict[str, Case] = {
    "loss unknown": (
        {"loss": "hinged"},
        ValueError,
        f"unknown loss 'hinged': {LOSS_NAMES}; did you mean 'hinge'?",
    ),
    "loss None": (
        {"loss": None},
        TypeError,
        f"loss is a name or a function, got NoneType: {LOSS_NAMES}",
    ),
    "optimizer unknown": (
        {"optimizer": "sdg"},
        ValueError,
        f"unknown optimizer 'sdg': {NAMED}; did you mean 'sgd'?",
    ),
    "optimizer a rate": (
        {"optimizer": 0.1},
        TypeError,
        f"optimizer is a name or a function, got float: {NAMED}",
    ),
    "optimizer makes nothing": (
        {"optimizer": lambda parameters: None},
        TypeError,
        "optimizer must make an Optimizer of the parameters, got None: "
        "write optimizer=lambda parameters: SGD(parameters, lr=0.1)",
    ),
    "optimizer of another model": (
        {"optimizer": SGD(MLP(2, [1]).parameters())},
        ValueError,
        "SGD(3 parameters, lr=0.1) holds no parameter of MLP(2, [1], 'relu', output='linear'): "
        "make it from model.parameters()",
    ),
    "a function without an optimizer": (
        {"model": lambda x: Value(1.0)},
        TypeError,
        "for a model that is no nn.Module give an optimizer with its parameters",
    ),
    "engine": (
        {"engine": "scaler"},
        ValueError,
        "unknown engine 'scaler': choose auto, matrix, scalar; did you mean 'scalar'?",
    ),
    "penalty a Value": (
        {"penalty": l2(MLP(2, [1]).parameters(), 0.1)},
        TypeError,
        "penalty is a function of the model, got Value: "
        "write penalty=lambda model: l2(model.parameters(), 1e-4)",
    ),
    "penalty a number": (
        {"penalty": 1e-4},
        TypeError,
        "penalty is a function of the model, got float: "
        "write penalty=lambda model: l2(model.parameters(), 1e-4)",
    ),
    "rng": (
        {"rng": np.random.default_rng(0)},
        TypeError,
        "rng must be an int seed or a random.Random, got Generator; write rng=0",
    ),
    "rng -1": (
        {"rng": -1},
        ValueError,
        "rng must be a seed of at least 0, got -1; write rng=1",
    ),
    **{
        f"epochs {n}": (
            {"epochs": n},
            error,
            f"epochs must be an int of at least 0, got {shown}",
        )
        for n, error, shown in [
            (-1, ValueError, "-1"),
            (1.5, TypeError, "float 1.5"),
            (math.inf, TypeError, "float inf"),
            ("10", TypeError, "str '10'"),
            (None, TypeError, "None"),
            (True, TypeError, "bool True"),
        ]
    },
    **{
        f"batch_size {n}": (
            {"batch_size": n},
            error,
            f"batch_size must be an int of at least 1, got {shown}",
        )
        for n, error, shown in [
            (0, ValueError, "0"),
            (-1, ValueError, "-1"),
            (1.5, TypeError, "float 1.5"),
            ("all", TypeError, "str 'all'"),
        ]
    },
}

PARAMETER = Value(1.0)


def answers(epoch: Any) -> Any:
    return "stop"


ONLY_FIT: dict[str, Case] = {
    "validation a share": (
        {"validation": 0.2},
        TypeError,
        "validation must be (X, y), got 0.2",
    ),
    "validation without targets": (
        {"validation": (X,)},
        TypeError,
        "validation must be (X, y), got ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]],)",
    ),
    "validation of other length": (
        {"validation": (X, [1])},
        ValueError,
        "3 rows in X_val but 1 targets in y_val",
    ),
    "validation empty": ({"validation": ([], [])}, ValueError, "X_val has no rows"),
    "validation NaN": (
        {"validation": ([[0.0, 0.0], [0.0, math.nan]], [0, 1])},
        ValueError,
        "X_val[1][1] is nan: remove or replace the row, training needs finite data",
    ),
    "validation labels": (
        {"validation": (X, ["a", "b", "c"])},
        TypeError,
        "y_val[0] is the text 'a': encode classes as numbers, "
        "for instance sorted(set(y)).index(label)",
    ),
    "callbacks a function": (
        {"callbacks": EarlyStopping(3)},
        TypeError,
        "callbacks must be a list of functions of an Epoch, got EarlyStopping(3, min_delta=0.0)",
    ),
    "a callback that is none": (
        {"callbacks": ["stop"]},
        TypeError,
        "callbacks must be a list of functions of an Epoch, got ['stop']",
    ),
    "a callback that answers": (
        {"callbacks": [answers]},
        TypeError,
        f"callback {answers!r} must return True to stop or None, got 'stop'",
    ),
    "early stopping of a function": (
        {
            "model": lambda x: PARAMETER * x[0],
            "optimizer": SGD([PARAMETER]),
            "callbacks": [EarlyStopping(3)],
        },
        TypeError,
        "EarlyStopping restores parameters: the model must be an nn.Module",
    ),
}


def refuse(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert (type(caught.value), str(caught.value)) == (error, text)


def run(driver: Callable[..., Any], change: dict[str, Any]) -> Any:
    options = {"model": MLP(2, [1]), "X": X, "y": Y, **BASE, **change}
    return driver(options.pop("model"), options.pop("X"), options.pop("y"), **options)


ALL = {**DATA, **FITS, **OPTIONS}


@pytest.mark.parametrize("name", {**ALL, **ONLY_FIT})
def test_fit_refuses_bad_input_with_a_clear_text(name: str) -> None:
    change, error, text = {**ALL, **ONLY_FIT}[name]
    refuse(lambda: run(fit, change), error, text)


@pytest.mark.parametrize("name", ALL)
def test_train_refuses_bad_input_with_the_same_text(name: str) -> None:
    change, error, text = ALL[name]
    refuse(lambda: list(run(train, change)), error, text)


# these need the model to run; all others are refused before the first step is asked for
LATE = {
    "no columns",
    "other columns than the model",
    "y too wide",
    "class numbers for squared error",
}


@pytest.mark.parametrize("name", sorted({**DATA, **OPTIONS}.keys() - LATE))
def test_train_refuses_bad_data_and_options_at_the_call(name: str) -> None:
    change, error, text = ALL[name]
    refuse(lambda: run(train, change), error, text)


@pytest.mark.parametrize("name", {**DATA, **FITS})
def test_evaluate_refuses_bad_data_with_the_same_text(name: str) -> None:
    change, error, text = ALL[name]
    options = {"model": MLP(2, [1]), "X": X, "y": Y, "loss": "squared_error", **change}
    call = (options["model"], options["X"], options["y"])
    refuse(lambda: evaluate(*call, loss=options["loss"]), error, text)


@pytest.mark.parametrize("name", {**ALL, **ONLY_FIT})
def test_bad_input_leaves_a_model_unchanged(name: str) -> None:
    change, error, _ = {**ALL, **ONLY_FIT}[name]
    model = change.get("model") or MLP(2, [1], init=lambda rng, nin, nout: 0.25)
    if not isinstance(model, MLP) or name == "a callback that answers":
        return
    before = model.state_dict()
    with pytest.raises(error):
        run(fit, {"model": model, **change})
    assert model.state_dict() == before


OUTPUTS = "a model gives a Value or a list of Values, got {}"


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (lambda v: [v.data], OUTPUTS.format("float")),
        (lambda v: (x for x in [v]), OUTPUTS.format("generator")),
        (lambda v: np.array([v.data]), OUTPUTS.format("ndarray")),
    ],
)
def test_a_model_that_gives_no_values_is_refused(output: Any, text: str) -> None:
    p = Value(1.0)
    refuse(
        lambda: fit(
            lambda x: output(p * x[0]),
            X,
            Y,
            loss=lambda o, t: p * 1.0,
            optimizer=SGD([p]),
            epochs=1,
        ),
        TypeError,
        text,
    )


def test_a_model_may_give_a_tuple() -> None:
    p, q = Value(1.0), Value(-1.0)
    history = fit(
        lambda x: (p * x[0], q * x[1]), X, Y, loss="cross_entropy", optimizer=SGD([p, q]), epochs=2
    )
    assert len(history.accuracy) == 2


REST: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "patience 0": (
        lambda: EarlyStopping(0),
        ValueError,
        "patience must be an int of at least 1, got 0",
    ),
    "patience 1.5": (
        lambda: EarlyStopping(1.5),  # type: ignore[arg-type]
        TypeError,
        "patience must be an int of at least 1, got float 1.5",
    ),
    "min_delta": (
        lambda: EarlyStopping(min_delta=-0.1),
        ValueError,
        "min_delta must be a finite number >= 0, got -0.1",
    ),
    "no tries": (
        lambda: best_of(lambda rng: (None, History()), 0),
        ValueError,
        "tries must be an int of at least 1, got 0",
    ),
    "a run without a model": (
        lambda: best_of(lambda rng: History([1.0]), 2),  # type: ignore[arg-type,return-value]
        TypeError,
        "run must return (model, history), got History(1 epochs, last loss=1)",
    ),
    "a run the other way round": (
        lambda: best_of(lambda rng: (History([1.0]), None), 1),  # type: ignore[arg-type,return-value]
        TypeError,
        "run must return (model, history), got (History(1 epochs, last loss=1), None)",
    ),
    "best_of without a seed": (
        lambda: best_of(lambda rng: (None, History()), 1, rng=None),  # type: ignore[arg-type]
        TypeError,
        "rng must be an int seed or a random.Random, got NoneType; write rng=0",
    ),
}


@pytest.mark.parametrize("name", REST)
def test_bad_options_of_stopping_and_restarts_are_refused(name: str) -> None:
    refuse(*REST[name])
