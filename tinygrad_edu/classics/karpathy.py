"""A. Karpathy's examples: the circuits of the cs231n notes, micrograd's README and its notebook."""

import math
import random
from typing import Any, Final

from tinygrad_edu.checks import whole
from tinygrad_edu.classics.classic import Classic, Row, printed
from tinygrad_edu.engine import Value
from tinygrad_edu.functions import exp, maximum, sigmoid, sin, softmax
from tinygrad_edu.losses import l2
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD, linear_decay
from tinygrad_edu.train import fit

__all__ = ["circuits", "exercises", "micrograd_moons", "micrograd_readme"]

SEED: Final = 1337


def circuits() -> Classic:
    """(x + y) z, the sigmoid neuron gate by gate and as one gate, and 2 (xy + max(z, w)).

    Source: A. Karpathy, notes of Stanford's cs231n, "Backpropagation, Intuitions".
    """
    return Classic(
        "Circuits: (x + y) z, the sigmoid neuron, and 2 (xy + max(z, w))",
        "A. Karpathy, Backpropagation, Intuitions: cs231n.github.io/optimization-2",
        (*product_of_sum(), *neuron(), *patterns()),
        "The page writes (1 - 0.73) 0.73 = 0.1971 for the slope of the sigmoid, from the rounded "
        "output, where it is 0.1966: both are its printed 0.2.",
    )


def product_of_sum() -> list[Row]:
    """f = (x + y) z at (-2, 5, -4)."""
    x, y, z = Value(-2.0), Value(5.0), Value(-4.0)
    q = x + y
    f = q * z
    f.backward()
    return [
        Row("q = x + y", "3", q.data),
        Row("f = q z", "-12", f.data),
        Row("df/dx", "-4", x.grad),
        Row("df/dy", "-4", y.grad),
        Row("df/dz", "3", z.grad),
        Row("df/dq", "-4", q.grad),
    ]


def neuron() -> list[Row]:
    """f = 1 / (1 + exp(-(w0 x0 + w1 x1 + w2))), with a gate for each operation and as sigmoid."""
    w0, x0, w1, x1, w2 = (Value(number) for number in (2.0, -1.0, -3.0, -2.0, -3.0))
    a, b = w0 * x0, w1 * x1
    c = a + b
    z = c + w2
    n = -1 * z
    e = exp(n)
    d = e + 1
    f = 1 / d
    f.backward()
    whole = sigmoid(z)
    wires = [
        ("w0 x0", a, "-2.00", "0.20"),
        ("w1 x1", b, "6.00", "0.20"),
        ("w0 x0 + w1 x1", c, "4.00", "0.20"),
        ("z = w0 x0 + w1 x1 + w2", z, "1.00", "0.20"),
        ("-z", n, "-1.00", "-0.20"),
        ("exp(-z)", e, "0.37", "-0.53"),
        ("1 + exp(-z)", d, "1.37", "-0.53"),
        ("f = 1 / (1 + exp(-z))", f, "0.73", "1.00"),
    ]
    return [
        *at(wires),
        Row("df/dw0", "-0.20", w0.grad),
        Row("df/dx0", "0.39", x0.grad),
        Row("df/dw1", "-0.39", w1.grad),
        Row("df/dx1", "-0.59", x1.grad),
        Row("df/dw2", "0.20", w2.grad),
        Row("f = sigmoid(z), as one gate", "0.73", whole.data),
        Row("  its slope (1 - f) f", "0.2", whole.local_derivatives()[0]),
    ]


def patterns() -> list[Row]:
    """f = 2 (x y + max(z, w)): add distributes, max routes, multiply switches."""
    x, y, z, w = Value(3.0), Value(-4.0), Value(2.0), Value(-1.0)
    p, m = x * y, maximum(z, w)
    s = p + m
    f = s * 2
    f.backward()
    wires = [
        ("x y", p, "-12.00", "2.00"),
        ("max(z, w)", m, "2.00", "2.00"),
        ("x y + max(z, w)", s, "-10.00", "2.00"),
        ("f = 2 (x y + max(z, w))", f, "-20.00", "1.00"),
    ]
    return [
        *at(wires),
        Row("df/dx", "-8.00", x.grad),
        Row("df/dy", "6.00", y.grad),
        Row("df/dz", "2.00", z.grad),
        Row("df/dw", "0.00", w.grad),
    ]


def at(wires: list[tuple[str, Value, str, str]]) -> list[Row]:
    """Two rows for each wire: its value and its gradient."""
    return [
        row
        for name, v, value, gradient in wires
        for row in (Row(name, value, v.data), Row("  its gradient", gradient, v.grad))
    ]


def exercises() -> Classic:
    """A function of three numbers and a softmax loss, the exercises to the first lecture.

    f(a, b, c) = -a^3 + sin(3 b) - 1/c + b^2.5 - a^0.5 at (2, 3, 4), and -log softmax(z)_4 at
    z = (0, 3, -2, 1). Source: A. Karpathy, "Neural networks: zero to hero", micrograd exercises.
    """
    a, b, c, *z = map(Value, (2.0, 3.0, 4.0, 0.0, 3.0, -2.0, 1.0))
    f = -(a**3) + sin(3 * b) - 1.0 / c + b**2.5 - a**0.5
    loss = -softmax(z)[3].log()
    f.backward()
    loss.backward()
    named = {"f": f.data, "df/da": a.grad, "df/db": b.grad, "df/dc": c.grad, "loss": loss.data}
    named |= {f"dloss/dz{k}": v.grad for k, v in enumerate(z, 1)}
    pairs = zip(printed("exercises"), named.items(), strict=True)
    return Classic(
        "The exercises to the lecture on micrograd",
        "A. Karpathy, Neural networks: zero to hero, lecture 1: micrograd exercises",
        tuple([Row(name, text, number, within=2e-15) for text, (name, number) in pairs]),
        "The last of the 16 digits depends on the order of the sums.",
    )


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
    steps, numbers = whole("steps", steps), printed("micrograd")
    lines = list(zip(numbers[::2], numbers[1::2], strict=True))
    if steps > len(lines):
        raise ValueError(f"the notebook prints {len(lines)} steps, got steps={steps}")
    X, y = moons()
    model = MLP(2, [16, 16, 1], init="uniform", rng=random.Random(SEED))
    history = fit(
        model, X, y, loss="hinge", epochs=steps, progress=False,
        optimizer=SGD(model.parameters(), lr=linear_decay(1.0, 0.1, 100)),
        penalty=lambda m: l2(m.parameters(), 1e-4),
    )  # fmt: skip
    rows = []
    for k, (loss, percent) in enumerate(lines[:steps]):
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
