"""A data set: rows with a label each; all of them by name; their split, and folds."""

import random
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from tinygrad_edu.checks import as_random, flag, instance, listed, real, whole
from tinygrad_edu.checks.habits import answered
from tinygrad_edu.examples import kept, labels, take

__all__ = ["DATA_SETS", "Dataset", "folds", "train_test_split"]

#: Rows that still fit into the memory of a small machine.
MOST: Final = 1_000_000


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
        for name in ("X", "y", "feature_names", "class_names", "groups"):
            listed(name, instance(name, getattr(self, name), Sized, "a list"), "entries")
        listed("X", self.X, "rows", Sized)
        _as_many(self.X, self.y)
        if len(self.groups) and len(self.groups) != len(self.X):
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


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a data set is made, and a net that learns it within seconds: the demo of its name.

    text        what it is, in a line
    demo        arguments of `make` for the demo, besides `rng`
    noise       what `make(n, ..., rng=seed)` calls its noise, if its rows are points of the plane
                that the playground can show; "" if not
    unit        what the rows are divided by for the net; None: each column is standardised
    group       what a group of rows is called, if it has groups
    target      what is predicted: "class", or the name of a number
    image       height and width, if a row is a picture
    hidden, activation, lr, epochs, batch_size, test_size
                of the net and its training
    """

    make: Callable[..., Dataset]
    text: str
    demo: Mapping[str, Any] = field(default_factory=dict)
    noise: str = ""
    unit: float | None = None
    group: str = "group"
    target: str = "class"
    image: tuple[int, int] | None = None
    hidden: tuple[int, ...]
    activation: str = "tanh"
    lr: float
    epochs: int
    batch_size: int | None = 32
    test_size: float = 0.25

    def rows(self, rng: random.Random) -> Dataset:
        """The rows of the demo."""
        made = self.noise or self.target != "class"
        return self.make(**({"rng": rng, **self.demo} if made else self.demo))

    def points(self, n: int, noise: float, seed: int, **options: Any) -> Dataset:
        """n points of the plane, for data sets with a `noise`."""
        return self.make(n, **{self.noise: noise}, **options, rng=seed)


DATA_SETS: Final[dict[str, Recipe]] = {}

_Make = TypeVar("_Make", bound=Callable[..., Dataset])


def data_set(**recipe: Any) -> Callable[[_Make], _Make]:
    """Enter a function as a data set under its name, with the fields of its `Recipe`."""

    def enter(make: _Make) -> _Make:
        made = answered(make)
        DATA_SETS[make.__name__] = Recipe(make=made, **recipe)
        return made

    return enter


def _as_many(X: Sized, y: Sized) -> None:
    if len(X) != len(y):
        raise ValueError(f"X has {len(X)} rows but y has {len(y)} labels; each row needs one label")


@answered
def train_test_split(
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    test_size: float | None = None,
    stratify: bool = True,
    rng: int | random.Random = 0,
    test_ratio: float | None = None,
) -> tuple[Any, Any, Any, Any]:
    """Return `(X_train, y_train, X_test, y_test)`, in this order, each shuffled.

    `test_size`, between 0 and 1 and 1/4 unless given, is the part of the rows held out:
    `round(test_size * n)` of n rows, yet at least one row on either side (`test_ratio` is its name
    of the first release). With `stratify` this is done within each class, so
    that both sides hold all classes in the data's proportions; numbers to be predicted
    (regression) need `stratify=False`. The rows themselves may be anything:
    `train_test_split(range(len(y)), y)` splits the row numbers. Frames, series and arrays are split
    into the same, all else into lists. TypeError for sets, mappings and text.
    """
    rows, wanted = kept(X, "X"), kept(y, "y")
    _as_many(rows, wanted)
    if len(rows) < 2:
        raise ValueError(f"cannot split {len(rows)} row(s); at least 2 are needed")
    if test_size is not None and test_ratio is not None:
        raise TypeError("test_size and test_ratio are two names of one option: write test_size")
    name, size = ("test_size", test_size) if test_ratio is None else ("test_ratio", test_ratio)
    size = real(name, 0.25 if size is None else size, above=0, below=1)
    order = list(range(len(rows)))
    classes = [None] * len(rows)
    if flag("stratify", stratify):
        classes = listed("y", labels(wanted), "labels", Hashable, "write stratify=False")
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
        held_out.update(group[: min(max(round(size * len(group)), 1), len(group) - 1)])
    train = [i for i in order if i not in held_out]
    test = [i for i in order if i in held_out]
    return take(rows, train), take(wanted, train), take(rows, test), take(wanted, test)


@answered
def folds(
    groups: Iterable[Hashable], k: int = 5, *, rng: int | random.Random = 0
) -> list[tuple[list[int], list[int]]]:
    """k pairs of row numbers (training, test): each row is a test row once.

    `groups` has one entry for each row, such as who spoke it: no group is on both sides of a pair,
    so the test rows come from speakers never heard. The groups are shuffled by `rng`; the numbers
    of groups tested differ by at most 1. Rows without groups: `folds(range(n))`.
    """
    group_of = listed("groups", labels(groups, "groups"), "groups", Hashable)
    different = list(dict.fromkeys(group_of))
    if whole("k", k, least=2) > len(different):
        raise ValueError(f"cannot make {k} folds of {len(different)} group(s); write a smaller k")
    as_random(rng).shuffle(different)
    fold_of = {group: i % k for i, group in enumerate(different)}
    return [
        (
            [i for i, group in enumerate(group_of) if fold_of[group] != fold],
            [i for i, group in enumerate(group_of) if fold_of[group] == fold],
        )
        for fold in range(k)
    ]
