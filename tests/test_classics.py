"""The record of a classic, that every classic has its published numbers, and what they refuse."""

import math

import numpy as np
import pytest
from refusals import refusals

from tinygrad_edu.classics import (
    CLASSICS,
    LONG,
    Classic,
    Row,
    linear_claims,
    micrograd_moons,
    rumelhart_encoder,
    rumelhart_parity,
    rumelhart_symmetry,
    rumelhart_xor,
    spiral_net,
    vowel_regions,
)
from tinygrad_edu.data import vowels
from tinygrad_edu.view.base.palette import CLASSES


@pytest.mark.parametrize(
    ("published", "here", "agrees"),
    [
        ("0.30", 0.3049, True),
        ("0.30", 0.3051, False),
        ("0.3", 0.3051, True),
        ("-12", -12.4, True),
        ("3.51e-05", 3.5149e-5, True),
        ("3.51e-05", 3.5151e-5, False),
        ("0.00", -0.0001, True),
        ("1e3", 1000.2, True),
        ("1.5", math.nan, False),
        ("1.5", math.inf, False),
    ],
)
def test_a_row_agrees_if_its_number_rounds_to_the_printed_digits(
    published: str, here: float, agrees: bool
) -> None:
    assert Row("x", published, here).agrees is agrees


@pytest.mark.parametrize(
    ("here", "agrees"), [(558.0, True), (568.0, True), (547.9, False), (math.nan, False)]
)
def test_a_row_may_have_limits_instead_of_digits(here: float, agrees: bool) -> None:
    assert Row("sweeps", "558", here, within=10).agrees is agrees


def test_a_row_without_a_published_number_agrees() -> None:
    row = Row("x", "", 2.0)
    assert row.agrees
    assert math.isnan(row.difference)


def test_a_classic_shows_its_table() -> None:
    rows = (
        Row("w", "0.3589", 0.35891648),
        Row("  its slope", "", 0.25),
        Row("sweeps", "558", 560.0, within=10),
        Row("E", "1.5", 1.75),
        Row("x", "3", 3.0),
    )
    classic = Classic("A net", "A. Nonymous, 1986", rows, "Read this.")
    assert repr(classic) == (
        "A net\n"
        "A. Nonymous, 1986\n"
        "             published        here  difference\n"
        "w               0.3589  0.35891648     1.6e-05\n"
        "  its slope                   0.25\n"
        "sweeps             558         560     2.0e+00  within 10\n"
        "E                  1.5        1.75     2.5e-01  differs\n"
        "x                    3           3           0\n"
        "Read this."
    )
    assert not classic.agrees


def test_no_line_of_a_table_is_longer_than_100_characters() -> None:
    long = "0.12345678901234567"
    rows = (Row("many words " * 20, long, -float(long), within=1e-10),)
    lines = repr(Classic("title " * 50, "source " * 50, rows, "note " * 50)).splitlines()
    assert max(map(len, lines)) <= 100
    assert " ".join(" ".join(lines).split()).count("words") == 20


@pytest.mark.parametrize("name", [name for name in CLASSICS if name not in LONG])
def test_every_short_classic_has_its_published_numbers(name: str) -> None:
    check(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_every_long_classic_has_its_published_numbers(name: str) -> None:
    check(name)


def check(name: str) -> None:
    classic = CLASSICS[name]()
    assert classic.source
    assert [row for row in classic.rows if not row.agrees] == []
    assert any(row.published for row in classic.rows)
    assert max(map(len, repr(classic).splitlines())) <= 100


@pytest.mark.slow
def test_a_stuck_xor_net_is_in_the_local_minimum_of_the_chapter() -> None:
    # the chapter's figure: two patterns right, the net input of the output 0 for the others
    classic = rumelhart_xor(3)
    stuck, *outputs = classic.rows
    assert (stuck.quantity, stuck.here) == ("stuck starts of 3 (printed: 2 of hundreds)", 1)
    assert [round(row.here, 2) for row in outputs] == [0.5, 0.5]
    assert "2 of 3 starts learn XOR, 1 end" in classic.note


@pytest.mark.slow
def test_a_start_that_learns_nothing_does_not_agree() -> None:
    classic = rumelhart_symmetry(1)
    assert "sweeps" not in [row.quantity for row in classic.rows]
    assert not classic.agrees


def test_the_encoder_finds_eight_different_codes() -> None:
    note = rumelhart_encoder().note
    codes = note.split("sweeps: ")[1].split(". As")[0].split(", ")
    assert len(codes) == len(set(codes)) == 8
    assert {len(code.split()) for code in codes} == {3}


@pytest.mark.slow
def test_the_decision_regions_of_the_vowels_are_drawn_in_ten_colours() -> None:
    axes = vowel_regions()
    sounds = vowels()
    assert (axes.get_xlabel(), axes.get_ylabel()) == sounds.feature_names
    assert [text.get_text() for text in axes.texts] == list(sounds.class_names)
    scatters = [c for c in axes.collections if not hasattr(c, "levels")]
    assert len({tuple(c.get_facecolors()[0]) for c in scatters}) == len(CLASSES) == 10
    image = np.asarray(axes.images[0].get_array())
    low, high = axes.images[0].get_extent()[2:]
    front = image[round((3200 - low) / (high - low) * 299), 33]  # a small F1, a large F2: heed
    assert front[0] > front[2] + 0.2  # orange, the first colour


test_there_must_be_a_start_a_step_and_two_weights = refusals([
    (lambda: rumelhart_xor(0), ValueError, "starts must be an int of at least 1, got 0"),
    (lambda: rumelhart_parity(0), ValueError, "starts must be an int of at least 1, got 0"),
    (lambda: rumelhart_symmetry(0), ValueError, "starts must be an int of at least 1, got 0"),
    (lambda: micrograd_moons(steps=0), ValueError, "steps must be an int of at least 1, got 0"),
    (lambda: micrograd_moons(steps=101), ValueError,
     "the notebook prints 100 steps, got steps=101"),
    (lambda: spiral_net(0), ValueError, "iterations must be an int of at least 1, got 0"),
    (lambda: linear_claims([1.0]), ValueError, "the claims need two weights or more, got 1"),
])  # fmt: skip
