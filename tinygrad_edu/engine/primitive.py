"""The decorator that makes an operation of a function."""

from collections.abc import Callable
from typing import Any

from tinygrad_edu.engine.value import Primitive

#: The flag of a function that takes *args (`inspect.CO_VARARGS`).
CO_VARARGS = 0x04


def primitive(slopes: Callable[..., Any]) -> Callable[[Callable[..., Any]], Primitive]:
    """Make an operation of a function: the decorator takes the slopes, the function is the value.

    @primitive(lambda m, y, x: (3 * x * x,))
    def cube(m, x):
        return x * x * x
    """
    code = getattr(slopes, "__code__", None)
    if code is not None and code.co_argcount < 3 and not code.co_flags & CO_VARARGS:
        raise TypeError(_needs_slopes(slopes.__name__))

    def make(value: Callable[..., Any]) -> Primitive:
        if not callable(value):
            raise TypeError(_needs_slopes("f"))
        return Primitive(value.__name__, value, slopes)

    return make


def _needs_slopes(name: str) -> str:
    return (
        "@primitive needs the slopes: write @primitive(lambda m, y, x: (...,)) above "
        f"def {name}(m, x)"
    )
