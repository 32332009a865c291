"""The exercises of lesson 9, gradient descent."""

from collections.abc import Callable
from typing import Any, Final

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value, grad, parameter
from tinygrad_edu.exercises.exercise import Exercise, number, numbers
from tinygrad_edu.losses import half_squared_error

Function = Callable[[Value], Value]

_EXAMPLES: Final = ((1.0, 2.0), (3.0, 1.0))


def _gradient_of_a_linear_unit() -> list[float]:
    w1, w0 = parameter(1.0), parameter(0.0)
    error = f.mean([half_squared_error(w1 * x + w0, t) for x, t in _EXAMPLES])
    return [v.data for v in grad(error, [w1, w0])]


def _two_valleys(w: Value) -> Value:
    return w**4 - 3 * w**2 + w


def _descend(loss: Function, w: float, eta: float, steps: int) -> float:
    for _ in range(steps):
        at = Value(w)
        w -= eta * grad(loss(at), at).data
    return w


def _deeper_bottom() -> float:
    bottoms = [_descend(_two_valleys, start, 0.02, 400) for start in (-2.0, 2.0)]
    return min(bottoms, key=lambda w: _two_valleys(Value(w)).data)


def _is_descent(answer: Any) -> bool:
    cases: list[tuple[Function, float, float, int]] = [
        (lambda w: (w - 3) ** 2, 0.0, 0.1, 1),
        (lambda w: (w - 3) ** 2, -1.0, 0.25, 12),
        (_two_valleys, 0.5, 0.01, 30),
        (lambda w: w.exp() - w, 2.0, 0.1, 0),
    ]
    return callable(answer) and all(number(_descend(*case), 1e-6)(answer(*case)) for case in cases)


EXERCISES: Final[dict[str, Exercise]] = {
    "9.1": Exercise(
        "The list [dE/dw1, dE/dw0] over the examples (1, 2) and (3, 1) is asked for.",
        numbers(_gradient_of_a_linear_unit),
        "write down o - t for each example; for w1 it is multiplied by the x of the example. "
        "Take the mean over the examples, not the sum.",
    ),
    "9.2": Exercise(
        "The w at the bottom of the deeper valley of f is asked for.",
        number(_deeper_bottom, 2e-3),
        "descend from a start on each side of 0 and compare the two values of f.",
    ),
    "9.3": Exercise(
        "A function descend(loss, w, eta, steps) that gives a number is asked for.",
        _is_descent,
        "in each step make a new Value of w, call loss on it, walk back, and move w by -eta times "
        "the gradient of that Value. With 0 steps it gives w.",
    ),
}
