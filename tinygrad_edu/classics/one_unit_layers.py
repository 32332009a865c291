"""One unit, or one per layer: what a unit can tell and learn, and the claims of the lectures."""

from collections.abc import Sequence
from itertools import accumulate, combinations, product
from math import prod
from typing import Final

from tinygrad_edu.checks import finite, row
from tinygrad_edu.classics.classic import Classic, Row, classic, learn
from tinygrad_edu.engine import Value
from tinygrad_edu.functions import sigmoid
from tinygrad_edu.nn import Neuron
from tinygrad_edu.optim import SGD
from tinygrad_edu.perceptron import Perceptron

#: w and b at the start, and the outputs that the book gives at the start and at the end.
STARTS: Final = ((0.6, 0.9, "0.82", "0.09"), (2.0, 2.0, "0.98", "0.20"))


def minsky_papert_parity() -> Classic:
    """Whether the number of ones among n bits is odd: no threshold unit tells, its weights cycle.

    Given the products of up to k bits as further inputs, a unit tells parity from k = n on and not
    before: every bit must be looked at together. Source: M. Minsky and S. Papert, "Perceptrons"
    (1969), theorem 3.1.1; that the weights come back is their chapter 11.
    """
    rows = []
    for n in (2, 3, 4):
        bits = list(product((0.0, 1.0), repeat=n))
        y = [sum(x) % 2 for x in bits]
        order = next(
            k for k in range(1, n + 1)
            if Perceptron(len(masks(bits[0], k))).fit([masks(x, k) for x in bits], y).separable
        )  # fmt: skip
        rows.append(Row(f"{n} bits: bits that must be looked at together", str(n), order))
        history = Perceptron(n).fit(bits, y, epochs=60)
        ends = [history.weights[k] for k in accumulate(history.mistakes)]
        last = ends.index(ends[-1])
        again = next(k for k, w in enumerate(ends[last + 1 :], 1) if w == ends[last])
        rows.append(Row(f"{n} bits: epochs until the weights come back", "", again))
        rows.append(Row(f"{n} bits: mistakes in such an epoch", "", history.mistakes[-1]))
    return classic("minsky_papert_parity", rows)


def masks(x: tuple[float, ...], k: int) -> list[float]:
    """The products of up to k of the bits."""
    return [prod(some) for size in range(1, k + 1) for some in combinations(x, size)]


def widrow_hoff_lms() -> Classic:
    """The rule of least mean squares, w += rate * (target - output) * x, for a linear unit.

    On AND and XOR with inputs and targets -1 and 1 the inputs have mean 0 and variance 1 and no
    correlation: the least squares are at w = mean of target * x, and full sweeps converge below the
    rate 2. Source: B. Widrow and M. E. Hoff, "Adaptive switching circuits" (1960).
    """
    X = [[float(a) for a in x] for x in product((-1, 1), repeat=2)]
    targets = {"AND": [min(x) for x in X], "XOR": [-prod(x) for x in X]}
    rows = []
    for name, y in targets.items():
        unit, _ = swept(X, y, 0.5)
        columns = [*zip(*X, strict=True), (1.0,) * 4]
        for w, p, column in zip(("w1", "w2", "b"), unit.parameters(), columns, strict=True):
            mean = sum(t * x for t, x in zip(y, column, strict=True)) / 4
            rows.append(Row(f"{name}: {w}", f"{mean:g}", p.data, within=1e-9))
    for rate in (1.9, 2.1):
        _, errors = swept(X, targets["AND"], rate)
        rows.append(Row(f"AND: error after 100 sweeps at rate {rate}", "", errors[-1]))
    return classic("widrow_hoff_lms", rows)


def swept(X: list[list[float]], y: list[float], rate: float) -> tuple[Neuron, list[float]]:
    """A linear unit after 100 sweeps at this rate, and its errors."""
    unit = Neuron(2, activation="linear", init="zeros")
    return unit, learn(unit, X, y, optimizer=SGD(unit.parameters(), lr=rate), epochs=100).loss


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
        learn(unit, [[1.0]], [0.0], optimizer=SGD(unit.parameters(), lr=0.15), epochs=300)
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
