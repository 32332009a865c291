import random
import re
import subprocess
import sys
from collections import Counter

import pytest

from tinygrad_edu.data import Dataset, as_random, iris, moons, train_test_split


def test_importing_the_data_modules_opens_no_data_file_and_no_numpy():
    program = (
        "import sys\n"
        "opened = []\n"
        "sys.addaudithook(lambda e, a: opened.append(str(a[0])) if e == 'open' else None)\n"
        "import tinygrad_edu.data.shipped, tinygrad_edu.data.table_encoder\n"
        "assert opened, 'the hook saw nothing'\n"
        "assert not [name for name in opened if name.endswith(('.gz', '.csv'))], opened\n"
        "assert not [m for m in sys.modules if m.split('.')[0] == 'numpy'], 'numpy'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_seed_gives_the_numbers_of_a_random_with_that_seed():
    assert as_random(7).random() == random.Random(7).random()


def test_a_random_is_returned_itself():
    gen = random.Random(1)
    assert as_random(gen) is gen


@pytest.mark.parametrize(
    ("rng", "error", "message"),
    [
        (True, TypeError, "rng must be an int seed or a random.Random, got bool; write rng=0"),
        (None, TypeError, "rng must be an int seed or a random.Random, got NoneType; write rng=0"),
        ("1", TypeError, "rng must be an int seed or a random.Random, got str; write rng=0"),
        (1.0, TypeError, "rng must be an int seed or a random.Random, got float; write rng=0"),
        (-3, ValueError, "rng must be a seed of at least 0, got -3; write rng=3"),
    ],
)
def test_anything_but_a_seed_or_a_random_is_refused(rng, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        as_random(rng)


def test_a_dataset_unpacks_and_has_a_length_and_a_one_line_repr():
    flowers = iris()
    X, y = flowers
    assert X is flowers.X
    assert y is flowers.y
    assert len(flowers) == 150
    assert repr(flowers) == "Dataset(name='iris', rows=150, features=4, classes=3)"


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[1.0]], [0, 1], "X has 1 rows but y has 2 labels; each row needs one label"),
        ([[1.0], [1.0, 2.0]], [0, 1], "X[1] has 2 numbers but there are 1 feature names"),
    ],
)
def test_a_dataset_whose_lengths_disagree_is_refused(X, y, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Dataset(X, y, ("a",), ("0", "1"), "name", "source")


def test_a_stratified_split_takes_the_same_part_of_each_class():
    y = [0] * 60 + [1] * 30 + [2] * 10
    X = [[float(i)] for i in range(100)]
    X_train, y_train, X_test, y_test = train_test_split(X, y, test_ratio=0.2)
    assert Counter(y_train) == {0: 48, 1: 24, 2: 8}
    assert Counter(y_test) == {0: 12, 1: 6, 2: 2}
    assert sorted(X_train + X_test) == X
    assert [y[int(row[0])] for row in X_train] == y_train
    assert [y[int(row[0])] for row in X_test] == y_test


def test_both_sides_of_a_split_are_shuffled():
    _, y_train, _, y_test = train_test_split(*moons(100))
    assert y_train != sorted(y_train)
    assert y_test != sorted(y_test)


def test_a_stratified_split_keeps_a_member_of_each_class_on_both_sides():
    for ratio in (0.001, 0.999):
        _, y_train, _, y_test = train_test_split(range(5), list("aaabb"), test_ratio=ratio)
        assert set(y_train) == set(y_test) == {"a", "b"}


@pytest.mark.parametrize(
    ("n", "ratio", "held_out"),
    [(10, 0.34, 3), (10, 0.36, 4), (2, 0.01, 1), (2, 0.99, 1), (100, 0.25, 25)],
)
def test_an_unstratified_split_holds_out_the_rounded_part_of_the_rows(n, ratio, held_out):
    numbers = [0.5 * i for i in range(n)]
    X_train, _, X_test, y_test = train_test_split(
        range(n), numbers, test_ratio=ratio, stratify=False
    )
    assert len(X_test) == held_out
    assert sorted(X_train + X_test) == list(range(n))
    assert y_test == [0.5 * i for i in X_test]


def test_a_split_is_reproducible_from_its_seed_and_differs_for_another():
    X, y = iris()
    assert train_test_split(X, y, rng=3) == train_test_split(X, y, rng=3)
    assert train_test_split(X, y, rng=3)[0] != train_test_split(X, y, rng=4)[0]


@pytest.mark.parametrize(
    ("X", "y", "options", "error", "message"),
    [
        (
            [1, 2],
            [0],
            {},
            ValueError,
            "X has 2 rows but y has 1 labels; each row needs one label",
        ),
        ([], [], {}, ValueError, "cannot split 0 row(s); at least 2 are needed"),
        ([1], [0], {"stratify": False}, ValueError, "cannot split 1 row(s); at least 2 are needed"),
        (
            [1, 2, 3],
            [0, 0, 1],
            {},
            ValueError,
            "class 1 has 1 row, so it cannot be on both sides; add rows or write stratify=False",
        ),
        (
            [1, 2],
            [0, 0],
            {"test_ratio": "0.2"},
            TypeError,
            "test_ratio must be a number, got str",
        ),
        ([1, 2], [0, 0], {"test_ratio": True}, TypeError, "test_ratio must be a number, got bool"),
        *(
            (
                [1, 2],
                [0, 0],
                {"test_ratio": ratio},
                ValueError,
                f"test_ratio must lie between 0 and 1, both excluded, got {ratio}; "
                "write 0.25 to hold out a quarter",
            )
            for ratio in (0, 1, 1.5, -0.5, float("nan"), float("inf"))
        ),
    ],
)
def test_an_impossible_split_is_refused(X, y, options, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        train_test_split(X, y, **options)
