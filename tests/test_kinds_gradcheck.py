"""Kinds of faults in what checks and explains slopes: tables of inputs, with what is right."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest
from gradcheck_table import count, rows

from tinygrad_edu import (
    MLP,
    GradientError,
    Primitive,
    Value,
    functions,
    grad,
    gradcheck,
    losses,
    primitive,
)
from tinygrad_edu.engine import primitives
from tinygrad_edu.namespace import floats
from tinygrad_edu.view import deltas, explain, worksheet
from tinygrad_edu.view.film.recorder import record

f = functions

# --- targets --------------------------------------------------------------------------------------

#: For each loss outputs, and a target as Python's numbers.
TARGETS = {
    "squared_error": ([0.5, 2.0], [1, 0]),
    "half_squared_error": ([0.5], 1),
    "mean_squared_error": ([0.5, -1.0, 2.0], [0, 1, 1]),
    "binary_cross_entropy": ([0.25], 1),
    "binary_cross_entropy_with_logits": ([0.5], 0),
    "cross_entropy": ([0.5, 1.0, 2.0], 1),
    "hinge": ([0.5], 1),
    "perceptron": ([0.5], 1),
}
ONE_OF_K = ("cross_entropy", ([0.5, 1.0, 2.0], [0, 0, 1]))
UNSIGNED = ("u1", "u2", "u4", "u8")
TYPES = [*UNSIGNED, "i1", "i8", "f2", "f4", "f8", "?"]

#: The same numbers as NumPy and pandas hold them.
FORMS = {
    **{f"array {t}": lambda y, t=t: np.array(y, dtype=t) for t in TYPES},
    "NumPy's own numbers": lambda y: nested(np.uint8, y),
    "NumPy's booleans": lambda y: nested(np.bool_, y),
    "booleans": lambda y: nested(bool, y),
    "fractions": lambda y: nested(Fraction, y),
    "an array of objects": lambda y: np.array(nested(np.uint16, y), dtype=object),
    "a row of a table": lambda y: pd.DataFrame({k: [a] for k, a in enumerate(row(y))}).iloc[0],
    "nullable booleans": lambda y: pd.Series(row(y), dtype="boolean"),
    "nullable unsigned": lambda y: pd.Series(row(y), dtype="UInt8"),
}


def row(y):
    return y if isinstance(y, list) else [y]


def nested(kind, y):
    return [kind(a) for a in y] if isinstance(y, list) else kind(y)


def of_loss(name, output, target):
    """The loss and its gradient."""
    z = [Value(o) for o in output]
    loss = losses.LOSSES[name](z if len(z) > 1 else z[0], target)
    loss.backward()
    return [loss.data, *[v.grad for v in z]]


@pytest.mark.parametrize("form", FORMS)
def test_targets_keep_no_type_of_numpy(form):
    assert [*TARGETS] == [*losses.RECORDS], "give a loss outputs and a target in TARGETS"
    for name, (output, target) in [*TARGETS.items(), ONE_OF_K]:
        assert of_loss(name, output, FORMS[form](target)) == of_loss(name, output, target), name


def test_targets_in_numpys_types_have_the_losses_of_their_numbers():
    assert of_loss("cross_entropy", [0.5, 1.0], np.array([0, 1], dtype="u1"))[0] == pytest.approx(
        0.4740769841801067, rel=1e-15
    )
    assert of_loss("perceptron", [0.5], np.uint8(1)) == [0.0, 0.0]
    negative = np.int8(-1)
    assert of_loss("hinge", [0.5], negative) == of_loss("hinge", [0.5], -1) == [1.5, 1.0]
    penalty = losses.l2([Value(3.0)], np.uint8(2))
    assert penalty.data == 18.0


@pytest.mark.parametrize("target", [np.uint8(1), np.array([1], "u1"), np.bool_(True), np.array(1)])
def test_views_read_targets_as_the_losses_do(target):
    model = MLP(2, [2, 1], "tanh", rng=0)
    shown = [str(deltas(model, [1.0, 2.0], y, loss="half_squared_error")) for y in (target, 1)]
    assert shown[0] == shown[1]


# --- kinks ----------------------------------------------------------------------------------------


def at(x, name="x"):
    return Value(x, name)


def abs3(m, x):
    return m.abs(x) * 3


own = primitive(lambda m, y, x: (m.where(x > 0, 3.0, -3.0),), lambda x: x == 0)(abs3)
KINK = "{} has no derivative at {}, a kink: {} below, {} above, by convention {} there"
JUMP = "{} has no derivative at {}, a jump: by convention {} there"

#: What a result says of its slopes, "" where they are derivatives.
CONVENTIONS = {
    "relu": (lambda: at(0.0).relu(), KINK.format("relu", "x = 0", 0, 1, 0)),
    "relu of -0": (lambda: at(-0.0).relu(), KINK.format("relu", "x = 0", 0, 1, 0)),
    "relu elsewhere": (lambda: at(1e-300).relu(), ""),
    "leaky_relu": (
        lambda: f.leaky_relu(at(0.0)),
        KINK.format("leaky_relu", "x = 0", 0.01, 1, 0.01),
    ),
    "no leak": (lambda: f.leaky_relu(at(0.0), 1.0), ""),
    "elu": (lambda: at(0.0).elu(2), KINK.format("elu", "x = 0", 2, 1, 2)),
    "smooth elu": (lambda: at(0.0).elu(), ""),
    "prelu": (lambda: f.prelu(at(0.0), at(0.5, "a")), KINK.format("prelu", "x = 0", 0.5, 1, 0.5)),
    "abs": (lambda: abs(at(0.0)), KINK.format("abs", "x = 0", -1, 1, 0)),
    "sign": (lambda: at(0.0).sign(), JUMP.format("sign", "x = 0", 0)),
    "step": (lambda: at(0.0).step(), JUMP.format("step", "x = 0", 0)),
    "max": (lambda: f.max(at(1.0), at(1.0, "y"), 0.5), KINK.format("max", "x = y = 1", 0, 1, 0.5)),
    "max, no tie": (lambda: f.max(at(1.0), 0.5, 0.5), ""),
    "one value twice": (lambda: f.maximum(*[at(1.0)] * 2), ""),
    "min": (lambda: f.min(at(1.0), 1), KINK.format("min", "x = 1", 1, 0, 0.5)),
    "maximum": (lambda: f.maximum(at(2.0), 2), KINK.format("maximum", "x = 2", 0, 1, 0.5)),
    "minimum": (lambda: f.minimum(3, at(3.0)), KINK.format("minimum", "x = 3", 1, 0, 0.5)),
    "hypot": (lambda: f.hypot(at(0.0), 0), KINK.format("hypot", "x = 0", -1, 1, "nan")),
    "hypot elsewhere": (lambda: f.hypot(at(0.0), 2), ""),
    "atan2": (lambda: f.atan2(at(0.0), -1), JUMP.format("atan2", "x = 0", -1)),
    "an own operation": (lambda: own(at(0.0)), KINK.format("abs3", "x = 0", -3, 3, -3)),
}


@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_kink_is_told_with_the_slope_that_is_taken_there(name):
    result, expected = CONVENTIONS[name]
    y = result()
    told = [line for line in str(explain(y)).split("\n") if "has no d" in line]
    assert told == [f"{expected}."] * (expected != "")
    if expected:
        film = [s for frame in record(y).frames for s in frame.sentences if "has no" in s]
        assert {*film} == {expected}  # at each operand
        assert expected in worksheet(y)._text()
        assert expected in str(explain(3 * y, wrt=y.parents[y.parents[0].kind == "constant"]))


def test_what_says_where_kinks_are_is_a_function():
    with pytest.raises(TypeError, match="a Primitive is made of a name and two functions"):
        Primitive("f", lambda m, x: x, lambda m, y, x: (1.0,), 3.0)
    assert own.bind().kink is own.kink


def test_the_corner_of_a_hinge_is_told():
    s = Value(1.0, "s")
    told = KINK.format("relu", "v2 = 0", 0, 1, 0)
    assert told in str(explain(losses.hinge(s, 1), wrt=s))


#: The constants of operations that have some.
CONSTANTS = {"leaky_relu": {"alpha": 0.5}, "elu": {"alpha": 0.5}, "power": {"c": 2.0}}
CONSTANTS |= {"clip": {"low": -1e5, "high": 1e5}}
NOT_OVER_NUMBERS = ("where", "cross_entropy", "softmax", "log_softmax")


@pytest.mark.parametrize("op", primitives.values(), ids=lambda p: p.name)
def test_a_record_has_a_kink_exactly_where_its_value_or_a_slope_jumps(op):
    if op.name in NOT_OVER_NUMBERS:  # a condition, a class number, a constant that is a number k
        assert op.kink is None
        return
    constants = CONSTANTS.get(op.name, {})
    op = op.bind(**constants) if constants else op
    operands = (op.value.__code__.co_argcount - 1 - len(constants)) or 2
    for x in product([-1.0, 0.0, 0.5, 1.0], repeat=operands):
        told = op.kink is not None and op.kink(*x, **op.constants)
        assert told == any(jumps(op, x, i) for i in range(operands)), x


def jumps(op, x, i):
    """Whether the two sides of operand i differ, as far as both have numbers, and no large ones."""
    sides = []
    for s in (-1e-9, 1e-9):
        beside = [a + s * (j == i) for j, a in enumerate(x)]
        y = op.value(floats, *beside, **op.constants)
        sides.append([y, *map(float, op.slopes(floats, y, *beside, **op.constants))])
    return any(1e3 > abs(a - b) > 1e-3 and abs(a) < 1e3 for a, b in zip(*sides, strict=True))


def repeated(operation, times):
    """x, and the operation on what came before, so often."""
    x = v = Value(0.5, "x")
    for _ in range(times):
        v = operation(v)
    return v, x


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (repeated(lambda v: v + v, 20), "1,048,576 paths of up to 20 links"),
        (repeated(lambda v: v * v, 12), "4,096 paths of up to 12 links"),
        (repeated(lambda v: f.dot([v], [v], v), 9), "19,683 paths of up to 9 links"),
        (repeated(f.sin, 9), "1 path of up to 9 links leads from x to y."),
        (repeated(lambda v: v * v + v, 1), "3 paths lead from x to y, those through the same "),
    ],
)
def test_paths_are_counted_edge_by_edge(made, expected):
    y, x = made
    assert str(explain(y, wrt=x)).startswith(expected)


# --- gradcheck ------------------------------------------------------------------------------------


def _hand(x):
    return -(1 - x.sigmoid()).log()


def made(value, slope):
    """An operation of one operand with this slope(m, y, x)."""
    return Primitive("made", value, lambda m, y, x: _tuple(slope(m, y, x)))


def _tuple(slope):
    return slope if isinstance(slope, tuple) else (slope,)


#: Right slopes at hard points: small operands, edges of a domain, kinks and poles near by, large
#: and small slopes, cancellation, waves that are short against the operand.
RIGHT = {
    "log at 0.01": (f.log, 0.01),
    "log at 1e-300": (f.log, 1e-300),
    "asin at 0.99": (f.asin, 0.99),
    "acos at 0.9999": (f.acos, 0.9999),
    "acos at 1 - 1e-9": (f.acos, 1 - 1e-9),
    "1/x at 0.01": (lambda x: 1 / x, 0.01),
    "root at 0.01": (lambda x: x**0.5, 0.01),
    "a high power": (lambda x: x**-160, 0.013),
    "exp at 700": (f.exp, 700.0),
    "exp at -700": (f.exp, -700.0),
    "nearly a tie": (f.maximum, [1.0, 1.00005]),
    "a tie 1e-12 away": (f.maximum, [1.0, 1.0 + 1e-12]),
    "relu at 1e-12": (f.relu, 1e-12),
    "abs at -1e-15": (abs, -1e-15),
    "tanh far from 0": (lambda x: (x - 100).tanh(), 100.0),
    "a small divisor": (lambda x, y: x / y, [1.0, 1e-4]),
    "operands of other sizes": (f.hypot, [1e4, 1e-4]),
    "a thousand waves": (f.sin, 1e4),
    "short waves": (lambda x: (x * 1e4).sin(), 1.0),
    "whole waves": (lambda x: (2 * math.pi * x).sin(), 1e4),
    "an own operation that cancels": (made(functions.gelu.value, functions.gelu.slopes), -8.0),
    "an own operation of floats": (
        made(lambda m, x: float(x) ** 3, lambda m, y, x: 3 * x * x),
        0.1,
    ),
    "a large sum taken off again": (lambda x: (x + 1e6) - 1e6, 1e-3),
    "a dot that cancels": (lambda x: f.dot([x, -1e8], [1e8, 1.0]), 1.0),
    "saturated, by hand": (_hand, 20.0),
    "gelu where it is rounding": (f.gelu, -8.0),
    "an extremum": (f.cos, 0.0),
    "a saddle": (lambda x: x**3, 0.0),
    "a bend that is hidden": (lambda x: (x * x).relu(), 0.0),
    "a refusal outside the domain": (lambda p: losses.binary_cross_entropy(p, 1), 1e-3),
    "second derivatives": (lambda x: grad(x.tanh(), x), 3.0),
    "nothing depends": (lambda x: Value(3.0), 1.0),
}


@pytest.mark.parametrize("name", RIGHT)
def test_gradcheck_accuses_no_right_slope(name):
    function, point = RIGHT[name]
    assert gradcheck(function, point) is True


#: Wrong slopes, most of them below the tolerance if that were absolute.
WRONG = {
    "sign of 1/x": (made(lambda m, x: m.divide(1.0, x), lambda m, y, x: y * y), 1e4),
    "0 for 1e-6": (made(lambda m, x: x * 1e-6, lambda m, y, x: 0.0), 1.0),
    "0 for tanh": (made(lambda m, x: m.tanh(x), lambda m, y, x: 0.0), 10.0),
    "twice exp": (made(lambda m, x: m.exp(x), lambda m, y, x: 2 * y), -15.0),
    "twice exp at -700": (made(lambda m, x: m.exp(x), lambda m, y, x: 2 * y), -700.0),
    "inf for exp": (made(lambda m, x: m.exp(x), lambda m, y, x: m.divide(1.0, 0.0)), 690.0),
    "nan": (made(lambda m, x: m.exp(x), lambda m, y, x: m.log(-1.0)), 1.0),
    "off by 1e-5": (made(lambda m, x: x * x, lambda m, y, x: 2.00002 * x), 3.0),
    "0 for gelu": (made(functions.gelu.value, lambda m, y, x: 0.0), -8.0),
    "half of a loser": (
        Primitive("max", f.maximum.value, lambda m, z, x, y: (0.5, 0.5)),
        [1.0, 1.1],
    ),
    "wrong inside": (
        lambda x: (made(lambda m, x: m.sin(x), lambda m, y, x: y)(x) * 1e-9).exp(),
        2.0,
    ),
    "one of three": (
        Primitive("p", lambda m, *x: x[0] * x[1] + x[2], lambda m, y, *x: (x[1], x[0], x[2])),
        [1e-3, 1e3, 2.0],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_gradcheck_passes_no_wrong_slope(name):
    function, point = WRONG[name]
    with pytest.raises(GradientError):
        gradcheck(function, point)


SIDES = "differences give {} below and {} above: this may be a kink"
NOWHERE = "differences do not converge: this may be a kink, a jump or the edge of the domain"

#: Points without a derivative, and what the error says: the sides, then what the record says.
NO_DERIVATIVE = {
    "relu": (f.relu, 0.0, SIDES.format(0.0, 1.0), KINK.format("relu", 0, 0, 1, 0)),
    "abs, though the middle agrees": (abs, 0.0, SIDES.format(-1.0, 1.0), "abs has no derivative"),
    "leaky": (f.leaky_relu, 0.0, SIDES.format(0.01, 1.0), "by convention 0.01 there"),
    "elu": (lambda x: x.elu(2), 0.0, "this may be a kink", "by convention 2 there"),
    "a tie": (f.maximum, [1.0, 1.0], SIDES.format(0.0, 1.0), KINK.format("maximum", 1, 0, 1, 0.5)),
    "three that tie": (lambda x: f.max(x, 2 * x, 3 * x), 0.0, SIDES.format(1.0, 3.0), "max has no"),
    "a hinge": (lambda s: losses.hinge(s, 1), 1.0, SIDES.format(-1.0, 0.0), "relu has no"),
    "step": (f.step, 0.0, NOWHERE, JUMP.format("step", 0, 0)),
    "sign": (f.sign, 0.0, NOWHERE, JUMP.format("sign", 0, 0)),
    "root": (f.sqrt, 0.0, "backward gives inf", NOWHERE),
    "the origin": (f.hypot, [0.0, 0.0], SIDES.format(-1.0, 1.0), "hypot has no derivative"),
    "a branch of one's own": (lambda x: x if x > 1 else 2 * x - 1, 1.0, SIDES.format(2.0, 1.0), ""),
    "a jump of one's own": (lambda x: x if x > 1 else 2 * x, 1.0, NOWHERE, ""),
    "outside": (f.sqrt, -1.0, "backward gives nan, differences give nan", ""),
}


@pytest.mark.parametrize("name", NO_DERIVATIVE)
def test_gradcheck_says_so_where_there_may_be_a_kink(name):
    function, point, *texts = NO_DERIVATIVE[name]
    with pytest.raises(GradientError) as caught:
        gradcheck(function, point)
    for text in texts:
        assert text in str(caught.value)


@pytest.mark.parametrize("most", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_no_false_alarm_and_no_false_pass_from_1e_4_to_1e4(most):
    alarms, let_through, right, wrong = count(most)
    assert (alarms, let_through) == ([], [])
    assert right > 50 * most
    assert wrong > 5 * right


def test_the_table_of_wrong_records_has_every_operation():
    assert {row.op.name for row in rows(9)} == {*primitives}
