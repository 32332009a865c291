"""Random programs, graphs and models agree in all engines: see fuzz.py, and run it by hand."""

from functools import partial

import pytest
from fuzz import KINDS, check_edges
from hypothesis import assume, given, settings
from hypothesis import strategies as st

QUICK, SLOW = 12, 700
#: Array programs add up from 0 where -0 and -0 are -0 in the scalar engine.
CHECKS = {name: kind.check for name, kind in KINDS.items()}
CHECKS["edges"] = partial(check_edges, signs=False)


@pytest.mark.parametrize("examples", [QUICK, pytest.param(SLOW, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", KINDS)
def test_random_cases_agree(kind, examples):
    @settings(max_examples=examples, deadline=None, derandomize=True)
    @given(st.data())
    def compare(data):
        case = KINDS[kind].make(lambda xs: data.draw(st.sampled_from(xs)))
        assume(CHECKS[kind](case))

    compare()
