import math
from itertools import product

import numpy as np
import pytest
from graphs import entries

from tinygrad_edu import MLP, SGD, Value, evaluate, moons
from tinygrad_edu import functions as f
from tinygrad_edu.losses import squared_error
from tinygrad_edu.view.pictures import descent_path, surface
from tinygrad_edu.view.pictures.surface import LossGrid


def bowl():
    """L = (a - 1)^2 + 4 (b + 2)^2 at a = 0, b = 0."""
    a, b = Value(0.0, "a"), Value(0.0, "b")
    return a, b, lambda: (a - 1) ** 2 + 4 * (b + 2) ** 2


def test_a_loss_over_two_parameters_is_measured_at_any_point_and_they_are_put_back():
    a, b, loss = bowl()
    a.grad = 7.0
    grid = LossGrid(loss, a, b)
    found = np.array([grid.at([(x, y) for x in (0.0, 1.0, 3.0)]) for y in (-2.0, 0.0)])
    assert found.tolist() == [[1.0, 0.0, 4.0], [17.0, 16.0, 20.0]]
    assert (a.data, b.data, a.grad, b.grad) == (0.0, 0.0, 7.0, 0.0)
    assert grid.sides(60) == 60


def test_the_loss_of_a_model_is_that_of_the_scalar_engine_to_1e_12():
    model, data = MLP(2, [4, 1], "tanh"), moons(12)
    w1, w2 = model.layers[0].neurons[1].w

    def loss():
        return f.mean([squared_error(model(x), t) for x, t in zip(data.X, data.y, strict=True)])

    points = [(-2.0, 0.5), (0.3, 0.2), (3.0, -1.0)]
    by_function = LossGrid(loss, w1, w2)
    by_examples = LossGrid((model, data.X, data.y, "squared_error"), w1, w2)
    assert by_function.sides(60) == by_examples.sides(60) == 60  # both through NumPy
    assert by_function.names == by_examples.names == ["w1[2,1]", "w1[2,2]"]
    found = [by_function.at(points), by_examples.at(points)]
    for point, *losses in zip(points, *found, strict=True):
        w1.data, w2.data = point
        expected = evaluate(model, data.X, data.y, loss="squared_error", engine="scalar")[0]
        assert losses == pytest.approx([expected] * 2, rel=1e-12)


def test_a_loss_that_cannot_be_vectorised_gets_a_coarser_grid():
    a, b, bowl_loss = bowl()
    grid = LossGrid(lambda: bowl_loss() * (1.0 if a.data < 0.5 else 2.0), a, b)
    assert grid.sides(60) == 21
    assert grid.at([(0.0, -2.0), (3.0, -2.0)]) == [1.0, 8.0]


def test_a_loss_that_forks_inside_the_grid_is_measured_by_scalars_from_there_on():
    a, b, _ = bowl()
    grid = LossGrid(lambda: a + b if a > 1 else a - b, a, b)
    assert grid.at([(0.0, 1.0), (2.0, 1.0), (0.0, 2.0)]) == [-1.0, 3.0, -2.0]


def test_parameters_are_put_back_when_a_loss_fails():
    a, b, bowl_loss = bowl()

    def loss():
        if a.data > 0.5:
            raise ArithmeticError("no such loss")
        return bowl_loss()

    with pytest.raises(ArithmeticError, match="no such loss"):
        surface(loss, a, b, resolution=3)
    assert (a.data, b.data) == (0.0, 0.0)


def test_a_surface_has_contours_and_the_paths_on_it():
    a, b, loss = bowl()
    paths = {"SGD": [(0, 0), (1, -1)], "Adam": [(0, 0), (3, 3), (4, 4)]}
    ax = surface(loss, a, b, paths=paths, resolution=9)
    drawn = [line for line in ax.lines if len(line.get_xdata()) > 1]
    assert [line.get_xydata().tolist() for line in drawn] == [
        [[0, 0], [1, -1]],
        [[0, 0], [3, 3], [4, 4]],
    ]
    assert entries(ax) == ["SGD", "Adam"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
    # from -2 to 4 around 0 and the paths, 5 % more on each side
    assert ax.get_xlim() == pytest.approx((-2.3, 4.3))
    levels = ax.collections[0].levels
    along = [np.linspace(*limits, 9) for limits in (ax.get_xlim(), ax.get_ylim())]
    lowest = min((x - 1) ** 2 + 4 * (y + 2) ** 2 for x, y in product(*along))
    assert levels[0] == pytest.approx(lowest)
    assert np.all(np.diff(levels, 2) > 0)  # closer together near the minimum


def test_a_surface_without_paths_marks_the_parameters_as_they_are():
    a, b, loss = bowl()
    ax = surface(loss, a, b, resolution=5, span=1)
    assert [line.get_xydata().tolist() for line in ax.lines][-1] == [[0, 0]]
    assert ax.get_legend() is None
    assert ax.get_xlim() == (-1, 1)
    away = surface(loss, a, b, resolution=5, extent=(1, 2, 3, 4))
    assert not away.lines
    assert away.get_ylim() == (3, 4)


def test_a_relief_carries_its_paths_at_the_height_of_the_loss():
    a, b, loss = bowl()
    ax = surface(loss, a, b, paths={"SGD": [(0, 0), (1, -1)]}, kind="3d", resolution=4)
    assert np.array(ax.lines[0].get_data_3d()).tolist() == [[0, 1], [0, -1], [17, 4]]
    assert ax.get_zlabel() == "loss"


def test_a_loss_that_is_not_finite_everywhere_is_drawn_where_it_is():
    a, b = Value(1.0), Value(1.0)
    ax = surface(lambda: f.log(a) + b, a, b, resolution=5)  # log of -1 is nan, of 0 -inf
    assert np.isfinite(ax.collections[0].levels).all()
    assert not surface(lambda: 0 * a + 0 * b, a, b, resolution=3).collections


def test_a_descent_path_starts_where_the_parameters_are_and_puts_everything_back():
    a, b, loss = bowl()
    a.grad = 7.0
    path = descent_path(loss, a, b, SGD([a, b], lr=0.1), steps=2)
    # dL/da = 2 (a - 1), dL/db = 8 (b + 2): a = 0.2, 0.36; b = -1.6, -1.92
    assert [x for x, _ in path] == pytest.approx([0, 0.2, 0.36])
    assert [y for _, y in path] == pytest.approx([0, -1.6, -1.92])
    assert (a.data, b.data, a.grad, b.grad) == (0.0, 0.0, 7.0, 0.0)


def test_a_descent_path_leaves_parameters_alone_that_the_optimizer_does_not_have():
    a, b, loss = bowl()
    path = descent_path(loss, a, b, SGD([a], lr=0.1), steps=1)
    assert path[1] == pytest.approx((0.2, 0.0))
    assert (b.data, b.grad) == (0.0, 0.0)


def test_a_descent_path_asks_for_the_loss_of_each_step():
    a, b = Value(0.0), Value(0.0)
    targets = iter([1.0, math.e])
    path = descent_path(lambda: a * next(targets) + b, a, b, SGD([a, b], lr=1.0), steps=2)
    assert np.array(path) == pytest.approx(np.array([(0, 0), (-1, -1), (-1 - math.e, -2)]))
