"""The slopes of students' operations, what is written by mistake for them, and the slips' names."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, Final, NamedTuple

from tinygrad_edu import expr
from tinygrad_edu.engine import primitives
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
#: The operations of students' engines, and how they are written there.
SIGNS: Final = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "negative": "-",
}  # fmt: skip
#: Of these two operands, others of one.
OF_TWO: Final = ("add", "subtract", "multiply", "divide")
#: Functions of one number that students give their engines, by the names of their methods.
FUNCTIONS: Final = (
    "exp", "log", "tanh", "relu", "sigmoid", "sin", "cos", "sqrt", "softplus", "silu",
)  # fmt: skip


def _slopes() -> dict[str, Slopes]:
    """Of each operation its slopes as expressions of y, x1, x2 and c."""
    y, x1, x2, c = map(expr.symbol, ("y", "x1", "x2", "c"))
    of_two = {name: primitives[name].slopes(expr, y, x1, x2) for name in OF_TWO}
    of_one = {name: primitives[name].slopes(expr, y, x1) for name in ("negative", *FUNCTIONS)}
    power = {"power": (c * expr.pow(x1, c - 1),)}
    return {**of_two, **of_one, **power}


#: Of each operation the slopes, as expressions.
SLOPES: Final = _slopes()


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
    for slip, change in _OF_ALL.items():
        yield Rewrite(slip, tuple(change(e, value) for e in slopes))
        for i, e in enumerate(slopes):
            yield Rewrite(slip, (*slopes[:i], change(e, value), *slopes[i + 1 :]))
    yield from _exchanged(slopes, numbers)
    if len(slopes) == 2:
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
    "constant factor": lambda e, y: Expr("*", (2.0, e)),
    "term missing": lambda e, y: 0.0,
    "factor doubled": lambda e, y: Expr("*", (e, e)),
}


def _negative(e: Any) -> Any:
    if isinstance(e, Expr):
        return e.args[0] if e.op == "negative" else Expr("negative", (e,))
    return -e


def _exchanged(slopes: Slopes, numbers: Mapping[str, str]) -> Iterator[Rewrite]:
    """The same slopes at other numbers: y for x, the one operand for the other, grad for data.

    That a formula in y is taken at x, or one in x at y, is a place; a letter alone is an operand.
    """
    used = sorted({name for e in slopes for name in symbols(e)} & set(numbers))
    of_formula = len(slopes) == 1 and not isinstance(slopes[0], Symbol)
    for names in product([*numbers, *numbers.values()], repeat=len(used)):
        new = dict(zip(used, names, strict=True))
        if any(a != b for a, b in new.items()):
            place = of_formula and {*names} <= {*numbers}
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
    "*": lambda a, b: [
        ("factor missing", a), ("factor missing", b), ("wrong slope", Expr("+", (a, b))),
        ("wrong slope", Expr("divide", (a, b))), ("wrong slope", Expr("-", (a, b))),
    ],
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


def plausible(slopes: Slopes) -> Iterator[Rewrite]:
    """Simple functions of x or y, as they come to mind for a slope."""
    (e,) = slopes
    letters = {"x1", "y"} | ({"c"} & symbols(e))
    for name in sorted(letters):
        s = expr.symbol(name)
        inverse = Expr("divide", (1.0, s))
        for base in (s, s * s, inverse, inverse * inverse, 1 - s, 1 + s, 1 - s * s, s * (1 - s)):
            for k in (1.0, -1.0, 2.0, 0.5, -0.5):
                yield Rewrite("wrong slope", (Expr("*", (k, base)) if k != 1 else base,))
    yield Rewrite("constant factor", (Expr("*", (0.5, e)),))
    y, x = expr.symbol("y"), expr.symbol("x1")
    yield Rewrite("wrong slope", (y * expr.log(x),))


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


def written_slope(e: Any) -> str:
    """A slope as it is written in a class of a student's."""
    return expr.show(e, letters=lambda name: _LETTERS[name])


_LETTERS: Final = {
    "y": "out.data", "gy": "out.grad", "x1": "self.data", "g1": "self.grad", "x2": "other.data",
    "g2": "other.grad", "c": "c",
}  # fmt: skip
