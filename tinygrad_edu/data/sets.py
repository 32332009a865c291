"""Data sets: three that come with the package, and toy problems that are drawn from a seed.

files/SOURCES.md has the origin and the licence of the first. Of the others rows are not shuffled:
they come class by class (`xor`: corner after corner), and `train_test_split` or training shuffles
them. Where n is no multiple of the number of classes, the first classes get one row more. `noise`
is a standard deviation; a wrong size or noise is a ValueError, a wrong type a TypeError, each
naming the argument.
"""

import csv
import gzip
import io
import math
import random
from collections.abc import Iterable, Sequence
from typing import Any

from tinygrad_edu.checks import as_random, is_listed, listed, one_of, real, row, whole
from tinygrad_edu.data.dataset import MOST, Dataset, data_set
from tinygrad_edu.files import packaged_bytes

__all__ = [
    "blobs", "circles", "digits", "first_names", "houses", "iris", "moons", "sine", "spiral",
    "vowels", "xor",
]  # fmt: skip


@data_set(
    text="three species of iris by four lengths",
    hidden=(8,), lr=0.02, epochs=60, batch_size=16,
)  # fmt: skip
def iris() -> Dataset:
    """Fisher's irises: 150 flowers, 4 lengths in cm, 3 species of 50 rows each, species by species.

    Source: R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of
    Eugenics 7 (1936). The numbers are those of the paper, as in R and scikit-learn.
    """
    return _labelled("iris", ("setosa", "versicolor", "virginica"), "R. A. Fisher, 1936")


@data_set(
    text="handwritten digits, 8 x 8 pixels",
    unit=16.0, image=(8, 8), hidden=(32,), activation="relu", lr=0.005, epochs=30,
)  # fmt: skip
def digits() -> Dataset:
    """Handwritten digits: 1797 images of 8 x 8 pixels, row by row, each 0..16; 10 classes.

    Divide by 16 for inputs in [0, 1]. Source: E. Alpaydin and C. Kaynak, "Optical Recognition of
    Handwritten Digits", UCI Machine Learning Repository (1998), its test set.
    """
    return _labelled("digits", tuple("0123456789"), "E. Alpaydin and C. Kaynak, 1998")


@data_set(
    text="ten spoken vowels by two formants; tested on speakers never heard",
    group="speaker", hidden=(50,), lr=0.01, epochs=30,
)  # fmt: skip
def vowels(features: Sequence[str] = ("F1", "F2")) -> Dataset:
    """Ten vowels between h and d, each said twice by 76 speakers: 1520 rows of frequencies in Hz.

    `features` are the columns, of "F0" (the pitch) and the formants "F1", "F2", "F3" (peaks of the
    spectrum). The classes are the words, heed to heard; `groups` are the speakers: 1..33 are men,
    34..61 women, 62..76 children. Source: G. E. Peterson and H. L. Barney, "Control methods used in
    a study of the vowels", Journal of the Acoustical Society of America 24 (1952).
    """
    features = listed("features", features, "names")
    _, *rows = _read("vowels")
    frequencies = ("F0", "F1", "F2", "F3")
    columns = [2 + frequencies.index(one_of("feature", name, frequencies)) for name in features]
    if not columns:
        raise ValueError('features is empty: write features=["F1", "F2"]')
    names = ("heed", "hid", "head", "had", "hod", "hawed", "hood", "who'd", "hud", "heard")
    return Dataset(
        [[float(row[j]) for j in columns] for row in rows],
        [names.index(row[-1]) for row in rows],
        tuple(f"{name} (Hz)" for name in features),
        names,
        "vowels",
        "G. E. Peterson and H. L. Barney, 1952",
        [int(row[1]) for row in rows],
    )


def first_names() -> list[str]:
    """1050 first names of Europe and the Americas in small letters a to z, in alphabetical order.

    Put together for this package, to learn how names are spelt: see `letter_windows`.

    >>> first_names()[:4]
    ['ada', 'adam', 'adela', 'adele']
    """
    return [row[0] for row in _read("names")[1:]]


@data_set(
    text="two half moons in the plane (the default)", noise="noise",
    demo={"n": 200, "noise": 0.15},
    hidden=(16, 16), activation="relu", lr=0.02, epochs=50,
)  # fmt: skip
def moons(n: int = 100, noise: float = 0.1, rng: int | random.Random = 0) -> Dataset:
    """Two interleaving half circles of radius 1: n >= 2 points, 2 classes, Gaussian noise.

    Class 0 is (cos t, sin t), class 1 is (1 - cos t, 1/2 - sin t), t evenly over [0, pi].
    """
    sizes = _shares(whole("n", n, 2, MOST), 2)
    spread, gen = real("noise", noise, least=0), as_random(rng)
    upper = [(math.cos(t), math.sin(t)) for t in _linspace(0.0, math.pi, sizes[0])]
    lower = [(1 - math.cos(t), 0.5 - math.sin(t)) for t in _linspace(0.0, math.pi, sizes[1])]
    rows = _blurred(upper + lower, spread, gen)
    return _dataset("moons", "two interleaving half circles", rows, _class_by_class(sizes))


@data_set(
    text="a circle in a ring", noise="noise",
    demo={"n": 200, "noise": 0.1}, hidden=(16,), lr=0.05, epochs=60,
)  # fmt: skip
def circles(
    n: int = 100, noise: float = 0.05, factor: float = 0.5, rng: int | random.Random = 0
) -> Dataset:
    """Two circles about the origin: n >= 2 points, 2 classes, Gaussian noise.

    Class 0 has radius 1, class 1 radius `factor` (between 0 and 1, both excluded); the points of
    a circle are evenly spaced.
    """
    sizes = _shares(whole("n", n, 2, MOST), 2)
    inner = real("factor", factor, above=0, below=1)
    spread, gen = real("noise", noise, least=0), as_random(rng)
    rows = _blurred([*_circle(sizes[0], 1.0), *_circle(sizes[1], inner)], spread, gen)
    return _dataset("circles", "a circle inside another", rows, _class_by_class(sizes))


@data_set(
    text="three arms of a spiral", noise="noise",
    demo={"n": 300, "noise": 0.2}, hidden=(16, 16), lr=0.02, epochs=100,
)  # fmt: skip
def spiral(
    n: int = 300,
    arms: int = 3,
    noise: float = 0.2,
    rng: int | random.Random = 0,
    *,
    turns: float = 4 / math.tau,
) -> Dataset:
    """Spiral arms: n >= arms points, one class per arm.

    The points of arm j are (r sin t, r cos t) with the radius r evenly over [0, 1] and the angle t
    evenly over [4j, 4j + 2 pi turns], that is [4j, 4(j + 1)] unless `turns` says how often an arm
    goes round, plus a Gaussian of standard deviation `noise` radians.
    Source: CS231n, "Putting it together: minimal neural network case study" (300 points, 3 arms).
    """
    k = whole("arms", arms, most=MOST)
    sizes = _shares(whole("n", n, k, MOST), k)
    spread, gen = real("noise", noise, least=0), as_random(rng)
    length = math.tau * real("turns", turns, above=0, most=100)
    rows = []
    for j, size in enumerate(sizes):
        angles = _linspace(4.0 * j, 4.0 * j + length, size)
        for r, t in zip(_linspace(0.0, 1.0, size), angles, strict=True):
            angle = t + gen.gauss(0.0, spread)
            rows.append([r * math.sin(angle), r * math.cos(angle)])
    source = "CS231n, minimal neural network case study"
    return _dataset("spiral", source, rows, _class_by_class(sizes))


@data_set(
    text="three round clouds", noise="std",
    demo={"n": 150}, hidden=(8,), lr=0.05, epochs=30,
)  # fmt: skip
def blobs(
    n: int = 150,
    centers: int | Iterable[Iterable[float]] = 3,
    std: float = 1.0,
    rng: int | random.Random = 0,
) -> Dataset:
    """Round Gaussian clouds: n points, as many classes as centres, standard deviation `std`.

    An int asks for that many centres in the plane: evenly on a circle about the origin, with a
    distance of 6 between neighbours (one centre: the origin). Else `centers` lists the points, of
    any one dimension. n is at least the number of centres.
    """
    middles = _points(centers) if isinstance(centers, Iterable) else _on_a_circle(centers)
    sizes = _shares(whole("n", n, len(middles), MOST), len(middles))
    points = [middle for middle, size in zip(middles, sizes, strict=True) for _ in range(size)]
    rows = _blurred(points, real("std", std, least=0), as_random(rng))
    return _dataset("blobs", "Gaussian clouds", rows, _class_by_class(sizes))


@data_set(
    text="the four rows of XOR, which one unit cannot learn", noise="noise",
    demo={"rng": 0}, hidden=(4,), lr=0.05, epochs=200, batch_size=None, test_size=0.0,
)  # fmt: skip
def xor(n: int = 4, noise: float = 0.0, rng: int | random.Random = 0) -> Dataset:
    """Exclusive or: n >= 4 points at the corners (0,0), (0,1), (1,0), (1,1) in turn, 2 classes.

    Class 1 holds the corners whose coordinates differ. `xor()` is the four rows of the truth
    table; `noise` adds a Gaussian to each coordinate.
    """
    corners = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]
    points = [corners[i % 4] for i in range(whole("n", n, 4, MOST))]
    rows = _blurred(points, real("noise", noise, least=0), as_random(rng))
    labels = [int(a != b) for a, b in points]
    return _dataset("xor", "the truth table of exclusive or", rows, labels)


@data_set(
    text="a number to predict: a noisy sine, and how hidden units add up to it", target="y",
    demo={"n": 200, "noise": 0.2}, hidden=(8,), lr=0.03, epochs=200,
)  # fmt: skip
def sine(n: int = 100, noise: float = 0.1, rng: int | random.Random = 0) -> Dataset:
    """A sine: n >= 2 rows of one number x, evenly over [-pi, pi], with y = sin(x) + Gaussian noise.

    >>> sine(3, noise=0.0).X[-1] == [math.pi]
    True
    """
    size, spread, gen = whole("n", n, 2, MOST), real("noise", noise, least=0), as_random(rng)
    rows = [[x] for x in _linspace(-math.pi, math.pi, size)]
    y = [math.sin(x) + gen.gauss(0.0, spread) for (x,) in rows]
    return Dataset(rows, y, ("x",), (), "sine", "y = sin(x)")


@data_set(
    text="a number to predict: prices of houses that are made up", target="price (1000)",
    demo={"n": 400}, hidden=(16,), lr=0.02, epochs=150,
)  # fmt: skip
def houses(n: int = 300, noise: float = 20.0, rng: int | random.Random = 0) -> Dataset:
    """Houses that are made up: n >= 2 rows of area, rooms, age and distance, each with its price.

    The price in thousands is area * (1 + 4 exp(-distance / 6)) * (0.8 + (age / 50 - 1)^2 / 2) plus
    Gaussian noise: old and new houses cost most, and the distance to the centre counts near to it.
    """
    size, spread, gen = whole("n", n, 2, MOST), real("noise", noise, least=0), as_random(rng)
    rows, prices = [], []
    for _ in range(size):
        area, age = gen.uniform(40.0, 200.0), float(gen.randint(0, 100))
        rooms = float(max(1, round(area / 28 + gen.gauss(0.0, 0.7))))
        distance = gen.uniform(0.0, 25.0)
        worth = (1 + 4 * math.exp(-distance / 6)) * (0.8 + (age / 50 - 1) ** 2 / 2)
        rows.append([area, rooms, age, distance])
        prices.append(area * worth + gen.gauss(0.0, spread))
    names = ("area (m2)", "rooms", "age (years)", "distance (km)")
    return Dataset(rows, prices, names, (), "houses", "made up")


def _dataset(name: str, source: str, rows: list[list[float]], labels: list[int]) -> Dataset:
    features = tuple(f"x{i}" for i in range(1, len(rows[0]) + 1))
    classes = tuple(str(label) for label in range(max(labels) + 1))
    return Dataset(rows, labels, features, classes, name, source)


def _points(points: Iterable[Any]) -> list[list[float]]:
    centers: list[list[float]] = []
    for i, point in enumerate(listed("centers", points, "points")):
        if not is_listed(point):
            raise TypeError(
                f"centers[{i}] must be a point, got {type(point).__name__}; write [[0, 0], [3, 3]]"
            )
        centers.append(row(f"centers[{i}]", point, len(centers[0]) if centers else None))
    if not centers or not centers[0]:
        raise ValueError("centers is empty: write [[0, 0], [3, 3]]")
    return centers


def _on_a_circle(centers: int) -> list[list[float]]:
    k = whole("centers", centers, most=MOST)
    if k == 1:
        return [[0.0, 0.0]]
    return _circle(k, 3 / math.sin(math.pi / k))  # a chord of length 6 between neighbours


def _circle(n: int, radius: float) -> list[list[float]]:
    angles = [2 * math.pi * i / n for i in range(n)]
    return [[radius * math.cos(t), radius * math.sin(t)] for t in angles]


def _shares(n: int, k: int) -> list[int]:
    return [n // k + (i < n % k) for i in range(k)]


def _class_by_class(sizes: list[int]) -> list[int]:
    return [label for label, size in enumerate(sizes) for _ in range(size)]


def _linspace(start: float, stop: float, n: int) -> list[float]:
    return [start + (stop - start) * i / max(n - 1, 1) for i in range(n)]


def _blurred(
    points: Iterable[Sequence[float]], noise: float, gen: random.Random
) -> list[list[float]]:
    return [[x + gen.gauss(0.0, noise) for x in point] for point in points]


def _labelled(name: str, classes: tuple[str, ...], source: str) -> Dataset:
    """A file of numbers, whose last column is the class."""
    header, *rows = _read(name)
    X = [[float(cell) for cell in row[:-1]] for row in rows]
    y = [classes.index(row[-1]) for row in rows]
    return Dataset(X, y, tuple(header[:-1]), classes, name, source)


def _read(name: str) -> list[list[str]]:
    packed = packaged_bytes(f"data/files/{name}.csv.gz")
    return list(csv.reader(io.StringIO(gzip.decompress(packed).decode("ascii"), newline="")))
