"""NumPy's functions of Values, under NumPy's names: a Value in the graph, or what to write."""

import math
import re

import numpy as np
import pytest

from tinygrad_edu import Value, expr, gradcheck, vectorize
from tinygrad_edu import functions as f
from tinygrad_edu.expr.styles import Mathematics

UFUNCS = {u.__name__: u for u in vars(np).values() if isinstance(u, np.ufunc)}
#: Those that answer a question: a bool, as the comparisons of Values are.
QUESTIONS = {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal"}
#: Those of vectors and matrices, which take no single numbers.
OF_ARRAYS = {"matmul", "matvec", "vecdot", "vecmat"}
INSIDE_1 = {"arccos", "arcsin", "arctanh"}


def operands(name, n):
    """Numbers at which the function is defined."""
    return ([0.5] if name in INSIDE_1 else [1.75, 2.5])[:n]


def gives(name):
    """Whether there is such a function here."""
    try:
        UFUNCS[name](*map(Value, operands(name, UFUNCS[name].nin)))
    except TypeError:
        return False
    return True


GIVEN = sorted(name for name in set(UFUNCS) - QUESTIONS - OF_ARRAYS if gives(name))
REFUSED = sorted(set(UFUNCS) - set(GIVEN) - QUESTIONS - OF_ARRAYS)


def test_enough_of_numpys_functions_are_here():
    names = (
        "absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh conjugate cos cosh "
        "divide exp exp2 expm1 fabs float_power hypot log log10 log1p log2 logaddexp maximum "
        "minimum multiply negative positive power reciprocal remainder sign sin sinh sqrt square "
        "subtract tan tanh"
    )
    assert names.split() == GIVEN


@pytest.mark.parametrize("name", GIVEN)
def test_a_function_of_numpy_gives_a_value_with_its_number_and_slopes(name):
    ufunc = UFUNCS[name]
    numbers = operands(name, ufunc.nin)
    x = [Value(number) for number in numbers]
    y = ufunc(*x)
    assert type(y) is Value
    assert y.data == pytest.approx(ufunc(*numbers), rel=1e-14)
    assert name == "positive" or name == "conjugate" or y.parents
    assert gradcheck(ufunc, numbers, tolerance=1e-5)
    for k in range(ufunc.nin):  # also with numbers of NumPy and of Python beside one Value
        for number in (np.float64, np.float32, float, np.asarray):
            mixed = [v if i == k else number(v.data) for i, v in enumerate(x)]
            again = ufunc(*mixed)
            assert type(again) is Value, (k, number)
            assert again.data == y.data


@pytest.mark.parametrize("name", REFUSED)
def test_any_other_function_of_numpy_says_what_to_write(name):
    ufunc = UFUNCS[name]
    told = f"^{name} of a Value would leave the graph: write .*"
    for x in ([Value(0.5)] * ufunc.nin, [Value(0.5), 2.0][: ufunc.nin]):
        with pytest.raises(TypeError, match=told):
            ufunc(*x)
    with pytest.raises(TypeError, match=told):
        ufunc(*[np.array([0.5, 1.5]), Value(0.5)][-ufunc.nin :], where=True)


@pytest.mark.parametrize("name", ["var", "std"])
def test_how_far_one_value_is_spread_is_no_question(name):
    told = f"^{name} of a Value would leave the graph: write functions.{name}\\(\\[x, y\\]\\)$"
    with pytest.raises(TypeError, match=told):
        getattr(np, name)(Value(2.0))
    assert getattr(np, name)([Value(1.0), Value(3.0)]).data == 1.0


@pytest.mark.parametrize(
    ("name", "taken"), [("exp", "one operand"), ("cbrt", "one operand"), ("add", "2 operands")]
)
def test_no_function_of_numpy_writes_into_a_value(name, taken):
    ufunc = UFUNCS[name]
    told = f"^np.{name} takes {taken}, and no Value to write the result into$"
    for x in (Value(0.5), np.array([0.5, 1.5]), 0.5):
        with pytest.raises(TypeError, match=told):
            ufunc(*[x] * ufunc.nin, Value(2.0))


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("cbrt", "sign(x) * abs(x) ** (1 / 3)"),
        ("logaddexp2", "log2(exp2(x) + exp2(y))"),
        ("degrees", "x * (180 / math.pi)"),
        ("floor_divide", "(x - x % y) / y"),
        ("fmax", "maximum(x, y)"),
        ("copysign", "where(y > 0, abs(x), -abs(x))"),
    ],
)
def test_what_is_written_in_place_of_a_function_of_numpy_computes_it(name, instead):
    ufunc = UFUNCS[name]
    x, y = Value(-1.7), Value(2.5)
    with pytest.raises(TypeError, match=re.escape(f"write {instead}")):
        ufunc(*[x, y][: ufunc.nin])
    written = eval(instead, {**{n: getattr(f, n) for n in f.__all__}, "math": math, "x": x, "y": y})
    assert written.data == pytest.approx(ufunc(*[-1.7, 2.5][: ufunc.nin]), rel=1e-14)


@pytest.mark.parametrize("name", sorted(UFUNCS))
def test_no_function_of_numpy_leaves_the_graph_on_arrays_of_values(name):
    ufunc = UFUNCS[name]
    numbers = [[x, x + 0.25] for x in (operands(name, 2) * 2)[: ufunc.nin]]
    if name in ("matvec", "vecmat"):
        k = name.index("mat") // 3
        numbers[k] = [numbers[k], numbers[k]]
    arrays = [np.vectorize(Value, otypes=[object])(row) for row in numbers]
    try:
        result = ufunc(*arrays)
    except TypeError:
        return
    if name == "sign":  # NumPy compares by itself: the number, of which the slope is 0
        assert result.tolist() == [1, 1]
        return
    items = np.atleast_1d(result).tolist()
    if name in QUESTIONS | {"logical_not"}:
        assert all(type(item) is bool for item in items)
        return
    assert all(type(item) is Value for item in items)
    if name.startswith("logical") or name in ("gcd", "lcm"):  # of %, in the graph, by NumPy 2.0
        return
    expected = np.atleast_1d(ufunc(*map(np.array, numbers)))
    assert [v.data for v in items] == pytest.approx(expected.tolist(), rel=1e-14)


@pytest.mark.parametrize("name", [n for n in GIVEN if UFUNCS[n].nin == 2])
def test_a_value_beside_an_array_of_numbers_gives_values(name):
    ufunc, v = UFUNCS[name], Value(1.75)
    for numbers in (np.array([0.5, 2.5]), [0.5, 2.5], np.array([[3.0], [1.0]])):
        for x in ((v, numbers), (numbers, v)):
            result = ufunc(*x)
            assert result.shape == np.shape(numbers)
            assert all(type(item) is Value for item in result.ravel())
            plain = ufunc(*(1.75 if a is v else np.asarray(a) for a in x))
            assert [y.data for y in result.ravel()] == pytest.approx(plain.ravel().tolist())


x1, x2, x3 = (Value(x) for x in (1.5, -0.5, 3.0))
ROW, OTHER = np.array([x1, x2, x3]), np.array([2.0, 1.0, -1.0])
A = [1.5, -0.5, 3.0]
#: Functions of arrays.
OF_ROWS = {
    "mean": np.mean,
    "var": np.var,
    "std": np.std,
    "std of a sample": lambda a: np.std(a, ddof=1),
    "sum": np.sum,
    "prod": np.prod,
    "max": np.max,
    "median": np.median,
    "dot": lambda a: np.dot(a, OTHER),
    "dot of both": lambda a: np.dot(a, a),
    "matmul": lambda a: np.matmul(OTHER, a),
    "inner": lambda a: np.inner(a, OTHER),
    "norm": np.linalg.norm,
    "trapezoid": np.trapezoid,
    "average": lambda a: np.average(a, weights=[1, 2, 3]),
    "where": lambda a: np.where(OTHER > 0, a, a * 2).sum(),
    "clip": lambda a: np.clip(a, -1, 10).sum(),
    "clip of one": lambda a: np.clip(a[0], 0, 1),
    "clip without a bound": lambda a: np.clip(a[2], None, 1),
    "cumsum": lambda a: np.cumsum(a)[-1],
    "einsum": lambda a: np.einsum("i,i", a, OTHER),
    "polyval": lambda a: np.polyval(OTHER, a[1]),
    "outer": lambda a: np.multiply.outer(a[0], OTHER).sum(),
    "outer maximum": lambda a: np.maximum.outer(a[0], OTHER).sum(),
}


@pytest.mark.parametrize("name", OF_ROWS)
def test_functions_of_arrays_of_values_stay_in_the_graph(name):
    function = OF_ROWS[name]
    y = function(ROW)
    assert isinstance(y, Value)
    assert y.data == pytest.approx(function(np.array(A)), rel=1e-14)
    assert gradcheck(lambda *x: 1.0 * function(np.array(x)), A, tolerance=1e-5)


@pytest.mark.parametrize(
    "to_number",
    [
        np.float64,
        np.asarray,
        lambda v: np.array([v], dtype=float),
        lambda v: np.interp(v, [0, 1], [0, 2]),
        lambda v: np.round(v),
        lambda v: np.floor(np.array([v])),
        lambda v: np.full(2, v, dtype=float),
        lambda v: math.sin(v),
    ],
)
def test_a_value_becomes_no_number_of_numpy(to_number):
    try:
        result = to_number(Value(0.5))
    except TypeError:
        return
    assert result.dtype == object
    assert all(type(v) is Value for v in result.ravel())


def test_comparisons_with_numbers_of_numpy_are_those_of_values():
    v, w = Value(1.0), Value(1.0)
    assert np.float64(0.5) < v <= np.float64(1.0)
    assert v != np.float64(1.0)
    assert not np.equal(v, w)
    assert np.equal(v, v)
    assert (np.array([0.5, 1.5]) < v).tolist() == [True, False]
    assert (np.array([v, w]) < 2).dtype == bool
    assert v in [np.float64(2.0), v]
    assert {np.float64(1.0): "a"}.get(v) is None


def test_functions_that_numpy_does_not_know_take_values_too():
    v = Value(0.5)
    assert type(np.vectorize(lambda x: x * 2, otypes=[object])(v).item()) is Value
    assert type(np.frompyfunc(lambda x: x * 2, 1, 1)(v)) is Value
    special = pytest.importorskip("scipy.special")
    assert special.expit(v).op == v.sigmoid().op
    assert special.erf(v).op == v.erf().op
    with pytest.raises(TypeError):
        special.gamma(v)


# --- remainders

A_MOD_B = expr.remainder(expr.symbol("a"), expr.symbol("b"))
C = expr.symbol("c")


@pytest.mark.parametrize("x", [5.3, -5.3, 0.7, 1e10, -0.4])
@pytest.mark.parametrize("y", [2.0, -2.0, 0.3, 1e-3])
def test_the_remainder_is_that_of_python_with_slopes_1_and_minus_the_whole_quotient(x, y):
    a, b = Value(x), Value(y)
    z = a % b
    z.backward()
    assert (z.data, a.grad) == (x % y, 1.0)
    assert b.grad == pytest.approx(-(x // y), rel=1e-12)
    assert ((x % b).data, (a % y).data, f.remainder(x, y)) == (x % y, x % y, x % y)
    assert (np.float64(x) % b).data == (a % np.float64(y)).data == x % y


@pytest.mark.parametrize(
    ("x", "y"), [(5.0, 0.0), (0.0, 0.0), (math.inf, 2.0), (math.nan, 1.0), (-1.0, -0.0)]
)
def test_a_remainder_that_does_not_exist_is_nan(x, y):
    for z in (Value(x) % y, x % Value(y), Value(x) % Value(y), np.remainder(Value(x), y)):
        assert math.isnan(z.data)


@pytest.mark.parametrize(
    ("x", "text", "latex"),
    [
        (A_MOD_B * C, "(a mod b) * c", r"\left(a \bmod b\right) \, c"),
        (C - A_MOD_B, "c - a mod b", r"c - a \bmod b"),
        (-A_MOD_B, "-(a mod b)", r"-\left(a \bmod b\right)"),
        (expr.remainder(C + A_MOD_B, -2.0), "(c + a mod b) mod (-2)",
         r"\left(c + a \bmod b\right) \bmod \left(-2\right)"),
    ],
)  # fmt: skip
def test_a_remainder_stands_in_brackets_where_it_must(x, text, latex):
    assert expr.show(x, Mathematics()) == text
    assert expr.latex(x) == latex


def test_a_remainder_is_vectorised():
    program = vectorize(lambda x: x[0] % x[1], [5.3, 2.0])
    rows = [[5.3, 2.0], [-5.3, 2.0], [1.0, -0.3], [1.0, 0.0], [-1.0, math.inf]]
    with np.errstate(all="ignore"):
        expected = np.remainder(*np.array(rows).T)
    np.testing.assert_array_equal(program(rows), expected)
