"""Operations: the record, its constants, and a student's own."""

import copy
import functools
import math
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from refusals import refusals

from tinygrad_edu import functions as f
from tinygrad_edu.engine import (
    NonFiniteError,
    Primitive,
    Value,
    detect_anomaly,
    grad,
    primitive,
)


def square(m, x):
    return x * x


@primitive(lambda m, y, x: (3 * x * x,))
def cube(m, x):
    return x * x * x


def test_an_operation_of_ones_own_is_a_full_citizen():
    x = Value(2.0, "x")
    y = cube(x)
    assert (y.data, y.op, y.parents, y.local_derivatives()) == (8.0, cube, (x,), (12.0,))
    y.backward()
    assert x.grad == 12.0
    assert grad(grad(y, x), x).data == 12.0  # 6x
    assert cube(2) == 8.0
    assert repr(y) == "Value(data=8.0, grad=1.0, op=cube)"
    assert repr(cube) == "Primitive('cube')"
    assert cube.name == "cube"
    with detect_anomaly(), pytest.raises(NonFiniteError, match="forward: cube of "):
        cube(Value(1e200))


def test_slopes_may_name_their_arguments_as_they_like():
    product = primitive(lambda m, z, x, y: (y, x))(lambda m, x, y: x * y)
    assert product(Value(2.0), 3.0).local_derivatives() == (3.0, 2.0)
    total = primitive(lambda m, *x: (1.0,) * (len(x) - 1))(lambda m, *x: m.sum(x))
    assert total(Value(2.0), 3.0).local_derivatives() == (1.0, 1.0)


def test_constants_are_keyword_arguments_and_kept_on_the_operation():
    scale = Primitive("scale", lambda m, x, by: x * by, lambda m, y, x, by: (by,))
    y = scale(Value(2.0), by=3.0)
    assert y.op is not None
    assert (y.data, y.op.constants, repr(y.op)) == (6.0, {"by": 3.0}, "Primitive('scale', by=3.0)")
    assert y.local_derivatives() == (3.0,)
    assert y.op == scale(Value(5.0), by=3.0).op != scale(Value(5.0), by=4.0).op
    assert hash(y.op) == hash(scale(1 * Value(2.0), by=3.0).op)
    assert scale(2.0, by=3) == 6.0


def test_constants_are_bound_by_name_and_to_the_last_bit():
    clip = Primitive(
        "clip",
        lambda m, x, low, high: m.minimum(m.maximum(x, low), high),
        lambda m, y, x, low, high: (m.where(m.equal(x, y), 1.0, 0.0),),
    )
    assert clip(0.5, low=0.0, high=1.0) == 0.5
    assert clip(0.5, high=0.0, low=1.0) == 0.0
    assert clip(0.5, high=1.0, low=0.0) == 0.5
    assert [math.copysign(1, f.leaky_relu(-1.0, alpha)) for alpha in (-0.0, 0.0)] == [1.0, -1.0]


def _shifted(factor):
    return lambda m, x, by=1.0: x * factor + by  # a cell, and a default that stays one


@pytest.mark.parametrize(
    "value",
    [
        lambda m, x, by: x * 2.0 + by,
        lambda m, x, *, by: x * 2.0 + by,
        lambda m, x, *, by, times=2.0: x * times + by,
        lambda m, *x, by: x[0] * 2.0 + by,
        lambda m, x, **constants: x * 2.0 + constants["by"],
        _shifted(2.0),
        functools.partial(lambda factor, m, x, by: x * factor + by, 2.0),
    ],
)
def test_a_constant_is_bound_to_a_function_of_any_form(value):
    op = Primitive("op", value, lambda m, y, *x, by: (2.0,))
    x = Value(3.0)
    y = op(x, by=0.5)
    y.backward()
    assert (y.data, x.grad, op(3.0, by=0.5), op(3.0, by=1.0)) == (6.5, 2.0, 6.5, 7.0)


def test_no_operand_takes_the_place_of_a_constant():
    scale = Primitive("scale", lambda m, x, by: x * by, lambda m, y, x, by: (by,))
    for x in ((Value(2.0), Value(5.0)), (2.0, 5.0)):
        with pytest.raises(TypeError, match=r"takes|multiple"):
            scale(*x, by=3.0)


def test_equal_exponents_are_one_operation_and_zeros_keep_their_sign():
    x = Value(1.5)
    assert (x**2).op is (x**2.0).op is (x ** Fraction(2)).op is f.pow(x, 2).op
    assert [str((x**c).op.constants["c"]) for c in (0.0, -0.0, 0, True)] == [
        "0.0",
        "-0.0",
        "0.0",
        "1.0",
    ]
    for c in (2 + 0j, Decimal(2), "2", None):  # the first two are equal to a key, and hash alike
        with pytest.raises(TypeError, match="unsupported operand"):
            x**c
    assert [v.data for v in x ** np.array([2, 3])] == [2.25, 3.375]
    with pytest.raises(OverflowError, match=r"at most 1\.8e308"):
        x**10**400


def test_more_constants_than_are_remembered_are_still_right():
    x = Value(1.5)
    for k in range(3000):
        c = 1 + k / 1000
        assert (x**c).data == 1.5**c
    assert (x**2.0).op.constants == {"c": 2.0}


def test_primitives_compare_by_what_they_compute_and_copy_as_themselves():
    def value(m, x):
        return x

    def slopes(m, y, x):
        return (1.0,)

    one, two = Primitive("a", value, slopes), Primitive("a", value, slopes)
    assert one == two
    assert hash(one) == hash(two)
    assert one != Primitive("a", lambda m, x: x, slopes)
    assert one != "a"
    assert copy.deepcopy(cube) is cube


@pytest.mark.parametrize(
    ("result", "kept"), [(3, 3.0), (True, 1.0), (np.float64(0.5), 0.5), (np.float32(0.5), 0.5)]
)
def test_the_result_of_an_operation_of_ones_own_becomes_a_float(result, kept):
    op = Primitive("op", lambda m, x: result, lambda m, y, x: (np.float64(2),))
    x = Value(1.0)
    y = op(x)
    y.backward()
    assert (y.data, x.grad) == (kept, 2.0)
    assert type(y.data) is type(op(1.0)) is type(x.grad) is float


@pytest.mark.parametrize("result", [None, "1", 1j, (1.0,), Value(1.0), np.array([1.0])], ids=repr)
def test_a_result_that_is_no_number_is_refused(result):
    op = Primitive("op", lambda m, x: result, lambda m, y, x: (1.0,))
    for x in (Value(1.0), 1.0):
        with pytest.raises(TypeError, match=r"op.*one real number, got"):
            op(x)


MADE_OF = (
    "a Primitive is made of a name and two functions: "
    "Primitive('cube', lambda m, x: x * x * x, lambda m, y, x: (3 * x * x,))"
)
test_operations_are_refused_with_what_to_write = refusals(
    {
        "no name": (lambda: Primitive(1, cube.value, cube.slopes), TypeError, MADE_OF),
        "no value": (lambda: Primitive("a", 2.0, cube.slopes), TypeError, MADE_OF),
        "no slopes": (lambda: Primitive("a", cube.value, None), TypeError, MADE_OF),
        "no function": (lambda: primitive(cube.slopes)(2.0), TypeError, MADE_OF),
        "a constant that is a text": (
            lambda: cube(2.0, by="3"),
            TypeError,
            "by takes one real number, got str '3': "
            "write float(...) around a text that is a number",
        ),
        "an operand too few": (
            lambda: f.atan2(Value(1.0)),
            TypeError,
            "atan2 takes y, x: missing a required argument: 'x'",
        ),
        "an operand too many": (
            lambda: f.tanh(1.0, 2.0),
            TypeError,
            "tanh takes x: too many positional arguments",
        ),
        "a constant that it has not": (
            lambda: f.tanh(Value(1.0), by=2.0),
            TypeError,
            "tanh takes x: got an unexpected keyword argument 'by'",
        ),
        "decorator without slopes": (
            lambda: primitive(square),
            TypeError,
            "@primitive needs the slopes: write @primitive(lambda m, y, x: (...,)) above "
            "def square(m, x)",
        ),
        "pickled": (
            lambda: pickle.dumps(cube),
            TypeError,
            "the operation 'cube' holds functions and cannot be pickled: "
            "save the model's numbers with model.save(path) instead",
        ),
    }
)


@pytest.mark.parametrize(
    ("slopes", "kind", "message"),
    [
        (lambda m, y, x: (1.0, 2.0), ValueError, "2 slopes for 1 parents"),
        (lambda m, y, x: (), ValueError, "0 slopes for 1 parents"),
        (
            lambda m, y, x: 3.0,
            TypeError,
            "must be a tuple with one slope per operand, got float: write (slope,)",
        ),
        (lambda m, y, x: 1 / 0, ZeroDivisionError, "division by zero"),
        (lambda m, y, x: (m.no,), AttributeError, "has no attribute 'no'"),
        (lambda m, y, x: {}["k"], KeyError, "'k'"),
        (lambda m, y, x: ("a",), TypeError, "the slopes of bad must be floats, got str 'a'"),
        (lambda m, y, x: (None,), TypeError, "must be floats, got NoneType None"),
        (lambda m, y, x: (1j,), TypeError, "must be floats, got complex 1j"),
        (lambda m, y, x: (Value(2.0),), TypeError, "must be floats, got Value"),
    ],
)
def test_bad_slopes_raise_with_a_note_that_names_the_node(slopes, kind, message):
    x = Value(1.0, "x")
    y = Primitive("bad", lambda m, x: x, slopes)(x)
    with pytest.raises(kind) as error:
        (y + 0).backward()
    assert message in str(error.value)
    assert error.value.__notes__ == [
        "in the backward pass through Value(data=1.0, grad=1.0, op=bad)"
    ]
    assert x.grad == 0.0
    (x * 2).backward()
    assert x.grad == 2.0


@pytest.mark.parametrize("slopes", [(1.0, 2.0), ()])
def test_grad_counts_the_slopes_as_backward_does(slopes):
    x = Value(1.0)
    y = Primitive("bad", lambda m, x: x, lambda m, y, x: slopes)(x)
    with pytest.raises(ValueError, match=rf"^bad gave {len(slopes)} slopes for 1 parents$"):
        grad(y, x)


def test_an_interrupted_backward_pass_can_be_repeated():
    stop = [True]

    def slopes(m, y, x):
        if stop:
            raise KeyboardInterrupt
        return (1.0,)

    x = Value(3.0)
    y = Primitive("slow", lambda m, x: x, slopes)(x * x) * 2
    with pytest.raises(KeyboardInterrupt):
        y.backward()
    stop.clear()
    x.grad = 0.0
    y.backward()
    assert x.grad == 12.0
