"""What the outputs of a classifier mean: the share of each class, the largest names the class."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from tinygrad_edu.checks import one_of
from tinygrad_edu.train.heads import Head
from tinygrad_edu.vectorize.arrays import Array

#: How outputs can be read.
READINGS: Final = ("auto", "probabilities", "scores")


class Reading(NamedTuple):
    """The shares of the classes, (..., k) in [0, 1].

    A point is beyond the margin where its `depth` (...) is above `limit`; `margin` says what this
    means.
    """

    shares: Array
    depth: Array
    limit: float
    margin: str


def read(outputs: Array, labels: Sequence[int], reading: str = "auto") -> Reading:
    """Shares from outputs (..., K), for data with these labels.

    One output tells two classes apart, labelled 0 and 1 or -1 and 1. It is a probability of class 1
    if every output lies in [0, 1] and no label is -1; else it is a score, above 0 for class 1, with
    the margins -1 and 1. Several outputs, one per class 0..K-1, are probabilities if they lie in
    [0, 1] and have the sum 1; else they are net inputs of a softmax. `reading` "probabilities" or
    "scores" decides otherwise. Raises ValueError for labels that do not fit.
    """
    one_of("outputs", reading, READINGS)
    outputs = np.nan_to_num(outputs, nan=0.0, posinf=1e300, neginf=-1e300)
    n = outputs.shape[-1]
    single = n == 1
    _check_labels(labels, n)
    probable = bool(((outputs >= 0) & (outputs <= 1)).all()) and -1 not in labels
    if not single:
        probable = probable and bool(np.allclose(outputs.sum(axis=-1), 1, atol=1e-6))
    if reading != "auto":
        probable = reading == "probabilities"
    kind = "numbers" if probable else "score" if single else "logits"
    head = Head(kind, n, "softmax" if probable else "linear", -1 if kind == "score" else 0)
    shares = head.probabilities(outputs)
    if kind == "score":
        return Reading(shares, np.abs(outputs[..., 0]), 1.0, "score ±1")
    return Reading(shares, shares.max(axis=-1), 0.75, "probability 3/4")


def _check_labels(labels: Sequence[int], outputs: int) -> None:
    allowed: Sequence[int] = range(outputs)
    expected = f"{outputs} outputs tell the classes 0..{outputs - 1} apart"
    if outputs == 1:
        allowed = (-1, 1) if -1 in labels else (0, 1)
        expected = "one output tells 2 classes apart, labelled 0 and 1 or -1 and 1"
    for label in labels:
        if label not in allowed:
            raise ValueError(f"{expected}: y has the label {label}")


def boundaries(shares: Array) -> list[Array]:
    """For each class how far it leads the others: its region is bounded by 0."""
    k = shares.shape[-1]
    leads = [shares[..., j] - np.delete(shares, j, axis=-1).max(axis=-1) for j in range(k)]
    return leads[:1] if k == 2 else leads
