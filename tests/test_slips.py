"""The collected slips: each runs, is wrong where it says, and nowhere before."""

import re
from collections import Counter

import numpy as np
import pytest
from slips import NAMES, SHOWS, SOURCES, agree, read

SLIPS, RIGHT = read(), read(right=True)
#: Kinds of which both halves need some.
FREQUENT = 6


@pytest.fixture(autouse=True)
def silence():
    with np.errstate(all="raise"):
        yield


@pytest.mark.parametrize("kind", NAMES)
def test_a_slip_is_wrong_where_it_says_and_not_before(kind: str) -> None:
    for case in SLIPS:
        if case.slip == kind:
            truth, student = case.truth(), case.pass_of_student()
            assert list(student) == list(truth)
            wrong = [name for name in truth if not agree(truth[name], student[name], 1e-4)]
            assert wrong[:1] == [case.where], case
            assert case.where in case.lines, case
            assert case.shown(wrong), case
            assert all(np.isfinite(array).all() for array in student.values()), case


@pytest.mark.parametrize("seed", [None, 1])
def test_a_right_pass_agrees_to_rounding(seed: int | None) -> None:
    for case in RIGHT if seed is None else [case.with_seed(seed) for case in RIGHT]:
        truth, student = case.truth(), case.pass_of_student()
        rounding = 1e-9 if case.dtype == "float64" else 1e-4
        for name in truth:
            assert agree(truth[name], student[name], rounding), (name, case)
        assert case.right
        assert case.claims()


def test_every_slip_is_described() -> None:
    for case in SLIPS + RIGHT:
        assert case.half in ("build", "unseen")
        assert case.shows in SHOWS
        assert case.says.endswith(".")
        assert not re.search(r"https?:|www\.|@\w", case.says)
    for case in SLIPS:
        assert {case.slip, *case.also} <= set(NAMES)
        assert case.slip not in case.also
        assert case.source in SOURCES
    nets = [{k: v for k, v in case.net.items() if k != "seed"} for case in SLIPS]
    written = [str((net, case.lines, case.shows)) for net, case in zip(nets, SLIPS, strict=True)]
    for once in (written, [case.id for case in SLIPS + RIGHT]):
        assert len(set(once)) == len(once)


def test_there_are_enough_of_every_kind_in_both_halves() -> None:
    assert len(SLIPS) >= 160
    assert sum(case.source != "known" for case in SLIPS) >= 150
    assert len(RIGHT) >= 40
    kinds = Counter(case.slip for case in SLIPS)
    assert set(kinds) == set(NAMES)
    for half in ("build", "unseen"):
        of_half = Counter(case.slip for case in SLIPS if case.half == half)
        assert abs(2 * sum(of_half.values()) - len(SLIPS)) <= len(NAMES)
        assert all(of_half[name] >= n // 2 - 1 for name, n in kinds.items() if n >= FREQUENT)
