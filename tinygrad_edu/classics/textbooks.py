"""Small examples of textbooks: Han and Kamber's net, Mazur's, Goodfellow's XOR, LeCun's tanh."""

from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import Any, Final

from tinygrad_edu import functions as f
from tinygrad_edu.checks import flag
from tinygrad_edu.classics.classic import Classic, Row, classic, learn, worked
from tinygrad_edu.engine import Value, grad
from tinygrad_edu.functions import dot, sigmoid
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD

INPUT: Final = (0.05, 0.10)
TARGET: Final = (0.01, 0.99)
#: A row for each unit: w1 .. w4 lead to the two hidden units, w5 .. w8 to the two outputs.
WEIGHTS: Final = [[0.15, 0.20], [0.25, 0.30], [0.40, 0.45], [0.50, 0.55]]
#: One for each layer, and never trained.
BIASES: Final = (0.35, 0.60)
RATE: Final = 0.5


def han_kamber() -> Classic:
    """One step in a 3-2-1 net of sigmoid units: x = (1, 0, 1), target 1, rate 0.9.

    The book's error Err_j of a unit is -dE/dz, with E = 1/2 (target - output)^2. Source: J. Han and
    M. Kamber, "Data Mining: Concepts and Techniques", the example of backpropagation.
    """
    return classic("han_kamber", worked("han_kamber"))


def mazur(*, long: bool = True) -> Classic:
    """All numbers of the page; `long=False` leaves out the end of training, about three seconds.

    Two inputs, two hidden and two output units, all sigmoid, E = 1/2 sum (target - out)^2. Source:
    M. Mazur, "A Step by Step Backpropagation Example" (2015).
    """
    weights = [[Value(w) for w in unit] for unit in WEIGHTS]
    train = partial(
        learn, lambda x: outputs(weights, x)[1], [INPUT], [TARGET],
        optimizer=SGD(chain(*weights), lr=RATE),
    )  # fmt: skip
    train(epochs=1)
    mistaken = mistaken_update(WEIGHTS)
    rows = [
        *worked("mazur"),
        Row("E after 1 update", "", error(weights).data),
        Row("  with the mistake of the script", "0.291027924", error(mistaken).data),
    ]
    if flag("long", long):
        train(epochs=9_998)
        for _ in range(9_999):
            mistaken = mistaken_update(mistaken)
        _, last = outputs(mistaken)
        rows += [
            Row("E after 9,999 updates", "0.0000351085", error(weights).data),
            Row("out o1 after 10,000, with the mistake", "0.015912196", last[0]),
            Row("out o2 after 10,000, with the mistake", "0.984065734", last[1]),
        ]
    return classic("mazur", rows)


def outputs(weights: Sequence[Sequence[Any]], x: Sequence[Any] = INPUT) -> tuple[Any, Any]:
    """What the hidden and the output units give, as numbers or as Values, like the weights."""
    h = [sigmoid(dot(unit, x, BIASES[0])) for unit in weights[:2]]
    return h, [sigmoid(dot(unit, h, BIASES[1])) for unit in weights[2:]]


def error(weights: Sequence[Sequence[Any]]) -> Value:
    """E = 1/2 sum (target - out)^2."""
    return half_squared_error(outputs(weights)[1], TARGET)


def mistaken_update(weights: list[list[float]]) -> list[list[float]]:
    """The weights after one update with delta rules written by hand, as the script had them."""

    def updated(unit: Sequence[float], delta: float, inputs: Sequence[float]) -> list[float]:
        return [w - RATE * delta * a for w, a in zip(unit, inputs, strict=True)]

    h, o = outputs(weights)
    deltas = [(a - t) * a * (1 - a) for a, t in zip(o, TARGET, strict=True)]
    upper = [updated(unit, delta, h) for unit, delta in zip(weights[2:], deltas, strict=True)]
    # here is the mistake: the error must flow back through the old weights, not through `upper`
    flowing = [dot(deltas, column) for column in zip(*upper, strict=True)]
    hidden_deltas = [a * (1 - a) * back for a, back in zip(h, flowing, strict=True)]
    lower = map(updated, weights[:2], hidden_deltas, [INPUT] * 2)
    return [*lower, *upper]


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
        model = MLP(2, [4, 1], scaled_tanh, scaled_tanh, rng=0)
        losses = learn(model, X, y, batch_size=1, optimizer="sgd", epochs=20).loss
        rows.append(Row(f"loss after 20 epochs, inputs {name}", "", losses[-1]))
    return classic("lecun_tanh", rows)


def scaled_tanh(z: Any) -> Any:
    """1.7159 tanh(2 z / 3)."""
    return 1.7159 * f.tanh(2 / 3 * z)
