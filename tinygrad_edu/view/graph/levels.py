"""The neuron and the layer level: a box for every unit, or for every layer."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tinygrad_edu.engine import Value
from tinygrad_edu.text import clean
from tinygrad_edu.view.base.graph_units import Unit
from tinygrad_edu.view.base.naming import Names
from tinygrad_edu.view.base.numbers import Numbers
from tinygrad_edu.view.graph.blocks import Block, Cut, Item, made_from
from tinygrad_edu.view.graph.diagram import Box, Diagram, Edge, Frame, Number
from tinygrad_edu.view.graph.values import EDGES, ValueWriter, content_of, folded, users_of

#: Of more weights than this the numbers are in the tooltips.
NUMBERED: Final = 30
_NAME: Final = 40
_INPUTS: Final = 4
_UNITS: Final = "z = w·x + b, a = activation(z), delta = dL/dz"
_WEIGHTS: Final = "lines: weights, blue positive, orange dashed negative, wide where |w| is large"


def block_diagram(
    cut: Cut,
    shown: Sequence[Item],
    names: Names,
    numbers: Numbers,
    edges: str,
    *,
    caption: Sequence[str] = (),
    rankdir: str = "LR",
    unfold: bool = False,
    note: str = "",
) -> Diagram:
    """A diagram of the items `shown`, sources first; `note` is a line in the last group."""
    units = [item.units[0] for item in shown if isinstance(item, Block) and item.kind == "unit"]
    crowded = sum(len(u.w) for u in units) > NUMBERED
    legend = [
        *[_UNITS] * bool(units),
        *[_WEIGHTS] * any(_stands_apart(cut.at.get(x)) for u in units for x in u.x),
        *[EDGES[edges]] * (edges != "none" and not crowded),
    ]
    diagram = Diagram([*caption, *legend], rankdir, crowded=crowded)
    single = [item for item in shown if not isinstance(item, Block)]
    content, users = content_of(names, numbers, edges), users_of(single)
    folds = folded(single, [] if unfold or edges != "none" else names.units.units)
    values = ValueWriter(diagram, content, numbers.root, users, unfold, folds)
    largest = _largest(units, numbers.data)
    blocks = _BlockWriter(values, cut, numbers, edges, largest, note, names, diagram)
    boxes: dict[Item, Box] = {}
    for item in shown:
        if isinstance(item, Block):
            boxes[item] = blocks.add(item, [_label(s, boxes, values) for s in cut.sources[item]])
        else:
            values.add(item, tuple(map(Frame, cut.within.get(item, ()))))
    boxes.update((v, box) for v, box in values.boxes.items())
    diagram.columns = [[boxes[item].id for item in column] for column in _columns(shown, cut)]
    if crowded:
        # the middle one of a column has level lines; those of all would pull the others apart
        aside = {node for column in diagram.columns for node in column}
        aside -= {column[len(column) // 2] for column in diagram.columns}
        for edge in diagram.edges:
            edge.loose = edge.weight is not None and not aside.isdisjoint((edge.tail, edge.head))
    return diagram


def _label(source: Item, boxes: Mapping[Item, Box], values: ValueWriter) -> str:
    """What an item is called as a source, "…" where it is not shown."""
    if isinstance(source, Block):
        return boxes[source].label if source in boxes else "…"
    return values.content.names[source] if source in values.boxes else "…"


def _stands_apart(item: Item | None) -> bool:
    """Whether the line from an input of a unit is that of one weight."""
    return item is not None and (not isinstance(item, Block) or item.kind == "unit")


def _largest(units: Iterable[Unit], data: Mapping[Value, float]) -> dict[str, float]:
    """The largest finite |w| of each layer."""
    largest: dict[str, float] = {}
    for u in units:
        sizes = [abs(data[w]) for w in u.w if math.isfinite(data[w])]
        largest[u.layer] = max([largest.get(u.layer, 0.0), *sizes])
    return largest


def _columns(shown: Iterable[Item], cut: Cut) -> list[list[Item]]:
    """The inputs and the units of each layer, which stand one under the other in their order."""
    columns: dict[Any, list[Item]] = {}
    for item in shown:
        if isinstance(item, Block) and item.kind == "unit":
            u = item.units[0]
            for x in u.x:
                if cut.at.get(x) is x and x.op is None and not cut.within.get(x):
                    columns.setdefault(u.depth, []).append(x)
            columns.setdefault((u.layer, u.depth, cut.within.get(item)), []).append(item)
    seen: set[Item] = set()
    for key, column in columns.items():
        columns[key] = [item for item in dict.fromkeys(column) if item not in seen]
        seen.update(column)
    return [column for column in columns.values() if len(column) > 1]


def _results(block: Block) -> list[Value]:
    """The values of a block that no other of its values is made from."""
    used = {p for v in block.values for p in v.parents}
    return [v for v in block.values if v not in used]


@dataclass
class _BlockWriter:
    """Adds the boxes of units, layers and groups to a diagram of values, and the lines to them."""

    values: ValueWriter
    cut: Cut
    numbers: Numbers
    edges: str
    largest: Mapping[str, float]
    note: str
    names: Names
    diagram: Diagram

    def add(self, block: Block, sources: Sequence[str]) -> Box:
        """A block, made from these; "…" stands for one that is not shown."""
        unit = block.units[0] if block.kind == "unit" else None
        word = "" if unit is None else clean(unit.activation)
        details, rows = self._content(block)
        name = self.names[_results(block)[0]] if block.last else clean(block.name, _NAME)
        parts = ", ".join([*details, *(f"{r.name} = {x.short}" for r in rows for x in r.numbers)])
        # a crowded drawing has no room for b, the first row
        without_b = self.diagram.crowded and unit is not None and unit.b is not None
        box = Box(
            block.kind,
            label=name,
            name=name,
            word=word,
            details=details,
            rows=rows[without_b:],
            tooltip=f"{name}{f' ({word})' if word else ''}: {parts}",
            made=word,
            sources=sources,
            root=self.numbers.root in block.values,
            within=tuple(map(Frame, self.cut.within.get(block, ()))),
        )
        self.values.boxes.update(dict.fromkeys(block.values, self.diagram.add(box)))
        if "…" in sources:
            hidden = self.diagram.add(Box("hidden", word="…", within=box.within))
            self.diagram.edges.append(Edge(hidden.id, box.id, dotted=True))
        if unit is not None:
            self._weights(unit, box.id)
        else:
            self._sources(block, box.id)
        return box

    def _content(self, block: Block) -> tuple[list[str], list[Box]]:
        """What a box says: lines, and numbers."""
        if block.kind == "unit":
            u = block.units[0]
            values = [v for v in dict.fromkeys((u.b, u.z, u.a)) if v is not None]
            delta = Number("delta", self.numbers.grad(u.z), back=True)
            return [], [*map(self._data, values), _row(self.names.deltas[u.z], delta)]
        if block.kind == "layer":
            mean = Number("delta", self._mean_delta(block.units))
            return _layer(block.units), [_row("mean |delta|", mean)]
        n = len(block.values)
        if block.kind == "inputs":
            return (
                ([f"{n:,} numbers"], []) if n > _INPUTS else ([], [*map(self._data, block.values)])
            )
        details = [f"{n:,} operation{'s' * (n > 1)}", *[self.note] * bool(self.note and block.last)]
        result, *others = _results(block)
        if others:
            return details, []
        return details, [_row(x.label, x) for x in self.values.content.numbers(result)]

    def _data(self, v: Value) -> Box:
        return _row(self.names[v], Number("data", self.numbers.data[v]))

    def _mean_delta(self, units: Sequence[Unit]) -> float | None:
        deltas = [self.numbers.grad(u.z) for u in units]
        sizes = [abs(delta) for delta in deltas if delta is not None]
        return math.fsum(x / len(sizes) for x in sizes) if len(sizes) == len(units) else None

    def _weights(self, u: Unit, node: str) -> None:
        """A line for each weight, one for all the weights of several inputs in one box."""
        delta, boxes = self.numbers.grad(u.z), self.values.boxes
        together = Counter(boxes[x].id for x in set(u.x) if x in boxes)
        for weight, x in zip(u.w, u.x, strict=True):
            tail, w = boxes[x].id if x in boxes else "", self.numbers.data[weight]
            if together[tail] > 1:
                tooltip = f"{together.pop(tail):,} weights"
                self.diagram.edges.append(Edge(tail, node, tooltip=tooltip))
            elif together[tail]:
                edge = Edge(tail, node, weight=w, tooltip=f"{self.names[weight]} = {w!r}")
                number = Number("w", w)
                if self.edges == "gradient":
                    flow = None if delta is None else w * delta
                    number = Number("gradient flowing back", flow, back=True)
                    edge.tooltip += f", {number.exact}"
                if not self.diagram.crowded:
                    edge.numbers = [number]
                largest = self.largest.get(u.layer, 0.0)
                edge.share = min(abs(w) / largest, 1.0) if largest and w == w else 0.0
                self.diagram.edges.append(edge)

    def _sources(self, block: Block, node: str) -> None:
        """A line from each box that a layer or a group is made from."""
        carried: dict[str, set[Value]] = {}
        for p in made_from(block):
            if p in self.values.boxes and self.values.boxes[p].id != node:
                carried.setdefault(self.values.boxes[p].id, set()).add(p)
        for tail, several in carried.items():
            n = len(several)
            self.diagram.edges.append(Edge(tail, node, tooltip=f"{n:,} value{'s' * (n > 1)}"))


def _row(name: str, number: Number) -> Box:
    return Box("result", name=name, numbers=[number])


def _layer(units: Sequence[Unit]) -> list[str]:
    each = {u.name: u for u in units}
    n, uses = len(each), len(units) // len(each)
    activations = {u.activation for u in units}
    activation = clean(activations.pop(), 16) if len(activations) == 1 else "different"
    inputs = {len(u.w) for u in units}
    of = f" of {inputs.pop():,} inputs" if len(inputs) == 1 else ""
    parameters = len({p for u in units for p in u.parameters})
    return [
        f"{n:,} {activation} unit{'s' * (n > 1)}{of}",
        *([f"each used {uses:,} times"] if uses > 1 else []),
        f"{parameters:,} parameter{'s' * (parameters > 1)}",
    ]
