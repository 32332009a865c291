"""The output folder of a run: model, plots, the graph of one example, and the report of all."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.cli.classifier import Classifier
from tinygrad_edu.cli.errors import UsageError
from tinygrad_edu.cli.example import hardest, pictures_of
from tinygrad_edu.cli.options import Settings, reason
from tinygrad_edu.cli.problem import Problem
from tinygrad_edu.train import History
from tinygrad_edu.view import RenderError, plots
from tinygrad_edu.view.report import Picture, report
from tinygrad_edu.view.text import clean


@dataclass(frozen=True)
class Run:
    """What a run was and what came of it; `results` is a table with its header first."""

    problem: Problem
    settings: Settings
    classifier: Classifier
    history: History
    results: Sequence[Sequence[str]]
    command: str


def make_folder(path: str) -> None:
    """Make the folder where there is none. Raises UsageError if nothing can be written into it."""
    try:
        os.makedirs(path, exist_ok=True)
    except (OSError, ValueError) as error:
        raise UsageError(f"--out: cannot write into {path!r}: {reason(error)}") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise UsageError(f"--out: cannot write into {path!r}: permission denied")


def write_model(classifier: Classifier, folder: str) -> None:
    """Write model.json. Raises UsageError if it cannot be written."""
    path = os.path.join(folder, "model.json")
    with _writing(path):
        classifier.save(path)


def write_report(run: Run) -> tuple[list[str], list[str]]:
    """Write pictures and report of a run; give their names and notes on what was left out.

    Raises UsageError for a file that cannot be written.
    """
    notes = []
    pictures = [_answers(run), ("loss.png", _course(run))]
    try:
        pictures += pictures_of(run.classifier, hardest(run.classifier, run.problem))
    except RenderError as error:
        notes.append(f"graph.svg skipped: {error}")
    page = _report(run, [picture for _, picture in pictures])
    files = [(name, picture.content) for name, picture in pictures if name]
    files.append(("report.html", page))
    for name, content in files:
        path = os.path.join(run.settings.out, name)
        with _writing(path), open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
    return [name for name, _ in files], notes


@contextmanager
def _writing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {path!r}: {reason(error)}") from None


def _answers(run: Run) -> tuple[str, Picture]:
    """Decision regions where the data are points in the plane, else the confusion matrix."""
    problem, classifier = run.problem, run.classifier
    names = problem.encoder.class_names
    if problem.plane:
        figure = plots.regions(
            lambda points: classifier.probabilities(classifier.outputs(problem.encoded(points))),
            problem.in_units(problem.X),
            problem.y,
            problem.in_units(problem.X_test),
            problem.y_test,
            class_names=names,
            feature_names=problem.encoder.feature_names,
        )
        meaning = "score is near 0" if classifier.of_scores else "probability is near a tie"
        caption = (
            "The colour of a place is the class that the net gives there, paler where its "
            f"{meaning}; the line is the decision boundary."
        )
        return "regions.png", Picture("Decision regions", caption, figure.png())
    kind, X, y = (
        ("test", problem.X_test, problem.y_test)
        if problem.y_test
        else ("training", problem.X, problem.y)
    )
    figure = plots.confusion(y, classifier.classes(classifier.outputs(X)), class_names=names)
    caption = f"How many {kind} rows of each class were given which class: right on the diagonal."
    return "confusion.png", Picture("Confusion matrix", caption, figure.png())


def _course(run: Run) -> Picture:
    dashed = " (dashed: test rows, after it)" if run.problem.y_test else ""
    caption = f"Mean loss and accuracy in each epoch of training{dashed}."
    return Picture("Course of training", caption, run.history.plot().png())


def _report(run: Run, pictures: Sequence[Picture]) -> str:
    problem, settings, model = run.problem, run.settings, run.classifier.model
    encoder, n = problem.encoder, len(run.history)
    sizes = "-".join(map(str, model.sizes))
    kind, _, _, accuracy = run.results[-1]
    stopped = f" ({run.history.stopped or 'interrupted'})" if n < settings.epochs else ""
    return report(
        f"tinygrad_edu: {problem.name}",
        f"A {sizes} net tells {len(encoder.class_names)} classes apart: {accuracy} of the "
        f"{kind} rows are right.",
        results=run.results,
        settings={
            "features": _listed(encoder.feature_names),
            "classes": _listed(encoder.class_names),
            "net": f"{sizes}, {settings.activation}, {len(model.parameters()):,} parameters",
            "loss": str(settings.loss),
            "optimizer": f"{settings.optimizer}, learning rate {settings.lr:g}",
            "epochs": f"{n} of {settings.epochs}{stopped}",
            "batch": "full" if settings.batch_size is None else f"{settings.batch_size} rows",
            "seed": str(settings.seed),
        },
        pictures=pictures,
        command=run.command,
    )


def _listed(names: Sequence[Any], most: int = 8) -> str:
    shown = [clean(str(name), 40) for name in names[:most]]
    rest = [f"... ({len(names)} in all)"] if len(names) > most else []
    return ", ".join(shown + rest)
