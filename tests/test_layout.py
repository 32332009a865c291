"""The layout of the package: imports point upwards, files stay short, the core is light."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import tinygrad_edu

PACKAGE = Path(tinygrad_edu.__file__).parent

#: A part imports only from the lines above it, and from itself.
LINES = [
    ["checks", "figure", "text", "first_release"],
    ["namespace", "examples"],
    ["engine", "data"],
    ["functions"],
    ["calculus", "expr"],
    ["losses"],
    ["nn"],
    ["optim", "perceptron"],
    ["vectorize"],
    ["train"],
    ["export"],
    ["view"],
    ["classics"],
    ["sklearn"],
    ["exercises"],
    ["playground"],
    ["bench"],
    ["cli"],
    ["__main__", "__init__"],
]
ALLOWED_OUTSIDE_THE_STANDARD_LIBRARY = {
    "examples": {"numpy"},
    "figure": {"PIL", "matplotlib"},
    "vectorize": {"numpy"},
    "train": {"cloudpickle", "joblib", "matplotlib", "numpy", "tqdm"},
    "classics": {"matplotlib", "numpy"},
    "sklearn": {"numpy", "scipy", "sklearn"},
    "playground": {"anywidget", "matplotlib", "numpy", "traitlets"},
    "view": {"graphviz", "matplotlib", "numpy", "pygraphviz"},
}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


def imported_modules(path: Path, known: set[str]) -> set[str]:
    """The modules of the package that a file imports, inside functions and for typing too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            base = node.module or ""
            found |= {
                f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base
                for alias in node.names
            }
    return found


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def imports() -> dict[str, set[str]]:
    """What each module imports."""
    return {name: imported_modules(path, set(FILES)) for name, path in FILES.items()}


def test_every_part_has_its_line() -> None:
    parts = {name.split(".")[1] for name in FILES}
    assert parts <= {part for line in LINES for part in line}


def test_a_file_imports_only_from_lines_above_it() -> None:
    line_of = {part: number for number, line in enumerate(LINES) for part in line}
    wrong = [
        f"{name} imports {other}"
        for name, others in imports().items()
        for other in others
        if other.startswith("tinygrad_edu.")
        and name.split(".")[1] != other.split(".")[1]
        and line_of[name.split(".")[1]] <= line_of[other.split(".")[1]]
    ]
    assert wrong == []


def test_imports_have_no_cycle() -> None:
    inside = {
        name: {other for other in others if other in FILES and other != name}
        for name, others in imports().items()
    }
    assert len(list(TopologicalSorter(inside).static_order())) == len(FILES)


def test_the_core_stands_on_the_standard_library() -> None:
    wrong = [
        f"{name} imports {other}"
        for name, others in imports().items()
        if name.split(".")[1] not in ("bench", "cli")
        for other in others
        if (top := other.split(".")[0]) != "tinygrad_edu"
        and top not in sys.stdlib_module_names
        and top not in ALLOWED_OUTSIDE_THE_STANDARD_LIBRARY.get(name.split(".")[1], set())
    ]
    assert wrong == []


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = ["numpy", "matplotlib", "graphviz", "tqdm", "inspect", "hashlib"]
    code = f"import sys, tinygrad_edu; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
