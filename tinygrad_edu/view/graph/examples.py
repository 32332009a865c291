"""The examples of a batch loss: which nodes of its graph belong to which example."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tinygrad_edu.engine import Value
from tinygrad_edu.view.base.graph_units import Unit, Units

_SUMS: Final = {"add", "subtract", "negative", "sum", "mean"}


def examples_of(order: Sequence[Value], found: Units) -> list[set[Value]]:
    """For each example the nodes between its inputs and its term of the loss; [] for no batch.

    A batch loss adds up terms. Terms that share an evaluation of a unit or an input belong to one
    example, and every example uses the same units.
    """
    units = {u.z: u for u in found.units}
    data = _inputs(found.units)
    terms = _terms(order[-1], found)
    owner = {term: i for i, term in enumerate(terms)}
    joined = list(range(len(terms)))

    def first(i: int) -> int:
        while joined[i] != i:
            joined[i] = i = joined[joined[i]]
        return i

    for v in reversed(order):
        if v in owner:
            for p in v.parents:
                if p in data or found.depth[p]:
                    i, j = first(owner[v]), first(owner.setdefault(p, owner[v]))
                    joined[max(i, j)] = min(i, j)
    members: dict[int, set[Value]] = {first(i): set() for i in range(len(terms))}
    for v, i in owner.items():
        members[first(i)].add(v)
    examples = list(members.values())
    used = [{units[v].w for v in example if v in units} for example in examples]
    if len(examples) < 2 or any(other != used[0] for other in used):
        return []
    _add_sums(order, examples, found.depth)
    return examples


def _terms(root: Value, found: Units) -> list[Value]:
    """What the root adds up, from left to right, as far as it depends on a unit."""
    inside = {v for u in found.units for v in (u.z, u.a)}
    terms, stack, seen = [], [root], {root}
    while stack:
        v = stack.pop()
        carrying = [p for p in v.parents if found.depth[p]]
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
    return {
        x
        for x, by_unit in places.items()
        if not any(len(at) > 1 and len(set(at)) == 1 for at in by_unit.values())
    }


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
