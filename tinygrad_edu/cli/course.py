"""The command `course`: the notebooks of the course, copied out of the package."""

import argparse
from pathlib import Path
from typing import Final

from tinygrad_edu import files
from tinygrad_edu.cli.options import UsageError, command, takes

_PACKAGE: Final = Path(__file__).resolve().parents[1]
#: Where the lessons are: in an installed package within it, in a checkout beside it.
_PLACES: Final = (_PACKAGE / "notebooks", _PACKAGE.parent / "notebooks")


@command(
    "course",
    "copy the lessons, Jupyter notebooks, into a folder",
    takes("folder", metavar="DIR", nargs="?", default="backpropagation",
          help="a new folder, or one without a lesson (default: %(default)s)"),
    description="Copy the lessons out of the package, to run and to change.",
)  # fmt: skip
def run(args: argparse.Namespace) -> int:
    """Write the lessons and their pictures; no file that is there is touched."""
    lessons = next((place for place in _PLACES if place.is_dir()), None)
    if lessons is None:
        raise UsageError("this installation lacks the lessons: pip install --force-reinstall it")
    found = sorted(p for p in lessons.rglob("*") if p.suffix in (".ipynb", ".svg"))
    copies = {path: Path(args.folder, path.relative_to(lessons)) for path in found}
    there = next((copy for copy in copies.values() if copy.exists()), None)
    if there is not None:
        raise UsageError(f"{there} is there already, perhaps with your work: name another folder")
    for path, copy in copies.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        files.write(copy, path.read_bytes())
    count = sum(path.suffix == ".ipynb" for path in found)
    print(f"wrote {count} lessons into {args.folder}; open one with: jupyter lab {args.folder}")
    return 0
