"""Nets with one unit per layer: Nielsen's saturating neuron, and the claims of the lectures."""

from collections.abc import Sequence
from typing import Final

from tinygrad_edu.checks import finite, row
from tinygrad_edu.classics.classic import Classic, Row, classic
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
    return classic("saturation", rows)


def linear_claims(
    weights: Sequence[float] = (0.5, -1.5, 2.0), *, x: float = 3.0, y: float = 1.0
) -> Classic:
    """The claimed gradients of L = (a_L - y)^2 for the first two weights and for all of them.

    Linear, a_L = w_L ... w_1 x: dL/dw_l = 2 (w_L ... w_1 x - y) x prod_{k != l} w_k.
    With an activation, z_l = w_l a_{l-1}, a_l = g(z_l), a_0 = x: delta_L = 2 (a_L - y) g'(z_L),
    delta_l = g'(z_l) w_{l+1} delta_{l+1} and dL/dw_l = delta_l a_{l-1}; here g is the sigmoid.
    Needs two weights or more. Source: the lectures.
    """
    weights, x, y = row("weights", weights), finite("x", x), finite("y", y)
    if len(weights) < 2:
        raise ValueError(f"the claims need two weights or more, got {len(weights)}")
    rows = []
    for depth in sorted({2, len(weights)}):
        some = weights[:depth]
        rows += claims(some, x, y, flat=True) + claims(some, x, y, flat=False)
    return classic("linear_claims", rows)


def claims(weights: Sequence[float], x: float, y: float, *, flat: bool) -> list[Row]:
    """The formulas beside the engine, with the sigmoid or (`flat`: g' = 1) without activation."""
    w, z, a = [Value(number) for number in weights], list[Value](), [Value(x)]
    for w_l in w:
        z.append(w_l * a[-1])
        a.append(z[-1] if flat else sigmoid(z[-1]))
    ((a[-1] - y) ** 2).backward()
    rows, error = list[Row](), 2 * (a[-1].data - y)
    for k in reversed(range(len(w))):
        below, output = a[k].data, a[k + 1].data
        delta = error * (1 if flat else output * (1 - output))
        found = [(f"delta{k + 1}", delta, z[k].grad)] * (not flat)
        found.append((f"dL/dw{k + 1}", delta * below, w[k].grad))
        name = f"{len(w)} {'linear' if flat else 'sigmoid'} layers"
        rows[:0] = [Row(f"{name}: {what}", f"{claim:.12g}", here) for what, claim, here in found]
        error = delta * weights[k]
    return rows
