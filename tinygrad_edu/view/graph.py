"""draw: the graph behind a number as a picture."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from tinygrad_edu.engine import Value, toposort
from tinygrad_edu.view import values
from tinygrad_edu.view.render import RenderError, render
from tinygrad_edu.view.svg import inline
from tinygrad_edu.view.text import clean, short

_LEVELS: Final = ("auto", "value")
_DIRECTIONS: Final = ("LR", "TB", "RL", "BT")
_TABLE_ROWS: Final = 60


class Graph:
    """A drawing: DOT text, made a picture when it is looked at. It keeps no Value.

    In a notebook it shows itself as SVG, without a renderer as a table.
    `.dot` and `.svg` are texts.
    """

    def __init__(self, dot: str, *, title: str, description: str, table: str) -> None:
        self.dot = dot
        self.title = title
        self.description = description
        self.table = table

    @cached_property
    def svg(self) -> str:
        """An SVG element, to be saved or put into a page. Raises RenderError without a renderer."""
        return inline(render(self.dot, "svg"), self.title, self.description)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the drawing in the format that the suffix names: .svg, .png, .pdf, .dot, ...

        Returns the path. Raises ValueError for a path without a suffix, RenderError if the renderer
        does not know the format (the file is then left alone).
        """
        path = Path(path)
        suffix = path.suffix.lower().removeprefix(".")
        if not re.fullmatch(r"[a-z][a-z0-9]*", suffix):
            raise ValueError(
                f"the format of a drawing is the suffix of its file, and {path.name!r} has none: "
                'write g.save("graph.svg"), or .png, .dot'
            )
        if suffix in ("dot", "gv"):
            content = self.dot.encode()
        else:
            content = self.svg.encode() if suffix == "svg" else render(self.dot, suffix)
        path.write_bytes(content)
        return path

    def _repr_mimebundle_(
        self, include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
    ) -> dict[str, str]:
        try:
            return {"image/svg+xml": self.svg, "text/plain": repr(self)}
        except RenderError as error:
            return {"text/plain": f"{error}\n\n{self.table}"}

    def __repr__(self) -> str:
        return f"<Graph: {self.description}>"


def draw(
    v: Value,
    *,
    level: str = "auto",
    names: Mapping[str, object] | None = None,
    edges: str = "none",
    max_nodes: int = 150,
    rankdir: str = "LR",
) -> Graph:
    """The graph that `v` was made from, as a picture.

    names     labels for values without a name of their own, e.g. `names=locals()`: the first
              variable that holds a value names it, a list `w` names its elements w[0], w[1], ...;
              other objects, and variables that begin with "_", are ignored
    edges     "none", "local" (the slope of each operation) or "gradient" (what flowed back:
              slope * grad)
    max_nodes beyond it, level "auto" shows the values nearest to `v`, and "value" raises ValueError
    rankdir   the way from inputs to `v`: "LR", "TB", "RL" or "BT"

    A grad is a dash until a backward pass has reached the value. Raises TypeError unless `v` is a
    Value.
    """
    if not isinstance(v, Value):
        raise TypeError(f"draw(v) draws the graph of one Value, got {type(v).__name__}")
    _one_of("level", level, _LEVELS)
    _one_of("edges", edges, tuple(values.EDGES))
    _one_of("rankdir", rankdir, _DIRECTIONS)
    if isinstance(max_nodes, bool) or not isinstance(max_nodes, int) or max_nodes < 1:
        raise ValueError(f"max_nodes={max_nodes!r} must be a whole number of at least 1")
    order = toposort(v, leaves=True)
    if level == "value" and len(order) > max_nodes:
        raise ValueError(
            f"the graph has {len(order):,} values, more than max_nodes={max_nodes}: write "
            f'max_nodes={len(order)} to draw them all, or level="auto" for the nearest'
        )
    shown = nearest(order, max_nodes)
    called = variable_names(names or {})
    counted = f"{len(shown):,} of {len(order):,} values shown" if len(shown) < len(order) else ""
    caption = "; ".join(part for part in (counted, values.EDGES[edges]) if part)
    root = values.name_of(v, called) or "the result"
    grad = short(v.grad) if v.reached else "not computed"
    return Graph(
        values.dot_source(shown, called, edges, caption, rankdir),
        title=f"Computation graph of {root}",
        description=f"{counted or _count(len(order))}; {root}: data {short(v.data)}, grad {grad}",
        table=_table(shown, called),
    )


def nearest(order: Sequence[Value], count: int) -> list[Value]:
    """The `count` values of a topological order that are nearest to its last, in the same order."""
    if len(order) <= count:
        return list(order)
    steps = {order[-1]: 0}
    for v in reversed(order):
        for p in v.parents:
            steps[p] = min(steps.get(p, len(order)), steps[v] + 1)
    kept = set(sorted(order, key=steps.__getitem__)[:count])
    return [v for v in order if v in kept]


def variable_names(names: Mapping[str, object]) -> dict[Value, str]:
    """Value -> variable name, from a mapping of names to Values and (nested) lists of them."""
    if not isinstance(names, Mapping):
        raise TypeError(
            f"names maps texts to Values, as locals() does, got {type(names).__name__}: "
            'write names={"x": x}'
        )
    found: dict[Value, str] = {}
    for name, x in names.items():
        if not str(name).startswith("_"):
            for v, called in _named(str(name), x, depth=3):
                found.setdefault(v, called)
    return found


def _named(name: str, x: object, depth: int) -> Iterator[tuple[Value, str]]:
    if isinstance(x, Value):
        yield x, name
    elif isinstance(x, (list, tuple)) and depth:
        for i, element in enumerate(x):
            yield from _named(f"{name}[{i}]", element, depth - 1)


def _one_of(argument: str, choice: Any, valid: Sequence[str]) -> None:
    if choice not in valid:
        offered = ", ".join(f'"{name}"' for name in valid)
        raise ValueError(f"{argument}={clean(repr(choice), 40)} is unknown: write one of {offered}")


def _count(n: int) -> str:
    return "1 value" if n == 1 else f"{n:,} values"


def _table(shown: Sequence[Value], called: Mapping[Value, str]) -> str:
    text = values.table(shown[-_TABLE_ROWS:], called)
    left_out = len(shown) - _TABLE_ROWS
    return text if left_out <= 0 else f"{text}\n({_count(left_out)} before these left out)"
