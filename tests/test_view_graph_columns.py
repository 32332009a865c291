"""Boards of cards: which windows lie on an image, where lines run, where everything stands."""

from xml.etree import ElementTree

import pytest
from boxes import faults
from graphs import SVG, deep_net

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value, parameter, toposort
from tinygrad_edu.losses import cross_entropy, squared_error
from tinygrad_edu.nn import (
    MLP,
    RNN,
    BatchNorm,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    Module,
    Sequential,
    Unflatten,
)
from tinygrad_edu.view import draw, network
from tinygrad_edu.view.base.graph_units import find_units
from tinygrad_edu.view.base.palette import INK, NEGATIVE, POSITIVE
from tinygrad_edu.view.graph.blocks import cut
from tinygrad_edu.view.graph.board.columns import Board, Cell, Column, layout_of
from tinygrad_edu.view.graph.board.curves import Spot, curves, name_places, strongest
from tinygrad_edu.view.graph.board.maps import Windows, drawn, image_below, shape_of, windows_of
from tinygrad_edu.view.graph.board.paint import board_picture
from tinygrad_edu.view.graph.diagram import Edge, Number
from tinygrad_edu.view.graph.picture import WIDEST


@pytest.mark.parametrize(
    ("height", "width", "channels", "size", "stride", "padding"),
    [
        (5, 5, 1, 3, 1, 0),
        (4, 6, 1, 3, 1, 1),
        (3, 3, 1, 2, 1, 1),
        (7, 5, 1, 3, 2, 1),
        (4, 4, 3, 2, 1, 0),
        (6, 6, 1, 3, 3, 0),
        (4, 4, 1, 2, 2, 0),
    ],
)
def test_the_windows_of_a_convolution_are_found_in_its_graph(
    height, width, channels, size, stride, padding
):
    image = [[[Value(0.5) for _ in range(width)] for _ in range(height)] for _ in range(channels)]
    maps = Conv2d(channels, 1, size, stride, padding)(image)
    patches = [
        u.x for u in find_units(toposort(*(v for row in maps[0] for v in row), leaves=True)).units
    ]
    windows = windows_of(patches)
    assert windows == Windows(size, stride, len(maps[0][0]))
    assert image_below(patches, windows) == image


def test_what_are_no_windows_is_told_apart():
    x = [[Value(float(k)) for k in range(3)] for _ in range(5)]  # a layer on five rows
    assert windows_of(x) is None
    assert [shape_of(1, 8, 8), shape_of(4, 6, 6), shape_of(36)] == ["8×8", "4×6×6", "36"]  # noqa: RUF001


def kinds(*roots):
    order = toposort(*roots, leaves=True)
    return [block.kind for block in cut(order, find_units(order), None).items]


def test_operations_between_layers_are_stages_by_what_they_do():
    x = [Value(1.0), Value(2.0)]
    h = Layer(2, 3, "tanh")(x)
    model = Sequential(BatchNorm(3).eval(), Dropout(0.5), Layer(3, 3, "tanh"))
    sums = [a + b for a, b in zip(model(h), h, strict=True)]
    shares = f.softmax([v * 2.0 for v in sums])
    loss = squared_error(Layer(3, 1, "linear")(shares), [1.0])
    assert kinds(loss) == [
        *("inputs", "units", "norm", "dropout", "units", "sum", "operations", "softmax"),
        *("units", "loss"),
    ]
    assert kinds(*Conv2d(1, 1, 2)([[x, x]])[0][0]) == ["inputs", "units"]
    assert kinds(f.sum(Conv2d(1, 1, 1)([[x, x]])[0][0]) * 2.0) == ["inputs", "kernels", "loss"]


SPOTS = {
    "a": Spot(0, 0, 50, 40, []),
    "b": Spot(0, 60, 50, 100, []),
    "c": Spot(200, 0, 260, 100, [20.0, 50.0]),
}


def test_lines_have_level_ends_in_the_order_of_what_they_come_from():
    low, high, row = curves([Edge("b", "c"), Edge("a", "c"), Edge("a", "c", head_row=1)], SPOTS)
    assert [(c.x0, c.end) for c in (low, high, row)] == [(50, 200)] * 3
    assert high.y1 == 50 - 8.5  # 17 apart, around the middle
    assert low.y1 == 50 + 8.5
    assert row.y1 == 50  # the middle of its row
    assert high.path() == [(50, high.y0), (125, high.y0), (125, 41.5), (200, 41.5)]
    assert high.at(0) == (50, high.y0)
    assert high.at(1) == (200, 41.5)
    assert high.at(0.5) == (125, pytest.approx((high.y0 + 41.5) / 2))


def test_a_named_line_ends_in_a_straight_run_that_carries_the_name():
    line = Edge("a", "c", numbers=[Number("w", 1.5)], weight=1.5, share=1.0)
    (curve,) = curves([line], SPOTS)
    assert (curve.x1, curve.end) == (156, 200)
    assert name_places([curve], {"1.500": 30.0}, []) == [(curve, 178, 50)]


def test_a_name_that_finds_no_place_is_left_out():
    names = {"strong": 1.0, "weak": 0.5}
    lines = [Edge("a", "c", name, weight=1.0, share=x, head_row=0) for name, x in names.items()]
    placed = name_places(curves(lines, SPOTS), {"strong": 40.0, "weak": 40.0}, [])
    assert [curve.line.said for curve, _, _ in placed] == ["strong"]


def test_of_many_lines_the_strongest_are_full_and_named():
    lines = [
        Edge("a", "c", numbers=[Number("w", w)], weight=w) for w in (0.5, -2.0, float("nan"), 1.0)
    ]
    found = strongest(lines, 2, 1)
    assert [line.full for line in found] == [False, True, False, True]
    assert [line.said for line in found] == ["", "\N{MINUS SIGN}2", "", ""]
    assert [line.share for line in found] == [0.25, 1.0, 0.0, 0.5]
    assert [round(line.width, 3) for line in found] == [1.525, 4.0, 0.7, 2.35]
    assert Edge("a", "c").width == 1


def test_a_picture_of_numbers_has_the_colours_of_their_signs():
    board = Board()
    picture = drawn("kernel", [[2.0, -1.0], [0.0, float("nan")]])
    board.layers = [Column("K", "", [board.put("layer", [[Cell(picture=picture)]])])]
    shades = [
        (e.get("fill"), float(e.get("fill-opacity")))
        for e in board_picture(board).iter(f"{SVG}rect") if "fill-opacity" in e.attrib
    ]  # fmt: skip
    assert shades == [(POSITIVE.light, 0.94), (NEGATIVE.light, 0.47)]
    ink = drawn("image", [[1.0]], ink=True)
    board.layers = [Column("I", "", [board.put("inputs", [[Cell(picture=ink)]])])]
    assert INK.light in [e.get("fill") for e in board_picture(board).iter(f"{SVG}rect")]


def residual():
    first, second = Layer(3, 3, "tanh", rng=1), Layer(3, 1, "sigmoid", rng=2)
    x = [Value(0.5), Value(-1.0), Value(2.0)]
    loss = squared_error(second([a + b for a, b in zip(first(x), x, strict=True)]), [1.0])
    loss.backward()
    return loss


def convolutional():
    model = Sequential(Unflatten(1, 6, 6), Conv2d(1, 12, 3, activation="relu"), Flatten())
    return cross_entropy(model([0.1 * (k % 7) for k in range(36)])[:3], 1)


class Attention(Module):
    def __init__(self):
        self.q, self.k = Layer(2, 2, "linear", rng=1), Layer(2, 2, "linear", rng=2)

    def __call__(self, x):
        q, k = [self.q(row) for row in x], [self.k(row) for row in x]
        shares = [f.softmax([f.dot(a, b) for b in k]) for a in q]
        return [f.sum([p * row[0] for p, row in zip(ps, x, strict=True)]) for ps in shares]


BOARDS = {
    "units": lambda: draw(squared_error(MLP(2, [3, 1])([1.0, 2.0]), 1.0), level="neuron"),
    "tables": lambda: draw(squared_error(MLP(9, [9, 9, 2])([0.5] * 9), [1.0, 0.0]), level="neuron"),
    "opened": lambda: draw(residual(), level="neuron", expand=["layer 1", "layer2.neuron1"]),
    "a sum": lambda: draw(residual(), level="layer"),
    "kernels": lambda: draw(convolutional(), level="layer"),
    "many columns": lambda: draw(deep_net(), level="layer"),
    "many columns of units": lambda: network(MLP(3, [4] * 7 + [1]), [1.0, 2.0, 3.0]),
    "steps": lambda: network(
        RNN(1, 2, 1), [float(k) for k in range(9)], [0.0] * 9, "squared_error"
    ),
    "attention": lambda: network(Attention(), [[1.0, 2.0], [0.5, -1.0], [0.0, 1.0]]),
    "long names": lambda: network(
        MLP(2, [2, 1]), [1e9, -1e-9], input_names=["sepal length", "W" * 30]
    ),
    "code": lambda: network(MLP(2, [2, 1]), [1.0, 2.0], notation="code"),
    "the net alone": lambda: network(MLP(40, [20, 1]), numbers=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("font", ["Helvetica", "DejaVu"])
@pytest.mark.parametrize("make", BOARDS.values(), ids=BOARDS)
def test_every_board_can_be_read_in_the_fonts_of_readers(make, font):
    assert faults(make().svg, font) == []


@pytest.mark.parametrize("make", BOARDS.values(), ids=BOARDS)
def test_no_picture_is_wider_than_a_page(make):
    assert float(ElementTree.fromstring(make().svg).get("width")) <= WIDEST


@pytest.mark.parametrize("make", BOARDS.values(), ids=BOARDS)
def test_lines_begin_and_end_at_what_is_there_and_go_to_the_right(make):
    board = make().diagram
    ids = {card.id for column in board.layers for card in [*column.cards, *column.over]}
    place = {card.id: k for k, column in enumerate(board.layers) for card in column.cards}
    assert all({line.tail, line.head} <= ids for line in board.lines)
    assert all(place[line.tail] < place[line.head] for line in board.lines)


def test_what_is_too_wide_goes_on_below():
    wide = network(MLP(3, [4] * 7 + [1]), [1.0, 2.0, 3.0])
    assert len(layout_of(wide.diagram).bands) > 1
    assert len(layout_of(network(MLP(2, [3, 1]), [1.0, 2.0]).diagram).bands) == 1


def test_the_table_of_many_inputs_alone_counts_them():
    table = network(Flatten(), [[[1.0] * 3] * 3]).table
    assert table.splitlines() == ["name    shows      made from", "inputs  9 numbers"]


def test_shared_weights_are_one_block_with_what_each_step_adds():
    w, b = (
        [parameter(0.5, "cell.neuron1.w[0]"), parameter(-1.0, "cell.neuron1.w[1]")],
        parameter(0.0),
    )
    h = Value(0.0)
    for x in (1.0, 2.0, -1.0):
        h = f.dot(w, [Value(x), h], b).tanh()
    loss = (h - 1.0) ** 2
    loss.backward()
    (shared,) = draw(loss, level="layer").diagram.shared
    assert [cell.said for cell in shared.card.cells[0] if cell.said] == ["W", "U", "b"]
    assert shared.card.cells[1][0].text == "cell: 3 parameters, used 3 times"
    assert sum(number.value for _, number in shared.uses) == pytest.approx(w[1].grad)
    assert shared.uses[0][1].value == 0  # the state before the first step is 0
