"""The spiral of CS231n. That its numbers are the published ones is tested in test_classics.py."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygrad_edu.classics.spiral import (
    LINEAR_LOSSES,
    NET_LOSSES,
    STRENGTH,
    hand_gradients,
    spiral_linear,
    spiral_net,
    spiral_points,
)

#: The numbers of the page, from a run of its program with np.random.seed(0), and its prints.
PAGE: dict[str, Any] = json.loads(
    (Path(__file__).parent / "fixtures" / "cs231n_spiral_seed0.json").read_text("utf-8")
)


def test_the_spiral_starts_from_the_points_and_weights_of_the_page() -> None:
    X, y, W, (hidden, output) = spiral_points()
    np.testing.assert_allclose(X, PAGE["X"], rtol=0, atol=1e-15)
    assert y.tolist() == PAGE["y"]
    assert W.tolist() == PAGE["linear_W_init"]
    assert hidden.tolist() == PAGE["net_W_init"]
    assert output.tolist() == PAGE["net_W2_init"]


def test_the_spiral_compares_all_losses_that_the_page_prints() -> None:
    for losses, name in ((LINEAR_LOSSES, "linear_published"), (NET_LOSSES, "net_published")):
        assert {str(k): float(text) for k, text in losses.items()} == PAGE[name]
        assert {len(text) for text in losses.values()} == {8}  # 6 decimals


def test_the_gradients_by_hand_are_central_differences_of_the_loss() -> None:
    X, y, _, _ = spiral_points()
    rng = np.random.RandomState(1)
    layers = [(rng.randn(2, 4), rng.randn(4)), (rng.randn(4, 3), rng.randn(3))]

    def loss() -> float:
        (W, b), (W2, b2) = layers
        scores = np.maximum(0, X @ W + b) @ W2 + b2
        logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        penalty = STRENGTH / 2 * ((W**2).sum() + (W2**2).sum())
        return float(penalty - logs[np.arange(300), y].mean())

    for arrays, slopes in zip(layers, hand_gradients(X, y, layers), strict=True):
        for array, slope in zip(arrays, slopes, strict=True):
            for place in np.ndindex(*array.shape):
                x, h = array[place], 1e-5
                array[place] = x + h
                above = loss()
                array[place] = x - h
                below = loss()
                array[place] = x
                assert slope[place] == pytest.approx((above - below) / (2 * h), abs=1e-6)


def test_the_first_losses_of_the_spiral_are_nearly_those_of_a_guess() -> None:
    # -log(1/3) = 1.0986 and the penalty of small weights
    first = spiral_net(1).rows
    assert [row.quantity for row in first] == ["loss 0", "gradient 0, engine - by hand"]
    assert first[0].here == pytest.approx(-np.log(1 / 3), abs=2e-4)
    assert all(row.agrees for row in first)


def test_the_linear_classifier_of_the_spiral_ends_at_0_79_and_49_percent() -> None:
    rows = {row.quantity: row for row in spiral_linear().rows}
    assert sum(name.startswith("loss") for name in rows) == 20
    assert f"{rows['loss 190'].here:.2f}" == "0.79"
    assert f"{rows['accuracy on the training points'].here:.2f}" == "0.49"
