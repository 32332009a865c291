"""The exercises of lessons 2 to 4: derivatives by nudging, the backward pass, own operations."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from tinygrad_edu.calculus import GradientError, gradcheck
from tinygrad_edu.diagnose import SLIPS, diagnose_slopes
from tinygrad_edu.engine import Primitive, Value, grad, toposort
from tinygrad_edu.exercises.kinds import Right, number, numbers, slopes
from tinygrad_edu.exercises.reading import AnswerError, asked, described, read_list, read_number

ANSWERS: dict[str, Right] = {}
VARIED: dict[str, Callable[..., Right]] = {}


# Lesson 1, derivatives by nudging.

_STEPS: Final = (1e-1, 1e-3, 1e-5, 1e-8, 1e-12)


def _best_step() -> float:
    def error(h: float) -> float:
        return abs((math.exp(1.0 + h) - math.exp(1.0 - h)) / (2 * h) - math.e)

    return min(_STEPS, key=error)


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


VARIED["1.1"] = lambda x, y: numbers(
    slopes(lambda x, y: x * x * y + y, x, y),
    mistakes={
        "f has two terms with y, and one of them was left out": [2 * x * y, x * x],
        "df/dx is not constant: x^2 has the slope 2x, and y stands before it": [2 * x, x * x + 1],
    },
)
ANSWERS |= {
    "1.2": number(_best_step, 1e-9),
    "1.3": _is_second_difference,
}


# Lesson 2, the backward pass step by step.


def _breadth_first_and_right() -> list[float]:
    """Breadth first, u hands on what it has from y, v.data, before v has handed on."""
    x = Value(2.0)
    u = x**2
    v = u + 1
    return [v.data * 2 * x.data, grad(u * v, x).data]


def _is_sort(answer: Any) -> bool:
    return all(_sorts(answer, root) for root in _graphs())


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


VARIED["2.1"] = lambda a, b: numbers(
    slopes(lambda a, b: (a + b) * b, a, b),
    mistakes={
        "b has two paths to y, and the one through a + b is missing": [b, a + b],
        "b has two paths to y, and the direct one is missing": [b, b],
    },
)
ANSWERS |= {
    "2.2": numbers(_breadth_first_and_right),
    "2.3": _is_sort,
}


# Chapter R2, an operation of one's own.

_POINTS: Final = (-2.0, -0.4, 0.0, 1.0, 3.0)


def _where_a_wrong_cube_passes() -> list[float]:
    cube = Primitive("cube", lambda m, x: x * x * x, lambda m, y, x: (3 * x,))
    return [x for x in (-1.0, 0.0, 0.5, 1.0) if _passes(cube, x)]


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
    for x in _POINTS:
        if not asked(answer, x, read=number(1 / (1 + x * x), 1e-9)):
            raise AnswerError(f"its value at {x:g} is not 1 / (1 + x^2)")
        derivative: Any = lambda v: grad(f(v), v)  # noqa: E731
        for g, said in ((f, slope), (derivative, second)):
            if not asked(partial(_passes, g), x, read=bool):
                slip = diagnose_slopes(answer).slip
                why = f" ({SLIPS[slip]})" if slip and slip != "unknown" else ""
                raise AnswerError(said.format(x) + why)
    return True


VARIED["R2.1"] = lambda x: number(
    lambda: slopes(lambda x: (1 + x * x).log(), x)()[0],
    mistakes={
        "factor missing": 1 / (1 + x * x),
        "value for slope": math.log(1 + x * x),
        "that is the slope of 1 + x^2 alone": 2 * x,
    },
)
ANSWERS |= {
    "R2.2": numbers(_where_a_wrong_cube_passes, ordered=False),
    "R2.3": _is_right,
}
