"""Small examples of textbooks: Han and Kamber's net, Goodfellow's XOR, LeCun's tanh."""

from typing import Any

from tinygrad_edu import functions as f
from tinygrad_edu.classics.classic import Classic, Row, classic, printed, worked
from tinygrad_edu.engine import Value, grad
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.nn import MLP
from tinygrad_edu.nn.sequential import dense_layers
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import fit
from tinygrad_edu.view.network.deltas import forward, loss_of

__all__ = ["goodfellow_xor", "han_kamber", "lecun_tanh"]


def han_kamber() -> Classic:
    """One step in a 3-2-1 net of sigmoid units: x = (1, 0, 1), target 1, rate 0.9.

    The book's error Err_j of a unit is -dE/dz, with E = 1/2 (target - output)^2. Source: J. Han and
    M. Kamber, "Data Mining: Concepts and Techniques", the example of backpropagation.
    """
    model = MLP(3, [2, 1], "sigmoid", "sigmoid", init="zeros")
    parameters, names = model.parameters(), printed("han_kamber_names")
    for p, start in zip(parameters, printed("han_kamber_start"), strict=True):
        p.data = float(start)
    passes = forward(model, dense_layers(model), (1.0, 0.0, 1.0))
    loss_of(model, passes, 1.0, half_squared_error).backward()
    SGD(parameters, lr=0.9).step()
    units = [pair for layer in passes for pair in zip(layer.z, layer.a, strict=True)]
    found = []
    for k, (z, a) in enumerate(units, 4):
        found += [(f"I{k}", z.data), (f"O{k}", a.data), (f"Err{k}", -z.grad)]
    found += [(f"{name}, updated", p.data) for name, p in zip(names, parameters, strict=True)]
    texts = [*printed("han_kamber_units"), *printed("han_kamber_updated")]
    return classic("han_kamber", [
        Row(name, text, x, within=1e-4 if name == "Err6" else None)
        for text, (name, x) in zip(texts, found, strict=True)
    ])  # fmt: skip


def goodfellow_xor() -> Classic:
    """XOR by two ReLU units with given weights: W all 1, c = (0, -1), w = (1, -2), b = 0.

    Source: I. Goodfellow, Y. Bengio and A. Courville, "Deep Learning" (2016), section 6.1.
    """
    return classic("goodfellow_xor", worked("goodfellow_xor"))


def lecun_tanh() -> Classic:
    """f(z) = 1.7159 tanh(2 z / 3), and inputs as they come, centred, and without correlation.

    f(1) = 1, f(-1) = -1, and the second derivative is largest at 1. Source: Y. LeCun, L. Bottou,
    G. Orr and K.-R. Mueller, "Efficient BackProp" (1998), sections 4.2 to 4.4.
    """
    import numpy as np  # late, as in spiral

    def bend(x: float) -> float:
        z = Value(x)
        [slope] = grad(scaled_tanh(z), [z])
        return abs(grad(slope, [z])[0].data)

    rows = [Row(f"f({x})", str(x), scaled_tanh(Value(float(x))).data) for x in (1, -1)]
    largest = max((k / 100 for k in range(1, 300)), key=bend)
    rows.append(Row("where |f''| is largest", "1", largest))
    normals = np.random.RandomState(0).randn(200, 2)
    y = np.sign(normals[:, 1])
    mixed = normals @ [[1.0, 0.9], [0.0, 0.3]] + 3  # not centred, and nearly in a line
    centred = mixed - mixed.mean(axis=0)
    white = centred @ np.linalg.inv(np.linalg.cholesky(np.cov(centred.T))).T
    for name, X in (("as they come", mixed), ("centred", centred), ("decorrelated", white)):
        losses = fit(
            MLP(2, [4, 1], scaled_tanh, scaled_tanh, rng=0), X, y, batch_size=1, progress=False,
            loss="half_squared_error", optimizer="sgd", epochs=20,
        ).loss  # fmt: skip
        rows.append(Row(f"loss after 20 epochs, inputs {name}", "", losses[-1]))
    return classic("lecun_tanh", rows)


def scaled_tanh(z: Any) -> Any:
    """1.7159 tanh(2 z / 3)."""
    return 1.7159 * f.tanh(2 / 3 * z)
