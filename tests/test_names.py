"""One name per number: all views of a net call it the same, in both notations."""

import re
from collections import Counter
from html import unescape

import pytest

from tinygrad_edu import Value, toposort, vectorize
from tinygrad_edu import functions as f
from tinygrad_edu.losses import cross_entropy, half_squared_error
from tinygrad_edu.nn import MLP, RNN, Conv2d, Flatten, Layer, Neuron, Sequential, Unflatten
from tinygrad_edu.text import short
from tinygrad_edu.view import deltas, draw, explain, network, steps, worksheet
from tinygrad_edu.view.base.naming import names_of

X = [0.5, -1.0]


class Twice:
    """A layer that is used twice."""

    def __init__(self):
        self.layer, self.out = Layer(2, 2, "tanh", rng=0), Layer(2, 1, "linear", rng=0)

    def __call__(self, x):
        return self.out(self.layer(self.layer(x)))


def summed(outputs):
    return f.sum([o * o for o in (outputs if isinstance(outputs, list) else [outputs])])


def chosen(outputs):
    return cross_entropy(outputs, 1)


def error(output):
    return half_squared_error(output, 1.0)


def mean(outputs):
    return f.mean([error(o) for o in outputs])


def on_two_rows(model):
    return lambda x: [model(x), model([2 * v for v in x])]


#: A model of one example, the example, and the loss of its output.
NETS = {
    "neuron": (Neuron(2, "tanh", rng=0), X, error),
    "layer": (Layer(2, 3, "sigmoid", rng=0), X, summed),
    "2-3-1": (MLP(2, [3, 1], "tanh", rng=0), X, error),
    "softmax": (MLP(2, [2, 2], "tanh", "softmax", rng=0), X, summed),
    "logits": (MLP(2, [2, 2], "tanh", rng=0), X, chosen),
    "Sequential": (Sequential(Layer(2, 2, "linear"), "tanh", Layer(2, 1, "linear")), X, error),
    "list of layers": ([Layer(2, 2, "tanh", rng=0), Layer(2, 1, "linear", rng=1)], X, error),
    "deep": (MLP(2, [2, 2, 2, 1], "relu", rng=3), X, error),
    "prelu": (MLP(2, [2, 1], "prelu", rng=0), X, error),
    "wide": (MLP(12, [11, 1], "tanh", rng=0), [0.1] * 12, error),
    "shared": (Twice(), X, summed),
    "recurrent": (RNN(1, 2, 1), X, summed),
    "convolution": (
        Sequential(Unflatten(1, 2, 3), Conv2d(1, 2, 2, activation="relu"), Flatten(), Layer(4, 2)),
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        summed,
    ),
    "two rows": (on_two_rows(MLP(2, [2, 1], "tanh", rng=0)), X, mean),
    "letters of the user": (
        lambda x: f.dot([Value(0.5, "u"), Value(2.0, "v")], x, Value(1.0, "bias")).tanh(),
        X,
        error,
    ),
}
DENSE = [
    *("neuron", "layer", "2-3-1", "softmax", "logits", "Sequential"),
    *("list of layers", "deep", "prelu", "wide"),
]


def run(model, x):
    """The output of a model or of a list of layers."""
    for layer in model if isinstance(model, list) else [model]:
        x = layer(x)
    return x[0] if isinstance(model, list) else x


def graph(net, notation):
    """The loss of a net after a backward pass, and the names of its values."""
    model, x, loss = NETS[net]
    root = loss(run(model, [Value(v) for v in x]))
    order = toposort(root, leaves=True)
    for v in order:
        v.grad = 0.0
    root.backward()
    return root, names_of(order, notation=notation)


def alone(names):
    """The units that stand in boxes of their own: those of small layers that are used once."""
    sizes = Counter((u.layer, u.depth) for u in names.units.units)
    uses = Counter((u.w, u.depth) for u in names.units.units)
    return [
        u for u in names.units.units
        if sizes[u.layer, u.depth] <= 5 and uses[u.w, u.depth] == 1 and len(u.x) <= 5
    ]  # fmt: skip


both_notations = pytest.mark.parametrize("notation", ["lecture", "code"])


@both_notations
@pytest.mark.parametrize("net", NETS)
def test_explain(net, notation):
    root, names = graph(net, notation)
    leaves = [v for v in names if v.op is None and v.kind != "constant"]
    for w in (leaves[0], leaves[len(leaves) // 2], leaves[-1]):
        table = explain(root, wrt=w, notation=notation).table().splitlines()[1:]
        called = {name for row in table for name in re.split(r"  +", row)[:2] if "more" not in name}
        assert called <= set(names.values())
        assert names[w] in called


@both_notations
@pytest.mark.parametrize("net", DENSE)
def test_deltas(net, notation):
    _, names = graph(net, notation)
    model, x, loss = NETS[net]
    table = deltas(model, x, None, lambda output, _: loss(output), notation=notation)
    assert [row.name for row in table.rows] == list(names.deltas.values())
    parameters = [names[p] for u in names.units.units for p in (*u.w, u.b)]
    assert [row.name for row in table.parameters] == parameters


@both_notations
@pytest.mark.parametrize("net", DENSE)
def test_network(net, notation):
    _, names = graph(net, notation)
    model, x, loss = NETS[net]
    picture = network(model, x, 1.0, lambda output, _: loss(output), notation=notation)
    titles = unescape(" ".join(re.findall("<title>(.*?)</title>", picture.svg)))
    for u in alone(names):
        told = {names[v]: v.data for v in (*u.x, *u.w, u.b, u.z, u.a)}
        for name, number in (told | {names.deltas[u.z]: u.z.grad}).items():
            assert f"{name} = {short(number)}" in titles
    plain = unescape(network(model, notation=notation, max_units=12).svg)
    assert all(f"<title>{names[w]} = " in plain for u in names.units.units for w in u.w)


@pytest.mark.parametrize("net", [net for net in NETS if net != "letters of the user"])
def test_the_printed_program(net):
    """W2[0, 2] of the program, which counts from 0 as NumPy does, is w2[1,3] in the views."""
    model, x, loss = NETS[net]
    program = vectorize(lambda x: loss(run(model, x)), x)
    root, names = loss(run(model, x)), {}
    names = names_of(toposort(root, leaves=True))
    parameters = program.parameters
    blocks = re.findall(
        r"^    (\w+) = P\[(\d+):\d+\]\.reshape\((\d+), (\d+)\)", program.source, re.M
    )
    for block, start, rows, columns in blocks:
        for i in range(int(rows)):
            for j in range(int(columns)):
                p = parameters[int(start) + i * int(columns) + j]
                unit = f"{i + 1},{j + 1}" if block[0] == "W" else f"{j + 1}"
                alone = {"W1": f"w{j + 1}", "b1": "b"}.get(block)
                assert names[p] == (alone if net == "neuron" else f"{block.lower()}[{unit}]")


def test_the_second_use_of_a_layer_in_the_printed_program():
    """Z1_2 of the program is z1[...]#2: its number is that of its weights in both."""
    model, x, loss = NETS["recurrent"]
    program = vectorize(lambda x: loss(model(x)), x)
    _, names = graph("recurrent", "lecture")
    used = {
        re.sub(r"z(\d+)\[\d+\](?:#(\d+))?", r"Z\1_\2", names[u.z]).rstrip("_")
        for u in names.units.units
    }
    assert used == set(re.findall(r"^    (Z\w+) = ", program.source, re.M))


@both_notations
@pytest.mark.parametrize("net", NETS)
def test_draw(net, notation):
    root, names = graph(net, notation)
    rows = draw(root, level="value", max_nodes=1000, notation=notation).table.splitlines()[1:]
    called = {re.split(r"  +", row)[0] for row in rows if "  " in row}
    assert called == set(names.values()) or len(names) > len(rows)
    assert called <= set(names.values())
    table = draw(root, level="neuron", max_nodes=1000, example=0, notation=notation).table
    drawn = [u for u in alone(names) if not names.deltas[u.z].endswith("#2")]
    assert all(f"{names[v]} " in table for u in drawn for v in (u.z, u.a))
    assert all(f"{names.deltas[u.z]} " in table for u in drawn)


@both_notations
@pytest.mark.parametrize("net", NETS)
def test_steps_and_worksheet(net, notation, monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    root, names = graph(net, notation)
    page = steps(root, max_nodes=1000, notation=notation).html
    heads = re.findall('<th scope="row">(.*?)</th>', page)
    assert sorted(map(unescape, heads)) == sorted(names.values())
    if len(names) <= 60:
        text = worksheet(root, level="value", notation=notation)._text()
        lines = text.split("\n\n")[2].splitlines()[1:]
        assert [line.split("  ")[0] for line in lines] == list(names.values())
