"""Every function that takes rows or targets takes them in the same forms, or refuses them alike."""

import datetime
import math
import tracemalloc
from array import array
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tinygrad_edu import MLP, Perceptron, evaluate, fit, predict, pretrain, train
from tinygrad_edu.data import centring, folds, scaling, standardising, train_test_split
from tinygrad_edu.examples import Rows, class_numbers, examples, inputs, targets
from tinygrad_edu.losses import LOSSES, RECORDS
from tinygrad_edu.playground import points
from tinygrad_edu.view import deltas, pictures

X = [[0.0, 3.0], [1.0, 0.0], [2.0, 5.0], [1.0, 1.0], [4.0, 1.0]]
Y = [0, 1, 0, 1, 1]


class Tensor:
    """A tensor on the CPU, as far as NumPy sees one."""

    def __init__(self, numbers: Any) -> None:
        self.numbers = np.array(numbers)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.numbers.astype(dtype or self.numbers.dtype)

    def __getitem__(self, chosen: Any) -> Any:
        return Tensor(self.numbers[chosen])

    def __len__(self) -> int:
        return len(self.numbers)


def read_only(x: Any) -> Any:
    x = np.array(x)
    x.flags.writeable = False
    return x


FORMS_OF_X: dict[str, Callable[[], Any]] = {
    "lists of floats": lambda: X,
    "lists of ints": lambda: [[int(x) for x in row] for row in X],
    "a tuple of tuples": lambda: tuple(map(tuple, X)),
    "lists of fractions": lambda: [[Fraction(x) for x in row] for row in X],
    "lists of NumPy's numbers": lambda: [[np.float32(x) for x in row] for row in X],
    "a list of arrays": lambda: [np.array(row) for row in X],
    "a list of series": lambda: [pd.Series(row) for row in X],
    "a list of arrays of the array module": lambda: [array("d", row) for row in X],
    "a list of iterators": lambda: [iter(row) for row in X],
    "a deque": lambda: deque(X),
    "a generator": lambda: (row for row in X),
    "the values of a dict": lambda: dict(enumerate(X)).values(),
    "a list of tensors": lambda: [Tensor(row) for row in X],
    "float64": lambda: np.array(X),
    "float32": lambda: np.array(X, dtype=np.float32),
    "float16": lambda: np.array(X, dtype=np.float16),
    "int64": lambda: np.array(X, dtype=int),
    "uint8": lambda: np.array(X, dtype=np.uint8),
    "big-endian": lambda: np.array(X, dtype=">f8"),
    "objects": lambda: np.array(X, dtype=object),
    "an array by columns": lambda: np.asfortranarray(X),
    "every other row": lambda: np.repeat(np.array(X), 2, axis=0)[::2],
    "a read-only array": lambda: read_only(X),
    "a masked array without a mask": lambda: np.ma.array(X),
    "a tensor": lambda: Tensor(X),
    "a frame": lambda: pd.DataFrame(X, columns=["a", "b"]),
    "a frame of X and y": lambda: pd.DataFrame(X, columns=["X", "y"]),
    "a frame with an index": lambda: pd.DataFrame(X, index=list("vwxyz")),
    "a frame of two types": lambda: pd.DataFrame(X).astype({0: int, 1: np.float32}),
    "a frame of nullable ints": lambda: pd.DataFrame(X).astype("Int64"),
    "a frame of objects": lambda: pd.DataFrame(X, dtype=object),
    "rows that were read": lambda: inputs(X),
}
FORMS_OF_Y: dict[str, Callable[[], Any]] = {
    "ints": lambda: Y,
    "floats": lambda: [float(t) for t in Y],
    "booleans": lambda: [t == 1 for t in Y],
    "NumPy's booleans": lambda: [np.bool_(t) for t in Y],
    "NumPy's bytes": lambda: [np.uint8(t) for t in Y],
    "a tuple": lambda: tuple(Y),
    "a generator": lambda: (t for t in Y),
    "a deque": lambda: deque(Y),
    "rows of one": lambda: [[t] for t in Y],
    "a list of arrays of no dimension": lambda: [np.array(t) for t in Y],
    "int64": lambda: np.array(Y),
    "uint8": lambda: np.array(Y, dtype=np.uint8),
    "bool": lambda: np.array(Y, dtype=bool),
    "float32": lambda: np.array(Y, dtype=np.float32),
    "objects": lambda: np.array(Y, dtype=object),
    "an array of one column": lambda: np.array(Y)[:, None],
    "a masked array without a mask": lambda: np.ma.array(Y),
    "a tensor": lambda: Tensor(Y),
    "a series": lambda: pd.Series(Y, index=list("vwxyz")),
    "a series of nullable booleans": lambda: pd.Series(Y).astype("boolean"),
    "a frame of one column": lambda: pd.DataFrame({"class": Y}),
    "a categorical series of numbers": lambda: pd.Series(Y, dtype="category"),
    "an array of nullable ints": lambda: pd.array(Y, dtype="Int64"),
    "numbers of several types": lambda: [Y[0], np.bool_(Y[1]), np.array(Y[2]), *map(float, Y[3:])],
}
LIST = "{} must be a list or an array, got {}"


class Sparse:
    """A matrix as SciPy has them: neither a list nor an array."""

    def toarray(self) -> Any:
        return np.array(X)


Refused = dict[str, tuple[Any, type[Exception], str]]
REFUSED: Refused = {
    "None": (None, TypeError, LIST.format("{}", "NoneType")),
    "a number": (3.0, TypeError, LIST.format("{}", "float")),
    "a number of NumPy": (np.float64(3.0), TypeError, LIST.format("{}", "float64")),
    "an array of no dimension": (
        np.array(3.0), TypeError, LIST.format("{}", "an array without rows")),
    "a text": ("data.csv", TypeError, LIST.format("{}", "str")),
    "bytes": (b"abc", TypeError, LIST.format("{}", "bytes")),
    "a bytearray": (bytearray(b"abc"), TypeError, LIST.format("{}", "bytearray")),
    "a set": ({(0.0, 1.0), (2.0, 3.0)}, TypeError, LIST.format("{}", "set")),
    "a frozenset": (frozenset([(0.0, 1.0)]), TypeError, LIST.format("{}", "frozenset")),
    "a dict": ({"a": [1.0]}, TypeError, LIST.format("{}", "dict")),
    "the keys of a dict": ({(0.0, 1.0): 1}.keys(), TypeError, LIST.format("{}", "dict_keys")),
    "a structured array": (
        np.array([(1.0, 2.0)], dtype=[("a", float), ("b", float)]), TypeError,
        "{} is a structured array: give its fields as columns of one array"),
    "a sparse matrix": (
        Sparse(), TypeError, "{0} is a sparse matrix: write {0}.toarray()"),
    "a masked array": (
        np.ma.array([1.0, 2.0], mask=[True, False]), ValueError,
        "{} has masked numbers: remove or replace them, as in X.filled(0)"),
}  # fmt: skip
DEEP = "{0} has 3 dimensions, at most 2 are rows of numbers: write {0}.reshape(len({0}), -1)"
WHY = "remove or replace the row, training needs finite data"
ROW = (
    "X[0] must be a row of numbers, got {}: for one feature write [[x] for x in X], for one row [X]"
)
REAL = "X[0][1] takes one real number, got {}"
ROWS = (
    "X[0][0] takes one real number, got {}: X is a list of rows, and each row a list of numbers, "
    "without targets"
)
FLOAT = ": write float(...) around a text that is a number"
PLAIN = ": write a number such as 1.0"
REFUSED_ROWS: Refused = {
    "ragged rows": ([[0.0, 1.0], [2.0]], ValueError, "X[1] is a row of 1, X[0] is a row of 2"),
    "nan": ([[0.0, 1.0], [2.0, math.nan]], ValueError, f"X[1][1] is nan: {WHY}"),
    "nan in an array": (np.array([[0, 1], [math.nan, 2]]), ValueError, f"X[1][0] is nan: {WHY}"),
    "a frame with a gap": (pd.DataFrame([[0.0, math.nan]]), ValueError, f"X[0][1] is nan: {WHY}"),
    "a nullable gap": (pd.DataFrame([[0.0, pd.NA]]), ValueError, f"X[0][1] is nan: {WHY}"),
    "-inf": ([[-math.inf, 0.0]], ValueError, f"X[0][0] is -inf: {WHY}"),
    "10^400": (
        [[1, 10**400]], OverflowError,
        "X[0][1] takes a float, at most 1.8e308, and this int is larger"),
    "texts": ([[1.0, "2"]], TypeError, REAL.format("str '2'") + FLOAT),
    "a frame of texts": (pd.DataFrame([[1, "2"]]), TypeError, REAL.format("str '2'") + FLOAT),
    "objects": (np.array([[1.0, "a"]], dtype=object), TypeError, REAL.format("str 'a'") + FLOAT),
    "complex": (
        [[1.0, 1j]], TypeError,
        REAL.format("complex: complex numbers have no place in a real gradient; ")
        + "write z.real or z.imag"),
    "three dimensions": (np.zeros((3, 2, 2)), ValueError, DEEP),
    "rows of rows": ([[[0.0, 1.0]]], TypeError, ROWS.format("list")),
    "rows and targets": (([(0.0, 1.0)], [1]), TypeError, ROWS.format("tuple")),
    "a date": ([[1.0, datetime.date(2020, 1, 1)]], TypeError, REAL.format("date") + PLAIN),
    "None in a row": ([[1, None]], TypeError, REAL.format("NoneType") + PLAIN),
    "a row a number": ([1.0, 2.0], TypeError, ROW.format("float")),
    "an array of one dimension": (np.array([1.0, 2.0]), TypeError, ROW.format("float64")),
    "a row a text": (["12"], TypeError, ROW.format("str")),
    "a row None": ([None], TypeError, ROW.format("NoneType")),
    "a row of bytes": ([b"12"], TypeError, ROW.format("bytes")),
    "a row a set": ([{1.0, 2.0}], TypeError, ROW.format("set")),
    "a row a dict": (pd.DataFrame([[1.0, 2.0]]).to_dict("records"), TypeError, ROW.format("dict")),
    "a row a record": (
        list(np.array([(1.0, 2.0)], dtype=[("a", float), ("b", float)])), TypeError,
        "X[0] must be a row of numbers, got a record of an array: write its fields as a list"),
    "dates": (
        np.array([["2020-01-01", "2020-01-02"]], dtype="datetime64[D]"), TypeError,
        "X[0][0] takes one real number, got datetime64" + PLAIN),
}  # fmt: skip
TEXT = "y[{}] is the text {}: encode classes as numbers, for instance sorted(set(y)).index(label)"
REFUSED_TARGETS: Refused = {
    "labels": (["cat", "dog"], TypeError, TEXT.format(0, "'cat'")),
    "labels of bytes": (np.array([b"cat"]), TypeError, TEXT.format(0, "\"b'cat'\"")),
    "labels of an array": (np.array(["cat", "dog"]), TypeError, TEXT.format(0, "'cat'")),
    "mixed labels": ([0, "1"], TypeError, TEXT.format(1, "'1'")),
    "None among them": ([0, None], TypeError, "y[1] takes one real number, got NoneType" + PLAIN),
    "nan": ([0.0, math.nan], ValueError, f"y[1] is nan: {WHY}"),
    "nan in a row": ([[0.0], [math.nan]], ValueError, f"y[1][0] is nan: {WHY}"),
    "three dimensions": (np.zeros((3, 1, 1)), ValueError, DEEP),
    "ragged": ([[0, 1], [1]], ValueError, "y[1] is a row of 1, y[0] is a row of 2"),
    "rows and numbers": ([[0, 1], 1], ValueError, "y[1] is one number, y[0] is a row of 2"),
}


def net(*sizes: int) -> MLP:
    return MLP(2, list(sizes), "tanh", rng=0)


def histories(X: Any, y: Any, engine: str) -> Any:
    model = net(3, 1)
    options: dict[str, Any] = {"loss": "binary_cross_entropy_with_logits", "epochs": 2}
    history = fit(model, X, y, optimizer="adam", engine=engine, progress=False, **options)
    return history.to_dict(), model.state_dict()


def labelled(ax: Any) -> Any:
    return [np.asarray(part.get_offsets()).tolist() for part in ax.collections]


#: What takes rows and targets: it gives what can be compared.
TAKE_BOTH: dict[str, Callable[[Any, Any], Any]] = {
    "fit, matrix": lambda X, y: histories(X, y, "matrix"),
    "fit, scalar": lambda X, y: histories(X, y, "scalar"),
    "train": lambda X, y: [
        step.loss
        for step in train(
            net(1), X, y, loss="squared_error", optimizer="sgd", epochs=2, batch_size=2
        )
    ],
    "evaluate": lambda X, y: evaluate(net(1), X, y, loss="squared_error"),
    "Perceptron.fit": lambda X, y: Perceptron(2).fit(X, y).weights,
    "regions": lambda X, y: labelled(pictures.regions(net(1), X, y, resolution=9)),
    "hidden_space": lambda X, y: labelled(pictures.hidden_space(net(2, 1), X, y)),
    "points": lambda X, y: list(points(X, y)),
}  # fmt: skip
TAKE_X: dict[str, Callable[[Any], Any]] = {
    "inputs": lambda X: inputs(X).lists,
    "predict": lambda X: predict(net(3, 2), X),
    "pretrain": lambda X: [
        h.loss for h in pretrain(net(3, 1), X, optimizer="sgd", epochs=1, progress=False)
    ],
    "standardising": standardising,
    "centring": centring,
    "scaling": scaling,
    "a scaling": lambda X: np.asarray(standardising([[0.0, 1.0], [2.0, 5.0]])(X)).tolist(),
    "its inverse": lambda X: np.asarray(scaling([[0.0, 1.0], [2.0, 5.0]]).inverse(X)).tolist(),
    "neuron_maps": lambda X: [
        image.get_array().tolist() for image in pictures.neuron_maps(net(2), X, resolution=5).images
    ],
}
TAKE_Y: dict[str, Callable[[Any], Any]] = {
    "targets": lambda y: [t[0] if isinstance(t, list) else t for t in targets(y)],
    "class_numbers": class_numbers,
    "confusion": lambda y: [t.get_text() for t in pictures.confusion(y, Y).texts],
    "folds": lambda y: folds(y, 2),
}


PICTURES = ("regions", "hidden_space", "neuron_maps", "confusion")


@pytest.mark.parametrize(
    ("name", "step"),
    [
        *((name, 7 if name in PICTURES else 1) for name in {**TAKE_BOTH, **TAKE_X, **TAKE_Y}),
        *(pytest.param(name, 1, marks=pytest.mark.slow) for name in PICTURES),
    ],
)
def test_what_takes_rows_or_targets_takes_every_form_of_them(name: str, step: int) -> None:
    of_x, of_y = list(FORMS_OF_X.items())[::step], list(FORMS_OF_Y.items())[::step]
    if name in TAKE_X:
        cases = [(form, (make(),)) for form, make in of_x]
        call: Callable[..., Any] = TAKE_X[name]
        expected = call(X)
    elif name in TAKE_Y:
        cases = [(form, (make(),)) for form, make in of_y]
        call, expected = TAKE_Y[name], TAKE_Y[name](Y)
    else:
        call, expected = TAKE_BOTH[name], TAKE_BOTH[name](X, Y)
        cases = [(form, (make(), Y)) for form, make in of_x]
        cases += [(form, (X, make())) for form, make in of_y]
    for form, arguments in cases:
        assert call(*arguments) == expected, form


@pytest.mark.parametrize("case", {**REFUSED, **REFUSED_ROWS})
def test_what_is_no_table_of_numbers_is_refused_everywhere_with_one_sentence(case: str) -> None:
    bad, error, text = {**REFUSED, **REFUSED_ROWS}[case]
    takes = TAKE_X | {name: (lambda X, f=f: f(X, Y)) for name, f in TAKE_BOTH.items()}  # type: ignore[misc]
    if isinstance(bad, (str, type(None))):
        del takes["points"], takes["neuron_maps"]  # a path; no points
    if case == "a masked array":
        bad = np.ma.array([[1.0, 2.0]], mask=[[True, False]])
    for name, call in takes.items():
        assert refusal(lambda: call(bad)) == (error, text.format("X")), name  # noqa: B023


@pytest.mark.parametrize("case", [*REFUSED, *REFUSED_TARGETS])
def test_what_holds_no_targets_is_refused_everywhere_with_one_sentence(case: str) -> None:
    bad, error, text = {**REFUSED, **REFUSED_TARGETS}[case]
    takes = {name: f for name, f in TAKE_Y.items() if name in ("targets", "class_numbers")}
    takes |= {name: (lambda y, f=f: f(X, y)) for name, f in TAKE_BOTH.items()}  # type: ignore[misc]
    if case in REFUSED:
        takes["train_test_split"] = lambda y: train_test_split(X, y)
    if bad is None or case in REFUSED_TARGETS:
        del takes["points"]  # which takes labels of any kind
    for name, call in takes.items():
        assert refusal(lambda: call(bad)) == (error, text.format("y")), name  # noqa: B023


def refusal(call: Callable[[], Any]) -> tuple[type[BaseException], str]:
    with pytest.raises((TypeError, ValueError, OverflowError)) as caught:
        call()
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize("form", FORMS_OF_X)
def test_a_split_of_every_form_holds_the_same_rows(form: str) -> None:
    parts = train_test_split(FORMS_OF_X[form](), Y, rng=3)
    expected = train_test_split(X, Y, rng=3)
    for part, plain in zip(parts, expected, strict=True):
        assert inputs(part).lists == plain if isinstance(plain[0], list) else part == plain


def test_frames_arrays_and_tensors_come_out_as_they_came_in() -> None:
    frame = pd.DataFrame(X, columns=["a", "b"], index=list("vwxyz"))
    train, labels, test, _ = train_test_split(frame, pd.Series(Y, index=frame.index), rng=3)
    assert list(train.columns) == ["a", "b"]
    assert list(train.index) == list(labels.index)
    assert sorted([*train.index, *test.index]) == list("vwxyz")
    assert isinstance(train_test_split(Tensor(X), Y)[0], Tensor)
    assert train_test_split(np.array(X), Y)[0][:, 0].dtype == float
    scaled = standardising(frame)(frame)
    pd.testing.assert_frame_equal(standardising(frame).inverse(scaled), frame)
    assert isinstance(standardising(X)(np.array(X)), np.ndarray)
    assert isinstance(standardising(np.array(X))(X), list)


def test_an_array_is_kept_as_one_until_lists_are_asked_for() -> None:
    given = np.array(X)
    rows, wanted = examples(given, np.array(Y, dtype=np.uint8))
    assert rows._lists is wanted._lists is None
    assert (rows[1], wanted[1], len(rows), rows[1:3]) == (X[1], 1, 5, X[1:3])
    assert rows._lists is None
    given[:] = 7.0
    assert (rows.lists, wanted.lists) == (X, Y)
    assert {type(t) for t in wanted} == {int}
    assert repr(rows) == "Rows(5)"
    assert Rows(X).array.tolist() == X
    shared = inputs(given, own=False)
    assert shared.array is given
    assert inputs(np.asfortranarray(given), own=False).array.flags.c_contiguous


@pytest.mark.parametrize("name", LOSSES)
def test_the_deltas_of_every_loss_read_a_target_of_any_type_as_the_number(name: str) -> None:
    outputs = RECORDS[name].outputs
    last = "sigmoid" if outputs == "probability" else "linear"
    model = MLP(2, [3 if outputs == "logits" else 1], output=last, rng=0)
    expected = deltas(model, X[1], 1, name)
    for one in (np.uint8(1), np.float32(1), np.bool_(True), np.array(1), pd.Series([1])):
        found = deltas(model, X[1], one, name)
        assert found.rows == expected.rows, type(one)
        assert found.largest_difference < 1e-12


def peak(call: Callable[[], Any]) -> int:
    """The most bytes that are held at a time during a call."""
    call()  # what is imported and made once
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("use", ["fit", "predict"])
def test_arrays_are_read_where_they_are(use: str) -> None:
    X, y = np.random.default_rng(0).random((20_000, 40)), np.arange(20_000) % 2
    model = MLP(40, [2, 1], "tanh", rng=0)
    options = {"loss": "binary_cross_entropy_with_logits", "optimizer": "sgd", "epochs": 1}
    uses: dict[str, Callable[[], Any]] = {
        "fit": lambda: fit(model, X, y, batch_size=500, validation=(X, y), **options),
        "predict": lambda: predict(model, X),
    }
    assert peak(uses[use]) < X.nbytes


def test_rows_that_somebody_may_change_meanwhile_are_copied() -> None:
    rows = np.array(X)

    def change(epoch: Any) -> None:
        rows[:] = 7.0

    options: dict[str, Any] = {"loss": "squared_error", "optimizer": "sgd", "epochs": 3}
    changed = fit(net(1), rows, Y, callbacks=[change], batch_size=2, **options)
    assert changed == fit(net(1), X, Y, batch_size=2, **options)
