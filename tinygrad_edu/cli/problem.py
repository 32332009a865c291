"""A problem to train on: encoded training and test rows, and the encoder that made them."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from tinygrad_edu.cli.errors import UsageError
from tinygrad_edu.cli.options import reason
from tinygrad_edu.data import Dataset, Table, TableEncoder, read_table, train_test_split
from tinygrad_edu.data.encoding import standardising
from tinygrad_edu.data.table import shown
from tinygrad_edu.data.table_encoder import NumericColumn
from tinygrad_edu.text import clean

Rows = list[list[float]]


@dataclass(frozen=True)
class Problem:
    """Rows for a classifier: `X` are n rows of d numbers, `y` n class numbers.

    There may be no test rows. `encoder` made the rows, and makes the same of a new table. `split`
    says by what rows were held out, where not at random.
    """

    name: str
    encoder: TableEncoder
    X: Rows
    y: list[int]
    X_test: Rows
    y_test: list[int]
    split: str = ""

    def announcement(self) -> list[str]:
        """What there is to learn from."""
        held_out = f"{len(self.X_test)} test rows" if self.X_test else "no test rows"
        rows = (
            f"{clean(self.name, 60)}: {len(self.X)} training rows, {held_out}; "
            f"{len(self.encoder.feature_names)} features, {len(self.encoder.class_names)} classes"
        )
        return [rows, f"split {self.split}"] if self.split else [rows]

    @property
    def plane(self) -> bool:
        """Whether the rows are points in the plane: two numbers and no category."""
        columns = self.encoder.columns
        return len(columns) == 2 and all(isinstance(c, NumericColumn) for c in columns)

    def in_units(self, X: Rows) -> Rows:
        """Encoded points of the plane in the units of their columns."""
        columns: Any = self.encoder.columns
        return [[x * c.deviation + c.mean for x, c in zip(row, columns, strict=True)] for row in X]

    def encoded(self, points: Rows) -> Rows:
        """The inverse of `in_units`."""
        columns: Any = self.encoder.columns
        return [
            [(x - c.mean) / c.deviation for x, c in zip(row, columns, strict=True)]
            for row in points
        ]


def from_dataset(
    data: Dataset,
    test_ratio: float,
    rng: random.Random,
    *,
    unit: float | None = None,
    group: str = "group",
) -> Problem:
    """The problem of a data set of classes: features divided by `unit`, else standardised.

    As for a table, means and deviations are those of the training rows. Rows of one group stay
    together; `group` is what a group is called.
    """
    rows, labels = data.X, [int(label) for label in data.y]
    split = ""
    if data.groups and test_ratio:
        train, test = _split_by_group(data.groups, test_ratio, rng)
        heard, new = (len({data.groups[i] for i in part}) for part in (train, test))
        split = f"by {group}: {heard} for training, {new} others for the test"
    else:
        train, test = _split(labels, test_ratio, rng)
    if unit is None:
        scaling = standardising([rows[i] for i in train])
        means, deviations = scaling.shift, [1 / factor for factor in scaling.factor]
    else:
        means, deviations = (0.0,) * len(rows[0]), [unit] * len(rows[0])
    columns = tuple(map(NumericColumn, data.feature_names, means, deviations))
    encoder = TableEncoder(columns, "class", data.class_names)
    problem = Problem(data.name, encoder, [], [], [], [], split)
    return _with_rows(problem, problem.encoded(rows), labels, train, test)


def from_table(table: Table, target: str, test_ratio: float, rng: random.Random) -> Problem:
    """The problem of a table, its encoding learned from the training rows.

    Raises TableError naming file, line and column, UsageError for a class that cannot be split.
    """
    whole = TableEncoder.fit(table, target)
    labels = whole.labels(table)
    alone = [name for c, name in enumerate(whole.class_names) if labels.count(c) == 1]
    if test_ratio and alone:
        raise UsageError(
            f"{table.path}, column {shown(target)}: class {shown(alone[0])} has one row, which "
            "cannot be both a training and a test row; add rows or write --test-ratio 0"
        )
    train, test = _split(labels, test_ratio, rng)
    encoder = TableEncoder.fit(table, target, train)
    problem = Problem(table.path, encoder, [], [], [], [])
    return _with_rows(problem, encoder.features(table), labels, train, test)


def table_of(path: str) -> Table:
    """The table in the CSV file `path`. Raises UsageError or TableError."""
    try:
        return read_table(path)
    except OSError as error:
        raise UsageError(f"cannot read {path!r}: {reason(error)}") from None


def _with_rows(
    problem: Problem, rows: Rows, labels: list[int], train: list[int], test: list[int]
) -> Problem:
    def chosen(from_: list[Any], numbers: Iterable[int]) -> list[Any]:
        return [from_[i] for i in numbers]

    return replace(
        problem,
        X=chosen(rows, train),
        y=chosen(labels, train),
        X_test=chosen(rows, test),
        y_test=chosen(labels, test),
    )


def _split(labels: list[int], test_ratio: float, rng: random.Random) -> tuple[list[int], list[int]]:
    """Row numbers for training and for the test."""
    if not test_ratio:
        return list(range(len(labels))), []
    train, _, test, _ = train_test_split(range(len(labels)), labels, test_ratio=test_ratio, rng=rng)
    return train, test


def _split_by_group(
    groups: list[int], test_ratio: float, rng: random.Random
) -> tuple[list[int], list[int]]:
    """Row numbers for training and for the test, the rows of a group on one side."""
    names = sorted(set(groups))
    chosen, _, _, _ = train_test_split(names, names, test_ratio=test_ratio, stratify=False, rng=rng)
    heard = set(chosen)
    rows = range(len(groups))
    return [i for i in rows if groups[i] in heard], [i for i in rows if groups[i] not in heard]
