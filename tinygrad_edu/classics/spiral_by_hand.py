"""The spiral's points, and the gradients of its nets by the lecture's matrix equations alone."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["STRENGTH", "hand_gradients", "spiral_points"]

Array = NDArray[np.float64]
Classes = NDArray[np.int_]

#: The loss is the mean cross entropy + 1/2 * STRENGTH * sum of the squared weights, without biases.
STRENGTH: Final = 1e-3


def spiral_points() -> tuple[Array, Classes, Array, tuple[Array, Array]]:
    """The page's points (300, 2), classes (300,), and first weights, one row per input.

    The weights are W (2, 3) of the classifier, then W (2, 100) and W2 (100, 3) of the net.
    """
    normals = np.random.RandomState(0)
    arms = []
    for j in range(3):
        r = np.linspace(0.0, 1.0, 100)
        t = np.linspace(4 * j, 4 * (j + 1), 100) + 0.2 * normals.randn(100)
        arms.append(np.column_stack([r * np.sin(t), r * np.cos(t)]))
    normals.randn(18)
    W, hidden, output = (0.01 * normals.randn(*shape) for shape in ((2, 3), (2, 100), (100, 3)))
    return np.concatenate(arms), np.repeat(np.arange(3), 100), W, (hidden, output)


def hand_gradients(
    X: Array, y: Classes, layers: Sequence[tuple[Any, Any]]
) -> list[tuple[Array, Array]]:
    """The gradient (dW, db) of each layer (W, b), for n points X (n, inputs) with classes y (n,).

    `W` is (inputs, units), `b` (units,); ReLU between the layers, softmax after the last.
    """
    weights = [np.asarray(W, dtype=float) for W, _ in layers]
    a = [X]
    for W, (_, b) in zip(weights[:-1], layers, strict=False):
        a.append(np.maximum(0, a[-1] @ W + b))
    scores = a[-1] @ weights[-1] + layers[-1][1]
    exp = np.exp(scores - scores.max(axis=1, keepdims=True))
    delta = exp / exp.sum(axis=1, keepdims=True)
    delta[np.arange(len(X)), y] -= 1
    delta /= len(X)
    gradients = []
    for W, v in zip(reversed(weights), reversed(a), strict=True):
        gradients.append((v.T @ delta + STRENGTH * W, delta.sum(axis=0)))
        delta = (delta @ W.T) * (v > 0)
    return gradients[::-1]
