"""The decorator that makes an operation of a function."""

from collections.abc import Callable
from typing import Any

from tinygrad_edu.engine.value import Primitive


def primitive(
    slopes: Callable[..., Any], *, latex: str | None = None
) -> Callable[[Callable[..., Any]], Primitive]:
    """Make an operation of a function: the decorator takes the slopes, the function is the value.

    @primitive(lambda m, y, x: (3 * x * x,))
    def cube(m, x):
        return x * x * x
    """
    takes = getattr(getattr(slopes, "__code__", None), "co_varnames", ("m", "y"))
    if takes[:1] == ("m",) and takes[1:2] != ("y",):
        raise TypeError(
            f"@primitive needs the slopes: write @primitive(lambda m, y, x: (...,)) above "
            f"def {slopes.__name__}(m, x)"
        )
    return lambda value: Primitive(value.__name__, value, slopes, latex=latex)
