"""Telling classes apart: the demo on each data set, and on a table of the user's own."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tinygrad_edu import functions as f
from tinygrad_edu import namespace as floats
from tinygrad_edu.checks import one_of
from tinygrad_edu.cli.options import Settings, UsageError
from tinygrad_edu.cli.run import Demo, Named, Run, by_descent, course, facts_of_descent, measured
from tinygrad_edu.cli.split import Split
from tinygrad_edu.data import TableEncoder, one_hot
from tinygrad_edu.losses import LOSSES
from tinygrad_edu.nn import MLP, model_file
from tinygrad_edu.nn.model_file import ModelFileError
from tinygrad_edu.text import clean
from tinygrad_edu.train import predict
from tinygrad_edu.train.metrics import argmax
from tinygrad_edu.view.base.render import RenderError
from tinygrad_edu.view.base.report import Picture

Rows = Sequence[Sequence[float]]

_LOGITS: Final = "binary_cross_entropy_with_logits"
#: Losses of a score: their targets are -1 and 1, and the output is no probability.
_OF_SCORES: Final = ("hinge", "perceptron")
#: Rows of the plane among which lines of hidden units and rings can still be told apart.
_FEW: Final = 500
_OF_TWO_CLASSES: Final = ("binary_cross_entropy", _LOGITS, *_OF_SCORES)


def output_layer(loss: str, classes: int) -> tuple[int, str]:
    """Units and activation of the last layer. Raises UsageError if the loss does not fit."""
    if loss == "cross_entropy":
        return classes, "linear"
    if classes == 2:
        return 1, "linear" if loss in (_LOGITS, *_OF_SCORES) else "sigmoid"
    if loss in _OF_TWO_CLASSES:
        others = ", ".join(name for name in LOSSES if name not in _OF_TWO_CLASSES)
        raise UsageError(
            f"the loss {loss} is for 2 classes and this data has {classes}: choose {others}"
        )
    return classes, "softmax"


@dataclass(frozen=True)
class Classifier:
    """A net for the rows of `encoder`, trained with the loss of that name."""

    model: MLP
    encoder: TableEncoder
    loss: str

    @property
    def of_scores(self) -> bool:
        """Whether the output is a score, its sign the class, and no probability."""
        return self.loss in _OF_SCORES

    def targets(self, y: Sequence[int]) -> list[Any]:
        """Class numbers as the loss wants them: 0 and 1, -1 and 1, class numbers or 1-of-k rows."""
        if self.of_scores:
            return [2 * c - 1 for c in y]
        if self.model.output == "softmax":
            return one_hot(y, range(len(self.encoder.class_names)))
        return list(y)

    def outputs(self, X: Rows) -> list[list[float]]:
        """What the net gives for encoded rows."""
        return predict(self.model, X)

    def classes(self, outputs: Rows) -> list[int]:
        """The class number of each output."""
        limit = 0.5 if self.model.output == "sigmoid" else 0.0
        return [int(o[0] > limit) if len(o) == 1 else argmax(o) for o in outputs]

    def probabilities(self, outputs: Rows) -> list[list[float]]:
        """For each output k numbers in [0, 1] with the sum 1, that of its class the largest.

        For a score s, which is no probability, they are (1 - s)/2 and (1 + s)/2, held within
        [0, 1]: 0 or 1 where the hinge loss is 0.
        """
        if self.model.output == "softmax":
            return [list(o) for o in outputs]
        if len(outputs[0]) > 1:
            return [f.softmax(list(o)) for o in outputs]
        return [[1 - p, p] for p in (self._probability(o[0]) for o in outputs)]

    def _probability(self, o: float) -> float:
        if self.of_scores:
            return min(max((1 + o) / 2, 0.0), 1.0)
        return o if self.model.output == "sigmoid" else floats.sigmoid(o)

    def save(self, path: str) -> None:
        """Write the net with its encoding and loss to the JSON file `path`."""
        self.model.save(path, metadata={"encoder": self.encoder.to_dict(), "loss": self.loss})

    @classmethod
    def load(cls, path: str) -> "Classifier":
        """Read what `save` wrote. Raises ModelFileError for anything else, or OSError."""
        content = model_file.read(path)
        model = MLP.from_file(content)
        if set(content.metadata) != {"encoder", "loss"}:
            raise ModelFileError(
                "its metadata lack the encoder and the loss: "
                "predict reads the model.json that demo and train write"
            )
        try:
            encoder = TableEncoder.from_dict(content.metadata["encoder"])
            loss = one_of("loss", content.metadata["loss"], LOSSES)
            expected = output_layer(loss, len(encoder.class_names))
        except (TypeError, ValueError, UsageError) as error:
            raise ModelFileError(f"its metadata are wrong: {error}") from None
        if (model.sizes[0], model.sizes[-1], model.output) != (
            len(encoder.feature_names),
            *expected,
        ):
            raise ModelFileError(
                f"its metadata tell of {len(encoder.feature_names)} features and "
                f"{len(encoder.class_names)} classes, which do not fit {model!r}"
            )
        return cls(model, encoder, loss)


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
            "net": f"{net(run.model)}, {run.settings.activation}",
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
    units, output = output_layer(str(settings.loss), len(split.encoder.class_names))
    sizes = [*settings.hidden, units]
    return MLP(len(split.encoder.feature_names), sizes, settings.activation, output, rng=rng)


def _classifier(run: Run) -> Classifier:
    return Classifier(run.model, run.data.encoder, str(run.settings.loss))


def _trained(run: Run, rng: random.Random) -> None:
    split, targets = run.data, _classifier(run).targets
    test = (split.X_test, targets(split.y_test)) if split.y_test else None
    by_descent(run, rng, split.X, targets(split.y), loss=str(run.settings.loss), validation=test)


def _accuracies(run: Run) -> list[tuple[str, ...]]:
    split, classifier = run.data, _classifier(run)
    parts = {"training": (split.X, split.y), "test": (split.X_test, split.y_test)}
    results: list[tuple[str, ...]] = [("", "rows", "loss", "accuracy")]
    for name, (X, y) in parts.items():
        if y:
            outputs = classifier.outputs(X)
            right = [c == t for c, t in zip(classifier.classes(outputs), y, strict=True)]
            results.append(measured(name, classifier.loss, outputs, classifier.targets(y), right))
    return results


def _pictures(run: Run) -> Iterator[Named]:
    yield regions(run) if run.data.plane else confusion(run)
    yield course(run.history)
    from tinygrad_edu.cli.hardest_example import hardest, pictures_of

    try:
        yield from pictures_of(_classifier(run), hardest(_classifier(run), run.data))
    except RenderError as error:
        run.notes.append(f"graph.svg skipped: {error}")


def regions(run: Run) -> Named:
    """The decision regions of a net for points in the plane."""
    from tinygrad_edu.view import pictures

    split, classifier = run.data, _classifier(run)
    few = len(split.X) + len(split.X_test) <= _FEW
    ax = pictures.regions(
        run.model,
        split.in_units(split.X),
        split.y,
        X_test=split.in_units(split.X_test),
        y_test=split.y_test,
        transform=split.encoded,
        outputs="probabilities" if run.model.output in ("sigmoid", "softmax") else "scores",
        class_names=split.encoder.class_names,
        feature_names=split.encoder.feature_names,
        hidden_lines=few,
        misclassified=few,
        margins=few,
    )
    meaning = "score is near 0" if classifier.of_scores else "probability is near a tie"
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
    predicted = classifier.classes(classifier.outputs(X))
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
