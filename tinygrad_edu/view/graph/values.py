"""The value level of a drawing: a box for every number, an ellipse for the operation before it."""

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, NamedTuple

import graphviz  # type: ignore[import-untyped]

from tinygrad_edu.engine import Primitive, Value
from tinygrad_edu.text import DASH, clean, short
from tinygrad_edu.view.base.escape import in_html, in_string, in_tooltip
from tinygrad_edu.view.base.symbols import constants, drawing_order, roles, symbol
from tinygrad_edu.view.graph import style

_LABELLED_OPERANDS: Final = 8
EDGES: Final = {
    "none": "",
    "local": "on the edges: local derivative of the operation",
    "gradient": "on the edges: gradient that flows back",
}
_MEANING: Final = {"local": "local derivative", "gradient": "gradient flowing back"}


def name_of(v: Value, names: Mapping[Value, str]) -> str:
    """The name of `v` as it is drawn: its own, else the variable's, else ""."""
    return clean(v.name or names.get(v, ""))


def has_grad(v: Value) -> bool:
    """Whether a gradient is shown for `v`: one with respect to a constant answers no question."""
    return v.kind != "constant"


def grad_of(v: Value) -> str:
    """The gradient of `v` as it is drawn, a dash until a backward pass has reached it."""
    return short(v.grad) if v.reached else DASH


class Place(NamedTuple):
    """The ids of a value: its box, its operation, what stands for operands that are not drawn.

    `products` has (operand, id of the sign, id of the box) for each product of an unfolded dot.
    """

    value: str
    operation: str = ""
    more: str = ""
    products: tuple[tuple[int, str, str], ...] = ()


def ids() -> Iterator[str]:
    """n0, n1, ..."""
    return (f"n{i}" for i in count())


def place(v: Value, drawn: Container[Value], fresh: Iterator[str], unfold: bool = False) -> Place:
    """The next ids for `v`, an operation before its result."""
    if v.op is None:
        return Place(next(fresh))
    more = next(fresh) if any(p not in drawn for p in v.parents) else ""
    products = []
    n = len(v.parents) // 2
    for i in range(n if unfold and is_dot(v) else 0):
        if v.parents[i] in drawn or v.parents[n + i] in drawn:
            products.append((i, next(fresh), next(fresh)))
    operation = next(fresh)
    return Place(next(fresh), operation, more, tuple(products))


def places(shown: Sequence[Value], unfold: bool = False) -> dict[Value, Place]:
    """The ids of the values `shown`, parents before children, as `dot_source` gives them."""
    drawn, fresh = set(shown), ids()
    return {v: place(v, drawn, fresh, unfold) for v in shown}


def is_dot(v: Value) -> bool:
    """Whether `v` is a net input w . x + b."""
    return v.op is not None and len(v.parents) > 1 and roles(v.op, len(v.parents))[0] == "w[0]"


def dot_source(
    shown: Sequence[Value],
    names: Mapping[Value, str],
    edges: str,
    caption: Sequence[str],
    rankdir: str,
    unfold: bool = False,
) -> str:
    """DOT for the values `shown`, parents before children, the root last.

    Nodes are called n0, n1, ... in this order, an operation just before its result.
    """
    graph = sheet(caption, rankdir)
    at = places(shown, unfold)
    pen = Pen(graph, {v: p.value for v, p in at.items()}, names, edges, users_of(shown))
    for v in shown:
        pen.draw(graph, v, at[v], root=v is shown[-1])
    source: str = graph.source
    return source


def sheet(caption: Sequence[str], rankdir: str) -> Any:
    """An empty drawing with the lines of its caption."""
    graph = graphviz.Digraph(
        graph_attr={"rankdir": rankdir, **style.GRAPH},
        node_attr=style.NODE,
        edge_attr=style.EDGE,
    )
    if caption:
        graph.attr(label=style.caption([in_html(line) for line in caption]))
    return graph


def users_of(shown: Sequence[Value]) -> Counter[Value]:
    """How many of the values `shown` each value is an operand of."""
    return Counter(p for v in shown for p in set(v.parents))


@dataclass
class Pen:
    """What draws values: `links` takes the edges, `ids` says where a value is drawn."""

    links: Any
    ids: Mapping[Value, str]
    names: Mapping[Value, str]
    edges: str
    users: Mapping[Value, int]

    def draw(self, graph: Any, v: Value, at: Place, *, root: bool) -> None:
        """Draw `v` and the operation before it into `graph`."""
        if v.op is not None:
            if at.more:
                hidden = len({p for p in v.parents if p not in self.ids})
                graph.node(at.more, in_string(f"… {hidden:,} more"), **style.HIDDEN)
                self.links.edge(at.more, at.operation, style="dotted")
            if at.products:
                self._products(graph, v, v.op, at)
            else:
                self._operation(graph, at.operation, v, v.op)
                heads = dict.fromkeys(range(len(v.parents)), at.operation)
                self._operands(v, v.op, heads)
        self._box(graph, at.value, v, root)
        if v.op is not None:
            self.links.edge(at.operation, at.value)

    def _box(self, graph: Any, node: str, v: Value, root: bool) -> None:
        name = name_of(v, self.names)
        rows = [("data", short(v.data)), ("grad", grad_of(v))]
        full = clean(v.name or name, 1000)
        exact = f"data = {v.data!r}, grad = {repr(v.grad) if v.reached else 'not computed'}"
        graph.node(
            node,
            style.value_label(in_html(name), v.kind, rows if has_grad(v) or root else rows[:1]),
            tooltip=in_tooltip(f"{full} ({v.kind}): {exact}" if full else f"{v.kind}: {exact}"),
            **style.KINDS[v.kind] | (style.ROOT if root else {}),
        )

    def _operation(self, graph: Any, node: str, v: Value, op: Primitive) -> None:
        """An operation, its operands in order unless they are shared, which would tangle them."""
        written, bound = symbol(op, len(v.parents)), constants(op)
        told = f"operation {clean(op.name, 200)}" + (f", {bound}" if bound else "")
        graph.node(
            node,
            in_string(written) if not bound else style.two_lines(in_html(written), in_html(bound)),
            tooltip=in_tooltip(told),
            ordering="in" if all(self.users[p] == 1 for p in v.parents) else None,
            **(style.SIGN if len(written) == 1 and not bound else style.FUNCTION),
        )

    def _operands(self, v: Value, op: Primitive, heads: Mapping[int, str]) -> None:
        """An edge from each operand to its head; one for several values that share a box."""
        n = len(v.parents)
        called, numbers = roles(op, n), edge_numbers(v, self.edges)
        together = Counter(self.ids[p] for p in set(v.parents) if p in self.ids)
        for i in drawing_order(op, n):
            tail = self.ids.get(v.parents[i], "")
            if together[tail] > 1:
                self.links.edge(tail, heads[i], tooltip=f"{together.pop(tail):,} values")
            elif together[tail]:
                hidden = n > _LABELLED_OPERANDS
                said = hidden or name_of(v.parents[i], self.names).endswith(called[i])
                told = f"operand {i + 1} of {n}" + (f": {called[i]}" if called[i] else "")
                silent = self.edges == "gradient" and not has_grad(v.parents[i])
                number = None if silent else numbers[i : i + 1]
                self._link(tail, heads[i], "" if said else called[i], number, told)

    def _link(
        self, tail: str, head: str, role: str, number: Sequence[float] | None, told: str
    ) -> None:
        """An edge; no `number` is a dash where gradients are shown, None is nothing."""
        text = DASH if self.edges == "gradient" and number is not None else ""
        if number:
            text = short(number[0])
            told += f", {_MEANING[self.edges]} = {number[0]!r}"
        self.links.edge(
            tail,
            head,
            label=style.edge_label(in_html(role), text) if role or text else None,
            tooltip=in_tooltip(told),
        )

    def _products(self, graph: Any, v: Value, op: Primitive, at: Place) -> None:
        """A dot as products and their sum; the slope of a product is that of the dot."""
        n = len(v.parents) // 2
        through = {"local": [1.0], "gradient": [v.grad] if v.reached else []}.get(self.edges, [])
        heads = dict.fromkeys(range(len(v.parents)), at.operation)
        for i, sign, box in at.products:
            heads[i] = heads[n + i] = sign
            product = v.numbers[1 + i] * v.numbers[1 + n + i]
            told = f"data = {product!r}, grad = {repr(v.grad) if v.reached else 'not computed'}"
            graph.node(sign, "\N{MULTIPLICATION SIGN}", tooltip="operation multiply", **style.SIGN)
            graph.node(
                box,
                style.value_label("", "result", [("data", short(product)), ("grad", grad_of(v))]),
                tooltip=in_tooltip(f"product w[{i}] x[{i}]: {told}"),
                **style.KINDS["result"],
            )
            self.links.edge(sign, box)
            self._link(box, at.operation, "", through, f"product {i + 1} of {n}")
        graph.node(at.operation, "Σ", tooltip="operation sum of the products and b", **style.SIGN)
        self._operands(v, op, heads)


def edge_numbers(v: Value, edges: str) -> list[float]:
    """One number per parent of `v`, its slope or slope * grad; [] where none is to be shown."""
    if edges == "local":
        return list(v.local_derivatives())
    if edges == "gradient" and v.reached:
        return [float(v.grad * slope) for slope in v.slopes()]
    return []


def table(shown: Sequence[Value], names: Mapping[Value, str]) -> str:
    """The same values as lines of text: name, how made, data, grad."""
    called = {v: name_of(v, names) or f"v{i}" for i, v in enumerate(shown)}
    rows = [("name", "made by", "data", "grad")]
    for v in shown:
        grad = grad_of(v) if has_grad(v) else ""
        rows.append((called[v], _made_by(v, called), short(v.data), grad))
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(r, widths, strict=True)) for r in rows)
    return "\n".join(line.rstrip() for line in lines)


def _made_by(v: Value, called: Mapping[Value, str]) -> str:
    if v.op is None:
        return v.kind
    operands = [called.get(p, "…") for p in v.parents[:4]] + ["…"] * (len(v.parents) > 4)
    return f"{clean(v.op.name)}({', '.join(operands)})"
