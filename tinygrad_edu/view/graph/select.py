"""Which part of a graph is drawn: the nearest values, one example, what is opened."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter
from typing import Final, TypeVar

from tinygrad_edu.engine import Value
from tinygrad_edu.text import clean
from tinygrad_edu.view.base.graph_units import Unit, uses
from tinygrad_edu.view.graph.blocks import layers_of

T = TypeVar("T")
_OFFERED: Final = 12


def nearest(
    order: Sequence[T],
    count: int,
    made_from: Callable[[T], Iterable[T]] = attrgetter("parents"),
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
    opened = [expand] if isinstance(expand, str) else list(expand or [])
    if not all(isinstance(name, str) for name in opened):
        raise TypeError('expand is a name or a list of names: write expand="layer1.neuron1"')
    if opened and level == "value":
        raise ValueError(
            'level="value" shows every number, there is nothing to expand: write level="neuron"'
        )
    return frozenset(opened)


def check_opened(opened: Iterable[str], units: Sequence[Unit]) -> None:
    """Raise ValueError unless each name is that of a unit or a layer."""
    called = uses(units)
    names = [*layers_of(units), *(u.layer for u in units), *called.values()]
    names = list(dict.fromkeys([*names, *(u.name for u in units)]))
    for name in sorted(opened):
        if name not in names:
            offered = ", ".join(repr(clean(n, 60)) for n in names[:_OFFERED])
            more = f", ... ({len(names) - _OFFERED:,} more)" if len(names) > _OFFERED else ""
            raise ValueError(
                f"expand={clean(repr(name), 60)} is no unit or layer of this drawing: "
                + (f"write one of {offered}{more}" if names else "it has none")
            )
