import numpy as np
import pytest
from graphs import entries
from refusals import refusals

from tinygrad_edu import Value
from tinygrad_edu.view.pictures import beside, plot, tangent


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
])  # fmt: skip


@pytest.mark.parametrize("log", ["none", "x", "y", "xy"])
def test_every_scale_is_drawn(log):
    assert plot([1, 2], {"a": [1, 2]}, log=log).figure.png()
