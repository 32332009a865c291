"""What somebody may give to training by mistake, and the exact text of the error."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from refusals import refusals

from tinygrad_edu import MLP, SGD, EarlyStopping, History, Value, best_of, evaluate, fit, train
from tinygrad_edu.losses import LOSSES, l2
from tinygrad_edu.optim import OPTIMIZERS

X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
Y = [0, 1, 1]
BASE: dict[str, Any] = {"loss": "squared_error", "optimizer": "sgd", "epochs": 2}

Case = tuple[dict[str, Any], type[Exception], str]


ENCODE = "encode classes as numbers, for instance sorted(set(y)).index(label)"
FINITE = "remove or replace the row, training needs finite data"
#: What rows and targets by themselves may be: test_examples.py.
DATA: dict[str, Case] = {
    "no rows": ({"X": [], "y": []}, ValueError, "X has no rows"),
    "no rows, array": ({"X": np.zeros((0, 2)), "y": []}, ValueError, "X has no rows"),
    "more targets": ({"y": [0, 1, 1, 0]}, ValueError, "3 rows in X but 4 targets in y"),
    "fewer targets": ({"y": []}, ValueError, "3 rows in X but 0 targets in y"),
    "no columns": ({"X": [[], [], []]}, ValueError, "expected 2 inputs, got 0"),
    "other columns than the model": ({"X": [[0.0] * 3] * 3}, ValueError,
     "expected 2 inputs, got 3"),
    "y too wide": ({"y": [[0, 1], [1, 0], [1, 0]]}, ValueError, "1 outputs but 2 targets"),
    "class numbers for squared error": ({"model": MLP(2, [3]), "y": [0, 1, 2]}, ValueError,
     "3 outputs but 1 targets"),
}  # fmt: skip

#: What a loss refuses by itself: test_losses.py; on which engine: test_matrix_engine_limits.py.
FITS: dict[str, Case] = {
    "0 and 1 for hinge": ({"loss": "hinge"}, ValueError,
     "hinge takes targets -1 and 1, got 0: write 2 * y - 1 for classes 0 and 1"),
    "cross entropy of one output": ({"loss": "cross_entropy"}, ValueError,
     "cross_entropy takes one output per class, got 1: "
     "for a single output use binary_cross_entropy_with_logits"),
    "no sigmoid": (
     {"loss": "binary_cross_entropy", "model": MLP(2, [1], init=lambda rng, nin, nout: 7.0)},
     ValueError, "binary_cross_entropy takes a probability in [0, 1], got 7.0: "
     "end the model in a sigmoid, or use binary_cross_entropy_with_logits"),
}  # fmt: skip

NAMED = f"choose {', '.join(OPTIMIZERS)}"
LOSS_NAMES = f"choose {', '.join(LOSSES)}"
WEIGHTS: dict[str, Case] = {
    "too few weights": ({"sample_weight": [1.0]}, ValueError,
     "sample_weight has 1 numbers, expected 3"),
    "a weight below 0": ({"sample_weight": [1.0, 2.0, -0.5]}, ValueError,
     "sample_weight[2] must be a finite number >= 0, got -0.5"),
    "weights of 0": ({"sample_weight": [0, 0, 0]}, ValueError,
     "sample_weight is 0 for every example: leave it out for equal weights"),
    "weights by name": ({"sample_weight": "balanced"}, TypeError,
     "sample_weight must be a list of 3 numbers, got str"),
}  # fmt: skip
OPTIONS: dict[str, Case] = {
    **WEIGHTS,
    "loss unknown": ({"loss": "hinged"}, ValueError,
     f"unknown loss 'hinged': {LOSS_NAMES}; did you mean 'hinge'?"),
    "loss None": ({"loss": None}, TypeError,
     f"loss is a name or a function, got NoneType: {LOSS_NAMES}"),
    "optimizer unknown": ({"optimizer": "sdg"}, ValueError,
     f"unknown optimizer 'sdg': {NAMED}; did you mean 'sgd'?"),
    "optimizer a rate": ({"optimizer": 0.1}, TypeError,
     "optimizer must be a name, an Optimizer or a function of the parameters, got float: "
     "one of your own is a subclass of Optimizer with an update"),
    "optimizer makes nothing": ({"optimizer": lambda parameters: None}, TypeError,
     "optimizer must make an Optimizer of the parameters, got None: "
     "write optimizer=lambda parameters: SGD(parameters, lr=0.1)"),
    "optimizer of another model": ({"optimizer": SGD(MLP(2, [1]).parameters())}, ValueError,
     "SGD(3 parameters, lr=0.1) holds no parameter of MLP(2, [1], 'relu', output='linear'): "
     "make it from model.parameters()"),
    "a function without an optimizer": ({"model": lambda x: Value(1.0)}, TypeError,
     "for a model that is no nn.Module give an optimizer with its parameters"),
    "engine": ({"engine": "scaler"}, ValueError,
     "unknown engine 'scaler': choose auto, matrix, scalar; did you mean 'scalar'?"),
    "penalty a Value": ({"penalty": l2(MLP(2, [1]).parameters(), 0.1)}, TypeError,
     "penalty is a function of the model, got Value: "
     "write penalty=lambda model: l2(model.parameters(), 1e-4)"),
    "rng": ({"rng": np.random.default_rng(0)}, TypeError,
     "rng must be an int seed or a random.Random, got Generator; write rng=0"),
    "epochs": ({"epochs": -1}, ValueError, "epochs must be an int of at least 0, got -1"),
    "epochs None": ({"epochs": None}, TypeError, "epochs must be an int of at least 0, got None"),
    "batch_size": ({"batch_size": 0}, ValueError, "batch_size must be an int of at least 1, got 0"),
}  # fmt: skip

PARAMETER = Value(1.0)


def answers(epoch: Any) -> Any:
    return "stop"


ONLY_FIT: dict[str, Case] = {
    "validation a share": ({"validation": 0.2}, TypeError,
     "validation must be (X, y) or (X, y, sample_weight), got 0.2"),
    "validation without targets": ({"validation": (X,)}, TypeError,
     "validation must be (X, y) or (X, y, sample_weight), got "
     "([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]],)"),
    "validation of other length": ({"validation": (X, [1])}, ValueError,
     "3 rows in X_val but 1 targets in y_val"),
    "validation empty": ({"validation": ([], [])}, ValueError, "X_val has no rows"),
    "validation NaN": ({"validation": ([[0.0, 0.0], [0.0, math.nan], [1.0, 0.0]], Y)}, ValueError,
     f"X_val[1][1] is nan: {FINITE}"),
    "validation labels": ({"validation": (X, ["a", "b", "c"])}, TypeError,
     f"y_val[0] is the text 'a': {ENCODE}"),
    "callbacks a function": ({"callbacks": EarlyStopping(3)}, TypeError,
     "callbacks must be a list of functions of an Epoch, got EarlyStopping(3, min_delta=0.0)"),
    "a class": ({"callbacks": [EarlyStopping]}, TypeError,
     "callbacks holds a class: write EarlyStopping() with parentheses"),
    "a callback that is none": ({"callbacks": ["stop"]}, TypeError,
     "callbacks must be a list of functions of an Epoch, got ['stop']"),
    "a callback that answers": ({"callbacks": [answers]}, TypeError,
     f"callback {answers!r} must return True to stop or None, got 'stop'"),
    "early stopping of a function": (
        {
            "model": lambda x: PARAMETER * x[0],
            "optimizer": SGD([PARAMETER]),
            "callbacks": [EarlyStopping(3)],
        },
        TypeError,
        "EarlyStopping restores parameters: the model must be an nn.Module",
    ),
}  # fmt: skip


def scored(model: Any, X: Any, y: Any, *, loss: str, **training: Any) -> Any:
    return evaluate(model, X, y, loss=loss)


def run(driver: Callable[..., Any], change: dict[str, Any]) -> Any:
    options = {"model": MLP(2, [1]), "X": X, "y": Y, **BASE, **change}
    return driver(options.pop("model"), options.pop("X"), options.pop("y"), **options)


ALL = {**DATA, **FITS, **OPTIONS}


def refused_by(call: Callable[[dict[str, Any]], Any], cases: dict[str, Case]) -> Any:
    return refusals(
        {name: (partial(call, change), *right) for name, (change, *right) in cases.items()}
    )


# these need the model to run; train refuses all others before the first step is asked for
LATE = (
    "no columns",
    "other columns than the model",
    "y too wide",
    "class numbers for squared error",
)
AT_THE_CALL = {name: case for name, case in {**DATA, **OPTIONS}.items() if name not in LATE}

test_fit_refuses_bad_input_with_a_clear_text = refused_by(partial(run, fit), {**ALL, **ONLY_FIT})
test_train_refuses_bad_input_with_the_same_text = refused_by(lambda x: list(run(train, x)), ALL)
test_train_refuses_bad_data_and_options_at_the_call = refused_by(partial(run, train), AT_THE_CALL)
test_evaluate_refuses_bad_data_with_the_same_text = refused_by(
    partial(run, scored), {**DATA, **FITS}
)


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


def fit_to(output: Callable[[Value], Any]) -> None:
    p = Value(1.0)
    options: dict[str, Any] = {"loss": lambda o, t: p * 1.0, "optimizer": SGD([p]), "epochs": 1}
    fit(lambda x: output(p * x[0]), X, Y, **options)


OUTPUTS = "a model gives a Value or a list of Values, got"
test_a_model_that_gives_no_values_is_refused = refusals([
    (lambda: fit_to(lambda v: [v.data]), TypeError, f"{OUTPUTS} float"),
    (lambda: fit_to(lambda v: (x for x in [v])), TypeError, f"{OUTPUTS} generator"),
    (lambda: fit_to(lambda v: np.array([v.data])), TypeError, f"{OUTPUTS} ndarray"),
])  # fmt: skip


def test_a_model_may_give_a_tuple() -> None:
    p, q = Value(1.0), Value(-1.0)
    history = fit(
        lambda x: (p * x[0], q * x[1]), X, Y, loss="cross_entropy", optimizer=SGD([p, q]), epochs=2
    )
    assert len(history.accuracy) == 2


test_bad_options_of_stopping_and_restarts_are_refused = refusals({
    "patience 0": (lambda: EarlyStopping(0), ValueError,
     "patience must be an int of at least 1, got 0"),
    "min_delta": (lambda: EarlyStopping(min_delta=-0.1), ValueError,
     "min_delta must be a finite number >= 0, got -0.1"),
    "no tries": (lambda: best_of(lambda rng: (None, History()), 0), ValueError,
     "tries must be an int from 1 to 1000000, got 0"),
    "a run the other way round": (lambda: best_of(lambda rng: (History([1.0]), None), 1), TypeError,
     "run must return (model, history), got (History(1 epochs, last loss=1), None)"),
    "best_of without a seed": (lambda: best_of(lambda rng: (None, History()), 1, rng=None),
     TypeError, "rng must be an int seed or a random.Random, got NoneType; write rng=0"),
})  # fmt: skip
