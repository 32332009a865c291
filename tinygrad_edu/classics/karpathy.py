"""A. Karpathy's examples: the circuits of the cs231n notes, micrograd's README and its notebook."""

import math
import random
from typing import Any, Final

from tinygrad_edu.checks import whole
from tinygrad_edu.classics.classic import Classic, Row, classic, learn, printed, worked
from tinygrad_edu.losses import l2
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD, linear_decay

SEED: Final = 1337


def circuits() -> Classic:
    """(x + y) z, the sigmoid neuron gate by gate and as one gate, and 2 (xy + max(z, w)).

    Source: A. Karpathy, notes of Stanford's cs231n, "Backpropagation, Intuitions".
    """
    return classic("circuits", worked("circuits"))


def exercises() -> Classic:
    """A function of three numbers and a softmax loss, the exercises to the first lecture.

    f(a, b, c) = -a^3 + sin(3 b) - 1/c + b^2.5 - a^0.5 at (2, 3, 4), and -log softmax(z)_4 at
    z = (0, 3, -2, 1). Source: A. Karpathy, "Neural networks: zero to hero", micrograd exercises.
    """
    return classic("exercises", worked("exercises"))


def micrograd_readme() -> Classic:
    """The expression of the README of github.com/karpathy/micrograd: its value and gradients."""
    return classic("micrograd_readme", worked("micrograd_readme"))


def micrograd_moons(*, steps: int = 5) -> Classic:
    """The first `steps` that micrograd's notebook prints, at most 100.

    An MLP(2, [16, 16, 1]) with ReLU learns 100 points of two moons: hinge loss + 1e-4 sum(w^2),
    full batch, rate 1 - 0.9 k / 100. The losses must agree within 1e-12: sums are added in
    another order here. Source: A. Karpathy, github.com/karpathy/micrograd.
    """
    steps, numbers = whole("steps", steps), printed("micrograd")
    lines = list(zip(numbers[::2], numbers[1::2], strict=True))
    if steps > len(lines):
        raise ValueError(f"the notebook prints {len(lines)} steps, got steps={steps}")
    X, y = moons()
    model = MLP(2, [16, 16, 1], init="uniform", rng=random.Random(SEED))
    history = learn(
        model, X, y, loss="hinge", epochs=steps,
        optimizer=SGD(model.parameters(), lr=linear_decay(1.0, 0.1, 100)),
        penalty=lambda m: l2(m.parameters(), 1e-4),
    )  # fmt: skip
    rows = []
    for k, (loss, percent) in enumerate(lines[:steps]):
        rows += [
            Row(f"step {k}: loss", loss, history.loss[k], within=1e-12),
            Row("  accuracy, %", percent, 100 * history.accuracy[k]),
        ]
    return classic("micrograd_moons", rows)


def moons() -> tuple[Any, Any]:
    """The points (100, 2) and classes -1 and 1 of the notebook: scikit-learn's two moons.

    Two half circles, shuffled, with normal noise of 0.1, drawn from NumPy's generator of 1337 as
    `make_moons` does.
    """
    import numpy as np

    rng = np.random.RandomState(SEED)
    t = np.linspace(0, math.pi, 50)
    X = np.vstack([
        np.append(np.cos(t), 1 - np.cos(t)), np.append(np.sin(t), 1 - np.sin(t) - 0.5)
    ]).T  # fmt: skip
    y = np.repeat([-1, 1], 50)
    order = np.arange(100)
    rng.shuffle(order)
    return X[order] + rng.normal(scale=0.1, size=X.shape), y[order]
