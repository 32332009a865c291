"""Heads: what a loss asks of the last layer, and what its outputs mean for classes."""

import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import MLP, Value, classes, deltas, fit, predict, probabilities
from tinygrad_edu import functions as f
from tinygrad_edu.losses import (
    LOSSES,
    RECORDS,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    find_loss,
    hinge,
    register,
    squared_error,
)
from tinygrad_edu.train import heads
from tinygrad_edu.train.heads import Head, head_for, head_of

# loss, targets, number of outputs, outputs, which of them are right; None: targets are no classes
DECISIONS: list[tuple[Any, list[Any], list[list[float]], list[bool] | None]] = [
    (hinge, [-1, 1, 1], [[-0.1], [0.1], [-3.0]], [True, True, False]),
    (squared_error, [-1.0, 1.0], [[0.0], [0.0]], [True, False]),
    (binary_cross_entropy, [0, 1, 1], [[0.4], [0.6], [0.5]], [True, True, False]),
    (binary_cross_entropy_with_logits, [0, 1, 1], [[-0.1], [0.1], [0.5]], [True, True, True]),
    (squared_error, [0, 1, 1], [[0.4], [0.6], [0.4]], [True, True, False]),
    (squared_error, [1, 1], [[0.4], [0.6]], [False, True]),
    (binary_cross_entropy, [1, 1], [[0.4], [0.6]], [False, True]),
    (hinge, [1, 1], [[-0.4], [0.4]], [False, True]),
    (squared_error, [-1, -1], [[-0.4], [0.4]], [True, False]),
    (squared_error, [-1, 0, 1], [[0.4], [0.6], [1.0]], None),
    (squared_error, [[0.0], [1.0]], [[0.4], [0.4]], [True, False]),
    (cross_entropy, [0, 2, 1], [[3, 1, 1], [0, 1, 2], [1, 1, 0]], [True, True, False]),
    (cross_entropy, [1.0, 1.0], [[0, 1], [1, 0]], [True, False]),
    (cross_entropy, [[1, 0], [0, 1]], [[2, 1], [2, 1]], [True, False]),
    (squared_error, [[0, 1, 0]], [[0.2, 0.1, 0.0]], [False]),
    (cross_entropy, [[0.5, 0.5], [0, 1]], [[2, 1], [2, 1]], None),
    (squared_error, [[1.0, 1.0]], [[2, 1]], None),
    (squared_error, [3, 5, 7], [[3.0], [5.0], [7.0]], None),
    (squared_error, [0.5, 1], [[0.4], [1.0]], None),
    (binary_cross_entropy, [0.25, 1], [[0.4], [1.0]], None),
    (squared_error, [[0.5], [1.5]], [[0.4], [1.0]], None),
]


@pytest.mark.parametrize(("loss", "targets", "outputs", "right"), DECISIONS)
def test_the_rule_that_calls_an_output_right_fits_loss_and_targets(
    loss: Any, targets: list[Any], outputs: list[list[float]], right: list[bool] | None
) -> None:
    head = head_of(loss, targets, len(outputs[0]))
    if right is None:
        assert head is None
    else:
        assert head is not None
        wanted = head.class_numbers(targets)
        for classes in (head.classes(outputs), head.classes(np.array(outputs))):
            assert [a == b for a, b in zip(classes, wanted, strict=True)] == right


nan, inf = math.nan, math.inf
NO_NUMBERS = [
    [nan, 3, 1],
    [1, nan, 2],
    [2, nan, nan],
    [nan, nan, nan],
    [-inf, nan, -inf],
    [0, 9, 9],
]


def test_nan_is_no_largest_output_unless_it_is_the_first() -> None:
    head = Head("logits", 3)
    expected = [max(range(3), key=row.__getitem__) for row in NO_NUMBERS]
    assert head.classes(NO_NUMBERS).tolist() == expected
    assert head.classes(np.array([NO_NUMBERS, NO_NUMBERS])).tolist() == [expected, expected]
    assert Head("logit", 1).classes([[nan], [0.5]]).tolist() == [0, 1]


@pytest.fixture
def without_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "numpy_or_none", lambda: None)


@pytest.mark.usefixtures("without_numpy")
@pytest.mark.parametrize(("loss", "targets", "outputs", "right"), DECISIONS)
def test_without_numpy_lists_give_the_same_heads_classes_and_shares(
    loss: Any, targets: list[Any], outputs: list[list[float]], right: list[bool] | None
) -> None:
    order = [*range(len(targets))][::-1]
    weights = [float(i + 1) for i in order]
    for given in (None, weights):
        counted = heads.Right(loss, targets, given)
        share, again = counted.share(outputs), counted.share([outputs[i] for i in order], order)
        if right is None:
            assert share is again is None
        else:
            each = given or [1.0] * len(targets)
            expected = sum(w for w, r in zip(each, right, strict=True) if r) / sum(each)
            assert (share, again) == pytest.approx((expected, expected))


@pytest.mark.usefixtures("without_numpy")
def test_without_numpy_nan_is_no_largest_output_either() -> None:
    expected = [max(range(3), key=row.__getitem__) for row in NO_NUMBERS]
    assert Head("logits", 3).classes(NO_NUMBERS) == expected
    assert Head("logit", 1).classes([[nan], [0.5]]) == [0, 1]


# kind, units, activation, low; outputs; the probabilities by hand
ln2, ln3 = math.log(2), math.log(3)
PROBABILITIES: list[tuple[Head, list[list[float]], list[list[float]]]] = [
    (Head("logit", 1), [[ln3], [0.0], [-800.0]], [[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]]),
    (Head("probability", 1, "sigmoid"), [[0.25], [1.0]], [[0.75, 0.25], [0.0, 1.0]]),
    (Head("score", 1, low=-1), [[0.5], [-3.0], [0.0]], [[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]]),
    (Head("numbers", 1, "tanh", -1), [[-0.5]], [[0.75, 0.25]]),
    (Head("numbers", 1), [[0.25], [1.5], [-1.0]], [[0.75, 0.25], [0.0, 1.0], [1.0, 0.0]]),
    (Head("logits", 3), [[0.0, ln2, ln3], [1e4, 0.0, 0.0]], [[1 / 6, 1 / 3, 1 / 2], [1, 0, 0]]),
    (Head("numbers", 2, "softmax"), [[0.2, 0.8]], [[0.2, 0.8]]),
    (Head("numbers", 2, "sigmoid"), [[0.5, 1.0], [0.0, 0.0]], [[1 / 3, 2 / 3], [0.5, 0.5]]),
    (Head("numbers", 2), [[3.0, -1.0]], [[1.0, 0.0]]),
]  # fmt: skip


@pytest.mark.parametrize(("head", "outputs", "expected"), PROBABILITIES)
def test_outputs_become_probabilities_of_which_the_class_has_the_largest(
    head: Head, outputs: list[list[float]], expected: list[list[float]]
) -> None:
    shares = head.probabilities(np.array(outputs))
    assert shares == pytest.approx(np.array(expected), abs=1e-15)
    assert shares.argmax(axis=1).tolist() == head.classes(outputs).tolist()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("k", [2, 3])
def test_the_head_of_a_loss_trains_and_reads_classes(name: str, k: int) -> None:
    if k == 3 and RECORDS[name].outputs in ("logit", "probability", "score"):
        with pytest.raises(ValueError, match=f"the loss {name} is for 2 classes") as caught:
            head_for(name, k)
        several = [x for x in LOSSES if RECORDS[x].outputs in ("logits", "numbers")]
        assert str(caught.value).endswith(f"choose {', '.join(several)}")
        return
    head = head_for(name, k)
    rows = [[float(j == c), float(j)] for c in range(k) for j in range(k)]
    y = [c for c in range(k) for _ in range(k)]
    model = MLP(2, [4, head.units], "tanh", output=head.activation, rng=0)
    history = fit(model, rows, head.targets(y), loss=name, optimizer="adam", epochs=2)
    assert head.class_numbers(head.targets(y)).tolist() == y
    assert head_of(find_loss(name), head.targets(y), head.units) is not None
    assert 0 <= history.accuracy[-1] <= 1
    shares, numbers = probabilities(model, rows, loss=name), classes(model, rows, loss=name)
    assert [sum(row) for row in shares] == pytest.approx([1.0] * len(rows))
    found = head.classes(predict(model, rows)).tolist()
    assert [row.index(max(row)) for row in shares] == numbers == found


def test_probabilities_of_no_rows_and_of_an_own_loss() -> None:
    model = MLP(2, [1], output="tanh", rng=0)
    assert probabilities(model, [], loss="hinge") == classes(model, [], loss="hinge") == []
    [[low, high]] = probabilities(model, [[1.0, 2.0]], loss="squared_error")
    [[output]] = predict(model, [[1.0, 2.0]])
    assert (low, high) == pytest.approx(((1 - output) / 2, (1 + output) / 2))
    with pytest.raises(ValueError, match="known for a loss of LOSSES alone"):
        probabilities(model, [[1.0, 2.0]], loss=lambda o, t: (o - t) ** 2)


@pytest.fixture
def huber() -> Iterator[Any]:
    """A further loss, entered as those of the package are."""

    @register(
        "numbers", "max(-1, min(1, a - y))", r"\\mathrm{clip}(a - y)",
        lambda a, y: [max(-1.0, min(1.0, ak - yk)) for ak, yk in zip(a, y, strict=True)],
        page=True,
    )  # fmt: skip
    def huber(output: Any, target: Any) -> Value:
        e = abs(output - target)
        small: Value = f.minimum(e, 1.0)
        return small * (e - small / 2)

    LOSSES["huber"] = huber
    yield huber
    del LOSSES["huber"], RECORDS["huber"]


def test_a_new_loss_is_one_function_with_its_record(huber: Any) -> None:
    model = MLP(2, [3, 1], "tanh", rng=0)
    for target in (0.0, 5.0):
        table = deltas(model, [1.0, -1.0], target, "huber")
        assert table.largest_difference < 1e-12
        assert table.layers[-1].rule.text == "max(-1, min(1, a - y))"
    assert head_for("huber", 3) == Head("numbers", 3, "softmax")
    assert len(classes(model, [[0.0, 1.0]], loss="huber")) == 1
    with pytest.raises(ValueError, match="huber"):
        find_loss("hubert")
    assert "tinygrad_edu.playground" not in sys.modules or RECORDS["huber"].page
