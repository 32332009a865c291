"""The command `train`: train on the table of a CSV file."""

import argparse
import random
from typing import Any

from tinygrad_edu.cli.options import Settings, add_training_options, settings, usage_errors
from tinygrad_edu.cli.problem import from_table, table_of
from tinygrad_edu.cli.run import run_training


def add_to(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "train",
        help="train a small net on your own table",
        description="Train a small net on a CSV file whose first line names the columns. Columns "
        "of numbers are standardised, columns of words become 1-of-k.",
    )
    parser.add_argument("file", metavar="FILE.csv")
    parser.add_argument("--target", metavar="COLUMN", required=True, help="the column to predict")
    add_training_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train on the table."""
    with usage_errors():
        table = table_of(args.file)
    chosen = settings(args, _defaults(len(table)))
    rng = random.Random(chosen.seed)
    with usage_errors():
        problem = from_table(table, args.target, chosen.test_ratio, rng)
    return run_training(problem, chosen, rng, ["train", args.file, "--target", args.target])


def _defaults(rows: int) -> Settings:
    """About 20,000 examples, in 5 to 200 epochs."""
    return Settings((16,), "tanh", 0.02, max(5, min(200, 20_000 // rows)), 32)
