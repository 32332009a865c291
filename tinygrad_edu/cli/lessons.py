"""The commands of a course: `classics`, `course`, `diagnose` and `playground`."""

import argparse
import os
import re
import runpy
import sys
import traceback
import webbrowser
from collections import Counter
from collections.abc import Mapping
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tinygrad_edu.checks import whole
from tinygrad_edu.classics import CLASSICS, LONG
from tinygrad_edu.cli.options import (
    UsageError,
    command,
    names_in,
    only,
    reason,
    takes,
    usage_errors,
)
from tinygrad_edu.diagnose import Diagnosis, diagnose_backward, diagnose_engine
from tinygrad_edu.engine import Value
from tinygrad_edu.files import packaged_table, write
from tinygrad_edu.losses import LOSSES, find_loss
from tinygrad_edu.nn import MLP
from tinygrad_edu.text import clean
from tinygrad_edu.vectorize import vectorize
from tinygrad_edu.view.worksheet.worksheet import Worksheet, worksheet


@command(
    "classics",
    "published worked examples: their numbers beside ours",
    only(list(CLASSICS), "NAME"),
    description="Run published worked examples and print their numbers beside ours. The exit code "
    "is 1 if a number differs from what was printed.",
)
def classics(args: argparse.Namespace) -> int:
    """Print each table as soon as it is there; 0 if all numbers agree, else 1."""
    differ = []
    for name in dict.fromkeys(args.only or CLASSICS):
        print(f"== {name}" + (f" ({LONG[name]})" if name in LONG else ""), flush=True)
        classic = CLASSICS[name]()
        print(f"{classic}\n", flush=True)
        if not classic.agrees:
            differ.append(name)
    print(f"{', '.join(differ)}: not as published" if differ else "all that is compared agrees")
    return 1 if differ else 0


#: Where the lessons are: in an installed package within it, in a checkout beside it.
_PLACES: Final = [folder / "notebooks" for folder in Path(__file__).resolve().parents[1:3]]


@command(
    "course",
    "copy the lessons, Jupyter notebooks, into a folder; for teachers assignments and sheets",
    takes("folder", metavar="DIR", nargs="?",
          help="a new folder, or one without a lesson (default: backpropagation)"),
    takes("--solutions", metavar="FILE.md", help="right answers of all exercises, and why"),
    takes("--nbgrader", metavar="DIR",
          help="the lessons as assignments: DIR/source/NAME/NAME.ipynb for nbgrader"),
    takes("--otter", metavar="DIR",
          help="the lessons as assignments: DIR/NAME/NAME.ipynb for otter assign"),
    takes("--worksheets", metavar="DIR", help="sheets of A4 and their solutions, as PDF"),
    takes("--seed", metavar="N", type=int, default=0,
          help="other numbers for exercises that vary, and on worksheets"),
    description="Copy the lessons out of the package, to run and to change. With one of the options"
    " write what it names, and the lessons where DIR is given. No file that is there is touched.",
)  # fmt: skip
def course(args: argparse.Namespace) -> int:
    """Write the lessons and their pictures, and what is for teachers."""
    lessons = next((place for place in _PLACES if place.is_dir()), None)
    if lessons is None:
        raise UsageError("this installation lacks the lessons: pip install --force-reinstall it")
    with usage_errors():
        whole("seed", args.seed, 0)
        writes = _for_teachers(args, lessons)
    if args.folder is not None or not writes:
        folder = args.folder or "backpropagation"
        found = sorted(p for p in lessons.rglob("*") if p.suffix in (".ipynb", ".svg"))
        count = sum(path.suffix == ".ipynb" for path in found)
        told = f"wrote {count} lessons into {folder}; open one with: jupyter lab {folder}"
        writes[told] = {Path(folder, p.relative_to(lessons)): p.read_bytes() for p in found}
    there = next((path for group in writes.values() for path in group if path.exists()), None)
    if there is not None:
        raise UsageError(f"{there} is there already, perhaps with your work: name another folder")
    for told, group in writes.items():
        for path, content in group.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Worksheet):
                content.save(path)
            else:
                write(path, content)
        print(told)
    return 0


def _for_teachers(args: argparse.Namespace, lessons: Path) -> dict[str, dict[Path, Any]]:
    """What the options ask for: what is told of each group of files, and what goes into each."""
    from tinygrad_edu.exercises import EXERCISES  # late: the other commands need none of it
    from tinygrad_edu.exercises.assignments import assignments, solutions

    writes: dict[str, dict[Path, Any]] = {}
    if args.solutions:
        told = f"wrote the solutions of {len(EXERCISES)} exercises into {args.solutions}"
        writes[told] = {Path(args.solutions): solutions(args.seed)}
    for grader, folder in (("nbgrader", args.nbgrader), ("otter", args.otter)):
        if folder:
            place = Path(folder, "source") if grader == "nbgrader" else Path(folder)
            made = assignments(lessons, grader, args.seed)
            writes[f"wrote {len(made)} assignments for {grader} into {place}"] = {
                place / stem / f"{stem}.ipynb": text for stem, text in made.items()
            }
    if args.worksheets:
        sheets = worksheets(args.seed)
        writes[f"wrote {len(sheets)} worksheets and their solutions into {args.worksheets}"] = {
            Path(args.worksheets, f"{name}{part}.pdf"): page
            for name, sheet in sheets.items()
            for part, page in (("", sheet), ("_solution", sheet.solution))
        }
    return writes


def worksheets(seed: int) -> dict[str, Worksheet]:
    """The worksheets of sheets.toml by name, with the numbers of a seed."""
    sheets = {}
    for name, sheet in packaged_table("cli/sheets.toml").items():
        n, *sizes = sheet["sizes"]
        model = MLP(n, sizes, sheet["activation"], output=sheet.get("output", "linear"), rng=0)
        loss = LOSSES[sheet["loss"]](model(sheet["x"]), sheet["y"])
        options = {option: sheet[option] for option in ("title", "blanks", "level")}
        sheets[name] = worksheet(loss, rng=seed, **options)
    return sheets


_PROGRAM: Final = """\
The file is run, as python FILE.py runs it but for what stands under if __name__ == "__main__". It
defines one of these, or both:
  class Value                       with data, grad and backward(), operators and functions
  def backward(W1, b1, ..., X, y)   gives a dict of arrays, {"dW1": dW1, ...} or locals(), by the
                                    names that print(program.source) shows, as its parameters are:
                                    W1 has a row per unit, Y a row per example, y is as yours; and
                                    beside it model, a net such as MLP(2, [3, 1], "tanh"), the
                                    arrays X and y, and loss, by name, unless it is "squared_error"
"""


@command(
    "diagnose",
    "say what is wrong with a class Value, or a function backward(...), in your own file",
    takes("file", metavar="FILE.py", help="your program; it is run"),
    description="Run a file of yours, and say where it goes wrong first, and by which slip.",
    epilog=_PROGRAM, formatter_class=argparse.RawDescriptionHelpFormatter,
)  # fmt: skip
def diagnose(args: argparse.Namespace) -> int:
    """Print a diagnosis for each; 1 if something is wrong."""
    path = os.path.abspath(args.file)
    with open(path, "rb"):
        sys.path.insert(0, os.path.dirname(path))
    try:
        names = runpy.run_path(path)
        found = diagnosed(names, args.file)
    except UsageError:
        raise
    except Exception as error:  # whatever a student's program may raise
        frames = traceback.walk_tb(error.__traceback__)
        theirs = [n for n, (f, _) in enumerate(frames) if f.f_code.co_filename == path]
        if not theirs and isinstance(error, (TypeError, ValueError)):
            raise UsageError(str(error)) from None  # of what the program gives
        shown = traceback.TracebackException.from_exception(error)
        del shown.stack[: theirs[0] if theirs else None]
        print("".join(shown.format()), end="", file=sys.stderr)
        return 1
    finally:
        sys.path.pop(0)
    for name, diagnosis in found.items():
        print(f"{name}: {diagnosis}")
    return 0 if all(diagnosis.right for diagnosis in found.values()) else 1


def diagnosed(names: Mapping[str, Any], file: str) -> dict[str, Diagnosis]:
    """A diagnosis for each that a file defines. Raises UsageError if it defines neither."""
    found = {}
    if "Value" in names and names["Value"] is not Value:
        with usage_errors():
            found["Value"] = diagnose_engine(names["Value"])
    if "backward" in names:
        if missing := [name for name in ("model", "X", "y") if name not in names]:
            raise UsageError(
                f"{file} defines backward, and no {' and no '.join(missing)}: it needs model, a "
                'net such as MLP(2, [3, 1], "tanh"), and the arrays X and y'
            )
        model, X, y = names["model"], names["X"], names["y"]
        with usage_errors():
            loss = find_loss(names.get("loss", "squared_error"))
            program = vectorize(lambda x, t: loss(model(x), t), X[0], y[0])
        found["backward"] = diagnose_backward(program, names["backward"], X, y)
    if not found:
        raise UsageError(
            f"{file} defines neither a class Value nor a function backward(W1, b1, ..., X, y)"
        )
    return found


@command(
    "playground",
    "watch a net learn points of the plane, in a browser",
    takes("data", nargs="?", default="moons", metavar="DATA",
          help="a data set such as spiral, a function such as sine; or a table, FILE.csv, with "
          "two columns of numbers and a class (default: moons)"),
    takes("--columns", metavar="A,B", help="the two columns of the table (default: the first)"),
    takes("--target", metavar="COLUMN", help="its class (default: the last, of three)"),
    takes("-o", "--out", metavar="FILE", help="write the page there, as FILE.html"),
    takes("--no-open", action="store_true", help="only print the address"),
    description="Without -o the page is served to this computer alone, until Ctrl-C.",
)  # fmt: skip
def playground(args: argparse.Namespace) -> int:
    """Write the page, or serve it until it is interrupted."""
    from tinygrad_edu.playground import Settings, lesson, points
    from tinygrad_edu.playground.play import Playground, begun
    from tinygrad_edu.playground.settings import SETS

    own, data = None, args.data
    with usage_errors():
        if Path(data).suffix or args.columns or args.target:
            try:
                own, data = points(data, columns=_columns(args)), "own"
            except ValueError as error:
                wanted = "write --columns A,B --target COLUMN"
                raise UsageError(re.sub(r"write columns=.*", wanted, str(error))) from None
        elif data not in SETS:
            names = ", ".join(SETS)
            raise UsageError(f"no data set {data!r:.40}: choose {names}, or name a FILE.csv")
        alone = (
            own is not None and own.class_names and 1 in Counter(own.y).values()
        )  # no class on one side alone
        page = Playground(begun(Settings(), {"data": data, **({"share": 0} if alone else {})}, own))
    if args.out is None:
        return _serve(lesson(link=page.link), opened=not args.no_open)
    try:
        path = page.save(args.out)
    except OSError as error:
        raise UsageError(f"no page was written: {args.out}: {reason(error)}") from None
    print(f"wrote {clean(str(path), 1000)}: open it in a browser")
    return 0


def _columns(args: argparse.Namespace) -> list[str] | None:
    """x1, x2 and the class, or None for those of a table of three."""
    if not (args.columns or args.target):
        return None
    names = [*names_in(args.columns or ""), args.target]
    if len(names) not in (2, 3) or not all(names):
        raise UsageError("of a table three columns are named: --columns A,B --target COLUMN")
    return names


class _Quiet(SimpleHTTPRequestHandler):
    """Gives the files of a folder, and tells nobody of it."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _serve(page: str, *, opened: bool) -> int:
    with TemporaryDirectory() as folder:
        write(Path(folder, "index.html"), page)
        with HTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder)) as server:
            address = f"http://127.0.0.1:{server.server_port}/"
            print(f"the playground is at {address} until Ctrl-C", flush=True)
            if opened:
                webbrowser.open(address)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                print("stopped")
    return 0
