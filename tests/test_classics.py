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
    elman_xor,
    family_trees,
    lecun_tanh,
    linear_claims,
    micrograd_moons,
    minsky_papert_parity,
    rumelhart_encoder,
    rumelhart_parity,
    rumelhart_symmetry,
    rumelhart_xor,
    spiral_net,
    vowel_regions,
    widrow_hoff_lms,
)
from tinygrad_edu.classics.rumelhart import triples
from tinygrad_edu.data import vowels
from tinygrad_edu.view.base.palette import CLASSES


@pytest.mark.parametrize(
    ("published", "here", "within", "agrees"),
    [
        ("0.30", 0.3049, None, True), ("0.30", 0.3051, None, False), ("0.3", 0.3051, None, True),
        ("-12", -12.4, None, True), ("3.51e-05", 3.5149e-5, None, True),
        ("3.51e-05", 3.5151e-5, None, False), ("0.00", -0.0001, None, True),
        ("1e3", 1000.2, None, True), ("1.5", math.nan, None, False), ("1.5", math.inf, None, False),
        ("558", 558.0, 10, True), ("558", 568.0, 10, True), ("558", 547.9, 10, False),
        ("558", math.nan, 10, False), ("", 2.0, None, True),
    ],
)  # fmt: skip
def test_a_row_agrees_if_it_rounds_to_the_printed_digits_or_is_within_its_limits(
    published: str, here: float, within: float | None, agrees: bool
) -> None:
    row = Row("x", published, here, within)
    assert row.agrees is agrees
    assert math.isnan(row.difference) == (not published or math.isnan(here))


def test_a_row_that_cannot_agree_says_why_and_has_no_verdict() -> None:
    row = Row("sweeps", "1425", 942.0, unlike="other first weights")
    assert row.agrees
    text = repr(Classic("Symmetry", "A letter", (row,)))
    assert text.splitlines()[-1].split() == ["sweeps", "1425", "942", *row.unlike.split()]


def test_the_first_column_says_what_it_is_and_is_left_out_where_it_is_empty() -> None:
    by_hand = Classic("A", "B", (Row("x", "1", 1.0),), against="by formula")
    assert repr(by_hand).splitlines()[2].split() == ["by", "formula", "here", "difference"]
    assert repr(Classic("A", "B", (Row("x", "", 1.0),))).splitlines()[2].split() == ["here"]


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


#: What has a source, but no number there.
UNPRINTED = {"elman_xor", "vowels"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in CLASSICS]
)
def test_every_classic_has_its_published_numbers(name: str) -> None:
    classic = CLASSICS[name]()
    assert classic.source
    assert [row for row in classic.rows if not row.agrees] == []
    assert any(row.published for row in classic.rows) is (name not in UNPRINTED)
    assert max(map(len, repr(classic).splitlines())) <= 100


@pytest.mark.slow
def test_a_stuck_xor_net_is_in_a_valley_that_has_no_end() -> None:
    # the chapter's figure: two patterns right, the net input of the output 0 for the others
    classic = rumelhart_xor(3)
    stuck, *rows = classic.rows
    assert (stuck.quantity, stuck.here) == ("stuck starts of 3", 1)
    assert [round(row.here, 2) for row in rows[:2]] == [0.5, 0.5]
    assert "2 of 3 starts learn XOR, 1 give" in classic.note
    # no minimum: E, gradient and curvature go on falling, and the weights grow
    before, after = ([row.here for row in rows[k : k + 4]] for k in (2, 6))
    E, slope, bend, weight = zip(before, after, strict=True)
    assert 0.25 < E[1] < E[0] < 0.26
    assert 0 < slope[1] < slope[0] / 10
    assert 0 < bend[1] < bend[0] / 10
    assert weight[1] > weight[0] + 3


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


def test_the_family_trees_have_12_people_and_12_relations_each() -> None:
    # G. E. Hinton's figure: Colin's uncles are Arthur and Charles, his aunts Margaret and Jennifer
    english, italian = {}, {}
    for family, name in ((english, "english_family"), (italian, "italian_family")):
        for person, role, other in triples(name):
            family.setdefault((person, role), set()).add(other)
        assert len(family) == 52
        assert len({person for person, _ in family}) == len({role for _, role in family}) == 12
    assert english["Colin", "uncle"] == {"Arthur", "Charles"}
    assert english["Colin", "aunt"] == {"Margaret", "Jennifer"}
    assert english["Charles", "niece"] == {"Charlotte"}
    assert english["Victoria", "brother"] == {"Arthur"}
    assert english["Penelope", "daughter"] == {"Victoria"}
    assert italian["Sophia", "mother"] == {"Lucia"}


@pytest.mark.slow
def test_the_family_trees_find_out_who_belongs_to_whom() -> None:
    here = {row.quantity: row.here for row in family_trees().rows}
    assert here["parameters"] == 24 * 6 + 12 * 6 + 12 * 12 + 12 * 6 + 6 * 24 + 54
    assert here["told right of the 4 left out, mean"] > 1  # a guess is right in 1 of 2^24
    assert here["people on their family's side of one unit, mean"] > 20


def test_the_error_of_bits_that_can_be_told_is_far_below_that_of_random_ones() -> None:
    rows = elman_xor().rows
    told = [row.here for row in rows if "XOR" in row.quantity]
    assert (len(told), len(rows)) == (3, 8)
    assert max(told) < 0.05
    assert all(0.24 < row.here < 0.27 for row in rows if "XOR" not in row.quantity)


def test_the_weights_of_a_perceptron_come_back_on_parity() -> None:
    # the masks of the theorem: n = 2 is XOR, told with the product of both bits
    rows = {row.quantity: row.here for row in minsky_papert_parity().rows}
    assert [rows[f"{n} bits: bits that must be looked at together"] for n in (2, 3, 4)] == [2, 3, 4]
    assert all(rows[f"{n} bits: mistakes in such an epoch"] > 0 for n in (2, 3, 4))


def test_above_a_rate_of_2_least_mean_squares_diverge() -> None:
    # the largest eigenvalue of the mean of x x^T is 1, and the step 1 - rate * 1
    below, above = (row.here for row in widrow_hoff_lms().rows[-2:])
    assert below == pytest.approx(0.125, abs=1e-6)  # 1/2 of the mean square of AND's residuals
    assert above > 1e6


def test_inputs_without_correlation_are_learned_fastest() -> None:
    raw, centred, white = (row.here for row in lecun_tanh().rows[-3:])
    assert white < centred / 2 < raw / 2


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
    (lambda: family_trees(0), ValueError, "starts must be an int of at least 1, got 0"),
    (lambda: rumelhart_xor(0), ValueError, "starts must be an int of at least 1, got 0"),
    (lambda: rumelhart_parity(0), ValueError, "starts must be an int of at least 1, got 0"),
    (lambda: rumelhart_symmetry(0), ValueError, "starts must be an int of at least 1, got 0"),
    (lambda: micrograd_moons(steps=0), ValueError, "steps must be an int of at least 1, got 0"),
    (lambda: micrograd_moons(steps=101), ValueError,
     "the notebook prints 100 steps, got steps=101"),
    (lambda: spiral_net(0), ValueError, "iterations must be an int of at least 1, got 0"),
    (lambda: linear_claims([1.0]), ValueError, "the claims need two weights or more, got 1"),
])  # fmt: skip
