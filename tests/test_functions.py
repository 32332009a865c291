"""The functions of Values and numbers: how they are called. Their numbers: test_primitives.py."""

import math

import numpy as np
import pytest

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value, primitives
from tinygrad_edu.engine.grouped import groups_of

#: The names of records over (m, x).
UNARY = {p.name for p in primitives.values() if p.value.__code__.co_argcount == 2} & set(f.__all__)


@pytest.mark.parametrize("name", [*sorted(UNARY), "elu", "leaky_relu"])
def test_a_unary_function_is_a_method_too(name):
    x = 1.5 if name == "acosh" else 0.5
    v = Value(x)
    by_method, by_function = getattr(v, name)(), getattr(f, name)(v)
    assert by_method.data == by_function.data
    assert by_method.op == by_function.op
    assert by_method.parents == (v,)
    assert type(getattr(f, name)(x)) is float
    assert getattr(f, name)(x) == by_method.data


@pytest.mark.parametrize(
    ("name", "operands", "expected"),
    [
        ("maximum", (1, 2), 2.0),
        ("minimum", (1, 2), 1.0),
        ("pow", (2, 3), 8.0),
        ("pow", (-0.0, -1), -math.inf),
        ("pow", (-0.0, -1 + 2**-53), math.inf),  # not odd, although its remainder by 2 rounds to 1
        ("divide", (1, 0), math.inf),
        ("atan2", (1, 1), math.pi / 4),
        ("hypot", (3, 4), 5.0),
        ("prelu", (-2, 0.5), -1.0),
        ("sum", ([1, 2, 3],), 6.0),
        ("sum", (1, 2, 3), 6.0),
        ("sum", ([],), 0.0),
        ("mean", ([1, 2, 3],), 2.0),
        ("prod", ([2, 3, 4],), 24.0),
        ("prod", ([],), 1.0),
        ("max", ([1, 3, 2],), 3.0),
        ("min", ([1, 3, 2],), 1.0),
        ("max", ((x for x in [1, 3, 2]),), 3.0),
        ("logsumexp", (0, 0), math.log(2)),
        ("dot", ([1, 2], [3, 4]), 11.0),
        ("dot", ([1, 2], [3, 4], 5), 16.0),
        ("dot", ([], []), 0.0),
        ("where", (True, 1.0, 2.0), 1.0),
    ],
)
def test_given_numbers_a_function_returns_a_number(name, operands, expected):
    result = getattr(f, name)(*operands)
    assert type(result) is float
    assert result == pytest.approx(expected, rel=1e-15)


def test_n_ary_functions_take_one_iterable_or_several_operands():
    x = [Value(1.0), Value(2.0), 3]
    for y in (f.sum(x), f.sum(*x), f.sum(v for v in x), f.sum(np.array(x, dtype=object))):
        assert y.data == 6.0
        assert len(y.parents) == 3
        assert y.parents[:2] == tuple(x[:2])
    assert [y.data for y in f.softmax([Value(0.0), 0.0])] == [0.5, 0.5]
    assert [y.data for y in f.log_softmax(Value(0.0))] == [0.0]


def test_maximum_of_zeros_with_different_signs_is_the_first_as_in_pytorch():
    for pick in (f.maximum, f.minimum, f.max, f.min):
        assert math.copysign(1, pick(0.0, -0.0)) == 1
        assert math.copysign(1, pick(-0.0, 0.0)) == -1


def test_where_with_a_value_is_part_of_the_graph_and_with_a_bool_chosen_now():
    c, x, y = Value(1.0), Value(2.0), Value(3.0)
    assert f.where(True, x, y) is x
    chosen = f.where(c, x, y)
    assert chosen.parents == (c, x, y)
    assert chosen.local_derivatives() == (0.0, 1.0, 0.0)


@pytest.mark.parametrize("z", [-30.0, -1.3, -1e-9, 0.0, 0.4, 2.0, 30.0])
def test_tanh_is_a_sigmoid_scaled_and_shifted(z):
    a, b = Value(z), Value(z)
    (2 * f.sigmoid(2 * a) - 1).backward()
    f.tanh(b).backward()
    assert (2 * f.sigmoid(2 * a) - 1).data == pytest.approx(math.tanh(z), rel=1e-14, abs=1e-16)
    assert a.grad == pytest.approx(b.grad, rel=1e-14, abs=1e-16)


@pytest.mark.parametrize("z", [-2.0, -0.5, 0.3, 4.0])
@pytest.mark.parametrize("alpha", [-1.0, 0.0, 0.01, 0.25, 1.0])
def test_prelu_is_the_generalised_relu_of_the_lecture(z, alpha):
    # max(z, 0) + alpha min(z, 0); its slopes 1 or alpha, and min(z, 0)
    v, a = Value(z), Value(alpha)
    y = f.prelu(v, a)
    y.backward()
    general = f.maximum(z, 0) + alpha * f.minimum(z, 0)
    assert y.data == general == f.leaky_relu(z, alpha)
    assert (v.grad, a.grad) == ((1.0, 0.0) if z > 0 else (alpha, z))
    assert {-1.0: abs(z), 0.0: f.relu(z), 1.0: z}.get(alpha, general) == general


def test_a_dot_keeps_the_tuples_it_was_given():
    w, x, b = (Value(1.0), Value(2.0)), (Value(3.0), Value(4.0)), Value(5.0)
    z, without = f.dot(w, x, b), f.dot(w, x)
    assert z.parents == (*w, *x, b)
    assert z.numbers == (16.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    assert z.slopes() == (3.0, 4.0, 1.0, 2.0, 1.0)
    assert [group is given for group, given in zip(groups_of(z), (w, x), strict=False)] == [
        True
    ] * 2
    assert groups_of(without)[1] is x
    assert without.parents == (*w, *x)


def test_numbers_among_the_operands_of_a_dot_are_constants():
    w, x = Value(1.0), Value(3.0)
    z = f.dot([w, 2], [x, 4.0], 5)
    assert z.data == 16.0
    assert [p.kind for p in z.parents] == ["input", "constant", "input", "constant", "constant"]
    z.backward()
    assert (w.grad, x.grad) == (3.0, 1.0)
