import math
import re
from functools import partial
from typing import Any
from xml.etree import ElementTree

import graphs
import pytest
from graphs import (
    HOSTILE,
    SVG,
    assert_inert,
    batch,
    chain,
    deep_net,
    long_sum,
    net,
    neuron,
    tooltips,
)
from refusals import refusals

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Primitive, Value, parameter, toposort
from tinygrad_edu.losses import binary_cross_entropy_with_logits, cross_entropy
from tinygrad_edu.nn import MLP
from tinygrad_edu.text import clean
from tinygrad_edu.view import RenderError, draw
from tinygrad_edu.view.base.naming import NOTATIONS
from tinygrad_edu.view.base.palette import EDGE, INK, PRESS, ZERO
from tinygrad_edu.view.graph.drawing import _DIRECTIONS, _LEVELS, excerpt
from tinygrad_edu.view.graph.select import LARGEST, main_strands
from tinygrad_edu.view.graph.values import EDGES

pytestmark = pytest.mark.usefixtures("embedded_renderer")


def texts(graph):
    """The texts of the picture, without its caption."""
    return graphs.texts(graph.svg, "node")


def caption(graph):
    """The sentences below the picture."""
    return " ".join(graphs.texts(graph.svg, "caption"))


TIMES = "\N{MULTIPLICATION SIGN}"


def edges_of(graph):
    return re.findall(r"^\t(n\d+) -> (n\d+)", graph.dot, re.MULTILINE)


def test_a_value_shows_name_data_and_grad_and_the_operation_that_made_it():
    assert texts(draw(Value(2.5, "x"))) == ["x", "2.500", "·"]
    shown = texts(draw(neuron(backward=True)))
    # Gradients by hand: x1 = w1/2 = -1.5, w1 = x1/2 = 1, x2 = w2/2, w2 = x2/2 = 0, b = 1/2.
    for value in (
        "x1 2 -1.500",
        "w1 -3 1.000",
        "x2 0 0.500",
        "w2 1 0",
        "b 6.881 0.500",
        "v1 -6 × 0.500",  # noqa: RUF001
        "o 0.707 tanh 1",
    ):
        assert f" {value} " in f" {' '.join(shown)} "


def test_a_gradient_is_a_dot_until_backward_has_reached_the_value():
    assert texts(draw(neuron())).count("·") == 10
    assert "·" not in texts(draw(neuron(backward=True)))
    x = Value(-1.0, "x")
    x.relu().backward()
    assert texts(draw(x)) == ["x", "-1", "0"]  # a zero that backward found


def test_a_graph_that_cannot_be_differentiated_can_be_looked_at():
    wrong = Primitive("wrong", lambda m, x: x, lambda m, y, x: 1 / 0)
    y = wrong(Value(1.0, "x").tanh()) * 2.0
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert "wrong(v1)" in draw(y).table


def test_a_gradient_that_several_passes_have_added_up_is_named():
    x = Value(3.0, "x")
    (x * 5.0).backward()
    y = x * x
    y.backward()
    assert "x (input): data = 3.0, grad = 11.0" in tooltips(draw(y).svg)  # 5 + 2 * 3
    x.grad = 6.0
    assert ".grad" not in draw(y).dot
    loss = net()
    next(v for v in toposort(loss, leaves=True) if v.kind == "parameter").grad = 7.0
    assert "alone: .grad of w1[1,1]<" in draw(loss, level="value").dot
    assert ".grad" not in draw(loss, level="neuron").dot  # which shows deltas, none of parameters


def test_a_constant_has_no_gradient_to_ask_for():
    y = Value(3.0, "x") * 2.0
    y.backward()
    # 2 * 3 = 6 has the gradient 1, of which 2 flow to x
    expected = ["x", "3", "2", "2", "×", "y", "6", "1"]  # noqa: RUF001
    assert sorted(texts(draw(y))) == sorted(expected)
    assert sorted(texts(draw(y, edges="gradient"))) == sorted([*expected, "2"])
    # x, its product, and the line from x
    assert texts(draw(Value(3.0) * 2.0, edges="gradient")).count("·") == 3


def test_kinds_differ_in_corners_ground_and_outline_never_in_hue():
    y = Value(1.0) * parameter(2.0) + 3.0
    looks = re.findall(
        r'color="?([#\w]+)"? fillcolor="?([#\w]+)"?.*penwidth=(\S+) .*style="?(\S*?)"? ',
        draw(y).dot,
    )
    edge, paper, grey, ink = EDGE.light, ZERO.light, PRESS.light, INK.light
    assert looks == [
        (edge, paper, "1.25", "filled"),  # input: sharp corners
        (grey, grey, "1", "filled,rounded"),  # parameter
        (edge, paper, "1", "filled,rounded"),  # product
        ("transparent", "transparent", "0", ""),  # constant
        (ink, paper, "2", "filled,rounded"),  # the root
    ]  # fmt: skip


def test_nodes_are_numbered_in_topological_order_and_edges_repeat_with_operands():
    a = Value(3.0)
    edges = [("n0", "n2"), ("n1", "n2"), ("n2", "n3")]
    assert edges_of(draw((a * Value(2.0)).tanh())) == edges
    assert edges_of(draw(a * a)) == [("n0", "n1"), ("n0", "n1")]
    a.name = "a"
    assert texts(draw(a.exp() + a.sin())).count("a") == 1


@pytest.mark.parametrize(
    ("edges", "label", "numbers", "drawn"),
    [
        # by hand: w1 x1: 2, -3; w2 x2: 0, 1; the two sums: 1; tanh: 1/2
        (
            "local",
            "local derivative",
            [2, -3, 0, *[1] * 5, 0.5],
            [f"{TIMES}{x}" for x in ("2", "-3", "0", "1", "0.500")],
        ),
        ("gradient", "gradient flowing back", [1, -1.5, 0, *[0.5] * 6], []),
    ],
)
def test_lines_show_numbers_on_request(edges, label, numbers, drawn):
    graph = draw(neuron(backward=True), edges=edges)
    lines = ElementTree.fromstring(graph.svg).iterfind(f".//{SVG}g[@class='edge']//{SVG}title")
    told = dict.fromkeys(t.text for t in lines if t.text and label in t.text)
    on_lines = re.findall(rf"{label} = ([^\"]*)\"", graph.dot)
    assert len(told) <= len(on_lines)
    # a number on a line makes two of it, so that its tooltip is there twice
    assert {round(float(x), 12) for x in on_lines} == set(numbers)
    shown = [t for t in texts(graph) if t[0] == TIMES and len(t) > 1]
    assert sorted(shown) == sorted(drawn)  # of plus none
    assert EDGES[edges] in caption(graph)
    assert label not in draw(neuron(backward=True)).dot
    if edges == "gradient":  # a dot before backward: 10 values and 9 lines
        assert texts(draw(neuron(), edges=edges)).count("·") == 10 + 9


def test_nothing_flows_through_a_closed_relu_even_against_infinity():
    x = Value(-1.0)
    y = x.relu()
    y.backward(math.inf)
    assert "gradient flowing back = 0.0" in draw(y, edges="gradient").dot


def test_operands_of_a_dot_are_told_apart_and_paired():
    w, x, b = [parameter(1.0), parameter(2.0)], [Value(3.0), Value(4.0)], parameter(5.0)
    graph = draw(f.dot(w, x, b))
    # the weights on the lines of their inputs, the bias in the box of the unit
    assert edges_of(graph) == [("n2", "n4"), ("n0", "n2"), ("n3", "n4"), ("n1", "n3")]
    shown = " ".join(t for t in texts(graph) if t != "·")
    assert sorted(re.findall("[a-z]1?2? [0-9]+", shown)) == [
        *("b 5", "w1 1", "w2 2", "x1 3", "x2 4", "z 16")
    ]


def test_operands_of_another_dot_have_roles_unless_they_are_called_so():
    w, x = [Value(1.0).exp(), Value(2.0).exp()], [Value(3.0), Value(4.0)]
    graph = draw(f.dot(w, x), names={"x": x, "w": [w[0]]})
    assert sorted(t for t in texts(graph) if "[" in t) == [
        *("w[0]", "w[1]", "w[2]", "x[0]", "x[1]", "x[1]", "x[2]")
    ]
    graph = draw(f.dot(w, x), names={"x": [None, *x], "w": [None, *w]})
    assert sorted(t for t in texts(graph) if "[" in t) == ["w[1]", "w[2]", "x[1]", "x[2]"]


def test_constants_of_an_operation_are_shown():
    x = Value(-1.0)
    assert "alpha = 0.1" in texts(draw(f.leaky_relu(x, alpha=0.1)))
    assert "x³" in texts(draw(x**3))


def test_names_come_from_variables():
    a = Value(1.0)
    w = [Value(2.0), Value(3.0)]
    deep = ([Value(4.0)],)
    total = a + w[0] + w[1] + deep[0][0]
    other = alias = "text"
    shown = texts(draw(total, names=locals()))
    assert {"a", "w[0]", "w[1]", "deep[0][0]", "total", "v1", "v2"} == {
        text for text in shown if text[0].isalpha() and text != "input"
    }
    assert other == alias


def test_the_first_variable_names_a_value_and_its_own_name_goes_first():
    a, own = Value(1.0), Value(2.0, "own")
    knot: list[Any] = [Value(1.0)]
    knot.append(knot)
    names = {"_": a, "first": a, "second": a, "third": own, "knot": knot}
    known = {*names, "own", "knot[0]"} & {*texts(draw(a + own + knot[0], names=names))}
    assert known == {"first", "own", "knot[0]"}


def test_a_large_graph_shows_the_values_nearest_to_the_result():
    graph = draw(long_sum(100), max_nodes=7)
    # 100 sums with a constant each: 201 values. The result, then 2 values per step back.
    assert "7 of 201 values shown" in caption(graph)
    assert len(re.findall("shape=box style=.filled,rounded. ", graph.dot)) == 4
    assert [t for t in texts(graph) if t.startswith("…")] == ["… 2 more"]
    assert edges_of(graph)[0] == ("n0", "n1")
    assert "style=dotted" in graph.dot
    assert repr(graph) == "<Graph: 7 of 201 values shown; y: data 100, grad not computed>"


def test_hidden_operands_are_counted_once():
    a = Value(3.0)
    assert "… 1 more" in texts(draw(a * a, max_nodes=1))
    assert "… 3 more" in texts(draw(f.sum([a, Value(1.0), Value(2.0), Value(4.0)]), max_nodes=2))
    assert len(edges_of(draw(long_sum(600), level="value", max_nodes=1201))) == 2 * 600


@pytest.mark.slow
def test_deep_graphs_are_drawn_without_recursion():
    deep = long_sum(50_000)
    assert "20 of 100,001 values shown" in caption(draw(deep, max_nodes=20))
    assert excerpt(deep).description.startswith("60 of 100,001 values shown; y: data 50000")


test_wrong_arguments_are_refused = refusals(
    [
        (lambda: draw([Value(1.0)]), TypeError,
         "draw(v) draws the graph of one Value, got list: write draw(v[0]), or the loss that is "
         "made of them"),
        (lambda: draw(Value(1.0), names=["x"]), TypeError,
         "names must be a mapping of texts to Values, as locals() is, got list: "
          'write names={"x": x}'),
        *[(partial(draw, Value(1.0), **{option: wrong}), ValueError,
           f"unknown {option} {wrong!r}: choose {', '.join(names)}{hint}")
          for option, wrong, names, hint in (
              ("level", "neuronn", _LEVELS, "; did you mean 'neuron'?"),
              ("edges", "all", EDGES, ""),
              ("rankdir", 'LR"; onload="x', _DIRECTIONS, ""),
              ("notation", "math", NOTATIONS, ""),
          )],
        *[(partial(draw, Value(1.0), max_nodes=n), error,
           f"max_nodes must be an int of at least 1, got {text}")
          for n, error, text in (
              (0, ValueError, "0"), (True, TypeError, "bool True"), (1.5, TypeError, "float 1.5"),
          )],
        (lambda: draw(long_sum(600), level="value"), ValueError,
         "the graph has 1,201 values, more than max_nodes=150: write max_nodes=1201 to draw them "
         'all, or level="auto" for the nearest'),
        (lambda: draw(deep_net(), level="layer", max_nodes=5), ValueError,
         "the drawing has 33 boxes, more than max_nodes=5: write max_nodes=33 to draw them all, or "
         'level="auto"'),
        *[(partial(draw, batch(3), example=k), ValueError,
           f"example={k!r} is not there: the graph has 3 examples, 0 to 2")
          for k in (3, -1, True, 1.0, "0")],
        (lambda: draw(net(), example=1), ValueError,
         "example=1 is not there: the graph has one example: write 0"),
        (lambda: draw(net(), expand="layer1.neuron3"), ValueError,
         "expand='layer1.neuron3' is no unit or layer of this drawing: write one of 'layer1', "
         "'layer2', 'layer1.neuron1', 'layer1.neuron2', 'layer2.neuron1'"),
        (lambda: draw(Value(1.0, "a"), expand="a"), ValueError,
         "expand='a' is no unit or layer of this drawing: it has none"),
        (lambda: draw(net(), level="value", expand="layer1"), ValueError,
         'level="value" shows every number, there is nothing to expand: write level="neuron"'),
        (lambda: draw(net(), expand=[1]), TypeError,
         'expand must be a list of names, got one with int 1: write expand="layer1.neuron1"'),
    ]
)  # fmt: skip


def test_a_drawing_runs_in_four_directions():
    for rankdir in ("LR", "TB", "RL", "BT"):
        assert f"rankdir={rankdir}" in draw(Value(1.0) * 2, rankdir=rankdir).dot


def test_a_drawing_keeps_what_was_drawn():
    o = neuron(backward=True)
    graph = draw(o, edges="gradient", names={"x": o})
    drawn = texts(graph)
    for v in toposort(o, leaves=True):
        v.data = v.grad = 77.0
    del graph.svg
    assert texts(graph) == drawn


def test_a_drawing_has_a_title_and_a_description():
    root = ElementTree.fromstring(draw(neuron(backward=True)).svg)
    assert root.get("style") == "max-width:100%;height:auto"
    assert [(e.tag, e.text) for e in root[:2]] == [
        (f"{SVG}title", "Computation graph of o"),
        (f"{SVG}desc", "10 values; o: data 0.7071, grad 1"),
    ]
    assert repr(draw(neuron())) == "<Graph: 10 values; o: data 0.7071, grad not computed>"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_any_text_is_shown_as_text(text):
    operation = Primitive(text, lambda m, x: x, lambda m, y, x: (1.0,))
    v = operation(Value(1.0, text))
    v.name = text
    for graph in (draw(v, edges="local"), draw(v, names={text: v.parents[0]})):
        assert_inert(graph.svg)
        assert set(re.findall(r"^\t(\w+)", graph.dot, re.MULTILINE)) <= {
            *("graph", "node", "edge", "label", "n0", "n1", "e0")
        }
        assert draw(v).table


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("</text><script>", "</text><script>"),
        ("</text><script>alert(1)", "</text><s…ert(1)"),
        ("&amp; &#x3C; ]]>", "&amp; &#x3C; ]]>"),
        ("\\N \\G ends in \\", "\\N \\G ends in \\"),
        ("<b>x</b>{a|b} \"'", "<b>x</b>{a|b} \"'"),
        ("a\x00b\x1b\ud800", "a\ufffdb\ufffd\ufffd"),
        ("user\u202etxt", "usertxt"),
        ("%s {} {7} ${7*7}", "%s {} {7} ${7*7}"),
        ("重み 🙂", "重み 🙂"),
        ("a name of many words", "a name of… words"),
    ],
)
def test_names_and_operations_are_shown_literally(text, written):
    operation = Primitive(text, lambda m, x: x, lambda m, y, x: (1.0,))
    graph = draw(operation(Value(1.0, text)))
    assert texts(graph)[0] == written
    assert texts(graph).count(written) == 2
    full = clean(text, 1000)
    first, second, _ = tooltips(graph.svg)
    assert first == f"{full} (input): data = 1.0, grad = not computed"
    assert second.startswith(f"y (result), operation {full}: ")


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf, -0.0, 1e308, 5e-324])
def test_odd_numbers_do_not_break_the_geometry(x):
    v = Value(x) * 1.0
    v.backward()
    root = ElementTree.fromstring(draw(v, edges="local").svg)
    for element in root.iter():
        for attribute in ("d", "points", "x", "y", "width", "height", "viewBox"):
            assert not re.search("nan|inf", element.get(attribute, ""))


def test_without_a_renderer_a_notebook_gets_a_sentence_and_a_table(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    a = Value(3.0, "a")
    graph = draw((a * a).tanh() + 2.0)  # each value has the name that explain and films give it
    assert graph._repr_mimebundle_() == {
        "text/plain": "pictures are switched off by TINYGRAD_EDU_GRAPHVIZ=none: unset it, or use "
        '.dot or .save("g.dot")\n'
        "\n"
        "name  made by         data  grad\n"
        "a     input           3     ·\n"
        "v1    multiply(a, a)  9     ·\n"
        "v2    tanh(v1)        1     ·\n"
        "2     constant        2\n"
        "y     add(v2, 2)      3     ·"
    }
    assert graph.save(tmp_path / "g.dot").read_text() == graph.dot
    with pytest.raises(RenderError, match="switched off"):
        graph.save(tmp_path / "g.svg")
    assert not (tmp_path / "g.svg").exists()


def test_the_table_of_a_large_graph_is_cut():
    lines = draw(chain(101)).table.splitlines()
    assert len(lines) == 1 + 60 + 1
    assert lines[-1] == "(41 values before these left out)"


def names_in(graph):
    """The names of the values in the drawing."""
    return {line.split()[0] for line in graph.table.splitlines()[1:]}


def test_a_small_graph_is_drawn_whole():
    a = Value(2.0, "a")
    y = (a * a).tanh()
    y.backward()
    assert excerpt(y).dot == draw(y).dot


def test_of_a_unit_the_two_largest_products_and_the_bias_are_followed():
    w = [Value(x, f"w{i}") for i, x in enumerate([1.0, -5.0, 0.1, 3.0])]
    x = [Value(1.0, f"x{i}") for i in range(4)]
    z = f.dot(w, x, Value(0.0, "b"))
    strands = main_strands(toposort(z, leaves=True), 9)
    assert {v.name for v in strands} == {"w1", "x1", "w3", "x3", "b", z.name}


def test_of_another_operation_the_operands_with_the_largest_slopes_are_followed():
    z = [Value(x, f"z{i}") for i, x in enumerate([0.0, 5.0, 1.0, 4.0, 0.0, -9.0])]
    y = f.logsumexp(z)  # its slopes are the softmax: largest for z1 and z3
    assert {v.name for v in main_strands(toposort(y, leaves=True), 4)} == {"z1", "z3", y.name}


@pytest.mark.parametrize(("sizes", "nout"), [([16, 16], 1), ([16, 16], 3), ([16] * 20, 1)])
def test_an_excerpt_of_a_net_reaches_the_inputs_and_stays_small(sizes, nout):
    model = MLP(2, [*sizes, nout], "tanh", rng=0)
    x = [Value(0.5, "x1"), Value(-0.3, "x2")]
    loss = (binary_cross_entropy_with_logits if nout == 1 else cross_entropy)(model(x), 1)
    loss.backward()
    assert len(toposort(loss, leaves=True)) > LARGEST
    shown = names_in(excerpt(loss))
    assert len(shown) <= LARGEST
    assert {"x1", "x2"} <= shown or len(sizes) > 2


# The ground of a box has the colour of any number that is asked of its value.


def fills(graph):
    """The colours of signs that grounds have, and how strong each is."""
    root = ElementTree.fromstring(graph.svg)
    shaded = [e for e in root.iter() if "fill-opacity" in e.attrib]
    return [(e.get("class").split()[0], float(e.get("fill-opacity"))) for e in shaded]


def test_grounds_have_the_colour_of_any_function_of_a_value(embedded_renderer):
    o = neuron(backward=True)
    assert fills(draw(o)) == []
    by_grad = fills(draw(o, color=lambda v: v.grad))
    assert [sign for sign, _ in by_grad].count("negative") == 1  # dL/dx1 = -1.5, the largest
    assert max(by_grad, key=lambda found: found[1])[0] == "negative"
    assert len(by_grad) == sum(v.grad != 0 for v in toposort(o, leaves=True))
    inputs = fills(draw(o, color=lambda v: -1.0 if v.kind == "input" else 0.0))
    assert inputs == [("negative", pytest.approx(90 / 255, abs=0.01))] * 2

    def depth(v):
        return float("nan") if v.op is None else 2.0

    graph = draw(o, color=depth)
    assert "Ground: depth of the value, up to 2 in size." in graph.dot
    assert len(fills(graph)) == 5


def test_a_unit_has_the_colour_of_the_largest_of_its_values(embedded_renderer):
    loss = net()
    graph = draw(loss, level="value", color=lambda v: v.grad)
    [out] = [box for box in graph.diagram.boxes if box.within == ("Layer 2", "linear")]
    assert out.shade == max((row.shade for row in out.rows), key=abs)
    assert max(box.shade for box in graph.diagram.boxes) <= 1
    assert {abs(x.shade) for box in graph.diagram.boxes for x in (box, *box.rows)} >= {1.0}


test_what_no_colour_can_be_made_of_is_refused = refusals(
    [
        (
            lambda: draw(neuron(), color=lambda v: "red"),
            TypeError,
            "color(w1) must be a finite number, got str 'red'",
        ),
        (
            lambda: draw(neuron(), color="grad"),
            TypeError,
            "color is a function of a Value, got str: write color=lambda v: v.grad",
        ),
    ]
)
