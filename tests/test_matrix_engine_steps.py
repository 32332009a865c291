"""The matrix engine from step to step, and how it ends: numbers, optimizers, divergence, Ctrl-C."""

import gc
import sys
import weakref
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
    assert_same_states,
    check,
    classifier,
    data_of,
    net,
    trained,
)

from tinygrad_edu import (
    SGD,
    Adam,
    EarlyStopping,
    Module,
    evaluate,
    fit,
    parameter,
    predict,
    train,
)
from tinygrad_edu import functions as f
from tinygrad_edu.losses import l2
from tinygrad_edu.optim import Adagrad, AdamW, Optimizer, RMSprop, clip_grad_norm, max_norm
from tinygrad_edu.vectorize import Program

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


def test_options_of_the_optimizer_that_change_during_training_are_respected():
    def run(engine):
        def change(epoch):
            optimizer.lr, optimizer.momentum, optimizer.weight_decay = 0.2, 0.5, 0.3

        model = classifier()
        optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
        options = {"callbacks": [change], "engine": engine, **CLASSES}
        return Run(model, optimizer, fit(model, X, Y, optimizer=optimizer, epochs=5, **options))

    alike(run)


@pytest.mark.parametrize("validation", [None, (X[:4], Y[:4])])
def test_early_stopping_trains_alike(validation):
    run = check(
        classifier, lambda p: SGD(p, lr=3.0), X, Y, epochs=60, batch_size=3,
        validation=validation, callbacks=[EarlyStopping(3)], **CLASSES,
    )  # fmt: skip
    assert len(run.history) < 60


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
    held = []

    def run(engine):
        model = classifier()
        found = OPTIMIZERS[optimizer](SOME_OF[which](model.parameters()))
        options = {"optimizer": found, "batch_size": 4, "engine": engine, **CLASSES}
        _, history = (fit(model, X, Y, epochs=2, **options) for _ in range(2))
        held.append([(p.data, p.grad) for p in found.parameters])
        return Run(model, found, history)

    alike(run)
    for numbers in held[1:]:
        assert_close(numbers, held[0], "parameters and gradients of the optimizer")


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


# --- divergence


class Root(Module):
    """sqrt(a x) + b: the slope by a is infinite at a = 0."""

    def __init__(self):
        self.a, self.b = parameter(0.0), parameter(1.0)

    def __call__(self, x):
        return f.sqrt(self.a * x[0]) + self.b


def diverges(make, optimizer, *data, **options):
    """Both engines stop alike; gives the reason."""
    held = []

    def run(engine):
        with pytest.warns(RuntimeWarning) as warned:
            found = trained(
                engine, make, optimizer, *data, loss="squared_error", epochs=60, **options
            )
        assert [str(w.message) for w in warned] == [f"training {found.history.stopped}"]
        held.append([p.data for p in found.optimizer.parameters])
        return found

    stopped = str(alike(run).history.stopped)
    for numbers in held[1:]:
        assert_close(numbers, held[0], "the parameters of the optimizer")
    return stopped


def linear():
    return net(2, 1)


class Own(SGD):
    """Overrides `step`."""

    def step(self):
        for p in self.parameters:
            p.data -= self.lr * p.grad
        self.steps += 1


DIVERGING = {
    "slowly": ("the loss is inf", lambda p: SGD(p, lr=1e6)),
    "at once": ("the loss is inf", lambda p: SGD(p, lr=1e300)),
    "with momentum": ("the loss is inf", lambda p: SGD(p, lr=1e4, momentum=0.9, nesterov=True)),
    "adam": ("a parameter is", lambda p: Adam(p, lr=1.7e308)),
    "some": ("the loss is inf", lambda p: SGD(p[-2:], lr=1e5)),
    "one more": ("the loss is inf", lambda p: SGD([parameter(5.0), *p], lr=1e6, weight_decay=0.1)),
    "one more, too large": (
        "a parameter is",
        lambda p: SGD([*p, parameter(1e300)], lr=1e-3, weight_decay=1e6),
    ),
    "own": ("the loss is inf", lambda p: Own(p, lr=1e6)),
}


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("name", DIVERGING)
def test_divergence_ends_with_the_same_message_and_parameters(name, batch_size):
    reason, optimizer = DIVERGING[name]
    found = diverges(linear, optimizer, X, [float(t) for t in Y], batch_size=batch_size)
    assert found.startswith("diverged in epoch ")
    assert reason in found


def test_an_infinite_gradient_ends_with_the_same_message_and_parameters():
    found = diverges(Root, SGD, [[1.0]] * 3, [0.5] * 3)
    assert found == (
        "diverged in epoch 0: a gradient is inf at lr=0.1; no step came before, so that no "
        "learning rate helps: train inside `with detect_anomaly():`, where the scalar engine "
        "names the operation"
    )


def test_an_infinite_gradient_of_a_frozen_parameter_is_no_divergence():
    last = lambda p: SGD(p[-1:], lr=0.1)  # noqa: E731
    check(Root, last, [[1.0]] * 3, [0.5] * 3, loss="squared_error", epochs=3)


# --- interruption


def raising_at(step, lr=0.1):
    """A schedule that is interrupted once."""
    left = [None]

    def schedule(k):
        if k == step and left:
            left.pop()
            raise KeyboardInterrupt
        return lr

    return schedule


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("step", [3, 4, 7, 8])
def test_an_interrupted_step_is_undone_and_training_can_go_on(step, batch_size):
    model, same = classifier(), classifier()
    options = {"batch_size": batch_size, "engine": "matrix", **CLASSES}
    after = [data_of(same)]
    other = SGD(same.parameters(), lr=0.1, momentum=0.9)
    after += [data_of(same) for _ in train(same, X, Y, optimizer=other, epochs=9, **options)]
    optimizer = SGD(model.parameters(), lr=raising_at(step), momentum=0.9)
    with pytest.warns(RuntimeWarning, match="interrupted by the user"):
        history = fit(model, X, Y, optimizer=optimizer, epochs=9, **options)
    assert history.interrupted
    assert len(history) == step // (1 if batch_size is None else 3)
    assert data_of(model) == after[step]
    assert optimizer.steps == step
    if batch_size is None:
        fit(model, X, Y, optimizer=optimizer, epochs=9 - step, **options)
        assert_close(data_of(model), after[-1], "parameters")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_callback_that_is_interrupted_leaves_the_parameters_of_its_epoch(engine):
    seen = []

    def interrupt(epoch):
        seen.append(data_of(epoch.model))
        if epoch.number == 2:
            raise KeyboardInterrupt

    model = classifier()
    with pytest.warns(RuntimeWarning, match="interrupted by the user after epoch 2"):
        history = fit(
            model, X, Y, optimizer="adam", epochs=9, batch_size=4, engine=engine,
            callbacks=[interrupt], **CLASSES,
        )  # fmt: skip
    assert len(history) == 3
    assert data_of(model) == seen[2] != seen[1]


def interrupted_at_line(n, files, run):
    """Run with a KeyboardInterrupt at the n-th line of these files; gives the line, if reached."""
    count, where = iter(range(n + 1)), None

    def tracer(frame, event, argument):
        nonlocal where
        name = frame.f_code.co_filename
        if not name.endswith(files):
            return None
        if event == "line" and next(count, n) == n and where is None:
            where = f"{name}:{frame.f_lineno}"
            sys.settrace(None)
            raise KeyboardInterrupt
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        run()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return where


FILES = tuple(f"train/{name}.py" for name in ("fitting", "descent", "blocks", "matrix", "machine"))


@pytest.mark.slow
@pytest.mark.parametrize("driver", [fit, train])
@pytest.mark.filterwarnings("ignore:training interrupted:RuntimeWarning")
def test_ctrl_c_at_any_line_leaves_the_parameters_of_the_last_complete_step(driver):
    options = {"epochs": 2, "batch_size": 4, "engine": "matrix", **CLASSES}

    def steps(model, optimizer):
        result = driver(model, X, Y, optimizer=optimizer, **options)
        return iter(()) if driver is fit else iter(result)

    model = classifier()
    after = [data_of(model)]
    after += [
        data_of(model) for _ in train(model, X, Y, optimizer=SGD(model.parameters()), **options)
    ]
    wrong = set()
    line = ""
    n = 0
    while line is not None:
        model = classifier()
        optimizer = SGD(model.parameters())
        line = interrupted_at_line(n, FILES, lambda: list(steps(model, optimizer)))  # noqa: B023
        n += 7
        found = data_of(model)
        if found not in after:
            wrong.add((str(line), "a mixture of two steps"))
        elif after.index(found) not in (optimizer.steps, optimizer.steps - 1):
            wrong.add((str(line), "not the last step"))
    assert n > 100
    assert wrong == set()


# --- memory


@pytest.mark.slow
@pytest.mark.parametrize("use", ["fit", "train", "evaluate", "predict"])
def test_programs_of_models_that_are_gone_are_freed(use):
    def programs():
        gc.collect()
        return sum(issubclass(type(x), Program) for x in gc.get_objects())

    def run():
        model = classifier()
        if use == "fit":
            fit(model, X, Y, optimizer="adam", epochs=2, batch_size=4, engine="matrix", **CLASSES)
        elif use == "train":
            next(train(model, X, Y, optimizer="adam", epochs=2, engine="matrix", **CLASSES))
        elif use == "evaluate":
            evaluate(model, X, Y, loss="cross_entropy", engine="matrix")
        else:
            predict(model, X, engine="matrix")
        return weakref.ref(model)

    before = programs()
    gone = run()
    assert programs() == before
    assert gone() is None
