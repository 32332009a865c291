"""From scalars to matrices: the graph of one example becomes a NumPy program for many.

    from tinygrad_edu.vectorize import vectorize

    program = vectorize(lambda x, y: hinge(model(x), y), [0.1, 0.2], 1)
    print(program.source)

A function is recorded as a `tape`; sums of products are folded into dots; nodes of equal depth and
operation are regrouped into arrays, dots into matrix products; the chain rule gives the equations
backward. From these equations, which are data, come the NumPy a student reads (`source`), LaTeX,
and what trains (`executors`).
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from tinygrad_edu.checks import is_listed, number
from tinygrad_edu.vectorize.program import Program
from tinygrad_edu.vectorize.tape import VectorizeError

__all__ = ["Program", "VectorizeError", "vectorize"]


def vectorize(fn: Callable[..., Any], *example: Any) -> Program:
    """The program over arrays that does for many examples what `fn` does for one.

    `fn` is ordinary Python over Values. An example is given as numbers or rows of numbers; `fn`
    receives a Value for a number and a list of Values for a row:

        program = vectorize(lambda x, y: hinge(model(x), y), [0.1, 0.2], 1)
        loss, gradient = program.value_and_grad(X, Y)

    Leaves that existed before are parameters. An example may be a whole mini-batch (rows of rows)
    for a model that couples its rows. Raises VectorizeError, naming the line, for a function that
    decides in Python what to do with a number: `if z.data > 0`.
    """
    if not callable(fn):
        raise TypeError(f"vectorize takes a function of an example, got {type(fn).__name__}")
    if not example:
        raise TypeError("vectorize needs an example: vectorize(fn, [0.1, 0.2], 1.0)")
    return Program(fn, [_given(x) for x in example])


def _given(x: Any, depth: int = 0) -> Any:
    """An example as numbers and lists: what can be read once is read here."""
    if not is_listed(x):
        number(x, "an example")
        return x
    if depth > 9:
        raise TypeError("an example is a number, a row, or rows of rows, got lists nested deeper")
    return [_given(item, depth + 1) for item in x]


class _Folder(ModuleType):
    """The folder is its function too: `from tinygrad_edu import vectorize` serves for both."""

    def __call__(self, fn: Callable[..., Any], *example: Any) -> Program:
        return vectorize(fn, *example)


sys.modules[__name__].__class__ = _Folder
