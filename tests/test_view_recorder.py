import math

import pytest

from tinygrad_edu import MLP, SGD, Adam, Layer, Value, parameter, primitive, toposort
from tinygrad_edu import functions as f
from tinygrad_edu.losses import cross_entropy, squared_error
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.view.base.naming import names_of
from tinygrad_edu.view.film.recorder import record

TIMES = "\N{MULTIPLICATION SIGN}"


def product_and_sum():
    """L = (a b + c) a = 8 at a = 2, b = -3, c = 10: dL/da = 2ab + c = -2, dL/db = 4, dL/dc = 2."""
    a, b, c = Value(2.0, "a"), Value(-3.0, "b"), Value(10.0, "c")
    y = (a * b + c) * a
    y.name = "L"
    return y


def infinite_slope():
    """The loser of a max gets 0 also from an infinite gradient."""
    a, b = Value(0.0, "a"), Value(-1.0, "b")
    return f.sqrt(f.maximum(a, b))


def shared():
    a = Value(0.1, "a")
    return (a * a + a.tanh() * a) / (a + 0.3)


PROGRAMS = {
    "product and sum": product_and_sum,
    "relu": lambda: squared_error(MLP(2, [3, 2, 1], "relu", rng=0)([0.5, -1.0]), 1.0),
    "softmax": lambda: cross_entropy(MLP(2, [3, 4], "tanh", rng=3)([0.5, -1.0]), 2),
    "infinite slope": infinite_slope,
    "shared": shared,
    "leaf": lambda: Value(2.5, "leaf"),
}


def numbers(recording, row):
    """What the film shows in a row at its end."""
    changes = [*recording.start, *(c for frame in recording.frames for c in frame.changes)]
    position = {v: i for i, v in enumerate(recording.order)}
    return {position[c.value]: c.number for c in changes if c.row == row}


@pytest.mark.parametrize("max_steps", [300, 20, 8, 5])
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_the_last_frame_shows_what_backward_finds(program, max_steps):
    root = program()
    recording = record(root, max_steps=max_steps)
    assert len(recording.frames) <= max_steps
    data, grads = numbers(recording, "data"), numbers(recording, "grad")
    root.backward()
    assert recording.order == toposort(root, leaves=True)
    assert [data[i] for i in range(len(data))] == [v.data for v in recording.order]
    expected = {i: v.grad for i, v in enumerate(recording.order) if v.kind != "constant"}
    assert {i: repr(g) for i, g in grads.items()} == {i: repr(g) for i, g in expected.items()}


def test_the_steps_of_a_small_graph_are_told_in_letters_and_numbers():
    # derivatives by hand, in the docstring of the graph
    frames = record(product_and_sum()).frames
    back = "by the chain rule"
    assert [(frame.phase, frame.where, *frame.sentences) for frame in frames] == [
        ("start", "given: 3 inputs"),
        ("forward", f"v1 by {TIMES}", "v1 = a * b = 2 * (-3) = -6"),
        ("forward", "v2 by +", "v2 = v1 + c = (-6) + 10 = 4"),
        ("forward", f"L by {TIMES}", "L = v2 * a = 4 * 2 = 8"),
        ("backward", "L: its derivative with respect to itself", "dL/dL = 1"),
        ("backward", f"back through {TIMES}, {back}", "dL/dv2 += a * dL/dL = 2 * 1 = 2"),
        ("backward", f"back through {TIMES}, {back}", "dL/da += v2 * dL/dL = 4 * 1 = 4"),
        ("backward", f"back through +, {back}", "dL/dv1 += 1 * dL/dv2 = 1 * 2 = 2"),
        ("backward", f"back through +, {back}", "dL/dc += 1 * dL/dv2 = 1 * 2 = 2"),
        ("backward", f"back through {TIMES}, {back}, added",
         "dL/da += b * dL/dv1 = (-3) * 2 = -6; 4 before, now -2"),
        ("backward", f"back through {TIMES}, {back}", "dL/db += a * dL/dv1 = 2 * 2 = 4"),
    ]  # fmt: skip
    assert frames[10].question == "dL/db += a * dL/dv1 = ?"
    assert frames[9].question == "dL/da += b * dL/dv1; 4 before, now ?"
    assert [bool(frame.question) for frame in frames] == [False] * 5 + [True] * 6


@primitive(lambda m, y, x: (3 * x * x,))
def cube(m, x):
    return x * x * x


@primitive(lambda m, y, x: (math.cos(x),))
def only_floats(m, x):
    return math.sin(x)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (lambda a: a - 1, ["y = a - 1 = 2 - 1 = 1", "dy/da += 1 * dy/dy = 1 * 1 = 1"]),
        (lambda a: 1 / a, ["y = 1 / a = 1 / 2 = 0.5"]),
        (lambda a: -a, ["y = -a = -2", "dy/da += -1 * dy/dy = (-1) * 1 = -1"]),
        (lambda a: a**3, ["y = a**3 = 2**3 = 8"]),
        (
            lambda a: f.leaky_relu(-a),
            ["y = (v1 if v1 > 0 else 0.01 * v1) = (-2 if (-2) > 0 else 0.01 * (-2)) = -0.02"],
        ),
        (f.exp, ["y = exp(a) = exp(2) = 7.389", "dy/da += y * dy/dy = 7.389 * 1 = 7.389"]),
        (cube, ["y = a**3 = 2**3 = 8", "dy/da += 3 * a**2 * dy/dy = 12 * 1 = 12"]),
        (
            only_floats,
            ["y = only_floats(a) = 0.9093", "dy/da += ∂y/∂a * dy/dy = (-0.4161) * 1 = -0.4161"],
        ),
        (lambda a: f.dot([a], [3.0], 1.0), ["z = a * 3 + 1 = 2 * 3 + 1 = 7"]),
        (
            lambda a: f.dot([a] * 30, [3.0] * 30),
            ["z = a * 3 + a * 3 + … + a * 3 = 2 * 3 + 2 * 3 + … + 2 * 3 = 180"],
        ),
        (lambda a: a * 0.0, ["y = a * 0 = 2 * 0 = 0", "dy/da += 0 * dy/dy = 0 * 1 = 0"]),
    ],
)
def test_every_operation_is_written_with_its_slope(operation, expected):
    frames = record(operation(Value(2.0, "a")), max_steps=100).frames
    assert {*expected} <= {sentence for frame in frames for sentence in frame.sentences}


def test_names_come_from_values_then_variables_and_stay_apart():
    v1, x = Value(1.0, "v1"), Value(2.0)
    y = (v1 * x + Value(3.0)) * 2
    order = toposort(y, leaves=True)
    # as in draw and explain; the root is L where there are parameters, which films said of all
    recording = record(y, names=names_of(order, {x: "x"}))
    assert list(recording.names.values()) == ["v1", "x", "v2", "a", "v3", "2", "y"]
    assert list(record(Value(1.0, "y") * 2).names.values()) == ["y", "2", "L"]


class ByExponent(Optimizer):
    """Reckons with the digits of a number, which letters do not have."""

    def update(self, m, g, x, lr, t, state):
        return x - lr * math.frexp(g)[0], state


@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        # 12 = 0.75 * 2^4
        (lambda w: ByExponent([w], lr=2.0), "w from 2 to 0.5, with dL/dw = 12 and lr = 2"),
        (lambda w: SGD([w]), "w = w - lr * dL/dw = 2 - 0.1 * 12 = 0.8"),
        (lambda w: Adam([w], lr=0.5), "w from 2 to 1.5, with dL/dw = 12 and lr = 0.5"),
        (
            lambda w: SGD([w], momentum=0.9, weight_decay=0.5),
            "w = w - lr * (dL/dw + 0.5 * w) = 2 - 0.1 * (12 + 0.5 * 2) = 0.7",
        ),
    ],
)
def test_the_update_is_that_of_the_optimizer(optimizer, said):
    w, unused = parameter(2.0, "w"), parameter(7.0, "unused")
    y = w**3
    chosen = optimizer(w)
    chosen.parameters.append(unused)
    chosen.states.append(chosen.start)
    last = record(y, optimizer=chosen).frames[-1]
    assert (last.phase, last.sentences) == ("update", (said,))
    assert last.where == f"{type(chosen).__name__}: against the gradient"
    y.backward()
    chosen.step()
    assert [change.number for change in last.changes] == [w.data]


def test_many_steps_become_units_then_layers_then_several_layers():
    model = MLP(2, [3, 2, 1], "relu", rng=0)
    loss = squared_error(model([0.5, -1.0]), 1.0)
    optimizer = SGD(model.parameters())
    total = len(record(loss, optimizer=optimizer).frames)
    counts = {}
    for most in (total, total - 1, 23, 12):
        recording = record(loss, optimizer=optimizer, max_steps=most)
        caption = recording.caption.partition(",")[0].partition(" (")[0]
        counts[most] = len(recording.frames), caption
    # 5 units with relu, the last without, then the loss: -, square; 6 layers of parameters
    assert counts[total] == (total, "")
    assert counts[total - 1] == (2 + 8 + 8 + 6, "each step is a unit")
    assert counts[23] == (2 + 7 + 7 + 3, "each step is a layer")
    assert counts[12] == (2 + 3 + 3 + 2, "each step is 3 layers")
    unit = record(loss, max_steps=total - 30).frames[1]
    assert [said.partition(" = ")[0] for said in unit.sentences] == ["z1[1]", "a1[1]"]


def test_of_many_operations_in_a_step_the_first_are_told():
    frames = record(f.sum([Value(float(i), f"x{i}") for i in range(9)]), max_steps=5).frames
    assert frames[-1].sentences[-1] == "and 4 more"
    assert len(frames[-1].sentences) == 6
    assert frames[-1].question == "dy/dx0, dy/dx1, dy/dx2, dy/dx3, dy/dx4, and 4 more = ?"


def test_a_long_chain_is_no_obstacle():
    v = x = Value(0.0, "x")
    for _ in range(1_200):
        v = v + x
    recording = record(v)
    assert len(recording.frames) <= 300
    assert numbers(recording, "grad")[0] == 1_201


def test_numbers_are_those_of_the_forward_pass():
    a = Value(2.0, "a")
    y = a * a
    a.data = 100.0
    recording = record(y)
    assert numbers(recording, "data") == {0: 2.0, 1: 4.0}
    assert recording.caption == "changed since the forward pass: a"
    assert [c.number for frame in recording.frames[3:] for c in frame.changes] == [2.0, 4.0]


def by_hand():
    """The loss of a net 2-2-1, tanh inside: all deltas can be compared with the engine's."""
    return squared_error(MLP(2, [2, 1], "tanh", rng=0)([0.5, -1.0]), 1.0)


def test_a_step_of_a_net_is_a_unit_with_its_delta_as_in_the_lecture():
    frames = record(by_hand(), by_unit=True).frames
    units = [("forward", f"unit {u} of layer {k}") for u, k in ((1, 1), (2, 1), (1, 2))]
    told = [(f.phase, f.where.split(":")[0]) for f in frames if f.where.startswith("unit")]
    assert told == [*units, *(("backward", where) for _, where in (units[2], units[1], units[0]))]
    delta = next(f for f in frames if f.where.startswith("unit 1 of layer 1: the derivative"))
    where = "the derivative of tanh, times the weights to the units it feeds, times their deltas"
    assert delta.where == f"unit 1 of layer 1: {where}"
    assert delta.sentences[0].startswith("delta1[1] = (1 - a1[1]**2) * w2[1,1] * delta2[1] = ")
    assert delta.sentences[1].startswith("dL/dw1[1,1] = delta1[1] * x1 = ")
    assert delta.question == "delta1[1] = (1 - a1[1]**2) * w2[1,1] * delta2[1] = ?"
    assert frames[3].sentences[0].startswith("z2[1] = w2[1,1] * a1[1] + w2[1,2] * a1[2] + b2[1] =")


def test_a_weight_of_two_units_gets_a_part_from_each():
    # z = 1/2 * 2 = 1, a = tanh 1, then L = tanh(a / 2): two parts, 0.3645 + 0.661 = 1.026
    layer = Layer(1, 1, "tanh", init=lambda rng, nin, nout: 0.5)
    root = layer(layer([2.0]))[0]
    root.name = "L"
    said = [s for f in record(root, by_unit=True).frames for s in f.sentences if "dw" in s]
    assert said == [
        "dL/dw1[1,1] += delta1[1]#2 * a1[1] = 0.8679 * 0.7616 = 0.661; in all 1.026",
        "dL/dw1[1,1] += delta1[1] * x1 = 0.1823 * 2 = 0.3645; in all 1.026",
    ]


@pytest.mark.parametrize("sizes", [[2, 1], [3, 2, 2], [2, 9, 1]])
def test_every_delta_of_a_film_is_reckoned_to_the_number_of_the_engine(sizes):
    outputs = MLP(2, sizes, ["tanh", "sigmoid"][: len(sizes) - 1], rng=1)([0.5, -1.0])
    root = squared_error(outputs, 1.0 if sizes[-1] == 1 else [1.0, 0.0])
    recording = record(root, by_unit=True)
    root.backward()
    deltas = {name: z.grad for z, name in recording.names.deltas.items()}
    said = [s for f in recording.frames for s in f.sentences if s.startswith("delta")]
    assert {s.partition(" = ")[0] for s in said} == {*deltas}
    for sentence in said:
        name, *_, numbers, result = sentence.split(" = ")
        assert float(result) == pytest.approx(deltas[name], rel=1e-3)
        if not {*"…d"} & {*numbers}:
            assert eval(numbers) == pytest.approx(deltas[name], rel=5e-3)
