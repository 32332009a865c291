"""The circuits, and micrograd's run on the moons from the package alone, as printed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tinygrad_edu.classics import circuits, micrograd_moons
from tinygrad_edu.classics.classic import printed
from tinygrad_edu.classics.karpathy import moons

#: Data, initial weights and the 100 printed lines of micrograd's notebook demo.ipynb.
MOONS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "fixtures" / "micrograd_moons_seed1337.json").read_text("utf-8")
)


def test_the_circuits_have_every_printed_digit() -> None:
    classic = circuits()
    assert classic.agrees
    # cs231n: x, y, z of (x + y) z; the weights and inputs of the neuron; x, y, z, w of the last
    gradients = [row.published for row in classic.rows if row.quantity.startswith("df/d")]
    assert gradients == [
        *("-4", "-4", "3", "-4"),
        *("-0.20", "0.39", "-0.39", "-0.59", "0.20"),
        *("-8.00", "6.00", "2.00", "0.00"),
    ]


def test_the_points_are_those_of_the_notebook() -> None:
    X, y = moons()
    assert [list(row) for row in X] == [pytest.approx(row, rel=1e-14) for row in MOONS["X"]]
    assert y.tolist() == MOONS["y"]


def test_the_printed_lines_are_those_of_the_notebook() -> None:
    numbers = [*map(float, printed("micrograd"))]
    lines = [[k, *numbers[2 * k : 2 * k + 2]] for k in range(100)]
    assert lines == MOONS["published"]


def test_all_steps_are_those_of_the_notebook() -> None:
    classic = micrograd_moons(steps=100)
    assert len(classic.rows) == 200
    assert classic.agrees
