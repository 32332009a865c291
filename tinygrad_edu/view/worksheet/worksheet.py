"""worksheet: a graph or a net as a sheet to print, with empty boxes to fill in."""

import random
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from functools import cached_property
from typing import Final
from xml.etree.ElementTree import Element

from tinygrad_edu.calculus import convention
from tinygrad_edu.checks import as_random, flag, listed, one_of
from tinygrad_edu.engine import Value, gradients, parameter, toposort
from tinygrad_edu.engine.gradients import check_unchanged
from tinygrad_edu.text import clean
from tinygrad_edu.view.base.display import Forms, Picture
from tinygrad_edu.view.base.naming import names_of, variable_names
from tinygrad_edu.view.base.numbers import in_our_graph, one_value
from tinygrad_edu.view.base.render import RenderError
from tinygrad_edu.view.base.svg import FITTING, inline
from tinygrad_edu.view.graph.diagram import Diagram
from tinygrad_edu.view.graph.dot import to_dot
from tinygrad_edu.view.graph.picture import picture
from tinygrad_edu.view.worksheet.cards import net_of
from tinygrad_edu.view.worksheet.contents import TASKS, Contents, of_net, of_values
from tinygrad_edu.view.worksheet.page import LEAST, SMALLEST, Paper

_LEVELS: Final = ("auto", "value", "neuron")
#: Numbers that can be reckoned with by heart, of a variant.
_INPUTS: Final = (-2.0, -1.0, 1.0, 2.0, 3.0)
_WEIGHTS: Final = (-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)
_TRIES, _SMALLEST, _LARGEST = 300, 1e-3, 100.0
#: For a drawing with boxes or without: is the page across, and how large must the drawing be?
_TRIED: Final = {
    True: ((False, LEAST), (True, LEAST)),
    False: ((False, 0.85), (True, SMALLEST), (False, SMALLEST)),
}


class Worksheet(Picture):
    """A sheet of A4, of several pages where it must be, and its solution; it keeps no Value.

    `.pages` are the pages as SVG, `.svg` has them under each other; a PDF has one after the other.
    `.dot` is the graph, "" at level "neuron". In a notebook it shows itself as SVG, without a
    renderer as text.
    """

    _kind = "worksheet"

    def __init__(self, title: str, contents: Contents, solution: "Worksheet | None") -> None:
        self._title, self._contents = title, contents
        #: The same sheet with the numbers in the boxes.
        self.solution = solution or self

    @property
    def dot(self) -> str:
        """The graph in DOT."""
        source, _ = self._contents.drawings[True][0]
        return to_dot(source, paper=True) if isinstance(source, Diagram) else ""

    @property
    def pages(self) -> list[str]:
        """The pages as SVG elements. Raises RenderError as `svg` does."""
        return [self._inline(page) for page in deepcopy(self._paper.pages)]

    @cached_property
    def svg(self) -> str:
        """An SVG element of all pages.

        Raises RenderError without a renderer, and where the graph is too large for its texts to
        have 8 points.
        """
        return self._inline(deepcopy(self._paper).together())

    def _inline(self, page: Element) -> str:
        return inline(page, self._title, " ".join(self._contents.tasks), FITTING)

    def _others(self) -> Forms:
        return {".pdf": self._pdf, **({".dot": lambda: self.dot} if self.dot else {})}

    def _pdf(self) -> bytes:
        from tinygrad_edu.view.base.pdf import figure_of, pdf

        return pdf(*(figure_of(page) for page in self.pages))

    def __repr__(self) -> str:
        return f"<Worksheet: {self._title}>"

    @cached_property
    def _paper(self) -> Paper:
        """The pages; boxes stand in the drawing if it is large enough, else in rows after it."""
        for boxes, tries in _TRIED.items():
            drawn = [
                (picture(x, paper=True) if isinstance(x, Diagram) else x, way)
                for x, way in self._contents.drawings[boxes]
            ]
            for across, least in tries:
                paper = Paper(landscape=across)
                paper.text(self._title, 16, font_weight="bold")
                paper.fields(["Name", "Date"])
                paper.tasks(self._contents.tasks)
                fitting = [element for element, way in drawn if way in (None, across)]
                drawing = max(fitting, key=paper.scale_for)
                scale = paper.scale_for(drawing)
                if scale >= least:
                    self._fill(paper, drawing, boxes=boxes)
                    return paper
        raise RenderError(
            f"the graph is too large for a sheet of A4, its texts would have {12 * scale:.1f} "
            'points: draw a smaller one, or write level="neuron" for a net of layers'
        )

    def _fill(self, paper: Paper, drawing: Element, *, boxes: bool) -> None:
        paper.picture(deepcopy(drawing))
        for heading, answers, always in self._contents.lists:
            if answers and (always or not boxes):
                paper.heading(heading)
                paper.answers(answers, solved=self._contents.solved)
        if self._contents.rules:
            paper.rules(self._contents.rules)
        paper.note(self._contents.note)

    def _text(self) -> str:
        """The sheet where there is no picture."""
        c, parts = self._contents, [self._title]
        parts += ["\n".join(c.tasks), c.table]
        for heading, answers, _ in c.lists:
            lines = [f"{x.name} = {x.number if c.solved else '_______'}" for x in answers]
            parts.append("\n".join([heading, *lines]))
        return "\n\n".join([*parts, "\n".join(c.rules)]).rstrip()


def worksheet(
    v: Value,
    *,
    level: str = "auto",
    blanks: str | Iterable[str] = ("data", "gradients"),
    names: Mapping[str, object] | None = None,
    title: str | None = None,
    formulas: bool = True,
    notation: str = "lecture",
    rng: int | random.Random | None = None,
) -> Worksheet:
    """The graph that `v` was made from as a sheet of A4 with empty boxes, and its solution.

    level     "value" draws every number; "neuron" a card for each unit, of a net of layers whose
              units have up to 7 weights; "auto" is "neuron" for such a net of two layers or more
    blanks    what is to be found: "data" (of every result, or z and a), "gradients" (of every
              value, or delta of units and those of weights), "slopes" (the local derivatives of
              each operation, or those of the activations), several of them, or "all"
    names     labels for values without a name of their own, as for `draw`
    title     the heading
    formulas  whether the formulas stand below
    notation  "lecture" or "code", as for `draw`
    rng       a seed, or a Random: inputs and parameters get other numbers, which can be reckoned
              with by heart, so that each seed gives a variant of its own

    The gradients of the solution are the engine's; no `.grad` is changed. Raises TypeError unless
    `v` is a Value, ValueError for more than 60 values at level "value", a graph that is no such
    net at level "neuron" or an unknown blank, GraphError where a value was changed since the
    forward pass.

    >>> a = parameter(2.0, "a")
    >>> worksheet(a * a + 1, title="Squares", rng=3).solution
    <Worksheet: Squares: solution>
    """
    v, names = in_our_graph(v, names)
    one_value("worksheet", v, "shows the graph of")
    asked, level = _asked(blanks), one_of("level", level, _LEVELS)
    order, given = toposort(v, leaves=True), variable_names(names)
    for u in order:
        if u.op is not None:
            check_unchanged(u, "worksheet()")
    if rng is not None:
        new = _variant(order, as_random(rng))
        given = {new[u]: name for u, name in given.items() if u in new}
        order = toposort(new[v], leaves=True)
    known, formulas = names_of(order, given, notation=notation), flag("formulas", formulas)
    net = None if level == "value" else net_of(order, known)
    if level == "neuron" and net is None:
        raise ValueError(
            'level="neuron" draws nets of layers, each unit with up to 7 weights of its own that '
            'take the layer before: write level="value"'
        )
    if net is not None and (level == "neuron" or len(net.layers) > 1):
        heading = f"A {'-'.join(map(str, net.sizes))} net by hand"
        blank, solved = of_net(net, order, asked, formulas=formulas)
    else:
        heading = (
            f"{'Forward pass' if asked == {'data'} else 'Backpropagation'} of {known[order[-1]]}"
        )
        blank, solved = of_values(order, known, asked, formulas=formulas)
    title = clean(heading if title is None else str(title), 50)
    return Worksheet(title, blank, Worksheet(f"{title}: solution", solved, None))


def _variant(order: Sequence[Value], rng: random.Random) -> dict[Value, Value]:
    """The values of the same graph with other numbers in its inputs and parameters.

    Constants stay, and so does what is no input of a net, such as a target. Numbers are drawn until
    all are finite and at no kink, and at least half of the gradients are not 0.
    """
    units = names_of(order).units.units
    fed = {x for u in units for x in u.x}
    for _ in range(_TRIES):
        new: dict[Value, Value] = {}
        for v in order:
            if v.op is not None:
                new[v] = v.op.of(tuple([new[p] for p in v.parents]))
                new[v].name = v.name
            elif v.kind == "parameter":
                new[v] = parameter(rng.choice(_WEIGHTS), v.name)
            elif v.kind == "input" and type(v) is Value and (v in fed or not units):
                new[v] = Value(rng.choice(_INPUTS), v.name)
            else:
                new[v] = v
        found = gradients(new[order[-1]])
        numbers = [*(v.data for v in new.values()), *found.values()]
        alive = sum(x != 0 for x in found.values()) * 2 >= len(found)
        fit = all(x == 0 or _SMALLEST <= abs(x) <= _LARGEST for x in numbers)
        if fit and alive and not any(map(convention, new.values())):
            return new
    raise ValueError(
        f"in {_TRIES} draws there was no variant with numbers of {_SMALLEST:g} to {_LARGEST:g}: "
        "write another rng, or leave it out"
    )


def _asked(blanks: str | Iterable[str]) -> frozenset[str]:
    names = [blanks] if isinstance(blanks, str) else listed("blanks", blanks, "names")
    if not names:
        raise ValueError('blanks is empty, so nothing is asked: write blanks="gradients"')
    asked = {one_of("blanks", name, (*TASKS, "all")) for name in names}
    return frozenset(TASKS if "all" in asked else asked)
