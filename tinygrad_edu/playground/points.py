"""Points: a user's own data as standardised points with class numbers, or those of a function."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tinygrad_edu.checks import finite, is_listed, is_real, listed
from tinygrad_edu.data import Dataset, TableEncoder, read_table
from tinygrad_edu.data.columns import NumericColumn
from tinygrad_edu.data.encoding import standardising
from tinygrad_edu.data.table import Table, TableError, shown
from tinygrad_edu.examples import inputs, labels
from tinygrad_edu.playground.settings import MOST_CLASSES, SETS

__all__ = ["points"]


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
    columns  of a file: the names of x1, of x2 and of the class; not needed where it has just these

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
    whole = all(isinstance(label, str) or label % 1 == 0 for label in classes)
    if width == 1 or not whole:  # as in a file that the page reads
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


def _check(classes: int, where: str) -> None:
    if not 2 <= classes <= MOST_CLASSES:
        raise ValueError(
            f"{where} has {classes} different labels, the playground shows 2 to {MOST_CLASSES}"
        )
