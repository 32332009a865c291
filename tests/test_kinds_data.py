"""Data as users have them: what has no order, other notations, labels, sizes, odd containers."""

import re
from collections import Counter, deque
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from refusals import refusals

from tinygrad_edu import MLP, SGD, Neuron, Value, fit, predict
from tinygrad_edu import functions as f
from tinygrad_edu.data import (
    binary_addition,
    circles,
    folds,
    moons,
    next_letter,
    one_hot,
    spiral,
    thermometer,
    xor,
)
from tinygrad_edu.losses import cross_entropy, l1, l2, squared_error
from tinygrad_edu.nn.convolution import Conv2d
from tinygrad_edu.perceptron import truth_table
from tinygrad_edu.train import History, best_of
from tinygrad_edu.view import pictures

ENTRIES: dict[str, Callable[[], Any]] = {
    "a set": lambda: {1.0, 2.0},
    "a frozen set": lambda: frozenset([1.0, 2.0]),
    "a mapping": lambda: {1.0: 3, 2.0: 4},
    "the keys of a mapping": lambda: {1.0: 3, 2.0: 4}.keys(),
    "the items of a mapping": lambda: {1.0: 3, 2.0: 4}.items(),
    "a view of a mapping": lambda: MappingProxyType({1.0: 3, 2.0: 4}),
    "a count of things": lambda: Counter([1.0, 2.0]),
    "text": lambda: "12",
    "bytes": lambda: b"ab",
    "bytes that change": lambda: bytearray(b"ab"),
    "a view of bytes": lambda: memoryview(b"ab"),
    "an array of no dimension": lambda: np.array(1.0),
    "a number": lambda: 5,
}
N_ARY = [f.sum, f.mean, f.prod, f.max, f.min, f.logsumexp, f.softmax, f.log_softmax]
TAKERS: dict[str, Callable[[Any], Any]] = {
    **{function.__name__: lambda x, function=function: function(x) for function in N_ARY},
    "dot, weights": lambda x: f.dot(x, [1.0, 2.0]),
    "dot, inputs": lambda x: f.dot([1.0, 2.0], x),
    "l1": lambda x: l1(x, 0.1),
    "l2": lambda x: l2(x, 0.1),
    "a model": MLP(2, [1]),
    "a model's rows": lambda x: predict(MLP(2, [1]), x),
    "layer sizes": lambda x: MLP(2, x),
    "labels": one_hot,
    "categories": lambda x: one_hot([1.0], x),
    "the order of labels": lambda x: thermometer([1.0], x),
    "groups": lambda x: folds(x, 2),
    "outputs of a loss": lambda x: squared_error(x, [1.0, 2.0]),
    "outputs of cross_entropy": lambda x: cross_entropy(x, 1),
    "targets": lambda x: fit(
        MLP(2, [1]), [[1.0, 2.0]] * 2, x, loss="squared_error", optimizer=SGD, epochs=1
    ),
}
#: What is no list for these, and yet allowed: letters are labels, a number is one operand.
ALLOWED = {(name, "text") for name in ("labels", "categories", "the order of labels")}
ALLOWED |= {(function.__name__, "a number") for function in N_ARY}
#: How Python and NumPy speak where nobody asked before.
PYTHONS_OWN = re.compile("is not iterable|not subscriptable|iteration over|unsupported operand")


@pytest.mark.parametrize("name", TAKERS)
def test_nothing_without_an_order_is_read_as_a_row_of_numbers(name: str) -> None:
    for kind, make in ENTRIES.items():
        if (name, kind) not in ALLOWED:
            with pytest.raises((TypeError, ValueError)) as caught:
                TAKERS[name](make())
            assert not PYTHONS_OWN.search(str(caught.value)), kind


def test_what_has_an_order_is_a_row_of_numbers_whatever_holds_it() -> None:
    given = {"a": 1.0, "b": 2.0}
    for x in ([1, 2], (1.0, 2.0), deque([1, 2]), given.values(), np.array([1, 2]), range(1, 3)):
        assert (f.sum(x), f.dot(x, x), l1(x, 2.0).data, f.max(pd.Series(x))) == (3, 5, 6, 2)
        assert MLP(2, [1], rng=0)(x).data == MLP(2, [1], rng=0)([1.0, 2.0]).data
    assert f.sum(v for v in (1.0, 2.0)) == 3.0
    assert one_hot(pd.Series(["b", "a"]), np.array(["a", "b"])) == [[0.0, 1.0], [1.0, 0.0]]
    assert MLP(2, np.array([3, 1])).nouts == MLP(2, deque([3, 1])).nouts == [3, 1]
    frame = pd.DataFrame({"size": ["S", "L"]})
    assert thermometer(frame, ["S", "L"]) == [[1.0, 0.0], [1.0, 1.0]]


HUGE, BILLION = 2**63, 10**9
N_FROM = "n must be an int from {} to 1000000, got {}"
test_every_size_has_a_limit = refusals([
    (lambda: moons(n=HUGE), ValueError, N_FROM.format(2, HUGE)),
    (lambda: spiral(n=HUGE), ValueError, N_FROM.format(3, HUGE)),
    (lambda: xor(HUGE), ValueError, N_FROM.format(4, HUGE)),
    (lambda: circles(BILLION), ValueError, N_FROM.format(2, BILLION)),
    (lambda: binary_addition(HUGE, 7), ValueError, N_FROM.format(1, HUGE)),
    (lambda: binary_addition(10, HUGE), ValueError,
     f"bits must be an int from 1 to 100000, got {HUGE}"),
    (lambda: next_letter(["ab"], BILLION), ValueError,
     f"context must be an int from 1 to 1000, got {BILLION}"),
    (lambda: one_hot(range(5000)), ValueError,
     "5000 labels and 5000 of categories have a code of more than 20,000,000 numbers: "
     "give the numbers of the labels themselves"),
    (lambda: thermometer([1] * 5000, range(5000)), ValueError,
     "5000 labels and 5000 of order have a code of more than 20,000,000 numbers: "
     "give the numbers of the labels themselves"),
    (lambda: Neuron(BILLION), ValueError,
     "units of 1000000000 inputs have 1,000,000,001 parameters, more than the 10,000,000 of "
     "nn.MAX_PARAMETERS"),
    (lambda: Conv2d(1, 1, 3, padding=BILLION), ValueError,
     f"padding must be an int from 0 to 1000, got {BILLION}"),
    (lambda: truth_table(min, 64), ValueError, "nin must be an int from 1 to 16, got 64"),
    (lambda: best_of(print, HUGE), ValueError,
     f"tries must be an int from 1 to 1000000, got {HUGE}"),
    (lambda: pictures.regions(MLP(2, [1]), [[0, 1], [1, 0]], [0, 1], resolution=BILLION),
     ValueError, f"resolution must be an int from 2 to 2000, got {BILLION}"),
    (lambda: pictures.neuron_maps(MLP(2, [1]), [[0, 1], [1, 0]], resolution=BILLION),
     ValueError, f"resolution must be an int from 2 to 2000, got {BILLION}"),
    (lambda: pictures.confusion(range(101), range(101)), ValueError,
     "a picture shows at most 100 classes, got 101"),
    (lambda: pictures.confusion([0], [1], range(101)), ValueError,
     "a picture shows at most 100 classes, got 101"),
    (lambda: pictures.hidden_space(MLP(2, [3, 1]), [[0, 1], [1, 0]], [0, 10**15]), ValueError,
     f"a picture shows at most 100 classes, got {10**15 + 1}"),
])  # fmt: skip


@pytest.mark.parametrize("classes", [(0, 200), (1995, 2020), (97070, 97074), (-1, 1)])
def test_a_confusion_matrix_has_the_classes_that_occur(classes: tuple[int, int]) -> None:
    first, second = classes
    ax = pictures.confusion([first, second, second], [second, second, second])
    assert [label.get_text() for label in ax.get_xticklabels()] == list(map(str, classes))
    assert [text.get_text() for text in ax.texts] == ["·", "1", "·", "2"]
    assert max(ax.figure.get_size_inches()) < 5


def test_a_history_of_few_epochs_has_a_short_table() -> None:
    history = History(loss=[3.0, 2.0, 1.0])
    assert history.table(BILLION) == history.table(3)


ROWS = [[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]
RECORDS = np.array([(1.0, 2.0), (3.0, 4.0)], dtype=[("a", float), ("b", float)])
MASKED = np.ma.array([0, 1, 1], mask=[0, 1, 0])
MASKED_TEXT = "{} has masked numbers: remove or replace them, as in X.filled(0)"
V, ONE_OF_TWO = Value(1.0), [Value(1.0), Value(2.0)]


def losses_of(y: Any, X: Any = ROWS) -> list[float]:
    return fit(
        MLP(2, [2], rng=0), X, y, loss="cross_entropy", optimizer=SGD, epochs=2
    ).loss  # fmt: skip


@pytest.mark.parametrize(
    "y",
    [
        np.array([[0], [1], [1]]),
        [[0], [1], [1]],
        pd.DataFrame({"y": [0.0, 1.0, 1.0]}),
        np.ma.array([0, 1, 1], mask=[0, 0, 0]),
        pd.Series([0, 1, 1], dtype="category"),
        pd.array([0, 1, 1], dtype="Int64"),
        pd.get_dummies(pd.Series(list("abb"))),
        [np.array(0), np.bool_(True), np.uint8(1)],
    ],
    ids=repr,
)
def test_class_numbers_are_read_from_any_container_that_has_them(y: Any) -> None:
    assert losses_of(y) == losses_of([0, 1, 1])


test_what_holds_no_rows_or_targets_is_refused_with_the_true_reason = refusals([
    (lambda: losses_of(MASKED), ValueError, MASKED_TEXT.format("y")),
    (lambda: losses_of([0, np.ma.masked, 1]), ValueError, MASKED_TEXT.format("a target")),
    (lambda: squared_error(V, MASKED[1]), ValueError, MASKED_TEXT.format("a target")),
    (lambda: squared_error(ONE_OF_TWO, MASKED[1:]), ValueError, MASKED_TEXT.format("a target")),
    (lambda: losses_of([0, 1], [MASKED[1:], MASKED[1:]]), ValueError, MASKED_TEXT.format("X[0]")),
    (lambda: losses_of([0, 1], RECORDS), TypeError,
     "X is a structured array: give its fields as columns of one array"),
    (lambda: losses_of([0, 1], list(RECORDS)), TypeError,
     "X[0] must be a row of numbers, got a record of an array: write its fields as a list"),
    (lambda: losses_of(np.zeros((3, 1, 1))), ValueError,
     "y has 3 dimensions, at most 2 are rows of numbers: write y.reshape(len(y), -1)"),
    (lambda: losses_of(np.array(1.0)), TypeError,
     "y must be a list or an array, got an array without rows"),
    (lambda: losses_of([0.5, 1.5, 1.0]), ValueError,
     "the target of cross_entropy is a class number 0..1 or a list of 2 probabilities, got 0.5"),
    (lambda: squared_error(ONE_OF_TWO, [[1], [2]]), TypeError,
     "a loss compares numbers, got list [1]"),
    (lambda: squared_error(ONE_OF_TWO, [None, 2]), TypeError,
     "a loss compares numbers, got NoneType None"),
    (lambda: squared_error(ONE_OF_TWO, [pd.NaT, 2]), TypeError,
     "a loss compares numbers, got NaTType NaT"),
])  # fmt: skip


def test_a_target_of_one_number_is_read_through_all_dimensions() -> None:
    right = cross_entropy(ONE_OF_TWO, 1).data
    for target in (np.array(1), np.array([[1]]), [[1]], pd.Series([1]), np.ma.array([1])):
        assert cross_entropy(ONE_OF_TWO, target).data == right
    assert squared_error(V, np.array(1)).data == squared_error(V, np.ma.array(1)).data == 0.0


def test_what_was_measured_makes_a_frame_with_and_without_a_validation() -> None:
    rows, targets = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    for validation in (None, (rows, targets)):
        history = fit(
            MLP(2, [1]), rows, targets, loss="squared_error", optimizer=SGD, epochs=3,
            validation=validation,
        )  # fmt: skip
        assert len(pd.DataFrame(history.columns())) == 3
