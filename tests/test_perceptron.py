"""The perceptron: its rule worked by hand, its convergence, its boundary, and the gates."""

import math
import random

import numpy as np
import pytest
from refusals import refusals

from tinygrad_edu import Perceptron, Value
from tinygrad_edu import functions as f
from tinygrad_edu.losses import perceptron as perceptron_loss
from tinygrad_edu.perceptron import GATES, PerceptronHistory, gate, truth_table, xnor, xor

NAN, INF = float("nan"), float("inf")
CORNERS = [[0, 0], [0, 1], [1, 0], [1, 1]]
AND = [0, 0, 0, 1]

# Targets, batch, mistakes per epoch and all weights (w0, w1, w2), by hand from weights 0 with lr 1,
# the corners in their order. +-1: a net input of 0 is a mistake for both labels.
BY_HAND = {
    "online, targets 0 and 1, AND": (
        AND, False, [1, 3, 3, 2, 1, 0],
        [(0, 0, 0), (1, 1, 1),
         (0, 1, 1), (-1, 1, 0), (0, 2, 1),
         (-1, 2, 0), (-2, 1, 0), (-1, 2, 1),
         (-2, 1, 1), (-1, 2, 2), (-2, 2, 1)]),
    "online, labels -1 and 1, OR": (
        [-1, 1, 1, 1], False, [3, 1, 2, 2, 1, 0],
        [(0, 0, 0), (-1, 0, 0), (0, 0, 1), (1, 1, 1), (0, 1, 1),
         (-1, 1, 1), (0, 1, 2), (-1, 1, 2), (0, 2, 2), (-1, 2, 2)]),
    "batch, targets 0 and 1, AND": (
        AND, True, [1, 3, 1, 0], [(0, 0, 0), (1, 1, 1), (-2, 0, 0), (-1, 1, 1)]),
    # at 0 all four are mistakes: sum of y x = (-1, 0, 0) + (1, 0, 1) + (1, 1, 0) + (1, 1, 1)
    "batch, labels -1 and 1, OR": (
        [-1, 1, 1, 1], True, [4, 1, 1, 1, 0],
        [(0, 0, 0), (2, 2, 2), (1, 2, 2), (0, 2, 2), (-1, 2, 2)]),
}  # fmt: skip


@pytest.mark.parametrize("form", BY_HAND)
def test_each_form_of_the_rule_goes_the_way_worked_by_hand(form):
    y, batch, mistakes, weights = BY_HAND[form]
    unit = Perceptron(2)
    history = unit.fit(CORNERS, y, batch=batch)
    assert history.mistakes == mistakes
    assert history.weights == weights
    assert unit.w == list(weights[-1])
    assert (history.converged, history.epochs) == (True, len(mistakes))
    assert [unit(x) for x in CORNERS] == [int(t > 0) for t in y]


def test_the_learning_rate_scales_the_step_and_from_zero_weights_nothing_else():
    unit = Perceptron(1, w=[0.5, -1.0])
    unit.fit([[2.0]], [1], lr=0.1, epochs=1)  # o = 0: w += 0.1 * 1 * (1, 2)
    assert unit.w == pytest.approx([0.6, -0.8], rel=1e-15)
    small, whole = Perceptron(2).fit(CORNERS, AND, lr=1 / 8), Perceptron(2).fit(CORNERS, AND)
    assert small.mistakes == whole.mistakes
    assert [[8 * w for w in row] for row in small.weights] == [[*row] for row in whole.weights]


def test_a_point_on_the_boundary_is_a_mistake_for_a_label_and_none_for_the_target_0():
    assert Perceptron(1).fit([[1.0]], [0]).mistakes == [0]
    assert Perceptron(1).fit([[1.0]], [-1]).mistakes == [1, 0]
    for t in (0, -1, 1):
        assert Perceptron(1)([t]) == 0


def test_training_goes_on_from_the_present_weights():
    once, twice = Perceptron(2), Perceptron(2)
    whole = once.fit(CORNERS, AND)
    first, second = twice.fit(CORNERS, AND, epochs=2), twice.fit(CORNERS, AND)
    assert first.mistakes + second.mistakes == whole.mistakes
    assert first.weights + second.weights[1:] == whole.weights
    assert first.weights[-1] == second.weights[0]
    assert twice.w == once.w


def test_a_history_may_be_made_without_what_is_known_of_the_classes():
    assert PerceptronHistory([2, 0], [(0.0,)]).converged


def separable(seed, gamma):
    """Points whose distance in (1, x) from a random hyperplane through 0 is at least gamma."""
    rng = random.Random(seed)
    u = [rng.gauss(0, 1) for _ in range(3)]
    length = math.hypot(*u)
    X = []
    y = []
    while len(X) < 60:
        x = [rng.uniform(-2, 2), rng.uniform(-2, 2)]
        side = (u[0] + u[1] * x[0] + u[2] * x[1]) / length
        if abs(side) >= gamma:
            X.append(x)
            y.append(1 if side > 0 else -1)
    return X, y, [math.hypot(1, *x) for x in X]


@pytest.mark.parametrize("seed", range(6))
def test_mistakes_on_separable_data_stay_below_the_bound_of_novikoff(seed):
    gamma = 0.1
    X, y, lengths = separable(seed, gamma)
    for rng in (None, 3):
        unit = Perceptron(2)
        history = unit.fit(X, y, epochs=1000, rng=rng)
        assert history.converged
        assert sum(history.mistakes) == len(history.weights) - 1
        assert 0 < sum(history.mistakes) <= (max(lengths) / gamma) ** 2
        assert all(t * unit.distance(x) > 0 for x, t in zip(X, y, strict=True))


@pytest.mark.parametrize("batch", [False, True])
def test_shuffled_training_is_reproducible_and_leaves_the_data_alone(batch):
    X, y, _ = separable(1, 0.05)
    rows, labels = [list(x) for x in X], list(y)
    runs = [Perceptron(2).fit(X, y, batch=batch, rng=rng) for rng in (5, 5, random.Random(5))]
    assert runs[0] == runs[1] == runs[2]
    assert (X, y) == (rows, labels)
    given = Perceptron(2).fit(X, y, batch=batch)
    assert (runs[0].weights == pytest.approx(np.array(given.weights))) == batch


def test_the_rule_is_online_descent_on_the_perceptron_loss():
    start = [0.3, -0.7, 0.45]  # no corner ever has net input 0, where they differ
    y = [-1, -1, -1, 1]
    w = [Value(x) for x in start]
    for _ in range(8):
        for x, t in zip(CORNERS, y, strict=True):
            for v in w:
                v.grad = 0.0
            perceptron_loss(f.dot(w[1:], x, w[0]), t).backward()
            for v in w:
                v.data -= v.grad
    history = Perceptron(2, w=start).fit(CORNERS, y, epochs=8)
    assert [v.data for v in w] == pytest.approx(list(history.weights[-1]), abs=1e-14)
    assert len(history.weights) > 3


def test_arrays_and_truth_values_are_numbers_too():
    unit = Perceptron(2)
    unit.fit(np.array(CORNERS), np.array(AND))
    assert unit(np.array([1.0, 1.0])) == unit([True, True]) == 1
    assert {type(w) for w in unit.w} == {float}
    assert Perceptron(2).fit(CORNERS, [False, False, False, True]).converged


# The lecture's tables: inputs in the order 00, 01, 10, 11.
@pytest.mark.parametrize(
    ("name", "weights", "outputs"),
    [
        ("AND", (-30, 20, 20), [0, 0, 0, 1]),
        ("OR", (-10, 20, 20), [0, 1, 1, 1]),
        ("NOR", (10, -20, -20), [1, 0, 0, 0]),
        ("NOT", (10, -20), [1, 0]),
    ],
)
def test_a_gate_has_the_weights_of_the_lecture_and_its_truth_table(name, weights, outputs):
    unit = gate(name)
    assert GATES[name] == tuple(unit.w) == weights
    assert list(truth_table(unit, unit.nin).values()) == outputs
    unit.w[0] = 99.0
    assert gate(name).w == list(weights)


def test_xnor_and_xor_are_combined_from_gates():
    assert truth_table(xnor) == {(0, 0): 1, (0, 1): 0, (1, 0): 0, (1, 1): 1}
    assert truth_table(xor) == {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 0}
    assert xnor(iter([0, 0])) == 1
    assert xor(iter([0, 1])) == 1


def test_a_unit_learns_each_function_of_two_inputs_but_xor_and_xnor():
    learned = 0
    for number in range(16):
        outputs = [number >> i & 1 for i in range(4)]
        learned += Perceptron(2).fit(CORNERS, outputs).converged
    assert learned == 14


def test_the_boundary_is_a_hyperplane_with_signed_distances():
    unit = Perceptron(2, w=[-10, 3, 4])  # |w| = 5
    assert unit.hyperplane() == (-10, (3, 4))
    assert unit.net_input([1, 1]) == -3
    assert unit.distance([0, 0]) == -2
    assert unit.distance([6, 8]) == 8
    assert Perceptron(3, w=[1, 2, 2, 1]).distance([1, 1, 1]) == 2.0  # 6 / 3


@pytest.mark.parametrize(
    ("w", "points"),
    [
        ((-10, 3, 4), ((1.2, 1.6), (0.4, 2.2))),  # foot 2 * (3, 4) / 5, along (-4, 3) / 5
        ((-6, 2, 0), ((3, 0), (3, 1))),  # x1 = 3, vertical
        ((6, 0, 2), ((0, -3), (-1, -3))),  # x2 = -3, horizontal
        ((0, 1, 0), ((0, 0), (0, 1))),
    ],
)
def test_a_line_is_two_points_one_apart_and_the_first_nearest_the_origin(w, points):
    unit = Perceptron(2, w=w)
    assert np.array(unit.line()) == pytest.approx(np.array(points), abs=1e-15)
    for point in unit.line():
        assert unit.distance(point) == pytest.approx(0, abs=1e-15)


def test_the_repr_of_a_unit_builds_it_again():
    assert repr(gate("AND")) == "Perceptron(2, w=[-30.0, 20.0, 20.0])"
    assert eval(repr(gate("AND"))).w == gate("AND").w


V = Value(1.0)
BAD = {
    "a Value": (lambda: Perceptron(2)([V, 0.0]), TypeError,
     "x[0] takes one real number, got Value: use the Value as it is, or its number v.data"),
    "nin": (lambda: Perceptron(0), ValueError, "nin must be an int of at least 1, got 0"),
    "w too short": (lambda: Perceptron(2, w=[1, 2]), ValueError,
     "w has 2 numbers, expected 3: the bias first, then a weight per input"),
    "w nan": (lambda: Perceptron(1, w=[0, NAN]), ValueError,
     "w[1] must be a finite number, got nan"),
    "w a number": (lambda: Perceptron(1, w=3), TypeError, "w must be a list of numbers, got int"),
    "x too long": (lambda: Perceptron(1)([1, 2]), ValueError, "x has 2 numbers, expected 1"),
    "x inf": (lambda: Perceptron(1)([INF]), ValueError, "x[0] must be a finite number, got inf"),
    "x a text": (lambda: Perceptron(2)("01"), TypeError, "x must be a list of 2 numbers, got str"),
    "no rows": (lambda: Perceptron(1).fit([], []), ValueError, "X has no rows"),
    "ragged rows": (lambda: Perceptron(2).fit([[1, 2], [1]], [0, 1]), ValueError,
     "X[1] is a row of 1, X[0] is a row of 2"),
    "lengths": (lambda: Perceptron(1).fit([[1], [2]], [1]), ValueError,
     "2 rows in X but 1 targets in y"),
    "class 2": (lambda: Perceptron(1).fit([[1], [2]], [1, 2]), ValueError,
     "y[1] is 2: a perceptron takes targets 0 and 1, or labels -1 and 1"),
    "both forms": (lambda: Perceptron(1).fit([[1], [2]], [0, -1]), ValueError,
     "y holds both -1 and 0: use targets 0 and 1, or labels -1 and 1"),
    "a text as label": (lambda: Perceptron(1).fit([[1]], ["a"]), TypeError,
     "y[0] is the text 'a': encode classes as numbers, for instance sorted(set(y)).index(label)"),
    "lr": (lambda: Perceptron(1).fit([[1]], [1], lr=0), ValueError,
     "lr must be a finite number > 0, got 0.0"),
    "epochs": (lambda: Perceptron(1).fit([[1]], [1], epochs=0), ValueError,
     "epochs must be an int of at least 1, got 0"),
    "batch": (lambda: Perceptron(1).fit([[1]], [1], batch="no"), TypeError,
     "batch must be True or False, got str 'no'"),
    "rng": (lambda: Perceptron(1).fit([[1]], [1], rng="0"), TypeError,
     "rng must be an int seed or a random.Random, got str; write rng=0"),
    "overflow": (lambda: Perceptron(1).fit([[1e308]], [1], lr=10), OverflowError,
     "the weights grew beyond the largest float: scale the inputs"),
    "line in space": (lambda: Perceptron(3).line(), ValueError,
     "line() needs 2 inputs, got nin=3: use hyperplane()"),
    "no boundary": (lambda: Perceptron(2, w=[1, 0, 0]).distance([0, 0]), ValueError,
     "there is no boundary: all weights but the bias are 0, train the unit or give w"),
    "gate": (lambda: gate("XOR"), ValueError, "unknown gate 'XOR': choose AND, NOR, NOT, OR"),
    "truth table": (lambda: truth_table(gate("NOT")), ValueError, "x has 2 numbers, expected 1"),
}  # fmt: skip


test_bad_input_says_what_was_expected = refusals(BAD)


def test_bad_data_leave_the_weights_alone():
    unit = gate("AND")
    with pytest.raises(ValueError, match="finite"):
        unit.fit([[1, 1], [NAN, 1]], [0, 1])
    assert unit.w == [-30, 20, 20]
