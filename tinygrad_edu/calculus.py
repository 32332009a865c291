"""Derivatives of a whole function: Jacobian, Hessian, and the check of gradients by differences."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tinygrad_edu.checks import number, real
from tinygrad_edu.engine import Value, grad


class GradientError(ArithmeticError):
    """A gradient disagrees with the differences of its function."""


def jacobian(ys: Sequence[Value], xs: Sequence[Value]) -> list[list[Value]]:
    """The matrix J[i][j] = dy_i/dx_j as Values, len(ys) rows of len(xs)."""
    return [grad(y, xs) for y in ys]


def hessian(y: Value, xs: Sequence[Value]) -> list[list[Value]]:
    """The matrix H[i][j] = d2y/(dx_i dx_j) as Values, len(xs) rows of len(xs)."""
    if isinstance(xs, Value):
        raise TypeError("hessian(y, xs) takes a list of Values: write hessian(y, [x])")
    return jacobian(grad(y, xs), xs)


def gradcheck(
    f: Callable[..., Any], point: float | Iterable[float], *, tolerance: float = 1e-6
) -> bool:
    """True if the gradient of `f(*point)` agrees with central differences at `point`.

    `f` takes one Value per number and gives a Value. The differences are extrapolated (error of
    order h^4, h = 7e-4 max(1, |x|)), so `f` must be smooth within 2h. `tolerance` is relative to
    max(1, |derivative|). Raises GradientError naming the operand with both numbers.
    """
    tolerance = real("tolerance", tolerance, above=0)
    coordinates = point if isinstance(point, Iterable) else [point]
    numbers = [number(x, "a coordinate of point") for x in coordinates]
    xs = [Value(x) for x in numbers]
    y = f(*xs)
    if not isinstance(y, Value):
        raise TypeError(f"gradcheck needs f to give a Value, got {type(y).__name__}")
    y.backward()
    for i, x in enumerate(xs):
        slope = _central_difference(f, numbers, i)
        if not abs(x.grad - slope) <= tolerance * max(1.0, abs(slope)):
            raise GradientError(
                f"operand {i} at {numbers[i]!r}: backward gives {x.grad!r}, "
                f"differences give {slope!r}"
            )
    return True


def _central_difference(f: Callable[..., Any], point: list[float], i: int) -> float:
    """df/dx_i, from differences over 2h and 4h, extrapolated (Richardson)."""
    h = 7e-4 * max(1.0, abs(point[i]))

    def over(step: float) -> float:
        shifted = [[x + s * (j == i) for j, x in enumerate(point)] for s in (step, -step)]
        up, down = (f(*[Value(x) for x in xs]).data for xs in shifted)
        return float(up - down) / (shifted[0][i] - shifted[1][i])

    return (4 * over(h) - over(2 * h)) / 3
