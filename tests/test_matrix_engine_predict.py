"""`predict` and `evaluate` with the matrix engine: the numbers of the scalar engine."""

import math
import random
from itertools import product

import pytest
from both_engines import ENGINES, assert_close, check, net, rows

from tinygrad_edu import MLP, SGD, Adam, Value, evaluate, no_grad, parameter, predict
from tinygrad_edu import functions as f
from tinygrad_edu.data import one_hot
from tinygrad_edu.engine import RandomLeaf

X = rows(12, 2)
Y = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]
W = [parameter(0.5), parameter(-0.75), parameter(0.25)]

MODELS_TO_ASK = {
    "one output": lambda: net(2, 4, 1),
    "three outputs": lambda: net(2, 4, 3, activation="relu", output="softmax"),
    "by hand": lambda: lambda x: [x_k * W[0] + W[1] for x_k in x] + [W[2] * W[1]],
    "a constant": lambda: lambda x: [W[0] * 1.0, W[1] * 2.0, Value(0.25)],
    "deciding": lambda: lambda x: W[0] * x[0] if x[0] > 0.1 else W[1] * x[1],
}


@pytest.mark.parametrize("n", [1, 2, 7, 8, 30])
@pytest.mark.parametrize("name", MODELS_TO_ASK)
def test_predict_and_evaluate_equal_the_scalar_engine(name, n):
    model = MODELS_TO_ASK[name]()
    data = rows(n, 2, seed=n)
    targets = [k % 3 for k in range(n)]
    loss = "cross_entropy" if isinstance(model(data[0]), list) else "squared_error"
    if name == "three outputs":  # probabilities, which cross_entropy refuses
        loss, targets = "half_squared_error", one_hot(targets, range(3))
    outputs = predict(model, data, engine="scalar")
    mean, accuracy = evaluate(model, data, targets, loss=loss, engine="scalar")
    for engine in ("auto",) if name == "deciding" else ("auto", "matrix"):
        for mode in (no_grad, None):
            found = asked(mode, lambda: predict(model, data, engine=engine))  # noqa: B023
            assert all(type(x) is float for row in found for x in row)
            assert_close(found, outputs, "outputs")
            again = asked(mode, lambda: evaluate(model, data, targets, loss=loss, engine=engine))  # noqa: B023
            assert [type(x) for x in again] == [type(mean), type(accuracy)]
            assert_close(again[0], mean, "loss")
            assert again[1] == accuracy


def asked(mode, run):
    if mode is None:
        return run()
    with mode():
        return run()


@pytest.mark.parametrize("engine", ["auto", "matrix", "scalar"])
def test_no_rows_give_no_predictions(engine):
    assert predict(net(2, 3), [], engine=engine) == []


def test_predict_and_evaluate_leave_the_gradients_alone():
    model = net(2, 3, 1)
    for p in model.parameters():
        p.grad = 1.5
    predict(model, X, engine="matrix")
    evaluate(model, X, Y, loss="squared_error", engine="matrix")
    assert [p.grad for p in model.parameters()] == [1.5] * len(model.parameters())


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_evaluate_of_a_model_with_numbers_that_are_not_finite_equals_the_scalar_engine(loss):
    for bad, which in product((math.nan, math.inf, -math.inf, 1e200), (0, 4, -1)):
        model = net(2, 3)
        model.parameters()[which].data = bad
        targets = Y if loss == "cross_entropy" else [[float(k == t) for k in range(3)] for t in Y]
        scalar, matrix = (evaluate(model, X, targets, loss=loss, engine=e) for e in ENGINES)
        assert_close(matrix[0], scalar[0], f"loss at {bad}")
        assert matrix[1] == scalar[1]
        outputs = [predict(model, X, engine=e) for e in ENGINES]
        assert_close(outputs[1], outputs[0], f"outputs at {bad}")


@pytest.mark.parametrize("engine", ["scalar", "auto", "matrix"])
def test_a_mean_of_losses_that_overflows_is_infinite_in_both_engines(engine):
    def loss_of(X, loss, output="linear"):
        model = MLP(1, [1], output=output, init=lambda rng, nin, nout: 1.0)
        return evaluate(model, X, [0] * len(X), loss=loss, engine=engine)

    # each squared error is 1.44e308, their sum too large for a float
    for huge in ([[1.2e154]] * 9, [[1.2e154]] * 2, [[1e200]]):
        assert loss_of(huge, "squared_error") == (math.inf, 0.0)
    assert loss_of([[1e4], [0.0]], "binary_cross_entropy", "sigmoid")[0] == math.inf


def test_saturated_units_give_the_same_numbers_and_no_warnings():
    huge = [[1e3 * a, -1e3 * b] for a, b in X]
    for activation in ("sigmoid", "softplus", "elu", "gelu", "silu", "tanh"):
        check(
            lambda: net(2, 4, 3, activation=activation),  # noqa: B023
            lambda p: Adam(p, lr=0.1), huge, Y,
            loss="cross_entropy", epochs=3, validation=(huge, Y),
        )  # fmt: skip
    # sigmoid and tanh of a huge net input have slope 0: nothing may overflow on the way there
    check(
        lambda: net(2, 1, output="sigmoid"), SGD, huge, [t % 2 for t in Y],
        loss="squared_error", epochs=3,
    )  # fmt: skip


def test_random_models_predict_and_evaluate_alike_from_equal_seeds():
    def noisy(seed):
        rng, model = random.Random(seed), net(2, 3)
        return lambda x: [z * f.step(RandomLeaf(rng.random) - 0.3) for z in model(x)]

    outputs = [predict(noisy(3), X, engine=engine) for engine in ENGINES]
    assert_close(outputs[1], outputs[0], "outputs")
    found = [evaluate(noisy(3), X, Y, loss="cross_entropy", engine=engine) for engine in ENGINES]
    assert_close(found[1][0], found[0][0], "loss")
    assert found[1][1] == found[0][1]
