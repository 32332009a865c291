"""network: a net as circles and lines, with its own layout: it needs no Graphviz."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tinygrad_edu.checks import one_of, whole
from tinygrad_edu.engine import Value, gradients
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.nn.dense import dense_layers
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.network.delta_rules import CONVENTIONS
from tinygrad_edu.view.network.model_units import (
    forward,
    loss_of,
    name_of_function,
    names_in,
)
from tinygrad_edu.view.network.picture import Drawing


class Network:
    """A picture of a net: `.svg` is its text; in a notebook it shows itself. It keeps no Value."""

    def __init__(self, svg: str, description: str) -> None:
        self.svg = svg
        self.description = description

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file that ends in .svg; returns its path.

        Raises ValueError for another suffix.
        """
        path = Path(path)
        if path.suffix.lower() != ".svg":
            raise ValueError(
                f"a network is saved as .svg, and {path.name!r} is none: "
                'write n.save("network.svg")'
            )
        path.write_text(self.svg, encoding="utf-8")
        return path

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}

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
) -> Network:
    """The net as circles and lines: blue lines are positive weights, dashed ones negative.

    model        an MLP, a Layer, a Neuron, a Sequential or list of dense layers and activations
    x            one example: each circle shows its activation
    target, loss with both, each circle shows its delta under the activation, and is shaded by it
    input_names  texts for the inputs, x1, x2, ... otherwise
    convention   of delta, "dL/dz" or "-dE/dnet"
    max_units    of a larger layer the first ones are drawn, and the rest is counted
    notation     of names: "lecture" for w1[2,3], "code" for layer1.neuron2.w[3]

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
        if isinstance(target, Iterator):
            target = list(target)
        total = loss_of(model, passes, target, function)
        grads = gradients(total)
        loss_name = clean(name_of_function(function), 40)
        caption.append(f"{loss_name} = {short(total.data)}")
    if known:
        second = f", below it its delta = {convention}, by which it is shaded" if grads else ""
        caption.append(f"in a circle: activation a{second}")
    caption.append("lines: weights, blue positive, orange dashed negative, wide where |w| is large")
    names = names_in(passes, total, labels, notation)
    drawing = Drawing(passes, names, grads, sign, max_units, caption, known=known)
    return Network(drawing.svg(), drawing.description())


def _input_names(names: Sequence[str] | None, nin: int) -> list[str] | None:
    if names is None:
        return None
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError('input_names is a list of texts: write input_names=["height", "weight"]')
    if len(names) != nin:
        raise ValueError(f"the net has {nin} inputs, but input_names has {len(names)}")
    return [clean(name, 16) for name in names]
