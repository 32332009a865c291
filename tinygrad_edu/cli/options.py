"""The options of training, declared once: what they are for, what they may be, what they were."""

import argparse
import csv
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks import one_of, real, whole
from tinygrad_edu.losses import LOSSES
from tinygrad_edu.nn import UNIT_ACTIVATIONS
from tinygrad_edu.optim import OPTIMIZERS
from tinygrad_edu.text import clean

OUT: Final = "tinygrad_edu_out"


#: The signals that asked this run to end, as a batch queue does before it kills: time is short.
ASKED: Final[list[int]] = []


class UsageError(Exception):
    """What the user gave cannot be used; the text says what, where, and what was expected."""


@contextmanager
def usage_errors() -> Iterator[None]:
    """The errors that the package raises for wrong options, as UsageError."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise UsageError(str(error)) from None


def reason(error: Exception) -> Any:
    """What the system says about a file, without its number and the path again."""
    return (error.strerror if isinstance(error, OSError) else None) or error


def version_of(package: str) -> str | None:
    """The installed version of a package, None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def tell(text: str) -> None:
    """Say something beside the output: on stderr, harmless whatever names it has."""
    if sys.stderr is not None:
        with suppress(OSError):
            lines = (clean(line, 1000) for line in f"tinygrad-edu: {text}".split("\n"))
            print("\n".join(lines), file=sys.stderr, flush=True)


#: What adds an argument to the parser of a command.
Argument = Callable[[argparse.ArgumentParser], Any]
Run = Callable[[argparse.Namespace], int]
#: What adds each command that was read to the parser of all.
ADD: Final[dict[str, Callable[[Any], None]]] = {}


def command(name: str, says: str, *arguments: Argument, **about: Any) -> Callable[[Run], Run]:
    """A decorator that enters a function as a command, with its line of help and its arguments."""

    def enter(run: Run) -> Run:
        def add(commands: Any) -> None:
            parser = commands.add_parser(name, help=says, **about)
            for argument in arguments:
                argument(parser)
            parser.set_defaults(run=run)

        ADD[name] = add
        return run

    return enter


def takes(*names: str, **about: Any) -> Argument:
    """An argument as `ArgumentParser.add_argument` takes it."""
    return lambda parser: parser.add_argument(*names, **about)


class Option(NamedTuple):
    """An option of training; `read` makes its text a setting, with its flag for the errors."""

    metavar: str
    help: str
    read: Callable[[str, str], Any]


def _real(flag: str, text: str, **bounds: float) -> float:
    try:
        x = float(text)
    except ValueError:
        raise UsageError(f"{flag} must be a number, got {text!r:.40}") from None
    return real(flag, x, **bounds)


def _whole(flag: str, text: str, least: int = 1, *, full: bool = False) -> int | None:
    """A whole number; where "full" is a choice that is None."""
    if full and text == "full":
        return None
    try:
        return whole(flag, int(text), least)
    except ValueError:
        expected = f"a whole number of at least {least}" + (', or "full"' if full else "")
        raise UsageError(f"{flag} must be {expected}, got {text!r:.40}") from None


def _one_of(names: Sequence[str]) -> Option:
    return Option(
        "NAME", ", ".join(names), lambda flag, text: one_of(flag.removeprefix("--"), text, names)
    )


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


#: The options of training by the names of their settings.
OPTIONS: Final = {
    "hidden": Option("16,16", 'sizes of the hidden layers, or "none"', _sizes),
    "activation": _one_of(list(UNIT_ACTIVATIONS)),
    "loss": _one_of(list(LOSSES)),
    "optimizer": _one_of(list(OPTIMIZERS)),
    "lr": Option("NUMBER", "learning rate", partial(_real, above=0)),
    "epochs": Option("N", "passes over the training rows", _whole),
    "batch_size": Option("N", 'rows per update, or "full"', partial(_whole, full=True)),
    "seed": Option("N", "of all that is random (default: 0)", partial(_whole, least=0)),
    "test_ratio": Option(
        "PART", "part of the rows held out, or 0", partial(_real, least=0, below=1)
    ),
}


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
    takes: tuple[str, ...] = tuple(OPTIONS)

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


#: How a table is written, where this cannot be found out.
WRITTEN: Final = (
    takes("--encoding", metavar="NAME", default="", help="of the file, such as cp1251"),
    takes("--delimiter", metavar="SIGN", default="", help="between the columns; tab is a tab",
          type=lambda text: {"tab": "\t"}.get(text, text)),
)  # fmt: skip


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Add the options: texts, or None where not given, until `settings` reads them."""
    group = parser.add_argument_group("training (the defaults fit the data)")
    for name, option in OPTIONS.items():
        group.add_argument(_flag(name), metavar=option.metavar, help=option.help)
    group.add_argument(
        "--out", metavar="FOLDER", default=OUT, help=f"where the results go (default: {OUT})"
    )


def only(names: Sequence[str], metavar: str) -> Argument:
    """The option that chooses some of the names."""
    about = f"one of {', '.join(names)}; may be given several times (default: all)"
    return takes("--only", action="append", choices=names, metavar=metavar, help=about)


def names_in(text: str) -> list[str]:
    """Names of columns with commas between them, quoted as in CSV."""
    return [name.strip() for name in next(csv.reader([text]), [])]


def settings(args: argparse.Namespace, default: Settings) -> Settings:
    """The options given, over their defaults. Raises UsageError for the first bad one."""
    texts = {name: text for name in OPTIONS if (text := getattr(args, name)) is not None}
    for name in texts:
        if name not in default.takes:
            taken = ", ".join(map(_flag, (*default.takes, "out")))
            raise UsageError(f"{_flag(name)} does not apply to this demo, which takes {taken}")
    with usage_errors():
        given = {name: OPTIONS[name].read(_flag(name), text) for name, text in texts.items()}
    return replace(default, out=args.out, **given)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
