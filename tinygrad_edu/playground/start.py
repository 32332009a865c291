"""Start: points, the user's own too, split and net of some settings, equal to those of the page."""

import json
import os
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu.checks import finite, is_listed, is_real, listed
from tinygrad_edu.data import Dataset, TableEncoder, read_table, train_test_split
from tinygrad_edu.data.columns import NumericColumn
from tinygrad_edu.data.preprocessing import standardising
from tinygrad_edu.data.table import Table, TableError, shown
from tinygrad_edu.examples import inputs, labels
from tinygrad_edu.nn import MLP, Dropout, Layer, Sequential
from tinygrad_edu.playground.parts import PENALTIES, UPDATES, head_of
from tinygrad_edu.playground.settings import (
    COUNTED,
    FUNCTIONS,
    LOSSES,
    MOST_CLASSES,
    OWN,
    POINTS,
    SETS,
    SURFACES,
    Settings,
    columns,
)
from tinygrad_edu.train import History, fit

__all__ = ["points"]

#: More epochs than these are no start: the page, too, makes no more of them before it is shown.
MOST_EPOCHS: Final = 5000

Module = MLP | Sequential


class Net(NamedTuple):
    """A net with its first weights, its sizes, its loss, the target of the first of two classes."""

    module: Module
    sizes: list[int]
    loss: str
    low: int


class Start:
    """What training begins with; `classes` is 0 for a function, `test` None if none is held out."""

    def __init__(self, settings: Settings, own: Dataset | None = None) -> None:
        self.own, self.data = own, data_of(settings, own)
        if settings.data == OWN and len(self.data.X[0]) == 1:  # as the page does
            settings = replace(settings, features=_of_one(settings))
        self.settings = settings
        self.classes = len(self.data.class_names)
        self.net = net_of(settings, self.classes)
        self.train: tuple[Any, Any] = (self.data.X, self.data.y)
        self.test: tuple[Any, Any] | None = None
        if settings.share:
            options: Any = {"test_size": settings.share, "stratify": self.classes > 0}
            try:
                parts = train_test_split(*self.train, **options, rng=settings.seed)
            except ValueError as error:
                way = "points or choose share=0"
                said = str(error).replace("rows or write stratify=False", way)
                called = re.sub(
                    r"class (\d+) ", lambda m: f"class {self.data.class_names[int(m[1])]!r} ", said
                )
                raise ValueError(called) from None
            self.train, self.test = parts[:2], parts[2:]

    def fit(self, epochs: int) -> History:
        """Train the net so many epochs, as the page does."""
        s, net, n = self.settings, self.net.module, len(self.train[1])
        rule = PENALTIES.get(s.penalty)
        return fit(
            net, *self._examples(*self.train), loss=self.net.loss,
            optimizer=lambda p: UPDATES[s.optimizer](p, lr=s.rate),
            epochs=epochs, batch_size=None if s.batch is None or s.batch >= n else s.batch,
            penalty=rule and (lambda net: rule(net.parameters(), s.strength)),
            validation=self.test and self._examples(*self.test), rng=s.seed, progress=False,
        )  # fmt: skip

    def rows(self, points: Any) -> list[list[float]]:
        """What the net is given of points."""
        return columns(np.array(points, dtype=float), features_of(self.settings, self.classes))

    def _examples(self, X: Any, y: Any) -> tuple[Any, Any]:
        low = self.net.low
        return self.rows(X), [label or low for label in y] if low else y


def data_of(settings: Settings, own: Dataset | None) -> Dataset:
    """Points of the plane with class numbers; or rows of numbers with what a function gives."""
    if settings.data == OWN:
        if own is None:
            raise ValueError('data="own" needs points: write playground(X, y)')
        return own
    if settings.data in POINTS:
        count = {COUNTED[settings.data]: settings.classes} if settings.data in COUNTED else {}
        return POINTS[settings.data].points(settings.n, settings.noise, settings.seed, **count)
    names = ("x",) if settings.data in FUNCTIONS else ("x1", "x2")
    rng = random.Random(settings.seed)
    function: Any = {**FUNCTIONS, **SURFACES}[settings.data]
    X = [[rng.uniform(-1, 1) for _ in names] for _ in range(settings.n)]
    y = [function(*x) + rng.gauss(0, settings.noise) for x in X]
    return Dataset(X, y, names, (), settings.data, "made")


def net_of(settings: Settings, classes: int) -> Net:
    """The net for so many classes; with another loss where theirs is not for as many."""
    offered = losses_for(classes)
    head = head_of(settings.loss if settings.loss in offered else offered[0], classes)
    assert head is not None
    loss, output = head["end"].split()
    outputs = 1 if head["units"] == 1 else classes
    sizes = [len(features_of(settings, classes)), *settings.hidden, outputs]
    activations = [*settings.activations, output]
    first = settings.seed if settings.start is None else settings.start
    module: Module
    if settings.dropout and settings.hidden:
        rng, masks = random.Random(first), random.Random(settings.seed + 1)
        layers: list[Any] = []
        for nin, nout, activation in zip(sizes, sizes[1:], activations, strict=False):
            layer = Layer(nin, nout, activation, rng=rng)
            layers += [layer, Dropout(settings.dropout, rng=masks)]
        module = Sequential(*layers[:-1])
    else:
        kinds = [*settings.activations]
        hidden = kinds if len({*kinds}) > 1 else (kinds or ["relu"])[0]  # as the page writes it
        module = MLP(sizes[0], sizes[1:], hidden, output=output, rng=first)
    return Net(module, sizes, loss, head["low"])


def losses_for(classes: int) -> list[str]:
    """The losses of the page for so many classes, 0 for numbers."""
    return [loss for loss in LOSSES if head_of(loss, classes)]


def features_of(settings: Settings, classes: int) -> list[str]:
    """The features that are used: of one number those without x2."""
    curve = not classes and settings.data in FUNCTIONS
    return _of_one(settings) if curve else list(settings.features)


def _of_one(settings: Settings) -> list[str]:
    return [name for name in settings.features if "x2" not in name] or ["x1"]


def points(
    X: Iterable[Any] | str | os.PathLike[str],
    y: Iterable[Any] | None = None,
    columns: Sequence[str] | None = None,
) -> Dataset:
    """Rows of 2 numbers, standardised, and class numbers 0..k-1, the sorted labels being 0, 1, ...

    With rows of 1 number, or with numbers for labels of which some are not whole, it is a function
    that is learned: these stay as they are.

    X        n rows of 2 numbers, such as an array or a frame, or the path of a CSV file
    y        n labels, without a file: whole numbers or texts, 2 to 10 different ones; or n numbers
    columns  of a file: the names of x1, of x2 and of the class, or of x and of y; not needed where
             it has just these

    Raises TypeError or ValueError for anything else, TableError naming file, line and column.
    """
    if isinstance(X, (str, os.PathLike)):
        if y is not None:
            raise TypeError("a file holds the labels too: write columns=[x1, x2, class] for y")
        if X in SETS and not os.path.exists(X):
            raise ValueError(f'there is no file {X}, but a data set: write playground(data="{X}")')
        return _of_table(read_table(X), columns)
    if y is None or columns is not None:
        raise TypeError(
            "arrays are given as X and y, a Dataset as *data, and columns are those of a CSV file"
        )
    given: Any = getattr(X, "columns", None)  # of a frame
    names = tuple(map(str, given if is_listed(given) else ("x1", "x2")))
    return _of_arrays(inputs(X).lists, _labels(y), names)


def own_in_page(data: Dataset) -> dict[str, Any]:
    """Points as the page has the user's own: [x1, x2] with classes, [x, y] or [x1, x2, y]."""
    if data.class_names:
        return {"points": data.X, "classes": data.y, "names": list(data.class_names)}
    points = [[*x, y] for x, y in zip(data.X, data.y, strict=True)]
    return {"points": points, "classes": None, "names": []}


def own_from_page(own: Mapping[str, Any]) -> Dataset:
    """The same from the page, where points can be drawn."""
    points, classes = own["points"], own["classes"]
    if classes is None:
        X, y = [row[:-1] for row in points], [row[-1] for row in points]
        return Dataset(X, y, ("x1", "x2") if len(X[0]) > 1 else ("x",), (), "own", "page")
    names = [*own["names"], *map(str, range(len(own["names"]), max(classes) + 1))]
    return Dataset(points, classes, ("x1", "x2"), tuple(names), "own", "page")


def own_text(data: Dataset) -> str:
    """Points in a link, to the last digit."""
    points, classes, names = own_in_page(data).values()
    labels = [[c] for c in classes] if classes is not None else [[]] * len(points)
    rows = [" ".join(map(repr, row + label)) for row, label in zip(points, labels, strict=True)]
    surface = classes is None and len(points[0]) > 2
    return ",".join(["surface" if surface else "file", *rows, json.dumps(names)])


def _of_arrays(rows: list[list[float]], labels: list[Any], names: tuple[str, ...]) -> Dataset:
    if not rows or len(rows) != len(labels):
        raise ValueError(f"{len(rows)} rows in X but {len(labels)} labels in y")
    width, classes = len(rows[0]), sorted(set(labels))
    if width not in (1, 2):
        raise ValueError(
            f"the playground shows points of 2 numbers, X[0] has {width}: choose two, "
            "such as [[row[0], row[1]] for row in X]"
        )
    if _is_function(width, labels):
        y = [finite(f"y[{i}]", label) for i, label in enumerate(labels)]
        return Dataset(rows, y, names if width > 1 else ("x",), (), "own", "arrays")
    _check(len(classes), "y")
    numbers = [classes.index(label) for label in labels]
    called = tuple(map(str, classes))
    return Dataset(standardising(rows)(rows), numbers, names, called, "own", "arrays")


def _labels(y: Iterable[Any]) -> list[str | float]:
    """Texts or numbers; a column of them will do."""
    found = labels(y)
    for i, label in enumerate(found):
        if not (isinstance(label, str) or is_real(label)) or label != label:
            raise TypeError(f"y[{i}] must be a number or a text, got {label!r:.40}")
    if len({isinstance(label, str) for label in found}) > 1:
        raise TypeError("y has numbers and texts: write them all as texts, [str(t) for t in y]")
    return found


def _of_table(table: Table, columns: Sequence[str] | None) -> Dataset:
    chosen = table.header if columns is None else columns
    chosen = listed("columns", chosen, "names", str)
    if len(set(chosen)) in (2, 3) and not any(table.read(n).strange for n in chosen):
        *X, y = (table.numbers(name) for name in chosen)
        if _is_function(len(X), y):
            rows = [list(row) for row in zip(*X, strict=True)]
            return Dataset(rows, y, tuple(chosen[:-1]), (), "own", table.path)
    if len(set(chosen)) != 3:
        raise TableError(
            f"{table.path}: three columns are needed, for x1, x2 and the class: "
            f"write columns={list(table.header[:2] + table.header[-1:])!r:.200}"
        )
    for name in chosen:
        table.text(name)
    x1, x2, target = chosen
    encoder = TableEncoder.fit(
        Table(table.path, {name: table.columns[name] for name in chosen}, table.lines), target
    )
    for column in encoder.columns:
        if not isinstance(column, NumericColumn):
            raise TableError(f"{table.path}: column {shown(column.name)} holds no numbers")
    _check(len(encoder.class_names), f"{table.path}, column {shown(target)}")
    return Dataset(
        encoder.features(table), encoder.labels(table), (x1, x2), encoder.class_names,
        "own", table.path,
    )  # fmt: skip


def _is_function(width: int, y: Iterable[str | float]) -> bool:
    """Whether the page takes rows of so many numbers, with y, as those of a function."""
    return width == 1 or any(not isinstance(t, str) and t % 1 for t in y)


def _check(classes: int, where: str) -> None:
    if not 2 <= classes <= MOST_CLASSES:
        raise ValueError(
            f"{where} has {classes} different labels, the playground shows 2 to {MOST_CLASSES}"
        )
