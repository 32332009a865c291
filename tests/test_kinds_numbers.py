"""Kinds of faults in numbers: what flows, how sums are added, what a function gives, edges."""

import builtins
import math

import pytest

from tinygrad_edu import functions as f
from tinygrad_edu import losses
from tinygrad_edu.engine import Primitive, Value, grad, gradients
from tinygrad_edu.namespace import no_flow
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import fit
from tinygrad_edu.view import explain

inf, nan = math.inf, math.nan


def bits(x):
    """A number as a text that tells signs of zero apart and knows one nan; numbers in a list."""
    return [bits(a) for a in x] if isinstance(x, (list, tuple)) else repr(float(x))


# --- sums -----------------------------------------------------------------------------------------


def compensated(numbers, start=0):
    """As Python's `sum` from 3.12 on (Neumaier 1974)."""
    total, lost = start, 0.0
    for x in numbers:
        if isinstance(total, float) and isinstance(x, float):
            new = total + x
            large, small = (total, x) if abs(total) >= abs(x) else (x, total)
            lost += (large - new) + small
            total = new
        else:
            total = total + x
    return total + lost if lost else total


def scalar_training():
    X = [[0.1 * k, 0.3 - 0.2 * k, 0.7] for k in range(6)]
    model = MLP(3, [5, 2], "tanh", rng=1)
    optimizer = SGD(model.parameters(), lr=0.3)
    options = {"loss": "cross_entropy", "optimizer": optimizer, "engine": "scalar", "rng": 0}
    history = fit(model, X, [0, 1] * 3, epochs=3, batch_size=6, progress=False, **options)
    return [*history.loss, *(p.data for p in model.parameters())]


X, TENTHS = Value(1.0), [Value(0.1) for _ in range(10)]
SPREAD = [Value(1e16), Value(1.0), Value(-1e16)]
#: The right number is that of additions from left to right, from 0.0 on; None: any, if the same.
SUMS = {
    "sum": (lambda: f.sum(*SPREAD).data, 0.0),
    "sum of tenths": (lambda: f.sum(TENTHS).data, 0.9999999999999999),
    "sum of plain numbers": (lambda: f.sum([0.1] * 10), 0.9999999999999999),
    "mean": (lambda: f.mean(TENTHS).data, 0.09999999999999999),
    "dot": (lambda: f.dot([0.1, 0.2, -0.3], [X, X, X]).data, 5.551115123125783e-17),
    "dot and bias": (lambda: f.dot(SPREAD, [X, X, X], Value(1.0)).data, 0.0),
    "logsumexp": (lambda: f.logsumexp([Value(0.1 * k) for k in range(9)]).data, None),
    "softmax": (lambda: [p.data for p in f.softmax([Value(0.3 * k) for k in range(7)])], None),
    "sum of zeros": (lambda: f.sum(Value(-0.0), Value(-0.0)).data, 0.0),
    "ties": (lambda: f.max([Value(1.0)] * 3).local_derivatives(), [1 / 3] * 3),
    "gradients that meet": (lambda: grad(f.dot([X] * 3, SPREAD), X).data, 0.0),
    "penalty": (lambda: losses.l2(TENTHS, 1.0).data, None),
    "error": (lambda: losses.squared_error([v * 1e8 for v in SPREAD], [0.0] * 3).data, None),
    "training": (scalar_training, None),
}


@pytest.mark.parametrize("case", SUMS)
def test_a_sum_is_added_from_left_to_right_on_every_version_of_python(case, monkeypatch):
    compute, expected = SUMS[case]
    here = bits(compute())
    monkeypatch.setattr(builtins, "sum", compensated)
    monkeypatch.setattr(math, "fsum", lambda x: nan)
    monkeypatch.setattr(math, "sumprod", lambda p, q: nan, raising=False)
    assert builtins.sum([1e16, 1.0, -1e16], 0.0) == 1.0
    assert bits(compute()) == here
    assert expected is None or here == bits(expected)


# --- results --------------------------------------------------------------------------------------


def positive_part(v):
    return f.where(v > 0, v * v, 0.0)


A_NUMBER_WINS = {
    "where": (lambda v: f.where(v > 0, v, 0.0), -2.0, 0.0),
    "where, from there on": (lambda v: f.where(v > 0, v, 4.0).sqrt(), -2.0, 2.0),
    "the other side": (lambda v: f.where(v < 1, 7, v.cos()), -2.0, 7.0),
    "a function's own where": (positive_part, -1.0, 0.0),
    "a condition that is a Value": (lambda v: f.where(f.step(v), v, 1), -1.0, 1.0),
    "maximum": (lambda v: f.maximum(1.0, v), 0.5, 1.0),
    "minimum": (lambda v: f.minimum(v, 1.0), 2.5, 1.0),
    "max": (lambda v: f.max(v, 1, 3), 0.5, 3.0),
    "min": (lambda v: f.min([v, 1, 3]), 2.5, 1.0),
    "pow": (lambda v: f.pow(v, 0), 2.5, 1.0),
    "pow of a number": (lambda v: f.pow(1, v), 2.5, 1.0),
    "prod": (lambda v: f.prod(0.0, v), 2.5, 0.0),
    "dot": (lambda v: f.dot([0.0], [v]), 2.5, 0.0),
    "where in where": (lambda v: f.where(v > 0, v, f.where(v > -9, True, v)), -1.0, 1.0),
}


@pytest.mark.parametrize("case", A_NUMBER_WINS)
def test_a_function_of_a_value_gives_a_value_also_where_a_number_wins(case):
    function, x, expected = A_NUMBER_WINS[case]
    v = Value(x)
    y = function(v)
    assert isinstance(y, Value)
    assert y.data == expected
    y.backward()
    assert v.grad == grad(y, v).data == 0.0


# --- where nothing flows --------------------------------------------------------------------------

#: A function, the point, and its derivative there, which no infinite slope further up disturbs.
STOPPED = {
    "root that is not chosen": (lambda x: f.where(f.step(x), x, 0.0).sqrt(), -1.0, 0.0),
    "quotient of what is not chosen": (lambda x: 1 / f.where(f.step(x), x, 0.0), -2.0, 0.0),
    "root that loses": (lambda x: f.maximum(x.sqrt(), 1.0), 0.0, 0.0),
    "root that chooses": (lambda x: f.where(f.step(x.sqrt() - 1), x, 2 * x), 0.0, 2.0),
    "log below a dead relu": (lambda x: x.log().relu(), 0.0, 0.0),
    "root below a step": (lambda x: f.step(x.sqrt()) * x, 0.0, 0.0),
    "root below a sign": (lambda x: f.sign(x.sqrt()) + 3 * x, 0.0, 3.0),
    "log to the power 0": (lambda x: x.log() ** 0 + x, 0.0, 1.0),
    "log to the power 0, both Values": (lambda x: f.pow(x.log(), Value(0.0)) + x, 0.0, 1.0),
    "slope of a prelu that is not used": (lambda x: f.prelu(Value(2.0), x.sqrt()) + x, 0.0, 1.0),
    "log two stops further up": (lambda x: (x.log().relu() + 1).exp().relu(), 0.0, 0.0),
    "chain behind a stop": (lambda x: (x.sqrt().sqrt() * 2 - 1).relu(), 0.0, 0.0),
    "stopped on one way, open on the other": (lambda x: f.max(x.log(), x, 0.5 * x + 1), 0.0, 0.5),
    "a tie of two, and a loser": (lambda x: f.min(x.log().exp() + 1, x, 3 * x), 0.0, 2.0),
    "inf - inf behind a stop": (lambda x: f.where(x < 0, (1 / x) - (1 / x), x), 0.0, 1.0),
    "dot behind a stop": (lambda x: f.dot([x, x], [Value(inf), -1.0]).relu() + x, -1.0, 1.0),
    "softmax behind a stop": (lambda x: f.minimum(f.softmax([x.sqrt(), x])[0], -1.0) + x, 0.0, 1.0),
    "an operation of one's own": (lambda x: half_open(x.log()) + x, 0.0, 1.0),
    "hinge of a saturated unit": (lambda x: losses.hinge(x.log() * -inf, 1) + x, 0.0, 1.0),
}
half_open = Primitive(
    "half_open",
    lambda m, x: m.where(x > 0, x * x, 0.0),
    lambda m, y, x: (2 * m.where(x > 0, x, no_flow),),
)


def first_and_second(function, point):
    """The derivative by `backward` and by `grad`, and the second one by both from the first."""
    x = Value(point)
    y = function(x)
    y.backward()
    by_backward, first = x.grad, grad(y, x)
    x.grad = 0.0
    first.backward()
    return (by_backward, x.grad), (first.data, grad(first, x).data)


@pytest.mark.parametrize("case", STOPPED)
def test_where_nothing_flows_nothing_flows(case):
    function, point, expected = STOPPED[case]
    by_backward, by_grad = first_and_second(function, point)
    assert bits(by_backward[0]) == bits(by_grad[0]) == bits(expected)
    assert bits(by_backward[1]) == bits(by_grad[1])
    x = Value(point)
    y = function(x)
    assert gradients(y)[x] == expected
    told = explain(y, x)
    assert told.value == expected
    assert "differs" not in str(told)


def test_what_nothing_flows_to_was_reached_and_is_not_visited():
    def slopes(m, y, x):
        raise AssertionError("asked for the slopes of a node that nothing flows to")

    x, b = Value(2.0), Value(-5.0)
    hidden = Primitive("unasked", lambda m, x: x, slopes)(x)
    y = (hidden + b).relu()
    y.backward()
    assert [(v.grad, v.reached) for v in (x, b, hidden)] == [(0.0, True)] * 3
    assert bits([x.grad, b.grad]) == ["0.0", "0.0"]
    assert gradients(y)[hidden] is no_flow
    assert [v.data for v in grad(y, [x, b, hidden])] == [0.0] * 3
    (-0.0 * b).backward()
    (3 * x).backward()
    assert bits([x.grad, b.grad]) == ["3.0", "-0.0"]
