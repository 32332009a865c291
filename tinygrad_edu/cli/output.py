"""The output folder of a run: model, plots, the graph of one example, and the report of all."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tinygrad_edu.cli.classifier import Classifier
from tinygrad_edu.cli.example import hardest, pictures_of
from tinygrad_edu.cli.folder import write_files, writing
from tinygrad_edu.cli.options import Settings
from tinygrad_edu.cli.problem import Problem
from tinygrad_edu.cli.training import course, facts
from tinygrad_edu.text import clean
from tinygrad_edu.train import History
from tinygrad_edu.view import RenderError
from tinygrad_edu.view.base.report import Picture, report

#: Rows of the plane among which lines of hidden units and rings can still be told apart.
_FEW: Final = 500


@dataclass(frozen=True)
class Run:
    """What a run was and what came of it; `results` is a table with its header first."""

    problem: Problem
    settings: Settings
    classifier: Classifier
    history: History
    results: Sequence[Sequence[str]]
    command: str


def write_model(classifier: Classifier, folder: str) -> None:
    """Write model.json. Raises UsageError if it cannot be written."""
    path = os.path.join(folder, "model.json")
    with writing(path):
        classifier.save(path)


def write_report(run: Run) -> tuple[list[str], list[str]]:
    """Write pictures and report of a run; give their names and notes on what was left out.

    Raises UsageError for a file that cannot be written.
    """
    notes = []
    pictures = [_answers(run), ("loss.png", course(run.history))]
    try:
        pictures += pictures_of(run.classifier, hardest(run.classifier, run.problem))
    except RenderError as error:
        notes.append(f"graph.svg skipped: {error}")
    page = _report(run, [picture for _, picture in pictures])
    return write_files(run.settings.out, pictures, page), notes


def _answers(run: Run) -> tuple[str, Picture]:
    """Decision regions where the data are points in the plane, else the confusion matrix."""
    from tinygrad_edu.view import pictures

    problem, classifier = run.problem, run.classifier
    names = problem.encoder.class_names
    if problem.plane:
        ends = classifier.model.output
        few = len(problem.X) + len(problem.X_test) <= _FEW
        ax = pictures.regions(
            classifier.model,
            problem.in_units(problem.X),
            problem.y,
            X_test=problem.in_units(problem.X_test),
            y_test=problem.y_test,
            transform=problem.encoded,
            outputs="probabilities" if ends in ("sigmoid", "softmax") else "scores",
            class_names=names,
            feature_names=problem.encoder.feature_names,
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
    kind, X, y = (
        ("test", problem.X_test, problem.y_test)
        if problem.y_test
        else ("training", problem.X, problem.y)
    )
    predicted = classifier.classes(classifier.outputs(X))
    return "confusion.png", confusion_matrix(y, predicted, names, kind)


def confusion_matrix(
    actual: Sequence[int], predicted: Sequence[int], names: Sequence[str], kind: str
) -> Picture:
    """The confusion matrix of rows of that kind, training or test."""
    from tinygrad_edu.view import pictures

    ax = pictures.confusion(actual, predicted, names)
    caption = f"How many {kind} rows of each class were given which class: right on the diagonal."
    return Picture("Confusion matrix", caption, png_of(ax))


def png_of(ax: Any) -> bytes:
    """The picture that the axes stand in."""
    png: bytes = ax.figure.png()
    return png


def _report(run: Run, pictures: Sequence[Picture]) -> str:
    problem, settings, model = run.problem, run.settings, run.classifier.model
    encoder, sizes = problem.encoder, "-".join(map(str, model.sizes))
    kind, _, _, accuracy = run.results[-1]
    return report(
        f"tinygrad_edu: {problem.name}",
        f"A {sizes} net tells {len(encoder.class_names)} classes apart: {accuracy} of the "
        f"{kind} rows are right.",
        results=run.results,
        settings={
            "features": _listed(encoder.feature_names),
            "classes": _listed(encoder.class_names),
            **({"split": problem.split} if problem.split else {}),
            "net": f"{sizes}, {settings.activation}",
            **facts(model, settings, run.history),
        },
        pictures=pictures,
        command=run.command,
    )


def _listed(names: Sequence[Any], most: int = 8) -> str:
    shown = [clean(str(name), 40) for name in names[:most]]
    rest = [f"... ({len(names)} in all)"] if len(names) > most else []
    return ", ".join(shown + rest)
