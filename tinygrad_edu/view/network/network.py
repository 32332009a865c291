"""network: a net as circles and lines, with its own layout: it needs no Graphviz."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib import resources
from typing import Any, Final

from tinygrad_edu.checks import listed, one_of, whole
from tinygrad_edu.engine import Value, gradients
from tinygrad_edu.examples import read_target
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.nn.sequential import dense_layers
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.base.display import Picture
from tinygrad_edu.view.base.naming import Names
from tinygrad_edu.view.base.palette import styled
from tinygrad_edu.view.base.svg import fitted, text_width
from tinygrad_edu.view.network.delta_rules import CONVENTIONS
from tinygrad_edu.view.network.deltas import Pass, forward, loss_of, name_of_function, names_in

_RADIUS: Final = 27
_ROW: Final = 62
_COLUMN: Final = 190
_MARGIN: Final = 24
_TOP: Final = 66
_WIDEST: Final = 5.0
#: Of all texts, as in the style.
_SIZE: Final = 11

# The card brings its own ground, so that ink and ground fit whatever page it lies on.
_STYLE: Final = styled(
    resources.files("tinygrad_edu.view.network").joinpath("network.css").read_text("utf-8")
)


class Drawing:
    """Places of the circles, and the SVG elements of one picture."""

    def __init__(
        self,
        passes: Sequence[Pass],
        names: Names,
        gradients: dict[Value, float] | None,
        sign: float,
        max_units: int,
        caption: Sequence[str],
        *,
        known: bool,
        mark: str,
    ) -> None:
        self.passes, self.names, self.gradients, self.sign = passes, names, gradients, sign
        self.caption, self.mark = caption, mark
        #: Whether the numbers of the passes are those of an example.
        self.known = known
        self.inputs = [names[x] for x in passes[0].inputs]
        self.sizes = [len(self.inputs), *(len(layer.z) for layer in passes)]
        self.counts = [min(n, max_units) for n in self.sizes]
        rows = max(self.counts)
        self.foot = _TOP + rows * _ROW + (36 if self.counts != self.sizes else 14)
        names_width, caption_width = (
            max(text_width(text, _SIZE) for text in texts)
            for texts in (self.inputs[: self.counts[0]], caption)
        )
        self.left = _MARGIN + names_width + 12 + _RADIUS
        right = self.left + _COLUMN * len(passes) + max(_RADIUS, 70) + _MARGIN
        self.width = math.ceil(max(right, caption_width + 2 * _MARGIN))
        self.height = math.ceil(self.foot + 17 * len(caption) + 8)
        self.middle = _TOP + rows * _ROW / 2

    def place(self, column: int, row: int) -> tuple[float, float]:
        """The centre of a circle; columns are centred on each other."""
        y = self.middle + (row + 0.5 - self.counts[column] / 2) * _ROW
        return self.left + _COLUMN * column, y

    def description(self) -> str:
        """The net in a sentence, and what of it is drawn."""
        sizes = ", ".join(f"{n:,}" for n in self.sizes)
        text = f"{sizes} units, the first being inputs"
        hidden = sum(self.sizes) - sum(self.counts)
        drawn = f"; {sum(self.counts):,} of {sum(self.sizes):,} circles drawn" if hidden else ""
        return f"{text}{drawn}; {'; '.join(self.caption)}"

    def svg(self) -> str:
        """The element; lines lie under circles."""
        title = "Network " + "-".join(map(str, self.sizes))
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="tge-net" role="img" '
            f'width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}">',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(self.description())}</desc>",
            f"<style>\n{_STYLE}</style>",
            f'<rect class="card" x="0.5" y="0.5" width="{self.width - 1}" '
            f'height="{self.height - 1}" rx="10"/>',
        ]
        for column in range(len(self.passes)):
            parts += self.lines(column)
        for column in range(len(self.sizes)):
            parts += self.circles(column)
            parts += self.heading(column)
        for k, text in enumerate(self.caption):
            parts.append(_text(_MARGIN, self.foot + 17 * k + 6, text, "faint", "start"))
        return "\n".join([*parts, "</svg>"]) + "\n"

    def lines(self, column: int) -> Iterator[str]:
        """The weights from one column to the next."""
        neurons = self.passes[column].layer.neurons
        top = _largest(w.data for n in neurons for w in n.w)
        drawn = self.counts[column] * self.counts[column + 1]
        widest = _WIDEST * min(1.0, 8 / math.sqrt(drawn))
        for j, neuron in enumerate(neurons[: self.counts[column + 1]]):
            x2, y2 = self.place(column + 1, j)
            for k, w in enumerate(neuron.w[: self.counts[column]]):
                x1, y1 = self.place(column, k)
                share = min(abs(w.data) / top, 1.0) if top and w.data == w.data else 0.0
                kind = "plus" if w.data > 0 else "minus" if w.data < 0 else "zero"
                kind += self.marked(column + 1, "W")
                title = f"{self.names[w]} = {short(w.data)}"
                if self.gradients is not None:
                    title += f", dL/dw = {short(self.gradients.get(w, 0.0))}"
                yield (
                    f'<line class="line {kind}" x1="{x1 + _RADIUS:.6g}" y1="{y1:.6g}" '
                    f'x2="{x2 - _RADIUS:.6g}" y2="{y2:.6g}" '
                    f'stroke-width="{0.6 + (widest - 0.6) * share:.3g}">'
                    f"<title>{escape(title)}</title></line>"
                )

    def circles(self, column: int) -> Iterator[str]:
        """The units of a column, with their numbers, and what is left out."""
        grads = self.gradients or {}
        largest = _largest(grads.get(z, 0.0) for layer in self.passes for z in layer.z)
        for row in range(self.counts[column]):
            x, y = self.place(column, row)
            inside, title, delta = self.contents(column, row)
            kind = "unit" + self.marked(column, "delta", "A", "Z", "b")
            yield f'<g><title>{escape(title)}</title><circle class="{kind}" {_circle(x, y)}/>'
            if delta and largest and not math.isnan(delta):
                share = min(abs(delta) / largest, 1.0)
                kind = "up" if delta > 0 else "down"
                yield (f'<circle class="{kind}" {_circle(x, y)} fill-opacity="{0.5 * share:.3g}"/>')
            for k, text in enumerate(inside):
                below = 4 + 13 * k - 6.5 * (len(inside) - 1)
                yield _text(x, y + below, text, "ink")
            yield "</g>"
            if column == 0:
                yield _text(x - _RADIUS - 8, y + 4, self.inputs[row], "ink", "end")
        if self.sizes[column] > self.counts[column]:
            x, y = self.place(column, self.counts[column])
            hidden = self.sizes[column] - self.counts[column]
            yield _text(x, y - 14, f"... {hidden:,} more", "faint")

    def marked(self, column: int, *arrays: str) -> str:
        """The class of what belongs to an array that is marked."""
        is_it = re.fullmatch(f"d?({'|'.join(arrays)}){column}", self.mark)
        return " marked" if is_it else ""

    def contents(self, column: int, row: int) -> tuple[list[str], str, float]:
        """The texts inside a circle, its title, and the delta that shades it."""
        if column == 0:
            x = self.passes[0].inputs[row]
            title = f"input {self.names[x]}"
            known = [_tiny(x.data)], f"{title} = {short(x.data)}", 0.0
            return known if self.known else ([], title, 0.0)
        layer = self.passes[column - 1]
        b, z, a = layer.layer.neurons[row].b, layer.z[row], layer.a[row]
        title = f"{self.names[b]} = {short(b.data)}"
        if not self.known:
            return [], title, 0.0
        numbers = ", ".join(f"{self.names[v]} = {short(v.data)}" for v in dict.fromkeys([z, a]))
        title = f"{title}, {numbers}"
        if self.gradients is None:
            return [_tiny(a.data)], title, 0.0
        delta = self.sign * self.gradients.get(z, 0.0) + 0.0
        title = f"{title}, {self.names.deltas[z]} = {short(delta)}"
        return [_tiny(a.data), _tiny(delta)], title, delta

    def heading(self, column: int) -> Iterator[str]:
        """Name, size and activation above a column."""
        x, _ = self.place(column, 0)
        n = f"{self.sizes[column]:,}"
        if column == 0:
            yield _text(x, 28, "inputs", "ink")
            yield _text(x, 44, n, "faint")
            return
        layer = self.passes[column - 1]
        yield _text(x, 28, layer.name or "layer", "ink")
        yield _text(x, 44, f"{n} {clean(layer.activation, 16)}", "faint")


def _largest(numbers: Iterable[float]) -> float:
    """The largest finite |x|, 0 if there is none."""
    return max((abs(x) for x in numbers if abs(x) < math.inf), default=0.0)


def _circle(x: float, y: float) -> str:
    return f'cx="{x:.6g}" cy="{y:.6g}" r="{_RADIUS}"'


def _text(x: float, y: float, text: str, kind: str, anchor: str = "middle") -> str:
    place = {"x": f"{x:.6g}", "y": f"{y:.6g}", "text-anchor": anchor, "font-size": f"{_SIZE}"}
    place |= fitted(text, _SIZE)
    attributes = "".join(f' {name}="{value}"' for name, value in place.items())
    return f'<text class="{kind}"{attributes}>{escape(text)}</text>'


def _tiny(x: float) -> str:
    """`x` in at most seven characters, to fit in a circle: 0.707, -12.3, 1.5e-7."""
    text = short(float(f"{x:.3g}"))
    if len(text) <= 7:
        return text
    return next((t for p in (2, 1) if len(t := short(float(f"{x:.{p}g}"))) <= 7), f"{x:.0e}")


class Network(Picture):
    """A picture of a net: `.svg` is its text; in a notebook it shows itself. It keeps no Value."""

    _kind = "network"

    def __init__(self, svg: str, description: str) -> None:
        self._svg, self.description = svg, description

    @property
    def svg(self) -> str:
        """The element, as text."""
        return self._svg

    def __repr__(self) -> str:
        return f"<Network: {self.description}>"


def network(
    model: Any,
    x: Iterable[Any] | None = None,
    target: Any = None,
    loss: str | Loss | None = None,
    *,
    input_names: Sequence[str] | None = None,
    convention: str = "dL/dz",
    max_units: int = 16,
    notation: str = "lecture",
    mark: str = "",
) -> Network:
    """The net as circles and lines: blue lines are positive weights, dashed ones negative.

    model        an MLP, a Layer, a Neuron, a Sequential or list of dense layers and activations
    x            one example: each circle shows its activation
    target, loss with both, each circle shows its delta under the activation, and is shaded by it
    input_names  texts for the inputs, x1, x2, ... otherwise
    convention   of delta, "dL/dz" or "-dE/dnet"
    max_units    of a larger layer the first ones are drawn, and the rest is counted
    notation     of names: "lecture" for w1[2,3], "code" for layer1.neuron2.w[3]
    mark         an array by its name in a program: the units of "delta2", the lines of "dW2"

    The width of a line is |w| relative to the largest of its layer. No `.grad` is changed. Raises
    TypeError or ValueError naming the argument.
    """
    layers = dense_layers(model)
    max_units = whole("max_units", max_units)
    sign = CONVENTIONS[one_of("convention", convention, CONVENTIONS)]
    nin = layers[0].neurons[0].nin
    labels = _input_names(input_names, nin)
    if (target is None) != (loss is None) or (x is None and loss is not None):
        raise ValueError("deltas need an example: give x, target and loss, or x alone")
    known = x is not None
    passes = forward(model, layers, [0.0] * nin if x is None else x, activate=known)
    total: Value | None = None
    grads: dict[Value, float] | None = None
    caption = []
    if loss is not None:
        function = find_loss(loss)
        total = loss_of(model, passes, read_target(target), function)
        grads = gradients(total)
        loss_name = clean(name_of_function(function), 40)
        caption.append(f"{loss_name} = {short(total.data)}")
    if known:
        second = f", below it its delta = {convention}, by which it is shaded" if grads else ""
        caption.append(f"in a circle: activation a{second}")
    caption.append("lines: weights, blue positive, orange dashed negative, wide where |w| is large")
    names = names_in(passes, total, labels, notation)
    drawing = Drawing(passes, names, grads, sign, max_units, caption, known=known, mark=mark)
    return Network(drawing.svg(), drawing.description())


def _input_names(names: Sequence[str] | None, nin: int) -> list[str] | None:
    if names is None:
        return None
    remedy = 'write input_names=["height", "weight"]'
    names = listed("input_names", names, "texts", str, remedy)
    if len(names) != nin:
        raise ValueError(f"the net has {nin} inputs, but input_names has {len(names)}")
    return [clean(name, 16) for name in names]
