"""Panels: the views of a run as texts for a page, SVG and HTML, and the colours of the plane."""

import base64
import copy
import html
from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.image import imsave

from tinygrad_edu.losses import find_loss
from tinygrad_edu.playground.run import Measured, Part, Run
from tinygrad_edu.playground.settings import OWN, columns
from tinygrad_edu.text import clean, short
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.program import Program
from tinygrad_edu.view import draw
from tinygrad_edu.view.base.palette import CLASSES, NEGATIVE, POSITIVE
from tinygrad_edu.view.base.render import RenderError
from tinygrad_edu.view.network.deltas import deltas
from tinygrad_edu.view.network.network import network
from tinygrad_edu.view.pictures.canvas import tinted
from tinygrad_edu.view.pictures.field import Extent, extent_of, outputs_of

#: Points a side.
SIDES: Final = 60
#: As the lines of the network diagram: positive, negative.
_POSITIVE, _NEGATIVE = np.array([to_rgb(POSITIVE.light), to_rgb(NEGATIVE.light)])


class Plane:
    """The units of `run` over a square around its points, as a program of NumPy."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.extent = square(np.array(run.data.X))
        left, right, bottom, top = self.extent
        xs, ys = np.linspace(left, right, SIDES), np.linspace(top, bottom, SIDES)
        grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
        self.rows = columns(grid, run.settings.features)
        layers = run.model.layers
        self.program = Program(
            lambda x: [a for layer in outputs_of(layers, x) for a in layer],
            self.rows[:1].tolist(), self.rows[-1:].tolist(),
        )  # fmt: skip

    def activations(self) -> list[Array]:
        """For each layer (SIDES, SIDES, units), from the top left, with the weights as they are."""
        self.program.read_parameters()
        found = self.program.columns(self.rows).reshape(SIDES, SIDES, -1)
        return np.split(found, np.cumsum(self.run.model.sizes[1:-1]), axis=-1)

    def regions(self, activations: Sequence[Array]) -> Array:
        """The decision regions as colours, (SIDES, SIDES, 3): paler where in doubt."""
        with np.errstate(all="ignore"):
            shares = np.nan_to_num(self.run.head.probabilities(activations[-1]))
        return tinted(shares)


def square(points: Array) -> Extent:
    """The smallest square around the points, with a margin."""
    left, right, bottom, top = extent_of(points)
    x, y, half = (left + right) / 2, (bottom + top) / 2, max(right - left, top - bottom) / 2
    return x - half, x + half, y - half, y + half


def heat(a: Array) -> Array:
    """Activations as colours, (..., 3): blue above 0, orange below, white 0, by the largest."""
    a = np.nan_to_num(a)
    scaled = (a / (np.abs(a).max() or 1.0))[..., None]
    colour: Any = np.where(scaled > 0, _POSITIVE, _NEGATIVE)
    image: Array = 1 - (1 - colour) * np.abs(scaled)
    return image


def png(image: Array) -> bytes:
    """Colours (height, width, 3) in [0, 1] as a PNG file."""
    buffer = BytesIO()
    imsave(buffer, np.ascontiguousarray(image), format="png")
    return buffer.getvalue()


#: Pixels: a side of the plane, and the width of the curve and the maps beside it.
SIDE: Final = 360
_HIGH, _GAP, _POINTS = 130, 1, 200
_TILE: Final = 44


def points_over(run: Run, extent: Extent, example: int) -> str:
    """The points over the plane, test points with a black edge, and a ring around an example."""
    parts = []
    for part, edge in ((run.training, "white"), (run.test, "black")):
        if part is not None:
            places = zip(_places(part, extent), part.y, strict=True)
            parts += [
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{CLASSES[c]}" stroke="{edge}"/>'
                for (x, y), c in places
            ]
    x, y = _places(run.training, extent)[example]
    parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" class="ring"/>')
    left, right, bottom, top = extent
    names = [html.escape(clean(name, 30)) for name in run.data.feature_names]
    texts = [
        (SIDE - 4, SIDE - 5, "end", f"{names[0]} = {right:.2g}"),
        (4, 13, "start", f"{names[1]} = {top:.2g}"),
        (4, SIDE - 5, "start", f"({left:.2g}, {bottom:.2g})"),
    ]
    return _svg(SIDE, parts, texts)


def _svg(high: int, parts: list[str], texts: Sequence[tuple[float, float, str, str]]) -> str:
    """A picture of that height; texts are x, y, anchor and text."""
    parts = parts + [f'<text x="{x}" y="{y}" text-anchor="{a}">{t}</text>' for x, y, a, t in texts]
    size = f'viewBox="0 0 {SIDE} {high}" width="{SIDE}" height="{high}"'
    return f'<svg class="tge-plot" {size}>{"".join(parts)}</svg>'


def nearest(run: Run, extent: Extent, across: float, down: float) -> int:
    """The training point nearest to a place in the plane, (0, 0) top left, (1, 1) bottom right."""
    distances = np.hypot(*(_places(run.training, extent) - np.array([across, down]) * SIDE).T)
    return int(distances.argmin())


def key(run: Run) -> str:
    """What the colours of the plane mean."""
    dots = [
        f'<span style="color:{colour}">&#9679;</span> {html.escape(clean(name, 16))}'
        for colour, name in zip(CLASSES, run.data.class_names, strict=False)
    ]
    held_out = "" if run.test is None else "; black edge: test points"
    own = "; standardised" if run.settings.data == OWN else ""
    return f"classes {' '.join(dots)}{own}{held_out}; ring: the example, click for another"


def numbers(measured: Measured) -> str:
    """Epoch, losses and accuracies in a line."""
    text = f"epoch {measured.epoch:,}: training loss {_loss(measured.loss)}"
    text += f" ({measured.accuracy:.0%} right)"
    if measured.test_loss is not None and measured.test_accuracy is not None:
        text += f", test loss {_loss(measured.test_loss)} ({measured.test_accuracy:.0%})"
    return text


def _loss(x: float) -> str:
    return f"{x:.4f}" if abs(x) < 1e4 else f"{x:.3g}"


def curve(losses: Sequence[Measured]) -> str:
    """The losses over the epochs, that of the test points dashed."""
    chosen = losses[:: -(-len(losses) // _POINTS)]
    chosen = [*chosen, losses[-1]] if chosen[-1] is not losses[-1] else chosen
    both = [np.array([m.loss for m in chosen]), np.array([m.test_loss for m in chosen], float)]
    finite = [x for line in both for x in line[np.isfinite(line)]]
    top, last = max(finite, default=1.0) or 1.0, chosen[-1].epoch or 1
    parts = [f'<path class="axis" d="M30 16V{_HIGH - 18}H{SIDE - 8}"/>']
    for line, style in zip(both, ("", ' stroke-dasharray="5 3"'), strict=True):
        path = [
            f"{30 + (SIDE - 38) * m.epoch / last:.1f},{16 + (_HIGH - 34) * (1 - x / top):.1f}"
            for m, x in zip(chosen, line, strict=True)
            if np.isfinite(x)
        ]
        parts.append(f'<polyline class="loss" points="{" ".join(path)}"{style}/>')
    texts = [
        (2, 11, "start", f"{top:.2g}"),
        (27, _HIGH - 18, "end", "0"),
        (30, _HIGH - 4, "start", "0"),
        (SIDE - 8, _HIGH - 4, "end", f"epoch {chosen[-1].epoch:,}"),
        (SIDE / 2, _HIGH - 4, "middle", "loss: training, test dashed"),
    ]
    return _svg(_HIGH, parts, texts)


def maps(activations: Sequence[Array]) -> str:
    """A small map of the plane for each unit: blue where it is above 0, orange below.

    A single output is left out: it is what the plane itself shows.
    """
    parts = []
    shown = activations[:-1] if activations[-1].shape[-1] == 1 else activations
    for k, layer in enumerate(shown, 1):
        n = layer.shape[-1]
        gap = ((0, 0), (0, _GAP), (0, 0))
        tiles = [np.pad(heat(layer[::2, ::2, j]), gap, constant_values=1.0) for j in range(n)]
        data = base64.b64encode(png(np.concatenate(tiles, axis=1))).decode()
        parts.append(
            f"<div>layer{k}, {n} unit{'s' * (n > 1)}: activation over the plane</div>"
            f'<img width="{min(_TILE * n, SIDE)}" alt="layer{k}" '
            f'src="data:image/png;base64,{data}"/>'
        )
    meaning = "<div>blue above 0, orange below, white 0; each by its largest</div>"
    return "".join([*parts, meaning] if parts else [])


def net(run: Run, example: int, *, with_example: bool) -> str:
    """The network diagram, with the activations and deltas of a training example."""
    case = (*_case(run, example), run.loss) if with_example else ()
    return network(run.model, *case, input_names=list(run.settings.features)).svg


def example_deltas(run: Run, example: int) -> str:
    """The table of deltas of a training example."""
    return deltas(run.model, *_case(run, example), run.loss)._repr_html_()


def example_graph(run: Run, example: int) -> str:
    """The graph of the loss of a training example, a box for each unit, after a backward pass."""
    x, target = _case(run, example)
    model = copy.deepcopy(run.model)  # whose gradients nobody else reads
    model.zero_grad()
    loss = find_loss(run.loss)(model(x), target)
    loss.backward()
    graph = draw(loss, level="neuron")
    try:
        return graph.svg
    except RenderError as error:
        return f"<pre>{html.escape(str(error))}\n\n{html.escape(graph.table)}</pre>"


def _case(run: Run, example: int) -> tuple[list[float], Any]:
    """What the net is given of a training example, and its target."""
    return run.training.rows[example], run.training.targets[example]


def example_line(run: Run, example: int) -> str:
    """Which example it is, in a line."""
    names = run.settings.features
    row = ", ".join(
        f"{name} = {short(x)}" for name, x in zip(names, run.training.rows[example], strict=True)
    )
    label = run.data.class_names[run.training.y[example]]
    return f"class {html.escape(clean(label, 16))}; {row}; after epoch {run.epoch:,}"


def _places(part: Part, extent: Extent) -> Array:
    """Where points are in the picture, (n, 2): in pixels from the top left."""
    left, right, bottom, top = extent
    x, y = part.X.T
    return np.stack(
        [(x - left) / (right - left) * SIDE, (top - y) / (top - bottom) * SIDE], axis=-1
    )
