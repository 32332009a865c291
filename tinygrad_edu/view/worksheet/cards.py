"""A net on paper: its units as grey cards with boxes to write in, weights with names on lines."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from tinygrad_edu.engine import Value
from tinygrad_edu.text import short
from tinygrad_edu.view.base.graph_units import Unit
from tinygrad_edu.view.base.naming import Names
from tinygrad_edu.view.base.palette import EDGE, INK, NEGATIVE, POSITIVE, PRESS, ZERO
from tinygrad_edu.view.base.svg import SVG, formula_width, tag, words
from tinygrad_edu.view.base.svg import room as _room
from tinygrad_edu.view.worksheet.page import HIGH, MM, SIZE, WIDE, Answer, row

_ROW: Final = 11 * MM
_CARD, _INPUT = WIDE + 18 * MM, 20 * MM
_BETWEEN, _RUN, _NARROWEST, _WIDEST = 6 * MM, 24 * MM, 34 * MM, 60 * MM
_LABEL: Final = 6 * MM
_HEAD: Final = 8 * MM
#: Lines with their weights have room at a card.
_MOST: Final = 7


class Net(NamedTuple):
    """Layers of units, what comes in, and what is made of the last layer: L, perhaps more."""

    names: Names
    layers: list[list[Unit]]
    inputs: list[Value]
    after: list[Value]

    @property
    def sizes(self) -> list[int]:
        """The numbers of inputs and of the units of each layer."""
        return [len(self.inputs), *map(len, self.layers)]

    @property
    def targets(self) -> list[Value]:
        """The leaves that are used after the last layer alone."""
        used = dict.fromkeys(p for v in self.after for p in v.parents if p.op is None)
        return [p for p in used if p not in self.inputs]


def net_of(order: Sequence[Value], names: Names) -> Net | None:
    """The net of a graph: layer upon layer, each weight used once; None for other graphs."""
    units = names.units.units
    layers: dict[int, list[Unit]] = {}
    for u in units:
        layers.setdefault(u.depth, []).append(u)
    inside = {v for u in units for v in (u.z, u.a)}
    after = [v for v in order if v.op is not None and v not in inside]
    inputs = [v for v in order if units and v in {x for u in layers[1] for x in u.x}]
    before = set(inputs)
    for depth in sorted(layers):
        if any(not before.issuperset(u.x) or len(u.x) > _MOST for u in layers[depth]):
            return None
        before = {u.a for u in layers[depth]}
    parameters = [p for u in units for p in u.parameters]
    feeding = {x for u in units for x in u.x} - set(inputs) | {p for v in after for p in v.parents}
    single = len(set(parameters)) == len(parameters)
    closed = all(v.op is None for v in inputs) and inside <= feeding | {u.z for u in units}
    return Net(names, [*layers.values()], inputs, after) if units and single and closed else None


def drawing(
    net: Net,
    answers: Mapping[Unit, Sequence[Answer]],
    loss: Sequence[Answer],
    room: float,
    *,
    solved: bool,
) -> Element:
    """The net, these rows in its units and under the last layer, as wide as the room if it can."""
    n = len(net.layers)
    inputs = [formula_width(net.names[v], SIZE) + _room(short(v.data), SIZE) for v in net.inputs]
    box = max(_INPUT, max(inputs) + 8 * MM)
    gap = min(_WIDEST, max(_NARROWEST, (room - box - n * _CARD) / n))
    columns = [
        [max(_ROW * len(answers[u]) + 2 * MM, _LABEL * len(u.x) + 4 * MM) for u in layer]
        for layer in net.layers
    ]
    columns[-1].append(_ROW * len(loss) + 2 * MM)
    stacks = [[HIGH] * len(net.inputs), *columns]
    total = max(sum(stack) + _BETWEEN * (len(stack) - 1) for stack in stacks) + _HEAD
    width = box + n * (gap + _CARD)
    root = tag("svg", viewBox=f"0 0 {width:.2f} {total:.2f}")
    at: dict[Value, tuple[float, float]] = {}  # where the lines of a value begin
    spread = (total - _HEAD) / len(net.inputs)
    parts, lines = [], []
    for k, v in enumerate(net.inputs):
        y = _HEAD + (k + 0.5) * spread
        look = {"fill": ZERO.light, "stroke": EDGE.light, "stroke_width": "1.1"}
        parts.append(tag("rect", x=0.5, y=y - HIGH / 2, width=box - 1, height=HIGH, **look))
        given = Answer(net.names[v], short(v.data), asked=False)
        parts += row(given, 3 * MM, y - HIGH / 2, box - 6 * MM, solved=solved)
        at[v] = box, y
    bold = {"fill": INK.light, "font_size": "11", "font_weight": "bold"}
    parts.append(words("Inputs", 0, 3 * MM, **bold))
    for k, layer in enumerate(net.layers):
        x = box + gap + k * (gap + _CARD)
        head = "Output" if k + 1 == n else f"Layer {k + 1}"
        parts.append(words(f"{head}, {layer[0].activation}", x, 3 * MM, **bold))
        heights = columns[k]
        y = _HEAD + (total - _HEAD - sum(heights) - _BETWEEN * (len(heights) - 1)) / 2
        ends = {}
        for u, height in zip(layer, heights, strict=False):
            card, look = tag("g"), {"fill": PRESS.light, "stroke": "none"}
            card.append(tag("rect", x=x, y=y, width=_CARD, height=height, rx=3 * MM, **look))
            parts.append(card)
            rows = answers[u]
            first = y + (height - _ROW * len(rows)) / 2 + 1 * MM
            for i, answer in enumerate(rows):
                card.extend(
                    row(answer, x + 4 * MM, first + _ROW * i, _CARD - 7 * MM, solved=solved)
                )
            lines += _lines(net, u, x, y, height, at)
            ends[u.a] = x + _CARD, y + height / 2
            y += height + _BETWEEN
        at = ends
    middle = f"{x + 8 * MM:.2f}"
    points = f"{middle},{y - _BETWEEN:.2f} {middle},{y:.2f}"
    parts.append(tag("polyline", fill="none", stroke=EDGE.light, points=points))
    for i, answer in enumerate(loss):
        parts += row(answer, x + 4 * MM, y + _ROW * i, _CARD - 7 * MM, solved=solved)
    # the names last, so that no line runs through one
    root.extend([*sorted(lines, key=lambda part: part.tag != f"{SVG}path"), *parts])
    return root


def _lines(
    net: Net, u: Unit, x: float, y: float, height: float, at: dict[Value, tuple[float, float]]
) -> list[Element]:
    """The weights of a unit: a cubic with level ends, then a straight run with name and number."""
    parts = []
    largest = max((abs(w.data) for layer in net.layers for v in layer for w in v.w), default=0.0)
    pairs = sorted(zip(u.w, u.x, strict=True), key=lambda pair: at[pair[1]][1])
    step = min(12 * MM, (height - 8 * MM) / max(1, len(pairs) - 1))
    for k, (w, source) in enumerate(pairs):
        x0, y0 = at[source]
        y1 = y + height / 2 + (k - (len(pairs) - 1) / 2) * step
        run = x - _RUN
        half = (x0 + run) / 2
        weight = 0.8 + 2.2 * (abs(w.data) / largest if largest else 0.0)
        look = {"fill": "none", "stroke": (POSITIVE if w.data >= 0 else NEGATIVE).light}
        look["stroke_width"] = f"{weight:.2f}"
        if w.data < 0:
            look["stroke_dasharray"] = f"{max(3.4, 1.7 * weight):.1f} {max(2.8, 1.2 * weight):.1f}"
        curve = f"{half:.2f},{y0:.2f} {half:.2f},{y1:.2f} {run:.2f},{y1:.2f}"
        straight = f"{run:.2f},{y1:.2f} {x:.2f},{y1:.2f} {x:.2f},{y1:.2f}"
        parts.append(tag("path", d=f"M{x0:.2f},{y0:.2f}C{curve} {straight}", **look))
        given = Answer(net.names[w], short(w.data), asked=False, back=True)
        wide = formula_width(given.name, SIZE) + 2.4 * MM * len(given.number) + 4 * MM
        left, clear = x - 3 * MM - wide, {"fill": ZERO.light, "stroke": "none"}
        parts.append(
            tag("rect", x=left - 2, y=y1 - _LABEL / 2, width=wide + 4, height=_LABEL, **clear)
        )
        parts += row(given, left, y1 - HIGH / 2, wide, solved=False)
    return parts
