"""Letters: a name for each value of a graph, as in a lecture."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count, repeat
from typing import Final

from tinygrad_edu import functions
from tinygrad_edu.engine import Value
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.graph.values import is_dot

#: Activations of more than the one net input.
_ACTIVATIONS: Final = (functions.prelu.value, functions._softmax.value)
_LETTERS: Final = "abcfghkmnpqrstuvwxyz"


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
    inputs = {p for v in order if is_dot(v) for p in v.parents[len(v.parents) // 2 :]}
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
    if is_dot(v):
        return "z"
    of_one = len(v.parents) == 1 or v.op.value in _ACTIVATIONS
    return "a" if of_one and is_dot(v.parents[0]) else "v"
