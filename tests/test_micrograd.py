"""Programs and published numbers of micrograd (github.com/karpathy/micrograd) hold here."""

import json
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu import MLP, SGD, Value, fit
from tinygrad_edu.bench import microgpt
from tinygrad_edu.losses import l2
from tinygrad_edu.optim import linear_decay

#: Data, initial weights and the 100 printed lines of micrograd's notebook demo.ipynb.
MOONS = json.loads(
    (Path(__file__).parent / "fixtures" / "micrograd_moons_seed1337.json").read_text("utf-8")
)
X, Y = MOONS["X"], MOONS["y"]
LOSSES = [loss for _, loss, _ in MOONS["published"]]
ACCURACIES = [percent / 100 for _, _, percent in MOONS["published"]]

# What somebody writes for micrograd: a net, its training loop, and a drawing of a graph.
TRAINING = """
import numpy as np
from micrograd.engine import Value
from micrograd.nn import Neuron, Layer, MLP

model = MLP(2, [16, 16, 1])
for p, w in zip(model.parameters(), initial):
    p.data = w
print(model)
print("number of parameters", len(model.parameters()))

def loss(batch_size=None):
    if batch_size is None:
        Xb, yb = X, y
    else:
        ri = np.random.permutation(X.shape[0])[:batch_size]
        Xb, yb = X[ri], y[ri]
    inputs = [list(map(Value, xrow)) for xrow in Xb]
    scores = list(map(model, inputs))
    losses = [(1 + -yi*scorei).relu() for yi, scorei in zip(yb, scores)]
    data_loss = sum(losses) * (1.0 / len(losses))
    alpha = 1e-4
    reg_loss = alpha * sum((p*p for p in model.parameters()))
    total_loss = data_loss + reg_loss
    accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(yb, scores)]
    return total_loss, sum(accuracy) / len(accuracy)

first, _ = loss(batch_size=10)
history = []
for k in range(100):
    total_loss, acc = loss()
    model.zero_grad()
    total_loss.backward()
    learning_rate = 1.0 - 0.9*k/100
    for p in model.parameters():
        p.data -= learning_rate * p.grad
    history.append((total_loss.data, acc))
    print(f"step {k} loss {total_loss.data}, accuracy {acc*100}%")

h = 0.5
xx, yy = np.meshgrid(np.arange(-1, 1, h), np.arange(-1, 1, h))
Xmesh = np.c_[xx.ravel(), yy.ravel()]
inputs = [list(map(Value, xrow)) for xrow in Xmesh]
scores = list(map(model, inputs))
Z = np.array([s.data > 0 for s in scores]).reshape(xx.shape)
"""

DRAWING = """
import random
from graphviz import Digraph
from micrograd.engine import Value
from micrograd import nn

def trace(root):
    nodes, edges = set(), set()
    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)
    build(root)
    return nodes, edges

def draw_dot(root, format='svg', rankdir='LR'):
    assert rankdir in ['LR', 'TB']
    nodes, edges = trace(root)
    dot = Digraph(format=format, graph_attr={'rankdir': rankdir})
    for n in nodes:
        label = "{ data %.4f | grad %.4f }" % (n.data, n.grad)
        dot.node(name=str(id(n)), label=label, shape='record')
        if n._op:
            dot.node(name=str(id(n)) + n._op, label=n._op)
            dot.edge(str(id(n)) + n._op, str(id(n)))
    for n1, n2 in edges:
        dot.edge(str(id(n1)), str(id(n2)) + n2._op)
    return dot

x = Value(1.0)
y = (x * 2 + 1).relu()
y.backward()
small = draw_dot(y)

random.seed(1337)
n = nn.Neuron(2)
x = [Value(1.0), Value(-2.0)]
y = n(x)
y.backward()
neuron = draw_dot(y)
"""


def run_here(program, **names):
    """Run a program for micrograd with nothing but the imported package exchanged."""
    exec(program.replace("micrograd", "tinygrad_edu"), names)
    return names


@pytest.mark.slow
def test_a_training_program_for_micrograd_has_its_losses_with_the_import_swapped(capsys):
    units = [weights for layer in MOONS["W_init"] for weights in layer]
    initial = [number for weights in units for number in (*weights, MOONS["b_init"])]
    made = run_here(TRAINING, X=np.array(X), y=np.array(Y), initial=initial)
    losses, accuracies = zip(*made["history"], strict=True)
    assert losses == pytest.approx(LOSSES, rel=1e-9, abs=0)
    assert accuracies == pytest.approx(ACCURACIES, rel=1e-12, abs=0)
    assert all(type(loss) is float for loss in losses)
    assert made["Z"].shape == (4, 4)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "number of parameters 337"
    assert lines[2] == f"step 0 loss {losses[0]}, accuracy {accuracies[0] * 100}%"


def test_a_drawing_program_for_micrograd_runs_with_the_import_swapped():
    made = run_here(DRAWING)
    small = made["small"].source
    # x, 2, 1, x*2, x*2 + 1, relu; three operations, with one edge out and one per operand in
    assert small.count("data ") == 6
    assert small.count(" -> ") == 3 + 5
    for shown in (
        "label=multiply",
        "label=add",
        "label=relu",
        "data 1.0000 | grad 2.0000",
        "data 3.0000 | grad 1.0000",
    ):
        assert shown in small
    neuron = made["neuron"].source
    # two inputs, two weights, the bias, the net input (one node) and the activation
    assert neuron.count("data ") == 7
    assert "label=dot" in neuron


def microgpt_run(value, steps=2):
    """A program as microgpt is one, for numbers of that class: Adam, and letters that are drawn."""
    step = microgpt.GptStep(value, random.Random(0))
    params, losses = step.parameters, []
    m, v = [0.0] * len(params), [0.0] * len(params)
    for k in range(1, steps + 1):
        keys, values, parts = [], [], []
        for place, (token, following) in enumerate(pairwise(step.text)):
            x = [t + p for t, p in zip(step.tokens[token], step.places[place], strict=True)]
            logits = step.block(x, keys, values)
            largest = max(val.data for val in logits)
            exps = [(val - largest).exp() for val in logits]
            parts.append(-(exps[following] / sum(exps)).log())
        loss = (1 / len(parts)) * sum(parts)
        loss.backward()
        losses.append(loss.data)
        for i, p in enumerate(params):
            m[i] = 0.9 * m[i] + 0.1 * p.grad
            v[i] = 0.95 * v[i] + 0.05 * p.grad**2
            p.data -= 0.01 * (m[i] / (1 - 0.9**k)) / ((v[i] / (1 - 0.95**k)) ** 0.5 + 1e-8)
            p.grad = 0
    weights = [(z / 0.5).exp().data for z in step.block(step.tokens[0], [], [])]
    drawn = random.Random(1).choices(range(len(weights)), weights=weights, k=9)
    return losses, [p.data for p in params], drawn


def test_a_program_for_the_value_of_microgpt_runs_with_the_class_swapped(monkeypatch):
    for name, size in {"VOCABULARY": 5, "WIDTH": 4, "LENGTH": 4}.items():
        monkeypatch.setattr(microgpt, name, size)
    losses, params, drawn = microgpt_run(Value)
    expected_losses, expected, expected_drawn = microgpt_run(microgpt.Scalar)
    assert losses == pytest.approx(expected_losses, rel=1e-12)
    assert losses[1] < losses[0]
    assert params == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert drawn == expected_drawn


def moons_model():
    return MLP(2, [16, 16, 1], init="uniform", rng=random.Random(1337))


def test_the_initial_weights_are_those_of_micrograds_demo():
    model = moons_model()
    for layer, weights in zip(model.layers, MOONS["W_init"], strict=True):
        assert [[w.data for w in unit.w] for unit in layer.neurons] == weights
        assert [unit.b.data for unit in layer.neurons] == [MOONS["b_init"]] * len(weights)
    assert len(model.parameters()) == 337


def test_fit_has_all_losses_of_micrograds_demo():
    model = moons_model()
    history = fit(
        model,
        X,
        Y,
        loss="hinge",
        optimizer=SGD(model.parameters(), lr=linear_decay(1.0, 0.1, 100)),
        penalty=lambda m: l2(m.parameters(), 1e-4),
        epochs=100,
    )
    assert len(history) == len(LOSSES) == 100
    assert history.loss == pytest.approx(LOSSES, rel=1e-9, abs=0)
    assert history.accuracy == pytest.approx(ACCURACIES, rel=1e-12, abs=0)


def test_the_example_of_micrograds_readme_has_its_published_numbers():
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert f"{g.data:.4f} {a.grad:.4f} {b.grad:.4f}" == "24.7041 138.8338 645.5773"
    # the same to all digits
    numbers = (g.data, a.grad, b.grad)
    assert numbers == pytest.approx(
        (24.70408163265306, 138.83381924198252, 645.5772594752186), rel=1e-15, abs=0
    )


def tanh_as_one_node(n):
    return n.tanh()


def tanh_of_exp(n):
    e = (2 * n).exp()
    return (e - 1) / (e + 1)


@pytest.mark.parametrize("activate", [tanh_as_one_node, tanh_of_exp])
def test_the_worked_neuron_has_its_published_gradients(activate):
    x1, x2, w1, w2 = Value(2.0), Value(0.0), Value(-3.0), Value(1.0)
    b = Value(6.8813735870195432)
    o = activate(x1 * w1 + x2 * w2 + b)
    o.backward()
    assert o.data == pytest.approx(0.7071067811865477, rel=1e-15)
    gradients = [v.grad for v in (x1, w1, x2, w2, b)]
    assert gradients == pytest.approx([-1.5, 1.0, 0.5, 0.0, 0.5], rel=1e-14, abs=0)
