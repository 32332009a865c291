"""The units in a graph: each net input with its activation, its weights and its name."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from tinygrad_edu.engine import Value, primitives
from tinygrad_edu.nn.activations import ACTIVATIONS, RECORDS
from tinygrad_edu.text import clean

_LAYER: Final = re.compile(r".*layer(\d+)")
_NUMBERED: Final = re.compile(r"(?:neuron|kernel)(\d+)")


class Place(NamedTuple):
    """Which unit: its layer, its number in the layer, its net among those with the same names."""

    layer: int
    unit: int
    net: int


_NOWHERE: Final = Place(0, 1, 1)


@dataclass(eq=False)
class Unit:
    """One evaluation of a unit: z = w . x + b, a = activation(z); without activation a is z.

    `parameters` are w, b and what the activation learns. `depth` counts the units on the longest
    way from the inputs, this one included. `name`, `layer` and `place` are the same for every
    evaluation; `place` counts from 1 and has layer 0 for a neuron alone.
    """

    z: Value
    a: Value
    w: tuple[Value, ...]
    x: tuple[Value, ...]
    b: Value | None
    parameters: tuple[Value, ...]
    depth: int
    name: str = ""
    layer: str = ""
    place: Place = _NOWHERE

    @property
    def activation(self) -> str:
        """The name of the operation, "linear" where there is none."""
        return "linear" if self.a.op is None or self.a is self.z else self.a.op.name


class Units(NamedTuple):
    """The units of a graph in its order; `depth` has 0 for what comes before the first unit."""

    units: list[Unit]
    depth: dict[Value, int]


def find_units(order: Sequence[Value]) -> Units:
    """The units of a graph, from its topological order with leaves.

    A unit is a `dot` of leaves, the weights, with anything but themselves; after other units, one
    with a parameter, a bias or an activation. It is named after its parameters: `layer1.neuron3`
    for `layer1.neuron3.w[0]`, else by place: `unit 2.1` is the first of those at depth 2.
    """
    users: dict[Value, list[Value]] = {}
    for v in order:
        for p in dict.fromkeys(v.parents):
            users.setdefault(p, []).append(v)
    depth: dict[Value, int] = {}
    units = []
    for v in order:
        if not v.parents:  # most of a large net are weights
            depth[v] = 0
            continue
        depth[v] = max(depth[p] for p in v.parents)
        unit = _unit(v, users.get(v, []), depth[v])
        if unit is not None:
            depth[v] = unit.depth
            units.append(unit)
    _name(units)
    return Units(units, depth)


def _unit(z: Value, users: Sequence[Value], before: int) -> Unit | None:
    if z.op is None or z.op.value is not primitives["dot"].value:
        return None
    n = len(z.parents) // 2
    w, x, b = z.parents[:n], z.parents[n : 2 * n], z.parents[2 * n :]
    if not _are_parameters(w) and _are_parameters(x):
        w, x = x, w
    if w == x or any(p.op is not None for p in w):
        return None
    a = _activation(z, users)
    if before and not b and a is z and not any(p.kind == "parameter" for p in w):
        return None
    learned = a.parents[1:] if a is not z and a.op is not None and _learns(a.op.name) else ()
    return Unit(z, a, w, x, b[0] if b else None, (*w, *b, *learned), before + 1)


def _are_parameters(values: Sequence[Value]) -> bool:
    return all(v.kind == "parameter" for v in values)


def _activation(z: Value, users: Sequence[Value]) -> Value:
    """The operation after z that is its activation, else z itself."""
    for v in users:
        if v.op is not None and _of_layer(v.op.name) and v.parents[int(v.op.constants["k"])] is z:
            return v
    if len(users) == 1 and users[0].op is not None and users[0].parents[0] is z:
        v, name = users[0], users[0].op.name
        single = len(v.parents) == 1 or (_learns(name) and v.parents[1].op is None)
        if single and (name in ACTIVATIONS or name not in primitives):
            return v
    return z


def _of_layer(activation: str) -> bool:
    return activation in RECORDS and RECORDS[activation].of_layer


def _learns(activation: str) -> bool:
    """Whether its second operand is a slope that the unit learns."""
    return activation in RECORDS and RECORDS[activation].alpha is not None


def _name(units: Sequence[Unit]) -> None:
    """Give each unit its name, that of its layer and its place, from its parameters or its depth.

    Other weights with the same names are those of another net: "layer1.neuron3 (2)".
    """
    nets: dict[tuple[Any, ...], dict[tuple[Value, ...], int]] = {}
    first: dict[tuple[Value, ...], tuple[str, int, int]] = {}
    for u in units:
        if u.w in first:
            continue
        prefix = _prefix(u.w)
        same_names = nets.setdefault((_module((prefix, 0, u.depth)), *[p.name for p in u.w]), {})
        net = same_names.setdefault(u.w, len(same_names) + 1)
        first[u.w] = prefix, net if prefix else 1, u.depth
    sharing = Counter(map(_module, first.values()))
    loose = len({depth for prefix, _, depth in first.values() if prefix and "." not in prefix}) > 1
    members: dict[tuple[int, str], dict[tuple[Value, ...], tuple[str, int]]] = {}
    for w, (prefix, net, depth) in first.items():
        above, _, last = prefix.rpartition(".")
        number = _NUMBERED.fullmatch(last)
        shared = prefix and sharing[_module((prefix, net, depth))] > 1
        if shared:
            above, number = prefix, None
        layer = members.setdefault((net, above or f"layer {depth}"), {})
        n = int(number[1]) if number else len(layer) + 1
        copy = f" ({net})" if net > 1 else ""
        if not prefix:
            layer[w] = f"unit {depth}.{n}", n
        else:
            stem = f"layer{depth}." * (loose and not above) + prefix + copy
            layer[w] = stem + f".unit{n}" * bool(shared), n
    alone = len(first) == 1 and not any(prefix for prefix, _, _ in first.values())
    named: dict[tuple[Value, ...], tuple[str, str, Place]] = {}
    for (net, layer_name), layer in members.items():
        copy = f" ({net})" if net > 1 else ""
        k = 0 if alone else _layer_number(layer_name, [name for n, name in members if n == net])
        for w, (name, n) in layer.items():
            named[w] = name, layer_name + copy, Place(k, n, net)
    for u in units:
        u.name, u.layer, u.place = named[u.w]


def _module(place: tuple[str, int, int]) -> tuple[str, int, int]:
    """What tells apart the modules of units from their prefix, net and depth.

    Layers that were made one by one have the same names, and differ in their depth.
    """
    prefix, net, depth = place
    return prefix, net, 0 if "." in prefix else depth


def _layer_number(name: str, layers: Sequence[str]) -> int:
    """The place of a layer among those of its net; a part of a net begins with its own number."""
    own = [int(digits[1]) if (digits := _LAYER.fullmatch(n)) else 0 for n in layers]
    start = own[0] if own == list(range(own[0], own[0] + len(own))) else 1
    return max(start, 1) + layers.index(name)


def _prefix(w: Sequence[Value]) -> str:
    """What the names of the weights have in common before their last point, else ""."""
    prefixes = {(p.name or "").rpartition(".")[0] for p in w}
    return clean(prefixes.pop(), 80) if len(prefixes) == 1 else ""


def numbered(names: Sequence[str]) -> list[str]:
    """The names, with "use 2 of 9" after one that stands there nine times."""
    total = Counter(names)
    seen: Counter[str] = Counter()
    labels = []
    for name in names:
        seen[name] += 1
        n = total[name]
        labels.append(name if n == 1 else f"{name}, use {seen[name]} of {n:,}")
    return labels


def uses(units: Sequence[Unit]) -> Mapping[Unit, str]:
    """What each evaluation is called: the name of its unit, and which use it is of several."""
    return dict(zip(units, numbered([u.name for u in units]), strict=True))
