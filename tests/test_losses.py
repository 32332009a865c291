"""Losses: formulas and gradients by hand, the edges against PyTorch, bad outputs and targets."""

import json
import math
import re
from collections.abc import Callable
from functools import partial
from math import exp, inf, log, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refusals

from tinygrad_edu import Value, gradcheck
from tinygrad_edu.losses import (
    LOSSES,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    find_loss,
    half_squared_error,
    hinge,
    l1,
    l2,
    mean_squared_error,
    perceptron,
    squared_error,
)


def sigmoid(z: float) -> float:
    return 1 / (1 + exp(-z))


# Loss, output, target, its value by the formula, its gradient as the textbooks derive it.
P = [exp(z) / (exp(1) + exp(2) + exp(-0.5)) for z in (1, 2, -0.5)]
Row = tuple[Callable[[Any, Any], Value], list[float], Any, float, list[float]]
BY_HAND: list[Row] = [
    (squared_error, [3.0], 1.0, 4.0, [4.0]),  # 2 (o - t)
    (squared_error, [3.0, -1.0], [1.0, 2.0], 4.0 + 9.0, [4.0, -6.0]),
    (half_squared_error, [3.0, -1.0], [1.0, 2.0], 6.5, [2.0, -3.0]),  # o - t
    (mean_squared_error, [3.0, -1.0], [1.0, 2.0], 6.5, [2.0, -3.0]),  # 2/n (o - t)
    (mean_squared_error, [3.0, -1.0, 0.0, 0.0], [1.0, 2.0, 0, 0], 3.25, [1.0, -1.5, 0, 0]),
    (binary_cross_entropy, [0.25], 1, -log(0.25), [-1 / 0.25]),  # -t/p + (1-t)/(1-p)
    (binary_cross_entropy, [0.25], 0, -log(0.75), [1 / 0.75]),
    (binary_cross_entropy, [0.25], 0.5, -0.5 * log(0.25) - 0.5 * log(0.75), [-2 + 0.5 / 0.75]),
    (binary_cross_entropy_with_logits, [0.8], 1, -log(sigmoid(0.8)), [sigmoid(0.8) - 1]),
    (binary_cross_entropy_with_logits, [0.8], 0, -log(1 - sigmoid(0.8)), [sigmoid(0.8)]),
    (binary_cross_entropy_with_logits, [0.8], 0.3,
     -0.3 * log(sigmoid(0.8)) - 0.7 * log(1 - sigmoid(0.8)), [sigmoid(0.8) - 0.3]),
    (cross_entropy, [1.0, 2.0, -0.5], 0, -log(P[0]), [P[0] - 1, P[1], P[2]]),  # p_k - t_k
    (cross_entropy, [1.0, 2.0, -0.5], 2.0, -log(P[2]), [P[0], P[1], P[2] - 1]),
    (cross_entropy, [1.0, 2.0, -0.5], [0, 1, 0], -log(P[1]), [P[0], P[1] - 1, P[2]]),
    (cross_entropy, [1.0, 2.0, -0.5], [0.2, 0.3, 0.5],
     -0.2 * log(P[0]) - 0.3 * log(P[1]) - 0.5 * log(P[2]),
     [P[0] - 0.2, P[1] - 0.3, P[2] - 0.5]),
    (hinge, [0.4], 1, 0.6, [-1.0]),
    (hinge, [0.4], -1, 1.4, [1.0]),
    (hinge, [1.5], 1, 0.0, [0.0]),
    (hinge, [1.0], 1, 0.0, [0.0]),
    (perceptron, [0.4], 1, 0.0, [0.0]),
    (perceptron, [0.4], -1, 0.4, [1.0]),
    (perceptron, [-0.4], 1, 0.4, [-1.0]),
]  # fmt: skip


@pytest.mark.parametrize("row", BY_HAND)
def test_value_and_gradient_of_a_loss_are_those_derived_by_hand(row: Row) -> None:
    loss, output, target, value, gradient = row
    o = [Value(x) for x in output]
    error = loss(o if len(o) > 1 else o[0], target)
    error.backward()
    assert isinstance(error, Value)
    assert error.data == pytest.approx(value, rel=1e-14, abs=0)
    assert [v.grad for v in o] == pytest.approx(gradient, rel=1e-13, abs=0)
    if loss is not hinge or output != [1.0]:  # its kink
        assert gradcheck(lambda *o: loss(list(o), target), output)


def test_every_loss_is_in_the_table_by_its_name_and_tested_by_hand() -> None:
    assert {name: f.__name__ for name, f in LOSSES.items()} == {name: name for name in LOSSES}
    assert {row[0] for row in BY_HAND} == set(LOSSES.values())
    assert [find_loss(name) for name in LOSSES] == list(LOSSES.values())


def test_the_delta_of_a_sigmoid_unit_emerges_from_the_chain_rule() -> None:
    # squared error: (o - t) o (1 - o); cross entropy of the probability: o - t
    for loss, factor in (
        (half_squared_error, sigmoid(0.7) * (1 - sigmoid(0.7))),
        (binary_cross_entropy, 1.0),
    ):
        z = Value(0.7)
        loss(z.sigmoid(), 1).backward()
        assert z.grad == pytest.approx((sigmoid(0.7) - 1) * factor, rel=1e-14)


# At the ends: value and gradient by the exact formula.
EXTREMES: list[Row] = [
    (binary_cross_entropy_with_logits, [1000.0], 1, 0.0, [0.0]),
    (binary_cross_entropy_with_logits, [1000.0], 0, 1000.0, [1.0]),
    (binary_cross_entropy_with_logits, [-1000.0], 1, 1000.0, [-1.0]),
    (binary_cross_entropy_with_logits, [-1000.0], 0, 0.0, [0.0]),
    (binary_cross_entropy_with_logits, [1e20], 0, 1e20, [1.0]),
    (binary_cross_entropy_with_logits, [-1e300], 1, 1e300, [-1.0]),
    (binary_cross_entropy_with_logits, [40.0], 1, exp(-40), [-exp(-40)]),
    (binary_cross_entropy_with_logits, [-700.0], 0, exp(-700), [exp(-700)]),
    (binary_cross_entropy_with_logits, [1000.0], 0.25, 750.0, [0.75]),
    (binary_cross_entropy_with_logits, [inf], 1, 0.0, [0.0]),
    (binary_cross_entropy_with_logits, [-inf], 0, 0.0, [0.0]),
    (binary_cross_entropy_with_logits, [inf], 0, inf, [1.0]),
    (binary_cross_entropy_with_logits, [nan], 0, nan, [nan]),
    (binary_cross_entropy, [0.0], 0, 0.0, [1.0]),
    (binary_cross_entropy, [1.0], 1, 0.0, [-1.0]),
    (binary_cross_entropy, [0.0], 1, inf, [-inf]),
    (binary_cross_entropy, [1.0], 0, inf, [inf]),
    (binary_cross_entropy, [1e-300], 1, 300 * log(10), [-1e300]),
    (binary_cross_entropy, [nan], 1, nan, [nan]),
    (cross_entropy, [1000.0, 0.0], 0, 0.0, [0.0, 0.0]),
    (cross_entropy, [1000.0, 0.0], 1, 1000.0, [1.0, -1.0]),
    (cross_entropy, [-1000.0, 1000.0], 0, 2000.0, [-1.0, 1.0]),
    (cross_entropy, [1e308, -1e308], 0, 0.0, [0.0, 0.0]),
    (cross_entropy, [40.0, 0.0], 0, 0.0, [0.0, exp(-40)]),
    (cross_entropy, [0.0, -inf], [1, 0], 0.0, [0.0, 0.0]),
    (cross_entropy, [1000.0, 0.0, 0.0], [0.5, 0.5, 0], 500.0, [0.5, -0.5, 0.0]),
    (hinge, [-1e308], 1, 1e308, [-1.0]),
    (hinge, [inf], 1, 0.0, [0.0]),
    (perceptron, [-1000.0], 1, 1000.0, [-1.0]),
]


@pytest.mark.parametrize("row", EXTREMES)
def test_a_loss_is_exact_at_the_extremes(row: Row) -> None:
    loss, output, target, value, gradient = row
    o = [Value(x) for x in output]
    error = loss(o, target)
    error.backward()
    assert error.data == pytest.approx(value, rel=1e-15, abs=0, nan_ok=True)
    found = [v.grad for v in o]
    assert found == pytest.approx(gradient, rel=1e-15, abs=0, nan_ok=True)
    assert value != 0 or math.copysign(1, error.data) == 1


TABLE = json.loads((Path(__file__).parent / "edge_table" / "torch.json").read_text("utf-8"))
ROWS = [
    (name, [float(x) for x in inputs], float(value), [float(g) for g in gradients])
    for name, inputs, value, gradients in TABLE["rows"]
    if name.startswith(("bce", "hinge", "cross_entropy"))
]


def answer(name: str, inputs: list[float]) -> tuple[float, list[float]]:
    x = [Value(number) for number in inputs]
    if name == "cross_entropy_first":
        error, leaves = cross_entropy(x, 0), x
    else:
        loss = LOSSES[name.replace("bce", "binary_cross_entropy")]
        error, leaves = loss(x[0], inputs[1]), x[:1]
    error.backward()
    return error.data, [v.grad for v in leaves]


def expected(
    name: str, inputs: list[float], value: float, gradients: list[float]
) -> tuple[float, list[float]]:
    """PyTorch's answer, or the exact one where PyTorch's is not, on purpose or by rounding."""
    x, t = inputs
    if name == "bce":  # PyTorch clamps log at -100 and, in the gradient, p (1 - p) at 1e-12
        if (t > 0 and x < exp(-100)) or (t < 1 and 1 - x < exp(-100)):
            value = surprise(t, x) + surprise(1 - t, 1 - x)
        if x * (1 - x) < 1e-12:
            gradients = [ratio(1 - t, 1 - x) - ratio(t, x)]
    if name == "bce_with_logits":
        wrong = -x if t == 1 else x  # the net input, turned so that large is wrong
        if t in (0.0, 1.0) and wrong < 0:  # s(z) - t and z - log s(z) cancel in PyTorch
            slope = exp(wrong) / (1 + exp(wrong))
            value, gradients = math.log1p(exp(wrong)), [slope if t == 0 else -slope]
        if x == -inf and t > 0:  # -inf - -inf in PyTorch
            value = inf
    return value, gradients


def surprise(t: float, p: float) -> float:
    """-t log p, inf where a p of 0 is wrong."""
    if t == 0:
        return 0.0
    return -t * log(p) if p else inf


def ratio(x: float, y: float) -> float:
    """x / y, with 0/0 = 0 and x/0 = inf."""
    return x / y if y else (inf if x else 0.0)


@pytest.mark.parametrize("name", sorted({row[0] for row in ROWS}))
def test_the_edges_of_a_loss_are_those_of_pytorch(name: str) -> None:
    wrong = []
    assert len(ROWS) > 300
    rows = [row for row in ROWS if row[0] == name]
    for row in rows:
        (value, gradients), theirs = answer(*row[:2]), expected(*row)
        same = value == pytest.approx(theirs[0], rel=2e-15, abs=0, nan_ok=True)
        flat = gradients == pytest.approx(theirs[1], rel=2e-15, abs=0, nan_ok=True)
        signs = value != 0 or math.copysign(1, value) == math.copysign(1, theirs[0])
        if not (same and flat and signs):
            wrong.append(f"{row[:2]}: ours {value, gradients}, expected {theirs}")
    assert len(rows) > 30
    assert not wrong, f"{len(wrong)} of {len(rows)} rows:\n" + "\n".join(wrong)


def test_a_target_that_is_a_value_gets_a_gradient() -> None:
    p, t = Value(0.25), Value(0.5)
    binary_cross_entropy(p, t).backward()
    assert t.grad == pytest.approx(log(0.75) - log(0.25))
    z, t = Value(0.8), Value(0.5)
    binary_cross_entropy_with_logits(z, t).backward()
    assert t.grad == -0.8
    a, t = Value(3.0), Value(1.0)
    squared_error(a, t).backward()
    assert t.grad == -4.0
    logits, ts = [Value(0.0), Value(1.0)], [Value(0.5), Value(0.5)]
    cross_entropy(logits, ts).backward()
    assert ts[0].grad == pytest.approx(log(1 + exp(1)))


def test_penalties_have_the_factor_that_they_state() -> None:
    w = [Value(3.0), Value(-4.0)]
    assert l2(w, 0.1).data == pytest.approx(2.5)
    assert l2(w, 0.1, half=True).data == pytest.approx(1.25)
    assert l1(w, 0.1).data == pytest.approx(0.7)
    l2(iter(w), 0.1, half=True).backward()
    assert [v.grad for v in w] == pytest.approx([0.3, -0.4])  # weight decay: strength * w
    for v in w:
        v.grad = 0.0
    l1(iter(w), 0.1).backward()
    assert [v.grad for v in w] == pytest.approx([0.1, -0.1])
    assert l2(w, 0.0).data == 0.0


def test_numbers_arrays_and_lists_of_one_are_taken_as_outputs_and_targets() -> None:
    assert squared_error(3.0, 1).data == 4.0
    assert squared_error([Value(3.0)], [1.0]).data == 4.0
    assert squared_error(np.array([3.0, 1.0]), np.array([1.0, 1.0])).data == 4.0
    assert hinge([Value(0.5)], np.array([1])).data == 0.5
    assert hinge(Value(0.5), True).data == 0.5
    assert cross_entropy(np.array([0.0, 0.0]), np.int64(1)).data == pytest.approx(log(2))
    assert cross_entropy(np.array([0.0, 0.0]), True).data == pytest.approx(log(2))  # counts as 1
    assert cross_entropy([0.0, 0.0], np.array([0.5, 0.5])).data == pytest.approx(log(2))


V = Value(0.5)
LOGITS = [Value(0.0), Value(1.0), Value(2.0)]
LARGE = "{} takes a float, at most 1.8e308, and this int is larger"
PROBABILITY = "target must be a probability in [0, 1], such as 0 or 1, got {}"
SIGN = " takes targets -1 and 1, got {}: write 2 * y - 1 for classes 0 and 1"
CLASS = "the target of cross_entropy is a class number 0..2 or a list of 3 probabilities, got {}"
ONE_EACH = (
    "cross_entropy takes one output per class, got {}: "
    "for a single output use binary_cross_entropy_with_logits"
)
NO_PROBABILITY = (
    "binary_cross_entropy takes a probability in [0, 1], got {}: "
    "end the model in a sigmoid, or use binary_cross_entropy_with_logits"
)
test_outputs_and_targets_that_do_not_fit_are_refused_with_a_clear_text = refusals([
    (partial(call, output, target), error, text)
    for call, output, target, error, text in [
        (squared_error, LOGITS, [0, 1, 2, 3], ValueError, "3 outputs but 4 targets"),
        (mean_squared_error, LOGITS, 1.0, ValueError, "3 outputs but 1 targets"),
        (half_squared_error, [], [], ValueError, "0 outputs but 0 targets"),
        (squared_error, V, "1", TypeError, "a loss compares numbers, got str '1'"),
        (squared_error, None, 1, TypeError, "a loss compares numbers, got NoneType None"),
        (squared_error, V, None, TypeError, "a loss compares numbers, got NoneType None"),
        (hinge, V, 0, ValueError, "hinge" + SIGN.format(0)),
        (hinge, V, nan, ValueError, "hinge" + SIGN.format(nan)),
        (perceptron, V, 2, ValueError, "perceptron" + SIGN.format(2)),
        (hinge, LOGITS, 1, ValueError, "this loss takes one output, got 3"),
        (hinge, V, [1, -1], ValueError, "this loss takes one target, got 2"),
        (binary_cross_entropy, LOGITS, 1, ValueError, "this loss takes one output, got 3"),
        (binary_cross_entropy, V, 2, ValueError, PROBABILITY.format("2")),
        (binary_cross_entropy, V, -1, ValueError, PROBABILITY.format("-1")),
        (binary_cross_entropy, Value(1.5), 1, ValueError, NO_PROBABILITY.format(1.5)),
        (binary_cross_entropy, Value(-inf), 1, ValueError, NO_PROBABILITY.format(-inf)),
        (binary_cross_entropy_with_logits, V, nan, ValueError, PROBABILITY.format("nan")),
        (binary_cross_entropy_with_logits, V, 1j, TypeError,
         "a loss compares numbers, got complex 1j"),
        (binary_cross_entropy_with_logits, V, 10**400, OverflowError, LARGE.format("target")),
        (cross_entropy, LOGITS, 5, ValueError, "class 5 is out of range 0..2"),
        (cross_entropy, LOGITS, 3.0, ValueError, "class 3 is out of range 0..2"),
        (cross_entropy, LOGITS, -1, ValueError, "class -1 is out of range 0..2"),
        (cross_entropy, LOGITS, 1.5, ValueError, CLASS.format("1.5")),
        (cross_entropy, LOGITS, nan, ValueError, CLASS.format("nan")),
        (cross_entropy, LOGITS, "cat", ValueError, CLASS.format("'cat'")),
        (cross_entropy, LOGITS, None, ValueError, CLASS.format("None")),
        (cross_entropy, LOGITS, 10**400, OverflowError, LARGE.format("a class number")),
        (cross_entropy, LOGITS, [0, 1], ValueError, "3 outputs but 2 target probabilities"),
        (cross_entropy, LOGITS, [0.5, 0.6, -0.1], ValueError,
         "target probabilities must lie in [0, 1], got [0.5, 0.6, -0.1]"),
        (cross_entropy, LOGITS, [1, 1, 0], ValueError,
         "target probabilities must sum to 1, got 2.0"),
        (cross_entropy, LOGITS, ["a", "b", "c"], TypeError,
         "a target probability takes one real number, got str 'a': "
         "write float(...) around a text that is a number"),
        (cross_entropy, V, 0, ValueError, ONE_EACH.format(1)),
        (cross_entropy, [], 0, ValueError, ONE_EACH.format(0)),
        (l2, [V], -0.1, ValueError, "strength must be a finite number >= 0, got -0.1"),
        (l2, [V], nan, ValueError, "strength must be a finite number >= 0, got nan"),
        (l1, [V], "0.1", TypeError, "strength must be a finite number >= 0, got str '0.1'"),
    ]
])  # fmt: skip


def test_an_unknown_loss_is_refused_with_the_nearest_name() -> None:
    text = f"unknown loss 'crossentropy': choose {', '.join(LOSSES)}; did you mean 'cross_entropy'?"
    with pytest.raises(ValueError, match=re.escape(text)):
        find_loss("crossentropy")
