import math

import numpy as np
import pytest
from graphs import entries, layer
from matplotlib.figure import Figure

from tinygrad_edu import MLP, Conv2d, Sequential
from tinygrad_edu import functions as f
from tinygrad_edu.view.pictures import (
    activations,
    hidden_space,
    images,
    neuron_maps,
    tangent,
    weights,
)


def texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def test_each_unit_has_a_map_of_its_activation():
    # over x1 in -1..1: relu(x1), relu(-x1 - 5) = 0, and of these -2 a1
    net = [layer([(1, 0, 0), (-1, 0, -5)], "relu"), layer([(-2, 0, 0)])]
    ax = neuron_maps(net, extent=(-1, 1, -1, 1), resolution=5)
    maps = [np.asarray(image.get_array()) for image in ax.images]
    assert [m[2].tolist() for m in maps] == [[0, 0, 0, 0.5, 1], [0, 0, 0, 0, 0], [0, 0, 0, -1, -2]]
    assert [image.get_clim() for image in ax.images] == [(-1, 1), (-1, 1), (-2, 2)]
    titles = ["neuron1 (1)", "neuron2 (dead)", "layer1", "neuron1 (2)", "layer2"]
    assert texts(ax) == titles
    titles[3] = "ripe (2)"
    assert texts(neuron_maps(net, extent=(-1, 1, -1, 1), resolution=5, class_names=["ripe"])) == (
        titles
    )
    with pytest.raises(ValueError, match="class_names has 2 names for 1 classes"):
        neuron_maps(net, class_names=["ripe", "green"], resolution=3)


def test_maps_lie_in_rows_of_eight_layer_after_layer():
    ax = neuron_maps(MLP(2, [10, 1]), resolution=3)
    corners = [tuple(image.get_extent()[::3]) for image in ax.images]
    rows = sorted({top for _, top in corners}, reverse=True)
    assert [sum(top == row for _, top in corners) for row in rows] == [8, 2, 1]
    assert len(set(corners)) == 11
    assert len(neuron_maps(MLP(2, [10, 1]), layer=2, resolution=3).images) == 1
    assert len(neuron_maps(MLP(2, [1]).layers[0].neurons[0], resolution=3).images) == 1


def test_maps_cover_the_points_and_show_them():
    ax = neuron_maps(MLP(2, [1]), [[0, 10], [4, 10]], resolution=3)
    x, y = ax.lines[0].get_data()
    # 12 % beyond the points: 0.12 / 1.24 of the width; one number has the height 2
    assert x == pytest.approx([0.12 / 1.24, 1.12 / 1.24])
    assert y == pytest.approx([-0.5, -0.5])


def test_a_sequential_shows_its_parts_and_a_transform_scales_for_the_net():
    net = Sequential(layer([(1, 0, 0), (0, 1, 0)]), "relu")
    ax = neuron_maps(
        net,
        layer=2,
        extent=(100, 300, 0, 1),
        resolution=3,
        transform=lambda points: [[(x - 200) / 100, y] for x, y in points],
    )
    assert np.asarray(ax.images[0].get_array())[0].tolist() == [0, 0, 1]


def test_two_hidden_units_are_the_axes_and_the_output_cuts_them_by_a_line():
    # a = (x1 + x2, x1 - x2), the output is a1: its boundary a1 = 0
    net = [layer([(1, 1, 0), (1, -1, 0)]), layer([(1, 0, 0)])]
    ax = hidden_space(net, [[1, 2], [-3, 1]], [1, 0], class_names=["no", "yes"])
    points = [c for c in ax.collections if not hasattr(c, "levels")]
    assert [c.get_offsets().tolist() for c in points] == [[[-2, -4]], [[3, -1]]]
    boundary = [p for c in ax.collections if hasattr(c, "levels") for p in c.get_paths()]
    assert np.concatenate([p.vertices for p in boundary])[:, 0] == pytest.approx(0, abs=1e-9)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a1[1]", "a1[2]")
    assert entries(ax) == ["no", "yes"]
    assert len(ax.lines) == 30  # the grid, 15 lines each way
    bent = ax.lines[0].get_xydata()  # x1 constant: a1 + a2 = 2 x1
    assert bent.sum(axis=1) == pytest.approx(2 * (-3 - 0.12 * 4) + 0 * bent[:, 0])


def test_a_loss_says_what_the_regions_of_hidden_space_are():
    net, X = [layer([(1, 0, 0), (0, 1, 0)]), layer([(1, 0, 0)])], [[-0.4, 0], [0.4, 0]]
    images = {
        loss: np.asarray(hidden_space(net, X, [0, 1], loss=loss).images[0].get_array())
        for loss in (None, "hinge", "squared_error")
    }
    assert np.array_equal(images[None], images["hinge"])  # a score, tied at 0
    assert not np.array_equal(images[None], images["squared_error"])  # tied at 1/2


def test_more_units_are_shown_by_their_principal_components():
    # a = (x, x, 2y): the variance of x twice, that of y four times
    net = [layer([(1, 0, 0), (1, 0, 0), (0, 2, 0)]), layer([(1, 1, 1, 0)])]
    X = [[-1, 0], [1, 0], [0, -2], [0, 2]]
    ax = hidden_space(net, X, [0, 0, 1, 1])
    # squares summed: 4 along (1, 1, 0), 32 along (0, 0, 1)
    assert ax.get_xlabel() == "principal component 1 of 3 units (89% of variance)"
    assert ax.get_ylabel() == "principal component 2 of 3 units (11% of variance)"
    first, second = (c.get_offsets() for c in ax.collections)
    root = math.sqrt(2)
    assert np.asarray(first) == pytest.approx(np.array([[0, -root], [0, root]]), abs=1e-12)
    assert np.asarray(second) == pytest.approx(np.array([[-4, 0], [4, 0]]), abs=1e-12)


def test_rows_of_more_numbers_have_no_grid():
    ax = hidden_space(MLP(3, [4, 1]), [[1, 2, 3], [3, 2, 0]], [-1, 1])
    assert not ax.lines
    assert entries(ax)[1] == "class +1"


def test_a_tangent_has_the_slope_of_the_engine():
    ax = tangent(lambda x: x**3 - 2 * x, 1.0, span=2.0)
    x, y = ax.lines[1].get_data()
    assert np.diff(y) / np.diff(x) == pytest.approx([1.0])  # 3 x^2 - 2
    assert ax.lines[2].get_xydata().tolist() == [[1.0, -1.0]]
    assert ax.get_title() == "f(1) = -1,  slope 1"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "f(x)")
    assert tangent(f.sin, 0.0, variable="z").get_ylabel() == "f(z)"
    assert tangent(f.sin, 0.0, name="sin").get_title() == "sin(0) = 0,  slope 1"
    assert tangent(lambda x: 3.0, 1.0).get_title() == "f(1) = 3,  slope 0"
    beside = Figure().add_subplot(1, 3, 1)
    assert tangent(f.sin, 0.0, ax=beside).get_title() == "f(0) = 0\nslope 1"


def test_an_activation_is_drawn_with_its_gradient_and_its_saturation():
    ax = activations("tanh", span=4, saturation=0.07)
    value, slope = (line.get_ydata() for line in ax.lines)
    z = ax.lines[0].get_xdata()
    assert value == pytest.approx(np.tanh(z))
    assert slope == pytest.approx(1 - np.tanh(z) ** 2)
    shaded = np.concatenate([path.vertices for path in ax.collections[0].get_paths()])[:, 0]
    # 1 - tanh^2 = 0.07 at artanh(sqrt(0.93)) = 2.008; 0.02 from one z to the next
    assert np.abs(shaded).min() == pytest.approx(2.02)
    assert entries(ax) == ["g(z)", "g'(z)", "|g'(z)| < 0.07"]


def square(z):
    return z * z


def test_several_activations_are_a_montage_in_one_axes():
    ax = activations(["relu", "prelu", square, "step", "sign"])
    assert [t for t in texts(ax) if len(t) > 1] == ["relu", "prelu", "square", "step", "sign"]
    assert len(ax.figure.axes) == 1
    values = [line for line in ax.lines if line.get_color() == "#0072b2"]
    left = values[0].get_xydata()[0]  # relu(-5) = 0, in a cell of height -1.3 to 2.3
    assert left == pytest.approx([0, -1 + 1.3 / 3.6])


def test_weights_are_pictures_row_by_row_on_one_scale():
    model = Sequential(layer([(1, 2, 3, 4, 9), (0, -8, 0, 0, 9)]))
    ax = weights(model, height=2, width=2)
    assert [np.asarray(image.get_array()).tolist() for image in ax.images] == [
        [[1, 2], [3, 4]],
        [[0, -8], [0, 0]],
    ]
    assert {image.get_clim() for image in ax.images} == {(-8, 8)}
    assert texts(ax) == ["neuron1", "neuron2"]
    assert texts(weights(model, height=2, width=2, class_names=["cat", 7])) == ["cat", "class 7"]
    with pytest.raises(ValueError, match="class_names has 1 names for 2 classes"):
        weights(model, height=2, width=2, class_names=["cat"])
    assert ax.get_xlabel() == "orange -8   white 0   blue 8"


def test_weights_of_a_convolution_are_those_of_its_kernels():
    conv = Conv2d(1, 3, 2, rng=0)
    ax = weights(conv, height=2, width=2)
    drawn = [np.asarray(image.get_array()).ravel().tolist() for image in ax.images]
    assert drawn == [[w.data for w in kernel.w] for kernel in conv.kernels]
    assert texts(ax) == ["kernel1", "kernel2", "kernel3"]
    assert len(weights(conv.kernels[:2], height=2, width=2).images) == 2


def test_rows_are_shown_as_images_on_one_scale_with_their_titles():
    ax = images([[0, 1, 2, 3], [4, 0, 0, 8]], height=2, width=2, titles=["a", "$b"])
    first, second = ax.images
    assert np.asarray(first.get_array()).tolist() == [[0, 1], [2, 3]]
    assert first.get_clim() == second.get_clim() == (0, 8)
    assert texts(ax) == ["a", r"\$b"]


def test_rows_that_are_no_images_are_refused():
    with pytest.raises(ValueError, match="images need rows of 8 x 8 numbers, as many titles or "):
        images([[1.0, 2.0]])
    with pytest.raises(ValueError, match="got 1 rows of 64 and 2 titles"):
        images([[1.0] * 64], titles=["ab"] * 2)
