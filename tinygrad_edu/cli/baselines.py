"""What a net has to beat: commonest class and logistic regression, or mean and linear model."""

from typing import Any, Final

import numpy as np

from tinygrad_edu.cli.split import Split
from tinygrad_edu.train.heads import Head

#: Rows times features times classes that a linear model is fitted on within a second.
_MOST: Final = 5_000_000
_STEPS: Final = 300


def baselines(split: Split) -> dict[str, Any]:
    """By the name of each simpler model what it gives for the rows that judge the net, (m,).

    Class numbers, or numbers standardised as the targets are. A linear model of very many rows is
    fitted on a part of them, and its name says of how many.
    """
    k = len(split.encoder.class_names)
    every = max(1, len(split.X) * len(split.X[0]) * max(k, 1) // _MOST)
    given = split.X[::every], split.last[1]
    X, new = (np.hstack([rows, np.ones((len(rows), 1))]) for rows in given)
    y, part = np.array(split.y[::every]), f" of {len(X):,} rows" if every > 1 else ""
    if not k:
        linear = new @ np.linalg.lstsq(X, y, rcond=None)[0]
        return {f"linear model{part}": linear, "mean": np.full(len(new), np.mean(split.y))}
    logits = new @ logistic_regression(X, y, k)
    commonest = np.full(len(new), np.bincount(split.y).argmax())
    return {f"logistic regression{part}": logits.argmax(axis=1), "commonest class": commonest}


def logistic_regression(X: Any, y: Any, k: int) -> Any:
    """The weights (d, k) that make least the cross entropy of softmax(X W), plus |W|^2 / 2.

    X are n rows that end in 1, whose weights, the biases, are not counted; y class numbers 0..k-1.
    Gradient steps measured by a bound on the Hessian, which need no learning rate (D. Böhning,
    "Multinomial logistic regression algorithm", Annals of the Institute of Statistical Mathematics
    44, 1992), with Nesterov's momentum.
    """
    W = ahead = np.zeros((X.shape[1], k))
    penalty = np.diag([1.0] * (len(W) - 1) + [0.0])
    inverse = np.linalg.inv(X.T @ X / 2 + penalty)
    for t in range(_STEPS):
        errors = np.eye(k)[y] - Head("logits", k).probabilities(X @ ahead)
        step = ahead + inverse @ (X.T @ errors - penalty @ ahead)
        W, ahead = step, step + t / (t + 3) * (step - W)
    return W
