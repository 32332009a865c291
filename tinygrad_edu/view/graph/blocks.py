"""A graph cut into blocks: one for each unit or layer, and for other operations together."""

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Final, NamedTuple

from tinygrad_edu.engine import Value
from tinygrad_edu.view.base.graph_units import Unit, Units, numbered, uses

#: Of more inputs, or more operations at one place, a single block is made.
FEW: Final = 20


@dataclass(eq=False)
class Block:
    """Several values drawn as one box. `kind` is "unit", "layer", "group" or "inputs".

    `values` are the results and inputs in it, without the parameters of its units. A group that
    depends on the units and that no unit depends on has `last`.
    """

    kind: str
    name: str
    values: tuple[Value, ...]
    units: tuple[Unit, ...] = ()
    last: bool = False


Item = Block | Value


class Cut(NamedTuple):
    """What to draw.

    items    blocks and values, sources before what is made from them
    sources  what each item is made from
    at       the item of each value
    within   the clusters around an item, from outside
    """

    items: list[Item]
    sources: dict[Item, list[Item]]
    at: dict[Value, Item]
    within: dict[Item, tuple[str, ...]]


def cut(
    order: Sequence[Value],
    all_units: Units,
    example: AbstractSet[Value] | None,
    level: str,
    opened: AbstractSet[str],
) -> Cut:
    """The blocks of level "neuron" or "layer", the units and layers `opened` being shown inside.

    Of a batch the values of one `example` are given; the rest of the order is summed up at its end.
    """
    units = [u for u in all_units.units if example is None or u.z in example]
    items, within = _units(units, level, opened)
    items += _operations(order, all_units, units, example, level)
    items += _leaves(items, level)
    at: dict[Value, Item] = {}
    for item in items:
        at.update(dict.fromkeys(item.values if isinstance(item, Block) else [item], item))
    sources = {
        item: [s for s in dict.fromkeys(at[v] for v in made_from(item) if v in at) if s is not item]
        for item in items
    }
    return Cut(list(TopologicalSorter(sources).static_order()), sources, at, within)


def stands_for(shown: Iterable[Item]) -> set[Value]:
    """All values that are in a drawing of these items, by themselves or in a block."""
    values: set[Value] = set()
    for item in shown:
        if isinstance(item, Block):
            values.update(item.values, *(u.parameters for u in item.units))
            if item.kind == "group":
                values.update(p for v in item.values for p in v.parents if p.op is None)
        else:
            values.add(item)
    return values


def made_from(item: Item) -> list[Value]:
    """What the arrows to an item come from: for a unit its inputs, not its parameters."""
    if not isinstance(item, Block):
        return list(item.parents)
    if item.units:
        return [x for u in item.units for x in u.x]
    return [p for v in item.values for p in v.parents]


def layers_of(units: Iterable[Unit]) -> dict[str, list[Unit]]:
    """The units of each layer by its name, with "use 2 of 3" where it is used at several depths."""
    layers: dict[tuple[str, int], list[Unit]] = {}
    for u in units:
        layers.setdefault((u.layer, u.depth), []).append(u)
    return dict(zip(numbered([layer for layer, _ in layers]), layers.values(), strict=True))


def _units(
    units: Sequence[Unit], level: str, opened: AbstractSet[str]
) -> tuple[list[Item], dict[Item, tuple[str, ...]]]:
    """The items of the units, and the clusters around them."""
    items: list[Item] = []
    within: dict[Item, tuple[str, ...]] = {}
    names, shared = uses(units), Counter(p for u in units for p in u.parameters)
    for layer, members in layers_of(units).items():
        whole = bool({layer, members[0].layer} & opened)
        inside = {u for u in members if {u.name, names[u]} & opened}
        if level == "layer" and not whole and not inside:
            results = tuple(dict.fromkeys(v for u in members for v in (u.z, u.a)))
            items.append(Block("layer", layer, results, tuple(members)))
            continue
        around = (layer,) if level == "layer" else ()
        for u in members:
            results = (u.z,) if u.a is u.z else (u.z, u.a)
            if u in inside or (whole and level == "neuron"):
                own = [p for p in dict.fromkeys(u.parameters) if shared[p] == 1]
                within.update(dict.fromkeys([*own, *results], (*around, names[u])))
                items += results
            else:
                block = Block("unit", names[u], results, (u,))
                within[block] = around
                items.append(block)
    return items, within


def _operations(
    order: Sequence[Value],
    all_units: Units,
    units: Sequence[Unit],
    example: AbstractSet[Value] | None,
    level: str,
) -> list[Item]:
    """The operations that are no part of a unit: few by themselves, more of them in groups."""
    inner = {v for u in units for v in (u.z, u.a)}
    rest = [v for v in order if v.op is not None and v not in inner]
    outside = [] if example is None else [v for v in rest if v not in example]
    rest = [v for v in rest if example is None or v in example]
    feeding = {x for u in units for x in u.x}
    for v in reversed(rest):
        if v in feeding:
            feeding.update(v.parents)
    between: dict[int, list[Value]] = {}
    ends: list[list[Value]] = [[], []]
    for v in rest:
        depth = all_units.depth[v]
        (between.setdefault(depth, []) if v in feeding else ends[min(depth, 1)]).append(v)
    if level == "layer" and (outside or len(ends[0] + ends[1]) > 1):
        gathered = {*ends[0], *ends[1], *outside}
        ends, outside = [], [v for v in order if v in gathered]
    items: list[Item] = []
    for stage in [*between.values(), *ends]:
        leaves = {p for v in stage for p in v.parents if p.op is None}
        few = len(stage) + len(leaves) <= FEW and (level == "neuron" or len(stage) == 1)
        items += stage if few or not stage else [Block("group", "operations", tuple(stage))]
    if outside:
        items.append(Block("group", "loss", tuple(outside), last=True))
    return items


def _leaves(items: Sequence[Item], level: str) -> list[Item]:
    """The leaves to draw: of values all, of units the inputs, of other blocks their inputs."""
    values = [item for item in items if not isinstance(item, Block)]
    single = dict.fromkeys(p for v in values for p in v.parents if p.op is None)
    blocks = [block for block in items if isinstance(block, Block) and not block.last]
    inputs = dict.fromkeys(
        v
        for block in blocks
        for v in made_from(block)
        if v.op is None and (block.units or v.kind == "input") and v not in single
    )
    together = len(inputs) > (1 if level == "layer" else FEW)
    first: list[Item] = [Block("inputs", "inputs", tuple(inputs))] if together else [*inputs]
    return [*first, *single]
