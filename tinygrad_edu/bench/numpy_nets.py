"""The steps of the table by hand in NumPy as in the lecture: Z = X W^T + b, a row per example.

Fast as NumPy goes: outputs are allocated once, parameters and gradients are views of one vector
each, numbers that stay are arrays without dimensions, sums over examples are products with ones.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.bench.moons import Rows, Step
from tinygrad_edu.bench.nets import FILTER, FILTERS, PLACES, RATE, Problem, patches
from tinygrad_edu.vectorize.arrays import Array

#: W and b of a layer.
Block = tuple[Array, Array]


def blocks(
    weights: Sequence[tuple[Rows, list[float]]],
) -> tuple[Array, Array, list[Block], list[Block]]:
    """One vector of parameters and one of gradients, with views of both for each layer."""
    P: Array = np.concatenate([np.ravel(x) for block in weights for x in block])
    G = np.zeros_like(P)
    parameters: list[Block] = []
    gradients: list[Block] = []
    for vector, views in ((P, parameters), (G, gradients)):
        end = 0
        for W, b in weights:
            start, middle = end, end + len(W) * len(W[0])
            end = middle + len(b)
            views.append((vector[start:middle].reshape(len(W), -1), vector[middle:end]))
    return P, G, parameters, gradients


def regression_step(given: Problem) -> Step:
    """Two hidden layers with ReLU, one output, squared error."""
    P, G, [(W1, b1), (W2, b2), (W3, b3)], [(dW1, db1), (dW2, db2), (dW3, db3)] = blocks(
        given.weights()
    )
    X, y = np.array(given.X), np.array(given.y, dtype=float)[:, None]
    B = len(X)
    A1, D1, S1 = (np.empty((B, len(b1))) for _ in range(3))
    A2, D2, S2 = (np.empty((B, len(b2))) for _ in range(3))
    D3, change, ones = np.empty((B, 1)), np.empty_like(P), np.ones(B)
    W1T, W2T, W3T, D1T, D2T, D3T, error = W1.T, W2.T, W3.T, D1.T, D2.T, D3.T, D3[:, 0]
    zero, rate, factor, share = np.array(0.0), np.array(RATE), np.array(2 / B), 1 / B
    dot, add, subtract, multiply = np.dot, np.add, np.subtract, np.multiply
    maximum, sign = np.maximum, np.sign

    def step() -> float:
        dot(X, W1T, A1)
        add(A1, b1, A1)
        maximum(A1, zero, out=A1)
        dot(A1, W2T, A2)
        add(A2, b2, A2)
        maximum(A2, zero, out=A2)
        dot(A2, W3T, D3)
        add(D3, b3, D3)
        subtract(D3, y, D3)
        loss = float(dot(error, error)) * share
        multiply(D3, factor, D3)
        dot(D3T, A2, dW3)
        dot(ones, D3, db3)
        dot(D3, W3, D2)
        sign(A2, S2)
        multiply(D2, S2, D2)
        dot(D2T, A1, dW2)
        dot(ones, D2, db2)
        dot(D2, W2, D1)
        sign(A1, S1)
        multiply(D1, S1, D1)
        dot(D1T, X, dW1)
        dot(ones, D1, db1)
        multiply(G, rate, change)
        subtract(P, change, P)
        return loss

    return step


def classifier_step(given: Problem) -> Step:
    """One hidden layer with ReLU, softmax, cross entropy of class numbers."""
    P, G, [(W1, b1), (W2, b2)], [(dW1, db1), (dW2, db2)] = blocks(given.weights())
    X, y = np.array(given.X), np.array(given.y)
    B, K = len(X), len(b2)
    A1, D1, S1 = (np.empty((B, len(b1))) for _ in range(3))
    D2, change, ones = np.empty((B, K)), np.empty_like(P), np.ones(B)
    softmax_loss = softmax_cross_entropy(D2, y, axis=1)
    W1T, W2T, D1T, D2T = W1.T, W2.T, D1.T, D2.T
    zero, rate = np.array(0.0), np.array(RATE)
    dot, add, subtract, multiply = np.dot, np.add, np.subtract, np.multiply
    maximum, sign = np.maximum, np.sign

    def step() -> float:
        dot(X, W1T, A1)
        add(A1, b1, A1)
        maximum(A1, zero, out=A1)
        dot(A1, W2T, D2)
        add(D2, b2, D2)
        loss = softmax_loss()
        dot(D2T, A1, dW2)
        dot(ones, D2, db2)
        dot(D2, W2, D1)
        sign(A1, S1)
        multiply(D1, S1, D1)
        dot(D1T, X, dW1)
        dot(ones, D1, db1)
        multiply(G, rate, change)
        subtract(P, change, P)
        return loss

    return step


def convolution_step(given: Problem) -> Step:
    """Filters with ReLU as one product over the gathered patches, then as `classifier_step`."""
    P, G, [(W1, b1), (W2, b2)], [(dW1, db1), (dW2, db2)] = blocks(given.weights())
    X, y, pixels = np.array(given.X), np.array(given.y), np.ravel(patches())
    B, K, n = len(X), len(b2), PLACES * PLACES
    gathered, A1, D1 = (np.empty((B, n * k)) for k in (FILTER * FILTER, FILTERS, FILTERS))
    R1, Z1, E1 = (a.reshape(B * n, -1) for a in (gathered, A1, D1))
    active = np.empty(A1.shape, dtype=bool)
    D2, change, ones, all_ones = np.empty((B, K)), np.empty_like(P), np.ones(B), np.ones(B * n)
    softmax_loss = softmax_cross_entropy(D2, y, axis=1)
    W1T, W2T, E1T, D2T = W1.T, W2.T, E1.T, D2.T
    zero, rate = np.array(0.0), np.array(RATE)
    dot, add, subtract, multiply = np.dot, np.add, np.subtract, np.multiply
    maximum, greater, gather = np.maximum, np.greater, X.take

    def step() -> float:
        gather(pixels, 1, gathered, "clip")
        dot(R1, W1T, Z1)
        add(Z1, b1, Z1)
        maximum(A1, zero, out=A1)
        dot(A1, W2T, D2)
        add(D2, b2, D2)
        loss = softmax_loss()
        dot(D2T, A1, dW2)
        dot(ones, D2, db2)
        dot(D2, W2, D1)
        greater(A1, zero, active)
        multiply(D1, active, D1)
        dot(E1T, R1, dW1)
        dot(all_ones, E1, db1)
        multiply(G, rate, change)
        subtract(P, change, P)
        return loss

    return step


def softmax_cross_entropy(D: Array, y: Array, axis: int) -> Step:
    """A function that gives the mean loss of the scores in D and leaves in D what flows back.

    The classes stand along `axis`: 1 with a row per example, 0 with a column per example.
    """
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
