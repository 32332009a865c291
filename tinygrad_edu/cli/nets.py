"""The commands that train a net: `demo` and `train`."""

import argparse
from typing import Final

from tinygrad_edu.checks import one_of
from tinygrad_edu.cli.classification import classification
from tinygrad_edu.cli.demos import DEMOS
from tinygrad_edu.cli.options import (
    WRITTEN,
    Settings,
    UsageError,
    add_training_options,
    command,
    names_in,
    settings,
    takes,
    usage_errors,
)
from tinygrad_edu.cli.run import run_demo
from tinygrad_edu.cli.split import MISSING, Choice, of_table, table_of
from tinygrad_edu.text import table

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
    *WRITTEN,
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
    columns, drop = names_in(args.columns or ""), names_in(args.drop)
    return Choice(columns or None, drop, kinds, one_of("--missing", args.missing, MISSING))
