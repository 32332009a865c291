"""The paths from a value to a result, counted without walking them all, and names for the way."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import reduce
from itertools import chain, count, repeat
from typing import Any, Final, NamedTuple, TypeVar

from tinygrad_edu import functions
from tinygrad_edu.engine import Value, modes
from tinygrad_edu.engine.node import UNREACHED
from tinygrad_edu.view.notation import (
    Both,
    Line,
    call,
    derivative,
    formulas,
    name,
    number,
    product,
    sentence,
    total,
    with_numbers,
    written,
)
from tinygrad_edu.view.text import DASH, clean, short

T = TypeVar("T")

#: Counting stops here: the number of paths grows exponentially with the depth of a graph.
MANY: Final = 10**12

_DOT: Final = functions._dot.value
#: Activations of more than the one net input.
_ACTIVATIONS: Final = (functions.prelu.value, functions._softmax.value)
_LETTERS: Final = "abcfghkmnpqrstuvwxyz"


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
        """What the parent gets of the gradient of the child."""
        # the slopes as the record gave them: along a `no_flow` an infinite gradient gives 0
        return float(sum((gradient * slope for slope in self.slopes), -0.0))


def links(child: Value, parents: Sequence[Value]) -> list[Link]:
    """The links of one result to these of its parents."""
    child.local_derivatives()  # raises if they are not one number per parent
    slopes = child.op._slopes(*child._numbers)  # type: ignore[union-attr]
    positions: dict[Value, list[int]] = {}
    for i, p in enumerate(child.parents):
        positions.setdefault(p, []).append(i)
    return [
        Link(child, p, tuple(positions[p]), tuple([slopes[i] for i in positions[p]]))
        for p in parents
    ]


def gradients(v: Value, order: Sequence[Value]) -> dict[Value, float]:
    """d(v)/du for each u of the topological order of `v`, by a backward pass that leaves no trace.

    The `.grad` of the user is put back, and `detect_anomaly` does not look on.
    """
    kept = [u._grad for u in order]
    token = modes.current.set(None)
    try:
        for u in order:
            u._grad = UNREACHED
        v.backward()
        return {u: float(u._grad) for u in order}
    finally:
        modes.current.reset(token)
        for u, g in zip(order, kept, strict=True):
            u._grad = g


class Paths:
    """All paths from `w` to `v`, along the topological order of `v`.

    `between` are the values on them, `w` first and `v` last; `children[u]` the values on them that
    were made from u, in backward order. `count` is their number, at most MANY, and `longest` the
    number of links of the longest.
    """

    def __init__(self, order: Sequence[Value], w: Value) -> None:
        self.v, self.w = order[-1], w
        counts, depths = {w: 1}, {w: 0}
        self.children: dict[Value, list[Value]] = {w: []}
        for u in order:
            on_path = [p for p in dict.fromkeys(u.parents) if p in counts]
            if not on_path:
                continue
            counts[u] = min(MANY, sum(counts[p] for p in on_path))
            depths[u] = 1 + max(depths[p] for p in on_path)
            self.children[u] = []
            for p in on_path:
                self.children[p].append(u)
        for children in self.children.values():
            children.reverse()
        self.between = list(counts)
        self.count, self.longest = counts.get(self.v, 0), depths.get(self.v, 0)
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
        """Each path as its links from `v` back to `w`; only for a small `count`."""
        found: list[list[Link]] = []
        open_paths: list[tuple[Value, list[Link]]] = [(self.w, [])]
        while open_paths:
            u, way = open_paths.pop()
            if u is self.v:
                found.append(way)
            for child in reversed(self.children[u]):
                open_paths.append((child, [self.link(child, u), *way]))
        return found


def contribution(route: Sequence[Link]) -> float:
    """The product of the slopes of one path, from v back to w."""
    return reduce(lambda gradient, link: link.passes(gradient), route, 1.0)


def agree(parts: Sequence[float], value: float) -> bool:
    """Whether the parts sum to the value, but for rounding."""
    found = sum(parts)
    if found == value or (found != found and value != value):
        return True
    return abs(found - value) <= 1e-9 * sum(map(abs, parts)) < math.inf


def letters(order: Sequence[Value], names: Mapping[Value, str]) -> dict[Value, str]:
    """A name of its own for each value of a topological order, the root last.

    Its name, else the variable's; else a constant is its number, a net input z1, z2, ..., the
    activation of one a1, a2, ..., an input of a unit x1, x2, ..., another leaf a letter, the root L
    if there are parameters and y if not, and another result v1, v2, ....
    """
    called: dict[Value, str] = {}
    taken: set[str] = set()
    repeats: dict[str, Iterator[str]] = {}
    for v in order:
        given = v.name or names.get(v)
        if given:
            shown = clean(given)
            tries = repeats.setdefault(
                shown, chain([shown], map("{}#{}".format, repeat(shown), count(2)))
            )
            called[v] = next(name for name in tries if name not in taken)
            taken.add(called[v])
    root = order[-1]
    streams: dict[str, Iterator[str]] = {x: map(f"{x}{{}}".format, count(1)) for x in "zaxvy"}
    streams["leaf"] = chain(_LETTERS, streams["x"])
    preferred = ["L", "y"] if any(v.kind == "parameter" for v in order) else ["y", "L"]
    streams["root"] = chain(preferred, streams["y"])
    inputs = {p for v in order if _is_net_input(v) for p in v.parents[len(v.parents) // 2 :]}
    for v in (root, *order):
        if v in called:
            continue
        if v.kind == "constant":
            called[v] = short(v.data)
            continue
        stream = streams["root" if v is root else _stem(v, v in inputs)]
        called[v] = next(name for name in stream if name not in taken)
        taken.add(called[v])
    return called


def _stem(v: Value, to_unit: bool) -> str:
    if v.op is None:
        return "x" if to_unit else "leaf"
    if _is_net_input(v):
        return "z"
    of_one = len(v.parents) == 1 or v.op.value in _ACTIVATIONS
    return "a" if of_one and _is_net_input(v.parents[0]) else "v"


def _is_net_input(v: Value) -> bool:
    op = v.op
    return op is not None and op.value is _DOT


def ends(items: Sequence[T], most: int) -> list[T | int]:
    """The items, or the first and last of them, and between these the number of those left out.

    `most` are kept, or one more rather than leaving out a single one.
    """
    if len(items) <= most + 1:
        return list(items)
    half = most // 2
    return [*items[: most - half], len(items) - most, *items[-half:]]


def lines_of(write: Callable[[T], Line], items: Sequence[T | int]) -> list[Line]:
    """A line for each of what `ends` gives."""
    return [more(item) if isinstance(item, int) else write(item) for item in items]


def more(n: int) -> Line:
    """The line for what was left out."""
    return Line([Both(f"… {n:,} more …", r"\vdots")], 2)


class Writer:
    """Writes lines about the values and links of one graph, by their names."""

    def __init__(
        self, called: Mapping[Value, str], mixed: Collection[tuple[Value, Value]] = ()
    ) -> None:
        self.called = called
        self._mixed = mixed
        self._letters: dict[Value, tuple[list[Both], list[Both]]] = {}
        self._formulas: dict[Value, tuple[Any, Callable[[int], Any]]] = {}
        self._unwritten: dict[str, str] = {}

    def total(self, v: Value, w: Value) -> Both:
        """dv/dw, over all paths."""
        return derivative(self.called[v], self.called[w])

    def local(self, link: Link) -> Both:
        """The slope of one link: as text with d too, unless that is taken by the sum over paths."""
        child, parent = self.called[link.child], self.called[link.parent]
        partial = derivative(child, parent, "∂")
        mixed = (link.child, link.parent) in self._mixed
        return partial if mixed else Both(derivative(child, parent).text, partial.latex)

    def value(self, v: Value) -> Line:
        """v = formula = with numbers = number."""
        return Line([name(self.called[v]), *self._formula(v, ()), number(v._numbers[0])])

    def slope(self, link: Link) -> Line:
        """da/dz = formula = with numbers = number."""
        return Line([self.local(link), *self.formula(link), number(link.slope)], 2)

    def flow(self, link: Link, gradient: float) -> Line:
        """to z: gradient * slope = what z gets."""
        parent = name(self.called[link.parent])
        to = Both(f"to {parent.text}:", rf"\text{{to }} {parent.latex}\text{{:}}")
        made = product([number(gradient), number(link.slope, first=False)])
        return Line([to, made, number(link.passes(gradient))], 2)

    def formula(self, link: Link) -> list[Both]:
        """The formula of the slope, with letters and then with numbers; [] if there is none."""
        return self._formula(link.child, link.positions)

    def _formula(self, v: Value, positions: tuple[int, ...]) -> list[Both]:
        """The formula of `v`, or of its slope at the positions; with letters, then with numbers."""
        op: Any = v.op
        if v not in self._letters:
            names = [name(self.called[u]) for u in (*v.parents, v)]
            numbers = [number(x, first=False) for x in (*v._numbers[1:], v._numbers[0])]
            self._letters[v] = names, numbers
        names, numbers = self._letters[v]
        try:
            if v not in self._formulas:
                self._formulas[v] = formulas(v)
            value, slope = self._formulas[v]
            x = total([slope(i) for i in positions]) if positions else value
            return [written(x, names), *with_numbers(x, numbers)]
        except Exception as error:  # a user's record may raise anything
            self._unwritten[clean(op.name)] = type(error).__name__
            few = ends(names[:-1], 4)
            shown = [Both("…", r"\cdots") if isinstance(p, int) else p for p in few]
            return [] if positions else [call(clean(op.name), shown)]

    def notes(self, made: Sequence[Value]) -> list[Line]:
        """What a reader must know about the formulas and numbers of these results."""
        lines = [
            sentence(f"No formula for {op}: its record cannot be evaluated on letters ({error}).")
            for op, error in self._unwritten.items()
        ]
        changed = dict.fromkeys(
            self.called[p]
            for v in made
            for p, x in zip((v, *v.parents), v._numbers, strict=True)
            if p._float != x and not (p._float != p._float and x != x)
        )
        if changed:
            few = ", ".join([*changed][:3]) + ", …" * (len(changed) > 3)
            lines.append(sentence(f"The numbers are those of the forward pass; since then changed: "
                                  f"{few}."))  # fmt: skip
        return lines

    def row(self, link: Link | int, grads: Mapping[Value, float]) -> Sequence[str]:
        """A row of the table."""
        if isinstance(link, int):
            return (f"… {link:,} more", "", "", "", "", "")
        known = link.child in grads
        formula = self.formula(link)
        return (
            clean(self.called[link.child], 21),
            clean(self.called[link.parent], 21),
            clean(formula[0].text, 18) if formula else DASH,
            short(link.slope),
            short(grads[link.child]) if known else DASH,
            short(link.passes(grads[link.child])) if known else DASH,
        )
