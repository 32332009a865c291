"""Derivatives of a whole function: Jacobian, Hessian, and the check of gradients by differences."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tinygrad_edu.checks import number, real
from tinygrad_edu.engine import Value, grad
from tinygrad_edu.namespace import floats
from tinygrad_edu.text import clean, short


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


def convention(v: Value, names: Mapping[Value, str] | None = None) -> str:
    """That the operation which made `v` has no derivative there, and what is taken; else ""."""
    op, (_, *x) = v.op, v.numbers or (0.0,)
    if op is None or op.kink is None or not op.kink(*x, **op.constants):
        return ""

    def beside(p: Value, side: int) -> tuple[float, float]:
        """The result and its slope by p where p is a little smaller (-1), as it is, larger (1)."""
        moved = [a + side * (math.ulp(a) if a else 1e-100) if q is p else a
                 for a, q in zip(x, v.parents, strict=True)]  # fmt: skip
        y = op.value(floats, *moved, **op.constants)
        slopes = zip(op.slopes(floats, y, *moved, **op.constants), v.parents, strict=True)
        return y, floats.sum([float(slope) for slope, q in slopes if q is p])

    found: dict[str, list[str]] = {}  # of equal operands one sentence
    for p, a in dict(zip(v.parents, x, strict=True)).items():
        (low, below), (_, taken), (high, above) = [beside(p, side) for side in (-1, 0, 1)]
        what = ""
        if not below == taken == above:
            what = f"a kink: {short(below)} below, {short(above)} above, "
        elif abs(high - low) > 1e-9 * max(abs(high), abs(low)):
            what = "a jump: "
        if what and p.kind != "constant":
            at = found.setdefault(f"{short(a)}, {what}by convention {short(taken)} there", [])
            at += [clean(names[p])] if names else []
    few = [" = ".join([*at[:3], what]) for what, at in found.items()][:2]
    return f"{clean(op.name)} has no derivative at {'; at '.join(few)}" if few else ""


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
