"""The paths from a value to a result, counted without walking them all."""

import math
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Final, NamedTuple

from tinygrad_edu.engine import Value

#: Counting stops here: the number of paths grows exponentially with the depth of a graph.
MANY: Final = 10**12


class Link(NamedTuple):
    """One step of a path: `child` was made from `parent`, which may stand at several positions."""

    child: Value
    parent: Value
    positions: tuple[int, ...]
    slopes: tuple[float, ...]

    @property
    def slope(self) -> float:
        """d(child)/d(parent), all positions together."""
        return sum(map(float, self.slopes), -0.0)

    def passes(self, gradient: float) -> float:
        """What the parent gets of the gradient of the child, `no_flow` where nothing flows."""
        return reduce(add, [gradient * slope for slope in self.slopes])


def links(child: Value, parents: Sequence[Value]) -> list[Link]:
    """The links of one result to these of its parents."""
    slopes = child.slopes()
    positions: dict[Value, list[int]] = {}
    for i, p in enumerate(child.parents):
        positions.setdefault(p, []).append(i)
    return [
        Link(child, p, tuple(positions[p]), tuple([slopes[i] for i in positions[p]]))
        for p in parents
    ]


class Paths:
    """All paths from `w` to `v`, along the topological order of `v`.

    `between` are the values on them, `w` first and `v` last; `children[u]` the values on them that
    were made from u, in backward order. `count` is their number, at most MANY: y + y leads over two
    from y, which are one of the `routes`. `longest` is the number of links of the longest.
    """

    def __init__(self, order: Sequence[Value], w: Value) -> None:
        self.v, self.w = order[-1], w
        counts, routes, depths = {w: 1}, {w: 1}, {w: 0}
        self.children: dict[Value, list[Value]] = {w: []}
        for u in order:
            on_path = [p for p in dict.fromkeys(u.parents) if p in counts]
            if not on_path:
                continue
            counts[u] = min(MANY, sum(counts.get(p, 0) for p in u.parents))
            routes[u] = min(MANY, sum(routes[p] for p in on_path))
            depths[u] = 1 + max(depths[p] for p in on_path)
            self.children[u] = []
            for p in on_path:
                self.children[p].append(u)
        for children in self.children.values():
            children.reverse()
        self.between = list(counts)
        self.count, self.routes = counts.get(self.v, 0), routes.get(self.v, 0)
        self.longest = depths.get(self.v, 0)
        self._links: dict[Value, dict[Value, Link]] = {}

    def link(self, child: Value, parent: Value) -> Link:
        """The link between two neighbours."""
        if child not in self._links:
            parents = [p for p in dict.fromkeys(child.parents) if p in self.children]
            self._links[child] = {link.parent: link for link in links(child, parents)}
        return self._links[child][parent]

    def links_to(self, parent: Value) -> list[Link]:
        """The links through which `parent` gets its gradient, in the order it arrives."""
        return [self.link(child, parent) for child in self.children[parent]]

    def all(self) -> list[list[Link]]:
        """Each of the `routes` as its links from `v` back to `w`; only for few."""
        routes: list[list[Link]] = []
        open_paths: list[tuple[Value, list[Link]]] = [(self.w, [])]
        while open_paths:
            u, way = open_paths.pop()
            if u is self.v:
                routes.append(way)
            for child in reversed(self.children[u]):
                open_paths.append((child, [self.link(child, u), *way]))
        return routes


def largest(paths: Paths, most: int) -> list[list[Link]]:
    """Of all routes those of the largest products, largest first, each from `v` back to `w`."""
    best: dict[Value, list[tuple[float, list[Link]]]] = {paths.w: [(1.0, [])]}
    for u in paths.between[1:]:
        links = [paths.link(u, p) for p in dict.fromkeys(u.parents) if p in best]
        found = [
            (abs(x * link.slope), [link, *way]) for link in links for x, way in best[link.parent]
        ]
        best[u] = sorted(found, key=lambda each: -each[0])[:most]
    return [way for _, way in best.get(paths.v, [])]


def contribution(route: Sequence[Link]) -> float:
    """The product of the slopes of one path, from v back to w."""
    return reduce(lambda gradient, link: link.passes(gradient), route, 1.0)


def agree(parts: Sequence[float], value: float) -> bool:
    """Whether the parts sum to the value, but for rounding."""
    total = sum(parts)
    if total == value or (total != total and value != value):
        return True
    return abs(total - value) <= 1e-9 * sum(map(abs, parts)) < math.inf
