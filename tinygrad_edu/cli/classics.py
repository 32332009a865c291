"""The command `classics`: published numbers beside those of the engine."""

import argparse
from typing import Any

from tinygrad_edu.classics import CLASSICS, LONG


def add_to(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "classics",
        help="published worked examples: their numbers beside ours",
        description="Run published worked examples and print their numbers beside ours. The exit "
        "code is 1 if a number differs from what was printed.",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=list(CLASSICS),
        metavar="NAME",
        help=f"one of {', '.join(CLASSICS)}; may be given several times (default: all)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print each table as soon as it is there; 0 if all numbers agree, else 1."""
    names = list(dict.fromkeys(args.only or CLASSICS))
    differ = []
    for name in names:
        print(f"== {name}" + (f" ({LONG[name]})" if name in LONG else ""), flush=True)
        classic = CLASSICS[name]()
        print(f"{classic}\n", flush=True)
        if not classic.agrees:
            differ.append(name)
    print(f"{', '.join(differ)}: not as published" if differ else "all numbers are as published")
    return 1 if differ else 0
