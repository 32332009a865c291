"""The estimators where scikit-learn is not installed: one sentence says what to install."""

import importlib
import sys

import pytest

from tinygrad_edu.cli import main

SENTENCE = "scikit-learn is missing: pip install 'tinygrad-edu[sklearn]'"


@pytest.fixture(params=["sklearn", "scipy"])
def _missing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.startswith("tinygrad_edu.sklearn"):
            monkeypatch.delitem(sys.modules, name)
        if name.startswith(f"{request.param}."):
            monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, request.param, None)


@pytest.mark.usefixtures("_missing")
def test_importing_the_estimators_says_what_to_install() -> None:
    with pytest.raises(ImportError) as caught:
        importlib.import_module("tinygrad_edu.sklearn")
    assert str(caught.value) == SENTENCE


@pytest.mark.usefixtures("_missing")
def test_the_benchmark_says_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--sklearn"]) == 2
    assert SENTENCE in capsys.readouterr().err
