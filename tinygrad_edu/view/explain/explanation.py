"""explain: the chain rule for one derivative, with letters and with numbers."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from types import NoneType
from typing import Any, Final

from tinygrad_edu.checks import flag, instance
from tinygrad_edu.engine import Value, gradients, toposort
from tinygrad_edu.nn.module import Module
from tinygrad_edu.text import clean, short, table
from tinygrad_edu.view.base.display import Drawing, Forms
from tinygrad_edu.view.base.naming import Names, names_of, variable_names
from tinygrad_edu.view.base.numbers import in_our_graph, one_value
from tinygrad_edu.view.base.operations import drawing_order
from tinygrad_edu.view.base.render import RenderError
from tinygrad_edu.view.base.tex import Equations
from tinygrad_edu.view.explain.chain import Writer
from tinygrad_edu.view.explain.derivations import example
from tinygrad_edu.view.explain.notation import (
    Both,
    Line,
    added,
    ends,
    in_latex,
    in_text,
    lines_of,
    more,
    name,
    number,
    product,
    sentence,
)
from tinygrad_edu.view.explain.path_picture import Sketch, sketch
from tinygrad_edu.view.explain.paths import MANY, Link, Paths, agree, contribution, largest, links

#: More paths, or longer ones, are not written out one by one.
MOST_PATHS: Final = 6
LONGEST_PATH: Final = 8

_VALUES: Final = 20
_OPERANDS: Final = 8
_TERMS: Final = 4
_ROWS: Final = 60
_WHERE: Final = 12
#: The paths of a picture.
_ROUTES: Final = 8
_HEADER: Final = ("from", "to", "slope", "= number", "gradient", "product")


class Explanation(Equations):
    """An explanation: its `str` is text, a notebook shows the LaTeX, `table()` gives the numbers.

    `value` is the derivative, or the number of the value that is explained. `picture` draws its
    paths in the graph, the 8 largest of many, each factor below the place it comes from; `.save` it
    as .svg, .png, .pdf, ..., the equations as .tex or .txt. It keeps no Value.
    """

    _kind = "explanation"
    #: The equations as LaTeX, without dollar signs.
    latex = ""

    def __init__(
        self,
        value: float,
        lines: Sequence[Line],
        rows: Sequence[Sequence[str]] = (),
        drawn: Sketch | None = None,
    ) -> None:
        self.value, self._rows = value, [_HEADER, *rows]
        self._text = "\n".join(row for line in lines for row in in_text(line))
        equations = " \\\\\n".join(filter(None, map(in_latex, lines)))
        self.latex = f"\\begin{{aligned}}\n{equations}\n\\end{{aligned}}"
        #: The paths in the graph; its `svg` raises RenderError where they are too long for one.
        self.picture = Drawing("explanation", partial(_svg_of, drawn), self._text)

    def _others(self) -> Forms:
        return self.picture.forms()

    def table(self) -> str:
        """A line per link, from the result back: its slope times the gradient that arrives."""
        return table(self._rows, left=len(_HEADER))

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__


def _svg_of(drawn: Sketch | None) -> str:
    if drawn is None:
        raise RenderError(
            "the graph has too many values for a picture of its paths: explain one that is nearer, "
            "or use .table()"
        )
    return drawn.svg()


def explain(
    v: Value | Callable[..., object],
    wrt: Value | None = None,
    *,
    names: Mapping[str, object] | None = None,
    notation: str = "lecture",
    derive: bool = False,
) -> Explanation:
    """The chain rule for dv/dw with w = `wrt`; without `wrt` the one operation that made `v`.

    Up to 6 paths of up to 8 links from w to v are written out; where there are more, the gradient
    is followed value by value, from v back to w. The sum is checked against a backward pass, which
    leaves every `.grad` as it was. The numbers are those of the forward pass.

    names     labels for values without a name, e.g. `names=locals()`, as in `draw`
    notation  "lecture" for z1[2], in LaTeX with (1) above; "code" for layer1.neuron2.z
    derive    True: after that why the slopes of sigmoid, softmax, losses, normalisations, ... are
              what they are, step by step from what these compute

    `explain(sigmoid)`, of a function or of BatchNorm, is that derivation at a few numbers.
    Raises TypeError unless both are Values, ValueError if v does not depend on w.
    """
    derive = flag("derive", derive)
    if wrt is None and callable(v) and not isinstance(v, Module):
        (v, wrt), derive = example(v), True
    y, wrt, names = in_our_graph(v, wrt, names)
    one_value("explain", y, "explains")
    remedy = "write wrt=w, such as wrt=model.parameters()[0]"
    instance("wrt", wrt, (Value, NoneType), "the Value by which to differentiate", remedy)
    variables = variable_names(names)
    order = toposort(y, leaves=True)
    known = names_of(order, variables, notation=notation)
    if wrt is None:
        return _leaf(y, known) if y.op is None else _operation(y, known, derive)
    if wrt not in known:
        w = clean(wrt.name or variables.get(wrt, "")) or "this value"
        raise ValueError(_independent(y, wrt, w, known))
    return _chain_rule(order, wrt, known, gradients(y), derive)


def _independent(v: Value, wrt: Value, w: str, names: Mapping[Value, str]) -> str:
    y = names[v]
    if v in toposort(wrt, leaves=True):
        return f"{y} does not depend on {w}, but {w} on {y}: swap them, explain({w}, wrt={y})"
    if v.op is None:
        return f"{y} does not depend on {w}: no operation made it, or one under no_grad()"
    leaves = [names[u] for u in names if u.op is None and u.kind != "constant"][:3]
    hint = f": wrt is a value of its graph, such as {' or '.join(leaves)}" if leaves else ""
    return f"{y} does not depend on {w}, the derivative is 0{hint}"


def _leaf(v: Value, names: Names) -> Explanation:
    label = names[v]
    grad = f"{label}.grad = {short(v.grad)}, added up over backward passes."
    leaf = f"No operation made {label}: it is a leaf ({v.kind})."
    said = [leaf, grad if v.reached else f"No backward pass has reached {label}."]
    lines = [Line([name(label), number(v.data)]), *map(sentence, said)]
    return Explanation(v.data, lines, (), sketch([v], names, Writer(names), gradients(v), []))


def _operation(v: Value, names: Names, derive: bool) -> Explanation:
    write = Writer(names, derive=derive)
    op: Any = v.op
    n = len(v.parents)
    ordered = [v.parents[i] for i in drawing_order(op, n)]
    parents = [p for p in dict.fromkeys(ordered) if p.kind != "constant"]
    kept = ends(links(v, parents), _OPERANDS)
    operands = f"{n:,} operands" if n > 1 else "1 operand"
    lines = [sentence(f"{names[v]} is the result of {clean(op.name)} on {operands}.")]
    lines += [write.value(v), *lines_of(write.slope, kept)]
    if v.reached:
        lines.append(sentence(f"{names[v]}.grad = {short(v.grad)} flows back, times the slope:"))
        lines += lines_of(lambda link: write.flow(link, v.flow), kept)
    else:
        lines.append(sentence(f"No backward pass has reached {names[v]}: nothing flows back."))
    lines += write.notes([v])
    grads = {v: v.flow} if v.reached else {}
    ways = [[link] for link in links(v, parents[:_ROUTES])]
    order = [*dict.fromkeys(v.parents), v]
    drawn = sketch(order, names, Writer(names), gradients(v), ways)
    return Explanation(v.numbers[0], lines, [write.row(link, grads) for link in kept], drawn)


def _chain_rule(
    order: Sequence[Value], w: Value, names: Names, grads: Mapping[Value, float], derive: bool
) -> Explanation:
    """dv/dw by paths, or else value by value; `grads` are the derivatives of the engine."""
    paths, v = Paths(order, w), order[-1]
    mixed = {(v, u) for u, made in paths.children.items() if len(made) > 1}
    write = Writer(names, mixed, derive=derive)
    few = paths.routes <= MOST_PATHS and paths.longest <= LONGEST_PATH
    routes = paths.all() if few else []
    parts = [contribution(route) for route in routes]
    if routes and agree(parts, grads[w]):
        lines, used = _by_path(write, routes, parts, paths), list(chain(*routes))
    else:  # also where the product of a path leaves the range of floats
        lines, used = _by_value(write, paths, grads)
        parts = [link.passes(grads[link.child]) for link in paths.links_to(w)]
    lines.append(sentence(_check(write.total(v, w).text, names[w], w, parts, grads[w])))
    lines += _where(write, used)
    pairs = ends([(u, p) for p in reversed(paths.between) for u in paths.children[p]], _ROWS)
    rows = [write.row(paths.link(*x) if isinstance(x, tuple) else x, grads) for x in pairs]
    best = routes if len(routes) == 1 else largest(paths, _ROUTES)
    drawn = sketch(order, names, write, grads, best)
    return Explanation(grads[w], lines, rows, drawn)


def _check(derived: str, label: str, w: Value, parts: Sequence[float], value: float) -> str:
    if not agree(parts, value):
        return (
            f"The backward pass gives {derived} = {short(value)}, which differs: an operation "
            "gives other slopes when it is asked again."
        )
    same = f"The backward pass gives the same {derived}"
    if not w.reached:
        return f"{same}. {label}.grad is empty: no backward pass has reached it."
    if w.grad == value or (w.grad != w.grad and value != value):
        return f"{same}, and {label}.grad agrees."
    return (
        f"{same}. {label}.grad = {short(w.grad)} holds something else: other backward passes, "
        "or several added up."
    )


def _by_path(
    write: Writer, routes: Sequence[Sequence[Link]], parts: Sequence[float], paths: Paths
) -> list[Line]:
    """A line per path, those through the same values together, and their sum."""
    v, w = paths.v, paths.w
    lines = []
    for i, route in enumerate(routes, 1):
        letters = [product(map(write.local, route))] if route else []
        if len(routes) == len(route) == 1:
            letters = write.only(route[0])
        slopes = [number(link.slope, first=j == 0) for j, link in enumerate(route)]
        path = Both(f"path {i}:", rf"\text{{path {i}: }}")
        left = path if len(routes) > 1 else write.total(v, w)
        numbers = [product(slopes)] if slopes else []
        sides = [left, *letters, *numbers, number(parts[i - 1])]
        lines.append(Line(sides, 2 * (len(routes) > 1)))
    if len(routes) == 1:
        return lines
    together = "" if paths.count == len(routes) else ", those through the same values together"
    ways = f"{paths.count} paths lead from {write.labels[w]} to {write.labels[v]}{together}:"
    summed = added(number(x, first=i == 0) for i, x in enumerate(parts))
    return [sentence(ways), *lines, Line([write.total(v, w), summed, number(sum(parts))])]


def _by_value(
    write: Writer, paths: Paths, grads: Mapping[Value, float]
) -> tuple[list[Line], list[Link]]:
    """A line per value on the paths, from v back to w; and the links that are written there."""
    v, w = paths.v, paths.w
    many = f"More than {MANY:,}" if paths.count == MANY else f"{paths.count:,}"
    ways = f"{many} path{'s' * (paths.count > 1)} of up to {paths.longest:,} links"
    lead = f"{ways} {'lead' if paths.count > 1 else 'leads'} from {write.labels[w]}"
    lines = [sentence(f"{lead} to {write.labels[v]}. Value by value, backward:")]
    used: list[Link] = []

    def term(link: Link, first: bool) -> tuple[Both, Both]:
        letter, slope = write.local(link), number(link.slope, first)
        if link.child is v:
            return letter, slope
        gradient = number(grads[link.child], first)
        slope = number(link.slope, first=False)
        return product([write.total(v, link.child), letter]), product([gradient, slope])

    for u in ends([u for u in reversed(paths.between) if u is not v], _VALUES):
        if isinstance(u, int):
            lines.append(more(u))
            continue
        arriving = paths.links_to(u)
        kept = arriving if len(arriving) <= _TERMS else arriving[: _TERMS - 1]
        used += kept
        terms = [term(link, i == 0) for i, link in enumerate(kept)]
        letters, numbers = [a for a, _ in terms], [b for _, b in terms]
        if rest := arriving[len(kept) :]:
            left_out = number(sum(link.passes(grads[link.child]) for link in rest), first=False)
            letters.append(Both(f"… {len(rest):,} more", r"\cdots"))
            numbers.append(Both(f"{left_out.text} ({len(rest):,} more)", left_out.latex))
        sides = [added(letters)]
        if len(arriving) == 1 and kept[0].child is v:
            sides = write.only(kept[0])
        lines.append(Line([write.total(v, u), *sides, added(numbers), number(grads[u])], 2))
    return lines, used


def _where(write: Writer, links: Sequence[Link]) -> list[Line]:
    """The operations of these links, and the slopes whose formula was not given yet."""
    slopes: dict[Value, list[Link]] = {}
    for link in dict.fromkeys(links):
        slopes.setdefault(link.child, []).extend([link] * (link not in write.given))
    lines = [sentence("where")] if slopes else []
    made = [u for u in toposort(*slopes) if u in slopes]
    for u in ends(made, _WHERE):
        if isinstance(u, int):
            lines.append(more(u))
        else:
            lines += [write.value(u), *lines_of(write.slope, ends(slopes[u], _TERMS))]
    return lines + write.notes(made)
