"""diagnose_training: why a net does not learn, and that nothing is changed by asking."""

import copy
import random
from dataclasses import replace

import pytest
from few import few

from tinygrad_edu import (
    MLP,
    SGD,
    Adam,
    BatchNorm,
    Dropout,
    History,
    Layer,
    Sequential,
    Value,
    iris,
    moons,
    xor,
)
from tinygrad_edu.cli import run
from tinygrad_edu.cli.demos import DEMOS
from tinygrad_edu.data import digits
from tinygrad_edu.diagnose import SLIPS, Diagnosis, diagnose_training

X, CLASSES = moons(60, noise=0.1, rng=1)
SIGNS = [2 * c - 1 for c in CLASSES]


def asked(model, X, y, loss="squared_error", optimizer=None, **options) -> Diagnosis:
    """The diagnosis; model and optimizer are as they were."""
    optimizer = optimizer or SGD(model.parameters(), **{"lr": 0.1, **options})
    held = [(p.data, p.grad) for p in model.parameters()]
    state = copy.deepcopy({k: v for k, v in vars(optimizer).items() if k != "parameters"})
    diagnosis = diagnose_training(model, X, y, loss=loss, optimizer=optimizer)
    assert [(p.data, p.grad) for p in model.parameters()] == held
    assert {k: v for k, v in vars(optimizer).items() if k != "parameters"} == state
    return diagnosis


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "softplus"])
@pytest.mark.parametrize("seed", few(range(5), 1))
def test_a_net_that_learns_is_not_accused(activation: str, seed: int) -> None:
    for sizes in ([6, 1], [6, 6, 1]):
        model = MLP(2, sizes, activation, rng=seed)
        diagnosis = asked(model, X, SIGNS, lr=0.02, momentum=0.9)
        assert diagnosis.right, diagnosis
        assert str(diagnosis).startswith("nothing is wrong: the loss of 10 examples went from ")


@pytest.mark.slow
def test_the_nets_of_the_lectures_are_not_accused() -> None:
    flowers, pictures = iris(), digits()
    scaled = [[x / 16 for x in row] for row in pictures.X[:200]]
    for model, rows, targets, loss in (
        (MLP(2, [3, 1], "tanh", "sigmoid", rng=0), *xor(), "binary_cross_entropy"),
        (MLP(2, [8, 1], "relu", rng=0), X, SIGNS, "hinge"),
        (MLP(2, [8, 1], "tanh", rng=0), X, CLASSES, "binary_cross_entropy_with_logits"),
        (MLP(4, [8, 3], "tanh", rng=0), flowers.X, flowers.y, "cross_entropy"),
        (MLP(64, [16, 10], "relu", rng=0), scaled, pictures.y[:200], "cross_entropy"),
        (Sequential(Layer(2, 8, "tanh", rng=0), Dropout(0.2, rng=0), Layer(8, 1, rng=1)), X, SIGNS,
         "squared_error"),
        (Sequential(Layer(2, 8, "tanh", rng=0), BatchNorm(8), Layer(8, 1, rng=1)), X, SIGNS,
         "squared_error"),
    ):  # fmt: skip
        diagnosis = asked(model, rows, targets, loss, Adam(model.parameters(), lr=0.01))
        assert diagnosis.right, diagnosis


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(DEMOS) - {"perceptron"}))
def test_no_demo_is_accused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []

    def ask(model, X, y, *, loss, optimizer, **options):
        found.append(diagnose_training(model, X, y, loss=loss, optimizer=optimizer))
        return History([0.0])

    monkeypatch.setattr(run, "fit", ask)
    demo, rng = DEMOS[name], random.Random(DEMOS[name].settings.seed)
    samples = demo.data(demo.settings, rng)
    settings = replace(demo.settings, loss=demo.settings.loss or samples.default_loss)
    demo.train(run.Run(settings, samples, demo.model(settings, samples, rng)), rng)
    assert [str(diagnosis) for diagnosis in found if not diagnosis.right] == []
    assert len(found) == 1


def net(
    *nouts: int, activation="tanh", bias=0.0, scaled=(0, 1.0), output="linear", init=None
) -> MLP:
    """A net of two inputs: biases in its first layer, the weights of a layer times a factor."""
    model = MLP(2, [*(nouts or (8, 1))], activation, output, init=init, rng=0)
    for unit in model.layers[0].neurons:
        unit.b.data += bias
    for unit in model.layers[scaled[0]].neurons:
        for w in unit.w:
            w.data *= scaled[1]
    return model


CONTRADICTING = [[0.5, 1.0], [0.5, 1.0]] * 5 + [[0.5, 1.01]], [1, -1] * 5 + [0]
LOGITS = "binary_cross_entropy_with_logits"
#: What is wrong, where, and a training that is so.
WRONG = {
    "inputs of 100": ("scale", "x1", lambda: asked(net(), [[90 * a, b] for a, b in X], SIGNS)),
    "targets of 1000": ("scale", "y", lambda: asked(net(), X, [1000 * t for t in SIGNS])),
    "targets of -1 for a sigmoid": ("scale", "y", lambda: asked(net(output="sigmoid"), X, SIGNS)),
    "weights of 0": ("symmetric units", "layer1", lambda: asked(net(init="zeros"), X, SIGNS)),
    "biases of -10": (
        "dead units", "layer1", lambda: asked(net(activation="relu", bias=-10.0), X, SIGNS),
    ),
    "weights of 50": ("saturated units", "layer1", lambda: asked(net(scaled=(0, 50)), X, SIGNS)),
    "no weights at the end": (
        "constant output", "outputs", lambda: asked(net(scaled=(1, 0)), X, SIGNS),
    ),
    "twelve layers of sigmoids": (
        "vanishing gradients", "layer1",
        lambda: asked(net(*[8] * 12, 1, activation="sigmoid"), X, CLASSES),
    ),
    "outputs of 50": ("start", "loss", lambda: asked(net(scaled=(1, 50)), X, CLASSES, LOGITS)),
    "a rate of 100": ("learning rate too large", "lr", lambda: asked(net(), X, SIGNS, lr=100.0)),
    "a rate of 1e-7": ("learning rate too small", "lr", lambda: asked(net(), X, SIGNS, lr=1e-7)),
    "a loss that does not depend on the net": (
        "vanishing gradients", "parameters", lambda: asked(net(), X, SIGNS, lambda o, t: 0 * o + 1),
    ),
    "a loss of the wrong sign": (
        "sign", "loss",
        lambda: asked(net(output="sigmoid"), X, CLASSES,
                      lambda p, t: t * p.log() + (1 - t) * (1 - p).log()),
    ),
    "a loss without end": (
        "sign", "loss", lambda: asked(net(), X, SIGNS, lambda o, t: -((o - t) ** 2), lr=0.1),
    ),
    "weights that decay": (
        "scale", "weight_decay", lambda: asked(net(), X, SIGNS, lr=0.1, weight_decay=5.0),
    ),
    "the same row again and again": (
        "constant output", "X", lambda: asked(net(), [[0.5, 1.0]] * len(X), SIGNS),
    ),
    "labels that contradict each other": (
        "unknown", "steps", lambda: asked(net(scaled=(1, 0.01)), *CONTRADICTING, lr=0.01),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", few(WRONG, 5))
def test_what_is_wrong_is_named(case: str) -> None:
    slip, where, ask = WRONG[case]
    diagnosis = ask()
    assert (diagnosis.slip, diagnosis.where) == (slip, where), diagnosis
    assert slip in SLIPS


def test_sorted_data_are_seen_from_end_to_end() -> None:
    rows = sorted(zip(X, SIGNS, strict=True), key=lambda pair: pair[1])
    assert asked(net(), [x for x, _ in rows], [t for _, t in rows]).right


def test_a_model_that_is_a_function_is_looked_at() -> None:
    w = [Value(0.3), Value(-0.2)]
    numbers = random.Random(0)
    optimizer = SGD(w, lr=0.05)

    def model(x):
        numbers.random()
        return w[0] * x[0] + w[1]

    rows = [[k / 10] for k in range(20)]
    diagnosis = diagnose_training(
        model, rows, [2 * x - 1 for [x] in rows], loss="squared_error", optimizer=optimizer
    )
    assert diagnosis.right, diagnosis
    assert numbers.random() == random.Random(0).random()
    assert [v.data for v in w] == [0.3, -0.2]


def test_the_sentence_has_the_loss_of_ten_examples_and_the_size_of_an_update() -> None:
    text = str(asked(net(), X, SIGNS, lr=1e-7))
    assert "the loss of 10 examples went from 0.7996 to 0.7996 in 200 steps" in text
    assert "the first update changes the weights by 5.447e-8 of their size" in text


def test_parameters_that_are_not_optimized_are_counted() -> None:
    model = net()
    optimizer = SGD(model.layers[1].parameters(), lr=0.1)
    found = diagnose_training(model, X, SIGNS, loss="squared_error", optimizer=optimizer)
    assert found.right
    assert str(found).endswith(" of their size; the optimizer lacks 24 parameters")


def test_what_train_refuses_is_refused() -> None:
    with pytest.raises(ValueError, match="holds no parameter of"):
        diagnose_training(net(), X, SIGNS, loss="hinge", optimizer=SGD(net().parameters()))
    with pytest.raises(ValueError, match="unknown loss"):
        diagnose_training(net(), X, SIGNS, loss="hing", optimizer="SGD")
