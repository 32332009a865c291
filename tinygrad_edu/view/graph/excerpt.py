"""excerpt: a large graph made small enough to read, from the result back to the inputs."""

from collections.abc import Mapping, Sequence
from typing import Final

from tinygrad_edu.engine import Value, toposort
from tinygrad_edu.text import short
from tinygrad_edu.view.base.naming import variable_names
from tinygrad_edu.view.base.symbols import roles
from tinygrad_edu.view.graph import values
from tinygrad_edu.view.graph.drawing import Graph, draw
from tinygrad_edu.view.graph.select import nearest

#: Values of a graph that is drawn whole.
LARGEST: Final = 60
_FEW: Final = 5


def excerpt(
    v: Value, *, names: Mapping[str, object] | None = None, max_nodes: int = LARGEST
) -> Graph:
    """The graph of `v`, whole if it has at most `max_nodes` values, else its main strands.

    Of an operation with more than five operands the ones that weigh most are followed: of a unit
    z = w . x + b the two products w_i x_i of largest size, with the bias; of another operation the
    two operands with the largest slopes. What is left out is counted in the picture. Should even
    that be too much, one instead of two.
    """
    order = toposort(v, leaves=True)
    if len(order) <= max_nodes:
        return draw(v, names=names, max_nodes=max_nodes)
    for kept in (2, 1):
        shown = strands(order, kept)
        if len(shown) <= max_nodes:
            break
    shown = nearest(shown, max_nodes)
    called = variable_names(names or {})
    counted = f"{len(shown):,} of {len(order):,} values shown"
    root = values.name_of(v, called) or "the result"
    return Graph(
        values.dot_source(shown, called, "none", [counted], "LR"),
        title=f"Computation graph of {root}",
        description=f"{counted}; {root}: data {short(v.data)}",
        table=values.table(shown, called),
    )


def strands(order: Sequence[Value], kept: int) -> list[Value]:
    """Of a topological order what the root depends on most; `kept` operands of a wide operation."""
    shown = {order[-1]}
    for v in reversed(order):
        if v in shown:
            shown.update(_weightiest(v, kept))
    return [v for v in order if v in shown]


def _weightiest(v: Value, kept: int) -> list[Value]:
    n = len(v.parents)
    if n <= _FEW or v.op is None:
        return list(v.parents)
    if roles(v.op, n)[0] != "w[0]":
        slopes = v.local_derivatives()
        largest = sorted(range(n), key=lambda i: -abs(slopes[i]))[:kept]
        return [v.parents[i] for i in largest]
    w, x, b = v.parents[: n // 2], v.parents[n // 2 : n // 2 * 2], v.parents[n // 2 * 2 :]
    pairs = sorted(zip(w, x, strict=True), key=lambda pair: -abs(pair[0].data * pair[1].data))
    return [*(p for pair in pairs[:kept] for p in pair), *b]
