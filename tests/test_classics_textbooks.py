"""Mazur's net: the printed numbers, and which of them come from the mistake of the script."""

import pytest

from tinygrad_edu.classics.textbooks import WEIGHTS, error, mazur, mistaken_update


def test_one_update_has_every_printed_digit_and_the_last_error_is_that_of_the_mistake() -> None:
    classic = mazur(long=False)
    assert classic.agrees
    # M. Mazur, A Step by Step Backpropagation Example: outputs, error, new weights
    published = [row.published for row in classic.rows if row.published]
    assert published[4:7] == ["0.75136507", "0.772928465", "0.298371109"]
    assert " ".join(published[14:-1]) == (
        "0.149780716 0.19956143 0.24975114 0.29950229 "
        "0.35891648 0.408666186 0.511301270 0.561370121"
    )
    assert {type(row.here) for row in classic.rows} == {float}
    right, mistaken = classic.rows[-2:]
    assert f"{right.here:.10f}" == "0.2910277737"
    assert f"{mistaken.here:.9f}" == mistaken.published == "0.291027924"
    assert f"{error(WEIGHTS).data:.9f}" == "0.298371109"  # that of plain numbers


def test_the_mistake_changes_the_hidden_weights_alone() -> None:
    rows = mazur(long=False).rows
    right = [row.here for row in rows if row.quantity.endswith("after 1 update")][:8]
    mistaken = [w for unit in mistaken_update(WEIGHTS) for w in unit]
    assert mistaken[4:] == pytest.approx(right[4:], rel=1e-14)
    assert all(abs(a - b) > 1e-6 for a, b in zip(mistaken[:4], right[:4], strict=True))


@pytest.mark.slow
def test_the_end_of_training_has_every_printed_digit() -> None:
    classic = mazur()
    assert classic.agrees
    last, o1, o2 = classic.rows[-3:]
    assert f"{last.here:.6e}" == "3.510855e-05"  # the right gradient, 9,999 updates
    assert [o1.published, o2.published] == ["0.015912196", "0.984065734"]


@pytest.mark.slow
def test_the_printed_error_after_training_is_not_that_of_the_mistake() -> None:
    # a count by hand in plain Python gives 3.509145e-05 after 9,999 updates, 3.508479e-05 after
    # 10,000; the page has 0.0000351085
    weights, errors = WEIGHTS, {}
    for k in range(1, 10_001):
        weights = mistaken_update(weights)
        if k >= 9_999:
            errors[k] = f"{error(weights).data:.6e}"
    assert errors == {9_999: "3.509145e-05", 10_000: "3.508479e-05"}
