"""A graph without colours, with a box to write in for every number that is asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tinygrad_edu.engine import Primitive, Value
from tinygrad_edu.text import DASH, clean, short
from tinygrad_edu.view.base.escape import in_html
from tinygrad_edu.view.base.symbols import drawing_order, roles
from tinygrad_edu.view.graph import style, values

_INK: Final = "#1a1a1a"
_FAINT: Final = "#555555"
#: Of a box, in points.
_WIDTH, _HEIGHT = 60, 20
_LABELLED: Final = 8


@dataclass(frozen=True)
class Blanks:
    """What is asked ("data", "gradients", "slopes") of a graph, the root last in its order.

    With a solution, the gradient of each value, the boxes are filled.
    """

    order: Sequence[Value]
    names: Mapping[Value, str]
    asked: frozenset[str]
    solution: Mapping[Value, float] | None = None

    def rows(self, v: Value, box: Callable[[str], str]) -> dict[str, str]:
        """The data of a value, and its gradient if that is asked; what is asked is in a box."""
        found = {"data": short(v.data)}
        if "data" in self.asked and v.op is not None:
            found["data"] = box(self._answer(v.data))
        if "gradients" in self.asked and (v is self.order[-1] or values.has_grad(v)):
            found["grad"] = box(self._answer((self.solution or {}).get(v, 0.0)))
        return found

    def slopes(self, v: Value, box: Callable[[str], str]) -> list[str]:
        """The boxes for the slopes of the operation before `v`; "" for what is not asked."""
        return [
            box(self._answer(slope)) if "slopes" in self.asked and values.has_grad(p) else ""
            for p, slope in zip(v.parents, v.local_derivatives(), strict=True)
        ]

    def _answer(self, x: float) -> str:
        return "" if self.solution is None else short(x)

    def dot(self, rankdir: str) -> str:
        """The graph as DOT, from left to right ("LR") or from top to bottom ("TB")."""
        graph = values.sheet([], rankdir)
        graph.attr(bgcolor="white")
        at = values.places(self.order)
        ids = {v: place.value for v, place in at.items()}
        pen = _Pencil(graph, ids, self.names, "none", values.users_of(self.order), self)
        for v in self.order:
            pen.draw(graph, v, at[v], root=v is self.order[-1])
        source: str = graph.source
        return source

    def text(self) -> str:
        """The graph as lines, such as "y = tanh(x):  data = 0.7616,  grad = _______"."""
        called = {v: values.name_of(v, self.names) or f"v{i}" for i, v in enumerate(self.order)}
        lines = []
        for v in self.order:
            made = f" ({v.kind})"
            if v.op is not None:
                made = f" = {clean(v.op.name)}({', '.join(called[p] for p in v.parents)})"
            said = [f"{what} = {number}" for what, number in self.rows(v, _in_text).items()]
            slopes = self.slopes(v, _in_text)
            if any(slopes):
                said.append(f"slopes = {', '.join(s or DASH for s in slopes)}")
            lines.append(f"{called[v]}{made}:  {',  '.join(said)}")
        return "\n".join(lines)


@dataclass
class _Pencil(values.Pen):
    """A Pen without colours, for `blanks`."""

    blanks: Blanks

    def _box(self, graph: Any, node: str, v: Value, root: bool) -> None:
        rows = list(self.blanks.rows(v, _in_picture).items())
        label = style.value_label(in_html(values.name_of(v, self.names)), v.kind, rows)
        look = style.KINDS[v.kind] | (style.ROOT if root else {})
        graph.node(node, label, **look | {"color": _INK, "fillcolor": "white"})

    def _operands(self, v: Value, op: Primitive, heads: Mapping[int, str]) -> None:
        n = len(v.parents)
        called, slopes = roles(op, n), self.blanks.slopes(v, _in_picture)
        for i in drawing_order(op, n):
            said = n > _LABELLED or values.name_of(v.parents[i], self.names).endswith(called[i])
            label = _edge_label("" if said else in_html(called[i]), slopes[i])
            self.links.edge(self.ids[v.parents[i]], heads[i], label=label)


def _in_text(answer: str) -> str:
    return answer or "_______"


def _in_picture(answer: str) -> str:
    """A box of the same size, whatever stands in it."""
    return (
        f'<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="2" CELLPADDING="0" COLOR="{_INK}"><TR>'
        f'<TD FIXEDSIZE="TRUE" WIDTH="{_WIDTH}" HEIGHT="{_HEIGHT}">{answer}</TD></TR></TABLE>'
    )


def _edge_label(role: str, box: str) -> str | None:
    cells = [f'<FONT COLOR="{_FAINT}"><I>{role}</I></FONT>' if role else "", box]
    row = "".join(f"<TD>{cell}</TD>" for cell in cells if cell)
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0"><TR>{row}</TR></TABLE>'
    return f"<{table}>" if row else None
