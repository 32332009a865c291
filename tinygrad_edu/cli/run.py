"""One run of `demo` or `train`: train, measure, print, write the results."""

import random
import shlex
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace

from tinygrad_edu.cli.classifier import Classifier, default_loss, output_layer
from tinygrad_edu.cli.options import Settings, usage_errors
from tinygrad_edu.cli.output import Run, make_folder, write_model, write_report
from tinygrad_edu.cli.problem import Problem
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import find_optimizer
from tinygrad_edu.train import History, evaluate, fit
from tinygrad_edu.view.text import clean


def run_training(
    problem: Problem, settings: Settings, rng: random.Random, command: Sequence[str]
) -> int:
    """Train on `problem`, print what came of it and write the folder `settings.out`.

    `command` are the words before the options. Gives the exit code: 0, 1 if training diverged, 130
    after Ctrl-C; in each case what was learned is saved.
    """
    settings = _completed(problem, settings)
    classifier = _classifier(problem, settings, rng)
    make_folder(settings.out)
    start = time.monotonic()
    history = _fit(classifier, problem, settings, rng)
    seconds = time.monotonic() - start
    write_model(classifier, settings.out)
    results = [
        ("", "rows", "loss", "accuracy"),
        _measured(classifier, "training", problem.X, problem.y),
    ]
    if problem.y_test:
        results.append(_measured(classifier, "test", problem.X_test, problem.y_test))
    print(f"{_ending(history, settings)} in {seconds:.1f} s\n", flush=True)
    for name, *cells in results:
        print(f"  {name:<10}{cells[0]:>8}{cells[1]:>12}{cells[2]:>12}")
    words = ["python", "-m", "tinygrad_edu", *command, *settings.flags()]
    run = Run(problem, settings, classifier, history, results, shlex.join(words))
    written, notes = write_report(run)
    print("\n" + "\n".join([*notes, f"wrote {', '.join(['model.json', *written])}"]))
    print(f"   to {clean(settings.out, 1000)}")
    if history.interrupted:
        print("tinygrad-edu: interrupted; what was learned so far is saved", file=sys.stderr)
        return 130
    if history.stopped:
        print(f"tinygrad-edu: {history.stopped}", file=sys.stderr)
        return 1
    return 0


def _completed(problem: Problem, settings: Settings) -> Settings:
    """The settings with a loss, and a batch no larger than the data."""
    if settings.loss is None:
        settings = replace(settings, loss=default_loss(len(problem.encoder.class_names)))
    if settings.batch_size is not None and settings.batch_size >= len(problem.X):
        settings = replace(settings, batch_size=None)
    return settings


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


def _fit(
    classifier: Classifier, problem: Problem, settings: Settings, rng: random.Random
) -> History:
    """Say what is trained, and train."""
    model, test = classifier.model, None
    if problem.y_test:
        test = problem.X_test, classifier.targets(problem.y_test)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the same is said by `_ending`
        try:  # from the first line on, Ctrl-C ends with a saved model
            print("\n".join(_announcement(problem, settings, classifier)), flush=True)
            optimizer = find_optimizer(settings.optimizer)(model.parameters(), lr=settings.lr)
            return fit(
                model, problem.X, classifier.targets(problem.y), loss=classifier.loss,
                optimizer=optimizer, epochs=settings.epochs, batch_size=settings.batch_size,
                validation=test, rng=rng,
            )  # fmt: skip
        except KeyboardInterrupt:
            return History(interrupted=True)


def _measured(
    classifier: Classifier, name: str, X: list[list[float]], y: list[int]
) -> tuple[str, str, str, str]:
    loss, accuracy = evaluate(classifier.model, X, classifier.targets(y), loss=classifier.loss)
    return name, str(len(y)), f"{loss:.4f}" if loss < 1e6 else f"{loss:.3e}", f"{accuracy:.1%}"


def _announcement(problem: Problem, settings: Settings, classifier: Classifier) -> list[str]:
    encoder, rows = problem.encoder, len(problem.X)
    held_out = f"{len(problem.X_test)} test rows" if problem.X_test else "no test rows"
    batch = "full batch" if settings.batch_size is None else f"batches of {settings.batch_size}"
    sizes = "-".join(map(str, classifier.model.sizes))
    parameters = len(classifier.model.parameters())
    return [
        f"{clean(problem.name, 60)}: {rows} training rows, {held_out}; "
        f"{len(encoder.feature_names)} features, {len(encoder.class_names)} classes",
        f"net {clean(sizes, 40)}, {settings.activation}, {parameters:,} parameters",
        f"{settings.loss}, {settings.optimizer} with learning rate {settings.lr:g}, {batch}",
    ]


def _ending(history: History, settings: Settings) -> str:
    n = len(history)
    if history.interrupted:
        return f"interrupted after {n} of {settings.epochs} epochs"
    if history.stopped:
        return f"diverged after {n} of {settings.epochs} epochs"
    return f"trained {n} {'epoch' if n == 1 else 'epochs'}"
