"""worksheet: the graph behind a number as a sheet to print, with empty boxes to fill in."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from tinygrad_edu.checks import listed, one_of
from tinygrad_edu.engine import Value, gradients, toposort
from tinygrad_edu.engine.gradients import check_unchanged
from tinygrad_edu.text import DASH, clean, short
from tinygrad_edu.view.base.display import converted, picture_bundle, save
from tinygrad_edu.view.base.naming import Names, names_of, variable_names
from tinygrad_edu.view.base.numbers import has_grad
from tinygrad_edu.view.base.render import render
from tinygrad_edu.view.base.svg import FITTING, inline, parsed
from tinygrad_edu.view.graph.diagram import Diagram, Row
from tinygrad_edu.view.graph.dot import to_dot
from tinygrad_edu.view.graph.values import Content, value_diagram
from tinygrad_edu.view.worksheet.page import Page
from tinygrad_edu.view.worksheet.slope_rules import slope_rules

_MOST: Final = 60
_RULES: Final = 12
#: What may be asked, in the order of the work.
_TASKS: Final = {
    "data": "Forwards: compute every result and write it into its box.",
    "slopes": "On each arrow into an operation: write the slope of the operation with respect to "
    "that operand into the box.",
    "gradients": "Backwards: write the gradient of {root} with respect to each value into its box, "
    "beginning with {root} itself, where it is 1. An operation hands to each operand its own "
    "gradient times the slope; where several arrows leave a value, add what comes back.",
}


class Worksheet:
    """A sheet of A4 in black and grey, and its solution; it keeps no Value.

    `.svg` is the page, `.dot` its graph. In a notebook it shows itself as SVG, without a renderer
    as text.
    """

    def __init__(self, content: "_Content", solved: "_Content") -> None:
        self._content, self._solved = content, solved
        self.dot = content.dots[0]

    @cached_property
    def solution(self) -> "Worksheet":
        """The same sheet with the numbers in the boxes."""
        return Worksheet(self._solved, self._solved)

    @cached_property
    def svg(self) -> str:
        """An SVG element of one page. Raises RenderError without a renderer."""
        page = ElementTree.tostring(self._content.page())
        return inline(page, self._content.title, self._content.task, FITTING)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the sheet as .pdf, .svg or .png, or its graph as .dot, and return the path.

        Raises ValueError for another suffix, RenderError without a renderer.
        """
        forms: dict[str, Callable[[], bytes | str]] = {
            ".pdf": lambda: converted(self.svg, "pdf"),
            ".svg": lambda: self.svg,
            ".png": lambda: converted(self.svg, "png"),
            ".dot": lambda: self.dot,
        }
        return save(path, "worksheet", forms)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return picture_bundle(lambda: self.svg, repr(self), self._content.text)

    def __repr__(self) -> str:
        return f"<Worksheet: {self._content.title}>"


def worksheet(
    v: Value,
    *,
    blanks: str | Iterable[str] = "gradients",
    names: Mapping[str, object] | None = None,
    title: str | None = None,
    formulas: bool = True,
    notation: str = "lecture",
) -> Worksheet:
    """The graph that `v` was made from as a sheet of A4 with empty boxes, and its solution.

    blanks    what is to be found: "gradients" (of every value), "data" (of every result), "slopes"
              (the local derivatives of each operation, on the arrows), several of them, or "all"
    names     labels for values without a name of their own, as for `draw`
    title     the heading
    formulas  whether the slopes of the operations stand below as formulas
    notation  "lecture" or "code", as for `draw`

    The gradients of the solution are the engine's; no `.grad` is changed. Raises TypeError unless
    `v` is a Value, ValueError for more than 60 values or an unknown blank, GraphError where a value
    was changed since the forward pass.
    """
    if not isinstance(v, Value):
        raise TypeError(f"worksheet(v) shows the graph of one Value, got {type(v).__name__}")
    asked = _asked(blanks)
    order = toposort(v, leaves=True)
    if len(order) > _MOST:
        raise ValueError(
            f"the graph has {len(order):,} values, and a sheet of paper has room for {_MOST}: draw "
            "a smaller graph, such as the loss of one example, or a net of fewer units"
        )
    for u in order:
        if u.op is not None:
            check_unchanged(u, "worksheet()")
    all_names = names_of(order, variable_names(names or {}), notation=notation)
    root = all_names[v]
    backward = asked != {"data"}
    if title is None:
        title = f"{'Backpropagation' if backward else 'Forward pass'} of {root}"
    title = clean(str(title), 50)
    task = " ".join(_TASKS[blank].replace("{root}", root) for blank in _TASKS if blank in asked)
    rules = slope_rules(order) if formulas and backward else []
    if len(rules) > _RULES:
        rules[_RULES - 1 :] = [f"… {len(rules) - _RULES + 1} more operations"]
    sheets = []
    for heading, solution in ((title, None), (f"{title}: solution", gradients(v))):
        content = _with_blanks(order, all_names, asked, solution)
        diagram, _ = value_diagram(order, content)
        dots = [to_dot(replace(diagram, rankdir=way), paper=True) for way in ("LR", "TB")]
        table = _text(diagram, [content.lines(u) for u in order])
        sheets.append(_Content(heading, task, rules, dots, table))
    return Worksheet(*sheets)


def _with_blanks(
    order: Sequence[Value],
    names: Names,
    asked: AbstractSet[str],
    solution: Mapping[Value, float] | None,
) -> Content:
    """The numbers of a graph, in a frame what is asked ("data", "gradients", "slopes").

    The frames are empty, or filled with a solution, the gradient of each value.
    """

    def blank(label: str, x: float) -> Row:
        return Row(label, "" if solution is None else short(x), blank=True)

    def rows(v: Value) -> list[Row]:
        data = Row("data", short(v.data))
        if "data" in asked and v.op is not None:
            data = blank("data", v.data)
        if "gradients" in asked and (v is order[-1] or has_grad(v)):
            return [data, blank("grad", (solution or {}).get(v, 0.0))]
        return [data]

    def lines(v: Value) -> list[Row | None]:
        slopes = zip(v.parents, v.local_derivatives(), strict=True)
        wanted = "slopes" in asked
        return [blank("slope", slope) if wanted and has_grad(p) else None for p, slope in slopes]

    return Content(names, rows, lines)


def _text(diagram: Diagram, slopes: Sequence[Sequence[Row | None]]) -> str:
    """The graph as lines, such as "y = tanh(x):  data = 0.7616,  grad = _______"."""

    def number(row: Row | None) -> str:
        return DASH if row is None else row.text or "_______"

    text = []
    for box, line in zip([box for box in diagram.boxes if box.label], slopes, strict=True):
        made = f" = {box.made}({', '.join(box.sources)})" if box.sources else f" ({box.made})"
        parts = [f"{row.label} = {number(row)}" for row in box.rows]
        if any(line):
            parts.append(f"slopes = {', '.join(map(number, line))}")
        text.append(f"{box.label}{made}:  {',  '.join(parts)}")
    return "\n".join(text)


@dataclass
class _Content:
    title: str
    task: str
    rules: list[str]
    dots: list[str]
    table: str

    def page(self) -> Element:
        """The sheet, upright or across, with the drawing that is largest on it."""
        drawings = [parsed(render(dot, "svg")) for dot in self.dots]
        pages = [Page(landscape=True), Page(landscape=False)]
        for page in pages:
            page.text(self.title, 16, "bold")
            page.fields(["Name", "Date"], 11)
            page.text(self.task, 10.5)
            page.columns("Slopes", self.rules, 9, 250)
        page, drawing = max(product(pages, drawings), key=lambda both: both[0].scale_for(both[1]))
        page.picture(drawing)
        return page.root

    def text(self) -> str:
        """The sheet where there is no picture."""
        return "\n\n".join([self.title, self.task, self.table, "\n".join(self.rules)]).rstrip()


def _asked(blanks: str | Iterable[str]) -> frozenset[str]:
    names = [blanks] if isinstance(blanks, str) else listed("blanks", blanks, "names")
    if not names:
        raise ValueError('blanks is empty, so nothing is asked: write blanks="gradients"')
    asked = {one_of("blanks", name, (*_TASKS, "all")) for name in names}
    return frozenset(_TASKS if "all" in asked else asked)
