"""The steps of the table by hand in NumPy, in two layouts, each a few calls a layer.

By rows, as in the lecture: a row per example, Z = X W^T + b. By columns, with b as a last column
of W and ones as a last row of the inputs, so that Z = W A is one product, and one its gradient.
Fast as NumPy goes: outputs are allocated once, parameters and gradients are views of one vector
each, numbers that stay are arrays without dimensions, sums over examples are products with ones.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.bench.measure import Rows, Step
from tinygrad_edu.bench.nets import FILTER, FILTERS, PLACES, RATE, Problem, by_filter, patches
from tinygrad_edu.vectorize.arrays import Array

Weights = Sequence[tuple[Rows, list[float]]]
#: Calls to be made, one after the other.
Calls = list[Callable[[], object]]


class Parameters(NamedTuple):
    """One vector of parameters and one of gradients, with views of both for each layer."""

    P: Array
    G: Array
    layers: list[tuple[Array, ...]]

    def update(self) -> Callable[[], object]:
        """A function that makes a step of gradient descent."""
        P, G, rate, change = self.P, self.G, np.array(RATE), np.empty_like(self.P)

        def update() -> None:
            np.multiply(G, rate, change)
            np.subtract(P, change, P)

        return update


def vectors(parts: Sequence[Array]) -> tuple[Array, Array, list[Array], list[Array]]:
    """The parts in one vector and one of zeros for their gradients, and the views of each part."""
    P: Array = np.concatenate([part.ravel() for part in parts])
    G, ends = np.zeros_like(P), np.cumsum([part.size for part in parts])[:-1]
    p, g = ([a.reshape(b.shape) for a, b in zip(np.split(v, ends), parts, strict=True)]
            for v in (P, G))  # fmt: skip
    return P, G, p, g


class ByRows:
    """A row per example; W and b apart."""

    axis = 1

    @staticmethod
    def parameters(weights: Weights) -> Parameters:
        """Each layer as W, b, dW, db."""
        P, G, p, g = vectors([np.array(part) for block in weights for part in block])
        return Parameters(P, G, [(*p[k : k + 2], *g[k : k + 2]) for k in range(0, len(p), 2)])

    @staticmethod
    def inputs(X: Rows) -> Array:
        """The examples as the first layer takes them."""
        return np.array(X)

    @staticmethod
    def activations(units: int, examples: int) -> tuple[Array, Array]:
        """What a layer takes, and the part of it that the layer below fills."""
        A = np.empty((examples, units))
        return A, A

    @staticmethod
    def dense(
        layer: tuple[Array, ...], A: Array, Z: Array, D: Array, below: Array | None
    ) -> tuple[Calls, Calls]:
        """Forward from A to Z; backward from D to the gradients and to what is below."""
        W, b, dW, db = layer
        forward: Calls = [partial(np.dot, A, W.T, Z), partial(np.add, Z, b, Z)]
        backward: Calls = [
            partial(np.dot, D.T, A, dW), partial(np.dot, np.ones(len(D)), D, db)
        ]  # fmt: skip
        return forward, backward + ([] if below is None else [partial(np.dot, D, W, below)])


class ByColumns:
    """A column per example; b is the last column of W, and ones are the last row of the inputs."""

    axis = 0

    @staticmethod
    def parameters(weights: Weights) -> Parameters:
        """Each layer as W | b and its gradient."""
        P, G, p, g = vectors([np.column_stack(block) for block in weights])
        return Parameters(P, G, list(zip(p, g, strict=True)))

    @staticmethod
    def inputs(X: Rows) -> Array:
        """The examples as the first layer takes them."""
        return np.vstack([np.array(X).T, np.ones(len(X))])

    @staticmethod
    def activations(units: int, examples: int) -> tuple[Array, Array]:
        """What a layer takes, and the part of it that the layer below fills."""
        A = np.ones((units + 1, examples))
        return A, A[:-1]

    @staticmethod
    def dense(
        layer: tuple[Array, ...], A: Array, Z: Array, D: Array, below: Array | None
    ) -> tuple[Calls, Calls]:
        """Forward from A to Z; backward from D to the gradients and to what is below."""
        W, dW = layer
        backward: Calls = [partial(np.dot, D, A.T, dW)]
        back: Calls = [] if below is None else [partial(np.dot, W[:, :-1].T, D, below)]
        return [partial(np.dot, W, A, Z)], backward + back


Layout = type[ByRows] | type[ByColumns]


def relu(Z: Array, D: Array) -> tuple[Calls, Calls]:
    """Forward and backward of ReLU, in place."""
    zero, active = np.array(0.0), np.empty_like(Z)
    return (
        [partial(np.maximum, Z, zero, out=Z)],
        [partial(np.sign, Z, active), partial(np.multiply, D, active, D)],
    )


def made(forward: Calls, loss: Step, backward: Calls, update: Callable[[], object]) -> Step:
    """A step: the calls forward, the loss, the calls backward, the update."""

    def step() -> float:
        for call in forward:
            call()
        mean = loss()
        for call in backward:
            call()
        update()
        return mean

    return step


def dense_net(given: Problem, layout: Layout, loss: Callable[[Array, Array, int], Step]) -> Step:
    """Layers with ReLU, the last one linear and followed by the loss."""
    parameters = layout.parameters(given.weights())
    A, examples = layout.inputs(given.X), len(given.X)
    forward: Calls = []
    backward: Calls = []
    below: Array | None = None
    for k, (layer, (_, b)) in enumerate(zip(parameters.layers, given.weights(), strict=True), 1):
        above, Z = layout.activations(len(b), examples)
        last = k == len(parameters.layers)
        if last and layout.axis == 0:
            Z = np.empty(Z.shape)
        D = Z if last else np.empty(Z.shape)
        onward, back = layout.dense(layer, A, Z, D, below)
        bend, unbend = ([], []) if last else relu(Z, D)
        forward += [*onward, *bend]
        backward = [*unbend, *back, *backward]
        A, below = above, D
    y = np.array(given.y)
    return made(
        forward, loss(A if layout.axis else D, y, layout.axis), backward, parameters.update()
    )


def convolution_net(given: Problem, layout: Layout) -> Step:
    """Filters with ReLU as one product over the gathered patches, then scores and their loss."""
    (filters, shifts), (dense, bias) = given.weights()
    n, examples, rows = PLACES * PLACES, len(given.X), layout is ByRows
    parameters = layout.parameters([(filters, shifts), (dense if rows else by_filter(dense), bias)])
    X = np.array(given.X) if rows else np.array(given.X).T.copy()
    pixels = np.ravel(patches() if rows else np.transpose(patches()))
    gathered, patch = layout.activations(FILTER * FILTER, n * examples)
    A, Z = layout.activations(n * FILTERS, examples)
    D, scores = np.empty(Z.shape), np.empty((examples, len(bias))[:: 1 if rows else -1])
    by_unit = (-1, FILTERS) if rows else (FILTERS, -1)
    onward, back = layout.dense(
        parameters.layers[0], gathered, Z.reshape(by_unit), D.reshape(by_unit), None
    )
    bend, unbend = relu(Z, D)
    to_scores, from_scores = layout.dense(parameters.layers[1], A, scores, scores, D)
    target = patch.reshape((examples, -1) if rows else (-1, examples))
    gather = partial(X.take, pixels, layout.axis, target, "clip")
    return made(
        [gather, *onward, *bend, *to_scores],
        softmax_cross_entropy(scores, np.array(given.y), layout.axis),
        [*from_scores, *unbend, *back],
        parameters.update(),
    )


def squared_error(D: Array, y: Array, axis: int) -> Step:
    """A function that gives the mean loss of the outputs in D and leaves in D what flows back."""
    error, t, factor, share = D.ravel(), y.astype(float), np.array(2 / len(y)), 1 / len(y)

    def loss() -> float:
        np.subtract(error, t, error)
        mean = float(np.dot(error, error)) * share
        np.multiply(error, factor, error)
        return mean

    return loss


def softmax_cross_entropy(D: Array, y: Array, axis: int) -> Step:
    """The same for scores, the classes along `axis`: 1 with a row, 0 with a column per example."""
    B, K = len(y), D.shape[axis]
    stride, offsets = np.array(B), K * np.arange(B) if axis else np.arange(B)
    kept = (B, 1) if axis else (B,)
    top, total = np.empty(kept), np.empty(kept)
    right, log_right, index = np.empty(B), np.empty(B), np.empty(B, dtype=np.intp)
    factors = (D, np.ones(K), total[:, 0]) if axis else (np.ones(K), D, total)
    one, share, minus_share = np.array(1.0), np.array(1 / B), np.full(B, -1 / B)
    dot, add, subtract, multiply, divide = np.dot, np.add, np.subtract, np.multiply, np.divide
    exp, log, take, put = np.exp, np.log, D.take, D.put
    largest: Any = np.maximum.reduce

    def loss() -> float:
        largest(D, axis, None, top, bool(axis))
        subtract(D, top, D)
        exp(D, D)
        dot(*factors)
        divide(D, total, D)
        add(y if axis else multiply(y, stride, index), offsets, index)
        take(index, None, right, "clip")
        log(right, log_right)
        mean = float(dot(minus_share, log_right))
        subtract(right, one, right)
        put(index, right, "clip")
        multiply(D, share, D)
        return mean

    return loss


rows_regression_step = partial(dense_net, layout=ByRows, loss=squared_error)
rows_classifier_step = partial(dense_net, layout=ByRows, loss=softmax_cross_entropy)
rows_convolution_step = partial(convolution_net, layout=ByRows)
columns_regression_step = partial(dense_net, layout=ByColumns, loss=squared_error)
columns_classifier_step = partial(dense_net, layout=ByColumns, loss=softmax_cross_entropy)
columns_convolution_step = partial(convolution_net, layout=ByColumns)
