"""The pictures that are looked at: one table for the test of their texts and a page of the docs.

    python -m tests.gallery docs

writes docs/gallery.md and every picture beside it, on a light and on a dark ground; the site has
the same page.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))  # where pytest looks, too

from graphs import neuron, unit

from tinygrad_edu import Value, toposort
from tinygrad_edu import functions as f
from tinygrad_edu.losses import binary_cross_entropy, cross_entropy, hinge, squared_error
from tinygrad_edu.nn import (
    MLP,
    RNN,
    BatchNorm,
    Conv2d,
    Flatten,
    Layer,
    MaxPool2d,
    Sequential,
    Unflatten,
)
from tinygrad_edu.view import draw, explain, network, steps, worksheet
from tinygrad_edu.view.base.palette import ZERO

SPACE = "http://www.w3.org/2000/svg"
#: A 3, in shades of a pixel.
THREE = """
00474000
08989700
01003900
00059200
00024940
00000850
04135930
02898400"""
#: Weights and bias of each unit of a net 2-3-1 on its way to learn XOR.
XOR = (
    *(0.7546, 0.5651, 0.02, -0.174, -0.5282, -0.11, 0.0247, -0.2083, 0.34),
    *(0.6952, -0.4818, -0.05733, -0.07),
)
HOSTILE = ("a\\N <b>&amp;</b>", "the learning rate of layer 1", "重み")


class Record(NamedTuple):
    """A picture: what it shows, what to write for it, its SVG, whether it is a page of paper."""

    shows: str
    call: str
    make: Callable[[], str]
    a4: bool = False

    @property
    def width(self) -> float:
        """The most that it may have, in pixels."""
        return 794.0 if self.a4 else 700.0


@cache
def square() -> Value:
    """a used twice by one product."""
    a = Value(3.0, "a")
    return _back(_named(a * a, "y"))


@cache
def shared() -> Value:
    """A value that two results were made from."""
    a, b = Value(-2.0, "a"), Value(3.0, "b")
    d, e = _named(a * b, "d"), _named(a + b, "e")
    return _back(_named(d * e, "f"))


@cache
def hostile() -> Value:
    """Names and numbers that no picture was made for."""
    numbers = (-1.234e-300, 123456.7, float("nan"))
    u, v, w = (Value(x, name) for x, name in zip(numbers, HOSTILE, strict=True))
    return _back(u * v + w)


@cache
def xor() -> Value:
    """The loss of a net 2-3-1 for the input (1, 0)."""
    model = MLP(2, [3, 1], "tanh", "sigmoid", rng=0)
    for p, x in zip(model.parameters(), XOR, strict=True):
        p.data = x
    return _back(binary_cross_entropy(model([1.0, 0.0]), 1))


@cache
def moons() -> Value:
    """The loss of a net 2-16-16-1 for one point of two moons."""
    model = MLP(2, [16, 16, 1], "relu", rng=3)
    return _back(hinge(model([0.8, -0.3]), 1))


@cache
def convolution() -> tuple[Sequential, list[float]]:
    """A convolution with four kernels that reads a digit."""
    model = Sequential(
        Unflatten(1, 8, 8),
        Conv2d(1, 4, 3, activation="relu", rng=0),
        MaxPool2d(2),
        Flatten(),
        Layer(36, 10, "linear", rng=1),
    )
    return model, [int(x) / 9 for x in "".join(THREE.split())]


@cache
def digit() -> Value:
    """The loss of the convolution."""
    model, x = convolution()
    return _back(cross_entropy(model([Value(v) for v in x]), 3))


@cache
def recurrence() -> Value:
    """The loss of a recurrent net after four steps."""
    outputs = RNN(1, 2, 1, rng=0)([0.5, -1.0, 0.25, 1.0])
    return _back(squared_error(outputs[-1], 1.0))


@cache
def normed() -> Value:
    """The loss of a net with batch normalisation over four rows."""
    model = Sequential(Layer(2, 3, "linear", rng=0), BatchNorm(3), "tanh", Layer(3, 1, rng=1))
    rows = [[0.5, 1.0], [-1.0, 0.25], [2.0, -0.5], [0.0, 1.5]]
    outputs = model.batch([[Value(x) for x in row] for row in rows])
    return _back(f.mean([squared_error(o, t) for o, t in zip(outputs, (1, 0, 1, 0), strict=True)]))


def weight(loss: Value) -> Value:
    """The weight of the first unit from the first input."""
    return next(v for v in toposort(loss, leaves=True) if v.name == "layer1.neuron1.w[0]")


def _named(v: Value, name: str) -> Value:
    v.name = name
    return v


def _back(v: Value) -> Value:
    v.backward()
    return v


GALLERY = {
    "neuron": Record(
        "One neuron, value by value: what each operation takes, makes and gives back",
        'draw(o, edges="local")',
        lambda: draw(neuron(backward=True), edges="local").svg,
    ),
    "square": Record(
        "A value that is used twice by one operation",
        'draw(a * a, edges="local")',
        lambda: draw(square(), edges="local").svg,
    ),
    "shared": Record(
        "A value that two others are made from gets a gradient from both",
        'draw(f, edges="local")',
        lambda: draw(shared(), edges="local").svg,
    ),
    "names": Record("Any name, any number", "draw(y)", lambda: draw(hostile()).svg),
    "xor-values": Record(
        "Every value of a net 2-3-1 on its way to learn XOR",
        'draw(loss, level="value")',
        lambda: draw(xor(), level="value").svg,
    ),
    "xor-units": Record(
        "Its units", 'draw(loss, level="neuron")', lambda: draw(xor(), level="neuron").svg
    ),
    "xor-gradients": Record(
        "What flows back through it",
        'draw(loss, level="neuron", edges="gradient")',
        lambda: draw(xor(), level="neuron", edges="gradient").svg,
    ),
    "xor-colours": Record(
        "Its values in the colours of any function of theirs",
        'draw(loss, level="value", color=lambda v: v.grad)',
        lambda: draw(xor(), level="value", color=lambda v: v.grad).svg,
    ),
    "moons-units": Record(
        "2-16-16-1 on two moons: the units that matter for one point",
        'draw(loss, level="neuron")',
        lambda: draw(moons(), level="neuron").svg,
    ),
    "convolution-layers": Record(
        "A convolution that reads a digit, layer by layer",
        'draw(loss, level="layer")',
        lambda: draw(digit(), level="layer").svg,
    ),
    "recurrence-layers": Record(
        "One set of weights that is used at four steps",
        'draw(loss, level="layer")',
        lambda: draw(recurrence(), level="layer").svg,
    ),
    "batch-norm-layers": Record(
        "Batch normalisation over four rows",
        'draw(loss, level="layer")',
        lambda: draw(normed(), level="layer").svg,
    ),
    "network": Record(
        "A net, with numbers on its lines",
        "network(MLP(2, [3, 1]), numbers=True)",
        lambda: network(MLP(2, [3, 1], "tanh", "sigmoid", rng=0), numbers=True).svg,
    ),
    "network-convolution": Record(
        "A convolutional net and what it makes of a digit",
        "network(model, digit)",
        lambda: network(*convolution()).svg,
    ),
    "film": Record("The last picture of a film", "steps(loss)", lambda: drawn(steps(xor()).html)),
    "film-strip": Record(
        "Frames of a film", "steps(y).strip()", lambda: steps(square()).strip().svg
    ),
    "explanation": Record(
        "The way from a weight to the loss, with its factors",
        "explain(loss, w).picture",
        lambda: explain(xor(), wrt=weight(xor())).picture.svg,
    ),
    "worksheet": Record("A worksheet", "worksheet(L)", lambda: worksheet(unit()).svg, a4=True),
    "solution": Record(
        "Its solution", "worksheet(L).solution", lambda: worksheet(unit()).solution.svg, a4=True
    ),
    "worksheet-units": Record(
        "A worksheet of a net",
        'worksheet(loss, level="neuron")',
        lambda: worksheet(xor(), level="neuron").pages[0],
        a4=True,
    ),
}


def drawn(page: str) -> str:
    """The first SVG of a page."""
    [element] = re.findall(r"<svg.*?</svg>", page, re.DOTALL)[:1]
    return str(element)


#: Around a picture on its own ground, in its own unit of length.
_AROUND = 8.0
#: The colours of a sheet where the reader's scheme is dark.
DARK = re.compile(r"@media\s*\(prefers-color-scheme:\s*dark\)\s*\{((?:[^{}]*\{[^{}]*\})*)\s*\}")


def on_ground(svg: str, *, dark: bool) -> str:
    """A picture as a file that looks the same in every scheme, on its own ground."""
    svg = DARK.sub(r"\1" if dark else "", svg)
    root = re.match(r"<svg[^>]*>", svg)
    assert root is not None
    head = root[0] if "xmlns=" in root[0] else root[0].replace("<svg", f'<svg xmlns="{SPACE}"', 1)
    x, y, width, height = map(float, re.findall(r'viewBox="([^"]*)"', head)[0].split())
    pad = _AROUND * width / float(re.findall(r' width="([\d.]+)', head)[0])
    x, y, width, height = x - pad, y - pad, width + 2 * pad, height + 2 * pad
    head = re.sub(r'viewBox="[^"]*"', f'viewBox="{x:g} {y:g} {width:g} {height:g}"', head)
    ground = ZERO.dark if dark else ZERO.light
    rect = f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{ground}"/>'
    return f"{head}{rect}{svg[root.end() :]}"


def files() -> Iterator[tuple[str, str]]:
    """The page and its pictures: where they are to stand, and what they hold."""
    lines = ["# Gallery", "", "Pictures of one call each, on a light ground and on a dark one."]
    for name, record in GALLERY.items():
        svg = record.make()
        lines += ["", f"## {record.shows}", "", "```python", record.call, "```"]
        for ground in ("light", "dark"):
            file = f"gallery/{name}-{ground}.svg"
            lines += ["", f"![{record.shows}, on a {ground} ground]({file})"]
            yield file, on_ground(svg, dark=ground == "dark")
    yield "gallery.md", "\n".join([*lines, ""])


if __name__ == "__main__":
    options = argparse.ArgumentParser(prog="python -m tests.gallery")
    options.add_argument("folder", type=Path, help="where gallery.md and its pictures go")
    folder = options.parse_args().folder
    (folder / "gallery").mkdir(parents=True, exist_ok=True)
    written = {name: (folder / name).write_text(text, "utf-8") for name, text in files()}
    size = sum(written.values()) / 1000
    print(f"{folder / 'gallery.md'}: {len(GALLERY)} pictures on two grounds, {size:,.0f} kB")
