"""How training with the matrix engine ends: divergence, interruption, memory."""

import gc
import sys
import weakref

import pytest
from both_engines import (
    CLASSES,
    ENGINES,
    X,
    Y,
    assert_close,
    assert_same_history,
    check,
    classifier,
    data_of,
    net,
    trained,
)

from tinygrad_edu import SGD, Adam, Module, evaluate, fit, parameter, predict, train
from tinygrad_edu import functions as f
from tinygrad_edu.vectorize import Program

# --- divergence


class Root(Module):
    """sqrt(a x) + b: the slope by a is infinite at a = 0."""

    def __init__(self):
        self.a, self.b = parameter(0.0), parameter(1.0)

    def __call__(self, x):
        return f.sqrt(self.a * x[0]) + self.b


def diverges(make, optimizer, *data, **options):
    """Both engines stop alike; gives the reason."""
    runs = []
    for engine in ENGINES:
        with pytest.warns(RuntimeWarning) as warned:
            runs.append(
                trained(engine, make, optimizer, *data, loss="squared_error", epochs=60, **options)
            )
        assert [str(w.message) for w in warned] == [f"training {runs[-1].history.stopped}"]
    scalar, matrix = runs
    assert_same_history(matrix.history, scalar.history)
    assert_close(data_of(matrix.model), data_of(scalar.model), "the last finite parameters")
    held = [[p.data for p in run.optimizer.parameters] for run in runs]
    assert_close(held[1], held[0], "the parameters of the optimizer")
    assert matrix.optimizer.steps == scalar.optimizer.steps
    return str(scalar.history.stopped)


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
