"""The value level: a box for every number, and one for the operation before it."""

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, NamedTuple

from tinygrad_edu.engine import Primitive, Value
from tinygrad_edu.text import DASH, clean, short
from tinygrad_edu.view.base.naming import Names
from tinygrad_edu.view.base.numbers import Numbers, has_grad
from tinygrad_edu.view.base.symbols import constants, drawing_order, is_dot, roles, symbol
from tinygrad_edu.view.graph.diagram import Box, Diagram, Edge, Row

_LABELLED_OPERANDS: Final = 8
EDGES: Final = {
    "none": "",
    "local": "on the edges: local derivative of the operation",
    "gradient": "on the edges: gradient that flows back",
}


class Content(NamedTuple):
    """What boxes and lines of values say.

    names  the name of each value
    rows   the numbers in its box
    lines  what stands on the line from each operand of a result
    sums   what stands on the lines from the products of an unfolded dot to their sum
    """

    names: Names
    rows: Callable[[Value], Sequence[Row]]
    lines: Callable[[Value], Sequence[Row | None]]
    sums: Callable[[Value], Row | None] = lambda v: None


def content_of(names: Names, numbers: Numbers, edges: str = "none") -> Content:
    """The numbers of the forward pass with their gradients, and `edges` on the lines."""

    def rows(v: Value) -> list[Row]:
        grad = numbers.grad(v)
        exact = "not computed" if grad is None else repr(grad)
        data = Row("data", short(numbers.data[v]), repr(numbers.data[v]))
        shown = has_grad(v) or v is numbers.root
        return [data, *[Row("grad", numbers.grad_text(v), exact)] * shown]

    def line(v: Value, slope: float) -> Row | None:
        grad = numbers.grad(v)
        if edges == "local":
            return Row("local derivative", short(slope), repr(float(slope)))
        if edges == "gradient" and grad is not None:
            flow = float(grad * slope)
            return Row("gradient flowing back", short(flow), repr(flow))
        return Row("", DASH) if edges == "gradient" else None

    def lines(v: Value) -> list[Row | None]:
        # the slopes as the record gave them: along a `no_flow` an infinite gradient gives 0
        silent = edges == "gradient"
        return [
            None if silent and not has_grad(p) else line(v, slope)
            for p, slope in zip(v.parents, v.slopes(), strict=True)
        ]

    return Content(names, rows, lines, lambda v: line(v, 1.0))


class NodeIds(NamedTuple):
    """The ids of a value: its box, its operation, what stands for operands that are not drawn.

    `products` has (operand, id of the sign, id of the box) for each product of an unfolded dot.
    """

    value: str
    operation: str = ""
    hidden: str = ""
    products: tuple[tuple[int, str, str], ...] = ()


def fresh_ids() -> Iterator[str]:
    """n0, n1, ..."""
    return (f"n{i}" for i in count())


def ids_of(v: Value, drawn: Container[Value], fresh: Iterator[str], unfold: bool) -> NodeIds:
    """The next ids for `v`, an operation before its result."""
    if v.op is None:
        return NodeIds(next(fresh))
    hidden = next(fresh) if any(p not in drawn for p in v.parents) else ""
    products = []
    n = len(v.parents) // 2
    for i in range(n if unfold and is_dot(v) else 0):
        if v.parents[i] in drawn or v.parents[n + i] in drawn:
            products.append((i, next(fresh), next(fresh)))
    operation = next(fresh)
    return NodeIds(next(fresh), operation, hidden, tuple(products))


def node_ids(shown: Sequence[Value], unfold: bool = False) -> dict[Value, NodeIds]:
    """The ids of the values `shown`, parents before children, as in `value_diagram`."""
    drawn, fresh = set(shown), fresh_ids()
    return {v: ids_of(v, drawn, fresh, unfold) for v in shown}


def value_diagram(
    shown: Sequence[Value],
    content: Content,
    *,
    caption: Sequence[str] = (),
    rankdir: str = "LR",
    unfold: bool = False,
) -> Diagram:
    """A diagram of the values `shown`, parents before children, the root last."""
    diagram = Diagram(caption=caption, rankdir=rankdir)
    ids = node_ids(shown, unfold)
    boxes = {v: node.value for v, node in ids.items()}
    labels = {v: content.names[v] for v in shown}
    writer = ValueWriter(diagram, boxes, labels, content, users_of(shown))
    for v in shown:
        writer.add(v, ids[v], root=v is shown[-1])
    return diagram


def users_of(shown: Sequence[Value]) -> Counter[Value]:
    """How many of the values `shown` each value is an operand of."""
    return Counter(p for v in shown for p in set(v.parents))


@dataclass
class ValueWriter:
    """Adds values to a diagram: `ids` and `labels` say where each is drawn, and its name there."""

    diagram: Diagram
    ids: Mapping[Value, str]
    labels: Mapping[Value, str]
    content: Content
    users: Mapping[Value, int]

    def add(self, v: Value, ids: NodeIds, *, root: bool, within: tuple[str, ...] = ()) -> None:
        """A value, the operation before it, and the lines to them."""
        first = len(self.diagram.boxes)
        if v.op is not None:
            if ids.hidden:
                hidden = len({p for p in v.parents if p not in self.ids})
                self.diagram.boxes.append(Box(ids.hidden, "hidden", name=f"… {hidden:,} more"))
                self.diagram.edges.append(Edge(ids.hidden, ids.operation, dotted=True))
            heads = dict.fromkeys(range(len(v.parents)), ids.operation)
            if ids.products:
                heads |= self._products(v, ids)
                tooltip = "operation sum of the products and b"
                box = Box(ids.operation, "sign", name="Σ", tooltip=tooltip)
            else:
                box = self._operation(v, v.op, ids.operation)
            self.diagram.boxes.append(box)
            self._operands(v, v.op, heads)
            self.diagram.edges.append(Edge(ids.operation, ids.value))
        self.diagram.boxes.append(self._box(v, ids.value, root))
        for box in self.diagram.boxes[first:]:
            box.within = within

    def _box(self, v: Value, node: str, root: bool) -> Box:
        name, rows = self.content.names[v], self.content.rows(v)
        if v.kind == "constant" and name == short(v.data):
            name = ""  # its number stands below
        full = clean(v.name, 1000) if v.name and name == clean(v.name) else name
        exact = ", ".join(f"{row.label} = {row.exact}" for row in rows if row.exact)
        title = f"{full} ({v.kind})" if full else v.kind
        return Box(
            node,
            v.kind,
            label=self.labels[v],
            name=name,
            word="" if v.kind == "result" else v.kind,
            rows=rows,
            tooltip=f"{title}: {exact}" if exact else title,
            made=v.kind if v.op is None else clean(v.op.name),
            sources=[self.labels.get(p, "…") for p in v.parents],
            root=root,
        )

    def _operation(self, v: Value, op: Primitive, node: str) -> Box:
        """An operation, its operands in order unless they are shared, which would tangle them."""
        sign, bound = symbol(op, len(v.parents)), constants(op)
        return Box(
            node,
            "sign" if len(sign) == 1 and not bound else "function",
            name=sign,
            details=[bound] if bound else [],
            tooltip=f"operation {clean(op.name, 200)}" + (f", {bound}" if bound else ""),
            ordered=all(self.users[p] == 1 for p in v.parents),
        )

    def _operands(self, v: Value, op: Primitive, heads: Mapping[int, str]) -> None:
        """An edge from each operand to its head; one for several values that share a box."""
        n = len(v.parents)
        names, lines = roles(op, n), self.content.lines(v)
        if v in self.content.names.deltas:  # a unit, whose operands are named by their places
            names = [""] * n
        together = Counter(self.ids[p] for p in set(v.parents) if p in self.ids)
        for i in drawing_order(op, n):
            p, name = v.parents[i], names[i]
            tail = self.ids.get(p, "")
            if together[tail] > 1:
                tooltip = f"{together.pop(tail):,} values"
                self.diagram.edges.append(Edge(tail, heads[i], tooltip=tooltip))
            elif together[tail]:
                known = n > _LABELLED_OPERANDS or self.content.names[p].endswith(name)
                operand = f"operand {i + 1} of {n}" + (f": {name}" if name else "")
                self._link(tail, heads[i], "" if known else name, lines[i], operand)

    def _link(self, tail: str, head: str, role: str, number: Row | None, tooltip: str) -> None:
        if number is not None and number.exact:
            tooltip += f", {number.label} = {number.exact}"
        self.diagram.edges.append(Edge(tail, head, role, number, tooltip))

    def _products(self, v: Value, ids: NodeIds) -> dict[int, str]:
        """A dot as products and their sum; the slope of a product is that of the dot.

        Gives the heads of the operands of these products.
        """
        n = len(v.parents) // 2
        heads = {}
        data, *rest = self.content.rows(v)
        _, *operands = v.numbers
        for i, sign, box in ids.products:
            heads[i] = heads[n + i] = sign
            product = operands[i] * operands[n + i]
            rows = [data._replace(text=short(product), exact=repr(product)), *rest]
            exact = ", ".join(f"{row.label} = {row.exact}" for row in rows)
            self.diagram.boxes += [
                Box(sign, "sign", name="\N{MULTIPLICATION SIGN}", tooltip="operation multiply"),
                Box(box, "result", rows=rows, tooltip=f"product w[{i + 1}] x[{i + 1}]: {exact}"),
            ]
            self.diagram.edges.append(Edge(sign, box))
            self._link(box, ids.operation, "", self.content.sums(v), f"product {i + 1} of {n}")
        return heads
