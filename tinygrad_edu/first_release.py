"""Modules that moved, under their names of the first release, such as `tinygrad_edu.schedules`."""

from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any, Final

#: The module that took the place of each.
MOVED: Final = {
    "tinygrad_edu.classics.micrograd": "tinygrad_edu.classics.karpathy",
    "tinygrad_edu.classics.record": "tinygrad_edu.classics.classic",
    "tinygrad_edu.classics.spiral_by_hand": "tinygrad_edu.classics.spiral",
    "tinygrad_edu.constraints": "tinygrad_edu.optim.clipping",
    "tinygrad_edu.convolution": "tinygrad_edu.nn.convolution",
    "tinygrad_edu.engine.node": "tinygrad_edu.engine.value",
    "tinygrad_edu.engine.record": "tinygrad_edu.engine.primitive",
    "tinygrad_edu.floats": "tinygrad_edu.namespace",
    "tinygrad_edu.ink": "tinygrad_edu.expr",
    "tinygrad_edu.model_file": "tinygrad_edu.nn.model_file",
    "tinygrad_edu.recurrent": "tinygrad_edu.nn.recurrent",
    "tinygrad_edu.regularize": "tinygrad_edu.nn.norm",
    "tinygrad_edu.rng": "tinygrad_edu.checks",
    "tinygrad_edu.schedules": "tinygrad_edu.optim.schedules",
}
#: Names inside a module that changed too, or that stand elsewhere.
RENAMED: Final = {
    "tinygrad_edu.floats": {
        "is_real": "tinygrad_edu.checks.is_real",
        "number": "tinygrad_edu.checks.number",
    },
    "tinygrad_edu.ink": {"Ink": "tinygrad_edu.expr.Expr"},
}


class OldNames:
    """Finds a module under its old name and gives what stands under the new one.

    It has no base class: `importlib.abc` would load `inspect`, which is slow.
    """

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The spec of a module that moved; None for every other name."""
        loader: Any = self
        return spec_from_loader(name, loader) if name in MOVED else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the making of an empty module to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module from the one that took its place."""
        names = vars(import_module(MOVED[module.__name__]))
        vars(module).update({name: x for name, x in names.items() if name[:2] != "__"})
        if "__getattr__" in names:
            module.__dict__["__getattr__"] = names["__getattr__"]
        for name, place in RENAMED.get(module.__name__, {}).items():
            home, _, new = place.rpartition(".")
            vars(module)[name] = vars(import_module(home))[new]
