"""micrograd's README expression, and the run of its notebook on the moons."""

import math
import random
from typing import Any, Final

from tinygrad_edu.checks import whole
from tinygrad_edu.classics.micrograd_printed import LINES
from tinygrad_edu.classics.record import Classic, Row
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import l2
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD, linear_decay
from tinygrad_edu.train import fit

__all__ = ["micrograd_moons", "micrograd_readme"]

SEED: Final = 1337


def micrograd_readme() -> Classic:
    """The expression of the README of github.com/karpathy/micrograd: its value and gradients."""
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c = c + (c + 1)
    c = c + (1 + c + (-a))
    d = d + (d * 2 + (b + a).relu())
    d = d + (3 * d + (b - a).relu())
    e = c - d
    f = e**2
    g = f / 2.0 + 10.0 / f
    g.backward()
    rows = (
        Row("g", "24.7041", g.data),
        Row("dg/da", "138.8338", a.grad),
        Row("dg/db", "645.5773", b.grad),
    )
    return Classic(
        "The expression of micrograd's README", "A. Karpathy, github.com/karpathy/micrograd", rows
    )


def micrograd_moons(*, steps: int = 5) -> Classic:
    """The first `steps` that micrograd's notebook prints, at most 100.

    An MLP(2, [16, 16, 1]) with ReLU learns 100 points of two moons: hinge loss + 1e-4 sum(w^2),
    full batch, rate 1 - 0.9 k / 100. The losses must agree within 1e-12: sums are added in
    another order here. Source: A. Karpathy, github.com/karpathy/micrograd.
    """
    steps = whole("steps", steps)
    if steps > len(LINES):
        raise ValueError(f"the notebook prints {len(LINES)} steps, got steps={steps}")
    X, y = moons()
    model = MLP(2, [16, 16, 1], init="uniform", rng=random.Random(SEED))
    history = fit(
        model,
        X,
        y,
        loss="hinge",
        optimizer=SGD(model.parameters(), lr=linear_decay(1.0, 0.1, 100)),
        penalty=lambda m: l2(m.parameters(), 1e-4),
        epochs=steps,
        progress=False,
    )
    rows = []
    for k, (loss, percent) in enumerate(LINES[:steps]):
        rows += [
            Row(f"step {k}: loss", loss, history.loss[k], within=1e-12),
            Row("  accuracy, %", percent, 100 * history.accuracy[k]),
        ]
    return Classic(
        "micrograd on two moons",
        "A. Karpathy, demo.ipynb in github.com/karpathy/micrograd",
        tuple(rows),
    )


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
