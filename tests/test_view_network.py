import math
import re
from xml.etree import ElementTree

import pytest
from graphs import HOSTILE, SVG, texts, tooltips
from refusals import refusals

from tinygrad_edu.engine import Primitive
from tinygrad_edu.nn import MLP, Layer
from tinygrad_edu.view.network.deltas import deltas
from tinygrad_edu.view.network.network import network


def elements(picture, tag):
    return list(ElementTree.fromstring(picture.svg).iter(f"{SVG}{tag}"))


def lines(picture):
    """Kind and width of each line."""
    return [
        (e.get("class", "").removeprefix("line "), float(e.get("stroke-width", "nan")))
        for e in elements(picture, "line")
    ]


def given(*weights):
    """A linear unit with these weights."""
    rest = list(weights)
    return MLP(len(weights), [1], init=lambda rng, nin, nout: rest.pop(0))


def test_every_unit_is_a_circle_and_every_weight_a_line():
    picture = network(MLP(3, [4, 4, 2], rng=1))
    assert len(elements(picture, "circle")) == 3 + 4 + 4 + 2
    assert len(elements(picture, "line")) == 3 * 4 + 4 * 4 + 4 * 2


def test_columns_are_named_with_size_and_activation():
    assert texts(network(MLP(2, [3, 1], "tanh", "sigmoid")).svg) == [
        *("x1", "x2"),
        *("inputs", "2", "layer1", "3 tanh", "layer2", "1 sigmoid"),
        "lines: weights, blue positive, orange dashed negative, wide where |w| is large",
    ]


def test_an_operation_of_ones_own_is_called_by_its_name():
    bump = Primitive("bump", lambda m, x: m.exp(-x * x), lambda m, y, x: (-2 * x * y,))
    assert "2 bump" in network(MLP(3, [2, 1], bump)).svg


def test_lines_show_sign_and_size_of_a_weight():
    # widths run from 0.6 for 0 to 5 for the largest |w|
    picture = network(given(2.0, -1.0, 0.0))
    assert lines(picture) == [("plus", 5.0), ("minus", 2.8), ("zero", 0.6)]
    assert [t for t in tooltips(picture.svg) if t.startswith("w")] == [
        "w1[1,1] = 2",
        "w1[1,2] = -1",
        "w1[1,3] = 0",
    ]


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, 1e308])
def test_odd_numbers_do_not_break_the_geometry(odd):
    model = given(1.0, odd)
    for picture in (network(model), network(model, [odd, 1.0], 1, "squared_error")):
        numbers = [
            float(value)
            for e in ElementTree.fromstring(picture.svg).iter()
            for name, value in e.attrib.items()
            if name in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "stroke-width")
            or name == "fill-opacity"
        ]
        assert numbers
        assert all(map(math.isfinite, numbers))


def test_circles_show_activations():
    # w = 2, 3 and x = 1, -1: a = -1
    picture = network(given(2.0, 3.0), [1.0, -1.0])
    assert texts(picture.svg)[:6] == ["1", "x1", "-1", "x2", "inputs", "2"]
    assert texts(picture.svg)[6] == "-1"
    assert "b1[1] = 0, z1[1] = -1" in tooltips(picture.svg)
    assert not [e for e in elements(picture, "circle") if e.get("fill-opacity")]


@pytest.mark.parametrize(("convention", "sign"), [("dL/dz", 1), ("-dE/dnet", -1)])
def test_circles_show_deltas_and_are_shaded_by_them(convention, sign):
    model = MLP(2, [3, 1], "tanh", "sigmoid", rng=1)
    picture = network(model, [1, -2], 1, "binary_cross_entropy", convention=convention)
    rows = deltas(model, [1, -2], 1, "binary_cross_entropy", convention).rows
    shades = [e for e in elements(picture, "circle") if e.get("fill-opacity")]
    largest = max(abs(row.delta) for row in rows)
    assert [e.get("class") for e in shades] == ["up" if row.delta > 0 else "down" for row in rows]
    for e, row in zip(shades, rows, strict=True):
        share = float(e.get("fill-opacity", "nan"))
        assert share == pytest.approx(0.5 * abs(row.delta) / largest, abs=1e-3)
    # y - a is positive for y = 1
    assert shades[-1].get("class") == ("down" if sign > 0 else "up")
    assert any(f"delta = {convention}" in text for text in texts(picture.svg))
    assert len([t for t in tooltips(picture.svg) if ", dL/dw = " in t]) == 2 * 3 + 3


def test_a_layer_of_more_than_16_units_is_elided_with_a_count():
    picture = network(MLP(64, [32, 10], rng=1))
    assert [t for t in texts(picture.svg) if "more" in t] == ["... 48 more", "... 16 more"]
    assert len(elements(picture, "circle")) == 16 + 16 + 10
    assert "42 of 106 circles drawn" in elements(picture, "desc")[0].text
    assert not [t for t in texts(network(MLP(16, [16, 1])).svg) if "more" in t]
    assert len(elements(network(MLP(5, [3]), max_units=2), "circle")) == 4


@pytest.mark.parametrize("sizes", [(2, 3, 1), (3, 4, 4, 2), (2, 16, 16, 1), (64, 32, 10)])
def test_circles_and_texts_lie_apart_and_inside_the_picture(sizes):
    nin, *nouts = sizes
    model = MLP(nin, nouts, "tanh", rng=1)
    target = [0.0] * nouts[-1]
    picture = network(model, [-0.0123456] * nin, target, "squared_error")
    root = ElementTree.fromstring(picture.svg)
    width, height = float(root.get("width", "nan")), float(root.get("height", "nan"))
    units = [e for e in elements(picture, "circle") if e.get("class") == "unit"]
    centres = [(float(e.get("cx", "nan")), float(e.get("cy", "nan"))) for e in units]
    r = float(units[0].get("r", "nan"))
    assert all(math.dist(p, q) > 2 * r for i, p in enumerate(centres) for q in centres[:i])
    assert all(r < x < width - r and r < y < height - r for x, y in centres)
    boxes = []
    for e in elements(picture, "text"):
        wide = 6.2 * len(e.text or "")
        left = {"start": 0.0, "middle": wide / 2, "end": wide}[e.get("text-anchor", "")]
        x, y = float(e.get("x", "nan")) - left, float(e.get("y", "nan"))
        boxes.append((x, y - 9, x + wide, y + 2, e.text))
    for i, (a, b, c, d, text) in enumerate(boxes):
        assert a >= 0, text
        assert b >= 0, text
        assert c <= width, text
        assert d <= height, text
        for left, top, right, bottom, other in boxes[:i]:
            assert a >= right or c <= left or b >= bottom or d <= top, (text, other)


@pytest.mark.parametrize("x", [0.0, -0.123456, 123456.7, -1.23e-10, -1.5e-300, 9.99e307, math.nan])
def test_a_number_fits_into_its_circle(x):
    inside = texts(network(given(1.0), [x]).svg)[0]
    assert len(inside) <= 7
    assert float(inside) == pytest.approx(x, rel=0.5, nan_ok=True)


@pytest.mark.parametrize("name", [*HOSTILE, "\n$x$"])
def test_names_are_shown_as_text(name):
    def activation(z):
        return z.tanh()

    def loss(output, target):
        return (output - target) ** 2

    activation.__name__ = loss.__name__ = name
    model = MLP(2, [2, 1], activation)
    picture = network(model, [1, 2], 1, loss, input_names=[name, "plain"])
    allowed = {"svg", "title", "desc", "style", "rect", "g", "line", "circle", "text"}
    root = ElementTree.fromstring(picture.svg)
    assert {e.tag.removeprefix(SVG) for e in root.iter()} == allowed
    assert not [a for e in root.iter() for a in e.attrib if "href" in a or a.startswith("on")]
    if name == "&amp;":
        assert "&amp;" in texts(picture.svg)
        assert "2 &amp;" in texts(picture.svg)


def test_a_net_has_a_title_and_a_description():
    picture = network(MLP(2, [3, 1]))
    root = ElementTree.fromstring(picture.svg)
    assert [(e.tag, e.text) for e in root[:2]] == [
        (f"{SVG}title", "Network 2-3-1"),
        (f"{SVG}desc", picture.description),
    ]
    assert "prefers-color-scheme: dark" in picture.svg
    assert repr(picture) == (
        "<Network: 2, 3, 1 units, the first being inputs; lines: weights, blue positive, orange "
        "dashed negative, wide where |w| is large>"
    )


def test_the_styles_touch_nothing_but_the_picture():
    style = elements(network(MLP(2, [1])), "style")[0].text or ""
    selectors = [s.strip() for s in re.findall(r"([^{}]+)\{", style)]
    assert [s for s in selectors if not s.startswith(".tge-net")] == [
        "@media (prefers-color-scheme: dark)"
    ]


def test_a_picture_is_saved_as_svg(tmp_path):
    picture = network(Layer(2, 2))
    path = picture.save(tmp_path / "net.svg")
    assert path.read_text(encoding="utf-8") == picture.svg


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
    ]
)  # fmt: skip
