"""Tables of which the quick tests take the first rows, and the slow tests the rest."""

from collections.abc import Iterable
from typing import Any

import pytest


def few(cases: Iterable[Any], n: int) -> list[Any]:
    """The cases, all but the first `n` marked as slow."""
    first, rest = [*cases][:n], [*cases][n:]
    return [*first, *(pytest.param(case, marks=pytest.mark.slow) for case in rest)]
