import math

import numpy as np
import pytest
from graphs import entries, layer
from refusals import refusals

from tinygrad_edu import MLP, Sequential
from tinygrad_edu import functions as f
from tinygrad_edu.data import fit_standard_scaler
from tinygrad_edu.view.pictures import curve, predictions, residuals

POINTS = [[-2.0], [2.0]], [0.0, 1.0]


def drawn(ax):
    return [(np.asarray(x), np.asarray(y)) for x, y in (line.get_data() for line in ax.lines)]


def test_the_units_add_up_to_the_curve_the_largest_first():
    # 3 relu(x) - relu(-x) + 1/2, and a third unit that is dead
    net = Sequential(layer([(1, 0), (-1, 0), (0, -1)], "relu"), layer([(3, -1, 5, 0.5)]))
    ax = curve(net, *POINTS)
    (x, bias), *sums, (_, last), (_, fitted) = drawn(ax)
    assert (x[0], x[-1], set(bias)) == (-2, 2, {0.5})
    assert [s[[0, -1]].tolist() for _, s in sums] == [[0.5, 6.5], [-1.5, 6.5]]
    assert last.tolist() == fitted.tolist() == [0.5 + 3 * max(v, 0) - max(-v, 0) for v in x]
    assert entries(ax) == [
        "b2[1]", "+ w2[1,1] a1[1]", "+ w2[1,2] a1[2]", "+ w2[1,3] a1[3]", "the net",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "units", "lines"),
    [
        (MLP(1, [8, 1], "tanh", rng=0), 6, 8),
        (MLP(1, [8, 1], "tanh", rng=0), 0, 1),
        (MLP(1, [1], rng=0), 6, 1),  # has no hidden units
        (MLP(1, [8, 1], output="tanh", rng=0), 6, 1),  # the output bends their sum
        (lambda x: f.sin(x[0]), 6, 1),
    ],
)
def test_sums_are_drawn_where_there_are_units_that_add_up(model, units, lines):
    assert len(curve(model, *POINTS, units=units).lines) == lines


def test_the_curve_is_in_the_units_of_the_points():
    X, y = [[1000.0], [3000.0]], [20.0, 60.0]
    of_x, of_y = fit_standard_scaler(X), fit_standard_scaler([[t] for t in y])
    ax = curve(
        lambda x: x[0], X, y, transform=of_x, inverse=of_y.inverse, feature_name="kW", name="$"
    )
    [(x, fitted)] = drawn(ax)
    assert fitted == pytest.approx(x / 50)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("kW", r"\$")


def test_the_points_set_the_range_and_the_sums_do_not():
    net = Sequential(layer([(100, 0)]), layer([(1, 0)]))
    ax = curve(net, *POINTS)
    assert ax.get_ylim() == (-0.35, 1.35)
    assert ax.collections[0].get_offsets().tolist() == [[-2, 0], [2, 1]]


def test_predictions_stand_over_the_true_numbers_beside_the_line_of_equal_ones():
    ax = predictions([1, 2, 4], [1.5, 2, 3], name="price")
    [(x, y)] = drawn(ax)
    assert (x.tolist(), y.tolist()) == ([1, 4], [1, 4])
    assert ax.collections[0].get_offsets().tolist() == [[1, 1.5], [2, 2], [4, 3]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("true price", "predicted price")


def test_residuals_are_blue_where_a_prediction_is_too_large():
    ax = residuals([1, 2, 4], [2, 2, 3])
    assert ax.collections[0].get_offsets().tolist() == [[2, 1], [2, 0], [3, -1]]
    blue, _, orange = ax.collections[0].get_facecolors()[:, 2]
    assert blue > orange
    root = math.sqrt(2 / 3)
    assert [line.get_ydata()[0] for line in ax.lines] == pytest.approx([0, root, -root])
    assert ax.get_title() == "root of the mean square 0.8165"


test_what_is_no_fit_is_refused = refusals([
    (lambda: curve(MLP(2, [1]), [[1, 2]], [1]), ValueError,
     "a curve is drawn for rows of one number with one each, got arrays of the shapes (1, 2) for X "
     "and (1, 1) for y"),
    (lambda: curve(MLP(1, [2]), [[1], [2]], [1, 2]), ValueError,
     "a curve is drawn for a model of one output, this has 2"),
    (lambda: curve(MLP(1, [1]), [[1]], [1], units=-1), ValueError,
     "units must be an int of at least 0, got -1"),
    (lambda: predictions([1, 2], [1]), ValueError,
     "actual and predicted need as many numbers, at least one, got 2 rows of 1 and 1 of 1"),
    (lambda: residuals([], []), ValueError,
     "actual and predicted need as many numbers, at least one, got 0 rows of 0 and 0 of 0"),
])  # fmt: skip
