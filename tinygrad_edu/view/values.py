"""The value level of a drawing: a box for every number, an ellipse for the operation before it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Final

import graphviz  # type: ignore[import-untyped]

from tinygrad_edu.engine import Primitive, Value
from tinygrad_edu.view import style
from tinygrad_edu.view.symbols import constants, drawing_order, roles, symbol
from tinygrad_edu.view.text import DASH, clean, in_html, in_string, in_tooltip, short

_LABELLED_OPERANDS: Final = 8
EDGES: Final = {
    "none": "",
    "local": "on the edges: local derivative of the operation",
    "gradient": "on the edges: gradient that flows back",
}


def name_of(v: Value, names: Mapping[Value, str]) -> str:
    """The name of `v` as it is drawn: its own, else the variable's, else ""."""
    return clean(v.name or names.get(v, ""))


def dot_source(
    shown: Sequence[Value], names: Mapping[Value, str], edges: str, caption: str, rankdir: str
) -> str:
    """DOT for the values `shown`, parents before children, the root last.

    Nodes are called n0, n1, ... in this order, an operation just before its result.
    """
    graph = graphviz.Digraph(
        graph_attr={"rankdir": rankdir, **style.GRAPH},
        node_attr=style.NODE,
        edge_attr=style.EDGE,
    )
    if caption:
        graph.attr(label=style.caption(in_html(caption)))
    users = Counter(p for v in shown for p in set(v.parents))
    fresh = (f"n{i}" for i in count())
    ids: dict[Value, str] = {}
    for v in shown:
        operation = None
        if v.op is not None:
            hidden = len(set(v.parents) - ids.keys())
            marker = next(fresh) if hidden else None
            operation = next(fresh)
            if marker is not None:
                graph.node(marker, in_string(f"… {hidden:,} more"), **style.HIDDEN)
                graph.edge(marker, operation, style="dotted")
            _operation(graph, operation, v, v.op, ordered=all(users[p] == 1 for p in v.parents))
            _operands(graph, operation, v, v.op, ids, names, edges)
        ids[v] = next(fresh)
        _value(graph, ids[v], v, name_of(v, names), root=v is shown[-1])
        if operation is not None:
            graph.edge(operation, ids[v])
    source: str = graph.source
    return source


def _value(graph: Any, node: str, v: Value, name: str, *, root: bool) -> None:
    grad = short(v.grad) if v.reached else DASH
    full = clean(v.name or name, 1000)
    exact = f"data = {v.data!r}, grad = {repr(v.grad) if v.reached else 'not computed'}"
    graph.node(
        node,
        style.value_label(in_html(name), v.kind, short(v.data), grad),
        tooltip=in_tooltip(f"{full} ({v.kind}): {exact}" if full else f"{v.kind}: {exact}"),
        **style.KINDS[v.kind] | (style.ROOT if root else {}),
    )


def _operation(graph: Any, node: str, v: Value, op: Primitive, *, ordered: bool) -> None:
    """An operation; `ordered` keeps its operands in order, which would tangle shared ones."""
    written, bound = symbol(op, len(v.parents)), constants(op)
    graph.node(
        node,
        in_string(written) if not bound else style.two_lines(in_html(written), in_html(bound)),
        tooltip=in_tooltip(f"operation {clean(op.name, 200)}" + (f", {bound}" if bound else "")),
        ordering="in" if ordered else None,
        **(style.SIGN if len(written) == 1 and not bound else style.FUNCTION),
    )


def _operands(
    graph: Any,
    node: str,
    v: Value,
    op: Primitive,
    ids: Mapping[Value, str],
    names: Mapping[Value, str],
    edges: str,
) -> None:
    n = len(v.parents)
    called = roles(op, n)
    numbers = edge_numbers(v, edges)
    for i in drawing_order(op, n):
        p = v.parents[i]
        if p not in ids:
            continue
        said = n > _LABELLED_OPERANDS or name_of(p, names).endswith(called[i])
        role = "" if said else called[i]
        number = short(numbers[i]) if numbers else DASH if edges == "gradient" else ""
        told = [f"operand {i + 1} of {n}" + (f": {called[i]}" if called[i] else "")]
        if numbers:
            told.append(f"{_MEANING[edges]} = {numbers[i]!r}")
        graph.edge(
            ids[p],
            node,
            label=style.edge_label(in_html(role), number) if role or number else None,
            tooltip=in_tooltip(", ".join(told)),
        )


_MEANING: Final = {"local": "local derivative", "gradient": "gradient flowing back"}


def edge_numbers(v: Value, edges: str) -> list[float]:
    """One number per parent of `v`, its slope or slope * grad; [] where none is to be shown."""
    if edges == "local":
        return list(v.local_derivatives())
    if edges == "gradient" and v.reached and v.op is not None:
        # local_derivatives() gives a plain 0.0 for a slope through which nothing flows, and that
        # times an infinite gradient would be nan.
        return [float(v.grad * slope) for slope in v.op._slopes(*v._numbers)]
    return []


def table(shown: Sequence[Value], names: Mapping[Value, str]) -> str:
    """The same values as lines of text: name, how made, data, grad."""
    called = {v: name_of(v, names) or f"v{i}" for i, v in enumerate(shown)}
    rows = [("name", "made by", "data", "grad")]
    for v in shown:
        grad = short(v.grad) if v.reached else DASH
        rows.append((called[v], _made_by(v, called), short(v.data), grad))
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(r, widths, strict=True)) for r in rows)
    return "\n".join(line.rstrip() for line in lines)


def _made_by(v: Value, called: Mapping[Value, str]) -> str:
    if v.op is None:
        return v.kind
    operands = [called.get(p, "…") for p in v.parents[:4]] + ["…"] * (len(v.parents) > 4)
    return f"{clean(v.op.name)}({', '.join(operands)})"
