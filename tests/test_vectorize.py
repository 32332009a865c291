"""What `vectorize` makes of a function: the numbers of the scalar engine, for whole arrays."""

import random
from itertools import product

import numpy as np
import pytest
from test_primitives import SAMPLES, cases
from vectorized import Case, by_numpy, by_scalars, by_source, check, leaves, numbers, products

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Primitive, RandomLeaf, Value, primitives
from tinygrad_edu.losses import LOSSES, cross_entropy, hinge, l1, l2, squared_error
from tinygrad_edu.nn import ACTIVATIONS, MLP, Layer, Neuron
from tinygrad_edu.vectorize import VectorizeError, vectorize

B = 5
HIDDEN = [name for name in ACTIVATIONS if name != "softmax"]


def targets(loss, outputs):
    """Targets that fit a loss: signs, probabilities, class numbers or numbers."""
    shape = (B, outputs) if outputs > 1 else (B,)
    match loss:
        case "hinge" | "perceptron":
            return np.sign(numbers(*shape, seed=2))
        case "binary_cross_entropy" | "binary_cross_entropy_with_logits":
            return np.array([0.0, 1.0, 0.3, 1.0, 0.0])
        case "cross_entropy":
            return np.array([0.0, 2.0, 1.0, 1.0, 2.0])
    return numbers(*shape, seed=2)


def mlp_case(depth, activation, loss):
    """A net of some depth whose output fits the loss."""
    outputs = {"cross_entropy": 3}.get(loss, 2 if loss.endswith("squared_error") else 1)
    output = "sigmoid" if loss == "binary_cross_entropy" else "linear"
    model = MLP(3, [4] * (depth - 1) + [outputs], activation, output, rng=depth)
    x = numbers(B, 3, seed=1)
    return Case(lambda x, y: LOSSES[loss](model(x), y), [x, targets(loss, outputs)])


ALL = [*product([1, 2, 3, 4, 5], HIDDEN, LOSSES)]
QUICK = {
    (d, a, s)
    for d, a, s in ALL
    if (s == "half_squared_error" and (d == 2 or a == "tanh")) or (a == "tanh" and d == 2)
}


@pytest.mark.parametrize(
    ("depth", "activation", "loss"),
    [pytest.param(*c, marks=[] if c in QUICK else pytest.mark.slow) for c in ALL],
)
def test_every_depth_activation_and_loss_equals_the_scalar_engine(depth, activation, loss):
    mlp_case(depth, activation, loss).check()


@pytest.mark.parametrize("output", ACTIVATIONS)
def test_a_net_ending_in_any_activation_equals_the_scalar_engine(output):
    model = MLP(3, [4, 3], "tanh", output)
    check(lambda x, y: squared_error(model(x), y), numbers(B, 3), numbers(B, 3, seed=1))


def test_cross_entropy_of_a_distribution_equals_the_scalar_engine():
    model = MLP(3, [4, 3], "relu")
    t = np.random.default_rng(0).dirichlet([1, 1, 1], B)
    check(lambda x, y: cross_entropy(model(x), y), numbers(B, 3), t)


# --- primitives -----------------------------------------------------------------------------------


@pytest.mark.parametrize("record", primitives.values(), ids=lambda p: p.name)
def test_every_primitive_equals_the_scalar_engine(record):
    for operation, points in cases(record, SAMPLES[record.name]):
        for length in sorted({len(p) for p in points}):
            rows = [p for p in points if len(p) == length]
            scale = leaves(length, low=0.99, high=1.01)

            def fn(x, operation=operation, scale=scale):
                condition = operation.name in ("where", "cross_entropy")
                v = [a * s for a, s in zip(x, scale, strict=True)]
                return operation(*([x[0], *v[1:]] if condition else v)) * scale[-1]

            check(fn, np.array(rows))


@pytest.mark.parametrize("record", primitives.values(), ids=lambda p: p.name)
def test_every_primitive_of_parameters_alone_equals_the_scalar_engine(record):
    for operation, points in cases(record, SAMPLES[record.name]):
        p = [Value(x) for x in points[0]]
        check(lambda x, o=operation, p=p: o(*p) * x, numbers(B))


def test_cross_entropy_takes_class_numbers_from_any_argument():
    model = MLP(2, [3, 3], "tanh")

    def fn(x, t):
        z = model(x)
        return f.sum([cross_entropy(z, k) for k in t])

    check(fn, numbers(B, 2), np.array([[0.0, 1], [2, 2], [1, 0], [0, 0], [2, 1]]))


def test_a_computed_class_number_that_is_none_gives_nan_as_in_the_scalar_engine():
    model = MLP(2, [3], "tanh")
    t = np.array([0.0, 0.5, 1.0, 1.5, 0.25])
    program = check(lambda x, t: cross_entropy(model(x), 2 * t), numbers(B, 2), t[[0, 1, 2, 1, 0]])
    found = program(numbers(B, 2), t)
    assert np.isnan(found).tolist() == [False, False, False, True, True]
    for by in (by_numpy, by_source):
        assert np.isnan(by(program, numbers(B, 2), t)[0])


cube = Primitive("cube", lambda m, x: x * x * x, lambda m, y, x: (3 * x * x,))
geometric_mean = Primitive(
    "geometric_mean",
    lambda m, x, y: m.sqrt(2 * x * y),
    lambda m, z, x, y: (m.divide(y, z), m.divide(x, z)),
)
sum_of_squares = Primitive(
    "sum_of_squares",
    lambda m, *x: m.sum([a * a for a in x]),
    lambda m, y, *x: tuple([2 * a for a in x]),
)
clipped = Primitive(
    "clipped",
    lambda m, x: m.minimum(m.maximum(x, 0.0), 1.0),
    lambda m, y, x: (m.where(x > 1, 0.0, m.where(x < 0, 0.0, 1.0)),),
)
bent = Primitive(
    "bent",
    lambda m, x, *, at: m.where(x > at, x, at * x),
    lambda m, y, x, *, at: (m.where(x > at, 1.0, at),),
)


def own_unary(x, w):
    return f.sum([cube(f.dot(w, x)), cube(x[0] * w[0]), cube(w[1]), clipped(x[1] * w[2])])


def own_binary(x, w):
    return geometric_mean(f.exp(w[0] * x[0]), f.exp(w[1] * x[1])) * geometric_mean(f.exp(w[2]), 2.0)


def own_of_many(x, w):
    products = [a * b for a, b in zip(x, w, strict=True)]
    return sum_of_squares(*products) * sum_of_squares(*w) + sum_of_squares(*x, *w)


def own_with_a_constant(x, w):
    z = f.dot(w, x)
    return bent(z, at=0.2) * bent(z, at=-0.3) + bent(w[0], at=0.2)


@pytest.mark.parametrize("own", [own_unary, own_binary, own_of_many, own_with_a_constant])
def test_own_primitives_equal_the_scalar_engine(own):
    w = leaves(3)
    check(lambda x: own(x, w), numbers(B, 3, seed=1))


# --- penalties, several results, batches, samples -------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "prelu"])
@pytest.mark.parametrize("penalty", [l1, l2], ids=["l1", "l2"])
def test_penalties_in_the_function_equal_the_scalar_engine(penalty, activation):
    model = MLP(2, [3, 2, 1], activation)
    weights = [w for name, w in model.named_parameters().items() if ".w[" in name]

    def fn(x, y):
        return hinge(model(x), y) + penalty(weights, 0.1) + penalty(model.parameters(), 0.01)

    check(fn, numbers(B, 2), np.sign(numbers(B)))


def test_a_penalty_alone_is_a_loss():
    model = MLP(2, [3, 1], "tanh")
    check(lambda x: l2(model.parameters(), 0.1, half=True), numbers(B, 2))


def test_several_outputs_equal_the_scalar_engine():
    model = MLP(2, [4, 3], "tanh")
    x = numbers(B, 2)
    program = vectorize(model, x[0])
    expected = [[v.data for v in model(row)] for row in x]
    np.testing.assert_allclose(program(x), expected, rtol=1e-12)
    np.testing.assert_allclose(program(x[0]), expected[0], rtol=1e-12)


def test_a_loss_with_further_outputs_has_the_gradient_of_the_loss():
    model = MLP(2, [4, 3], "tanh")

    def fn(x, y):
        z = model(x)
        return cross_entropy(z, y), z

    x, y = numbers(B, 2), np.array([0.0, 1, 2, 2, 1])
    program = check(fn, x, y)
    assert program(x, y).shape == (B, 4)
    np.testing.assert_allclose(program(x, y)[2, 1:], [v.data for v in model(x[2])], rtol=1e-12)


def batch_normalisation(rows, gain, shift):
    columns = []
    for z, g, s in zip(zip(*rows, strict=True), gain, shift, strict=True):
        mean = f.mean(z)
        deviation = f.sqrt(f.mean([(a - mean) ** 2 for a in z]) + 1e-5)
        columns.append([g * (a - mean) / deviation + s for a in z])
    return [list(row) for row in zip(*columns, strict=True)]


def test_batch_normalisation_over_a_mini_batch_equals_the_scalar_engine():
    first, out = Layer(2, 3, "linear", rng=0), Neuron(3, "linear", rng=1)
    gain, shift = leaves(3), leaves(3, seed=1)

    def fn(rows, y):
        z = batch_normalisation([first(x) for x in rows], gain, shift)
        losses = [hinge(out([f.relu(a) for a in r]), t) for r, t in zip(z, y, strict=True)]
        return f.mean(losses)

    X, y = numbers(3, 6, 2), np.sign(numbers(3, 6, seed=1))
    program = check(fn, X, y)
    assert products(program) == 2
    loss, _ = program.value_and_grad(X[0], y[0])
    assert loss == pytest.approx(by_scalars(fn, program.parameters, X[:1], y[:1])[0][0], rel=1e-12)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_mini_batch_without_coupling_equals_the_scalar_engine(rows):
    model = MLP(2, [3, 3, 2], "relu")

    def fn(X, y):
        return f.mean([cross_entropy(model(x), t) for x, t in zip(X, y, strict=True)])

    y = np.arange(2 * rows).reshape(2, rows) % 2
    check(fn, numbers(2, rows, 2), y.astype(float))


def test_contrastive_loss_over_a_mini_batch_equals_the_scalar_engine():
    layer = Layer(2, 3, "tanh", rng=0)

    def fn(X):
        h = [layer(x) for x in X]
        return f.mean([f.logsumexp([f.dot(a, b) for b in h]) - f.dot(a, a) for a in h])

    check(fn, numbers(2, 4, 2))


def check_draws(fn, program, rng, *arrays, tolerance):
    """Equal numbers are drawn by the scalar engine, the program and its source."""
    state = rng.getstate()
    losses, gradient = by_scalars(fn, program.parameters, *arrays)
    after = rng.getstate()

    def again(run):
        rng.setstate(state)
        return run()

    def draw():
        return [[s.draw() for s in program.samples] for _ in range(B)]

    loss, found = again(lambda: program.value_and_grad(*arrays))
    assert rng.getstate() == after
    np.testing.assert_allclose(again(lambda: program(*arrays)), losses, rtol=1e-12)
    for mean, slopes in ((loss, found), by_source(program, *arrays, samples=again(draw))):
        assert mean == pytest.approx(np.mean(losses), rel=1e-12)
        largest = np.abs(gradient).max()
        np.testing.assert_allclose(slopes, gradient, rtol=0, atol=tolerance * largest)


def test_samples_are_drawn_anew_in_the_order_of_the_scalar_engine():
    rng = random.Random(7)
    first, out = Layer(2, 4, "relu", rng=0), Neuron(4, "linear", rng=1)

    def fn(x, y):
        h = [a * RandomLeaf(lambda: float(rng.random() < 0.5)) * 2 for a in first(x)]
        noise = RandomLeaf(lambda: rng.gauss(0, 0.1))
        return (out(h) + noise - y) ** 2

    x, y = numbers(B, 2), numbers(B)
    program = vectorize(fn, x[0], y[0])
    program.value_and_grad(x, y)  # the first use compares, and draws nothing more
    expected = random.Random(7)
    for _ in range(B):
        [expected.random() for _ in range(4)], expected.gauss(0, 0.1)
    assert rng.random() == expected.random()
    for _ in range(3):
        check_draws(fn, program, rng, x, y, tolerance=1e-10)


def test_samples_that_are_not_used_are_drawn_too():
    rng = random.Random(3)
    w = Value(0.5)

    def fn(x):
        RandomLeaf(rng.random)
        return w * x * RandomLeaf(rng.random)

    program = vectorize(fn, 0.3)
    program(numbers(B))
    check_draws(fn, program, rng, numbers(B), tolerance=1e-12)


# --- rows at a time -------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 3, 7, 20])
def test_rows_that_are_computed_after_others_give_what_they_give_at_once(rows, monkeypatch):
    rng, w = random.Random(1), leaves(3)

    def fn(x, t):
        drawn = RandomLeaf(rng.random)
        return cross_entropy([a * b * drawn for a, b in zip(w, x, strict=True)], t), w[0] * 2, drawn

    found = []
    arrays = numbers(20, 3, seed=1), np.arange(20) % 3
    for at_a_time in (20, rows):
        program = vectorize(fn, [0.1, 0.2, 0.3], 1)
        monkeypatch.setattr(program.plan, "rows", at_a_time)
        program(*arrays)  # checked
        rng.seed(4)
        found.append(program(*arrays))
    np.testing.assert_allclose(*found, rtol=1e-14)
    assert found[0].shape == (20, 3)


def test_a_comparison_that_comes_out_otherwise_counts_all_rows_before(monkeypatch):
    program = vectorize(lambda x: x * x if x > 0 else -x, 1.0)
    monkeypatch.setattr(program.plan, "rows", 3)
    with pytest.raises(VectorizeError, match="False for example 7: "):
        program([1.0] * 7 + [-1.0] + [1.0] * 4)
