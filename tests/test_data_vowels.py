"""The vowels of Peterson and Barney, and folds that keep a speaker together."""

import re
from collections import Counter
from itertools import pairwise

import pytest

from tinygrad_edu.data import Dataset, folds, vowels

#: Peterson and Barney 1952, table II: mean F1 and F2 in Hz, in the order of the class names.
TABLE_II = {
    "men": (
        range(1, 34),
        [270, 390, 530, 660, 730, 570, 440, 300, 640, 490],
        [2290, 1990, 1840, 1720, 1090, 840, 1020, 870, 1190, 1350],
    ),
    "women": (
        range(34, 62),
        [310, 430, 610, 860, 850, 590, 470, 370, 760, 500],
        [2790, 2480, 2330, 2050, 1220, 920, 1160, 950, 1400, 1640],
    ),
    "children": (
        range(62, 77),
        [370, 530, 690, 1010, 1030, 680, 560, 430, 850, 560],
        [3200, 2730, 2610, 2320, 1370, 1060, 1410, 1170, 1590, 1820],
    ),
}


def test_vowels_are_ten_words_said_twice_by_76_speakers():
    found = vowels()
    assert len(found) == 1520
    assert found.class_names == (
        "heed", "hid", "head", "had", "hod", "hawed", "hood", "who'd", "hud", "heard",
    )  # fmt: skip
    assert found.feature_names == ("F1 (Hz)", "F2 (Hz)")
    said = Counter(zip(found.groups, found.y, strict=True))
    assert said == {(speaker, word): 2 for speaker in range(1, 77) for word in range(10)}


@pytest.mark.parametrize("who", TABLE_II)
def test_vowels_have_the_mean_formants_of_the_paper(who):
    # to 3 %: the table was printed in 1952, the recordings in circulation were written down later
    speakers, *published = TABLE_II[who]
    found = vowels()
    for word in range(10):
        rows = [
            x
            for x, label, speaker in zip(found.X, found.y, found.groups, strict=True)
            if label == word and speaker in speakers
        ]
        means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        assert means == pytest.approx([formant[word] for formant in published], rel=0.03)


def test_vowels_give_the_features_that_are_asked_for():
    found = vowels(["F3", "F0", "F1"])
    assert found.feature_names == ("F3 (Hz)", "F0 (Hz)", "F1 (Hz)")
    assert found.X[0] == [2850, 160, 240]  # the first row of the table in Praat
    assert found.X[-1] == [2200, 328, 660]  # the last one


@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        ("F1", TypeError, "features must be a list of names, got str"),
        ([], ValueError, 'features is empty: write features=["F1", "F2"]'),
        (["f2"], ValueError, "unknown feature 'f2': choose F0, F1, F2, F3"),
    ],
)
def test_vowels_refuse_other_features(features, error, message):
    with pytest.raises(error) as caught:
        vowels(features)
    assert str(caught.value) == message


def test_a_data_set_needs_a_group_for_each_row():
    with pytest.raises(
        ValueError, match=r"^X has 1 rows but groups has 2 entries; each row needs one group$"
    ):
        Dataset([[1.0]], [0], ("x",), ("a",), "name", "source", [1, 2])


def test_folds_test_each_row_once_and_keep_speakers_together():
    speakers = vowels().groups
    found = folds(speakers, 5)
    assert sorted(i for _, test in found for i in test) == list(range(1520))
    for training, test in found:
        assert sorted(training + test) == list(range(1520))
        assert all(a < b for a, b in pairwise(test))
        assert not {speakers[i] for i in training} & {speakers[i] for i in test}
    assert sorted(len(test) for _, test in found) == [300, 300, 300, 300, 320]  # 20 rows a speaker


def test_folds_are_drawn_from_a_seed():
    assert folds(range(10), 5, rng=1) == folds(range(10), 5, rng=1) != folds(range(10), 5, rng=2)


@pytest.mark.parametrize(
    ("k", "message"),
    [
        (1, "k must be an int of at least 2, got 1"),
        (3, "cannot make 3 folds of 2 group(s); write a smaller k"),
    ],
)
def test_folds_need_as_many_groups(k, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        folds([7, 8, 7], k)
