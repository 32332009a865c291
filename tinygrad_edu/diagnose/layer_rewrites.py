"""Slips as rewrites of an array of a net: slopes, weights that are already new, sums cut short."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Final

import numpy as np

from tinygrad_edu import expr, functions
from tinygrad_edu.diagnose.equations import Equations, Slope, places
from tinygrad_edu.diagnose.rewrites import (
    COMMON,
    FITTED,
    FREE,
    INSTEAD,
    ODD,
    RARER,
    Alike,
    Rewrite,
    fitted,
    local,
    mentions,
    operands,
)
from tinygrad_edu.engine import Value
from tinygrad_edu.expr import Expr, Symbol
from tinygrad_edu.vectorize.algebra import exchanged, names, opened, settled

#: Functions of one number, whose slopes are taken for one another.
_FUNCTIONS: Final = (
    "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu",
    "atan", "erf", "sin",
)  # fmt: skip
_PLACE: Final = "slope at the wrong place"
_AT: Final = "the slope is taken at {0}, not at {1}"
_FOR_SLOPE: Final = "{0} stands where the slope {1} belongs"


def rewrites(place: str, equations: Equations, shown: Collection[str]) -> Iterator[Rewrite]:
    """What may have been written for an array, where the arrays `shown` are the student's own."""
    x, slope = equations.all[place], equations.slopes.get(place)
    alike = equations.alike(place)
    yield from fitted(x)
    if slope is None or x.op == "where":
        for form in equations.forms(x, shown):
            for r in _of_form(form, equations, alike):
                wrong = r.slip == "other" and slope is not None
                yield r._replace(slip="wrong slope") if wrong else r
    if slope is not None:
        for form in equations.forms(slope.error, shown):
            yield from _times(_of_form(form, equations, alike), slope.x)
        yield from _times(_other_errors(slope, equations, alike, shown), slope.x)
        yield from _times(slopes_instead(slope, alike), slope.error, first=True)
        match slope.error:
            case Expr(op="@", args=(d, w)):
                says = "the slope {0} is multiplied in before the weights, not after"
                yield Rewrite(Expr("@", (d * slope.x, w)), _PLACE, says, (slope.x,))
    elif place.startswith("delta"):
        yield from _added_slopes(x, expr.symbol(f"Z{place[5:]}"))
    yield from _of_targets(x)
    yield from _of_definitions(x, equations, alike)
    yield from _stale(x, equations)
    yield from _of_sums(place, x, equations)
    yield from _whole(place, x, equations, alike)


def _times(found: Iterable[Rewrite], factor: Any, *, first: bool = False) -> Iterator[Rewrite]:
    """The rewrites of one factor, with the other after it, or before."""
    for r in found:
        yield r._replace(x=Expr("*", (factor, r.x) if first else (r.x, factor)))


def _of_form(x: Any, equations: Equations, alike: Alike) -> Iterator[Rewrite]:
    yield from local(x)
    yield from fitted(x)
    for r in operands(x, alike):
        new, own = r.parts
        is_value = own.name[0] == "V" and isinstance(new, Symbol)
        is_value = is_value and own.name in equations.behind(new.name)
        yield r._replace(slip="value for slope") if is_value else r


def _value_and_slope(name: str, z: Any, a: Any = None) -> tuple[Any, Any]:
    """An activation of z, and its slope as written for z and a."""
    record = getattr(functions, name)(Value(0.5)).op
    value = record.value(expr, z, **record.constants)
    (slope,) = record.slopes(expr, value if a is None else a, z, **record.constants)
    return value, settled(opened(slope))


# fmt: off
def slopes_instead(slope: Slope, alike: Alike) -> Iterator[Rewrite]:
    """What stands in the place of a slope."""
    own, name, z, a, _ = slope
    of = f"the slope of {name}"
    yield Rewrite(1.0, "factor missing", f"the factor {{0}}, {of}, is missing", (own,))
    yield Rewrite(own * own, "factor doubled", f"{{0}}, {of}, stands there twice", (own,))
    for other in _FUNCTIONS:
        says = f"{{0}}, the slope of {other}, stands where that of {name}, {{1}}, belongs"
        for given in (a, None) if other != name else ():
            _, new = _value_and_slope(other, z, given)
            yield Rewrite(new, "wrong slope", says, (new, own), 1.05)  # which may be 1 everywhere
            if new.op == "where":
                yield Rewrite(FREE * new, "wrong slope", "{free} * " + says, (new, own), FITTED, "number")
    for r in local(own):
        yield r._replace(slip="wrong slope", says=f"in {of} {r.says}", cost=r.cost + 0.25)
    odd = [expr.exp(z), expr.exp(-z), expr.divide(1.0, expr.cosh(z)), (1.0 - a) * (1.0 - a)]
    for case, put in _cases(own):
        yield Rewrite(put(a), "value for slope", INSTEAD, (a, case))
        odd.append(put(z))
    for new in odd:
        yield Rewrite(new, "wrong slope", _FOR_SLOPE, (new, own), RARER)
    if (b := f"b{z.name[1:]}") in alike:
        without = z - expr.symbol(b)
        yield Rewrite(exchanged(own, {z.name: without}), _PLACE, _AT, (without, z), RARER)
    for v in (a, z):
        yield Rewrite(v, "value for slope", _FOR_SLOPE, (v, own), 0.75)
    if name in _FUNCTIONS:
        again, there = _value_and_slope(name, a)
        yield Rewrite(there, _PLACE, _AT, (a, z))
        yield Rewrite(again, "value for slope", _FOR_SLOPE, (again, own), RARER)
    for v in map(expr.symbol, dict.fromkeys((*alike.get(z.name, ()), *alike.get(a.name, ())))):
        near = COMMON if v.name[0] in "ZA" else RARER
        for one in (a, z):
            if v.name != one.name:
                for new in (exchanged(own, {one.name: v}), *[put(v) for put in mentions(own, one.name)]):
                    yield Rewrite(new, _PLACE, _AT, (v, one), near)
        yield Rewrite(v, "value for slope", _FOR_SLOPE, (v, own), ODD)
    yield from (r for r in fitted(own) if r.free == "number")


def _cases(x: Any) -> list[tuple[Any, Callable[[Any], Any]]]:
    """The cases of a choice that are no mere numbers, and what puts something in their place."""
    cases = x.args[1:] if isinstance(x, Expr) and x.op == "where" else ()
    known = {id(a) for a in cases if isinstance(a, Expr)}
    return [(a, put) for a, put in places(x) if id(a) in known]


def _added_slopes(x: Any, z: Symbol) -> Iterator[Rewrite]:
    """A slope where there is none: it has cancelled."""
    p = expr.softmax(z)
    slopes = {"softmax": p * (1.0 - p), **{f: _value_and_slope(f, z)[1] for f in _FUNCTIONS}}
    for name, slope in slopes.items():
        says = f"it is multiplied by {{0}}, the slope of {name}, which is not there"
        yield Rewrite(x * slope, "factor doubled", says, (slope,))


def _of_targets(x: Any) -> Iterator[Rewrite]:
    """The part of the right class alone, or of the others."""
    found = [a for a, _ in places(x) if isinstance(a, Expr) and (a.op == "onehot" or str(a) == "Y")]
    for target in {str(a): a for a in found}.values():
        for part in (target, 1.0 - target):
            yield Rewrite(x * part, "term missing", "only the part where {0} is 1 is there", (part,), RARER)


def _other_errors(
    slope: Slope, equations: Equations, alike: Alike, shown: Collection[str]
) -> Iterator[Rewrite]:
    """The error of another layer written with numbers of this one; a multiple of an array."""
    for other in equations.slopes.values():
        if other.z.name != slope.z.name:
            x = equations.written_out(other.error, shown)
            x = exchanged(x, {other.a.name: slope.a, other.z.name: slope.z})
            yield Rewrite(x, "wrong operand", INSTEAD, (x, slope.error), RARER)
    for name in dict.fromkeys(names(slope.error)):
        for other_name in alike.get(name, ()) if name[0] in "dV" else ():
            is_value = name in equations.behind(other_name)
            slip = "value for slope" if is_value else "wrong operand"
            v = expr.symbol(other_name)
            new = exchanged(slope.error, {name: FREE * v})
            parts = (v, expr.symbol(name))
            yield Rewrite(new, slip, "{free} * " + INSTEAD, parts, FITTED, "number")


def _of_definitions(x: Any, equations: Equations, alike: Alike) -> Iterator[Rewrite]:
    """An adjoint that was made otherwise where this equation uses it."""
    for name in dict.fromkeys(names(x)):
        if name in equations.backward:
            inner = [*local(equations.all[name])]
            if slope := equations.slopes.get(name):
                inner += _times(slopes_instead(slope, alike), slope.error, first=True)
                inner += _times(local(slope.error), slope.x)
            for r in inner:
                says = f"in the {name} that is used here, {r.says}"
                yield r._replace(x=exchanged(x, {name: r.x}), says=says, cost=r.cost + 1)


def _stale(x: Any, equations: Equations) -> Iterator[Rewrite]:
    """Weights that were already updated, at any rate."""
    for name in dict.fromkeys(names(x)):
        if f"d{name}" in equations.backward:
            gradient = equations.all[f"d{name}"]
            terms = gradient.args if gradient.op == "+" else ()
            for step in (expr.symbol(f"d{name}"), *terms):
                stale = exchanged(x, {name: expr.symbol(name) - FREE * step})
                says = f"{name} was already updated when it was used, at rate {{free}}"
                yield Rewrite(stale, "stale weights", says, (), COMMON, "rate")


def _of_sums(place: str, x: Any, equations: Equations) -> Iterator[Rewrite]:
    """Sums over the examples, or over units, in which some count for nothing or more often."""
    for name in dict.fromkeys(names(x)):
        a = equations.true.get(name)
        if name not in equations.backward or not isinstance(a, np.ndarray):
            continue
        for axis, what in enumerate(("example", "unit")):
            is_summed = axis == 1 or place.startswith(("dW", "db"))
            for slip, says, weights in _weights(np.arange(a.shape[axis])) if is_summed else ():
                given = Expr("given", (1.0 * np.expand_dims(weights, 1 - axis),))
                new = exchanged(x, {name: expr.symbol(name) * given})
                yield Rewrite(new, slip, says.format(what), (), RARER)


def _weights(k: Any) -> Iterator[tuple[str, str, Any]]:
    """How often each of the summands counts, from their numbers."""
    running = "the sum of the {}s before is added at each step: it is not reset"
    yield "overwritten", "only the last {} is left: = stands where += belongs", k == len(k) - 1
    yield "term missing", "only the first {} is there", k == 0
    yield "term missing", "the last {} is missing", k < len(k) - 1
    yield "term missing", "the first {} is missing", k > 0
    yield "term missing", "the second half of the {}s is missing", k < len(k) // 2
    yield "not reset", running, k[::-1] + 1
    yield "not reset", running, k + 1


def _whole(place: str, x: Any, equations: Equations, alike: Alike) -> Iterator[Rewrite]:
    """Another array, a term too many, one number everywhere."""
    is_bias, used = place.startswith("db"), [n for n in names(x) if n in equations.backward]

    def slip(of_others: str) -> str:
        return "bias" if is_bias else of_others

    for v in map(expr.symbol, alike.get(place, ())):
        yield Rewrite(v, slip("factor missing" if v.name in used else "wrong operand"), "it is {0}", (v,), RARER)
        yield Rewrite(x * v, slip("factor doubled"), "it is multiplied by {0}", (v,), RARER)
        if v.name in equations.backward:
            yield Rewrite(equations.all[v.name], "order", "it is what {0} should be: the two changed places", (v,), RARER)
            yield Rewrite(x + v, "not reset", "{0} is still in it", (v,), RARER)
        if v.name[0] in "Wb":
            yield Rewrite(x + FREE * v, slip("other"), "a term {free} * {0} is added", (v,), FITTED, "number")
        elif not place.startswith(("dW", "db")):
            is_value = "value for slope" if v.name[0] in "VL" else "wrong operand"
            yield Rewrite(FREE * v, is_value, "it is {free} * {0}", (v,), ODD, "number")
    for k in range(1, 7):
        yield Rewrite(Expr("rounded", (x, k)), "other", f"it is rounded to {k} decimals", (), ODD + 0.1 * k)
    for bound in (10.0, 5.0, 2.0, 1.0, 0.5, 0.1, 0.01, 0.001):
        yield Rewrite(Expr("clipped", (x, bound)), "other", f"it is clipped at {bound:g}", (), ODD)
    ones = FREE * Expr("ones", (expr.symbol(place),))
    yield Rewrite(x + ones, slip("other"), "{free} is added everywhere", (), ODD, "number")
    yield Rewrite(ones, slip("factor missing"), "it is {free} everywhere", (), ODD, "number")
    if place.startswith("dW") and x.op == "@" and x.args[0].op == "T":
        (d,), w = x.args[0].args, expr.symbol(place[1:])
        yield Rewrite(expr.T(expr.total(d)) * w, "wrong operand", INSTEAD, (w, x.args[1]), RARER)
    if is_bias and x.op == "total":
        for v in map(expr.symbol, {m for n in names(x.args[0]) for m in alike.get(n, ())}):
            yield Rewrite(expr.total(x.args[0] * v), "bias", "{0} is multiplied in as for a weight", (v,), RARER)
    if is_bias and f"dW{place[2:]}" in equations.all:
        w = expr.symbol(f"dW{place[2:]}")
        yield Rewrite(Expr("by_rows", (w,)), "bias", "it is made of {0}", (w,), RARER)
# fmt: on
