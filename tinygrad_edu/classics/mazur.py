"""Mazur's 2-2-2 net: the numbers of one step of backpropagation, and a mistake of its script."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

from tinygrad_edu.checks import flag
from tinygrad_edu.classics.classic import Classic, Row, classic, printed
from tinygrad_edu.engine import Value
from tinygrad_edu.functions import dot, sigmoid
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import fit

__all__ = ["mazur"]

INPUT: Final = (0.05, 0.10)
TARGET: Final = (0.01, 0.99)
#: A row for each unit: w1 .. w4 lead to the two hidden units, w5 .. w8 to the two outputs.
WEIGHTS: Final = [[0.15, 0.20], [0.25, 0.30], [0.40, 0.45], [0.50, 0.55]]
#: One for each layer, and never trained.
BIASES: Final = (0.35, 0.60)
RATE: Final = 0.5


def mazur(*, long: bool = True) -> Classic:
    """All numbers of the page; `long=False` leaves out the end of training, about three seconds.

    Two inputs, two hidden and two output units, all sigmoid, E = 1/2 sum (target - out)^2. Source:
    M. Mazur, "A Step by Step Backpropagation Example" (2015).
    """
    weights = [[Value(w) for w in unit] for unit in WEIGHTS]
    parameters = list(chain(*weights))
    net_h = [dot(unit, INPUT, BIASES[0]) for unit in weights[:2]]
    h = [sigmoid(z) for z in net_h]
    net_o = [dot(unit, h, BIASES[1]) for unit in weights[2:]]
    o = [sigmoid(z) for z in net_o]
    E = half_squared_error(o, TARGET)
    E.backward()
    rows = [
        Row("net h1", "0.3775", net_h[0].data),
        Row("out h1", "0.593269992", h[0].data),
        Row("out h2", "0.596884378", h[1].data),
        Row("net o1", "1.105905967", net_o[0].data),
        Row("out o1", "0.75136507", o[0].data),
        Row("out o2", "0.772928465", o[1].data),
        Row("E", "0.298371109", E.data),
        Row("dE/d(out o1)", "0.74136507", o[0].grad),
        Row("d(out o1)/d(net o1)", "0.186815602", o[0].local_derivatives()[0]),
        Row("dE/d(net o1), the delta of o1", "0.138498562", net_o[0].grad),
        Row("dE/dw5", "0.082167041", parameters[4].grad),
        Row("dE/d(out h1)", "0.036350306", h[0].grad),
        Row("d(out h1)/d(net h1)", "0.241300709", h[0].local_derivatives()[0]),
        Row("dE/dw1", "0.000438568", parameters[0].grad),
    ]
    SGD(parameters, lr=RATE).step()
    rows += [
        Row(f"w{k} after 1 update", text, w.data)
        for k, (text, w) in enumerate(zip(printed("mazur_updated"), parameters, strict=True), 1)
    ]
    mistaken = mistaken_update(WEIGHTS)
    rows += [
        Row("E after 1 update", "", error(weights).data),
        Row("  with the mistake of the script", "0.291027924", error(mistaken).data),
    ]
    if flag("long", long):
        fit(
            lambda x: outputs(weights, x)[1], [INPUT], [TARGET], loss="half_squared_error",
            optimizer=SGD(parameters, lr=RATE), epochs=9_998, progress=False,
        )  # fmt: skip
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
    h, o = outputs(weights)
    deltas = [(a - t) * a * (1 - a) for a, t in zip(o, TARGET, strict=True)]
    upper = [updated(unit, delta, h) for unit, delta in zip(weights[2:], deltas, strict=True)]
    hidden_deltas = [
        # here is the mistake: the error must flow back through the old weights, not through `upper`
        a * (1 - a) * sum(delta * unit[j] for delta, unit in zip(deltas, upper, strict=True))
        for j, a in enumerate(h)
    ]
    lower = [
        updated(unit, delta, INPUT) for unit, delta in zip(weights[:2], hidden_deltas, strict=True)
    ]
    return lower + upper


def updated(unit: Sequence[float], delta: float, inputs: Sequence[float]) -> list[float]:
    """w - rate delta a, for each weight of a unit."""
    return [w - RATE * delta * a for w, a in zip(unit, inputs, strict=True)]
