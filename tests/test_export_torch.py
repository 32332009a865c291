"""PyTorch: a module gives what the model gives, both ways; what has no equal is named."""

import math

import numpy as np
import pytest
from export_models import SMOOTH, convolutional, drawn, mlp, outputs, rows

from tinygrad_edu import MLP, BatchNorm, Conv2d, Dropout, Flatten, Layer, MaxPool2d, Sequential
from tinygrad_edu.export import from_torch, to_torch

torch = pytest.importorskip("torch")
nn = torch.nn

pytestmark = pytest.mark.slow


def of_torch(module, X):
    """What the module gives in evaluation mode."""
    with torch.no_grad():
        return module.eval()(torch.tensor(X, dtype=torch.float64)).numpy()


def assert_same(model, module, X):
    expected = np.array(outputs(model, X))
    assert np.abs(of_torch(module, X) - expected).max() < 1e-12


@pytest.mark.parametrize("activation", SMOOTH)
def test_a_net_goes_to_pytorch_and_back(activation):
    model = mlp(activation)
    module = to_torch(model)
    assert_same(model, module, [*rows(5, 3), [40.0, -40.0, 40.0], [-1000.0, 1000.0, 0.0]])
    back = from_torch(module)
    assert repr(back) == repr(model)
    assert back.state_dict() == model.state_dict()


def test_a_convolutional_net_goes_to_pytorch_and_back():
    model = convolutional()
    module = to_torch(model)
    assert_same(model, module, rows(4, 49))
    back = from_torch(module)
    *parts, last = model.layers
    assert repr(back.layers) == repr([*parts, *last.layers])  # one after another, none in another
    assert list(back.state_dict().values()) == list(model.state_dict().values())


def test_images_are_taken_as_they_are():
    model = drawn(Sequential(Conv2d(2, 3, 2, activation="gelu"), MaxPool2d(2), Flatten()))
    images = [[rows(5, 7, seed=k), rows(5, 7, seed=9)] for k in range(3)]
    assert_same(model, to_torch(model), images)
    assert_same(from_torch(to_torch(model)), to_torch(model), images)


def test_batch_normalisation_trains_alike():
    model = drawn(Sequential(Layer(3, 4, "tanh"), BatchNorm(4, momentum=0.3, eps=0.01), Dropout(0)))
    module = to_torch(model)
    X = rows(6, 3)
    ours = np.array([[v.data for v in row] for row in model.batch(X)])
    theirs = module(torch.tensor(X, dtype=torch.float64))
    assert np.abs(theirs.detach().numpy() - ours).max() < 1e-12
    back = from_torch(module)
    for name, x in model.state_dict().items():  # the running numbers after the batch
        assert math.isclose(back.state_dict()[name], x, abs_tol=1e-12)
    assert_same(model, module, X)


def test_the_modes_are_taken_over():
    model = Sequential(Layer(2, 2), Dropout(0.5), BatchNorm(2))
    model.layers[2].eval()
    module = to_torch(model)
    assert [m.training for m in module] == [True, True, True, False]
    assert [part.training for part in from_torch(module).layers] == [True, True, False]
    assert not to_torch(model.eval()).training
    assert not from_torch(to_torch(model.eval())).training


def test_the_module_has_copies_in_float64_which_learn():
    model = mlp("prelu")
    module = to_torch(model)
    assert {(p.dtype, p.requires_grad) for p in module.parameters()} == {(torch.float64, True)}
    module.get_parameter("0.weight").data.fill_(7.0)
    assert model.parameters()[0].data != 7.0


def test_random_numbers_of_pytorch_are_left_alone():
    before = torch.get_rng_state()
    to_torch(convolutional())
    assert torch.equal(before, torch.get_rng_state())


def test_an_mlp_comes_back_as_one_that_can_be_saved(tmp_path):
    module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))
    model = from_torch(module)
    assert repr(model) == "MLP(2, [3, 2, 1], 'tanh', output='linear')"
    model.save(tmp_path / "net.json")
    assert_same(MLP.load(tmp_path / "net.json"), module.double(), rows(3, 2))


RELU, LINEAR = nn.ReLU(), nn.Linear(2, 1)
#: Modules as people write them, and what they become.
MODULES = [
    ([LINEAR], "MLP(2, [1], 'relu', output='linear')"),
    ([], "Sequential('linear')"),
    ([nn.Linear(2, 3, bias=False), nn.Softmax(dim=1)], None),
    ([nn.Linear(2, 3), nn.PReLU(), nn.Linear(3, 2), nn.PReLU(2)], None),
    ([nn.Linear(2, 3), RELU, nn.Linear(3, 3), RELU, nn.Linear(3, 1)],
     "MLP(2, [3, 3, 1], 'relu', output='linear')"),
    ([nn.Identity(), nn.Sequential(nn.Linear(2, 3), nn.Flatten()), nn.ELU()],
     "MLP(2, [3], 'relu', output='elu')"),
    ([nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1)],
     "Sequential(Layer(2, 3, 'relu'), Layer(3, 2, 'tanh'), Layer(2, 1, 'linear'))"),
    ([nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Dropout(0.25)],
     "Sequential(Layer(2, 3, 'linear'), BatchNorm(3, momentum=0.1, eps=1e-05), 'relu', "
     "Dropout(0.25))"),
    ([nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 2, (2, 2), bias=False, padding=(1, 1)), nn.PReLU(),
      nn.MaxPool2d((2, 2)), nn.Flatten()], None),
    ([nn.Flatten(), nn.Linear(9, 4), nn.ReLU(), nn.Linear(4, 2)],
     "MLP(9, [4, 2], 'relu', output='linear')"),
    ([nn.Identity(), nn.Sequential(nn.Flatten()), nn.Dropout(0.2), nn.Linear(9, 4)],
     "Sequential(Dropout(0.2), Layer(9, 4, 'linear'))"),
    ([nn.Unflatten(-1, (1, 2, 2)), nn.Conv2d(1, 1, 2), nn.Flatten()],
     "Sequential(Unflatten(1, 2, 2), "
     "Conv2d(1, 1, 2, stride=1, padding=0, activation='linear'), Flatten())"),
]  # fmt: skip
WIDTHS = [*[2] * 8, 16, 9, 9, 4]


@pytest.mark.parametrize(("case", "width"), [*zip(MODULES, WIDTHS, strict=True)])
def test_a_module_becomes_a_model(case, width):
    parts, expected = case
    module = (nn.Sequential(*parts) if parts != [LINEAR] else LINEAR).double()
    model = from_torch(module)
    assert expected is None or repr(model) == expected
    assert_same(model, module, rows(4, width))


def test_batch_normalisation_may_lack_a_bias():
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).double()
    module[1].bias = None
    assert_same(from_torch(module), module, rows(4, 2))


def test_softplus_is_written_without_a_threshold_that_shows():
    model = Sequential("softplus")
    assert_same(model, to_torch(model), [[z] for z in (-40.0, 19.9, 20.1, 25.0, 39.9, 40.1, 800.0)])


def test_softplus_differs_above_the_threshold_of_pytorch_alone():
    model = from_torch(nn.Sequential(nn.Softplus()))
    X = [[19.9], [20.5]]
    gaps = np.abs(of_torch(nn.Softplus(), X) - outputs(model, X)).ravel().tolist()
    assert gaps[0] < 1e-12 < gaps[1] < 2.1e-9  # exp(-20) = 2.06e-9


def test_a_file_of_parameters_enters_through_a_module(tmp_path):
    model = mlp("silu")
    torch.save(to_torch(model).state_dict(), tmp_path / "weights.pt")
    net = to_torch(MLP(3, [4, 4, 2], "silu"))
    net.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert from_torch(net).state_dict() == model.state_dict()
