"""Random graphs over inputs and parameters: the program equals one scalar graph per example."""

import math
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_programs import make_program, run, run_on_duals
from vectorized import by_scalars, by_source

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value, primitives
from tinygrad_edu.vectorize import vectorize


def check_close(fn, arrays, example):
    """Loss and gradient by program, source and scalar engine."""
    program = vectorize(fn, *example)
    losses, gradient = by_scalars(fn, program.parameters, *arrays)
    scale = max([abs(g) for g in gradient], default=0.0)
    assert program(*arrays) == pytest.approx(np.array(losses), rel=1e-9, abs=1e-12)
    if program.parameters:
        for loss, found in (program.value_and_grad(*arrays), by_source(program, *arrays)):
            assert loss == pytest.approx(np.mean(losses), rel=1e-9, abs=1e-12)
            assert found == pytest.approx(np.array(gradient), rel=0, abs=1e-10 * scale + 1e-13)


# --- programs of single operations ----------------------------------------------------------------


def duals(program):
    """The last result, unless it is near a kink, outside a domain or mostly rounding."""
    try:
        result, kink = run_on_duals(program)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):  # TypeError: complex powers
        return None
    large = max(map(abs, result.d))
    sound = kink > 1e-6 and abs(result.x) < 1e3 and max(result.size) < 1e3 * large < 1e6
    return result if sound else None


@st.composite
def programs(draw):
    """A program, and how many of its operands are parameters: the others are inputs."""
    inputs = draw(st.lists(st.floats(-2, 2, width=32), min_size=2, max_size=4))
    program = make_program(lambda xs: draw(st.sampled_from(xs)), inputs, draw(st.integers(1, 12)))
    return program, draw(st.integers(1, len(inputs) - 1))


def check_program(program, parameters):
    steps, start = program
    rng = random.Random(0)
    p = [Value(x) for x in start[:parameters]]
    rows = []
    for _ in range(12):
        row = [x + rng.uniform(-0.05, 0.05) for x in start[parameters:]]
        if duals((steps, start[:parameters] + row)) is not None:
            rows.append(row)
    if not steps or len(rows) < 2:
        return False
    check_close(lambda x: run(program, [*p, *x]), [np.array(rows)], [rows[0]])
    return True


@pytest.mark.parametrize("examples", [40, pytest.param(800, marks=pytest.mark.slow)])
def test_random_programs_over_a_batch_equal_the_scalar_engine(examples):
    @settings(max_examples=examples, deadline=None)
    @given(programs())
    def compare(drawn):
        assume(check_program(*drawn))

    compare()


@pytest.mark.slow
def test_long_programs_over_a_batch_equal_the_scalar_engine():
    rng = random.Random(5)
    compared = 0
    for _ in range(400):
        program = make_program(rng.choice, [rng.uniform(-2, 2) for _ in range(4)], 40)
        compared += check_program(program, 2)
    assert compared > 40


# --- graphs with dots, layers and rows ------------------------------------------------------------

UNARY = {"tanh": f.tanh, "sin": f.sin, "sigmoid": f.sigmoid, "softplus": f.softplus}
BINARY = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "hypot": lambda x, y: f.hypot(x + 0.1, y),
    "tie": lambda x, y: f.maximum(x, y),
}
ROWS = {"sum": f.sum, "mean": f.mean, "prod": f.prod, "max": f.max, "logsumexp": f.logsumexp}


def apply(step, pool):
    """The results of a step: its kind, and where its rows of operands stand."""
    kind, rows = step
    v = [[pool[i] for i in row] for row in rows]
    if kind in UNARY:
        return [UNARY[kind](*row) for row in v]
    if kind in BINARY:
        return [BINARY[kind](*row) for row in v]
    if kind in ROWS:
        return [ROWS[kind](row) for row in v]
    if kind == "softmax":
        return [p for row in v for p in f.softmax(row)]
    if kind == "choice":
        return [primitives["cross_entropy"](pool[0], *row) for row in v]
    half = len(v) // 2
    if kind == "product":  # every row of w with every row of x
        return [f.dot(w, x) for x in v[:half] for w in v[half:]]
    if kind == "biased":
        return [f.dot(w, x, w[0]) for w in v[half:] for x in v[:half]]
    if kind == "pairs":
        return [f.dot(w, x) for w, x in zip(v[:half], v[half:], strict=True)]
    return [sum(a * b for a, b in zip(w, x, strict=True)) for w, x in zip(v, v[::-1], strict=True)]


KINDS = [*UNARY, *BINARY, *ROWS, "softmax", "choice", "product", "biased", "pairs", "by hand"]
N_INPUTS, N_PARAMETERS = 3, 6


def make_graph(draw):
    """Steps over a pool that starts as class number, inputs, parameters and two constants."""
    size = 1 + N_INPUTS + N_PARAMETERS + 2
    steps = []
    for _ in range(draw(range(1, 7))):
        kind = draw(KINDS)
        wide = 1 if kind in UNARY else 2 if kind in BINARY else draw([1, 2, 3])
        wide = max(wide, 2) if kind == "choice" else wide
        count = draw([1, 2, 3])
        if kind in ("product", "biased", "pairs", "by hand"):
            count *= 2
        pools = [range(1, 4), range(4, 10), range(1, size), range(max(1, size - 6), size)]
        rows = []
        for _ in range(count):
            among = draw(pools)
            rows.append(tuple([draw(among) for _ in range(wide)]))
        step = (kind, tuple(rows))
        steps.append(step)
        size += len(apply(step, [0.5] * size)) if kind != "choice" else count
    return steps


def run_graph(steps, t, x, p):
    """The sum of the last results, and the rows of which an extreme is taken on the way."""
    pool = [t, *x, *p, Value(0.5), Value(-1.5)]
    results, extremes = [], []
    for step in steps:
        results = apply(step, pool)
        if step[0] in ("max", "tie"):
            extremes += [[pool[i] for i in row] for row in step[1]]
        pool += results
    loss = f.sum([f.tanh(0.1 * v) for v in results]) if len(results) > 1 else results[0]
    return loss, extremes


def gap_of(rows):
    """The distance to the nearest tie of two nodes of a row."""
    gap = math.inf
    for row in rows:
        data = sorted({v.data for v in row})
        ties = len({id(v) for v in row}) - len(data)
        gap = min(gap, 0.0 if ties else gap, *[b - a for a, b in pairwise(data)], math.inf)
    return gap


def check_graph(steps, seed):
    rng = np.random.default_rng(seed)
    p = [Value(x) for x in rng.uniform(-1, 1, N_PARAMETERS)]
    x, t = rng.uniform(-1, 1, (4, N_INPUTS)), np.array([0.0, 1.0, 1.0, 0.0])
    for row, k in zip(x, t, strict=True):
        loss, extremes = run_graph(steps, Value(k), [Value(a) for a in row], p)
        if gap_of(extremes) < 1e-6 or not abs(loss.data) < 1e3:
            return False
    check_close(lambda x, t: run_graph(steps, t, x, p)[0], [x, t], [x[0].tolist(), 1.0])
    return True


@st.composite
def graphs(draw):
    return make_graph(lambda xs: draw(st.sampled_from(xs)))


@pytest.mark.slow
@pytest.mark.parametrize("examples", [50, 800])
def test_random_graphs_of_dots_and_rows_equal_the_scalar_engine(examples):
    @settings(max_examples=examples, deadline=None)
    @given(graphs(), st.integers(0, 3))
    def compare(steps, seed):
        assume(check_graph(steps, seed))

    compare()
