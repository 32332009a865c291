"""The commands that train a net, or use it: `demo`, `train` and `predict`."""

import argparse
import csv
import math
import re
import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from tinygrad_edu.checks import one_of
from tinygrad_edu.cli.classification import classification
from tinygrad_edu.cli.classifier import Classifier
from tinygrad_edu.cli.demos import DEMOS
from tinygrad_edu.cli.options import (
    Settings,
    UsageError,
    add_training_options,
    command,
    reason,
    settings,
    takes,
    usage_errors,
)
from tinygrad_edu.cli.run import run_demo
from tinygrad_edu.cli.split import MISSING, Choice, of_table, table_of
from tinygrad_edu.files import write
from tinygrad_edu.nn.model_file import ModelFileError
from tinygrad_edu.text import clean, table

#: How a table is written, where this cannot be found out.
_WRITTEN: Final = (
    takes("--encoding", metavar="NAME", default="", help="of the file, such as cp1251"),
    takes("--delimiter", metavar="SIGN", default="", help="between the columns; tab is a tab",
          type=lambda text: {"tab": "\t"}.get(text, text)),
)  # fmt: skip
_DEMOS: Final = [("data:", ""), *((f"  {demo.name}", demo.says) for demo in DEMOS.values())]


@command(
    "demo",
    "train a small net on a data set and write a report",
    takes("data", nargs="?", default="moons", help="one of the above (default: moons)"),
    add_training_options,
    description="Train a small net; write model.json, pictures and report.html into a folder."
    f"\n\n{table(_DEMOS, left=2)}\n\nThe last three take only some of the options below.",
    formatter_class=argparse.RawDescriptionHelpFormatter,
)
def run_a_demo(args: argparse.Namespace) -> int:
    """Train on the data set."""
    with usage_errors():
        demo = DEMOS[one_of("data set", args.data, DEMOS)]
    return run_demo(demo, settings(args, demo.settings), ["demo", demo.name])


@command(
    "train",
    "train a small net on your own table",
    takes("file", metavar="FILE.csv", help="- is standard input"),
    takes("--target", metavar="COLUMN", required=True, help="the column to predict"),
    takes("--columns", metavar="A,B", help="the columns to learn from (default: all of use)"),
    takes("--drop", metavar="A,B", default="", help="columns to leave out"),
    takes("--as", dest="kinds", metavar="NAME=KIND", action="append", default=[],
          help="number or category, of the target number or label; may be given several times"),
    takes("--missing", metavar="WAY", default="refuse",
          help="refuse (default); drop the rows; mean, or the commonest word; category, a word of "
          "its own"),
    *_WRITTEN,
    add_training_options,
    description="Train a small net on a CSV file whose first line names the columns. Columns of "
    "numbers are standardised, columns of words become 1-of-k; ids, dates, constants and texts "
    "that are nearly all different are left out, and this is said. A target of numbers means "
    "regression, unless they look like classes.",
)  # fmt: skip
def train(args: argparse.Namespace) -> int:
    """Train on the table: about 20,000 examples, in 5 to 200 epochs, unless told otherwise."""
    with usage_errors():
        choice = _choice(args)
        rows = table_of(args.file, args.encoding, args.delimiter)
    epochs = max(5, min(200, 20_000 // len(rows)))
    demo = classification(
        args.file,
        "a table",
        Settings((16,), "tanh", 0.02, epochs, 32),
        lambda settings, rng: of_table(rows, args.target, settings.test_ratio, rng, choice),
    )
    words = ["train", args.file, "--target", args.target]
    for name in ("columns", "drop", "encoding", "delimiter"):
        words += [f"--{name}", getattr(args, name)] if getattr(args, name) else []
    words += [word for kind in args.kinds for word in ("--as", kind)]
    words += ["--missing", args.missing] if args.missing != "refuse" else []
    return run_demo(demo, settings(args, demo.settings), words)


def _choice(args: argparse.Namespace) -> Choice:
    """What the options say of the columns. Raises UsageError."""
    kinds = {}
    for text in args.kinds:
        name, equals, kind = text.rpartition("=")
        if not equals:
            raise UsageError(f"--as takes a name and a kind, such as size=number, got {text!r:.40}")
        kinds[name] = one_of("kind", kind, ("number", "category", "label"))
    columns, drop = _names(args.columns or ""), _names(args.drop)
    return Choice(columns or None, drop, kinds, one_of("--missing", args.missing, MISSING))


def _names(text: str) -> list[str]:
    """Names of columns with commas between them, quoted as in CSV."""
    return [name.strip() for name in next(csv.reader([text]), [])]


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
    *_WRITTEN,
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
        keep = list(rows.header) if args.keep == "all" else _names(args.keep)
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
