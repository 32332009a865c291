"""What stands on a worksheet: its tasks, drawings, answers and rules, of values or of units."""

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import product
from typing import Any, Final, NamedTuple
from xml.etree.ElementTree import Element

from tinygrad_edu.calculus import convention
from tinygrad_edu.engine import Value, gradients
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.base.graph_units import Unit
from tinygrad_edu.view.base.naming import Names
from tinygrad_edu.view.base.numbers import has_grad
from tinygrad_edu.view.base.operations import free, is_dot, roles, symbol
from tinygrad_edu.view.base.svg import readable
from tinygrad_edu.view.explain import formulas as formulas_of
from tinygrad_edu.view.explain.notation import Both, derivative, ends, listing, written
from tinygrad_edu.view.graph.diagram import Diagram, Number, table
from tinygrad_edu.view.graph.values import Content, value_diagram
from tinygrad_edu.view.worksheet.cards import Net, drawing
from tinygrad_edu.view.worksheet.page import Answer, Paper

#: Values of a graph for which a sheet of paper has room.
_MOST: Final = 60
#: Rules, kinks and characters of each; slopes in a rule.
_RULES, _KINKS, _RULE, _SLOPES = 12, 3, 240, 3
#: What may be asked, in the order of the work.
TASKS: Final = {
    "data": "Forward: compute every result and write it into its box.",
    "slopes": "Local derivatives: on each line into an operation write the derivative of its "
    "result with respect to that operand.",
    "gradients": "Backward: write the derivative of {root} with respect to each value into its "
    "box, beginning with {root} itself, where it is 1. A result hands on its own times the local "
    "derivative; where several lines leave a value, add what comes back.",
}
_OF_UNITS: Final = {
    "data": "Forward, from left to right: write z and a of each unit, then {root}.",
    "slopes": "Local derivatives: write ∂a/∂z of each unit.",
    "delta": "Backward, from right to left: write each δ = ∂{root}/∂z.",
    "gradients": "Gradients: write ∂{root}/∂w and ∂{root}/∂b of each weight and bias.",
}


class Listed(NamedTuple):
    """Answers of a task with boxes in rows: always, or where the drawing has none."""

    heading: str
    answers: Sequence[Answer]
    always: bool = False


class Contents(NamedTuple):
    """What is on a sheet, blank or solved, but for its title; `table` is the drawing as text.

    `drawings`, with boxes to write in or without, are graphs, or elements for a page that is across
    or not.
    """

    tasks: Sequence[str]
    drawings: Mapping[bool, Sequence[tuple[Diagram | Element, bool | None]]]
    lists: Sequence[Listed]
    rules: Sequence[str]
    note: str
    table: str
    solved: bool


def of_values(
    order: Sequence[Value], names: Names, asked: AbstractSet[str], *, formulas: bool
) -> list[Contents]:
    """A graph of every value, blank and solved. Raises ValueError for more than 60."""
    if len(order) > _MOST:
        raise ValueError(
            f"the graph has {len(order):,} values, and a sheet of paper has room for {_MOST}: draw "
            "a smaller graph, such as the loss of one example, or a net of fewer units"
        )
    root, backward = order[-1], asked != {"data"}
    found = gradients(root)
    results = [u for u in order if u.op is not None]
    lists = {
        "data": [Answer(names[u], short(u.data)) for u in results],
        "slopes": [
            Answer(_by(names[u], names[p]), short(slope))
            for u in results
            for p, slope in zip(u.parents, u.local_derivatives(), strict=True)
            if has_grad(p)
        ],
        "gradients": _gradients(names, root, [u for u in order if has_grad(u) or u is root], found),
    }
    rules = slope_rules(order, names.values()) if formulas and backward else []
    if len(rules) > _RULES:
        rules[_RULES - 1 :] = [f"… {len(rules) - _RULES + 1} more operations"]
    rules += _kinks(order, names) if backward else []
    tasks, shown = _numbered(TASKS, asked, lists, names[root])

    def contents(*, solved: bool) -> Contents:
        drawings = {}
        for boxes in (True, False):
            content = _content(order, names, asked, found, boxes, solved)
            diagram = value_diagram(order, content)[0]
            drawings[boxes] = [(replace(diagram, rankdir=way), None) for way in ("LR", "TB")]
        return Contents(tasks, drawings, shown, rules, "", table(drawings[True][0][0]), solved)

    return [contents(solved=False), contents(solved=True)]


def of_net(
    net: Net, order: Sequence[Value], asked: AbstractSet[str], *, formulas: bool
) -> list[Contents]:
    """A net as cards, blank and solved."""
    names, root = net.names, order[-1]
    found, blank = gradients(root), "data" in asked
    units = [u for layer in net.layers for u in layer]
    wanted = asked | ({"delta"} if "gradients" in asked else set())
    lists: dict[str, list[Answer]] = {task: [] for task in _OF_UNITS}
    given, rows = dict[Unit, list[Answer]](), dict[Unit, list[Answer]]()
    for u in units:
        others = [p for p in u.parameters if p not in u.w]
        given[u] = [Answer(names[p], short(p.data), asked=False) for p in others]
        made = [Answer(names[x], short(x.data), blank) for x in dict.fromkeys((u.z, u.a))]
        delta = [Answer(names.deltas[u.z], short(found[u.z]), back=True)] * ("delta" in wanted)
        slopes = u.a.local_derivatives() if "slopes" in asked and u.a is not u.z else []
        slope = [short(slopes[u.a.parents.index(u.z)])] if slopes else []
        rows[u] = [*made, *(Answer("∂a/∂z", x) for x in slope), *delta]
        lists["data"] += made
        lists["slopes"] += [Answer(_by(names[u.a], names[u.z]), x) for x in slope]
        lists["delta"] += delta
        lists["gradients"] += _gradients(names, root, u.parameters, found)
    targets = [p for p in net.targets if p.kind != "constant"]
    loss = [Answer(names[p], short(p.data), asked=False) for p in targets]
    after = [Answer(names[v], short(v.data), blank) for v in net.after]
    lists["data"] += after
    tasks, shown = _numbered(_OF_UNITS, wanted, lists, names[root], always="gradients")
    rules = net_rules(net, names[root] * ("delta" in wanted)) if formulas else []
    rules += _kinks(order, names) if "delta" in wanted else []
    leaves = "\n".join(
        f"{names[v]} = {short(v.data)}" for v in order if v.op is None and v.kind != "constant"
    )

    def contents(*, solved: bool) -> Contents:
        drawings: dict[bool, list[tuple[Element, bool]]] = {True: [], False: []}
        for boxes, across in product((True, False), (False, True)):
            cards = {u: given[u] + rows[u] * boxes for u in units}
            room, below = Paper(landscape=across).inside, loss + after * boxes
            drawings[boxes].append((drawing(net, cards, below, room, solved=solved), across))
        note = "Lines: weights, solid positive, dashed negative."
        return Contents(tasks, drawings, shown, rules, note, leaves, solved)

    return [contents(solved=False), contents(solved=True)]


def _gradients(
    names: Names, root: Value, values: Iterable[Value], found: Mapping[Value, float]
) -> list[Answer]:
    by = [(_by(names[root], names[u]), short(found.get(u, 0.0))) for u in values]
    return [Answer(name, number, back=True) for name, number in by]


def _numbered(
    tasks: Mapping[str, str],
    asked: AbstractSet[str],
    answers: Mapping[str, Sequence[Answer]],
    root: str,
    always: str = "",
) -> tuple[list[str], list[Listed]]:
    """The tasks that are asked, and their answers under headings with the number of the task."""
    chosen = [task for task in tasks if task in asked]
    lists = [
        Listed(f"{k} {re.split('[:,]', tasks[task])[0]}", answers[task], task == always)
        for k, task in enumerate(chosen, 1)
    ]
    return [tasks[task].replace("{root}", root) for task in chosen], lists


def _by(of: str, by: str) -> str:
    return derivative(of, by, "∂").text


def _kinks(order: Sequence[Value], names: Names) -> list[str]:
    return [clean(kink, _RULE) for kink in (convention(u, names) for u in order) if kink][:_KINKS]


def _content(
    order: Sequence[Value],
    names: Names,
    asked: AbstractSet[str],
    found: Mapping[Value, float],
    boxes: bool,
    solved: bool,
) -> Content:
    """The numbers of a graph; what is asked stands in boxes, filled where solved, or not at all."""

    def blank(label: str, x: float) -> list[Number]:
        return [Number(label, x if solved else None, back=label != "data", blank=True)] * boxes

    def numbers(v: Value) -> list[Number]:
        hidden = "data" in asked and v.op is not None
        data = blank("data", v.data) if hidden else [Number("data", v.data)]
        backward = "gradients" in asked and (v is order[-1] or has_grad(v))
        return data + (blank("grad", found.get(v, 0.0)) if backward else [])

    def lines(v: Value) -> list[Number | None]:
        slopes = zip(v.parents, v.local_derivatives(), strict=True)
        wanted = boxes and "slopes" in asked
        return [blank("slope", x)[0] if wanted and has_grad(p) else None for p, x in slopes]

    return Content(names, numbers, lines)


def slope_rules(values: Iterable[Value], names: Iterable[str] = ()) -> list[str]:
    """A line such as "y = tanh(x),  ∂y/∂x = 1 - y²" for each operation, in this order.

    Operands are called as in the drawing, else x, or a and b, or x1, x2, ...; of a dot w and x
    with an index. Other letters take the place of those that `names` of quantities hold.
    """
    taken = {*names}
    return [*dict.fromkeys(_general(v, taken) for v in values if v.op is not None)]


def net_rules(net: Net, root: str) -> list[str]:
    """The formulas of units, of what follows, and of the way back from a `root` that is named."""
    names, lines = net.names, ["z = Σ w · (what comes in) + b"]
    units = {u.activation: u for layer in net.layers for u in layer if u.a is not u.z}
    letters = ["z", "\N{GREEK SMALL LETTER ALPHA}"]
    for u in units.values():
        of_layer = len(u.a.parents) > 1 + (u.a.parents[-1] in u.parameters)
        lines += slope_rules([u.a]) if of_layer else [_rule(u.a, letters, "a")]
    lines += [_rule(v, [names[p] for p in v.parents], names[v], actual=True) for v in net.after]
    if root:
        lines.append(
            f"δ = ∂a/∂z · ∂{root}/∂a of outputs, else ∂a/∂z · Σ w · δ of the units they feed"
        )
        lines.append(f"∂{root}/∂w = δ of the unit · what comes in on that line,  ∂{root}/∂b = δ")
    return lines


def _general(v: Value, taken: Iterable[str]) -> str:
    """The rule of an operation, whatever its operands are called."""
    op: Any = v.op
    n, operands = len(v.parents), len(formulas_of.shared(v))
    wanted = roles(op, n)
    if not all(wanted):
        wanted = {1: ["x"], 2: ["a", "b"]}.get(n) or [f"x{i + 1}" for i in range(n)]
    result = next(letter for letter in ("y", "z", "v", "result") if letter not in wanted)
    *letters, result, share = free([*wanted, result, "p" * bool(operands)], taken)
    sign = symbol(op, n, letters)
    if is_dot(v):
        letters = ["wᵢ"] * (n // 2) + ["xᵢ"] * (n // 2) + ["b"] * (n % 2)
    rule = _rule(v, letters, result, share)
    told = sign in rule.partition(",  ")[0] or not sign.isascii() or not sign.isidentifier()
    return rule if told else f"{sign}:  {rule}"


def _rule(
    v: Value, letters: Sequence[str], result: str, share: str = "p", *, actual: bool = False
) -> str:
    """The formula of a result and its derivatives; those of `actual` operands that have one."""
    op: Any = v.op
    n, operands = len(v.parents), len(formulas_of.shared(v))
    places = range(n - operands if operands else 0, n)  # not a class number, which has none
    written_out = ends([i for i in places if not actual or has_grad(v.parents[i])], _SLOPES)
    if is_dot(v) and not actual:
        written_out = [0, n // 2, *[n - 1][: n % 2]]
    shares = [f"{share}[{k + 1 - n + operands}]" for k in range(n)]
    names = [Both(letter, "") for letter in (*letters[:n], result, *shares)]
    try:
        value, slope = formulas_of.formulas(v, general=not actual)
        sign = symbol(op, n, letters)
        value_text = sign if is_dot(v) and not actual else written(value, names).text
        parts = [f"{result} = {value_text}"]
        for i in written_out:
            by = derivative(result, letters[i], "∂").text
            parts.append(f"{by} = {written(slope(i), names).text}")
    except formulas_of.UNWRITABLE as error:
        return f"{clean(op.name)}: no formula ({type(error).__name__})"
    if operands:
        few = listing([Both(letter, "") for letter in letters[n - operands : n]]).text
        parts.append(f"{share} = softmax({few})")
    return clean(readable(",  ".join(parts)), _RULE)
