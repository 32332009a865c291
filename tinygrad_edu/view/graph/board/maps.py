"""Which numbers of a graph are an image: the windows of a convolution, and small pictures."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import Final, NamedTuple

from tinygrad_edu.engine import Value

Rows = Sequence[Sequence[float]]
#: The side of a picture in pixels: of a few cells of 6 to 16 pixels, and of more.
_SIDES: Final = {"kernel": (28, 60), "map": (40, 60), "image": (72, 84), "weights": (32, 60)}
_FEW: Final = 10


class Windows(NamedTuple):
    """Windows of `size` x `size` numbers, `stride` apart, `width` of them in a row."""

    size: int
    stride: int
    width: int


class Grid(NamedTuple):
    """Numbers as cells, `side` pixels each; of `ink` grey, else blue and orange.

    `largest` is the size of the full colour, within the set of pictures it belongs to.
    """

    rows: Rows
    largest: float
    ink: bool
    side: float


def windows_of(patches: Sequence[Sequence[Value]]) -> Windows | None:
    """How windows lie on an image, from the Values that they share; None if they are no windows.

    The numbers of a window stand channel by channel, row by row, and the windows row by row.
    Windows side by side share nothing: as many rows as columns are taken for granted.
    """
    n, count = len(patches[0]), len(patches)
    frame = {v for patch in patches for v, times in Counter(patch).items() if times > 1}
    for size_ in range(math.isqrt(n), 1, -1):
        for stride in range(1, size_):
            if n % size_**2 == 0 and _follows(patches[0], patches[1], size_, stride, frame):
                ends = (
                    k for k in range(1, count)
                    if not _follows(patches[k - 1], patches[k], size_, stride, frame)
                )  # fmt: skip
                width = next(ends, count)
                return Windows(size_, stride, width) if count % width == 0 else None
    size_, width = math.isqrt(n), math.isqrt(count)
    apart = len({v for patch in patches for v in patch}) == n * count
    is_square = size_ > 1 and (size_**2, width**2) == (n, count)
    return Windows(size_, size_, width) if apart and is_square else None


def _follows(
    before: Sequence[Value], after: Sequence[Value], size_: int, stride: int, frame: Set[Value]
) -> bool:
    """Whether the second window lies `stride` columns to the right of the first."""
    kept = [k for k in range(len(before)) if k % size_ + stride < size_]
    same = all(after[k] is before[k + stride] for k in kept)
    return same and any(after[k] not in frame for k in kept)


def image_below(patches: Sequence[Sequence[Value]], windows: Windows) -> list[list[list[Value]]]:
    """The image that windows lie on: channels of rows; [] if there are holes in it.

    Numbers that frame it, which stand at several places of one image, are no part of it.
    """
    places: dict[Value, set[tuple[int, int, int]]] = {}
    for m, patch in enumerate(patches):
        down, right = divmod(m, windows.width)
        for k, v in enumerate(patch):
            channel, inside = divmod(k, windows.size**2)
            i, j = divmod(inside, windows.size)
            place = channel, down * windows.stride + i, right * windows.stride + j
            places.setdefault(v, set()).add(place)
    at = {next(iter(found)): v for v, found in places.items() if len(found) == 1}
    channels, rows, columns = (sorted(set(axis)) for axis in zip(*at, strict=True))
    if len(at) < len(channels) * len(rows) * len(columns):
        return []
    return [[[at[c, i, j] for j in columns] for i in rows] for c in channels]


def drawn(kind: str, rows: Rows, largest: float = 0.0, *, ink: bool = False) -> Grid:
    """A picture of a kernel, a map, an image or weights, in the size of its kind."""
    longest, (few, many) = max(len(rows), max(map(len, rows))), _SIDES[kind]
    side = min(16.0, max(6.0, few // longest)) if longest <= _FEW else many / longest
    return Grid(rows, largest or largest_of([rows]), ink, side)


def largest_of(pictures: Sequence[Rows]) -> float:
    """The largest finite size in several pictures."""
    sizes = (abs(x) for rows in pictures for row in rows for x in row)
    return max((x for x in sizes if x < math.inf), default=0.0)


def in_rows(values: Sequence[Value], data: Mapping[Value, float], width: int) -> list[list[float]]:
    """The numbers of these values in rows of `width`."""
    return [[data[v] for v in values[k : k + width]] for k in range(0, len(values), width)]


def shape_of(*sizes: int) -> str:
    """A shape as 4x6x6, without channels where there is one."""
    kept = sizes[1:] if len(sizes) > 2 and sizes[0] == 1 else sizes
    return "×".join(f"{n}" for n in kept)  # noqa: RUF001


def size(x: float | None) -> float:
    """|x|, 0 where there is no number."""
    return abs(x) if x is not None and x == x else 0.0
