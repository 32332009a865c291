"""Jacobian, Hessian and the check of gradients, against derivatives by hand."""

import math

import numpy as np
import pytest
from refusals import refusals

from tinygrad_edu import GradientError, Primitive, Value, functions, gradcheck, hessian, jacobian


def numbers(matrix):
    return [[v.data for v in row] for row in matrix]


def test_the_jacobian_has_a_row_per_result_and_a_column_per_variable():
    x, y, z = Value(2.0), Value(3.0), Value(5.0)
    found = jacobian([x * y, x + y**2], [x, y, z])
    assert numbers(found) == [[3.0, 2.0, 0.0], [1.0, 6.0, 0.0]]
    assert jacobian([], [x]) == []
    assert jacobian([x * y], []) == [[]]
    assert (x.grad, x.reached) == (0.0, False)


def test_the_hessian_is_symmetric_and_that_of_the_formula():
    x, y = Value(2.0), Value(3.0)
    # f = x^3 y^2 + sin(x): f_xx = 6 x y^2 - sin x, f_xy = 6 x^2 y, f_yy = 2 x^3
    found = numbers(hessian(x**3 * y**2 + x.sin(), [x, y]))
    expected = [[108 - math.sin(2), 72], [72, 16]]
    assert found[0] == pytest.approx(expected[0], rel=1e-15)
    assert found[1] == pytest.approx(expected[1], rel=1e-15)


@pytest.mark.parametrize(
    "point", [0.7, (0.7,), [0.7], np.array([0.7]), iter([0.7]), np.float64(0.7)]
)
def test_a_right_gradient_passes_the_check_at_any_form_of_a_point(point):
    assert gradcheck(lambda x: x.tanh() * x, point) is True


def test_the_check_takes_functions_of_several_numbers():
    assert gradcheck(lambda x, y: x * y.exp() + functions.hypot(x, y), (0.3, -1.2))
    assert gradcheck(lambda *x: functions.logsumexp(x), [1.0, 2.0, 3.0, 1000.0])
    assert gradcheck(lambda x: x * 1e12, 5e6)


wrong_cube = Primitive("wrong_cube", lambda m, x: x * x * x, lambda m, y, x: (3.001 * x * x,))


def test_the_error_names_the_operand_and_both_numbers():
    with pytest.raises(GradientError) as caught:
        gradcheck(lambda x, y: x + wrong_cube(y), (5.0, 2.0))
    text = str(caught.value)
    assert text.startswith("operand 1 at 2.0: backward gives 12.004, differences give ")
    assert float(text.split()[-1]) == pytest.approx(12.0, rel=1e-9)
    assert gradcheck(lambda x, y: x + wrong_cube(y), (5.0, 2.0), tolerance=1e-2)


POSITIVE = "tolerance must be a finite number > 0, got "
COORDINATE = "a coordinate of point takes one real number, got "
test_a_bad_argument_is_refused_with_a_clear_text = refusals([
    (lambda: gradcheck(lambda x: 1.0, 2.0), TypeError,
     "gradcheck needs f to give a Value, got float"),
    (lambda: gradcheck(Value, 2.0, tolerance=0), ValueError, POSITIVE + "0.0"),
    (lambda: gradcheck(Value, 2.0, tolerance=math.nan), ValueError, POSITIVE + "nan"),
    (lambda: gradcheck(abs, "2"), TypeError,
     COORDINATE + "str '2': write float(...) around a text that is a number"),
    (lambda: gradcheck(abs, [Value(2.0)]), TypeError,
     COORDINATE + "Value: use the Value as it is, or its number v.data"),
    (lambda: hessian(Value(2.0), Value(2.0)), TypeError,
     "hessian(y, xs) takes a list of Values: write hessian(y, [x])"),
])  # fmt: skip
