"""The saturating neuron; the claims of the lectures by letters, on a grid, and in numbers."""

from itertools import product
from math import prod

import pytest

from tinygrad_edu import Value, explain
from tinygrad_edu.classics import linear_claims, saturation


def test_the_saturating_neuron_has_every_printed_digit() -> None:
    classic = saturation()
    assert classic.agrees
    # M. Nielsen, Neural Networks and Deep Learning, chapter 3
    printed = [row.published for row in classic.rows if row.published]
    assert printed == ["0.82", "0.09", "0.98", "0.20"]
    # a (1 - a) for a = sigmoid(1.5) and a = sigmoid(4), by hand
    slopes = [f"{row.here:.4f}" for row in classic.rows if "slope" in row.quantity]
    assert slopes == ["0.1491", "0.0177"]


w1, w2, w3 = (Value(v, f"w{k}") for k, v in enumerate((0.5, -1.5, 2.0), 1))
x, y = Value(3.0, "x"), Value(1.0, "y")
#: A loss, what it is differentiated by, and the lines of the claim.
CLAIMS = [
    # dl/dw2 = 2 (w3 w2 w1 x - y) * 1 * w3 * (w1 x), with v4 = w3 w2 w1 x - y and v1 = w1 x
    ((w3 * (w2 * (w1 * x)) - y) ** 2, w2,
     ("dL/dv4 = 2 * v4 = ", "v4 = v3 - y = ", "dv4/dv3 = 1", "dv3/dv2 = w3 = ", "dv2/dw2 = v1 = ")),
    # dl/dw1 = 2 (a2 - y) g'(z2) w2 g'(z1) x with a1 = v2, a2 = v4 and g' = a (1 - a)
    (((w2 * (w1 * x).sigmoid()).sigmoid() - y) ** 2, w1,
     ("dL/dv5 = 2 * v5 = ", "v5 = v4 - y = ", "dv5/dv4 = 1", "dv4/dv3 = v4 * (1 - v4) = ",
      "dv3/dv2 = w2 = ", "dv2/dv1 = v2 * (1 - v2) = ", "dv1/dw1 = x = ")),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "w", "formulas"), CLAIMS)
def test_the_formulas_of_a_chain_and_of_a_delta_are_those_of_the_claims(loss, w, formulas) -> None:
    lines = [line.strip() for line in str(explain(loss, wrt=w)).splitlines()]
    for formula in formulas:
        assert sum(line.startswith(formula) for line in lines) == 1, formula


@pytest.mark.parametrize("layers", [2, 3])
def test_the_linear_claim_is_an_identity(layers: int) -> None:
    # Both sides are polynomials of degree at most 2 in each letter: equal on three numbers for
    # each letter means equal everywhere. Small integers are exact.
    for *weights, x, y in product((-1.0, 1.0, 2.0), repeat=layers + 2):
        w = [Value(number) for number in weights]
        a = Value(x)
        for w_l in w:
            a = w_l * a
        ((a - y) ** 2).backward()
        for k in range(layers):
            others = prod(weights[:k]) * prod(weights[k + 1 :])
            assert w[k].grad == 2 * (prod(weights) * x - y) * x * others


@pytest.mark.parametrize("weights", [(1.5, -0.5), (0.5, -1.0, 1.5, 2.0), (-0.25,) * 6])
def test_the_claims_hold_for_any_depth(weights: tuple[float, ...]) -> None:
    classic = linear_claims(weights, x=-0.5, y=0.25)
    assert classic.agrees
    linear, sigmoid = len(weights), 2 * len(weights)
    assert len(classic.rows) == linear + sigmoid + (6 if len(weights) > 2 else 0)
