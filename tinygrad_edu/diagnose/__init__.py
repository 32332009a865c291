"""What is wrong, not only that something is: the slip, where it was made, and what is right.

A learner's backward pass, in which the slope of tanh was left out:

    >>> import numpy as np
    >>> from tinygrad_edu import MLP, losses, vectorize
    >>> net = MLP(2, [3, 1], "tanh", rng=0)
    >>> program = vectorize(lambda x, y: losses.squared_error(net(x), y), [0.5, -1.0], 1.0)
    >>> X, y = np.array([[0.5, -1.0], [1.0, 2.0]]), np.array([1.0, 0.0])
    >>> W1, W2 = program.P[0:6].reshape(3, 2), program.P[9:12].reshape(1, 3)
    >>> A1 = np.tanh(X @ W1.T)
    >>> delta2 = 2 * (A1 @ W2.T - y[:, None]) / len(X)
    >>> delta1 = delta2 @ W2
    >>> claims = {"dW2": delta2.T @ A1, "dW1": delta1.T @ X, "db1": delta1.sum(axis=0)}
    >>> print(diagnose_backward(program, claims, X, y))
    delta1: the factor 1 - A1 * A1, the slope of tanh, is missing.
    It should be delta1 = (delta2 @ W2) * (1 - A1 * A1).
"""

from tinygrad_edu.diagnose.backward import diagnose_backward
from tinygrad_edu.diagnose.diagnosis import SLIPS, Diagnosis

__all__ = ["SLIPS", "Diagnosis", "diagnose_backward"]
