"""Toy problems in the plane, drawn from a seed.

Rows are not shuffled: they come class by class (`xor`: corner after corner), and
`train_test_split` or training shuffles them. Where n is no multiple of the number of classes, the
first classes get one row more. `noise` is a standard deviation; a wrong size or noise is a
ValueError, a wrong type a TypeError, each naming the argument.
"""

import math
import random
from collections.abc import Iterable, Sequence
from numbers import Integral, Real

from tinygrad_edu.checks import as_random
from tinygrad_edu.data.dataset import Dataset

__all__ = ["blobs", "circles", "moons", "spiral", "xor"]


def moons(n: int = 100, noise: float = 0.1, rng: int | random.Random = 0) -> Dataset:
    """Two interleaving half circles of radius 1: n >= 2 points, 2 classes, Gaussian noise.

    Class 0 is (cos t, sin t), class 1 is (1 - cos t, 1/2 - sin t), t evenly over [0, pi].
    """
    sizes = _shares(_count("n", n, 2), 2)
    spread, gen = _spread("noise", noise), as_random(rng)
    upper = [(math.cos(t), math.sin(t)) for t in _linspace(0.0, math.pi, sizes[0])]
    lower = [(1 - math.cos(t), 0.5 - math.sin(t)) for t in _linspace(0.0, math.pi, sizes[1])]
    rows = _blurred(upper + lower, spread, gen)
    return _dataset("moons", "two interleaving half circles", rows, _class_by_class(sizes))


def circles(
    n: int = 100, noise: float = 0.05, factor: float = 0.5, rng: int | random.Random = 0
) -> Dataset:
    """Two circles about the origin: n >= 2 points, 2 classes, Gaussian noise.

    Class 0 has radius 1, class 1 radius `factor` (between 0 and 1, both excluded); the points of
    a circle are evenly spaced.
    """
    sizes = _shares(_count("n", n, 2), 2)
    inner = _real("factor", factor)
    if not 0 < inner < 1:
        raise ValueError(
            f"factor must lie between 0 and 1, both excluded, got {factor}; "
            "it is the radius of the inner circle"
        )
    spread, gen = _spread("noise", noise), as_random(rng)
    points = []
    for radius, size in zip((1.0, inner), sizes, strict=True):
        for i in range(size):
            t = 2 * math.pi * i / size
            points.append((radius * math.cos(t), radius * math.sin(t)))
    rows = _blurred(points, spread, gen)
    return _dataset("circles", "a circle inside another", rows, _class_by_class(sizes))


def xor(n: int = 4, noise: float = 0.0, rng: int | random.Random = 0) -> Dataset:
    """Exclusive or: n >= 4 points at the corners (0,0), (0,1), (1,0), (1,1) in turn, 2 classes.

    Class 1 holds the corners whose coordinates differ. `xor()` is the four rows of the truth
    table; `noise` adds a Gaussian to each coordinate.
    """
    corners = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]
    points = [corners[i % 4] for i in range(_count("n", n, 4))]
    rows = _blurred(points, _spread("noise", noise), as_random(rng))
    labels = [int(a != b) for a, b in points]
    return _dataset("xor", "the truth table of exclusive or", rows, labels)


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
    sizes = _shares(_count("n", n, len(middles)), len(middles))
    points = [middle for middle, size in zip(middles, sizes, strict=True) for _ in range(size)]
    rows = _blurred(points, _spread("std", std), as_random(rng))
    return _dataset("blobs", "Gaussian clouds", rows, _class_by_class(sizes))


def spiral(
    n: int = 300, arms: int = 3, noise: float = 0.2, rng: int | random.Random = 0
) -> Dataset:
    """Spiral arms: n >= arms points, one class per arm.

    The points of arm j are (r sin t, r cos t) with the radius r evenly over [0, 1] and the angle t
    evenly over [4j, 4(j + 1)] plus a Gaussian of standard deviation `noise` radians.
    Source: CS231n, "Putting it together: minimal neural network case study" (300 points, 3 arms).
    """
    k = _count("arms", arms, 1)
    sizes = _shares(_count("n", n, k), k)
    spread, gen = _spread("noise", noise), as_random(rng)
    rows = []
    for j, size in enumerate(sizes):
        angles = _linspace(4.0 * j, 4.0 * (j + 1), size)
        for r, t in zip(_linspace(0.0, 1.0, size), angles, strict=True):
            angle = t + gen.gauss(0.0, spread)
            rows.append([r * math.sin(angle), r * math.cos(angle)])
    source = "CS231n, minimal neural network case study"
    return _dataset("spiral", source, rows, _class_by_class(sizes))


def _dataset(name: str, source: str, rows: list[list[float]], labels: list[int]) -> Dataset:
    features = tuple(f"x{i}" for i in range(1, len(rows[0]) + 1))
    classes = tuple(str(label) for label in range(max(labels) + 1))
    return Dataset(rows, labels, features, classes, name, source)


def _count(name: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an int, got {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def _real(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {number}")
    return number


def _spread(name: str, value: object) -> float:
    spread = _real(name, value)
    if spread < 0:
        raise ValueError(f"{name} must be at least 0, got {value}")
    return spread


def _points(points: Iterable[Iterable[float]]) -> list[tuple[float, ...]]:
    result: list[tuple[float, ...]] = []
    for i, point in enumerate(points):
        if isinstance(point, str) or not isinstance(point, Iterable):
            raise TypeError(
                f"centers[{i}] must be a point, got {type(point).__name__}; write [[0, 0], [3, 3]]"
            )
        result.append(tuple(_real(f"centers[{i}][{j}]", x) for j, x in enumerate(point)))
        width = len(result[0]) or 1
        if len(result[i]) != width:
            raise ValueError(f"centers[{i}] has {len(result[i])} coordinates, expected {width}")
    if not result:
        raise ValueError("centers is empty; at least one point is needed")
    return result


def _on_a_circle(centers: int) -> list[tuple[float, ...]]:
    k = _count("centers", centers, 1)
    if k == 1:
        return [(0.0, 0.0)]
    radius = 3 / math.sin(math.pi / k)  # a chord of length 6 between neighbours
    angles = [2 * math.pi * i / k for i in range(k)]
    return [(radius * math.cos(t), radius * math.sin(t)) for t in angles]


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
