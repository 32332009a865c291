"""The neuron and layer levels of `draw`, its choice by size, what it opens; diagrams by hand."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from graphs import SVG, assert_inert, batch, deep_net, net, summed, texts

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value, parameter, primitives, toposort
from tinygrad_edu.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge,
)
from tinygrad_edu.nn import MLP, Layer
from tinygrad_edu.view import draw
from tinygrad_edu.view.base.palette import EDGE, NEGATIVE, POSITIVE
from tinygrad_edu.view.base.svg import inline
from tinygrad_edu.view.graph.diagram import Box, Diagram, Edge, Frame, Number, table
from tinygrad_edu.view.graph.dot import to_dot
from tinygrad_edu.view.graph.picture import picture

LEVELS: list[dict[str, Any]] = [
    {"level": "auto"},
    {"level": "value", "edges": "local"},
    {"level": "value", "unfold": True},
    {"level": "neuron"},
    {"level": "neuron", "edges": "gradient", "expand": "layer1"},
    {"level": "layer"},
    {"level": "layer", "expand": "layer1.neuron1", "unfold": True},
]


pytestmark = pytest.mark.usefixtures("embedded_renderer")


def box(graph, name):
    """What the table says of a box."""
    return next(line for line in graph.table.splitlines() if re.match(f"{re.escape(name)}  ", line))


@pytest.mark.parametrize(
    ("loss", "output", "word"),
    [
        (cross_entropy, "linear", "cross entropy"),
        (binary_cross_entropy, "sigmoid", "binary cross entropy"),
        (binary_cross_entropy_with_logits, "linear", "binary cross entropy wi…"),
    ],
)
def test_the_column_of_the_loss_says_which_it_is(loss, output, word):
    model = MLP(2, [2, 2 if loss is cross_entropy else 1], "tanh", output, rng=0)
    assert f">{word}</text>" in draw(loss(model([0.5, -1.0]), 1), level="layer").svg


def test_a_unit_is_a_box_with_net_input_activation_and_delta():
    x = [Value(3.0, "x1"), Value(4.0, "x2")]
    w = [parameter(0.5, "layer1.neuron1.w[0]"), parameter(-1.0, "layer1.neuron1.w[1]")]
    y = f.dot(w, x, parameter(2.0, "layer1.neuron1.b")).relu() * 2.0  # z = 1.5 - 4 + 2 = -0.5
    y.backward()
    # numbers have their names of the lecture (once: z, a, delta), and the text says all of the box
    assert box(draw(y, level="neuron"), "layer1.neuron1") == (
        "layer1.neuron1  relu, b1[1] 2, z1[1] -0.5, a1[1] 0, delta1[1] 0  x1, x2"
    )
    assert "delta ·" in draw(f.dot([parameter(1.0)], [Value(1.0)]).tanh(), level="neuron").table
    graph = draw(y, level="neuron")
    assert {"0.500", "-1"} <= {*texts(graph.svg)}
    assert graph.dot.count(">0.500<") == graph.dot.count(">\N{MINUS SIGN}1<") == 1


def lines(svg):
    """Colour, width and dash of each line between cards, the faint and the thin ones first."""
    paths = ElementTree.fromstring(svg).findall(f"{SVG}path")
    return [
        (e.get("stroke"), float(e.get("stroke-width")), "stroke-dasharray" in e.attrib)
        for e in paths
    ]


def test_lines_tell_the_sign_of_a_weight_by_colour_dash_and_width():
    w = [parameter(2.0), parameter(-1.0), parameter(0.0)]
    z = f.dot(w, [Value(1.0), Value(1.0), Value(1.0)])
    # widths from 0.7 for 0 to 4 for the largest |w|
    assert lines(draw(z, level="neuron").svg) == [
        (EDGE.light, 0.7, False),
        (NEGATIVE.light, 2.35, True),
        (POSITIVE.light, 4.0, False),
    ]


def test_lines_show_what_flowed_back_on_request():
    w = [parameter(2.0), parameter(-1.0)]
    z = f.dot(w, [Value(1.0), Value(3.0)])
    (z * -3.0).backward()
    names = texts(draw(z * -3.0, level="neuron", edges="gradient").svg)
    assert "·" in names  # of another backward pass
    y = f.dot(w, [Value(1.0), Value(3.0)]) * -3.0
    y.backward()
    picture = draw(y, level="neuron", edges="gradient")
    assert {"-6", "3"} <= {*texts(picture.svg)}  # delta w = -3 * 2, -3 * -1
    assert "Lines: what flowed back" in picture.diagram.caption[-1]
    wide = draw(net(), level="layer", edges="gradient").diagram.lines
    flows = [line.share for line in wide]
    assert max(flows) == 1
    assert len(set(flows)) == len(flows)


def test_a_layer_is_a_box_with_sizes_parameters_and_mean_delta():
    loss = net()
    deltas = [abs(v.grad) for v in toposort(loss) if v.op is primitives["dot"]]
    mean = (deltas[0] + deltas[1]) / 2
    graph = draw(loss, level="layer")
    assert "2 tanh units of 2 inputs, 6 parameters, mean |delta| " in box(graph, "layer1")
    assert f"mean |delta| {mean:.3g}"[:16] in box(graph, "layer1")
    assert "2 operations, data" in box(graph, "L")
    assert "x1 1, x2 -2" in box(graph, "inputs")


@pytest.mark.parametrize(
    ("sizes", "name"),
    [
        ([1], "w1[1,2]"),  # values
        ([2, 1], "layer1.neuron1"),  # 21 values, too wide
        ([16, 16, 1], "layer3.neuron1"),
        ([121, 1], "layer2.neuron1"),
        ([3] * 9 + [1], "layer7"),  # more columns of units than stand side by side
    ],
)
def test_auto_picks_the_level_by_size(sizes, name):
    table = draw(hinge(MLP(2, sizes, "tanh", rng=0)([1.0, 2.0]), 1)).table
    assert name in [line.split()[0] for line in table.splitlines()]


def test_a_graph_without_units_shows_its_values_and_says_so():
    a = Value(2.0, "a")
    for level in ("neuron", "layer"):
        shown = draw(a * a, level=level).dot
        assert "no units (net inputs w·x + b) in this graph: its values are shown" in shown
        assert ">a</FONT>" in shown


def test_units_of_a_net_by_hand_are_named_by_depth():
    x = [Value(1.0), Value(2.0)]
    h = [f.dot([Value(0.1), Value(0.2)], x, Value(0.0)).tanh() for _ in range(2)]
    y = f.dot([Value(0.3), Value(0.4)], h, Value(0.0)).sigmoid()
    table = draw(y, level="neuron").table
    assert re.findall(r"^unit \d\.\d", table, re.MULTILINE) == ["unit 1.1", "unit 1.2", "unit 2.1"]
    assert re.findall(r"^layer \d", draw(y, level="layer").table, re.MULTILINE) == [
        *("layer 1", "layer 2")
    ]


def test_a_loss_over_many_examples_shows_one_and_says_so():
    loss = batch(3)
    graph = draw(loss, level="neuron")
    assert "example 0 of 3" in graph.dot
    assert "over 3 examples" in box(graph, "L")
    assert graph.table.count("layer1.neuron1  ") == 1
    names = ["x1", "x1#2", "x1#3"]
    inputs = [box(draw(loss, level="neuron", example=k), name) for k, name in enumerate(names)]
    assert [line.split()[3].rstrip(",") for line in inputs] == ["0", "1", "2"]


def test_an_example_of_a_sum_of_two_at_a_time_is_found():
    model = MLP(2, [2, 1], "tanh", rng=1)
    loss = summed([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], model)
    loss = loss + 0.1 * sum(p * p for p in model.parameters())
    graph = draw(loss, level="neuron", example=2)
    assert "example 2 of 3" in graph.dot
    assert "data 5" in graph.table
    assert "data 1," not in graph.table.split("constant")[0]


def test_outputs_of_one_example_are_no_examples():
    model = Layer(2, 3, "tanh")
    graph = draw(f.sum([(a - 1.0) ** 2 for a in model([1.0, 2.0])]), level="neuron")
    assert "example" not in graph.description
    assert graph.table.count("tanh, b1[") == 3
    assert draw(net(), example=0).dot == draw(net()).dot


def test_an_example_alone_is_shown_at_level_value_where_asked_for():
    loss = batch(3)
    total = len(toposort(loss, leaves=True))
    assert "example" not in draw(loss, level="value").description
    one = draw(loss, level="value", example=1)
    assert "example 1 of 3" in one.description
    assert f" of {total} values shown" in one.description


def test_of_shared_weights_the_uses_are_counted():
    w, b = [parameter(1.0, "kernel1.w[0]"), parameter(2.0, "kernel1.w[1]")], parameter(0.0)
    x = [Value(float(k)) for k in range(4)]
    y = f.max([f.dot(w, x[k : k + 2], b).relu() for k in range(3)])
    for level in ("neuron", "layer"):
        told = "1 relu unit of 2 inputs, each used 3 times, 3 parameters"
        assert told in draw(y, level=level).table
    pooled = f.mean([f.dot(w, x[k : k + 2], b).relu() for k in range(3)])
    assert "example" not in draw(pooled, level="neuron").description  # patches share inputs


def test_a_layer_that_is_used_again_and_again_is_a_box_for_each_time():
    cell, h = Layer(2, 1, "tanh", rng=0), Value(0.0)
    for t in range(3):
        (h,) = cell([Value(float(t)), h])
    assert re.findall(r"^layer 1, use \d of 3", draw(h, level="layer").table, re.MULTILINE) == [
        *("layer 1, use 1 of 3", "layer 1, use 2 of 3", "layer 1, use 3 of 3")
    ]


@pytest.mark.parametrize(
    ("level", "expand", "opened"),
    [
        ("neuron", "layer1.neuron2", "2"),
        ("neuron", "layer1", "12"),
        ("layer", "layer1", "12"),
        ("layer", "layer1.neuron2", "2"),
        ("auto", ["layer1.neuron1", "layer2.neuron1"], "1"),
    ],
)
def test_units_and_layers_are_opened(level, expand, opened):
    for notation, name in (("lecture", "w1[{},2]"), ("code", "layer1.neuron{}.w[2]")):
        cards = draw(net(), level=level, expand=expand, notation=notation).diagram.boxes
        said = [c.text for card in cards for row in card.cells for c in row if c.look == "name"]
        assert [k for k in "12" if name.format(k) in said] == [*opened]


def test_an_opened_unit_shows_the_terms_of_its_net_input():
    # the larger ones of many: w = 20, ..., 1 and x = 1
    w = [parameter(20.0 - k) for k in range(20)]
    z = f.dot(w, [Value(1.0) for _ in w], parameter(3.0))
    graph = draw(z, level="neuron", expand="unit 1.1")
    (card,) = [card for card in graph.diagram.boxes if card.kind == "unit"]
    rows = [[cell.said for cell in row] for row in card.cells]
    assert rows[:3] == [["", "w", "x", "w x"], ["w1", "20", "1", "20"], ["w2", "19", "1", "19"]]
    assert rows[-3:] == [["8 more"], ["b", "", "", "3"], ["z", "", "", "213"]]


def test_a_unit_is_unfolded_into_products_and_their_sum():
    w, x = [parameter(2.0), parameter(-3.0)], [Value(5.0), Value(7.0)]
    z = f.dot(w, x, parameter(1.0)) * 2.0
    z.backward()
    dot = draw(z, unfold=True, edges="local").dot
    # products 10 and -21, with the gradient of their sum; dz/dw = x, dz/dx = w
    assert re.findall(r"product w\[[12]\] x\[[12]\]: ([^\"]*)\"", dot) == [
        *("data = 10.0, grad = 2.0", "data = -21.0, grad = 2.0")
    ]
    slopes = re.findall(r"local derivative = ([^\"]*)\"", dot)
    assert {*map(float, slopes)} == {5, 2, 1, 7, -3, -10}
    assert "w·x" not in dot


def test_more_boxes_than_max_nodes_are_left_out_and_counted():
    graph = draw(deep_net(), max_nodes=5)
    assert "28 boxes left out" in graph.dot
    assert "…" in graph.dot
    h, w = Value(1.0), parameter(1.0, "w")
    for _ in range(300):  # without recursion
        h = f.dot([w], [h]).tanh()
    assert "281 boxes left out" in draw(h, max_nodes=20).dot


def test_many_inputs_are_one_box():
    y = cross_entropy(MLP(64, [4, 3], rng=0)([0.5] * 64), 1)
    graph = draw(y)
    assert "64 numbers" in box(graph, "inputs")
    assert "layer1.neuron1" in graph.table


def test_edges_go_from_lower_to_higher_numbers():
    for options in LEVELS:
        for tail, head in re.findall(r"^\t+n(\d+) -> n(\d+)", draw(net(), **options).dot, re.M):
            assert int(tail) < int(head), options


@pytest.mark.parametrize("options", LEVELS, ids=str)
def test_without_a_renderer_values_are_a_table_and_units_a_picture(options, monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    shown = draw(net(), **options)._repr_mimebundle_()
    if options["level"] == "value":
        assert list(shown) == ["text/plain"]
        assert "w1[2,1]" in shown["text/plain"]
    else:
        assert list(shown) == ["image/svg+xml", "image/png", "text/plain"]


HOSTILE = '</text><script>alert("1")</script> {a|b} $x$ \\N &amp;\n重み'


@pytest.mark.slow
@pytest.mark.parametrize("level", ["value", "neuron", "layer"])
def test_names_are_text_at_every_level(level):
    w = [parameter(1.0, f"{HOSTILE}.neuron{k}.w[0]") for k in (1, 2)]
    x = Value(1.0, HOSTILE)
    h = [f.dot([p], [x]).tanh() for p in w]
    y = f.dot([parameter(1.0, "o")], [h[0]]) + h[1]
    y.name = HOSTILE
    y.backward()
    opened = [None] if level == "value" else [None, f"{HOSTILE}.neuron1"]
    for expand in opened:
        graph = draw(y, level=level, expand=expand, names={HOSTILE: h})
        assert_inert(graph.svg)
        assert "</text><script>" in "".join(texts(graph.svg))
        assert "\n重" not in graph.table


@pytest.mark.slow
def test_the_loss_of_the_moons_demo_is_drawn_by_unit():
    model = MLP(2, [16, 16, 1], init="uniform", rng=1337)
    loss = summed([[k / 100, 1 - k / 100] for k in range(100)], model)
    loss = loss + 1e-4 * sum(p * p for p in model.parameters())
    loss.backward()
    graph = draw(loss)
    assert "example 0 of 100" in graph.dot
    assert "16 relu units of 16 inputs" in box(graph, "layer2")
    assert "z3[1]" in box(graph, "layer3.neuron1")


def by_hand():
    """x, and a unit made from it in a band, on a line with a weight."""
    diagram = Diagram(caption=["two boxes"])
    x = diagram.add(Box("input", label="x", name="x", made="input", numbers=[Number("data", 2.0)]))
    rows = [
        Box("result", name="z", numbers=[Number("data", 1.0), Number("grad", -0.5, back=True)]),
        Box("result", name="a", numbers=[Number("data", blank=True)]),
    ]
    unit = Box("unit", label="u", name="<u>", details=["one"], rows=rows, made="tanh")
    unit.sources, unit.within = ["x"], Frame("layer", "tanh")
    diagram.add(unit)
    diagram.edges.append(Edge(x.id, unit.id, "w", [Number("w", -0.5)], weight=-0.5, share=1.0))
    return diagram


@pytest.mark.parametrize("paper", [False, True])
def test_a_diagram_by_hand_becomes_a_picture(paper):
    dot = to_dot(by_hand(), paper=paper)
    svg = inline(picture(by_hand(), paper=paper), "by hand", "")
    assert_inert(svg)
    assert {*texts(svg)} == {
        *("x", "2", "<u>", "one", "z", "1", "-0.500", "a", "w", "layer  tanh", "two boxes")
    }
    assert ("style=dashed" in dot, "subgraph cluster" in dot) == (True, True)


def test_a_diagram_by_hand_becomes_text():
    assert table(by_hand(), ["a note"]).splitlines() == [
        "name  shows                       made from",
        "x     input, data 2",
        "u     tanh, one, z 1, z -0.5, a   x",
        "a note",
    ]
