"""Kinds of faults in numbers: what flows, how sums are added, what a function gives, edges."""

import builtins
import math

import pytest

from tinygrad_edu import functions as f
from tinygrad_edu import losses
from tinygrad_edu.engine import Value, grad
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import fit

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
