"""One run of `train`, or of `demo` with an MLP: train, measure, print, write the results."""

import random
from collections.abc import Sequence
from dataclasses import replace

from tinygrad_edu.cli.classifier import Classifier, default_loss, output_layer
from tinygrad_edu.cli.folder import make_folder
from tinygrad_edu.cli.options import Settings, usage_errors
from tinygrad_edu.cli.output import Run, write_model, write_report
from tinygrad_edu.cli.problem import Problem
from tinygrad_edu.cli.training import finish, fitted, measured, print_results, trained
from tinygrad_edu.nn import MLP
from tinygrad_edu.text import clean


def run_training(
    problem: Problem, settings: Settings, rng: random.Random, command: Sequence[str]
) -> int:
    """Train on `problem`, print what came of it and write the folder `settings.out`.

    `command` are the words before the options. Gives the exit code: 0, 1 if training diverged, 130
    after Ctrl-C; in each case what was learned is saved.
    """
    if settings.loss is None:
        settings = replace(settings, loss=default_loss(len(problem.encoder.class_names)))
    settings = fitted(settings, len(problem.X))
    classifier = _classifier(problem, settings, rng)
    model, loss = classifier.model, classifier.loss
    make_folder(settings.out)
    training = problem.X, classifier.targets(problem.y)
    test = problem.X_test, classifier.targets(problem.y_test)
    history = trained(
        _announcement(problem, settings, classifier), model, training, loss=loss,
        settings=settings, rng=rng, validation=test if problem.y_test else None,
    )  # fmt: skip
    write_model(classifier, settings.out)
    results = [
        ("", "rows", "loss", "accuracy"),
        _measured(classifier, "training", problem.X, problem.y),
    ]
    if problem.y_test:
        results.append(_measured(classifier, "test", problem.X_test, problem.y_test))
    print_results(results)
    written, notes = write_report(
        Run(problem, settings, classifier, history, results, settings.typed(command))
    )
    return finish(settings, history, notes, ["model.json", *written])


def _classifier(problem: Problem, settings: Settings, rng: random.Random) -> Classifier:
    units, output = output_layer(str(settings.loss), len(problem.encoder.class_names))
    with usage_errors():
        model = MLP(
            len(problem.encoder.feature_names),
            [*settings.hidden, units],
            settings.activation,
            output,
            rng=rng,
        )
    return Classifier(model, problem.encoder, str(settings.loss))


def _measured(
    classifier: Classifier, name: str, X: list[list[float]], y: list[int]
) -> tuple[str, str, str, str]:
    outputs = classifier.outputs(X)
    right = [c == t for c, t in zip(classifier.classes(outputs), y, strict=True)]
    return measured(name, classifier.loss, outputs, classifier.targets(y), right)


def _announcement(problem: Problem, settings: Settings, classifier: Classifier) -> list[str]:
    sizes = "-".join(map(str, classifier.model.sizes))
    parameters = len(classifier.model.parameters())
    return [
        *problem.announcement(),
        f"net {clean(sizes, 40)}, {settings.activation}, {parameters:,} parameters",
    ]
