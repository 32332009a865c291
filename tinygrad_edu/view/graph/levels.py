"""The neuron and the layer level of a drawing: a box for every unit, or for every layer."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import graphviz  # type: ignore[import-untyped]

from tinygrad_edu.engine import Value
from tinygrad_edu.text import DASH, clean, short
from tinygrad_edu.view.base.escape import in_html, in_string, in_tooltip
from tinygrad_edu.view.base.graph_units import Unit
from tinygrad_edu.view.graph import style, values
from tinygrad_edu.view.graph.block_text import NAME, Contents, contents, tooltip
from tinygrad_edu.view.graph.blocks import Block, Cut, Item, made_from

#: Of more weights than this the numbers are in the tooltips.
NUMBERED: Final = 30
_SIDES: Final = {"LR": "ew", "RL": "we", "TB": "sn", "BT": "ns"}
_UNITS: Final = "z = w·x + b, a = activation(z), delta = dL/dz"
_WEIGHTS: Final = "lines: weights, blue positive, orange dashed negative, wide where |w| is large"


def dot_source(
    found: Cut,
    shown: Sequence[Item],
    names: Mapping[Value, str],
    edges: str,
    caption: Sequence[str],
    rankdir: str,
    *,
    unfold: bool = False,
    root: Value,
    note: str = "",
) -> str:
    """DOT for the items `shown`, sources first. Nodes are called n0, n1, ... in this order."""
    graph = values.sheet(caption, rankdir)
    plain = not numbered(shown)
    if plain:
        graph.attr(ranksep="1.2", splines="line")
        graph.attr("edge", tailport=_SIDES[rankdir][0], headport=_SIDES[rankdir][1])
    items = set(shown)
    drawn = {v for v, item in found.at.items() if item in items}
    fresh = values.ids()
    places = {
        item: values.Place(next(fresh), more=_more(found, item, items) and next(fresh))
        if isinstance(item, Block)
        else values.place(item, drawn, fresh, unfold)
        for item in shown
    }
    links = graphviz.Digraph()
    single = [item for item in shown if not isinstance(item, Block)]
    ids = {v: places[found.at[v]].value for v in drawn}
    columns = _columns(shown, found)
    aside = {places[i].value for column in columns for i in column if i is not _middle(column)}
    pen = _Pen(links, ids, names, edges, values.users_of(single), _largest(shown), plain, aside)
    clusters: dict[tuple[str, ...], Any] = {(): graph}
    for item in shown:
        around = _cluster(clusters, found.within.get(item, ()))
        if isinstance(item, Block):
            pen.block(around, item, places[item], contents(item, names, note), root)
        else:
            pen.draw(around, item, places[item], root=item is root)
    for members in columns:
        with clusters[found.within.get(members[0], ())].subgraph() as column:
            column.attr(rank="same")
            for above, below in pairwise(members):
                column.edge(places[above].value, places[below].value, **style.UNSEEN)
    for around in sorted(clusters, key=len, reverse=True):
        if around:
            clusters[around[:-1]].subgraph(clusters[around])
    graph.body.extend(links.body)
    source: str = graph.source
    return source


def legend(at: Mapping[Value, Item], shown: Sequence[Item], edges: str) -> list[str]:
    """What the caption says about the boxes and lines of these items."""
    units = _shown_units(shown)
    apart = any(
        not isinstance(at[x], Block) or at[x].kind == "unit" for u in units for x in u.x if x in at
    )
    return [
        *([_UNITS] if units else []),
        *([_WEIGHTS] if apart else []),
        *([values.EDGES[edges]] if edges != "none" and numbered(shown) else []),
    ]


def numbered(shown: Iterable[Item]) -> bool:
    """Whether weights are few enough to have their numbers beside them."""
    return sum(len(u.w) for u in _shown_units(shown)) <= NUMBERED


def _shown_units(shown: Iterable[Item]) -> list[Unit]:
    return [item.units[0] for item in shown if isinstance(item, Block) and item.kind == "unit"]


def _more(found: Cut, item: Item, shown: set[Item]) -> str:
    """A text if some source of the item is not shown."""
    return "…" if any(source not in shown for source in found.sources[item]) else ""


def _largest(shown: Iterable[Item]) -> dict[str, float]:
    """The largest finite |w| of each layer."""
    largest: dict[str, float] = {}
    for u in _shown_units(shown):
        for w in u.w:
            if math.isfinite(w.data):
                largest[u.layer] = max(largest.get(u.layer, 0.0), abs(w.data))
    return largest


def _columns(shown: Iterable[Item], found: Cut) -> list[list[Item]]:
    """The inputs and the units of each layer, which stand one under the other in their order."""
    columns: dict[Any, list[Item]] = {}
    for item in shown:
        if isinstance(item, Block) and item.kind == "unit":
            u = item.units[0]
            for x in u.x:
                if found.at.get(x) is x and x.op is None and not found.within.get(x):
                    columns.setdefault(u.depth, []).append(x)
            columns.setdefault((u.layer, u.depth, found.within.get(item)), []).append(item)
    seen: set[Item] = set()
    for key, column in columns.items():
        columns[key] = [item for item in dict.fromkeys(column) if item not in seen]
        seen.update(column)
    return [column for column in columns.values() if len(column) > 1]


def _middle(column: Sequence[Item]) -> Item:
    """The item whose lines are drawn level; those of all would pull the others apart."""
    return column[len(column) // 2]


def _cluster(clusters: dict[tuple[str, ...], Any], around: tuple[str, ...]) -> Any:
    """The drawing inside these clusters, made if it is new."""
    for n in range(1, len(around) + 1):
        if around[:n] not in clusters:
            cluster = graphviz.Digraph(f"cluster{len(clusters)}", graph_attr=style.CLUSTER)
            cluster.attr(label=in_string(clean(around[n - 1], NAME)))
            clusters[around[:n]] = cluster
    return clusters[around]


@dataclass
class _Pen(values.Pen):
    """Draws blocks too."""

    largest: Mapping[str, float]
    plain: bool
    aside: AbstractSet[str]

    def block(
        self, graph: Any, block: Block, at: values.Place, says: Contents, root: Value
    ) -> None:
        rows = [(in_html(label), number) for label, number in says.rows]
        told = [in_html(line) for line in says.details]
        u = block.units[0] if block.kind == "unit" else None
        if u is not None and u.b is not None and not self.plain:
            rows.insert(0, ("b", short(u.b.data)))
        graph.node(
            at.value,
            style.box_label(in_html(says.name), in_html(says.word), rows, told),
            tooltip=in_tooltip(tooltip(says, u)),
            **style.BLOCKS[block.kind] | (style.ROOT if root in block.values else {}),
        )
        if at.more:
            graph.node(at.more, "…", **style.HIDDEN)
            self.links.edge(at.more, at.value, style="dotted")
        if u is not None:
            self._weights(u, at.value)
        else:
            self._sources(block, at.value)

    def _weights(self, u: Unit, node: str) -> None:
        """A line for each weight, one for all the weights of several inputs in one box."""
        together = Counter(self.ids[x] for x in set(u.x) if x in self.ids)
        for k, (w, x) in enumerate(zip(u.w, u.x, strict=True)):
            tail = self.ids.get(x, "")
            if together[tail] > 1:
                self.links.edge(tail, node, tooltip=f"{together.pop(tail):,} weights")
            elif together[tail]:
                told = f"{clean(u.name, 200)}: w[{k}] = {w.data!r}"
                text = ("+" if w.data > 0 else "") + short(w.data) if not self.plain else ""
                if self.edges == "gradient":
                    text = short(w.data * u.z.grad) if u.z.reached else DASH
                    told += f", gradient flowing back = {text}"
                self.links.edge(
                    tail,
                    node,
                    label=style.edge_label("", text) if text and not self.plain else None,
                    tooltip=in_tooltip(told),
                    weight="0" if self.plain and {tail, node} & self.aside else None,
                    **style.weight_line(
                        w.data, self.largest.get(u.layer, 0.0), 2.5 if self.plain else 4.0
                    ),
                )

    def _sources(self, block: Block, node: str) -> None:
        """A line from each box that a layer or a group is made from."""
        carried: dict[str, set[Value]] = {}
        for p in made_from(block):
            if self.ids.get(p, node) != node:
                carried.setdefault(self.ids[p], set()).add(p)
        for tail, several in carried.items():
            n = len(several)
            self.links.edge(tail, node, tooltip=f"{n:,} value{'s' * (n > 1)}")
