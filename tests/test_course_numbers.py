"""Numbers in the prose of the notebooks: each is computed in the notebook that tells it.

A decimal number, a percentage or a number with a comma for thousands counts, in sentences and in
formulas, and stands in an output (rounded as it is written) or in a cell of code. Texts of
exercises give numbers to compute with, and quoted code is code.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


#: 0.69, -3.5, 49 %, 12.5%, 2,546.
_TOLD = re.compile(r"(?<![\w.,^])\d{1,3}(?:,\d{3})+(?![\d.])|(?<![\w.,^])\d+\.\d+(?![\d.]*\w)|"
                   r"(?<![\w.,])\d+(?= ?\\?%)")  # fmt: skip
#: What is no prose: code, links, the number of an exercise or a section.
_NO_PROSE = re.compile(
    r"```.*?```|`[^`]*`|\]\([^)]*\)|(?:[Ee]xercises?|[Ss]ection|version|Python|Chapter) \d+\.\d+",
    re.DOTALL,
)
_NUMBER = re.compile(r"\d+(?:,\d{3})+|\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+")


def _prose(source: str) -> str:
    exercise = re.match(r"\*\*R?\d+\.\d+\*\*", source)
    return "" if exercise else _NO_PROSE.sub(" ", source)


@cache
def _cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return found


def told(path: Path) -> list[str]:
    """The numbers of the prose, as they are written."""
    prose = [_prose("".join(c["source"])) for c in _cells(path) if c["cell_type"] == "markdown"]
    return [
        match.group() + ("%" if re.match(r" ?\\?%", text[match.end() :]) else "")
        for text in prose
        for match in _TOLD.finditer(text)
    ]


@cache
def computed(path: Path) -> list[float]:
    """The numbers of the code and of all outputs that can be read: texts, tables, SVG."""
    texts = []
    for cell in _cells(path):
        if cell["cell_type"] == "code":
            texts.append("".join(cell["source"]))
            for output in cell["outputs"]:
                data = output.get("data", {})
                texts.append("".join(output.get("text", "")))
                texts += ["".join(data.get(kind, "")) for kind in ("text/plain", "text/latex")]
                marked = ["".join(data.get(kind, "")) for kind in ("text/html", "image/svg+xml")]
                texts += [re.sub(r"<style.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL)
                          for text in marked]  # fmt: skip
    return [float(x.replace(",", "")) for text in texts for x in _NUMBER.findall(text)]


def _is_computed(number: str, among: list[float]) -> bool:
    percent, digits = number.endswith("%"), number.rstrip("%").replace(",", "")
    half = 0.5000001 * 10.0 ** -len(digits.partition(".")[2])
    x = float(digits)
    scales = (1.0, 100.0) if percent else (1.0,)
    return any(abs(scale * y - x) <= half for y in among for scale in scales)


def without_origin(path: Path) -> set[str]:
    """The numbers of the prose that the notebook does not compute."""
    return {n for n in told(path) if not _is_computed(n, computed(path))}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_number_in_prose_is_computed_in_its_notebook(path: Path) -> None:
    assert not without_origin(path)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("a loss of $\\ln 2 = 0.693$, then 98 % and 12.5%.", ["0.693", "98%", "12.5%"]),
        ("2,546 values, of 1958; `0.1` and x^0.5", ["2,546"]),
        ("**7.2** the loss 0.25", []),
        ("exercise 10.1, and $w = (0.5, -1.5)$", ["0.5", "1.5"]),
    ],
)
def test_the_numbers_of_a_text_are_found(tmp_path: Path, text: str, numbers: list[str]) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": [text]}]}))
    assert told(path) == numbers


@pytest.mark.parametrize(
    ("number", "among", "is_computed"),
    [
        ("0.69", [0.6931], True), ("0.70", [0.6931], False), ("49%", [0.4933], True),
        ("49%", [49.33], True), ("2,546", [2546.0], True), ("1.4", [1.45], True),
        ("0.44", [0.4], False),
    ],
)  # fmt: skip
def test_a_number_is_computed_where_it_is_one_that_is_printed_rounded(
    number: str, among: list[float], is_computed: bool
) -> None:
    assert _is_computed(number, among) == is_computed
