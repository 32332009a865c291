"""Training: steps by hand, batches, histories, stopping, interruption, repetition."""

import gc
import io
import json
import math
import os
import random
import subprocess
import sys
from functools import partial
from typing import Any

import numpy as np
import pytest
from both_engines import check, data_of, net, rows

from tinygrad_edu import (
    MLP,
    SGD,
    Adam,
    DivergenceError,
    EarlyStopping,
    History,
    Value,
    best_of,
    blobs,
    evaluate,
    fit,
    moons,
    no_grad,
    parameter,
    predict,
    train,
)
from tinygrad_edu.losses import l2, squared_error
from tinygrad_edu.train import Epoch, Step
from tinygrad_edu.train.scalar import scalar_engine

XOR = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
XOR_Y = [0, 1, 1, 0]


def line() -> MLP:
    """o = w x + b, from w = b = 0."""
    return MLP(1, [1], init="zeros")


def learn(model: Any, X: Any, y: Any, driver: Any = fit, **options: Any) -> Any:
    """Train with a squared error by gradient descent, unless the options say otherwise."""
    return driver(model, X, y, **{"loss": "squared_error", "optimizer": "sgd", **options})


# --- steps


def test_two_steps_of_descent_by_hand() -> None:
    model = line()
    X, y = [[1.0], [2.0]], [1.0, 2.0]
    steps = learn(model, X, y, train, epochs=2)
    assert data_of(model) == [0.0, 0.0]  # nothing happens before the first step is asked for
    first = next(steps)
    # o = 0, 0; the mean of 1 and 4; dE/dw = (2 * -1 * 1 + 2 * -2 * 2) / 2, dE/db = (-2 - 4) / 2
    assert first == Step(0, 0, 2.5, [[0.0], [0.0]], [1.0, 2.0])
    assert data_of(model) == pytest.approx([0.5, 0.3])
    second = next(steps)
    # o = 0.8, 1.3; errors -0.2, -0.7
    assert second.loss == pytest.approx((0.04 + 0.49) / 2)
    assert second.outputs == [pytest.approx([0.8]), pytest.approx([1.3])]
    assert data_of(model) == pytest.approx([0.5 + 0.1 * (0.2 + 1.4), 0.3 + 0.1 * (0.2 + 0.7)])
    assert next(steps, None) is None


def batches(**options: Any) -> list[list[list[Any]]]:
    """The targets of each batch of each epoch; they stand for the rows."""
    X, y = [[float(k)] for k in range(10)], [float(k) for k in range(10)]
    epochs: list[list[list[Any]]] = [[], []]
    model = line()
    slow = SGD(model.parameters(), lr=1e-3)
    for step in learn(model, X, y, train, optimizer=slow, epochs=2, **options):
        assert step.batch == len(epochs[step.epoch])
        epochs[step.epoch].append(step.targets)
    return epochs


@pytest.mark.parametrize(
    ("size", "sizes"), [(3, [3, 3, 3, 1]), (5, [5, 5]), (1, [1] * 10), (9, [9, 1]), (10, [10])]
)
def test_every_epoch_has_every_row_once_in_batches(size: int, sizes: list[int]) -> None:
    for epoch in batches(batch_size=size):
        assert [len(batch) for batch in epoch] == sizes
        assert sorted(t for batch in epoch for t in batch) == [float(k) for k in range(10)]


def test_batches_are_shuffled_anew_each_epoch_and_the_full_batch_is_not() -> None:
    first, second = batches(batch_size=5)
    assert first != second
    whole = [[[float(k) for k in range(10)]]] * 2
    assert batches() == batches(batch_size=10) == whole


def test_the_order_of_the_rows_comes_from_rng() -> None:
    assert batches(batch_size=2) == batches(batch_size=2, rng=0)
    assert batches(batch_size=2, rng=random.Random(0)) == batches(batch_size=2, rng=0)
    assert batches(batch_size=2, rng=1) != batches(batch_size=2, rng=0)
    rng = random.Random(0)
    assert batches(batch_size=2, rng=rng) != batches(batch_size=2, rng=rng)
    random.seed(3)
    state = random.getstate()
    batches(batch_size=2)
    assert random.getstate() == state


def test_a_batch_larger_than_the_data_is_the_full_batch_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="^batch_size 11 is larger than the 10 rows$"):
        assert batches(batch_size=11) == batches()


def test_online_descent_updates_after_every_example() -> None:
    model, expected = line(), line()
    for step in learn(model, [[1.0], [2.0]], [1.0, 2.0], train, epochs=1, batch_size=1):
        (t,) = step.targets
        o = expected([t])
        expected.zero_grad()
        ((o - t) ** 2).backward()
        for p in expected.parameters():
            p.data -= 0.1 * p.grad
        assert step.outputs == [[o.data]]
        assert data_of(model) == pytest.approx(data_of(expected), rel=1e-14)


def test_gradients_are_zeroed_before_a_step_and_left_after_it() -> None:
    model = line()
    model.parameters()[0].grad = 1e6
    next(learn(model, [[1.0]], [1.0], train, epochs=1))
    assert [p.grad for p in model.parameters()] == [-2.0, -2.0]


def test_the_penalty_is_part_of_the_loss_and_of_the_gradient() -> None:
    model = MLP(1, [1], init=lambda rng, nin, nout: 3.0)
    penalty = lambda m: l2(m.parameters(), 0.1)  # noqa: E731
    step = next(learn(model, [[1.0]], [3.0], train, epochs=1, penalty=penalty))
    assert step.loss == pytest.approx(0.9)
    assert data_of(model) == pytest.approx([3.0 - 0.1 * 0.1 * 2 * 3.0, 0.0])


OPTIMIZERS = [
    "sgd",
    SGD,
    lambda parameters: SGD(parameters, lr=0.1),
    lambda parameters: SGD(parameters, lr=lambda k: 0.1),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_optimizer_is_a_name_a_class_a_function_or_the_thing(optimizer: Any) -> None:
    def trained(model: MLP, optimizer: Any) -> list[float]:
        losses: list[float] = learn(model, XOR, XOR_Y, optimizer=optimizer, epochs=5).loss
        return losses

    model = MLP(2, [3, 1], "tanh", rng=0)
    expected = trained(model, SGD(model.parameters(), lr=0.1))
    assert trained(MLP(2, [3, 1], "tanh", rng=0), optimizer) == expected


def test_any_function_of_values_can_be_trained() -> None:
    a, b = parameter(0.0), parameter(0.0)

    def model(x: list[float]) -> Value:
        return a * x[0] ** 2 + b

    optimizer = Adam([a, b], lr=0.3)
    history = learn(model, [[0.0], [1.0], [2.0]], [1.0, 3.5, 11.0], optimizer=optimizer, epochs=400)
    assert (a.data, b.data) == pytest.approx((2.5, 1.0), abs=1e-3)
    assert history.accuracy == []


def test_a_part_of_a_model_can_be_trained() -> None:
    model = MLP(2, [3, 1], "tanh", rng=0)
    before = data_of(model)
    last = model.layers[-1].parameters()
    learn(model, XOR, XOR_Y, optimizer=SGD(last), epochs=3)
    assert data_of(model)[:9] == before[:9]
    assert data_of(model)[9:] != before[9:]


def test_losses_and_engines_can_be_functions() -> None:
    calls: list[Any] = []

    def absolute(output: Any, target: Any) -> Value:
        return abs(output - target)

    def engine(model: Any, loss: Any, penalty: Any) -> Any:
        calls.append((model, loss, penalty))
        return scalar_engine(model, loss, penalty)

    model = line()
    history = learn(model, [[1.0]], [3.0], loss=absolute, epochs=2, engine=engine)
    assert history.loss == pytest.approx([3.0, 2.8])
    assert calls == [(model, absolute, None)]


def test_targets_may_be_rows_and_validation_a_data_set() -> None:
    def losses(X: Any, y: Any, **options: Any) -> list[float]:
        model = MLP(2, [3, 2], "tanh", rng=0)
        losses: list[float] = learn(model, X, y, loss="cross_entropy", epochs=3, **options).loss
        return losses

    expected = losses(XOR, XOR_Y)
    assert losses(XOR, [[1 - t, t] for t in XOR_Y]) == pytest.approx(expected, rel=1e-14)
    data = moons(20, rng=0)
    assert len(losses(data.X, data.y, validation=data)) == 3


# --- histories


def test_fit_records_what_the_steps_gave() -> None:
    def run(driver: Any) -> Any:
        model = MLP(2, [4, 1], "tanh", "sigmoid", rng=2)
        options: dict[str, Any] = {"loss": "binary_cross_entropy", "optimizer": "adam", "epochs": 4}
        return driver(model, XOR, XOR_Y, batch_size=3, rng=5, **options)

    steps, history = list(run(train)), run(fit)
    assert len(steps) == 8
    for epoch in range(4):
        pair = [s for s in steps if s.epoch == epoch]
        assert [len(s.targets) for s in pair] == [3, 1]
        assert history.loss[epoch] == pytest.approx((3 * pair[0].loss + pair[1].loss) / 4)
        hits = [
            (o > 0.5) == (t > 0.5)
            for s in pair
            for (o,), t in zip(s.outputs, s.targets, strict=True)
        ]
        assert history.accuracy[epoch] == sum(hits) / 4
    assert len(history) == 4
    assert (history.stopped, history.interrupted) == (None, False)


def test_the_loss_is_measured_before_the_update_and_validation_after_it() -> None:
    model = line()
    X, y = [[1.0], [2.0]], [1.0, 2.0]
    history = learn(model, X, y, epochs=3, validation=(X, y))
    assert history.loss[0] == 2.5
    assert history.validation_loss[:2] == pytest.approx(history.loss[1:])
    assert history.validation_loss[2] == evaluate(model, X, y, loss="squared_error")[0]
    assert history.validation_accuracy == []


def test_no_epochs_change_nothing() -> None:
    model = MLP(2, [3, 1], rng=0)
    before = data_of(model)
    history = learn(model, XOR, XOR_Y, epochs=0)
    assert history == History()
    assert len(history) == 0
    assert data_of(model) == before


def test_xor_and_three_classes_are_learned() -> None:
    model = MLP(2, [4, 1], "tanh", rng=1)
    adam = {"optimizer": lambda p: Adam(p, lr=0.1)}
    history = learn(model, XOR, XOR_Y, loss="binary_cross_entropy_with_logits", epochs=60, **adam)
    assert history.accuracy[-1] == 1.0
    assert history.loss[-1] < 0.1
    data = blobs(60, rng=0)
    model = MLP(2, [len(set(data.y))], rng=0)
    history = learn(model, data.X, data.y, loss="cross_entropy", epochs=30, **adam)
    assert history.accuracy[-1] > 0.9


def test_evaluate_gives_the_mean_loss_and_the_accuracy() -> None:
    model = MLP(1, [1], init=lambda rng, nin, nout: 1.0)
    X, y = [[0.2], [0.9], [3.0], [0.4]], [0, 1, 1, 1]
    loss, accuracy = evaluate(model, X, y, loss="squared_error")
    assert loss == pytest.approx((0.04 + 0.01 + 4.0 + 0.36) / 4)
    assert accuracy == 0.75
    assert evaluate(model, X, [0.2, 0.9, 3.0, 0.4], loss="squared_error") == (0.0, None)
    assert [p.reached for p in model.parameters()] == [False, False]


def test_regression_on_whole_numbers_has_no_accuracy() -> None:
    model = line()
    history = learn(model, [[1.0], [2.0]], [3, 5], epochs=2, validation=([[3.0]], [7]))
    assert (history.accuracy, history.validation_accuracy) == ([], [])
    assert len(history.validation_loss) == 2


def example_history() -> History:
    return History(
        [0.5, 0.25, 0.125], [0.5, 0.75, 1.0], [0.6, 0.3, 0.2], [0.25, 0.5, 0.75], "why", True
    )


def test_a_history_shows_itself_as_table_repr_and_dict() -> None:
    history = example_history()
    assert history.table().splitlines() == [
        "epoch          loss      accuracy  validation loss  validation accuracy",
        "    0           0.5         50.0%              0.6                25.0%",
        "    1          0.25         75.0%              0.3                50.0%",
        "    2         0.125        100.0%              0.2                75.0%",
    ]
    assert [row.split()[0] for row in history.table(rows=2).splitlines()] == ["epoch", "0", "2"]
    long = History([1 / (k + 1) for k in range(1000)])
    shown = [int(row.split()[0]) for row in long.table(5).splitlines()[1:]]
    assert shown == [0, 250, 500, 749, 999]
    assert History().table() == "epoch"
    assert History([1 / 3]).table().split() == ["epoch", "loss", "0", "0.333333"]
    assert repr(history) == (
        "History(3 epochs, last loss=0.125, accuracy=1, validation loss=0.2, "
        "validation accuracy=0.75)"
    )
    assert repr(History()) == "History(0 epochs)"
    assert json.loads(json.dumps(history.to_dict())) == {
        "loss": [0.5, 0.25, 0.125],
        "accuracy": [0.5, 0.75, 1.0],
        "validation_loss": [0.6, 0.3, 0.2],
        "validation_accuracy": [0.25, 0.5, 0.75],
        "stopped": "why",
        "interrupted": True,
        "diverged": False,
    }


def test_a_history_is_plotted_with_a_curve_for_each_column(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)  # of another test
    figure = example_history().plot()
    loss, accuracy = figure.axes
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["loss", "accuracy"]
    assert [list(curve.get_ydata()) for curve in loss.lines] == [
        [0.5, 0.25, 0.125],
        [0.6, 0.3, 0.2],
    ]
    assert [text.get_text() for text in accuracy.get_legend().get_texts()] == [
        "training",
        "validation",
    ]
    assert loss.get_ylim()[0] == 0
    figure.draw_without_rendering()
    assert "matplotlib.pyplot" not in sys.modules
    assert len(History([1.0, 0.5]).plot().axes) == 1
    assert History([2.0]).plot().axes[0].lines[0].get_marker() == "o"
    assert [text.get_text() for text in History().plot().axes[0].texts] == [
        "no epoch was completed"
    ]


# --- callbacks and early stopping


def test_callbacks_see_every_epoch_and_stop_training() -> None:
    seen: list[Epoch] = []

    def stop_at_2(epoch: Epoch) -> bool:
        seen.append(epoch)
        return epoch.number == 2

    model = MLP(2, [3, 1], rng=0)
    validation = XOR, XOR_Y
    history = learn(model, *validation, epochs=10, validation=validation, callbacks=[stop_at_2])
    assert [epoch.number for epoch in seen] == [0, 1, 2]
    assert [epoch.last for epoch in seen] == [False] * 3
    for k, epoch in enumerate(seen):
        assert epoch.model is model
        assert (epoch.loss, epoch.accuracy) == (history.loss[k], history.accuracy[k])
        assert epoch.validation_loss == history.validation_loss[k]
        assert epoch.validation_accuracy == history.validation_accuracy[k]
    assert len(history) == 3
    assert history.stopped == "stopped by a callback after epoch 2"


def test_every_callback_is_called_also_when_one_stops() -> None:
    calls: list[str] = []
    callbacks = [
        lambda epoch: calls.append("first") or True,
        lambda epoch: calls.append(f"second, last={epoch.last}"),
    ]
    learn(line(), [[1.0]], [1.0], epochs=1, callbacks=callbacks)
    assert calls == ["first", "second, last=True"]


def test_an_error_of_a_callback_passes_through_with_the_model_of_the_last_step() -> None:
    class OwnError(Exception):
        pass

    def fails(epoch: Epoch) -> None:
        if epoch.number == 1:
            raise OwnError

    model, same = line(), line()
    with pytest.raises(OwnError):
        learn(model, [[1.0]], [1.0], epochs=9, callbacks=[fails])
    learn(same, [[1.0]], [1.0], epochs=2)
    assert data_of(model) == data_of(same)


def played(stopping: EarlyStopping, losses: list[float], validation: bool = True) -> list[float]:
    """Let the parameter be k after epoch k: when it stops, and the parameter when it is over."""
    model, stops = line(), math.inf
    stopping.start(model)
    for k, loss in enumerate(losses):
        model.parameters()[0].data = float(k)
        measured = loss if validation else None
        if stopping(Epoch(k, k == len(losses) - 1, model, loss, None, measured, None)):
            stops = float(k)
            break
    stopping.over()
    return [stops, model.parameters()[0].data]


@pytest.mark.parametrize(
    ("losses", "options", "stops", "kept"),
    [
        ([5, 4, 3, 3.5, 3.2, 1], {"patience": 2}, 4, 2),
        ([5, 4, 3, 3.5, 3.2, 1], {"patience": 3}, math.inf, 5),
        ([5, 4, 3, 3.5, 3.2], {"patience": 10}, math.inf, 2),
        ([5, 5, 5], {"patience": 2}, 2, 0),
        ([5, 4.9, 4.8, 4.7], {"patience": 2, "min_delta": 0.25}, 2, 0),
        ([5, 4.9, 4.8, 4.7, 0], {"patience": 4, "min_delta": 0.25}, math.inf, 4),
        ([math.nan, 3, 4, 5], {"patience": 2}, 3, 1),
        ([math.inf, 3, math.nan, math.inf], {"patience": 2}, 3, 1),
        ([math.nan, math.nan, math.nan], {"patience": 2}, 2, 2),  # none is best, none is restored
        ([5], {"patience": 1}, math.inf, 0),
    ],
)
def test_early_stopping_waits_and_restores_the_best_epoch(
    losses: list[float], options: dict[str, Any], stops: float, kept: float
) -> None:
    assert played(EarlyStopping(**options), losses) == [stops, kept]


def test_early_stopping_can_be_used_again_for_another_run() -> None:
    stopping = EarlyStopping(2)
    assert played(stopping, [1, 2, 3]) == [2, 0]
    assert (stopping.best_epoch, stopping.best_loss) == (0, 1)
    assert played(stopping, [9, 8, 7, 8, 9]) == [4, 2]
    assert (stopping.best_epoch, stopping.best_loss) == (2, 7)
    assert played(stopping, [math.inf, math.inf]) == [math.inf, 1]  # restores nothing of before
    assert (stopping.best_epoch, stopping.best_loss) == (0, math.inf)
    assert repr(stopping) == "EarlyStopping(2, min_delta=0.0)"


def test_without_validation_early_stopping_restores_the_parameters_that_had_the_loss() -> None:
    # the loss of epoch 2 is that of the parameters before its update, those after epoch 1
    assert played(EarlyStopping(2), [5, 4, 1, 30, 40], validation=False) == [4, 1]


def test_the_best_of_several_starts_is_kept() -> None:
    seen: list[float] = []

    def run(rng: random.Random) -> tuple[MLP, History]:
        model = MLP(2, [2, 1], "tanh", rng=rng)
        history = learn(model, XOR, XOR_Y, epochs=5)
        seen.append(history.loss[-1])
        return model, history

    best = best_of(run, 4, rng=3)
    assert best.history.loss[-1] == min(seen)
    assert [h.loss[-1] for h in best.histories] == seen
    assert len(set(seen)) == 4
    assert best_of(run, 4, rng=3).history.loss == best.history.loss
    assert best_of(run, 2, rng=random.Random(3)).histories == best.histories[:2]
    assert isinstance(best.model, MLP)
    assert (best.model, best.history, best.histories) == best


# --- divergence

A_RATE = "try a smaller learning rate"


def test_divergence_stops_with_the_last_parameters_of_a_finite_loss() -> None:
    model = line()
    seen: list[list[float]] = []
    X, y = [[1e3], [2e3]], [1.0, 2.0]
    optimizer = SGD(model.parameters(), lr=1e3)
    steps = learn(model, X, y, train, optimizer=optimizer, epochs=100)
    with pytest.raises(DivergenceError) as caught:
        seen.extend(data_of(model) for _ in steps)
    epoch = len(seen)
    assert epoch > 5
    text = f"diverged in epoch {epoch}: the loss is inf at lr=1000; {A_RATE}"
    assert str(caught.value) == text
    assert data_of(model) == seen[-2]  # those of seen[-1] have an infinite loss
    loss, _ = evaluate(model, X, y, loss="squared_error")
    assert math.isfinite(loss)


def test_fit_warns_of_divergence_and_returns_the_history() -> None:
    model = line()
    with pytest.warns(RuntimeWarning) as warned:
        history = fit(
            model, [[1e3]], [1.0], loss="squared_error", optimizer=lambda p: SGD(p, lr=1e3),
            epochs=100,
        )  # fmt: skip
    assert all(map(math.isfinite, history.loss))
    text = f"diverged in epoch {len(history)}: the loss is inf at lr=1000; {A_RATE}"
    assert [str(w.message) for w in warned] == [f"training {text}"]
    assert warned[0].filename == __file__
    assert (history.stopped, history.interrupted) == (text, False)


def test_a_callback_may_call_it_divergence() -> None:
    def diverges(epoch: Epoch) -> None:
        raise DivergenceError("the weights are too large")

    with pytest.warns(RuntimeWarning, match="^training the weights are too large$"):
        history = learn(line(), [[1.0]], [1.0], epochs=9, callbacks=[diverges])
    assert (len(history), history.diverged) == (1, True)


# --- interruption


def interrupted_at(call: int) -> tuple[MLP, MLP]:
    """A model of which the given call raises KeyboardInterrupt, and the same without."""
    count = iter(range(10**6))

    class Interrupted(MLP):
        def __call__(self, x: Any) -> Any:
            if next(count) == call:
                raise KeyboardInterrupt
            return super().__call__(x)

    return Interrupted(2, [3, 1], "tanh", rng=0), MLP(2, [3, 1], "tanh", rng=0)


# four examples, two batches an epoch: a call in each quarter of a step, in several epochs
@pytest.mark.parametrize("call", [0, 1, 2, 3, 4, 5, 7, 8, 13])
def test_ctrl_c_leaves_the_parameters_of_the_last_complete_step(call: int) -> None:
    options: dict[str, Any] = {
        "loss": "squared_error", "optimizer": "adam", "epochs": 9, "batch_size": 2, "rng": 1,
        "engine": "scalar",
    }  # fmt: skip
    model, same = interrupted_at(call)
    states = [data_of(same)]
    states += [data_of(same) for _ in train(same, XOR, XOR_Y, **options)]
    with pytest.raises(KeyboardInterrupt):
        list(train(model, XOR, XOR_Y, **options))
    assert data_of(model) == states[call // 2]
    assert gc.isenabled()

    model, _ = interrupted_at(call)
    if call < 4:
        with pytest.raises(KeyboardInterrupt):
            fit(model, XOR, XOR_Y, **options)
    else:
        with pytest.warns(RuntimeWarning) as warned:
            history = fit(model, XOR, XOR_Y, **options)
        text = f"interrupted by the user after epoch {call // 4 - 1}"
        assert (history.interrupted, history.stopped) == (True, text)
        assert [str(w.message) for w in warned] == [f"training {text}"]
        assert len(history.loss) == len(history.accuracy) == call // 4
    assert data_of(model) == states[call // 2]


@pytest.mark.parametrize("place", ["loss", "penalty", "update"])
def test_ctrl_c_anywhere_in_a_step_undoes_that_step(place: str) -> None:
    model = MLP(2, [3, 1], "tanh", rng=0)
    count = {"loss": 0, "penalty": 0, "update": 0}

    def now(here: str, at: int) -> None:
        count[here] += 1
        if here == place and count[here] == at:
            raise KeyboardInterrupt

    def loss(output: Any, target: Any) -> Value:
        now("loss", 6)
        return squared_error(output, target)

    def penalty(model: Any) -> Value:
        now("penalty", 2)
        return l2(model.parameters(), 0.1)

    class Interrupted(Adam):
        def update(self, *args: Any) -> Any:
            now("update", 13 + 7)  # 13 parameters
            return super().update(*args)

    optimizer = Interrupted(model.parameters())
    options: dict[str, Any] = {"loss": loss, "penalty": penalty, "optimizer": optimizer}
    steps = learn(model, XOR, XOR_Y, train, epochs=5, engine="scalar", **options)
    next(steps)
    after_one, states = data_of(model), list(optimizer.states)
    with pytest.raises(KeyboardInterrupt):
        next(steps)
    assert data_of(model) == after_one
    assert (optimizer.steps, optimizer.states) == (1, states)


def test_ctrl_c_between_two_parameters_of_an_update_undoes_both() -> None:
    class Halfway(SGD):
        def step(self) -> None:
            self.parameters[0].data = 99.0
            raise KeyboardInterrupt

    model = MLP(2, [1], rng=0)
    before = data_of(model)
    optimizer = Halfway(model.parameters())
    with pytest.raises(KeyboardInterrupt):
        next(learn(model, XOR, XOR_Y, train, optimizer=optimizer, epochs=1))
    assert data_of(model) == before


def test_ctrl_c_while_validating_keeps_the_columns_of_the_history_equally_long() -> None:
    # 4 calls train, 2 validate: call 6 + 5 is in the validation of the second epoch
    model, held_out = interrupted_at(11)[0], (XOR[:2], XOR_Y[:2])
    with pytest.warns(RuntimeWarning, match="interrupted by the user after epoch 0"):
        history = learn(model, XOR, XOR_Y, epochs=5, validation=held_out, engine="scalar")
    columns = (history.loss, history.accuracy, history.validation_loss, history.validation_accuracy)
    assert [len(column) for column in columns] == [1, 1, 1, 1]
    assert len(history.table().splitlines()) == 2


def test_training_can_go_on_after_an_interruption() -> None:
    model, same = interrupted_at(9)
    optimizer, other = Adam(model.parameters()), Adam(same.parameters())
    with pytest.warns(RuntimeWarning, match="interrupted"):
        learn(model, XOR, XOR_Y, optimizer=optimizer, epochs=5, engine="scalar")
    learn(model, XOR, XOR_Y, optimizer=optimizer, epochs=3, engine="scalar")
    learn(same, XOR, XOR_Y, optimizer=other, epochs=5, engine="scalar")
    assert data_of(model) == data_of(same)


# --- the collector of cycles, the terminal, repetition


def test_the_collector_is_paused_in_a_step_and_back_after_it_also_on_errors() -> None:
    inside: list[bool] = []

    class OwnError(Exception):
        pass

    def model(x: Any) -> Value:
        inside.append(gc.isenabled())
        if len(inside) > 2:
            raise OwnError
        return p * x[0]

    p = parameter(1.0)
    options: dict[str, Any] = {"optimizer": SGD([p]), "epochs": 5, "engine": "scalar"}
    for enabled in (True, False):
        inside.clear()
        (gc.enable if enabled else gc.disable)()
        try:
            steps = learn(model, [[1.0]], [2.0], train, **options)
            next(steps)
            assert gc.isenabled() is enabled
            next(steps)
            with pytest.raises(OwnError):
                next(steps)
            assert gc.isenabled() is enabled
        finally:
            gc.enable()
        assert inside == [False, False, False]


@pytest.mark.slow
def test_a_step_leaves_no_graph_behind() -> None:
    model = MLP(2, [3, 1], rng=0)
    steps = learn(model, XOR, XOR_Y, train, epochs=20)
    next(steps)
    gc.collect()
    gc.disable()
    try:
        before = sum(issubclass(type(o), Value) for o in gc.get_objects())
        for _ in range(10):
            next(steps)
        after = sum(issubclass(type(o), Value) for o in gc.get_objects())
    finally:
        gc.enable()
    assert after == before


def test_nothing_is_printed_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    learn(line(), [[1.0]], [1.0], epochs=3)
    assert capfd.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("progress", [True, False])
def test_a_terminal_gets_a_bar_unless_it_is_not_wanted(
    monkeypatch: pytest.MonkeyPatch, progress: bool
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    learn(line(), [[1.0]], [1], epochs=3, progress=progress)
    shown = terminal.getvalue()
    assert ("3/3" in shown and "accuracy=" in shown) is progress
    assert bool(shown) is progress


def test_fit_runs_without_a_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert len(learn(line(), [[1.0]], [1.0], epochs=3)) == 3


PROGRAM = """
from tinygrad_edu import MLP, fit, moons
X, y = moons(30, rng=0)
model = MLP(2, [5, 1], "tanh", rng=0)
history = fit(model, X, y, loss="binary_cross_entropy_with_logits", optimizer="adam", epochs=4,
              batch_size=7, validation=(X, y), rng=0)
print([x.hex() for x in history.loss + history.validation_loss])
print([x.hex() for x in model.state_dict().values()])
print(list(model.state_dict()))
"""


def output_of(*options: str, seed: str) -> str:
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, *options, "-c", PROGRAM],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.slow
def test_two_processes_give_bit_identical_histories() -> None:
    first = output_of(seed="0")
    assert first.count("0x") == 4 + 4 + 21
    assert output_of("-OO", seed="12345") == first


@pytest.mark.parametrize("sample_weight", [None, [1.0, 2.0]])
def test_a_loss_that_is_not_in_a_graph_cannot_be_trained(sample_weight: Any) -> None:
    text = (
        "there is nothing to differentiate: the loss must give a Value made from the output, "
        "outside of no_grad()"
    )
    model = line()
    run = partial(learn, model, [[1.0], [2.0]], [1.0, 0.0], epochs=1, sample_weight=sample_weight)
    with pytest.raises(TypeError) as caught, no_grad():
        run()
    assert str(caught.value) == text
    for loss in (lambda o, t: o.data - t, lambda o, t: 1.0):
        with pytest.raises(TypeError) as caught:
            run(loss=loss)
        assert str(caught.value) == text
    assert data_of(model) == [0.0, 0.0]


def test_a_step_is_shown_in_a_line() -> None:
    model = MLP(1, [1], rng=0)
    (step,) = learn(model, [[1.0], [2.0]], [1, -1], train, loss="hinge", epochs=1)
    assert repr(step) == f"Step(epoch=0, batch=0, loss={step.loss:.6g}, 2 examples)"


# --- modes


class Noticing(MLP):
    """A net that notes the mode it is called in, where trials of an engine do not put it back."""

    def __init__(self, *sizes: Any, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.seen = bytearray()

    def __call__(self, x: Any) -> Any:
        self.seen.append(self.training and self.layers[0].neurons[0].training)
        return super().__call__(x)


@pytest.mark.parametrize("engine", ["scalar", "matrix", "auto"])
@pytest.mark.parametrize("mode", [True, False])
def test_steps_are_made_in_training_mode_and_models_measured_in_evaluation_mode(
    engine: str, mode: bool
) -> None:
    def modes() -> set[bool]:
        found = set(map(bool, model.seen))
        model.seen.clear()
        assert model.training == model.layers[1].training == mode
        return found

    model = Noticing(2, [2, 1], "tanh").train(mode)
    options: dict[str, Any] = {"loss": "squared_error", "engine": engine}
    steps = learn(model, XOR, XOR_Y, train, epochs=3, engine=engine)
    next(steps)
    assert modes() == {True}
    del steps
    X, y = XOR * 2, XOR_Y * 2  # enough rows for a program
    evaluate(model, X, y, **options)
    assert modes() == {False}
    predict(model, X, engine=engine)
    assert modes() == {False}
    learn(model, X, y, epochs=1, validation=(X, y), engine=engine)
    assert modes() == {True, False}


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("engine", ["scalar", "matrix"])
def test_an_error_in_a_step_leaves_the_mode_as_it_was(
    error: type[BaseException], engine: str
) -> None:
    def failing(output: Any, target: Any) -> Value:
        raise error

    model = MLP(2, [1]).eval()
    with pytest.raises(error):
        list(learn(model, XOR, XOR_Y, train, loss=failing, epochs=1, engine=engine))
    with pytest.raises(error):
        evaluate(model.train(), XOR, XOR_Y, loss=failing, engine=engine)
    assert model.training
    assert model.layers[0].training


# --- augmentation


def noisy(row: list[float], rng: random.Random) -> list[float]:
    return [x + rng.uniform(-0.1, 0.1) for x in row]


@pytest.mark.parametrize("batch_size", [None, 4, 1])
def test_rows_are_changed_anew_in_every_step_on_both_engines(batch_size: int | None) -> None:
    X = rows(10, 2)
    y, sgd = [0, 1] * 5, lambda p: SGD(p, lr=0.3)
    options: Any = {"loss": "cross_entropy", "epochs": 4, "batch_size": batch_size, "rng": 3}
    run = check(lambda: net(2, 3, 2), sgd, X, y, augment=noisy, validation=(X, y), **options)
    history = learn(net(2, 3, 2), X, y, optimizer=sgd, **options)
    assert history.loss != run.history.loss
    assert rows(10, 2) == X


@pytest.mark.parametrize("engine", ["scalar", "matrix"])
def test_augmentation_draws_after_the_shuffling_row_by_row(engine: str) -> None:
    X, y = [[1.0], [2.0], [3.0], [4.0], [5.0]], [1.0, 2.0, 3.0, 4.0, 5.0]
    seen: list[float] = []

    def augment(row: list[float], rng: random.Random) -> list[float]:
        seen.extend([row[0], rng.random()])
        row[0] = 0.0  # the row is a copy
        return row

    model = line()
    options: dict[str, Any] = {"batch_size": 2, "rng": 8, "augment": augment, "engine": engine}
    steps = learn(model, X, y, train, epochs=2, **options)
    chosen = [t for step in steps for t in step.targets]
    rng, order, expected = random.Random(8), [1.0, 2.0, 3.0, 4.0, 5.0], []
    for _ in range(2):
        rng.shuffle(order)
        for x in order:
            expected += [x, rng.random()]
    assert seen == expected
    assert chosen == expected[::2]
    assert data_of(model)[0] == 0.0  # dE/dw = 0 where the input is


def test_a_model_that_falls_back_to_scalars_keeps_the_rows_of_the_step() -> None:
    def late(x: list[Any]) -> Any:  # another graph from the second epoch on
        return model(x) if x[0] < 0.5 else model(x) * 2

    X, y, losses = [[0.1], [0.2], [0.3]], [0.5, 1.0, 1.5], []
    for engine in ("scalar", "auto"):
        model, calls = net(1, 2, 1), iter(range(100))
        options = {"augment": lambda row, rng: [row[0] + (next(calls) > 3)], "engine": engine}  # noqa: B023
        optimizer = SGD(model.parameters(), lr=0.1)
        losses.append(learn(late, X, y, optimizer=optimizer, epochs=3, **options).loss)
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)


NO_AUGMENTATIONS: list[tuple[Any, type[Exception], str]] = [
    (0.1, TypeError, "augment is a function of a row and a generator, got float: "
     "write augment=lambda row, rng: [x + rng.gauss(0, 0.1) for x in row]"),
    (lambda row, rng: row[:1], ValueError,
     "augment(row, rng) must be a row of 2 numbers, got 1"),
    (lambda row, rng: None, TypeError, "augment(row, rng) must be a row of numbers, got NoneType: "
     "for one feature write [[x] for x in X], for one row [X]"),
    (lambda row, rng: [0.0, math.nan], ValueError,
     "augment(row, rng)[1] is nan: remove or replace the row, training needs finite data"),
]  # fmt: skip


@pytest.mark.parametrize(("augment", "error", "text"), NO_AUGMENTATIONS)
@pytest.mark.parametrize("engine", ["scalar", "matrix"])
def test_what_is_no_augmentation_is_refused(
    augment: Any, error: type[Exception], text: str, engine: str
) -> None:
    model = MLP(2, [1])
    before = data_of(model)
    with pytest.raises(error) as caught:
        learn(model, XOR, XOR_Y, epochs=1, augment=augment, engine=engine)
    assert (type(caught.value), str(caught.value)) == (error, text)
    assert data_of(model) == before


WEIGHED = [[0.0, 1.0], [1.0, 0.5], [-1.0, 2.0], [0.5, -1.0], [2.0, 0.0]]
TIMES = [2, 1, 0, 3, 1]
REPEATED = [i for i, times in enumerate(TIMES) for _ in range(times)]
CLASSES = {"cross_entropy", "mean_squared_error"}
#: Loss, and the targets of five examples.
TARGETS = {
    "cross_entropy": [0, 1, 1, 2, 0],
    "squared_error": [[1.0, 0.5, -1.0]] * 5,
    "mean_squared_error": [[0.0, 1.0, 0.0], *[[1.0, 0.0, 0.0]] * 4],
}


@pytest.mark.parametrize("engine", ["scalar", "matrix"])
@pytest.mark.parametrize("loss", TARGETS)
def test_a_weight_of_2_is_the_example_given_twice_and_one_of_0_is_none(
    loss: str, engine: str
) -> None:
    y = TARGETS[loss]
    X_twice, y_twice = ([of[i] for i in REPEATED] for of in (WEIGHED, y))
    options: dict[str, Any] = {"loss": loss, "engine": engine}
    fits = {"optimizer": "adam", "epochs": 6, "progress": False}
    weighted, repeated = MLP(2, [3, 3], "tanh"), MLP(2, [3, 3], "tanh")
    found = fit(
        weighted, WEIGHED, y, sample_weight=TIMES, validation=(WEIGHED, y, TIMES), **options, **fits
    )
    wanted = fit(repeated, X_twice, y_twice, validation=(X_twice, y_twice), **options, **fits)
    for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
        assert getattr(found, name) == pytest.approx(getattr(wanted, name), rel=1e-9), name
    assert list(weighted.state_dict().values()) == pytest.approx(
        list(repeated.state_dict().values()), rel=1e-9
    )
    measured = evaluate(weighted, WEIGHED, y, sample_weight=np.array(TIMES), **options)
    again = evaluate(repeated, X_twice, y_twice, **options)
    assert measured[0] == pytest.approx(again[0], rel=1e-9)
    assert measured[1] == pytest.approx(again[1], rel=1e-9) if loss in CLASSES else again[1] is None


def test_a_batch_pulls_with_the_weight_it_has_among_all_examples() -> None:
    model = MLP(1, [1], init="zeros")
    first, second = learn(
        model, [[1.0], [1.0]], [4.0, 2.0], train, loss="half_squared_error", epochs=1, rng=2,
        optimizer=SGD(model.parameters(), lr=0.5), batch_size=1, sample_weight=[3, 1],
        engine="scalar",
    )  # fmt: skip
    assert (first.targets, second.targets) == ([2.0], [4.0])
    # the weights with the mean 1 are 1/2 and 3/2: loss 1/2 * 1/2 * (0 - 2)^2, gradient 1/2 * -2
    assert first.loss == 1.0
    # then the output is 0.5 + 0.5, and the loss 3/2 * 1/2 * (1 - 4)^2
    assert second.loss == 6.75


def test_a_loss_that_is_infinite_where_the_weight_is_0_does_no_harm() -> None:
    model = MLP(1, [1], output="sigmoid", init="zeros")
    X, y = [[1.0], [1e5]], [1, 0]
    model.layers[0].neurons[0].w[0].data = 1.0
    assert evaluate(model, X, y, loss="binary_cross_entropy")[0] == math.inf
    found = evaluate(model, X, y, loss="binary_cross_entropy", sample_weight=[5, 0])
    assert found == (pytest.approx(math.log1p(math.exp(-1))), 1.0)
