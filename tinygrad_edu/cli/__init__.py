"""The command line: `tinygrad-edu` and `python -m tinygrad_edu`, one file per command."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from tinygrad_edu.cli import bench, classics, demo, doctor, draw, predict, train
from tinygrad_edu.cli.errors import UsageError

COMMANDS = (demo, train, predict, draw, classics, bench, doctor)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0, 2 for wrong input, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="tinygrad-edu",
        description="See backpropagation: train small nets on real data, draw computation graphs.",
    )
    parser.add_argument("--version", action="version", version=f"tinygrad-edu {_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    args = parser.parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal cannot show is no error
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_left()
    except UsageError as error:
        print(f"tinygrad-edu: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ntinygrad-edu: interrupted", file=sys.stderr)
        return 130
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
