"""The picture of a film, drawn once: every number in it has a place, and every box and arrow a key.

A value at n3 has the keys n3 (its box), n3.data and n3.grad (its numbers); an arrow has n1-n3.
"""

import html
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Final, cast
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from tinygrad_edu.engine import Primitive, Value
from tinygrad_edu.view.base.render import RenderError
from tinygrad_edu.view.base.svg import inline
from tinygrad_edu.view.base.symbols import symbol
from tinygrad_edu.view.graph import values

KEY: Final = "data-key"
SVG: Final = "{http://www.w3.org/2000/svg}"
_TOOLTIP: Final = "{http://www.w3.org/1999/xlink}title"
_MARGIN: Final = 6.0


@dataclass(eq=False)
class _Box:
    """A Value as far as a drawing looks at it, with the widest numbers that it will show."""

    name: str
    kind: str
    op: Primitive | None
    parents: tuple["_Box", ...]
    data: float
    grad: float
    reached: bool = True


def ids_of(order: Sequence[Value], shown: Sequence[Value]) -> tuple[dict[int, str], dict[int, str]]:
    """Position -> id of a value, and of its operation, as `values.dot_source` gives them."""
    position = {v: i for i, v in enumerate(order)}
    places = {position[v]: at for v, at in values.places(shown).items()}
    operations = {i: at.operation for i, at in places.items() if at.operation}
    return {i: at.value for i, at in places.items()}, operations


def dot_of(
    shown: Sequence[Value],
    names: Mapping[Value, str],
    widest: Mapping[Value, tuple[float, float]],
) -> str:
    """DOT for the values `shown`, each box wide enough for its widest numbers (data, grad)."""
    boxes: dict[Value, _Box] = {}
    hidden: dict[Value, _Box] = {}
    for v in shown:
        name = "" if v.kind == "constant" and not v.name else names[v]
        parents = tuple(
            [
                boxes.get(p) or hidden.setdefault(p, _Box("", "result", None, (), 0.0, 0.0))
                for p in v.parents
            ]
        )
        boxes[v] = _Box(name, v.kind, v.op, parents, *widest[v])
    return values.dot_source(cast(Sequence[Value], list(boxes.values())), {}, "none", [], "LR")


def drawing(svg: bytes, tooltips: Mapping[str, str]) -> Element:
    """The renderer's SVG with keys; `tooltips` says which ids are values, and their tooltips.

    Raises RenderError for what is no such picture.
    """
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise RenderError(f"the renderer's SVG is not well-formed: {error}") from None
    for group in root.iter(f"{SVG}g"):
        title = group.findtext(f"{SVG}title", "")
        if group.get("class") == "edge":
            group.set(KEY, title.replace("->", "-"))
        elif group.get("class") == "node":
            group.set(KEY, title)
            if title in tooltips:
                _mark_numbers(group, title, tooltips[title])
    return root


def _mark_numbers(group: Element, key: str, tooltip: str) -> None:
    """Keys for data and grad, or data alone, in a box; the numbers now end at its right edge."""
    for link in group.iter(f"{SVG}a"):
        link.set(_TOOLTIP, tooltip)
    texts = list(group.iter(f"{SVG}text"))
    rows = ["data"] if [text.text for text in texts[-2:-1]] == ["data"] else ["data", "grad"]
    texts = texts[-2 * len(rows) :]
    if [text.text for text in texts[::2]] != rows:
        raise RenderError("the renderer's SVG has no data and grad in a box")
    border = next(shape for shape in group.iter() if shape.tag in (f"{SVG}polygon", f"{SVG}path"))
    points = border.get("points") or border.get("d") or ""
    right = max(float(x) for x in re.findall(r"(-?[\d.]+),-?[\d.]+", points)) - _MARGIN
    for row, text in zip(rows, texts[1::2], strict=True):
        text.set(KEY, f"{key}.{row}")
        text.set("text-anchor", "end")
        text.set("x", f"{right:.2f}")


def filled(root: Element, numbers: Mapping[str, str]) -> Element:
    """A copy of the drawing with these texts at their keys."""
    root = deepcopy(root)
    for element in root.iter(f"{SVG}text"):
        key = element.get(KEY)
        if key is not None:
            element.text = numbers.get(key, "")
    return root


def size(root: Element) -> tuple[float, float]:
    """Width and height of the drawing in points."""
    *_, width, height = (float(x) for x in root.get("viewBox", "0 0 1 1").split())
    return width, height


def element(root: Element, title: str, description: str) -> str:
    """The drawing as an SVG element for a page."""
    return inline(ElementTree.tostring(root), title, description)


def table(
    shown: Sequence[Value],
    names: Mapping[Value, str],
    ids: Mapping[Value, str],
    numbers: Mapping[str, str],
) -> str:
    """Where there is no renderer: the values as a table in HTML, with the same keys."""
    rows = []
    for v in shown:
        made = v.kind if v.op is None else symbol(v.op, len(v.parents))
        keys = [f"{ids[v]}.data", f"{ids[v]}.grad"]
        cells = "".join(
            f'<td {KEY}="{key}">{numbers[key]}</td>' if key in numbers else "<td></td>"
            for key in keys
        )
        head = f'<th scope="row">{html.escape(names[v])}</th><td>{html.escape(made)}</td>'
        rows.append(f'<tr {KEY}="{ids[v]}">{head}{cells}</tr>')
    return (
        '<table><thead><tr><th scope="col">name</th><th scope="col">made by</th>'
        '<th scope="col">data</th><th scope="col">grad</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>\n"
    )
