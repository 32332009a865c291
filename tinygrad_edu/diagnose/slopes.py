"""What is wrong with the slopes of an operation, beside the derivative of its value."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu import expr
from tinygrad_edu.calculus import differences
from tinygrad_edu.checks import instance, listed, row
from tinygrad_edu.diagnose.diagnosis import Diagnosis
from tinygrad_edu.diagnose.equations import number_of
from tinygrad_edu.diagnose.rewrites import of_slopes
from tinygrad_edu.engine import Primitive, Value, functions, grad, primitives, toposort
from tinygrad_edu.namespace import floats
from tinygrad_edu.text import clean, short

#: Where operations are looked at: some of these are in the domain of most.
_POOL: Final = (0.7, -1.3, 2.1, 0.35, -0.45, 1.6, 3.2, -2.4)
_TOLERANCE: Final = 1e-6
#: What functions raise that are written wrong.
_RAISED: Final = (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError)


class _Look(NamedTuple):
    """An operation at a point: its number, the slopes that it gives, the true ones."""

    x: tuple[float, ...]
    y: float
    given: list[float]
    true: list[float]


def diagnose_slopes(
    primitive: Primitive, points: Iterable[Iterable[float]] | None = None
) -> Diagnosis:
    """What is wrong with the slopes of an operation: of which operand, and which slip.

    The slopes are compared with the derivative of the value: by the chain rule if the value is
    written over `m`, by differences if it is not. `points` are rows with a number for each operand,
    where some are looked at that suit most functions unless given; at kinks nothing is looked at.

    Raises TypeError unless it is a Primitive, ValueError if less than two points are in its domain.

    >>> wave = Primitive("wave", lambda m, x: m.sin(x * x), lambda m, y, x: (m.cos(x * x),))
    >>> print(diagnose_slopes(wave))
    wave at x = 0.7: ...: the inner derivative d(x**2)/d(x) is missing
    """
    instance("primitive", primitive, Primitive, "an operation, made with @primitive")
    n, size = _operands(primitive), len(_POOL)
    rows = [[_POOL[(k + 3 * i) % size] for i in range(n)] for k in range(size)]
    if points is not None:
        given = listed("points", points, "rows")
        rows = [row(f"points[{k}]", numbers, n) for k, numbers in enumerate(given)]
    try:
        looks = [look for numbers in rows if (look := _look(primitive, tuple(numbers)))]
    except _SlopesError as error:
        return Diagnosis(False, "slopes", "raises", str(error))
    if len(looks) < 2:
        raise ValueError(
            f"{primitive.name} has no finite slope at most of the points: write points=[[3.0], "
            "[4.0]], two at least, with numbers from its domain"
        )
    for i in range(len(looks[0].x)):
        if not all(_same(look.given[i], look.true[i]) for look in looks):
            return _diagnosis(primitive, looks, i)
    said = f"the slopes of {clean(primitive.name)} are right at {len(looks)} points"
    return Diagnosis(True, "", "", said)


class _SlopesError(Exception):
    """The slopes cannot be asked."""


def _operands(op: Primitive) -> int:
    """How many operands an operation takes; of any number three."""
    code = op.value.__code__
    names = code.co_varnames[1 : code.co_argcount]
    return len([name for name in names if name not in op.constants]) or 3


def _look(op: Primitive, x: tuple[float, ...]) -> _Look | None:
    """The operation at a point, None where it has no finite slopes."""
    y = float(op.value(floats, *x, **op.constants))
    if not math.isfinite(y) or (op.kink and op.kink(*x, **op.constants)):
        return None
    try:
        given = op.slopes(floats, y, *x, **op.constants)
        op.check(given, len(x))
    except _RAISED as error:
        said = clean(str(error), 120)
        raise _SlopesError(f"the slopes raise {type(error).__name__}: {said}") from error
    graph = _graph(op, x)
    if graph is not None:
        true = [v.data for v in graph[2]]
    else:
        true = differences(lambda *a: float(op.value(floats, *a, **op.constants)), x)
    return _Look(x, y, list(map(float, given)), true) if all(map(math.isfinite, true)) else None


def _graph(op: Primitive, x: Sequence[float]) -> tuple[list[Value], Value, list[Value]] | None:
    """The leaves at a point, the value over them, its derivatives; None if it is none over `m`."""
    leaves = [Value(a) for a in x]
    try:
        made = op.value(functions, *leaves, **op.constants)
        return leaves, made, grad(made, leaves)
    except _RAISED:
        return None


#: Formulas over the operands, by what they are.
_Formulas = dict[str, Any]


def _formulas(op: Primitive, x: Sequence[float], i: int) -> tuple[list[Any], _Formulas, _Formulas]:
    """The derivatives of a value, those by operand `i` of what it is made of, and parts of its own.

    There are none if the value is not written over `m`.
    """
    graph = _graph(op, x)
    if graph is None:
        return [], {}, {}
    leaves, made, derivatives = graph
    inside, letters = toposort(made)[-2::-1], _letters(len(leaves))
    slopes = [grad(u, leaves[i]) for u in inside]
    known: dict[Value, Any] = dict(zip(leaves, map(expr.symbol, letters), strict=True))
    for u in toposort(made, *derivatives, *slopes, leaves=True):
        if u not in known:
            operands = [known[p] for p in u.parents]
            known[u] = u.op.value(expr, *operands, **u.op.constants) if u.op else u.data
    names = [f"d({expr.text(known[u])})/d({letters[i]})" for u in inside]
    inner = {name: known[v] for name, v in zip(names, slopes, strict=True)}
    parts = [known[u] for u in toposort(derivatives[i], leaves=True)]
    return [known[v] for v in derivatives], inner, {expr.text(part): part for part in parts}


def _letters(n: int) -> list[str]:
    return ["x"] if n == 1 else [f"x{i + 1}" for i in range(n)]


def _same(a: Any, b: Any) -> bool:
    near = np.isclose(a, b, rtol=_TOLERANCE, atol=_TOLERANCE * 1e-3)
    return bool(near.all())


def _diagnosis(op: Primitive, looks: list[_Look], i: int) -> Diagnosis:
    """What is wrong with the slope of operand `i`."""
    letters = _letters(len(looks[0].x))
    look = next(look for look in looks if not _same(look.given[i], look.true[i]))
    at = ", ".join(f"{a} = {short(b)}" for a, b in zip(letters, look.x, strict=True))
    told = [look for look in looks if look.given[i] or look.true[i]]  # where they are not both 0
    with np.errstate(all="ignore"):
        found = _candidates(op, told if len(told) > 1 else looks, i)
        slip, says = next(
            (what for *what, a, b in found if _same(a, b)),
            ("unknown", "no slip that is known gives these numbers"),
        )
    said = (
        f"{clean(op.name)} at {at}: the slope by {letters[i]} is {short(look.given[i])}, and right "
        f"is {short(look.true[i])}: {says}"
    )
    where = f"slope by {letters[i]}"
    return Diagnosis(False, where, slip, said, numbers=(where, look.given[i], look.true[i]))


def _candidates(op: Primitive, looks: list[_Look], i: int) -> Iterator[tuple[str, str, Any, Any]]:
    """Slips, the simplest first, what to say of each, and numbers that are equal if it was made."""
    given, true = (np.array([k.given[i] for k in looks]), np.array([k.true[i] for k in looks]))
    value, letters = np.array([look.y for look in looks]), _letters(len(looks[0].x))
    operands = {a: np.array([look.x[j] for look in looks]) for j, a in enumerate(letters)}
    ratios, own, x = true / given, letters[i], operands[letters[i]]
    yield "sign", "the sign is wrong", given, -true
    yield "term missing", "nothing is passed on to this operand", given, 0.0
    yield "value for slope", "the function stands where its derivative belongs", given, value
    for j, a in enumerate(letters):
        if j != i:
            yield "wrong operand", f"this is the slope by {a}", given, [k.true[j] for k in looks]
    for says, at in (
        (f"it is right where {own} is written for y", (x, x)),
        (f"it is right where y is written for {own}", (value, value)),
        (f"it is right where y and {own} are exchanged", (x, value)),
    ):
        yield "slope at the wrong place", says, true, _slopes_at(op, looks, i, *at)
    right = np.isclose(given, true, _TOLERANCE, _TOLERANCE)
    if right.sum() > 2:  # on one side of a kink
        says = f"it is right at {own} = {short(x[right][0])}: a condition is missing, m.where(...)"
        yield "factor missing", says, 0.0, 0.0
    yield "constant factor", f"the factor {short(ratios[0])} is missing", ratios, ratios[0]
    at_looks = [{"y": k.y, **dict(zip(letters, k.x, strict=True))} for k in looks]

    def numbers_of(formula: Any) -> Any:
        return np.array([number_of(formula, names) for names in at_looks])

    derivatives, *others = _formulas(op, looks[0].x, i)
    inner, parts = ({text: numbers_of(x) for text, x in formulas.items()} for formulas in others)
    known = {**operands, "y": value, **parts}
    for text, numbers in inner.items():
        yield "factor missing", f"the inner derivative {text} is missing", ratios, numbers
    for text, numbers in known.items():
        yield "factor missing", f"the factor {text} is missing", ratios, numbers
    for text, numbers in known.items():
        yield "factor doubled", f"the factor {text} is there once too often", given / true, numbers
    for text, numbers in {**parts, **inner}.items():
        for missing in (numbers, -numbers):
            yield "term missing", f"the term {text} is missing", true - given, missing
    for text, numbers in known.items():
        c = (ratios / numbers)[0]
        yield "factor missing", f"the factor {short(c)} * {text} is missing", ratios, c * numbers
    for name, other in primitives.items():
        if len(letters) == 1 and other.of_one is vars(Value).get(name):
            slopes = [other.slopes(floats, other.value(floats, *k.x), *k.x)[0] for k in looks]
            yield "wrong slope", f"this is the slope of {name}", given, slopes
    letter_of = {"y": "y", **{a: a for a in letters}} if len(letters) < 3 else {}
    found = of_slopes(tuple(derivatives), expr.symbol("y"), letter_of) if derivatives else ()
    for slip, wrong in found:
        says = f"{expr.text(wrong[i])} stands where {expr.text(derivatives[i])} belongs"
        yield slip, says, given, numbers_of(wrong[i])


def _slopes_at(op: Primitive, looks: list[_Look], i: int, y: Any, x: Any) -> list[float]:
    """The slopes by operand `i` that an operation gives at other numbers for it and the result."""
    return [
        float(op.slopes(floats, b, *look.x[:i], a, *look.x[i + 1 :], **op.constants)[i])
        for look, b, a in zip(looks, map(float, y), map(float, x), strict=True)
    ]
