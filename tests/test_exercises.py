"""Right answers are right, others are not, and a hint never gives the answer away."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Primitive, Value
from tinygrad_edu.exercises import EXERCISES, check
from tinygrad_edu.functions import maximum
from tinygrad_edu.perceptron import gate


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


def descend_by_differences(
    loss: Callable[[Value], Value], w: float, eta: float, steps: int
) -> float:
    for _ in range(steps):
        w -= eta * (loss(Value(w + 1e-5)).data - loss(Value(w - 1e-5)).data) / 2e-5
    return w


def hidden_deltas(a: list[float], W: list[list[float]], delta: list[float]) -> list[float]:
    back = np.array(W).T @ delta
    return [float(aj * (1 - aj) * e) for aj, e in zip(a, back, strict=True)]


def backward_by_hand(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, Y: Any) -> dict[str, Any]:
    A1 = np.tanh(X @ W1.T + b1)
    delta2 = 2 * (A1 @ W2.T + b2 - Y) / len(X)
    delta1 = (delta2 @ W2) * (1 - A1**2)
    return {
        "dW2": delta2.T @ A1, "db2": delta2.sum(axis=0), "dW1": delta1.T @ X,
        "db1": delta1.sum(axis=0),
    }  # fmt: skip


def adder(a: int, b: int, c: int) -> list[int]:
    def both(x: float, y: float) -> int:
        return gate("AND")([x, y])

    def one(x: float, y: float) -> int:
        return both(gate("OR")([x, y]), gate("NOT")([both(x, y)]))

    return [one(one(a, b), c), gate("OR")([both(a, b), both(c, one(a, b))])]


def spiral_scores(x: Any, W: Any, b: Any, W2: Any, b2: Any) -> list[float]:
    scores: list[float] = (np.maximum(0, x @ np.array(W) + b) @ np.array(W2) + b2).tolist()
    return scores


def most_confused(actual: list[int], predicted: list[int]) -> list[int]:
    count = np.zeros((10, 10), dtype=int)
    np.add.at(count, (actual, predicted), 1)
    np.fill_diagonal(count, 0)
    return [int(k) for k in np.unravel_index(count.argmax(), count.shape)]


def fair(training: list[int], test: list[int], groups: list[int]) -> bool:
    sides = [{groups[i] for i in rows} for rows in (training, test)]
    return sorted(training + test) == list(range(len(groups))) and sides[0].isdisjoint(sides[1])


#: A right answer to each exercise, by a way that the exercise itself does not take.
ANSWERS: dict[str, Any] = {
    # df/dx = 2 x y, df/dy = x^2 + 1
    "1.1": [-12.0, 10.0],
    # the error is least near the cube root of 1e-16
    "1.2": 1e-5,
    "1.3": second_difference,
    # y = a b + b^2: b, and a + 2 b
    "2.1": [3.0, 8.0],
    # u hands on v = 5 times 2 x; y = x^4 + x^2, 4 x^3 + 2 x
    "2.2": [20.0, 36.0],
    "2.3": users_first,
    # 2 x / (1 + x^2)
    "R2.1": 0.6,
    "R2.2": [0.0, 1.0],
    "R2.3": Primitive(
        "witch", lambda m, x: m.divide(1.0, 1 + x * x), lambda m, y, x: (-2 * x * y * y,)
    ),
    # z = 0.5 - 3 + 2 < 0, so o = 0: plus 0.1 (1, 3, 1)
    "4.1": [0.6, -0.7, 2.1],
    # the number of linear threshold functions of 3 variables, OEIS A000609
    "4.2": 104,
    "4.3": adder,
    # x1 / 2 + x2 = 1 on the line
    "5.1": [-1.0, -2.0, 2.0],
    # the cross entropy of 1/2
    "5.2": 0.6931,
    # OR above 1/2, AND above 3/2, the output OR - 2 AND above 1/2
    "5.3": [1.0, 1.0, -0.5, 1.0, 1.0, -1.5, 1.0, -2.0, -0.5],
    # (1 - 0.5^2) (0.3 * 2 + 0.4 * (-1)), and that times 2
    "6.1": [0.15, 0.3],
    # of 2 (0 - 1) 3 w_k w_j only the product of the other two weights is not 0: 2 (-1) 3 (0.5 * 2)
    "6.2": [0.0, -6.0, 0.0],
    "6.3": hidden_deltas,
    # (ln 2 + 2 ln 2 + ln 2) / 3
    "7.1": 4 / 3 * math.log(2),
    # the derivative of o (1 - o)^2 is (1 - o) (1 - 3 o)
    "7.2": 1 / 3,
    "7.3": lambda z, y: max(z, 0.0) - y * z + math.log1p(math.exp(-abs(z))),
    # o - t is -1 and 2: (-1 * 1 + 2 * 3) / 2 and (-1 + 2) / 2
    "9.1": [2.5, 0.5],
    # the least root of 4 w^3 - 6 w + 1
    "9.2": -1.3008,
    "9.3": descend_by_differences,
    # (1/2 - 1) 1/2, and no delta through a weight that is 0
    "10.1": [-0.25, 0.0],
    "10.2": 2,
    "10.3": lambda rng, nin, nout: rng.gauss(0.0, 1.0) / math.sqrt(nin),
    # (2 / 4)^3
    "11.1": 0.125,
    # 1 / (a (1 - a)) = 2 + e^z + e^-z
    "11.2": 2 + 2 * math.cosh(6),
    "11.3": lambda z: 0.55 * z + 0.45 * abs(z),
    # 0.6 / 0.75, and the mean stays
    "12.1": [0.8, 0.6],
    # 0.5 is the best; 0.6, 0.55 and 0.52 are not better
    "12.2": [5, 2],
    "12.3": lambda xs: ((np.array(xs) - np.mean(xs)) / np.sqrt(np.var(xs) + 1e-5)).tolist(),
    "16.1": [3, 4],
    # forward 3, dW 3, delta 2
    "16.2": 8,
    "16.3": lambda z: maximum(z, z / 10),
    # p - (0, 0, 1)
    "13.1": [0.2, 0.5, -0.7],
    # the linear classifier of the notes
    "13.2": 0.49,
    "13.3": spiral_scores,
    # 65 * 16 + 17 * 8 + 9 * 10
    "14.1": 1266,
    "14.2": "same",
    "14.3": most_confused,
    # (900 - 500) / 200
    "15.1": 2.0,
    "15.2": "hawed",
    "15.3": fair,
    # (28 + 2 * 2 - 5) // 2 + 1, and 16 (3 * 5^2 + 1)
    "17.1": [14, 1216],
    # ln 1000 / ln 1.25 = 30.96
    "17.2": 31,
    # Sobel's kernel
    "17.3": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    # z, z and x + y
    "18.1": [2.0, 2.0, -2.0],
    # dL/dw = dL/db = a, so that w + b = s with s <- s - 0.3 sigmoid(s), 300 times from 4
    "18.2": 0.0120,
    "18.3": [1.0, 3.0, 9.0, -9.0, -3.0, -1.0],
    "19.1": backward_by_hand,
    "19.2": Value,
    # dW = delta.T @ X without / B
    "19.3": "sum for mean",
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
        # what has another form is told so, where it was given the hint of a wrong number before
        assert verdict.said.startswith(("not yet. Hint: ", "not yet: "))
        assert len(verdict.said) > 30
        assert not verdict
    unanswered = check(name)
    assert not unanswered
    assert unanswered.right is None
    assert unanswered.said == f"no answer yet. {EXERCISES[name].question}"


def test_a_hint_does_not_hold_the_number_that_is_asked_for() -> None:
    for name, answer in ANSWERS.items():
        if isinstance(answer, float):
            digits = re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", EXERCISES[name].hint)
            assert all(abs(float(x) - answer) > 1e-3 * abs(answer) for x in digits), name
