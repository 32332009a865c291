"""Graphs of known numbers, and what stands in their pictures, for the tests of several views."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from matplotlib.axes import Axes

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value, parameter
from tinygrad_edu.losses import hinge, l2
from tinygrad_edu.nn import MLP, Layer

SVG = "{http://www.w3.org/2000/svg}"
_TAGS = {
    *("svg", "g", "title", "desc", "style", "text", "tspan"),
    *("path", "polygon", "polyline", "ellipse", "rect"),
}

#: Texts that no picture, page or DOT may take for anything but text.
HOSTILE = [
    *("</text><script>alert(1)</script>", '"><svg onload=alert(1)>', "<script>", "<b>x</b>"),
    *("<<TABLE HREF='x'>", '<IMG SRC="/etc/passwd"/>', "<port>", "]]>", "-->"),
    *("&amp;", "&#x3C;", "javascript:alert(1)", 'x\\" URL="javascript:alert(1)'),
    *("ends in \\", "\\", "\\\\\\", '\\"', "\\N \\G \\L \\l", "{a|b}", "}{", "n:a"),
    *("a\x00b\x0bc\x1bd\ufffe", "\ud800", "user\u202etxt", "\u202e", "two\nlines", " "),
    *("zero\u200bwidth e\u0301 🙂", "重み", "%s {} {{7*7}} ${7*7}", "$x$", "L" * 100_000),
]


def texts(svg: str, within: str = "") -> list[str]:
    """The texts of a picture; of a name its letter, what stands above it and what below: w(1)11.

    `within` is the class of the group that they stand in: "caption", "node" or "edge".
    """
    root = ElementTree.fromstring(svg)
    groups = root.iterfind(f".//{SVG}g[@class='{within}']") if within else [root]
    found = [e for group in groups for e in group.iter(f"{SVG}text")]
    plain = str.maketrans({"\N{MINUS SIGN}": "-", "\N{NO-BREAK SPACE}": " "})
    return ["".join(e.itertext()).translate(plain).strip() for e in found]


def tooltips(svg: str) -> list[str]:
    """The tooltips of a picture."""
    return [e.text or "" for e in ElementTree.fromstring(svg).iter(f"{SVG}title")][1:]


def assert_inert(svg: str) -> None:
    """Nothing in the picture can run, be followed, or be fetched."""
    root = ElementTree.fromstring(svg)
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= _TAGS
    assert not [a for e in root.iter() for a in e.attrib if "href" in a or a.startswith("on")]


def neuron(*, backward: bool = False) -> Value:
    """The worked neuron o = tanh(w1 x1 + w2 x2 + b) with o = 0.7071 and slopes tanh' = 1/2."""
    x1, x2 = Value(2.0, "x1"), Value(0.0, "x2")
    w1, w2, b = parameter(-3.0, "w1"), parameter(1.0, "w2"), parameter(6.8813735870195432, "b")
    o = (w1 * x1 + w2 * x2 + b).tanh()
    o.name = "o"
    if backward:
        o.backward()
    return o


def square(names: tuple[str, ...] = ("w", "x", "b", "o")) -> Value:
    """o = (w x + b)^2 at w = 2, x = 3, b = -4: v = 2, o = 4, do/dw = 12, do/dx = 8, do/db = 4."""
    w, x, b = parameter(2.0, names[0]), Value(3.0, names[1]), parameter(-4.0, names[2])
    o = (w * x + b) ** 2
    o.name = names[3]
    return o


def unit() -> Value:
    """L = (sigmoid(w x + b) - 1)^2 at w = 0.5, x = 2, b = -1, where z = 0."""
    w, x, b = parameter(0.5, "w"), Value(2.0, "x"), parameter(-1.0, "b")
    z = f.dot([w], [x], b)
    a = z.sigmoid()
    loss: Value = (a - 1) ** 2
    z.name, a.name, loss.name = "z", "a", "L"
    return loss


def net(rng: int = 0) -> Value:
    """A net 2-2-1 after backward: the loss is (a - 1)^2 for x = (1, -2)."""
    a: Value = MLP(2, [2, 1], "tanh", rng=rng)([Value(1.0, "x1"), Value(-2.0, "x2")])
    loss = (a - 1.0) ** 2
    loss.name = "L"
    loss.backward()
    return loss


def layer(rows: list[tuple[float, ...]], activation: str = "linear") -> Layer:
    """A layer with the given (w1, w2, ..., b) of each unit."""
    found = Layer(len(rows[0]) - 1, len(rows), activation)
    for p, x in zip(found.parameters(), (x for row in rows for x in row), strict=True):
        p.data = x
    return found


def entries(ax: Axes) -> list[str]:
    """The texts of a legend."""
    legend = ax.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def deep_net() -> Value:
    """The hinge loss of a net of 31 layers."""
    return hinge(MLP(2, [3] * 30 + [1], "tanh", rng=0)([1.0, 2.0]), 1)


def batch(n: int = 3) -> Value:
    """The mean hinge loss of a net over n rows, with a penalty, after backward."""
    model = MLP(2, [2, 1], "tanh", rng=1)
    rows = [[float(k), 1.0] for k in range(n)]
    loss: Value = f.mean([hinge(model(x), 1) for x in rows]) + l2(model.parameters(), 0.1)
    loss.backward()
    return loss


def summed(rows: list[list[float]], model: Callable[[Any], Any]) -> Value:
    """A batch loss as micrograd's demo writes it, with a sum of two nodes for each example."""
    losses = [(1 + -1 * model([Value(x) for x in row])).relu() for row in rows]
    loss: Value = sum(losses) * (1.0 / len(losses))
    return loss


def chain(n: int) -> Value:
    """tanh of tanh of ... 0.5, n values."""
    v = Value(0.5)
    for _ in range(n - 1):
        v = v.tanh()
    return v


def long_sum(n: int) -> Value:
    """0 + 1 + ... + 1: n sums with a constant each, 2 n + 1 values."""
    v = Value(0.0, "far")
    for _ in range(n):
        v = v + 1
    return v
