"""The modules of the package that can be imported here, and examples that are run as programs."""

import doctest
import pkgutil
from importlib.util import find_spec
from pathlib import Path

import tinygrad_edu

#: What shows public names.
ROOMS = (
    "", "calculus", "functions", "losses", "engine", "nn", "optim", "data", "perceptron", "train",
    "vectorize", "view", "view.pictures", "export", "classics", "diagnose", "exercises",
    "playground", "sklearn",
)  # fmt: skip
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
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


def assert_runs(examples: str, name: str) -> int:
    """Run the examples of a text, each of which has to give what it shows; how many there are."""
    example = doctest.DocTestParser().get_doctest(examples, {}, name, None, 0)
    report: list[str] = []
    result = doctest.DocTestRunner(optionflags=OPTIONS).run(example, out=report.append)
    assert result.failed == 0, "".join(report)
    return result.attempted
