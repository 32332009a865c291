"""The modules of the package that can be imported here; some are there for an extra alone."""

import pkgutil
from importlib.util import find_spec
from pathlib import Path

import tinygrad_edu

#: Whose modules stand on a package of an extra.
EXTRAS = {
    "tinygrad_edu.sklearn": "sklearn",
    "tinygrad_edu.playground.widget": "anywidget",
}


def missing(module: str) -> bool:
    """Whether a module stands on a package that is not installed."""
    return any(
        f"{module}.".startswith(f"{part}.") and not find_spec(package)
        for part, package in EXTRAS.items()
    )


MODULES = [
    info.name
    for info in pkgutil.walk_packages(tinygrad_edu.__path__, "tinygrad_edu.")
    if info.name != "tinygrad_edu.__main__" and not missing(info.name)
]


def modules_with(text: str) -> list[str]:
    """Those whose source has this text."""
    return [name for name in MODULES if text in Path(find_spec(name).origin).read_text()]
