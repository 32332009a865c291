"""Data as users have them: what has no order, other notations, labels, sizes, odd containers."""

import re
from collections import Counter, deque
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tinygrad_edu import MLP, SGD, fit, predict
from tinygrad_edu import functions as f
from tinygrad_edu.data import folds, one_hot, thermometer
from tinygrad_edu.losses import cross_entropy, l1, l2, squared_error

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


def test_what_was_measured_makes_a_frame_with_and_without_a_validation() -> None:
    rows, targets = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    for validation in (None, (rows, targets)):
        history = fit(
            MLP(2, [1]), rows, targets, loss="squared_error", optimizer=SGD, epochs=3,
            validation=validation,
        )  # fmt: skip
        assert len(pd.DataFrame(history.columns())) == 3
