"""The same training with both engines: equal histories, parameters and states of the optimizer."""

import random
from typing import Any, NamedTuple

import numpy as np
import pytest

from tinygrad_edu import MLP, History, fit
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.vectorize.executors import library

#: The largest difference, relative to the largest number of a column.
TOLERANCE = 1e-9
COLUMNS = ("loss", "accuracy", "validation_loss", "validation_accuracy")
ENGINES = ("scalar", "matrix")


class Run(NamedTuple):
    """A model that was trained, its optimizer and its history."""

    model: Any
    optimizer: Optimizer
    history: History


def rows(n, d, seed=0):
    """Random rows in [-1, 1]."""
    rng = random.Random(seed)
    return [[rng.uniform(-1.0, 1.0) for _ in range(d)] for _ in range(n)]


def net(*sizes, activation="tanh", output="linear", seed=0):
    """An MLP whose biases are no zeros."""
    model = MLP(sizes[0], sizes[1:], activation, output, rng=seed)
    rng = random.Random(seed + 1)
    for layer in model.layers:
        for unit in layer.neurons:
            unit.b.data = rng.uniform(-0.5, 0.5)
    return model


#: Two classes, and how they are learned.
X, Y = rows(11, 2), [0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1]
CLASSES = {"loss": "cross_entropy", "rng": 3}


def classifier():
    return net(2, 4, 2)


def data_of(model):
    return [p.data for p in model.parameters()]


def trained(engine, make, optimizer, X, y, **options):
    model = make()
    found = optimizer(model.parameters())
    return Run(model, found, fit(model, X, y, optimizer=found, engine=engine, **options))


def check(make, optimizer, X, y, **options):
    """Both engines train alike; gives the run of the matrix engine."""
    return alike(lambda engine: trained(engine, make, optimizer, X, y, **options))


def alike(run):
    """What `run(engine)` trains is the same for both engines; gives that of the matrix engine.

    It runs on the machine where there is one, and by NumPy alone.
    """
    scalar, matrix = map(run, ENGINES)
    assert_same(matrix, scalar)
    if library.find() is not None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(library.VARIABLE, "none")
            assert_same(run("matrix"), scalar)
    return matrix


def assert_same(found, expected):
    assert_same_history(found.history, expected.history)
    assert_close(data_of(found.model), data_of(expected.model), "parameters")
    assert_same_states(found.optimizer, expected.optimizer)


def assert_same_history(found, expected):
    assert (found.stopped, found.interrupted) == (expected.stopped, expected.interrupted)
    for name in COLUMNS:
        numbers = getattr(found, name)
        assert all(type(x) is float for x in numbers), name
        assert_close(numbers, getattr(expected, name), name)


def assert_same_states(found, expected):
    assert found.steps == expected.steps
    for ours, theirs in zip(
        zip(*found.states, strict=True), zip(*expected.states, strict=True), strict=True
    ):
        assert (None in ours) == (None in theirs)
        if None not in ours:
            assert_close(ours, theirs, "a state of the optimizer")


def assert_close(found, expected, what):
    """Equal relative to the largest number; inf and nan at the same places."""
    a, b = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    assert a.shape == b.shape, what
    scale = np.abs(b[np.isfinite(b)]).max(initial=0.0)
    np.testing.assert_allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE * scale, err_msg=what)
