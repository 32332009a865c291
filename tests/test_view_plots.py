import io
import sys

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from tinygrad_edu import History
from tinygrad_edu.view.plots import COLOURS, colour_of, confusion, regions


def left_is_0(points):
    """p(1) is 0 at x1 = -1, 1/2 at 0 and 1 at 1."""
    shares = [min(max((x + 1) / 2, 0.0), 1.0) for x, _ in points]
    return [[1 - p, p] for p in shares]


def pixels(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba")
    return buffer.getvalue()


def drawn_regions(**options):
    X, y = [[-1, -1], [1, 1], [-1, 1]], [0, 1, 0]
    return regions(left_is_0, X, y, [[0.5, 0]], [1], class_names=["no", "yes"], **options)


def test_regions_have_the_colour_of_their_class_and_are_pale_where_in_doubt():
    figure = drawn_regions(resolution=41)
    assert isinstance(figure, Figure)
    image = np.asarray(figure.axes[0].images[0].get_array())
    assert image.shape == (41, 41, 3)
    left, middle, right = image[20, 0], image[20, 20], image[20, 40]
    assert left[0] < left[2]  # blue, class 0
    assert right[2] < right[0]  # orange, class 1
    assert middle.min() > 0.94
    expected = 1 - 0.45 * (1 - np.array(to_rgb(COLOURS[0])))
    assert left == pytest.approx(expected)


def test_the_decision_boundary_is_where_the_classes_tie():
    axes = drawn_regions(resolution=40).axes[0]
    lines = [path for c in axes.collections if hasattr(c, "levels") for path in c.get_paths()]
    xs = np.concatenate([path.vertices[:, 0] for path in lines])
    assert xs == pytest.approx(np.zeros_like(xs), abs=1e-9)


def test_training_points_are_filled_and_test_points_ringed():
    axes = drawn_regions(resolution=8).axes[0]
    scatters = [c for c in axes.collections if not hasattr(c, "levels")]
    told = sorted((tuple(c.get_edgecolors()[0][:3]), len(c.get_offsets())) for c in scatters)
    assert told == [((0, 0, 0), 1), ((1, 1, 1), 1), ((1, 1, 1), 2)]


def test_the_legend_names_classes_and_rings():
    figure = drawn_regions(resolution=8, feature_names=["cost $", "x_2"])
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["class no", "class yes", "training", "test (ringed)"]
    assert figure.axes[0].get_xlabel() == r"cost \$"
    pixels(figure)  # a dollar begins no formula


def test_regions_of_one_class_or_of_nan_are_drawn_without_a_boundary():
    for shares in ([1.0, 0.0], [float("nan")] * 2):
        figure = regions(
            lambda points, shares=shares: [shares] * len(points),
            [[0, 0], [0, 0]], [0, 1], class_names="ab", resolution=5,
        )  # fmt: skip
        assert not [c for c in figure.axes[0].collections if hasattr(c, "levels")]
        pixels(figure)


def test_regions_need_points_in_the_plane():
    with pytest.raises(
        ValueError, match=r"^regions are drawn for points of 2 numbers, point 1 has 3$"
    ):
        regions(left_is_0, [[0, 0], [1, 2, 3]], [0, 1], class_names="ab")
    with pytest.raises(ValueError, match=r"^regions need at least one training point$"):
        regions(left_is_0, [], [], class_names="ab")


def test_classes_differ_in_colour_and_marker():
    looks = [colour_of(j) for j in range(20)]
    assert len(set(looks)) == 20
    assert len({colour for colour, _ in looks[:8]}) == len({m for _, m in looks[:8]}) == 8


def test_confusion_counts_rows_of_each_class_by_prediction():
    figure = confusion([0, 0, 0, 1, 2], [0, 0, 1, 1, 0], class_names=["a", "b", "$c$ long name"])
    axes = figure.axes[0]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells[(0, 0)] == "2"  # column, row
    assert cells[(1, 0)] == "1"
    assert cells[(1, 1)] == "1"
    assert cells[(0, 2)] == "1"
    assert list(cells.values()).count("·") == 5
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    pixels(figure)


def test_confusion_refuses_different_lengths():
    with pytest.raises(ValueError, match="zip"):
        confusion([0, 1], [0], class_names="ab")


def test_history_plots_loss_and_accuracy_of_training_and_validation():
    history = History([2.0, 1.0], [0.5, 1.0], [2.5, 1.5], [0.4, 0.8])
    figure = history.plot()
    loss, accuracy = figure.axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[2.0, 1.0], [2.5, 1.5]]
    assert [list(line.get_ydata()) for line in accuracy.lines] == [[0.5, 1.0], [0.4, 0.8]]
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation"]
    assert loss.get_ylim()[0] == 0
    pixels(figure)


def test_history_of_one_epoch_is_a_point_and_of_none_says_so():
    assert History([2.0]).plot().axes[0].lines[0].get_marker() == "o"
    figure = History().plot()
    assert [text.get_text() for text in figure.axes[0].texts] == ["no epoch was completed"]
    pixels(figure)


def test_plots_leave_the_global_state_of_pyplot_alone():
    drawn_regions(resolution=4)
    History([1.0, 0.5]).plot()
    assert "matplotlib.pyplot" not in sys.modules
