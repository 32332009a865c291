"""Kinds of faults in numbers: what flows, how sums are added, what a function gives, edges."""

import builtins
import itertools
import json
import math
import random
from pathlib import Path

import pytest
from random_programs import OPERATIONS, make_steps, operands_of, run
from vectorized import by_source

from tinygrad_edu import functions as f
from tinygrad_edu import losses
from tinygrad_edu.engine import Primitive, Value, grad, gradients, primitives, toposort
from tinygrad_edu.namespace import floats, no_flow
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD, schedules
from tinygrad_edu.train import fit
from tinygrad_edu.vectorize import trace, vectorize
from tinygrad_edu.vectorize.plan import fuse_dots
from tinygrad_edu.view import explain

inf, nan = math.inf, math.nan


def bits(x):
    """A number as a text that tells signs of zero apart and knows one nan; numbers in a list."""
    return [bits(a) for a in x] if isinstance(x, (list, tuple)) else repr(float(x))


# --- sums -----------------------------------------------------------------------------------------


def compensated(numbers, start=0):
    """As Python's `sum` from 3.12 on (Neumaier 1974)."""
    total, lost = start, 0.0
    for x in numbers:
        if isinstance(total, float) and isinstance(x, float):
            new = total + x
            large, small = (total, x) if abs(total) >= abs(x) else (x, total)
            lost += (large - new) + small
            total = new
        else:
            total = total + x
    return total + lost if lost else total


def scalar_training():
    X = [[0.1 * k, 0.3 - 0.2 * k, 0.7] for k in range(6)]
    model = MLP(3, [5, 2], "tanh", rng=1)
    optimizer = SGD(model.parameters(), lr=0.3)
    options = {"loss": "cross_entropy", "optimizer": optimizer, "engine": "scalar", "rng": 0}
    history = fit(model, X, [0, 1] * 3, epochs=3, batch_size=6, progress=False, **options)
    return [*history.loss, *(p.data for p in model.parameters())]


X, TENTHS = Value(1.0), [Value(0.1) for _ in range(10)]
SPREAD = [Value(1e16), Value(1.0), Value(-1e16)]
#: The right number is that of additions from left to right, from 0.0 on; None: any, if the same.
SUMS = {
    "sum": (lambda: f.sum(*SPREAD).data, 0.0),
    "sum of tenths": (lambda: f.sum(TENTHS).data, 0.9999999999999999),
    "sum of plain numbers": (lambda: f.sum([0.1] * 10), 0.9999999999999999),
    "mean": (lambda: f.mean(TENTHS).data, 0.09999999999999999),
    "dot": (lambda: f.dot([0.1, 0.2, -0.3], [X, X, X]).data, 5.551115123125783e-17),
    "dot and bias": (lambda: f.dot(SPREAD, [X, X, X], Value(1.0)).data, 0.0),
    "logsumexp": (lambda: f.logsumexp([Value(0.1 * k) for k in range(9)]).data, None),
    "softmax": (lambda: [p.data for p in f.softmax([Value(0.3 * k) for k in range(7)])], None),
    "sum of zeros": (lambda: f.sum(Value(-0.0), Value(-0.0)).data, 0.0),
    "ties": (lambda: f.max([Value(1.0)] * 3).local_derivatives(), [1 / 3] * 3),
    "gradients that meet": (lambda: grad(f.dot([X] * 3, SPREAD), X).data, 0.0),
    "penalty": (lambda: losses.l2(TENTHS, 1.0).data, None),
    "error": (lambda: losses.squared_error([v * 1e8 for v in SPREAD], [0.0] * 3).data, None),
    "training": (scalar_training, None),
}


@pytest.mark.parametrize("case", SUMS)
def test_a_sum_is_added_from_left_to_right_on_every_version_of_python(case, monkeypatch):
    compute, expected = SUMS[case]
    here = bits(compute())
    monkeypatch.setattr(builtins, "sum", compensated)
    monkeypatch.setattr(math, "fsum", lambda x: nan)
    monkeypatch.setattr(math, "sumprod", lambda p, q: nan, raising=False)
    assert builtins.sum([1e16, 1.0, -1e16], 0.0) == 1.0
    assert bits(compute()) == here
    assert expected is None or here == bits(expected)


# --- results --------------------------------------------------------------------------------------


def positive_part(v):
    return f.where(v > 0, v * v, 0.0)


A_NUMBER_WINS = {
    "where": (lambda v: f.where(v > 0, v, 0.0), -2.0, 0.0),
    "where, from there on": (lambda v: f.where(v > 0, v, 4.0).sqrt(), -2.0, 2.0),
    "the other side": (lambda v: f.where(v < 1, 7, v.cos()), -2.0, 7.0),
    "a function's own where": (positive_part, -1.0, 0.0),
    "a condition that is a Value": (lambda v: f.where(f.step(v), v, 1), -1.0, 1.0),
    "maximum": (lambda v: f.maximum(1.0, v), 0.5, 1.0),
    "minimum": (lambda v: f.minimum(v, 1.0), 2.5, 1.0),
    "max": (lambda v: f.max(v, 1, 3), 0.5, 3.0),
    "min": (lambda v: f.min([v, 1, 3]), 2.5, 1.0),
    "pow": (lambda v: f.pow(v, 0), 2.5, 1.0),
    "pow of a number": (lambda v: f.pow(1, v), 2.5, 1.0),
    "prod": (lambda v: f.prod(0.0, v), 2.5, 0.0),
    "dot": (lambda v: f.dot([0.0], [v]), 2.5, 0.0),
    "where in where": (lambda v: f.where(v > 0, v, f.where(v > -9, True, v)), -1.0, 1.0),
}


@pytest.mark.parametrize("case", A_NUMBER_WINS)
def test_a_function_of_a_value_gives_a_value_also_where_a_number_wins(case):
    function, x, expected = A_NUMBER_WINS[case]
    v = Value(x)
    y = function(v)
    assert isinstance(y, Value)
    assert y.data == expected
    y.backward()
    assert v.grad == grad(y, v).data == 0.0


# --- where nothing flows --------------------------------------------------------------------------

#: A function, the point, and its derivative there, which no infinite slope further up disturbs.
STOPPED = {
    "root that is not chosen": (lambda x: f.where(f.step(x), x, 0.0).sqrt(), -1.0, 0.0),
    "quotient of what is not chosen": (lambda x: 1 / f.where(f.step(x), x, 0.0), -2.0, 0.0),
    "root that loses": (lambda x: f.maximum(x.sqrt(), 1.0), 0.0, 0.0),
    "root that chooses": (lambda x: f.where(f.step(x.sqrt() - 1), x, 2 * x), 0.0, 2.0),
    "log below a dead relu": (lambda x: x.log().relu(), 0.0, 0.0),
    "root below a step": (lambda x: f.step(x.sqrt()) * x, 0.0, 0.0),
    "root below a sign": (lambda x: f.sign(x.sqrt()) + 3 * x, 0.0, 3.0),
    "log to the power 0": (lambda x: x.log() ** 0 + x, 0.0, 1.0),
    "log to the power 0, both Values": (lambda x: f.pow(x.log(), Value(0.0)) + x, 0.0, 1.0),
    "slope of a prelu that is not used": (lambda x: f.prelu(Value(2.0), x.sqrt()) + x, 0.0, 1.0),
    "log two stops further up": (lambda x: (x.log().relu() + 1).exp().relu(), 0.0, 0.0),
    "chain behind a stop": (lambda x: (x.sqrt().sqrt() * 2 - 1).relu(), 0.0, 0.0),
    "stopped on one way, open on the other": (lambda x: f.max(x.log(), x, 0.5 * x + 1), 0.0, 0.5),
    "a tie of two, and a loser": (lambda x: f.min(x.log().exp() + 1, x, 3 * x), 0.0, 2.0),
    "inf - inf behind a stop": (lambda x: f.where(x < 0, (1 / x) - (1 / x), x), 0.0, 1.0),
    "dot behind a stop": (lambda x: f.dot([x, x], [Value(inf), -1.0]).relu() + x, -1.0, 1.0),
    "softmax behind a stop": (lambda x: f.minimum(f.softmax([x.sqrt(), x])[0], -1.0) + x, 0.0, 1.0),
    "an operation of one's own": (lambda x: half_open(x.log()) + x, 0.0, 1.0),
    "hinge of a saturated unit": (lambda x: losses.hinge(x.log() * -inf, 1) + x, 0.0, 1.0),
}
half_open = Primitive(
    "half_open",
    lambda m, x: m.where(x > 0, x * x, 0.0),
    lambda m, y, x: (2 * m.where(x > 0, x, no_flow),),
)


def first_and_second(function, point):
    """The derivative by `backward` and by `grad`, and the second one by both from the first."""
    x = Value(point)
    y = function(x)
    y.backward()
    by_backward, first = x.grad, grad(y, x)
    x.grad = 0.0
    first.backward()
    return (by_backward, x.grad), (first.data, grad(first, x).data)


@pytest.mark.parametrize("case", STOPPED)
def test_where_nothing_flows_nothing_flows(case):
    function, point, expected = STOPPED[case]
    by_backward, by_grad = first_and_second(function, point)
    assert bits(by_backward[0]) == bits(by_grad[0]) == bits(expected)
    assert bits(by_backward[1]) == bits(by_grad[1])
    x = Value(point)
    y = function(x)
    assert gradients(y)[x] == expected
    told = explain(y, x)
    assert told.value == expected
    assert "differs" not in str(told)


def test_what_nothing_flows_to_was_reached_and_is_not_visited():
    def slopes(m, y, x):
        raise AssertionError("asked for the slopes of a node that nothing flows to")

    x, b = Value(2.0), Value(-5.0)
    hidden = Primitive("unasked", lambda m, x: x, slopes)(x)
    y = (hidden + b).relu()
    y.backward()
    assert [(v.grad, v.reached) for v in (x, b, hidden)] == [(0.0, True)] * 3
    assert bits([x.grad, b.grad]) == ["0.0", "0.0"]
    assert gradients(y)[hidden] is no_flow
    assert [v.data for v in grad(y, [x, b, hidden])] == [0.0] * 3
    (-0.0 * b).backward()
    (3 * x).backward()
    assert bits([x.grad, b.grad]) == ["3.0", "-0.0"]


# --- all targets ----------------------------------------------------------------------------------


def by_program(program, x, parameters):
    """Value and gradient of an array program for one example, and those of its printed source.

    A program adds up examples from 0, which makes a -0.0 a 0.0.
    """
    if not program.parameters:
        return []
    program._checked = True  # the comparison with scalars is what is tested here
    found = []
    for loss, gradient in (program.value_and_grad([x]), by_source(program, [x])):
        by = dict(zip(program.parameters, gradient, strict=True))
        found.append((loss, [0.0 + by.get(p, 0.0) for p in parameters]))
    return found


GRID = [0.0, -0.0, 1.0, -2.0, inf, -inf, nan]
CONSTANTS = {
    "power": [{"c": 0.0}, {"c": 2.0}],
    "leaky_relu": [{"alpha": 0.25}],
    "elu": [{"alpha": 1.0}],
    "clip": [{"low": -1.0, "high": 1.0}],
    "softmax": [{"k": 1}],
    "log_softmax": [{"k": 1}],
}


def records():
    """Every record, its constants bound, with its number of operands here."""
    for record in primitives.values():
        for constants in CONSTANTS.get(record.name, [{}]):
            bound = record.bind(**constants) if constants else record
            yield bound, operands_of(bound)


def points_of(record, n):
    points = itertools.product(GRID, repeat=n)
    return [p for p in points if record.name != "cross_entropy" or p[0] in (0.0, 1.0)]


def where_it_stops():
    """A record, a point and the number of the operand to which nothing flows; a few of each."""
    found = {}
    for record, n in records():
        for point in points_of(record, n):
            slopes = record.slopes(floats, record(*point), *point, **record.constants)
            for i, slope in enumerate(slopes):
                if slope is no_flow:
                    found.setdefault((record, i), []).append(point)
    return {
        f"{record.name} {point} at operand {i}": (record, point, i)
        for (record, i), points in found.items()
        for point in points[:: 1 + len(points) // 4]
    }


STOPS = where_it_stops()


def test_the_records_that_stop_are_all_there():
    names = {record.name for record, _, _ in STOPS.values()}
    assert names == {
        *("power", "pow", "relu", "sign", "step", "clip", "prelu", "maximum", "minimum", "where"),
        *("max", "min", "cross_entropy"),
    }


@pytest.mark.parametrize("case", STOPS)
def test_an_infinite_slope_behind_a_stop_passes_nothing_on_in_any_target(case):
    record, point, i = STOPS[case]
    w = Value(0.0)
    operands = [Value(x) for x in point]
    others = operands[:i] + operands[i + 1 :]

    def function(x):
        steep = f.sqrt(w + x)  # 0, with the slope inf
        return record(*operands[:i], operands[i] + steep, *operands[i + 1 :])

    y = function(Value(0.0))
    y.backward()
    assert bits(w.grad) == "0.0"
    assert bits([v.data for v in grad(y, [w, *others])]) == bits([v.grad for v in (w, *others)])
    expected = bits([0.0 + v.grad for v in (w, *others)])
    for loss, gradient in by_program(vectorize(function, 0.0), 0.0, [w, *others]):
        assert bits(0.0 + loss) == bits(0.0 + y.data)
        assert bits(gradient) == expected


@pytest.mark.parametrize(("record", "n"), [*records()], ids=lambda x: getattr(x, "name", ""))
def test_signs_of_zero_are_those_of_the_scalar_engine(record, n):
    numbers = [0.0, -0.0, 1.0, -1.0] + ([inf, -inf] if n < 3 else [])
    points = list(itertools.product(numbers, repeat=n))
    if record.name == "cross_entropy":
        points = [p for p in points if p[0] in (0.0, 1.0)]
    first = [2.0 - 0.5 * k for k in range(n)] if record.name != "cross_entropy" else [1.0, 0.5, 2.0]
    program = vectorize(lambda *x: record(*x), *first)
    found = program(*zip(*points, strict=True)).tolist()
    for point, y in zip(points, found, strict=True):
        expected = record(*map(Value, point)).data
        if expected == 0 or y == 0:
            assert bits(y) == bits(expected), point


ZEROS = {
    "relu": (lambda x, y: f.relu(x), -0.0, 1.0),
    "relu of a dot": (lambda x, y: f.relu(f.dot([x], [y])), -0.0, 1.0),
    "maximum": (f.maximum, 0.0, -0.0),
    "maximum the other way": (f.maximum, -0.0, 0.0),
    "minimum": (f.minimum, 0.0, -0.0),
    "max of three": (lambda x, y: f.max(y, x, -1.0), 0.0, -0.0),
    "min in another order": (lambda x, y: f.min([y + 1, x, y]), 0.0, -0.0),
    "quotient of a relu": (lambda x, y: y / f.relu(x), -0.0, 1.0),
    "quotient of a maximum": (lambda x, y: 1 / f.maximum(x, y), -0.0, 0.0),
    "plus 0": (lambda x, y: 1 / (x + 0.0), -0.0, 1.0),
    "0 plus": (lambda x, y: 1 / sum([x]), -0.0, 1.0),
    "0 minus": (lambda x, y: 1 / (0.0 - x), 0.0, 1.0),
    "minus -0": (lambda x, y: 1 / (x - -0.0), -0.0, 1.0),
    "two constants": (lambda x, y: f.hypot(1 / (x * 0.0), 1.0) + 1 / (x * -0.0), 1.0, 1.0),
    "sum of one": (lambda x, y: 1 / f.sum([x]), -0.0, 1.0),
    "mean of two": (lambda x, y: 1 / f.mean(x, x), -0.0, 1.0),
    "bias of -0": (lambda x, y: 1 / f.dot([x], [y], -0.0), -0.0, 1.0),
    "minus a difference": (lambda x, y: 1 / turned(x, y), 1.0, 1.0),
    "a where that is nearly a relu": (lambda x, y: 1 / nearly_relu(x), -1.0, 1.0),
}
turned = Primitive("turned", lambda m, x, y: -(x - y), lambda m, z, x, y: (-1.0, 1.0))
nearly_relu = Primitive(
    "nearly_relu",
    lambda m, x: m.where(x < 0, -0.0, x),
    lambda m, y, x: (m.where(x < 0, no_flow, 1.0),),
)


@pytest.mark.parametrize("case", ZEROS)
def test_a_program_keeps_the_signs_of_zero(case):
    function, x, y = ZEROS[case]
    expected = bits(function(Value(x), Value(y)).data)
    program = vectorize(function, 0.75, 0.5)
    assert bits(program([x], [y]).tolist()) == [expected]
    assert bits(program([x] * 2500, [y] * 2500)[-1]) == expected


# --- random programs ------------------------------------------------------------------------------

HUGE, TINY = 2.0**600, 2.0**-600  # powers of 2: a product in another order has the same bits
EDGES = [0.0, -0.0, inf, -inf, nan, HUGE, -HUGE, TINY, -TINY, 1.0, -1.0, 2.0, 0.5]
#: What C libraries, NumPy and IEEE 754 give to the last bit. Sums of products are left out, which
#: the BLAS fuses, orders anew and cuts short at 0; so are thirds. For readers the source has
#: np.maximum and whole numbers, which do not keep the signs of zeros.
ROUNDED_ALIKE = [
    *("x + y", "2 + x", "x - y", "1 - x", "x * y", "x * x", "x / y", "-x", "x**0", "x**2"),
    *("sqrt", "log", "abs", "relu", "sign", "step", "prelu", "where", "maximum", "minimum"),
    *("max", "min", "sum", "prod"),
]


def edge_program(rng, *options, twice=True):
    """A program of three inputs at the edges."""
    steps = make_steps(rng.choice, *options, twice=twice)
    return (steps, None), [rng.choice(EDGES) for _ in range(3)]


def check_scalar_targets(seed):
    program, inputs = edge_program(random.Random(seed), list(OPERATIONS), 3, 10)
    x = [Value(a) for a in inputs]
    y = run(program, x)
    y.backward()
    first = grad(y, x)
    assert bits([v.grad for v in x]) == bits([g.data for g in first]), (program, inputs)
    if sum(len(toposort(g)) for g in first) < 100:
        for g in first:
            found = gradients(g)
            second = [0.0 + found.get(v, 0.0) for v in x]
            assert bits(second) == bits([0.0 + v.data for v in grad(g, x)]), (program, inputs)


def check_array_targets(seed):
    program, inputs = edge_program(random.Random(seed), ROUNDED_ALIKE, 3, 7, twice=False)
    p = [Value(a) for a in inputs[1:]]

    def function(x):
        return run(program, [x, *p])

    y = function(Value(inputs[0]))
    y.backward()
    expected = bits([0.0 + v.grad for v in p])
    tape = trace.record(trace.run(function, [inputs[0]]), [inputs[0]]).tape
    fused = primitives["dot"] in fuse_dots(tape).records
    if fused or any(1 / 3 in v.local_derivatives() for v in toposort(y)):
        return
    arrays = vectorize(function, inputs[0])
    arrays._checked = True
    assert bits(arrays([inputs[0]])[0]) == bits(y.data), (program, inputs)
    whole = {"relu", "maximum", "minimum", "sign", "step"}.intersection(n for n, _ in program[0])
    for loss, gradient in by_program(arrays, inputs[0], p)[: 1 if whole else 2]:
        assert bits(0.0 + loss) == bits(0.0 + y.data), (program, inputs)
        assert bits(gradient) == expected, (program, inputs)


DIFFERENTIAL = {"scalar targets": check_scalar_targets, "array targets": check_array_targets}


@pytest.mark.parametrize(
    "seeds", [range(30), pytest.param(range(30, 6000), marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("check", DIFFERENTIAL.values(), ids=DIFFERENTIAL)
def test_random_programs_at_the_edges_have_the_same_bits_in_all_targets(check, seeds):
    for seed in seeds:
        check(seed)


# --- single edges ---------------------------------------------------------------------------------


def rows_of_second_derivatives():
    table = json.loads((Path(__file__).parent / "edge_table" / "second.json").read_text("utf-8"))
    rows = {}
    for operation, *numbers in table["rows"]:
        rows.setdefault(operation, []).append([[float(x) for x in row] for row in numbers])
    return rows


SECOND = rows_of_second_derivatives()


def bump(x):
    """The slope y (1 - y) of a sigmoid, in which digits cancel near 1."""
    return floats.sigmoid(x) * (1 - floats.sigmoid(x))


#: PyTorch's softplus is x itself from 20 on, its log_sigmoid cancels digits on the other side than
#: ours, where exp(-x) is small; x / (x^2 + 1)^(3/2) rounds to 0.
ROUNDED = {
    ("softplus", 20.0): bump(20.0),
    **{("log_sigmoid", x): -bump(-x) for x in (20.0, -20.0, 40.0, -40.0)},
    ("asinh", 5e-324): -0.0,
    ("asinh", -5e-324): 0.0,
}
CALLS = {
    "neg": lambda z: -z[0],
    "clip": lambda z: f.clip(z[0], -1.0, 2.0),
    "elu_2": lambda z: z[0].elu(2.0),
    "mse": lambda z: losses.mean_squared_error(z, [0.5] * len(z)),
    "cross_entropy": lambda z: losses.cross_entropy(z, 0),
    **{f"pow_{c:g}": lambda z, c=c: z[0] ** c for c in (0.0, 1.0, 2.0, 3.0, -1.0)},
}


def agree(ours, theirs):
    pairs = zip(ours, theirs, strict=True)
    return all(bits(a) == bits(b) or abs(a - b) <= 1e-12 * abs(b) for a, b in pairs)


@pytest.mark.parametrize("operation", SECOND)
def test_first_and_second_derivatives_at_the_edges_are_those_of_pytorch_on_both_engines(operation):
    function = CALLS.get(operation) or (lambda z: getattr(f, operation)(z[0]))
    programs = {}
    for inputs, first, second in SECOND[operation]:
        z = [Value(x) for x in inputs]
        found = grad(function(z), z)
        assert agree([g.data for g in found], first), inputs
        second = [ROUNDED.get((operation, inputs[0]), x) for x in second]
        assert agree([grad(g, v).data for g, v in zip(found, z, strict=True)], second), inputs
        if len(z) not in programs:
            p = [Value(0.25 * k + 0.5) for k in range(len(z))]
            of = lambda x, p=p: function([v * x for v in p])  # noqa: E731
            programs[len(z)] = vectorize(of, 1.0), p
        program, p = programs[len(z)]
        for v, x in zip(p, inputs, strict=True):
            v.data = x
        assert agree(program.value_and_grad([1.0])[1], first), inputs


mse = losses.mean_squared_error
OVERFLOWS = {
    "two errors": (lambda z: mse(z, [0.5, 0.5]), [1e308, 0.0], [1e308, -0.5]),
    "of both signs": (
        lambda z: mse(z, [0, 0]),
        [1e308, -1e308],
        [1e308, -1e308],
    ),
    "four": (lambda z: mse(z, [0] * 4), [1e308] * 4, [5e307] * 4),
    "mean of losses": (
        lambda z: f.mean([mse([v, 0.0], [0, 0]) for v in z]),
        [1e308, -1e308],
        [5e307, -5e307],
    ),
    "one error, of which twice is too large": (
        lambda z: mse(z, [0.0]),
        [1e308],
        [inf],
    ),
}


@pytest.mark.parametrize("case", OVERFLOWS)
def test_the_mean_squared_error_overflows_only_where_its_derivative_does(case):
    function, outputs, expected = OVERFLOWS[case]
    z = [Value(x) for x in outputs]
    function(z).backward()
    assert [v.grad for v in z] == expected
    program = vectorize(lambda x: function([v * x for v in z]), 1.0)
    assert program.value_and_grad([1.0])[1].tolist() == expected


RATES = {
    "growth": (schedules.exponential_decay(1e-3, 1.01), 100_000, inf),
    "decay": (schedules.exponential_decay(1e-3, 0.99), 10**6, 0.0),
    "constant": (schedules.exponential_decay(1e-3, 1.0), 10**9, 1e-3),
    "steps that grow": (schedules.step_decay(1.0, 2, 10.0), 10**4, inf),
    "steps that shrink": (schedules.step_decay(1.0, 2, 0.1), 10**4, 0.0),
    "a large factor": (schedules.exponential_decay(1.0, 1e300), 2, inf),
}


@pytest.mark.parametrize("case", RATES)
def test_a_schedule_that_overflows_gives_inf(case):
    schedule, k, expected = RATES[case]
    assert schedule(k) == expected
