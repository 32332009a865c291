"""The machine against the calls of NumPy: the same program, executed by both.

What the results should be is checked against scalars elsewhere, by both too.
"""

import re

import numpy as np
import pytest
from test_vectorize import mlp_case
from test_vectorize_nets import NETS
from vectorized import assert_equal, example_of, leaves, numbers, outcomes

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import LOSSES, squared_error
from tinygrad_edu.nn import MLP
from tinygrad_edu.vectorize import vectorize
from tinygrad_edu.vectorize.executors import library, native
from tinygrad_edu.vectorize.executors.instructions import INSTRUCTIONS
from tinygrad_edu.vectorize.executors.kernel import Update, compile_kernel

FOUND = library.find()
RUNS = list(library.VARIANTS)[: FOUND.opened.machine_level() + 1] if FOUND else []
machine = pytest.mark.skipif(not RUNS, reason="the machine is not built here, or switched off")
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
    backward = program.plan.backward if program.has_loss else None
    gradient, expected = np.zeros_like(program.P), np.zeros_like(program.P)
    for B in ROWS:
        given = [np.resize(a, (B, *a.shape[1:])) for a in arrays]
        vectors = program.P, gradient
        kernel = native.machine_kernel(program.plan, B, *vectors, gradient=program.has_loss)
        assert kernel is not None
        found = outcomes(kernel, program.names, given)
        numpy = compile_kernel(program.plan, backward, B, program.P, expected)
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
    case = mlp_case(2, "relu", loss)
    check(case.fn, *case.arrays)


@machine
@pytest.mark.parametrize("sizes", [(1, 1), (2, 16, 16, 1), (40, 33, 2), (5, 70, 3), (200, 9, 1)])
def test_networks_of_sizes_that_fit_vectors_and_do_not(build, sizes):
    net = MLP(sizes[0], sizes[1:], "tanh", rng=1)
    check(lambda x, t: squared_error(net(x), t), numbers(100, sizes[0]), numbers(100, sizes[-1]))


@machine
@pytest.mark.parametrize("name", NETS)
def test_nets_of_every_shape(build, name):
    check(NETS[name].fn, *NETS[name].arrays)


@machine
def test_a_comparison_on_the_way(build):
    w = leaves(2, seed=7)

    def branching(x):
        y = f.where(f.relu(x[0]), w[0] * x[2], w[1] - x[3])
        return y * y if y > -100 else y

    check(branching, numbers(100, 6))


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


def test_an_update_by_numpy_reads_a_state_before_it_is_replaced():
    x, g, s = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])
    equation = lambda m, g, x, lr, t, state: (x - lr * state[0], (2 * state[0] + g,))  # noqa: E731
    Update(equation, x, g, [s])(0.5, 1)
    assert (x.tolist(), s.tolist()) == ([-1.5, -1.0], [13.0, 16.0])
