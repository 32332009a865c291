"""The spiral of CS231n: its linear classifier and its net, and their gradients by hand."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import Any, Final, TypeAlias

from tinygrad_edu.checks import whole
from tinygrad_edu.classics.classic import Classic, Row, classic, learn, printed
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import l2
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import Epoch, evaluate

#: An array of NumPy, which is imported late.
Array: TypeAlias = Any

#: The loss is the mean cross entropy + 1/2 * STRENGTH * sum of the squared weights, without biases.
STRENGTH: Final = 1e-3

#: The losses that the page prints, by iteration.
LINEAR_LOSSES: Final = dict(zip(range(0, 200, 10), printed("spiral_linear"), strict=True))
NET_LOSSES: Final = dict(zip(range(0, 10_000, 1000), printed("spiral_net"), strict=True))
#: From here on rounding decides: each loss is known to these units of its last printed digit.
CHAOTIC: Final = 7000


def spiral_linear() -> Classic:
    """The softmax classifier: 20 losses to 6 decimals, and 49 % of the points right.

    Source: CS231n, "Putting it together: minimal neural network case study".
    """
    X, y, W, _ = spiral_points()
    rows = _compared(X, y, [W], LINEAR_LOSSES, 200, by_hand=(0, 10, 190), share="0.49")
    return classic("spiral_linear", rows)


def spiral_net(iterations: int = 7001) -> Classic:
    """The net of 100 hidden ReLU units: its losses to 6 decimals, and 98 % of the points right.

    The page trains for 10,000 iterations. Source: CS231n, "Putting it together: minimal neural
    network case study".
    """
    n = whole("iterations", iterations)
    X, y, _, weights = spiral_points()
    share = "0.98" if n > 5000 else ""
    rows = _compared(X, y, weights, NET_LOSSES, n, by_hand=(0, 100, 1000, 5000), share=share)
    return classic("spiral_net", rows)


def spiral_points() -> tuple[Array, Array, Array, tuple[Array, Array]]:
    """The page's points (300, 2), classes (300,), and first weights, one row per input.

    The weights are W (2, 3) of the classifier, then W (2, 100) and W2 (100, 3) of the net.
    """
    import numpy as np  # late, as in hand_gradients

    normals = np.random.RandomState(0)
    arms = []
    for j in range(3):
        r = np.linspace(0.0, 1.0, 100)
        t = np.linspace(4 * j, 4 * (j + 1), 100) + 0.2 * normals.randn(100)
        arms.append(np.column_stack([r * np.sin(t), r * np.cos(t)]))
    normals.randn(18)
    W, hidden, output = (0.01 * normals.randn(*shape) for shape in ((2, 3), (2, 100), (100, 3)))
    return np.concatenate(arms), np.repeat(np.arange(3), 100), W, (hidden, output)


def hand_gradients(
    X: Array, y: Array, layers: Sequence[tuple[Any, Any]]
) -> list[tuple[Array, Array]]:
    """The gradient (dW, db) of each layer (W, b), for n points X (n, inputs) with classes y (n,).

    `W` is (inputs, units), `b` (units,); ReLU between the layers, softmax after the last.
    """
    import numpy as np

    weights = [np.asarray(W, dtype=float) for W, _ in layers]
    a = [X]
    for W, (_, b) in zip(weights[:-1], layers, strict=False):
        a.append(np.maximum(0, a[-1] @ W + b))
    scores = a[-1] @ weights[-1] + layers[-1][1]
    exp = np.exp(scores - scores.max(axis=1, keepdims=True))
    delta = exp / exp.sum(axis=1, keepdims=True)
    delta[np.arange(len(X)), y] -= 1
    delta /= len(X)
    gradients = []
    for W, v in zip(reversed(weights), reversed(a), strict=True):
        gradients.append((v.T @ delta + STRENGTH * W, delta.sum(axis=0)))
        delta = (delta @ W.T) * (v > 0)
    return gradients[::-1]


def _compared(
    X: Array,
    y: Array,
    matrices: Sequence[Array],
    published: Mapping[int, str],
    iterations: int,
    *,
    by_hand: Collection[int],
    share: str,
) -> list[Row]:
    """Trains a net from these weights, a row for each input, and biases of 0.

    Compared are the losses before an update, the share of points that are right unless it is "",
    and the gradients of the iterations `by_hand`.
    """
    model = MLP(2, [matrix.shape[1] for matrix in matrices], init="zeros")
    for layer, matrix in zip(model.layers, matrices, strict=True):
        for unit, column in zip(layer.neurons, matrix.T.tolist(), strict=True):
            for w, number in zip(unit.w, column, strict=True):
                w.data = number
    weights: list[Value] = [w for layer in model.layers for unit in layer.neurons for w in unit.w]
    expected = {0: hand_gradients(X, y, _arrays(model, "data"))}
    apart: list[Row] = []

    def compare(epoch: Epoch) -> None:
        k = epoch.number
        if k in expected:
            pairs = zip(chain(*_arrays(model, "grad")), chain(*expected[k]), strict=True)
            difference = max(float(abs(a - b).max()) for a, b in pairs)
            apart.append(Row(f"gradient {k}, engine - by hand", "0", difference, within=1e-12))
        if k + 1 in by_hand:
            expected[k + 1] = hand_gradients(X, y, _arrays(model, "data"))

    losses = learn(
        model, X.tolist(), y.tolist(), loss="cross_entropy", epochs=iterations,
        optimizer=partial(SGD, lr=1.0), penalty=lambda _: l2(weights, STRENGTH, half=True),
        engine="matrix", callbacks=[compare],
    ).loss  # fmt: skip
    rows = [
        Row(f"loss {k}", text, losses[k], within=4e-6 if k >= CHAOTIC else None)
        for k, text in published.items() if k < iterations
    ]  # fmt: skip
    if share:
        right = evaluate(model, X.tolist(), y.tolist(), loss="cross_entropy")[1] or 0.0
        rows.append(Row("accuracy on the training points", share, right))
    return rows + apart


def _arrays(model: MLP, what: str) -> list[tuple[Array, Array]]:
    """The numbers or the gradients of each layer: W, a row for each input, and b."""
    import numpy as np

    read = attrgetter(what)
    return [
        (np.array([[read(w) for w in unit.w] for unit in layer.neurons]).T.copy(),
         np.array([read(unit.b) for unit in layer.neurons]))
        for layer in model.layers
    ]  # fmt: skip
