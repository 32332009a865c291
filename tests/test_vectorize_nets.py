"""Nets of every shape as programs over arrays: skips, shared weights, convolutions, recurrence."""

import numpy as np
import pytest
from vectorized import Case, leaves, numbers, products

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import cross_entropy, hinge, squared_error
from tinygrad_edu.nn import MLP, Layer, Neuron

B = 5


def skip_connections():
    first, second, third = Layer(3, 3, "tanh", rng=0), Layer(3, 3, "relu", rng=1), Neuron(6, rng=2)

    def fn(x, y):
        h = first(x)
        h2 = [a + b for a, b in zip(second(h), h, strict=True)]
        return (third([*h2, *x]) - y) ** 2

    return Case(fn, [numbers(B, 3), numbers(B)])


def dense_connections():
    layers = [Layer(2 + 3 * k, 3, "tanh", rng=k) for k in range(4)]
    out = Neuron(14, "linear", rng=9)

    def fn(x):
        for layer in layers:
            x = [*x, *layer(x)]
        return out(x)

    return Case(fn, [numbers(B, 2)])


def shared_weights():
    layer, out = Layer(3, 3, "tanh", rng=0), Neuron(3, "linear", rng=1)
    return Case(lambda x: out(layer(layer(layer(x)))), [numbers(B, 3)])


def tied_weights():
    w, b, c = leaves(2, 4), leaves(2, seed=1), leaves(4, seed=2)

    def fn(x):
        h = [f.tanh(f.dot(row, x, bias)) for row, bias in zip(w, b, strict=True)]
        back = [f.dot([row[k] for row in w], h, c[k]) for k in range(4)]
        return squared_error(back, x)

    return Case(fn, [numbers(B, 4)])


def tied_weights_of_a_square():
    w = leaves(3, 3)

    def fn(x):
        h = [f.sigmoid(f.dot(row, x)) for row in w]
        return f.sum([f.dot(column, h) ** 2 for column in zip(*w, strict=True)])

    return Case(fn, [numbers(B, 3)])


def quadratic_form():
    w = leaves(3, 3)
    return Case(lambda x: f.dot([f.dot(row, x) for row in w], x), [numbers(B, 3)])


def two_towers():
    left, right = Layer(3, 4, "tanh", rng=0), Layer(2, 4, "relu", rng=1)
    return Case(lambda x, y: f.dot(left(x), right(y)), [numbers(B, 3), numbers(B, 2, seed=1)])


def twins():
    layer = Layer(3, 4, "tanh", rng=0)

    def fn(x, y, t):
        pairs = zip(layer(x), layer(y), strict=True)
        return (f.sqrt(f.sum([(a - b) ** 2 for a, b in pairs]) + 0.1) - t) ** 2

    return Case(fn, [numbers(B, 3), numbers(B, 3, seed=1), numbers(B, seed=2)])


def towers_that_differ_in_size():
    towers = [MLP(n, [5 - n, 2], "tanh", rng=n) for n in (1, 2, 3)]

    return Case(
        lambda x: f.logsumexp([z for n, tower in enumerate(towers, 1) for z in tower(x[:n])]),
        [numbers(B, 3)],
    )


def interleaved_arrays():
    neuron = Layer(6, 3, "tanh", rng=0)

    return Case(
        lambda x, y: f.prod(neuron([v for pair in zip(x, y, strict=True) for v in pair])),
        [numbers(B, 3), numbers(B, 3, seed=1)],
    )


def mixture_of_experts():
    gate, experts = Layer(3, 2, "softmax", rng=0), [MLP(3, [3, 1], "tanh", rng=k) for k in (1, 2)]
    return Case(lambda x: f.dot(gate(x), [expert(x) for expert in experts]), [numbers(B, 3)])


def attention():
    wq, wk, wv = [leaves(2, 3, seed=k) for k in range(3)]

    def fn(rows):
        q, k, v = [[[f.dot(w, x) for w in ws] for x in rows] for ws in (wq, wk, wv)]
        out = []
        for one in q:
            p = f.softmax([f.dot(one, other) / 2**0.5 for other in k])
            out += [f.dot(p, [row[j] for row in v]) for j in range(2)]
        return f.sum([z * z for z in out])

    return Case(fn, [numbers(B, 4, 3)])


def low_rank_product():
    u, v = leaves(3, 2), leaves(4, 2, seed=1)

    def fn(x):
        w = [[f.dot(a, b) for b in v] for a in u]
        return squared_error([f.dot(row, x) for row in w], [0.1, 0.2, 0.3])

    return Case(fn, [numbers(B, 4)])


def deep_linear_net():
    w = leaves(6)

    def fn(x, y):
        for v in w:
            x = v * x
        return (x - y) ** 2

    return Case(fn, [numbers(B), numbers(B, seed=1)])


def normalised_weights():
    w, g = leaves(2, 3), leaves(2, seed=1)

    def fn(x):
        out = []
        for row, scale in zip(w, g, strict=True):
            length = f.sqrt(f.dot(row, row))
            out.append(f.dot([scale * v / length for v in row], x))
        return f.max(out)

    return Case(fn, [numbers(B, 3)])


def a_net_that_makes_weights():
    maker = Layer(2, 6, "tanh", rng=0)

    def fn(x, z):
        w = maker(z)
        return f.tanh(f.dot(w[:3], x)) - f.tanh(f.dot(w[3:], x))

    return Case(fn, [numbers(B, 3), numbers(B, 2, seed=1)])


def maxout():
    layer = Layer(3, 6, "linear", rng=0)

    def fn(x):
        z = layer(x)
        return f.mean([f.max(z[k : k + 3]) for k in (0, 3)])

    return Case(fn, [numbers(B, 3)])


def layer_normalisation():
    layer, gain, shift = Layer(3, 4, "linear", rng=0), leaves(4), leaves(4, seed=1)

    def fn(x):
        z = layer(x)
        mean = f.mean(z)
        deviation = f.sqrt(f.mean([(a - mean) ** 2 for a in z]) + 1e-5)
        parts = zip(z, gain, shift, strict=True)
        return f.sum([f.relu(g * (a - mean) / deviation + s) for a, g, s in parts])

    return Case(fn, [numbers(B, 3)])


def dots_of_several_lengths():
    w = leaves(6)

    return Case(
        lambda x: f.sum([f.dot(w[:k], x[:k]) * f.dot(w[-k:], x[:k], w[0]) for k in range(1, 7)]),
        [numbers(B, 6)],
    )


def dots_with_repeated_weights():
    v, w = leaves(2)

    def fn(x):
        same = f.dot([w, w, w], x, w)
        mixed = f.dot([v, w, v], x, v) + f.dot([v, w, v], x[::-1], w)
        return same * mixed

    return Case(fn, [numbers(B, 3)])


def dots_with_repeated_inputs():
    w = leaves(2, 3)

    return Case(lambda x: f.tanh(f.dot(w[0], [x, x, x])) * f.dot(w[1], [x, 1.0, x]), [numbers(B)])


def half_of_a_product():
    """Of 3 weights by 3 inputs all dots but some: no full product."""
    w = leaves(3, 2)

    def fn(x):
        rows = [x[:2], x[1:3], x[2:4]]
        chosen = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 0)]
        return f.sum([f.tanh(f.dot(w[i], rows[j], w[j][0])) for i, j in chosen])

    return Case(fn, [numbers(B, 4)])


def the_same_dot_twice():
    w, b = leaves(3), leaves(2, seed=1)

    return Case(
        lambda x: f.dot(w, x, b[0]) * f.dot(w, x, b[1]) + f.dot(x, w, b[0]) * f.dot(w, x),
        [numbers(B, 3)],
    )


def one_bias_for_all():
    w, b = leaves(4, 3), Value(0.3)
    return Case(lambda x: f.prod([f.dot(row, x, b) for row in w]), [numbers(B, 3)])


def biases_that_are_inputs():
    w = leaves(2, 3)

    return Case(lambda x: f.dot(w[0], x, x[1]) * f.dot(w[1], x, x[2]), [numbers(B, 3)])


def biases_that_are_computed():
    w, v = leaves(2, 3), leaves(2, seed=1)

    return Case(
        lambda x: f.dot(w[0], x, v[0] * v[1]) * f.dot(w[1], x, f.exp(v[0])), [numbers(B, 3)]
    )


def weights_and_biases_that_share():
    w = leaves(2, 3)
    return Case(lambda x: f.dot(w[0], x, w[1][0]) * f.dot(w[1], x, w[0][0]), [numbers(B, 3)])


def dots_of_parameters():
    v, w = leaves(3), leaves(3, seed=1)

    return Case(
        lambda x: f.dot(v, w, v[0]) * f.dot(v, x) + f.dot(v, v) * f.dot(w, w), [numbers(B, 3)]
    )


def matrix_times_parameters():
    w, v = leaves(3, 2), leaves(2, seed=1)

    def fn(x):
        h = [f.tanh(f.dot(row, v)) for row in w]
        return f.dot(h, x) + f.dot(h, [0.5, 0.25, -1.0])

    return Case(fn, [numbers(B, 3)])


def dots_of_inputs():
    w = leaves(2)

    return Case(
        lambda x, y: w[0] * f.dot(x, y) + w[1] * f.dot(x, x, y[0]) + f.dot(x, y[::-1]),
        [numbers(B, 3), numbers(B, 3, seed=1)],
    )


def products_of_inputs_only():
    """A product {rows of x} x {rows of y} without a parameter in it."""
    w = leaves(2, 2)

    def fn(x, y):
        z = [[f.dot(a, b) for b in y] for a in x]
        return f.sum([w[i][j] * f.tanh(z[i][j]) for i in range(2) for j in range(2)])

    return Case(fn, [numbers(B, 2, 3), numbers(B, 2, 3, seed=1)])


NETS = [
    *(skip_connections, dense_connections, shared_weights, tied_weights, tied_weights_of_a_square),
    *(quadratic_form, two_towers, twins, towers_that_differ_in_size, interleaved_arrays),
    *(mixture_of_experts, attention, low_rank_product, deep_linear_net, normalised_weights),
    *(a_net_that_makes_weights, maxout, layer_normalisation, dots_of_several_lengths),
    *(dots_with_repeated_weights, dots_with_repeated_inputs, half_of_a_product),
    *(the_same_dot_twice, one_bias_for_all, biases_that_are_inputs, biases_that_are_computed),
    *(weights_and_biases_that_share, dots_of_parameters, matrix_times_parameters, dots_of_inputs),
    products_of_inputs_only,
]


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.__name__)
def test_a_net_of_any_shape_equals_the_scalar_engine(net):
    net().check()


def test_two_towers_in_one_order_of_parameters_have_a_product_each():
    program = two_towers().program()
    assert products(program) == 2


# --- convolutions and recurrent nets --------------------------------------------------------------


def patches(image, size, stride=1):
    """The patches of an image, row by row, each as a list."""
    return [
        [
            [image[i + a][j + b] for a in range(size) for b in range(size)]
            for j in range(0, len(image[0]) - size + 1, stride)
        ]
        for i in range(0, len(image) - size + 1, stride)
    ]


def convolved(image, filters, biases, size):
    """One map per filter."""
    return [
        [[f.relu(f.dot(w, patch, b)) for patch in row] for row in patches(image, size)]
        for w, b in zip(filters, biases, strict=True)
    ]


def convolution(size=2, image=4, filters=3):
    w, b = leaves(filters, size * size), leaves(filters, seed=1)
    n = filters * (image - size + 1) ** 2
    dense = Layer(n, 3, "linear", rng=0)

    def fn(x, y):
        maps = convolved(x, w, b, size)
        return cross_entropy(dense([z for m in maps for row in m for z in row]), y)

    return Case(fn, [numbers(B, image, image), np.array([0.0, 2, 1, 1, 2])])


def convolution_patch_by_patch():
    """The loops the other way round: all filters for one patch after the other."""
    w, b = leaves(3, 4), leaves(3, seed=1)

    def fn(x):
        rows = patches(x, 2)
        z = [f.tanh(f.dot(u, p, c)) for r in rows for p in r for u, c in zip(w, b, strict=True)]
        return f.logsumexp(z)

    return Case(fn, [numbers(B, 4, 4)])


def convolution_without_bias():
    w = leaves(2, 4)

    return Case(
        lambda x: f.sum([f.dot(u, p) ** 2 for u in w for r in patches(x, 2) for p in r]),
        [numbers(B, 3, 3)],
    )


def one_filter():
    w, b = leaves(3), Value(0.1)

    return Case(lambda x: f.max([f.dot(w, x[k : k + 3], b) for k in range(4)]), [numbers(B, 6)])


def max_pooling():
    w, b = leaves(2, 4), leaves(2, seed=1)
    out = Neuron(8, "linear", rng=0)

    def fn(x, y):
        pooled = [f.max(p) for m in convolved(x, w, b, 2) for r in patches(m, 2, 2) for p in r]
        return hinge(out(pooled), y)

    return Case(fn, [numbers(B, 5, 5), np.sign(numbers(B, seed=1))])


def two_convolutions():
    w1, b1 = leaves(2, 4), leaves(2, seed=1)
    w2, b2 = leaves(3, 8, seed=2), leaves(3, seed=3)
    out = Layer(12, 2, "linear", rng=0)

    def fn(x):
        first, second = [patches(m, 2) for m in convolved(x, w1, b1, 2)]
        both = [
            a + b for r, s in zip(first, second, strict=True) for a, b in zip(r, s, strict=True)
        ]
        maps = [f.tanh(f.dot(u, p, c)) for u, c in zip(w2, b2, strict=True) for p in both]
        return squared_error(out(maps), [0.5, -0.5])

    return Case(fn, [numbers(B, 4, 4)])


def padded_convolution():
    """Zeros around the image are constants of the graph."""
    w, b = leaves(2, 3), leaves(2, seed=1)

    def fn(x):
        row = [0.0, *x, 0.0]
        z = [f.dot(u, row[k : k + 3], c) for u, c in zip(w, b, strict=True) for k in range(4)]
        return f.sum([f.tanh(a) for a in z])

    return Case(fn, [numbers(B, 4)])


def recurrent_in_one_dot():
    w, b, out = leaves(3, 5), leaves(3, seed=1), leaves(3, seed=2)

    def fn(xs, y):
        h = [0.0] * 3
        for x in xs:
            h = [f.tanh(f.dot(row, [*x, *h], c)) for row, c in zip(w, b, strict=True)]
        return (f.dot(out, h) - y) ** 2

    return Case(fn, [numbers(B, 6, 2), numbers(B)])


def recurrent_in_two_dots():
    w, u, b, out = leaves(3, 2), leaves(3, 3, seed=1), leaves(3, seed=2), leaves(3, seed=3)

    def fn(xs, y):
        h = [Value(0.0)] * 3
        for x in xs:
            rows = zip(w, u, b, strict=True)
            h = [f.tanh(f.dot(a, x) + f.dot(c, h) + d) for a, c, d in rows]
        return (f.dot(out, h) - y) ** 2

    return Case(fn, [numbers(B, 6, 2), numbers(B)])


def recurrent_with_a_learned_start():
    w, u, h0 = leaves(3, 2), leaves(3, 3, seed=1), leaves(3, seed=2)

    def fn(xs):
        h, total = h0, []
        for x in xs:
            h = [f.sigmoid(f.dot(a, x, f.dot(c, h))) for a, c in zip(w, u, strict=True)]
            total.append(f.mean(h) ** 2)
        return f.sum(total)

    return Case(fn, [numbers(B, 6, 2)])


def gated_unit():
    gates = [Layer(4, 2, a, rng=k) for k, a in enumerate(["sigmoid", "sigmoid", "tanh"])]

    def fn(xs):
        h = [0.0, 0.0]
        for x in xs:
            z, r = gates[0]([*x, *h]), gates[1]([*x, *h])
            new = gates[2]([*x, *[a * b for a, b in zip(r, h, strict=True)]])
            h = [(1 - a) * b + a * c for a, b, c in zip(z, h, new, strict=True)]
        return f.dot(h, h)

    return Case(fn, [numbers(B, 4, 2)])


UNROLLED = [
    *(convolution, convolution_patch_by_patch, convolution_without_bias, one_filter, max_pooling),
    *(two_convolutions, padded_convolution, recurrent_in_one_dot, recurrent_in_two_dots),
    *(recurrent_with_a_learned_start, gated_unit),
]


@pytest.mark.parametrize("net", UNROLLED, ids=lambda net: net.__name__)
def test_convolutions_and_recurrent_nets_equal_the_scalar_engine(net):
    net().check()


@pytest.mark.parametrize("net", [convolution, convolution_patch_by_patch])
def test_a_convolution_is_one_product(net):
    assert products(net().program()) == (2 if net is convolution else 1)


def test_a_recurrent_net_has_one_matrix_for_all_its_steps():
    forward = recurrent_in_one_dot().program().source.partition("# backward")[0]
    assert forward.count("@ W1.T") == 6
