"""Understand backpropagation: a scalar autodiff engine whose every number can be seen.

    from tinygrad_edu import MLP, SGD, Value, draw, fit, moons

A `Value` remembers how it was made; `backward()` applies the chain rule; `MLP` and its parts are
made of Values; `fit` trains them; `draw` shows any graph.

How it works can be read in an hour and a half, in this order; `engine` begins with a glossary:

    1. engine       primitive, walk, value
    2. functions
    3. nn           module, initialisers, activations, mlp
    4. losses
    5. optim        optimizers
    6. train        descent, scalar
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tinygrad_edu import functions
from tinygrad_edu.calculus import GradientError, gradcheck, hessian, jacobian
from tinygrad_edu.engine import (
    GraphError,
    NonFiniteError,
    Primitive,
    Value,
    adopt,
    detect_anomaly,
    grad,
    no_grad,
    parameter,
    primitive,
    toposort,
)
from tinygrad_edu.nn import (
    MLP,
    RNN,
    Attention,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    MaxPool2d,
    Module,
    Neuron,
    RMSNorm,
    RNNCell,
    Sequential,
    Unflatten,
    load,
)
from tinygrad_edu.nn.model_file import ModelFileError
from tinygrad_edu.nn.recurrent import per_step
from tinygrad_edu.optim import OPTIMIZERS, clip_grad_norm, clip_grad_value, max_norm
from tinygrad_edu.optim.optimizers import *
from tinygrad_edu.perceptron import Perceptron
from tinygrad_edu.text import public_order
from tinygrad_edu.train import (
    DivergenceError,
    EarlyStopping,
    History,
    best_of,
    classes,
    evaluate,
    fit,
    predict,
    pretrain,
    probabilities,
    sweep,
    train,
)

if TYPE_CHECKING:
    from tinygrad_edu.data import train_test_split
    from tinygrad_edu.data.sets import *
    from tinygrad_edu.playground import playground
    from tinygrad_edu.vectorize import Program, VectorizeError, vectorize
    from tinygrad_edu.view import Graph, draw, steps
    from tinygrad_edu.view.explain.explanation import explain
    from tinygrad_edu.view.network.deltas import deltas
    from tinygrad_edu.view.network.network import network
    from tinygrad_edu.view.worksheet.worksheet import worksheet

#: Modules that moved since the first release, and what took the place of each.
_MOVED = {
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
_RENAMED = {
    "tinygrad_edu.floats": {
        "is_real": "tinygrad_edu.checks.is_real",
        "number": "tinygrad_edu.checks.number",
    },
    "tinygrad_edu.ink": {"Ink": "tinygrad_edu.expr.Expr"},
}

#: Names that are imported when they are first used.
_LAZY = {
    **dict.fromkeys(
        ["Graph", "deltas", "draw", "explain", "network", "steps", "worksheet"], "view"
    ),
    **dict.fromkeys(["Program", "VectorizeError", "vectorize"], "vectorize"),
    "playground": "playground",
    "train_test_split": "data",
}

__all__ = [
    "MLP", "RNN", "Attention", "AvgPool2d", "BatchNorm", "Conv2d", "DivergenceError", "Dropout",
    "EarlyStopping", "Embedding", "Flatten", "GradientError", "Graph", "GraphError", "History",
    "Layer", "MaxPool2d", "ModelFileError", "Module", "Neuron", "NonFiniteError", "Perceptron",
    "Primitive", "Program", "RMSNorm", "RNNCell", "Sequential", "Unflatten", "Value",
    "VectorizeError", "adopt", "best_of", "blobs", "circles", "classes", "clip_grad_norm",
    "clip_grad_value", "deltas", "detect_anomaly", "digits", "draw", "evaluate", "explain", "fit",
    "functions", "grad", "gradcheck", "hessian", "iris", "jacobian", "load", "max_norm", "moons",
    "network", "no_grad", "parameter", "per_step", "playground", "predict", "pretrain", "primitive",
    "probabilities", "spiral", "steps", "sweep", "toposort", "train", "train_test_split",
    "vectorize", "vowels", "worksheet", "xor",
]  # fmt: skip
__all__ += [optimizer.__name__ for optimizer in OPTIMIZERS.values()]
__all__.sort(key=public_order)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"tinygrad_edu.{_LAZY[name]}"), name)
    if name in _data_sets():
        return _data_sets()[name].make
    raise AttributeError(f"module 'tinygrad_edu' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_data_sets()})


def _data_sets() -> dict[str, Any]:
    table: dict[str, Any] = import_module("tinygrad_edu.data").DATA_SETS
    return table


class _OldNames:
    """Finds a module under its old name and gives what stands under the new one.

    It has no base class: `importlib.abc` would load `inspect`, which is slow.
    """

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The spec of a module that moved; None for every other name."""
        loader: Any = self
        return spec_from_loader(name, loader) if name in _MOVED else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the making of an empty module to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module from the one that took its place."""
        names = vars(import_module(_MOVED[module.__name__]))
        vars(module).update({name: x for name, x in names.items() if name[:2] != "__"})
        if "__getattr__" in names:
            module.__dict__["__getattr__"] = names["__getattr__"]
        for name, place in _RENAMED.get(module.__name__, {}).items():
            home, _, new = place.rpartition(".")
            vars(module)[name] = vars(import_module(home))[new]


sys.meta_path.append(_OldNames())
