"""The matrix engine between two steps: numbers, optimizers, stopping, divergence, interruption."""

from itertools import product

import pytest
from both_engines import (
    CLASSES,
    ENGINES,
    Run,
    X,
    Y,
    alike,
    assert_close,
    assert_same,
    assert_same_states,
    check,
    classifier,
    data_of,
    trained,
)

from tinygrad_edu import SGD, Adam, EarlyStopping, fit, parameter, train
from tinygrad_edu.losses import l2
from tinygrad_edu.optim import Adagrad, AdamW, Optimizer, RMSprop, clip_grad_norm, max_norm

OPTIMIZERS = {
    "sgd": SGD,
    "momentum": lambda p: SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda p: SGD(p, lr=lambda k: 0.1 / (1 + k), momentum=0.9, nesterov=True),
    "adagrad": lambda p: Adagrad(p, lr=0.1),
    "rmsprop": lambda p: RMSprop(p, momentum=0.5),
    "adam": lambda p: Adam(p, lr=0.05),
    "adamw": lambda p: AdamW(p, lr=0.05),
}


# --- step by step


@pytest.mark.parametrize("batch_size", [None, 4, 1])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_each_step_leaves_the_numbers_of_the_scalar_engine(optimizer, batch_size):
    models = [classifier() for _ in ENGINES]
    optimizers = [OPTIMIZERS[optimizer](model.parameters()) for model in models]
    scalar, matrix = (
        train(
            model, X, Y, optimizer=o, epochs=3, batch_size=batch_size, engine=engine,
            penalty=lambda m: l2(m.parameters(), 0.01), **CLASSES,
        )
        for model, o, engine in zip(models, optimizers, ENGINES, strict=True)
    )  # fmt: skip
    for ours, theirs in zip(matrix, scalar, strict=True):
        for name in ("epoch", "batch", "targets"):
            assert getattr(ours, name) == getattr(theirs, name)
        assert_close(ours.loss, theirs.loss, "loss")
        assert_close(ours.outputs, theirs.outputs, "outputs")
        assert_close(data_of(models[1]), data_of(models[0]), "p.data")
        gradients = [[p.grad for p in model.parameters()] for model in models]
        assert_close(gradients[1], gradients[0], "p.grad")
        assert_same_states(optimizers[1], optimizers[0])


def test_the_outputs_of_a_step_are_those_before_its_update():
    b = parameter(0.25)
    steps = train(
        lambda x: b, X[:2], [0.0, 0.0], loss="squared_error", optimizer=SGD([b], lr=0.5), epochs=2,
        engine="matrix",
    )  # fmt: skip
    assert next(steps).outputs == [[0.25], [0.25]]
    assert b.data == 0.0  # 0.25 - 0.5 * 2 * 0.25
    assert next(steps).outputs == [[0.0], [0.0]]


def test_numbers_that_change_between_two_steps_are_respected():
    def trained_within(limit, engine):
        model = classifier()
        optimizer = SGD(model.parameters(), lr=0.5, momentum=0.5)
        after = []
        for step in train(
            model, X, Y, optimizer=optimizer, epochs=4, batch_size=4, engine=engine, **CLASSES
        ):
            for unit in model.layers[0].neurons:
                max_norm(unit.w, limit)
            if step.batch == 1:
                model.parameters()[-1].data = 0.125
                optimizer.lr = 0.25
            after.append(data_of(model))
        return after

    assert_close(trained_within(0.3, "matrix"), trained_within(0.3, "scalar"), "parameters")
    with pytest.raises(AssertionError):
        assert_close(trained_within(0.3, "matrix"), trained_within(9.0, "matrix"), "parameters")


def changes_options(optimizer):
    def change(epoch):
        optimizer.lr = 0.2
        optimizer.momentum = 0.5
        optimizer.weight_decay = 0.3

    return change


def test_options_of_the_optimizer_that_change_during_training_are_respected():
    runs = []
    for engine in ENGINES:
        model = classifier()
        optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
        history = fit(
            model, X, Y, optimizer=optimizer, epochs=5, engine=engine,
            callbacks=[changes_options(optimizer)], **CLASSES,
        )  # fmt: skip
        runs.append(Run(model, optimizer, history))
    assert_same(runs[1], runs[0])


@pytest.mark.parametrize("validation", [None, (X[:4], Y[:4])])
def test_early_stopping_trains_alike(validation):
    runs = [
        trained(
            engine, classifier, lambda p: SGD(p, lr=3.0), X, Y, epochs=60, batch_size=3,
            validation=validation, callbacks=[EarlyStopping(3)], **CLASSES,
        )
        for engine in ENGINES
    ]  # fmt: skip
    assert_same(runs[1], runs[0])
    assert len(runs[0].history) < 60


# --- optimizers


@pytest.mark.parametrize("engines", list(product(ENGINES, ENGINES)), ids=", ".join)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_second_fit_goes_on_with_the_state_of_the_optimizer(optimizer, engines):
    whole = trained("scalar", classifier, OPTIMIZERS[optimizer], X, Y, epochs=5, **CLASSES)
    first = trained(engines[0], classifier, OPTIMIZERS[optimizer], X, Y, epochs=2, **CLASSES)
    model, state = first.model, first.optimizer
    rest = fit(model, X, Y, optimizer=state, epochs=3, engine=engines[1], **CLASSES)
    assert_close(first.history.loss + rest.loss, whole.history.loss, "loss")
    assert_close(data_of(model), data_of(whole.model), "parameters")
    assert_same_states(state, whole.optimizer)


def test_a_second_fit_may_have_other_rows_and_batches():
    def run(engine):
        first = trained(engine, classifier, Adam, X, Y, epochs=2, batch_size=4, **CLASSES)
        for n, batch_size in ((11, 3), (5, None), (8, 1), (11, 4)):
            history = fit(
                first.model, X[:n], Y[:n], optimizer=first.optimizer, epochs=2,
                batch_size=batch_size, engine=engine, **CLASSES,
            )  # fmt: skip
        return Run(first.model, first.optimizer, history)

    alike(run)


SOME_OF = {
    "the last layer": lambda p: p[-10:],
    "the first layer": lambda p: p[:12],
    "every second one": lambda p: p[::2],
    "backwards": lambda p: p[::-1],
    "one that is not used": lambda p: [*p[:5], parameter(5.0), *p[5:]],
    "some that are not used": lambda p: [parameter(5.0), *p[3:7], parameter(-1.0)],
}


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adamw"])
@pytest.mark.parametrize("which", SOME_OF)
def test_an_optimizer_of_other_parameters_than_those_of_the_loss_trains_alike(which, optimizer):
    runs = []
    for engine in ENGINES:
        model = classifier()
        found = OPTIMIZERS[optimizer](SOME_OF[which](model.parameters()))
        for epochs in (2, 2):
            history = fit(
                model, X, Y, optimizer=found, epochs=epochs, batch_size=4, engine=engine, **CLASSES
            )
        runs.append(Run(model, found, history))
    assert_same(runs[1], runs[0])
    held = [[(p.data, p.grad) for p in run.optimizer.parameters] for run in runs]
    assert_close(held[1], held[0], "parameters and gradients of the optimizer")


class Clipped(SGD):
    """Overrides `step`."""

    def step(self):
        clip_grad_norm(self.parameters, 0.05)
        super().step()


class Bounded(Adam):
    """Changes numbers after its step."""

    def step(self):
        super().step()
        for p in self.parameters:
            p.data = min(max(p.data, -0.4), 0.4)


class OfSigns(Optimizer):
    """Overrides `update`, with Python that decides by numbers, and has a state of its own."""

    start = (0,)

    def __init__(self, parameters):
        super().__init__(parameters, 0.01, 0.0)

    def update(self, m, g, x, lr, t, state):
        (flips,) = state
        return x - lr * (1 if g > 0 else -1) * t, (flips + (g > 0),)


class StepsOnly(Optimizer):
    """Has no update equation, and a state that belongs to no parameter."""

    def __init__(self, parameters):
        super().__init__(parameters, 0.1, 0.0)
        self.norms = []

    def step(self):
        self.norms.append(sum(p.grad**2 for p in self.parameters))
        for p in self.parameters:
            p.data -= self.lr * p.grad
        self.steps += 1


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("own", [Clipped, Bounded, OfSigns, StepsOnly])
def test_optimizers_of_ones_own_train_alike(own, batch_size):
    check(classifier, own, X, Y, epochs=4, batch_size=batch_size, **CLASSES)
    last = lambda p: own(p[-4:])  # noqa: E731
    check(classifier, last, X, Y, epochs=4, batch_size=batch_size, **CLASSES)
