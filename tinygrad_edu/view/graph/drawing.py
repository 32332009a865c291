"""draw: the graph behind a number as a picture; excerpt: of a large graph what can be read."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Final

from tinygrad_edu.checks import flag, function, one_of, real, whole
from tinygrad_edu.engine import Value, toposort
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.base.display import Forms, Picture
from tinygrad_edu.view.base.naming import names_of, variable_names
from tinygrad_edu.view.base.numbers import Numbers, decimal, in_our_graph, one_value
from tinygrad_edu.view.base.svg import inline
from tinygrad_edu.view.graph import select
from tinygrad_edu.view.graph.blocks import Cut, cut, stands_for
from tinygrad_edu.view.graph.board.cards import Desk
from tinygrad_edu.view.graph.board.columns import Board, layout_of
from tinygrad_edu.view.graph.board.paint import board_picture
from tinygrad_edu.view.graph.cells import stands_beside
from tinygrad_edu.view.graph.diagram import Diagram, table
from tinygrad_edu.view.graph.dot import to_dot, width
from tinygrad_edu.view.graph.formats import to_mermaid, to_tikz
from tinygrad_edu.view.graph.levels import board_of
from tinygrad_edu.view.graph.picture import WIDEST, picture
from tinygrad_edu.view.graph.values import EDGES, content_of, value_diagram, value_legend

_LEVELS: Final = ("auto", "value", "neuron", "layer")
_DIRECTIONS: Final = ("LR", "TB", "RL", "BT")
_TABLE_ROWS: Final = 60
_NO_UNITS: Final = "no units (net inputs w·x + b) in this graph: its values are shown"


class Graph(Picture):
    """A drawing: DOT text, made a picture when it is looked at. It keeps no Value.

    In a notebook it shows itself as SVG, without a renderer as a table.
    `.dot` and `.svg` are texts.
    """

    _kind = "drawing"

    def __init__(self, diagram: Diagram, *, title: str, description: str, table: str) -> None:
        self.diagram, self.title = diagram, title
        self.description, self.table = description, table

    @cached_property
    def dot(self) -> str:
        """The drawing as DOT text."""
        return to_dot(self.diagram)

    @cached_property
    def svg(self) -> str:
        """An SVG element, to be saved or put into a page. Raises RenderError without a renderer."""
        board = self.diagram if isinstance(self.diagram, Board) else None
        drawn = picture(self.diagram) if board is None else board_picture(board)
        return inline(drawn, self.title, self.description)

    def _others(self) -> Forms:
        dot = partial(to_dot, self.diagram)
        mermaid = partial(to_mermaid, self.diagram, self.title)
        return {
            ".dot": dot,
            ".gv": dot,
            ".tex": lambda: to_tikz(self.svg, self.title),
            ".mmd": mermaid,
        }

    def _text(self) -> str:
        return self.table

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.description}>"


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
    notation: str = "lecture",
    color: Callable[[Value], float] | None = None,
) -> Graph:
    """The graph that `v` was made from, as a picture.

    level     "value" draws every number, "neuron" every unit (net input z, activation a, delta =
              dL/dz; of more than 5 in a layer a table of those with the largest delta), "layer" a
              box for every layer; "auto" the first of these that is at most 700 pixels wide, and
              has at most `max_nodes` values
    names     labels for values without a name of their own, e.g. `names=locals()`: the first
              variable that holds a value names it, a list `w` names its elements w[0], w[1], ...;
              other objects, and variables that begin with "_", are ignored
    edges     "none", "local" (the slope of each operation) or "gradient" (what flowed back:
              slope * grad)
    max_nodes of more boxes level "auto" shows the nearest to `v`, another raises ValueError
    rankdir   the way from inputs to `v` among values: "LR", "TB", "RL" or "BT"; units and layers
              stand from left to right
    unfold    draws w . x + b as products and their sum
    expand    name or names of units to show with the terms of their sums, "layer1.neuron3", and of
              layers to show whole, "layer1"
    example   which example of a loss over several is drawn, from 0; the first unless given, and at
              level "value" all
    notation  "lecture" calls a weight to unit 2 of layer 1 w1[2,3], "code" layer1.neuron2.w[3]
    color     a function of a Value, such as `lambda v: v.grad`: the ground of its box is blue where
              it is positive and orange where it is negative, the stronger the larger; a box of
              several values has the colour of the largest

    What is hidden is said in the picture. The numbers are those of the forward pass, and what was
    changed since is named. A grad is a dot until a backward pass from `v`, or through it, has
    reached the value. Raises TypeError unless `v` is a Value, of any engine that `adopt` knows.
    """
    v, names = in_our_graph(v, names)
    one_value("draw", v, "draws the graph of")
    level = one_of("level", level, _LEVELS)
    order = toposort(v, leaves=True)
    opened = select.names_to_open(expand, level)
    drawing = _Drawing(order, names, edges, max_nodes, rankdir, unfold, notation, color)
    small = not opened and (level == "value" or (level == "auto" and len(order) <= max_nodes))
    units_of_all = drawing.names.units
    # what is asked for at the level of values stays there, however wide
    stays = level == "value" or not units_of_all.units or unfold or edges == "local"
    examples = select.examples_of(order, units_of_all)
    chosen = select.one_of_several(example, max(len(examples), 1))
    own = examples[chosen] if examples else None
    notes = [] if own is None else [f"example {chosen} of {len(examples):,}"]
    if small:
        part = order if own is None or example is None else select.way_to_root(order, own)
        told = [] if example is None else notes
        graph = drawing.values(part, told, refuse=level == "value")
        if stays or width(graph.diagram) <= WIDEST:
            return graph
    kept = None if own is None else select.with_sources(order, own)
    others = {v for k, members in enumerate(examples) if k != chosen for v in members}
    order = [v for v in order if v not in others]
    units = [u for u in units_of_all.units if kept is None or u.z in kept]
    select.check_opened(opened, units)
    if not units:
        return drawing.values(order, [] if level == "auto" else [_NO_UNITS], refuse=False)
    blocks = cut(order, units_of_all, kept)
    return drawing.blocks(blocks, level, opened, notes, len(examples))


def excerpt(v: Value) -> Graph:
    """The graph of `v`, whole if it is small, else its main strands; the rest is counted."""
    order = toposort(v, leaves=True)
    strands = select.main_strands(order, select.LARGEST)
    return _Drawing(order).values(strands, [], refuse=False)


class _Drawing:
    """What every level of a drawing needs to know."""

    def __init__(
        self,
        order: list[Value],
        names: Mapping[str, object] | None = None,
        edges: str = "none",
        max_nodes: int = 150,
        rankdir: str = "LR",
        unfold: Any = False,
        notation: str = "lecture",
        color: Callable[[Value], float] | None = None,
    ) -> None:
        self.total, self.root = len(order), order[-1]
        self.edges = one_of("edges", edges, EDGES)
        self.max_nodes = whole("max_nodes", max_nodes)
        rankdir = one_of("rankdir", rankdir, _DIRECTIONS)
        self.look: Any = {"rankdir": rankdir, "unfold": flag("unfold", unfold)}
        self.numbers = Numbers(order)
        self.names = names_of(order, variable_names(names), notation=notation)
        self.content = content_of(self.names, self.numbers, self.edges)
        self.coloured: list[str] = []
        if color is not None:
            self._colour(color, order)

    def _colour(self, color: Callable[[Value], float], order: Sequence[Value]) -> None:
        """Grounds by a function of a Value, relative to the largest number that it gives."""
        function("color", color, "a Value", "write color=lambda v: v.grad")
        numbers = {v: color(v) for v in order}
        for v, x in numbers.items():
            if not isinstance(x, float) or math.isfinite(x):  # what is not finite has no colour
                numbers[v] = real(f"color({self.names[v]})", x)
        sizes = {v: x for v, x in numbers.items() if math.isfinite(x)}
        largest = max(map(abs, sizes.values()), default=0.0) or 1.0
        self.content = self.content._replace(shade=lambda v: sizes.get(v, 0.0) / largest)
        name = getattr(color, "__name__", "<lambda>").replace("<lambda>", "color")
        self.coloured = [f"Ground: {clean(name)} of the value, up to {decimal(largest)} in size."]

    def values(self, order: list[Value], notes: list[str], *, refuse: bool) -> Graph:
        """A drawing of values, the nearest if they are too many and that is not refused."""
        if refuse and len(order) > self.max_nodes:
            raise ValueError(
                f"the graph has {len(order):,} values, more than max_nodes={self.max_nodes}: "
                f'write max_nodes={len(order)} to draw them all, or level="auto" for the nearest'
            )
        shown, total = select.nearest(order, self.max_nodes), self.total
        counted = f"{len(shown):,} of {total:,} values shown" if len(shown) < total else ""
        remarks = self.numbers.remarks(self.names, set(shown))
        units = [] if self.look["unfold"] or self.edges != "none" else self.names.units.units
        diagram, _ = value_diagram(shown, self.content, units=units, **self.look)
        name = self.names[self.root]
        told = [value_legend(diagram, name if stands_beside(name) else ""), EDGES[self.edges]]
        told += self.coloured
        diagram.caption = [text for text in [counted, *notes, *remarks, *told] if text]
        whole = f"{total:,} value{'s' * (total > 1)}"
        return self._graph(diagram, [counted or whole, *notes], remarks)

    def blocks(
        self, blocks: Cut, level: str, opened: frozenset[str], notes: list[str], examples: int
    ) -> Graph:
        """A drawing of units or layers, of the nearest if they are too many."""
        n = len(blocks.items)
        if level != "auto" and n > self.max_nodes:
            raise ValueError(
                f"the drawing has {n:,} boxes, more than max_nodes={self.max_nodes}: write "
                f'max_nodes={n} to draw them all, or level="auto"'
            )
        shown = select.nearest(blocks.items, self.max_nodes, blocks.sources.__getitem__)
        stand, total = len(stands_for(shown)), self.total
        of = f"{stand:,} of {total:,}" if stand < total else f"all {total:,}"
        notes = [*[f"{n - len(shown):,} boxes left out"] * (len(shown) < n), *notes]
        remarks = self.numbers.remarks(self.names, {v for block in shown for v in block.values})
        desk = partial(
            Desk,
            *(blocks, self.names, self.numbers),
            edges=self.edges,
            opened=opened,
            shown=shown,
            caption=[*notes, *remarks, *self.coloured],
            examples=examples,
            shade=self.content.shade,
        )
        board = board_of(desk(level="layer" if level == "layer" else "neuron"))
        if level == "auto" and len(layout_of(board).bands) > 1:
            board = board_of(desk(level="layer"))
        counted = f"{len(board.cards()):,} boxes for {of} values"
        return self._graph(board, [counted, *notes], remarks)

    def _graph(self, diagram: Diagram, notes: Sequence[str], remarks: Sequence[str]) -> Graph:
        name = self.names[self.root]
        grad = self.numbers.grad(self.root)
        numbers = f"data {short(self.numbers.data[self.root])}, grad "
        numbers += "not computed" if grad is None else short(grad)
        return Graph(
            diagram,
            title=f"Computation graph of {name}",
            description="; ".join([", ".join(notes), f"{name}: {numbers}", *remarks]),
            table=table(diagram, remarks, _TABLE_ROWS),
        )
