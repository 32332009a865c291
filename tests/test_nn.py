"""Networks: forward passes by hand, initial weights, names, copies, and bad sizes and inputs."""

import copy
import math
import pickle
import random
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refusals

from tinygrad_edu import MLP, Layer, Module, Neuron, Value, gradcheck, no_grad, parameter
from tinygrad_edu import functions as f
from tinygrad_edu.losses import cross_entropy, squared_error
from tinygrad_edu.nn import ACTIVATIONS, INITIALISERS
from tinygrad_edu.nn.initialisers import initialiser


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def filled(model, numbers):
    for p, x in zip(model.parameters(), numbers, strict=True):
        p.data = x
    return model


def test_a_neuron_is_one_dot_and_its_activation():
    unit = filled(Neuron(2, "sigmoid"), [-3.0, 1.0, 0.5])
    a = unit([2.0, 4.0])
    assert a.data == pytest.approx(sigmoid(-6 + 4 + 0.5), rel=1e-15)
    (z,) = a.parents
    assert (a.op.name, z.op.name, z.data) == ("sigmoid", "dot", -1.5)
    assert [p.data for p in z.parents] == [-3.0, 1.0, 2.0, 4.0, 0.5]  # w, x, b
    assert [p.kind for p in z.parents] == ["parameter"] * 2 + ["input"] * 2 + ["parameter"]
    assert unit.net_input([2.0, 4.0]).data == -1.5


BY_HAND = {
    "elu": math.exp(-1.5) - 1,
    "gelu": -1.5 * (1 + math.erf(-1.5 / math.sqrt(2))) / 2,
    "leaky_relu": -0.015,
    "linear": -1.5,
    "prelu": -0.375,  # its slope starts at 0.25
    "relu": 0.0,
    "sigmoid": sigmoid(-1.5),
    "sign": -1.0,
    "silu": -1.5 * sigmoid(-1.5),
    "softmax": 1.0,
    "softplus": math.log(1 + math.exp(-1.5)),
    "step": 0.0,
    "tanh": math.tanh(-1.5),
}


def test_a_unit_gives_dot_one_tuple_while_its_weights_are_the_same(monkeypatch):
    tuples, dot = [], f.dot
    monkeypatch.setattr(f, "dot", lambda w, x, b: tuples.append(w) or dot(w, x, b))
    unit = Neuron(2, "linear", init="zeros")
    unit([1.0, 2.0])
    unit.w[0].data = 3.0  # which is seen by the tuple too
    assert unit([1.0, 2.0]).data == 3.0
    unit.w[1] = parameter(0.5)
    assert unit([1.0, 2.0]).data == 4.0
    unit.w = [*unit.w]
    assert unit([1.0, 2.0]).data == 4.0
    assert [a is b for a, b in pairwise(tuples)] == [True, False, True]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_gives_the_number_of_its_formula(name):
    layer = Layer(2, 1, name)
    layer.neurons[0].w[0].data, layer.neurons[0].w[1].data = -3.0, 1.0
    layer.neurons[0].b.data = 0.5
    (a,) = layer([2.0, 4.0])
    assert a.data == pytest.approx(BY_HAND[name], rel=1e-14)


def test_the_deltas_of_backpropagation_stand_in_the_net_inputs():
    # delta_j = g'(z_j) sum_k delta_k w_kj, dL/dw_kj = delta_k a_j, dL/db_k = delta_k
    model = MLP(2, [2, 2], "tanh", "linear", rng=3)
    hidden, output = model.layers
    x = [0.5, -0.8]
    zs = [unit.net_input([Value(v) for v in x]) for unit in hidden.neurons]
    activations = [z.tanh() for z in zs]
    outputs = [unit.net_input(activations) for unit in output.neurons]
    cross_entropy(outputs, 1).backward()
    p = [math.exp(o.data) / sum(math.exp(v.data) for v in outputs) for o in outputs]
    assert [o.grad for o in outputs] == pytest.approx([p[0], p[1] - 1], rel=1e-14)
    for j, z in enumerate(zs):
        back = sum(o.grad * unit.w[j].data for o, unit in zip(outputs, output.neurons, strict=True))
        assert z.grad == pytest.approx((1 - math.tanh(z.data) ** 2) * back, rel=1e-13)
        assert [w.grad for w in hidden.neurons[j].w] == pytest.approx([z.grad * v for v in x])
        assert hidden.neurons[j].b.grad == z.grad
    for o, unit in zip(outputs, output.neurons, strict=True):
        assert [w.grad for w in unit.w] == pytest.approx([o.grad * a.data for a in activations])


def test_a_layer_gives_a_list_and_a_net_with_one_output_a_value():
    x = [1.0, 2.0]
    assert [type(v) for v in Layer(2, 1)(x)] == [Value]
    assert len(Layer(2, 3)(x)) == 3
    assert isinstance(MLP(2, [3, 1])(x), Value)
    assert [type(v) for v in MLP(2, [3, 2])(x)] == [Value, Value]


def test_a_net_is_its_layers_one_after_the_other():
    model = filled(
        MLP(2, [2, 1], "relu", "sigmoid"), [1.0, -1.0, 0.5, 2.0, 1.0, -1.0, 0.5, -2.0, 0.25]
    )
    # h = relu(3 - 1 + .5), relu(6 + 1 - 1); o = sigmoid(.5 * 2.5 - 2 * 6 + .25)
    assert model([3.0, 1.0]).data == pytest.approx(sigmoid(0.5 * 2.5 - 2 * 6 + 0.25), rel=1e-15)


def test_softmax_is_over_the_units_of_a_layer():
    layer = filled(Layer(1, 3, "softmax"), [1.0, 0.0, 2.0, 0.0, -0.5, 0.0])
    p = [v.data for v in layer([1.0])]
    total = math.exp(1) + math.exp(2) + math.exp(-0.5)
    assert p == pytest.approx([math.exp(z) / total for z in (1, 2, -0.5)], rel=1e-15)
    assert layer.activation == "softmax"


def test_the_slope_of_a_prelu_unit_is_learned():
    unit = filled(Neuron(1, "prelu"), [1.0, 0.0, 0.25])
    unit([-2.0]).backward()
    assert unit.alpha.grad == -2.0
    assert unit.w[0].grad == 0.25 * -2.0
    assert list(unit.named_parameters()) == ["w[0]", "b", "alpha"]
    layer = filled(Layer(1, 2, "prelu"), [1.0, 0.0, 0.25, 1.0, 0.0, 0.5])
    assert [a.data for a in layer([-2.0])] == [-0.5, -1.0]  # each unit its own
    assert len(MLP(2, [3, 1], "prelu").parameters()) == 3 * 3 + 4 + 3
    assert len(MLP(2, [3, 1], "relu", "prelu").parameters()) == 3 * 3 + 5


def test_an_activation_can_be_a_function():
    unit = filled(Neuron(1, lambda z: z * z), [3.0, 1.0])
    assert unit([2.0]).data == 49.0
    model = MLP(2, [3, 1], f.tanh, np.exp, rng=0)
    same = MLP(2, [3, 1], "tanh", rng=0)
    assert model([0.1, 0.2]).data == pytest.approx(math.exp(same([0.1, 0.2]).data), rel=1e-14)
    with pytest.raises(TypeError, match="cut the graph"):
        MLP(2, [1], output=math.tanh, rng=0)([0.1, 0.2])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_function_that_is_an_activation_is_known_by_its_name(name):
    function = ACTIVATIONS[name]
    model = MLP(2, [2, 2], function, function, rng=0)
    assert repr(model) == repr(MLP(2, [2, 2], name, name, rng=0))
    assert [layer.activation for layer in model.layers] == [name, name]


def test_each_hidden_layer_can_have_an_activation_of_its_own():
    model = MLP(2, [3, 4, 1], ["relu", "tanh"], "sigmoid", rng=1)
    assert [layer.activation for layer in model.layers] == ["relu", "tanh", "sigmoid"]
    assert repr(model) == "MLP(2, [3, 4, 1], ['relu', 'tanh'], output='sigmoid')"
    assert MLP(2, [1], [], "tanh").activation == []
    same = MLP(2, [3, 1], ["relu"], rng=1)
    assert same.state_dict() == MLP(2, [3, 1], "relu", rng=1).state_dict()


# --- inputs


def test_inputs_can_be_any_row_of_numbers_or_values():
    model = MLP(3, [4, 1], "tanh", rng=0)
    x = [0.5, -1.0, 2.0]
    expected = model(x).data
    for row in (
        tuple(x),
        (v for v in x),
        map(Value, x),
        np.array(x),
        np.array(x, dtype=np.float32),
        [Value(v) for v in x],
    ):
        assert model(row).data == expected
    assert model([True, 0, np.float64(1.5)]).data == model([1.0, 0.0, 1.5]).data
    assert Layer(3, 2, rng=0)(v for v in x)[1].data == Layer(3, 2, rng=0)(x)[1].data


def test_values_given_as_inputs_get_their_gradients():
    x = [Value(0.5), Value(-1.0)]
    model = MLP(2, [3, 1], "tanh", rng=0)
    model(x).backward()
    assert all(v.grad != 0 for v in x)
    assert gradcheck(lambda a, b: model([a, b]), (0.5, -1.0))


def test_nan_and_infinity_flow_through():
    model = filled(MLP(1, [1], output="tanh"), [1.0, 0.0])
    assert math.isnan(model([math.nan]).data)
    assert model([math.inf]).data == 1.0


# --- initial weights


def drawn(init, activation="tanh", nin=50, nout=40):
    layer = Layer(nin, nout, activation, init=init, rng=random.Random(7))
    return [w.data for unit in layer.neurons for w in unit.w]


# mean 0; the variance by the formula of the docstring: uniform(-c, c) has c^2/3
VARIANCES = {
    "zeros": 0.0,
    "normal": 1.0,
    "small": 0.05**2 / 3,
    "uniform": 1 / 3,
    "xavier": 2 / (50 + 40),
    "he": 2 / 50,
}


@pytest.mark.parametrize("name", INITIALISERS)
def test_an_initialiser_draws_with_the_variance_of_its_formula(name):
    w = drawn(name)
    assert sum(w) / len(w) == pytest.approx(0, abs=4 * math.sqrt(VARIANCES[name] / len(w)))
    variance = sum(x * x for x in w) / len(w)
    assert variance == pytest.approx(VARIANCES[name], rel=0.1)  # 2,000 draws: 3 sigma is 0.1
    limits = {"uniform": 1, "small": 0.05, "xavier": math.sqrt(6 / 90)}
    if name in limits:
        assert 0.99 < max(map(abs, w)) / limits[name] < 1


@pytest.mark.slow
def test_the_default_initialiser_fits_the_activation():
    for name in ACTIVATIONS:
        family = name in ("relu", "leaky_relu", "prelu", "elu", "gelu", "silu", "softplus")
        assert drawn(None, name) == drawn("he" if family else "xavier", name), name


def test_biases_start_at_zero_and_parameters_are_drawn_unit_by_unit():
    model = MLP(2, [3, 2], init="uniform", rng=random.Random(5))
    rng = random.Random(5)
    for layer in model.layers:
        for unit in layer.neurons:
            assert [w.data for w in unit.w] == [rng.uniform(-1, 1) for _ in unit.w]
            assert unit.b.data == 0.0


def test_an_initialiser_can_be_a_function_of_rng_nin_and_nout():
    model = MLP(2, [3, 2], init=lambda rng, nin, nout: nin + nout / 10)
    first, last = model.layers
    assert [w.data for w in first.neurons[2].w] == [2.3, 2.3]
    assert [w.data for w in last.neurons[0].w] == [3.2, 3.2, 3.2]


def test_weights_of_zero_keep_the_units_of_a_layer_equal():
    model = MLP(2, [3, 1], "sigmoid", init="zeros")
    assert [a.data for a in model.layers[0]([5.0, -7.0])] == [0.5, 0.5, 0.5]
    assert model([5.0, -7.0]).data == model([0.0, 1.0]).data


def test_the_same_seed_gives_the_same_net_and_a_generator_is_advanced():
    def weights(rng):
        return [p.data for p in MLP(2, [3, 1], rng=rng).parameters()]

    assert weights(0) == weights(0) == weights(random.Random(0))
    assert weights(0) != weights(1)
    rng = random.Random(0)
    assert weights(rng) != weights(rng)
    assert [p.data for p in MLP(2, [3, 1]).parameters()] == weights(0)


def test_neurons_without_a_seed_differ_and_the_global_generator_is_left_alone():
    random.seed(1)
    state = random.getstate()
    assert Neuron(3).w[0].data != Neuron(3).w[0].data
    MLP(2, [2])
    assert random.getstate() == state


# --- names and parameters


def test_parameters_are_named_by_layer_and_unit_counted_from_1():
    model = MLP(2, [2, 1])
    units = ("layer1.neuron1", "layer1.neuron2", "layer2.neuron1")
    names = [f"{unit}.{name}" for unit in units for name in ("w[0]", "w[1]", "b")]
    assert list(model.named_parameters()) == names
    assert [p.name for p in model.parameters()] == names
    assert [p.name for p in Neuron(2).parameters()] == ["w[0]", "w[1]", "b"]


class Shared(Module):
    """A module of one's own: shared parts, lists of Values, things that are no parameters."""

    def __init__(self):
        self.scale = parameter(2.0)
        self.first = Neuron(1, rng=0)
        self.again = [self.first, self.first]
        self.table = [[Value(1.0), Value(2.0)], [Value(3.0)]]
        self.mixed = [Layer(1, 1, rng=0), Value(4.0), "text", None]
        self.result = self.scale * 2
        with no_grad():
            self.measured = self.scale * 2
        self.note = "no parameter"
        self.empty: list[Value] = []


def test_a_module_finds_the_leaf_values_among_its_attributes():
    assert " ".join(Shared().named_parameters()) == (
        "scale first.w[0] first.b table[0][0] table[0][1] table[1][0] "
        "mixed[0].neuron1.w[0] mixed[0].neuron1.b mixed[1]"
    )


def test_zero_grad_clears_every_gradient():
    model = MLP(2, [3, 1], "tanh")
    model([1.0, 2.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert all(p.grad == 0 and not p.reached for p in model.parameters())


def test_a_state_can_be_taken_and_put_back():
    model, other = MLP(2, [3, 1], rng=0), MLP(2, [3, 1], rng=1)
    state = model.state_dict()
    assert all(type(x) is float for x in state.values())
    other.load_state_dict(state)
    assert other([0.3, 0.4]).data == model([0.3, 0.4]).data
    other.load_state_dict(dict(reversed(MLP(2, [3, 1], rng=2).state_dict().items())))
    assert other.state_dict() == MLP(2, [3, 1], rng=2).state_dict()
    other.load_state_dict(state)
    model.parameters()[0].data += 1
    assert other.state_dict() == state != model.state_dict()


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda state: MLP(2, [1]).state_dict() | {"layer1.neuron1.b": 7.0}, ValueError,
         "the state does not fit MLP(1, [1], 'relu', output='linear'): "
         "missing [], unknown ['layer1.neuron1.w[1]']"),
        (lambda state: {}, ValueError,
         "the state does not fit MLP(1, [1], 'relu', output='linear'): "
         "missing ['layer1.neuron1.w[0]', 'layer1.neuron1.b'], unknown []"),
        (lambda state: state | {"layer1.neuron1.b": "7"}, TypeError,
         "layer1.neuron1.b takes one real number, got str '7': "
         "write float(...) around a text that is a number"),
    ],
)  # fmt: skip
def test_a_state_that_does_not_fit_changes_nothing(change, error, text):
    model = MLP(1, [1])
    before = model.state_dict()
    with pytest.raises(error) as caught:
        model.load_state_dict(change(before))
    assert str(caught.value) == text
    assert model.state_dict() == before


def test_the_summary_counts_the_parameters_of_every_part():
    assert MLP(2, [16, 1], "tanh").summary() == (
        "part    module                  parameters\n"
        "layer1  Layer(2, 16, 'tanh')            48\n"
        "layer2  Layer(16, 1, 'linear')          17\n"
        "total                                   65"
    )


def test_the_summary_counts_a_part_that_stands_in_two_places_once():
    rows = [line.split()[0] for line in Shared().summary().splitlines()]
    assert rows == ["part", "first", "mixed[0]", "total"]


def test_a_repr_shows_a_function_and_sizes_are_a_list():
    own = repr(MLP(2, [1], math.tanh))
    assert own == "MLP(2, [1], <built-in function tanh>, output='linear')"
    assert MLP(2, (16, 1)).sizes == [2, 16, 1]


# --- copies


@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"]
)
def test_a_copied_model_is_equal_and_independent(again):
    model = MLP(2, [3, 1], "prelu", "tanh", rng=4)
    model([1.0, -1.0]).backward()
    other = again(model)
    assert other.state_dict() == model.state_dict()
    assert [p.grad for p in other.parameters()] == [p.grad for p in model.parameters()]
    assert [p.kind for p in other.parameters()] == ["parameter"] * len(other.parameters())
    assert list(other.named_parameters()) == list(model.named_parameters())
    assert set(other.parameters()).isdisjoint(model.parameters())
    assert other([0.3, 0.4]).data == model([0.3, 0.4]).data
    other.parameters()[0].data += 1
    assert other.state_dict() != model.state_dict()


def test_a_copy_keeps_shared_parts_shared():
    class Twice(Module):
        def __init__(self):
            self.layers = [Layer(1, 1, rng=0)] * 2

    other = copy.deepcopy(Twice())
    assert other.layers[0] is other.layers[1]
    assert len(other.parameters()) == 2


def test_a_model_that_ran_can_still_be_copied():
    model = MLP(2, [2, 1], rng=0)
    loss = squared_error(model([1.0, 2.0]), 1.0)
    loss.backward()
    assert copy.deepcopy(model).state_dict() == model.state_dict()
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        copy.deepcopy(loss)


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.integers(1, 4),
    st.sampled_from(sorted(set(ACTIVATIONS) - {"softmax"})),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.integers(0, 100),
)
def test_sizes_and_numbers_of_parameters_fit_for_any_net(nouts, nin, activation, output, seed):
    model = MLP(nin, nouts, activation, output, rng=seed)
    sizes = [nin, *nouts]
    count = sum((n + 1) * m for n, m in pairwise(sizes))
    count += sum(nouts[:-1]) * (activation == "prelu") + nouts[-1] * (output == "prelu")
    assert model.sizes == sizes
    assert len(model.parameters()) == count
    out = model([0.1] * nin)
    assert len(out if isinstance(out, list) else [out]) == nouts[-1]


# --- bad arguments

NAMES = ", ".join(ACTIVATIONS)
ONE = MLP(1, [1])
TWO = MLP(2, [1])
COUNT = "{} must be an int of at least 1, got {}"
SIZES = "nouts must be a list of layer sizes such as [16, 16, 1], got {}"
ROWS = "expected a list of 2 numbers or Values, got several rows: write predict(model, rows)"
ROW = "expected a list of {} numbers or Values, got {}"
# fmt: off
BAD = {
    "no inputs": (lambda: MLP(0, [1]), ValueError, COUNT.format("nin", "0")),
    "nin 2.5": (lambda: MLP(2.5, [1]), TypeError, COUNT.format("nin", "float 2.5")),
    "nin True": (lambda: MLP(True, [1]), TypeError, COUNT.format("nin", "bool True")),
    "nin None": (lambda: Neuron(None), TypeError, COUNT.format("nin", "None")),
    "layer of 0": (lambda: Layer(2, 0), ValueError, COUNT.format("nout", "0")),
    "no layers": (lambda: MLP(2, []), ValueError, SIZES.format("[]")),
    "nouts 3": (lambda: MLP(2, 3), TypeError, SIZES.format("3")),
    "size 0": (lambda: MLP(2, [0]), ValueError, COUNT.format("a layer size", "0")),
    "size '4'": (lambda: MLP(2, ["4"]), TypeError, COUNT.format("a layer size", "str '4'")),
    "huge": (lambda: MLP(2, [10**9]), ValueError,
     "layers of 2, 1000000000 have 3,000,000,000 parameters, "
     "more than the 10,000,000 of nn.MAX_PARAMETERS"),
    "huge layer": (lambda: Layer(10**9, 10**9), ValueError,
     "layers of 1000000000, 1000000000 have 1,000,000,001,000,000,000 parameters, "
     "more than the 10,000,000 of nn.MAX_PARAMETERS"),
    "activation": (lambda: MLP(2, [1], "rleu"), ValueError,
     f"unknown activation 'rleu': choose {NAMES}; did you mean 'relu'?"),
    "activation in capitals": (lambda: Neuron(2, "ReLU"), ValueError,
     f"unknown activation 'ReLU': choose {NAMES}; did you mean 'relu'?"),
    "output": (lambda: MLP(2, [1], output="x"), ValueError,
     f"unknown activation 'x': choose {NAMES}"),
    "activation None": (lambda: Layer(2, 1, None), TypeError,
     f"activation is a name or a function, got NoneType: choose {NAMES}"),
    "softmax of a neuron": (lambda: Neuron(2, "softmax"), ValueError,
     "softmax is an activation of a whole layer: use Layer or MLP(output=...)"),
    "init": (lambda: MLP(2, [1], init="Xavier"), ValueError,
     "unknown init 'Xavier': choose he, normal, small, uniform, xavier, zeros; "
     "did you mean 'xavier'?"),
    "init a number": (lambda: MLP(2, [1], init=0.5), TypeError,
     "init is a name or a function, got float: choose he, normal, small, uniform, xavier, zeros"),
    "init gives a text": (lambda: MLP(2, [1], init=lambda rng, nin, nout: "0"), TypeError,
     "a parameter takes one real number, got str '0': "
     "write float(...) around a text that is a number"),
    "rng": (lambda: MLP(2, [1], rng="0"), TypeError,
     "rng must be an int seed or a random.Random, got str; write rng=0"),
    "rng -1": (lambda: MLP(2, [1], rng=-1), ValueError,
     "rng must be a seed of at least 0, got -1; write rng=1"),
    "too few inputs": (lambda: MLP(3, [2, 1])([1.0]), ValueError, "expected 3 inputs, got 1"),
    "generator too short": (lambda: TWO(x for x in [1.0]), ValueError, "expected 2 inputs, got 1"),
    "a text": (lambda: TWO("ab"), TypeError, ROW.format(2, "str")),
    "None": (lambda: TWO(None), TypeError, ROW.format(2, "NoneType")),
    "one number": (lambda: ONE(1.0), TypeError, ROW.format(1, "float")),
    "texts": (lambda: TWO(["1", "2"]), TypeError,
     "Value takes one real number, got str '1': write float(...) around a text that is a number"),
    "rows": (lambda: TWO([[1, 2], [3, 4]]), TypeError, ROWS),
    "one array in a list": (lambda: TWO([np.ones(2)]), TypeError, ROWS),
    "too many activations": (lambda: MLP(2, [3, 3, 1], ["relu"] * 3), ValueError,
     "activation has 3 entries for 2 hidden layers: give one for each, and that of the last "
     "layer as output"),
    "an activation in a list": (lambda: MLP(2, [3, 1], ["x"]), ValueError,
     f"unknown activation 'x': choose {NAMES}"),
}
# fmt: on


test_a_bad_argument_is_refused_with_a_clear_text = refusals(BAD)


def test_the_default_initialiser_of_a_function_is_xavier():
    assert initialiser(None, lambda z: z) is INITIALISERS["xavier"]


@dataclass
class Scaled(Module):
    """A module that is a dataclass, so without a hash."""

    layer: Layer
    scale: Value


def test_a_module_may_be_a_dataclass():
    model = Scaled(Layer(1, 1, rng=0), parameter(2.0))
    names = ["layer.neuron1.w[0]", "layer.neuron1.b", "scale"]
    assert list(model.eval().named_parameters()) == names
    assert not model.layer.neurons[0].training


def test_a_module_may_know_the_one_it_stands_in():
    inner, outer = Shared(), Shared()
    inner.outer, outer.inner = outer, inner
    assert len(outer.parameters()) == len(inner.parameters()) == 9 + 9
