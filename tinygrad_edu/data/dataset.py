"""A data set: rows of features with a label each, and their split into training and test rows."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from tinygrad_edu.checks import as_random
from tinygrad_edu.examples import kept, labels, take

__all__ = ["Dataset", "train_test_split"]


@dataclass(frozen=True, repr=False)
class Dataset:
    """Rows `X` with a label `y` each; `X, y = moons(100)` unpacks one.

    `X` is n rows of d floats, `y` n class numbers 0..k-1 (for regression: n floats, with no
    class names). `feature_names` has d entries, `class_names` k; `source` says where the numbers
    come from. `groups`, if any, has n entries: rows of one group, such as one speaker, belong on
    the same side of a split (see `folds`). ValueError where the lengths disagree.
    """

    X: list[list[float]]
    y: list[int] | list[float]
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    name: str
    source: str
    groups: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.X) != len(self.y):
            raise ValueError(
                f"X has {len(self.X)} rows but y has {len(self.y)} labels; each row needs one label"
            )
        if self.groups and len(self.groups) != len(self.X):
            raise ValueError(
                f"X has {len(self.X)} rows but groups has {len(self.groups)} entries; "
                "each row needs one group"
            )
        for i, row in enumerate(self.X):
            if len(row) != len(self.feature_names):
                raise ValueError(
                    f"X[{i}] has {len(row)} numbers but there are "
                    f"{len(self.feature_names)} feature names"
                )

    def __len__(self) -> int:
        return len(self.X)

    def __iter__(self) -> Iterator[Any]:
        yield self.X
        yield self.y

    def __repr__(self) -> str:
        return (
            f"Dataset(name={self.name!r}, rows={len(self)}, "
            f"features={len(self.feature_names)}, classes={len(self.class_names)})"
        )


def train_test_split(
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    test_ratio: float = 0.25,
    stratify: bool = True,
    rng: int | random.Random = 0,
) -> tuple[Any, Any, Any, Any]:
    """Return `(X_train, y_train, X_test, y_test)`, in this order, each shuffled.

    `test_ratio`, between 0 and 1, is the part of the rows held out: `round(test_ratio * n)` of n
    rows, yet at least one row on either side. With `stratify` this is done within each class, so
    that both sides hold all classes in the data's proportions; numbers to be predicted
    (regression) need `stratify=False`. The rows themselves may be anything:
    `train_test_split(range(len(y)), y)` splits the row numbers. Frames, series and arrays are split
    into the same, all else into lists. TypeError for sets, mappings and text.
    """
    rows, wanted = kept(X, "X"), kept(y, "y")
    if len(rows) != len(wanted):
        raise ValueError(
            f"X has {len(rows)} rows but y has {len(wanted)} labels; each row needs one label"
        )
    if len(rows) < 2:
        raise ValueError(f"cannot split {len(rows)} row(s); at least 2 are needed")
    if isinstance(test_ratio, bool) or not isinstance(test_ratio, Real):
        raise TypeError(f"test_ratio must be a number, got {type(test_ratio).__name__}")
    if not 0 < test_ratio < 1:
        raise ValueError(
            f"test_ratio must lie between 0 and 1, both excluded, got {test_ratio}; "
            "write 0.25 to hold out a quarter"
        )
    order = list(range(len(rows)))
    classes = labels(wanted) if stratify else [None] * len(rows)
    as_random(rng).shuffle(order)
    groups: dict[Any, list[int]] = {}
    for i in order:
        groups.setdefault(classes[i], []).append(i)
    held_out = set()
    for label, group in groups.items():
        if len(group) < 2:
            raise ValueError(
                f"class {label!r} has 1 row, so it cannot be on both sides; "
                "add rows or write stratify=False"
            )
        size = min(max(round(test_ratio * len(group)), 1), len(group) - 1)
        held_out.update(group[:size])
    train = [i for i in order if i not in held_out]
    test = [i for i in order if i in held_out]
    return take(rows, train), take(wanted, train), take(rows, test), take(wanted, test)
