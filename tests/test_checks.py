"""Checks: what each gives back, and the sentence with which it refuses."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from refusals import refusals

from tinygrad_edu import Value
from tinygrad_edu.checks import (
    finite,
    flag,
    is_listed,
    listed,
    one_of,
    option,
    options,
    real,
    row,
    row_in,
    whole,
)  # fmt: skip


class Base:
    momentum: float = option(0.0, partial(real, least=0, below=1))


class Owner(Base):
    steps: int = option(3, partial(whole, most=9))
    momentum = 0.5


@pytest.mark.parametrize(
    ("result", "right"),
    [
        (whole("n", np.int64(3)), 3),
        (whole("n", 0, least=0), 0),
        (whole("n", 5, 1, 5), 5),
        (real("x", Fraction(1, 2)), 0.5),
        (real("x", 1, above=0, most=1), 1.0),
        (finite("x", True), 1.0),
        (finite("x", np.float32(0.5)), 0.5),
        (one_of("color", "red", {"red": 1}), "red"),
        (flag("deep", False), False),
        (listed("xs", (x for x in "ab")), ["a", "b"]),
        (row("xs", np.array([1, 2])), [1.0, 2.0]),
        (row_in(2, partial(real, below=1))("betas", [0, 0.5]), (0.0, 0.5)),
        (options(Owner, {"steps": 1}), {"momentum": 0.5, "steps": 1}),
    ],
)
def test_a_check_gives_the_value_in_its_type(result: object, right: object) -> None:
    assert result == right
    assert type(result) is type(right)


@pytest.mark.parametrize("x", [[1], (1,), range(2), np.zeros(2), iter([1]), {1: 2}.values()])
def test_what_comes_in_an_order_is_listed(x: object) -> None:
    assert is_listed(x)


@pytest.mark.parametrize(
    "x", [1, None, "ab", b"ab", bytearray(b"a"), {1: 2}, {1}, frozenset([1]), {1: 2}.keys()]
)
def test_text_mappings_sets_and_single_things_are_not_listed(x: object) -> None:
    assert not is_listed(x)


test_a_refusal_says_what_was_wrong_and_what_was_expected = refusals([
    (lambda: whole("n", 2.0), TypeError, "n must be an int of at least 1, got float 2.0"),
    (lambda: whole("n", True), TypeError, "n must be an int of at least 1, got bool True"),
    (lambda: whole("n", 0), ValueError, "n must be an int of at least 1, got 0"),
    (lambda: whole("n", 7, 2, 5), ValueError, "n must be an int from 2 to 5, got 7"),
    (lambda: real("x", "1"), TypeError, "x must be a finite number, got str '1'"),
    (lambda: real("x", 10**400), ValueError, "x must be a finite number, got inf"),
    (lambda: real("x", 2, above=0, most=1), ValueError,
     "x must be a finite number > 0 and <= 1, got 2.0"),
    (lambda: finite("x", np.nan), ValueError, "x must be a finite number, got nan"),
    (lambda: finite("x", Value(1.0)), TypeError,
     "x takes one real number, got Value: use the Value as it is, or its number v.data"),
    (lambda: one_of("color", "rad", ["red", "blue"]), ValueError,
     "unknown color 'rad': choose red, blue; did you mean 'red'?"),
    (lambda: one_of("color", 1, ["red"]), TypeError,
     "color is a name or a function, got int: choose red"),
    (lambda: flag("deep", "False"), TypeError, "deep must be True or False, got str 'False'"),
    (lambda: flag("deep", 1), TypeError, "deep must be True or False, got int 1"),
    (lambda: listed("xs", "ab"), TypeError, "xs must be a list of numbers, got str"),
    (lambda: row("x", {1, 2}, 2), TypeError, "x must be a list of 2 numbers, got set"),
    (lambda: row("x", [1], 2), ValueError, "x has 1 numbers, expected 2"),
    (lambda: row("x", [1, np.inf]), ValueError, "x[1] must be a finite number, got inf"),
    (lambda: row_in(2, partial(real, below=1))("betas", [0.5, 1]), ValueError,
     "betas[1] must be a finite number < 1, got 1.0"),
    (lambda: row_in(2, partial(real, below=1))("betas", [0.5]), TypeError,
     "betas must be a list of 2 numbers, got 1"),
    (lambda: options(Owner, {"momentun": 0.5}), TypeError,
     "Owner has no option 'momentun': it takes momentum, steps; did you mean 'momentum'?"),
    (lambda: options(Owner, {"momentum": 1}), ValueError,
     "momentum must be a finite number >= 0 and < 1, got 1.0"),
])  # fmt: skip
