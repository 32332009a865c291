"""Nielsen's saturating neuron: the same net learns fast or slowly, depending on where it starts."""

from typing import Final

from tinygrad_edu.classics.record import Classic, Row
from tinygrad_edu.nn import Neuron
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import fit

__all__ = ["saturation"]

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
            unit,
            [[1.0]],
            [0.0],
            loss="half_squared_error",
            optimizer=SGD(unit.parameters(), lr=0.15),
            epochs=300,
            progress=False,
        )
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
