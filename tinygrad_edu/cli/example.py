"""The computation graph of one example with its loss, after a backward pass."""

from tinygrad_edu.cli.classifier import Classifier
from tinygrad_edu.cli.problem import Problem
from tinygrad_edu.engine import Value, toposort
from tinygrad_edu.losses import LOSSES
from tinygrad_edu.view import Graph
from tinygrad_edu.view.excerpt import LARGEST, excerpt
from tinygrad_edu.view.text import clean


def example_graph(classifier: Classifier, problem: Problem) -> tuple[Graph, str]:
    """The graph of the training row that the net finds hardest, and a caption that says so.

    The gradients of the parameters are then those of this row.
    """
    loss_of, targets = LOSSES[classifier.loss], classifier.targets(problem.y)
    losses = [
        loss_of(o, t).data for o, t in zip(classifier.outputs(problem.X), targets, strict=True)
    ]
    hardest = max(range(len(losses)), key=losses.__getitem__)
    names = classifier.encoder.feature_names
    x = [Value(number, name) for number, name in zip(problem.X[hardest], names, strict=True)]
    output = classifier.model(x)
    loss = loss_of(output, targets[hardest])
    classifier.model.zero_grad()
    loss.backward()
    activations = {str(classifier.model.activation), str(classifier.model.output)}
    graph = excerpt(loss, names={"loss": loss, **_names(loss, activations)})
    caption = (
        "Forward pass and gradients of the training row with the largest loss, of class "
        f"{clean(classifier.encoder.class_names[problem.y[hardest]])}; its features are scaled as "
        "in training. A box holds a number and the derivative of the loss with respect to it; that "
        "of a net input z is the delta of its unit."
    )
    if len(toposort(loss, leaves=True)) > LARGEST:
        caption += (
            " The whole graph is too large to read: of each unit the two inputs that weigh most "
            "are followed, and dotted boxes count the others."
        )
    return graph, caption


def _names(loss: Value, activations: set[str]) -> dict[str, Value]:
    """Net inputs z and activations a, named after their unit, which the name of its bias tells."""
    found: dict[str, Value] = {}
    units: dict[Value, str] = {}
    for v in toposort(loss):
        last = v.parents[-1]
        if last.kind == "parameter" and str(last.name).endswith(".b"):
            units[v] = str(last.name).removesuffix(".b")
            found[f"{units[v]}.z"] = v
        elif v.op is not None and v.op.name in activations and v.parents[0] in units:
            found[f"{units[v.parents[0]]}.a"] = v
    return found
