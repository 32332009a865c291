"""Units without hidden ones before 1970: parity after Minsky and Papert, LMS of Widrow and Hoff."""

from functools import partial
from itertools import accumulate, combinations, product
from math import prod

from tinygrad_edu.classics.classic import Classic, Row, classic
from tinygrad_edu.nn import Neuron
from tinygrad_edu.optim import SGD
from tinygrad_edu.perceptron import Perceptron
from tinygrad_edu.train import fit

__all__ = ["minsky_papert_parity", "widrow_hoff_lms"]


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
    history = fit(
        unit, X, y, loss="half_squared_error", optimizer=partial(SGD, lr=rate), epochs=100,
        progress=False,
    )  # fmt: skip
    return unit, history.loss
