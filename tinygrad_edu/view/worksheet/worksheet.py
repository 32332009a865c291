"""worksheet: the graph behind a number as a sheet to print, with empty boxes to fill in."""

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, Final
from xml.etree.ElementTree import Element

from tinygrad_edu.calculus import convention
from tinygrad_edu.checks import flag, listed, one_of
from tinygrad_edu.engine import Primitive, Value, gradients, toposort
from tinygrad_edu.engine.gradients import check_unchanged
from tinygrad_edu.text import DASH, clean, short, superscript
from tinygrad_edu.view.base.display import Forms, Picture
from tinygrad_edu.view.base.naming import Names, names_of, variable_names
from tinygrad_edu.view.base.numbers import has_grad, in_our_graph, one_value
from tinygrad_edu.view.base.operations import free, is_dot, roles, symbol
from tinygrad_edu.view.base.render import render
from tinygrad_edu.view.base.svg import FITTING, inline, parsed
from tinygrad_edu.view.explain import formulas as slopes_of
from tinygrad_edu.view.explain.notation import Both, derivative, ends, listing, written
from tinygrad_edu.view.graph.diagram import Diagram, Row
from tinygrad_edu.view.graph.dot import to_dot
from tinygrad_edu.view.graph.values import Content, value_diagram
from tinygrad_edu.view.worksheet.page import Page

_MOST: Final = 60
_RULES: Final = 12
_RULE: Final = 240
_SLOPES: Final = 3
#: What may be asked, in the order of the work.
_TASKS: Final = {
    "data": "Forwards: compute every result and write it into its box.",
    "slopes": "On each arrow into an operation: write the slope of the operation with respect to "
    "that operand into the box.",
    "gradients": "Backwards: write the gradient of {root} with respect to each value into its box, "
    "beginning with {root} itself, where it is 1. An operation hands to each operand its own "
    "gradient times the slope; where several arrows leave a value, add what comes back.",
}


@dataclass(eq=False, repr=False)
class Worksheet(Picture):
    """A sheet of A4 in black and grey, and its solution; it keeps no Value.

    `.svg` is the page, `.dot` its graph. In a notebook it shows itself as SVG, without a renderer
    as text.
    """

    _kind = "worksheet"
    _title: str
    _task: str
    _rules: list[str]
    _dots: list[str]
    _table: str
    _solution: "Worksheet | None"

    @property
    def dot(self) -> str:
        """The graph in DOT."""
        return self._dots[0]

    @property
    def solution(self) -> "Worksheet":
        """The same sheet with the numbers in the boxes."""
        return self._solution or self

    @cached_property
    def svg(self) -> str:
        """An SVG element of one page. Raises RenderError without a renderer."""
        return inline(self._page(), self._title, self._task, FITTING)

    def _others(self) -> Forms:
        return {".dot": lambda: self.dot}

    def __repr__(self) -> str:
        return f"<Worksheet: {self._title}>"

    def _page(self) -> Element:
        """The sheet, upright or across, with the drawing that is largest on it."""
        drawings = [parsed(render(dot, "svg")) for dot in self._dots]
        pages = [Page(landscape=True), Page(landscape=False)]
        for page in pages:
            page.text(self._title, 16, "bold")
            page.fields(["Name", "Date"], 11)
            page.text(self._task, 10.5)
            page.columns("Slopes", self._rules, 9, 250)
        page, drawing = max(product(pages, drawings), key=lambda both: both[0].scale_for(both[1]))
        page.picture(drawing)
        return page.root

    def _text(self) -> str:
        """The sheet where there is no picture."""
        parts = [self._title, self._task, self._table, "\n".join(self._rules)]
        return "\n\n".join(parts).rstrip()


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
    v, names = in_our_graph(v, names)
    one_value("worksheet", v, "shows the graph of")
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
    all_names = names_of(order, variable_names(names), notation=notation)
    root = all_names[v]
    backward = asked != {"data"}
    if title is None:
        title = f"{'Backpropagation' if backward else 'Forward pass'} of {root}"
    title = clean(str(title), 50)
    task = " ".join(_TASKS[blank].replace("{root}", root) for blank in _TASKS if blank in asked)
    asked_rules = flag("formulas", formulas) and backward
    rules = slope_rules(order, all_names.values()) if asked_rules else []
    if len(rules) > _RULES:
        rules[_RULES - 1 :] = [f"… {len(rules) - _RULES + 1} more operations"]
    kinks = [convention(u, all_names) for u in order] if backward else []
    rules += [clean(kink, _RULE) for kink in kinks if kink][:_SLOPES]

    def sheet(heading: str, gradient: Mapping[Value, float] | None, solution: Any) -> Worksheet:
        content = _with_blanks(order, all_names, asked, gradient)
        diagram, _ = value_diagram(order, content)
        dots = [to_dot(replace(diagram, rankdir=way), paper=True) for way in ("LR", "TB")]
        table = _table(diagram, [content.lines(u) for u in order])
        return Worksheet(heading, task, rules, dots, table, solution)

    return sheet(title, None, sheet(f"{title}: solution", gradients(v), None))


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


def _table(diagram: Diagram, slopes: Sequence[Sequence[Row | None]]) -> str:
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


def _asked(blanks: str | Iterable[str]) -> frozenset[str]:
    names = [blanks] if isinstance(blanks, str) else listed("blanks", blanks, "names")
    if not names:
        raise ValueError('blanks is empty, so nothing is asked: write blanks="gradients"')
    asked = {one_of("blanks", name, (*_TASKS, "all")) for name in names}
    return frozenset(_TASKS if "all" in asked else asked)


def slope_rules(values: Iterable[Value], names: Iterable[str] = ()) -> list[str]:
    """A line such as "y = tanh(x),  dy/dx = 1 - y²" for each operation, in this order.

    Operands are called as in the drawing, else x, or a and b, or x1, x2, ...; of a dot w and x
    with an index. Other letters take the place of those that `names` of quantities hold.
    """
    taken = {*names}
    rules = [_rule(v, v.op, taken) for v in values if v.op is not None]
    return [clean(rule, _RULE) for rule in dict.fromkeys(rules)]


def _rule(v: Value, op: Primitive, taken: Iterable[str]) -> str:
    n, operands = len(v.parents), len(slopes_of.shared(v))
    wanted, written_out = _letters(op, n), ends(range(n), _SLOPES)
    result = next(letter for letter in ("y", "z", "v", "result") if letter not in wanted)
    *letters, result, share = free([*wanted, result, "p" * bool(operands)], taken)
    sign = symbol(op, n, letters)
    if is_dot(v):
        pairs = n // 2
        letters = ["wᵢ"] * pairs + ["xᵢ"] * pairs + ["b"] * (n % 2)
        written_out = [0, pairs, *[2 * pairs][: n % 2]]
    shares = [f"{share}[{k + 1 - n + operands}]" for k in range(n)]
    names = [Both(letter, "") for letter in (*letters, result, *shares)]
    try:
        value, slope = slopes_of.formulas(v, general=True)
        value_text = sign if is_dot(v) else _on_paper(written(value, names).text)
        parts = [f"{result} = {value_text}"]
        for i in written_out:
            by = derivative(result, letters[i]).text
            parts.append(f"{by} = {_on_paper(written(slope(i), names).text)}")
    except slopes_of.UNWRITABLE as error:
        return f"{sign}: no formula ({type(error).__name__})"
    if operands:
        few = listing([Both(letter, "") for letter in letters[n - operands :]]).text
        parts.append(f"{share} = softmax({few})")
    plain = sign in value_text or not sign.isascii() or not sign.isidentifier()
    return ",  ".join(parts) if plain else f"{sign}:  {',  '.join(parts)}"


def _letters(op: Primitive, n: int) -> list[str]:
    named = roles(op, n)
    if all(named):
        return named
    return {1: ["x"], 2: ["a", "b"]}.get(n) or [f"x{i + 1}" for i in range(n)]


def _on_paper(formula: str) -> str:
    formula = re.sub(r"\*\*(\d+)", lambda power: superscript(float(power[1])), formula)
    return formula.replace(" * ", " · ").replace("<=", "≤").replace(">=", "≥")
