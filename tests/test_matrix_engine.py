"""`engine="matrix"` and `engine="scalar"` give the same history and the same model."""

import random
from itertools import count, cycle, product
from typing import Any, NamedTuple

import pytest
from both_engines import ENGINES, check, net, rows

from tinygrad_edu import (
    SGD,
    Adam,
    Module,
    Value,
    blobs,
    circles,
    digits,
    iris,
    moons,
    parameter,
    spiral,
    xor,
)
from tinygrad_edu import functions as f
from tinygrad_edu.data import one_hot
from tinygrad_edu.engine import RandomLeaf
from tinygrad_edu.losses import l1, l2
from tinygrad_edu.nn import ACTIVATIONS
from tinygrad_edu.optim import (
    Adagrad,
    AdamW,
    RMSprop,
    cosine_decay,
    exponential_decay,
    linear_decay,
    step_decay,
)

#: Rows to train on, and rows to validate with.
TRAINING, HELD_OUT = 11, 6


class Task(NamedTuple):
    """Some rows of a data set with the targets of a loss, and the last layer that goes with it."""

    loss: str
    X: list[list[float]]
    y: list[Any]
    outputs: int
    output: str = "linear"


def some(make, *arguments):
    """A few rows of a data set, of all its classes, in [-1, 1]."""
    data = make(*arguments)
    order = list(range(len(data)))
    random.Random(0).shuffle(order)
    order = order[: TRAINING + HELD_OUT]
    largest = max(abs(x) for row in data.X for x in row)
    return [[x / largest for x in data.X[i]] for i in order], [data.y[i] for i in order]


TWO_CLASSES = {"circles": some(circles, 40), "moons": some(moons, 40), "xor": some(xor, 40, 0.1)}
MORE_CLASSES = {
    "blobs": some(blobs, 40),
    "digits": some(digits),
    "iris": some(iris),
    "spiral": some(spiral, 40),
}


def tasks():
    found = {}
    for name, (X, y) in TWO_CLASSES.items():
        signs = [2 * t - 1 for t in y]
        for task in (
            Task("binary_cross_entropy", X, y, 1, "sigmoid"),
            Task("binary_cross_entropy_with_logits", X, y, 1),
            Task("cross_entropy", X, y, 2),
            Task("half_squared_error", X, y, 1, "sigmoid"),
            Task("hinge", X, signs, 1),
            Task("mean_squared_error", X, y, 1),
            Task("perceptron", X, signs, 1, "tanh"),
            Task("squared_error", X, signs, 1, "tanh"),
        ):
            found[f"{name}, {task.loss}"] = task
    for name, (X, y) in MORE_CLASSES.items():
        k = max(y) + 1
        codes = one_hot(y, range(k))
        smooth = [[0.9 * t + 0.1 / k for t in code] for code in codes]
        for task in (
            Task("cross_entropy", X, y, k),
            Task("half_squared_error", X, codes, k, "softmax"),
            Task("mean_squared_error", X, codes, k),
            Task("squared_error", X, codes, k, "sigmoid"),
        ):
            found[f"{name}, {task.loss}"] = task
        found[f"{name}, cross_entropy of a distribution"] = Task("cross_entropy", X, smooth, k)
    return found


TASKS = tasks()

OPTIMIZERS = {
    "sgd": lambda p: SGD(p, lr=0.1),
    "sgd, decay": lambda p: SGD(p, lr=0.1, weight_decay=0.01),
    "sgd, momentum": lambda p: SGD(p, lr=0.05, momentum=0.9),
    "sgd, nesterov": lambda p: SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "sgd, all of it": lambda p: SGD(
        p, lr=linear_decay(0.1, 0.01, 5), momentum=0.5, nesterov=True, weight_decay=0.1
    ),
    "adagrad": lambda p: Adagrad(p, lr=0.1),
    "adagrad, decay": lambda p: Adagrad(p, lr=step_decay(0.1, 2), weight_decay=0.1, eps=1e-3),
    "rmsprop": RMSprop,
    "rmsprop, all of it": lambda p: RMSprop(
        p, lr=0.02, alpha=0.9, eps=1e-4, momentum=0.8, weight_decay=0.1
    ),
    "adam": lambda p: Adam(p, lr=0.05),
    "adam, all of it": lambda p: Adam(
        p, lr=cosine_decay(0.1, 6), betas=(0.8, 0.9), eps=1e-4, weight_decay=0.1
    ),
    "adamw": lambda p: AdamW(p, lr=0.05),
    "adamw, decay": lambda p: AdamW(p, lr=exponential_decay(0.1, 0.9), weight_decay=0.3),
}
PENALTIES = {
    "none": None,
    "l1": lambda model: l1(model.parameters(), 0.01),
    "l2": lambda model: l2(model.parameters(), 0.02),
    "half l2 of the weights": lambda model: l2(
        [w for layer in model.layers for unit in layer.neurons for w in unit.w], 0.1, half=True
    ),
}
#: The full batch, mini-batches of which the last is smaller, and online descent.
BATCHES = (None, 4, 1)


def check_task(task, activation, optimizer, penalty, batch_size):
    X, y = task.X, task.y
    check(
        lambda: net(len(X[0]), 3, task.outputs, activation=activation, output=task.output),
        OPTIMIZERS[optimizer],
        X[:TRAINING],
        y[:TRAINING],
        loss=task.loss,
        epochs=2,
        batch_size=batch_size,
        penalty=PENALTIES[penalty],
        validation=(X[TRAINING:], y[TRAINING:]),
        rng=1,
    )


def nth(choices, n):
    found = list(choices)
    return found[n % len(found)]


@pytest.mark.parametrize("n", range(len(TASKS)), ids=list(TASKS))
def test_every_task_trains_alike(n):
    check_task(
        nth(TASKS.values(), n), nth(ACTIVATIONS, n), nth(OPTIMIZERS, n), nth(PENALTIES, n),
        nth(BATCHES, n),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("title", TASKS)
def test_every_task_trains_alike_with_every_activation(title):
    """With every optimizer on the moons and the iris; elsewhere the optimizers take turns."""
    rest = count()
    every = title.startswith(("moons", "iris"))
    pairs = product(ACTIVATIONS, OPTIMIZERS) if every else zip(ACTIVATIONS, cycle(OPTIMIZERS))
    for activation, optimizer in pairs:
        penalty, batch_size = nth(product(PENALTIES, BATCHES), next(rest))
        check_task(TASKS[title], activation, optimizer, penalty, batch_size)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["moons", "iris"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_loss_trains_alike_with_every_optimizer_penalty_and_batch(name, optimizer):
    of_data = [task for title, task in TASKS.items() if title.startswith(name)]
    for task, penalty, batch_size in product(of_data, PENALTIES, BATCHES):
        check_task(task, "tanh", optimizer, penalty, batch_size)


@pytest.mark.parametrize("batch_size", BATCHES)
def test_targets_that_are_rows_train_alike(batch_size):
    X = rows(10, 3)
    y = [[x[0] - x[1], x[2] ** 2] for x in X]
    check(
        lambda: net(3, 4, 2), Adam, X, y,
        loss="squared_error", epochs=4, batch_size=batch_size, validation=(X[:4], y[:4]),
    )  # fmt: skip
    check(
        lambda: net(3, 4, 1), Adam, X, [t[:1] for t in y],
        loss="half_squared_error", epochs=4, batch_size=batch_size,
    )  # fmt: skip


def test_one_feature_and_one_row_train_alike():
    X = rows(10, 1)
    check(lambda: net(1, 3, 1), SGD, X, [x[0] ** 2 for x in X], loss="squared_error", epochs=4)
    check(lambda: net(1, 1), SGD, X, [x[0] for x in X], loss="squared_error", epochs=4)
    check(lambda: net(2, 3, 1), Adam, [[0.3, 0.7]], [0.5], loss="squared_error", epochs=4)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_few_rows_train_alike_whatever_the_program_is_checked_on(n):
    X = rows(n, 2)
    y = [k % 2 for k in range(n)]
    for batch_size in (None, 1, 2) if n > 1 else (None,):
        check(
            lambda: net(2, 3, 2), SGD, X, y, loss="cross_entropy", epochs=5, batch_size=batch_size
        )


class Parabola(Module):
    """a x^2 + b by hand, with a tuple for an output."""

    def __init__(self):
        self.a, self.b = parameter(0.1), parameter(0.2)

    def __call__(self, x):
        return (self.a * x[0] ** 2 + self.b,)


class Same(Module):
    """An output that does not depend on the row, one that is a parameter itself, or a constant."""

    def __init__(self, kind):
        self.kind, self.b, self.c = kind, parameter(0.4), parameter(0.3)

    def __call__(self, x):
        outputs = {
            "a parameter": self.b,
            "the same for all": self.b * self.c,
            "parameters": [self.b, self.c],
            "one of each": [self.b, self.c * x[0]],
            "a constant too": [Value(0.5), self.b * self.c],
        }
        return outputs[self.kind]


def test_a_model_by_hand_trains_alike():
    X = rows(9, 1)
    check(Parabola, Adam, X, [x[0] for x in X], loss="squared_error", epochs=5, batch_size=4)


@pytest.mark.parametrize("batch_size", BATCHES)
@pytest.mark.parametrize(
    "kind", ["a parameter", "the same for all", "parameters", "one of each", "a constant too"]
)
def test_outputs_that_do_not_depend_on_the_row_train_alike(kind, batch_size):
    X, y = rows(9, 1), [0, 0, 1, 0, 1, 0, 0, 1, 1]
    loss = "squared_error" if isinstance(Same(kind)(X[0]), Value) else "cross_entropy"
    check(
        lambda: Same(kind), lambda p: SGD(p, lr=0.5), X, y,
        loss=loss, epochs=4, batch_size=batch_size, validation=(X[:3], y[:3]),
    )  # fmt: skip


class Dropout(Module):
    """A net whose hidden units are left out at random, and one more number is drawn for noise."""

    def __init__(self):
        self.rng = random.Random(4)
        self.hidden, self.last = net(2, 5), net(5, 2, seed=1)

    def __call__(self, x):
        kept = [a * f.step(RandomLeaf(self.rng.random) - 0.3) for a in self.hidden(x)]
        noise = RandomLeaf(lambda: self.rng.gauss(0.0, 0.1))
        return [z + noise for z in self.last(kept)]


@pytest.mark.parametrize("batch_size", BATCHES)
@pytest.mark.parametrize("validation", [None, (rows(9, 2, seed=1), [0, 1, 1] * 3)])
def test_random_models_train_alike_from_equal_seeds(batch_size, validation):
    drawn = []

    def make():
        drawn.append(Dropout())
        return drawn[-1]

    X = rows(10, 2)
    check(
        make, SGD, X, [0, 1, 1, 0, 1] * 2,
        loss="cross_entropy", epochs=4, batch_size=batch_size, validation=validation,
    )  # fmt: skip
    states = [model.rng.getstate() for model in drawn]
    assert len(states) >= len(ENGINES)
    assert len(set(states)) == 1  # neither engine draws a number more


@pytest.mark.slow
def test_a_model_with_many_parameters_trains_alike():
    X, y = rows(2, 130), [0.5, -0.5]
    for optimizer in (OPTIMIZERS["sgd, nesterov"], OPTIMIZERS["adam"]):
        check(lambda: net(130, 130, 1), optimizer, X, y, loss="squared_error", epochs=3)


@pytest.mark.parametrize(
    ("loss", "outputs", "targets"),
    [
        ("cross_entropy", 3, [k % 3 for k in range(TRAINING)]),
        ("cross_entropy", 3, one_hot([k % 3 for k in range(TRAINING)])),
        ("binary_cross_entropy_with_logits", 1, [k % 2 for k in range(TRAINING)]),
        ("hinge", 1, [k % 2 * 2 - 1 for k in range(TRAINING)]),
        (lambda o, t: abs(o[0] - t) + o[1] * o[1], 2, [0.1 * k for k in range(TRAINING)]),
    ],
)
@pytest.mark.parametrize("batch_size", [None, 4])
def test_weights_of_examples_are_the_same_on_both_engines(
    loss: Any, outputs: int, targets: Any, batch_size: int | None
) -> None:
    weights = [0.0, *(0.3 * k for k in range(TRAINING - 1))]
    check(
        lambda: net(2, 4, outputs), Adam, rows(TRAINING, 2), targets, loss=loss, epochs=3,
        batch_size=batch_size, rng=5, sample_weight=weights,
        validation=(rows(TRAINING, 2, 1), targets, weights[::-1]),
    )  # fmt: skip
