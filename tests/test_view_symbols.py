import pytest

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Primitive, Value, primitives
from tinygrad_edu.losses import cross_entropy
from tinygrad_edu.view.base.operations import constants, drawing_order, roles, symbol

a, b, c = Value(0.5), Value(0.25), Value(2.0)
cube = Primitive("cube", lambda m, x: x * x * x, lambda m, y, x: (3 * x * x,))
impostor = Primitive("add", lambda m, left, right: left - right, lambda m, y, p, q: (1.0, -1.0))


@pytest.mark.parametrize(
    ("v", "written", "bound", "called"),
    [
        (a + b, "+", "", ["", ""]),
        (a - b, "x \N{MINUS SIGN} y", "", ["x", "y"]),
        (a * b, "\N{MULTIPLICATION SIGN}", "", ["", ""]),
        (a / b, "x ÷ y", "", ["x", "y"]),
        (-a, "\N{MINUS SIGN}x", "", [""]),
        (abs(a), "|x|", "", [""]),
        (a**2, "x²", "", [""]),
        (a**-0.5, "x^-0.5", "", [""]),
        (a**b, "x^y", "", ["x", "y"]),
        (a.tanh(), "tanh", "", [""]),
        (a.sqrt(), "√x", "", [""]),
        (f.leaky_relu(a, 0.1), "leaky_relu", "alpha = 0.1", [""]),
        (f.prelu(a, b), "prelu", "", ["x", "alpha"]),
        (f.atan2(a, b), "atan2", "", ["y", "x"]),
        (f.where(a, b, c), "where", "", ["c", "x", "y"]),
        (f.maximum(a, b), "maximum", "", ["", ""]),
        (f.sum([a, b, c]), "Σ", "", ["", "", ""]),
        (f.softmax([a, b])[1], "softmax", "k = 1", ["x[1]", "x[2]"]),
        (cross_entropy([a, b], 1), "cross_entropy", "", ["target", "z[1]", "z[2]"]),
        (f.dot([a, b], [b, c]), "w·x", "", ["w[1]", "w[2]", "x[1]", "x[2]"]),
        (f.dot([a], [b], c), "w·x + b", "", ["w[1]", "x[1]", "b"]),
        (cube(a), "cube", "", [""]),
        (impostor(a, b), "add", "", ["left", "right"]),
    ],
)
def test_operations_are_written_as_in_a_textbook(v, written, bound, called):
    n = len(v.parents)
    assert (symbol(v.op, n), constants(v.op), roles(v.op, n)) == (written, bound, called)


@pytest.mark.parametrize("primitive", primitives.values(), ids=lambda p: p.name)
def test_every_operation_has_a_symbol_and_a_role_for_each_operand(primitive):
    if primitive.name == "power":
        primitive = primitive.bind(c=3.0)
    for n in (1, 2, 3):
        assert symbol(primitive, n)
        assert len(roles(primitive, n)) == n


@pytest.mark.parametrize(
    ("v", "order"),
    [(f.dot([a, b], [b, c], c), [0, 2, 1, 3, 4]), (f.dot([a, b], [b, c]), [0, 2, 1, 3])],
)
def test_each_weight_of_a_dot_is_drawn_next_to_its_input(v, order):
    assert drawing_order(v.op, len(v.parents)) == order
