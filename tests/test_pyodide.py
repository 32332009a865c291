"""In a page: without NumPy, matplotlib, tqdm and graphviz, in CPython and in Pyodide under node."""

import json
import os
import shutil
import subprocess
import sys
from importlib import util
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import in_page
import pytest

ROOT = Path(__file__).parents[1]
NODE = shutil.which("node")
#: Where npm put pyodide and @viz-js/viz.
MODULES = Path(os.environ.get("TINYGRAD_EDU_NODE_MODULES", ROOT / "node_modules"))
INSTALLED = all((MODULES / name).is_dir() for name in ("pyodide", "@viz-js/viz"))
SENTENCE = "NumPy is not installed: the scalar engine computes every number alone"


def output_of(*command: Any) -> dict[str, Any]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def assert_numbers(found: Any, expected: Any) -> None:
    """The same numbers at the same places, but for rounding."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name, numbers in expected.items():
            assert_numbers(found[name], numbers)
    elif expected and isinstance(expected[0], list):
        assert len(found) == len(expected)
        for pair in zip(found, expected, strict=True):
            assert_numbers(*pair)
    else:
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


def assert_all_is_there(found: dict[str, Any]) -> None:
    """What is told without any of the packages against what is told here."""
    assert found["warnings"] == [SENTENCE]
    assert found["loaded"] == []
    assert_numbers(found["trained"], in_page.trained())
    assert found["shown"] == in_page.shown()
    assert "image/svg+xml" not in found["drawn"]
    text = found["drawn"]["text/plain"]
    assert text.startswith("DOT text needs the package graphviz: pip install graphviz")
    assert "sigmoid" in text
    for name in ("film", "film of units"):
        assert "DOT text needs the package graphviz" in found["drawn"][name]


def test_without_the_packages_the_scalar_engine_and_texts_serve_and_one_sentence_says_so() -> None:
    assert_all_is_there(output_of(sys.executable, Path(in_page.__file__)))


@pytest.mark.slow
@pytest.mark.skipif(NODE is None, reason="node is missing")
@pytest.mark.skipif(not INSTALLED, reason="npm install pyodide @viz-js/viz is missing")
def test_in_pyodide_all_is_there_and_viz_js_draws() -> None:
    [graphviz] = util.find_spec("graphviz").submodule_search_locations  # type: ignore[union-attr]
    script = Path(__file__).with_name("pyodide_in_node.mjs")
    found = output_of(NODE, script, MODULES, ROOT, graphviz)
    assert_all_is_there(found["bare"])
    drawn = found["drawn"]
    assert drawn["renderer"] == "viz_js"
    root = ElementTree.fromstring(drawn["image/svg+xml"])
    assert {"n1", "n1-n2"} <= {element.get("data-key") for element in root.iter()}
    for name in ("film", "film of units"):
        assert "DOT text needs" not in drawn[name]
        assert 'data-key="n1.grad"' in drawn[name]
