"""Two engines, one answer: what a program of arrays must not get wrong, kind by kind."""

import functools
import math
import random
from collections import deque
from functools import cache, partial
from itertools import chain
from types import SimpleNamespace

import numpy as np
import pytest
from both_engines import assert_close
from vectorized import assert_equal, function_of, numbers_of

from tinygrad_edu import (
    MLP,
    SGD,
    BatchNorm,
    Layer,
    Module,
    NonFiniteError,
    Sequential,
    Value,
    classes,
    detect_anomaly,
    evaluate,
    fit,
    grad,
    hessian,
    losses,
    parameter,
    predict,
    pretrain,
    primitive,
    train,
    vectorize,
)
from tinygrad_edu import functions as f
from tinygrad_edu.data import moons
from tinygrad_edu.engine import toposort
from tinygrad_edu.vectorize import VectorizeError

POINTS, LABELS = moons(20, noise=0.1, rng=0)


# --- the printed source ---------------------------------------------------------------------------


def shared_and_compared():
    """Parameters in another order than that of a model, one used twice, one only compared."""
    a, b, c, d = (parameter(x) for x in (0.3, -0.7, 1.1, 0.4))
    return (lambda x: (c * x[1] + a * x[0] if d > 0 else a) * c + b), (POINTS,)


ROWS = np.linspace(-1.0, 1.0, 40).reshape(5, 4, 2)
BITS = [[float(t == k) for k in (0, 1)] for t in LABELS]
NET, TWO = MLP(2, [16, 16, 1], "tanh", rng=0), MLP(2, [3, 2], "tanh", rng=0)
#: A function of an example, and the arguments as a reader has them: lists, flat targets, classes.
SOURCES = {
    "flat targets": (lambda x, t: losses.squared_error(NET(x), t), (POINTS, LABELS)),
    "arrays": (
        lambda x, t: losses.squared_error(NET(x), t),
        (np.array(POINTS), np.array(LABELS, dtype=np.int8)),
    ),
    "classes": (lambda x, t: losses.cross_entropy(TWO(x), t), (POINTS, LABELS)),
    "rows of targets": (lambda x, t: losses.cross_entropy(TWO(x), t), (POINTS, BITS)),
    "a hinge": (lambda x, t: losses.hinge(NET(x), t), (POINTS, [2 * t - 1 for t in LABELS])),
    "probabilities": (
        lambda x, t: losses.binary_cross_entropy(NET(x).sigmoid(), t), (POINTS, LABELS)
    ),
    "pixels": (
        lambda x: f.dot(x, [NET.parameters()[0], NET.parameters()[5]]) ** 2,
        (np.array([[200, 100], [255, 3]], dtype=np.uint8),),
    ),
    "rows of rows": (
        lambda rows: f.mean([NET(row) for row in rows]),
        (ROWS,),
    ),
    "three arguments": (
        lambda x, y, z: NET([x, y]) * z,
        ([1, 2, 3], [0.5, -0.5, 0.1], np.array([True, False, True])),
    ),
    "shared and compared": shared_and_compared(),
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCES)
def test_the_source_takes_the_parameters_and_arrays_that_the_program_takes(name):
    """`vectorized.check` asks the same of every net of the suite; here are odd arguments."""
    fn, arrays = SOURCES[name]
    program = vectorize(fn, *[np.asarray(a, dtype=float)[0].tolist() for a in arrays])
    loss, gradient = function_of(program)(numbers_of(program).tolist(), *arrays)
    expected = program.value_and_grad(*arrays)
    assert_equal(loss, expected[0], "mean loss", 1e-12)
    assert_equal(gradient, expected[1], "gradient", 1e-12)


P = [0.0] * 337
WRONG = {
    "too few parameters": (P[1:], POINTS, LABELS),
    "too many parameters": ([*P, 0.0], POINTS, LABELS),
    "a row of targets across": (P, POINTS, np.array(LABELS)[None]),
    "two targets each": (P, POINTS, BITS),
    "fewer targets": (P, POINTS, LABELS[1:]),
    "columns for rows": (P, np.transpose(POINTS), LABELS),
    "one example": (P, POINTS[0], LABELS[0]),
    "text": (P, POINTS, ["a"] * len(POINTS)),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_source_refuses_what_does_not_fit(name):
    program = vectorize(SOURCES["flat targets"][0], POINTS[0], LABELS[0])
    with pytest.raises(ValueError, match=r"expected an array of shape|convert"):
        function_of(program)(*WRONG[name])


def test_parameters_that_are_only_compared_have_a_gradient_of_zero():
    w, v = parameter(0.5), parameter(0.25)
    program = vectorize(lambda x: v * x if w > 0 else Value(0.0) * x, 0.5)
    _, gradient = program.value_and_grad([1.0, 2.0])
    by = dict(zip(program.parameters, gradient.tolist(), strict=True))
    assert (by[v], by[w]) == (1.5, 0.0)


# --- one history ----------------------------------------------------------------------------------


X, Y = moons(10, noise=0.1, rng=0)
W = parameter(0.7)
FACTOR = [1.0, 1.0]
STATE = SimpleNamespace(factor=1.0, draws=random.Random(0))


@pytest.fixture(autouse=True)
def _at_the_start():
    start()


def start():
    FACTOR[:], STATE.factor = [1.0, 1.0], 1.0
    STATE.draws.seed(0)
    random.seed(0)
    np.random.seed(0)


@primitive(lambda m, y, x: (FACTOR[1] * m.exp(-x),))
def times_factor(m, x):
    return -FACTOR[1] * m.exp(-x)


class Own(Module):
    """A net, and what its attributes say."""

    def __init__(self):
        self.net = MLP(2, [2, 1], "tanh", rng=0)
        self.factor, self.deep, self.noisy = 1.0, False, False
        self.options, self.after = {"shift": 0.0}, times_factor
        self.rng = random.Random(0)

    def __call__(self, x):
        z = self.after(self.net(x)) * self.factor + self.options["shift"]
        if self.noisy:
            z = z + self.rng.gauss(0.0, 0.1)
        return f.tanh(z) if self.deep else z


def loss_with_factor(output, target):
    return FACTOR[0] * losses.squared_error(output, target)


def penalty_with_factor(model):
    return 0.01 * STATE.factor * f.sum([p * p for p in model.net.parameters()])


def change(name, value):
    return lambda model: setattr(model, name, value)


#: What a callback may do to a model, and to what its loss and its penalty read.
CHANGES = {
    "a number of the model": change("factor", 3.0),
    "a branch": change("deep", True),
    "noise from now on": change("noisy", True),
    "an option": lambda model: model.options.update(shift=0.25),
    "a number of the loss": lambda model: FACTOR.__setitem__(0, 5.0),
    "a number of the penalty": lambda model: setattr(STATE, "factor", 100.0),
    "a layer": lambda model: model.net.layers.__setitem__(1, Layer(2, 1, rng=5)),
    "an activation": lambda model: model.net.layers.__setitem__(0, Layer(2, 2, "relu", rng=5)),
    "a unit used twice": lambda model: setattr(
        model.net.layers[0], "neurons", model.net.layers[0].neurons[:1] * 2
    ),
    "a weight": lambda model: model.net.layers[0].neurons[0].w.__setitem__(0, parameter(2.0)),
    "a layer more": lambda model: setattr(
        model, "net", Sequential(model.net, Layer(1, 1, "tanh", rng=3))
    ),
    "a weight frozen": lambda model: model.net.layers[0].neurons[0].w.__setitem__(0, 0.5),
    "a method": lambda model: setattr(model, "after", lambda z: 3.0 * z),
    "a number of an operation": lambda model: FACTOR.__setitem__(1, 3.0),
    "numbers of parameters": lambda model: setattr(model.net.parameters()[0], "data", 2.0),
}


def by_callback(engine, changed):
    model = Own()
    sgd = SGD(model.parameters(), lr=0.05)

    def callback(epoch):
        if epoch.number == 0:
            changed(model)

    history = fit(
        model, X, Y, loss=loss_with_factor, penalty=penalty_with_factor, optimizer=sgd, epochs=3,
        batch_size=4, validation=(X[:8], Y[:8]), callbacks=[callback], engine=engine,
    )  # fmt: skip
    return [*history.loss, *history.validation_loss, *(p.data for p in sgd.parameters)]


def between_steps(engine, changed):
    model = Own()
    sgd = SGD(model.parameters(), lr=0.05, momentum=0.9)
    found = []
    for step in train(
        model, X, Y, loss=loss_with_factor, penalty=penalty_with_factor, optimizer=sgd, epochs=1,
        batch_size=4, engine=engine,
    ):  # fmt: skip
        found += [step.loss, *chain(*step.outputs)]
        if step.batch == 0:
            changed(model)
    return [*found, *(p.data for p in sgd.parameters)]


@cache
def unchanged(run):
    return run("scalar", lambda model: None)


#: These in the quick tests by a callback, and of the others those that are not much like one more.
BY_CALLBACK = ("a number of the loss", "a number of the model", "noise from now on")
LIKE_OTHERS = (
    "an option",
    "a weight",
    "a weight frozen",
    "an activation",
    "a method",
    *BY_CALLBACK,
)


@pytest.mark.parametrize(
    ("run", "name"),
    [
        pytest.param(run, name, marks=[] if quick == (name in rows) else pytest.mark.slow)
        for run, rows, quick in (
            (by_callback, BY_CALLBACK, True),
            (between_steps, LIKE_OTHERS, False),
        )
        for name in CHANGES
    ],
)  # fmt: skip
def test_both_engines_give_one_history_whatever_is_changed_on_the_way(run, name):
    expected = run("scalar", CHANGES[name])
    start()
    assert expected != unchanged(run)
    noisy = name == "noise from now on"
    assert_close(run("auto" if noisy else "matrix", CHANGES[name]), expected, name)
    if noisy:
        with pytest.raises(VectorizeError, match="a RandomLeaf if it is random"):
            run("matrix", CHANGES[name])


class Holding(Module):
    """A unit and an array of its own, which `use` reads."""

    def __init__(self, held, use):
        self.held, self.use = held, use
        self.unit = Layer(2, 1, rng=0)

    def __call__(self, x):
        return self.use(self.held, self.unit(x)[0])


def objects(*things):
    held = np.empty(len(things), dtype=object)
    held[:] = things
    return held


#: What an array holds that a model reads, what is read, and what a callback puts there instead.
ARRAYS = {
    "parameters": (
        lambda: objects(parameter(0.5), 0, 1, 0)[::2],
        lambda held, z: z * held[0],
        lambda: parameter(2.0),
    ),
    "layers": (
        lambda: objects(Layer(1, 1, "tanh", rng=0)),
        lambda held, z: held[0]([z])[0],
        lambda: Layer(1, 1, "sigmoid", rng=0),
    ),
    "lists": (lambda: objects([0.5], [1.0]), lambda held, z: z * held[0][0], lambda: [2.0]),
    "texts": (
        lambda: np.array(["tanh", "relu"]),
        lambda held, z: getattr(f, str(held[0]))(z),
        lambda: "sinh",
    ),
    "records": (
        lambda: np.array([(0.5, "a")], dtype=[("rate", float), ("name", "U1")]),
        lambda held, z: z * float(held[0]["rate"]),
        lambda: (2.0, "b"),
    ),
    "days": (
        lambda: np.array(["2020-01-03", "NaT"], dtype="datetime64[D]"),
        lambda held, z: z * float(held[0].astype(int) % 7),
        lambda: np.datetime64("2020-01-04"),
    ),
    "numbers": (lambda: np.array([0.5, np.nan]), lambda held, z: z * float(held[0]), lambda: 2.0),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_that_a_model_holds_may_be_of_any_kind_and_changed(name):
    make, use, other = ARRAYS[name]

    def run(engine, place=0):
        model = Holding(make(), use)
        sgd = SGD(model.parameters(), lr=0.05)
        changed = [lambda epoch: model.held.__setitem__(0, other())] if place == 0 else []
        history = fit(
            model, X, Y, loss="squared_error", optimizer=sgd, epochs=3, callbacks=changed,
            engine=engine,
        )  # fmt: skip
        return history.loss

    expected = run("scalar")
    assert expected != run("scalar", None)
    assert_close(run("matrix"), expected, name)
    assert_close(run("matrix", None), run("scalar", None), name)


def test_after_a_change_divergence_leaves_the_last_numbers_with_a_finite_loss():
    def run(engine):
        start()
        model = Own()
        sgd = SGD(model.net.parameters(), lr=0.1)

        def callback(epoch):
            if epoch.number == 1:
                FACTOR[0] = math.nan

        with pytest.warns(RuntimeWarning, match="diverged in epoch 2: the loss is nan"):
            fit(model, X, Y, loss=loss_with_factor, optimizer=sgd, epochs=4, batch_size=4,
                callbacks=[callback], engine=engine)  # fmt: skip
        return [p.data for p in sgd.parameters]

    expected = run("scalar")
    for engine in ("auto", "matrix"):
        assert_close(run(engine), expected, engine)


def test_a_layer_that_couples_examples_from_now_on_trains_on_scalars():
    def run(engine):
        net = Sequential(Layer(2, 2, "tanh", rng=0), Layer(2, 1, rng=1))
        steps = train(
            net, X, Y, loss="squared_error", optimizer=SGD(net.parameters(), lr=0.1), epochs=4,
            engine=engine,
        )  # fmt: skip
        found = [next(steps).loss]
        net.layers.insert(1, BatchNorm(2))
        return [*found, *(step.loss for step in steps)]

    assert_close(run("auto"), run("scalar"), "losses")
    with pytest.raises(VectorizeError, match="couples the examples of a batch"):
        run("matrix")


class Drawing(Own):
    """A net times what `noise()` gives."""

    by_class = random.Random(0)

    def __init__(self, noise):
        super().__init__()
        self.by_class.seed(0)
        self.draws = noise(self)

    def __call__(self, x):
        return self.net(x) * (1 + 0.1 * self.draws())


def counting():
    n = 0

    def count():
        nonlocal n
        n += 1
        return n % 7

    return count


class Queue:
    """Numbers that are given out in turn, kept in lists of lists."""

    def __init__(self):
        self.numbers = {"left": [[0.1, 0.7, 0.3, -0.2] * 200]}

    def __call__(self):
        return self.numbers["left"][0].pop()


def from_array():
    state = np.array([0.5])

    def logistic():
        state[0] = 3.7 * state[0] * (1 - state[0])
        return float(state[0])

    return logistic


def rotating():
    numbers = deque([0.1, 0.5, -0.3, 0.2, 0.0])

    def next_one():
        numbers.rotate()
        return numbers[0]

    return next_one


def with_default(numbers=None):
    return lambda held=[]: held.append(1) or len(held) % 5


#: Where the random numbers, or the state, of a model may be.
NOISE = {
    "a generator of Python": lambda model: random.Random(1).random,
    "a generator of NumPy": lambda model: np.random.default_rng(1).normal,
    "an old one of NumPy": lambda model: np.random.RandomState(1).rand,
    "the one of the module random": lambda model: lambda: random.random(),
    "the one of numpy.random": lambda model: lambda: np.random.rand(),
    "one of the class": lambda model: lambda: Drawing.by_class.random(),
    "a global one": lambda model: lambda: STATE.draws.random(),
    "a count in a closure": lambda model: counting(),
    "a list in a dict of an object": lambda model: Queue(),
    "an array": lambda model: from_array(),
    "a deque": lambda model: rotating(),
    "a default": lambda model: with_default(),
    "a method of the model": lambda model: partial(model.rng.gauss, 0.0, 1.0),
}


@pytest.mark.parametrize("name", NOISE)
def test_a_trial_of_the_matrix_engine_draws_no_number_of_the_model(name):
    def run(engine):
        start()
        model = Drawing(NOISE[name])
        history = fit(
            model, X, Y, loss="squared_error", optimizer=SGD(model.net.parameters(), lr=0.1),
            epochs=1, validation=(X, Y), engine=engine,
        )  # fmt: skip
        mean, _ = evaluate(model, X, Y, loss="squared_error", engine=engine)
        return [
            *history.loss,
            *history.validation_loss,
            mean,
            *chain(*predict(model, X, engine=engine)),
        ]

    assert run("auto") == run("scalar")
    with pytest.raises(VectorizeError):
        run("matrix")


def test_a_trial_leaves_what_a_model_holds_as_it_was():
    """It notes what it is asked, which is no part of what it gives."""
    model, asked = Own(), {"x": [], "set": set()}

    def noting(x):
        asked["x"].append(x)
        asked["set"].add(len(asked["x"]))
        asked[len(asked)] = model.last = x
        return model.net(x)

    for _ in range(2):
        predict(noting, X, engine="matrix")
        fit(noting, X, Y, loss="squared_error", optimizer=SGD(model.parameters()), epochs=2,
            callbacks=[lambda epoch: None], engine="matrix")  # fmt: skip
    assert asked == {"x": [], "set": set()}
    assert "last" not in vars(model)


# --- a number and a Value in its place ------------------------------------------------------------


@functools.singledispatch
def at_three(v):
    return v


@at_three.register
def _(v: float) -> float:
    return 7.0 if v == 3 else v


def matched(v):
    match v:
        case float() if v == 3.0:
            return 7.0
    return v


def attempted(v):
    try:
        return 7.0 if v.is_integer() and v == 3 else v
    except AttributeError:
        return v


def rounded(v):
    try:
        return [0.0, 1.0, 2.0, 7.0, 4.0, 5.0, 6.0][int(v)]
    except TypeError:
        return v


def floored(v):
    try:
        return 7.0 if math.floor(v) == 3 else v
    except TypeError:
        return v


#: What depends on the type of an input, by which a Value and the number in its place differ; for
#: one row in seven alone.
QUESTIONS = {
    "isinstance of Value": lambda v: v if isinstance(v, Value) or v != 3 else 7.0,
    "isinstance of float": lambda v: 7.0 if isinstance(v, float) and v == 3 else v,
    "type": lambda v: 7.0 if type(v) is float and v == 3 else v,
    "issubclass": lambda v: v if issubclass(type(v), Value) or v != 3 else 7.0,
    "class": lambda v: 7.0 if v.__class__ is float and v == 3 else v,
    "hasattr": lambda v: v if hasattr(v, "tanh") or v != 3 else 7.0,
    "getattr": lambda v: 7.0 if getattr(v, "hex", None) and v == 3 else v,
    "a dict": lambda v: {3.0: 7.0}.get(v, v),
    "a set": lambda v: 7.0 if v in {3.0} else v,
    "singledispatch": at_three,
    "match": matched,
    "an attribute": attempted,
    "an index": rounded,
    "a floor": floored,
}
ROWS_OF_SEVEN = [[float(i % 7), 1.0] for i in range(28)]


def refused_or(run):
    try:
        return run()
    except VectorizeError:
        return None


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_depends_on_the_type_of_an_input_is_noticed_on_whichever_row_it_is(name):
    layer = Layer(2, 1, rng=0)
    question = QUESTIONS[name]

    def model(x):
        return layer([question(v) for v in x])[0]

    def losses_of(engine):
        sgd = SGD(Layer(2, 1, rng=0).parameters(), lr=0.01)
        sgd.parameters[:] = layer.parameters()
        return fit(model, ROWS_OF_SEVEN, [0.0] * 28, loss="squared_error", optimizer=sgd,
                   epochs=1, engine=engine).loss  # fmt: skip

    expected = predict(model, ROWS_OF_SEVEN, engine="scalar")
    assert expected[3] != [layer(ROWS_OF_SEVEN[3])[0].data]
    assert_close(predict(model, ROWS_OF_SEVEN), expected, name)
    assert refused_or(lambda: predict(model, ROWS_OF_SEVEN, engine="matrix")) is None
    assert refused_or(lambda: losses_of("matrix")) is None
    before = [p.data for p in layer.parameters()]
    auto = losses_of("auto")
    for p, x in zip(layer.parameters(), before, strict=True):
        p.data = x
    assert_close(auto, losses_of("scalar"), name)


def test_what_takes_a_number_and_a_value_alike_is_a_program():
    net = MLP(2, [3, 1], rng=0)

    def model(x):
        return net([v if isinstance(v, Value) else Value(v) for v in x])

    options = {"loss": "squared_error", "optimizer": SGD(net.parameters()), "epochs": 1}
    fit(model, X, Y, engine="matrix", **options)
    expected = predict(model, X, engine="scalar")
    assert_close(predict(model, X, engine="matrix"), expected, "outputs")
    noisy = {"augment": lambda row, rng: [v + rng.gauss(0, 0.1) for v in row], **options}
    with pytest.raises(VectorizeError, match="rows that augment makes are not known before"):
        fit(model, X, Y, engine="matrix", **noisy)


# --- derivatives and identity within a function ---------------------------------------------------


class OfDerivatives(Module):
    """u + u' + u'', as the equations of physics have them."""

    def __init__(self):
        self.net = MLP(2, [3, 1], "tanh", rng=0)

    def __call__(self, x):
        x = [v if isinstance(v, Value) else Value(v) for v in x]
        u = self.net(x)
        slope = grad(u, x[0])
        return u + slope + grad(slope, x[0])


def slopes_squared(error, xs):
    return f.sum([g * g for g in grad(error, xs)])


def after_a_step(error, xs):
    return f.sum([(x - 0.1 * g) ** 2 for x, g in zip(xs, grad(error, xs), strict=True)])


def curvature(error, xs):
    return f.sum([h * h for row in hessian(error, xs[:3]) for h in row])


def third_order(error, xs):
    return grad(grad(grad(error, xs[0]), xs[1]), xs[0]) ** 2


def as_keys(error, xs):
    table = {v: k for k, v in enumerate([error, error * error, *xs[:2]])}
    return f.sum([v * k for v, k in table.items()]) + (error if error in set(table) else 0.0)


def in_order_of_birth(error, xs):
    return f.mean(toposort(error)[-2:])


PENALTIES = [slopes_squared, after_a_step, curvature, third_order, as_keys, in_order_of_birth]


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("activation", ["tanh", pytest.param("softplus", marks=pytest.mark.slow)])
def test_a_loss_that_differentiates_or_keeps_values_as_keys_trains_as_a_program(
    penalty, activation
):
    def run(engine):
        net = MLP(2, [2, 1], activation, rng=0)

        def loss(output, target):
            error = losses.squared_error(output, target)
            return error + 0.1 * penalty(error, net.parameters())

        sgd = SGD(net.parameters(), lr=0.05)
        history = fit(net, X, Y, loss=loss, optimizer=sgd, epochs=2, batch_size=4, engine=engine)
        return [*history.loss, *(p.data for p in sgd.parameters)]

    assert_close(run("matrix"), run("scalar"), penalty.__name__)


def test_a_model_that_differentiates_gives_the_same_in_all_engines():
    model = OfDerivatives()
    expected = [[model(x).data] for x in X]
    for engine in ("scalar", "matrix"):
        assert_close(predict(model, X, engine=engine), expected, engine)
        assert evaluate(model, X, expected, loss="squared_error", engine=engine)[0] < 1e-30


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        (lambda x: grad((W * x).tanh(), W) ** 2, 0.25 * (1 - math.tanh(0.35) ** 2) ** 2),
        (lambda x: f.sum(sorted({x, x * W}, key=lambda v: v is x)), 0.85),
        (lambda x: toposort(W * x)[-1], 0.35),
        (lambda x: {x: W * x}[x], 0.35),
        (lambda x: grad(x**3, x), 0.75),
        (lambda x: grad(W * x, {"x": x}["x"]), 0.7),
    ],
)
def test_neither_a_derivative_nor_identity_reads_a_number(fn, expected):
    assert vectorize(fn, 0.5)([0.5])[0] == pytest.approx(expected, rel=1e-12)


# --- anomalies ------------------------------------------------------------------------------------


def huge(*sizes):
    net = MLP(2, sizes, "relu", rng=0)
    for p in net.parameters():
        p.data = 1e200
    return net


def fitted(**options):
    net = MLP(2, [3, 1], "relu", rng=0)
    sgd = SGD(net.parameters(), lr=1e200)
    return fit(net, X, Y, loss="squared_error", optimizer=sgd, epochs=4, **options)


def stepped():
    """The mode is asked at each step, not when the generator is made."""
    net = MLP(2, [3, 1], "relu", rng=0)
    sgd = SGD(net.parameters(), lr=1e200)
    options = {"loss": "squared_error", "optimizer": sgd, "epochs": 4, "engine": "matrix"}
    return list(train(net, X, Y, **options))


BAD = {
    "fit": fitted,
    "fit on arrays": partial(fitted, engine="matrix"),
    "fit with callbacks and validation": partial(
        fitted, engine="matrix", callbacks=[lambda epoch: None], validation=(X, Y)
    ),
    "train": stepped,
    "evaluate": lambda: evaluate(huge(3, 1), X, Y, loss="squared_error"),
    "evaluate on arrays": lambda: evaluate(huge(3, 1), X, Y, loss="squared_error", engine="matrix"),
    "predict": lambda: predict(huge(3, 1), X),
    "predict on arrays": lambda: predict(huge(3, 1), X, engine="matrix"),
    "classes": lambda: classes(huge(3, 2), X, loss="cross_entropy"),
    "pretrain": lambda: pretrain(
        MLP(2, [3, 2, 1], rng=0), X, optimizer=lambda p: SGD(p, lr=1e200), epochs=3
    ),
    "a program": lambda: vectorize(lambda x: 1 / f.exp(1000 * W * x), 0.5)([0.5, 1.5]),
    "a program with its gradient": lambda: vectorize(
        lambda x: 1 / f.exp(1000 * W * x), 0.5
    ).value_and_grad([0.5, 1.5]),
}


@pytest.mark.parametrize("name", BAD)
def test_inside_detect_anomaly_every_entry_names_the_first_node_that_is_not_finite(name):
    with detect_anomaly(), pytest.raises(NonFiniteError, match=r"^forward: \w+ of \("):
        BAD[name]()


def test_inside_detect_anomaly_the_passes_of_a_program_are_those_that_were_asked_for():
    v = parameter(0.0)
    v.grad = 5.0
    program = vectorize(lambda x: f.sqrt(v * x), 1.0)
    with detect_anomaly():
        assert program([1.0, 2.0]).tolist() == [0.0, 0.0]
        with pytest.raises(NonFiniteError, match=r"^backward: sqrt passed grad 0\.5 \* slope inf"):
            program.value_and_grad([1.0, 2.0])
    assert v.grad == 5.0


# --- mistakes -------------------------------------------------------------------------------------


def of_floats_alone(x):
    assert not isinstance(x[0], Value), "floats alone"
    return W * x[0]


def misspelt(x):
    return (W * x[0]).tanhh()


def forgets_a_key(x):
    return W * {"a": 1.0}["b"]


def looks_far(x):
    return W * x[5]


def squared(output, target):
    return (output - target) ** 2


MISTAKES = {
    "a penalty that takes parameters": (
        TypeError,
        "Own",
        {"penalty": lambda ps: losses.l2(ps, 0.1)},
    ),
    "a penalty without a result": (TypeError, "NoneType", {"penalty": lambda model: None}),
    "plus None": (TypeError, "NoneType", {"loss": lambda o, t: squared(o, t) + None}),
    "a loss of one argument": (TypeError, "positional argument", {"loss": lambda o: o}),
    "a method that is not there": (AttributeError, "no attribute 'tanhh'", {"model": misspelt}),
    "a key that is not there": (KeyError, "b", {"model": forgets_a_key}),
    "an input that is not there": (IndexError, "out of range", {"model": looks_far}),
    "a division by zero": (ZeroDivisionError, "zero", {"loss": lambda o, t: o * (1 // 0)}),
}


@pytest.mark.parametrize("engine", ["auto", "matrix", "scalar"])
@pytest.mark.parametrize("name", MISTAKES)
def test_an_ordinary_mistake_is_passed_on_as_it_is(name, engine):
    error, said, wrong = MISTAKES[name]
    model = Own()
    made = {
        "model": model,
        "loss": squared,
        "optimizer": SGD([*model.net.parameters(), W]),
        **wrong,
    }
    with pytest.raises(error, match=said):
        fit(made.pop("model"), X=X, y=Y, epochs=1, engine=engine, **made)
    if "model" in wrong:
        with pytest.raises(error, match=said):
            predict(wrong["model"], X, engine=engine)


def test_a_mistake_that_comes_later_is_passed_on_too():
    model = Own()
    steps = train(model, X, Y, loss=squared, optimizer=SGD(model.net.parameters()), epochs=3)
    next(steps)
    model.factor = None
    with pytest.raises(TypeError, match="NoneType"):
        next(steps)


@pytest.mark.parametrize(
    ("fn", "example", "way_out"),
    [
        (lambda n: sum(n for _ in range(n)), 3, "give it as a 1-of-k row"),
        (lambda x, k: x[k], ([0.5, 1.5], 1), "give it as a 1-of-k row"),
        (lambda x: W * math.floor(x), 0.5, "write the choice into the graph with where"),
        (lambda x: W * [0.0, 1.0][int(x)], 0.5, "write the choice into the graph with where"),
        (lambda x: W if x == 0.51 else W * x, 0.51, "write the choice into the graph with where"),
        (lambda x: of_floats_alone([x]), 0.5, "floats alone"),
    ],
)
def test_what_fails_for_stand_ins_alone_is_told_with_the_way_out_that_fits(fn, example, way_out):
    with pytest.raises(VectorizeError, match=way_out) as caught:
        vectorize(fn, *(example if isinstance(example, tuple) else (example,)))
    assert str(caught.value).startswith("line ")


def test_what_takes_floats_alone_trains_on_scalars():
    run = partial(fit, of_floats_alone, X, Y, loss=squared, epochs=1)
    with pytest.raises(VectorizeError, match="floats alone"):
        run(optimizer=SGD([W]), engine="matrix")
    assert len(run(optimizer=SGD([W]))) == 1
