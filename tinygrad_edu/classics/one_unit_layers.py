"""Nets with one unit per layer: Nielsen's saturating neuron, and the claims of the lectures."""

from collections.abc import Sequence
from math import exp, prod
from typing import Final

from tinygrad_edu.checks import finite, row
from tinygrad_edu.classics.classic import Classic, Row
from tinygrad_edu.engine import Value
from tinygrad_edu.functions import sigmoid
from tinygrad_edu.nn import Neuron
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import fit

__all__ = ["linear_claims", "saturation"]

#: w and b at the start, and the outputs that the book gives at the start and at the end.
STARTS: Final = ((0.6, 0.9, "0.82", "0.09"), (2.0, 2.0, "0.98", "0.20"))


def saturation() -> Classic:
    """One sigmoid unit with input 1 learns the target 0 in 300 epochs, from two starts.

    E = 1/2 (y - a)^2 with rate 0.15. Far from the target the sigmoid is flat: its slope, hence the
    gradient, is small where the error is largest. Source: M. Nielsen, "Neural Networks and Deep
    Learning" (2015), chapter 3.
    """
    rows = []
    for w, b, first, last in STARTS:
        unit = Neuron(1, activation="sigmoid", init="zeros")
        unit.load_state_dict({"w[0]": w, "b": b})
        start = unit([1.0])
        fit(
            unit, [[1.0]], [0.0], loss="half_squared_error",
            optimizer=SGD(unit.parameters(), lr=0.15), epochs=300, progress=False,
        )  # fmt: skip
        rows += [
            Row(f"output from w = {w:g}, b = {b:g}", first, start.data),
            Row("  its slope a (1 - a)", "", start.local_derivatives()[0]),
            Row("  output after 300 epochs", last, unit([1.0]).data),
        ]
    return Classic(
        "A saturating neuron",
        "M. Nielsen, Neural Networks and Deep Learning (2015), chapter 3",
        tuple(rows),
    )


WEIGHTS: Final = (0.5, -1.5, 2.0)


def linear_claims(weights: Sequence[float] = WEIGHTS, *, x: float = 3.0, y: float = 1.0) -> Classic:
    """The claimed gradients of l = (a_L - y)^2 for the first two weights and for all of them.

    Linear, a_L = w_L ... w_1 x: dl/dw_l = 2 (w_L ... w_1 x - y) x prod_{k != l} w_k.
    With an activation, z_l = w_l a_{l-1}, a_l = g(z_l), a_0 = x: delta_L = 2 (a_L - y) g'(z_L),
    delta_l = g'(z_l) w_{l+1} delta_{l+1} and dl/dw_l = delta_l a_{l-1}; here g is the sigmoid.
    Needs two weights or more. Source: the lectures.
    """
    weights, x, y = row("weights", weights), finite("x", x), finite("y", y)
    if len(weights) < 2:
        raise ValueError(f"the claims need two weights or more, got {len(weights)}")
    rows = []
    for depth in sorted({2, len(weights)}):
        some = weights[:depth]
        rows += linear_rows(some, x, y) + sigmoid_rows(some, x, y)
    return Classic(
        "The gradients of nets with one unit per layer",
        "The lectures: two layers, L layers, without and with an activation",
        tuple(rows),
        "The lectures print formulas, here worked out in plain arithmetic.",
        against="by formula",
    )


def linear_rows(weights: Sequence[float], x: float, y: float) -> list[Row]:
    """dl/dw_l = 2 (w_L ... w_1 x - y) x prod_{k != l} w_k."""
    w = [Value(number) for number in weights]
    a = Value(x)
    for w_l in w:
        a = w_l * a
    ((a - y) ** 2).backward()
    claims = [
        2 * (prod(weights) * x - y) * x * prod(v for j, v in enumerate(weights) if j != k)
        for k in range(len(w))
    ]
    return [
        Row(f"{len(w)} linear layers: dl/dw{k}", as_printed(claim), w_l.grad)
        for k, (claim, w_l) in enumerate(zip(claims, w, strict=True), 1)
    ]


def sigmoid_rows(weights: Sequence[float], x: float, y: float) -> list[Row]:
    """delta_l = g'(z_l) w_{l+1} delta_{l+1}, from delta_L = 2 (a_L - y) g'(z_L) down."""
    L = len(weights)
    w, z = [Value(number) for number in weights], []
    a = Value(x)
    for w_l in w:
        z.append(w_l * a)
        a = sigmoid(z[-1])
    ((a - y) ** 2).backward()
    outputs = [x]
    for number in weights:
        outputs.append(1 / (1 + exp(-number * outputs[-1])))
    slopes = [a_l * (1 - a_l) for a_l in outputs[1:]]
    deltas = [2 * (outputs[-1] - y) * slopes[-1]]
    for k in range(L - 2, -1, -1):
        deltas.insert(0, slopes[k] * weights[k + 1] * deltas[0])
    rows = []
    for k, delta in enumerate(deltas):
        name = f"{L} sigmoid layers:"
        rows.append(Row(f"{name} delta_{k + 1}", as_printed(delta), z[k].grad))
        rows.append(Row(f"{name} dl/dw{k + 1}", as_printed(delta * outputs[k]), w[k].grad))
    return rows


def as_printed(claim: float) -> str:
    """The number of a formula with 12 digits."""
    return f"{claim:.12g}"
