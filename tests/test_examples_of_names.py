"""Every public name has an example that runs, in its docstring or in docs/examples.md."""

import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest
from modules import ROOMS, assert_runs, missing

from tinygrad_edu import Primitive

EXAMPLES = Path(__file__).parents[1] / "docs/examples.md"
#: Name -> the package that it needs, or "", and its program.
FOUND = {
    name: (needed, program)
    for name, needed, program in re.findall(
        r"^## `([\w.]+)`(?: \(needs (\w+)\))?\n\n```pycon\n(.*?)```\n",
        EXAMPLES.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
}
#: Those that take longer than an eighth of a second, and all that load matplotlib.
SLOW = {
    *(name for name in FOUND if name.startswith("view.pictures.")),
    "classics.rumelhart_encoder",
    "classics.rumelhart_parity",
    "classics.rumelhart_symmetry",
    "classics.rumelhart_xor",
    "classics.spiral_linear",
    "classics.spiral_net",
    "classics.vowel_regions",
    "classics.vowels",
    "export.to_onnx",
    "playground",
    "playground.Playground",
    "sklearn.ScalarMLPClassifier",
    "sklearn.ScalarMLPRegressor",
}


def named(name: str) -> Any:
    """The object of a name as examples.md writes it."""
    module, _, attribute = f"tinygrad_edu.{name}".rpartition(".")
    return pkgutil.resolve_name(f"{module}:{attribute}")


def public(module: str) -> list[str]:
    """The public names of a module: its `__all__`, or what is defined there; losses by record."""
    found = importlib.import_module(f"tinygrad_edu.{module}".rstrip("."))
    if module == "functions":  # a record is in the table of the site
        return [n for n in found.__all__ if not isinstance(getattr(found, n), Primitive)]
    if module == "losses":
        return ["LOSSES", "l1", "l2", *found.LOSSES]
    made_here = [
        name
        for name, x in vars(found).items()
        if name[0] != "_" and isinstance(x, type) and x.__module__ == found.__name__
    ]
    return [*getattr(found, "__all__", made_here)]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in FOUND]
)
def test_the_example_of_a_name_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed, program = FOUND[name]
    if needed:
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    assert_runs(program, name)


def test_every_heading_is_an_example() -> None:
    headings = re.findall(r"^## (.*)$", EXAMPLES.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(headings) == len(FOUND)


@pytest.mark.parametrize("module", ROOMS)
def test_every_public_name_has_an_example(module: str) -> None:
    if missing(f"tinygrad_edu.{module}"):
        pytest.skip(f"{module} needs a package that is not installed")
    shown = {id(named(name)) for name in FOUND if not missing(f"tinygrad_edu.{name}")}
    found = importlib.import_module(f"tinygrad_edu.{module}".rstrip("."))
    bare = [
        name
        for name in public(module)
        if id(x := getattr(found, name)) not in shown
        and not (name == module and name in FOUND)  # a module that is called as its function
        and (x.__doc__ is type(x).__doc__ or ">>> " not in (x.__doc__ or ""))
    ]
    assert not bare, f"write an example in docs/examples.md: {', '.join(bare)}"


def test_no_example_is_of_a_name_that_is_not_there_or_stands_there_twice() -> None:
    there = [name for name in FOUND if not missing(f"tinygrad_edu.{name}")]
    objects = {id(named(name)): name for name in there}
    assert sorted(objects.values()) == sorted(there)
