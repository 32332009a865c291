"""The command `predict`: classes and probabilities for the rows of a CSV file."""

import argparse
import csv
import math
import sys
from typing import Any

from tinygrad_edu.cli.classifier import Classifier
from tinygrad_edu.cli.errors import UsageError
from tinygrad_edu.cli.options import reason, usage_errors
from tinygrad_edu.cli.problem import table_of
from tinygrad_edu.nn.model_file import ModelFileError


def add_to(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "predict",
        help="classes and probabilities for a table, as CSV",
        description="Print a line per row of FILE.csv: the class that the net gives, and the "
        "probability of each class (of a net trained with hinge or perceptron loss: the score of "
        "the second class, which it gives above 0).",
    )
    parser.add_argument("model", metavar="model.json", help="as demo and train write it")
    parser.add_argument("file", metavar="FILE.csv", help="with the columns of the training data")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the predictions as CSV."""
    classifier = _load(args.model)
    with usage_errors():
        table = table_of(args.file)
        rows = classifier.encoder.features(table)
    outputs = classifier.outputs(rows)
    for line, output in zip(table.lines, outputs, strict=True):
        if not all(map(math.isfinite, output)):
            raise UsageError(
                f"{args.file}, line {line}: the net gives {output[0]}, its numbers overflow here"
            )
    names = classifier.encoder.class_names
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if classifier.of_scores:
        header, numbers = [f"score({names[1]})"], outputs
    else:
        header, numbers = [f"p({name})" for name in names], classifier.probabilities(outputs)
    writer.writerow(["prediction", *header])
    for c, row in zip(classifier.classes(outputs), numbers, strict=True):
        writer.writerow([names[c], *(f"{x:.6g}" for x in row)])
    return 0


def _load(path: str) -> Classifier:
    try:
        return Classifier.load(path)
    except OSError as error:
        raise UsageError(f"cannot read {path!r}: {reason(error)}") from None
    except ModelFileError as error:
        raise UsageError(f"{path}: {error}") from None
