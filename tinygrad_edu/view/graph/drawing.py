"""draw: the graph behind a number as a picture."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from tinygrad_edu.engine import Value, toposort
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.base.display import drawn
from tinygrad_edu.view.base.graph_units import find_units
from tinygrad_edu.view.base.naming import variable_names
from tinygrad_edu.view.base.render import render
from tinygrad_edu.view.base.svg import inline
from tinygrad_edu.view.graph import block_text, levels, values
from tinygrad_edu.view.graph.blocks import Cut, cut, stands_for
from tinygrad_edu.view.graph.examples import examples_of
from tinygrad_edu.view.graph.select import (
    check_opened,
    names_to_open,
    nearest,
    one_of_several,
    way_to_root,
    with_sources,
)

_LEVELS: Final = ("auto", "value", "neuron", "layer")
_DIRECTIONS: Final = ("LR", "TB", "RL", "BT")
_TABLE_ROWS: Final = 60
#: As wide as its place on a page at most.
_FITTING: Final = "max-width:100%;height:auto"
_UNITS: Final = 120
_LINES: Final = 1200
_NO_UNITS: Final = "no units (net inputs w·x + b) in this graph: its values are shown"


class Graph:
    """A drawing: DOT text, made a picture when it is looked at. It keeps no Value.

    In a notebook it shows itself as SVG, without a renderer as a table.
    `.dot` and `.svg` are texts.
    """

    def __init__(self, dot: str, *, title: str, description: str, table: str) -> None:
        self.dot = dot
        self.title = title
        self.description = description
        self.table = table

    @cached_property
    def svg(self) -> str:
        """An SVG element, to be saved or put into a page. Raises RenderError without a renderer."""
        return inline(render(self.dot, "svg"), self.title, self.description, _FITTING)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the drawing in the format that the suffix names: .svg, .png, .pdf, .dot, ...

        Returns the path. Raises ValueError for a path without a suffix, RenderError if the renderer
        does not know the format (the file is then left alone).
        """
        path = Path(path)
        suffix = path.suffix.lower().removeprefix(".")
        if not re.fullmatch(r"[a-z][a-z0-9]*", suffix):
            raise ValueError(
                f"the format of a drawing is the suffix of its file, and {path.name!r} has none: "
                'write g.save("graph.svg"), or .png, .dot'
            )
        if suffix in ("dot", "gv"):
            content = self.dot.encode()
        else:
            content = self.svg.encode() if suffix == "svg" else render(self.dot, suffix)
        path.write_bytes(content)
        return path

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return drawn(lambda: self.svg, repr(self), lambda: self.table)

    def __repr__(self) -> str:
        return f"<Graph: {self.description}>"


def draw(
    v: Value,
    *,
    level: str = "auto",
    names: Mapping[str, object] | None = None,
    edges: str = "none",
    max_nodes: int = 150,
    rankdir: str = "LR",
    unfold: bool = False,
    expand: str | Iterable[str] | None = None,
    example: int | None = None,
) -> Graph:
    """The graph that `v` was made from, as a picture.

    level     "value" draws every number, "neuron" a box for every unit (net input z, activation a,
              delta = dL/dz), "layer" one for every layer; "auto" the first of these that is small
              enough: at most `max_nodes` values, 120 units
    names     labels for values without a name of their own, e.g. `names=locals()`: the first
              variable that holds a value names it, a list `w` names its elements w[0], w[1], ...;
              other objects, and variables that begin with "_", are ignored
    edges     "none", "local" (the slope of each operation) or "gradient" (what flowed back:
              slope * grad)
    max_nodes of more boxes level "auto" shows the nearest to `v`, another raises ValueError
    rankdir   the way from inputs to `v`: "LR", "TB", "RL" or "BT"
    unfold    draws w . x + b as products and their sum
    expand    name or names of units and layers to show inside: "layer1.neuron3", "layer1"
    example   which example of a loss over several is drawn, from 0; the first unless given, and at
              level "value" all

    What is hidden is said in the picture. A grad is a dash until a backward pass has reached the
    value. Raises TypeError unless `v` is a Value.
    """
    if not isinstance(v, Value):
        raise TypeError(f"draw(v) draws the graph of one Value, got {type(v).__name__}")
    _one_of("level", level, _LEVELS)
    _one_of("edges", edges, tuple(values.EDGES))
    _one_of("rankdir", rankdir, _DIRECTIONS)
    if isinstance(max_nodes, bool) or not isinstance(max_nodes, int) or max_nodes < 1:
        raise ValueError(f"max_nodes={max_nodes!r} must be a whole number of at least 1")
    order = toposort(v, leaves=True)
    opened = names_to_open(expand, level)
    frame = _Frame(order, variable_names(names or {}), edges, max_nodes, rankdir, bool(unfold))
    small = level == "value" or (level == "auto" and len(order) <= max_nodes)
    if small and not opened and example is None:
        return frame.values(order, [], refuse=level == "value")
    found = find_units(order)
    examples = examples_of(order, found)
    chosen = one_of_several(example, max(len(examples), 1))
    own = examples[chosen] if examples else None
    notes = [] if own is None else [f"example {chosen} of {len(examples):,}"]
    if small and not opened:
        shown = order if own is None else way_to_root(order, own)
        return frame.values(shown, notes, refuse=level == "value")
    kept = None if own is None else with_sources(order, own)
    others = {v for k, members in enumerate(examples) if k != chosen for v in members}
    order = [v for v in order if v not in others]
    units = [u for u in found.units if kept is None or u.z in kept]
    check_opened(opened, units)
    if not units:
        return frame.values(order, [] if level == "auto" else [_NO_UNITS], refuse=False)
    drawing = cut(order, found, kept, "layer" if level == "layer" else "neuron", opened)
    lines = sum(len(u.w) for u in units)
    large = len(drawing.items) > max_nodes or len(units) > _UNITS or lines > _LINES
    if level == "auto" and large:
        drawing = cut(order, found, kept, "layer", opened)
    return frame.blocks(drawing, notes, len(examples), refuse=level != "auto")


@dataclass
class _Frame:
    """What every level needs to know for a drawing."""

    order: list[Value]
    called: dict[Value, str]
    edges: str
    max_nodes: int
    rankdir: str
    unfold: bool

    def values(self, order: list[Value], notes: list[str], *, refuse: bool) -> Graph:
        """A drawing of values, the nearest if they are too many and that is not refused."""
        if refuse and len(order) > self.max_nodes:
            raise ValueError(
                f"the graph has {len(order):,} values, more than max_nodes={self.max_nodes}: "
                f'write max_nodes={len(order)} to draw them all, or level="auto" for the nearest'
            )
        shown, total = nearest(order, self.max_nodes), len(self.order)
        counted = f"{len(shown):,} of {total:,} values shown" if len(shown) < total else ""
        caption = [part for part in (counted, *notes, values.EDGES[self.edges]) if part]
        source = values.dot_source(
            shown, self.called, self.edges, caption, self.rankdir, self.unfold
        )
        return self._graph(source, [counted or _count(total), *notes], _table(shown, self.called))

    def blocks(self, drawing: Cut, notes: list[str], examples: int, *, refuse: bool) -> Graph:
        """A drawing of units or layers, of the nearest if they are too many."""
        if refuse and len(drawing.items) > self.max_nodes:
            n = len(drawing.items)
            raise ValueError(
                f"the drawing has {n:,} boxes, more than max_nodes={self.max_nodes}: write "
                f'max_nodes={n} to draw them all, or level="auto"'
            )
        shown = nearest(drawing.items, self.max_nodes, drawing.sources.__getitem__)
        stand, total = len(stands_for(shown)), len(self.order)
        of = f"{stand:,} of {total:,}" if stand < total else f"all {total:,}"
        boxes = f"{len(shown):,} boxes for {of} values"
        left_out = len(drawing.items) - len(shown)
        hidden = [f"{left_out:,} boxes left out"] if left_out else []
        note = f"over {examples:,} examples" if examples else ""
        source = levels.dot_source(
            drawing,
            shown,
            self.called,
            self.edges,
            [boxes, *hidden, *notes, *levels.legend(drawing.at, shown, self.edges)],
            self.rankdir,
            unfold=self.unfold,
            root=self.order[-1],
            note=note,
        )
        table = block_text.table(drawing, shown, self.called, note)
        return self._graph(source, [boxes, *hidden, *notes], table)

    def _graph(self, source: str, told: list[str], table: str) -> Graph:
        v = self.order[-1]
        root = values.name_of(v, self.called) or "the result"
        grad = short(v.grad) if v.reached else "not computed"
        return Graph(
            source,
            title=f"Computation graph of {root}",
            description=f"{', '.join(told)}; {root}: data {short(v.data)}, grad {grad}",
            table=table,
        )


def _one_of(argument: str, choice: Any, valid: Sequence[str]) -> None:
    if choice not in valid:
        offered = ", ".join(f'"{name}"' for name in valid)
        raise ValueError(f"{argument}={clean(repr(choice), 40)} is unknown: write one of {offered}")


def _count(n: int) -> str:
    return "1 value" if n == 1 else f"{n:,} values"


def _table(shown: Sequence[Value], called: Mapping[Value, str]) -> str:
    text = values.table(shown[-_TABLE_ROWS:], called)
    left_out = len(shown) - _TABLE_ROWS
    return text if left_out <= 0 else f"{text}\n({_count(left_out)} before these left out)"
