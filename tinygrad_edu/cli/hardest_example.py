"""What there is to see of one example: net, deltas, explanation, film and graph."""

from collections.abc import Iterator

from tinygrad_edu.cli.classifier import Classifier
from tinygrad_edu.cli.run import Named
from tinygrad_edu.cli.split import Split
from tinygrad_edu.engine import Value, toposort
from tinygrad_edu.losses import LOSSES
from tinygrad_edu.nn import MLP
from tinygrad_edu.text import clean
from tinygrad_edu.view import deltas, explain, network, steps
from tinygrad_edu.view.base.report import Picture, verbatim
from tinygrad_edu.view.graph.drawing import excerpt
from tinygrad_edu.view.graph.select import LARGEST


def hardest_example(classifier: Classifier, split: Split) -> Iterator[Named]:
    """The pictures of the training row with the largest loss, whose gradients the MLP then has.

    Raises RenderError, after the others, where the graph cannot be drawn.
    """
    model, encoder, loss_of = classifier.model, classifier.encoder, LOSSES[classifier.loss]
    targets = classifier.head.targets(split.y)
    losses = [loss_of(o, t).data for o, t in zip(classifier.outputs(split.X), targets, strict=True)]
    number = max(range(len(losses)), key=losses.__getitem__)
    row, target = list(split.X[number]), targets[number]
    x = [Value(x, name) for x, name in zip(row, encoder.feature_names, strict=True)]
    loss = loss_of(model(x), target)
    model.zero_grad()
    loss.backward()
    name = clean(encoder.class_names[split.y[number]])
    which = f"the training row with the largest loss, of class {name}"

    case = (model, row, target, classifier.loss)
    net = network(*case, input_names=encoder.feature_names)
    yield "", Picture("The network", f"Activations and deltas on {which}.", net.svg)
    caption = (
        f"On {which}: each delta as the backward pass found it, beside the rule of the textbook, "
        "evaluated on its own."
    )
    yield "", Picture("The delta rules", caption, deltas(*case)._repr_html_(), "table")
    w = max((w for unit in model.layers[-1].neurons for w in unit.w), key=lambda w: abs(w.grad))
    caption = f"On {which}: the weight of the last layer with the largest gradient."
    chain = verbatim(str(explain(loss, wrt=w)))
    yield "", Picture("Where a gradient comes from", caption, chain, "text")
    yield _film(model, x)
    caption = (
        f"Forward pass and gradients of {which}; its features are scaled as in training. A box "
        "holds a number and the derivative of the loss with respect to it; that of a net input z "
        "is the delta of its unit."
    )
    if len(toposort(loss, leaves=True)) > LARGEST:
        caption += (
            " The whole graph is too large to read: of each unit the two inputs that weigh most "
            "are followed, and dotted boxes count the others."
        )
    yield "graph.svg", Picture("Computation graph of one example", caption, excerpt(loss).svg)


def _film(model: MLP, x: list[Value]) -> Named:
    """The backward pass through the unit with the fewest inputs, on the numbers that it had."""
    units = []
    for k, layer in enumerate(model.layers, 1):
        units.append((layer.neurons[0], x))
        letter = "z" if layer.activation == "linear" else "a"
        x = [Value(v.data, f"{letter}{k}[{j}]") for j, v in enumerate(layer(x), 1)]
    unit, x = min(units, key=lambda pair: pair[0].nin)
    film = steps(unit(x))
    caption = "On the inputs that it has for the same row: the derivatives of its activation."
    return "", Picture("The backward pass of one unit", caption, film.inline(), "film")
