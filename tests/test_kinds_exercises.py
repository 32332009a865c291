"""Kinds of faults of the exercises: right answers of every type, near misses, wrong forms."""

import math
import operator
import random
from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from slips.engines import BROKEN
from test_exercises import ANSWERS, CHOICES
from test_exercises_build import WRONG as WRONG_PARTS

from tinygrad_edu import Value, functions, primitive
from tinygrad_edu.engine import parameter
from tinygrad_edu.exercises import EXERCISES, _tables, check
from tinygrad_edu.exercises.answers import AnswerError, choice, equal, function

adder, second_difference, spiral_scores = (ANSWERS[name] for name in ("4.3", "1.3", "13.3"))

# A right answer is right whatever type it has.

NUMBERS = {name: x for name, x in ANSWERS.items() if isinstance(x, (int, float))}
LISTS = {
    name: x for name, x in ANSWERS.items() if isinstance(x, list) and not isinstance(x[0], list)
}
AS_NUMBER: Mapping[str, Callable[[float], Any]] = {
    "float32": np.float32, "float64": np.float64, "array": np.array, "Value": Value,
    "parameter": parameter, "Fraction": Fraction, "Decimal": Decimal,
}  # fmt: skip
AS_LIST: Mapping[str, Callable[[list[float]], Any]] = {
    "tuple": tuple, "array": np.array, "float32": lambda x: np.array(x, np.float32), "deque": deque,
    "iterator": iter, "Values": lambda x: [Value(v) for v in x],
    "Fractions": lambda x: [*map(Fraction, x)], "scalars of NumPy": lambda x: [*map(np.float64, x)],
}  # fmt: skip


@pytest.mark.parametrize("kind", AS_NUMBER)
@pytest.mark.parametrize("name", NUMBERS)
def test_a_right_number_is_right_as_any_type(name, kind):
    assert check(name, AS_NUMBER[kind](NUMBERS[name]))


@pytest.mark.parametrize("kind", AS_LIST)
@pytest.mark.parametrize("name", LISTS)
def test_a_right_list_is_right_as_any_type(name, kind):
    assert check(name, AS_LIST[kind](LISTS[name]))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("4.2", np.int64(104)),
        ("14.1", np.uint16(1266)),
        ("R2.2", [1, 0]),
        ("R2.2", {0, 1}),
        ("R2.2", frozenset({0.0, 1.0})),
        ("R2.2", np.array([1, 0])),
        ("10.2", True + True),
        ("14.2", " SAME "),
        ("17.3", np.array(ANSWERS["17.3"])),
        ("17.3", tuple(map(np.array, ANSWERS["17.3"]))),
        ("4.3", lambda a, b, c: np.array(adder(a, b, c))),
        ("4.3", lambda a, b, c: tuple(map(np.int8, adder(a, b, c)))),
        ("1.3", lambda f, x, h: np.float64(second_difference(f, x, h))),
        ("7.3", lambda z, y: np.logaddexp(0.0, z) - y * z),
        ("10.3", lambda rng, nin, nout: np.float64(rng.gauss(0.0, nin**-0.5))),
        ("12.3", lambda xs: (np.array(xs) - np.mean(xs)) / np.sqrt(np.var(xs) + 1e-5)),
        ("13.3", lambda *arguments: np.array(spiral_scores(*arguments))),
        ("14.3", lambda actual, predicted: np.array(ANSWERS["14.3"](actual, predicted))),
        ("15.3", lambda *arguments: np.bool_(ANSWERS["15.3"](*arguments))),
        ("6.3", lambda a, W, delta: [Value(x) for x in ANSWERS["6.3"](a, W, delta)]),
    ],
)
def test_a_right_answer_is_right_in_every_form(name, answer):
    assert check(name, answer)


# A wrong answer is wrong, however near.


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_beside_the_right_one_is_wrong(name):
    x, tolerance = NUMBERS[name], _tables()[name].get("tolerance", 1e-3)
    off = max(3e-3, 2 * tolerance) * x
    counts = [x + k for k in (0.1, -0.1, 1e-6, 1, -1)] if tolerance == 0 else []
    for wrong in (x + off, x - off, -x, *counts):
        assert check(name, wrong).right is False


@pytest.mark.parametrize("name", sorted({*LISTS} - {"R2.2", "5.3"}))
def test_each_number_of_a_list_and_its_place_count(name):
    right = LISTS[name]
    for k in range(len(right)):
        for wrong in (right[k] * 1.05 + 0.004, -right[k] + 0.01):
            assert check(name, [*right[:k], wrong, *right[k + 1 :]]).right is False
    if name not in ("5.1", "18.3") and right != right[::-1]:
        assert check(name, right[::-1]).right is False
    assert check(name, [*right, 0.0]).right is False
    assert check(name, right[:-1]).right is False


def uniform(rng: random.Random, nin: int, nout: int) -> float:
    return rng.uniform(-1.0, 1.0) * math.sqrt(3 / nin)


def in_order_of_use(root: Value) -> list[Value]:
    """Breadth first: a value may come before another that uses it."""
    order = [root]
    for v in order:
        order += [p for p in v.parents if p not in order]
    return order


@primitive(lambda m, y, x: (-2 * x * y,))
def wrong_slope(m, x):
    return m.divide(1.0, 1 + x * x)


@primitive(lambda m, y, x: (float(-2 * x) * float(y) * float(y),))
def slope_in_floats(m, x):
    return m.divide(1.0, 1 + x * x)


WRONG_FUNCTIONS = [
    # f at other points than x - h, x and x + h
    ("1.3", lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h)),
    ("1.3", lambda f, x, h: (f(x + 2 * h) - 2 * f(x) + f(x - 2 * h)) / (4 * h * h)),
    ("2.3", in_order_of_use),
    ("2.3", lambda root: [root]),
    ("R2.3", slope_in_floats),
    # not by gates
    ("4.3", lambda a, b, c: [(a + b + c) % 2, (a + b + c) // 2]),
    ("4.3", lambda a, b, c: [a ^ b ^ c, a & b | c & (a ^ b)]),
    ("4.3", lambda a, b, c: [int(a != b) != c, int(a + b + c >= 2)]),
    ("4.3", lambda a, b, c: adder(a, b, c)[::-1]),
    # XOR by other hidden units than OR and AND
    ("5.3", [1.0, -1.0, -0.5, -1.0, 1.0, -0.5, 1.0, 1.0, -0.5]),
    ("6.3", lambda a, W, delta: [sum(map(operator.mul, delta, row)) for row in W]),
    # right but beyond the range of exp; a Value
    ("7.3", lambda z, y: math.log(1 + math.exp(-z)) if y else math.log(1 + math.exp(z))),
    ("7.3", lambda z, y: Value(max(z, 0.0) - y * z + math.log1p(math.exp(-abs(z))))),
    # centred, but not from end to end
    ("8.3", lambda xs: [(x - np.mean(xs)) / np.max(np.abs(xs - np.mean(xs))) for x in xs]),
    ("9.3", lambda loss, w, eta, steps: ANSWERS["9.3"](loss, w, eta, steps + 1)),
    # not Gaussian, of another variance, from another rng
    ("10.3", uniform),
    ("10.3", lambda rng, nin, nout: rng.choice([-1.0, 1.0]) * nin**-0.5),
    ("10.3", lambda rng, nin, nout: rng.gauss(0.0, (2 / (nin + nout)) ** 0.5)),
    ("10.3", lambda rng, nin, nout: random.gauss(0.0, nin**-0.5)),
    ("11.3", functions.relu),
    ("11.3", lambda z: functions.leaky_relu(z, 0.11)),
    ("12.3", lambda xs: [(x - sum(xs) / len(xs)) / np.std(xs, ddof=1) for x in xs]),
    ("13.3", lambda x, W, b, W2, b2: spiral_scores(x, W, b, W2, [-v for v in b2])),
    ("14.3", lambda actual, predicted: ANSWERS["14.3"](actual, predicted)[::-1]),
    ("15.3", lambda training, test, groups: True),
    ("15.3", lambda training, test, groups: set(training).isdisjoint(test)),
    # by where
    ("16.3", lambda z: functions.where(functions.step(z), z, z / 10)),
    ("16.3", lambda z: z if z > 0 else z / 10),
    ("16.3", lambda z: functions.leaky_relu(z, 0.11)),
    ("17.3", [[-1, 0, 1], [-2, 1, 2], [-1, 0, 1]]),
    ("17.3", [[-1, -1, -1], [0, 0, 0], [1, 1, 1]]),
    ("18.3", [1.0, 2.0, 3.0, -3.0, -2.0, -1.0]),
    ("19.1", lambda *arrays: {**ANSWERS["19.1"](*arrays), "dW2": 0.0}),
]


@pytest.mark.parametrize(("name", "answer"), WRONG_FUNCTIONS)
def test_a_rule_that_is_broken_is_noticed(name, answer):
    assert check(name, answer).right is False


def test_every_exercise_has_a_near_miss():
    rows = [*WRONG_FUNCTIONS, *WRONG_PARTS, *NAMED, *MISTAKES]
    missed = {*NUMBERS, *LISTS, *CHOICES, *(name for name, *_ in rows)}
    assert missed | {"14.2", "15.2", "19.3"} == set(EXERCISES)  # words
    for name in ("14.2", "15.2", "19.3"):
        assert check(name, "hod").right is False


# A slip that has a name is told, and not what stands in its place.

NAMED = [
    ("R2.3", wrong_slope, "is wrong: d(1/v)/dx = -1/v^2 * dv/dx, and y = 1/v (a factor of the "
     "chain rule was left out)"),
    ("6.3", lambda a, W, delta: list(np.array(W).T @ delta),
     "delta1: the factor A1 * (1 - A1), the slope of sigmoid, is missing"),
    ("19.1", lambda *arrays: {k: 5 * a for k, a in ANSWERS["19.1"](*arrays).items()},
     "delta2: the examples are summed, not averaged: / B is missing"),
    ("19.2", BROKEN[1].value, "a.grad is 1.5, and right is 3: in *, = stands where += belongs"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer", "said"), NAMED + WRONG_PARTS)
def test_a_slip_is_told_as_a_hint(name, answer, said):
    verdict = check(name, answer)
    assert verdict.right is False
    assert said in verdict.said
    assert "It should be" not in verdict.said


def told(right, answer):
    """What is said of a wrong answer beyond that it is wrong."""
    try:
        assert right(answer) is False
    except AnswerError as error:
        return str(error)
    return ""


def double(x):
    return [2 * x, x + 1]


FACTOR = "a factor is missing or stands there twice: the rest is right"
OF_TWO = function(double, (1.0,), (3.0,), mistakes={"sign": lambda x: [-2 * x, 1 - x]})
#: What an answer is compared with, the answer, and what is told: nothing without a known mistake.
CHANGED = [
    (equal(3.0), -3, "the sign of the number is the other way round"),
    (equal(3.0), 6.001, FACTOR),
    (equal(3.0), 1.5, FACTOR),
    (equal(3.0), 9, ""),
    (equal(3.0), 4, ""),
    (equal(3, 0.0), 4, "it is off by one"),
    (equal(3, 0.0), 5, ""),
    (equal(3.0, mistakes={"sum for mean": 9}), 9, "sum for mean: 1/n is missing"),
    (equal([1, -2, 0]), [-1, 2, 0], "the sign of 2 of the numbers is the other way round"),
    (equal([1, -2, 4]), [-1, 2, -4], "the sign of every number is the other way round"),
    (equal([1, -2, 0]), [1, 2, 0], "the sign of the second number is the other way round"),
    (equal([1, -2, 0]), [0, 1, -2], "the numbers are right, and stand in another order"),
    (equal([1, -2, 0]), [3, -6, 0], FACTOR),
    (equal([1, -2, 0]), [0, 0, 0], "2 of the numbers are wrong"),
    (equal([1, -2, 0]), [1, -2, 5], "the third number is wrong"),
    (equal([1, -2, 0]), [4, 4, 4], ""),
    (equal([1, -2], mistakes={"order": [-2, 1]}), [-2, 1],
     "order: a gradient is passed on before all of it has arrived, or again afterwards"),
    (OF_TWO, lambda x: [-2 * x, 1 - x], "sign: plus for minus, or the operands of a "),
    (OF_TWO, lambda x: [2 * x, 2],
     "for (3.0) the function gives [6.0, 2.0]: the second number is wrong"),
    (OF_TWO, lambda x: [7, 8],
     "for (1.0) the function gives [7.0, 8.0]: another result is right"),
    (OF_TWO, lambda x: [x + 1, 2 * x],
     "for (3.0) the function gives [4.0, 6.0]: the numbers are right, and stand in another order"),
    (OF_TWO, lambda x: x,
     "of what the function gives for (1.0): a list of two numbers is asked for"),
    (choice("b", {"a": "It is not.", "b": "yes"}), " A) ", "It is not"),
    (choice("b", {"a": "It is not.", "b": "yes"}), "c", "one of the letters a, b is asked for"),
    (choice("b", {"a": "It is not.", "b": "yes"}), 1, "a letter is asked for, and"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "answer", "said"), CHANGED)
def test_a_change_that_is_known_is_told_and_what_is_right_is_not(right, answer, said):
    assert told(right, answer).startswith(said) if said else told(right, answer) == ""


def test_a_function_cannot_change_what_the_next_case_is():
    emptied = function(lambda xs: sum(xs), ([1.0, 2.0],), ([3.0],))
    assert emptied(lambda xs: sum(xs.pop() for _ in [*xs]))
    assert emptied(sum)


#: Mistakes that no table declares, and one that a table does, of each kind of answer.
MISTAKES = [
    ("4.1", [0.4, -1.3, 1.9], "sign: plus for minus"),
    ("9.1", [5, 1], "a factor is missing"),
    ("10.2", 3, "it is off by one"),
    ("10.3", lambda rng, nin, nout: rng.gauss(0.0, 1 / nin), "1/nin is the variance"),
    ("12.3", lambda xs: (np.array(xs) - np.mean(xs)) / np.std(xs), "10^-5 is missing"),
    ("15.3", lambda training, test, groups: set(training).isdisjoint(test), "compare the speakers"),
]


@pytest.mark.parametrize(("name", "answer", "said"), MISTAKES)
def test_a_typical_mistake_is_recognised_and_a_hint_is_offered(name, answer, said):
    verdict = check(name, answer)
    assert verdict.right is False
    assert said in verdict.said
    assert verdict.said.endswith(f'. More: check("{name}", answer, hint=1)')


#: A wrong form is told as such; what a student's function raises is told by the verdict.
FORMS = [
    ("19.1", lambda *arrays: 3, "of what the function gives for (array of (3, 2), array of (1, 3), "
     "array of (1, 3), array of (1, 1), array of (5, 2), array of (5, 1)): a dict with dW1, db1, "
     "dW2, db2 is asked for, and this is one number"),
    ("19.1", lambda *arrays: {**ANSWERS["19.1"](*arrays), "dW1": "no"},
     "the claim dW1 must be an array of numbers, got str"),
    ("19.2", 3, "diagnose_engine takes the class itself, got int"),
    ("2.1", 3, "a list of two numbers is asked for, and this is one number"),
    ("2.1", "3, 8", "a list of two numbers is asked for, and this is a text"),
    ("2.1", None, "a list of two numbers is asked for, and this is None"),
    ("2.1", {3, 8}, "a list of two numbers is asked for, and this is a set, which has no order"),
    ("2.1", {"a": 3}, "a list of two numbers is asked for, and this is a mapping"),
    ("2.1", [3.0], "a list of two numbers is asked for, and this is a list of one"),
    ("2.1", np.array([[3.0, 8.0]]), "a list of two numbers is asked for, and this is a list of "),
    ("2.1", [3.0, "8"], "a number is asked for, and this is a text"),
    ("2.1", [3.0, True], "a number is asked for, and this is True"),
    ("2.1", lambda: [3, 8], "a list of two numbers is asked for, and this is a function"),
    ("4.2", [104], "a number is asked for, and this is a list"),
    ("4.2", "104", "a number is asked for, and this is a text"),
    ("4.2", 104j, "a number is asked for, and this is of type complex"),
    ("4.3", None, "a function is asked for, and this is None"),
    ("4.3", [0, 1], "a function is asked for, and this is a list"),
    ("4.3", lambda a, b, c: 1, "of what the function gives for (0, 0, 0): a list of two numbers is "
     "asked for, and this is one number"),
    ("R2.3", 0.5, "the answer is the function under @primitive(lambda m, y, x: (...,)), and this "
     "is one number"),
    ("7.3", lambda z: z, "asked for (-1000.0, 0.0) the function raised TypeError: "),
    ("7.3", lambda z, y: 1 / 0, "asked for (-1000.0, 0.0) the function raised ZeroDivisionError: "),
    ("9.3", lambda loss, w, eta, steps: loss, "of what the function gives for (f, 0.0, 0.1, 1): a "
     "number is asked for, and this is a function"),
    ("11.3", lambda z: 1.0, "of what the function gives for (Value("),
    ("15.3", lambda *x: None, "of what the function gives for ("),
    ("16.3", lambda z: z if z > 0 else z / 10, "asked for ("),
    ("1.3", lambda f, x, h: f(x), "f is to be asked at x - h, x and x + h, all three and nowhere"),
    ("14.2", 3, "a word is asked for, and this is one number"),
    ("17.3", [[1, 2, 3]], "a list of three rows is asked for, and this is a list of one"),
    ("17.3", [[1, 2], [1, 2], [1, 2]], "a list of three numbers is asked for, and this is"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer", "said"), FORMS)
def test_a_wrong_form_is_told_as_such(name, answer, said):
    verdict = check(name, answer)
    assert verdict.right is False
    assert verdict.said.startswith(f"not yet: {said}")


HUGE = [[10**400, 1], [3, -(10**400)], [math.inf, 8], [math.nan, 8], [3, Decimal("Infinity")]]


@pytest.mark.parametrize("answer", HUGE)
def test_numbers_beyond_a_float_get_a_verdict(answer):
    assert check("2.1", answer).said.startswith("not yet")


def test_errors_of_a_user_s_own_are_told_too():
    class OddError(Exception):
        def __str__(self) -> str:
            return "\x1b[31mred\nline"

    def odd(z: Any, y: Any) -> float:
        raise OddError

    said = check("7.3", odd).said
    assert "OddError: \ufffd[31mred line" in said


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        (3.1, TypeError, 'the number of an exercise is a text: write check("3.1", answer)'),
        ("99.9", ValueError, "unknown exercise '99.9': choose 1.1, 1.2, 1.3, "),
        ("30.1", ValueError, "unknown exercise '30.1': choose 1.1, "),
        (3, TypeError, 'the number of an exercise is a text: write check("2.1", answer)'),
        (None, TypeError, 'the number of an exercise is a text: write check("2.1", answer)'),
    ],
)
def test_the_number_of_an_exercise_is_a_text_of_those_in_order(name, error, said):
    with pytest.raises(error) as caught:
        check(name, 1.0)
    assert str(caught.value).startswith(said)
    places = [(n[0] == "R", *map(int, n.lstrip("R").split("."))) for n in EXERCISES]
    assert places == sorted(places)


def test_tolerances_are_relative_at_any_size():
    for x in (1e-6, 0.012, 1.0, 3e8):
        assert equal(x)(1.0005 * x)
        assert not equal(x)(1.002 * x)
    assert equal(0.0)(1e-17)
    assert not equal(0.0)(1e-6)
    assert not equal(2, 0.0)(2 + 1e-12)
    assert equal([1.0, 2.0], ordered=False)([2, 1])
    assert not equal([1.0, 2.0])([1.5, 1])
    assert equal("batch")(" Batch ")
