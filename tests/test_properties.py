"""Every operation alone and in a chain: dual numbers, differences, the same bits twice."""

import os
import random
import sys
from contextlib import ExitStack
from math import exp
from pathlib import Path

import pytest
from fuzz import check_duals
from processes import run_in_process
from random_programs import OPERATIONS, make_program, run

from tinygrad_edu import functions as f
from tinygrad_edu import gradcheck
from tinygrad_edu.engine import Value, grad


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_alone_and_inside_a_chain(name):
    rng = random.Random(name)
    operation = OPERATIONS[name]
    done = 0
    while done < 20:
        inputs = [rng.uniform(-2, 2) for _ in range(operation.operands)]
        x = tuple(range(operation.operands))
        if not all(map(operation.domain, inputs)) or operation.kink(*inputs) < 0.05:
            continue
        last = operation.operands
        for steps in ([(name, x)], [(name, x), ("sin", (last,)), ("x * y", (last, last + 1))]):
            program = steps, inputs
            assert check_duals(program)
            assert gradcheck(lambda *x, program=program: run(program, x), inputs)
        done += 1


def test_the_checks_see_a_wrong_slope(monkeypatch):
    wrong = OPERATIONS["sin"]._replace(on_values=f.cos)
    monkeypatch.setitem(OPERATIONS, "sin", wrong)
    with pytest.raises(AssertionError):
        check_duals(([("sin", (0,))], [0.3]))
    off = OPERATIONS["exp"]._replace(slopes=lambda x: [exp(x) * 1.0001])
    monkeypatch.setitem(OPERATIONS, "exp", off)
    with pytest.raises(AssertionError):
        check_duals(([("exp", (0,))], [0.3]))


def print_results():
    """For the next test: numbers and gradients of 30 programs, to the last bit."""
    rng = random.Random(7)
    for _ in range(30):
        program = make_program(rng.choice, [rng.uniform(-2, 2) for _ in range(3)], 40)
        x = [Value(number) for number in program[1]]
        y = run(program, x)
        by_grad = [v.data for v in grad(y, x)]
        y.backward()
        print(len(program[0]), y, by_grad, [v.grad for v in x])


@pytest.mark.slow
def test_results_do_not_depend_on_the_hash_seed():
    command = "from test_properties import print_results; print_results()"
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    with ExitStack() as both:
        processes = [
            both.enter_context(
                run_in_process(
                    "-c", command, env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
                )
            )
            for seed in ("1", "2")
        ]
        outputs = [process.communicate()[0] for process in processes]
    assert outputs[0] == outputs[1]
    assert outputs[0].count("\n") == 30
