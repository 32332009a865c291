import subprocess
import sys

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from refusals import refusals

from tinygrad_edu import MLP, Layer, Value, moons
from tinygrad_edu import figure as ours
from tinygrad_edu.view import pictures

MODEL, DATA = MLP(2, [2, 1], "tanh"), moons(12)
W1, W2 = MODEL.layers[0].neurons[0].w

DRAWN = {
    "activations": lambda **o: pictures.activations(["relu", "tanh"], **o),
    "confusion": lambda **o: pictures.confusion([0, 1], [1, 1], ["a", "b"], **o),
    "curve": lambda **o: pictures.curve(MLP(1, [2, 1]), [[0.0], [1.0]], [0.0, 1.0], **o),
    "gradients": lambda **o: pictures.gradients(MODEL, *DATA, loss="squared_error", epochs=1, **o),
    "hidden_space": lambda **o: pictures.hidden_space(MODEL, DATA.X, DATA.y, **o),
    "histograms": lambda **o: pictures.histograms({"a": [0.0, 1.0], "b": [2.0]}, **o),
    "images": lambda **o: pictures.images([[0.0, 1.0]], height=1, width=2, **o),
    "loss_curve": lambda **o: pictures.loss_curve({"a": [2, 1], "b": [3, 1]}, **o),
    "neuron_maps": lambda **o: pictures.neuron_maps(MODEL, DATA.X, resolution=5, **o),
    "heat_map": lambda **o: pictures.heat_map([[1.0], [0.5, -0.5]], "ab", **o),
    "plot": lambda **o: pictures.plot([1, 2], {"a": [2, 1], "b": [3, 1]}, **o),
    "predictions": lambda **o: pictures.predictions([0, 1], [0, 2], **o),
    "regions": lambda **o: pictures.regions(MODEL, DATA.X, DATA.y, resolution=9, **o),
    "residuals": lambda **o: pictures.residuals([0, 1], [0, 2], **o),
    "surface": lambda **o: pictures.surface(
        lambda: W1 * W1 + W2, W1, W2, resolution=5, paths={"p": [(0, 0), (1, 1)]}, **o
    ),
    "tangent": lambda **o: pictures.tangent(lambda x: MODEL([x, W1]), 0.5, **o),
    "weights": lambda **o: pictures.weights(MODEL, height=1, width=2, **o),
}


def test_every_picture_is_listed_here():
    assert {*DRAWN, "beside", "descent_path"} == set(pictures.__all__)


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


def test_a_histogram_counts_the_numbers_of_its_group_within_the_span():
    ax = pictures.histograms({"a": [-1, 0, 0, 1, 5], "b": [0.5]}, span=(-1, 1))
    first, second = (bars.get_data() for bars in ax.patches)
    # 25 bars from -1 to 1, the longest (2 of 0) 0.85 wide; group b starts at 1
    assert first.edges[[0, -1]].tolist() == [-1, 1]
    assert [first.values[k] for k in (0, 12, 24)] == pytest.approx([0.425, 0.85, 0.425])
    assert first.values.sum() == pytest.approx(0.85 * 2)
    assert sorted({*second.values}) == [1, 1.85]


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_has_a_figure_of_one_axes_and_changes_neither_the_model_nor_its_gradients(name):
    for p in MODEL.parameters():
        p.grad = 0.5
    before = MODEL.state_dict()
    ax = DRAWN[name]()
    assert isinstance(ax, Axes)
    assert isinstance(ax.figure, ours.Figure)
    assert ax.figure.axes == [ax]
    assert MODEL.state_dict() == before
    assert {p.grad for p in MODEL.parameters()} == {0.5}


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


POINTS = [[0, 0], [1, 1]]
LOSS = lambda: W1 * W1 + W2  # noqa: E731


def left_is_0(x):
    return [-x[0], x[0]]


def regions(*arguments, **options):
    return lambda: pictures.regions(left_is_0, *arguments, resolution=3, **options)


def surface(*arguments, **options):
    return lambda: pictures.surface(*(arguments or (LOSS, W1, W2)), resolution=3, **options)


def maps(**options):
    return lambda: pictures.neuron_maps(MODEL, resolution=3, **options)


REFUSED = [
    (lambda: DRAWN["tangent"](ax=Figure()), TypeError,
     "ax must be the axes of a matplotlib figure, got Figure: write ax=figure.add_subplot()"),
    (surface(kind="3d", ax=Figure().add_subplot()), ValueError,
     "this picture needs axes with the projection '3d', got 'rectilinear': write "
     "ax=figure.add_subplot(projection='3d')"),
    (surface(LOSS, W1, Value(3.0)), ValueError,
     "the loss does not depend on w2, Value(data=3.0, grad=0.0): give a parameter of the model"),
    (surface(3.0, Value(1.0), Value(2.0)), TypeError,
     "the loss must be a function of no arguments or a tuple (model, X, y, loss), got float"),
    (surface(kind="3D"), ValueError, "unknown kind '3D': choose contour, 3d; did you mean '3d'?"),
    (surface(paths={"SGD": [[1], [2]]}), ValueError,
     "the path 'SGD' must be a list of points (w1, w2)"),
    (lambda: pictures.loss_curve({"SGD": 0.5}), TypeError,
     "'SGD' must be a History or a list of losses, got float"),
    (regions([[0, 0], [1, 2, 3]], [0, 1]), ValueError, "X[1] is a row of 3, X[0] is a row of 2"),
    (regions([[1, 2, 3]], [0]), ValueError,
     "regions are drawn for points of 2 numbers, point 0 has 3"),
    (regions([], []), ValueError, "regions need at least one training point"),
    (regions(POINTS, [0]), ValueError, "y has 1 labels for 2 points"),
    (regions(POINTS, [0, 1], y_test=[1]), ValueError, "y_test has 1 labels for 0 points"),
    (regions(POINTS, [0, 0.5]), ValueError,
     "y[1] is 0.5, and no class number: write sorted(set(y)).index(label) for a label"),
    (regions(POINTS, [0, 2]), ValueError,
     "2 outputs tell the classes 0..1 apart: y has the label 2"),
    (lambda: pictures.regions(lambda x: x[0], POINTS, [0, 2], resolution=3), ValueError,
     "one output tells 2 classes apart, labelled 0 and 1 or -1 and 1: y has the label 2"),
    (regions(POINTS, [0, 1], feature_names=["cost"]), ValueError,
     "feature_names are those of the two axes, got 1"),
    (regions(POINTS, [0, 1], feature_names=None), TypeError,
     "feature_names must be a list of names, got NoneType"),
    (surface(LOSS, W1, W2, extent=(0, 1, 2, 2)), ValueError,
     "extent is left, right, bottom, top, of which left and right must differ, and bottom and top; "
     "got 0, 1, 2, 2"),
    (maps(extent=(3, 3, 0, 1)), ValueError,
     "extent is left, right, bottom, top, of which left and right must differ, and bottom and top; "
     "got 3, 3, 0, 1"),
    (regions(POINTS, [0, 1], class_names=["a"]), ValueError,
     "class_names has 1 names for 2 classes"),
    (regions(POINTS, [0, 1], outputs="score"), ValueError,
     "unknown outputs 'score': choose auto, probabilities, scores; did you mean 'scores'?"),
    (lambda: pictures.heat_map([[1.0, 2.0]], "a"), ValueError,
     "the longest row has 2 numbers, got 1 names"),
    (lambda: pictures.heat_map([[1.0]], 3), TypeError, "names must be a list of names, got int"),
    (lambda: pictures.heat_map([[]]), ValueError,
     "a heat map has 1 to 64 rows and columns, got 1, 0"),
    (lambda: pictures.heat_map([1.0]), TypeError,
     "rows[0] must be a list of numbers, got float"),
    (lambda: pictures.confusion([0, 1], [0], "ab"), ValueError,
     "2 actual classes but 1 predicted ones"),
    (lambda: pictures.confusion([0, 2], [0, 1], ["a", "b"]), ValueError,
     "class 2 is out of range 0..1"),
    (lambda: pictures.confusion([0, -1], [0, 1], ["a", "b"]), ValueError,
     "class -1 is out of range 0..1"),
    (maps(layer=3), ValueError, "layer must be an int from 1 to 2, got 3"),
    (maps(layer=True), TypeError, "layer must be an int from 1 to 2, got bool True"),
    (maps(X=[[1, 2, 3]]), ValueError, "maps are drawn for points of 2 numbers, X has 3"),
    (lambda: pictures.activations("softmax"), ValueError,
     "softmax is an activation of a whole layer: it has no graph over z"),
    (lambda: pictures.hidden_space(MODEL, [[1, 2]], [0], layer=2), ValueError,
     "layer 2 has one unit: hidden_space needs two or more"),
    (lambda: pictures.hidden_space(MODEL, [[1, 2]], [], layer=1), ValueError,
     "hidden_space needs a label for each row, got 1 rows, 0 labels"),
    (lambda: pictures.activations([]), ValueError, "names needs at least one activation"),
    (lambda: pictures.histograms([1, 2]), TypeError,
     'groups must be a dict of lists of numbers, got list: write {"layer 1": [0.5, 1]}'),
    (lambda: pictures.histograms({"a": [1], "b": []}), ValueError,
     "histograms need at least one group, and a number in each"),
    (lambda: pictures.histograms({"a": [1]}, span={0, 1}), TypeError,
     "span must be a list of 2 numbers, got set"),
    (lambda: pictures.histograms({"a": [1]}, span=(1, 0)), ValueError,
     "span is from the least to the largest number, got 1 to 0"),
    (lambda: pictures.weights(Layer(4, 2)), ValueError,
     "the units have 4 weights, which are no picture of 8 x 8: write weights(model, height=..., "
     "width=...)"),
    (lambda: pictures.weights(lambda x: x), TypeError,
     "weights are drawn for a Layer, a Conv2d or a model that begins with a Layer, got function"),
]  # fmt: skip
test_what_is_no_picture_is_refused = refusals(REFUSED)


def test_pictures_leave_the_global_state_of_pyplot_alone(monkeypatch):
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)  # of another test
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
