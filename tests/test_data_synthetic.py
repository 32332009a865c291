import itertools
import math
import random
from collections import Counter

import pytest
from refusals import refusals

from tinygrad_edu.data import blobs, circles, houses, moons, sine, spiral, xor

NAN, INF = float("nan"), float("inf")
INT = "must be an int from"


@pytest.mark.parametrize("make", [moons, circles, blobs, spiral])
def test_rows_come_class_by_class_in_equal_shares(make):
    y = make(32).y
    sizes = Counter(y)
    assert y == sorted(y)
    assert max(sizes.values()) - min(sizes.values()) <= 1
    assert sizes[0] == max(sizes.values())


def test_a_shared_random_is_advanced_from_one_data_set_to_the_next():
    gen = random.Random(0)
    assert moons(rng=gen).X != moons(rng=gen).X


def test_the_global_random_state_is_neither_read_nor_changed():
    state = random.getstate()
    first = spiral()
    assert random.getstate() == state
    random.seed(99)
    assert spiral() == first
    random.setstate(state)


def test_moons_without_noise_lie_on_two_half_circles():
    X, y = moons(100, noise=0.0)
    for (a, b), label in zip(X, y, strict=True):
        if label == 0:
            assert math.hypot(a, b) == pytest.approx(1)
            assert b >= 0
        else:
            assert math.hypot(a - 1, b - 0.5) == pytest.approx(1)
            assert b <= 0.5
    assert X[0] == [1.0, 0.0]
    assert X[49] == pytest.approx([-1.0, 0.0])
    assert X[50] == [0.0, 0.5]
    assert X[99] == pytest.approx([2.0, 0.5])


def test_circles_without_noise_have_their_two_radii():
    X, y = circles(100, noise=0.0, factor=0.3)
    for row, label in zip(X, y, strict=True):
        assert math.hypot(*row) == pytest.approx((1.0, 0.3)[label])
    assert [math.fsum(c) for c in zip(*X, strict=True)] == pytest.approx([0, 0], abs=1e-12)


def test_xor_is_its_truth_table():
    X, y = xor()
    assert X == [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    assert y == [0, 1, 1, 0]
    assert [*xor(10)] == [(3 * X)[:10], (3 * y)[:10]]


def test_noisy_xor_points_scatter_about_their_corners():
    X, _ = xor(4000, noise=0.1)
    errors = [
        x - corner for i, row in enumerate(X) for x, corner in zip(row, xor().X[i % 4], strict=True)
    ]
    assert math.fsum(errors) / 8000 == pytest.approx(0, abs=0.006)
    # standard error of a deviation: 0.1 / sqrt(2 * 8000) = 0.0008
    assert math.sqrt(math.fsum(e * e for e in errors) / 8000) == pytest.approx(0.1, abs=0.004)


@pytest.mark.parametrize("k", [2, 3, 7])
def test_a_number_of_blobs_has_neighbouring_centres_6_apart(k):
    X = blobs(k, centers=k, std=0.0).X
    nearest = [min(math.dist(a, b) for b in X if b is not a) for a in X]
    assert nearest == pytest.approx([6.0] * k)
    assert blobs(2, centers=1, std=0.0).X == [[0.0, 0.0], [0.0, 0.0]]


def test_blobs_lie_about_the_given_centres_in_any_dimension():
    found = blobs(4000, centers=[[0, 0, 10], [5, 5, -5]], std=0.5)
    assert found.feature_names == ("x1", "x2", "x3")
    for label, centre in enumerate([[0, 0, 10], [5, 5, -5]]):
        rows = [row for row, y in zip(found.X, found.y, strict=True) if y == label]
        for column, middle in zip(zip(*rows, strict=True), centre, strict=True):
            # standard error of the mean: 0.5 / sqrt(2000) = 0.011
            assert math.fsum(column) / 2000 == pytest.approx(middle, abs=0.05)
            variance = math.fsum((x - middle) ** 2 for x in column) / 2000
            assert math.sqrt(variance) == pytest.approx(0.5, abs=0.04)


def test_spiral_radii_grow_evenly_from_0_to_1_whatever_the_noise():
    X, y = spiral(300)
    assert y == [0] * 100 + [1] * 100 + [2] * 100
    assert [math.hypot(*row) for row in X] == pytest.approx([i / 99 for i in range(100)] * 3)


@pytest.mark.parametrize(
    ("i", "point"),
    [
        # CS231n, minimal neural network case study, its own points with np.random.seed(0)
        (1, (0.0012135812756681982, 0.010027842517114818)),
        (50, (0.4867108724576082, -0.13486489270126648)),
        (199, (0.9157907989398819, -0.40165558950057306)),
        (299, (-0.47270638487404987, 0.8812199916588971)),
    ],
)
def test_spiral_points_are_those_of_the_case_study_but_for_the_noise_of_the_angle(i, point):
    a, b = spiral(300, noise=0.0).X[i]
    assert math.hypot(a, b) == pytest.approx(math.hypot(*point))
    angle = math.atan2(*point) - math.atan2(a, b)
    assert abs(math.remainder(angle, 2 * math.pi)) < 0.8  # 4 deviations of 0.2


def test_spiral_without_noise_turns_by_4_radians_an_arm():
    X = spiral(300, noise=0.0).X
    for j in range(3):
        assert X[100 * j] == [0.0, 0.0]
        end = 4.0 * (j + 1)
        assert X[100 * j + 99] == pytest.approx([math.sin(end), math.cos(end)])


def test_the_arms_of_a_spiral_go_round_as_often_as_one_says():
    X = spiral(402, 2, noise=0.0, turns=1.25).X
    for j in range(2):
        angles = [math.atan2(*row) for row in X[201 * j + 1 : 201 * (j + 1)]]
        steps = [math.remainder(b - a, math.tau) for a, b in itertools.pairwise(angles)]
        assert sum(steps) == pytest.approx(1.25 * math.tau * 199 / 200)
        assert angles[0] == pytest.approx(math.remainder(4.0 * j + 1.25 * math.tau / 200, math.tau))


test_an_impossible_size_or_place_is_refused = refusals([
    (lambda: circles(1), ValueError, f"n {INT} 2 to 1000000, got 1"),
    (lambda: circles(factor=0), ValueError, "factor must be a finite number > 0 and < 1, got 0.0"),
    (lambda: circles(factor=1), ValueError, "factor must be a finite number > 0 and < 1, got 1.0"),
    (lambda: circles(factor=NAN), ValueError,
     "factor must be a finite number > 0 and < 1, got nan"),
    (lambda: spiral(turns=0), ValueError,
     "turns must be a finite number > 0 and <= 100, got 0.0"),
    (lambda: xor(3), ValueError, f"n {INT} 4 to 1000000, got 3"),
    (lambda: blobs(2), ValueError, f"n {INT} 3 to 1000000, got 2"),
    (lambda: blobs(centers=0), ValueError, f"centers {INT} 1 to 1000000, got 0"),
    (lambda: blobs(centers=[]), ValueError, "centers is empty: write [[0, 0], [3, 3]]"),
    (lambda: blobs(centers=[[]]), ValueError, "centers is empty: write [[0, 0], [3, 3]]"),
    (lambda: blobs(centers=[[0, 0], [1]]), ValueError, "centers[1] has 1 numbers, expected 2"),
    (lambda: blobs(centers=[[0, NAN]]), ValueError,
     "centers[0][1] must be a finite number, got nan"),
    (lambda: spiral(arms=0), ValueError, f"arms {INT} 1 to 1000000, got 0"),
    (lambda: spiral(2), ValueError, f"n {INT} 3 to 1000000, got 2"),
    (lambda: spiral(arms=2.5), TypeError, f"arms {INT} 1 to 1000000, got float 2.5"),
    (lambda: blobs(centers=2.5), TypeError, f"centers {INT} 1 to 1000000, got float 2.5"),
    (lambda: blobs(centers=[0, 1]), TypeError,
     "centers[0] must be a point, got int; write [[0, 0], [3, 3]]"),
    (lambda: blobs(centers="ab"), TypeError, "centers must be a list of points, got str"),
    (lambda: blobs(centers={(0, 1), (1, 2)}), TypeError,
     "centers must be a list of points, got set"),
    (lambda: blobs(centers=[[0, "1"]]), TypeError,
     "centers[0][1] takes one real number, got str '1': "
     "write float(...) around a text that is a number"),
])  # fmt: skip


def test_a_sine_without_noise_is_a_sine_over_one_period():
    X, y = sine(5, noise=0.0)
    assert [[-math.pi], [-math.pi / 2], [0.0], [math.pi / 2], [math.pi]] == X
    assert y == pytest.approx([0, -1, 0, 1, 0], abs=1e-15)


def test_the_price_of_a_house_is_that_of_its_formula():
    data = houses(200, noise=0.0)
    for (area, rooms, age, distance), price in zip(data.X, data.y, strict=True):
        near, looks = 4 * math.exp(-distance / 6), (age / 50 - 1) ** 2 / 2
        assert price == pytest.approx(area * (1 + near) * (0.8 + looks))
        assert rooms == int(rooms) >= 1
    assert data.feature_names == ("area (m2)", "rooms", "age (years)", "distance (km)")


@pytest.mark.parametrize("make", [sine, houses])
def test_numbers_to_predict_are_drawn_from_a_seed(make):
    assert make(9, rng=1) == make(9, rng=1) != make(9, rng=2)
    with pytest.raises(ValueError, match="n must be an int from 2 to 1000000, got 1"):
        make(1)
    with pytest.raises(ValueError, match="noise must be a finite number >= 0, got -1"):
        make(noise=-1)
