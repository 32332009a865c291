"""Pictures of nets: every kind of layer, its units, its weights and what flows between them."""

import math
import random
import re
from xml.etree import ElementTree

import pytest
from graphs import HOSTILE, SVG, assert_inert, texts, tooltips
from refusals import refusals
from test_layers import EXAMPLES, made

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Primitive, Value
from tinygrad_edu.nn import (
    LAYERS,
    MLP,
    RNN,
    BatchNorm,
    Conv2d,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    MaxPool2d,
    Module,
    Neuron,
    RMSNorm,
    Sequential,
    Unflatten,
)
from tinygrad_edu.perceptron import Perceptron
from tinygrad_edu.view import draw
from tinygrad_edu.view.base.palette import EDGE, NEGATIVE, POSITIVE
from tinygrad_edu.view.network.deltas import deltas
from tinygrad_edu.view.network.network import network


def lines(picture):
    """The sign and the width of each line between cards."""
    signs = {POSITIVE.light: 1, NEGATIVE.light: -1, EDGE.light: 0}
    found = ElementTree.fromstring(picture.svg).findall(f"{SVG}path")
    return [(signs[e.get("stroke")], float(e.get("stroke-width"))) for e in found]


def cards(picture, kind="unit"):
    """What stands on the cards of a kind, row by row."""
    boxes = [card for card in picture.diagram.boxes if card.kind == kind]
    return [[[cell.said for cell in row] for row in card.cells] for card in boxes]


def titles(picture):
    """What stands above the columns."""
    return [(column.name, column.soft) for column in picture.diagram.layers]


def given(*weights, **options):
    """A unit with these weights."""
    rest = list(weights)
    return MLP(len(weights), [1], init=lambda rng, nin, nout: rest.pop(0), **options)


def test_every_unit_is_a_card_and_every_weight_a_line():
    picture = network(MLP(3, [4, 4, 2], rng=1))
    assert len(cards(picture, "input")) == 3
    assert len(cards(picture)) == 4 + 4 + 2
    assert len(lines(picture)) == 3 * 4 + 4 * 4 + 4 * 2


def test_columns_have_name_activation_and_the_number_of_their_parameters():
    picture = network(MLP(2, [3, 1], "tanh", "sigmoid"))
    assert titles(picture) == [("Inputs", ""), ("Layer 1", "tanh"), ("Output", "sigmoid")]
    assert [column.foot for column in picture.diagram.layers] == [
        "",
        "9 parameters",
        "4 parameters",
    ]
    assert "Lines: weights w, blue positive, orange dashed negative" in picture.description


def test_an_operation_of_ones_own_is_called_by_its_name():
    bump = Primitive("bump", lambda m, x: m.exp(-x * x), lambda m, y, x: (-2 * x * y,))
    assert ("Layer 1", "bump") in titles(network(MLP(3, [2, 1], bump)))


def test_lines_show_sign_and_size_of_a_weight():
    # widths run from 0.7 for 0 to 4 for the largest |w|; the wide ones lie above
    picture = network(given(2.0, -1.0, 0.0))
    assert lines(picture) == [(0, 0.7), (-1, 2.35), (1, 4.0)]
    assert sorted(t for t in tooltips(picture.svg) if t.startswith("w")) == [
        "w1[1,1] = 2",
        "w1[1,2] = -1",
        "w1[1,3] = 0",
    ]


def test_weights_biases_and_the_unit_for_them_stand_there_on_request():
    # the AND of the lecture: -30 + 20 x1 + 20 x2
    picture = network(Perceptron(2, w=[-30, 20, 20]), numbers=True)
    assert cards(picture, "constant") == [[["+1"]]]
    assert {"-30", "20"} <= {*texts(picture.svg)}
    assert not {"-30", "20"} & {*texts(network(Perceptron(2, w=[-30, 20, 20])).svg)}


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, 1e308])
def test_odd_numbers_do_not_break_the_geometry(odd):
    model = given(1.0, odd)
    for picture in (network(model), network(model, [odd, 1.0], 1, "squared_error")):
        places = (
            "x",
            "y",
            "d",
            "points",
            "width",
            "height",
            "viewBox",
            "stroke-width",
            "fill-opacity",
        )
        for e in ElementTree.fromstring(picture.svg).iter():
            for name in places:
                numbers = re.sub("[MCZ,]", " ", e.get(name, "")).split()
                assert all(math.isfinite(float(x)) for x in numbers)


def test_units_show_net_input_and_activation():
    # w = 2, 3 and x = 1, -1: z = -1, a = 0
    picture = network(given(2.0, 3.0, output="relu"), [1.0, -1.0])
    assert cards(picture, "input") == [[["x1", "1"]], [["x2", "−1"]]]  # noqa: RUF001
    assert cards(picture) == [[["z1[1]", "−1"], ["a1[1]", "0"]]]  # noqa: RUF001
    assert "layer1.neuron1 (relu): b1[1] = 0, z1[1] = -1, a1[1] = 0" in [
        text.partition(", delta")[0] for text in tooltips(picture.svg)
    ]


@pytest.mark.parametrize(("convention", "sign"), [("dL/dz", 1), ("-dE/dnet", -1)])
def test_units_show_deltas_in_both_conventions(convention, sign):
    model = MLP(2, [3, 1], "tanh", "sigmoid", rng=1)
    picture = network(model, [1, -2], 1, "binary_cross_entropy", convention=convention)
    rows = deltas(model, [1, -2], 1, "binary_cross_entropy", convention).rows
    shown = [
        number.value
        for card in picture.diagram.boxes if card.kind == "unit"
        for number in card.numbers if number.back
    ]  # fmt: skip
    assert shown == pytest.approx([row.delta for row in rows])
    assert math.copysign(1, shown[-1]) == -sign  # y - a is positive for y = 1
    assert f"δ = {convention}" in picture.description
    assert titles(picture)[-1] == ("Loss", "binary cross entropy")
    assert all(p.grad == 0 for p in model.parameters())


def test_of_many_units_a_table_shows_those_with_the_largest_delta():
    model = MLP(2, [16, 16, 1], "relu", rng=1337)
    picture = network(model, [0.6, 0.3], 1, "hinge")
    (first, second) = (card[1:] for card in cards(picture, "layer"))
    for table in (first, second):
        sizes = [abs(float(row[2].replace("−", "-"))) for row in table if len(row) == 3]  # noqa: RUF001
        assert sizes == sorted(sizes, reverse=True)
        assert len(sizes) <= 8
        assert "with δ = 0" in table[-1][0]
    strong = [line for line in picture.diagram.lines if line.full and line.weight is not None]
    assert len(strong) <= 3 * 12
    assert "12 strongest of the drawn lines are full" in picture.description


def test_of_a_layer_without_example_the_first_units_are_drawn_and_the_rest_is_counted():
    picture = network(MLP(64, [32, 10], rng=1), max_units=3)
    assert len(cards(picture)) == 6
    assert cards(picture, "hidden") == [[["29 more"]], [["7 more"]]]
    assert cards(picture, "input")[0][-1] == ["61 more"]
    assert len(lines(picture)) == 3 * 3 + 3 * 3


#: What tells that a picture of a layer is its own: texts on its cards, over and below its columns.
LOOKS = {
    "Activate": ["Softmax", "p"],
    "Attention": ["query linear", "key linear", "value linear", "Softmax", "shares", "Output"],
    "AvgPool2d": ["Average pooling", "map"],
    "BatchNorm": ["Batch norm", "mean", "variance", "γ", "β", "4 parameters"],  # noqa: RUF001
    "Conv2d": ["2×2 prelu", "kernel", "map", "used 16 times"],  # noqa: RUF001
    "Dropout": ["Dropout", "mask", "2 of 2 kept"],
    "Embedding": ["Layer 1", "z1[3]", "6 parameters"],
    "Flatten": [],
    "Layer": ["Layer 1", "softmax", "z1[3]", "a1[3]", "9 parameters"],
    "MLP": ["Layer 1", "prelu", "Output", "sigmoid", "a3[1]"],
    "MaxPool2d": ["Max pooling", "map"],
    "Neuron": ["prelu", "z", "a"],
    "Perceptron": ["step", "z", "a"],
    "RMSNorm": ["w·x, x ÷ y, +, √x, ×", "gamma[1]"],  # noqa: RUF001
    "RNN": ["W", "U", "b", "cell: 15 parameters, used 2 times"],
    "RNNCell": ["tanh", "a1[3]"],
    "Sequential": ["Layer 1", "Dropout", "Output"],
    "Unflatten": [],
}  # fmt: skip


def test_every_layer_has_a_look():
    ours = {name for name, known in LAYERS.items() if known.kind.__module__.startswith("tinygrad")}
    assert ours == set(LOOKS)


@pytest.mark.parametrize("name", LOOKS)
def test_every_layer_has_a_picture(name):
    picture = network(made(name), EXAMPLES[name][1])
    said = {
        cell.said
        for card in picture.diagram.boxes
        for row in getattr(card, "cells", ())
        for cell in row
    }
    said |= {
        text
        for column in picture.diagram.layers
        for text in (column.name, column.soft, column.foot)
    }
    assert set(LOOKS[name]) <= {*said, *(text.rstrip(",") for text in said)}
    assert_inert(picture.svg)
    assert draw_layer(name).startswith("<svg ")


def draw_layer(name):
    """The layer level of the sum of what a layer gives."""
    model = made(name)
    if isinstance(model, Perceptron):
        return draw(Neuron(2, "step")([1.0, 2.0]), level="layer").svg
    return draw(f.sum(flat(model.eval()(values(EXAMPLES[name][1])))), level="layer").svg


def values(x):
    return [values(item) for item in x] if isinstance(x, list) else Value(x)


def flat(x):
    return [v for item in x for v in flat(item)] if isinstance(x, list) else [x]


def test_a_unit_1_stands_only_before_units_with_biases():
    for layer, ones in ((Embedding(2, 3), 0), (Layer(2, 3), 1)):
        picture = network(layer, [1.0, 0.0], numbers=True)
        assert texts(picture.svg).count("+1") == ones


def test_a_module_of_ones_own_is_drawn_from_what_it_does():
    class Residual(Module):
        def __init__(self):
            self.first, self.second = Layer(3, 3, "tanh", rng=1), Layer(3, 2, "linear", rng=2)

        def __call__(self, x):
            return self.second([a + b for a, b in zip(self.first(x), x, strict=True)])

    picture = network(Residual(), [Value(1.0), Value(2.0), Value(-1.0)])
    assert [name for name, _ in titles(picture)] == ["Inputs", "Layer 1", "Sum", "Output"]
    with pytest.raises(
        ValueError, match=r"does not tell how many inputs .* write network\(model, x\)"
    ):
        network(Residual())


@pytest.mark.parametrize(
    "parts",
    [
        [Layer(2, 3), RMSNorm(3), Layer(3, 1)],
        [Layer(2, 3), "relu", RMSNorm(3), "tanh", Layer(3, 1)],
        [Layer(2, 3), BatchNorm(3), Dropout(0.5), "softmax", Layer(3, 1)],
        [RMSNorm(2), Layer(2, 1)],
        [Embedding(2, 3), lambda z: z * z, Layer(3, 1)],
    ],
    ids=["RMSNorm", "activations", "BatchNorm", "RMSNorm first", "Embedding first"],
)
def test_without_an_example_whatever_is_between_layers_is_drawn(parts):
    picture = network(Sequential(*parts))
    assert titles(picture)[-1][0] == "Output"
    assert_inert(picture.svg)


def test_a_convolutional_net_shows_shapes_kernels_and_maps():
    layers = [
        Unflatten(1, 6, 6),
        Conv2d(1, 2, 3, activation="relu", rng=1),
        MaxPool2d(2),
        Flatten(),
    ]
    picture = network(
        Sequential(*layers, Layer(8, 10, "linear", rng=2)), [k / 36 for k in range(36)]
    )
    assert [name for name, _ in titles(picture)] == ["Inputs", "Conv2d", "Max pooling", "Output"]
    assert [line.role for line in picture.diagram.lines] == ["6×6", "2×4×4", "2×2×2"]  # noqa: RUF001
    pictures = [
        c.picture for card in picture.diagram.boxes for row in card.cells for c in row if c.picture
    ]
    assert [p.ink for p in pictures] == [True, *[False] * 6]
    assert pictures[0].rows == [
        [pytest.approx((6 * i + j) / 36) for j in range(6)] for i in range(6)
    ]


def test_a_recurrent_net_shows_its_weights_once_and_what_each_step_adds():
    model = RNN(1, 2, 1, return_sequences=False, rng=2)
    picture = network(model, [1, 0, 1, 1], [1], "squared_error")
    assert [name for name, _ in titles(picture)] == [
        "Step 1",
        "Step 2",
        "Step 3",
        "Step 4",
        "Output",
        "Loss",
    ]
    (shared,) = picture.diagram.shared
    total = sum(number.value for _, number in shared.uses)
    loss = (model([1, 0, 1, 1])[0] - 1) ** 2
    loss.backward()
    assert total == pytest.approx(max((w.grad for row in model.cell.U for w in row), key=abs))


def test_drawing_a_net_changes_neither_modes_nor_what_is_drawn_next():
    model = Sequential(Layer(2, 3), BatchNorm(3), Dropout(0.5))
    state = model.layers[2].rng.getstate()
    network(model, [1.0, 2.0])
    assert model.layers[2].rng.getstate() == state
    assert model.layers[1].training
    assert model.layers[1].running_mean[0].data == 0


@pytest.mark.parametrize("name", [*HOSTILE, "\n$x$"])
def test_names_are_shown_as_text(name):
    def activation(z):
        return z.tanh()

    def loss(output, target):
        return (output - target) ** 2

    activation.__name__ = loss.__name__ = name
    picture = network(MLP(2, [2, 1], activation), [1, 2], 1, loss, input_names=[name, "plain"])
    assert_inert(picture.svg)
    if name == "&amp;":
        assert ("Loss", "&amp;") in titles(picture)
        assert "&amp;" in texts(picture.svg)


def test_a_net_has_a_title_and_a_description():
    picture = network(MLP(2, [3, 1]))
    root = ElementTree.fromstring(picture.svg)
    assert [(e.tag, e.text) for e in root[:2]] == [
        (f"{SVG}title", "Network 2-3-1"),
        (f"{SVG}desc", picture.description),
    ]
    assert "prefers-color-scheme: dark" in picture.svg
    assert repr(picture).startswith("<Network: 2, 3, 1; Lines: weights w, blue positive, orange")


def test_a_picture_is_saved_as_svg(tmp_path):
    picture = network(Layer(2, 2))
    path = picture.save(tmp_path / "net.svg")
    assert path.read_text(encoding="utf-8") == picture.svg


def test_the_picture_is_the_same_to_the_byte():
    x = [random.Random(1).random() for _ in range(2)]
    assert network(MLP(2, [16, 1], rng=3), x).svg == network(MLP(2, [16, 1], rng=3), x).svg


test_wrong_arguments_are_refused = refusals(
    [
        (lambda: network(MLP(2, [1]), [1, 2], 1), ValueError,
         "deltas need an example: give x, target and loss, or x alone"),
        (lambda: network(MLP(2, [1]), target=1, loss="hinge"), ValueError,
         "deltas need an example: give x, target and loss, or x alone"),
        (lambda: network(MLP(2, [1]), input_names=["a"]), ValueError,
         "the net has 2 inputs, but input_names has 1"),
        (lambda: network(MLP(2, [1]), input_names="ab"), TypeError,
         'input_names must be a list of texts, got str: write input_names=["height", "weight"]'),
        (lambda: network(MLP(2, [1]), max_units=0), ValueError,
         "max_units must be an int of at least 1, got 0"),
        (lambda: network(MLP(2, [1]), [1, 2], 1, "hinge", convention="delta"), ValueError,
         "unknown convention 'delta': choose dL/dz, -dE/dnet"),
        (lambda: network(None), TypeError,
         "network(model) draws a module or a list of modules, got NoneType"),
        (lambda: network([]), TypeError,
         "network(model) draws a module or a list of modules, got list"),
        (lambda: network(Conv2d(1, 1, 2)), ValueError, "Conv2d(1, 1, 2, stride=1, padding=0, "
         "activation='linear') does not tell how many inputs there are: write network(model, x)"),
        (lambda: network(Sequential(Flatten(), Layer(2, 1))), ValueError,
         "Flatten() does not tell how many inputs there are: write network(model, x)"),
    ]
)  # fmt: skip
