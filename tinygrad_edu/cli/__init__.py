"""The command line: `tinygrad-edu` and `python -m tinygrad_edu`."""

import argparse
import io
import os
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, NoReturn

from tinygrad_edu.cli.options import UsageError, reason

#: The module and the function that add each command, in the order of the help.
COMMANDS: Final = {
    "demo": ("commands", "add_demo"),
    "train": ("commands", "add_train"),
    "predict": ("commands", "add_predict"),
    "draw": ("draw", "add_to"),
    "classics": ("commands", "add_classics"),
    "bench": ("bench", "add_to"),
    "doctor": ("doctor", "add_to"),
}


class Parser(argparse.ArgumentParser):
    """A parser that guesses what was meant: a command, the value of an option, or an option."""

    def parse_known_args(self, *args: Any, **options: Any) -> Any:
        """As in the standard library, but what no command knows is refused by that command."""
        namespace, unknown = super().parse_known_args(*args, **options)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return namespace, unknown

    def error(self, message: str) -> NoReturn:
        """Print usage and error, and leave with code 2."""
        choice = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        flag = re.search(r"unrecognized arguments: (--[\w-]+)", message)
        near: list[str] = []
        if choice:
            near = get_close_matches(choice[1], re.findall(r"[\w-]+", choice[2]), n=1)
        elif flag:
            near = get_close_matches(flag[1], re.findall(r"--[\w-]+", self.format_help()), n=1)
        super().error(message + "".join(f"; did you mean {name!r}?" for name in near))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0, 2 for wrong input, 130 after Ctrl-C."""
    parser = Parser(
        prog="tinygrad-edu",
        description="See backpropagation: train small nets on real data, draw computation graphs.",
    )
    parser.add_argument("--version", action="version", version=f"tinygrad-edu {_version()}")
    choices = parser.add_subparsers(title="commands", metavar="COMMAND")
    words = sys.argv[1:] if argv is None else argv
    for name in [name for name in words[:1] if name in COMMANDS] or COMMANDS:
        module, add = COMMANDS[name]  # of one command alone: doctor runs where others cannot
        getattr(import_module(f"{__name__}.{module}"), add)(choices)
    args = parser.parse_args(words)
    if "run" not in args:
        parser.print_help()
        return 0
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal cannot show is no error
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code: int = args.run(args)
        if sys.stdout is not None:  # as after `>&-`
            sys.stdout.flush()
    except BrokenPipeError:
        return _reader_left()
    except UsageError as error:
        print(f"tinygrad-edu: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ntinygrad-edu: interrupted", file=sys.stderr)
        return 130
    except (OSError, MemoryError) as error:
        print(f"tinygrad-edu: {str(reason(error)) or 'out of memory'}", file=sys.stderr)
        return 1
    return code


def _version() -> str:
    try:
        return version("tinygrad-edu")
    except PackageNotFoundError:
        return "(not installed, run from its folder)"


def _reader_left() -> int:
    """End quietly where nobody reads on, as in `| head`: the code of a process ended by SIGPIPE."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141
