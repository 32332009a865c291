"""The picture of an explanation: its paths in the graph, each factor below where it comes from."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from tinygrad_edu.engine import Value
from tinygrad_edu.text import short
from tinygrad_edu.view.base.naming import Names
from tinygrad_edu.view.base.numbers import Numbers, decimal, has_grad
from tinygrad_edu.view.base.palette import INK, SOFT, number_colour
from tinygrad_edu.view.base.render import RenderError
from tinygrad_edu.view.base.svg import (
    formula_width,
    inline,
    readable,
    room,
    size_of,
    typeset,
    words,
)
from tinygrad_edu.view.explain.chain import Writer
from tinygrad_edu.view.explain.notation import derivative, number
from tinygrad_edu.view.explain.paths import Link, contribution
from tinygrad_edu.view.graph.diagram import Diagram, Number
from tinygrad_edu.view.graph.picture import KEY, WIDEST, finished, lit, placed
from tinygrad_edu.view.graph.select import LARGEST
from tinygrad_edu.view.graph.values import Content, value_diagram

#: How much is seen of what is off the path, of boxes and of lines.
_FAINT: Final = ("0.32", "0.13")
_ROW, _LINE, _APART = 46.0, 22.0, 22.0
#: Values of a graph that is drawn whole.
_SHOWN: Final = 120


class Factor(NamedTuple):
    """A factor of a product: its name, its number, and the boxes between which it comes from."""

    name: str
    number: float
    tail: str
    head: str

    @property
    def half(self) -> float:
        """Half of the width that name and number need."""
        number = room(decimal(self.number), 15, bold=True)
        return max(formula_width(self.name, 13), number) / 2


class Sketch(NamedTuple):
    """What a picture of paths shows: the graph, its lit lines, products of factors, formulas.

    Each product ends with the whole derivative, or its share of it.
    """

    diagram: Diagram
    lines: frozenset[str]
    products: Sequence[Sequence[Factor]]
    formulas: Sequence[str]
    title: str
    caption: Sequence[str]

    def svg(self) -> str:
        """The picture. Raises RenderError without a renderer, or for more boxes than have room."""
        if len(self.diagram.boxes) > LARGEST:
            raise RenderError(
                f"the graph has {len(self.diagram.boxes):,} boxes, and a picture of a path has "
                f"room for {LARGEST}: write wrt of a value that is nearer to the result"
            )
        drawn = placed(self.diagram)
        root, height = drawn.root, size_of(drawn.root)[1]
        on = {box for factors in self.products for f in factors for box in (f.tail, f.head)}
        on |= {box for line in self.lines for box in line.split("-")}
        for group in list(drawn.canvas):
            key = group.get(KEY, "")
            if key in self.lines:
                group[:0] = list(lit(group, key))
            elif key not in on and group.get("class") != "cluster":
                group.set("opacity", _FAINT["-" in key])
        shift = float(re.findall(r"translate\((-?[\d.]+)", drawn.canvas.get("transform", ""))[0])
        wide, y = 0.0, height + 4
        for factors in self.products:
            x, middles = 0.0, []
            for f in factors:
                tail, head = drawn.spots[f.tail], drawn.spots[f.head]
                middle = (tail.right + head.left) / 2 if tail.right < head.left else head.left + 30
                middles.append(max(middle + shift, x + f.half + _APART))
                x = middles[-1] + f.half
            end = max(size_of(root)[0], WIDEST) - 10
            for k, f in reversed([*enumerate(factors)]):  # what would be too far right moves left
                middles[k] = min(middles[k], end - f.half)
                end = middles[k] - f.half - _APART
            x = 0.0
            for k, (f, middle) in enumerate(zip(factors, middles, strict=True)):
                place = max(middle, x + f.half + _APART)
                if k:
                    sign, between = "=" if k + 1 == len(factors) else "·", (x + place - f.half) / 2
                    soft = {"text_anchor": "middle", "fill": SOFT.light}
                    root.append(words(sign, between, y + 36, **soft))
                root.extend(typeset(f.name, place, y + 16, 13, anchor="middle", fill=INK.light))
                look = {"fill": number_colour(f.number).light, "font_weight": "600"}
                look |= {"font_size": "15", "text_anchor": "middle"}
                root.append(words(decimal(f.number), place, y + 36, **look))
                x = place + f.half
            wide, y = max(wide, x), y + _ROW
        for formula in self.formulas:
            y += _LINE
            root.extend(typeset(readable(formula), 5, y - 4, 14, fill=INK.light))
            wide = max(wide, formula_width(readable(formula), 14))
        width = max(size_of(root)[0], wide + 10)
        root.set("viewBox", f"0 0 {width:.0f} {y + 4:.0f}")
        return inline(finished(root, self.caption), self.title, "; ".join(self.formulas))


def sketch(
    order: Sequence[Value],
    names: Names,
    write: Writer,
    grads: Mapping[Value, float],
    routes: Sequence[Sequence[Link]],
) -> Sketch | None:
    """The paths, each as its links from the result back; None for too many values.

    Of a large graph only what is on the paths and before it is drawn, or of units their weights.
    """
    near = _near(order, names, routes) if len(order) > _SHOWN else {*order}
    shown = [u for u in order if u in near]
    if len(shown) > _SHOWN:
        return None
    numbers, root = Numbers(shown), shown[-1]

    def both(v: Value) -> list[Number]:
        back = has_grad(v) and v in grads
        return [Number("data", numbers.data[v]), *[Number("grad", grads.get(v), back=True)] * back]

    diagram, boxes = value_diagram(shown, Content(names, both), units=names.units.units)
    ways = {key: {key, before} for key, before in diagram.ways().items()}
    for key, (*lines_of_chip,) in list(ways.items()):
        if len(lines_of_chip) > 1:  # from what is multiplied to the unit
            tail = next(line for line in lines_of_chip if line != key).partition("-")[0]
            ways[f"{tail}-{key.partition('-')[2]}"] = {*lines_of_chip}
    lines, products = set[str](), list[list[Factor]]()
    formulas, terms = list[str](), list[str]()
    ends = {route[-1].parent if route else root for route in routes}
    total = derivative(names[root], names[next(iter(ends))]).text if len(ends) == 1 else ""
    for route in routes:
        factors = []
        for link in reversed(route):
            tail, head = boxes[link.parent].id, boxes[link.child].id
            key = f"{tail}-{head}"
            lines |= ways.get(key, set())
            name = readable(write.local(link).text)
            factors.append(Factor(name, link.slope, tail, head))
        part, end = contribution(route), boxes[root].id
        label = readable(total) if len(routes) == 1 else f"path {len(products) + 1}"
        products.append([*factors, *[Factor(label, part, end, end)] * (len(factors) != 1)])
        terms.append(number(part, first=not terms).text)
        if len(routes) == 1:
            sides = [(write.formula(link) or [write.local(link)])[0].text for link in route]
            signs = (" + ", " - ", " if ")
            sides = [f"({x})" if any(sign in x for sign in signs) else x for x in sides]
            formulas.append(f"{total} = {' * '.join(sides)}")
            terms = [" * ".join(number(link.slope, first=False).text for link in route)]
    if total and terms != [""]:
        formulas.append(f"{total} = {' + '.join(terms)} = {short(grads[ends.pop()])}")
    title, changes = f"Paths to {names[root]}", numbers.changes(names)
    return Sketch(diagram, frozenset(lines), products, formulas, title, changes)


def _near(order: Sequence[Value], names: Names, routes: Sequence[Sequence[Link]]) -> set[Value]:
    """What is on the paths, and what it was made from, or of that weights of units and inputs."""
    links = [link for route in routes for link in route]
    on = {order[-1], *(u for link in links for u in (link.child, link.parent))}
    near = {u for link in links for u in link.child.parents} | on
    if len(near) > _SHOWN:
        units = [u for u in names.units.units if u.z in on]
        pairs = [pair for u in units for pair in zip(u.w, u.x, strict=True)]
        near = {p for pair in pairs if not on.isdisjoint(pair) for p in pair} | on
    return near
