"""PyTorch: a module gives what the model gives, both ways; what has no equal is named."""

import math
import warnings

import numpy as np
import pytest
from export_models import SMOOTH, convolutional, drawn, mlp, outputs, refusal, rows

from tinygrad_edu import MLP, BatchNorm, Conv2d, Dropout, Flatten, Layer, MaxPool2d, Sequential
from tinygrad_edu.export import from_torch, pytorch, to_torch

torch = pytest.importorskip("torch")
prune = pytest.importorskip("torch.nn.utils.prune")
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


# What has no equal is refused, by the name of the part

TAKEN = f"has no equal here: from_torch takes Sequential of {', '.join(pytorch.OPTIONS)}"
NO_EQUAL = "has no equal here: {} must be an int of at least 1, got {}"
RANGE = "has no equal here: {} must be a finite number {}, got {}"


def of(*parts):
    return nn.Sequential(*parts)


def quietly(make, *arguments):
    """What PyTorch makes with a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(*arguments)


def filled(x):
    module = of(nn.Linear(2, 1))
    module[0].bias.data.fill_(x)
    return module


def norm(**options):
    return of(nn.Linear(2, 3), nn.BatchNorm1d(3, **options))


def hooked(module, name, before=False):
    """The module with a hook on the part of this name, "" for itself."""

    def doubled(part, x, y=None):
        return x[0] * 2 if before else y * 2

    part = module.get_submodule(name)
    (part.register_forward_pre_hook if before else part.register_forward_hook)(doubled)
    return module


HOOK = "has the forward hook {}, which has no equal here: remove it first"

# fmt: off
#: A module, the name of the part that is refused, and why.
REFUSED = [
    (of(nn.Linear(2, 3), of(nn.Tanhshrink())), "1.0", TAKEN),
    (of(nn.ModuleList([nn.ReLU()])), "0", TAKEN),
    (of(nn.GELU(approximate="tanh")), "0",
     "has approximate='tanh', which has no equal here: write 'none'"),
    (of(nn.LeakyReLU(0.2)), "0", "has negative_slope=0.2, which has no equal here: write 0.01"),
    (of(nn.Conv2d(1, 2, (2, 3))), "0",
     "has kernel_size=(2, 3), which has no equal here: write one whole number"),
    (of(nn.Conv2d(1, 2, 3, padding="same")), "0",
     "has padding='same', which has no equal here: write one whole number"),
    (of(nn.Conv2d(2, 2, 3, groups=2)), "0", "has groups=2, which has no equal here: write 1"),
    (of(nn.BatchNorm1d(2), nn.PReLU()), "1",
     "has no equal here unless it follows Linear or Conv2d"),
    (of(nn.MaxPool2d(2), nn.ReLU()), "1",
     "takes rows here and gets images: put it after Flatten, an activation after Conv2d"),
    (of(nn.Linear(2, 4), nn.MaxPool2d(2)), "1",
     "takes images and gets rows: put Unflatten before it"),
    (of(nn.Unflatten(1, (2, 2))), "0",
     "makes no image: write Unflatten(1, (channels, height, width))"),
    (of(nn.Linear(3, 4), nn.PReLU(3)), "1", "has a weight of 3 numbers, not of 4"),
    (of(of(nn.Dropout(1.0))), "0.0", RANGE.format("p", ">= 0 and < 1", "1.0")),
    (of(nn.Unflatten(1, (1, 4, -1))), "0", NO_EQUAL.format("width", -1)),
    (of(nn.Unflatten(1, (0, 4, 4))), "0", NO_EQUAL.format("channels", 0)),
    (of(nn.MaxPool2d(2, -1)), "0", NO_EQUAL.format("stride", -1)),
    (of(nn.AvgPool2d(0)), "0", NO_EQUAL.format("kernel_size", 0)),
    (of(quietly(nn.Linear, 0, 4)), "0", NO_EQUAL.format("nin", 0)),
    (of(quietly(nn.Linear, 4, 0)), "0", NO_EQUAL.format("nout", 0)),
    (of(quietly(nn.Conv2d, 1, 0, 2)), "0", NO_EQUAL.format("out_channels", 0)),
    (norm(momentum=None), "1", RANGE.format("momentum", ">= 0 and < 1", None)),
    (norm(momentum=1.0), "1", RANGE.format("momentum", ">= 0 and < 1", 1.0)),
    (norm(eps=0), "1", RANGE.format("eps", "> 0", 0.0)),
    (of(nn.Linear(2, 3, device="meta")), "0",
     "has a weight without numbers, on the device meta: load its state first"),
    (of(nn.Linear(2, 3, dtype=torch.complex64)), "0",
     "has a weight of torch.complex64, not of floating-point numbers"),
    (filled(math.inf), "0", "has a bias that is not made of finite numbers"),
    (filled(math.nan), "0", "has a bias that is not made of finite numbers"),
    (hooked(of(nn.Linear(2, 3)), "0"), "0", HOOK.format("doubled")),
    (hooked(of(nn.Linear(2, 3)), "0", before=True), "0", HOOK.format("doubled")),
    (hooked(of(nn.Linear(2, 3)), ""), "", HOOK.format("doubled")),
    (hooked(nn.Linear(2, 3), ""), "", HOOK.format("doubled")),
    (hooked(of(of(nn.ReLU())), "0", before=True), "0", HOOK.format("doubled")),
    (hooked(of(of(nn.Identity())), "0.0"), "0.0", HOOK.format("doubled")),
    (of(quietly(nn.utils.weight_norm, nn.Linear(2, 3))), "0", HOOK.format("WeightNorm")),
    (of(nn.utils.spectral_norm(nn.Linear(2, 3))), "0", HOOK.format("SpectralNorm")),
]
# fmt: on


@pytest.mark.parametrize(("module", "name", "why"), REFUSED)
def test_a_module_without_an_equal_is_named(module, name, why):
    assert_refused(module, name, why)


def assert_refused(module, name, why):
    place = f"part {name}, " if name else ""
    with refusal(f"{place}{' '.join(repr(module.get_submodule(name)).split()):.80}, {why}"):
        from_torch(module)


def test_a_part_is_named_as_pytorch_names_it():
    with refusal(f"part 1.0, Tanhshrink(), {TAKEN}"):
        from_torch(of(nn.Linear(2, 3), of(nn.Tanhshrink())))
    with refusal(f"part 0, ModuleList( (0): ReLU() ), {TAKEN}"):
        from_torch(of(nn.ModuleList([nn.ReLU()])))


def test_a_state_is_no_module():
    with refusal(
        (
            "from_torch takes a torch.nn.Sequential, got OrderedDict: load a state into "
            "to_torch(model) and pass that"
        ),
        TypeError,
    ):
        from_torch(nn.Linear(2, 1).state_dict())


@pytest.mark.parametrize("activation", ["sign", "step"])
def test_a_step_has_no_module(activation):
    with refusal(
        f"Layer(2, 3, '{activation}'): torch.nn has no module for '{activation}': choose "
        "another activation, or write to_onnx or to_numpy_source"
    ):
        to_torch(MLP(2, [3, 1], activation))


def test_modules_that_do_not_fit_are_named():
    with refusal(
        "the parts of Sequential(Layer(3, 4, 'linear'), Layer(5, 1, 'linear')) do not fit each "
        "other: Layer(5, 1, 'linear') takes a row of 5 and gets a row of 4"
    ):
        from_torch(nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 1)))


def test_a_pruned_module_is_refused_until_pruning_is_made_permanent():
    module = nn.Sequential(nn.Linear(2, 3))
    for _ in range(2):  # twice makes a container of both
        prune.l1_unstructured(module[0], "weight", 0.5)
        why = "is pruned: write torch.nn.utils.prune.remove(module, 'weight') first"
        assert_refused(module, "0", why)
    prune.remove(module[0], "weight")
    weights = [w.data for unit in from_torch(module).layers[0].neurons for w in unit.w]
    assert weights == module[0].weight.flatten().tolist()
    assert weights.count(0.0) >= 3
