"""The record of a classic, and that every classic has its published numbers."""

import math

import pytest

from tinygrad_edu.classics import CLASSICS, LONG, Classic, Row


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
