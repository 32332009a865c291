"""Kinds of faults in training: one decision each, whatever reaches it."""

import inspect
import math
import random
import re
import threading
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from types import UnionType
from typing import Any, get_origin

import numpy as np
import odd_inputs
import pytest

from tinygrad_edu import (
    MLP,
    SGD,
    EarlyStopping,
    History,
    Module,
    Perceptron,
    Value,
    best_of,
    classes,
    evaluate,
    fit,
    functions,
    predict,
    probabilities,
    sweep,
    train,
)
from tinygrad_edu.checks import declared, flag
from tinygrad_edu.data import moons
from tinygrad_edu.losses import LOSSES, squared_error
from tinygrad_edu.nn import RNN, Activate, BatchNorm, Dropout, Layer, Neuron, Sequential, modules
from tinygrad_edu.train import Callback, Epoch, Sweep
from tinygrad_edu.view import deltas

X, Y = moons(40, noise=0.1, rng=0)
HELD_OUT = X[::5], Y[::5]
#: The loss of these grows where the others are learned.
AWAY = X[::5], [1 - t for t in Y[::5]]


class OwnError(Exception):
    """What a user's code may raise."""


def quietly(run: Callable[[], Any], *errors: type[BaseException]) -> Any:
    """What `run` gives, or the error of these types that it ends with; warnings are none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return run()
        except errors as error:
            return error


def learn(model: Any, X: Any = X, y: Any = Y, **options: Any) -> History:
    """Fit with a squared error by gradient descent, unless the options say otherwise."""
    return fit(model, X, y, **{"loss": "squared_error", "optimizer": "sgd", **options})


# --- early stopping gives back the best parameters however training ends


def at_epoch(k: int, error: type[BaseException] | None = None) -> Callable[[Epoch], bool]:
    """A callback that ends training there, by its answer or by an error."""

    def ends(epoch: Epoch) -> bool:
        if error is not None and epoch.number == k:
            raise error
        return epoch.number == k

    return ends


def at_call(n: int, error: type[BaseException], result: Callable[..., Any]) -> Any:
    """`result`, which raises an error at its n-th call."""
    calls = iter(range(n))

    def counted(*arguments: Any) -> Any:
        if next(calls, None) is None:
            raise error
        return result(*arguments)

    return counted


def in_a_batch(error: type[BaseException]) -> dict[str, Any]:
    """Options with which an error comes up between two batches of epoch 8."""
    return {"batch_size": 4, "augment": at_call(86, error, lambda row, rng: row)}


#: How training ends, and the options that make it; it is too fast, so that the best comes early.
ENDS: dict[str, Callable[[EarlyStopping], dict[str, Any]]] = {
    "the last epoch": lambda s: {"callbacks": [s], "epochs": 20},
    "a callback before it": lambda s: {"callbacks": [at_epoch(20), s]},
    "a callback behind it": lambda s: {"callbacks": [s, at_epoch(20)]},
    "by itself": lambda s: {"callbacks": [s], "epochs": 100},
    "divergence": lambda s: {"callbacks": [s], "lr": 1e20},
    "Ctrl-C in a callback": lambda s: {"callbacks": [s, at_epoch(9, KeyboardInterrupt)]},
    "Ctrl-C in an epoch": lambda s: {"callbacks": [s], **in_a_batch(KeyboardInterrupt)},
    "an error in a callback before it": lambda s: {"callbacks": [at_epoch(9, OwnError), s]},
    "an error in a callback behind it": lambda s: {"callbacks": [s, at_epoch(9, OwnError)]},
    "an error in an epoch": lambda s: {"callbacks": [s], **in_a_batch(OwnError)},
    "an answer that is none": lambda s: {"callbacks": [s, lambda e: e.number > 5 and "stop"]},
    "the end of the process": lambda s: {"callbacks": [s, at_epoch(9, SystemExit)]},
    "told twice": lambda s: {"callbacks": [s, s]},
}  # fmt: skip


@pytest.mark.parametrize("engine", ["scalar", "matrix"])
@pytest.mark.parametrize("name", ENDS)
def test_early_stopping_restores_the_best_epoch_however_training_ends(
    name: str, engine: str
) -> None:
    model, stopping, seen = MLP(2, [2, 1], "tanh", rng=0), EarlyStopping(20), []
    options = {"epochs": 30, "lr": 0.3, **ENDS[name](stopping)}
    sgd = SGD(model.parameters(), lr=options.pop("lr"))
    options["callbacks"].insert(0, lambda epoch: seen.append(epoch.validation_loss))
    given = {"optimizer": sgd, "validation": AWAY, "engine": engine, **options}
    run = partial(learn, model, X[::4], Y[::4], **given)
    ended = quietly(run, OwnError, SystemExit, TypeError)
    assert (name == "divergence") == getattr(ended, "diverged", False)
    assert stopping.best_loss == min(seen) < seen[-1], ended
    found, _ = evaluate(model, *AWAY, loss="squared_error", engine=engine)
    assert found == stopping.best_loss


def test_of_several_early_stoppings_the_best_measured_loss_wins() -> None:
    for order in (1, -1):
        model = MLP(2, [4, 1], "tanh", rng=0)
        coarse, exact = EarlyStopping(40, min_delta=0.1), EarlyStopping(40)
        options: Any = {"validation": HELD_OUT, "callbacks": [coarse, exact][::order]}
        learn(model, X[:20], Y[:20], optimizer=lambda p: SGD(p, lr=0.05), epochs=30, **options)
        assert exact.best_loss < coarse.best_loss
        assert evaluate(model, *HELD_OUT, loss="squared_error")[0] == exact.best_loss


def test_early_stopping_without_validation_may_restore_the_parameters_of_the_start() -> None:
    model, stopping = MLP(2, [4, 1], "tanh", rng=0), EarlyStopping(3)
    start = model.state_dict()
    learn(model, optimizer=lambda p: SGD(p, lr=5.0), epochs=9, callbacks=[stopping])
    assert (stopping.best_epoch, model.state_dict()) == (0, start)


def test_early_stopping_restores_running_means_too() -> None:
    model = Sequential(Layer(2, 3, "tanh", rng=0), BatchNorm(3), Layer(3, 1, "linear", rng=0))
    stopping, states = EarlyStopping(40), []
    callbacks = [lambda epoch: states.append(model.state_dict()), stopping]
    sgd = SGD(model.parameters(), lr=0.2)
    learn(model, optimizer=sgd, epochs=12, validation=AWAY, callbacks=callbacks)
    assert model.state_dict() == states[stopping.best_epoch] != states[-1]


def test_every_callback_is_told_once_that_training_is_over_also_where_one_fails() -> None:
    heard: list[str] = []

    class Told(Callback):
        def __init__(self, name: str, error: type[BaseException] | None = None) -> None:
            self.name, self.error = name, error

        def start(self, model: Any) -> None:
            heard.append(f"{self.name} starts")

        def __call__(self, epoch: Epoch) -> None:
            heard.append(self.name)

        def over(self) -> None:
            heard.append(f"{self.name} is over")
            if self.error is not None:
                raise self.error

    v, callbacks = Value(1.0), [Told("a", OwnError), Told("b", OwnError)]
    with pytest.raises(OwnError):
        learn(lambda x: v * x[0], optimizer=SGD([v]), epochs=1, callbacks=callbacks)
    assert heard == ["a starts", "b starts", "a", "b", "b is over", "a is over"]


# --- softmax and sigmoid are applied once

#: What a loss says of a model that ends in the activation.
ONCE = "takes the net inputs and applies {} itself: make the model with output='linear'"
LOGITS = {"cross_entropy": "softmax", "binary_cross_entropy_with_logits": "sigmoid"}


class Squashed(Module):
    """A module of the user's that ends in an activation."""

    def __init__(self, nout: int, activation: str) -> None:
        self.layer, self.activation = Layer(2, nout, "linear", rng=0), activation

    def __call__(self, x: Any) -> Any:
        z = self.layer(x)
        return functions.softmax(z) if self.activation == "softmax" else [v.sigmoid() for v in z]


class Lift(Module):
    """A row as a sequence of one."""

    def __call__(self, x: Any) -> Any:
        return [x]


#: A model that ends in this activation, with so many outputs.
SQUASHED: dict[str, Callable[[int, str], Any]] = {
    "MLP": lambda n, a: MLP(2, [n], output=a, rng=0),
    "Sequential": lambda n, a: Sequential(Layer(2, 3, "tanh", rng=0), Layer(3, n, a, rng=0)),
    "Activate": lambda n, a: Sequential(Layer(2, n, "linear", rng=0), Activate(a)),
    "a module": Squashed,
    "a function": lambda n, a: Squashed(n, a).__call__,
    "RNN": lambda n, a: Sequential(Lift(), RNN(2, 2, n, output=a, rng=0, return_sequences=False)),
}  # fmt: skip


@pytest.mark.parametrize("given", ["by name", "as a function", "in a function"])
@pytest.mark.parametrize("model", SQUASHED)
@pytest.mark.parametrize(
    ("loss", "nout", "activation"),
    [
        ("cross_entropy", 2, "softmax"),
        ("binary_cross_entropy_with_logits", 1, "sigmoid"),
    ],
)
def test_no_softmax_and_no_sigmoid_is_applied_twice(
    loss: str, nout: int, activation: str, model: str, given: str
) -> None:
    net = SQUASHED[model](nout, activation)
    function = LOSSES[loss]
    used: Any = {"by name": loss, "as a function": function}.get(given, lambda o, t: function(o, t))
    owner = net.__self__ if model == "a function" else net
    options = {"loss": used, "optimizer": SGD(owner.parameters()), "epochs": 1}
    calls = [
        *(lambda e=e: fit(net, X, Y, engine=e, **options) for e in ("auto", "scalar", "matrix")),
        *(lambda e=e: next(train(net, X, Y, engine=e, **options)) for e in ("auto", "scalar")),
        *(lambda n=n: evaluate(net, X[:n], Y[:n], loss=used) for n in (3, 20)),
    ]
    if given != "in a function":
        calls += [lambda: probabilities(net, X, loss=used), lambda: classes(net, X, loss=used)]
    if model in ("MLP", "Sequential"):
        calls += [lambda: deltas(net, X[0], 0, used)]
    text = f"{loss} {ONCE.format(LOGITS[loss])}"
    for call in calls:
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            call()


# --- the mode of a phase belongs to its context


class Plain(Module):
    """Gives its inputs on."""

    def __call__(self, x: Any) -> Any:
        return x


class Meeting(Module):
    """Gives its inputs on; the first thread that comes here lets another begin, which waits here.

    So the other is in the midst of its phase while the first goes on with its own.
    """

    def __init__(self) -> None:
        self.other: Callable[[], Any] = list
        self.found: list[Any] = []
        self.threads: list[threading.Thread] = []
        self.here, self.released = threading.Event(), threading.Event()

    def __call__(self, x: Any) -> Any:
        if threading.current_thread() in self.threads:
            self.here.set()
            assert self.released.wait(10)
        elif not self.threads:
            self.threads = [threading.Thread(target=lambda: self.found.append(self.other()))]
            self.threads[0].start()
            assert self.here.wait(10)
        return x

    def end(self) -> None:
        self.released.set()
        self.threads[0].join(10)


class Noise(Module):
    """Noise of one's own, in training mode."""

    def __init__(self) -> None:
        self.rng = random.Random(3)

    def __call__(self, x: Any) -> Any:
        return [v + self.rng.gauss(0, 1) for v in x] if self.training else x


PHASES: dict[str, Callable[[Any], Any]] = {
    "fit": lambda model: learn(model, X[:4], Y[:4], epochs=2, engine="scalar"),
    "train": lambda model: list(
        train(
            model, X[:4], Y[:4], loss="squared_error", optimizer="sgd", epochs=1, engine="scalar"
        )
    ),
    "predict": lambda model: predict(model, X[:4]),
    "evaluate": lambda model: evaluate(model, X[:4], Y[:4], loss="squared_error", engine="scalar"),
}  # fmt: skip


@pytest.mark.parametrize("layer", [lambda: Dropout(0.5), lambda: BatchNorm(3), Noise])
@pytest.mark.parametrize(
    ("first", "second"),
    [("fit", "predict"), ("train", "evaluate"), ("predict", "fit"), ("evaluate", "train")],
)
def test_phases_in_two_threads_do_not_change_each_others_mode(
    first: str, second: str, layer: Callable[[], Any]
) -> None:
    def model(start: Any) -> Any:
        return Sequential(start, Layer(2, 3, rng=0), layer(), Layer(3, 1, "linear", rng=1))

    expected, meeting = PHASES[first](model(Plain())), Meeting()
    shared = model(meeting)
    meeting.other = lambda: PHASES[second](shared)
    try:
        assert PHASES[first](shared) == expected
    finally:
        meeting.end()
    assert len(meeting.found) == 1
    assert all(part.training for part in modules(shared))


@pytest.mark.parametrize("mode", [True, False])
def test_the_attribute_training_is_what_the_user_set(mode: bool) -> None:
    seen: list[tuple[bool, Any]] = []

    class Looking(Plain):
        def __call__(self, x: Any) -> Any:
            seen.append((self.training, vars(self).get("training", True)))
            return x

    teacher = Dropout(0.5).eval()  # no part of the model: nobody touches its mode

    def distance(o: Any, t: Any) -> Value:
        seen.append((teacher.training, False))
        return squared_error(o, t)

    model = Sequential(Looking(), Layer(2, 1, rng=0)).train(mode)
    learn(model, X[:4], Y[:4], loss=distance, epochs=1, engine="scalar")
    assert set(seen) == {(True, mode), (False, False)}
    seen.clear()
    predict(model, X[:4])
    assert set(seen) == {(False, mode)}


def test_a_layer_that_a_callback_exchanged_is_measured_in_evaluation_mode() -> None:
    model = Sequential(Layer(2, 3, rng=0), Plain(), Layer(3, 1, "linear", rng=1))

    def exchange(epoch: Epoch) -> None:
        if epoch.number == 0:
            model.layers[1] = Dropout(0.9)

    options: Any = {"validation": HELD_OUT, "callbacks": [exchange], "engine": "scalar"}
    history = learn(model, epochs=2, **options)
    expected, _ = evaluate(model, *HELD_OUT, loss="squared_error", engine="scalar")
    assert history.validation_loss[-1] == expected


# --- runs that diverged are marked and ranked last

LOST = History([0.01], diverged=True, stopped="diverged in epoch 1: the loss is inf at lr=9; ...")
FAR, NEAR = History([5.0]), History([0.5])

#: Histories, and the order of their numbers in which a comparison puts them.
RANKED: dict[str, tuple[list[History], list[int]]] = {
    "the loss of the start": ([LOST, NEAR], [1, 0]),
    "a loss that grew": ([LOST, FAR, NEAR], [2, 1, 0]),
    "not a number": ([LOST, History([math.nan]), NEAR], [2, 1, 0]),
    "no epoch": ([History(diverged=True), LOST, History(), NEAR], [3, 2, 1, 0]),
    "validation": (
        [LOST, History([0.1], validation_loss=[0.9]), History([0.4], validation_loss=[0.5])],
        [2, 1, 0],
    ),
    "both diverged": ([History([2.0], diverged=True), LOST], [1, 0]),
    "interrupted is no divergence": ([LOST, NEAR, History([0.1], stopped="Ctrl-C")], [2, 1, 0]),
}  # fmt: skip


@pytest.mark.parametrize("name", RANKED)
def test_runs_that_diverged_come_last_wherever_runs_are_compared(name: str) -> None:
    histories, order = RANKED[name]
    swept = sweep(lambda rng, k: (k, histories[k]), {"k": range(len(histories))})
    assert [run.model for run in swept.runs] == order
    given = iter(enumerate(histories))
    assert best_of(lambda rng: next(given), len(histories)).model == order[0]


def test_a_run_that_diverges_is_marked_in_its_history_and_in_every_table() -> None:
    def run(rng: random.Random, lr: float) -> tuple[Any, History]:
        model = MLP(2, [4, 1], "relu", rng=0)
        return model, learn(model, optimizer=SGD(model.parameters(), lr=lr), epochs=2)

    swept = quietly(lambda: sweep(run, {"lr": [1e300, 2.0]}))
    diverged = swept.runs[1].history
    assert [run.settings["lr"] for run in swept.runs] == [2.0, 1e300]
    assert (diverged.diverged, diverged.to_dict()["diverged"]) == (True, True)
    assert diverged.loss[-1] < swept.best.loss
    heads, first, last = swept.table().splitlines()
    assert heads.split() == ["loss", "accuracy", "ended", "lr"]
    assert ("diverged" in first, last.split()[2]) == (False, "diverged")
    assert "ended" not in Sweep(swept.runs[:1]).table()
    assert diverged.table().splitlines()[-1] == diverged.stopped
    assert repr(diverged).endswith(", diverged)")
    assert "diverged" not in repr(swept.best.history)


# --- divergence is explained by what was known before it

BY_NAME = "train inside `with detect_anomaly():`, where the scalar engine names the operation"
NO_RATE = f"no step came before, so that no learning rate helps: {BY_NAME}"
A_RATE = "try a smaller learning rate"

#: A loss of an output that is 0 at first, options, and what is said when it diverges.
EXPLAINED: dict[str, tuple[Callable[[Any, Any], Any], dict[str, Any], str]] = {
    "a gradient at once": (
        lambda o, t: o.sqrt(), {}, f"0: a gradient is inf at lr=0.1; {NO_RATE}"
    ),
    "a nan at once": (
        lambda o, t: (o * o).sqrt(), {}, f"0: a gradient is nan at lr=0.1; {NO_RATE}"
    ),
    "the loss at once": (lambda o, t: -o.log(), {}, f"0: the loss is inf at lr=0.1; {NO_RATE}"),
    "a loss that is no number": (
        lambda o, t: (o - 1).log() + o, {}, f"0: the loss is nan at lr=0.1; {NO_RATE}"
    ),
    "a loss of the second batch": (
        lambda o, t: o - functions.log(t), {"batch_size": 1, "rng": 0},
        f"0: the loss is inf at lr=0.1; {A_RATE}",
    ),
    "a rate": (
        lambda o, t: (o - 1) ** 2, {"lr": 1e200}, f"1: the loss is inf at lr=1e+200; {A_RATE}"
    ),
    "a rate beyond the largest float at once": (
        lambda o, t: (o - 20) ** 2, {"lr": 1e308},
        f"0: a parameter is inf at lr=1e+308; {A_RATE}",
    ),
    "a gradient of a later step": (
        lambda o, t: (1 - o).sqrt(), {"lr": 1.0},
        f"1: a gradient is -inf at lr=1; {A_RATE}, or {BY_NAME}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("engine", ["scalar", "matrix"])
@pytest.mark.parametrize("name", EXPLAINED)
def test_divergence_says_a_learning_rate_only_where_a_step_came_before(
    name: str, engine: str
) -> None:
    loss, options, text = EXPLAINED[name]
    model = MLP(1, [1], init="zeros")
    given = {"loss": loss, "epochs": 5, "engine": engine, **options}
    given["optimizer"] = SGD(model.parameters(), lr=given.pop("lr", 0.1))
    history = quietly(lambda: learn(model, [[1.0], [1.0]], [1.0, 0.0], **given))
    assert history.stopped == f"diverged in epoch {text}"
    parameters = [p.data for p in model.parameters()]
    assert all(map(math.isfinite, parameters))
    assert not any(parameters) or not text.startswith("0:") or "batch_size" in options


# --- what a perceptron says of classes is known

CORNERS = [[0, 0], [0, 1], [1, 0], [1, 1]]
YES = "no end within {} epochs; the classes are linearly separable"
NO = "not linearly separable: stopped after {} epochs"
OPEN = "no end within {} epochs; whether the classes are linearly separable is open"

#: Rows, targets, options of the unit and of its training, and how that ends.
ENDINGS: dict[str, tuple[Any, Any, dict[str, Any], dict[str, Any], str]] = {
    "AND, two epochs": (CORNERS, [0, 0, 0, 1], {}, {"epochs": 2}, YES),
    "AND, six": (CORNERS, [0, 0, 0, 1], {}, {"epochs": 6}, "converged: 10 updates in 6 epochs"),
    "OR, a small rate": (
        CORNERS, [0, 1, 1, 1], {"w": [0.3, -0.2, 0.5]}, {"lr": 0.001, "epochs": 100}, YES
    ),
    "OR, batch": (CORNERS, [-1, 1, 1, 1], {}, {"batch": True, "epochs": 1}, YES),
    "XOR": (CORNERS, [0, 1, 1, 0], {}, {"epochs": 1}, NO),
    "XOR, batch": (CORNERS, [0, 1, 1, 0], {}, {"epochs": 50, "batch": True}, NO),
    "XOR, labels, batch": (CORNERS, [-1, 1, 1, -1], {}, {"epochs": 50, "batch": True}, NO),
    "XOR, labels, shuffled": (CORNERS, [-1, 1, 1, -1], {}, {"epochs": 50, "rng": 3}, NO),
    "between": ([[0.0], [0.1], [0.2]], [0, 1, 0], {}, {"epochs": 9}, NO),
    "a point of both": ([[0.1, 0.7], [0.1, 0.7]], [1, -1], {}, {"epochs": 9}, NO),
    "on a line, by rounding": ([[0.1], [0.3], [0.1 + 0.2]], [0, 0, 1], {}, {"epochs": 9}, YES),
    "one class": ([[1.0], [2.0]], [0, 0], {"w": [1e9, 0.0]}, {"epochs": 3}, YES),
    "steps that are rounded off": (
        [[0.0], [1.0]], [1, 0], {"w": [0.0, 1e20]}, {"lr": 1.0, "epochs": 20}, YES
    ),
    "far apart": ([[1e300], [-1e-300], [0.0]], [0, 1, 0], {}, {"epochs": 2}, YES),
    "far apart and mixed": ([[1e300], [1e-300], [0.0]], [0, 1, 0], {}, {"epochs": 2}, NO),
    "the moons": (X, [1 if t else -1 for t in Y], {}, {"epochs": 20}, NO),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDINGS)
def test_a_perceptron_says_of_classes_what_is_known(name: str) -> None:
    rows, targets, unit, options, text = ENDINGS[name]
    history = Perceptron(len(rows[0]), **unit).fit(rows, targets, **options)
    text = text.format(history.epochs)
    assert (history.summary, repr(history)) == (text, f"PerceptronHistory({text})")
    assert history.separable is (text.startswith(("converged", "no end")))
    assert history.converged is (history.mistakes[-1] == 0) is text.startswith("converged")
    assert history.converged or history.epochs == options["epochs"]


def test_a_perceptron_leaves_open_what_takes_too_long(monkeypatch: Any) -> None:
    monkeypatch.setattr("tinygrad_edu.perceptron._BITS", 0)
    history = Perceptron(2).fit(CORNERS, [0, 1, 1, 0], epochs=3)
    assert (history.separable, history.summary) == (None, OPEN.format(3))


def test_a_perceptron_is_right_about_classes_that_repeat_their_weights() -> None:
    # small integers: the rule ends, or comes back to weights that it had before and never ends
    rng, found = random.Random(4), set()
    for _ in range(120):
        n, d = rng.randint(2, 7), rng.randint(1, 3)
        rows = [[rng.randint(0, 2) for _ in range(d)] for _ in range(n)]
        targets = [rng.randint(0, 1) for _ in rows]
        unit, seen = Perceptron(d), set()
        while tuple(unit.w) not in seen:
            seen.add(tuple(unit.w))
            ends = unit.fit(rows, targets, epochs=1).converged
        assert Perceptron(d).fit(rows, targets, epochs=1).separable is ends
        found.add(ends)
    assert found == {True, False}


# --- options that are True or False, and options that are mappings


def options_with(is_wanted: Callable[[Any], bool]) -> set[str]:
    """The options of what a user calls whose annotation is wanted, as in "fit.progress"."""
    found = set()
    for name, x in odd_inputs.public().items():
        if name in odd_inputs.LEFT_OUT:
            continue
        is_class = isinstance(x, type) and not issubclass(x, BaseException)
        if inspect.isfunction(x) or is_class:
            annotations = {k: p.annotation for k, p in inspect.signature(x).parameters.items()}
            if is_class:  # options of optimizers are declared in the class
                declared_here = inspect.get_annotations(x)
                annotations |= {k: declared_here[k] for k in declared(x) if k in declared_here}
            found |= {f"{name}.{k}" for k, a in annotations.items() if is_wanted(a)}
    return found


def given(name: str, x: Any) -> Any:
    """The right call of what has an option of that name, with `x` for it."""
    owner, _, option = name.rpartition(".")
    example = odd_inputs.example(owner)
    bound = inspect.signature(example.function).bind(*example.args, **example.names)
    for replaced in (option, "activation" if option == "nonlin" else ""):
        bound.arguments.pop(replaced, None)
    return example.function(*bound.args, **{**bound.kwargs, option: x})


#: Options that may be another thing or number.
NO_FLAGS = {
    "toposort.leaves",
    *(f"sklearn.ScalarMLP{x}.verbose" for x in ("Classifier", "Regressor")),
}


def test_an_option_that_is_true_or_false_takes_nothing_else() -> None:
    names = options_with(lambda a: a in (bool, bool | None, "bool", "bool | None")) - NO_FLAGS
    assert len(names) >= 20  # without scikit-learn
    bads = ("False", "no", "", 2, 1, 0, 0.0, None, [], [True], np.array([True]), np.int64(0))
    for name, bad in product(names, bads):
        if bad is not None or not name.endswith("nonlin"):
            text = rf"{name.split('.')[-1]}\b.*(True or False|'bool')"
            with pytest.raises(TypeError, match=text):
                given(name, bad)


def test_a_truth_value_of_numpy_is_one() -> None:
    for given in (True, np.True_, np.array([1.0]).all()):
        assert flag("log", given) is True
        assert SGD([Value(1.0)], momentum=0.9, nesterov=given).nesterov is True
    model = MLP(1, [1])
    model.training = np.False_
    assert model.training is False
    assert model.train(np.True_).training is True
    with pytest.raises(TypeError, match="training must be True or False, got str 'no'"):
        model.training = "no"  # type: ignore[assignment]


@pytest.mark.parametrize("answer", ["stop", 1, 0, 2.0, [], np.array([True, False])])
def test_a_callback_answers_true_false_or_nothing(answer: Any) -> None:
    def answers(epoch: Epoch) -> Any:
        return answer

    with pytest.raises(TypeError, match="must return True to stop or None, got "):
        learn(MLP(2, [1]), epochs=9, callbacks=[answers])
    history = learn(MLP(2, [1]), epochs=9, callbacks=[lambda epoch: np.True_])
    assert history.stopped == "stopped by a callback after epoch 0"


@pytest.mark.parametrize("kind", [Layer, Neuron])
@pytest.mark.parametrize("activation", ["rleu", "relu", "linear", "tanh", functions.tanh])
@pytest.mark.parametrize("nonlin", [True, False])
def test_an_activation_and_nonlin_are_not_given_together(
    kind: Any, activation: Any, nonlin: bool
) -> None:
    sizes = (2, 2) if kind is Layer else (2,)
    text = f"nonlin={nonlin} stands in place of an activation: write one only"
    with pytest.raises(ValueError, match=f"^{text}$"):
        kind(*sizes, activation, nonlin=nonlin)
    if kind is Neuron:  # micrograd gives it by place
        assert Neuron(2, nonlin).activation == ("relu" if nonlin else "linear")
        with pytest.raises(ValueError, match=f"^{text}$"):
            Neuron(2, nonlin, nonlin=not nonlin)
    assert kind(*sizes, nonlin=nonlin).activation == ("relu" if nonlin else "linear")
    assert type(kind(*sizes).activation) is str


def is_mapping(annotation: Any) -> bool:
    one = [a for a in getattr(annotation, "__args__", ()) if a is not type(None)]
    optional = isinstance(annotation, UnionType) and len(one) == 1
    return get_origin(one[0] if optional else annotation) is Mapping


def test_an_option_that_is_a_mapping_takes_nothing_else() -> None:
    names = options_with(is_mapping)
    assert len(names) > 5
    v = Value(1.0)
    for name, bad in product(names, ("", "x", 0, 1.5, [], [("v", v)], {v}, v, False)):
        with pytest.raises(TypeError, match=rf"^{name.split('.')[-1]} must be .*: write "):
            given(name, bad)
