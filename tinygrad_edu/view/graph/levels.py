"""The neuron and the layer level: a box for every unit, or for every layer."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from tinygrad_edu.engine import Value
from tinygrad_edu.text import DASH, clean, short
from tinygrad_edu.view.base.graph_units import Unit
from tinygrad_edu.view.base.naming import Names
from tinygrad_edu.view.base.numbers import Numbers
from tinygrad_edu.view.graph.blocks import Block, Cut, Item, made_from
from tinygrad_edu.view.graph.diagram import Box, Diagram, Edge, Row
from tinygrad_edu.view.graph.values import (
    EDGES,
    NodeIds,
    ValueWriter,
    content_of,
    fresh_ids,
    ids_of,
    users_of,
)

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
    diagram = Diagram(
        caption=[*caption, *_legend(cut.at, shown, edges)],
        rankdir=rankdir,
        crowded=not _numbered(shown),
    )
    items = set(shown)
    drawn = {v for v, item in cut.at.items() if item in items}
    fresh = fresh_ids()
    ids = {
        item: NodeIds(
            next(fresh), hidden="" if items.issuperset(cut.sources[item]) else next(fresh)
        )
        if isinstance(item, Block)
        else ids_of(item, drawn, fresh, unfold)
        for item in shown
    }
    columns = _columns(shown, cut)
    diagram.columns = [[ids[item].value for item in column] for column in columns]
    labels = {item: _name(item, names) for item in shown}
    where = {v: ids[cut.at[v]].value for v in drawn}
    values = ValueWriter(
        diagram,
        where,
        {v: labels[cut.at[v]] for v in drawn},
        content_of(names, numbers, edges),
        users_of([item for item in shown if not isinstance(item, Block)]),
    )
    # the middle one of a column has level lines; those of all would pull the others apart
    aside = {node for column in diagram.columns for node in column}
    aside -= {column[len(column) // 2] for column in diagram.columns}
    blocks = _BlockWriter(
        diagram, where, names, numbers, edges, _largest(shown, numbers.data), aside, note
    )
    for item in shown:
        within = cut.within.get(item, ())
        if isinstance(item, Block):
            sources = [labels.get(source, "…") for source in cut.sources[item]]
            blocks.add(item, ids[item], labels[item], sources, within)
        else:
            values.add(item, ids[item], root=item is numbers.root, within=within)
    return diagram


def _legend(at: Mapping[Value, Item], shown: Sequence[Item], edges: str) -> list[str]:
    """What the caption says about the boxes and lines of these items."""
    units = _shown_units(shown)
    apart = any(
        not isinstance(at[x], Block) or at[x].kind == "unit" for u in units for x in u.x if x in at
    )
    return [
        *[_UNITS] * bool(units),
        *[_WEIGHTS] * apart,
        *[EDGES[edges]] * (edges != "none" and _numbered(shown)),
    ]


def _numbered(shown: Iterable[Item]) -> bool:
    """Whether weights are few enough to have their numbers beside them."""
    return sum(len(u.w) for u in _shown_units(shown)) <= NUMBERED


def _shown_units(shown: Iterable[Item]) -> list[Unit]:
    return [item.units[0] for item in shown if isinstance(item, Block) and item.kind == "unit"]


def _largest(shown: Iterable[Item], data: Mapping[Value, float]) -> dict[str, float]:
    """The largest finite |w| of each layer."""
    largest: dict[str, float] = {}
    for u in _shown_units(shown):
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


def _name(item: Item, names: Names) -> str:
    """The name of an item; the last group has that of its result."""
    if not isinstance(item, Block):
        return names[item]
    return names[_results(item)[0]] if item.last else clean(item.name, _NAME)


@dataclass
class _BlockWriter:
    """Adds the boxes of units, layers and groups to a diagram, and the lines to them.

    `ids` says where a value is drawn, `aside` which boxes stay where their column puts them.
    """

    diagram: Diagram
    ids: Mapping[Value, str]
    names: Names
    numbers: Numbers
    edges: str
    largest: Mapping[str, float]
    aside: AbstractSet[str]
    note: str

    def add(
        self,
        block: Block,
        ids: NodeIds,
        name: str,
        sources: Sequence[str],
        within: tuple[str, ...],
    ) -> None:
        word, details, rows = self._content(block)
        box = Box(ids.value, block.kind, name, name, word, details, rows, made=word, within=within)
        box.sources, box.root = sources, self.numbers.root in block.values
        parts = [*details, *(f"{row.label} = {row.text}" for row in rows)]
        box.tooltip = f"{name}{f' ({word})' if word else ''}: {', '.join(parts)}"
        if self.diagram.crowded and block.kind == "unit":
            box.rows = rows[block.units[0].b is not None :]
        self.diagram.boxes.append(box)
        if ids.hidden:
            self.diagram.boxes.append(Box(ids.hidden, "hidden", name="…", within=within))
            self.diagram.edges.append(Edge(ids.hidden, ids.value, dotted=True))
        if block.kind == "unit":
            self._weights(block.units[0], ids.value)
        else:
            self._sources(block, ids.value)

    def _content(self, block: Block) -> tuple[str, list[str], list[Row]]:
        """What a box says: a word beside its name, lines, and numbers."""
        if block.kind == "unit":
            return clean(block.units[0].activation), [], self._unit(block.units[0])
        if block.kind == "layer":
            return "", _layer(block.units), [Row("mean |delta|", self._mean_delta(block.units))]
        if block.kind == "inputs":
            rows = [self._data(v) for v in block.values]
            few = len(rows) <= _INPUTS
            return "", [] if few else [f"{len(rows):,} numbers"], rows if few else []
        n, results = len(block.values), _results(block)
        details = [f"{n:,} operation{'s' * (n > 1)}", *[self.note] * bool(self.note and block.last)]
        if len(results) > 1:
            return "", details, []
        grad = self.numbers.grad_text(results[0])
        return "", details, [self._data(results[0], "data"), Row("grad", grad)]

    def _unit(self, u: Unit) -> list[Row]:
        values = [v for v in dict.fromkeys((u.b, u.z, u.a)) if v is not None]
        delta = self.names.deltas[u.z]
        return [*map(self._data, values), Row(delta, self.numbers.grad_text(u.z))]

    def _data(self, v: Value, label: str = "") -> Row:
        return Row(label or self.names[v], short(self.numbers.data[v]))

    def _mean_delta(self, units: Sequence[Unit]) -> str:
        deltas = [self.numbers.grad(u.z) for u in units]
        known = [abs(delta) for delta in deltas if delta is not None]
        return short(math.fsum(x / len(known) for x in known)) if len(known) == len(units) else DASH

    def _weights(self, u: Unit, node: str) -> None:
        """A line for each weight, one for all the weights of several inputs in one box."""
        crowded, delta = self.diagram.crowded, self.numbers.grad(u.z)
        together = Counter(self.ids[x] for x in set(u.x) if x in self.ids)
        for weight, x in zip(u.w, u.x, strict=True):
            tail, w = self.ids.get(x, ""), self.numbers.data[weight]
            if together[tail] > 1:
                tooltip = f"{together.pop(tail):,} weights"
                self.diagram.edges.append(Edge(tail, node, tooltip=tooltip))
            elif together[tail]:
                tooltip = f"{self.names[weight]} = {w!r}"
                text = ("+" if w > 0 else "") + short(w)
                if self.edges == "gradient":
                    text = DASH if delta is None else short(w * delta)
                    tooltip += f", gradient flowing back = {text}"
                largest = self.largest.get(u.layer, 0.0)
                self.diagram.edges.append(
                    Edge(
                        tail,
                        node,
                        number=None if crowded else Row("w", text),
                        tooltip=tooltip,
                        weight=w,
                        share=min(abs(w) / largest, 1.0) if largest and w == w else 0.0,
                        loose=crowded and not self.aside.isdisjoint((tail, node)),
                    )
                )

    def _sources(self, block: Block, node: str) -> None:
        """A line from each box that a layer or a group is made from."""
        carried: dict[str, set[Value]] = {}
        for p in made_from(block):
            if self.ids.get(p, node) != node:
                carried.setdefault(self.ids[p], set()).add(p)
        for tail, several in carried.items():
            n = len(several)
            self.diagram.edges.append(Edge(tail, node, tooltip=f"{n:,} value{'s' * (n > 1)}"))


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
