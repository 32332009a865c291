"""Sequences: sums bit by bit, windows of letters, and bad words."""

import random

import pytest
from refusals import Refusal, refusals

from tinygrad_edu.data import NAMES, binary_addition, letter_windows, next_letter


def number_of(bits: list[float]) -> int:
    return sum(int(bit) << k for k, bit in enumerate(bits))


@pytest.mark.parametrize("bits", [1, 3, 8, 80])
def test_rows_of_binary_addition_hold_two_numbers_and_their_sum(bits: int) -> None:
    X, y = binary_addition(50, bits, rng=1)
    assert (len(X), len(y)) == (50, 50)
    for row, total in zip(X, y, strict=True):
        a, b = number_of(row[::2]), number_of(row[1::2])
        assert (len(row), len(total)) == (2 * bits + 2, bits + 1)
        assert a < 2**bits
        assert b < 2**bits
        assert number_of(total) == a + b
        assert {type(x) for x in row + total} == {float}


def test_the_least_significant_bits_come_first_and_a_seed_gives_the_same() -> None:
    X, y = binary_addition(200, 2)
    assert y[X.index([1, 1, 1, 0, 0, 0])] == [0, 0, 1]  # 3 + 1
    assert binary_addition(9, 9, rng=2) == binary_addition(9, 9, rng=random.Random(2))
    assert binary_addition(9, 9, rng=2) != binary_addition(9, 9, rng=3)


def test_next_letter_has_a_row_for_each_letter_and_each_end() -> None:
    data = next_letter(["ab", "b"], context=2)
    assert data.class_names == (".", "a", "b")
    assert data.y == [1, 2, 0, 2, 0]
    end, a, b = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]
    expected = [(end, end), (end, a), (a, b), (end, end), (end, b)]
    for row, letters in zip(data.X, expected, strict=True):
        assert row == [*letters[0], *letters[1]]
    assert data.feature_names[:4] == (". 2 before", "a 2 before", "b 2 before", ". 1 before")
    assert repr(data) == "Dataset(name='next_letter', rows=5, features=6, classes=3)"


def test_other_words_are_written_in_the_same_code_with_the_same_letters() -> None:
    data = next_letter(["abc"])
    new = next_letter(["cb"], letters=data.class_names[1:])
    assert new.class_names == data.class_names
    assert new.y == [3, 2, 0]
    assert new.X[0] == data.X[0]


def test_windows_of_letters_are_every_piece_of_the_text_with_what_comes_next() -> None:
    rows, y = letter_windows(["ab", "b"], 3)  # .ab.b.
    end, a, b = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]
    assert rows == [[*end, *a, *b], [*a, *b, *end], [*b, *end, *b]]
    assert y == [[1, 2, 0], [2, 0, 2], [0, 2, 0]]
    assert letter_windows(["b"], 2, letters="ab") == ([[*end, *b]], [[2, 0]])


def test_names_are_different_words_in_small_letters() -> None:
    assert len(set(NAMES)) == len(NAMES) == 80
    assert set("".join(NAMES)) <= set("abcdefghijklmnopqrstuvwxyz")


BAD: list[Refusal] = [
    (lambda: binary_addition(0, 8), ValueError, "n must be an int from 1 to 1000000, got 0"),
    (lambda: binary_addition(3, 0), ValueError, "bits must be an int from 1 to 333333, got 0"),
    (lambda: next_letter("anna"), TypeError, "words must be a list of words, got str"),
    (lambda: next_letter([]), ValueError, "words is empty; at least one word is needed"),
    (lambda: next_letter(["ab", ""]), ValueError,
     "words[1] must be a text of at least one letter and without '.', got ''"),
    (lambda: next_letter(["a.b"]), ValueError,
     "words[0] must be a text of at least one letter and without '.', got 'a.b'"),
    (lambda: next_letter(["ab"], letters="a"), ValueError,
     "words[0] is 'ab', and 'b' is not among the letters 'a'"),
    (lambda: letter_windows(["ab"], 4), ValueError,
     "a text of 4 letters has no window of 4 and a next one"),
    (lambda: letter_windows(["ab"], letters="a"), ValueError,
     "words[0] is 'ab', and 'b' is not among the letters 'a'"),
    (lambda: letter_windows(["ab"], 0), ValueError, "length must be an int from 1 to 1000, got 0"),
    (lambda: next_letter(["ab"], 0), ValueError, "context must be an int from 1 to 1000, got 0"),
]  # fmt: skip


test_bad_words_and_sizes_are_explained = refusals(BAD)
