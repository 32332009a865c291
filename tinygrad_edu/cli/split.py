"""Rows of classes, encoded, in two parts: those to train on, and those to test with."""

import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from tinygrad_edu.cli.options import UsageError, reason
from tinygrad_edu.data import Dataset, Table, TableEncoder, TableError, train_test_split
from tinygrad_edu.data.columns import NumericColumn, alike_words, kind_of
from tinygrad_edu.data.dataset import Recipe
from tinygrad_edu.data.notation import names_something
from tinygrad_edu.data.preprocessing import mean_and_std, standardising
from tinygrad_edu.data.table import shown
from tinygrad_edu.data.table_file import MOST_BYTES, table_in
from tinygrad_edu.files import open_regular
from tinygrad_edu.text import clean

Rows = list[list[float]]
MISSING: Final = ("refuse", "drop", "mean", "category")
#: A column of so many different whole numbers at most looks like classes, with 3 rows of each.
MOST_NUMBERED: Final = 20


@dataclass(frozen=True)
class Split:
    """Rows for a classifier: `X` are n rows of d numbers, `y` n class numbers or numbers.

    There may be no test rows. `encoder` made the rows, and makes the same of a new table. `rule`
    says by what rows were held out, where not at random; `notes` tell what was made of the columns.
    `lines` are the numbers of the rows that judge a model, from 1 or as in the file of a table;
    `image` is height and width, if a row is a picture.
    """

    name: str
    encoder: TableEncoder
    X: Rows
    y: list[Any]
    X_test: Rows
    y_test: list[Any]
    rule: str = ""
    notes: Sequence[str] = ()
    lines: Sequence[int] = ()
    image: tuple[int, int] | None = None

    @property
    def default_loss(self) -> str:
        """The loss for that many classes, or for numbers."""
        if self.encoder.number is not None:
            return "squared_error"
        two = len(self.encoder.class_names) == 2
        return "binary_cross_entropy_with_logits" if two else "cross_entropy"

    @property
    def last(self) -> tuple[str, Rows, list[Any]]:
        """The rows that judge a model, and what they are: test rows, or if none training rows."""
        if self.y_test:
            return "test", self.X_test, self.y_test
        return "training", self.X, self.y

    def announcement(self) -> list[str]:
        """What there is to learn from."""
        held_out = f"{len(self.X_test)} test rows" if self.X_test else "no test rows"
        d, k = len(self.encoder.feature_names), len(self.encoder.class_names)
        learned = f"{k} classes" if k else f"the number {clean(self.encoder.target, 40)}"
        features = f"{d} feature{'s' * (d != 1)}, {learned}"
        rows = f"{clean(self.name, 60)}: {len(self.X)} training rows, {held_out}; {features}"
        return [*self.notes, rows, *([f"split {self.rule}"] if self.rule else [])]

    @property
    def plane(self) -> bool:
        """Whether the rows are points in the plane: two numbers and no category."""
        columns = self.encoder.columns
        numbers = all(isinstance(c, NumericColumn) for c in columns)
        return numbers and len(columns) == len(self.encoder.feature_names) == 2

    def in_units(self, X: Rows) -> Rows:
        """Encoded points of the plane in the units of their columns."""
        columns: Any = self.encoder.columns
        return [[c.decode(x) for x, c in zip(row, columns, strict=True)] for row in X]

    def encoded(self, points: Rows) -> Rows:
        """The inverse of `in_units`."""
        return _scaled(points, self.encoder.columns)


def of_dataset(data: Dataset, test_ratio: float, rng: random.Random, recipe: Recipe) -> Split:
    """The rows of a data set as its recipe says, scaled by those to train on; groups stay whole."""
    y, numeric = data.y, recipe.target != "class"
    alike: list[Any] = [0] * len(y) if numeric else [int(label) for label in y]
    train, test = _parts(alike, data.groups, test_ratio, rng)
    if recipe.unit is None:
        scaling = standardising([data.X[i] for i in train])
        means, deviations = scaling.shift, [1 / factor for factor in scaling.factor]
    else:
        means, deviations = (0.0,) * len(data.X[0]), [recipe.unit] * len(data.X[0])
    columns = tuple(map(NumericColumn, data.feature_names, means, deviations))
    rule, labels, number = "", alike, None
    if numeric:
        number = NumericColumn(recipe.target, *mean_and_std([y[i] for i in train]))
        labels = [x for (x,) in _scaled([[x] for x in y], [number])]
    if data.groups and test:
        heard, new = (len({data.groups[i] for i in part}) for part in (train, test))
        rule = f"by {recipe.group}: {heard} for training, {new} others for the test"
    encoder = TableEncoder(columns, recipe.target, data.class_names, number)
    rows, lines = _scaled(data.X, columns), range(1, len(y) + 1)
    parts = train, test
    return _split(data.name, encoder, rows, labels, parts, lines, rule=rule, image=recipe.image)


class Choice(NamedTuple):
    """What the user decides of a table: columns, those left out, kinds by name, what is missing.

    `columns` None are all. A kind is "number", "category", or of the target "number" or "label".
    """

    columns: Sequence[str] | None
    drop: Sequence[str]
    kinds: Mapping[str, str]
    missing: str


def of_table(
    table: Table, target: str, test_ratio: float, rng: random.Random, choice: Choice
) -> Split:
    """The rows of a table, its encoding learned from the training rows; TableError, UsageError."""
    kinds, notes = _kinds(table, target, choice)
    table, note = _complete(table, target, kinds, choice.missing)
    missing = "refuse" if choice.missing == "drop" else choice.missing
    whole = TableEncoder.fit(table, target, kinds=kinds, missing=missing)
    labels = whole.labels(table)
    if whole.number is None:
        rows_of = Counter(labels)
        alone = [name for c, name in enumerate(whole.class_names) if rows_of[c] == 1]
        if len(alone) == len(table):
            raise UsageError(
                f"{table.path}, column {shown(target)}: each row is a class of its own, such as "
                f"{shown(alone[0])}; write another --target"
            )
        if test_ratio and alone:
            raise UsageError(
                f"{table.path}, column {shown(target)}: class {shown(alone[0])} has one row, which "
                "cannot be both a training and a test row; add rows or write --test-ratio 0"
            )
    alike = labels if whole.number is None else [0] * len(labels)
    train, test = _parts(alike, [], test_ratio, rng)
    try:
        encoder = TableEncoder.fit(table, target, train, kinds=kinds, missing=missing)
    except TableError as error:
        raise UsageError(f"{error} (write --drop, or another --seed)") from None
    rows, labels = encoder.features(table), encoder.labels(table)
    said = [*notes, *note]
    return _split(table.path, encoder, rows, labels, (train, test), table.lines, notes=said)


def _kinds(table: Table, target: str, choice: Choice) -> tuple[dict[str, str], list[str]]:
    """The kinds of the columns that are used, and what is to be said of them and the others."""
    chosen = choice.columns
    for name in (target, *(chosen or ()), *choice.drop, *choice.kinds):
        table.missing(name)  # or TableError
    if target in choice.drop:
        raise UsageError(f"--drop {target}: this is the target")
    kinds: dict[str, str] = {}
    left_out = []
    for name in table.header:
        if name == target or name in choice.drop or (chosen is not None and name not in chosen):
            continue
        kind, why = kind_of(table, name)
        other = "number" if kind == "id" and table.read(name).found else "category"
        if name in choice.kinds:
            kind = choice.kinds[name]
            if kind == "label":
                raise UsageError(f"--as {name}=label: the label is the target, {shown(target)}")
        elif why and chosen is not None and kind != "constant":
            kind = other
        elif why:
            back = "" if kind == "constant" else f"; --as {name}={other} takes it"
            left_out.append(f"left out {clean(name, 40)} ({kind}): {why}{back}")
            continue
        elif kind == "number":
            _check_numbers(table, name, "category")
        kinds[name] = kind
    if not kinds:
        others = f": {'; '.join(left_out)}" if left_out else ", a feature is needed too"
        raise UsageError(f"{table.path}: no column is left to learn from{others}")
    called = {"number": "numbers", "category": "categories"}
    notes = [table.how] if table.how else []
    units = {name: f" ({unit})" if unit else "" for name, unit in table.units.items()}
    for kind, plural in called.items():
        if names := [clean(name, 40) + units[name] for name, k in kinds.items() if k == kind]:
            notes.append(f"{plural}: {first_of(names)}")
    kinds[target], note = _of_target(table, target, choice.kinds.get(target))
    alike = [alike_words(table, name) for name, kind in kinds.items() if kind != "number"]
    return kinds, [*notes, *left_out, *filter(None, alike), note]


def first_of(texts: Sequence[str], most: int = 8) -> str:
    """The first of some texts, and how many there are."""
    rest = [f"... ({len(texts)} in all)"] if len(texts) > most else []
    return ", ".join([*texts[:most], *rest])


def _check_numbers(table: Table, name: str, other: str) -> None:
    try:
        table.floats(name)
    except TableError as error:
        raise UsageError(
            f"{error}; correct it or delete the row, or write --as {name}={other}"
        ) from None


def _of_target(table: Table, target: str, kind: str | None) -> tuple[str, str]:
    """Whether a target is classes or a number, and how that is said."""
    found = kind_of(table, target)[0]
    if kind == "category":
        kind = "label"
    if kind is None and found == "date":
        raise UsageError(
            f"{table.path}, column {shown(target)}: dates are no target; write days since the first"
        )
    name, numeric = clean(target, 40), found in ("number", "id", "constant")
    if kind is None and numeric and table.read(target).found:
        _check_numbers(table, target, "label")
        numbers = {x for x in table.floats(target) if x == x}
        words = {cell for cell in table.columns[target] if cell}
        few = len(numbers) <= MOST_NUMBERED and all(x.is_integer() for x in numbers)
        classes = len(numbers) <= 2 or (few and 3 * len(numbers) <= len(table))
        if any(map(names_something, words)) or classes:
            told = f"its {len(words)} different numbers are taken for classes"
            return "label", f"target {name}: {told}; --as {name}=number learns the number"
        told = f"regression, with {len(numbers)} different numbers"
        return "number", f"target {name}: {told}; --as {name}=label takes them for classes"
    return kind or "label", f"target {name}: {'regression' if kind == 'number' else 'classes'}"


def _complete(
    table: Table, target: str, kinds: Mapping[str, str], missing: str
) -> tuple[Table, list[str]]:
    """The table without the rows that are dropped, and what is said of it."""
    gaps = {n: table.missing(n, numeric=kind == "number") for n, kind in kinds.items()}
    gaps = {name: rows for name, rows in gaps.items() if rows}
    name = target if target in gaps else next(iter(gaps), "")
    if not gaps or (missing in ("mean", "category") and target not in gaps):
        filled = f"missing cells ({missing}): {', '.join(clean(n, 40) for n in gaps)}"
        return table, [filled] if gaps else []
    if missing != "drop":
        lines = ", ".join(str(table.lines[i]) for i in gaps[name][:5])
        more = ", ..." if len(gaps[name]) > 5 else ""
        others = f" (and in {len(gaps) - 1} other columns)" if len(gaps) > 1 else ""
        ways = "drop" if name == target else "drop, mean or category"
        raise UsageError(
            f"{table.path}, column {shown(name)}: {len(gaps[name])} of {len(table)} cells are "
            f"missing, in line {lines}{more}{others}: fill them in, or write --missing {ways}"
        )
    gone = set().union(*gaps.values())
    if len(gone) == len(table):
        raise UsageError(f"{table.path}: every row has a missing cell; --drop the emptiest column")
    rest = table.take([i for i in range(len(table)) if i not in gone])
    return rest, [f"dropped {len(gone)} of {len(table)} rows, in which cells are missing"]


def table_of(path: str, encoding: str = "", delimiter: str = "") -> Table:
    """The table in the CSV file `path`, "-" for standard input. Raises UsageError or TableError."""
    if path == "-":
        return table_in(sys.stdin.buffer.read(), "standard input", encoding, delimiter)
    try:
        with open_regular(path) as file:
            return table_in(file.read(MOST_BYTES + 1), path, encoding, delimiter)
    except OSError as error:
        raise UsageError(f"cannot read {path!r}: {reason(error)}") from None


def _split(
    name: str, encoder: TableEncoder, rows: Rows, labels: Sequence[Any],
    parts: tuple[list[int], list[int]], lines: Sequence[int], **more: Any,
) -> Split:  # fmt: skip
    X, X_test = ([rows[i] for i in part] for part in parts)
    y, y_test = ([labels[i] for i in part] for part in parts)
    judges = [lines[i] for i in parts[1] or parts[0]]
    return Split(name, encoder, X, y, X_test, y_test, lines=judges, **more)


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
        train, _, test, _ = train_test_split(rows, labels, test_size=test_ratio, rng=rng)
        return train, test
    names = sorted(set(groups))
    heard, *_ = train_test_split(names, names, test_ratio=test_ratio, stratify=False, rng=rng)
    train = [i for i in rows if groups[i] in heard]
    return train, [i for i in rows if groups[i] not in heard]
