"""The same steps by hand with a column per example and b as a last column of W: fewer operations.

Each layer has a further row of ones, so that W holds b: Z = W A is one product, and so is the
gradient of both. The rest is as in `numpy_nets`.
"""

import math

import numpy as np

from tinygrad_edu.bench.moons import Rows, Step
from tinygrad_edu.bench.nets import FILTER, FILTERS, PLACES, RATE, Problem, by_filter, patches
from tinygrad_edu.bench.numpy_nets import softmax_cross_entropy
from tinygrad_edu.vectorize.arrays import Array


def matrices(
    weights: list[tuple[Rows, list[float]]],
) -> tuple[Array, Array, list[Array], list[Array]]:
    """One vector of parameters and one of gradients, with views of both: W | b of each layer."""
    P = np.concatenate([np.column_stack(block).ravel() for block in weights])
    G = np.zeros_like(P)
    shapes = [(len(W), len(W[0]) + 1) for W, _ in weights]
    ends = np.cumsum([n * m for n, m in shapes])
    views = [
        [part.reshape(shape) for part, shape in zip(np.split(v, ends[:-1]), shapes, strict=True)]
        for v in (P, G)
    ]
    return P, G, views[0], views[1]


def regression_step(given: Problem) -> Step:
    """Two hidden layers with ReLU, one output, squared error."""
    P, G, [W1, W2, W3], [dW1, dW2, dW3] = matrices(given.weights())
    X, y = with_ones(np.array(given.X).T), np.array(given.y, dtype=float)[None, :]
    B = y.size
    A1, A2 = with_ones(np.empty((len(W1), B))), with_ones(np.empty((len(W2), B)))
    R1, R2 = A1[:-1], A2[:-1]
    D1, S1, D2, S2 = (np.empty_like(R) for R in (R1, R1, R2, R2))
    D3, change = np.empty((1, B)), np.empty_like(P)
    XT, A1T, A2T, W2T, W3T, error = X.T, A1.T, A2.T, W2[:, :-1].T, W3[:, :-1].T, D3[0]
    zero, rate, factor, share = np.array(0.0), np.array(RATE), np.array(2 / B), 1 / B
    dot, subtract, multiply, maximum, sign = np.dot, np.subtract, np.multiply, np.maximum, np.sign

    def step() -> float:
        dot(W1, X, R1)
        maximum(R1, zero, out=R1)
        dot(W2, A1, R2)
        maximum(R2, zero, out=R2)
        dot(W3, A2, D3)
        subtract(D3, y, D3)
        loss = float(dot(error, error)) * share
        multiply(D3, factor, D3)
        dot(D3, A2T, dW3)
        dot(W3T, D3, D2)
        sign(R2, S2)
        multiply(D2, S2, D2)
        dot(D2, A1T, dW2)
        dot(W2T, D2, D1)
        sign(R1, S1)
        multiply(D1, S1, D1)
        dot(D1, XT, dW1)
        multiply(G, rate, change)
        subtract(P, change, P)
        return loss

    return step


def classifier_step(given: Problem) -> Step:
    """One hidden layer with ReLU, softmax, cross entropy of class numbers."""
    if len(given.X) == 1:
        return _online_step(given)
    P, G, [W1, W2], [dW1, dW2] = matrices(given.weights())
    X, y = with_ones(np.array(given.X).T), np.array(given.y)
    B, K = len(y), len(W2)
    A1 = with_ones(np.empty((len(W1), B)))
    R1 = A1[:-1]
    D1, S1, D2, change = np.empty_like(R1), np.empty_like(R1), np.empty((K, B)), np.empty_like(P)
    softmax_loss = softmax_cross_entropy(D2, y, axis=0)
    XT, A1T, W2T = X.T, A1.T, W2[:, :-1].T
    zero, rate = np.array(0.0), np.array(RATE)
    dot, subtract, multiply = np.dot, np.subtract, np.multiply
    maximum, sign = np.maximum, np.sign

    def step() -> float:
        dot(W1, X, R1)
        maximum(R1, zero, out=R1)
        dot(W2, A1, D2)
        loss = softmax_loss()
        dot(D2, A1T, dW2)
        dot(W2T, D2, D1)
        sign(R1, S1)
        multiply(D1, S1, D1)
        dot(D1, XT, dW1)
        multiply(G, rate, change)
        subtract(P, change, P)
        return loss

    return step


def _online_step(given: Problem) -> Step:
    """The same for a single example: vectors in place of matrices."""
    P, G, [W1, W2], [dW1, dW2] = matrices(given.weights())
    x, t = np.append(given.X[0], 1.0), given.y
    a1 = np.ones(len(W1) + 1)
    r1 = a1[:-1]
    d1, s1, d2, change = np.empty_like(r1), np.empty_like(r1), np.empty(len(W2)), np.empty_like(P)
    row, row1, column1, column2, W2T = (
        x[None, :],
        a1[None, :],
        d1[:, None],
        d2[:, None],
        W2[:, :-1].T,
    )
    zero, rate = np.array(0.0), np.array(RATE)
    dot, subtract, multiply, divide = np.dot, np.subtract, np.multiply, np.divide
    maximum, sign, exp, largest, total = np.maximum, np.sign, np.exp, d2.max, d2.sum

    def step() -> float:
        dot(W1, x, r1)
        maximum(r1, zero, out=r1)
        dot(W2, a1, d2)
        subtract(d2, largest(), d2)
        exp(d2, d2)
        divide(d2, total(), d2)
        right = d2[t[0]]
        loss = -math.log(right)
        d2[t[0]] = right - 1
        multiply(column2, row1, dW2)
        dot(W2T, d2, d1)
        sign(r1, s1)
        multiply(d1, s1, d1)
        multiply(column1, row, dW1)
        multiply(G, rate, change)
        subtract(P, change, P)
        return loss

    return step


def convolution_step(given: Problem) -> Step:
    """Filters with ReLU as one product over the gathered patches, then as `classifier_step`."""
    n, B = PLACES * PLACES, len(given.X)
    (filters, shifts), (dense, bias) = given.weights()
    P, G, [W1, W2], [dW1, dW2] = matrices([(filters, shifts), (by_filter(dense), bias)])
    X, y, pixels = np.array(given.X).T.copy(), np.array(given.y), np.ravel(np.transpose(patches()))
    gathered = with_ones(np.empty((FILTER * FILTER, n * B)))
    R1, K = gathered[:-1].reshape(-1, B), len(W2)
    A1 = with_ones(np.empty((FILTERS * n, B)))
    Z1 = A1[:-1]
    filtered, active = Z1.reshape(FILTERS, -1), np.empty(Z1.shape, dtype=bool)
    D1, D2, change = np.empty_like(Z1), np.empty((K, B)), np.empty_like(P)
    E1 = D1.reshape(FILTERS, -1)
    softmax_loss = softmax_cross_entropy(D2, y, axis=0)
    gatheredT, A1T, W2T = gathered.T, A1.T, W2[:, :-1].T
    zero, rate = np.array(0.0), np.array(RATE)
    dot, subtract, multiply = np.dot, np.subtract, np.multiply
    maximum, greater, gather = np.maximum, np.greater, X.take

    def step() -> float:
        gather(pixels, 0, R1, "clip")
        dot(W1, gathered, filtered)
        maximum(Z1, zero, out=Z1)
        dot(W2, A1, D2)
        loss = softmax_loss()
        dot(D2, A1T, dW2)
        dot(W2T, D2, D1)
        greater(Z1, zero, active)
        multiply(D1, active, D1)
        dot(E1, gatheredT, dW1)
        multiply(G, rate, change)
        subtract(P, change, P)
        return loss

    return step


def with_ones(x: Array) -> Array:
    """The rows of x and one of ones."""
    return np.vstack([x, np.ones(x.shape[1])])
