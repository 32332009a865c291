import math
import re
from xml.etree import ElementTree

import pytest
from graphs import HOSTILE
from refusals import refusals

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Primitive, Value, no_grad
from tinygrad_edu.losses import half_squared_error, l2
from tinygrad_edu.nn import ACTIVATIONS, MLP, Layer, Neuron, Sequential
from tinygrad_edu.text import short
from tinygrad_edu.view.base.svg import readable
from tinygrad_edu.view.network.deltas import deltas

X = [1.0, -2.0, 0.5]
SQUARES = ("squared_error", "half_squared_error", "mean_squared_error")


def single_unit(activation):
    """A unit with w = 1, b = 0, whose net input is its input."""
    return Neuron(1, activation, init=lambda rng, nin, nout: 1.0)


def fail(m, y, x):
    raise RuntimeError("slopes fail")


failing = Primitive("failing", lambda m, x: x * x, fail)


@pytest.mark.parametrize("convention", ["dL/dz", "-dE/dnet"])
@pytest.mark.parametrize("loss", SQUARES)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_the_rules_agree_with_the_engine_for_every_activation(activation, loss, convention):
    for model in (
        MLP(3, [4, 4, 2], activation, activation, rng=1),
        MLP(3, [4, 4, 2], activation, "tanh", rng=2),
        MLP(3, [4, 4, 2], "tanh", activation, rng=3),
    ):
        found = deltas(model, X, [0.25, -1.0], loss, convention)
        assert len(found.rows) == 10
        assert len(found.parameters) == 3 * 4 + 4 + 4 * 4 + 4 + 4 * 2 + 2
        assert all(row.rule is not None for row in found.rows)
        assert found.largest_difference < 1e-12


@pytest.mark.parametrize(
    ("output", "loss", "target", "rule"),
    [
        ("linear", "cross_entropy", 1, "p_k - 1[y = k]"),
        ("linear", "cross_entropy", [0.25, 0.75], "p_k - y_k"),
        ("tanh", "cross_entropy", 0, "(p_k - 1[y = k]) g'(z)"),
        ("softmax", "half_squared_error", [1, 0], "a_k (e_k - sum_i e_i a_i), e = a - y"),
        ("linear", "half_squared_error", [1, 0], "a - y"),
        ("sigmoid", "squared_error", [1, 0], "2 (a - y) g'(z)"),
        ("linear", "mean_squared_error", [1, 0], "2/n (a - y)"),
    ],
)
@pytest.mark.parametrize("hidden", ["tanh", "prelu", "softmax"])
def test_the_rule_of_two_outputs_is_named_and_right(hidden, output, loss, target, rule):
    found = deltas(MLP(3, [4, 4, 2], hidden, output, rng=4), X, target, loss)
    assert found.layers[-1].rule.text == rule
    assert found.largest_difference < 1e-12


@pytest.mark.parametrize(
    ("output", "loss", "target", "rule", "flipped"),
    [
        ("sigmoid", "binary_cross_entropy", 1, "a - y", "y - a"),
        ("softmax", "half_squared_error", 0.5, None, None),
        ("linear", "binary_cross_entropy_with_logits", 0.25, "s(z) - y", "y - s(z)"),
        ("tanh", "binary_cross_entropy_with_logits", 0, "(s(a) - y) g'(z)", "(y - s(a)) g'(z)"),
        ("linear", "hinge", 1, "-y 1[y a < 1]", "y 1[y a < 1]"),
        ("linear", "hinge", -1, "-y 1[y a < 1]", "y 1[y a < 1]"),
        ("linear", "perceptron", 1, "-y 1[y a < 0]", "y 1[y a < 0]"),
        ("tanh", "perceptron", -1, "-y 1[y a < 0] g'(z)", "y 1[y a < 0] g'(z)"),
    ],
)
def test_the_rule_of_one_output_is_named_and_right_in_both_conventions(
    output, loss, target, rule, flipped
):
    model = MLP(3, [4, 4, 1], "tanh", output, rng=5)
    for convention, expected in (("dL/dz", rule), ("-dE/dnet", flipped)):
        found = deltas(model, X, target, loss, convention)
        assert found.largest_difference < 1e-12
        assert expected is None or found.layers[-1].rule.text == expected


def test_a_sigmoid_with_half_squared_error_has_the_delta_of_the_lectures():
    # o = s(0) = 1/2, y = 1: delta = o (1 - o) (y - o) = 1/8 as -dE/dnet, -1/8 as dL/dz
    unit = single_unit("sigmoid")
    row = deltas(unit, [0.0], 1, "half_squared_error", "-dE/dnet").rows[0]
    assert row == ("delta", 0.0, 0.5, 0.25, 0.125, 0.125, 0.0)
    row = deltas(unit, [0.0], 1, "half_squared_error").rows[0]
    assert (row.delta, row.rule) == (-0.125, -0.125)


def test_a_hidden_delta_is_the_weighted_sum_of_those_after_it():
    # 1-1-2, linear, all weights 1, x = 3: outputs 3, 3, targets 1, 2: deltas 2, 1, before them 3,
    # and dL/dw = delta * a = 2 * 3, 1 * 3, 3 * 3
    found = deltas(
        MLP(1, [1, 2], "linear", init=lambda rng, nin, nout: 1.0), [3.0], [1, 2], half_squared_error
    )
    assert [row.delta for row in found.rows] == [3.0, 2.0, 1.0]
    assert [row.rule for row in found.rows] == [3.0, 2.0, 1.0]
    assert [(row.name, row.a, row.gradient, row.rule) for row in found.parameters] == [
        ("w1[1,1]", 3.0, 9.0, 9.0),
        ("b1[1]", 1.0, 3.0, 3.0),
        ("w2[1,1]", 3.0, 6.0, 6.0),
        ("b2[1]", 1.0, 2.0, 2.0),
        ("w2[2,1]", 3.0, 3.0, 3.0),
        ("b2[2]", 1.0, 1.0, 1.0),
    ]


def test_the_table_finds_an_engine_that_is_wrong(monkeypatch):
    model = MLP(3, [2, 1], "tanh", rng=1)
    monkeypatch.setattr(f.tanh, "_slopes", lambda m, y, x: (1 - y,))
    assert deltas(model, X, 1, "half_squared_error").largest_difference > 1e-3


def test_a_loss_of_ones_own_has_no_rule_and_says_so():
    def quartic(output, target):
        return (output - target) ** 4

    found = deltas(MLP(3, [4, 1], "tanh", rng=1), X, 1, quartic)
    out = found.rows[-1]
    assert found.layers[-1].rule.text == "no rule for quartic"
    assert out.delta == pytest.approx(4 * (out.a - 1) ** 3)
    assert (out.rule, out.difference) == (None, None)
    assert "rule: no rule for quartic" in str(found)
    assert all(row.rule is not None for row in found.rows[:-1])
    assert found.largest_difference < 1e-12


def test_an_activation_of_ones_own_has_the_slope_of_the_engine():
    def cubic(z):
        return z**3

    found = deltas(MLP(3, [2, 1], cubic, rng=1), X, 1, "half_squared_error")
    row = found.rows[0]
    assert row.slope == pytest.approx(3 * row.z**2)
    assert "layer1 (cubic): g'(z) = as the engine found it" in str(found)
    assert found.largest_difference < 1e-12


def test_a_penalty_in_the_loss_shows_as_a_difference_of_the_weights():
    model = MLP(1, [1], init=lambda rng, nin, nout: 3.0)

    def penalised(output, target):
        return half_squared_error(output, target) + l2(model.parameters(), 0.5)

    # d(0.5 w^2)/dw = w = 3
    found = deltas(model, [1.0], 0, penalised)
    assert [row.difference for row in found.parameters] == [3.0, 0.0]


def test_a_parameter_that_units_share_gets_the_sum_of_its_uses():
    layer = Layer(2, 2, "tanh")
    layer.neurons[1].w[0] = layer.neurons[0].w[0]
    assert deltas(layer, [0.5, -1.0], [1, 0], "squared_error").largest_difference < 1e-12


@pytest.mark.parametrize("fails", [False, True])
def test_gradients_stay_as_they_were(fails):
    model = MLP(3, [2, 1], "tanh", rng=1)
    x = [Value(v) for v in X]
    y = model(x)
    y.backward()
    target = y * 2
    touched = [*x, y, target, *model.parameters()]
    before = [(v.data, v.grad, v.reached) for v in touched]

    def broken(output, target):
        return failing(half_squared_error(output, target))

    if fails:
        with pytest.raises(RuntimeError, match=r"^slopes fail\n"):
            deltas(model, x, target, broken)
    else:
        deltas(model, x, target, "half_squared_error")
    assert [(v.data, v.grad, v.reached) for v in touched] == before


def test_a_target_may_be_an_iterator_or_values():
    model = MLP(3, [2], rng=1)
    plain = deltas(model, X, [1, 0], "squared_error")
    assert deltas(model, iter(X), iter([1, 0]), "squared_error").rows == plain.rows
    assert deltas(model, X, [Value(1), Value(0)], "squared_error").rows == plain.rows


@pytest.mark.parametrize("x", [math.inf, math.nan, 1e308])
def test_numbers_out_of_range_are_shown_and_raise_nothing(x):
    for activation in ("relu", "softmax", "gelu", "elu"):
        found = deltas(MLP(3, [2, 2], activation, rng=1), [x, 1, 2], 1, "cross_entropy")
        assert str(found)
        assert found.latex
        assert found._repr_html_()


def test_the_text_names_loss_rules_and_rows():
    unit = single_unit("sigmoid")
    assert str(deltas(unit, [0.0], 1, "half_squared_error", "-dE/dnet")) == "\n".join(
        [
            "half_squared_error = 0.125, delta = -dE/dnet, largest difference 0",
            "",
            "(sigmoid): g'(z) = a (1 - a)",
            "rule: delta = (y - a) g'(z)",
            "         z    a  g'(z)  delta   rule  difference",
            "  delta  0  0.5   0.25  0.125  0.125           0",
            "",
            "(sigmoid): dL/dw = -delta a, dL/db = -delta",
            "  parameter  a   dL/dw    rule  difference",
            "  w1         0       0       0           0",
            "  b          1  -0.125  -0.125           0",
        ]
    )


def test_the_text_fits_into_100_columns_and_counts_what_it_leaves_out():
    found = deltas(MLP(64, [32, 10], "gelu", rng=1), [0.1] * 64, 3, "cross_entropy")
    lines = str(found)
    assert max(map(len, lines.splitlines())) <= 100
    assert r"\mathtt{...\ 16\ more" in found.latex
    assert re.findall(r"\.\.\. ([\d,]+) more", lines) == [
        "16",  # of 32 units
        "2,068",  # of 32 * 65 parameters, 12 shown
        "318",  # of 10 * 33
    ]


@pytest.mark.parametrize("name", [*HOSTILE, "a$b_{\\x}", "重み\n|", ""])
def test_names_of_functions_are_shown_as_text(name):
    def loss(output, target):
        return (output - target) ** 4

    def activation(z):
        return z.tanh()

    loss.__name__ = activation.__name__ = name
    found = deltas(MLP(3, [2, 1], activation, rng=1), X, 1, loss)
    parts = list(ElementTree.fromstring(found._repr_html_()).iter())
    tags = {"div", "p", "table", "caption", "thead", "tbody", "tr", "th", "td", "i", "sub", "sup"}
    assert {e.tag for e in parts} <= tags
    assert {name for e in parts for name in e.attrib} == {"style", "scope"}
    assert not re.search(r"(?<!\\)[$#%]", found.latex)
    assert "\n" not in found.heading


def test_latex_has_a_row_per_unit():
    found = deltas(single_unit("tanh"), [0.0], 1, "squared_error")
    assert found._repr_latex_() == f"$$\n{found.latex}\n$$"
    assert found.latex.splitlines() == [
        r"\begin{array}{l}",
        r"\mathtt{(tanh)}:\quad g'(z) = 1 - a^{2};\quad \delta = 2\,(a - y)\,g'(z) \\",
        r"\begin{array}{lrrrrrr}",
        r"& z & a & g'(z) & \delta & \mathrm{rule} & \mathrm{difference} \\ \hline",
        r"\delta & 0 & 0 & 1 & -2 & -2 & 0 \\",
        r"\end{array} \\",
        r"\end{array}",
    ]


def test_repr_is_a_line():
    found = deltas(single_unit("tanh"), [0.0], 1, "squared_error")
    assert repr(found) == (
        "<Deltas of 1 units: squared_error = 1, delta = dL/dz, largest difference 0>"
    )


test_wrong_arguments_are_refused = refusals(
    [
        (lambda: deltas(MLP(3, [1]), [1, 2], 1, "hinge"), ValueError, "expected 3 inputs, got 2"),
        (lambda: deltas(MLP(3, [1]), 1.0, 1, "hinge"), TypeError,
         "expected a list of 3 numbers, got float"),
        (lambda: deltas(MLP(3, [1]), X, 1, "hinge", "dE/dnet"), ValueError,
         "unknown convention 'dE/dnet': choose dL/dz, -dE/dnet; did you mean '-dE/dnet'?"),
        (lambda: no_grad()(deltas)(MLP(3, [1]), X, 1, "hinge"), TypeError,
         "there is nothing to differentiate: the loss must give a Value made from the output, "
         "outside of no_grad()"),
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    "model",
    [
        [Layer(3, 4, "tanh", rng=1), Layer(4, 1, "sigmoid", rng=2)],
        Sequential(Layer(3, 4, "linear", rng=1), "tanh", Layer(4, 1, "sigmoid", rng=2)),
        Sequential(Sequential(Layer(3, 4, "tanh", rng=1)), [Layer(4, 1, "sigmoid", rng=2)][0]),
    ],
)
def test_a_list_of_layers_and_a_sequential_are_nets(model):
    found = deltas(model, X, 1, "binary_cross_entropy")
    assert [row.name for row in found.rows][-2:] == ["delta1[4]", "delta2[1]"]
    assert [layer.title for layer in found.layers] == ["layer1 (tanh)", "layer2 (sigmoid)"]
    assert found.largest_difference < 1e-12


def test_names_in_the_notation_of_code():
    found = deltas(MLP(1, [1]), [1.0], 1, "squared_error", notation="code")
    names = [row.name for row in (*found.rows, *found.parameters)]
    assert names == ["layer1.neuron1.delta", "layer1.neuron1.w[1]", "layer1.neuron1.b"]
    assert r"\mathrm{layer1.neuron1.delta} & " in found.latex


def test_in_a_notebook_names_are_letters_with_indices_and_minus_signs_are_true():
    found = deltas(MLP(2, [2, 1], "tanh", rng=0), [0.5, -1.0], 1.0, "squared_error")
    shown = found._repr_html_()
    assert "<i>δ</i><sup>(1)</sup><sub>2</sub>" in shown
    assert "<i>w</i><sup>(2)</sup><sub>12</sub>" in shown
    assert f"<td>{readable(short(found.rows[0].delta))}</td>" in shown
    assert not re.search(r">-\d", shown)
