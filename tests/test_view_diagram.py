"""A diagram is plain data: made by hand, it becomes DOT, a picture and text."""

import pytest
from graphs import assert_inert, texts

from tinygrad_edu.view.base.render import render
from tinygrad_edu.view.base.svg import inline
from tinygrad_edu.view.graph.diagram import Box, Diagram, Edge, Row, table
from tinygrad_edu.view.graph.dot import to_dot

pytestmark = pytest.mark.usefixtures("embedded_renderer")


def by_hand():
    """x, and a unit made from it, in a frame, on a line with a weight."""
    diagram = Diagram(caption=["two boxes"])
    x = diagram.add(Box("input", label="x", name="x", made="input", rows=[Row("data", "2")]))
    rows = [Row("z", "1"), Row("a", "?", blank=True)]
    inner = {"made": "tanh", "sources": ["x"], "within": ("net", "layer")}
    unit = diagram.add(Box("unit", label="u", name="<u>", details=["one"], rows=rows, **inner))
    diagram.edges.append(Edge(x.id, unit.id, "w", [Row("w", "-0.5")], weight=-0.5, share=1.0))
    return diagram


@pytest.mark.parametrize("paper", [False, True])
def test_a_diagram_by_hand_becomes_a_picture(paper):
    dot = to_dot(by_hand(), paper=paper)
    svg = inline(render(dot, "svg"), "by hand", "")
    assert_inert(svg)
    assert {"x", "data", "2", "<u>", "one", "z", "1", "a", "?", "layer", "two boxes"} <= {
        *texts(svg)
    }
    assert ("style=dashed" in dot, "subgraph cluster" in dot) == (True, True)


def test_a_diagram_by_hand_becomes_text():
    assert table(by_hand(), ["a note"]).splitlines() == [
        "name  shows                made from",
        "x     input, data 2",
        "u     tanh, one, z 1, a ?  x",
        "a note",
    ]
