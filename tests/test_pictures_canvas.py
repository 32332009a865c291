import re
import subprocess
import sys

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tinygrad_edu import MLP, Value, moons
from tinygrad_edu import figure as ours
from tinygrad_edu.view import pictures

MODEL, DATA = MLP(2, [2, 1], "tanh"), moons(12)
W1, W2 = MODEL.layers[0].neurons[0].w

DRAWN = {
    "activations": lambda **o: pictures.activations(["relu", "tanh"], **o),
    "confusion": lambda **o: pictures.confusion([0, 1], [1, 1], ["a", "b"], **o),
    "hidden_space": lambda **o: pictures.hidden_space(MODEL, DATA.X, DATA.y, **o),
    "loss_curve": lambda **o: pictures.loss_curve({"a": [2, 1], "b": [3, 1]}, **o),
    "neuron_maps": lambda **o: pictures.neuron_maps(MODEL, DATA.X, resolution=5, **o),
    "regions": lambda **o: pictures.regions(MODEL, DATA.X, DATA.y, resolution=9, **o),
    "surface": lambda **o: pictures.surface(
        lambda: W1 * W1 + W2, W1, W2, resolution=5, paths={"p": [(0, 0), (1, 1)]}, **o
    ),
    "tangent": lambda **o: pictures.tangent(lambda x: x * x, 1.0, **o),
    "weights": lambda **o: pictures.weights(MODEL, height=1, width=2, **o),
}


def exactly(message):
    return f"^{re.escape(message)}$"


def test_every_picture_is_listed_here():
    assert {*DRAWN, "descent_path"} == set(pictures.__all__)


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_touches_nothing_but_the_axes_it_is_given(name):
    figure = Figure()
    given, other = figure.subplots(1, 2)
    size = figure.get_size_inches().tolist()
    assert DRAWN[name](ax=given) is given
    assert figure.axes == [given, other]
    assert given.has_data()
    assert not other.has_data()
    assert not figure.legends
    assert not figure.texts
    assert figure.get_layout_engine() is None
    assert figure.get_size_inches().tolist() == size


@pytest.mark.parametrize("name", DRAWN)
def test_without_axes_a_picture_has_a_figure_of_one_axes(name):
    ax = DRAWN[name]()
    assert isinstance(ax, Axes)
    assert isinstance(ax.figure, ours.Figure)
    assert ax.figure.axes == [ax]


@pytest.mark.slow
def test_axes_show_their_figure_in_a_notebook():
    for ax in (DRAWN["tangent"](), DRAWN["surface"](kind="3d")):
        png, size = ax._repr_png_()
        assert png.startswith(b"\x89PNG")
        assert size == {"width": round(72 * ax.figure.get_figwidth())}


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWN)
def test_nothing_is_cut_off(name):
    ax = DRAWN[name]()
    ax.figure.draw_without_rendering()
    box, whole = ax.get_tightbbox(), ax.figure.bbox
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= whole.x1
    assert box.y1 <= whole.y1


def test_a_figure_is_no_axes():
    message = (
        "ax must be the axes of a matplotlib figure, got Figure: write ax=figure.add_subplot()"
    )
    with pytest.raises(TypeError, match=exactly(message)):
        DRAWN["tangent"](ax=Figure())


def test_pictures_leave_the_global_state_of_pyplot_alone():
    DRAWN["regions"]()
    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.slow
def test_views_load_matplotlib_only_for_pictures():
    code = "import sys, tinygrad_edu.view; print('matplotlib' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


@pytest.mark.slow
def test_a_name_of_a_user_is_no_formula():
    a, b = Value(1.0, "$a"), Value(1.0, "b")
    ax = pictures.surface(lambda: a * b, a, b, resolution=3, paths={"$x^": [(0, 0), (1, 1)]})
    assert ax.get_xlabel() == r"\$a"
    ax.figure.draw_without_rendering()
