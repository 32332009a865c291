"""Sequential: modules and activations one after another."""

import math

import pytest
from refusals import refusals

from tinygrad_edu import MLP, BatchNorm, Dropout, Layer, Neuron, Sequential, Value, fit
from tinygrad_edu import functions as f
from tinygrad_edu.nn import ACTIVATIONS

X = [[0.5, -1.0], [1.5, 2.0], [-0.25, 0.5]]


def numbers(outputs):
    return outputs.data if isinstance(outputs, Value) else [numbers(o) for o in outputs]


def test_the_layers_of_a_net_one_after_the_other_are_the_net():
    net = MLP(2, [3, 2], "tanh", rng=4)
    chain = Sequential(*net.layers)
    assert numbers(chain(X[0])) == numbers(net(X[0]))
    assert chain.parameters() == net.parameters()
    assert list(chain.named_parameters()) == list(net.named_parameters())


def test_one_unit_at_the_end_gives_a_value_and_several_a_list():
    assert isinstance(Sequential(Layer(2, 3), Layer(3, 1))(X[0]), Value)
    assert isinstance(Sequential(Neuron(2, rng=0))(X[0]), Value)
    assert isinstance(Sequential(Layer(2, 3), Layer(3, 2))(X[0]), list)


def test_modules_that_give_a_value_can_stand_anywhere():
    first, last = MLP(2, [1], rng=1), Neuron(1, "linear", rng=2)
    assert numbers(Sequential(first, last)(X[0])) == last([first(X[0])]).data


def test_an_activation_by_name_or_function_is_applied_to_every_number():
    layer = Layer(2, 3, "linear", rng=1)
    expected = [math.tanh(z.data) for z in layer(X[0])]
    assert numbers(Sequential(layer, "tanh")(X[0])) == expected
    assert numbers(Sequential(layer, f.tanh)(X[0])) == expected
    assert numbers(Sequential(layer, "softmax")(X[0])) == numbers(f.softmax(layer(X[0])))
    assert numbers(Sequential(MLP(2, [1], rng=0), "sigmoid")(X[0])) == pytest.approx(
        numbers(MLP(2, [1], output="sigmoid", rng=0)(X[0]))
    )


def test_the_outputs_for_several_examples_are_those_for_each():
    for model in (MLP(2, [3, 2]), Layer(2, 2), Sequential(Layer(2, 3), MLP(3, [1]))):
        assert not model.couples_examples
        assert numbers(model.batch(X)) == [numbers(model(x)) for x in X]


def test_a_module_that_couples_examples_gets_the_whole_batch():
    inner = Sequential(BatchNorm(2), "tanh")
    model = Sequential(Layer(2, 2, "linear", rng=3), inner, Layer(2, 1, "linear", rng=4))
    assert model.couples_examples
    zs = [model.layers[0](x) for x in X]
    activations = [[z.tanh() for z in row] for row in inner.layers[0].batch(zs)]
    assert numbers(model.batch(X)) == [numbers(model.layers[2](a)[0]) for a in activations]
    assert not model.eval().couples_examples
    assert numbers(model.batch(X)) == [numbers(model(x)) for x in X]


def test_the_repr_shows_how_to_build_it_and_the_summary_its_parts():
    text = (
        "Sequential(Layer(2, 3, 'linear'), BatchNorm(3, momentum=0.1, eps=1e-05), 'relu', "
        "Dropout(0.5), Layer(3, 1, 'linear'))"
    )
    names = {c.__name__: c for c in (Sequential, Layer, BatchNorm, Dropout)}
    model = eval(text, names)
    assert repr(model) == text
    assert model.summary() == (
        "part    module                                 parameters\n"
        "layer1  Layer(2, 3, 'linear')                           9\n"
        "layer2  BatchNorm(3, momentum=0.1, eps=1e-05)           6\n"
        "layer3  'relu'                                          0\n"
        "layer4  Dropout(0.5)                                    0\n"
        "layer5  Layer(3, 1, 'linear')                           4\n"
        "total                                                  19"
    )


Parts = Sequential
# fmt: off
BAD = [
    (lambda: Parts(), ValueError,
     "Sequential needs at least one module: write Sequential(Layer(2, 1))"),
    (lambda: Parts(Layer(2, 1), Dropout), TypeError,
     "part 2 of Sequential is the class Dropout: make one of it"),
    (lambda: Parts([Layer(2, 1)]), TypeError,
     "part 1 of Sequential is a list: write Sequential(*parts)"),
    (lambda: Parts(Layer(2, 1), 3), TypeError,
     "part 2 of Sequential must be a module or an activation, got int 3"),
    (lambda: Parts(Layer(2, 1), "prelu"), ValueError,
     '"prelu" has a slope to learn: write Layer(nin, nout, "prelu")'),
    (lambda: Parts(Layer(2, 3), Layer(2, 1))(X[0]), ValueError, "expected 2 inputs, got 3"),
    (lambda: Parts(Layer(2, 1)).train([[1.0]]), TypeError,
     "mode must be True or False, got list: to train a model write fit(model, X, y, ...)"),
    (lambda: Parts(Layer(2, 1), "tahn"), ValueError,
     f"unknown activation 'tahn': choose {', '.join(ACTIVATIONS)}; did you mean 'tanh'?"),
]
# fmt: on


test_bad_parts_are_refused = refusals(BAD)


def test_a_sequential_trains_like_the_net_it_equals():
    options = {"loss": "cross_entropy", "optimizer": "sgd", "epochs": 3}
    histories = [
        fit(make(), X, [0, 1, 1], **options)
        for make in (
            lambda: MLP(2, [3, 2], "tanh", rng=4),
            lambda: Sequential(*MLP(2, [3, 2], "tanh", rng=4).layers),
        )
    ]
    assert histories[0] == histories[1]


# --- modes


def test_the_mode_is_set_here_and_in_all_modules_below():
    model = Sequential(Layer(2, 2), Sequential(Dropout(0.5), BatchNorm(2)))
    parts = [
        model, model.layers[0], *model.layers[0].neurons, *model.layers[1].layers
    ]  # fmt: skip
    assert all(part.training for part in parts)
    assert model.eval() is model
    assert not any(part.training for part in parts)
    assert model.train() is model
    assert all(part.training for part in parts)
    model.layers[1].train(mode=False)
    assert [part.training for part in parts] == [True] * 4 + [False] * 2
