"""Formulas as they are read: text that computes what the record computes, and LaTeX."""

import inspect
import math
import re

import pytest

from tinygrad_edu import Value, functions, losses
from tinygrad_edu.engine import primitives
from tinygrad_edu.namespace import floats
from tinygrad_edu.view.explain.formulas import formulas, shared, total
from tinygrad_edu.view.explain.notation import Both, derivative, name, number, with_numbers, written

CONSTANTS = {"power": {"c": 3.0}, "leaky_relu": {"alpha": 0.1}, "elu": {"alpha": 0.5}}
CONSTANTS |= {"clip": {"low": -1.0, "high": 0.5}}
CONSTANTS |= {"softmax": {"k": 1}, "log_softmax": {"k": 1}}
NAMESPACE = {n: getattr(floats, n) for n in floats.__all__} | {
    "max": max,
    "min": min,
    "nan": math.nan,
}


def numbers(*data):
    return [number(x, first=False) for x in data]


def result(record, data=(0.3, 0.6, 0.2)):
    constants = CONSTANTS.get(record.name, {})
    parameters = list(inspect.signature(record.value).parameters.values())[1:]
    n = len([p for p in parameters if p.name not in constants])
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        n = 3
    if record.name == "cross_entropy":
        data = (1.0, *data[1:])
    return record(*[Value(x) for x in data[:n]], **constants)


@pytest.mark.parametrize("record", primitives.values(), ids=lambda r: r.name)
@pytest.mark.parametrize("data", [(0.3, 0.6, 0.2), (0.9, 0.25, 0.5)])
def test_the_text_of_a_formula_computes_what_its_record_computes(record, data):
    v = result(record, data)
    n = len(v.parents)
    value, slope = formulas(v)
    # the operands, the result, and the shares of the operands in their softmax
    shares = functions.softmax([p.data for p in shared(v)]) if shared(v) else []
    data = [*v.numbers[1:], v.data, *[0.0] * (n - len(shares)), *shares]
    names = [Both(f"x{i}", f"x_{i}") for i in range(len(data))]
    values = {f"x{i}": x for i, x in enumerate(data)}
    expected = [v.data, *v.local_derivatives()]
    for formula, x in zip([value, *map(slope, range(n))], expected, strict=True):
        text, drawn = written(formula, names)
        computed = eval(as_python(text), NAMESPACE | values)
        # the formula shows constants such as 1/sqrt(2) to four digits
        assert float(computed) == pytest.approx(x, rel=1e-3, abs=1e-4, nan_ok=True)
        assert balanced(drawn)
        for with_number in with_numbers(formula, numbers(*data)):
            shown = eval(as_python(with_number.text), NAMESPACE)
            assert float(shown) == pytest.approx(x, rel=1e-3, abs=2e-3, nan_ok=True)


def as_python(formula):
    """Where mathematics is written in another way: |x|, 1[x = y], x = y."""
    formula = re.sub(r"\|([^|]*)\|", r"abs(\1)", formula)
    formula = re.sub(r"1\[([^]]*)\]", r"(\1)", formula)
    formula = formula.replace(" mod ", " % ")
    return formula.replace(" = ", " == ").replace("\N{NOT EQUAL TO}", "!=")


def balanced(drawn):
    return drawn.count("{") == drawn.count("}") and drawn.count(r"\left") == drawn.count(r"\right")


a, b = Value(1.0), Value(2.0)


@pytest.mark.parametrize(
    ("v", "value", "slopes"),
    [
        (Value(0.3).tanh(), "tanh(a)", ["1 - y**2"]),
        (Value(0.3).sigmoid(), "sigmoid(a)", ["y * (1 - y)"]),
        (a / b, "a / b", ["1 / b", "-y / b"]),
        (b**3, "a**3", ["3 * a**2"]),
        (b**-1, "a**(-1)", ["-a**(-2)"]),
        (functions.dot([a], [b], Value(3.0)), "a * b + c", ["b", "a", "1"]),
        (functions.softmax(a, b)[0], "exp(a) / (exp(a) + exp(b))", ["y * (1 - y)", "-y * q"]),
        (functions.logsumexp(a, b), "log(exp(a) + exp(b))", ["exp(a - y)", "exp(b - y)"]),
        (losses.cross_entropy([a, b], 1), "-log(r)", ["0", "q", "r - 1"]),
        (functions.sum([Value(float(i)) for i in range(8)]), "a + b + … + h", ["1"] * 8),
    ],
    ids=lambda x: x.op.name if isinstance(x, Value) else "",
)
def test_formulas_read_like_a_textbook(v, value, slopes):
    n = len(v.parents)
    names = [Both(c, c) for c in "abcdefgh"[:n] + "y" + "pqr"[:n]]
    formula, slope = formulas(v)
    assert written(formula, names).text == value
    assert [written(slope(i), names).text for i in range(n)] == slopes


def test_words_are_multiplied_with_a_dot():
    value, _ = formulas(a * b)
    assert written(value, [name("a"), name("b"), name("y")]).latex == r"a \, b"
    words = [name("mass"), name("b"), name("y")]
    assert written(value, words).latex == r"\mathrm{mass} \cdot b"


def test_the_slopes_to_one_operand_at_two_positions_are_added():
    _, slope = formulas(a * a)
    names = [name("a"), name("a"), name("y")]
    assert written(total([slope(0), slope(1)]), names) == ("2 * a", r"2 \, a")


@pytest.mark.parametrize("operation", [primitives["softmax"], primitives["log_softmax"]])
def test_formulas_of_many_operands_are_short_and_do_not_recurse(operation):
    v = operation(*[Value(float(i % 5)) for i in range(3000)], k=7)
    value, slope = formulas(v)
    names = [name(f"x{i}") for i in range(6001)]
    for x in (value, slope(7), slope(2999)):
        assert len(written(x, names).text) < 90


def test_numbers_in_a_formula_stand_in_parentheses_only_where_they_must():
    x = Value(-0.5)
    for v, text, latex in (
        (x.exp(), "exp(-0.5)", "e^{-0.5}"),
        (x * x, "(-0.5)**2", r"\left(-0.5\right)^{2}"),
        (2 * x, "2 * (-0.5)", r"2 \cdot \left(-0.5\right)"),
    ):
        value, _ = formulas(v)
        assert with_numbers(value, numbers(*v.numbers[1:], v.data)) == [(text, latex)]


def test_a_name_is_never_read_as_a_letter_of_the_formula():
    value, _ = formulas(a + b)
    names = [name("\ue0001\ue001"), name("\ue002"), name("y")]
    assert written(value, names).text == "\ue0001\ue001 + \ue002"


def test_numbers_are_short_and_negative_factors_in_parentheses():
    assert number(-0.123456) == ("-0.1235", "-0.1235")
    assert number(-0.5, first=False) == ("(-0.5)", r"\left(-0.5\right)")
    assert number(1.5e-7) == ("1.5e-7", r"1.5 \cdot 10^{-7}")
    assert number(-math.inf).latex == r"-\infty"
    assert number(math.nan).latex == r"\mathrm{nan}"


def test_derivatives_put_names_that_are_no_words_in_parentheses():
    assert derivative("L", "w").text == "dL/dw"
    assert derivative("L", "w[0]").text == "dL/d(w[0])"
    assert derivative("L", "w").latex == r"\frac{\mathrm{d}L}{\mathrm{d}w}"
    assert derivative("loss", "w").latex == r"\frac{\mathrm{d}\, \mathrm{loss}}{\mathrm{d}w}"
    assert derivative("a", "z1", "∂") == ("∂a/∂z1", r"\frac{\partial a}{\partial z_{1}}")


@pytest.mark.parametrize(
    ("target", "formula", "slope"),
    [
        (1.0, "-log(p)", "-1 / p"),
        (0.0, "-log(1 - p)", "1 / (1 - p)"),
        (0.3, "-0.7 * log(1 - p) - 0.3 * log(p)", "0.7 / (1 - p) - 0.3 / p"),
        (Value(1.0), "(t - 1) * log(1 - p) - t * log(p)", "(1 - t) / (1 - p) - t / p"),
    ],
)
def test_binary_cross_entropy_is_written_as_in_the_textbooks(target, formula, slope):
    names = [Both(x, x) for x in ("p", "t", "y")]
    value, slopes = formulas(losses.binary_cross_entropy(Value(0.73), target))
    assert (written(value, names).text, written(slopes(0), names).text) == (formula, slope)


def test_a_special_case_of_binary_cross_entropy_is_shown_where_it_counts():
    value, _ = formulas(losses.binary_cross_entropy(Value(1.0), Value(1.0)))
    assert written(value, [Both(x, x) for x in ("p", "t", "y")]).text == (
        "(0 if 1 - p + (1 - t) = 0 else (t - 1) * log(1 - p)) + (0 if p + t = 0 else -t * log(p))"
    )
