"""A cell can be run again, and so can a notebook: the same texts come out.

python -m pytest tests/notebooks_again.py       # 6 minutes, which are too many for the suite
"""

import re
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
#: What is another number at each run.
MEASURED = re.compile(r"[\d.,]+(?:e-\d+)? ?(?:s|ms|µs|us|seconds|times)\b")


def text_of(cell: Any) -> str:
    """All that a cell prints or gives, without times."""
    texts = [o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    return MEASURED.sub("time", "".join(texts).replace("\n\n", "\n"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_cell_and_the_whole_notebook_give_the_same_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DISPLAY", "static")
    monkeypatch.setenv("PYTHONPATH", str(path.parent.parent))
    notebook = nbformat.read(path, as_version=4)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    order = [source for source in sources for _ in (1, 2)] + sources
    runs = [nbformat.v4.new_code_cell(source) for source in order]
    again = nbformat.v4.new_notebook(cells=runs)
    resources = {"metadata": {"path": path.parent}}
    nbclient.NotebookClient(
        again, timeout=600, kernel_name="python3", resources=resources
    ).execute()
    n = len(sources)
    for k, source in enumerate(sources):
        first, second, third = (text_of(runs[i]) for i in (2 * k, 2 * k + 1, 2 * n + k))
        assert first == second, source
        assert first == third, source
