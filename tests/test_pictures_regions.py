import numpy as np
import pytest
from graphs import entries, layer
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from tinygrad_edu import MLP, Layer, Neuron, Sequential, Value, predict
from tinygrad_edu.data import standardising
from tinygrad_edu.functions import relu
from tinygrad_edu.train.evaluation import head_of_model
from tinygrad_edu.view.base.palette import NEGATIVE
from tinygrad_edu.view.pictures import confusion, regions
from tinygrad_edu.view.pictures.canvas import look_of, tinted
from tinygrad_edu.view.pictures.field import field
from tinygrad_edu.view.pictures.regions import boundaries, read


def left_is_0(x):
    """p(1) is 0 at x1 = -1, 1/2 at 0 and 1 at 1."""
    p = min(max((x[0] + 1) / 2, 0.0), 1.0)
    return [1 - p, p]


def unit(w1, w2, b, activation="linear"):
    """A model of one output."""
    return layer([(w1, w2, b)], activation).neurons[0]


def drawn_regions(**options):
    X, y = [[-1, -1], [1, 1], [-1, 1]], [0, 1, 0]
    return regions(left_is_0, X, y, X_test=[[0.5, 0]], y_test=[1], **options)


def lines(ax, style="solid"):
    """The vertices of the contours of that style, (n, 2)."""
    dashed = {"solid": False, "dashed": True}[style]
    found = [c for c in ax.collections if hasattr(c, "levels")]
    parts = [
        path.vertices
        for c in found
        for path in c.get_paths()
        if (c.get_linestyle()[0][1] is not None) == dashed
    ]
    return np.concatenate(parts) if parts else np.empty((0, 2))


def scatters(ax):
    return [c for c in ax.collections if not hasattr(c, "levels")]


def test_regions_have_the_colour_of_their_class_and_are_pale_where_in_doubt():
    ax = drawn_regions(resolution=41)
    image = np.asarray(ax.images[0].get_array())
    assert image.shape == (41, 41, 3)
    left, middle, right = image[20, 0], image[20, 20], image[20, 40]
    assert right[2] > right[0]  # blue, class 1
    assert middle.min() > 0.94
    assert left == pytest.approx(1 - 0.45 * (1 - np.array(to_rgb(NEGATIVE.light))))


def test_the_decision_boundary_is_where_the_classes_tie():
    xs = lines(drawn_regions(resolution=40, margins=False))[:, 0]
    assert len(xs) > 2
    assert xs == pytest.approx(np.zeros_like(xs), abs=1e-9)


@pytest.mark.parametrize(
    ("model", "y", "where", "name"),
    [
        (unit(1, 0, 0), [-1, 1], (-1, 1), "score ±1"),  # the output is x1
        (unit(1, 0, 0), [0, 1], (-1, 1), "score ±1"),
        # sigmoid(z) = 3/4 at z = log 3
        (unit(1, 0, 0, "sigmoid"), [0, 1], (-np.log(3), np.log(3)), "probability 3/4"),
        (Sequential(Layer(2, 2, "softmax", init="zeros")), [0, 1], (), None),
    ],
)
def test_margins_are_scores_of_one_or_probabilities_of_three_quarters(model, y, where, name):
    ax = regions(model, [[-3, 0], [3, 1]], y, resolution=60, hidden_lines=False)
    xs = lines(ax, "dashed")[:, 0]
    assert set(np.round(xs, 2)) == set(np.round(where, 2))
    assert [text for text in entries(ax) if "3/4" in text or "score" in text] == [name] * bool(name)


def test_a_linear_output_trained_to_give_0_and_1_is_read_as_a_probability_on_demand():
    X, y, model = [[-3, 0], [3, 1]], [0, 1], unit(1, 0, 0)
    options = {"resolution": 40, "hidden_lines": False, "margins": False}
    tied = {
        reading: lines(regions(model, X, y, outputs=reading, **options))[:, 0]
        for reading in ("auto", "scores", "probabilities")
    }
    assert tied["auto"] == pytest.approx(0 * tied["auto"], abs=1e-9)
    assert tied["scores"] == pytest.approx(0 * tied["scores"], abs=1e-9)
    assert tied["probabilities"] == pytest.approx(0 * tied["probabilities"] + 0.5)


def test_several_outputs_are_probabilities_where_they_have_the_sum_1_else_net_inputs():
    assert read(np.array([[0.9, 0.1]]), [0, 1]).shares.tolist() == [[0.9, 0.1]]
    # softmax(0, log 3) = 1/4, 3/4
    assert read(np.array([[0.0, np.log(3)]]), [0, 1]).shares[0] == pytest.approx([0.25, 0.75])
    assert read(np.array([[np.inf, 0.0]]), [0]).shares.tolist() == [[1.0, 0.0]]


def test_the_lead_of_a_class_is_over_the_best_of_the_others():
    leads = boundaries(np.array([[0.5, 0.3, 0.2]]))
    assert [x.item() for x in leads] == pytest.approx([0.2, -0.2, -0.3])
    assert len(boundaries(np.array([[0.5, 0.5]]))) == 1


def test_hidden_lines_are_where_the_net_inputs_of_the_first_layer_are_0():
    model = Sequential(layer([(1, 0, -1), (0, 1, 2)], "tanh"), Layer(2, 1))
    X, y = [[-3, -3], [3, 3]], [0, 1]
    ax = regions(model, X, y, resolution=9, margins=False)
    x1, x2 = lines(ax, "dashed").T
    assert np.all(np.isclose(x1, 1) | np.isclose(x2, -2))
    assert "hidden unit z = 0" in entries(ax)
    ax = regions(model, X, y, resolution=9, margins=False, hidden_lines=False)
    assert not len(lines(ax, "dashed"))
    assert "hidden unit z = 0" not in entries(ax)


def test_a_net_without_hidden_units_has_no_lines_of_theirs():
    X, y = [[-3, -3], [3, 3]], [0, 1]
    layer = Layer(2, 1, "sigmoid", rng=0)
    without = [layer, layer.neurons[0], MLP(2, [1]), Sequential(layer, lambda a: a)]
    for model in without:
        assert not len(lines(regions(model, X, y, resolution=9, margins=False), "dashed"))
    assert len(lines(regions(Sequential(Layer(2, 3, rng=0), Layer(3, 1)), X, y), "dashed"))


def test_a_transform_gives_the_model_scaled_rows_and_the_picture_keeps_its_units():
    X, y = [[100, 0], [300, 1]], [0, 1]
    ax = regions(unit(1, 0, 0), X, y, transform=standardising(X), resolution=20, margins=False)
    xs = lines(ax)[:, 0]
    assert xs == pytest.approx(0 * xs + 200)  # the mean
    assert ax.get_xlim() == (76, 324)  # 12 % beyond the points
    net = Sequential(layer([(1, 0, 0), (1, 0, -0.5)], "tanh"), Layer(2, 1))
    ax = regions(net, X, y, transform=standardising(X), resolution=20, margins=False)
    dashed = lines(ax, "dashed")[:, 0]  # the deviation is 100
    assert set(np.round(dashed, 9)) == {200, 250}


def test_misclassified_points_are_ringed_and_counted():
    ax = regions(unit(1, 0, 0), [[-1, 0], [1, 0], [2, 1]], [0, 1, 0], resolution=9)
    ring = [c for c in scatters(ax) if not len(c.get_facecolors())]
    assert [c.get_offsets().tolist() for c in ring] == [[[2, 1]]]
    assert entries(ax)[-1] == "wrong: 1 of 3"
    ax = regions(unit(1, 0, 0), [[-1, 0], [2, 1]], [0, 0], resolution=9, misclassified=False)
    assert all(len(c.get_facecolors()) for c in scatters(ax))


def test_training_points_are_filled_and_test_points_have_a_black_edge():
    told = sorted(
        (tuple(c.get_edgecolors()[0][:3]), len(c.get_offsets()))
        for c in scatters(drawn_regions(resolution=8))
    )
    assert told == [((0, 0, 0), 1), ((1, 1, 1), 1), ((1, 1, 1), 2)]


def test_the_legend_names_classes_and_edges():
    options = {"class_names": ["no", "$yes"], "feature_names": ["cost $", "x_2"], "margins": False}
    ax = drawn_regions(resolution=8, **options)
    assert entries(ax) == ["no", r"\$yes", "training", "test"]
    assert ax.get_xlabel() == r"cost \$"


def test_classes_without_names_are_numbered_as_they_are_labelled():
    assert entries(drawn_regions(resolution=8, margins=False))[:2] == ["class 0", "class 1"]
    ax = regions(unit(1, 0, 0), [[-1, 0], [1, 1]], [-1, 1], resolution=8)
    assert entries(ax)[:2] == ["class -1", "class +1"]
    ax = drawn_regions(resolution=8, class_names=["5", "no"])  # a number alone would be a riddle
    assert entries(ax)[:2] == ["class 5", "no"]


def test_ten_classes_differ_in_colour_and_marker_and_are_named_where_they_lie():
    def nearest(x):
        scores = [2 * x[0] * j - j * j for j in range(10)]  # -(x1 - j)^2, but for x1^2
        best = scores.index(max(scores))
        return [float(j == best) for j in range(10)]

    X, names = [[j, 0.3 * j] for j in range(10)], [f"vowel{j}" for j in range(10)]
    ax = regions(nearest, X, range(10), class_names=names, resolution=30)
    assert [text.get_text() for text in ax.texts] == names
    assert [text.get_position() for text in ax.texts] == [tuple(x) for x in X]
    assert entries(ax)[:10] == names
    assert len({look_of(j)[0] for j in range(10)}) == len({look_of(j)[1] for j in range(10)}) == 10
    assert len({look_of(j) for j in range(100)}) == 100


def test_regions_of_one_class_or_of_nan_are_drawn_without_a_boundary():
    for shares in ([1.0, 0.0], [float("nan")] * 2):
        ax = regions(lambda _, s=shares: s, [[0, 0], [0, 0]], [0, 1], resolution=5)
        assert not len(lines(ax))


def test_the_grid_goes_through_numpy_and_agrees_with_the_scalar_engine_to_1e_12():
    model = MLP(2, [16, 16, 1])
    found = field(model, (-2.0, 2.0, -1.0, 1.0), 90)
    assert found.numbers.shape == (90, 90, 1)  # scalars would get 60
    rows = [[x, y] for y in found.ys for x in found.xs][::97]
    expected = predict(model, rows, engine="scalar")
    difference = found.numbers.reshape(-1, 1)[::97] - np.array(expected)
    assert np.abs(difference).max() < 1e-12


def test_a_model_that_cannot_be_vectorised_gets_a_coarser_grid():
    def forked(x):
        return relu(x[0]) if x[1].data > 0 else x[0] if isinstance(x[0], Value) else Value(0.0)

    found = field(lambda x: forked([Value(v) for v in x]), (-1.0, 1.0, -1.0, 1.0), 300)
    assert found.numbers.shape == (60, 60, 1)
    assert found.numbers[[0, 0, -1, -1], [0, -1, 0, -1], 0].tolist() == [-1.0, 1.0, 0.0, 1.0]


def asks(x):
    return x[0] * 2 if isinstance(x[0], Value) else x[0] * 5


def tells_numbers_from_values(x):
    return x[0] * 2 if hasattr(x[0] * 1.0 if x[1] > 0.9 else x[0], "parents") else x[0] * 5


@pytest.mark.parametrize("model", [asks, tells_numbers_from_values, lambda x: x[0] * len(repr(x))])
def test_a_model_that_treats_a_value_otherwise_than_a_number_is_asked_with_numbers(model):
    found = field(model, (-1.0, 1.0, -1.0, 1.0), 90)
    rows = [[x, y] for y in found.ys.tolist() for x in found.xs.tolist()]
    assert found.numbers.ravel().tolist() == [model(row) for row in rows]


def test_confusion_counts_rows_of_each_class_by_prediction():
    ax = confusion([0, 0, 0, 1, 2], [0, 0, 1, 1, 0], ["a", "b", "$c$ long name"])
    cells = {text.get_position(): text.get_text() for text in ax.texts}
    assert cells[(0, 0)] == "2"  # column, row
    assert cells[(1, 0)] == "1"
    assert cells[(1, 1)] == "1"
    assert cells[(0, 2)] == "1"
    assert list(cells.values()).count("·") == 5
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")
    assert ax.get_yticklabels()[2].get_text() == r"\$c\$ long name"
    numbered = confusion([0, 1], [1, 1])
    assert [label.get_text() for label in numbered.get_xticklabels()] == ["0", "1"]


def test_regions_in_given_axes_have_their_legend_inside():
    ax = drawn_regions(ax=Figure().add_subplot(), resolution=5)
    assert ax.get_legend()._loc == 0  # "best"


@pytest.mark.parametrize(
    ("loss", "output", "labels", "share", "margin"),
    [
        ("binary_cross_entropy_with_logits", 2.0, (0, 1), 0.8807970779778823, "probability 3/4"),
        ("hinge", 0.5, (-1, 1), 0.75, "score ±1"),
        ("squared_error", 0.5, (0, 1), 0.5, "probability 3/4"),
        ("squared_error", 0.5, (-1, 1), 0.75, "score ±1"),
        ("binary_cross_entropy", 0.5, (0, 1), 0.5, "probability 3/4"),
    ],
)
def test_the_loss_says_what_the_outputs_mean(loss, output, labels, share, margin):
    unit = Neuron(2, activation="sigmoid" if loss == "binary_cross_entropy" else "linear")
    head = head_of_model(unit, [0.0, 0.0], loss)
    reading = read(np.array([[output]]), labels, head=head)
    assert reading.shares[0, 1] == pytest.approx(share, rel=1e-15)
    assert reading.margin == margin


def test_regions_of_logits_are_paler_by_their_probability():
    unit = Neuron(2, init="zeros")
    unit.b.data = 0.4  # as a score it would be 0.7, as a probability of a logit it is 0.5987
    ax = regions(unit, [[0, 0], [1, 1]], [0, 1], loss="binary_cross_entropy_with_logits")
    expected = tinted(np.array([[[1 - 0.598687660112452, 0.598687660112452]]]))[0, 0]
    np.testing.assert_allclose(np.asarray(ax.images[0].get_array())[0, 0], expected, atol=1e-12)
