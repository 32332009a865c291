"""Preprocessing: codes, scalings and augmentation of rows, how it is drawn, and bad input."""

import math
import random
from collections import Counter
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refusals

from tinygrad_edu.data import (
    Scaling,
    centring,
    digits,
    fit_centring,
    fit_min_max_scaler,
    fit_standard_scaler,
    iris,
    jitter,
    one_hot,
    rotation,
    scaling,
    shift,
    standardising,
    thermometer,
)
from tinygrad_edu.data.preprocessing import Augmentation

NAN, INF = float("nan"), float("inf")
FITS = [centring, scaling, standardising]
THOUSANDTHS = st.integers(-(10**9), 10**9).map(lambda k: k / 1000)


def test_one_hot_gives_the_nucleotides_the_code_of_the_lecture():
    assert one_hot("ACGT", "ACGT") == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert one_hot("GA", "ACGT") == [[0, 0, 1, 0], [1, 0, 0, 0]]
    assert one_hot([], "AB") == []


def test_one_hot_takes_the_sorted_labels_as_categories():
    assert one_hot(["red", "blue", "red"]) == [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]


def test_thermometer_gives_the_sizes_the_code_of_the_lecture():
    sizes = ["small", "medium", "large"]
    assert thermometer(sizes, sizes) == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert thermometer(["large", "small"], sizes) == [[1, 1, 1], [1, 0, 0]]
    assert thermometer([], sizes) == []


test_labels_without_a_code_are_refused = refusals([
    (lambda: one_hot("GAN", "ACGT"), ValueError,
     "labels[2] is 'N', which is not in categories: 'A', 'C', 'G', 'T'"),
    (lambda: one_hot([]), ValueError, "categories is empty; at least one label is needed"),
    (lambda: one_hot("A", "ABA"), ValueError, "categories holds 'A' twice; name each label once"),
    (lambda: one_hot([1j, 2j]), TypeError,
     "labels cannot be sorted into categories ('<' not supported between instances of "
     "'complex' and 'complex'); write categories=[...]"),
    (lambda: thermometer(["huge"], ["small", "large"]), ValueError,
     "labels[0] is 'huge', which is not in order: 'small', 'large'"),
    (lambda: thermometer("a", ""), ValueError, "order is empty; at least one label is needed"),
    (lambda: thermometer("a", "aa"), ValueError, "order holds 'a' twice; name each label once"),
])  # fmt: skip


def test_centring_takes_the_mean_away():
    scale = centring([[1, 10], [2, 20], [6, 30]])
    assert scale == Scaling((3.0, 20.0), (1.0, 1.0))
    assert scale([[1, 10], [2, 20], [6, 30]]) == [[-2, -10], [-1, 0], [3, 10]]


def test_scaling_maps_the_extremes_to_minus_1_and_1():
    scale = scaling([[0, 5], [10, 7], [2.5, 6]])
    assert scale([[0, 5], [10, 7], [2.5, 6]]) == [[-1, -1], [1, 1], [-0.5, 0]]


def test_scaling_maps_to_any_interval():
    assert scaling([[2.0], [4.0]], 0, 1)([[2.0], [3.0], [4.0]]) == [[0.0], [0.5], [1.0]]
    assert scaling([[2.0], [4.0]], low=10, high=30)([[2.0], [4.0]]) == [[10.0], [30.0]]


def test_standardising_gives_mean_0_and_variance_1():
    # 2, 4, 4, 4, 5, 5, 7, 9 has mean 5 and variance (9+1+1+1+0+0+4+16)/8 = 4
    column = [[x] for x in (2, 4, 4, 4, 5, 5, 7, 9)]
    assert standardising(column) == Scaling((5.0,), (0.5,))
    assert standardising(column)(column) == [[-1.5], [-0.5], [-0.5], [-0.5], [0], [0], [1], [2]]
    assert standardising(column)([[10.0]]) == [[2.5]]  # a new row


def test_standardising_iris_uses_its_means_and_deviations():
    # load_iris().data.mean(axis=0) and .std(axis=0)
    scale = standardising(iris().X)
    assert scale.shift == pytest.approx((5.84333333, 3.05733333, 3.758, 1.19933333), abs=1e-8)
    deviations = [1 / factor for factor in scale.factor]
    assert deviations == pytest.approx([0.82530129, 0.43441097, 1.75940407, 0.75969263], abs=1e-8)


@pytest.mark.parametrize("value", [0.1, 7.0, -1e300, 5e-324])
def test_a_constant_column_keeps_its_unit_and_goes_to_the_middle(value):
    X = [[value]] * 3
    for fit in FITS:
        assert fit(X).factor == (1.0,)
        assert fit(X)(X) == [[0.0]] * 3
    assert scaling([[7.0]] * 3, 0, 1)([[7.0]]) == [[0.5]]


def test_a_tiny_spread_is_no_constant_column():
    assert standardising([[1e-200], [3e-200]])([[1e-200], [3e-200]]) == pytest.approx(
        np.array([[-1.0], [1.0]])
    )


def test_rows_may_be_arrays_and_the_result_is_one():  # it was lists
    X = np.array([[1, 2], [3, 6]], dtype=np.float32)
    found = scaling(X)(X)
    assert found.tolist() == [[-1.0, -1.0], [1.0, 1.0]]
    assert found.dtype == float


@given(
    st.integers(1, 3).flatmap(
        lambda d: st.lists(st.lists(THOUSANDTHS, min_size=d, max_size=d), min_size=1, max_size=8)
    ),
    st.sampled_from(FITS),
)
def test_inverse_undoes_a_scaling(X, fit):
    scale = fit(X)
    back = scale.inverse(scale(X))
    for j, column in enumerate(zip(*X, strict=True)):
        size = max(map(abs, column))
        for x, row in zip(column, back, strict=True):
            assert math.isclose(x, row[j], rel_tol=0, abs_tol=1e-14 * size)


@given(st.lists(THOUSANDTHS, min_size=2, max_size=20, unique=True))
def test_scaled_columns_lie_between_minus_1_and_1_up_to_rounding(column):
    X = [[x] for x in column]
    scaled = [row[0] for row in scaling(X)(X)]
    size = max(map(abs, column)) / (max(column) - min(column))
    assert min(scaled) == pytest.approx(-1, abs=1e-15 * (2 + 2 * size))
    assert max(scaled) == pytest.approx(1, abs=1e-15 * (2 + 2 * size))


test_rows_without_a_number_are_refused = refusals([
    (partial(fit, X), ValueError, "X is empty; at least one row and one column are needed")
    for fit in FITS
    for X in ([], [[]])
])  # fmt: skip
test_a_spread_beyond_floating_point_is_refused = refusals([
    (partial(fit, [[0.0, low], [1.0, high]]), ValueError,
     f"column 1 of X runs from {low} to {high}, "
     "too narrow or too wide to scale in floating point; change its unit")
    for fit, low, high in [
        (standardising, -1e308, 1e308),
        (standardising, 1.5e308, 1.6e308),
        (scaling, -1e308, 1e308),
        (scaling, 0.0, 5e-324),
        (standardising, 0.0, 5e-324),
        (centring, -1e308, 1e308),
    ]
])  # fmt: skip


PAIR = [[1.0], [2.0]]
test_an_interval_without_a_length_is_refused = refusals([
    (lambda: scaling(PAIR, 1, -1), ValueError,
     "low must be less than high, got low=1.0, high=-1.0"),
    (lambda: scaling(PAIR, 0, 0), ValueError, "low must be less than high, got low=0.0, high=0.0"),
    (lambda: scaling(PAIR, 0, INF), ValueError, "high must be a finite number, got inf"),
    (lambda: scaling(PAIR, "a", 1.0), TypeError, "low must be a finite number, got str 'a'"),
])  # fmt: skip


def test_the_names_of_the_first_release_are_the_same_functions():
    assert [fit_centring, fit_min_max_scaler, fit_standard_scaler] == FITS


OTHER_WIDTH = "X[0] has 1 numbers, expected 2"
test_a_scaling_is_invertible_and_takes_rows_of_its_width = refusals([
    (lambda: centring([[1.0, 2.0]])([[1.0]]), ValueError, OTHER_WIDTH),
    (lambda: centring([[1.0, 2.0]]).inverse([[1.0]]), ValueError, OTHER_WIDTH),
    (lambda: Scaling((0.0, 1.0), (1.0,)), ValueError, "shift has 2 numbers but factor has 1"),
    (lambda: Scaling((0.0, NAN), (1.0, 1.0)), ValueError,
     "shift[1] must be a finite number, got nan"),
    (lambda: Scaling((0.0, 0.0), (1.0, 0.0)), ValueError,
     "factor[1] must be a finite number other than 0, got 0.0"),
])  # fmt: skip


# --- augmentation

CASES: list[tuple[Augmentation, list[float]]] = [
    (jitter(0.5), [1.0, 2.0, 3.0]),
    (rotation(30), [1.0, 2.0]),
    (shift(1, 2, 3), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
]


@pytest.mark.parametrize(("augment", "row"), CASES, ids=repr)
def test_a_change_is_a_new_row_of_floats_and_reproducible(
    augment: Augmentation, row: list[float]
) -> None:
    kept, whole = list(row), [int(x) for x in row]
    found = augment(row, random.Random(1))
    assert found == augment(tuple(whole), 1) == augment(np.array(row), random.Random(1))
    assert {type(x) for x in augment(np.array(whole), 1)} == {float}
    assert len(found) == len(row)
    assert found is not row
    assert row == kept
    gen = random.Random(1)
    assert len({tuple(augment(row, gen)) for _ in range(40)}) > 1


def test_jitter_has_mean_0_and_its_deviation_in_each_column() -> None:
    gen = random.Random(0)
    rows = np.array([jitter(0.5)([1.0, -2.0], gen) for _ in range(2000)])
    assert rows.mean(axis=0) == pytest.approx([1, -2], abs=4 * 0.5 / math.sqrt(2000))
    assert rows.std(axis=0) == pytest.approx([0.5, 0.5], rel=4 / math.sqrt(2 * 2000))
    assert abs(np.corrcoef(rows.T)[0, 1]) < 4 / math.sqrt(2000)
    assert jitter(0)([1, 2], gen) == [1, 2]


class Fixed(random.Random):
    """Draws what it is told."""

    def __init__(self, angle: float = 0.0, steps: tuple[int, ...] = ()) -> None:
        super().__init__(0)
        self.angle, self.steps = angle, list(steps)

    def uniform(self, a: float, b: float) -> float:
        assert a <= self.angle <= b
        return self.angle

    def randint(self, a: int, b: int) -> int:
        assert a <= self.steps[0] <= b
        return self.steps.pop(0)


@pytest.mark.parametrize(
    ("centre", "degrees", "expected"),
    [
        ((0, 0), 90, [-1.0, 2.0]),  # (2, 1) a quarter turn to the left
        ((0, 0), -90, [1.0, -2.0]),
        ((0, 0), 0, [2.0, 1.0]),
        ((1, 1), 90, [1.0, 2.0]),
        ((2, 1), 37, [2.0, 1.0]),
    ],
)
def test_a_rotation_turns_about_its_centre(
    centre: tuple[float, float], degrees: float, expected: list[float]
) -> None:
    assert rotation(90, centre)([2, 1], Fixed(degrees)) == pytest.approx(expected, abs=1e-15)


def test_the_angles_of_a_rotation_are_uniform_in_both_directions() -> None:
    gen = random.Random(0)
    found = [rotation(40)([3.0, 0.0], gen) for _ in range(2000)]
    angles = [math.degrees(math.atan2(b, a)) for a, b in found]
    assert [math.hypot(*x) for x in found] == pytest.approx([3.0] * 2000, rel=1e-14)
    assert -40 <= min(angles) < -39 < 39 < max(angles) <= 40
    # uniform: mean 0, variance 40^2 / 3
    assert sum(angles) / 2000 == pytest.approx(0, abs=4 * 40 / math.sqrt(3 * 2000))
    assert sum(a * a for a in angles) / 2000 == pytest.approx(40**2 / 3, rel=0.1)


# 2 x 3 pixels: 1 2 3 / 4 5 6
@pytest.mark.parametrize(
    ("down", "right", "expected"),
    [
        (0, 0, [1, 2, 3, 4, 5, 6]),
        (1, 0, [0, 0, 0, 1, 2, 3]),
        (-1, 0, [4, 5, 6, 0, 0, 0]),
        (0, 1, [0, 1, 2, 0, 4, 5]),
        (0, -1, [2, 3, 0, 5, 6, 0]),
        (1, -1, [0, 0, 0, 2, 3, 0]),
    ],
)
def test_a_shift_moves_the_image_and_zeros_come_in(
    down: int, right: int, expected: list[float]
) -> None:
    found = shift(1, 2, 3)([1, 2, 3, 4, 5, 6], Fixed(steps=(down, right)))
    assert found == expected


def test_every_shift_is_equally_likely() -> None:
    gen = random.Random(0)
    image = [0.0] * 64
    image[3 * 8 + 4] = 1.0
    places = Counter(divmod(shift(1)(image, gen).index(1.0), 8) for _ in range(900))
    assert set(places) == {(i, j) for i in (2, 3, 4) for j in (3, 4, 5)}
    assert min(places.values()) > 60  # 100 each, 4 deviations of 9.4


def test_a_shifted_digit_is_the_digit_of_numpy_roll_inside_the_edge() -> None:
    image = digits().X[0]
    found = np.array(shift(2)(image, Fixed(steps=(2, -1)))).reshape(8, 8)
    rolled = np.roll(np.array(image).reshape(8, 8), (2, -1), (0, 1))
    assert (found[2:, :-1] == rolled[2:, :-1]).all()
    assert not found[:2].any()
    assert not found[:, -1].any()


@pytest.mark.parametrize(
    ("augment", "shown"),
    [
        (jitter(0.1), "jitter(0.1)"),
        (rotation(15), "rotation(15.0, centre=(0.0, 0.0))"),
        (rotation(15, (1, -2)), "rotation(15.0, centre=(1.0, -2.0))"),
        (shift(1), "shift(1, height=8, width=8)"),
    ],
)
def test_the_repr_shows_how_to_build_it(augment: Augmentation, shown: str) -> None:
    assert repr(augment) == shown
    assert repr(eval(shown)) == shown


test_a_bad_augmentation_says_what_was_expected = refusals({
    "sigma": (lambda: jitter(-1), ValueError, "sigma must be a finite number >= 0, got -1.0"),
    "degrees": (lambda: rotation("30"), TypeError,
     "degrees must be a finite number >= 0, got str '30'"),
    "centre": (lambda: rotation(30, 1), TypeError, "centre must be a list of 2 numbers, got int"),
    "centre nan": (lambda: rotation(30, (0, float("nan"))), ValueError,
     "centre[1] must be a finite number, got nan"),
    "pixels": (lambda: shift(0), ValueError, "pixels must be an int of at least 1, got 0"),
    "pixels too many": (lambda: shift(8), ValueError,
     "pixels must be less than height and width, 8 and 8, got 8: "
     "nothing would be left of the image"),
    "height": (lambda: shift(1, 0), ValueError, "height must be an int of at least 1, got 0"),
    "rotated row": (lambda: rotation(30)([1, 2, 3], 0), ValueError,
     "rotation(30.0, centre=(0.0, 0.0)) takes rows of 2 numbers, got 3"),
    "shifted row": (lambda: shift(1)([1.0] * 63, 0), ValueError,
     "shift(1, height=8, width=8) takes rows of 64 numbers, got 63"),
    "text": (lambda: jitter(1)(["1"], 0), TypeError,
     "jitter(1.0)[0] takes one real number, got str '1': "
     "write float(...) around a text that is a number"),
    "rng": (lambda: jitter(1)([1], None), TypeError,
     "rng must be an int seed or a random.Random, got NoneType; write rng=0"),
})  # fmt: skip
