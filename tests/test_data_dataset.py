import random
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest
from refusals import refusals

from tinygrad_edu.data import Dataset, as_random, folds, iris, train_test_split, vowels


def test_importing_the_data_modules_opens_no_data_file_and_no_numpy():
    program = (
        "import sys\n"
        "opened = []\n"
        "sys.addaudithook(lambda e, a: opened.append(str(a[0])) if e == 'open' else None)\n"
        "import tinygrad_edu.data.sets, tinygrad_edu.data.table_encoder\n"
        "assert opened, 'the hook saw nothing'\n"
        "assert not [name for name in opened if name.endswith(('.gz', '.csv'))], opened\n"
        "assert not [m for m in sys.modules if m.split('.')[0] == 'numpy'], 'numpy'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_random_is_returned_itself_and_a_seed_gives_that_of_the_seed():
    gen = random.Random(7)
    assert as_random(gen) is gen
    assert as_random(7).random() == gen.random()


RNG = "rng must be an int seed or a random.Random, got"
test_anything_but_a_seed_or_a_random_is_refused = refusals([
    (lambda: as_random(True), TypeError, f"{RNG} bool; write rng=0"),
    (lambda: as_random(None), TypeError, f"{RNG} NoneType; write rng=0"),
    (lambda: as_random("1"), TypeError, f"{RNG} str; write rng=0"),
    (lambda: as_random(1.0), TypeError, f"{RNG} float; write rng=0"),
    (lambda: as_random(-3), ValueError, "rng must be a seed of at least 0, got -3; write rng=3"),
])  # fmt: skip


def test_a_dataset_unpacks_and_has_a_length_and_a_one_line_repr():
    flowers = iris()
    X, y = flowers
    assert X is flowers.X
    assert y is flowers.y
    assert len(flowers) == 150
    assert repr(flowers) == "Dataset(name='iris', rows=150, features=4, classes=3)"


NAMES = (("a",), ("0", "1"), "name", "source")
test_a_dataset_whose_lengths_disagree_is_refused = refusals([
    (lambda: Dataset([[1.0]], [0, 1], *NAMES), ValueError,
     "X has 1 rows but y has 2 labels; each row needs one label"),
    (lambda: Dataset([[1.0], [1.0, 2.0]], [0, 1], *NAMES), ValueError,
     "X[1] has 2 numbers but there are 1 feature names"),
    (lambda: Dataset([[1.0]], [0], *NAMES, [1, 2]), ValueError,
     "X has 1 rows but groups has 2 entries; each row needs one group"),
])  # fmt: skip


def test_a_stratified_split_takes_the_same_part_of_each_class():
    y = [0] * 60 + [1] * 30 + [2] * 10
    X = [[float(i)] for i in range(100)]
    X_train, y_train, X_test, y_test = train_test_split(X, y, test_size=0.2)
    assert Counter(y_train) == {0: 48, 1: 24, 2: 8}
    assert Counter(y_test) == {0: 12, 1: 6, 2: 2}
    assert sorted(X_train + X_test) == X
    assert y_train != sorted(y_train)
    assert y_test != sorted(y_test)
    assert [y[int(row[0])] for row in X_train] == y_train
    assert [y[int(row[0])] for row in X_test] == y_test


def test_a_stratified_split_keeps_a_member_of_each_class_on_both_sides():
    for ratio in (0.001, 0.999):
        _, y_train, _, y_test = train_test_split(range(5), list("aaabb"), test_size=ratio)
        assert set(y_train) == set(y_test) == {"a", "b"}


@pytest.mark.parametrize(
    ("n", "ratio", "held_out"),
    [(10, 0.34, 3), (10, 0.36, 4), (2, 0.01, 1), (2, 0.99, 1), (100, 0.25, 25)],
)
def test_an_unstratified_split_holds_out_the_rounded_part_of_the_rows(n, ratio, held_out):
    numbers = [0.5 * i for i in range(n)]
    X_train, _, X_test, y_test = train_test_split(
        range(n), numbers, test_size=ratio, stratify=False
    )
    assert len(X_test) == held_out
    assert sorted(X_train + X_test) == list(range(n))
    assert y_test == [0.5 * i for i in X_test]


def test_a_split_is_reproducible_from_its_seed_and_differs_for_another():
    X, y = iris()
    assert train_test_split(X, y, rng=3) == train_test_split(X, y, rng=3)
    assert train_test_split(X, y, rng=3)[0] != train_test_split(X, y, rng=4)[0]
    assert train_test_split(X, y, test_ratio=0.4) == train_test_split(X, y, test_size=0.4)


SIZE = "test_size must be a finite number > 0 and < 1, got"
test_an_impossible_split_is_refused = refusals([
    (lambda: train_test_split([1, 2], [0]), ValueError,
     "X has 2 rows but y has 1 labels; each row needs one label"),
    (lambda: train_test_split([], []), ValueError, "cannot split 0 row(s); at least 2 are needed"),
    (lambda: train_test_split([1], [0], stratify=False), ValueError,
     "cannot split 1 row(s); at least 2 are needed"),
    (lambda: train_test_split([1, 2, 3], [0, 0, 1]), ValueError,
     "class 1 has 1 row, so it cannot be on both sides; add rows or write stratify=False"),
    (lambda: train_test_split([1, 2], [0, 0], test_ratio="0.2"), TypeError,
     SIZE.replace("size", "ratio") + " str '0.2'"),
    (lambda: train_test_split([1, 2], [0, 0], stratify="no"), TypeError,
     "stratify must be True or False, got str 'no'"),
    (lambda: train_test_split([1, 2], [0, 0], test_size=0.5, test_ratio=0.5), TypeError,
     "test_size and test_ratio are two names of one option: write test_size"),
    *(
        (lambda size=size: train_test_split([1, 2], [0, 0], test_size=size), ValueError,
         f"{SIZE} {float(size)}")
        for size in (0, 1)
    ),
])  # fmt: skip


def test_folds_test_each_row_once_and_keep_speakers_together():
    speakers = vowels().groups
    found = folds(speakers, 5)
    assert sorted(i for _, test in found for i in test) == list(range(1520))
    for training, test in found:
        assert sorted(training + test) == list(range(1520))
        assert all(a < b for a, b in pairwise(test))
        assert not {speakers[i] for i in training} & {speakers[i] for i in test}
    assert sorted(len(test) for _, test in found) == [300, 300, 300, 300, 320]  # 20 rows a speaker
    assert folds(range(10), 5, rng=1) == folds(range(10), 5, rng=1) != folds(range(10), 5, rng=2)


test_folds_need_as_many_groups = refusals([
    (lambda: folds([7, 8, 7], 1), ValueError, "k must be an int of at least 2, got 1"),
    (lambda: folds([7, 8, 7], 3), ValueError,
     "cannot make 3 folds of 2 group(s); write a smaller k"),
])  # fmt: skip
