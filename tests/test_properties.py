"""The gradients of random programs by backward, grad, dual numbers and differences: the same."""

import os
import random
import subprocess
import sys
from math import exp
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_programs import OPERATIONS, make_program, run, run_on_duals

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value, grad, no_grad


@st.composite
def programs(draw):
    inputs = draw(st.lists(st.floats(-2, 2, width=32), min_size=1, max_size=3))
    program = make_program(lambda xs: draw(st.sampled_from(xs)), inputs, draw(st.integers(1, 12)))
    assume(program[0])
    return program


def gradients(program, passes=1):
    x = [Value(number) for number in program[1]]
    y = run(program, x)
    for _ in range(passes):
        y.backward()
    return [v.grad for v in x]


def check_against_duals(program):
    """Compare, if a comparison is possible."""
    expected, kink = run_on_duals(program)
    if kink < 1e-9:  # rounding can put the two on different sides
        return False
    x = [Value(number) for number in program[1]]
    y = run(program, x)
    assert y.data == pytest.approx(expected.x, rel=1e-9, abs=1e-9)
    by_backward, by_grad, twice = gradients(program), grad(y, x), gradients(program, passes=2)
    assert [v.grad for v in x] == [0.0] * len(x), "grad() left something in .grad"
    for i, size in enumerate(expected.size):
        near = pytest.approx(expected.d[i], rel=0, abs=1e-9 * (1 + size))
        assert by_backward[i] == near
        assert by_grad[i].data == near
        assert by_grad[i].data == pytest.approx(by_backward[i], rel=0, abs=1e-13 * (1 + size))
        assert twice[i] == pytest.approx(2 * by_backward[i], rel=0, abs=1e-13 * (1 + size))
    return True


def difference(program, i, h):
    above, below = [[Value(x) for x in program[1]] for _ in range(2)]
    above[i].data += h
    below[i].data -= h
    with no_grad():
        return (run(program, above).data - run(program, below).data) / (2 * h)


def check_against_differences(program):
    """Compare, if the differences have converged, as they do not near a kink."""
    compared = run_on_duals(program)[1] > 0.01
    for i, dy in enumerate(gradients(program)):
        coarse, fine = difference(program, i, 2e-4), difference(program, i, 1e-4)
        scale = 1 + abs(dy)
        compared = compared and abs(fine - coarse) < 1e-3 * scale
        if compared:
            assert dy == pytest.approx((4 * fine - coarse) / 3, rel=0, abs=1e-5 * scale)
    return compared


def check_second_derivatives(program):
    """Their matrix is symmetric, and grad of grad agrees with backward of grad."""
    if run_on_duals(program)[1] < 1e-9:
        return False
    x = [Value(number) for number in program[1]]
    first = grad(run(program, x), x)
    second = [grad(dy, x) for dy in first]
    scale = 1 + max(abs(ddy.data) for row in second for ddy in row)
    for i, dy in enumerate(first):
        for v in x:
            v.grad = 0.0
        dy.backward()
        for j, v in enumerate(x):
            assert second[i][j].data == pytest.approx(second[j][i].data, rel=0, abs=1e-9 * scale)
            assert second[i][j].data == pytest.approx(v.grad, rel=0, abs=1e-9 * scale)
    return True


CHECKS = [check_against_duals, check_against_differences, check_second_derivatives]


@pytest.mark.parametrize("examples", [60, pytest.param(5000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_random_programs(check, examples):
    @settings(max_examples=examples, deadline=None)
    @given(programs())
    def compare(program):
        assume(check(program))

    compare()


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_alone_and_inside_a_chain(name):
    rng = random.Random(name)
    operation = OPERATIONS[name]
    done = converged = 0
    while done < 20:
        inputs = [rng.uniform(-2, 2) for _ in range(operation.operands)]
        x = tuple(range(operation.operands))
        if not all(map(operation.domain, inputs)) or operation.kink(*inputs) < 0.05:
            continue
        last = operation.operands
        for steps in ([(name, x)], [(name, x), ("sin", (last,)), ("x * y", (last, last + 1))]):
            assert check_against_duals((steps, inputs))
            converged += check_against_differences((steps, inputs))
        done += 1
    assert converged >= 20


def test_the_checks_see_a_wrong_slope(monkeypatch):
    wrong = OPERATIONS["sin"]._replace(on_values=f.cos)
    monkeypatch.setitem(OPERATIONS, "sin", wrong)
    with pytest.raises(AssertionError):
        check_against_duals(([("sin", (0,))], [0.3]))
    off = OPERATIONS["exp"]._replace(slopes=lambda x: [exp(x) * 1.0001])
    monkeypatch.setitem(OPERATIONS, "exp", off)
    with pytest.raises(AssertionError):
        check_against_duals(([("exp", (0,))], [0.3]))


def print_results():
    """For the next test: numbers and gradients of 30 programs, to the last bit."""
    rng = random.Random(7)
    for _ in range(30):
        program = make_program(rng.choice, [rng.uniform(-2, 2) for _ in range(3)], 40)
        x = [Value(number) for number in program[1]]
        y = run(program, x)
        print(len(program[0]), y, [v.data for v in grad(y, x)], gradients(program))


@pytest.mark.slow
def test_results_do_not_depend_on_the_hash_seed():
    command = "from test_properties import print_results; print_results()"
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", command],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
        )
        for seed in ("1", "2")
    ]
    outputs = [process.communicate()[0] for process in processes]
    assert outputs[0] == outputs[1]
    assert outputs[0].count(b"\n") == 30
