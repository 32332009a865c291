"""Bounds on gradients and weights."""

import math

import pytest
from refusals import refusals

from tinygrad_edu import MLP, Value, clip_grad_norm, clip_grad_value, max_norm


def with_gradients(*gradients):
    values = [Value(1.0) for _ in gradients]
    for v, g in zip(values, gradients, strict=True):
        v.grad = g
    return values


def gradients(values):
    return [v.grad for v in values]


def test_a_gradient_that_is_too_long_is_scaled_to_the_limit():
    values = with_gradients(3.0, -4.0, 0.0)
    assert clip_grad_norm(values, 1.0) == 5.0  # sqrt(9 + 16)
    assert gradients(values) == pytest.approx([0.6, -0.8, 0.0], rel=1e-15)


def test_a_gradient_within_the_limit_is_left_as_it_is():
    values = with_gradients(3.0, -4.0)
    assert clip_grad_norm(iter(values), 5.0) == 5.0
    assert gradients(values) == [3.0, -4.0]
    assert clip_grad_norm([], 1.0) == 0.0


def test_the_norm_of_huge_and_tiny_gradients_neither_overflows_nor_vanishes():
    values = with_gradients(3e200, 4e200)
    assert clip_grad_norm(values, 1.0) == pytest.approx(5e200)
    assert gradients(values) == pytest.approx([0.6, 0.8])
    values = with_gradients(3e-200, 4e-200)
    assert clip_grad_norm(values, 1e-200) == pytest.approx(5e-200)
    assert gradients(values) == pytest.approx([0.6e-200, 0.8e-200])


def test_an_infinite_or_undefined_gradient_is_not_hidden_by_clipping():
    values = with_gradients(math.inf, 1.0)
    assert clip_grad_norm(values, 1.0) == math.inf
    assert math.isnan(values[0].grad)
    values = with_gradients(math.nan, 1.0)
    assert math.isnan(clip_grad_norm(values, 1.0))
    assert math.isnan(values[0].grad)
    clip_grad_value(values, 1.0)
    assert math.isnan(values[0].grad)


def test_every_gradient_is_bounded_by_its_own():
    values = with_gradients(3.0, -4.0, 0.5, math.inf, -math.inf)
    clip_grad_value(iter(values), 2.0)
    assert gradients(values) == [2.0, -2.0, 0.5, 2.0, -2.0]


def test_weights_that_are_too_long_are_scaled_to_the_limit_and_the_bias_is_not():
    unit = MLP(2, [1], rng=0).layers[0].neurons[0]
    unit.w[0].data, unit.w[1].data, unit.b.data = 6.0, 8.0, 9.0
    max_norm(unit.w, 5.0)
    assert [p.data for p in unit.parameters()] == pytest.approx([3.0, 4.0, 9.0])
    max_norm(unit.w, 7.0)
    assert [p.data for p in unit.parameters()] == pytest.approx([3.0, 4.0, 9.0])


BAD = [
    (clip_grad_norm, 0, ValueError, "limit must be a finite number > 0, got 0.0"),
    (clip_grad_norm, math.inf, ValueError, "limit must be a finite number > 0, got inf"),
    (clip_grad_value, -1, ValueError, "limit must be a finite number > 0, got -1.0"),
    (clip_grad_value, None, TypeError, "limit must be a finite number > 0, got None"),
    (max_norm, math.nan, ValueError, "limit must be a finite number > 0, got nan"),
    (max_norm, "3", TypeError, "limit must be a finite number > 0, got str '3'"),
]


@pytest.mark.parametrize(("call", "limit", "error", "text"), BAD)
def test_a_bad_limit_is_refused_and_nothing_changes(call, limit, error, text):
    values = with_gradients(3.0)
    with pytest.raises(error) as caught:
        call(values, limit)
    assert (type(caught.value), str(caught.value)) == (error, text)
    assert (values[0].data, values[0].grad) == (1.0, 3.0)


WRITE = "write model.parameters(), or [v] for a single Value"
test_what_are_no_values_is_refused = refusals([
    (lambda: clip_grad_value(["a"], 1.0), TypeError, "clip_grad_value takes Values, got str"),
    (lambda: clip_grad_norm(5, 1.0), TypeError,
     f"clip_grad_norm takes a list of Values, got int: {WRITE}"),
    (lambda: clip_grad_norm({Value(1.0)}, 1.0), TypeError,
     f"clip_grad_norm takes a list of Values, got set: {WRITE}"),
    (lambda: max_norm(MLP(1, [1]), 1.0), TypeError,
     f"max_norm takes a list of Values, got MLP: {WRITE}"),
])  # fmt: skip
