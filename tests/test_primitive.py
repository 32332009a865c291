"""Operations: the record, its constants, and a student's own."""

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import functions as f
from tinygrad_edu.engine import (
    NonFiniteError,
    Primitive,
    Value,
    detect_anomaly,
    grad,
    primitive,
)


@primitive(lambda m, y, x: (3 * x * x,), latex=r"x^3")
def cube(m: Any, x: Any) -> Any:
    return x * x * x


def test_an_operation_of_ones_own_is_a_full_citizen() -> None:
    x = Value(2.0, "x")
    y = cube(x)
    assert (y.data, y.op, y.parents, y.local_derivatives()) == (8.0, cube, (x,), (12.0,))
    y.backward()
    assert x.grad == 12.0
    assert grad(grad(y, x), x).data == 12.0  # 6x
    assert cube(2) == 8.0
    assert repr(y) == "Value(data=8.0, grad=1.0, op=cube)"
    assert repr(cube) == "Primitive('cube')"
    assert (cube.name, cube.latex) == ("cube", "x^3")
    with detect_anomaly(), pytest.raises(NonFiniteError, match="forward: cube of "):
        cube(Value(1e200))


def test_slopes_may_name_their_arguments_as_they_like() -> None:
    product = primitive(lambda m, z, x, y: (y, x))(lambda m, x, y: x * y)
    assert product(Value(2.0), 3.0).local_derivatives() == (3.0, 2.0)
    total = primitive(lambda m, *x: (1.0,) * (len(x) - 1))(lambda m, *x: m.sum(x))
    assert total(Value(2.0), 3.0).local_derivatives() == (1.0, 1.0)


def test_constants_are_keyword_arguments_and_kept_on_the_operation() -> None:
    scale = Primitive("scale", lambda m, x, by: x * by, lambda m, y, x, by: (by,))
    y = scale(Value(2.0), by=3.0)
    assert y.op is not None
    assert (y.data, y.op.constants, repr(y.op)) == (6.0, {"by": 3.0}, "Primitive('scale', by=3.0)")
    assert y.local_derivatives() == (3.0,)
    assert y.op == scale(Value(5.0), by=3.0).op != scale(Value(5.0), by=4.0).op
    assert hash(y.op) == hash(scale(1 * Value(2.0), by=3.0).op)
    assert scale(2.0, by=3) == 6.0


def test_constants_are_bound_by_name_and_to_the_last_bit() -> None:
    clip = Primitive(
        "clip",
        lambda m, x, low, high: m.minimum(m.maximum(x, low), high),
        lambda m, y, x, low, high: (m.where(m.equal(x, y), 1.0, 0.0),),
    )
    assert clip(0.5, low=0.0, high=1.0) == 0.5
    assert clip(0.5, high=0.0, low=1.0) == 0.0
    assert clip(0.5, high=1.0, low=0.0) == 0.5
    assert [math.copysign(1, f.leaky_relu(-1.0, alpha)) for alpha in (-0.0, 0.0)] == [1.0, -1.0]


def test_more_constants_than_are_remembered_are_still_right() -> None:
    x = Value(1.5)
    for k in range(3000):
        c = 1 + k / 1000
        assert (x**c).data == 1.5**c
    assert (x**2.0).op.constants == {"c": 2.0}  # type: ignore[union-attr]


def test_primitives_compare_by_what_they_compute_and_copy_as_themselves() -> None:
    def value(m: Any, x: Any) -> Any:
        return x

    def slopes(m: Any, y: Any, x: Any) -> Any:
        return (1.0,)

    one, two = Primitive("a", value, slopes), Primitive("a", value, slopes)
    assert one == two
    assert hash(one) == hash(two)
    assert one != Primitive("a", lambda m, x: x, slopes)
    assert one != "a"
    assert copy.deepcopy(cube) is cube
    assert pickle.loads(pickle.dumps(f.tanh)) is f.tanh


@pytest.mark.parametrize(
    ("result", "kept"), [(3, 3.0), (True, 1.0), (np.float64(0.5), 0.5), (np.float32(0.5), 0.5)]
)
def test_the_result_of_an_operation_of_ones_own_becomes_a_float(result: Any, kept: float) -> None:
    op = Primitive("op", lambda m, x: result, lambda m, y, x: (np.float32(2),))
    x = Value(1.0)
    y = op(x)
    y.backward()
    assert (y.data, x.grad) == (kept, 2.0)
    assert type(y.data) is type(op(1.0)) is type(x.grad) is float
