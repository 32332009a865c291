"""One name for each number of a graph, the same in every view.

A name that the user gave wins. Else a number is named by its place in the net, in the notation of
the lecture or in that of the code, as a table of CONTRIBUTING.md has them: z1[2] or
layer1.neuron2.z; layers, units, weights and inputs count from 1. The learned slope of a prelu is
alpha1[2]; what stands beside the net is y, L, v1, v2, .... A neuron alone has w1, w2, b, z, a. The
second use of a unit, on another row or at another step, has z1[2]#2, its inputs x1#2; a second net
with the same names w1[2,3](2). Constants are their number.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Any, Final

from tinygrad_edu.checks import instance, one_of
from tinygrad_edu.engine import Value
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.base.graph_units import Unit, Units, find_units
from tinygrad_edu.view.base.operations import built_in_name

NOTATIONS: Final = ("lecture", "code")

_LETTERS: Final = "abcfghkmnpqrstuvwxyz"
#: The names that Modules give to the parameters of a unit, and those that tell its layer too.
_PARAMETER: Final = re.compile(r"(?:w\[\d+\]|b|alpha)")
_UNIT: Final = re.compile(r"(?:.*?(\d+)\.)?(?:neuron|kernel)(\d+)\.(w|b|alpha)(?:\[(\d+)\])?")


class Names(dict[Value, str]):
    """The name of each value of a graph as text.

    `units` are the units of the graph, `deltas` the names of their deltas by net input z.
    """

    def __init__(
        self, names: Mapping[Value, str], units: Units, deltas: Mapping[Value, str]
    ) -> None:
        super().__init__(names)
        self.units, self.deltas = units, deltas


def names_of(
    order: Sequence[Value], given: Mapping[Value, str] | None = None, *, notation: str = "lecture"
) -> Names:
    """A name of its own for each value of a topological order with leaves, the root last.

    `given` are names for values without one, as `variable_names` finds them.
    """
    one_of("notation", notation, NOTATIONS)
    units, root = find_units(order), order[-1]
    places = _by_place(units.units, notation)
    before = _before(order, units.units) if units.units else None
    names: dict[Value, str] = {}
    taken: set[str] = set()
    repeats: dict[str, Iterator[str]] = {}

    def take(v: Value, tries: str | Iterator[str]) -> None:
        if isinstance(tries, str):
            tries = repeats.setdefault(tries, _numbered(tries))
        names[v] = name = next(name for name in tries if name not in taken)
        taken.add(name)

    for v in order:
        own = "" if _is_of_module(v, places) else v.name or (given or {}).get(v)
        if own:
            take(v, clean(own))
    read = {p: x for v in order for p, x in zip(v.parents, v.numbers[1:], strict=True)}
    for v in order:
        if v in names:
            continue
        if v.kind == "constant":
            names[v] = short(read.get(v, v.data))
        elif v in places:
            take(v, places[v])
        elif v.kind == "parameter" and v.name:
            take(v, _of_module(v.name, notation))
    rest = {v: _kind(v, root, before) for v in order if v not in names}
    learns = any(v.kind == "parameter" for v in order)
    single = sum(kind == "target" for kind in rest.values()) == 1
    streams = {
        "root": chain(["L", "y"] if learns else ["y", "L"], _stream("y")),
        "target": _numbered("y") if single else _stream("y"),
        "leaf": chain(_LETTERS, _stream("x")),
        "input": _stream("x"),
        "mask": _stream("m"),
        "result": _stream("v"),
    }
    for v in sorted(rest, key=lambda v: v is not root):
        take(v, streams[rest[v]])
    deltas = {
        u.z: _name("delta", u, use, notation)
        if names[u.z] == places[u.z]
        else f"delta({names[u.z]})"
        for u, use in _uses(units.units)
    }
    return Names({v: names[v] for v in order}, units, deltas)


def _kind(v: Value, root: Value, before: Container[Value] | None) -> str:
    """What a value without a place is to the net, of whose units it is before some, or to none."""
    if v is root or v.op is not None:
        return "root" if v is root else "result"
    if before is None:
        return "leaf"
    if type(v) is not Value:  # drawn at random, as the mask of a dropout
        return "mask"
    return "input" if v in before else "target"


def _stream(letter: str) -> Iterator[str]:
    return map(f"{letter}{{}}".format, count(1))


def _numbered(name: str) -> Iterator[str]:
    """The name, then name#2, name#3, ... for others that would have it too."""
    return chain([name], (f"{name}#{k}" for k in count(2)))


def _uses(units: Sequence[Unit]) -> Iterator[tuple[Unit, int]]:
    """Each evaluation of a unit, and which one of that unit it is, from 1."""
    seen: Counter[tuple[Value, ...]] = Counter()
    for u in units:
        seen[u.w] += 1
        yield u, seen[u.w]


def _name(letter: str, u: Unit, use: int, notation: str, index: int | None = None) -> str:
    """The name of a quantity of a unit, by its place in the net."""
    layer, unit, net = u.place
    if not layer:
        inside = "" if index is None else f"[{index}]" if notation == "code" else str(index)
        name = f"{letter}{inside}"
    elif notation == "code":
        name = f"{u.name}.{letter}" + ("" if index is None else f"[{index}]")
    else:
        inside = f"{unit}" if index is None else f"{unit},{index}"
        name = f"{letter}{layer}[{inside}]" + (f"({net})" if net > 1 else "")
    return name + (f"#{use}" if use > 1 else "")


def _before(order: Sequence[Value], units: Sequence[Unit]) -> set[Value]:
    """What the net inputs of the units were made from."""
    before: set[Value] = set()
    nets = {u.z for u in units}
    for v in reversed(order):
        if v.parents and (v in nets or v in before):
            before.update(v.parents)
    return before


def _by_place(units: Sequence[Unit], notation: str) -> dict[Value, str]:
    """The names of what belongs to a unit: its parameters, inputs from outside, z and a."""
    names: dict[Value, str] = {}
    row, last = 1, 0  # of the inputs
    used: set[tuple[Value, ...]] = set()
    for u, use in _uses(units):
        n = len(u.w)
        letters = ["b"] * (u.b is not None) + ["alpha"]
        for k, p in enumerate(u.parameters):
            letter, index = ("w", k + 1) if k < n else (letters[k - n], None)
            names.setdefault(p, _name(letter, u, 1, notation, index))
        inputs = [x for x in u.x if x.kind == "input"]
        if u.w in used and inputs and names.keys().isdisjoint(inputs):
            row, last = row + 1, 0  # the same unit on other numbers
        used.add(u.w)
        at_start = last == 0
        for k, x in enumerate(u.x, 1):
            if x.kind == "input" and x not in names:
                last = k if at_start else last + 1
                names[x] = f"x{last}" + (f"#{row}" if row > 1 else "")
        names[u.z] = _name("z", u, use, notation)
        if u.a is not u.z:
            names[u.a] = _name("a", u, use, notation)
    return names


def _is_of_module(v: Value, places: Mapping[Value, str]) -> bool:
    """Whether the name of `v` is that which a Module gave to a parameter."""
    if v.kind != "parameter" or not v.name:
        return False
    if v not in places or _PARAMETER.fullmatch(v.name) is None:
        return "." in v.name
    return places[v].rpartition(".")[2].startswith(v.name.partition("[")[0])


def _of_module(name: str, notation: str) -> str:
    """The name of a parameter outside of all units, by its name alone: it counts from 0."""
    unit = _UNIT.fullmatch(name)
    if unit is None or notation == "code":
        return re.sub(r"\[(\d+)\]", lambda index: f"[{int(index[1]) + 1}]", clean(name))
    layer, number, letter, index = unit[1] or "1", unit[2], unit[3], unit[4]
    return f"{letter}{layer}[{number}" + (f",{int(index) + 1}]" if index else "]")


def share_names(names: Mapping[Value, str], z: Sequence[Value]) -> list[str]:
    """The shares of these operands in their softmax: as the graph calls them, else p1, p2, ...

    Those of a second list of operands are p1#2, p2#2, ....
    """
    own: dict[int, str] = {}
    lists: dict[tuple[Value, ...], None] = {}
    for v, name in names.items():
        operation = built_in_name(v.op) if v.op else ""
        if operation in ("softmax", "log_softmax", "cross_entropy"):
            lists.setdefault(v.parents[operation == "cross_entropy" :])
        if operation == "softmax" and v.op and v.parents == tuple(z):
            own[int(v.op.constants["k"])] = name
    use = f"#{n}" if (n := [*lists].index(tuple(z)) + 1) > 1 else ""
    streams = ([f"{c}{k}{use}" for k in range(1, len(z) + 1)] for c in "pqrstuv")
    shares = next(filter({*names.values()}.isdisjoint, streams), list(map(str, z)))
    return [own.get(k, share) for k, share in enumerate(shares)]


def variable_names(names: Mapping[str, object] | None) -> dict[Value, str]:
    """Value -> variable name, from a mapping of names to Values and (nested) lists of them."""
    if names is None:
        return {}
    labels: dict[Value, str] = {}
    kind = "a mapping of texts to Values, as locals() is"
    for name, x in instance("names", names, Mapping, kind, 'write names={"x": x}').items():
        if not str(name).startswith("_"):
            for v, variable in _named(str(name), x, depth=3):
                labels.setdefault(v, variable)
    return labels


def _named(name: str, x: Any, depth: int) -> Iterable[tuple[Value, str]]:
    if isinstance(x, Value):
        yield x, name
    elif isinstance(x, (list, tuple)) and depth:
        for i, element in enumerate(x):
            yield from _named(f"{name}[{i}]", element, depth - 1)
