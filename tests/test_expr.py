"""The namespace of symbols: a record's formula as LaTeX, and as text that computes the same."""

import inspect
import math
from functools import reduce

import pytest

from tinygrad_edu import expr, functions
from tinygrad_edu.engine import primitives
from tinygrad_edu.expr import Expr
from tinygrad_edu.namespace import floats

CONSTANTS = {"power": {"c": 3.0}, "leaky_relu": {"alpha": 0.1}, "elu": {"alpha": 0.5}}
CONSTANTS |= {"clip": {"low": -1.0, "high": 0.5}}
CONSTANTS |= {"softmax": {"k": 1}, "log_softmax": {"k": 1}}
RECORDS = primitives.values()


def operand_names(record):
    """One letter per operand, three for the n-ary ones."""
    parameters = list(inspect.signature(record.value).parameters.values())[1:]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return ["x_1", "x_2", "x_3"]
    return [p.name for p in parameters if p.name not in CONSTANTS.get(record.name, {})]


def formulas(record):
    """The value and the slopes of a record as expr."""
    x = [expr.symbol(name) for name in operand_names(record)]
    constants = CONSTANTS.get(record.name, {})
    slopes = record.slopes(expr, expr.symbol("result"), *x, **constants)
    return [record.value(expr, *x, **constants), *slopes]


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.name)
def test_the_text_of_every_record_computes_what_the_record_computes(record):
    names = operand_names(record)
    numbers = [0.3, 0.6, 0.2][: len(names)]
    primitive = record.bind(**CONSTANTS[record.name]) if record.name in CONSTANTS else record
    y = primitive.value(floats, *numbers, **primitive.constants)
    expected = [y, *primitive.slopes(floats, y, *numbers, **primitive.constants)]
    namespace = {name: getattr(floats, name) for name in floats.__all__} | {
        "inf": math.inf,
        "nan": math.nan,
    }
    namespace |= dict(zip(names, numbers, strict=True)) | {"result": y}
    computed = [eval(expr.show(formula), namespace) for formula in formulas(record)]
    assert computed == pytest.approx([float(x) for x in expected], rel=1e-14, nan_ok=True)


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.name)
def test_the_latex_of_every_record_is_there_and_balanced(record):
    for formula in formulas(record):
        shown = expr.latex(formula)
        assert shown
        assert shown.count("{") == shown.count("}")
        assert shown.count(r"\left") == shown.count(r"\right")


@pytest.mark.parametrize(
    ("record", "value", "slopes"),
    [
        (functions.tanh, r"\tanh\left(x\right)", ["1 - result^{2}"]),
        (functions.sigmoid, r"\sigma\left(x\right)", [r"result \, \left(1 - result\right)"]),
        (primitives["power"], "x^{3}", [r"3 \, x^{2}"]),
        (functions.divide, r"\frac{x}{y}", [r"\frac{1}{y}", r"-\frac{result}{y}"]),
        (functions.sqrt, r"\sqrt{x}", [r"\frac{1}{2 \, result}"]),
        (functions.exp, "e^{x}", ["result"]),
    ],
    ids=lambda x: getattr(x, "name", ""),
)
def test_calculus_table_reads_like_a_calculus_table(record, value, slopes):
    assert [expr.latex(formula) for formula in formulas(record)] == [value, *slopes]


def test_parentheses_stand_where_the_operators_need_them():
    a, b, c = (expr.symbol(name) for name in "abc")
    assert expr.text((a + b) * c) == expr.show((a + b) * c) == "(a + b) * c"
    assert expr.show(a - (b - c)) == "a - (b - c)"
    assert expr.show(a - b - c) == "a - b - c"
    assert expr.show(a * -b) == "a * (-b)"
    assert repr(Expr("take", (a, "I1"))) == "Expr('take(a, I1)')"
    assert expr.show(-(a + b)) == "-(a + b)"
    assert expr.latex(expr.pow(a + b, 2)) == r"\left(a + b\right)^{2}"
    assert expr.latex(expr.symbol("x_12")) == "x_{12}"


def test_a_private_name_is_no_function():
    with pytest.raises(
        AttributeError, match=r"^module .tinygrad_edu\.expr. has no attribute ._x.$"
    ):
        expr._x  # noqa: B018


def test_a_symbol_is_a_letter_whatever_it_is_called():
    for name in ("negative", "+", "<", "*", "divide", "hole3", "…", "\ue0001\ue001", ""):
        x = expr.symbol(name)
        assert expr.show(x * 2 - x) == f"{name} * 2 - {name}"
        assert expr.latex(-x).count("{") == expr.latex(-x).count("}")


@pytest.mark.parametrize(
    "x",
    [
        Expr("take", (expr.symbol("X"), "I1")),
        Expr("+"),
        Expr("*", (1.0,)),
        Expr("negative", (None, {})),
        Expr("{0}", (expr.symbol("{1}"), math.nan)),
        reduce(lambda a, b: a + b, [expr.symbol("x")] * 5000),
    ],
)
def test_a_repr_never_raises(x):
    assert repr(x).startswith("Expr(")
    assert expr.latex(x)
