"""Right answers are right, others are not, and a hint never gives the answer away."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Primitive, Value
from tinygrad_edu.exercises import EXERCISES, check
from tinygrad_edu.exercises.exercise import number, numbers, word
from tinygrad_edu.functions import maximum

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def second_difference(f: Callable[[float], float], x: float, h: float) -> float:
    return (f(x + h) - 2 * f(x) + f(x - h)) / h**2


def users_first(root: Value) -> list[Value]:
    """Kahn's algorithm: a node is ready when all of its uses are done."""
    uses, stack = {root: 0}, [root]
    while stack:
        for p in stack.pop().parents:
            if p not in uses:
                stack.append(p)
            uses[p] = uses.get(p, 0) + 1
    order, ready = [], [root]
    while ready:
        order.append(ready.pop())
        for p in order[-1].parents:
            uses[p] -= 1
            if not uses[p]:
                ready.append(p)
    return order


def hidden_deltas(a: list[float], W: list[list[float]], delta: list[float]) -> list[float]:
    back = np.array(W).T @ delta
    return [float(aj * (1 - aj) * e) for aj, e in zip(a, back, strict=True)]


#: A right answer to each exercise, by a way that the exercise itself does not take.
ANSWERS: dict[str, Any] = {
    # df/dx = 2 x y, df/dy = x^2 + 1
    "2.1": [-12.0, 10.0],
    # the error is least near the cube root of 1e-16
    "2.2": 1e-5,
    "2.3": second_difference,
    # y = a b + b^2: b, and a + 2 b
    "3.1": [3.0, 8.0],
    # u hands on v = 5 times 2 x; y = x^4 + x^2, 4 x^3 + 2 x
    "3.2": [20.0, 36.0],
    "3.3": users_first,
    # 2 x / (1 + x^2)
    "4.1": 0.6,
    "4.2": [0.0, 1.0],
    "4.3": Primitive(
        "witch", lambda m, x: m.divide(1.0, 1 + x * x), lambda m, y, x: (-2 * x * y * y,)
    ),
    # x1 / 2 + x2 = 1 on the line
    "6.1": [-1.0, -2.0, 2.0],
    # the cross entropy of 1/2
    "6.2": 0.6931,
    # OR above 1/2, AND above 3/2, the output OR - 2 AND above 1/2
    "6.3": [1.0, 1.0, -0.5, 1.0, 1.0, -1.5, 1.0, -2.0, -0.5],
    # (1 - 0.5^2) (0.3 * 2 + 0.4 * (-1)), and that times 2
    "7.1": [0.15, 0.3],
    # of 2 (0 - 1) 3 w_k w_j only the product of the other two weights is not 0: 2 (-1) 3 (0.5 * 2)
    "7.2": [0.0, -6.0, 0.0],
    "7.3": hidden_deltas,
    # (ln 2 + 2 ln 2 + ln 2) / 3
    "8.1": 4 / 3 * math.log(2),
    # the derivative of o (1 - o)^2 is (1 - o) (1 - 3 o)
    "8.2": 1 / 3,
    "8.3": lambda z, y: max(z, 0.0) - y * z + math.log1p(math.exp(-abs(z))),
    "16.1": [3, 4],
    # forward 3, dW 3, delta 2
    "16.2": 8,
    "16.3": lambda z: maximum(z, z / 10),
    # (28 + 2 * 2 - 5) // 2 + 1, and 16 (3 * 5^2 + 1)
    "17.1": [14, 1216],
    # ln 1000 / ln 1.25 = 30.96
    "17.2": 31,
    # Sobel's kernel
    "17.3": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
}

WRONG: list[Any] = [None, "no", -1234.5, [], [1.0], {}, True, object()]


def test_every_exercise_has_an_answer_here() -> None:
    assert sorted(ANSWERS) == sorted(EXERCISES)


@pytest.mark.parametrize("name", sorted(EXERCISES))
def test_a_right_answer_is_right_and_others_get_a_hint(name: str) -> None:
    assert repr(check(name, ANSWERS[name])) == f"Exercise {name}: right."
    for answer in WRONG:
        verdict = check(name, answer)
        assert verdict.right is False
        assert verdict.said.startswith("not yet. Hint: ")
        assert len(verdict.said) > 30
    unanswered = check(name)
    assert unanswered.right is None
    assert unanswered.said == f"no answer yet. {EXERCISES[name].question}"


def test_a_hint_does_not_hold_the_number_that_is_asked_for() -> None:
    for name, answer in ANSWERS.items():
        if isinstance(answer, float):
            digits = re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", check(name, None).said)
            assert all(abs(float(x) - answer) > 1e-3 * abs(answer) for x in digits), name


def test_an_unknown_exercise_is_named() -> None:
    with pytest.raises(ValueError, match=r"^unknown exercise '99\.9': choose "):
        check("99.9", 1.0)


def test_what_counts_as_a_number() -> None:
    right = number(0.25)
    assert right(0.25)
    assert right(Value(0.2501))
    assert not any(right(x) for x in (0.26, True, "0.25", None, float("nan")))
    assert number(1.0)(1)
    assert not number(1.0)(True)


def test_what_counts_as_a_list_of_numbers_and_as_a_word() -> None:
    assert numbers([1.0, 2.0])((1, 2))
    assert not any(numbers([1.0, 2.0])(x) for x in ([2.0, 1.0], [1.0], 1.0, "12"))
    assert word("batch")(" Batch ")
    assert not any(word("batch")(x) for x in ("online", "", None))
