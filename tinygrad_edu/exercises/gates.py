"""The exercises of lesson 5, perceptrons and gates."""

from functools import cache
from itertools import product
from typing import Any, Final

from tinygrad_edu.exercises.exercise import Exercise, number, numbers
from tinygrad_edu.perceptron import Perceptron, truth_table


def _one_step() -> list[float]:
    unit = Perceptron(2, w=[0.5, -1.0, 2.0])
    unit.fit([[3.0, 1.0]], [1], lr=0.1, epochs=1)
    return unit.w


@cache
def _functions_of_three() -> int:
    """How many functions of three bits a unit computes: small whole weights give them all."""
    rows = list(truth_table(sum, 3))
    return len({
        tuple(w0 + w1 * a + w2 * b + w3 * c > 0 for a, b, c in rows)
        for w0, w1, w2, w3 in product(range(-3, 4), repeat=4)
    })  # fmt: skip


def _is_adder(answer: Any) -> bool:
    return callable(answer) and all(
        numbers([sum(bits) % 2, sum(bits) // 2])(answer(*bits)) for bits in truth_table(sum, 3)
    )


EXERCISES: Final[dict[str, Exercise]] = {
    "5.1": Exercise(
        "The list [w0, w1, w2] after one step of the training rule is asked for.",
        numbers(_one_step),
        "is the net input above 0? If the output is not the target, add eta (t - o) times the "
        "example to the weights, with 1 in front of the example for the bias.",
    ),
    "5.2": Exercise(
        "The number of functions of three inputs that one unit learns is asked for.",
        number(_functions_of_three),
        "rows = list(product((0, 1), repeat=3)); for each outputs in product((0, 1), repeat=8) "
        "train a Perceptron(3) and count those that converged.",
    ),
    "5.3": Exercise(
        "A function adder(a, b, c) that gives the list [sum, carry] is asked for.",
        _is_adder,
        "write XOR of two bits first: (a OR b) AND NOT (a AND b). The sum is the XOR of c with "
        "that of a and b; the carry is 1 if a and b are, or c and one of the others.",
    ),
}
