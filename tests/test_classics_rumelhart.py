"""The nets of Rumelhart, Hinton and Williams. What they printed is compared in test_classics.py."""

from collections.abc import Callable

import pytest

from tinygrad_edu.classics import (
    Classic,
    rumelhart_encoder,
    rumelhart_parity,
    rumelhart_symmetry,
    rumelhart_xor,
)


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


@pytest.mark.parametrize("classic", [rumelhart_xor, rumelhart_parity, rumelhart_symmetry])
def test_there_must_be_a_start(classic: Callable[[int], Classic]) -> None:
    with pytest.raises(ValueError, match=r"^starts must be an int of at least 1, got 0$"):
        classic(0)
