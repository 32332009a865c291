"""The house: rooms and floors as CONTRIBUTING.md maps them, arrows that run down, budgets kept."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import tinygrad_edu

PACKAGE = Path(tinygrad_edu.__file__).parent
ROOT = PACKAGE.parent
#: What may be imported besides the standard library, by room; others stand on it alone.
OUTSIDE = {
    "diagnose": {"numpy"},
    "exercises": {"numpy"},
    "figure": {"PIL", "matplotlib"},
    "vectorize": {"numpy"},
    "train": {"cloudpickle", "joblib", "matplotlib", "numpy", "tqdm"},
    "examples": {"numpy"},
    "classics": {"matplotlib", "numpy"},
    "sklearn": {"numpy", "scipy", "sklearn"},
    "playground": {"anywidget", "matplotlib", "numpy", "traitlets"},
    "view.base": {"graphviz", "matplotlib", "numpy", "pygraphviz"},
    "view.graph": {"graphviz"},
    "view.network": {"numpy"},
    "view.pictures": {"matplotlib", "numpy"},
    "view.worksheet": {"matplotlib"},
}
#: Modules that hold the entry points: they stand above every floor.
ROOF = ("__init__", "__main__")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room(module: str) -> str:
    """The room of a module: a file or folder of the package, of `view` one of its wings."""
    _, *parts = module.split(".")
    if not parts:
        return "__init__"
    return ".".join(parts[:2]) if parts[0] == "view" else parts[0]


@cache
def imports() -> dict[str, set[str]]:
    """What each module imports: inside functions too, for typing too."""
    edges: dict[str, set[str]] = {}
    for name, path in FILES.items():
        targets = edges.setdefault(name, set())
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: imports are absolute"
                base = node.module or ""
                names = {f"{base}.{alias.name}" for alias in node.names}
                targets |= {name if name in FILES else base for name in names}
    return edges


@cache
def floors() -> list[list[str]]:
    """The map of the house in CONTRIBUTING.md, the lowest floor first."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    [plan] = re.findall(r"<!-- house -->\n```text\n(.*?)```", text, re.DOTALL)
    return [line.split() for line in reversed(plan.splitlines())]


@cache
def arrows() -> dict[str, set[str]]:
    """For each room the rooms that it imports from."""
    between: dict[str, set[str]] = defaultdict(set)
    for module, targets in imports().items():
        for target in targets & set(FILES):
            if room(target) != room(module):
                between[room(module)].add(room(target))
    return between


def drawn() -> str:
    """The house in DOT: a rank for each floor, an arrow for each room that imports from another."""
    ranks = [f"{{rank=same; {' '.join(map(repr, floor))}}}" for floor in floors()]
    edges = [f"{a!r} -> {b!r}" for a, others in sorted(arrows().items()) for b in sorted(others)]
    return "\n".join(["digraph {", *ranks, *edges, "}"]).replace("'", '"')


def test_every_room_has_its_place_on_the_map() -> None:
    places = [name for floor in floors() for name in floor]
    assert sorted(places) == sorted({room(module) for module in FILES} - set(ROOF))


def test_every_arrow_between_rooms_runs_down() -> None:
    height = {name: level for level, floor in enumerate(floors()) for name in floor}
    height |= dict.fromkeys(ROOF, len(height))
    wrong = [
        f"{module} imports {target}"
        for module, targets in imports().items()
        for target in sorted(targets & set(FILES))
        if room(target) != room(module)
        and room(module) not in ROOF
        and height[room(target)] >= height[room(module)]
    ]
    assert wrong == [], drawn()


def test_imports_have_no_circle_typing_included() -> None:
    modules = {
        name: {t for t in targets if t in FILES and t != name and not name.startswith(f"{t}.")}
        for name, targets in imports().items()
    }
    assert len(list(TopologicalSorter(modules).static_order())) == len(FILES)


def test_rooms_stand_on_the_standard_library_and_what_they_name() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, targets in imports().items()
        if room(module) not in ("bench", "cli")
        for target in targets
        if (top := target.split(".")[0]) != "tinygrad_edu"
        and top not in sys.stdlib_module_names
        and top not in OUTSIDE.get(room(module), set())
    ]
    assert wrong == []


def private_names() -> Iterator[str]:
    """What a file takes from another folder although its name begins with an underscore."""
    for module, path in FILES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tinygrad_edu"):
                for alias in node.names:
                    if alias.name.startswith("_") and room(node.module or "") != room(module):
                        yield f"{module} imports {node.module}.{alias.name}"


def test_private_names_stay_in_their_room() -> None:
    assert list(private_names()) == []


def test_private_slots_of_values_stay_in_the_engine() -> None:
    slots = re.compile(
        r"\b(?!self\b)\w+\)?\._(float|grad|numbers|slopes|birth|primitive|parents)\b"
    )
    wrong = [
        f"{module}: {match.group()}"
        for module, path in FILES.items()
        if room(module) != "engine"
        for match in slots.finditer(path.read_text())
    ]
    assert wrong == []


def entries(folder: Path) -> list[str]:
    """What a folder shows beside `__init__.py` and data."""
    shown = [
        p for p in folder.iterdir() if p.suffix == ".py" or (p.is_dir() and any(p.glob("*.py")))
    ]
    return sorted(p.name for p in shown if p.name not in ("__init__.py", "__pycache__"))


FOLDERS = sorted({path.parent for path in FILES.values()})


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_folder_can_be_taken_in_at_a_glance(folder: Path) -> None:
    assert len(entries(folder)) <= (27 if folder == PACKAGE else 14)


def test_a_file_is_read_in_one_sitting() -> None:
    long = {name: n for name, path in FILES.items() if (n := lines(path)) > 320}
    assert long == {}


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_the_package_does_not_grow() -> None:
    # what there is: the house is planned for 175 files and 28,000 lines
    assert len(FILES) <= 222
    assert sum(map(lines, FILES.values())) <= 40_650


def reading_path() -> list[Path]:
    """The files that CONTRIBUTING.md numbers as the reading path."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    [listed] = re.findall(r"<!-- reading path -->\n(.*?)\n\n", text, re.DOTALL)
    return [PACKAGE / name for name in re.findall(r"`([\w/]+\.py)`", listed)]


def test_the_reading_path_does_not_grow() -> None:
    path = reading_path()
    assert all(file.exists() for file in path)
    # what there is: the plan is 2,000 lines
    assert sum(map(lines, path)) <= 2_270
    assert sum(lines(file) for file in path if file.parent.name == "engine") <= 800


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = ["numpy", "matplotlib", "graphviz", "tqdm", "inspect", "hashlib"]
    code = f"import sys, tinygrad_edu; print([m for m in {heavy} if m in sys.modules])"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
