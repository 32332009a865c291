"""The command `doctor`: what is installed, what runs, and whether a picture can be drawn."""

import argparse
import os
import platform
import textwrap
from contextlib import suppress
from typing import Final

from tinygrad_edu.cli.options import command, version_of

#: What pyproject.toml asks for, package -> what it is for, and its optional extras.
DEPENDENCIES: Final = {
    "graphviz": "writes the DOT text of drawings",
    "graphviz-pure": "draws it, where no other renderer is chosen",
    "matplotlib": "plots",
    "numpy": "arrays",
    "tqdm": "progress bars",
}
EXTRAS: Final = {
    "dask": ("cloudpickle", "dask", "joblib"),
    "notebook": ("anywidget", "jupyterlab"),
    "onnx": ("onnx", "onnxruntime"),
    "sklearn": ("scikit-learn", "scipy"),
    "torch": ("torch",),
}


@command(
    "doctor",
    "show versions, the machine and the renderer in use, and draw a sample",
    description="Show versions, the machine and the renderer in use, and draw a sample. The exit "
    "code is 0 if all is well, else 1.",
)
def run(args: argparse.Namespace) -> int:
    """Print the report."""
    problems = []
    print(f"tinygrad_edu  {version_of('tinygrad-edu') or 'not installed, run from its folder'}")
    print(f"Python        {platform.python_version()} ({platform.python_implementation()})")
    print(f"system        {platform.platform()}")
    print("\ndependencies")
    for package, purpose in DEPENDENCIES.items():
        version = version_of(package)
        print(row(package, version or "missing", purpose))
        if version is None and package != "graphviz-pure":  # any other renderer does as well
            problems.append(f"{package} is missing: pip install {package}")
    print("\noptional")
    for extra, packages in EXTRAS.items():
        for package in packages:
            version = version_of(package)
            hint = "" if version else f'pip install "tinygrad-edu[{extra}]"'
            print(row(package, version or "-", hint).rstrip())
    print("\nmachine")
    try:
        print(f"  {machine()}")
    except (ImportError, ValueError) as error:  # without NumPy there is none
        print("  not chosen")
        problems.append(str(error))
    print("\nrenderers")
    for line in renderer_lines():
        print(line)
    print("\nsample")
    try:
        print(f"  tanh(a*b + c) drawn: {len(sample().encode()):,} bytes of SVG")
    except (ImportError, RuntimeError) as error:
        print("  not drawn")
        problems.append(str(error))
    print("\nAll is well." if not problems else "")
    for problem in problems:
        print(textwrap.fill(problem, 80, initial_indent="problem: ", subsequent_indent="  "))
    return 1 if problems else 0


def row(name: str, version: str, note: str) -> str:
    """A line of the report."""
    return f"  {name:<14}{version:<16}{note}"


def machine() -> str:
    """The machine that runs array programs, or none and why. Raises ValueError for a bad choice."""
    from tinygrad_edu.vectorize.executors import library

    return library.description()


def renderer_lines() -> list[str]:
    """The renderers that were considered, best first, and which of them draws."""
    from tinygrad_edu.view.base import render

    choice = os.environ.get(render.VARIABLE, "").strip()
    found, chosen = render.renderers(), None
    with suppress(render.RenderError):
        chosen = render.renderer()
    lines = [f"  {render.VARIABLE}={choice}"] if choice else []
    if chosen is not None and chosen not in found.values():
        found = {chosen.name: chosen, **found}
    for name, candidate in found.items():
        if candidate is None:
            lines.append(row(name, "-", "not found, or does not draw"))
        elif candidate == chosen:
            lines += [row(name, candidate.version, "chosen"), f"    {candidate.path}"]
        else:
            lines.append(row(name, candidate.version, "works, not chosen"))
    return lines


def sample() -> str:
    """The picture of tanh(a*b + c) as SVG. Raises RenderError or ImportError without one."""
    from tinygrad_edu.engine import Value
    from tinygrad_edu.view import draw

    a, b, c = Value(2.0, "a"), Value(-3.0, "b"), Value(10.0, "c")
    result = (a * b + c).tanh()
    result.backward()
    return draw(result, edges="local").svg
