"""The value level: a box for every number, and one for the operation before it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tinygrad_edu.engine import Primitive, Value
from tinygrad_edu.text import DASH, clean, short
from tinygrad_edu.view.base import operations
from tinygrad_edu.view.base.naming import Names
from tinygrad_edu.view.base.numbers import Numbers, has_grad
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
    lines: Callable[[Value], Sequence[Row | None]] = lambda v: [None] * len(v.parents)
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
            flow = float(v.flow * slope)
            return Row("gradient flowing back", short(flow), repr(flow))
        return Row("", DASH) if edges == "gradient" else None

    def lines(v: Value) -> list[Row | None]:
        if edges == "none":
            return [None] * len(v.parents)
        silent = edges == "gradient"
        return [
            None if silent and not has_grad(p) else line(v, slope)
            for p, slope in zip(v.parents, v.slopes(), strict=True)
        ]

    return Content(names, rows, lines, lambda v: line(v, 1.0))


def value_diagram(
    shown: Sequence[Value],
    content: Content,
    *,
    caption: Sequence[str] = (),
    rankdir: str = "LR",
    unfold: bool = False,
) -> tuple[Diagram, dict[Value, Box]]:
    """A diagram of the values `shown`, parents before children, the root last; their boxes."""
    writer = ValueWriter(Diagram(caption, rankdir), content, users_of(shown), unfold)
    for v in shown:
        writer.add(v, root=v is shown[-1])
    return writer.diagram, writer.boxes


def users_of(shown: Sequence[Value]) -> Counter[Value]:
    """How many of the values `shown` each value is an operand of."""
    return Counter(p for v in shown for p in set(v.parents))


@dataclass
class ValueWriter:
    """Adds values to a diagram; `boxes` has the box that each value is drawn in."""

    diagram: Diagram
    content: Content
    users: Mapping[Value, int]
    unfold: bool
    boxes: dict[Value, Box] = field(default_factory=dict)

    def add(self, v: Value, *, root: bool, within: tuple[str, ...] = ()) -> Box:
        """A value, the operation before it, and the lines to them."""
        first = len(self.diagram.boxes)
        operation = None if v.op is None else self._operation(v, v.op)
        self.boxes[v] = box = self.diagram.add(self._box(v, root))
        if operation is not None:
            self.diagram.edges.append(Edge(operation.id, box.id))
        for new in self.diagram.boxes[first:]:
            new.within = within
        return box

    def _box(self, v: Value, root: bool) -> Box:
        name, rows = self.content.names[v], self.content.rows(v)
        exact = ", ".join(f"{row.label} = {row.exact}" for row in rows if row.exact)
        is_number = v.kind == "constant" and name == rows[0].text  # which stands below
        full = clean(v.name, 1000) if v.name and name == clean(v.name) else name
        title = v.kind if is_number else f"{full} ({v.kind})"
        return Box(
            v.kind,
            label=name,
            name="" if is_number else name,
            word="" if v.kind == "result" else v.kind,
            rows=rows,
            tooltip=f"{title}: {exact}" if exact else title,
            made=v.kind if v.op is None else clean(v.op.name),
            sources=[self.boxes[p].label if p in self.boxes else "…" for p in v.parents],
            root=root,
        )

    def _operation(self, v: Value, op: Primitive) -> Box:
        """The operation that made `v`; its operands in order unless shared, which would tangle."""
        hidden = len({p for p in v.parents if p not in self.boxes})
        if hidden:
            more = self.diagram.add(Box("hidden", name=f"… {hidden:,} more"))
        letters = operations.placeholders(v, self.content.names)
        sign, bound = operations.symbol(op, len(v.parents), letters), operations.constants(op)
        operation = Box(
            "sign" if len(sign) == 1 and not bound else "function",
            name=sign,
            details=[bound] if bound else [],
            tooltip=f"operation {clean(op.name, 200)}" + (f", {bound}" if bound else ""),
            ordered=all(self.users[p] == 1 for p in v.parents),
        )
        products = self._products(v) if self.unfold and operations.is_dot(v) else {}
        if products:
            operation = Box("sign", name="Σ", tooltip="operation sum of the products and b")
        self.diagram.add(operation)
        if hidden:
            self.diagram.edges.append(Edge(more.id, operation.id, dotted=True))
        for i, (sign_box, product) in products.items():
            self.diagram.edges.append(Edge(sign_box.id, product.id))
            tooltip = f"product {i + 1} of {len(v.parents) // 2}"
            self._link(product, operation, "", self.content.sums(v), tooltip)
        self._operands(v, op, operation, products)
        return operation

    def _products(self, v: Value) -> dict[int, tuple[Box, Box]]:
        """The products of a dot that have an operand here; their gradient is that of the dot."""
        (data, *rest), (_, *operands), n = self.content.rows(v), v.numbers, len(v.parents) // 2
        products = {}
        for i, (w, x) in enumerate(zip(v.parents[:n], v.parents[n : 2 * n], strict=True)):
            if w in self.boxes or x in self.boxes:
                product = operands[i] * operands[n + i]
                rows = [data._replace(text=short(product), exact=repr(product)), *rest]
                exact = ", ".join(f"{row.label} = {row.exact}" for row in rows)
                tooltip = f"product w[{i + 1}] x[{i + 1}]: {exact}"
                products[i] = (
                    self.diagram.add(Box("sign", name="×", tooltip="operation multiply")),  # noqa: RUF001
                    self.diagram.add(Box("result", rows=rows, tooltip=tooltip)),
                )
        return products

    def _operands(
        self, v: Value, op: Primitive, operation: Box, products: Mapping[int, tuple[Box, Box]]
    ) -> None:
        """An edge from each operand; one for several values that share a box."""
        n, names = len(v.parents), self.content.names
        letters, lines = operations.placeholders(v, names), self.content.lines(v)
        roles = operations.roles(op, n)
        drawn = {p: self.boxes[p] for p in set(v.parents) if p in self.boxes}
        together = Counter(box.id for box in drawn.values())
        for i in operations.drawing_order(op, n):
            p = v.parents[i]
            role = letters[i] if roles[i] and v not in names.deltas else ""  # a unit's have places
            tail = drawn.get(p)
            if tail is None or not together[tail.id]:
                continue
            head = products[i % (n // 2)][0] if products and i < n - n % 2 else operation
            if together[tail.id] > 1:
                tooltip = f"{together.pop(tail.id):,} values"
                self.diagram.edges.append(Edge(tail.id, head.id, tooltip=tooltip))
                continue
            is_plain = n > _LABELLED_OPERANDS or names[p].endswith(role)
            tooltip = f"operand {i + 1} of {n}" + (f": {role}" if role else "")
            self._link(tail, head, "" if is_plain else role, lines[i], tooltip)

    def _link(self, tail: Box, head: Box, role: str, number: Row | None, tooltip: str) -> None:
        if number and number.exact:
            tooltip += f", {number.label} = {number.exact}"
        self.diagram.edges.append(Edge(tail.id, head.id, role, [number] if number else [], tooltip))
