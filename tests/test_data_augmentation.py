"""Augmentation of rows: what each change does, how it is drawn, and bad input."""

import math
import random
from collections import Counter

import numpy as np
import pytest
from refusals import Refusal, refusals

from tinygrad_edu.data import digits, jitter, rotation, shift
from tinygrad_edu.data.augmentation import Augmentation

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


BAD: dict[str, Refusal] = {
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
}  # fmt: skip


test_bad_input_says_what_was_expected = refusals(BAD)
