"""Derivatives of a whole function: Jacobian, Hessian, and the check of gradients by differences."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from tinygrad_edu.checks import function, is_listed, listed, number, real
from tinygrad_edu.engine import Value, grad, gradients, toposort
from tinygrad_edu.engine.primitive import on_values
from tinygrad_edu.namespace import floats
from tinygrad_edu.text import clean, short


class GradientError(ArithmeticError):
    """A gradient disagrees with the differences of its function."""


def jacobian(ys: Sequence[Value], xs: Sequence[Value]) -> list[list[Value]]:
    """The matrix J[i][j] = dy_i/dx_j as Values, len(ys) rows of len(xs)."""
    ys = listed("ys", ys, "Values", remedy="write jacobian([y], xs)")
    return [grad(y, xs) for y in ys]


def hessian(y: Value, xs: Sequence[Value]) -> list[list[Value]]:
    """The matrix H[i][j] = d2y/(dx_i dx_j) as Values, len(xs) rows of len(xs)."""
    if isinstance(xs, Value):
        raise TypeError("hessian(y, xs) takes a list of Values: write hessian(y, [x])")
    return jacobian(grad(y, xs), xs)


def convention(v: Value, names: Mapping[Value, str] | None = None) -> str:
    """That the operation which made `v` has no derivative there, and what is taken; else ""."""
    op, (_, *x) = v.op, v.numbers or (0.0,)
    if op is None or not op.kink or not op.kink(*x, **op.constants):
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
    """True if the gradient of `f(*point)` agrees with differences at `point`.

    `f` takes one Value per number and gives a Value. The steps of the differences shrink until
    these converge, on one side alone where the other is outside the domain. `tolerance` is relative
    to the derivative; beyond it no more is forgiven than rounding hides. Raises GradientError
    naming the operand with both numbers, and saying so where it may be a kink: there the sides
    differ, and no slope is right.
    """
    tolerance = real("tolerance", tolerance, above=0)
    function("f", f, "a Value for each number of the point")
    coordinates: Any = point if is_listed(point) else [point]
    numbers = [number(x, "a coordinate of point") for x in coordinates]
    xs = [Value(x) for x in numbers]
    y = f(*xs)
    if not isinstance(y, Value):
        raise TypeError(f"gradcheck needs f to give a Value, got {type(y).__name__}")
    y.backward()

    def number_at(*point: float) -> float:
        try:
            return float(f(*map(Value, point)).data)
        except (ArithmeticError, ValueError):  # f refuses what is outside its domain
            return math.nan

    for i, (x, noise) in enumerate(zip(xs, _rounding(y, xs), strict=True)):
        differences = _differences(number_at, numbers, i, y.data, noise)
        trouble = _trouble(x.grad, differences, tolerance)
        if trouble:
            kinks = filter(None, map(convention, toposort(y))) if "kink" in trouble else ()
            raise GradientError(
                f"operand {i} at {numbers[i]!r}: backward gives {x.grad!r}, differences "
                + "; ".join(dict.fromkeys([trouble, *kinks]))
            )
    return True


def differences(f: Callable[..., float], point: Sequence[float]) -> list[float]:
    """df/dx for each number of `point` by differences, nan where these do not converge.

    `f` takes and gives plain numbers.

        >>> [round(slope, 9) for slope in differences(lambda x, y: x * y * y, [3.0, 2.0])]
        [4.0, 12.0]
    """
    y, found = f(*point), []
    for i in range(len(point)):
        estimates = [centre for *_, centre in _differences(f, point, i, y, 8 * math.ulp(y))]
        best = min(estimates, key=lambda estimate: estimate.error)
        close = best.error <= 1e-6 * max(abs(best.slope), abs(y) / _largest(point))
        found.append(best.slope if close else math.nan)
    return found


def _largest(point: Sequence[float]) -> float:
    return max([1.0, *map(abs, point)])


class _Estimate(NamedTuple):
    """A derivative, by how much the last extrapolation changed it, and what rounding may hide."""

    slope: float
    change: float
    rounding: float

    @property
    def error(self) -> float:
        return self.change + self.rounding

    def near(self, slope: float, tolerance: float) -> bool:
        return abs(slope - self.slope) <= tolerance * abs(self.slope) + self.error

    def sharp(self, slope: float, tolerance: float) -> bool:
        return self.error <= tolerance * max(abs(slope), abs(self.slope))


def _trouble(
    slope: float, differences: Iterable[tuple[_Estimate, _Estimate, _Estimate]], tolerance: float
) -> str:
    """What the differences say against a slope; "" if they agree."""
    best, sides, bent = _Estimate(math.nan, math.inf, 0.0), "give nan", math.inf
    for below, above, centre in differences:
        bend = abs(above.slope - below.slope)
        flat = 2 * (above.error + below.error) + tolerance * (abs(above.slope) + abs(below.slope))
        if math.isnan(bend):  # a side is outside the domain
            found = above if math.isnan(below.slope) else below
        elif flat < bend:
            sides = f"give {below.slope!r} below and {above.slope!r} above: this may be a kink"
            bent = bend
            continue
        else:  # if these converge, and show that a kink seen before lies beside x
            found = centre if flat < bent else centre._replace(change=math.inf)
        if sides == "give nan" and not math.isnan(found.slope):
            sides = "do not converge: this may be a kink, a jump or the edge of the domain"
        if math.isinf(found.change):
            continue
        if found.near(slope, tolerance) and found.sharp(slope, tolerance):
            return ""
        best = min(best, found, key=lambda estimate: estimate.error)
        if found.rounding > 100 * best.error and best.near(slope, tolerance):
            break
    if best.change > 10 * best.rounding and not best.sharp(best.slope, 0.01):
        return sides
    return "" if best.near(slope, tolerance) else f"give {best.slope!r}"


def _differences(
    f: Callable[..., float], point: Sequence[float], i: int, y: float, noise: float
) -> Iterator[tuple[_Estimate, _Estimate, _Estimate]]:
    """df/dx for number i from below, from above and from both, over ever smaller steps."""
    x, h = point[i], 2.0 ** (math.frexp(_largest(point))[1] - 2)

    def end(a: float) -> tuple[float, float]:
        return a, f(*point[:i], a, *point[i + 1 :])

    while h > (math.ulp(x) * 2**8 if x else 2.0**-60):
        ends = [(end(x - step), end(x + step)) for step in (h, h / 2, h / 4, h / 8)]
        below, above = ([(b - y) / (a - x) for a, b in side] for side in zip(*ends, strict=True))
        centre = [(d - b) / (c - a) for (a, b), (c, d) in ends]
        rounding = noise / (h / 8)
        of_side, of_both = 6 * rounding, 2 * rounding
        yield _limit(below, 2, of_side), _limit(above, 2, of_side), _limit(centre, 4, of_both)
        h /= 8


def _limit(quotients: list[float], ratio: int, rounding: float) -> _Estimate:
    """Quotients over steps that halve, extrapolated to 0 (Richardson 1911)."""
    change, factor = math.inf, ratio
    most = 0.1 * max(map(abs, quotients)) + 10 * rounding  # more is no convergence
    while len(quotients) > 1:
        finer = [b + (b - a) / (factor - 1) for a, b in pairwise(quotients)]
        change = max(abs(finer[-1] - a) for a in quotients[-2:])
        quotients, factor = finer, factor * ratio
    if not math.isfinite(change):
        return _Estimate(math.nan, math.inf, rounding)
    return _Estimate(quotients[0], change if change < most else math.inf, rounding)


def _rounding(y: Value, xs: Sequence[Value]) -> list[float]:
    """How far rounding may move y with each x: a last place of what moves, times its gradient.

    An operation counts as the functions of `m` that it is made of, where these can be told.
    """
    made: dict[Value, Value] = {}
    for v in toposort(y, leaves=True):
        operands: Any = [made[p] for p in v.parents]
        try:
            w: Any = v.op and v.op.value(on_values, *operands, **v.op.constants)
        except (ArithmeticError, AttributeError, TypeError, ValueError):  # it takes floats alone
            w = v.op and v.op(*operands)
        made[v] = w if isinstance(w, Value) else Value(v.data)
    steps = []  # a result, the parents that move it, and what a last place of it does to y
    for v, g in gradients(made[y]).items():
        slopes = v.local_derivatives()
        terms = [abs(s * a) for s, a in zip(slopes, v.numbers[1:], strict=True)]
        size = max(abs(v.data), sum(terms) if len(terms) > 2 else 0.0)  # of a dot, a sum
        movers = {p for p, slope in zip(v.parents, slopes, strict=True) if slope != 0}
        steps.append((v, movers, math.ulp(1.0) * size * abs(g)))
    found = []
    for x in xs:
        moving, moved = {made.get(x)}, [math.ulp(0.0), math.ulp(y.data)]
        for v, movers, move in steps:
            if not moving.isdisjoint(movers):
                moving.add(v)
                moved.append(move)
        found.append(sum(move for move in moved if math.isfinite(move)))
    return found
