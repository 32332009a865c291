"""Preprocessing: codes for labels, scaling for numbers, and augmentation of the rows.

An augmentation makes a slightly changed copy of a row each time it is used for training, where it
is given as `augment=`. The target stays as it is, so choose changes that leave the class alone: a 6
turned by 180 degrees is a 9.
"""

import math
import random
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tinygrad_edu.checks import as_random, listed, real, row, whole
from tinygrad_edu.examples import as_array, inputs, like, read_row
from tinygrad_edu.examples import labels as read_labels
from tinygrad_edu.namespace import floats

__all__ = [
    "Scaling", "centring", "fit_centring", "fit_min_max_scaler", "fit_standard_scaler", "jitter",
    "one_hot", "rotation", "scaling", "shift", "standardising", "thermometer",
]  # fmt: skip

#: Numbers of a code that still fit into the memory of a small machine.
MOST_NUMBERS: Final = 20_000_000


def one_hot(
    labels: Iterable[Hashable], categories: Iterable[Hashable] | None = None
) -> list[list[float]]:
    """1-of-k code of nominal labels: n rows of k numbers, 1.0 at the label's category, else 0.0.

    `one_hot("GA", "ACGT")` is [[0, 0, 1, 0], [1, 0, 0, 0]]. Without `categories` they are the
    sorted different labels. ValueError for a label outside them, TypeError for sets and mappings.
    """
    labels = _in_order("labels", labels)
    if categories is None:
        try:
            categories = sorted(set(labels))
        except TypeError as error:
            raise TypeError(
                f"labels cannot be sorted into categories ({error}); write categories=[...]"
            ) from None
    known = _in_order("categories", categories)
    places = _places(labels, known, "categories")
    return [[float(i == place) for i in range(len(known))] for place in places]


def thermometer(labels: Iterable[Hashable], order: Iterable[Hashable]) -> list[list[float]]:
    """Thermometer code of ordinal labels: n rows of k numbers, 1.0 up to the label's place.

    `order` lists the k labels from least to greatest: with small, medium, large the codes are
    100, 110, 111. ValueError for a label outside the order.
    """
    known = _in_order("order", order)
    places = _places(_in_order("labels", labels), known, "order")
    return [[float(i <= place) for i in range(len(known))] for place in places]


def _in_order(what: str, x: Iterable[Hashable]) -> list[Any]:
    """Labels as a list; a text is one of letters."""
    return list(x) if isinstance(x, str) else listed(what, read_labels(x, what), "labels", Hashable)


def _places(labels: list[Hashable], known: list[Hashable], argument: str) -> list[int]:
    if len(labels) * len(known) > MOST_NUMBERS:
        raise ValueError(
            f"{len(labels)} labels and {len(known)} of {argument} have a code of more than "
            f"{MOST_NUMBERS:,} numbers: give the numbers of the labels themselves"
        )
    if not known:
        raise ValueError(f"{argument} is empty; at least one label is needed")
    if len(set(known)) < len(known):
        twice = next(label for i, label in enumerate(known) if label in known[:i])
        raise ValueError(f"{argument} holds {twice!r} twice; name each label once")
    choices = ", ".join(map(repr, known))
    return places(labels, known, lambda i, label: ValueError(
        f"labels[{i}] is {label!r}, which is not in {argument}: {choices}"
    ))  # fmt: skip


def places(
    labels: Iterable[Any], known: Iterable[Any], unknown: Callable[[int, Any], Exception]
) -> list[int]:
    """Where each label stands among the known ones, or the error for the first that does not."""
    place = {label: i for i, label in enumerate(known)}
    for i, label in enumerate(labels):
        if label not in place:
            raise unknown(i, label)
    return [place[label] for label in labels]


@dataclass(frozen=True)
class Scaling:
    """x -> (x - shift) * factor in each column, fitted by `fit_standard_scaler` and its like.

    Call it on rows of d finite numbers (new ones too: what was learned stays as it is);
    `inverse` takes scaled rows back. `shift` and `factor` are d finite numbers each, no factor 0.
    """

    shift: tuple[float, ...]
    factor: tuple[float, ...]

    def __post_init__(self) -> None:
        shifts, factors = row("shift", self.shift), row("factor", self.factor)
        if len(shifts) != len(factors):
            raise ValueError(f"shift has {len(shifts)} numbers but factor has {len(factors)}")
        for name, numbers in (("shift", shifts), ("factor", factors)):
            object.__setattr__(self, name, tuple(numbers))
        for j, factor in enumerate(factors):
            if factor == 0:
                raise ValueError(f"factor[{j}] must be a finite number other than 0, got {factor}")

    def __call__(self, X: Iterable[Any]) -> Any:
        """Scale n rows of d numbers: a frame or an array gives the same, all else n lists."""
        return self._each(X, lambda x, shift, factor: (x - shift) * factor)

    def inverse(self, X: Iterable[Any]) -> Any:
        """Undo the scaling: x / factor + shift in each column."""
        return self._each(X, lambda x, shift, factor: x / factor + shift)

    def _each(self, X: Iterable[Any], f: Callable[[Any, Any, Any], Any]) -> Any:
        rows = inputs(X)
        if rows and len(rows[0]) != len(self.shift):
            raise ValueError(f"X[0] has {len(rows[0])} numbers, expected {len(self.shift)}")
        if as_array(X) is not None:
            return like(X, f(rows.array, self.shift, self.factor) if rows else rows.array)
        return [
            [f(x, s, k) for x, s, k in zip(row, self.shift, self.factor, strict=True)]
            for row in rows
        ]


def fit_standard_scaler(X: Iterable[Any]) -> Scaling:
    """Fit the scaling that gives each column of `X` mean 0 and variance 1: (x - mean) / std.

    The standard deviation has divisor n. A constant column has none: it keeps its unit (factor 1)
    and goes to 0.
    """

    def standard(column: Sequence[float]) -> tuple[float, float]:
        mean, std = mean_and_std(column)
        return mean, 1.0 if min(column) == max(column) else floats.divide(1.0, std)

    return _fitted(X, standard)


def fit_min_max_scaler(X: Iterable[Any], low: float = -1.0, high: float = 1.0) -> Scaling:
    """Fit the scaling that maps each column of `X` onto [low, high], up to rounding.

    Its least number goes to `low`, its greatest to `high`. A constant column keeps its unit
    (factor 1) and goes to the midpoint of `low` and `high`.
    """
    low, high = real("low", low), real("high", high)
    if not low < high:
        raise ValueError(f"low must be less than high, got low={low}, high={high}")

    def onto(column: Sequence[float]) -> tuple[float, float]:
        least, width = min(column), max(column) - min(column)
        if not width:
            return least - (low + high) / 2, 1.0
        factor = floats.divide(high - low, width)
        return least - floats.divide(low, factor), factor

    return _fitted(X, onto)


def fit_centring(X: Iterable[Any]) -> Scaling:
    """Fit the scaling that gives each column of `X` the mean 0: x - mean."""
    return _fitted(X, lambda column: (mean_and_std(column)[0], 1.0))


def mean_and_std(column: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation with divisor n: mean((x - mean)^2)^(1/2); exact if constant.

    Numbers near the ends of the float range may give inf or a deviation of 0.
    """
    n = len(column)
    if min(column) == max(column):  # a rounded mean would leave a tiny deviation
        return column[0], 0.0
    try:
        mean = math.fsum(column) / n
    except OverflowError:
        return math.inf, math.inf
    return mean, math.hypot(*(x - mean for x in column)) / math.sqrt(n)


#: The names of the first release.
standardising, scaling, centring = fit_standard_scaler, fit_min_max_scaler, fit_centring


def _fitted(X: Iterable[Any], fit: Callable[[Sequence[float]], tuple[float, float]]) -> Scaling:
    """The scaling whose shift and factor of each column are what `fit` finds for it."""
    rows = inputs(X)
    if not rows or not rows[0]:
        raise ValueError("X is empty; at least one row and one column are needed")
    columns = []
    for j, column in enumerate(zip(*rows, strict=True)):
        low, high, (shift, factor) = min(column), max(column), fit(column)
        if not math.isfinite(shift) or not 0 < factor < math.inf or high - low == math.inf:
            raise ValueError(
                f"column {j} of X runs from {low} to {high}, "
                "too narrow or too wide to scale in floating point; change its unit"
            )
        columns.append((shift, factor))
    shifts, factors = zip(*columns, strict=True)
    return Scaling(shifts, factors)


@dataclass(frozen=True, repr=False, eq=False)
class Augmentation:
    """`augment(row, rng)` is a new row of as many floats, changed at random; `row` stays.

    >>> augment = shift(1, height=2, width=2)
    >>> augment
    shift(1, height=2, width=2)
    >>> augment([1, 2, 3, 4], 2)
    [4.0, 0.0, 0.0, 0.0]
    """

    name: str
    change: Callable[[list[float], random.Random], list[float]]

    def __call__(self, row: Iterable[float], rng: int | random.Random) -> list[float]:
        """A changed copy of a row of numbers."""
        return self.change(read_row(row, self.name), as_random(rng))

    def __repr__(self) -> str:
        return self.name


def jitter(sigma: float) -> Augmentation:
    """Gaussian noise: x + e in each column, e with mean 0 and standard deviation `sigma`."""
    sigma = real("sigma", sigma, least=0)
    return Augmentation(f"jitter({sigma!r})", lambda row, rng: [rng.gauss(x, sigma) for x in row])


def rotation(degrees: float, centre: tuple[float, float] = (0.0, 0.0)) -> Augmentation:
    """Points of the plane turned about `centre` by an angle uniform in [-degrees, degrees].

    Raises ValueError for rows that are not two numbers.
    """
    degrees = real("degrees", degrees, least=0)
    c1, c2 = row("centre", centre, 2)
    name = f"rotation({degrees!r}, centre={(c1, c2)})"

    def turn(point: list[float], rng: random.Random) -> list[float]:
        if len(point) != 2:
            raise ValueError(f"{name} takes rows of 2 numbers, got {len(point)}")
        angle = math.radians(rng.uniform(-degrees, degrees))
        cos, sin = math.cos(angle), math.sin(angle)
        x1, x2 = point[0] - c1, point[1] - c2
        return [c1 + cos * x1 - sin * x2, c2 + sin * x1 + cos * x2]

    return Augmentation(name, turn)


def shift(pixels: int, height: int = 8, width: int = 8) -> Augmentation:
    """Images moved by -pixels to pixels rows, and as many columns, each amount equally likely.

    A row is `height` x `width` pixels, line by line, as in `digits`; zeros come in at the edge.
    Raises ValueError for rows of another length.
    """
    pixels = whole("pixels", pixels)
    height, width = whole("height", height), whole("width", width)
    if pixels >= min(height, width):
        raise ValueError(
            f"pixels must be less than height and width, {height} and {width}, got {pixels}: "
            "nothing would be left of the image"
        )
    name = f"shift({pixels}, height={height}, width={width})"

    def move(image: list[float], rng: random.Random) -> list[float]:
        if len(image) != height * width:
            raise ValueError(f"{name} takes rows of {height * width} numbers, got {len(image)}")
        down, right = rng.randint(-pixels, pixels), rng.randint(-pixels, pixels)
        return [
            image[(i - down) * width + j - right]
            if 0 <= i - down < height and 0 <= j - right < width
            else 0.0
            for i in range(height)
            for j in range(width)
        ]

    return Augmentation(name, move)
