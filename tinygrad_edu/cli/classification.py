"""Telling classes apart: the demo on each data set, and on a table of the user's own."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from tinygrad_edu.cli.classifier import Classifier
from tinygrad_edu.cli.hardest_example import hardest_example
from tinygrad_edu.cli.options import Settings, usage_errors
from tinygrad_edu.cli.run import Demo, Named, Run, by_descent, course, facts_of_descent, measured
from tinygrad_edu.cli.split import Split
from tinygrad_edu.nn import MLP
from tinygrad_edu.text import clean
from tinygrad_edu.train.heads import head_for
from tinygrad_edu.view.base.render import RenderError
from tinygrad_edu.view.base.report import Picture

#: Rows of the plane among which lines of hidden units and rings can still be told apart.
_FEW: Final = 500


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
        encoder, rule = run.data.encoder, run.data.rule
        return {
            "features": _listed(encoder.feature_names),
            "classes": _listed(encoder.class_names),
            **({"split": rule} if rule else {}),
            "net": f"{net(run.model)}, {run.settings.activation}".replace("->", "→"),
            **facts_of_descent(run),
        }

    def lead(run: Run) -> str:
        kind, *_, accuracy = run.results[-1]
        return (
            f"A {net(run.model)} net tells {len(run.data.encoder.class_names)} classes apart: "
            f"{accuracy} of the {kind} rows are right."
        )

    return Demo(
        name, says, settings, data, _mlp, announcement, _trained, _accuracies, lead, facts,
        _pictures, save=lambda run, path: _classifier(run).save(path),
    )  # fmt: skip


def _mlp(settings: Settings, split: Split, rng: random.Random) -> MLP:
    with usage_errors():
        head = head_for(str(settings.loss), len(split.encoder.class_names))
    sizes = [*settings.hidden, head.units]
    activations = settings.activation, head.activation
    return MLP(len(split.encoder.feature_names), sizes, *activations, rng=rng)


def _classifier(run: Run) -> Classifier:
    return Classifier(run.model, run.data.encoder, str(run.settings.loss))


def _trained(run: Run, rng: random.Random) -> None:
    split, targets = run.data, _classifier(run).head.targets
    test = (split.X_test, targets(split.y_test)) if split.y_test else None
    by_descent(run, rng, split.X, targets(split.y), loss=str(run.settings.loss), validation=test)


def _accuracies(run: Run) -> list[tuple[str, ...]]:
    split, classifier = run.data, _classifier(run)
    head = classifier.head
    parts = {"training": (split.X, split.y), "test": (split.X_test, split.y_test)}
    results: list[tuple[str, ...]] = [("", "rows", "loss", "accuracy")]
    for name, (X, y) in parts.items():
        if y:
            outputs = classifier.outputs(X)
            right = [c == t for c, t in zip(head.classes(outputs), y, strict=True)]
            results.append(measured(name, classifier.loss, outputs, head.targets(y), right))
    return results


def _pictures(run: Run) -> Iterator[Named]:
    yield regions(run) if run.data.plane else confusion(run)
    yield course(run.history)
    try:
        yield from hardest_example(_classifier(run), run.data)
    except RenderError as error:
        run.notes.append(f"graph.svg skipped: {error}")


def regions(run: Run) -> Named:
    """The decision regions of a net for points in the plane."""
    from tinygrad_edu.view import pictures

    split, head = run.data, _classifier(run).head
    shown = "probabilities" if head.activation in ("sigmoid", "softmax") else "scores"
    few = len(split.X) + len(split.X_test) <= _FEW
    ax = pictures.regions(
        run.model,
        split.in_units(split.X),
        split.y,
        X_test=split.in_units(split.X_test),
        y_test=split.y_test,
        transform=split.encoded,
        outputs=shown,
        class_names=split.encoder.class_names,
        feature_names=split.encoder.feature_names,
        hidden_lines=few,
        misclassified=few,
        margins=few,
    )
    meaning = "score is near 0" if head.outputs == "score" else "probability is near a tie"
    caption = (
        "The colour of a place is the class that the net gives there, paler where its "
        f"{meaning}; the line is the decision boundary."
    )
    return "regions.png", Picture("Decision regions", caption, png_of(ax))


def confusion(run: Run) -> Named:
    """The confusion matrix of the test rows, or where there are none of the training rows."""
    from tinygrad_edu.view import pictures

    kind, X, y = run.data.last
    classifier = _classifier(run)
    predicted = classifier.head.classes(classifier.outputs(X))
    ax = pictures.confusion(y, predicted, run.data.encoder.class_names)
    caption = f"How many {kind} rows of each class were given which class: right on the diagonal."
    return "confusion.png", Picture("Confusion matrix", caption, png_of(ax))


def png_of(ax: Any) -> bytes:
    """The picture that the axes stand in."""
    png: bytes = ax.figure.png()
    return png


def _listed(names: Sequence[Any], most: int = 8) -> str:
    shown = [clean(str(name), 40) for name in names[:most]]
    rest = [f"... ({len(names)} in all)"] if len(names) > most else []
    return ", ".join(shown + rest)
