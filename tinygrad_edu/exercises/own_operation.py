"""The exercises of lesson 4, an operation of one's own."""

from typing import Any, Final

from tinygrad_edu.calculus import GradientError, gradcheck
from tinygrad_edu.engine import Primitive, Value, grad
from tinygrad_edu.exercises.exercise import Exercise, number, numbers

_POINTS: Final = (-2.0, -0.4, 0.0, 1.0, 3.0)


def _slope_of_log() -> float:
    x = Value(3.0)
    return grad((1 + x * x).log(), x).data


def _where_a_wrong_cube_passes() -> list[float]:
    cube = Primitive("cube", lambda m, x: x * x * x, lambda m, y, x: (3 * x,))
    return [x for x in (-1.0, 0.0, 0.5, 1.0) if _passes(cube, x)]


def _passes(f: Any, point: float) -> bool:
    try:
        return gradcheck(f, point)
    except GradientError:
        return False


def _is_right(answer: Any) -> bool:
    return isinstance(answer, Primitive) and not _trouble(answer)


def _trouble(operation: Any) -> str:
    """What is wrong with y = 1 / (1 + x^2) written as a record; nothing if it is right."""
    for x in _POINTS:
        if not number(1 / (1 + x * x), 1e-9)(operation(x)):
            return f"its value at {x:g} is not 1 / (1 + x^2)."
        if not _passes(operation, x):
            return f"its slope at {x:g} is wrong: d(1/v)/dx = -1/v^2 * dv/dx, and y = 1/v."
        if not _passes(lambda v: grad(operation(v), v), x):
            return (
                f"its second derivative at {x:g} is wrong: write the slope with m, x and y alone."
            )
    return ""


def _hint(answer: Any) -> str:
    if not isinstance(answer, Primitive):
        return "the answer is the function under @primitive(lambda m, y, x: (...,)), not its name."
    return _trouble(answer)


EXERCISES: Final[dict[str, Exercise]] = {
    "4.1": Exercise(
        "The slope of y = ln(1 + x^2) at x = 3 is asked for, as a number.",
        number(_slope_of_log),
        "the slope of ln v is 1/v, and v = 1 + x^2 has a slope too: multiply.",
    ),
    "4.2": Exercise(
        "The list of those of the points -1, 0, 0.5, 1 where the wrong slope passes is asked for.",
        numbers(_where_a_wrong_cube_passes),
        "the check passes where the wrong and the right slope are the same number: solve "
        "3x = 3x^2 among the points.",
    ),
    "4.3": Exercise(
        "An operation for y = 1 / (1 + x^2), made with @primitive, is asked for.",
        _is_right,
        _hint,
    ),
}
