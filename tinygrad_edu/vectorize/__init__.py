"""From scalars to matrices: the graph of one example becomes a NumPy program for many.

    from tinygrad_edu.vectorize import vectorize

    program = vectorize(lambda x, y: hinge(model(x), y), [0.1, 0.2], 1)
    print(program.source)

A function is recorded as a `tape`; sums of products are folded into dots; nodes of equal depth and
operation are regrouped into arrays, dots into matrix products; the chain rule gives the equations
backward. From these equations, which are data, come the NumPy a student reads (`source`), LaTeX,
and the calls that train (`kernel`).
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from tinygrad_edu.vectorize.program import Program, vectorize
from tinygrad_edu.vectorize.tape import VectorizeError

__all__ = ["Program", "VectorizeError", "vectorize"]


class _Folder(ModuleType):
    """The folder is its function too: `from tinygrad_edu import vectorize` serves for both."""

    def __call__(self, fn: Callable[..., Any], *example: Any) -> Program:
        return vectorize(fn, *example)


sys.modules[__name__].__class__ = _Folder
