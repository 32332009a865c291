"""Backward and grad: where gradients go, and what they are gradients of."""

import math

import numpy as np
import pytest
from refusals import refusals

from tinygrad_edu import functions as f
from tinygrad_edu.engine import (
    GraphError,
    Primitive,
    Value,
    constant,
    detect_anomaly,
    grad,
    gradients,
    toposort,
)
from tinygrad_edu.namespace import no_flow


def test_leaves_accumulate_and_inner_nodes_are_overwritten():
    # d(x^3)/dx at 3 is 27. A second pass adds 27 in the leaf; after zeroing it is 27 again.
    x = Value(3.0)
    square = x * x
    y = square * x
    y.backward()
    assert (x.grad, square.grad, y.grad) == (27.0, 3.0, 1.0)
    y.backward()
    assert (x.grad, square.grad, y.grad) == (54.0, 3.0, 1.0)
    x.grad = 0.0
    y.backward()
    assert (x.grad, square.grad, y.grad) == (27.0, 3.0, 1.0)


def test_two_losses_that_share_a_graph_add_up_in_the_leaves():
    x = Value(2.0)
    shared = x * x
    one, two = shared * 3, shared + x
    one.backward()
    two.backward()
    assert x.grad == 12.0 + 5.0
    assert shared.grad == 1.0


def test_backward_of_an_inner_node_counts_that_node_alone():
    x = Value(2.0)
    inner = x * x
    root = inner * 5
    root.backward()
    inner.backward()
    assert (inner.grad, root.grad, x.grad) == (1.0, 1.0, 20.0 + 4.0)


def test_backward_of_a_leaf_is_a_gradient_of_one_and_accumulates():
    x = Value(2.0)
    x.backward()
    x.backward()
    assert x.grad == 2.0
    two = constant(1.0) + constant(2.0)
    two.backward()
    assert two.grad == 1.0


def test_backward_starts_from_the_gradient_given():
    x = Value(3.0)
    (x * x).backward(0.5)
    assert x.grad == 3.0
    y = x * 2
    y.backward(np.float32(2))
    assert (y.grad, x.grad) == (2.0, 7.0)
    assert type(y.grad) is float


def test_reached_tells_a_gradient_of_zero_from_none():
    x, unused = Value(-1.0), Value(1.0)
    y = x.relu() + 0 * unused
    assert not x.reached
    y.backward()
    assert (x.grad, x.reached, unused.grad, unused.reached) == (0.0, True, 0.0, True)
    x.grad = 0.0
    assert not x.reached
    x.grad = 2.0
    assert x.reached


def test_a_gradient_that_was_never_reached_is_plus_zero():
    assert repr(Value(1.0).grad) == "0.0"


def test_derivatives_are_of_the_numbers_of_the_forward_pass():
    a, b = Value(2.0), Value(5.0)
    y = a * b
    a.data, b.data, y.data = 100.0, 200.0, 300.0
    assert y.local_derivatives() == (5.0, 2.0)
    y.backward()
    assert (a.grad, b.grad) == (5.0, 2.0)
    assert (a * b).data == 20_000.0


def test_local_derivatives_are_plain_floats_one_per_parent():
    x = Value(-2.0)
    for y in (x.relu(), x * 3, x**2, f.max(x, 1), f.where(x, 1, 2), x.sign(), x * x):
        slopes = y.local_derivatives()
        assert len(slopes) == len(y.parents)
        assert {type(s) for s in slopes} == {float}
    assert x.relu().local_derivatives() == (0.0,)
    assert math.isinf(Value(0.0).sqrt().local_derivatives()[0])


def test_numbers_are_those_of_the_forward_pass_and_slopes_keep_where_nothing_flows():
    x = Value(-2.0)
    y = f.maximum(x, 3.0)
    x.data = 5.0
    assert (y.numbers, x.numbers) == ((3.0, -2.0, 3.0), (5.0,))
    assert (y.slopes(), x.slopes()) == ((no_flow, 1.0), ())
    assert [slope * math.inf for slope in y.slopes()] == [0.0, math.inf]


def test_gradients_are_those_of_a_backward_pass_and_leave_no_trace():
    a, b = Value(2.0), Value(3.0)
    y = (a * b).tanh() + a
    a.grad = 7.0
    found, twice = gradients(y), gradients(y, 2)
    assert a.grad == 7.0
    assert not b.reached
    assert not y.reached
    a.grad = 0.0
    y.backward()
    assert found == {v: v.grad for v in toposort(y, leaves=True)}
    assert twice == {v: 2 * g for v, g in found.items()}
    assert gradients(a) == {a: 1.0}


def test_gradients_do_not_look_for_anomalies_and_a_pass_that_fails_leaves_no_trace():
    x = Value(0.0)
    with detect_anomaly():
        assert gradients((x + 0).sqrt())[x] == math.inf
    y = Primitive("bad", lambda m, x: x, lambda m, y, x: 1 / 0)(x * 2)
    with pytest.raises(ZeroDivisionError):
        gradients(y)
    assert not any(v.reached for v in toposort(y, leaves=True))


def test_grad_gives_values_that_can_be_differentiated_again():
    # x^4: 4 x^3, 12 x^2, 24 x, 24, 0 at x = 2.
    x = Value(2.0)
    y = x * x * x * x
    for expected in (32.0, 48.0, 48.0, 24.0, 0.0, 0.0):
        y = grad(y, x)
        assert y.data == expected


def test_grad_of_several_and_of_mixed_derivatives():
    # y = a^2 b + sin(b): y_a = 2ab, y_b = a^2 + cos(b), y_ab = y_ba = 2a, y_bb = -sin(b).
    a, b = Value(3.0), Value(0.5)
    y = a**2 * b + b.sin()
    y_a, y_b = grad(y, [a, b])
    assert (y_a.data, y_b.data) == (3.0, 9 + math.cos(0.5))
    assert [v.data for v in grad(y_a, [a, b])] == [1.0, 6.0]
    assert [v.data for v in grad(y_b, (a, b))] == [6.0, -math.sin(0.5)]
    assert (a.grad, b.grad) == (0.0, 0.0)


def test_grad_by_an_inner_node_by_itself_and_by_an_unrelated_node():
    x, other = Value(2.0), Value(7.0)
    inner = x * x
    y = inner.exp() + inner
    assert grad(y, inner).data == math.exp(4) + 1
    by_both = grad(y, [inner, x])
    assert by_both[1].data == pytest.approx(4 * (math.exp(4) + 1))
    assert [v.data for v in grad(y, [y, other])] == [1.0, 0.0]
    assert grad(x, x).data == 1.0
    assert [v.data for v in grad(y, [x, x])] == [by_both[1].data] * 2
    assert grad(y, []) == []


def test_grad_works_with_backward_of_its_result():
    # A gradient penalty: d/dx (dy/dx)^2 for y = x^3 is 2 * 3x^2 * 6x = 36 x^3.
    x = Value(2.0)
    (grad(x**3, x) ** 2).backward()
    assert x.grad == 288.0


DIFFERENTIATES = "grad(y, x) differentiates Values, got "
test_grad_of_something_else_is_refused = refusals(
    [
        (lambda: grad(1.0, Value(1.0)), TypeError, DIFFERENTIATES + "float"),
        (lambda: grad(Value(1.0), 1.0), TypeError, DIFFERENTIATES + "float"),
        (lambda: grad(Value(1.0), None), TypeError, DIFFERENTIATES + "NoneType"),
        (lambda: grad(Value(1.0), [Value(1.0), "a"]), TypeError, DIFFERENTIATES + "str"),
    ]
)


def test_grad_refuses_a_graph_whose_numbers_were_changed():
    x = Value(3.0, "x")
    y = x * x
    x.data = 4.0
    with pytest.raises(GraphError) as error:
        grad(y, x)
    assert str(error.value) == (
        "Value(data=4.0, grad=0.0, name='x') held 3.0 in the forward pass and was changed since: "
        "run the forward pass again before grad()"
    )
    x.data = 3.0
    assert grad(y, x).data == 6.0
    nan = Value(math.nan)
    assert math.isnan(grad(nan * nan, nan).data)


def test_grad_does_not_mind_a_change_that_the_derivative_does_not_use():
    x, bystander = Value(3.0), Value(1.0)
    aside = bystander * 2
    y = x * x + aside
    bystander.data = 5.0
    assert grad(y, x).data == 6.0
