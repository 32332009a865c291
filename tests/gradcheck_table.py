"""Right and wrong records of every primitive at operands from 1e-4 to 1e4, to count by them.

`python -m tests.gradcheck_table` counts the false alarms and the false passes of `gradcheck`.
"""

import math
from functools import partial
from itertools import product
from typing import Any, NamedTuple

from tinygrad_edu import GradientError, Primitive, gradcheck
from tinygrad_edu.engine import primitives
from tinygrad_edu.namespace import floats

SCALES = [1.3e-4, 7.7e-4, 4.1e-3, 0.013, 0.071, 0.23, 0.61, 0.97, 1.9, 5.3, 14.7, 37.0, 160.0]
SCALES += [690.0, 3100.0, 9900.0]
SIGNED = [sign * s for s in SCALES for sign in (1, -1)]
PAIRS = [(a, b) for a, b in product(SIGNED[::3] + SIGNED[1::6], repeat=2) if a != b]
TRIPLES = [
    (a, b, c)
    for k, a in enumerate(SIGNED)
    for b, c in product(SIGNED[k % 5 :: 7], SIGNED[3::11])
    if len({a, b, c}) == 3
]
CONSTANTS: dict[str, list[dict[str, float]]] = {
    "power": [{"c": c} for c in (-2.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 7.0)],
    "leaky_relu": [{"alpha": 0.01}],
    "elu": [{"alpha": 1.0}, {"alpha": 0.3}],
    "clip": [{"low": -1.0, "high": 2.0}],
    "softmax": [{"k": 0}, {"k": 2}],
    "log_softmax": [{"k": 0}, {"k": 2}],
}
#: Wrong slopes, from the right ones and what else a record knows; None leaves a record right.
WRONG = {
    "zero": lambda slopes, i, y, x: 0.0,
    "twice": lambda slopes, i, y, x: 2 * slopes[i],
    "sign": lambda slopes, i, y, x: -slopes[i],
    "one per cent": lambda slopes, i, y, x: 1.01 * slopes[i],
    "f for f'": lambda slopes, i, y, x: y,
    "x for f'": lambda slopes, i, y, x: x[i],
    "wrong operand": lambda slopes, i, y, x: slopes[i - 1],
    "one": lambda slopes, i, y, x: 1.0,
}


class Row(NamedTuple):
    """An operation at a point, and which of its operands are checked."""

    op: Primitive
    x: tuple[float, ...]
    y: float
    slopes: tuple[float, ...]


def points(op: Primitive, constants: dict[str, float]) -> list[tuple[float, ...]]:
    if op.name == "cross_entropy":
        return [(float(k % 3), *x) for k, x in enumerate(TRIPLES)]
    if op.name.startswith("binary_cross_entropy"):
        return [(x, t) for x in SIGNED for t in (0.0, 0.3, 1.0)]
    operands = op.value.__code__.co_argcount - 1 - len(constants)
    return [[(x,) for x in SIGNED], PAIRS, TRIPLES][operands - 1 if operands > 0 else 2]


def rows(most: int = 10**6) -> list[Row]:
    """What lies in the domain of an operation, away from its kinks; so many points of each."""
    found = []
    for p in primitives.values():
        for constants in CONSTANTS.get(p.name, [{}]):
            op = p.bind(**constants) if constants else p
            at = points(op, constants)
            for x in at[:: len(at) // most | 1]:  # odd: both signs
                x = (*x, 0.7) if op.name == "dot" and len(x) == 2 else x
                y = op.value(floats, *x, **constants)
                slopes = tuple(map(float, op.slopes(floats, y, *x, **constants)))
                if all(map(math.isfinite, (y, *slopes))) and not (
                    op.kink and op.kink(*x, **constants)
                ):
                    found.append(Row(op, x, y, slopes))
    return found


def fixed(op: Primitive) -> tuple[int, ...]:
    """Operands that are no variables: a condition, a class number, a target."""
    of_losses = (1,) if op.name.startswith("binary_cross_entropy") else ()
    return {"where": (0,), "cross_entropy": (0,)}.get(op.name, of_losses)


def passes(op: Primitive, row: Row) -> bool:
    """Whether the operation passes as a function of its variables."""
    variables = sorted({*range(len(row.x))} - {*fixed(row.op)})

    def f(*v: Any) -> Any:
        at = dict(zip(variables, v, strict=True))
        return op.of(tuple(at.get(i, x) for i, x in enumerate(row.x)))

    try:
        return gradcheck(f, [row.x[i] for i in variables])
    except GradientError:
        return False


def differences(row: Row, i: int) -> list[tuple[float, float]]:
    """How far the result moves over several steps of operand i, and over what."""
    steps = [abs(row.x[i]) * 2.0**-k for k in range(1, 30, 2)] + [2.0**-k for k in range(2, 14, 2)]
    at = [[[a + s * (j == i) for j, a in enumerate(row.x)] for s in (h, -h)] for h in steps]
    value = partial(row.op.value, floats, **row.op.constants)
    return [(value(*up) - value(*down), up[i] - down[i]) for up, down in at]


def wrong_records(row: Row) -> list[tuple[str, int, Primitive]]:
    """The record with one slope wrong, where floats show it at this point.

    That is, where the right slope foretells a difference far better, beyond rounding.
    """
    made = []
    size = max(abs(row.y), 1e-300, abs(row.x[0]) * (row.op.name == "gelu"))
    size = max(size, row.op.name in ("cross_entropy", "log_softmax", "logsumexp"))
    for i in {*range(len(row.x))} - {*fixed(row.op)}:
        right, moves = row.slopes[i], differences(row, i)
        for name, wrong in WRONG.items():
            slope = float(wrong(row.slopes, i, row.y, row.x))
            if abs(slope - right) > 5e-3 * max(abs(right), abs(slope)) and any(
                abs(move - slope * h) > 10 * abs(move - right * h) + 1e-13 * size
                for move, h in moves
            ):
                made.append((name, i, _wrong(row.op, i, wrong)))
    return made


def _wrong(op: Primitive, i: int, wrong: Any) -> Primitive:
    def slopes(m: Any, y: Any, *x: Any, **constants: float) -> Any:
        s = list(op.slopes(m, y, *x, **constants))
        s[i] = wrong(s, i, y, x)
        return s

    return Primitive(f"wrong {op.name}", op.value, slopes, op.kink, constants=op.constants)


def count(most: int = 10**6) -> tuple[list[str], list[str], int, int]:
    """The false alarms, the false passes, and of how many right and wrong records."""
    alarms, let_through, right, wrong = [], [], 0, 0
    for row in rows(most):
        right += 1
        if not passes(row.op, row):
            alarms.append(f"{row.op!r} at {row.x}")
        for name, i, op in wrong_records(row):
            wrong += 1
            if passes(op, row):
                let_through.append(f"{name} of operand {i}: {row.op!r} at {row.x}")
    return alarms, let_through, right, wrong


if __name__ == "__main__":
    alarms, let_through, right, wrong = count()
    for line in [*alarms, *let_through]:
        print(line)
    print(f"{len(alarms):,} false alarms of {right:,} right records, "
          f"{len(let_through):,} false passes of {wrong:,} wrong ones")  # fmt: skip
