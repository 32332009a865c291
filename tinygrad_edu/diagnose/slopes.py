"""What is wrong with the slopes of an operation, beside the derivative of its value."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

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
    """An operation at a point: its number, the slopes that it gives, the true ones.

    For each operand `inner` and `parts` have numbers by what they are: derivatives of what the
    value is made of, and what the derivative is made of; `formulas` are the derivatives.
    """

    x: tuple[float, ...]
    y: float
    given: tuple[float, ...]
    true: tuple[float, ...]
    inner: tuple[dict[str, float], ...]
    parts: tuple[dict[str, float], ...]
    formulas: tuple[Any, ...]


def diagnose_slopes(
    primitive: Primitive, points: Iterable[Iterable[float]] | None = None
) -> Diagnosis:
    """What is wrong with the slopes of an operation: of which operand, and which slip.

    The slopes are compared with the derivative of the value: by the chain rule if the value is
    written over `m`, by differences if it is not. `points` are rows with a number for each operand,
    where some are looked at that suit most functions unless given; at kinks nothing is looked at.

    Raises TypeError unless it is a Primitive, ValueError if less than two points are in its domain.

        diagnose_slopes(cube)
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
        if not _same([look.given[i] for look in looks], [look.true[i] for look in looks]):
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
    leaves = [Value(a) for a in x]
    inner: tuple[dict[str, float], ...]
    parts: tuple[dict[str, float], ...]
    formulas: tuple[Any, ...]
    try:
        made = op.value(functions, *leaves, **op.constants)
        derivatives = grad(made, leaves)
    except _RAISED:  # its value is not written over m
        true = differences(lambda *a: float(op.value(floats, *a, **op.constants)), x)
        inner, parts, formulas = ({},) * len(x), ({},) * len(x), ()
    else:
        true = [v.data for v in derivatives]
        formula = _formulas(leaves)
        formulas = tuple(map(formula, derivatives))

        def text(v: Value) -> str:
            return expr.text(formula(v))

        inner = tuple(
            {f"d({text(u)})/d({text(leaf)})": grad(u, leaf).data for u in toposort(made)[-2::-1]}
            for leaf in leaves
        )
        parts = tuple({text(u): u.data for u in toposort(v, leaves=True)} for v in derivatives)
    look = _Look(x, y, tuple(map(float, given)), tuple(true), inner, parts, formulas)
    return look if all(map(math.isfinite, look.true)) else None


def _formulas(leaves: Sequence[Value]) -> Callable[[Value], Any]:
    """What gives the formula of a node over the operands of an operation."""
    letters = map(expr.symbol, _letters(len(leaves)))
    known: dict[Value, Any] = dict(zip(leaves, letters, strict=True))

    def formula(v: Value) -> Any:
        for u in toposort(v, leaves=True):
            if u not in known:
                op, operands = u.op, [known[p] for p in u.parents]
                known[u] = u.data if op is None else op.value(expr, *operands, **op.constants)
        return known[v]

    return formula


def _letters(n: int) -> list[str]:
    return ["x"] if n == 1 else [f"x{i + 1}" for i in range(n)]


def _same(a: Iterable[float], b: Iterable[float]) -> bool:
    pairs = zip(a, b, strict=True)
    return all(math.isclose(p, q, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE * 1e-3) for p, q in pairs)


def _diagnosis(op: Primitive, looks: list[_Look], i: int) -> Diagnosis:
    """What is wrong with the slope of operand `i`."""
    n = len(looks[0].x)
    letter = _letters(n)[i]
    look = next(look for look in looks if not _same([look.given[i]], [look.true[i]]))
    at = ", ".join(f"{a} = {short(b)}" for a, b in zip(_letters(n), look.x, strict=True))
    slip, says = next(
        _slips(op, looks, i), ("unknown", "no slip that is known gives these numbers")
    )
    said = (
        f"{clean(op.name)} at {at}: the slope by {letter} is {short(look.given[i])}, and right is "
        f"{short(look.true[i])}: {says}"
    )
    return Diagnosis(False, f"slope by {letter}", slip, said)


def _slips(op: Primitive, looks: list[_Look], i: int) -> Iterator[tuple[str, str]]:
    """The slips that give these slopes, the simplest first, and what to say of each."""
    told = [look for look in looks if look.given[i] or look.true[i]]  # where they are not both 0
    looks = told if len(told) > 1 else looks
    given, true = [look.given[i] for look in looks], [look.true[i] for look in looks]
    letters = _letters(len(looks[0].x))
    ratios = [floats.divide(t, s) for s, t in zip(given, true, strict=True)]
    inverse = [floats.divide(s, t) for s, t in zip(given, true, strict=True)]
    rest = [t - s for s, t in zip(given, true, strict=True)]
    operands = {a: [look.x[j] for look in looks] for j, a in enumerate(letters)}
    value = [look.y for look in looks]
    if _same(given, [-t for t in true]):
        yield "sign", "the sign is wrong"
    if not any(given):
        yield "term missing", "nothing is passed on to this operand"
    if _same(given, value):
        yield "value for slope", "the function stands where its derivative belongs"
    for j, a in enumerate(letters):
        if j != i and _same(given, [look.true[j] for look in looks]):
            yield "wrong operand", f"this is the slope by {a}"
    for says, y, x in (
        (
            f"it is right where {letters[i]} is written for y",
            look_x := operands[letters[i]],
            look_x,
        ),
        (f"it is right where y is written for {letters[i]}", value, value),
        (f"it is right where y and {letters[i]} are exchanged", look_x, value),
    ):
        if _same(true, _slopes_at(op, looks, i, y, x)):
            yield "slope at the wrong place", says
    if _same(ratios, ratios[:1] * len(ratios)):
        yield "constant factor", f"the factor {short(ratios[0])} is missing"
    inner = _columns([look.inner[i] for look in looks])
    parts = _columns([look.parts[i] for look in looks])
    for text, numbers in inner.items():
        if _same(ratios, numbers):
            yield "factor missing", f"the inner derivative {text} is missing"
    known = {**operands, "y": value, **parts}
    for text, numbers in known.items():
        if _same(ratios, numbers):
            yield "factor missing", f"the factor {text} is missing"
    for text, numbers in known.items():
        if _same(inverse, numbers):
            yield "factor doubled", f"the factor {text} is there once too often"
    for text, numbers in {**parts, **inner}.items():
        if _same(rest, numbers) or _same(rest, [-a for a in numbers]):
            yield "term missing", f"the term {text} is missing"
    for text, numbers in known.items():
        c = floats.divide(ratios[0], numbers[0])
        if _same(ratios, [c * a for a in numbers]):
            yield "factor missing", f"the factor {short(c)} * {text} is missing"
    for name, other in primitives.items():
        of_one = len(letters) == 1 and other.of_one is vars(Value).get(name)
        if of_one and _same(given, [other.slopes(floats, other.value(floats, *look.x), *look.x)[0]
                                    for look in looks]):  # fmt: skip
            yield "wrong slope", f"this is the slope of {name}"
    yield from _rewritten(looks, i)


def _columns(rows: list[dict[str, float]]) -> dict[str, list[float]]:
    """What has a number in every row."""
    return {k: [row[k] for row in rows] for k in rows[0] if all(k in row for row in rows)}


def _rewritten(looks: list[_Look], i: int) -> Iterator[tuple[str, str]]:
    """Rewrites of the true derivative that give the slope by operand `i`."""
    letters, formulas = _letters(len(looks[0].x)), looks[0].formulas
    numbers = {"y": "y", **{a: a for a in letters}} if len(letters) < 3 else {}
    for slip, wrong in of_slopes(formulas, expr.symbol("y"), numbers) if formulas else ():
        found = [
            number_of(wrong[i], {"y": look.y, **dict(zip(letters, look.x, strict=True))})
            for look in looks
        ]
        if _same(found, [look.given[i] for look in looks]):
            written, right = expr.text(wrong[i]), expr.text(formulas[i])
            yield slip, f"{written} stands where {right} belongs"


def _slopes_at(
    op: Primitive, looks: list[_Look], i: int, y: list[float], x: list[float]
) -> list[float]:
    """The slopes by operand `i` that an operation gives at other numbers for it and the result."""
    return [
        float(op.slopes(floats, b, *look.x[:i], a, *look.x[i + 1 :], **op.constants)[i])
        for look, b, a in zip(looks, y, x, strict=True)
    ]
