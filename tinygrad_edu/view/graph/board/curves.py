"""Lines between cards in columns: where each runs, how wide it is, where what it says stands.

A line is one cubic with level ends, so that it is clear which card it leaves and which it reaches.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from tinygrad_edu.view.base.svg import room
from tinygrad_edu.view.graph.board.maps import size
from tinygrad_edu.view.graph.diagram import Edge

#: The least gap between two columns.
NARROW: Final = 24.0
#: A named line ends in a straight run of this length, which carries the name.
_RUN: Final = 44.0
#: Lines reach a card at most so far apart, and leave it.
_ARRIVING, _LEAVING = 17.0, 5.0
#: Where on a line its name may stand, the best place first.
_PLACES: Final = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82)
#: Half the height of a name; from one to the next; how many weaker lines it may stand on.
_HALF, _APART, _HITS = 7.0, 14.0, 2


@dataclass
class Spot:
    """Where a box stands, and the heights of the middles of its rows."""

    left: float
    top: float
    right: float
    bottom: float
    rows: list[float] = field(default_factory=list)


class Curve(NamedTuple):
    """A cubic with level ends from (x0, y0) to (x1, y1), then a straight run to `end`."""

    line: Edge
    x0: float
    y0: float
    x1: float
    y1: float
    end: float

    def at(self, t: float) -> tuple[float, float]:
        """The point of the cubic at t, 0 to 1."""
        s, half = 1 - t, (self.x0 + self.x1) / 2
        down = s * s * (1 + 2 * t)
        x = s**3 * self.x0 + 3 * s * t * half + t**3 * self.x1
        return x, down * self.y0 + (1 - down) * self.y1

    def passes(self, x: float, y: float, half: float) -> bool:
        """Whether it comes within `half` of x and half a name of y."""
        low, high = sorted((self.y0, self.y1))
        if not (self.x0 - half < x < self.x1 + half and low - _HALF < y < high + _HALF):
            return False
        points = (self.at(k / 40) for k in range(41))
        return any(abs(a - x) < half and abs(b - y) < _HALF for a, b in points)

    def path(self) -> list[tuple[float, float]]:
        """The points of its cubics, one after the other."""
        x0, y0, x1, y1, low = self.x0, self.y0, self.x1, self.y1, self.line.below
        half, step = (x0 + x1) / 2, min(30.0, (x1 - x0) / 4)
        points = [(x0, y0), (half, y0), (half, y1), (x1, y1)]
        if low is not None:  # down, along below what stands between, and up
            a, b = (x0 + step / 2, x1 - step / 2)
            points[1:] = [(a, y0), (a, low), (x0 + step, low), (half, low), (half, low)]
            points += [(x1 - step, low), (b, low), (b, y1), (x1, y1)]
        return points + [(x1, y1), (self.end, y1), (self.end, y1)] * (self.end > x1)


def curves(lines: Sequence[Edge], spots: Mapping[str, Spot]) -> list[Curve]:
    """Where the lines run, in their order.

    Into a card, not a row, lines come in the order of their tails, and leave it in that of their
    heads, so that they do not cross beside it.
    """
    into: defaultdict[tuple[str, int | None], list[Edge]] = defaultdict(list)
    out: defaultdict[tuple[str, int | None], list[Edge]] = defaultdict(list)
    start: dict[int, float] = {}
    goal: dict[int, float] = {}
    for line in lines:
        into[line.head, line.head_row].append(line)
        out[line.tail, line.tail_row].append(line)
        start[id(line)] = _height(spots[line.tail], line.tail_row)
        goal[id(line)] = _height(spots[line.head], line.head_row)
    _spread(into, spots, goal, start, _ARRIVING)
    _spread(out, spots, start, goal, _LEAVING)
    found = []
    for line in lines:
        left, right = spots[line.tail].right, spots[line.head].left
        is_wide = right - left >= 1.6 * _RUN
        has_run = is_wide and _has_runs(spots[line.head], into[line.head, line.head_row])
        x1 = right - min(_RUN, (right - left) / 2) * has_run
        found.append(Curve(line, left, start[id(line)], x1, goal[id(line)], right))
    return found


def _height(spot: Spot, row: int | None) -> float:
    return (spot.top + spot.bottom) / 2 if row is None else spot.rows[row]


def _spread(
    meeting: Mapping[tuple[str, int | None], list[Edge]],
    spots: Mapping[str, Spot],
    here: dict[int, float],
    there: Mapping[int, float],
    most: float,
) -> None:
    """Have lines meet a card at some distance, in the order of their other ends; at a row, not."""
    for (name, row), lines in meeting.items():
        lines.sort(key=lambda line: there[id(line)])
        n, spot = len(lines), spots[name]
        step = 0.0 if n < 2 or row is not None else (spot.bottom - spot.top - 14) / (n - 1)
        for k, line in enumerate(lines):
            here[id(line)] += (k - (n - 1) / 2) * min(most, step)


def _has_runs(spot: Spot, arriving: Sequence[Edge]) -> bool:
    """Whether names stand on straight runs before a card: they must have room there."""
    named = any(line.said and line.weight is not None for line in arriving)
    has_room = spot.bottom - spot.top - 14 >= (_APART - 1) * (len(arriving) - 1)
    return named and arriving[0].head_row is None and has_room


def name_places(
    found: Sequence[Curve], widths: Mapping[str, float], cards: Collection[Spot]
) -> list[tuple[Curve, float, float]]:
    """The middle of each name that finds a place, the strongest line first.

    A name on a run stands there; another where it is on no stronger line, no other name and none of
    the cards, else nowhere. `widths` are those of the names.
    """
    placed: list[tuple[Curve, float, float]] = []
    full = [curve for curve in found if curve.line.full]
    for curve in sorted(found, key=lambda c: -c.line.share):
        line, half = curve.line, widths.get(curve.line.said, 0.0) / 2
        if not line.said or not line.full:
            continue
        if line.below is not None:
            placed.append((curve, (curve.x0 + curve.x1) / 2, line.below))
        elif curve.end > curve.x1:
            placed.append((curve, (curve.x1 + curve.end) / 2, curve.y1))
        else:
            free = []
            for k, (x, y) in enumerate(map(curve.at, _PLACES)):
                is_taken = (
                    abs(x - a) < half + widths[other.line.said] / 2 + 2 and abs(y - b) < _APART
                    for other, a, b in placed
                )
                on_card = (
                    s.left - half < x < s.right + half and s.top - _HALF < y < s.bottom + _HALF
                    for s in cards
                )
                inside = curve.x0 + 2 <= x - half and x + half <= curve.x1 - 2
                if not inside or any(is_taken) or any(on_card):
                    continue
                hits = [c.line.share for c in full if c is not curve and c.passes(x, y, half)]
                if len(hits) <= _HITS and max(hits, default=0) <= line.share:
                    free.append((len(hits), k, x, y))
            placed += [(curve, *place[2:]) for place in sorted(free)[:1]]
    return placed


def gap_of(lines: Sequence[Edge]) -> tuple[float, float]:
    """The least width that the gap of these lines can do with, and how much more it wants."""
    text = max((room(line.said, 11) for line in lines if line.said), default=0.0)
    if all(line.weight is None for line in lines):
        least, wanted = (text + 8, text + 2 * NARROW) if text else (NARROW, 34.0)
    elif not text:
        least, wanted = NARROW, 64.0
    elif any(line.tail_row is not None for line in lines):
        least, wanted = 50.0, 100.0
    elif any(line.head_row is not None for line in lines):
        least, wanted = 30.0, 100.0
    else:
        least, wanted = text + 44, 140.0
    return least, wanted - least


def strongest(lines: Sequence[Edge], full: int, named: int) -> list[Edge]:
    """The lines of a gap with their shares: the largest ones are full, of these some named."""
    sizes = [size(line.weight) for line in lines]
    largest = max((x for x in sizes if x != float("inf")), default=0.0)
    rank = {k: n for n, k in enumerate(sorted(range(len(lines)), key=lambda k: -sizes[k]))}
    return [
        replace(
            line,
            share=min(sizes[k] / largest, 1.0) if largest else 0.0,
            full=rank[k] < full,
            numbers=line.numbers if rank[k] < named else (),
        )
        for k, line in enumerate(lines)
    ]


def cut_at(lines: Iterable[Edge], at: Mapping[str, int], last: int, row: int) -> list[Edge]:
    """The lines, those that go beyond the `last` column of a row of columns cut into two.

    `at` is the column of each card; row 1 ends at the card "1>", and goes on from "1<".
    """
    found = []
    for line in lines:
        if at.get(line.tail, -1) <= last < at.get(line.head, -1):
            found.append(replace(line, head=f"{row}>", head_row=None, role="", numbers=()))
            found.append(replace(line, tail=f"{row}<", tail_row=None))
        else:
            found.append(line)
    return found


def pass_below(
    lines: Iterable[Edge], spots: Mapping[str, Spot], names: Iterable[str], low: float
) -> float:
    """Have lines pass below the cards between their ends; the lower end of all."""
    cards = [spots[name] for name in names]
    for line in lines:
        a, b = spots[line.tail].right, spots[line.head].left
        between = [s.bottom for s in cards if a < s.left and s.right < b]
        if between:
            line.below = max(between) + 12
            low = max(low, line.below + 6)
    return low
