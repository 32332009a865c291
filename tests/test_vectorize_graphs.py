"""Graphs written by hand, and odd ones, as programs over arrays."""

import numpy as np
import pytest
from vectorized import check, leaves, numbers

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import cross_entropy, hinge
from tinygrad_edu.nn import MLP, Layer
from tinygrad_edu.vectorize import vectorize

B = 5


# --- nets by hand ---------------------------------------------------------------------------------


def added_from_the_left(products, b):
    z = products[0]
    for p in products[1:]:
        z = z + p
    return z + b


def added_to_the_bias(products, b):
    z = b
    for p in products:
        z = z + p
    return z


def added_with_the_bias_in_the_middle(products, b):
    return products[0] + b + added_from_the_left(products[1:-1], products[-1])


def added_from_the_right(products, b):
    z = b
    for p in reversed(products):
        z = p + z
    return z


def added_as_a_tree(products, b):
    terms = [*products, b]
    while len(terms) > 1:
        terms = [sum(terms[k : k + 2]) for k in range(0, len(terms), 2)]
    return terms[0]


def added_by_python(products, b):
    return sum(products, b)


def added_by_python_from_zero(products, b):
    return sum(products) + b


def added_by_one_sum(products, b):
    return f.sum(b, *products)


def added_in_two_sums(products, b):
    return f.sum(products[:2]) + f.sum([*products[2:], b])


ORDERS = [
    *(added_from_the_left, added_to_the_bias, added_with_the_bias_in_the_middle),
    *(added_from_the_right, added_as_a_tree, added_by_python, added_by_python_from_zero),
    *(added_by_one_sum, added_in_two_sums),
]


@pytest.mark.parametrize("weight_first", [True, False])
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.__name__)
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
    forward = program.source.partition("# backward")[0]
    assert forward.count("@") == 2


def differences(x, w):
    return w[0] * x[0] - w[1] * x[1] - (w[2] * x[2] - w[0] * x[1])


def products_with_constants(x, w):
    return 2 * x[0] + w[0] * x[0] + x[1] * w[1] * 3 + 0.5 * w[2] + w[1] * x[2]


def products_used_twice(x, w):
    p = w[0] * x[0]
    return p + w[1] * x[1] + p + p * (w[2] * x[2] + p)


def squares_added(x, w):
    return x[0] * x[0] + w[0] * w[0] + x[1] * x[1] + w[1] * x[1]


def sums_used_twice(x, w):
    s = w[0] * x[0] + w[1] * x[1]
    return s * s + (s + w[2] * x[2]) * s


def sums_of_terms_and_products(x, w):
    return w[0] * x[0] + x[1] + w[1] * x[2] + w[2] + f.exp(x[0]) + 1


def products_within_products(x, w):
    return (w[0] * x[0] + w[1] * x[1]) * x[2] + (x[0] * x[1]) * w[2] + w[0] * (x[1] * w[1])


def a_sum_with_itself(x, w):
    s = w[0] * x[0] + w[1] * x[1]
    return (s + s) + (w[2] * x[2] + w[2] * x[2])


def the_same_product_twice_in_a_sum(x, w):
    p = w[0] * x[0]
    return f.sum([p, p, w[1] * x[1], w[2] * x[2]])


BY_HAND = [
    *(differences, products_with_constants, products_used_twice, squares_added, sums_used_twice),
    *(sums_of_terms_and_products, products_within_products, a_sum_with_itself),
    the_same_product_twice_in_a_sum,
]


@pytest.mark.parametrize("sums", BY_HAND, ids=lambda sums: sums.__name__)
def test_sums_of_products_by_hand_equal_the_scalar_engine(sums):
    w = leaves(3)
    check(lambda x: sums(x, w), numbers(B, 3, seed=1))


# --- graphs that are hardly graphs ----------------------------------------------------------------


P, Q = Value(0.7), Value(-0.3)


def constant_made_inside(x):
    return P * x[0] + Value(3.0) * Value(2.0) + f.exp(Value(0.5)) * Q


def constants_in_a_dot(x):
    return f.dot([1.0, 2.0, P], x, 3.0) * f.dot([Q, 0.0, 0.5], x)


def the_same_constant_often(x):
    one = Value(1.0)
    return f.dot([one, one, one], x, one) * P + f.dot([P, P, P], [one, one, one])


def constant_weights(x):
    return P * f.tanh(f.dot([0.5, 0.5, 0.5], x)) + f.dot([0.1, 0.2, 0.3], x, Q)


def wide_fan_in(x):
    return f.sum([P * x[k % 3] for k in range(200)]) * Q


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


def angles_and_lengths(x):
    return f.atan2(P * x[0], Q) + f.hypot(P, x[1]) + f.atan2(x[2], P) * f.hypot(Q * x[0], 1.0)


def products_with_zeros(x):
    zero = 0 * x[0]
    one_zero, two_zeros = f.prod([P, zero, Q * x[1]]), f.prod([zero, P, zero + 0.0, Q])
    return one_zero + two_zeros + f.prod([P, x[0], Q]) + f.prod([zero * P, Q, P * x[1]])


def powers(x):
    z = f.exp(P * x[0])
    return z**P + z**2 + z**0 + z**-1.5 + 2**z + P**2 + 2**Q + z**0.5 + z**1


def comparisons_in_the_graph(x):
    return f.where(f.step(x[0]), P * x[1], Q * x[2]) + f.where(P, x[0] * Q, x[1]) * f.sign(x[2])


def results_that_do_not_meet(x):
    f.exp(P * x[0])  # computed, and never used
    return Q * x[1]


def same_operation_at_several_depths(x):
    z = P * x[0]
    return f.sum([f.tanh(z), f.tanh(f.tanh(z)), f.tanh(f.tanh(f.tanh(z))), f.tanh(Q)])


def order_of_parameters_against_columns(x):
    return f.dot([Q, P, Q], [x[2], x[0], x[1]]) + f.exp(Q * x[2]) * f.exp(P * x[0])


ODD = [
    *(constant_made_inside, constants_in_a_dot, the_same_constant_often, constant_weights),
    *(wide_fan_in, wide_fan_out, many_uses_of_a_node, mean_softmax_and_others_of_one),
    *(some_outputs_of_a_softmax, ties_of_the_same_node, angles_and_lengths, products_with_zeros),
    *(powers, comparisons_in_the_graph, results_that_do_not_meet),
    *(same_operation_at_several_depths, order_of_parameters_against_columns),
]


@pytest.mark.parametrize("fn", ODD, ids=lambda fn: fn.__name__)
def test_odd_graphs_equal_the_scalar_engine(fn):
    P.data, Q.data = 0.7, -0.3
    check(fn, numbers(B, 3))


# --- nodes of one operation that differ in what they depend on ------------------------------------


def functions_of_constants_in_a_dot(x):
    return f.dot([P, f.sin(Value(0.5))], [x[0], P])


def functions_of_constants_in_a_sum(x):
    return f.sum([f.tanh(f.sin(v)) for v in (P, Value(0.5), Q, x[0])])


def extremes_of_constants(x):
    z = f.sigmoid(Value(0.5))
    return P * x[0] * f.max([z]) * f.sum([z, z]) * f.mean([z, Value(1.0)]) * f.softmax([z, 1.0])[0]


def means_of_groups(x):
    return f.prod([f.mean([P, x[0]]), f.mean([Q, x[1]]), f.sum([P, x[2]]), f.sum([Q, x[0]])])


def sums_of_sums(x):
    return f.sum([f.sum([P * x[0], x[1]]), f.sum([Q * x[1], x[2]])])


def two_softmaxes_of_one(x):
    return f.softmax([P * x[0]])[0] * P + f.softmax([Q * x[0]])[0]


def two_softmaxes_of_which_one_is_used(x):
    return f.softmax([P * x[0], x[1]])[0] + P * f.softmax([Q * x[0], x[2]])[1]


def cross_entropies_of_a_constant_class(x):
    one, two = Value(1.0), Value(2.0)
    z = [[v * a for a in x] for v in (P, Q)]
    return cross_entropy(z[0], one) * cross_entropy(z[1], two) + cross_entropy(z[1], one)


def cross_entropy_of_a_constant_class(x):
    return cross_entropy([P * a for a in x], Value(1.0))


def sums_of_neighbouring_parameters(x):
    v, w = P, Q
    sums = [v + w, w + R, v + Value(-1.5)]
    return f.sum([f.tanh(s) for s in sums]) * x[0]


def mean_of_a_parameter(x):
    return f.mean([P])


def mean_with_a_repeated_parameter(x):
    return f.mean([P, P, Value(0.5)])


def minus_a_parameter(x):
    return -(x[0] + P)


def inputs_dotted_with_constants(x):
    return f.dot(x[:1], [Value(-1.5)]) + P


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


def net_on_constants_and_inputs(x):
    return SMALL([1.0, 0.5]) * SMALL([x[0], 0.5]) + SMALL([P, Q]) * SMALL(x[:2])


def differences_of_means(x):
    h = [f.tanh(P * a) for a in x]
    return f.mean([f.logsumexp([a * b for b in h]) - a * a for a in h])


def adjoints_that_are_the_same_for_all(x):
    h = [[f.tanh(v * a) for v in (P, Q, R)] for a in x]
    terms = [f.logsumexp([f.dot(a, b) for b in h]) - f.dot(a, a) for a in h]
    return f.mean(terms)


R = Value(0.4)
SMALL = MLP(2, [2, 1], "tanh")
MIXED = [
    *(functions_of_constants_in_a_dot, functions_of_constants_in_a_sum, extremes_of_constants),
    *(means_of_groups, sums_of_sums, two_softmaxes_of_one, two_softmaxes_of_which_one_is_used),
    *(cross_entropies_of_a_constant_class, cross_entropy_of_a_constant_class),
    *(sums_of_neighbouring_parameters, mean_of_a_parameter, mean_with_a_repeated_parameter),
    *(minus_a_parameter, inputs_dotted_with_constants, parameters_dotted_with_constants),
    *(dots_of_constants_inputs_and_parameters, dots_with_and_without_the_example),
    *(net_on_constants_and_inputs, differences_of_means, adjoints_that_are_the_same_for_all),
]


@pytest.mark.parametrize("fn", MIXED, ids=lambda fn: fn.__name__)
def test_nodes_that_differ_in_what_they_depend_on_equal_the_scalar_engine(fn):
    P.data, Q.data, R.data = 0.7, -0.3, 0.4
    check(fn, numbers(B, 3))


def test_several_cross_entropies_of_one_class_number_equal_the_scalar_engine():
    model = MLP(2, [3, 3], "tanh")
    y = np.array([0.0, 1, 2, 2, 1])

    check(
        lambda x, z, t: cross_entropy(model(x), t) + cross_entropy(model(z), t),
        numbers(B, 2),
        numbers(B, 2, seed=1),
        y,
    )


def test_the_cross_entropy_of_parameters_equals_the_scalar_engine():
    w = leaves(3)
    check(lambda t: cross_entropy(w, t), np.array([0.0, 1, 2, 2, 1]))


def leaf_inside(x):
    return Value(2.0) * P


HARDLY = [
    pytest.param(lambda x: P, id="a parameter"),
    pytest.param(lambda x: P * Q, id="no input"),
    pytest.param(lambda x: f.exp(P), id="no input, one operation"),
    pytest.param(lambda x: f.dot([P, Q], [P, P], Q), id="no input, a dot"),
    pytest.param(lambda x: 0 * P + x, id="gradient zero"),
    pytest.param(lambda x: f.step(P) * x, id="nothing flows"),
    pytest.param(leaf_inside, id="constant times parameter"),
    pytest.param(lambda x: P + x, id="a sum"),
    pytest.param(lambda x: (P, x), id="a parameter, and an input"),
    pytest.param(lambda x: (P * x, P, Value(3.0), x), id="a loss, a leaf, a constant, an input"),
]


@pytest.mark.parametrize("fn", HARDLY)
def test_a_loss_that_hardly_depends_on_the_example_equals_the_scalar_engine(fn):
    check(fn, numbers(B))


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
    P.data = 0.7
    np.testing.assert_array_equal(vectorize(fn, 0.5)([1.5, -2.0]), expected)


@pytest.mark.parametrize("nodes", [400, pytest.param(3000, marks=pytest.mark.slow)])
def test_a_deep_chain_equals_the_scalar_engine(nodes):
    w = leaves(3)

    def fn(x):
        for k in range(nodes // 2):
            x = f.tanh(x + w[k % 3])
        return x

    check(fn, numbers(2))


def test_a_chain_of_units_equals_the_scalar_engine():
    layers = [Layer(2, 2, "tanh", rng=k) for k in range(100)]

    def fn(x):
        for layer in layers:
            x = layer(x)
        return f.sum(x)

    check(fn, numbers(2, 2))


def test_parameters_stand_in_the_order_of_first_use_and_p_in_that_of_the_plan():
    model = MLP(2, [3, 1], "tanh")
    program = vectorize(lambda x, y: hinge(model(x), y), [0.1, 0.2], 1)
    assert set(program.parameters) == set(model.parameters())
    program.read_parameters()
    assert program.in_order(program.P).tolist() == [p.data for p in program.parameters]
    leaf_numbers = [program.tape.parameters[i] for i in program.plan.parameters]
    by_name = {p.name: p.data for p in model.parameters()}
    assert program.P.tolist() == [by_name[str(name)] for name in leaf_numbers]
