"""Where the matrix engine ends: what falls back to the scalar engine, and what is refused."""

import re
from functools import partial
from inspect import getsourcelines

import pytest
from both_engines import assert_same, data_of, net, rows, trained

from tinygrad_edu import (
    SGD,
    Module,
    Value,
    evaluate,
    fit,
    no_grad,
    parameter,
    predict,
    train,
)
from tinygrad_edu import functions as f
from tinygrad_edu.losses import l2
from tinygrad_edu.vectorize import VectorizeError

X = rows(12, 2)
Y = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]
WAY_OUT = 'or train with engine="scalar"'


class Own(Module):
    """Two parameters; subclasses say what is made of them."""

    def __init__(self):
        self.v, self.w = parameter(0.5), parameter(-0.25)


class ReadsData(Own):
    def __call__(self, x):
        z = self.w * x[0]
        return z if z.data > 0 else self.v * z  # here


class Compares(Own):
    def __call__(self, x):
        z = self.w * x[0]
        return z if z > 0 else self.v * z  # here


class ComparesLater(Own):
    """At first w < 0 for every row; it grows beyond 0 in training."""

    def __call__(self, x):
        return self.w if self.w > 0 else self.w + self.v * x[0] * self.w  # here


class ComparesAFeature(Own):
    def __call__(self, x):
        return self.w * x[0] if x[1] == 0.75 else self.v * x[0]  # here


class Draws(Own):
    """Draws a number in Python, which is no part of the graph."""

    def __init__(self):
        super().__init__()
        self.numbers = iter(k / 7 % 1 for k in range(10**6))

    def __call__(self, x):
        return self.v * x[0] + self.w * next(self.numbers)  # here


MODELS = [ReadsData, Compares, ComparesLater, ComparesAFeature]


def line_of(cls):
    """The line marked `here`, as an error names it."""
    lines, first = getsourcelines(cls)
    offset = next(k for k, line in enumerate(lines) if "# here" in line)
    text = lines[offset].strip()
    return f"^line {first + offset} of {re.escape(__file__)}: {re.escape(text)}\n"


def rows_of(cls):
    """One row in the middle differs, where neither a trace nor a check looks."""
    found = [[0.5, 0.25] for _ in range(12)]
    if cls is not ComparesLater:
        found[6] = [-0.5, 0.75]
    return found


def run_of(engine, cls, **options):
    return trained(
        engine, cls, lambda p: SGD(p, lr=0.2), rows_of(cls), [1.0] * 12,
        loss="squared_error", epochs=6, **options,
    )  # fmt: skip


# --- falling back


@pytest.mark.parametrize("validation", [None, "the same rows"])
@pytest.mark.parametrize("batch_size", [None, 5])
@pytest.mark.parametrize("cls", MODELS)
def test_auto_falls_back_where_a_model_decides_in_python(cls, batch_size, validation):
    held_out = None if validation is None else (rows_of(cls), [1.0] * 12)
    options = {"batch_size": batch_size, "validation": held_out}
    auto, scalar = (run_of(engine, cls, **options) for engine in ("auto", "scalar"))
    assert_same(auto, scalar)


@pytest.mark.parametrize(
    "read", [lambda m: predict(m, X)[0][0], lambda m: evaluate(m, X, Y, loss="squared_error")[0]]
)
def test_a_penalty_may_ask_what_the_model_predicts(read):
    def penalty(model):
        return l2(model.parameters(), abs(read(model)))

    auto, scalar = (
        trained(
            engine, lambda: net(2, 3, 1), lambda p: SGD(p, lr=0.05), X, [t / 2 for t in Y],
            loss="squared_error", epochs=5, penalty=penalty,
        )
        for engine in ("auto", "scalar")
    )  # fmt: skip
    assert_same(auto, scalar)


@pytest.mark.parametrize("cls", MODELS)
def test_the_matrix_engine_names_the_line_that_decides_in_python(cls):
    with pytest.raises(VectorizeError, match=line_of(cls)) as caught:
        run_of("matrix", cls)
    assert str(caught.value).endswith(WAY_OUT)


def test_the_outcome_that_changes_later_ends_the_program_only_then():
    """Between the steps of `train` the program is traced anew, which goes on."""
    options = {"loss": "squared_error", "engine": "matrix", "optimizer": lambda p: SGD(p, lr=0.2)}
    given = {"X": rows_of(ComparesLater), "y": [1.0] * 12, "epochs": 6, **options}
    model = ComparesLater()
    with pytest.raises(VectorizeError, match=line_of(ComparesLater)):
        fit(model, **given)
    stopped = data_of(model)
    model = ComparesLater()
    after = [data_of(model) for _ in train(model, **given)]
    assert len(after) == 6
    assert stopped in after[:-1]


def test_the_matrix_engine_names_the_line_that_draws_in_python():
    model = Draws()
    with pytest.raises(VectorizeError, match=line_of(Draws)) as caught:
        fit(model, X, Y, loss="squared_error", optimizer="sgd", epochs=1, engine="matrix")
    assert "a RandomLeaf if it is random" in str(caught.value)
    history = fit(model, X, Y, loss="squared_error", optimizer="sgd", epochs=3)
    assert len(history) == 3


# Losses that look at their target as Python; class 4 is where neither trace nor check looks.
WEIGHTS = {4: 3.0}


def picks(outputs, target):
    return -f.log_softmax(outputs)[target]


LOSSES = {
    "picks": picks,
    "compares with": lambda z, target: z[0] ** 2 * (3.0 if target == 4 else 1.0),
    "looks up": lambda z, target: z[0] ** 2 * WEIGHTS.get(target, 1.0),
    "is in a set": lambda z, target: z[0] ** 2 * (3.0 if target in {4, 9} else 1.0),
    "is formatted": lambda z, target: z[0] ** 2 * (3.0 if f"{target:.0f}" == "4" else 1.0),
    "is rounded": lambda z, target: z[round(target)] ** 2,
    "asks its type": lambda z, target: z[0] ** 2 * (3.0 if isinstance(target, int) else 1.0),
    "asks for truth": lambda z, target: z[0] ** 2 if target else z[1] ** 2,
}
RARE = [0, 1, 2, 3, 0, 1, 4, 3, 0, 1, 2, 3]


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_that_looks_at_its_target_is_for_scalars(name):
    options = {"loss": LOSSES[name], "epochs": 3, "batch_size": 5, "validation": (X, RARE)}
    run = partial(trained, make=lambda: net(2, 5), optimizer=SGD, X=X, y=RARE, **options)
    assert_same(run("auto"), run("scalar"))
    _, first = getsourcelines(picks)
    line = rf"^line {first + 1} of {re.escape(__file__)}" if name == "picks" else None
    with pytest.raises(VectorizeError, match=line):
        run("matrix")


# --- the same errors


WRONG = {
    "class 5 of 3": ("cross_entropy", 3, 0, 5),
    "class -1 of 3": ("cross_entropy", 3, 0, -1),
    "class 1.5 of 3": ("cross_entropy", 3, 0, 1.5),
    "a distribution that sums to 0.6": ("cross_entropy", 3, [0.0, 0.0, 1.0], [0.2, 0.2, 0.2]),
    "a negative probability": ("cross_entropy", 2, [0.0, 1.0], [-0.5, 1.5]),
    "two weights for three": ("cross_entropy", 3, [0.5, 0.5], [0.5, 0.5]),
    "cross entropy of one output": ("cross_entropy", 1, 0, 0),
    "hinge with 0 and 1": ("hinge", 1, 1, 0),
    "hinge of two outputs": ("hinge", 2, 1, -1),
    "perceptron with 0 and 1": ("perceptron", 1, 1, 0),
    "a probability of 2": ("binary_cross_entropy", 1, 1, 2),
    "a probability of 2 for logits": ("binary_cross_entropy_with_logits", 1, 1, 2),
    "two probabilities": ("binary_cross_entropy", 1, [0.5, 0.5], [0.5, 0.5]),
    "one number for two outputs": ("squared_error", 2, 1.0, 0.0),
    "two numbers for three outputs": ("mean_squared_error", 3, [1.0, 2.0], [0.0, 0.0]),
}


def message(run):
    with pytest.raises((TypeError, ValueError)) as caught:
        run()
    return caught.type, str(caught.value)


@pytest.mark.parametrize("place", [0, 6, 11])
@pytest.mark.parametrize("name", WRONG)
def test_targets_that_do_not_fit_are_refused_alike(name, place):
    loss, outputs, right, wrong = WRONG[name]
    y = [right] * 12
    y[place] = wrong

    def model():
        return net(2, outputs, output="linear" if loss.endswith("logits") else "sigmoid")

    def run(engine, **options):
        return fit(model(), X, y, loss=loss, optimizer="sgd", epochs=1, engine=engine, **options)

    expected = message(lambda: run("scalar"))
    assert expected[0] is ValueError
    for engine in ("matrix", "auto"):
        assert message(lambda: run(engine)) == expected  # noqa: B023
        assert message(lambda: run(engine, batch_size=4)) == expected  # noqa: B023
        assert message(lambda: evaluate(model(), X, y, loss=loss, engine=engine)) == expected  # noqa: B023


NOT_TRAINABLE = {
    "no Value": lambda x: 1.0,
    "text": lambda x: "text",
    "None": lambda x: None,
    "rows": lambda x: [[Value(1.0)]],
}


@pytest.mark.parametrize("name", NOT_TRAINABLE)
def test_auto_refuses_a_model_that_gives_no_values_as_the_scalar_engine_does(name):
    p = parameter(1.0)

    def run(engine):
        options = {"loss": "squared_error", "optimizer": SGD([p]), "epochs": 1}
        return fit(NOT_TRAINABLE[name], X, Y, engine=engine, **options)

    assert message(lambda: run("auto")) == message(lambda: run("scalar"))
    message(lambda: run("matrix"))


def test_training_within_no_grad_is_refused_alike():
    def run(engine):
        model = net(2, 1)
        with no_grad():
            return fit(model, X, Y, loss="squared_error", optimizer="sgd", epochs=1, engine=engine)

    assert message(lambda: run("auto")) == message(lambda: run("scalar"))
    assert message(lambda: run("matrix"))[1] == message(lambda: run("scalar"))[1]
