"""The options of training, shared by `demo` and `train`: what they may be, and their errors."""

import argparse
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from tinygrad_edu.checks import one_of, real, whole
from tinygrad_edu.cli.errors import UsageError
from tinygrad_edu.losses import LOSSES
from tinygrad_edu.nn import UNIT_ACTIVATIONS
from tinygrad_edu.optim import OPTIMIZERS

OUT: Final = "tinygrad_edu_out"

#: The options of training, by the names of their settings.
OPTIONS: Final = (
    *("hidden", "activation", "loss", "optimizer", "lr", "epochs", "batch_size", "seed"),
    "test_ratio",
)

T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """How to train; `hidden` are layer sizes, `batch_size` None is the full batch.

    `takes` are the options that make sense, besides --out.
    """

    hidden: tuple[int, ...]
    activation: str
    lr: float
    epochs: int
    batch_size: int | None
    test_ratio: float = 0.25
    optimizer: str = "adam"
    loss: str | None = None
    seed: int = 0
    out: str = OUT
    takes: tuple[str, ...] = OPTIONS

    def typed(self, command: Sequence[str]) -> str:
        """What to type after `python -m` for the same again: the command, no option left out."""
        texts = {
            "hidden": ",".join(map(str, self.hidden)) or "none",
            "batch_size": "full" if self.batch_size is None else str(self.batch_size),
        }
        words = ["python", "-m", "tinygrad_edu", *command]
        for name in (*self.takes, "out"):
            words += [_flag(name), texts.get(name, str(getattr(self, name)))]
        return shlex.join(words)


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Add the options: texts, or None where not given, until `settings` reads them."""
    group = parser.add_argument_group("training (the defaults fit the data)")
    group.add_argument("--hidden", metavar="16,16", help='sizes of the hidden layers, or "none"')
    group.add_argument("--activation", metavar="NAME", help=", ".join(UNIT_ACTIVATIONS))
    group.add_argument("--loss", metavar="NAME", help=", ".join(LOSSES))
    group.add_argument("--optimizer", metavar="NAME", help=", ".join(OPTIMIZERS))
    group.add_argument("--lr", metavar="NUMBER", help="learning rate")
    group.add_argument("--epochs", metavar="N", help="passes over the training rows")
    group.add_argument("--batch-size", metavar="N", help='rows per update, or "full"')
    group.add_argument("--seed", metavar="N", help="of all that is random (default: 0)")
    group.add_argument("--test-ratio", metavar="PART", help="part of the rows held out, or 0")
    group.add_argument(
        "--out", metavar="FOLDER", default=OUT, help=f"where the results go (default: {OUT})"
    )


def settings(args: argparse.Namespace, default: Settings) -> Settings:
    """The options given, over their defaults. Raises UsageError for the first bad one."""
    for name in OPTIONS:
        if name not in default.takes and getattr(args, name) is not None:
            taken = ", ".join(map(_flag, (*default.takes, "out")))
            raise UsageError(f"{_flag(name)} does not apply to this demo, which takes {taken}")

    def given(name: str, read: Callable[[str, str], T], otherwise: T) -> T:
        text = getattr(args, name)
        return otherwise if text is None else read(_flag(name), text)

    with usage_errors():
        return Settings(
            hidden=given("hidden", _sizes, default.hidden),
            activation=given("activation", _one_of([*UNIT_ACTIVATIONS]), default.activation),
            loss=given("loss", _one_of(list(LOSSES)), default.loss),
            optimizer=given("optimizer", _one_of(list(OPTIMIZERS)), default.optimizer),
            lr=given("lr", lambda flag, text: real(flag, _number(flag, text), above=0), default.lr),
            epochs=given("epochs", _count, default.epochs),
            batch_size=given("batch_size", _batch_size, default.batch_size),
            seed=given("seed", lambda flag, text: _count(flag, text, least=0), default.seed),
            test_ratio=given("test_ratio", _ratio, default.test_ratio),
            out=args.out,
            takes=default.takes,
        )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


@contextmanager
def usage_errors() -> Iterator[None]:
    """The errors that the package raises for wrong options, as UsageError."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise UsageError(str(error)) from None


def _one_of(names: list[str]) -> Callable[[str, str], str]:
    return lambda flag, text: one_of(flag.removeprefix("--"), text, names)


def _sizes(flag: str, text: str) -> tuple[int, ...]:
    if text == "none":
        return ()
    try:
        return tuple(whole("a size", int(size)) for size in text.split(","))
    except ValueError:
        raise UsageError(
            f'{flag} takes sizes of at least 1 with commas between them, such as 16,16, or "none" '
            f"for no hidden layer, got {text!r:.40}"
        ) from None


def _number(flag: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{flag} must be a number, got {text!r:.40}") from None


def _count(flag: str, text: str, least: int = 1) -> int:
    try:
        return whole(flag, int(text), least)
    except ValueError:
        raise UsageError(
            f"{flag} must be a whole number of at least {least}, got {text!r:.40}"
        ) from None


def _batch_size(flag: str, text: str) -> int | None:
    if text == "full":
        return None
    try:
        return whole(flag, int(text))
    except ValueError:
        raise UsageError(
            f'{flag} must be a whole number of at least 1, or "full", got {text!r:.40}'
        ) from None


def _ratio(flag: str, text: str) -> float:
    return real(flag, _number(flag, text), least=0, below=1)


def reason(error: Exception) -> Any:
    """What the system says about a file, without its number and the path again."""
    return (error.strerror if isinstance(error, OSError) else None) or error
