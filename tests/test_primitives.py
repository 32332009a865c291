"""The contract of every primitive: slopes are the derivatives of the value, in each namespace."""

import math
from functools import partial
from itertools import pairwise, product

import numpy as np
import pytest

from tinygrad_edu import functions
from tinygrad_edu.engine import Primitive, Value, grad, primitives
from tinygrad_edu.namespace import floats, no_flow
from tinygrad_edu.vectorize import arrays

Point = tuple[float, ...]
Samples = list[tuple[dict[str, float], list[Point]]]

ONE = [(0.3,), (-0.7,), (1.2,), (-2.1,)]
POSITIVE = [(0.3,), (0.8,), (2.5,)]
INSIDE_1 = [(0.3,), (-0.6,), (0.9,)]
TWO = [(0.4, 1.3), (-1.7, 0.6), (2.2, -0.9), (-0.5, -0.8)]
THREE = [(0.4, 1.3, -0.7), (2.1, -0.3, 0.9), (-1.2, -0.5, 2.0)]
SPREAD = [(0.4, 1.3, -0.2), (0.9, 0.1, 0.5), (-1.2, -0.8, -2.0)]

# Points, with the constants of the operation, at which no derivative is small and none jumps: those
# for any operation of one, two or many operands, and what it takes for others.
USUAL = {2: ONE, 3: TWO, 1: THREE}  # by the number of named arguments, m included
SAMPLES = {
    p.name: [({}, USUAL.get(p.value.__code__.co_argcount, []))] for p in primitives.values()
} | {
    "power": [
        *[({"c": float(c)}, ONE) for c in (1, 2, 3, -1, -2)],
        *[({"c": c}, POSITIVE) for c in (0.5, 1.5, -0.5, math.pi)],
    ],
    "pow": [({}, [(0.4, 1.3), (1.7, -0.6), (2.2, 3.0), (0.2, 2.0)])],
    **{key: [({}, POSITIVE)] for key in ["log", "log2", "log10", "sqrt"]},
    **{key: [({}, INSIDE_1)] for key in ["asin", "acos", "atanh"]},
    **{key: [({}, [(0.3,), (-0.7,), (1.2,)])] for key in ["erf", "tan"]},
    **{key: [({}, SPREAD)] for key in ["logsumexp", "var", "std"]},
    **{key: [({"k": k}, SPREAD) for k in range(3)] for key in ["softmax", "log_softmax"]},
    "acosh": [({}, [(1.3,), (2.5,), (4.0,)])],
    "log1p": [({}, [(-0.6,), (0.4,), (3.0,)])],
    "leaky_relu": [({"alpha": 0.2}, ONE), ({"alpha": -3.0}, ONE)],
    "prelu": [({}, [(0.4, 0.3), (-1.7, 0.3), (-0.5, -2.0)])],
    "elu": [({"alpha": 1.0}, ONE), ({"alpha": 0.4}, ONE)],
    "gelu": [({}, [(0.3,), (-0.2,), (1.2,), (-2.1,)])],
    "silu": [({}, [(0.3,), (-0.7,), (1.2,), (-2.6,)])],
    "where": [({}, [(1.0, 0.4, 1.3), (0.0, 0.4, 1.3), (-2.0, 3.0, -1.0)])],
    "remainder": [({}, [(5.3, 2.1), (-5.3, 2.1), (5.3, -2.1), (0.7, 0.3)])],
    "clip": [({"low": -1.0, "high": 2.0}, [(0.5,), (1.9,), (-0.9,)])],
    "cross_entropy": [({}, [(0.0, 0.4, 1.3, -0.2), (1.0, 0.9, 0.1, 0.5), (2.0, -1.2, -0.8, -1.5)])],
    "binary_cross_entropy": [({}, [(0.3, 1.0), (0.8, 0.0), (0.4, 0.7), (0.2, 0.25)])],
    # its value chooses a branch by the target: as a graph it is right inside
    "binary_cross_entropy_with_logits": [({}, [(0.3, 0.9), (-1.8, 0.1), (1.4, 0.7)])],
    "dot": [({}, [(0.4, 1.3, -0.7, 0.8), (0.4, 1.3, -0.7, 0.8, -2.0), (3.0, -0.5)])],
}

#: Operations that are flat wherever they have a derivative, by the position of the operand.
FLAT = {("sign", 0), ("step", 0), ("where", 0)}
# Operands that are class numbers: the operation is not defined between them.
CLASS_NUMBERS = {("cross_entropy", 0)}


def derivative(f, x):
    """Central differences, extrapolated to width 0 (Richardson 1911): exact to about 1e-10."""
    h = 0.01 * max(1.0, abs(x))
    column = [(f(x + w) - f(x - w)) / (2 * w) for w in (h, h / 2, h / 4, h / 8)]
    for k in (4, 16, 64):
        column = [(k * fine - coarse) / (k - 1) for coarse, fine in pairwise(column)]
    return column[0]


def partial_derivative(f, point, i):
    return derivative(lambda x: f((*point[:i], x, *point[i + 1 :])), point[i])


def cases(primitive, samples):
    for constants, points in samples:
        yield primitive.bind(**constants) if constants else primitive, points


def evaluate(primitive, x):
    return primitive.value(floats, *x, **primitive.constants)


def slopes(primitive, x):
    y = evaluate(primitive, x)
    return tuple(primitive.slopes(floats, y, *x, **primitive.constants))


def slope(primitive, i, x):
    return slopes(primitive, x)[i]


def check_slopes(primitive, samples):
    """The slopes are the derivatives of the value, at points where these are not small."""
    largest = {}
    for operation, points in cases(primitive, samples):
        for point in points:
            found = slopes(operation, point)
            assert len(found) == len(point)
            for i, dy in enumerate(found):
                if (primitive.name, i) in CLASS_NUMBERS:
                    assert dy is no_flow
                    continue
                expected = partial_derivative(partial(evaluate, operation), point, i)
                assert dy == pytest.approx(expected, rel=1e-8, abs=1e-9), (operation, point, i)
                largest[i] = max(largest.get(i, 0.0), abs(expected))
    small = {i for i, size in largest.items() if size < 0.1 and (primitive.name, i) not in FLAT}
    assert not small, f"every sample point of {primitive} has a small derivative by operand {small}"


def check_second_slopes(primitive, samples):
    """grad of grad, which runs the slopes on Values, is the derivative of the slopes."""
    for operation, points in cases(primitive, samples):
        for point in points:
            x = [Value(number) for number in point]
            first = grad(operation(*x), x)
            for i, dy in enumerate(first):
                assert dy.data == pytest.approx(slopes(operation, point)[i], rel=1e-14, abs=1e-15)
                second = grad(dy, x)
                for j, ddy in enumerate(second):
                    if (primitive.name, j) in CLASS_NUMBERS:
                        continue
                    expected = partial_derivative(partial(slope, operation, i), point, j)
                    place = (operation, point, i, j)
                    assert ddy.data == pytest.approx(expected, rel=1e-7, abs=1e-8), place


def check_graph_of_the_value(primitive, samples):
    """The value, run on Values, is a graph with the same number and the same derivatives."""
    for operation, points in cases(primitive, samples):
        for point in points:
            x = [Value(number) for number in point]
            y = operation.value(functions, *x, **operation.constants)
            assert (y.data if isinstance(y, Value) else y) == evaluate(operation, point)
            if isinstance(y, Value):
                y.backward()
            assert [v.grad for v in x] == pytest.approx(
                slopes(operation, point), rel=1e-13, abs=1e-15
            )


EDGES = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 20.0, -20.0]
EDGES += [709.0, 710.0, -745.0, 1000.0, -1000.0]
EDGES += [1e200, -1e200, 1e-200, 5e-324, -5e-324, 1.7976931348623157e308, -1.7976931348623157e308]
EDGES += [math.inf, -math.inf, math.nan]
FEWER = [0.0, -0.0, 1.0, -1.0, 2.0, -1000.0, 1e200, math.inf, -math.inf, math.nan]


def edge_points(operands):
    edges = {1: EDGES, 2: EDGES, 3: FEWER}.get(operands, FEWER[::2])
    return list(product(edges, repeat=operands))


def check_namespaces(primitive, samples):
    """Arrays of many points give what floats give for each of them, at the edges too."""
    for operation, points in cases(primitive, samples):
        for operands in {len(point) for point in points}:
            batch = [p for p in points if len(p) == operands] + edge_points(operands)
            y = [evaluate(operation, x) for x in batch]
            expected = [
                operation.slopes(floats, z, *x, **operation.constants)
                for z, x in zip(y, batch, strict=True)
            ]
            columns = [np.array(column) for column in zip(*batch, strict=True)]
            with np.errstate(all="ignore"):  # the operators of the record itself
                value = operation.value(arrays, *columns, **operation.constants)
                found = operation.slopes(arrays, np.array(y), *columns, **operation.constants)
            assert_same(operation, batch, value, y)
            for i, array in enumerate(found):
                assert_same(operation, batch, array, [float(s[i]) for s in expected])


def assert_same(operation, batch, array, y):
    a = np.broadcast_to(np.asarray(array, dtype=float), (len(batch),))
    b = np.array(y)
    # NumPy's exp, log, sin, ... may differ from the C library's in the last bits.
    close = np.isclose(a, b, rtol=4e-15, atol=0, equal_nan=True)
    zeros = (a != 0) | (b != 0) | (np.signbit(a) == np.signbit(b))
    wrong = [(x, p, q) for x, p, q, ok in zip(batch, a, b, close & zeros, strict=True) if not ok]
    assert not wrong, (
        f"{operation} at {wrong[0][0]}: arrays {wrong[0][1]!r}, floats {wrong[0][2]!r}"
    )


CHECKS = [check_slopes, check_second_slopes, check_graph_of_the_value, check_namespaces]


@pytest.mark.parametrize("check", CHECKS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("primitive", primitives.values(), ids=lambda p: p.name)
def test_every_primitive_keeps_the_contract(primitive, check):
    assert SAMPLES[primitive.name][0][1], f"give sample points for {primitive.name} in SAMPLES"
    check(primitive, SAMPLES[primitive.name])


def test_the_names_of_the_primitives_are_distinct():
    assert [p.name for p in primitives.values()] == list(primitives) == list(SAMPLES)


def test_the_namespaces_of_arrays_and_of_values_have_the_functions_of_that_of_floats():
    assert set(floats.__all__) == set(arrays.__all__)
    assert set(floats.__all__) <= set(functions.__all__)


@pytest.mark.filterwarnings("error")
def test_no_function_on_arrays_warns():
    x, y = (np.array(column) for column in zip(*product(EDGES, repeat=2), strict=True))
    for name in set(arrays.__all__) - {"sum", "dot", "where"}:
        f = getattr(arrays, name)
        binary = ("atan2", "divide", "equal", "hypot", "maximum", "minimum", "pow", "remainder")
        f(*(x, y)[: 2 if name in binary else 1])
    arrays.sum((x, y))
    arrays.dot((x, y), (y, x), x)


def square(m, x):
    return x * x


def differs(m, x):
    return x * x if m is floats else x * x + 1e-9


WRONG = {
    "derivative zero": (check_slopes, square, lambda m, y, x: (0.0,)),
    "wrong sign": (check_slopes, square, lambda m, y, x: (-2 * x,)),
    "factor 2": (check_slopes, square, lambda m, y, x: (x,)),
    "off by 1e-6": (check_slopes, square, lambda m, y, x: (2 * x + 1e-6,)),
    "value on arrays": (check_namespaces, differs, lambda m, y, x: (2 * x,)),
    "value on Values": (check_graph_of_the_value, differs, lambda m, y, x: (2 * x,)),
    "slope on arrays": (check_namespaces, square, lambda m, y, x: (2 * x + 0.1 * (m is arrays),)),
    "slope cut off": (check_second_slopes, square, lambda m, y, x: (2 * getattr(x, "data", x),)),
}


@pytest.mark.parametrize("defect", WRONG)
def test_a_wrong_record_fails_the_contract(defect):
    check, value, wrong_slopes = WRONG[defect]
    with pytest.raises(AssertionError):
        check(Primitive("square", value, wrong_slopes), [({}, ONE)])


def test_the_right_record_of_the_same_function_passes_the_contract():
    for check in CHECKS:
        check(Primitive("square", square, lambda m, y, x: (2 * x,)), [({}, ONE)])


def test_sample_points_with_small_derivatives_are_refused():
    with pytest.raises(AssertionError, match="small derivative"):
        check_slopes(Primitive("square", square, lambda m, y, x: (2 * x,)), [({}, [(1e-9,)])])
