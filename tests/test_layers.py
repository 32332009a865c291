"""Every registered layer and activation: file, repr, parameters, both engines, exports."""

import json
import math
import random

import pytest
from export_models import drawn

import tinygrad_edu
from tinygrad_edu import ModelFileError, Perceptron, Value, grad, moons, nn, parameter
from tinygrad_edu.export import to_numpy_source
from tinygrad_edu.export.chain import chain
from tinygrad_edu.nn import (
    ACTIVATIONS,
    INITIALISERS,
    LAYERS,
    MLP,
    BatchNorm,
    Dropout,
    Layer,
    Module,
    Neuron,
    Sequential,
)
from tinygrad_edu.nn.activations import RECORDS
from tinygrad_edu.nn.registry import register
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import fit

ROWS, ROW, IMAGE = (
    [[0.5, -0.25], [-1.0, 2.0]],
    [0.5, -0.25],
    [[[0.1, -0.2, 0.3], [0.4, 0.5, -0.6], [0.7, 0.8, 0.9]]],
)

#: For each layer how it is made, as its repr shows it, and an input.
EXAMPLES = {
    "Activate": ("Activate('softmax')", ROW),
    "Attention": ("Attention(2, 2, causal=False)", ROWS),
    "AvgPool2d": ("AvgPool2d(2, stride=1)", IMAGE),
    "BatchNorm": ("BatchNorm(2, momentum=0.2, eps=0.01)", ROW),
    "Conv2d": ("Conv2d(1, 2, 2, stride=1, padding=1, activation='prelu')", IMAGE),
    "Dropout": ("Dropout(0.25)", ROW),
    "Embedding": ("Embedding(2, 3)", ROW),
    "Flatten": ("Flatten()", IMAGE),
    "Layer": ("Layer(2, 3, 'softmax')", ROW),
    "MLP": ("MLP(2, [3, 2, 1], ['relu', 'prelu'], output='sigmoid')", ROW),
    "MaxPool2d": ("MaxPool2d(2, stride=1)", IMAGE),
    "Neuron": ("Neuron(2, 'prelu')", ROW),
    "Perceptron": ("Perceptron(2)", ROW),
    "RMSNorm": ("RMSNorm(2, eps=0.01)", ROW),
    "RNN": ("RNN(1, 3, 2, 'relu', output='tanh', return_sequences=False)", ROW),
    "RNNCell": ("RNNCell(2, 3, 'tanh')", ROW),
    "Sequential": (
        "Sequential(Layer(2, 3, 'elu'), 'gelu', Dropout(0.5), MLP(3, [1], 'relu'))",
        ROW,
    ),
    "Unflatten": ("Unflatten(1, 1, 2)", ROW),
}


def made(name):
    """The example of a layer, each of its numbers another one."""
    model = eval(EXAMPLES[name][0], {**vars(nn), "Perceptron": Perceptron})
    if isinstance(model, Module):
        return drawn(model)
    model.w = [0.5, -1 / 3, 2.0]
    return model


def numbers(x):
    return [numbers(item) for item in x] if isinstance(x, list) else getattr(x, "data", x)


def test_every_layer_has_an_example():
    ours = {name for name, known in LAYERS.items() if known.kind.__module__.startswith("tinygrad")}
    assert ours == set(EXAMPLES)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_layer_comes_back_from_its_file(name, training, tmp_path):
    model = made(name)
    if isinstance(model, Module):
        model.train(training)
    model.save(tmp_path / "m.json", metadata={"units": ["cm"]})
    other = tinygrad_edu.load(tmp_path / "m.json")
    assert (type(other), repr(other)) == (type(model), repr(model))
    assert list(other.state_dict().items()) == list(model.state_dict().items())
    assert other.metadata == {"units": ["cm"]}
    assert [m.training for m in nn.modules(other)] == [m.training for m in nn.modules(model)]
    other.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "m.json").read_bytes()
    assert type(type(model).load(tmp_path / "m.json")) is type(model)
    if isinstance(model, Module):
        model.eval()
        other.eval()
        assert [p.name for p in other.parameters()] == [p.name for p in model.parameters()]
    assert numbers(other(EXAMPLES[name][1])) == numbers(model(EXAMPLES[name][1]))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_repr_of_every_layer_shows_how_to_build_it(name):
    text = repr(made(name))
    if name == "Activate":
        assert text == "'softmax'"  # as it is written among the parts of a Sequential
    else:
        again = eval(text, {**vars(nn), "Perceptron": Perceptron})
        assert repr(again) == text
        assert text.startswith(f"{name}(")


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - {"Perceptron"}))
def test_the_parameters_of_every_layer_have_the_names_they_are_found_under(name):
    model = made(name)
    values = {**model.named_parameters(), **model.named_buffers()}
    assert [v.name for v in values.values()] == list(values)
    assert model.state_dict() == {key: v.data for key, v in values.items()}


class Rows(Module):
    """A row as a sequence of one place, and back."""

    def __call__(self, x):
        return x[0] if isinstance(x[0], list) else [x]


#: What stands before and after a layer so that it learns from rows of two numbers.
AROUND = {
    "Attention": ([Rows()], [Rows()]),
    "AvgPool2d": ([nn.Unflatten(1, 1, 2)], [nn.Flatten()]),
    "Conv2d": ([nn.Unflatten(1, 1, 2)], [nn.Flatten()]),
    "MaxPool2d": ([nn.Unflatten(1, 1, 2)], [nn.Flatten()]),
    "Flatten": ([nn.Unflatten(1, 1, 2)], []),
    "Unflatten": ([], [nn.Flatten()]),
}
SIZES = {"AvgPool2d": 2, "Conv2d": 12, "Embedding": 3, "MaxPool2d": 2, "Layer": 3, "RNN": 2,
         "RNNCell": 3}  # fmt: skip


def within_a_net(name, seed=0):
    before, after = AROUND.get(name, ([], []))
    layer = nn.MaxPool2d(1) if name == "MaxPool2d" else made(name)
    layer = nn.AvgPool2d(1) if name == "AvgPool2d" else layer
    width = 1 if name in ("MLP", "Neuron", "Sequential") else SIZES.get(name, 2)
    return drawn(Sequential(Layer(2, 2), *before, layer, *after, Layer(width, 1)), seed)


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - {"Perceptron"}))
def test_every_layer_trains_alike_on_both_engines(name):
    X, y = moons(12, rng=0)
    losses, states = [], []
    for engine in ("scalar", "auto"):  # auto is scalar for BatchNorm, which couples examples
        net = within_a_net(name)
        options = {"loss": "squared_error", "epochs": 2, "batch_size": 4, "engine": engine}
        history = fit(net, X, y, optimizer=SGD(net.parameters(), lr=0.001), **options)
        losses.append(history.loss)
        states.append([*net.state_dict().values()])
    assert losses[1] == pytest.approx(losses[0], rel=1e-9)
    assert states[1] == pytest.approx(states[0], rel=1e-9, abs=1e-12)


#: Layers that PyTorch and ONNX lack in this form.
NO_EQUAL = ("Attention", "Embedding", "Neuron", "RMSNorm", "RNN", "RNNCell")


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_layer_is_exported_or_refused_in_a_sentence(name):
    layer = made(name)
    if name == "Perceptron":
        with pytest.raises(TypeError, match="expected a model such as"):
            chain(layer)
        return
    if name in NO_EQUAL:
        with pytest.raises(ValueError, match="has no equal elsewhere: MLP, Sequential and"):
            chain(layer)
    else:
        assert chain(layer)
    to_numpy_source(layer.eval(), EXAMPLES[name][1])


# --- what a file keeps


def test_a_layer_that_stands_twice_is_one_layer_again(tmp_path):
    shared = Layer(2, 2, "tanh", rng=3)
    model = Sequential(shared, "relu", Sequential(shared, Layer(2, 1)), shared)
    model.save(tmp_path / "m.json")
    other = tinygrad_edu.load(tmp_path / "m.json")
    assert other.layers[0] is other.layers[2].layers[0] is other.layers[3]
    assert other.state_dict() == model.state_dict()


def test_the_dropouts_of_a_loaded_net_draw_different_masks(tmp_path):
    rng = random.Random(1)
    Sequential(Dropout(0.5, rng), Dropout(0.5, rng)).save(tmp_path / "m.json")
    first, second = tinygrad_edu.load(tmp_path / "m.json").layers
    assert first.rng is second.rng


def test_load_of_a_class_gives_that_class_alone(tmp_path):
    Sequential(Layer(2, 1)).save(tmp_path / "m.json")
    with pytest.raises(ModelFileError) as caught:
        MLP.load(tmp_path / "m.json")
    assert str(caught.value) == (
        "it holds Sequential(Layer(2, 1, 'relu')): write tinygrad_edu.load(path)"
    )
    assert isinstance(Module.load(tmp_path / "m.json"), Sequential)


class Twice(MLP):
    """A net with a forward pass of its own."""

    def __call__(self, x):
        return 2 * super().__call__(x)


def test_parameters_of_a_file_of_the_package_enter_any_model_of_its_names(tmp_path):
    MLP(2, [3, 1], rng=1).save(tmp_path / "m.json")
    model = Twice(2, [3, 1], rng=9)
    model.load_parameters(tmp_path / "m.json")
    assert model.state_dict() == MLP(2, [3, 1], rng=1).state_dict()
    with pytest.raises(ValueError, match="the state does not fit"):
        Layer(5, 1).load_parameters(tmp_path / "m.json")


def test_a_layer_of_ones_own_can_be_registered(tmp_path, monkeypatch):
    monkeypatch.setattr("tinygrad_edu.nn.registry.LAYERS", dict(LAYERS))

    @register("n, *, factor=scale")
    class Scaled(Module):
        def __init__(self, n, factor=1.0):
            self.n, self.scale = n, factor
            self.w = [parameter(0.5) for _ in range(n)]

        def __call__(self, x):
            return [self.scale * w * v for w, v in zip(self.w, x, strict=True)]

    model = Sequential(Scaled(2, 3.0), Layer(2, 1))
    assert repr(model) == "Sequential(Scaled(2, factor=3.0), Layer(2, 1, 'relu'))"
    model.save(tmp_path / "m.json")
    assert tinygrad_edu.load(tmp_path / "m.json")(ROW).data == model(ROW).data
    with pytest.raises(ValueError, match="has no equal elsewhere"):
        chain(model)
    with pytest.raises(ValueError, match="there is a layer Layer already: choose another name"):
        register("n")(type("Layer", (Module,), {}))


def test_a_layer_of_ones_own_may_keep_what_it_drew(tmp_path, monkeypatch):
    monkeypatch.setattr("tinygrad_edu.nn.registry.LAYERS", dict(LAYERS))

    @register("nin, nout")
    class Anchored(Layer):
        def __init__(self, nin, nout):
            super().__init__(nin, nout, rng=5)
            self._start = [p.data for p in self.parameters()]

    model = Anchored(2, 1)
    for p in model.parameters():
        p.data += 1.0
    model.save(tmp_path / "m.json")
    other = tinygrad_edu.load(tmp_path / "m.json")
    assert other._start == model._start
    assert other._start[0] != 0.0
    assert other.state_dict() == model.state_dict()


def test_the_file_reads_like_the_model(tmp_path):
    Sequential(Layer(1, 1, "tanh", init="zeros"), BatchNorm(1)).save(tmp_path / "m.json")
    body = json.loads((tmp_path / "m.json").read_text())
    assert body["model"] == {
        "layer": "Sequential",
        "layers": [
            {"layer": "Layer", "nin": 1, "nout": 1, "activation": "tanh", "training": True},
            {"layer": "BatchNorm", "n": 1, "momentum": 0.1, "eps": 1e-5, "training": True},
        ],
        "training": True,
    }
    assert body["state"] == {
        "layer1.neuron1.w[0]": 0.0,
        "layer1.neuron1.b": 0.0,
        "layer2.gamma[0]": 1.0,
        "layer2.beta[0]": 0.0,
        "layer2.running_mean[0]": 0.0,
        "layer2.running_var[0]": 1.0,
    }


# --- activations


@pytest.mark.parametrize("name", RECORDS)
def test_the_textbooks_slope_of_every_activation_is_that_of_the_engine(name):
    record = RECORDS[name]
    assert ACTIVATIONS[name] is record.function
    assert record.init in INITIALISERS
    for x in (-30.0, -1.5, -0.2, 0.3, 2.0, 30.0):
        z, alpha = Value(x), parameter(0.3)
        if record.of_layer:
            a = record.function([z, Value(0.5)])[0]
        else:
            a = record.function(z, alpha) if record.alpha is not None else record.function(z)
        slope = record.slope.at(x, a.data, alpha.data)
        expected = 1.0 if a is z else grad(a, z).data
        assert math.isclose(slope, expected, rel_tol=1e-12, abs_tol=1e-15)


@pytest.mark.parametrize("name", RECORDS)
def test_every_activation_is_of_a_unit_or_of_a_layer_and_learns_or_not(name):
    record = RECORDS[name]
    if record.of_layer:
        with pytest.raises(ValueError, match=f"{name} is an activation of a whole layer"):
            Neuron(2, name)
        return
    unit = Neuron(2, name)
    assert ("alpha" in unit.named_parameters()) == (record.alpha is not None)
    if record.alpha is not None:
        with pytest.raises(ValueError, match=f'"{name}" has a slope to learn'):
            Sequential(name)
