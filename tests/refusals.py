"""Refusals: what is called, the type of the error, and its whole sentence.

test_a_bad_option_is_refused = refusals([(lambda: Dropout(1), ValueError, "p must be ...")])
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

Refusal = tuple[Callable[[], Any], type[Exception], str]


def refusals(cases: Sequence[Refusal] | Mapping[str, Refusal]) -> Any:
    """A test of each case, by its name or its sentence."""
    if not isinstance(cases, Mapping):
        cases = {f"{k} {case[2]}": case for k, case in enumerate(cases)}

    @pytest.mark.parametrize("case", cases.values(), ids=[name[:60] for name in cases])
    def refused(case: Refusal) -> None:
        call, error, sentence = case
        with pytest.raises(error) as caught:
            call()
        assert (type(caught.value), str(caught.value)) == (error, sentence)

    return refused
