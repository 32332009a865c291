"""Kinds of faults that views had, each held off by a table: inputs, and what is right for them."""

import re

import pytest
from test_view_notation import result

from tinygrad_edu import MLP, Primitive, Value, functions, grad, losses, toposort
from tinygrad_edu.namespace import FUNCTIONS
from tinygrad_edu.view import deltas, explain, steps
from tinygrad_edu.view.worksheet.worksheet import slope_rules

# Formulas are mathematics: none of the words that only programs have.

MATHEMATICS = {"acos", "asin", "atan", "atan2", "cos", "cosh", "erf", "exp", "log", "sigmoid"}
MATHEMATICS |= {"sin", "sinh", "sqrt", "tan", "tanh"}
WORDS = {*FUNCTIONS} - MATHEMATICS | {"slope", "take", "negative", "no_flow", "True", "False"}
OF_PROGRAMS = re.compile(rf"\b({'|'.join(sorted(WORDS))})\b|==")


def formulas_in(v):
    """What is written on the sides of equations in every view of `v` that has formulas."""
    for u in toposort(v):
        lines = [line.partition(" = ")[2] for line in str(explain(u)).splitlines()]
        yield from [line for line in lines if "No formula" not in line]
        yield from (rule.rpartition(":  ")[2] for rule in slope_rules([u]))
        yield re.sub(r"\\(operatorname|math\w+)\{", "", explain(u).latex)
    for frame in steps(v)._frames:
        yield from (said.partition(": ")[2] or said.partition(" = ")[2] for said in frame["said"])


def softly(m, x):
    return m.where(x > 1, m.log1p(m.abs(x)), m.softplus(x))


z = [Value(x, f"z{k}") for k, x in enumerate((1.0, -2.0, 0.5))]
#: Beside every operation of the package: losses of nets, derivatives, operations of a user's own.
WRITTEN = {
    **{r.name: result(r) for r in (*functions.PRIMITIVES, *losses.PRIMITIVES)},
    "certainly right": losses.binary_cross_entropy(Value(1.0), Value(1.0)),
    "a hinge": losses.hinge(z[0], -1),
    "a derivative": grad(functions.relu(z[0]) * z[0], z[0]),
    "a tie": functions.max([z[0], Value(1.0), z[1]]),
    "softmax in a net": losses.squared_error(MLP(2, [2, 2], "gelu", "softmax")([1.0, 2.0]), [0, 1]),
    "a user's own": Primitive("softly", softly, lambda m, y, x: (m.expm1(x),))(z[0]),
    "a user's own in floats": Primitive("f", lambda m, x: x, lambda m, y, x: (float(x),))(z[0]),
}


@pytest.mark.parametrize("v", WRITTEN.values(), ids=WRITTEN)
def test_no_word_of_a_program_stands_in_a_formula(v):
    for formula in formulas_in(v):
        assert not OF_PROGRAMS.search(formula), formula


@pytest.mark.parametrize("loss", sorted(losses.LOSSES))
def test_no_word_of_a_program_stands_in_a_delta_rule(loss):
    outputs = {"logits": (2, "linear"), "probability": (1, "sigmoid")}
    n, output = outputs.get(losses.RECORDS[loss].outputs, (1, "linear"))
    rules = deltas(MLP(2, [2, n], "relu", output, rng=0), [0.5, -1.0], 1.0, loss=loss)
    assert not OF_PROGRAMS.search(str(rules))


@pytest.mark.parametrize(
    ("v", "slope"),
    [
        (losses.cross_entropy(z, 2), "p1 = 0.6037"),
        (losses.binary_cross_entropy(Value(0.25, "a"), 1), "-1 / a = -1 / 0.25 = -4"),
        (losses.binary_cross_entropy(Value(0.25, "a"), 0), "1 / (1 - a) = 1 / (1 - 0.25) = 1.333"),
        (losses.binary_cross_entropy_with_logits(z[0], 1), "sigmoid(z0) - 1"),
        (losses.binary_cross_entropy_with_logits(z[0], 0), "sigmoid(z0) = sigmoid(1) = 0.7311"),
        (losses.binary_cross_entropy_with_logits(z[0], 0.3), "sigmoid(z0) - 0.3"),
        (losses.binary_cross_entropy_with_logits(z[0], Value(0.3, "t")), "sigmoid(z0) - t"),
        (z[0].relu(), "(1 if z0 > 0 else 0) = (1 if 1 > 0 else 0) = 1"),
        (abs(z[0]), "(1 if z0 > 0 else -1 if z0 < 0 else 0)"),
        (z[0].sqrt(), "1 / (2 * y) = 1 / (2 * 1) = 0.5"),
        (Value(0.6, "a").asin(), "1 / sqrt(1 - a**2)"),
        (Value(0.6, "a").acos(), "-1 / sqrt(1 - a**2)"),
        (z[0].expm1(), "y + 1"),
        (functions.hypot(z[0], z[1]), "z0 / y"),
        (functions.softmax(z)[0], "y * (1 - y)"),
        (functions.softmax(z)[1], "-y * p1"),
        (functions.log_softmax(z)[1], "-p1"),
    ],
)
def test_slopes_are_the_formulas_of_the_lecture(v, slope):
    first = v.parents[v.op.name == "cross_entropy"]
    assert f"/d{first.name} = {slope}" in str(explain(v))


def test_shares_in_a_softmax_have_the_names_of_the_graph_or_their_own():
    two = losses.cross_entropy(z[:2], 0) + losses.cross_entropy(z[1:], 1)
    said = [line for frame in steps(two)._frames for line in frame["said"]]
    assert any("; p1, p2 = softmax(z0, z1) = 0.9526, 0.04743" in line for line in said)
    assert any("; p1#2, p2#2 = softmax(z1, z2) = 0.07586, 0.9241" in line for line in said)
    taken = [Value(1.0, "p1"), Value(2.0, "p2")]
    assert "q1, q2 = softmax(p1, p2)" in str(explain(losses.cross_entropy(taken, 0)))
    other = Primitive("softmax", lambda m, *x: m.sum(x), lambda m, y, *x: (1.0, 1.0))
    mixed = other(*z[:2]) * losses.cross_entropy(z[:2], 0)
    assert "= -log(p1)" in str(explain(mixed, wrt=z[0]))
    a, b = functions.softmax(z[:2])
    a.name, b.name = "a", "b"
    assert "da/dz1 = -a * b" in str(explain(a * b, wrt=z[1]))
