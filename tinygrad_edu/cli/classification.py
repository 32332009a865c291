"""Telling classes apart: the demo on each data set, and on a table of the user's own."""

import math
import operator
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tinygrad_edu.cli import evidence
from tinygrad_edu.cli.classifier import Classifier, head_of_encoder
from tinygrad_edu.cli.options import Settings
from tinygrad_edu.cli.run import Demo, Named, Run, by_descent, course, facts_of_descent, short_loss
from tinygrad_edu.cli.split import Split, first_of
from tinygrad_edu.engine import Value, toposort
from tinygrad_edu.nn import MLP
from tinygrad_edu.text import clean
from tinygrad_edu.train import evaluate
from tinygrad_edu.view import deltas, explain, network, steps
from tinygrad_edu.view.base.render import RenderError
from tinygrad_edu.view.base.report import Picture, verbatim
from tinygrad_edu.view.graph.drawing import excerpt
from tinygrad_edu.view.graph.select import LARGEST
from tinygrad_edu.view.pictures.canvas import MOST_CLASSES


def classification(
    name: str,
    says: str,
    settings: Settings,
    data: Callable[[Settings, random.Random], Split],
    net: Callable[[Any], str] = lambda model: "-".join(map(str, model.sizes)),
) -> Demo:
    """The demo that trains an MLP to tell the classes of `data` apart; `net` tells its sizes."""

    def announcement(run: Run) -> list[str]:
        parameters = len(run.model.parameters())
        called = f"net {clean(net(run.model), 80)}, {run.settings.activation}"
        return [*run.data.announcement(), f"{called}, {parameters:,} parameters"]

    def facts(run: Run) -> dict[str, str]:
        encoder = run.data.encoder
        told = {
            "features": first_of([clean(name, 40) for name in encoder.feature_names]),
            "classes": first_of([clean(name, 40) for name in encoder.class_names]),
            "target": clean(encoder.target) if encoder.number else "",
            "split": run.data.rule,
            "net": f"{_arrows(net(run.model))}, {run.settings.activation}",
        }
        return {name: text for name, text in told.items() if text} | facts_of_descent(run)

    def lead(run: Run) -> str:
        rows = {name: found for name, *_, found in run.results}
        (kind, found), *others = list(rows.items())[1 + bool(run.data.y_test) :]
        n, verdict = len(run.data.encoder.class_names), f"{found} of the {kind} rows are right"
        learned = f"tells {n} classes apart"
        if not n:
            learned = f"predicts the number {clean(run.data.encoder.target)}"
            verdict = (
                f"it is off by {found} on the {kind} rows (the root of the mean squared error)"
            )
        simpler = ", ".join(f"{name} {x}" for name, x in others)
        return f"The net {_arrows(net(run.model))} {learned}: {verdict}; for comparison {simpler}."

    return Demo(
        name, says, settings, data, _mlp, announcement, _trained, _results, lead, facts,
        _pictures, save=lambda run, path: _classifier(run).save(path),
    )  # fmt: skip


def _arrows(sizes: str) -> str:
    return sizes.replace("->", "→")


def _mlp(settings: Settings, split: Split, rng: random.Random) -> MLP:
    head = head_of_encoder(str(settings.loss), split.encoder)
    sizes = [*settings.hidden, head.units]
    activations = settings.activation, head.activation
    return MLP(len(split.encoder.feature_names), sizes, *activations, rng=rng)


def _classifier(run: Run) -> Classifier:
    return Classifier(run.model, run.data.encoder, str(run.settings.loss))


def _trained(run: Run, rng: random.Random) -> None:
    split, targets = run.data, _classifier(run).targets
    test = (split.X_test, targets(split.y_test)) if split.y_test else None
    by_descent(run, rng, (split.X, targets(split.y)), str(run.settings.loss), test)


def _results(run: Run) -> Sequence[tuple[str, ...]]:
    """Rows, loss, accuracy or error of the net; of simpler models on the rows that judge it."""
    split, classifier = run.data, _classifier(run)
    number, (*_, judged) = split.encoder.number, split.last

    def measure(found: Any, y: Sequence[Any]) -> str:
        if number is None:
            return f"{sum(map(operator.eq, found, y)) / len(y):.1%}"
        return f"{math.dist(found, y) / math.sqrt(len(y)) * number.deviation:.4g}"

    results = [("", "rows", "loss", "accuracy" if number is None else "error")]
    parts = {"training": (split.X, split.y), "test": (split.X_test, split.y_test)}
    for name, (X, y) in parts.items():
        if y:
            mean, _ = evaluate(run.model, X, classifier.targets(y), loss=classifier.loss)
            row = (name, str(len(y)), short_loss(mean), measure(classifier.found(X), y))
            results.append(row)
    for name, simpler in evidence.baselines(split).items():
        results.append((name, str(len(judged)), "", measure(simpler, judged)))
    return results


def _pictures(run: Run) -> Iterator[Named]:
    classifier, split = _classifier(run), run.data
    if split.encoder.number is not None:
        yield from evidence.of_numbers(classifier, split)
    elif len(split.encoder.class_names) <= MOST_CLASSES:
        yield from evidence.of_classes(classifier, split)
    else:
        run.notes.append(f"no picture of more than {MOST_CLASSES} classes")
    yield course(run.history)
    if split.image is None:
        yield from evidence.worst(classifier, split)
    try:
        yield from hardest_example(classifier, split)
    except RenderError as error:
        run.notes.append(f"graph.svg skipped: {error}")


def hardest_example(classifier: Classifier, split: Split) -> Iterator[Named]:
    """The pictures of the training row with the largest loss; RenderError after the others."""
    model, encoder, losses = classifier.model, split.encoder, classifier.losses(split.X, split.y)
    number = max(losses, key=losses.__getitem__)
    row, [target] = list(split.X[number]), classifier.targets([split.y[number]])
    x, loss = classifier.backward(row, split.y[number])
    name = "of class" if encoder.number is None else f"whose {clean(encoder.target)} is"
    name += f" {clean(classifier.answer(split.y[number]))}"
    some = len(losses) < len(split.X)
    among = f"of {len(losses):,} training rows the one" if some else "the training row"
    which = f"{among} with the largest loss, {name}"

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
