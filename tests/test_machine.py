"""The machine against the calls of NumPy: the same program, executed by both.

What the results should be is checked against scalars elsewhere, by both too.
"""

import re

import numpy as np
import pytest
from vectorized import assert_equal, example_of, leaves, named, numbers, outcomes

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import LOSSES, find_loss
from tinygrad_edu.nn import MLP
from tinygrad_edu.vectorize import vectorize
from tinygrad_edu.vectorize.executors import library, native
from tinygrad_edu.vectorize.executors.instructions import INSTRUCTIONS
from tinygrad_edu.vectorize.executors.kernel import compile_kernel

FOUND = library.find()
RUNS = list(library.VARIANTS)[: FOUND.opened.machine_level() + 1] if FOUND else []
machine = pytest.mark.skipif(not RUNS, reason="the machine is not built here, or switched off")
#: What a loss wants the outputs to be.
OUTPUT = {"binary_cross_entropy": "sigmoid"}
#: Fewer examples than a vector, a few vectors, some left over, more than one block of them.
ROWS = (100, 33, 8, 7, 1)


@pytest.fixture(params=RUNS or ["none"])
def build(request, monkeypatch):
    """Each build of the machine that runs here, in turn."""
    monkeypatch.setenv(library.VARIABLE, request.param)


def check(fn, *arrays):
    """Both executors give the same for numbers of rows in turn, with one table for all."""
    program = vectorize(fn, *example_of(arrays))
    program.read_parameters()
    forward, backward = program.plan, program.plan.backward if program.has_loss else None
    gradient, expected = np.zeros_like(program.P), np.zeros_like(program.P)
    for B in ROWS:
        given = [np.resize(a, (B, *a.shape[1:])) for a in arrays]
        kernel = native.machine_kernel(
            program.plan, B, program.P, gradient, gradient=program.has_loss
        )
        assert kernel is not None
        found = outcomes(kernel, program.names, given)
        numpy = compile_kernel(forward, backward, B, program.P, expected)
        for a, b in zip(found, outcomes(numpy, program.names, given), strict=True):
            assert_equal(a, b, f"a result of {B} rows")
        assert_equal(gradient, expected, f"the gradient of {B} rows")


def test_the_instructions_are_those_of_the_c_file():
    text = (library.FOLDER / "machine.c").read_text()
    kinds = re.findall(r"#define (?:UNARY|BINARY|TERNARY|OTHERS)\(X\)((?:.*\\\n)*.*\n)", text)
    assert tuple(re.findall(r'X\([A-Z0-9_]+, "([^"]+)"', "".join(kinds))) == INSTRUCTIONS


@machine
@pytest.mark.parametrize("loss", LOSSES)
def test_networks_of_every_loss(build, loss):
    n = (
        4
        if loss in ("cross_entropy", "squared_error", "half_squared_error", "mean_squared_error")
        else 1
    )
    net, cost = MLP(3, [9, n], "relu", OUTPUT.get(loss, "linear"), rng=1), find_loss(loss)
    y = np.arange(100.0) % 4 if loss == "cross_entropy" else numbers(100, n, low=0.1, high=0.9)
    y = np.sign(y - 0.5) if loss in ("hinge", "perceptron") else y
    check(lambda x, t: cost(net(x), t), numbers(100, 3), y[:, 0] if n == 1 else y)


@machine
@pytest.mark.parametrize("sizes", [(1, 1), (2, 16, 16, 1), (40, 33, 2), (5, 70, 3), (200, 9, 1)])
def test_networks_of_sizes_that_fit_vectors_and_do_not(build, sizes):
    net, cost = MLP(sizes[0], sizes[1:], "tanh", rng=1), find_loss("squared_error")
    check(lambda x, t: cost(net(x), t), numbers(100, sizes[0]), numbers(100, sizes[-1]))


def pooled(x):
    w = leaves(4, seed=1)
    return f.sum([f.max(f.dot(w, x[k : k + 4]), x[k] * w[0], x[k + 2]) for k in range(3)])


def least_and_product(x):
    w = leaves(3, seed=2)
    return f.min(x) * f.prod([a * b for a, b in zip(w, x[:3], strict=True)]) + f.logsumexp(x)


def recurrent(x):
    w, u = leaves(3, seed=3), leaves(3, seed=4)
    h = [Value(0.1), Value(0.2), Value(0.3)]
    for a in x:
        h = [f.tanh(f.dot(w, h) + a * b) for b in u]
    return f.sum(h)


def attending(x):
    rows = [x[:2], x[2:4], x[4:]]
    w = leaves(2, 2, seed=5)
    q = [[f.dot(v, r) for v in w] for r in rows]
    weights = [f.softmax([f.dot(a, b) for b in q]) for a in q]
    mixed = [[f.dot(p, [r[j] for r in rows]) for j in range(2)] for p in weights]
    return f.sum([a * a for row in mixed for a in row])


def shared_and_single_weights(x):
    w = leaves(3, 3, seed=6)
    y = [f.dot(v, x[:3]) for v in w]
    z = [f.dot([v[k] for v in w], y) for k in range(3)]
    return f.sum(z) * w[0][1] + w[2][2] ** 2 + f.softplus(w[1][1]) * x[5]


def branching(x):
    w = leaves(2, seed=7)
    y = f.where(f.relu(x[0]), w[0] * x[2], w[1] - x[3])
    return y * y if y > -100 else y


def rows_and_matrices_of_parameters(x):
    w, v = leaves(2, 3, seed=8), leaves(3, seed=9)
    gram = [f.sum([a * b for a, b in zip(r, v, strict=True)]) for r in w]
    return f.sum(
        [
            g * f.maximum(a, b)
            for g, r in zip(gram, w, strict=True)
            for a, b in zip(r, v, strict=True)
        ]
    ) * f.dot(v, x[:3])


SHAPES = named(
    rows_and_matrices_of_parameters,
    pooled,
    least_and_product,
    recurrent,
    attending,
    shared_and_single_weights,
    branching,
)


@machine
@pytest.mark.parametrize("fn", SHAPES.values(), ids=SHAPES)
def test_other_shapes_of_graphs(build, fn):
    check(fn, numbers(100, 6))


@machine
def test_a_large_program_or_an_unknown_operation_is_left_to_numpy(monkeypatch):
    net = MLP(2, [3, 1], rng=1)
    program = vectorize(lambda x: net(x) ** 2, [1.0, 2.0])
    plan = program.plan
    assert native.table_for(plan, 8, gradient=False) is not None
    assert native.table_for(plan, 10**9, gradient=False) is None
    assert native.table_for(plan, 8, gradient=False).rows < 1000  # not for as many as before
    monkeypatch.setattr(native, "MOST_PARAMETERS", 12)
    assert native.table_for(plan, 8, gradient=False) is None


@machine
def test_values_alone_leave_the_gradient_as_it_is():
    w = leaves(2, seed=1)
    program = vectorize(lambda x: f.dot(w, x), [1.0, 2.0])
    _, gradient = program.value_and_grad([[3.0, 4.0]])
    program([[5.0, 6.0]])
    assert program.G.tolist() == gradient.tolist() == [3.0, 4.0]


def test_a_machine_that_is_switched_off_computes_nothing(monkeypatch):
    monkeypatch.setenv(library.VARIABLE, "none")
    program = vectorize(lambda x: Value(2.0) * x, 1.0)
    made = native.machine_kernel(program.plan, 4, program.P, program.G, gradient=False)
    assert made is None
    assert program([1.0, 2.0]).tolist() == [2.0, 4.0]
