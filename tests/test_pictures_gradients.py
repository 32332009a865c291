"""The picture of the sizes of the deltas: its numbers by the scalar engine, and what it leaves."""

import math

import pytest
from refusals import refusals

from tinygrad_edu import MLP, SGD, Sequential, Value, fit, moons
from tinygrad_edu.engine import gradients
from tinygrad_edu.losses import binary_cross_entropy_with_logits, cross_entropy
from tinygrad_edu.nn import Dropout, Layer
from tinygrad_edu.nn.sequential import dense_layers
from tinygrad_edu.view import pictures
from tinygrad_edu.view.network.deltas import forward, loss_of

X, Y = moons(9, noise=0.1, rng=1)
LOSS = "binary_cross_entropy_with_logits"


def net(activation="tanh", init=None):
    return MLP(2, [3, 2, 1], activation, rng=3, **({} if init is None else {"init": init}))


def sizes(model, loss, y=Y):
    """The mean |delta| of each layer, example by example."""
    found = [[] for _ in dense_layers(model)]
    for x, target in zip(X, y, strict=True):
        passes = forward(model, dense_layers(model), x)
        grads = gradients(loss_of(model, passes, target, loss))
        for layer, each in zip(found, passes, strict=True):
            layer += [abs(grads[z]) for z in each.z]
    return [sum(layer) / len(layer) for layer in found]


def curves(ax):
    return [line.get_ydata().tolist() for line in ax.lines]


@pytest.mark.parametrize(
    ("out", "loss"), [(1, binary_cross_entropy_with_logits), (2, cross_entropy)]
)
def test_a_curve_is_the_mean_size_of_the_deltas_of_a_layer_from_epoch_to_epoch(out, loss):
    model, same = MLP(2, [3, out], rng=3), MLP(2, [3, out], rng=3)
    ax = pictures.gradients(model, X, Y, loss=loss, optimizer="sgd", epochs=2, batch_size=4, rng=5)
    expected = [sizes(same, loss)]
    for k in (1, 2):
        same = MLP(2, [3, out], rng=3)
        options = {"loss": loss, "optimizer": "sgd", "batch_size": 4, "rng": 5}
        fit(same, X, Y, **options, epochs=k, progress=False)
        expected.append(sizes(same, loss))
    for curve, of_layer in zip(curves(ax), zip(*expected, strict=True), strict=True):
        assert curve == pytest.approx(of_layer, rel=1e-12)
    assert ax.get_yscale() == "log"
    assert [text.get_text() for text in ax.get_legend().texts] == ["layer1", "layer2"]


def test_a_function_that_cannot_be_vectorised_is_measured_example_by_example():
    def loss(output, target):
        return output**2 if output.data > 0 else -output * target

    drawn = curves(pictures.gradients(net(), X, Y, loss=loss, epochs=1))
    assert [curve[0] for curve in drawn] == pytest.approx(sizes(net(), loss), rel=1e-12)


def test_net_and_optimizer_stay_as_they_were():
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    binary_cross_entropy_with_logits(model(X[0]), Y[0]).backward()
    numbers = [(p.data, p.grad) for p in model.parameters()]
    first = curves(pictures.gradients(model, X, Y, loss=LOSS, optimizer=optimizer, epochs=3))
    assert [(p.data, p.grad) for p in model.parameters()] == numbers
    assert (optimizer.steps, optimizer.states[0]) == (0, optimizer.start)
    again = pictures.gradients(model, X, Y, loss=LOSS, optimizer=optimizer, epochs=3)
    assert curves(again) == first


def test_sigmoids_lose_more_of_the_gradient_than_tanh():
    first = {
        activation: [curve[0] for curve in curves(pictures.gradients(
            MLP(2, [6] * 5 + [1], activation, rng=0), X, Y, loss=LOSS, epochs=1))]
        for activation in ("sigmoid", "tanh")
    }  # fmt: skip
    assert first["sigmoid"][0] < 1e-2 * first["sigmoid"][-1]
    assert first["tanh"][0] > 1e-2 * first["tanh"][-1]


def test_what_is_0_is_left_out_of_the_logarithmic_scale():
    drawn = curves(pictures.gradients(net(init="zeros"), X, Y, loss=LOSS, epochs=1))
    assert [math.isnan(curve[0]) for curve in drawn] == [True, True, False]


test_what_is_no_net_of_dense_layers_is_refused = refusals([
    (lambda: pictures.gradients(Sequential(Layer(2, 2), Dropout(0.5)), X, Y, loss=LOSS), TypeError,
     "part 2, Dropout(0.5), is no dense layer: expected Layers, and one activation after each"),
    (lambda: pictures.gradients(Value(1.0), X, Y, loss=LOSS), TypeError,
     "model is a function of a row, such as MLP(2, [8, 1]), got Value"),
    (lambda: pictures.gradients(net(), X, Y, loss=LOSS, epochs=-1), ValueError,
     "epochs must be an int of at least 0, got -1"),
])  # fmt: skip
