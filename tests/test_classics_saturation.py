"""The saturating neuron and the circuits have the printed numbers of their sources."""

from tinygrad_edu.classics import circuits, saturation


def test_the_saturating_neuron_has_every_printed_digit() -> None:
    classic = saturation()
    assert classic.agrees
    # M. Nielsen, Neural Networks and Deep Learning, chapter 3
    printed = [row.published for row in classic.rows if row.published]
    assert printed == ["0.82", "0.09", "0.98", "0.20"]
    # a (1 - a) for a = sigmoid(1.5) and a = sigmoid(4), by hand
    slopes = [f"{row.here:.4f}" for row in classic.rows if "slope" in row.quantity]
    assert slopes == ["0.1491", "0.0177"]


def test_the_circuits_have_every_printed_digit() -> None:
    classic = circuits()
    assert classic.agrees
    # cs231n: x, y, z of (x + y) z; the weights and inputs of the neuron; x, y, z, w of the last
    gradients = [row.published for row in classic.rows if row.quantity.startswith("df/d")]
    assert gradients == [
        *("-4", "-4", "3", "-4"),
        *("-0.20", "0.39", "-0.39", "-0.59", "0.20"),
        *("-8.00", "6.00", "2.00", "0.00"),
    ]
