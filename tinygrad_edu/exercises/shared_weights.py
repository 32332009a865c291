"""The exercises of lesson 17, convolution and recurrence."""

from collections.abc import Iterable
from typing import Any, Final

from tinygrad_edu.engine import Value, grad
from tinygrad_edu.exercises.exercise import Exercise, number, numbers
from tinygrad_edu.nn.convolution import Conv2d
from tinygrad_edu.nn.recurrent import RNNCell

#: Patches of 3 x 3 by columns from left to right, and by rows from top to bottom.
_FLAT: Final = [1.0] * 9
_RIGHT: Final = ([0.0, 0.0, 1.0] * 3, [0.0, 1.0, 1.0] * 3)
_BELOW: Final = ([0.0] * 6 + [1.0] * 3, [0.0] * 3 + [1.0] * 6)


def _is_size(answer: Any) -> bool:
    """A wide image would take its time, a narrow one of 28 rows gives maps as high."""
    conv = Conv2d(3, 16, 5, stride=2, padding=2)
    height = len(conv([[[0.0]] * 28] * 3)[0])
    return numbers([height, len(conv.parameters())])(answer)


def _is_number_of_steps(answer: Any) -> bool:
    cell = RNNCell(1, 1)
    (unit,) = cell.neurons
    unit.w[0].data, unit.w[1].data = 1.0, 0.8
    first = h = [Value(0.0)]
    k = 0
    while k == 0 or grad(h[0], first[0]).data >= 1e-3:
        h = cell([0.0], h)
        k += 1
    return number(k)(answer)


def _is_edge_kernel(answer: Any) -> bool:
    if not isinstance(answer, (list, tuple)) or len(answer) != 3:
        return False
    if not all(isinstance(row, (list, tuple)) and len(row) == 3 for row in answer):
        return False
    w = [v for row in answer for v in row]
    if not all(isinstance(v, (int, float)) and abs(v) < 1e6 for v in w):
        return False
    silent = all(abs(_response(w, patch)) < 1e-9 for patch in (_FLAT, *_BELOW))
    return silent and all(_response(w, patch) > 1e-3 for patch in _RIGHT)


def _response(w: Iterable[float], patch: Iterable[float]) -> float:
    return sum(a * b for a, b in zip(w, patch, strict=True))


EXERCISES: Final[dict[str, Exercise]] = {
    "17.1": Exercise(
        "The list [height of a map, number of parameters] is asked for.",
        _is_size,
        "the kernel fits at the top, then two rows further down, as long as it stays inside "
        "the padded image. Each unit has a weight for every number of its patch, all channels "
        "included, and one bias.",
    ),
    "17.2": Exercise(
        "The number of steps after which the gradient is below 1/1000, for u = 0.8, is asked for.",
        _is_number_of_steps,
        "each step multiplies the gradient by u: print u**k for growing k, or take logarithms.",
    ),
    "17.3": Exercise(
        "A kernel, a list of three rows of three numbers, is asked for.",
        _is_edge_kernel,
        "the weights add up to 0, or an even patch would not be silent; so does every row, or an "
        "edge between rows would be heard. What is bright on the right needs positive weights "
        "there.",
    ),
}
