"""The command `demo`: train on one of the data sets that come with the package."""

import argparse
import random
from collections.abc import Callable
from typing import Any, Final

from tinygrad_edu import data
from tinygrad_edu.cli.options import Settings, add_training_options, settings, usage_errors
from tinygrad_edu.cli.problem import from_dataset
from tinygrad_edu.cli.run import run_training
from tinygrad_edu.data import Dataset
from tinygrad_edu.options import choose

_DATA: Final[dict[str, Callable[[random.Random], Dataset]]] = {
    "xor": lambda rng: data.xor(),
    "moons": lambda rng: data.moons(200, noise=0.15, rng=rng),
    "circles": lambda rng: data.circles(200, noise=0.1, rng=rng),
    "spiral": lambda rng: data.spiral(300, noise=0.2, rng=rng),
    "blobs": lambda rng: data.blobs(150, rng=rng),
    "iris": lambda rng: data.iris(),
    "digits": lambda rng: data.digits(),
}

#: Hidden layers, activation, learning rate, epochs, batch size, part of the rows for the test.
_DEFAULTS: Final = {
    "xor": Settings((4,), "tanh", 0.05, 200, None, 0.0),
    "moons": Settings((16, 16), "relu", 0.02, 50, 32),
    "circles": Settings((16,), "tanh", 0.05, 60, 32),
    "spiral": Settings((16, 16), "tanh", 0.02, 100, 32),
    "blobs": Settings((8,), "tanh", 0.05, 30, 32),
    "iris": Settings((8,), "tanh", 0.02, 60, 16),
    "digits": Settings((16,), "relu", 0.01, 10, 32),
}


def add_to(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "demo",
        help="train a small net on a data set and write a report",
        description="Train a small net; write model.json, pictures and report.html into a folder.",
    )
    parser.add_argument(
        "data", nargs="?", default="moons", help=f"{', '.join(_DATA)} (default: moons)"
    )
    add_training_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train on the data set."""
    with usage_errors():
        name = choose("data set", args.data, _DATA)
    chosen = settings(args, _DEFAULTS[name])
    rng = random.Random(chosen.seed)
    with usage_errors():
        problem = from_dataset(
            _DATA[name](rng), chosen.test_ratio, rng, unit=16.0 if name == "digits" else None
        )
    return run_training(problem, chosen, rng, ["demo", name])
