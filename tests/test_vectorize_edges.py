"""The edges of IEEE 754 in a program over arrays: inf, nan and ties as in the scalar engine.

The scalar engine itself is compared with PyTorch in test_edge_table.py. The signs of zeros are left
out, and with them what a division makes of them.
"""

import math
from itertools import product

import numpy as np
import pytest
from random_programs import operands_of
from vectorized import assert_equal, by_scalars, function_of, named, numbers_of

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value, primitives
from tinygrad_edu.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge,
    perceptron,
    squared_error,
)
from tinygrad_edu.vectorize import vectorize

inf, nan = math.inf, math.nan
UNARY = [0.0, 1.0, -1.0, 0.5, inf, -inf, nan, 1000.0, -1000.0, 1e4, -1e4, 1e308, -1e308, 1e-320]
BINARY = [0.0, 1.0, -1.0, -2.5, inf, -inf, nan, 1e308]
TERNARY = [0.0, 1.0, -2.5, inf, -inf, nan]
#: What comes back from behind the operation: nothing that flows may make a nan where it is stopped.
SEEDS = [1.0, 0.0, -inf, nan]


def check_points(fn, *points):
    """Loss and gradient of each example on its own, by the program and by its source."""
    columns = [np.array(column, dtype=float) for column in zip(*points, strict=True)]
    program = vectorize(fn, *[np.where(np.isfinite(c[0]), c[0], 0.5).tolist() for c in columns])
    function = function_of(program)
    results = program(*columns)
    for k, point in enumerate(points):
        rows = [c[k : k + 1] for c in columns]
        (expected,), gradient = by_scalars(fn, program.parameters, *rows)
        assert_equal(results[k], expected, f"value at {point}")
        loss, found = program.value_and_grad(*rows)
        assert_equal(loss, expected, f"value at {point}")
        assert_equal(found, gradient, f"gradient at {point}")
        with np.errstate(all="ignore"):
            text = function(numbers_of(program), *rows)
        assert_equal(text[0], expected, f"value of the source at {point}")
        assert_equal(text[1], gradient, f"gradient of the source at {point}")


def zeros(n):
    """Parameters that, added to the inputs, leave them as they are."""
    return [Value(0.0) for _ in range(n)]


BOUND = {
    "power": [{"c": c} for c in (0.0, 1.0, 2.0, 3.0, -1.0, 0.5, -0.5)],
    "leaky_relu": [{"alpha": 0.01}, {"alpha": -2.0}],
    "elu": [{"alpha": 1.0}, {"alpha": 0.3}],
    "clip": [{"low": -1.0, "high": 2.0}],
    "softmax": [{"k": 0}, {"k": 1}],
    "log_softmax": [{"k": 0}, {"k": 1}],
}


def operations():
    return [
        pytest.param(p.bind(**constants) if constants else p, id=f"{p.name}{constants or ''}")
        for p in primitives.values()
        for constants in BOUND.get(p.name, [{}])
    ]


def points_of(operation):
    n = operands_of(operation)
    if operation.name == "cross_entropy":
        return [(t, *x) for t in (0.0, 1.0) for x in product(TERNARY, repeat=2)]
    return list(product({1: UNARY, 2: BINARY, 3: TERNARY}[n], repeat=n))


def of_parameters(operation, n):
    """The operation on inputs that parameters are added to; a choice is left as it is."""
    p = zeros(n)
    first = operation.name in ("where", "cross_entropy")

    def fn(x):
        v = [a + b for a, b in zip(x, p, strict=True)]
        return operation(*([x[0], *v[1:]] if first else v))

    return fn


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("operation", operations())
def test_every_operation_agrees_at_its_edges(operation, seed):
    points = points_of(operation)
    fn = of_parameters(operation, len(points[0]))
    check_points(lambda x, g: fn(x) * g, *[(point, seed) for point in points])


@pytest.mark.parametrize("operation", operations())
def test_every_operation_agrees_at_some_edges(operation):
    points = points_of(operation)
    some = points[:: 1 if len(points) < 20 else 17]
    check_points(of_parameters(operation, len(points[0])), *[(point,) for point in some])


W, V, C = Value(0.0), Value(1.0), Value(0.0)


def division_that_is_not_chosen(x):
    z = x + W
    return f.where(f.abs(z), 1 / z, W)


def chain_of_stops(x):
    z = f.log(x + W)
    return f.maximum(f.relu(-f.relu(z)), f.minimum(z, 0.0)) + f.step(z) + f.sign(z)


def powers_of_ends(x):
    z = x + W
    return z ** (C + 0.0) + z**0 + 0.0 ** (W + 1) + (z * z) ** V


def pool_of_ties(x):
    z = f.relu(x + W)
    return f.max(z, z + 0.0, f.relu(W), C) + f.min(z, W, x * 0) + f.maximum(z, C)


def softmax_of_ends(x):
    p = f.softmax([x + W, V, C])
    return f.dot(p, [1.0, 2.0, 3.0]) + f.log_softmax([x + W, V])[1] + f.logsumexp([x + W, x])


def unit_that_saturates(x):
    z = f.dot([V, W], [x, 1.0], C)
    return f.log(f.sigmoid(z)) + f.log(1 - f.tanh(z) ** 2 + W) + f.softplus(z)


CHAINS = named(
    *(division_that_is_not_chosen, chain_of_stops, powers_of_ends),
    *(pool_of_ties, softmax_of_ends, unit_that_saturates),
) | {
    "log that is not chosen": lambda x: f.where(f.step(x + W), f.log(x + W), x + W),
    "root below a dead relu": lambda x: f.relu(-f.sqrt(f.abs(x + W))),
    "root below a maximum": lambda x: f.maximum(f.sqrt(f.abs(x + W)) - 1, 0.0),
    "length at the origin": lambda x: f.hypot(x + W, C) + f.atan2(x + W, C) + f.sqrt((x + W) ** 2),
    "product of ends": lambda x: (x + W) * V * f.exp(x + W) * f.exp(-x),
    "dot of ends": lambda x: f.relu(f.dot([W, V], [x, x], C)) + f.dot([W, W, C], [x, 1.0, V]),
    "mean of ends": lambda x: f.mean([x + W, V, -x]) + f.sum([x + W, x]) + f.prod([x + W, C, V]),
}


@pytest.mark.parametrize("fn", CHAINS.values(), ids=CHAINS)
def test_chains_of_operations_agree_at_the_edges(fn):
    check_points(fn, *[(x,) for x in UNARY])


LOGITS = [0.0, 1.0, -1.0, 30.0, -40.0, 1000.0, -1000.0, 1e4, -1e4, inf, -inf, nan]


@pytest.mark.parametrize(
    ("loss", "logits", "targets"),
    [
        (lambda x, y: hinge(x + W, y), LOGITS, [-1.0, 1.0]),
        (lambda x, y: perceptron(x + W, y), LOGITS, [-1.0, 1.0]),
        (lambda x, y: squared_error([x + W, W], [y, y]), LOGITS, [0.0, 1.0, inf]),
        (lambda x, y: binary_cross_entropy_with_logits(x + W, y), LOGITS, [0.0, 1.0, 0.25]),
        (lambda x, y: binary_cross_entropy(f.sigmoid(x + W), y), LOGITS[:-1], [0.0, 1.0, 0.25]),
    ],
    ids=["hinge", "perceptron", "squared", "logits", "saturated sigmoid"],
)
def test_losses_agree_at_the_edges(loss, logits, targets):
    check_points(loss, *product(logits, targets))


@pytest.mark.parametrize("logits", [(0.0, 0.0), (1000.0, -1000.0), (-1e4, 1e4), (1e4, 1e4)])
def test_cross_entropy_agrees_at_the_edges(logits):
    p = zeros(3)

    def loss(x, t):
        return cross_entropy([a + b for a, b in zip(x, p, strict=True)], t)

    points = [
        ([*logits, z], float(t)) for z in (0.0, -1e4, 1000.0, inf, -inf, nan) for t in range(3)
    ]
    check_points(loss, *points)
    check_points(loss, *[(x, [0.5, 0.25, 0.25]) for x, _ in points[::3]])


@pytest.mark.parametrize(
    ("parameter", "x"), [(inf, 0.0), (0.0, inf), (nan, 1.0), (-inf, 1.0), (1e308, 10.0)]
)
def test_a_layer_with_a_parameter_at_the_edge_agrees(parameter, x):
    """A product of matrices spreads nan no further than the sums of the scalar engine."""
    w = [[Value(parameter), Value(1.0)], [Value(0.5), Value(-1.0)]]
    b = zeros(2)

    def fn(row):
        h = [f.relu(f.dot(u, row, c)) for u, c in zip(w, b, strict=True)]
        return f.dot(h, [1.0, 2.0]) + f.dot(w[1], row)

    check_points(fn, ([x, 1.0],), ([1.0, -3.0],), ([0.5, 2.0],))


def test_one_example_at_the_edge_leaves_the_losses_of_the_others_alone():
    w = [Value(0.5), Value(-0.25)]
    program = vectorize(lambda x: f.tanh(f.dot(w, x)), [0.1, 0.2])
    found = program([[0.0, 0.0], [inf, 0.0], [nan, 0.0], [1.0, 0.0]])
    np.testing.assert_array_equal(found, [0.0, 1.0, nan, math.tanh(0.5)])


@pytest.mark.parametrize("row", [[2.0, 2.0, 1.0], [3.0, 3.0, 3.0], [0.0, -0.0, -1.0]])
def test_ties_of_a_maximum_split_the_gradient(row):
    """By hand: n operands that tie get 1/n each."""
    p = zeros(3)
    program = vectorize(lambda x: f.max([a + b for a, b in zip(x, p, strict=True)]), row)
    best = [float(x == max(row)) for x in row]
    gradient = dict(zip(program.parameters, program.value_and_grad([row])[1], strict=True))
    assert [gradient[v] for v in p] == [b / sum(best) for b in best]


@pytest.mark.parametrize(
    ("fn", "slope"),
    [
        (lambda z: f.relu(z), 0.0),
        (lambda z: f.abs(z), 0.0),
        (lambda z: f.maximum(z, 0.0), 0.5),
        (lambda z: f.minimum(0.0, z), 0.5),
        (lambda z: f.leaky_relu(z, 0.25), 0.25),
        (lambda z: f.sign(z) + f.step(z), 0.0),
    ],
)
def test_kinks_have_the_slopes_of_the_scalar_engine(fn, slope):
    """relu'(0) = 0, |x|'(0) = 0, and half for each side of a tied maximum."""
    w = Value(0.0)
    assert vectorize(lambda x: fn(w * x), 0.5).value_and_grad([1.0]) == (0.0, [slope])
