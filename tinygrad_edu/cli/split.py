"""Rows of classes, encoded, in two parts: those to train on, and those to test with."""

import random
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.cli.options import UsageError, reason
from tinygrad_edu.data import Dataset, Table, TableEncoder, read_table, train_test_split
from tinygrad_edu.data.encoding import standardising
from tinygrad_edu.data.table import shown
from tinygrad_edu.data.table_encoder import NumericColumn
from tinygrad_edu.text import clean

Rows = list[list[float]]


@dataclass(frozen=True)
class Split:
    """Rows for a classifier: `X` are n rows of d numbers, `y` n class numbers.

    There may be no test rows. `encoder` made the rows, and makes the same of a new table. `rule`
    says by what rows were held out, where not at random.
    """

    name: str
    encoder: TableEncoder
    X: Rows
    y: list[int]
    X_test: Rows
    y_test: list[int]
    rule: str = ""

    @property
    def default_loss(self) -> str:
        """The loss for that many classes."""
        two = len(self.encoder.class_names) == 2
        return "binary_cross_entropy_with_logits" if two else "cross_entropy"

    @property
    def last(self) -> tuple[str, Rows, list[int]]:
        """The rows that judge a model, and what they are: test rows, or if none training rows."""
        if self.y_test:
            return "test", self.X_test, self.y_test
        return "training", self.X, self.y

    def announcement(self) -> list[str]:
        """What there is to learn from."""
        held_out = f"{len(self.X_test)} test rows" if self.X_test else "no test rows"
        rows = (
            f"{clean(self.name, 60)}: {len(self.X)} training rows, {held_out}; "
            f"{len(self.encoder.feature_names)} features, {len(self.encoder.class_names)} classes"
        )
        return [rows, f"split {self.rule}"] if self.rule else [rows]

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
        return _scaled(points, self.encoder.columns)


def of_dataset(
    data: Dataset,
    test_ratio: float,
    rng: random.Random,
    *,
    unit: float | None = None,
    group: str = "group",
) -> Split:
    """The rows of a data set of classes: features divided by `unit`, else standardised.

    As for a table, means and deviations are those of the training rows. Rows of one group stay
    together; `group` is what a group is called.
    """
    labels = [int(label) for label in data.y]
    train, test = _parts(labels, data.groups, test_ratio, rng)
    if unit is None:
        scaling = standardising([data.X[i] for i in train])
        means, deviations = scaling.shift, [1 / factor for factor in scaling.factor]
    else:
        means, deviations = (0.0,) * len(data.X[0]), [unit] * len(data.X[0])
    columns = tuple(map(NumericColumn, data.feature_names, means, deviations))
    rule = ""
    if data.groups and test:
        heard, new = (len({data.groups[i] for i in part}) for part in (train, test))
        rule = f"by {group}: {heard} for training, {new} others for the test"
    encoder = TableEncoder(columns, "class", data.class_names)
    return _split(data.name, encoder, _scaled(data.X, columns), labels, train, test, rule)


def of_table(table: Table, target: str, test_ratio: float, rng: random.Random) -> Split:
    """The rows of a table, its encoding learned from the training rows.

    Raises TableError naming file, line and column, UsageError for a class that cannot be split.
    """
    whole = TableEncoder.fit(table, target)
    labels = whole.labels(table)
    rows_of = Counter(labels)
    alone = [name for c, name in enumerate(whole.class_names) if rows_of[c] == 1]
    if test_ratio and alone:
        raise UsageError(
            f"{table.path}, column {shown(target)}: class {shown(alone[0])} has one row, which "
            "cannot be both a training and a test row; add rows or write --test-ratio 0"
        )
    train, test = _parts(labels, [], test_ratio, rng)
    encoder = TableEncoder.fit(table, target, train)
    return _split(table.path, encoder, encoder.features(table), labels, train, test)


def table_of(path: str) -> Table:
    """The table in the CSV file `path`. Raises UsageError or TableError.

    The remarks on its columns are for whoever uses these.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            return read_table(path)
    except OSError as error:
        raise UsageError(f"cannot read {path!r}: {reason(error)}") from None


def _split(
    name: str, encoder: TableEncoder, rows: Rows, labels: list[int],
    train: list[int], test: list[int], rule: str = "",
) -> Split:  # fmt: skip
    X, X_test = ([rows[i] for i in part] for part in (train, test))
    y, y_test = ([labels[i] for i in part] for part in (train, test))
    return Split(name, encoder, X, y, X_test, y_test, rule)


def _scaled(points: Rows, columns: Any) -> Rows:
    return [
        [(x - c.mean) / c.deviation for x, c in zip(row, columns, strict=True)] for row in points
    ]


def _parts(
    labels: list[int], groups: list[int], test_ratio: float, rng: random.Random
) -> tuple[list[int], list[int]]:
    """Row numbers for training and for the test, the rows of a group on one side."""
    rows = range(len(labels))
    if not test_ratio:
        return list(rows), []
    if not groups:
        train, _, test, _ = train_test_split(rows, labels, test_ratio=test_ratio, rng=rng)
        return train, test
    names = sorted(set(groups))
    heard, *_ = train_test_split(names, names, test_ratio=test_ratio, stratify=False, rng=rng)
    train = [i for i in rows if groups[i] in heard]
    return train, [i for i in rows if groups[i] not in heard]
