"""The steps of the table by hand in NumPy: a row per example, Z = X W^T + b, a few calls a layer.

Fast as NumPy goes: outputs are allocated once, parameters and gradients are views of one vector
each, numbers that stay are arrays without dimensions, sums over examples are products with ones.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from tinygrad_edu.bench import nets
from tinygrad_edu.bench.measure import Step
from tinygrad_edu.bench.nets import FILTER, FILTERS, PLACES, Problem, arrays, patches
from tinygrad_edu.vectorize.arrays import Array

#: Calls to be made, one after the other.
Calls = list[Callable[[], object]]


class Descent:
    """W, b, dW, db of each layer as views of two vectors, and the calls of a step."""

    def __init__(self, given: Problem) -> None:
        parts = [np.array(part) for part in arrays(given.model)]
        self.P: Array = np.concatenate([part.ravel() for part in parts])
        self.G = np.zeros_like(self.P)
        ends = np.cumsum([part.size for part in parts])[:-1]
        views = [[a.reshape(b.shape) for a, b in zip(np.split(v, ends), parts, strict=True)]
                 for v in (self.P, self.G)]  # fmt: skip
        self.layers = list(zip(views[0][::2], views[0][1::2], views[1][::2], views[1][1::2],
                               strict=True))  # fmt: skip
        self.forward: Calls = []
        self.backward: Calls = []

    def dense(self, k: int, A: Array, Z: Array, D: Array, below: Array | None) -> None:
        """Layer k: forward from A to Z; backward from D to the gradients and to what is below."""
        W, b, dW, db = self.layers[k]
        self.forward += [partial(np.dot, A, W.T, Z), partial(np.add, Z, b, Z)]
        back: Calls = [partial(np.dot, D.T, A, dW), partial(np.dot, np.ones(len(D)), D, db)]
        back += [] if below is None else [partial(np.dot, D, W, below)]
        self.backward = [*back, *self.backward]

    def relu(self, Z: Array, D: Array) -> None:
        """ReLU, in place."""
        active = np.empty_like(Z)
        self.forward.append(partial(np.maximum, Z, np.array(0.0), out=Z))
        unbend: Calls = [partial(np.sign, Z, active), partial(np.multiply, D, active, D)]
        self.backward = [*unbend, *self.backward]

    def step(self, loss: Step) -> Step:
        """The calls forward, the loss, the calls backward, the update."""
        P, G, rate, change = self.P, self.G, np.array(nets.RATE), np.empty_like(self.P)
        forward, backward = self.forward, self.backward

        def step() -> float:
            for call in forward:
                call()
            mean = loss()
            for call in backward:
                call()
            np.multiply(G, rate, change)
            np.subtract(P, change, P)
            return mean

        return step


def dense_step(given: Problem, loss: Callable[[Array, Sequence[int]], Step]) -> Step:
    """Layers with ReLU, the last one linear and followed by the loss."""
    descent = Descent(given)
    A, below = np.array(given.X), None
    for k, (_, b, *_) in enumerate(descent.layers):
        Z = np.empty((len(A), len(b)))
        last = k == len(descent.layers) - 1
        D = Z if last else np.empty(Z.shape)
        descent.dense(k, A, Z, D, below)
        if not last:
            descent.relu(Z, D)
        A, below = Z, D
    return descent.step(loss(A, given.y))


def convolution_step(given: Problem) -> Step:
    """Filters with ReLU as one product over the gathered patches, then scores and their loss."""
    descent = Descent(given)
    X, pixels = np.array(given.X), np.ravel(patches())
    gathered = np.empty((len(X) * PLACES**2, FILTER**2))
    Z, D = np.empty((2, len(gathered), FILTERS))
    scores = np.empty((len(X), len(descent.layers[1][1])))
    descent.forward.append(partial(X.take, pixels, 1, gathered.reshape(len(X), -1), "clip"))
    descent.dense(0, gathered, Z, D, None)
    descent.relu(Z, D)
    descent.dense(1, Z.reshape(len(X), -1), scores, scores, D.reshape(len(X), -1))
    return descent.step(softmax_cross_entropy(scores, given.y))


def squared_error(D: Array, y: Sequence[int]) -> Step:
    """A function that gives the mean loss of the outputs in D and leaves in D what flows back."""
    error, t, factor, share = D.ravel(), np.array(y, float), np.array(2 / len(y)), 1 / len(y)

    def loss() -> float:
        np.subtract(error, t, error)
        mean = float(np.dot(error, error)) * share
        np.multiply(error, factor, error)
        return mean

    return loss


def softmax_cross_entropy(D: Array, y: Sequence[int]) -> Step:
    """The same for scores, (B, K), and class numbers."""
    B, K = D.shape
    top, total, right, log_right = np.empty((B, 1)), np.empty((B, 1)), np.empty(B), np.empty(B)
    index, ones = np.array(y) + K * np.arange(B), np.ones(K)
    one, share, minus_share = np.array(1.0), np.array(1 / B), np.full(B, -1 / B)
    largest: Any = np.maximum.reduce

    def loss() -> float:
        largest(D, 1, None, top, True)
        np.subtract(D, top, D)
        np.exp(D, D)
        np.dot(D, ones, total[:, 0])
        np.divide(D, total, D)
        D.take(index, None, right, "clip")
        np.log(right, log_right)
        mean = float(np.dot(minus_share, log_right))
        np.subtract(right, one, right)
        D.put(index, right, "clip")
        np.multiply(D, share, D)
        return mean

    return loss


LOSSES: Final = {"squared_error": squared_error, "cross_entropy": softmax_cross_entropy}


def step_by_hand(given: Problem) -> Step:
    """A step of a net of the table."""
    if isinstance(given.model, nets.ConvolutionNet):
        return convolution_step(given)
    return dense_step(given, LOSSES[given.loss])
