"""Two engines, one answer: what a program of arrays must not get wrong, kind by kind."""

import numpy as np
import pytest
from vectorized import assert_equal, function_of, numbers_of

from tinygrad_edu import MLP, Value, losses, parameter, vectorize
from tinygrad_edu import functions as f
from tinygrad_edu.data import moons

POINTS, LABELS = moons(20, noise=0.1, rng=0)


# --- the printed source ---------------------------------------------------------------------------


def with_loss(name, output, targets, outputs=1):
    net = MLP(2, [3, outputs], "tanh", output, rng=0)
    loss = losses.LOSSES[name]
    return (lambda x, t: loss(net(x), t)), (POINTS, targets)


def shared_and_compared():
    """Parameters in another order than that of a model, one used twice, one only compared."""
    a, b, c, d = (parameter(x) for x in (0.3, -0.7, 1.1, 0.4))
    return (lambda x: (c * x[1] + a * x[0] if d > 0 else a) * c + b), (POINTS,)


ROWS = np.linspace(-1.0, 1.0, 40).reshape(5, 4, 2)
BITS = [[float(t == k) for k in (0, 1)] for t in LABELS]
SIGNS = [2 * t - 1 for t in LABELS]
NET = MLP(2, [16, 16, 1], "tanh", rng=0)
#: A function of an example, and the arguments as a reader has them: lists, flat targets, classes.
SOURCES = {
    "flat targets": (lambda x, t: losses.squared_error(NET(x), t), (POINTS, LABELS)),
    "arrays": (
        lambda x, t: losses.squared_error(NET(x), t),
        (np.array(POINTS), np.array(LABELS, dtype=np.int8)),
    ),
    "classes": with_loss("cross_entropy", "linear", LABELS, 2),
    "rows of targets": with_loss("cross_entropy", "linear", BITS, 2),
    "a hinge": with_loss("hinge", "linear", SIGNS),
    "probabilities": with_loss("binary_cross_entropy", "sigmoid", LABELS),
    "pixels": (
        lambda x: f.dot(x, [NET.parameters()[0], NET.parameters()[5]]) ** 2,
        (np.array([[200, 100], [255, 3]], dtype=np.uint8),),
    ),
    "rows of rows": (
        lambda rows: f.mean([NET(row) for row in rows]),
        (ROWS,),
    ),
    "three arguments": (
        lambda x, y, z: NET([x, y]) * z,
        ([1, 2, 3], [0.5, -0.5, 0.1], np.array([True, False, True])),
    ),
    "shared and compared": shared_and_compared(),
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCES)
def test_the_source_takes_the_parameters_and_arrays_that_the_program_takes(name):
    """`vectorized.check` asks the same of every net of the suite; here are odd arguments."""
    fn, arrays = SOURCES[name]
    program = vectorize(fn, *[np.asarray(a, dtype=float)[0].tolist() for a in arrays])
    loss, gradient = function_of(program)(numbers_of(program).tolist(), *arrays)
    expected = program.value_and_grad(*arrays)
    assert_equal(loss, expected[0], "mean loss", 1e-12)
    assert_equal(gradient, expected[1], "gradient", 1e-12)


P = [0.0] * 337
WRONG = {
    "too few parameters": (P[1:], POINTS, LABELS),
    "too many parameters": ([*P, 0.0], POINTS, LABELS),
    "a row of targets across": (P, POINTS, np.array(LABELS)[None]),
    "two targets each": (P, POINTS, BITS),
    "fewer targets": (P, POINTS, LABELS[1:]),
    "columns for rows": (P, np.transpose(POINTS), LABELS),
    "one example": (P, POINTS[0], LABELS[0]),
    "text": (P, POINTS, ["a"] * len(POINTS)),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_source_refuses_what_does_not_fit(name):
    program = vectorize(SOURCES["flat targets"][0], POINTS[0], LABELS[0])
    with pytest.raises(ValueError, match=r"expected an array of shape|convert"):
        function_of(program)(*WRONG[name])


def test_parameters_that_are_only_compared_have_a_gradient_of_zero():
    w, v = parameter(0.5), parameter(0.25)
    program = vectorize(lambda x: v * x if w > 0 else Value(0.0) * x, 0.5)
    _, gradient = program.value_and_grad([1.0, 2.0])
    by = dict(zip(program.parameters, gradient.tolist(), strict=True))
    assert (by[v], by[w]) == (1.5, 0.0)
