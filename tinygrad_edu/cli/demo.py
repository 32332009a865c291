"""The command `demo`: train on one of the data sets that come with the package."""

import argparse
import random
from collections.abc import Callable
from typing import Any, Final

from tinygrad_edu import data
from tinygrad_edu.checks import one_of
from tinygrad_edu.cli import demo_adder, demo_digits_conv, demo_perceptron
from tinygrad_edu.cli.options import Settings, add_training_options, settings, usage_errors
from tinygrad_edu.cli.problem import from_dataset
from tinygrad_edu.cli.run import run_training
from tinygrad_edu.data import Dataset

#: The data of the demos that train an MLP to tell classes apart.
_DATA: Final[dict[str, Callable[[random.Random], Dataset]]] = {
    "xor": lambda rng: data.xor(),
    "moons": lambda rng: data.moons(200, noise=0.15, rng=rng),
    "circles": lambda rng: data.circles(200, noise=0.1, rng=rng),
    "spiral": lambda rng: data.spiral(300, noise=0.2, rng=rng),
    "blobs": lambda rng: data.blobs(150, rng=rng),
    "iris": lambda rng: data.iris(),
    "digits": lambda rng: data.digits(),
    "vowels": lambda rng: data.vowels(),
}

#: Demos with a model of their own.
_OTHERS: Final[dict[str, Callable[[Settings, random.Random], int]]] = {
    "perceptron": demo_perceptron.run,
    "digits-conv": demo_digits_conv.run,
    "adder": demo_adder.run,
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
    "vowels": Settings((50,), "tanh", 0.01, 30, 32),
    "perceptron": demo_perceptron.DEFAULT,
    "digits-conv": demo_digits_conv.DEFAULT,
    "adder": demo_adder.DEFAULT,
}

_EXPLAINED: Final = """\
data:
  xor          the four rows of XOR, which one unit cannot learn
  moons        two half moons in the plane (the default)
  circles      a circle in a ring
  spiral       three arms of a spiral
  blobs        three round clouds
  iris         three species of iris by four lengths
  digits       handwritten digits, 8 x 8 pixels
  vowels       ten spoken vowels by two formants; tested on speakers never heard
  perceptron   one threshold unit and its training rule on two clusters; its line as it moves
  digits-conv  the digits with a small convolutional net
  adder        a recurrent net learns to add bit by bit; tested on longer numbers

The last three take only some of the options below, and write no model.json: they are no MLPs."""


def add_to(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "demo",
        help="train a small net on a data set and write a report",
        description="Train a small net; write model.json, pictures and report.html into a folder."
        f"\n\n{_EXPLAINED}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "data", nargs="?", default="moons", help="one of the above (default: moons)"
    )
    add_training_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train on the data set."""
    with usage_errors():
        name = one_of("data set", args.data, _DEFAULTS)
    chosen = settings(args, _DEFAULTS[name])
    rng = random.Random(chosen.seed)
    if name in _OTHERS:
        return _OTHERS[name](chosen, rng)
    with usage_errors():
        problem = from_dataset(
            _DATA[name](rng), chosen.test_ratio, rng, unit=16.0 if name == "digits" else None,
            group="speaker",
        )  # fmt: skip
    return run_training(problem, chosen, rng, ["demo", name])
