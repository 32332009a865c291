"""Graphs written by hand, and odd ones, as programs over arrays."""

from functools import reduce
from operator import add

import numpy as np
import pytest
from vectorized import check, leaves, named, numbers, products

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import cross_entropy, hinge
from tinygrad_edu.nn import MLP, Layer
from tinygrad_edu.vectorize import vectorize

B = 5


# --- nets by hand ---------------------------------------------------------------------------------


def added_as_a_tree(products, b):
    terms = [*products, b]
    while len(terms) > 1:
        terms = [sum(terms[k : k + 2]) for k in range(0, len(terms), 2)]
    return terms[0]


ORDERS = named(added_as_a_tree) | {
    "added from the left": lambda products, b: reduce(add, products) + b,
    "added to the bias": lambda products, b: reduce(add, products, b),
    "added from the right": lambda products, b: reduce(lambda z, p: p + z, products[::-1], b),
    "added with the bias in the middle": (
        lambda products, b: reduce(add, [products[0], b, *products[1:]])
    ),
    "added by python": lambda products, b: sum(products, b),
    "added by python from zero": lambda products, b: sum(products) + b,
    "added by one sum": lambda products, b: f.sum(b, *products),
    "added in two sums": lambda products, b: f.sum(products[:2]) + f.sum([*products[2:], b]),
}


@pytest.mark.parametrize("weight_first", [True, False])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_a_net_of_single_operations_is_found_in_every_order_of_adding(order, weight_first):
    w, b = leaves(3, 4), leaves(3, seed=1)
    v, c = leaves(3, seed=2), Value(0.1)

    def unit(w, x, b):
        pairs = zip(w, x, strict=True)
        return order([a * u if weight_first else u * a for a, u in pairs], b)

    def fn(x, y):
        h = [f.tanh(unit(row, x, bias)) for row, bias in zip(w, b, strict=True)]
        return (unit(v, h, c) - y) ** 2

    program = check(fn, numbers(B, 4), numbers(B))
    assert products(program) == 2


# --- graphs that are hardly graphs, and nodes of one operation that depend on different things ----


P, Q, R = Value(0.7), Value(-0.3), Value(0.4)
SMALL = MLP(2, [2, 1], "tanh")


@pytest.fixture(autouse=True)
def _at_the_start():
    P.data, Q.data, R.data = 0.7, -0.3, 0.4


def products_used_twice(x):
    p = P * x[0]
    return p + Q * x[1] + p + p * (R * x[2] + p)


def sums_used_twice(x):
    s = P * x[0] + Q * x[1]
    return s * s + (s + R * x[2]) * s


def a_sum_with_itself(x):
    s = P * x[0] + Q * x[1]
    return (s + s) + (R * x[2] + R * x[2])


def the_same_product_twice_in_a_sum(x):
    p = P * x[0]
    return f.sum([p, p, Q * x[1], R * x[2]])


def the_same_constant_often(x):
    one = Value(1.0)
    return f.dot([one, one, one], x, one) * P + f.dot([P, P, P], [one, one, one])


def wide_fan_out(x):
    z = P * x[0] + Q
    return f.sum([f.sin(z * k) for k in range(50)])


def many_uses_of_a_node(x):
    z = f.dot([P, Q, P], x)
    return z * z * z + z * f.exp(z) + f.sum([z, z, z]) + f.max(z, z) + f.dot([z, z], [z, z], z)


def mean_softmax_and_others_of_one(x):
    z = P * x[0]
    one = [f.mean(z), f.max([z]), f.min([z]), f.sum([z]), f.prod([z]), f.logsumexp([z])]
    return f.sum(one) * f.softmax([z])[0] + f.log_softmax([Q * z])[0] + f.dot([Q], [z])


def some_outputs_of_a_softmax(x):
    z = [P * x[0], Q * x[1], P * Q, x[2]]
    return f.softmax(z)[2] * f.log_softmax(z)[1] + f.softmax(z)[2] + f.softmax(z[::-1])[0]


def ties_of_the_same_node(x):
    z = P * x[0]
    return f.maximum(z, z) + f.minimum(z, z) + f.max(z, z, z * 1) + f.hypot(z, z) + f.atan2(z, z)


def products_with_zeros(x):
    zero = 0 * x[0]
    one_zero, two_zeros = f.prod([P, zero, Q * x[1]]), f.prod([zero, P, zero + 0.0, Q])
    return one_zero + two_zeros + f.prod([P, x[0], Q]) + f.prod([zero * P, Q, P * x[1]])


def powers(x):
    z = f.exp(P * x[0])
    return z**P + z**2 + z**0 + z**-1.5 + 2**z + P**2 + 2**Q + z**0.5 + z**1


def results_that_do_not_meet(x):
    f.exp(P * x[0])  # computed, and never used
    return Q * x[1]


def same_operation_at_several_depths(x):
    z = P * x[0]
    return f.sum([f.tanh(z), f.tanh(f.tanh(z)), f.tanh(f.tanh(f.tanh(z))), f.tanh(Q)])


def extremes_of_constants(x):
    z = f.sigmoid(Value(0.5))
    return P * x[0] * f.max([z]) * f.sum([z, z]) * f.mean([z, Value(1.0)]) * f.softmax([z, 1.0])[0]


def cross_entropies_of_a_constant_class(x):
    one, two = Value(1.0), Value(2.0)
    z = [[v * a for a in x] for v in (P, Q)]
    return cross_entropy(z[0], one) * cross_entropy(z[1], two) + cross_entropy(z[1], one)


def parameters_dotted_with_constants(x):
    c = Value(0.5)
    return f.tanh(f.dot([P], [c])) + f.tanh(f.dot([Q], [c])) * x[0] + f.dot([P], x[:1])


def dots_of_constants_inputs_and_parameters(x):
    c = Value(-1.5)
    rows = [[x[0], x[1]], [x[0], x[0]]]
    return f.prod([f.dot(w, row, w[0]) for w in ([P, Q], [c, x[0]]) for row in rows])


def dots_with_and_without_the_example(x):
    a = f.dot([P, Q], [Q, R], P) * f.dot([P, Q], x[:2])
    return a + f.dot([P, Q], [P, Q]) * f.dot([Q, R], [Q, R])


def differences_of_means(x):
    h = [f.tanh(P * a) for a in x]
    return f.mean([f.logsumexp([a * b for b in h]) - a * a for a in h])


def adjoints_that_are_the_same_for_all(x):
    h = [[f.tanh(v * a) for v in (P, Q, R)] for a in x]
    return f.mean([f.logsumexp([f.dot(a, b) for b in h]) - f.dot(a, a) for a in h])


GRAPHS = named(
    *(products_used_twice, sums_used_twice, a_sum_with_itself, the_same_product_twice_in_a_sum),
    *(the_same_constant_often, wide_fan_out, many_uses_of_a_node, some_outputs_of_a_softmax),
    *(mean_softmax_and_others_of_one, ties_of_the_same_node, products_with_zeros, powers),
    *(results_that_do_not_meet, same_operation_at_several_depths, extremes_of_constants),
    *(cross_entropies_of_a_constant_class, parameters_dotted_with_constants),
    *(dots_of_constants_inputs_and_parameters, dots_with_and_without_the_example),
    *(differences_of_means, adjoints_that_are_the_same_for_all),
) | {
    "products within products": (
        lambda x: (P * x[0] + Q * x[1]) * x[2] + (x[0] * x[1]) * R + P * (x[1] * Q)
    ),
    "differences": lambda x: P * x[0] - Q * x[1] - (R * x[2] - P * x[1]),
    "products with constants": (lambda x: 2 * x[0] + P * x[0] + x[1] * Q * 3 + 0.5 * R + Q * x[2]),
    "squares added": lambda x: x[0] * x[0] + P * P + x[1] * x[1] + Q * x[1],
    "sums of terms and products": lambda x: P * x[0] + x[1] + Q * x[2] + R + f.exp(x[0]) + 1,
    "angles and lengths": (
        lambda x: (
            f.atan2(P * x[0], Q) + f.hypot(P, x[1]) + f.atan2(x[2], P) * f.hypot(Q * x[0], 1.0)
        )
    ),
    "comparisons in the graph": (
        lambda x: f.where(f.step(x[0]), P * x[1], Q * x[2]) + f.where(P, x[0], x[1]) * f.sign(x[2])
    ),
    "constant made inside": lambda x: P * x[0] + Value(3.0) * Value(2.0) + f.exp(Value(0.5)) * Q,
    "constants in a dot": lambda x: f.dot([1.0, 2.0, P], x, 3.0) * f.dot([Q, 0.0, 0.5], x),
    "constant weights": (
        lambda x: P * f.tanh(f.dot([0.5, 0.5, 0.5], x)) + f.dot([0.1, 0.2, 0.3], x, Q)
    ),
    "wide fan in": lambda x: f.sum([P * x[k % 3] for k in range(200)]) * Q,
    "order of parameters against columns": (
        lambda x: f.dot([Q, P, Q], [x[2], x[0], x[1]]) + f.exp(Q * x[2]) * f.exp(P * x[0])
    ),
    "sums of neighbouring parameters": (
        lambda x: f.sum([f.tanh(s) for s in (P + Q, Q + R, P + Value(-1.5))]) * x[0]
    ),
    "functions of constants in a dot": lambda x: f.dot([P, f.sin(Value(0.5))], [x[0], P]),
    "functions of constants in a sum": (
        lambda x: f.sum([f.tanh(f.sin(v)) for v in (P, Value(0.5), Q, x[0])])
    ),
    "means of groups": (
        lambda x: f.prod([f.mean([P, x[0]]), f.mean([Q, x[1]]), f.sum([P, x[2]]), f.sum([Q, x[0]])])
    ),
    "sums of sums": lambda x: f.sum([f.sum([P * x[0], x[1]]), f.sum([Q * x[1], x[2]])]),
    "two softmaxes of one": lambda x: f.softmax([P * x[0]])[0] * P + f.softmax([Q * x[0]])[0],
    "two softmaxes of which one is used": (
        lambda x: f.softmax([P * x[0], x[1]])[0] + P * f.softmax([Q * x[0], x[2]])[1]
    ),
    "cross entropy of a constant class": lambda x: cross_entropy([P * a for a in x], Value(1.0)),
    "mean of a parameter": lambda x: f.mean([P]),
    "mean with a repeated parameter": lambda x: f.mean([P, P, Value(0.5)]),
    "minus a parameter": lambda x: -(x[0] + P),
    "inputs dotted with constants": lambda x: f.dot(x[:1], [Value(-1.5)]) + P,
    "net on constants and inputs": (
        lambda x: SMALL([1.0, 0.5]) * SMALL([x[0], 0.5]) + SMALL([P, Q]) * SMALL(x[:2])
    ),
}
#: Of one number; losses that hardly depend on it.
HARDLY = {
    "a parameter": lambda x: P,
    "no input": lambda x: P * Q,
    "no input, one operation": lambda x: f.exp(P),
    "no input, a dot": lambda x: f.dot([P, Q], [P, P], Q),
    "gradient zero": lambda x: 0 * P + x,
    "nothing flows": lambda x: f.step(P) * x,
    "constant times parameter": lambda x: Value(2.0) * P,
    "a sum": lambda x: P + x,
    "a parameter, and an input": lambda x: (P, x),
    "a loss, a leaf, a constant, an input": lambda x: (P * x, P, Value(3.0), x),
}


@pytest.mark.parametrize("name", GRAPHS | HARDLY)
def test_an_odd_graph_equals_the_scalar_engine(name):
    check(*(GRAPHS[name], numbers(B, 3)) if name in GRAPHS else (HARDLY[name], numbers(B)))


def test_several_cross_entropies_of_one_class_number_equal_the_scalar_engine():
    model, y = MLP(2, [3, 3], "tanh"), np.array([0.0, 1, 2, 2, 1])
    both = lambda x, z, t: cross_entropy(model(x), t) + cross_entropy(model(z), t)  # noqa: E731
    check(both, numbers(B, 2), numbers(B, 2, seed=1), y)


def test_the_cross_entropy_of_parameters_equals_the_scalar_engine():
    w = leaves(3)
    check(lambda t: cross_entropy(w, t), np.array([0.0, 1, 2, 2, 1]))


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        pytest.param(lambda x: x, [1.5, -2.0], id="an input"),
        pytest.param(lambda x: [x, x], [[1.5, 1.5], [-2.0, -2.0]], id="an input twice"),
        pytest.param(lambda x: Value(3.0), [3.0, 3.0], id="a constant"),
        pytest.param(lambda x: [Value(3.0), x], [[3.0, 1.5], [3.0, -2.0]], id="constant and input"),
        pytest.param(lambda x: 2 * x, [3.0, -4.0], id="no parameter"),
        pytest.param(lambda x: f.relu(x), [1.5, 0.0], id="relu"),
        pytest.param(lambda x: [P, x], [[0.7, 1.5], [0.7, -2.0]], id="parameter and input"),
    ],
)
def test_a_function_without_a_gradient_has_values(fn, expected):
    np.testing.assert_array_equal(vectorize(fn, 0.5)([1.5, -2.0]), expected)


@pytest.mark.parametrize("nodes", [400, pytest.param(3000, marks=pytest.mark.slow)])
def test_a_deep_chain_equals_the_scalar_engine(nodes):
    w = leaves(3)
    steps = range(nodes // 2)
    check(lambda x: reduce(lambda x, k: f.tanh(x + w[k % 3]), steps, x), numbers(2))


def test_a_chain_of_units_equals_the_scalar_engine():
    layers = [Layer(2, 2, "tanh", rng=k) for k in range(100)]
    check(lambda x: f.sum(reduce(lambda x, layer: layer(x), layers, x)), numbers(2, 2))


def test_parameters_stand_in_the_order_of_p():
    """Not in that of first use, which was the contract once: the source takes them as they are."""
    model = MLP(2, [3, 1], "tanh")
    program = vectorize(lambda x, y: hinge(model(x), y), [0.1, 0.2], 1)
    assert set(program.parameters) == set(model.parameters())
    program.read_parameters()
    assert program.P.tolist() == [p.data for p in program.parameters]
    names = [p.name for p in program.parameters]
    assert names == [program.tape.names[i] for i in program.plan.layout.parameters]
    w1 = [f"layer1.neuron{unit}.w[{k}]" for unit in (1, 2, 3) for k in (0, 1)]
    assert names[:9] == [*w1, *(f"layer1.neuron{unit}.b" for unit in (1, 2, 3))]


@pytest.mark.parametrize("extreme", [f.max, f.min])
@pytest.mark.parametrize("rows", [3, 1200])
def test_extremes_of_few_and_of_many_short_rows_equal_the_scalar_engine(extreme, rows):
    X = np.random.default_rng(0).integers(-2, 3, (rows, 4)).astype(float)  # with ties
    w = Value(2.0)
    check(lambda x: extreme([w * x[0], *x[1:]]), X)
    check(lambda x: f.dot([w, w], [extreme(x), x[0]]), X)  # which zero it is does not matter there
