"""The command `bench`: speed as ratios against other engines, measured here and now."""

import argparse
import json
import os
import platform
import textwrap
from pathlib import Path
from typing import Any, Final

from tinygrad_edu.bench import TABLES, Comparison, Table, sklearn_table
from tinygrad_edu.bench.measure import amount, duration, one_blas_thread, ratio
from tinygrad_edu.cli.options import UsageError, command, only, takes
from tinygrad_edu.files import write

#: Widths of the columns: engine, time, ratio, its spread, goal; and of ours.
_LINE: Final = "{:<23}{:>9}{:>8}  {:<17} {}"
_OUR_LINE: Final = "{:<23}{:>9}  {:<27} {}"


@command(
    "bench",
    "measure speed against NumPy by hand, micrograd, PyTorch and others",
    takes("--rounds", type=int, default=5, metavar="N", help="rounds (default: %(default)s)"),
    only(list(TABLES), "TABLE"),
    takes("--sklearn", action="store_true",
          help="instead of these tables, fit time and accuracy of ScalarMLPClassifier beside "
          "scikit-learn's MLPClassifier"),
    takes("--markdown", action="store_true", help="tables as a README has them, without goals"),
    takes("--json", metavar="FILE", help="write the numbers to FILE, too"),
    description="Measure the speed of the scalar and the matrix engine against NumPy written by "
    "hand and those of micrograd, PyTorch, JAX and scikit-learn that are installed, side by side "
    "in one run of about ten minutes.",
)  # fmt: skip
def run(args: argparse.Namespace) -> int:
    """Print each table as soon as it is measured."""
    if args.rounds < 1:
        raise UsageError(f"--rounds must be at least 1, got {args.rounds}")
    if args.json is not None and (Path(args.json).is_dir() or not Path(args.json).parent.is_dir()):
        raise UsageError(f"--json {args.json} is no file in an existing folder")
    if args.sklearn and args.only:
        raise UsageError("--sklearn is a table of its own: leave --only out")
    measured = {"sklearn": sklearn_table} if args.sklearn else TABLES
    tables = {}
    with one_blas_thread():
        for line in machine().values():
            print(textwrap.fill(line, 80))
        print(
            f"medians of {args.rounds} rounds taken in turn; ratio: how many times as fast ours\n"
            "is, spread: its lowest and highest round; goal: the least ratio, or the most\n"
            "time, where 1.1x time is 1.1 times that of the other"
        )
        for name in dict.fromkeys(args.only or measured):
            try:
                tables[name] = measured[name](args.rounds)
            except ImportError as error:
                raise UsageError(str(error)) from None
            shown = markdown(tables[name]) if args.markdown else text(tables[name])
            print(f"\n{shown}", flush=True)
    only = "".join(f" --only {name}" for name in tables) if args.only else ""
    only += " --sklearn" if args.sklearn else ""
    only += " --markdown" if args.markdown else ""
    print(f"\nto repeat: python -m tinygrad_edu bench --rounds {args.rounds}{only}")
    if args.json is not None:
        content = {
            "machine": machine(),
            "rounds": args.rounds,
            "tables": {name: to_dict(table) for name, table in tables.items()},
        }
        write(args.json, json.dumps(content, indent=1) + "\n")
    return 0


def machine() -> dict[str, str]:
    """What the numbers depend on; what imports NumPy has to wait for `one_blas_thread`."""
    from tinygrad_edu.vectorize.executors.library import description

    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "cores": f"{os.cpu_count()} cores",
        "machine": f"machine in C: {description()}",
    }


def text(table: Table) -> str:
    """A table in lines of at most 80 characters."""
    rows = table.rows.values()
    ratios = ("ratio", "(spread)") if any(row.others for row in rows) else ("", "")
    title = [part for line in table.title.splitlines() for part in textwrap.wrap(line, 80)]
    time = "time" if any(row.unit is None for row in rows) else ""
    lines = [*title, _LINE.format("", time, *ratios, "goal")]
    for group, (ours, others, detail, limit, unit) in table.rows.items():
        goal = "" if limit is None else f"{amount(limit, unit)} {_met(ours <= limit)}"
        name = f"  tinygrad_edu {table.engine}"
        lines += [group] if group else []
        lines.append(_OUR_LINE.format(name, amount(ours, unit), detail, goal))
        for other in others:
            spread = f"({ratio(min(other.ratios))} - {ratio(max(other.ratios))})"
            cells = (f"  {other.engine}", duration(other.seconds), ratio(other.ratio), spread)
            lines.append(_LINE.format(*cells, verdict(other)))
    if table.missing:
        missing = f"not installed: {', '.join(table.missing)}"
        lines += textwrap.wrap(missing, 80, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(line.rstrip() for line in lines)


def markdown(table: Table) -> str:
    """A row for each group, a column for each engine, in brackets the ratio."""
    engines = list(dict.fromkeys(o.engine for row in table.rows.values() for o in row.others))
    lines = [["measured", "ours", *engines], ["---", *["---:"] * (1 + len(engines))]]
    for group, (ours, others, detail, _, unit) in table.rows.items():
        cells = {o.engine: f"{duration(o.seconds)} ({ratio(o.ratio)})" for o in others}
        mine = amount(ours, unit) + (f" ({detail.strip('()')})" if detail else "")
        lines.append([group, mine, *(cells.get(engine, "") for engine in engines)])
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def verdict(other: Comparison) -> str:
    """The goal and whether it is met, "" if there is none; below 1 as a multiple of its time."""
    if other.goal is None:
        return ""
    goal = f"{other.goal:,.5g}" if other.goal >= 1 else f"{1 / other.goal:g}x time"
    return f"{goal} {_met(other.ratio >= other.goal)}"


def _met(reached: bool) -> str:
    return "met" if reached else "missed"


def to_dict(table: Table) -> dict[str, Any]:
    """A table as JSON holds it, times in seconds."""
    rows = table.rows.items()
    return {
        "title": table.title, "engine": table.engine, "missing": table.missing,
        "ours": {group: row.ours for group, row in rows},
        "others": {g: [vars(o) | {"ratio": o.ratio} for o in row.others] for g, row in rows},
        "details": {group: row.detail for group, row in rows if row.detail},
        "limits": {group: row.limit for group, row in rows if row.limit is not None},
        "units": {group: row.unit for group, row in rows if row.unit is not None},
    }  # fmt: skip
