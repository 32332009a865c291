"""Sequences: binary addition, bit by bit, and the next letter of a word, or each next of a text."""

import random
from collections.abc import Iterable

from tinygrad_edu.checks import as_random, listed, whole
from tinygrad_edu.data.dataset import MOST, Dataset
from tinygrad_edu.data.preprocessing import one_hot

__all__ = ["NAMES", "binary_addition", "letter_windows", "next_letter"]

#: First names, to predict letters of.
NAMES = (
    "ada", "alan", "albert", "alina", "amalia", "anna", "anton", "astrid", "barbara", "bernard",
    "carl", "carla", "carlo", "clara", "daniel", "daniela", "david", "elena", "elina", "emil",
    "emilia", "emma", "ester", "eva", "frida", "georg", "greta", "hanna", "hannes", "helena",
    "ida", "irina", "ivan", "jan", "jana", "johan", "johanna", "julia", "julian", "karin",
    "karina", "lena", "leon", "leona", "lina", "linda", "magda", "maria", "marian", "marina",
    "mario", "marta", "martin", "martina", "mila", "milan", "nadia", "nina", "nora", "oskar",
    "paul", "paula", "peter", "petra", "robert", "roberta", "roman", "rosa", "sara", "selina",
    "simon", "sofia", "stefan", "stella", "theo", "tina", "tom", "valentin", "valentina", "vera",
)  # fmt: skip

#: Before the first letter of a word and after its last.
_END = "."


def binary_addition(
    n: int, bits: int, *, rng: int | random.Random = 0
) -> tuple[list[list[float]], list[list[float]]]:
    """Return `(X, y)`: n pairs of numbers a, b of `bits` bits, and the bits of a + b.

    The least significant bit comes first, as one adds by hand. A row of X is a sequence of
    bits + 1 steps of two numbers, flat: a0, b0, a1, b1, ..., 0, 0. A row of y is the bits + 1 bits
    of the sum. The numbers are uniform in 0..2^bits - 1.
    """
    n, rng = whole("n", n, most=MOST), as_random(rng)
    bits = whole("bits", bits, most=MOST // n)
    X, y = [], []
    for _ in range(n):
        a, b = rng.getrandbits(bits), rng.getrandbits(bits)
        pairs = zip(_bits(a, bits + 1), _bits(b, bits + 1), strict=True)
        X.append([bit for pair in pairs for bit in pair])
        y.append(_bits(a + b, bits + 1))
    return X, y


def next_letter(
    words: Iterable[str], context: int = 3, *, letters: Iterable[str] | None = None
) -> Dataset:
    """Which letter comes next, after the `context` letters before it: one row for each letter.

    Words start after and end in ".", which is class 0; then come the `letters`, by default those of
    the words in their order: k classes in all. A row of X is a sequence of `context` steps of k
    numbers, the letters in 1-of-k code, flat. Other words in the same code need the same letters:
    `next_letter(new, letters=data.class_names[1:])`. Raises ValueError for no words, a word that is
    empty or has a ".", and a letter that is not among the letters.
    """
    context = whole("context", context, most=1000)
    words, classes = _read(words, letters)
    X, y = [], []
    for word in words:
        code = one_hot(_END * context + word + _END, classes)
        for i in range(context, len(code)):
            X.append([x for letter in code[i - context : i] for x in letter])
            y.append(code[i].index(1.0))
    names = tuple(f"{letter} {k} before" for k in range(context, 0, -1) for letter in classes)
    return Dataset(X, y, names, tuple(classes), "next_letter", f"{len(words)} words")


def letter_windows(
    words: Iterable[str], length: int = 8, *, letters: Iterable[str] | None = None
) -> tuple[list[list[float]], list[list[int]]]:
    """Return `(X, y)`: windows of `length` letters of a text, and the letter after each of them.

    The text is the words in their order, with "." before, between and after them; a window begins
    at each of its letters but for the last ones. Classes, codes and errors as for `next_letter`: a
    row of X is `length` letters in 1-of-k code, flat, a row of y the class numbers of the letters
    that come next. Raises ValueError for a text of no more than `length` letters.

    >>> X, y = letter_windows(["ab", "b"], 4)  # .ab.b.
    >>> len(X), len(X[0]), y
    (2, 12, [[1, 2, 0, 2], [2, 0, 2, 0]])
    """
    length = whole("length", length, most=1000)
    words, classes = _read(words, letters)
    text = _END + "".join(word + _END for word in words)
    if len(text) <= length:
        raise ValueError(f"a text of {len(text)} letters has no window of {length} and a next one")
    code, place = one_hot(text, classes), {letter: k for k, letter in enumerate(classes)}
    starts = range(len(text) - length)
    X = [[x for letter in code[i : i + length] for x in letter] for i in starts]
    return X, [[place[letter] for letter in text[i + 1 : i + 1 + length]] for i in starts]


def _read(words: Iterable[str], letters: Iterable[str] | None) -> tuple[list[str], list[str]]:
    """The words, and the classes of their letters."""
    words = listed("words", words, "words")
    for i, word in enumerate(words):
        if not isinstance(word, str) or not word or _END in word:
            raise ValueError(
                f"words[{i}] must be a text of at least one letter and without {_END!r}, "
                f"got {word!r:.40}"
            )
    if not words:
        raise ValueError("words is empty; at least one word is needed")
    if letters is None:
        letters = sorted(set("".join(words)))
    letters = [*letters] if isinstance(letters, str) else listed("letters", letters, "letters", str)
    for k, word in enumerate(words):
        if strange := [letter for letter in word if letter not in letters]:
            raise ValueError(
                f"words[{k}] is {word!r:.40}, and {strange[0]!r} is not among the letters "
                f"{''.join(letters)!r}"
            )
    return words, [_END, *letters]


def _bits(number: int, bits: int) -> list[float]:
    """The bits of a number, the least significant first."""
    return [float(number >> k & 1) for k in range(bits)]
