"""Training on the machine: what is left behind where it ends, and the orders of the epochs."""

import random

import numpy as np
import pytest
from both_engines import CLASSES, X, Y, classifier, data_of, net

from tinygrad_edu import SGD, Adam, fit, train
from tinygrad_edu.examples import examples
from tinygrad_edu.train import blocks
from tinygrad_edu.train.blocks import Block
from tinygrad_edu.train.engines import find_engine
from tinygrad_edu.train.machine import MachineDescent, Orders
from tinygrad_edu.train.training import prepared
from tinygrad_edu.vectorize.executors import library
from tinygrad_edu.vectorize.executors.native import Steps

pytestmark = pytest.mark.skipif(library.find() is None, reason="the machine is not built here")
OPTIONS = {**CLASSES, "batch_size": 4}


def shuffler(seed=3):
    return random.Random(seed)


class Reversing(random.Random):
    """Shuffles in a way of its own."""

    def shuffle(self, x):
        x.reverse()


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("lr", [2.0, 1e6, 1e200])
def test_divergence_leaves_the_generator_where_scalars_leave_it(lr, size):
    generators, y = [], [float(t) for t in Y]
    for engine in ("scalar", "matrix"):
        generators.append(shuffler())
        model = net(2, 1)
        options = {"engine": engine, "rng": generators[-1], "batch_size": size, "epochs": 200}
        optimizer = SGD(model.parameters(), lr=lr)
        with pytest.warns(RuntimeWarning, match="diverged"):
            fit(model, X, y, loss="squared_error", optimizer=optimizer, **options)
    assert generators[0].getstate() == generators[1].getstate()


@pytest.mark.parametrize("calls", [1, 2, 3, 5])
@pytest.mark.parametrize("make", [Adam, lambda p: SGD(p, momentum=0.9)])
def test_an_interruption_leaves_the_last_complete_step(make, calls, monkeypatch):
    monkeypatch.setattr(blocks, "SECONDS", 1e-9)  # a step a call
    made, run = [], Steps.run

    def interrupted(self, *arguments):
        found = run(self, *arguments)
        made.append(found)
        if len(made) == calls:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(Steps, "run", interrupted)
    model, same = classifier(), classifier()
    optimizer, other = make(model.parameters()), make(same.parameters())
    whole = pytest.warns(RuntimeWarning, match="interrupted")  # an epoch at least is complete
    with whole if calls >= 3 else pytest.raises(KeyboardInterrupt):
        fit(model, X, Y, optimizer=optimizer, epochs=9, **OPTIONS)
    steps = train(same, X, Y, optimizer=other, epochs=9, **OPTIONS)
    for _ in range(calls):
        next(steps)
    steps.close()
    assert data_of(model) == data_of(same)
    assert optimizer.steps == other.steps == calls
    assert optimizer.states == other.states


@pytest.mark.parametrize("make", [shuffler, lambda: Reversing(3)])
def test_epochs_have_the_orders_that_the_generator_gives(make):
    seen = []
    for engine in ("scalar", "matrix"):
        rng, model = make(), classifier()
        history = fit(
            model, X, Y, **OPTIONS | {"rng": rng}, optimizer=SGD(model.parameters()),
            epochs=30, engine=engine,
        )  # fmt: skip
        seen.append((rng.getstate(), history.accuracy))
    assert seen[0] == seen[1]


def test_batches_of_an_order_that_stays_are_gathered_one_by_one():
    losses = []
    for engine in ("scalar", "matrix"):
        model, block = classifier(), Block(list(range(len(X))), 4)
        optimizer, block.most = SGD(model.parameters()), 3
        training = prepared(model, *examples(X, Y), CLASSES["loss"], optimizer, None)
        find_engine(engine)(training).run(block, 0)
        losses.append(block.losses[: block.epochs].tolist())
    assert len(losses[0]) == 3
    assert np.ptp(losses[0][0]) > 0
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 10, 1000, 70_000])
def test_orders_are_those_of_python_also_where_they_end_early(n):
    steps = Steps.__new__(Steps)
    steps.load(library.find())
    rng, same, expected = shuffler(), shuffler(), list(range(n))
    block = Block(list(range(n)), 1, rng)
    block.most = 5
    block.open(1)
    orders = Orders(block)
    assert orders.shuffled(5, steps) == 5 * n
    for row in block.orders:
        same.shuffle(expected)
        assert row.tolist() == expected
    assert block.order == expected
    assert rng.getstate() == same.getstate()
    block.steps = n  # the second epoch was begun
    orders.end()
    assert block.order == block.orders[1].tolist()
    again = shuffler()
    for _ in range(2):
        again.shuffle(expected)
    assert rng.getstate() == again.getstate()


def test_the_machine_makes_the_steps_where_it_can(monkeypatch):
    made, run = [], MachineDescent._call
    monkeypatch.setattr(
        MachineDescent, "_call", lambda self, *a: (made.append(a[-1]), run(self, *a))
    )
    model = classifier()
    fit(model, X, Y, optimizer=Adam(model.parameters()), epochs=7, **OPTIONS)
    assert sum(made) == 7 * 3
    monkeypatch.setenv(library.VARIABLE, "none")
    fit(model, X, Y, optimizer=Adam(model.parameters()), epochs=7, **OPTIONS)
    assert sum(made) == 7 * 3
    assert np.isfinite(data_of(model)).all()
