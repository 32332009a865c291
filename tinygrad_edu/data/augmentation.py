"""Data augmentation: each time a row is used for training, a slightly changed copy of it.

Each function here gives an `Augmentation`, to be given to training as `augment=`. The target stays
as it is, so choose changes that leave the class alone: a 6 turned by 180 degrees is a 9.
"""

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tinygrad_edu.checks import as_random, real, row, whole
from tinygrad_edu.examples import read_row

__all__ = ["jitter", "rotation", "shift"]


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
