"""What there is to see of one example: diagram, deltas, explanation, film and graph."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.cli.classifier import Classifier
from tinygrad_edu.cli.split import Split
from tinygrad_edu.engine import Value, toposort
from tinygrad_edu.losses import LOSSES
from tinygrad_edu.text import clean
from tinygrad_edu.view import deltas, explain, network, steps
from tinygrad_edu.view.base.naming import names_of
from tinygrad_edu.view.base.report import Picture, verbatim
from tinygrad_edu.view.graph.drawing import excerpt
from tinygrad_edu.view.graph.select import LARGEST


@dataclass(frozen=True)
class Example:
    """One training row, the net's loss on it after a backward pass, and what it is called."""

    row: list[float]
    target: Any
    loss: Value
    called: str


def hardest(classifier: Classifier, split: Split) -> Example:
    """The training row with the largest loss. The gradients of the parameters are then its own."""
    loss_of, targets = LOSSES[classifier.loss], classifier.head.targets(split.y)
    losses = [loss_of(o, t).data for o, t in zip(classifier.outputs(split.X), targets, strict=True)]
    found = max(range(len(losses)), key=losses.__getitem__)
    names = classifier.encoder.feature_names
    row = list(split.X[found])
    x = [Value(number, name) for number, name in zip(row, names, strict=True)]
    loss = loss_of(classifier.model(x), targets[found])
    classifier.model.zero_grad()
    loss.backward()
    called = (
        "the training row with the largest loss, of class "
        f"{clean(classifier.encoder.class_names[split.y[found]])}"
    )
    return Example(row, targets[found], loss, called)


def pictures_of(classifier: Classifier, example: Example) -> Iterator[tuple[str, Picture]]:
    """What there is to see of one example: for each picture its file name, or "", and itself.

    Raises RenderError, after the others, where the graph cannot be drawn.
    """
    model, loss = classifier.model, example.loss
    names = classifier.encoder.feature_names
    case = (model, example.row, example.target, classifier.loss)
    diagram = network(*case, input_names=names)
    yield "", Picture("The network", f"Activations and deltas on {example.called}.", diagram.svg)
    rules = (
        f"On {example.called}: each delta as the backward pass found it, beside the rule of the "
        "textbook, evaluated on its own."
    )
    yield "", Picture("The delta rules", rules, deltas(*case)._repr_html_(), "table")
    w = max((w for unit in model.layers[-1].neurons for w in unit.w), key=lambda w: abs(w.grad))
    chain = str(explain(loss, wrt=w, names={"loss": loss}))
    why = f"On {example.called}: the weight of the last layer with the largest gradient."
    yield "", Picture("Where a gradient comes from", why, verbatim(chain), "text")
    order = toposort(loss, leaves=True)
    called = names_of(order)
    units = {called[v]: v for unit in called.units.units for v in (unit.z, unit.a)}
    graph = excerpt(loss, names={"loss": loss, **units})
    caption = (
        f"Forward pass and gradients of {example.called}; its features are scaled as "
        "in training. A box holds a number and the derivative of the loss with respect to it; that "
        "of a net input z is the delta of its unit."
    )
    if len(order) > LARGEST:
        caption += (
            " The whole graph is too large to read: of each unit the two inputs that weigh most "
            "are followed, and dotted boxes count the others."
        )
    yield "", _film(classifier, example)
    yield "graph.svg", Picture("Computation graph of one example", caption, graph.svg)


def _film(classifier: Classifier, example: Example) -> Picture:
    """The backward pass through the unit with the fewest inputs, on the numbers that it had."""
    x = [Value(number) for number in example.row]
    layers = []
    for layer in classifier.model.layers:
        layers.append((layer.neurons[0], x))
        x = [Value(a.data) for a in layer(x)]
    unit, inputs = min(layers, key=lambda found: found[0].nin)
    inputs = [Value(v.data, f"x{i}") for i, v in enumerate(inputs, 1)]
    film = steps(unit(inputs))
    caption = "On the inputs that it has for the same row: the derivatives of its activation."
    return Picture("The backward pass of one unit", caption, film.inline(), "film")
