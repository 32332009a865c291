"""The value level: a box for every number, the operation in it; a box for every unit of a layer."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from tinygrad_edu.engine import Primitive, Value
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.base import operations
from tinygrad_edu.view.base.graph_units import Unit
from tinygrad_edu.view.base.naming import Names
from tinygrad_edu.view.base.numbers import UNKNOWN, Numbers, has_grad
from tinygrad_edu.view.graph.blocks import layers_of
from tinygrad_edu.view.graph.diagram import Box, Diagram, Edge, Frame, Number, title_of

_LABELLED_OPERANDS: Final = 8
#: What stands on the lines, as the caption says it.
EDGES: Final = {
    "none": "",
    "local": "Lines: local derivative; a line without one has 1.",
    "gradient": "Lines: gradient that flows back.",
}
#: Operations that pass on what they get: no number of theirs stands on a line.
_PASSING: Final = ("add", "sum", "subtract")


class Content(NamedTuple):
    """What boxes and lines of values say.

    names    the name of each value
    numbers  those in its box
    lines    what stands on the line from each operand of a result
    sums     what stands on the lines from the products of an unfolded dot to their sum
    shade    how strong the colour of a sign is that its ground has, from -1 to 1
    """

    names: Names
    numbers: Callable[[Value], Sequence[Number]]
    lines: Callable[[Value], Sequence[Number | None]] = lambda v: [None] * len(v.parents)
    sums: Callable[[Value], Number | None] = lambda v: None
    shade: Callable[[Value], float] = lambda v: 0.0


def content_of(names: Names, numbers: Numbers, edges: str = "none") -> Content:
    """The numbers of the forward pass with their gradients, and `edges` on the lines."""

    def both(v: Value) -> list[Number]:
        shown = has_grad(v) or v is numbers.root
        grad = Number("grad", numbers.grad(v), back=True)
        return [Number("data", numbers.data[v]), *[grad] * shown]

    def line(v: Value, slope: float) -> Number | None:
        if edges == "local":
            return Number("local derivative", float(slope), sign="\N{MULTIPLICATION SIGN}")
        flow = None if numbers.grad(v) is None else float(v.flow * slope)
        return Number("gradient flowing back", flow, back=True) if edges == "gradient" else None

    def lines(v: Value) -> list[Number | None]:
        if edges == "none":
            return [None] * len(v.parents)
        silent = edges == "gradient"
        return [
            None if silent and not has_grad(p) else line(v, slope)
            for p, slope in zip(v.parents, v.slopes(), strict=True)
        ]

    return Content(names, both, lines, lambda v: line(v, 1.0))


def value_diagram(
    shown: Sequence[Value],
    content: Content,
    *,
    rankdir: str = "LR",
    unfold: bool = False,
    units: Sequence[Unit] = (),
) -> tuple[Diagram, dict[Value, Box]]:
    """A diagram of the values `shown`, parents before children, the root last; their boxes.

    What belongs to one of these `units` stands in the box of the unit, its weights on their lines.
    """
    writer = _Writer(shown, content, unfold)
    diagram = writer.diagram
    diagram.rankdir = rankdir
    for u in units:
        writer.fold(u)
    bands = {}
    for layer, members in layers_of(units).items() if rankdir in ("LR", "RL") else ():
        activations = {u.activation for u in members}
        words = ", ".join(sorted(activations - {"linear"})) or "linear"
        for u in members:  # what many units share has lines to all of them, through a band
            if u.place.layer and writer.chips.get(u.z):
                bands[u.z] = Frame(title_of(layer), clean(words))
    for v in shown:
        writer.add(v, bands.get(v))
    diagram.columns = list(writer.columns.values())
    diagram.flowing = bool(diagram.columns)
    return diagram, writer.boxes


def value_legend(diagram: Diagram, root: str) -> str:
    """What the numbers of a diagram of values are; "" as the name of the root tells none."""
    back = [x.value for box in diagram.values() for x in box.numbers if x.back]
    if not back:
        return ""
    rows = any(box.rows for box in diagram.boxes)
    chips = " (chips: below it)" if any(box.kind == "chip" for box in diagram.boxes) else ""
    place = f"beside it{chips}" if rows else "below it"
    grad = f" d{root}/d(value)" if root else ""
    unit = " z\u00a0=\u00a0Σ\u00a0w\u00a0x\u00a0+\u00a0b, grey: parameters." if rows else ""
    known = any(x is not None for x in back)
    told = ", blue positive, orange negative" if known else f": {UNKNOWN} before a backward pass"
    return f"Boxes: value, {place} its gradient{grad}{told}.{unit}"


class _Writer:
    """Adds values to a diagram.

    boxes    the box that each value is drawn in
    users    how many of the values that are shown each is an operand of
    rows     by net input the values in the box of the unit: b, z, a
    chips    by net input the weights that stand on the lines of the unit
    unit_of  the unit of each of these values
    columns  the ids of what stands on the lines of each layer
    """

    def __init__(self, shown: Sequence[Value], content: Content, unfold: bool) -> None:
        self.diagram, self.content, self.unfold = Diagram(), content, unfold
        self.root, self.there = shown[-1], {*shown}
        self.users = Counter(p for v in shown for p in set(v.parents))
        self.boxes: dict[Value, Box] = {}
        self.rows: dict[Value, list[Value]] = {}
        self.chips: dict[Value, list[Value]] = {}
        self.unit_of: dict[Value, Unit] = {}
        self.columns: dict[object, list[str]] = {}

    def fold(self, u: Unit) -> None:
        """Have a unit be one box, of what nothing else uses: parameters, net input, activation."""
        if u.z not in self.there:
            return
        users, places = self.users, Counter(u.z.parents)
        leaves = (p for p in u.parameters if p in self.there and p.op is None)
        own = [p for p in leaves if users[p] == 1 and places[p] < 2]
        weights = [p for p in own if p in u.w and p.kind == "parameter"]
        inner = [p for p in own if p not in u.w]
        after = u.a in self.there and users[u.z] == 1 and {u.z, *inner} >= set(u.a.parents)
        inner += [u.z, u.a] if after and u.a is not u.z else [u.z]
        if weights or len(inner) > 1:
            self.rows[u.z], self.chips[u.z] = inner, weights
            self.unit_of.update(dict.fromkeys([*weights, *inner], u))

    def add(self, v: Value, within: Frame | None = None) -> None:
        """A value, the lines to it, and with a net input the rest of its unit."""
        if v in self.rows:
            self._unit(v, within)
            return
        if v in self.unit_of:
            return  # which comes with its net input
        products = self._products(v) if self.unfold and operations.is_dot(v) else {}
        box = self.boxes[v] = self._box(v)
        if products:
            box.word = "Σ"
        self._add(v, box)
        for i, product in products.items():
            tooltip = f"product {i + 1} of {len(v.parents) // 2}"
            self._link(product, box, "", self.content.sums(v), tooltip, passing=True)
        if v.op is not None:
            self._operands(v, v.op, box, products)

    def _unit(self, z: Value, within: Frame | None) -> None:
        """The box of a unit, its weights on their lines, and the lines from what is no part."""
        unit, rows = self.unit_of[z], self.rows[z]
        chips = {w: self.diagram.add(replace(self._box(w), kind="chip")) for w in self.chips[z]}
        self.boxes.update(chips)
        if chips:
            column = self.columns.setdefault((unit.layer, unit.depth), [])
            column += [chip.id for chip in chips.values()]
        activation = clean(unit.activation) if unit.a in rows and not within else ""
        box = Box("unit", word=activation, root=self.root in rows, within=within)
        for v in rows:
            box.rows = [*box.rows, self._box(v)]
            box.shade = max(box.shade, box.rows[-1].shade, key=abs)
            self.boxes[v] = box
        self._add(z, box)
        for w, x in zip(unit.w, unit.x, strict=True):
            if w in self.boxes:
                self._line(self.boxes[w], box)
            if x in self.boxes:
                head, tail = chips.get(w, box), self.boxes[x]
                self._line(tail, head, length=1 + (tail.kind != "unit") + (head is box))
        for p in unit.z.parents[2 * len(unit.w) :]:
            if p not in rows and p in self.boxes:
                self._line(self.boxes[p], box)

    def _add(self, v: Value, box: Box) -> None:
        """The box of `v`, and a line to it from its operands that are left out, counted."""
        hidden = len({p for p in v.parents if p not in self.boxes})
        if hidden:
            more = self.diagram.add(Box("hidden", word=f"… {hidden:,} more"))
        self.diagram.add(box)
        if hidden:
            self._line(more, box, dotted=True)

    def _box(self, v: Value) -> Box:
        name, numbers = self.content.names[v], self.content.numbers(v)
        exact = ", ".join(x.exact for x in numbers if not x.keyed and not x.blank)
        is_number = v.kind == "constant" and name == short(v.data)  # which stands beside
        full = clean(v.name, 1000) if v.name and name == clean(v.name) else name
        title = v.kind if is_number else f"{full} ({v.kind})"
        box = Box(
            v.kind,
            label=name,
            name="" if is_number else full,
            numbers=numbers,
            made=v.kind if v.op is None else clean(v.op.name),
            sources=[self.content.names[p] if p in self.boxes else "…" for p in v.parents],
            root=v is self.root,
            shade=self.content.shade(v),
        )
        if v.op is not None:
            letters = operations.placeholders(v, self.content.names)
            bound = operations.constants(v.op)
            box.word = operations.symbol(v.op, len(v.parents), letters)
            box.details = [bound] if bound else []
            box.ordered = all(self.users[p] == 1 for p in v.parents)
            title += f", operation {clean(v.op.name, 200)}" + (f", {bound}" if bound else "")
        box.tooltip = f"{title}: {exact}" if exact else title
        return box

    def _products(self, v: Value) -> dict[int, Box]:
        """The products of a dot that have an operand here; their gradient is that of the dot."""
        (data, *rest), (_, *operands), n = self.content.numbers(v), v.numbers, len(v.parents) // 2
        products = {}
        for i, (w, x) in enumerate(zip(v.parents[:n], v.parents[n : 2 * n], strict=True)):
            if w in self.boxes or x in self.boxes:
                numbers = [data._replace(value=operands[i] * operands[n + i]), *rest]
                exact = ", ".join(x.exact for x in numbers)
                tooltip = f"product w[{i + 1}] x[{i + 1}]: {exact}"
                box = Box("result", word="×", numbers=numbers, tooltip=tooltip)  # noqa: RUF001
                products[i] = self.diagram.add(box)
        return products

    def _operands(self, v: Value, op: Primitive, box: Box, products: Mapping[int, Box]) -> None:
        """A line from each operand, with its role unless a unit or a constant tells it."""
        n, names = len(v.parents), self.content.names
        letters, lines = operations.placeholders(v, names), self.content.lines(v)
        roles = operations.roles(op, n)
        told = v in names.deltas or n > _LABELLED_OPERANDS
        if any(roles):
            told |= n - self._name_constants(dict(zip(v.parents, letters, strict=True))) < 2
        passing = operations.built_in_name(op) in _PASSING
        bias = n - 1 if operations.is_dot(v) and n % 2 else n
        for i in operations.drawing_order(op, n):
            p = v.parents[i]
            if p in self.boxes:
                role = "" if told or names[p].endswith(letters[i]) or not roles[i] else letters[i]
                head = products.get(i % (n // 2), box) if i < n - n % 2 and products else box
                tooltip = f"operand {i + 1} of {n}" + (f": {letters[i]}" if roles[i] else "")
                self._link(self.boxes[p], head, role, lines[i], tooltip, passing or i == bias)

    def _name_constants(self, roles: Mapping[Value, str]) -> int:
        """Give constants that nothing else uses their role as a name; how many have got one."""
        single = [p for p in roles if p.kind == "constant" and self.users[p] == 1]
        for box, role in ((self.boxes[p], roles[p]) for p in single if p in self.boxes):
            box.name = box.name or role
        return len(single)

    def _link(
        self, tail: Box, head: Box, role: str, number: Number | None, tooltip: str, passing: bool
    ) -> None:
        """A line, with a number unless it is the 1 of what passes on what it gets."""
        if number and not number.blank:
            tooltip += f", {number.exact}"
        silent = number is None or (passing and number.sign and number.value == 1)
        numbers = [number] if number and not silent else []
        self._line(tail, head, role=role, numbers=numbers, tooltip=tooltip)

    def _line(self, tail: Box, head: Box, **look: Any) -> None:
        self.diagram.edges.append(Edge(tail.id, head.id, **look))
