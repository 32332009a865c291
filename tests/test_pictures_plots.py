import math

import numpy as np
import pytest
from graphs import entries
from refusals import refusals

from tinygrad_edu import MLP, SGD, History, Sequential, Value, engine, fit, moons
from tinygrad_edu.losses import binary_cross_entropy_with_logits, cross_entropy
from tinygrad_edu.nn import Dropout, Layer
from tinygrad_edu.nn.sequential import dense_layers
from tinygrad_edu.view.network.deltas import forward, loss_of
from tinygrad_edu.view.pictures import beside, gradients, loss_curve, plot, tangent

X, Y = moons(9, noise=0.1, rng=1)
LOSS = "binary_cross_entropy_with_logits"


def drawn(ax):
    return [line for line in ax.lines if len(line.get_xdata())]


def test_each_list_is_a_line_of_its_colour_or_dots():
    ax = plot([1, 2, 4], {"a $": [3, 2, 1], "b": np.array([0.5, 0.0, -1.0])}, dots=["b"])
    a, b = drawn(ax)
    assert list(a.get_xdata()) == [1, 2, 4]
    assert [list(line.get_ydata()) for line in (a, b)] == [[3, 2, 1], [0.5, 0, -1]]
    assert [(line.get_linestyle(), line.get_marker()) for line in (a, b)] == [
        ("-", "None"), ("None", "o")
    ]  # fmt: skip
    assert a.get_color() != b.get_color()
    assert entries(ax) == [r"a \$", "b"]


def test_one_list_has_no_key_and_a_logarithm_leaves_out_what_has_none():
    ax = plot([1, 10], {"loss": [0.0, 5.0]}, log="xy", names=("h", "error"))
    assert ax.get_legend() is None
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert np.isnan(drawn(ax)[0].get_ydata()).tolist() == [True, False]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("h", "error")
    linear = plot([1, 10], {"loss": [0.0, 5.0]}, log="x")
    assert (linear.get_xscale(), linear.get_yscale()) == ("log", "linear")


def test_pictures_stand_side_by_side_in_their_order():
    figure = beside(
        lambda ax: tangent(lambda x: x * x, 1.0, ax=ax),
        lambda ax: plot([0, 1], {"a": [1, 2]}, ax=ax),
        width=8, height=2,
    )  # fmt: skip
    assert figure.get_size_inches().tolist() == [8, 2]
    left, right = figure.axes
    assert left.get_title().startswith("f(1) = 1")
    assert list(right.lines[0].get_ydata()) == [1, 2]
    assert left.get_position().x1 < right.get_position().x0


@pytest.mark.parametrize("log", ["none", "x", "y", "xy"])
def test_every_scale_is_drawn(log):
    assert plot([1, 2], {"a": [1, 2]}, log=log).figure.png()


def test_a_history_is_drawn_with_its_validation_loss_dashed():
    ax = loss_curve(History([2.0, 1.0], [0.5, 1.0], [2.5, 1.5], [0.4, 0.8]))
    assert [list(line.get_ydata()) for line in ax.lines] == [[2.0, 1.0], [2.5, 1.5]]
    assert [line.get_linestyle() for line in ax.lines] == ["-", "--"]
    assert entries(ax) == ["training", "validation"]
    assert ax.get_ylim()[0] == 0


def test_several_runs_have_a_colour_and_a_name_each():
    long = "a name of more than 24 letters, "
    runs = {"SGD $": History([2.0, 1.0]), long + "1": [3, 1], long + "2": np.array([1.0, 2.0])}
    ax = loss_curve(runs)
    drawn = [line for line in ax.lines if len(line.get_xdata())]
    assert [list(line.get_ydata()) for line in drawn] == [[2, 1], [3, 1], [1, 2]]
    assert len({line.get_color() for line in drawn}) == 3
    assert entries(ax) == [r"SGD \$", "a name of more than 24 …", "a name of more than 24 …"]


def test_a_single_run_has_no_legend_and_a_single_epoch_is_a_point():
    ax = loss_curve([2.0])
    assert ax.get_legend() is None
    assert ax.lines[0].get_marker() == "o"
    assert [text.get_text() for text in loss_curve([]).texts] == ["no epoch was completed"]


def test_a_logarithmic_scale_leaves_out_what_has_no_logarithm():
    ax = loss_curve([1.0, 0.0, 0.01], log=True)
    assert ax.get_yscale() == "log"
    assert np.isnan(ax.lines[0].get_ydata()).tolist() == [False, True, False]
    assert loss_curve([0.0, 0.0], log=True).get_yscale() == "linear"


def net(activation="tanh", init=None):
    return MLP(2, [3, 2, 1], activation, rng=3, **({} if init is None else {"init": init}))


def sizes(model, loss, y=Y):
    """The mean |delta| of each layer, example by example."""
    found = [[] for _ in dense_layers(model)]
    for x, target in zip(X, y, strict=True):
        passes = forward(model, dense_layers(model), x)
        grads = engine.gradients(loss_of(model, passes, target, loss))
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
    ax = gradients(model, X, Y, loss=loss, optimizer="sgd", epochs=2, batch_size=4, rng=5)
    expected = [sizes(same, loss)]
    for k in (1, 2):
        same = MLP(2, [3, out], rng=3)
        options = {"loss": loss, "optimizer": "sgd", "batch_size": 4, "rng": 5}
        fit(same, X, Y, **options, epochs=k, progress=False)
        expected.append(sizes(same, loss))
    for curve, of_layer in zip(curves(ax), zip(*expected, strict=True), strict=True):
        assert curve == pytest.approx(of_layer, rel=1e-12)
    assert ax.get_yscale() == "log"
    assert entries(ax) == ["layer1", "layer2"]


def test_a_function_that_cannot_be_vectorised_is_measured_example_by_example():
    def loss(output, target):
        return output**2 if output.data > 0 else -output * target

    drawn = curves(gradients(net(), X, Y, loss=loss, epochs=1))
    assert [curve[0] for curve in drawn] == pytest.approx(sizes(net(), loss), rel=1e-12)


def test_net_and_optimizer_stay_as_they_were():
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    binary_cross_entropy_with_logits(model(X[0]), Y[0]).backward()
    numbers = [(p.data, p.grad) for p in model.parameters()]
    first = curves(gradients(model, X, Y, loss=LOSS, optimizer=optimizer, epochs=3))
    assert [(p.data, p.grad) for p in model.parameters()] == numbers
    assert (optimizer.steps, optimizer.states[0]) == (0, optimizer.start)
    again = gradients(model, X, Y, loss=LOSS, optimizer=optimizer, epochs=3)
    assert curves(again) == first


def test_sigmoids_lose_more_of_the_gradient_than_tanh():
    first = {
        activation: [curve[0] for curve in curves(gradients(
            MLP(2, [6] * 5 + [1], activation, rng=0), X, Y, loss=LOSS, epochs=1))]
        for activation in ("sigmoid", "tanh")
    }  # fmt: skip
    assert first["sigmoid"][0] < 1e-2 * first["sigmoid"][-1]
    assert first["tanh"][0] > 1e-2 * first["tanh"][-1]


def test_what_is_0_is_left_out_of_the_logarithmic_scale():
    drawn = curves(gradients(net(init="zeros"), X, Y, loss=LOSS, epochs=1))
    assert [math.isnan(curve[0]) for curve in drawn] == [True, True, False]


test_a_plot_refuses = refusals([
    (lambda: plot([1, 2], {"a": [1]}), ValueError, "ys['a'] has 1 numbers, expected 2"),
    (lambda: plot([1, 2], [1, 2]), TypeError, "ys must be a dict of lists by name, got list: "
     'write plot(x, {"loss": losses})'),
    (lambda: plot([1], {}), ValueError,
     "ys is empty: give at least one list of numbers by its name"),
    (lambda: plot([1], {"a": [1]}, dots=["b"]), ValueError, "unknown dots 'b': choose a"),
    (lambda: plot([1], {"a": [1]}, log="z"), ValueError, "unknown log 'z': choose none, x, y, xy"),
    (lambda: plot([1], {"a": [1]}, names=("x",)), ValueError,
     "names are those of the two axes, got 1"),
    (lambda: plot([1], {"a": [Value(1.0)]}), TypeError,
     "ys['a'][0] takes one real number, got Value: use the Value as it is, or its number v.data"),
    (lambda: beside(), ValueError, "beside needs at least one picture, a function that takes ax"),
    (lambda: beside(3), TypeError,
     "pictures[0] is a function of ax, got int: write lambda ax: pictures.tangent(f, 1, ax=ax)"),
    (lambda: beside(lambda ax: ax, width=0), ValueError,
     "width must be a finite number > 0, got 0.0"),
    (lambda: gradients(Sequential(Layer(2, 2), Dropout(0.5)), X, Y, loss=LOSS), TypeError,
     "part 2, Dropout(0.5), is no dense layer: expected Layers, and one activation after each"),
    (lambda: gradients(Value(1.0), X, Y, loss=LOSS), TypeError,
     "model is a function of a row, such as MLP(2, [8, 1]), got Value"),
    (lambda: gradients(net(), X, Y, loss=LOSS, epochs=-1), ValueError,
     "epochs must be an int of at least 0, got -1"),
])  # fmt: skip
