"""Random programs, graphs and models agree in all engines: see fuzz.py, and run it by hand."""

import pytest
from fuzz import KINDS
from hypothesis import assume, given, settings
from hypothesis import strategies as st

QUICK, SLOW = 12, 700


@pytest.mark.parametrize("examples", [QUICK, pytest.param(SLOW, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["programs", "graphs", "models"])
def test_random_cases_agree(kind, examples):
    @settings(max_examples=examples, deadline=None)
    @given(st.data())
    def compare(data):
        case = KINDS[kind].make(lambda xs: data.draw(st.sampled_from(xs)))
        assume(KINDS[kind].check(case))

    compare()
