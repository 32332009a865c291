"""Odd inputs: what is given by mistake ends in a sentence of the package, at every public entry."""

import os
from pathlib import Path

import odd_inputs
import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a call writes goes away."""
    monkeypatch.chdir(tmp_path)
    os.environ.setdefault("MPLBACKEND", "Agg")


def test_every_public_callable_is_tried_with_odd_inputs() -> None:
    tried = {name.partition(" ")[0] for name in odd_inputs.EXAMPLES}
    assert set(odd_inputs.public()) - odd_inputs.LEFT_OUT - tried == set()
    assert odd_inputs.LEFT_OUT - set(odd_inputs.public()) == set()
