"""Nets of every shape as programs over arrays: skips, shared weights, convolutions, recurrence."""

from functools import partial

import numpy as np
import pytest
from vectorized import Case, leaves, numbers, products

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import cross_entropy, hinge, squared_error
from tinygrad_edu.nn import MLP, Layer, Neuron

B = 5
NETS = {}


def net(*arrays, **parts):
    """Enter a function of inputs and parts, with the arrays of several examples."""

    def enter(fn):
        NETS[fn.__name__] = Case(partial(fn, **parts), arrays)

    return enter


@net(
    numbers(B, 3),
    numbers(B),
    first=Layer(3, 3, "tanh", rng=0),
    second=Layer(3, 3, "relu", rng=1),
    third=Neuron(6, rng=2),
)
def skip_connections(x, y, first, second, third):
    h = first(x)
    h2 = [a + b for a, b in zip(second(h), h, strict=True)]
    return (third([*h2, *x]) - y) ** 2


@net(
    numbers(B, 2),
    layers=[Layer(2 + 3 * k, 3, "tanh", rng=k) for k in range(4)],
    out=Neuron(14, "linear", rng=9),
)
def dense_connections(x, layers, out):
    for layer in layers:
        x = [*x, *layer(x)]
    return out(x)


@net(numbers(B, 3), layer=Layer(3, 3, "tanh", rng=0), out=Neuron(3, "linear", rng=1))
def shared_weights(x, layer, out):
    return out(layer(layer(layer(x))))


@net(numbers(B, 4), w=leaves(2, 4), b=leaves(2, seed=1), c=leaves(4, seed=2))
def tied_weights(x, w, b, c):
    h = [f.tanh(f.dot(row, x, bias)) for row, bias in zip(w, b, strict=True)]
    back = [f.dot([row[k] for row in w], h, c[k]) for k in range(4)]
    return squared_error(back, x)


@net(numbers(B, 3), w=leaves(3, 3))
def tied_weights_of_a_square(x, w):
    h = [f.sigmoid(f.dot(row, x)) for row in w]
    return f.sum([f.dot(column, h) ** 2 for column in zip(*w, strict=True)])


@net(numbers(B, 3), w=leaves(3, 3))
def quadratic_form(x, w):
    return f.dot([f.dot(row, x) for row in w], x)


@net(
    numbers(B, 3),
    numbers(B, 2, seed=1),
    left=Layer(3, 4, "tanh", rng=0),
    right=Layer(2, 4, "relu", rng=1),
)
def two_towers(x, y, left, right):
    return f.dot(left(x), right(y))


@net(numbers(B, 3), numbers(B, 3, seed=1), numbers(B, seed=2), layer=Layer(3, 4, "tanh", rng=0))
def twins(x, y, t, layer):
    pairs = zip(layer(x), layer(y), strict=True)
    return (f.sqrt(f.sum([(a - b) ** 2 for a, b in pairs]) + 0.1) - t) ** 2


@net(numbers(B, 3), towers=[MLP(n, [5 - n, 2], "tanh", rng=n) for n in (1, 2, 3)])
def towers_that_differ_in_size(x, towers):
    return f.logsumexp([z for n, tower in enumerate(towers, 1) for z in tower(x[:n])])


@net(numbers(B, 3), numbers(B, 3, seed=1), neuron=Layer(6, 3, "tanh", rng=0))
def interleaved_arrays(x, y, neuron):
    return f.prod(neuron([v for pair in zip(x, y, strict=True) for v in pair]))


@net(
    numbers(B, 3),
    gate=Layer(3, 2, "softmax", rng=0),
    experts=[MLP(3, [3, 1], "tanh", rng=k) for k in (1, 2)],
)
def mixture_of_experts(x, gate, experts):
    return f.dot(gate(x), [expert(x) for expert in experts])


@net(numbers(B, 4, 3), weights=[leaves(2, 3, seed=k) for k in range(3)])
def attention(rows, weights):
    q, k, v = [[[f.dot(w, x) for w in ws] for x in rows] for ws in weights]
    out = []
    for one in q:
        p = f.softmax([f.dot(one, other) / 2**0.5 for other in k])
        out += [f.dot(p, [row[j] for row in v]) for j in range(2)]
    return f.sum([z * z for z in out])


@net(numbers(B, 4), u=leaves(3, 2), v=leaves(4, 2, seed=1))
def low_rank_product(x, u, v):
    w = [[f.dot(a, b) for b in v] for a in u]
    return squared_error([f.dot(row, x) for row in w], [0.1, 0.2, 0.3])


@net(numbers(B), numbers(B, seed=1), w=leaves(6))
def deep_linear_net(x, y, w):
    for v in w:
        x = v * x
    return (x - y) ** 2


@net(numbers(B, 3), w=leaves(2, 3), g=leaves(2, seed=1))
def normalised_weights(x, w, g):
    out = []
    for row, scale in zip(w, g, strict=True):
        length = f.sqrt(f.dot(row, row))
        out.append(f.dot([scale * v / length for v in row], x))
    return f.max(out)


@net(numbers(B, 3), numbers(B, 2, seed=1), maker=Layer(2, 6, "tanh", rng=0))
def a_net_that_makes_weights(x, z, maker):
    w = maker(z)
    return f.tanh(f.dot(w[:3], x)) - f.tanh(f.dot(w[3:], x))


@net(numbers(B, 3), layer=Layer(3, 6, "linear", rng=0))
def maxout(x, layer):
    z = layer(x)
    return f.mean([f.max(z[k : k + 3]) for k in (0, 3)])


@net(numbers(B, 3), layer=Layer(3, 4, "linear", rng=0), gain=leaves(4), shift=leaves(4, seed=1))
def layer_normalisation(x, layer, gain, shift):
    z = layer(x)
    mean = f.mean(z)
    deviation = f.sqrt(f.mean([(a - mean) ** 2 for a in z]) + 1e-5)
    parts = zip(z, gain, shift, strict=True)
    return f.sum([f.relu(g * (a - mean) / deviation + s) for a, g, s in parts])


@net(numbers(B, 6), w=leaves(6))
def dots_of_several_lengths(x, w):
    return f.sum([f.dot(w[:k], x[:k]) * f.dot(w[-k:], x[:k], w[0]) for k in range(1, 7)])


@net(numbers(B, 3), weights=leaves(2))
def dots_with_repeated_weights(x, weights):
    v, w = weights
    same = f.dot([w, w, w], x, w)
    mixed = f.dot([v, w, v], x, v) + f.dot([v, w, v], x[::-1], w)
    return same * mixed


@net(numbers(B), w=leaves(2, 3))
def dots_with_repeated_inputs(x, w):
    return f.tanh(f.dot(w[0], [x, x, x])) * f.dot(w[1], [x, 1.0, x])


@net(numbers(B, 4), w=leaves(3, 2))
def half_of_a_product(x, w):
    """Of 3 weights by 3 inputs all dots but some: no full product."""
    rows = [x[:2], x[1:3], x[2:4]]
    chosen = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 0)]
    return f.sum([f.tanh(f.dot(w[i], rows[j], w[j][0])) for i, j in chosen])


@net(numbers(B, 3), w=leaves(3), b=leaves(2, seed=1))
def the_same_dot_twice(x, w, b):
    return f.dot(w, x, b[0]) * f.dot(w, x, b[1]) + f.dot(x, w, b[0]) * f.dot(w, x)


@net(numbers(B, 3), w=leaves(4, 3), b=Value(0.3))
def one_bias_for_all(x, w, b):
    return f.prod([f.dot(row, x, b) for row in w])


@net(numbers(B, 3), w=leaves(2, 3))
def biases_that_are_inputs(x, w):
    return f.dot(w[0], x, x[1]) * f.dot(w[1], x, x[2])


@net(numbers(B, 3), w=leaves(2, 3), v=leaves(2, seed=1))
def biases_that_are_computed(x, w, v):
    return f.dot(w[0], x, v[0] * v[1]) * f.dot(w[1], x, f.exp(v[0]))


@net(numbers(B, 3), w=leaves(2, 3))
def weights_and_biases_that_share(x, w):
    return f.dot(w[0], x, w[1][0]) * f.dot(w[1], x, w[0][0])


@net(numbers(B, 3), v=leaves(3), w=leaves(3, seed=1))
def dots_of_parameters(x, v, w):
    return f.dot(v, w, v[0]) * f.dot(v, x) + f.dot(v, v) * f.dot(w, w)


@net(numbers(B, 3), w=leaves(3, 2), v=leaves(2, seed=1))
def matrix_times_parameters(x, w, v):
    h = [f.tanh(f.dot(row, v)) for row in w]
    return f.dot(h, x) + f.dot(h, [0.5, 0.25, -1.0])


@net(numbers(B, 3), numbers(B, 3, seed=1), w=leaves(2))
def dots_of_inputs(x, y, w):
    return w[0] * f.dot(x, y) + w[1] * f.dot(x, x, y[0]) + f.dot(x, y[::-1])


@net(numbers(B, 3), w=leaves(2, 3))
def net_inputs_that_relu_and_others_read(x, w):
    z = [f.dot(row, x) for row in w]
    return f.sum([f.relu(a) * a for a in z])


@net(numbers(B, 2, 3), numbers(B, 2, 3, seed=1), w=leaves(2, 2))
def products_of_inputs_only(x, y, w):
    """A product {rows of x} x {rows of y} without a parameter in it."""
    z = [[f.dot(a, b) for b in y] for a in x]
    return f.sum([w[i][j] * f.tanh(z[i][j]) for i in range(2) for j in range(2)])


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


@net(
    numbers(B, 4, 4),
    np.array([0.0, 2, 1, 1, 2]),
    w=leaves(3, 4),
    b=leaves(3, seed=1),
    dense=Layer(27, 3, "linear", rng=0),
)
def convolution(x, y, w, b, dense):
    maps = convolved(x, w, b, 2)
    return cross_entropy(dense([z for m in maps for row in m for z in row]), y)


@net(numbers(B, 4, 4), w=leaves(3, 4), b=leaves(3, seed=1))
def convolution_patch_by_patch(x, w, b):
    """The loops the other way round: all filters for one patch after the other."""
    rows = patches(x, 2)
    z = [f.tanh(f.dot(u, p, c)) for r in rows for p in r for u, c in zip(w, b, strict=True)]
    return f.logsumexp(z)


@net(numbers(B, 3, 3), w=leaves(2, 4))
def convolution_without_bias(x, w):
    return f.sum([f.dot(u, p) ** 2 for u in w for r in patches(x, 2) for p in r])


@net(numbers(B, 6), w=leaves(3), b=Value(0.1))
def one_filter(x, w, b):
    return f.max([f.dot(w, x[k : k + 3], b) for k in range(4)])


@net(
    numbers(B, 5, 5),
    np.sign(numbers(B, seed=1)),
    w=leaves(2, 4),
    b=leaves(2, seed=1),
    out=Neuron(8, "linear", rng=0),
)
def max_pooling(x, y, w, b, out):
    pooled = [f.max(p) for m in convolved(x, w, b, 2) for r in patches(m, 2, 2) for p in r]
    return hinge(out(pooled), y)


@net(
    numbers(B, 4, 4),
    w1=leaves(2, 4),
    b1=leaves(2, seed=1),
    w2=leaves(3, 8, seed=2),
    b2=leaves(3, seed=3),
    out=Layer(12, 2, "linear", rng=0),
)
def two_convolutions(x, w1, b1, w2, b2, out):
    first, second = [patches(m, 2) for m in convolved(x, w1, b1, 2)]
    both = [a + b for r, s in zip(first, second, strict=True) for a, b in zip(r, s, strict=True)]
    maps = [f.tanh(f.dot(u, p, c)) for u, c in zip(w2, b2, strict=True) for p in both]
    return squared_error(out(maps), [0.5, -0.5])


@net(numbers(B, 4), w=leaves(2, 3), b=leaves(2, seed=1))
def padded_convolution(x, w, b):
    """Zeros around the image are constants of the graph."""
    row = [0.0, *x, 0.0]
    z = [f.dot(u, row[k : k + 3], c) for u, c in zip(w, b, strict=True) for k in range(4)]
    return f.sum([f.tanh(a) for a in z])


@net(numbers(B, 6, 2), numbers(B), w=leaves(3, 5), b=leaves(3, seed=1), out=leaves(3, seed=2))
def recurrent_in_one_dot(xs, y, w, b, out):
    h = [0.0] * 3
    for x in xs:
        h = [f.tanh(f.dot(row, [*x, *h], c)) for row, c in zip(w, b, strict=True)]
    return (f.dot(out, h) - y) ** 2


@net(
    numbers(B, 6, 2),
    numbers(B),
    w=leaves(3, 2),
    u=leaves(3, 3, seed=1),
    b=leaves(3, seed=2),
    out=leaves(3, seed=3),
)
def recurrent_in_two_dots(xs, y, w, u, b, out):
    h = [Value(0.0)] * 3
    for x in xs:
        rows = zip(w, u, b, strict=True)
        h = [f.tanh(f.dot(a, x) + f.dot(c, h) + d) for a, c, d in rows]
    return (f.dot(out, h) - y) ** 2


@net(numbers(B, 6, 2), w=leaves(3, 2), u=leaves(3, 3, seed=1), h0=leaves(3, seed=2))
def recurrent_with_a_learned_start(xs, w, u, h0):
    h, total = h0, []
    for x in xs:
        h = [f.sigmoid(f.dot(a, x, f.dot(c, h))) for a, c in zip(w, u, strict=True)]
        total.append(f.mean(h) ** 2)
    return f.sum(total)


@net(
    numbers(B, 4, 2),
    gates=[Layer(4, 2, a, rng=k) for k, a in enumerate(["sigmoid", "sigmoid", "tanh"])],
)
def gated_unit(xs, gates):
    h = [0.0, 0.0]
    for x in xs:
        z, r = gates[0]([*x, *h]), gates[1]([*x, *h])
        new = gates[2]([*x, *[a * b for a, b in zip(r, h, strict=True)]])
        h = [(1 - a) * b + a * c for a, b, c in zip(z, h, new, strict=True)]
    return f.dot(h, h)


@pytest.mark.parametrize("name", NETS)
def test_a_net_of_any_shape_equals_the_scalar_engine(name):
    NETS[name].check()


@pytest.mark.parametrize(
    ("name", "number"), [("two_towers", 2), ("convolution", 2), ("convolution_patch_by_patch", 1)]
)
def test_each_layer_is_one_product(name, number):
    assert products(NETS[name].program()) == number


def test_a_recurrent_net_has_one_matrix_for_all_its_steps():
    source = NETS["recurrent_in_one_dot"].program().source
    assert source.partition("# backward")[0].count("@ W1.T") == 6
