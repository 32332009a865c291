"""diagnose_slopes: what is wrong with the slopes of an operation."""

import math
import re

import pytest
from few import few

from tinygrad_edu import Primitive, primitive
from tinygrad_edu.diagnose import SLIPS, diagnose_slopes
from tinygrad_edu.engine import primitives

#: Constants of the operations that have some.
CONSTANTS = {
    "clip": {"low": -1.5, "high": 1.5},
    "elu": {"alpha": 1.0},
    "leaky_relu": {"alpha": 0.1},
    "power": {"c": 3.0},
    "softmax": {"k": 1},
    "log_softmax": {"k": 1},
}


@pytest.mark.parametrize("name", few(sorted(set(primitives) - {"dot", "cross_entropy"}), 12))
def test_our_own_operations_are_right(name: str) -> None:
    operation = primitives[name].bind(**CONSTANTS.get(name, {}))
    diagnosis = diagnose_slopes(operation)
    assert diagnosis.right, diagnosis
    assert str(diagnosis).startswith(f"the slopes of {name:.20}")


CUBE = lambda m, x: x * x * x  # noqa: E731
BUMP = lambda m, x: m.exp(-x * x)  # noqa: E731
LOGISTIC = lambda m, x: m.divide(1, 1 + m.exp(-x))  # noqa: E731
PRODUCT = lambda m, x, y: x * m.sin(y)  # noqa: E731
SUM = lambda m, x: x * x + m.sin(x)  # noqa: E731

#: A value, wrong slopes, the operand, the slip and what is said of it.
WRONG = [
    (CUBE, lambda m, y, x: (-3 * x * x,), "x", "sign", "sign is wrong"),
    (CUBE, lambda m, y, x: (x * x,), "x", "constant factor", "the factor 3 is missing"),
    (CUBE, lambda m, y, x: (3 * x,), "x", "factor missing", "the factor x is missing"),
    (CUBE, lambda m, y, x: (3 * x * x * x,), "x", "factor doubled", "the factor x is there"),
    (CUBE, lambda m, y, x: (y,), "x", "value for slope", "the function stands"),
    (CUBE, lambda m, y, x: (3 * y * y,), "x", "slope at the wrong place", "x is written for y"),
    (CUBE, lambda m, y, x: (0.0,), "x", "term missing", "nothing is passed on"),
    (BUMP, lambda m, y, x: (y,), "x", "value for slope", "the function stands"),
    (BUMP, lambda m, y, x: (-y,), "x", "factor missing", r"the factor 2 \* x is missing"),
    (BUMP, lambda m, y, x: (2 * x * y,), "x", "sign", "sign is wrong"),
    (lambda m, x: m.sin(x * x), lambda m, y, x: (m.cos(x * x),), "x", "factor missing",
     r"the inner derivative d\(x\*\*2\)/d\(x\) is missing"),
    (lambda m, x: m.log(1 + m.exp(x)), lambda m, y, x: (m.divide(1, 1 + m.exp(x)),), "x",
     "factor missing", r"the inner derivative d\(1 \+ exp\(x\)\)/d\(x\) is missing"),
    (LOGISTIC, lambda m, y, x: (x * (1 - x),), "x", "slope at the wrong place",
     "y is written for x"),
    (LOGISTIC, lambda m, y, x: (1 - y,), "x", "factor missing", "the factor y is missing"),
    (LOGISTIC, lambda m, y, x: (1 - y * y,), "x", "unknown", "no slip"),
    (m_tanh := lambda m, x: m.tanh(x), lambda m, y, x: (1 - x * x,), "x",
     "slope at the wrong place", "y is written for x"),
    (m_tanh, lambda m, y, x: (m.cos(x),), "x", "wrong slope", "this is the slope of sin"),
    (lambda m, x: m.where(x > 0, x, 0.0), lambda m, y, x: (m.where(x > 0, 2.0, 0.0),), "x",
     "constant factor", "the factor 0.5 is missing"),
    (lambda m, x: m.abs(x), lambda m, y, x: (1.0,), "x", "factor missing",
     "it is right at x = 0.7: a condition is missing"),
    (lambda m, x: m.minimum(x, 1.0), lambda m, y, x: (1.0,), "x", "factor missing",
     "it is right at x = 0.7: a condition is missing"),
    (lambda m, x, y: m.maximum(x, y), lambda m, z, x, y: (1.0, 1.0), "x1", "factor missing",
     "it is right at x1 = 0.7: a condition is missing"),
    (lambda m, x, y: m.divide(x, y), lambda m, z, x, y: (y, -m.divide(z, y)), "x1", "wrong slope",
     "stands where"),
    (SUM, lambda m, y, x: (2 * x,), "x", "term missing", r"the term cos\(x\) is missing"),
    (SUM, lambda m, y, x: (m.cos(x),), "x", "term missing", "is missing"),
    (PRODUCT, lambda m, z, x, y: (x * m.cos(y), m.sin(y)), "x1", "wrong operand", "slope by x2"),
    (PRODUCT, lambda m, z, x, y: (m.sin(y), m.cos(y)), "x2", "factor missing", "the factor x1"),
    (PRODUCT, lambda m, z, x, y: (m.sin(y), 1.0), "x2", "factor missing", "cos"),
    (lambda m, x: math.exp(2 * x) if isinstance(x, float) else x.data, lambda m, y, x: (y,), "x",
     "value for slope", "the function stands"),
    (lambda m, x: math.exp(2 * x), lambda m, y, x: (-2 * y,), "x", "sign", "sign is wrong"),
]  # fmt: skip


@pytest.mark.parametrize("case", few(WRONG, 12))
def test_a_wrong_slope_is_located_and_named(case) -> None:
    value, slopes, operand, slip, says = case
    diagnosis = diagnose_slopes(Primitive("op", value, slopes))
    assert (diagnosis.slip, diagnosis.where) == (slip, f"slope by {operand}"), diagnosis
    assert diagnosis.slip in SLIPS
    assert re.search(says, str(diagnosis)), diagnosis


def test_the_sentence_has_both_numbers_and_the_slip() -> None:
    @primitive(lambda m, y, x: (3 * x,))
    def cube(m, x):
        return x * x * x

    found = diagnose_slopes(cube)
    assert str(found) == (
        "cube at x = 0.7: the slope by x is 2.1, and right is 1.47: the factor x is missing"
    )
    assert found.numbers == ("slope by x", pytest.approx(2.1), pytest.approx(1.47))


@pytest.mark.parametrize(
    ("slopes", "text"),
    [
        (lambda m, y, x: 3 * x, "raise TypeError: the slopes of op must be a tuple"),
        (lambda m, y, x: (1.0, 2.0), "raise ValueError: op gave 2 slopes for 1 parents"),
        (lambda m, y, x: (m.cube(x),), "raise AttributeError"),
        (lambda m, y, x: (1 / 0,), "raise ZeroDivisionError"),
    ],
)
def test_slopes_that_cannot_be_asked_are_told(slopes, text: str) -> None:
    diagnosis = diagnose_slopes(Primitive("op", CUBE, slopes))
    assert diagnosis.slip == "raises"
    assert text in str(diagnosis)


def test_points_of_a_domain_are_given() -> None:
    far = Primitive("far", lambda m, x: m.log(x - 10), lambda m, y, x: (m.divide(1, x),))
    with pytest.raises(ValueError, match="write points="):
        diagnose_slopes(far)
    assert not diagnose_slopes(far, [[11.0], [13.0]]).right
    with pytest.raises(ValueError, match="has 2 numbers, expected 1"):
        diagnose_slopes(far, [[11.0, 1.0], [13.0, 1.0]])
    with pytest.raises(TypeError, match="must be an operation, made with @primitive"):
        diagnose_slopes(math.sin)
