"""The command predict: what a saved net gives for the rows of a table, as CSV."""

import argparse
import math
import re
import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from tinygrad_edu.cli.classifier import Classifier
from tinygrad_edu.cli.options import (
    WRITTEN,
    UsageError,
    command,
    names_in,
    reason,
    takes,
    usage_errors,
)
from tinygrad_edu.cli.split import table_of
from tinygrad_edu.files import write
from tinygrad_edu.nn.model_file import ModelFileError
from tinygrad_edu.text import clean


@command(
    "predict",
    "classes and probabilities for a table, or numbers, as CSV",
    takes("model", metavar="model.json", help="as demo and train write it"),
    takes(
        "file",
        metavar="FILE.csv",
        help="with the columns of the training data; - is standard input",
    ),
    takes("--keep", metavar="A,B", default="", help='columns of FILE.csv to put first, or "all"'),
    takes("--out", metavar="FILE", help="write them there, not to the screen"),
    *WRITTEN,
    description="Print a line per row of FILE.csv: the number that the net gives, or the class and "
    "the probability of each class (of a net trained with hinge or perceptron loss: the score of "
    "the second class, which it gives above 0). Labels are those of the training data to the "
    "letter, so a spreadsheet takes one that begins with = for a formula.",
)  # fmt: skip
def predict(args: argparse.Namespace) -> int:
    """Print or write the predictions as CSV."""
    try:
        classifier = Classifier.load(args.model)
    except OSError as error:
        raise UsageError(f"cannot read {args.model!r}: {reason(error)}") from None
    except ModelFileError as error:
        raise UsageError(f"{args.model}: {error}") from None
    with usage_errors():
        rows = table_of(args.file, args.encoding, args.delimiter)
        keep = list(rows.header) if args.keep == "all" else names_in(args.keep)
        for name in keep:
            rows.missing(name)  # or TableError
        outputs = classifier.outputs(classifier.encoder.features(rows))
    for line, output in zip(rows.lines, outputs, strict=True):
        if not all(map(math.isfinite, output)):
            raise UsageError(
                f"{rows.path}, line {line}: the net gives {output[0]}, its numbers overflow here"
            )
    header, found = _predictions(classifier, outputs)
    if twice := set(keep) & set(header):
        raise UsageError(f"--keep: a column {twice.pop()!r} is what predict writes; keep others")
    kept = zip(*(rows.columns[name] for name in keep), strict=True) if keep else [()] * len(rows)
    shown = args.out is None and sys.stdout is not None and sys.stdout.isatty()
    lines = [[*keep, *header], *([*a, *b] for a, b in zip(kept, found, strict=True))]
    if args.out is None:
        for cells in lines:  # one by one: what is long may be cut where output is not buffered
            print(_csv(cells, shown))
    else:
        write(args.out, "".join(f"{_csv(cells)}\n" for cells in lines))
    return 0


def _predictions(classifier: Classifier, outputs: list[list[float]]) -> tuple[list[str], list[Any]]:
    """The names of the columns, and a row of cells for each row of outputs."""
    names, head, number = classifier.encoder.class_names, classifier.head, classifier.encoder.number
    if number is not None:
        unit = f" ({number.unit})" if number.unit else ""
        return [f"prediction{unit}"], [[f"{number.decode(x):.10g}"] for (x,) in outputs]
    if head.outputs == "score":
        header, numbers = [f"score({names[1]})"], outputs
    else:
        header, numbers = [f"p({name})" for name in names], head.probabilities(np.array(outputs))
    classes = map(names.__getitem__, head.classes(outputs))
    found = [[c, *(f"{x:.6g}" for x in row)] for c, row in zip(classes, numbers, strict=True)]
    return ["prediction", *header], found


#: What makes any reader split a cell, or strip it.
_SPLITS: Final = re.compile(r'[,;|"\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]|^\s|\s$')


def _csv(cells: Sequence[str], shown: bool = False) -> str:
    """A line that every reader of CSV splits into these cells; a terminal gets them harmless."""
    if shown:
        cells = [clean(cell, 1000) for cell in cells]
    return ",".join(
        '"' + cell.replace('"', '""') + '"' if _SPLITS.search(cell) else cell for cell in cells
    )
