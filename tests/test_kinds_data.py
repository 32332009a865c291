"""Data as users have them: what has no order, other notations, labels, sizes, odd containers."""

import re
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from refusals import refusals

from tinygrad_edu import MLP, SGD, Neuron, Value, fit, predict
from tinygrad_edu import functions as f
from tinygrad_edu.data import (
    Table,
    TableEncoder,
    TableError,
    binary_addition,
    folds,
    next_letter,
    one_hot,
    read_table,
    thermometer,
)
from tinygrad_edu.losses import LOSSES, cross_entropy, l1, l2, squared_error
from tinygrad_edu.nn.convolution import Conv2d
from tinygrad_edu.perceptron import truth_table
from tinygrad_edu.playground import points
from tinygrad_edu.train import History, best_of
from tinygrad_edu.view import pictures

V = Value(1.0)
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
    **{f"outputs of {name}": lambda x, loss=loss: loss(x, 1) for name, loss in LOSSES.items()},
    **{f"target of {name}": lambda x, loss=loss: loss(V, x) for name, loss in LOSSES.items()},
    "several outputs of a loss": lambda x: squared_error(x, [1.0, 2.0]),
    "targets": lambda x: fit(
        MLP(2, [1]), [[1.0, 2.0]] * 2, x, loss="squared_error", optimizer=SGD, epochs=1
    ),
}
#: What is no list for these, and yet allowed: letters are labels, a number is one operand.
ALLOWED = {(name, "text") for name in ("labels", "categories", "the order of labels")}
ALLOWED |= {(function.__name__, "a number") for function in N_ARY}
ALLOWED |= {
    (f"{what} of {name}", kind)
    for what in ("outputs", "target")
    for name in LOSSES
    for kind in ("a number", "an array of no dimension")
}
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
LONG_CODE = (
    "5000 labels and 5000 of {} have a code of more than 20,000,000 numbers: "
    "give the numbers of the labels themselves"
)
test_every_size_has_a_limit = refusals([
    (lambda: binary_addition(HUGE, 7), ValueError,
     f"n must be an int from 1 to 1000000, got {HUGE}"),
    (lambda: binary_addition(10, HUGE), ValueError,
     f"bits must be an int from 1 to 100000, got {HUGE}"),
    (lambda: next_letter(["ab"], BILLION), ValueError,
     f"context must be an int from 1 to 1000, got {BILLION}"),
    (lambda: one_hot(range(5000)), ValueError, LONG_CODE.format("categories")),
    (lambda: thermometer([1] * 5000, range(5000)), ValueError, LONG_CODE.format("order")),
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


def test_many_names_are_compared_in_no_more_time_than_they_are_read() -> None:
    names = [f"c{i}" for i in range(100_000)]  # each with each would take minutes
    column = {"name": "a", "kind": "category", "categories": names}
    written = {"columns": [column], "target": "y", "class_names": names}
    assert TableEncoder.from_dict(written).class_names == tuple(names)
    column["categories"] = [*names, "c7"]
    with pytest.raises(ValueError, match="must be distinct, but 'c7' is there twice"):
        TableEncoder.from_dict(written)


MASKED = np.ma.array([0, 1, 1], mask=[0, 1, 0])
MASKED_TEXT = "{} has masked numbers: remove or replace them, as in X.filled(0)"
ONE_OF_TWO = [Value(1.0), Value(2.0)]


def losses_of(y: Any) -> list[float]:
    rows = [[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]
    return fit(MLP(2, [2], rng=0), rows, y, loss="cross_entropy", optimizer=SGD, epochs=2).loss


test_a_target_that_is_no_number_is_refused_with_the_true_reason = refusals([
    (lambda: losses_of([0, np.ma.masked, 1]), ValueError, MASKED_TEXT.format("a target")),
    (lambda: squared_error(V, MASKED[1]), ValueError, MASKED_TEXT.format("a target")),
    (lambda: squared_error(ONE_OF_TWO, MASKED[1:]), ValueError, MASKED_TEXT.format("a target")),
    (lambda: predict(MLP(2, [1]), [MASKED[1:]]), ValueError, MASKED_TEXT.format("X[0]")),
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
    assert cross_entropy(ONE_OF_TWO, np.eye(2, dtype=bool)[1]).data == right
    assert losses_of(pd.get_dummies(pd.Series(list("abb")))) == losses_of([0, 1, 1])
    assert squared_error(V, np.array(1)).data == squared_error(V, np.ma.array(1)).data == 0.0


def test_what_was_measured_makes_a_frame_with_and_without_a_validation() -> None:
    rows, targets = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    for validation in (None, (rows, targets)):
        history = fit(
            MLP(2, [1]), rows, targets, loss="squared_error", optimizer=SGD, epochs=3,
            validation=validation,
        )  # fmt: skip
        assert len(pd.DataFrame(history.columns())) == 3


def table_of(**columns: Any) -> Table:
    n = len(next(iter(columns.values())))
    return Table("t.csv", columns, list(range(2, n + 2)))


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["10001", "00501", "07030"], ("00501", "07030", "10001")),
        (["1", "01"], ("01", "1")),
        (["1", "1.0", "2"], ("1", "1.0", "2")),
        (["9007199254740993", "9007199254740992", "5"],
         ("5", "9007199254740992", "9007199254740993")),
        (["10", "9", "-1"], ("-1", "9", "10")),
        (["+1", "-0", "0", "1e0"], ("-0", "0", "+1", "1e0")),
        (["2", "b", "Nein"], None),
        (["true", "True"], ("True", "true")),
        (["\u0661", "1a"], ("1a", "\u0661")),
        (["m\u00fcde", "mu\u0308de"], ("mu\u0308de", "m\u00fcde")),
    ],
)  # fmt: skip
def test_a_label_is_the_text_of_its_cell(cells: list[str], names: tuple[str, ...] | None) -> None:
    table = table_of(a=[str(i) for i in range(len(cells))], label=cells)
    if names is None:  # words among numbers
        with pytest.raises(TableError, match="column 'label': text 'b' where a number is expected"):
            TableEncoder.fit(table, "label")
        return
    encoder = TableEncoder.fit(table, "label")
    assert encoder.class_names == names
    assert [names[k] for k in encoder.labels(table)] == cells
    assert TableEncoder.from_dict(encoder.to_dict()) == encoder


#: What cells are called, how to write them, and pairs of such cells of a column.
NOTATIONS = {
    ("numbers with commas, blanks or other digits", "write 1.5 for 1,5 and 1100 for 1,100"): [
        "1,100 2,200", "\u0661\u0662 \u0663", "\uff11\uff12 \uff13",
    ],
    ("percentages", "write all of them in %"): ["3% 4\u2030"],
    ("amounts of money", "write all of them in one currency"): ["$3.50 \u20ac1,100", "-$3 CHF5"],
    ("hexadecimal numbers", "write 31 for 0x1f"): ["0x1f 0xFF"],
    ("dates or times", "write days or hours since the first"): [
        "2020-01-02 2021-11-30", "02.01.2020 1/2/20", "2020-01-02T12:00 12:30:05"
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "called", "how"), [(x, *about) for about, texts in NOTATIONS.items() for x in texts]
)
def test_numbers_in_another_notation_are_no_categories(
    text: str, called: str, how: str, tmp_path: Path
) -> None:
    first, second = cells = text.split(" ")
    path = tmp_path / "t.csv"
    path.write_text(f'size,label\n"{first}",a\n"{second}",b\n"{first}",b\n', encoding="utf-8")
    sentence = (
        f"{path}, column 'size': {first!r} is text, as {called} are: {how}, or delete the column"
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(sentence)}$"):
        table = read_table(path)
    with pytest.raises(TableError, match=f"^{re.escape(sentence)}$"):
        TableEncoder.fit(table, "label")
    assert set(TableEncoder.fit(table, "size").class_names) == set(cells)  # labels are texts
    with pytest.raises(TableError, match=f"is expected; {re.escape(how)}$"):
        table.numbers("size")


@pytest.mark.parametrize(
    "cells",
    [
        ["red", "blue", "red"],
        ["1st", "2nd", "3rd"],
        ["10-20", "20-30", "30+"],
        ["3A", "4B", "5"],
        ["1.2.3", "1.2.4", "1.2.3"],
        ["192.168.0.1", "10.0.0.1", "::1"],
        ["e5", "E10", "f3"],
        ["-", ".", ","],
        ["yes", "1,5", "no"],
        ["3:2", "1:0", "2:2"],
        ["1", "2.5", "1e3"],
        ["0", "0.5", "-0.25"],
        ["0,295", "1,5"],
    ],
    ids=" ".join,
)
def test_words_and_plain_numbers_need_no_remark(cells: list[str]) -> None:
    assert table_of(a=cells).remarks == {}


def test_a_column_of_names_of_rows_is_not_learned_by_heart() -> None:
    names = [f"row {chr(97 + i)}" for i in range(12)]
    sentence = (
        "t.csv, column 'a': 12 different words in 12 rows, which a net learns by heart: write them "
        "as numbers or as a few words, or delete the column"
    )
    table = table_of(a=names, b=["x", "y"] * 6)
    assert table.remarks == {"a": sentence}
    with pytest.raises(TableError, match=f"^{re.escape(sentence)}$"):
        TableEncoder.fit(table, "b")
    assert table_of(a=names[:9]).remarks == table_of(a=names[:9] * 2).remarks == {}
    assert table_of(a=names * 2).remarks == {}


@pytest.mark.parametrize(
    ("cell", "number"),
    [("00501", "501"), ("-07", "-7"), ("9007199254740993", "9007199254740992"), ("007", "7")],
)
def test_names_that_are_read_as_numbers_get_a_remark(cell: str, number: str) -> None:
    table = table_of(a=["1", cell, "3"], b=["x", "y", "x"])
    assert table.remarks == {
        "a": f"t.csv, column 'a': as a feature {cell!r} is the number {number}: if these are "
        "names, such as postcodes, write a letter before each, or delete the column"
    }
    assert TableEncoder.fit(table, "b").feature_names == ("a",)


def test_the_playground_refuses_the_same_columns_in_the_same_words(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x1,x2,c\n5%,1,a\n15\u2030,2,b\n")
    warns = pytest.warns(UserWarning, match="column 'x1': '5%' is text")
    with warns as warned, pytest.raises(TableError) as refused:
        points(path)
    assert str(refused.value) == str(warned[0].message)
