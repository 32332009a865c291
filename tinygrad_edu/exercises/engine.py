"""The exercises of lessons 1 and 2 and chapter R2 that judge more than a result."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from tinygrad_edu.calculus import GradientError, gradcheck
from tinygrad_edu.diagnose import SLIPS, diagnose_slopes
from tinygrad_edu.engine import Primitive, Value, grad, toposort
from tinygrad_edu.exercises.kinds import Right, number
from tinygrad_edu.exercises.reading import AnswerError, asked, described, read_list, read_number


def _is_second_difference(answer: Any) -> bool:
    of_sine = _second_difference(answer, math.sin, 0.7, 1e-3)
    of_parabola = _second_difference(answer, lambda x: 3 * x * x + x, 2.0, 0.5)
    return number(-math.sin(0.7), 1e-4)(of_sine) and number(6.0)(of_parabola)


def _second_difference(answer: Any, f: Callable[[float], float], x: float, h: float) -> float:
    places: set[float] = set()

    def noted(at: Any) -> float:
        places.add(round((read_number(at) - x) / h, 6))
        return f(at)

    found = asked(answer, noted, x, h, read=read_number)
    if places != {-1.0, 0.0, 1.0}:
        raise AnswerError("f is to be asked at x - h, x and x + h, all three and nowhere else")
    return found


def _sorts(answer: Any, root: Value) -> bool:
    nodes = toposort(root, leaves=True)
    order = asked(answer, root, read=lambda found: read_list(found, None, "Values"))
    if len(order) != len(nodes) or {*order} != {*nodes}:
        return False
    place = {v: k for k, v in enumerate(order)}
    return all(place[v] < place[p] for v in nodes for p in v.parents)


def _graphs() -> list[Value]:
    """A leaf, a shared node on either side of a sum, a lattice, and 2^16 paths."""
    x = Value(3.0)
    s = x**2
    p = 5 * s
    q = p + s
    doubled = x
    for _ in range(16):
        doubled = doubled + doubled
    return [x, s + p, p + s, q + p, p * q + q * s, doubled]


def _passes(f: Any, point: float) -> bool:
    try:
        return gradcheck(f, point)
    except GradientError:
        return False


def _is_right(answer: Any) -> bool:
    """Whether y = 1 / (1 + x^2) is written as a record: its value and two derivatives."""
    if not isinstance(answer, Primitive):
        raise AnswerError(
            "the answer is the function under @primitive(lambda m, y, x: (...,)), and this is "
            + described(answer)
        )
    f: Any = answer
    slope = "its slope at {:g} is wrong: d(1/v)/dx = -1/v^2 * dv/dx, and y = 1/v"
    second = "its second derivative at {:g} is wrong: write the slope with m, x and y alone"
    for x in (-2.0, -0.4, 0.0, 1.0, 3.0):
        if not asked(answer, x, read=number(1 / (1 + x * x), 1e-9)):
            raise AnswerError(f"its value at {x:g} is not 1 / (1 + x^2)")
        derivative: Any = lambda v: grad(f(v), v)  # noqa: E731
        for g, said in ((f, slope), (derivative, second)):
            if not asked(partial(_passes, g), x, read=bool):
                slip = diagnose_slopes(answer).slip
                why = f" ({SLIPS[slip]})" if slip and slip != "unknown" else ""
                raise AnswerError(said.format(x) + why)
    return True


ANSWERS: dict[str, Right] = {
    "1.3": _is_second_difference,
    "2.3": lambda answer: all(_sorts(answer, root) for root in _graphs()),
    "R2.3": _is_right,
}
