"""How the work of making a program grows: with the units of a net, and with the steps of a loop.

Nothing is timed: the lines that run, and the functions that are called, are counted.
"""

import sys

import pytest
from vectorized import check, numbers

from tinygrad_edu import functions as f
from tinygrad_edu.engine import parameter
from tinygrad_edu.losses import cross_entropy
from tinygrad_edu.nn import MLP
from tinygrad_edu.vectorize import vectorize


def count(events, action):
    """How many of these events ("call", "line") there are while `action` runs."""
    found, before = 0, sys.gettrace()

    def trace(frame, event, argument):
        nonlocal found
        found += event in events
        return trace if "line" in events else None

    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return found


def calls(inputs, units, what):
    """The calls that a program of a net needs, to be made or for its first gradient."""
    model, row = MLP(inputs, [units, 3], rng=0), [0.1 * k for k in range(inputs)]

    def make():
        return vectorize(lambda x, t: cross_entropy(model(x), t), row, 1)

    if what == "made":
        return count(("call",), make)
    program = make()
    return count(("call",), lambda: program.value_and_grad([row], [2]))


@pytest.mark.parametrize("what", ["made", "first gradient"])
def test_calls_grow_with_units_and_inputs_and_not_with_their_product(what):
    calls(10, 4, what)  # what is looked up once for all
    wide, few = ([calls(inputs, units, what) for inputs in (50, 150)] for units in (96, 32))
    by_edges = (wide[1] - wide[0]) - (few[1] - few[0])
    assert by_edges < 0.1 * (150 - 50) * (96 - 32)


WEIGHT = parameter(0.3, "theta")


def euler(n):
    def fn(y):
        for _ in range(n):
            y = y + 0.001 * (1.0 - WEIGHT * y * y)
        return y

    return fn, 0.5


def running_maximum(n):
    return lambda x: max(a * WEIGHT for a in x), [float(k) for k in range(n)]


def running_sum(n):
    def fn(x):
        total = x[0]
        sums = [total := total + a for a in x[1:]]
        return f.sum([s.tanh() * WEIGHT for s in sums])

    return fn, [0.1 * k for k in range(n)]


@pytest.mark.parametrize("problem", [euler, running_maximum, running_sum])
def test_the_work_is_linear_in_the_number_of_steps(problem):
    def make(n):
        program = vectorize(*problem(n))
        assert program.source
        assert program.plan.backward

    make(20)  # what is looked up once for all
    few, more = (count(("line",), lambda n=n: make(n)) for n in (41, 82))
    assert more < 2.3 * few


@pytest.mark.parametrize(
    "add",
    [sum, lambda terms: sum(reversed(terms)), lambda terms: f.sum(terms[:5]) + sum(terms[5:])],
)
def test_a_long_sum_is_one_line_of_the_program(add):
    program = check(lambda x: add([(WEIGHT * a).tanh() for a in x]), numbers(3, 50))
    assert program.source.partition("# backward")[0].count(".sum(axis=1") == 1
    assert len(program.plan.layout.equations) <= 5


def test_a_sum_that_something_else_reads_stays_by_itself():
    def fn(x):
        total = sum(a.exp() for a in x[:20])
        return total + sum(a.tanh() for a in x[20:]) + total * WEIGHT

    check(fn, numbers(3, 40))


def test_a_program_is_made_of_two_runs_and_its_first_use_is_a_third():
    runs = []
    model = MLP(2, [3, 1], rng=0)

    def fn(x):
        runs.append(1)
        return model(x)

    program = vectorize(fn, [0.1, 0.2])
    assert len(runs) == 2
    program([[0.3, 0.4]] * 7)
    program([[0.5, 0.4]])
    assert len(runs) == 3


def test_the_first_use_compares_with_the_numbers_that_the_program_was_made_of():
    model = MLP(2, [3, 1], "tanh", rng=0)
    program = vectorize(model, [0.1, 0.2])
    for p in model.parameters():
        p.data *= -2
    assert program([[0.3, 0.4]]) == pytest.approx([model([0.3, 0.4]).data], rel=1e-14)


def test_units_that_share_weights_in_another_order_stay_right():
    w = tuple(parameter(0.1 * k, f"w{k}") for k in range(1, 5))

    def fn(x):
        return f.dot(w, x) * f.dot(w[::-1], x) + f.dot(w[:2] + w[:2], x) + w[0]

    check(fn, numbers(3, 4))
