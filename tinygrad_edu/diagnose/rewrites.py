"""Rewrites of slopes: what is written by mistake for a right one, and the name of the slip."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, Final, NamedTuple

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr, Symbol
from tinygrad_edu.namespace import floats

Slopes = tuple[Any, ...]

_OPERATORS: Final[dict[str, Callable[..., float]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "negative": lambda a: -a,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
#: Functions that are taken for one another.
_CONFUSED: Final = {
    "sin": "cos", "cos": "sin", "sinh": "cosh", "cosh": "sinh", "exp": "log", "log": "exp",
    "tanh": "sigmoid", "sigmoid": "tanh",
}  # fmt: skip


class Rewrite(NamedTuple):
    """A slip, and the slopes that it gives: expressions or numbers, one per operand."""

    slip: str
    slopes: Slopes


def evaluate(e: Any, numbers: Mapping[str, float]) -> float:
    """An expression where its symbols have these numbers.

    >>> x = expr.symbol("x")
    >>> evaluate(1 - x * x, {"x": 3.0})
    -8.0
    """
    if isinstance(e, Symbol):
        return numbers[e.name]
    if not isinstance(e, Expr):
        return float(e)
    function = _OPERATORS.get(e.op) or getattr(floats, e.op)
    return float(function(*[evaluate(a, numbers) for a in e.args]))


def rewrites(slopes: Slopes, value: Any, numbers: Mapping[str, str]) -> Iterator[Rewrite]:
    """What is written for the slopes of an operation, the simplest first.

    `value` is the symbol of its result; `numbers` maps the symbol of each number that may stand in
    a slope to another of its kind, "x1" to "g1", as what is taken for it.
    """
    n = len(slopes)
    for slip, change in _OF_ALL.items():
        yield Rewrite(slip, tuple(change(e, value) for e in slopes))
        for i, e in enumerate(slopes):
            yield Rewrite(slip, (*slopes[:i], change(e, value), *slopes[i + 1 :]))
    yield from _exchanged(slopes, numbers)
    for i, e in enumerate(slopes):
        for slip, wrong in _multiples(e):
            yield Rewrite(slip, (*slopes[:i], wrong, *slopes[i + 1 :]))
    if n == 2:
        total = Expr("+", slopes)
        yield Rewrite("wrong operand", slopes[::-1])
        yield Rewrite("wrong operand", (total, 0.0))
        yield Rewrite("wrong operand", (0.0, total))
    for i, e in enumerate(slopes):
        for slip, wrong in _of_parts(e):
            yield Rewrite(slip, (*slopes[:i], wrong, *slopes[i + 1 :]))


#: A slip in every slope of an operation, from the slope and the value.
_OF_ALL: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "sign": lambda e, y: _negative(e),
    "factor missing": lambda e, y: 1.0,
    "value for slope": lambda e, y: y,
}


def _negative(e: Any) -> Any:
    if isinstance(e, Expr):
        return e.args[0] if e.op == "negative" else Expr("negative", (e,))
    return -e


def _multiples(e: Any) -> Iterator[tuple[str, Any]]:
    """A slope that is not there, or too often."""
    yield "term missing", 0.0
    yield "factor doubled", Expr("*", (e, e))
    yield "constant factor", Expr("*", (2.0, e))
    yield "constant factor", Expr("*", (0.5, e))


def _exchanged(slopes: Slopes, numbers: Mapping[str, str]) -> Iterator[Rewrite]:
    """The same slopes at other numbers: y for x, the one operand for the other, grad for data.

    That a formula in y is taken at x, or one in x at y, is a place; a letter alone is an operand.
    """
    used = sorted({name for e in slopes for name in symbols(e)} & set(numbers))
    for names in product(sorted({*numbers, *numbers.values()}), repeat=len(used)):
        new = dict(zip(used, names, strict=True))
        if any(a != b for a, b in new.items()):
            place = (
                len(slopes) == 1 and not isinstance(slopes[0], Symbol) and {*names} <= {*numbers}
            )
            slip = "slope at the wrong place" if place else "wrong operand"
            yield Rewrite(slip, tuple(substituted(e, new) for e in slopes))


def _of_parts(e: Any) -> Iterator[tuple[str, Any]]:
    """One part of an expression less, or another."""
    if not isinstance(e, Expr) or not e.args:
        return
    if e.op in _WITHOUT:
        yield from _WITHOUT[e.op](*e.args)
    if e.op in _CONFUSED:
        yield "wrong slope", Expr(_CONFUSED[e.op], e.args)
    for i, a in enumerate(e.args):
        for slip, wrong in _of_parts(a):
            part = Expr(e.op, (*e.args[:i], wrong, *e.args[i + 1 :]))
            yield ("wrong slope" if e.op == "pow" else slip), part


def _squared_outside(a: Any, b: Any) -> list[tuple[str, Any]]:
    """(a - b)^2 for a - b^2."""
    if not isinstance(b, Expr) or b.op != "*" or not expr.same(*b.args):
        return []
    difference = Expr("-", (a, b.args[0]))
    return [("wrong slope", Expr("*", (difference, difference)))]


#: What is written for an operation, from its operands.
_WITHOUT: Final[dict[str, Callable[..., list[tuple[str, Any]]]]] = {
    "*": lambda a, b: [("factor missing", a), ("factor missing", b)],
    "divide": lambda a, b: [
        ("factor missing", a), ("wrong slope", Expr("*", (a, b))), ("wrong slope", b),
        ("wrong slope", Expr("divide", (b, a))),
    ],
    "+": lambda a, b: [("term missing", a), ("term missing", b), ("sign", Expr("-", (a, b)))],
    "-": lambda a, b: [
        ("term missing", b), ("term missing", a), ("term missing", Expr("negative", (b,))),
        ("sign", Expr("+", (a, b))), ("sign", Expr("-", (b, a))), *_squared_outside(a, b),
    ],
    "negative": lambda a: [("sign", a)],
    "pow": lambda a, b: [("wrong slope", a), ("wrong slope", 1.0)],
    "sqrt": lambda a: [("wrong slope", a)],
}  # fmt: skip


def symbols(e: Any) -> set[str]:
    """The names of the symbols of an expression."""
    if isinstance(e, Symbol):
        return {e.name}
    return {name for a in e.args for name in symbols(a)} if isinstance(e, Expr) else set()


def substituted(e: Any, new: Mapping[str, str]) -> Any:
    """The expression with other symbols."""
    if isinstance(e, Symbol):
        return expr.symbol(new.get(e.name, e.name))
    if not isinstance(e, Expr):
        return e
    return Expr(e.op, tuple(substituted(a, new) for a in e.args))
