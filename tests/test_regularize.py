"""Regularisation: dropout, batch normalisation, weight decay, norm constraint, pretraining."""

import copy
import json
import math
import random
from pathlib import Path

import pytest
from both_engines import assert_same as assert_same_run
from both_engines import check, net, rows, trained
from refusals import refusals

from tinygrad_edu import Value, VectorizeError, moons
from tinygrad_edu import functions as f
from tinygrad_edu.losses import l2
from tinygrad_edu.nn import MLP, BatchNorm, Dropout, Layer, Module, Sequential
from tinygrad_edu.optim import SGD, max_norm
from tinygrad_edu.train import (
    DivergenceError,
    evaluate,
    fit,
    predict,
    pretrain,
    train,
)

ENGINES = ["scalar", "matrix"]


def data(values):
    return values.data if isinstance(values, Value) else [data(v) for v in values]


def flat(rows):
    return [x for row in rows for x in row]


# --- dropout


def test_dropout_leaves_out_or_scales_and_the_expectation_stays():
    drop = Dropout(0.3, rng=5)
    drawn = [y.data for _ in range(400) for y in drop([2.0] * 10)]
    assert set(drawn) == {0.0, 2.0 / 0.7}
    # the mean of 4000 has the standard deviation 2 sqrt(0.3 / 0.7 / 4000) = 0.021
    assert abs(sum(drawn) / 4000 - 2.0) < 3 * 0.021


def test_the_gradient_of_a_left_out_input_is_0_and_of_a_kept_one_the_scale():
    xs = [Value(1.0) for _ in range(20)]
    ys = Dropout(0.5, rng=1)(xs)
    f.sum(ys).backward()
    assert {(y.data, x.grad) for x, y in zip(xs, ys, strict=True)} == {(0.0, 0.0), (2.0, 2.0)}


def test_masks_are_drawn_anew_from_the_seed():
    drop, same = Dropout(0.5, rng=7), Dropout(0.5, rng=7)
    first, second = data(drop([1.0] * 30)), data(drop([1.0] * 30))
    assert first != second
    assert [data(same([1.0] * 30)), data(same([1.0] * 30))] == [first, second]
    rng = random.Random(7)
    assert first == [0.0 if rng.random() < 0.5 else 2.0 for _ in range(30)]


def test_in_evaluation_mode_dropout_changes_and_draws_nothing():
    drop = Dropout(0.9, rng=2).eval()
    state, x = drop.rng.getstate(), Value(3.0)
    assert drop([x]) == [x]
    assert drop.rng.getstate() == state
    assert data(Dropout(0.0)([1.0, 2.0])) == [1.0, 2.0]


def dropout_net():
    rng = random.Random(3)
    first, last = net(2, 5).layers[0], net(5, 3, seed=1).layers[0]
    return Sequential(Dropout(0.1, rng), first, Dropout(0.5, rng), last)


@pytest.mark.parametrize("batch_size", [None, 4, 1])
def test_dropout_trains_alike_on_both_engines(batch_size):
    X, y = rows(10, 2), [0, 1, 2, 1, 0] * 2
    run = check(
        dropout_net, lambda p: SGD(p, lr=0.2), X, y,
        loss="cross_entropy", epochs=4, batch_size=batch_size, validation=(X, y),
    )  # fmt: skip
    found = evaluate(run.model, X, y, loss="cross_entropy")
    assert run.history.validation_loss[-1] == pytest.approx(found[0])
    assert predict(run.model, X) == predict(run.model, X)


# --- batch normalisation

#: Two inputs of four examples, and the derivative of the loss for each output.
BATCH = [[0.5, -1.0], [1.5, 2.0], [-0.25, 0.0], [3.0, 4.0]]
C = [[1.0, -2.0], [0.5, 0.25], [-1.5, 3.0], [2.0, 1.0]]


def scaled_norm():
    norm = BatchNorm(2)
    for p, x in zip(norm.parameters(), [2.0, 0.5, 0.1, -0.3], strict=True):
        p.data = x
    return norm


# torch 2 in float64: BatchNorm1d(2) with weight (2, 0.5) and bias (0.1, -0.3) on BATCH,
# (output * C).sum().backward(); then bn.eval() on BATCH
FIXTURES = Path(__file__).parent / "fixtures"
TORCH = json.loads((FIXTURES / "torch_layers.json").read_text())["batch normalisation"]


def test_batch_normalisation_gives_the_numbers_of_pytorch():
    norm = scaled_norm()
    X = [[Value(x) for x in row] for row in BATCH]
    Y = norm.batch(X)
    f.dot(flat(Y), flat(C)).backward()
    for row, expected in zip(data(Y), TORCH["output"], strict=True):
        assert row == pytest.approx(expected, rel=1e-13)
    for values, expected in zip(X, TORCH["dx"], strict=True):
        assert [x.grad for x in values] == pytest.approx(expected, rel=1e-12)
    assert [p.grad for p in norm.parameters()] == pytest.approx(
        TORCH["dgamma"] + TORCH["dbeta"], rel=1e-13
    )
    running = TORCH["running_mean"] + TORCH["running_var"]
    assert data(norm.running_mean + norm.running_var) == pytest.approx(running, rel=1e-15)
    norm.eval()
    for row, expected in zip(data(norm.batch(BATCH)), TORCH["evaluated"], strict=True):
        assert row == pytest.approx(expected, rel=1e-13)


def test_the_running_statistics_belong_to_the_state_and_not_to_the_parameters():
    model = Sequential(Layer(1, 1, "linear"), BatchNorm(1))
    names = ["layer1.neuron1.w[0]", "layer1.neuron1.b", "layer2.gamma[0]", "layer2.beta[0]"]
    assert list(model.named_parameters()) == names
    buffers = ["layer2.running_mean[0]", "layer2.running_var[0]"]
    assert list(model.named_buffers()) == buffers
    assert list(model.state_dict()) == names + buffers
    other = copy.deepcopy(model)
    model.batch([[1.0], [2.0]])
    assert model.state_dict() != other.state_dict()
    other.load_state_dict(model.state_dict())
    assert other.eval()([3.0]).data == model.eval()([3.0]).data
    with pytest.raises(ValueError, match=r"missing \['layer2.running_mean\[0\]'"):
        other.load_state_dict(dict.fromkeys(names, 0.0))


def norm_net():
    return Sequential(
        Layer(2, 4, "linear", rng=0), BatchNorm(4), "tanh", Layer(4, 1, "linear", rng=1)
    )


TASK = {"loss": "squared_error", "optimizer": "sgd", "epochs": 3}


def test_a_net_with_batch_normalisation_trains_on_the_scalar_engine():
    X, y = rows(10, 2), [0.5, -0.5] * 5
    runs = [trained(e, norm_net, SGD, X, y, loss="squared_error", epochs=3, validation=(X, y))
            for e in ("scalar", "auto")]  # fmt: skip
    assert_same_run(*runs)
    assert runs[0].history.loss[-1] < runs[0].history.loss[0]
    model = runs[0].model
    assert data(model.layers[1].running_mean) != [0.0] * 4
    # the last validation is that of the running statistics; ten rows are measured as a program
    found = [evaluate(model, X, y, loss="squared_error", engine=e)[0] for e in ENGINES]
    assert found == pytest.approx([runs[0].history.validation_loss[-1]] * 2, rel=1e-12)
    assert model.training


def test_a_step_that_is_undone_leaves_the_running_statistics():
    def interrupt(output, target):
        raise KeyboardInterrupt

    model = norm_net()
    before = model.state_dict()
    with pytest.raises(KeyboardInterrupt):
        list(train(model, rows(4, 2), [0.0] * 4, loss=interrupt, optimizer="sgd", epochs=1))
    assert model.state_dict() == before
    huge = [[1e200, 0.0], [-1e200, 0.0]]
    with pytest.raises(DivergenceError):
        list(train(model, huge, [0.0, 1.0], **TASK))
    assert model.state_dict() == before


class Private(Module):
    """A net that normalises inside and gives one row at a time."""

    def __init__(self):
        self.norm = BatchNorm(2)

    def __call__(self, x):
        return self.norm(x)


X4 = rows(4, 2)
REFUSED = [
    (lambda: BatchNorm(2)([1.0, 2.0]), ValueError,
     "BatchNorm(2, momentum=0.1, eps=1e-05) in training mode needs a batch, got one example: "
     "compose it with Sequential and call batch(rows), or call eval() first"),
    (lambda: BatchNorm(2).batch([[1.0, 2.0]]), ValueError,
     "BatchNorm(2, momentum=0.1, eps=1e-05) in training mode needs a batch of at least 2 "
     "examples, got 1: choose a batch_size that leaves no batch of one"),
    (lambda: fit(Sequential(BatchNorm(2)), X4, X4, batch_size=3, **TASK), ValueError,
     "BatchNorm(2, momentum=0.1, eps=1e-05) in training mode needs a batch of at least 2 "
     "examples, got 1: choose a batch_size that leaves no batch of one"),
    (lambda: fit(Private(), X4, X4, **TASK), ValueError,
     "BatchNorm(2, momentum=0.1, eps=1e-05) in training mode needs a batch, got one example: "
     "compose it with Sequential and call batch(rows), or call eval() first"),
    (lambda: BatchNorm(2).batch([[1.0], [2.0]]), ValueError, "expected 2 inputs, got 1"),
    (lambda: fit(Sequential(BatchNorm(2)), X4, X4, engine="matrix", **TASK), VectorizeError,
     "Sequential(BatchNorm(2, momentum=0.1, eps=1e-05)) couples the examples of a batch in "
     'training mode, and a program computes each example by itself: write engine="scalar"'),
    (lambda: BatchNorm(0), ValueError, "n must be an int of at least 1, got 0"),
    (lambda: BatchNorm(1, momentum=1.5), ValueError,
     "momentum must be a finite number >= 0 and < 1, got 1.5"),
    (lambda: BatchNorm(1, eps=0), ValueError, "eps must be a finite number > 0, got 0.0"),
    (lambda: Dropout(1), ValueError, "p must be a finite number >= 0 and < 1, got 1.0"),
    (lambda: Dropout(0.5, rng=None), TypeError,
     "rng must be an int seed or a random.Random, got NoneType; write rng=0"),
    (lambda: Dropout(0.5)(3.0), TypeError, "expected a list of numbers or Values, got float"),
    (lambda: pretrain(Layer(2, 1), X4, optimizer="sgd", epochs=1), TypeError,
     "pretrain takes an MLP, got Layer"),
    (lambda: pretrain(MLP(2, [1]), X4, optimizer="sgd", epochs=1), ValueError,
     "MLP(2, [1], 'relu', output='linear') has no hidden layer to pretrain: "
     "write MLP(2, [8, 1])"),
    (lambda: pretrain(MLP(2, [1, 1]), X4, optimizer=SGD([Value(1.0)]), epochs=1), TypeError,
     "every layer is trained by an optimizer of its own: "
     "write optimizer=lambda parameters: SGD(parameters, lr=0.1)"),
]  # fmt: skip


test_what_cannot_be_done_says_so = refusals(REFUSED)


# --- weight decay and norm constraint


@pytest.mark.parametrize("engine", ENGINES)
def test_weight_decay_is_the_penalty_of_half_the_squares_under_sgd(engine):
    # d(a/2 w^2)/dw = a w: both give w - lr (dE/dw + a w); with l2's other form the factor is 2
    X, y = rows(6, 2), [0.5, -0.5, 1.0] * 2
    common = {"loss": "squared_error", "epochs": 20, "engine": engine}
    decayed, half, whole = net(2, 3, 1), net(2, 3, 1), net(2, 3, 1)
    fit(decayed, X, y, optimizer=lambda p: SGD(p, lr=0.1, weight_decay=0.04), **common)
    for model, penalty in (
        (half, lambda m: l2(m.parameters(), 0.04, half=True)),
        (whole, lambda m: l2(m.parameters(), 0.02)),
    ):
        fit(model, X, y, optimizer=lambda p: SGD(p, lr=0.1), penalty=penalty, **common)
        assert data(model.parameters()) == pytest.approx(data(decayed.parameters()), rel=1e-12)


def test_the_norm_of_weights_is_bounded_after_each_step_or_epoch():
    X, y = rows(6, 2), [3.0, -3.0, 5.0] * 2
    common = {"loss": "squared_error", "optimizer": "sgd", "epochs": 4, "rng": 1}

    def bound(model):
        for layer in model.layers:
            for unit in layer.neurons:
                max_norm(unit.w, 0.3)

    def callback(epoch):
        bound(epoch.model)

    by_step, by_epoch = [], []
    for engine in ENGINES:
        stepped, fitted = net(2, 3, 1), net(2, 3, 1)
        for _ in train(stepped, X, y, batch_size=2, engine=engine, **common):
            bound(stepped)
        fit(fitted, X, y, batch_size=2, engine=engine, callbacks=[callback], **common)
        by_step.append(data(stepped.parameters()))
        by_epoch.append(data(fitted.parameters()))
        for model in (stepped, fitted):
            norms = [math.hypot(*data(unit.w)) for layer in model.layers for unit in layer.neurons]
            assert 0.25 < max(norms) < 0.3 + 1e-12
    assert by_step[0] == pytest.approx(by_step[1], rel=1e-9)
    assert by_epoch[0] == pytest.approx(by_epoch[1], rel=1e-9)
    assert by_step[0] != pytest.approx(by_epoch[0], rel=1e-3)


# --- pretraining


def test_pretraining_trains_each_hidden_layer_as_an_encoder_of_its_inputs():
    model, same = net(2, 3, 2, 1), net(2, 3, 2, 1)
    X, rng = rows(8, 2), random.Random(5)
    common = {"optimizer": "sgd", "epochs": 3, "batch_size": 4}
    histories = pretrain(model, X, rng=5, **common)
    # by hand: the layer, then a decoder, learn the inputs of the layer
    inputs = X
    expected = []
    for layer, nin in zip(same.layers[:2], (2, 3), strict=True):
        decoder = Layer(len(layer.neurons), nin, "linear", rng=rng)
        pair = Sequential(layer, decoder)
        expected.append(fit(pair, inputs, inputs, loss="squared_error", rng=rng, **common))
        inputs = predict(layer, inputs)
    assert histories == expected
    assert data(model.parameters()) == data(same.parameters())
    assert data(model.layers[2].parameters()) == data(net(2, 3, 2, 1).layers[2].parameters())
    assert [p.name for p in model.parameters()] == list(model.named_parameters())


def test_pretraining_takes_a_generator_and_a_sigmoid_decoder_and_stops_when_stopped():
    model = MLP(2, [2, 2, 1], "sigmoid")
    common = {"optimizer": "sgd", "decoder": "sigmoid"}
    X = [[0.1, 0.9], [0.8, 0.3]]
    assert len(pretrain(model, iter(X), epochs=1, **common)) == 2
    with pytest.warns(RuntimeWarning, match="diverged"):
        stopped = pretrain(
            MLP(2, [2, 2, 1]), [[1e3, -1e3]] * 2, optimizer=lambda p: SGD(p, lr=1e3), epochs=99
        )
    assert len(stopped) == 1
    assert stopped[0].stopped


def test_pretrained_layers_restore_their_inputs_better_and_fit_goes_on_from_them():
    X, y = moons(60, noise=0.1, rng=0)
    model = MLP(2, [8, 4, 1], "tanh", rng=1)
    histories = pretrain(model, X, optimizer="adam", epochs=150, rng=2)
    assert all(h.loss[-1] < 0.5 * h.loss[0] for h in histories)
    options = {"optimizer": "adam", "epochs": 150, "rng": 2}
    history = fit(model, X, y, loss="binary_cross_entropy_with_logits", **options)
    assert history.loss[-1] < 0.7 * history.loss[0]
