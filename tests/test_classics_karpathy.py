"""micrograd's run on the moons from the package alone, as printed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tinygrad_edu.classics import micrograd_moons
from tinygrad_edu.classics.classic import printed
from tinygrad_edu.classics.karpathy import moons

#: Data, initial weights and the 100 printed lines of micrograd's notebook demo.ipynb.
MOONS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "fixtures" / "micrograd_moons_seed1337.json").read_text("utf-8")
)


def test_the_points_are_those_of_the_notebook() -> None:
    X, y = moons()
    assert [list(row) for row in X] == [pytest.approx(row, rel=1e-14) for row in MOONS["X"]]
    assert y.tolist() == MOONS["y"]


def test_all_steps_are_those_of_the_notebook() -> None:
    numbers = [*map(float, printed("micrograd"))]
    assert [[k, *numbers[2 * k : 2 * k + 2]] for k in range(100)] == MOONS["published"]
    classic = micrograd_moons(steps=100)
    assert len(classic.rows) == 200
    assert classic.agrees
