"""Which part of a graph is drawn: the nearest values, main strands, one example, what is opened."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter
from typing import Any, Final, TypeVar

from tinygrad_edu.checks import listed
from tinygrad_edu.engine import Value
from tinygrad_edu.text import clean
from tinygrad_edu.view.base.graph_units import Unit, Units, uses
from tinygrad_edu.view.base.operations import is_dot
from tinygrad_edu.view.graph.blocks import layers_of

T = TypeVar("T")
#: Values of a graph that is drawn whole where main strands would do.
LARGEST: Final = 60
_OFFERED: Final = 12
_FEW: Final = 5
_SUMS: Final = {"add", "subtract", "negative", "sum", "mean"}


def nearest(
    order: Sequence[T], count: int, made_from: Callable[[T], Iterable[T]] = attrgetter("parents")
) -> list[T]:
    """The `count` items of a topological order that are nearest to its last, in the same order."""
    if len(order) <= count:
        return list(order)
    steps = {order[-1]: 0}
    for item in reversed(order):
        for source in made_from(item):
            steps[source] = min(steps.get(source, len(order)), steps[item] + 1)
    kept = set(sorted(order, key=steps.__getitem__)[:count])
    return [item for item in order if item in kept]


def main_strands(order: Sequence[Value], most: int) -> list[Value]:
    """A topological order, whole if it has at most `most` values, else its main strands.

    Of an operation with more than five operands the ones that weigh most are followed: of a unit
    z = w . x + b the two products w_i x_i of largest size, with the bias; of another operation the
    two operands with the largest slopes. Should even that be too much, one instead of two.
    """
    if len(order) <= most:
        return list(order)
    for kept in (2, 1):
        shown = {order[-1]}
        for v in reversed(order):
            if v in shown:
                shown.update(_weightiest(v, kept))
        if len(shown) <= most:
            break
    return nearest([v for v in order if v in shown], most)


def _weightiest(v: Value, kept: int) -> list[Value]:
    n = len(v.parents)
    if n <= _FEW or v.op is None:
        return list(v.parents)
    if not is_dot(v):
        slopes = v.local_derivatives()
        largest = sorted(range(n), key=lambda i: -abs(slopes[i]))[:kept]
        return [v.parents[i] for i in largest]
    half, (_, *x) = n // 2, v.numbers
    largest = sorted(range(half), key=lambda i: -abs(x[i] * x[half + i]))[:kept]
    pairs = [p for i in largest for p in (v.parents[i], v.parents[half + i])]
    return [*pairs, *v.parents[2 * half :]]


def examples_of(order: Sequence[Value], units_of_all: Units) -> list[set[Value]]:
    """For each example the nodes between its inputs and its term of the loss; [] for no batch.

    A batch loss adds up terms. Terms that share an evaluation of a unit or an input belong to one
    example, and every example uses the same units.
    """
    units = {u.z: u for u in units_of_all.units}
    data = _inputs(units_of_all.units)
    terms = _terms(order[-1], units_of_all)
    owner = {term: i for i, term in enumerate(terms)}
    joined = list(range(len(terms)))

    def first(i: int) -> int:
        while joined[i] != i:
            joined[i] = i = joined[joined[i]]
        return i

    for v in reversed(order):
        if v in owner:
            for p in v.parents:
                if p in data or units_of_all.depth[p]:
                    i, j = first(owner[v]), first(owner.setdefault(p, owner[v]))
                    joined[max(i, j)] = min(i, j)
    members: dict[int, set[Value]] = {first(i): set() for i in range(len(terms))}
    for v, i in owner.items():
        members[first(i)].add(v)
    examples = list(members.values())
    used = [{units[v].w for v in example if v in units} for example in examples]
    if len(examples) < 2 or any(other != used[0] for other in used):
        return []
    _add_sums(order, examples, units_of_all.depth)
    return examples


def _terms(root: Value, units_of_all: Units) -> list[Value]:
    """What the root adds up, from left to right, as far as it depends on a unit."""
    inside = {v for u in units_of_all.units for v in (u.z, u.a)}
    terms, stack, seen = [], [root], {root}
    while stack:
        v = stack.pop()
        carrying = [p for p in v.parents if units_of_all.depth[p]]
        if v in inside or not _adds_up(v, carrying):
            terms.append(v)
            continue
        new = [p for p in dict.fromkeys(reversed(carrying)) if p not in seen]
        seen.update(new)
        stack += new
    return terms


def _adds_up(v: Value, carrying: Sequence[Value]) -> bool:
    """Whether `v` is a sum of what depends on a unit, each with a factor that does not."""
    name = "" if v.op is None else v.op.name
    if name in ("multiply", "divide"):
        return len(carrying) == 1 and (name == "multiply" or carrying[0] is v.parents[0])
    return name in _SUMS


def _inputs(units: Iterable[Unit]) -> set[Value]:
    """What units take from outside and tells examples apart.

    Not what several evaluations of a unit take at the same place, such as an x0 = 1 for the bias.
    """
    places: dict[Value, dict[tuple[Value, ...], list[int]]] = {}
    for u in units:
        for k, x in enumerate(u.x):
            if x.kind != "parameter":
                places.setdefault(x, {}).setdefault(u.w, []).append(k)
    same = {x for x, by_unit in places.items() if any(map(_is_repeated, by_unit.values()))}
    return {*places} - same


def _is_repeated(places: Sequence[int]) -> bool:
    return len(places) > 1 and len({*places}) == 1


def _add_sums(
    order: Sequence[Value], examples: Sequence[set[Value]], depth: Mapping[Value, int]
) -> None:
    """Give each example the sums of nothing but its own terms."""
    owner = {v: i for i, example in enumerate(examples) for v in example}
    for v in order:
        if v not in owner and depth[v]:
            owners = {owner.get(p, -1) for p in v.parents if depth[p]}
            owner[v] = owners.pop() if len(owners) == 1 else -1
            if owner[v] >= 0:
                examples[owner[v]].add(v)


def one_of_several(example: int | None, count: int) -> int:
    """The example to draw, the first unless given. Raises ValueError if there is no such."""
    if example is None:
        return 0
    if isinstance(example, bool) or not isinstance(example, int) or not 0 <= example < count:
        there = f"{count:,} examples, 0 to {count - 1}" if count > 1 else "one example: write 0"
        raise ValueError(f"example={clean(repr(example), 40)} is not there: the graph has {there}")
    return example


def with_sources(order: Sequence[Value], example: AbstractSet[Value]) -> set[Value]:
    """The values of an example and all that they were made from."""
    kept = set(example)
    for v in reversed(order):
        if v in kept:
            kept.update(v.parents)
    return kept


def way_to_root(order: Sequence[Value], example: AbstractSet[Value]) -> list[Value]:
    """The values of an example, what they were made from, and what was made from them."""
    after = set(example)
    for v in order:
        if not after.isdisjoint(v.parents):
            after.add(v)
    kept = with_sources(order, example) | after
    return [v for v in order if v in kept]


def names_to_open(expand: str | Iterable[str] | None, level: str) -> frozenset[str]:
    """The units and layers that `expand` names. Raises TypeError, ValueError at level "value"."""
    opened: Any = [expand] if isinstance(expand, str) else [] if expand is None else expand
    opened = listed("expand", opened, "names", str, 'write expand="layer1.neuron1"')
    if opened and level == "value":
        raise ValueError(
            'level="value" shows every number, there is nothing to expand: write level="neuron"'
        )
    return frozenset(clean(name, 100) for name in opened)


def check_opened(opened: Iterable[str], units: Sequence[Unit]) -> None:
    """Raise ValueError unless each name is that of a unit or a layer."""
    evaluations = uses(units)
    names = [*layers_of(units), *(u.layer for u in units), *evaluations.values()]
    names = list(dict.fromkeys([*names, *(u.name for u in units)]))
    for name in sorted({*opened} - {*names}):
        offered = ", ".join(repr(clean(n, 60)) for n in names[:_OFFERED])
        more = f", ... ({len(names) - _OFFERED:,} more)" if len(names) > _OFFERED else ""
        remedy = f"write one of {offered}{more}" if names else "it has none"
        what = f"expand={clean(repr(name), 60)} is no unit or layer of this drawing"
        raise ValueError(f"{what}: {remedy}")
