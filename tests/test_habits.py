"""Habits of other libraries are answered with what to write here."""

import inspect

import pytest

import tinygrad_edu
from tinygrad_edu import (
    MLP,
    SGD,
    Adam,
    Layer,
    evaluate,
    fit,
    functions,
    moons,
    predict,
    train_test_split,
)
from tinygrad_edu.checks.habits import ARGUMENTS, NAMES, answered
from tinygrad_edu.losses import LOSSES
from tinygrad_edu.nn.activations import ACTIVATIONS
from tinygrad_edu.nn.initialisers import INITIALISERS

NET = MLP(2, [3, 1])
X, Y = [[0.0, 1.0]], [1.0]
FULL = {"loss": "squared_error", "optimizer": SGD(NET.parameters(), lr=0.1), "epochs": 1}

#: A call -> the sentence.
CALLS = {
    "nothing of what fit needs": (
        lambda: fit(NET, X, Y),
        'fit() also needs loss, optimizer, epochs, such as loss="cross_entropy" (for numbers '
        '"squared_error"), optimizer=Adam(model.parameters(), lr=0.01), epochs=100',
    ),
    "no targets": (lambda: fit(NET, X, **FULL), "fit() also needs y"),
    "no epochs": (
        lambda: fit(NET, X, Y, loss="squared_error", optimizer=Adam(NET.parameters())),
        "fit() also needs epochs, such as epochs=100",
    ),
    "options by place": (
        lambda: fit(NET, X, Y, "squared_error", "sgd", 3),
        "fit() takes model, X, y by place, and by name loss, optimizer, epochs",
    ),
    "a size by place": (
        lambda: train_test_split(X * 9, Y * 9, 0.3),
        "train_test_split() takes X, y by place, and by name test_size, stratify, rng, test_ratio",
    ),
    "an option by place": (
        lambda: Layer(2, 1, "tanh", 0),
        "Layer() takes nin, nout, activation by place, and by name init, rng, nonlin",
    ),
    "seed": (lambda: fit(NET, X, Y, **FULL, seed=1), "fit() has no argument 'seed': write rng=..."),
    "validation_data": (
        lambda: fit(NET, X, Y, **FULL, validation_data=(X, Y)),
        "fit() has no argument 'validation_data': write validation=...",
    ),
    "a slip of the hand": (
        lambda: fit(NET, X, Y, **FULL, batchsize=1),
        "fit() has no argument 'batchsize': write batch_size=...",
    ),
    "an argument that nothing is like": (
        lambda: predict(NET, X, temperature=1),
        "predict() has no argument 'temperature': it takes model, X, engine",
    ),
    "n_samples": (
        lambda: moons(n_samples=9),
        "moons() has no argument 'n_samples': write n=...",
    ),
    "a seed of a net": (lambda: MLP(2, [1], seed=1), "MLP() has no argument 'seed': write rng=..."),
    "what comes last in a net": (
        lambda: MLP(2, [1], output_activation="sigmoid"),
        "MLP() has no argument 'output_activation': write output=...",
    ),
    "a number of inputs": (
        lambda: MLP(n_inputs=2, nouts=[1]),
        "MLP() has no argument 'n_inputs': write nin=...",
    ),
    "a number of outputs": (
        lambda: Layer(2, out_features=1),
        "Layer() has no argument 'out_features': write nout=...",
    ),
    "a layer without units": (lambda: Layer(2), "Layer() also needs nout"),
    "a split": (
        lambda: train_test_split(moons(9), random_state=1),
        "train_test_split() has no argument 'random_state': write rng=...",
    ),
    "a rate of learning": (
        lambda: SGD(NET.parameters(), learning_rate=1),
        "SGD has no option 'learning_rate': it takes weight_decay, momentum, nesterov; did you "
        "mean 'lr'?",
    ),
    "criterion": (
        lambda: evaluate(NET, X, Y, criterion="squared_error"),
        "evaluate() has no argument 'criterion': write loss=...",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_does_not_fit_is_told_what_to_write(name):
    call, sentence = CALLS[name]
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value) == sentence


@pytest.mark.parametrize("name", ["mse", "BCE", "ce", "nll"])
def test_a_loss_by_another_name_is_found(name):
    with pytest.raises(ValueError, match=f"did you mean '{NAMES[name.lower()]}'"):
        fit(NET, X, Y, **{**FULL, "loss": name})


def test_what_is_meant_is_there():
    assert set(NAMES.values()) <= {*LOSSES, *ACTIVATIONS, *INITIALISERS, *functions.__all__}
    taken = {
        name
        for word in tinygrad_edu.__all__
        if inspect.isroutine(x := getattr(tinygrad_edu, word))
        or (isinstance(x, type) and not issubclass(x, Exception))
        for name in inspect.signature(x).parameters
    }
    assert set(ARGUMENTS.values()) <= {*taken, "sample_weight"}


def test_an_error_from_within_a_function_stays_as_it_is():
    @answered
    def wrong(x):
        return len(x)

    with pytest.raises(TypeError, match=r"object of type 'int' has no len\(\)"):
        wrong(1)
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        wrong(1, 2)
