"""PyTorch: a module gives what the model gives, both ways; what has no equal is named."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export_models import (
    SMOOTH,
    assert_names_what_has_no_equal,
    convolutional,
    drawn,
    mlp,
    outputs,
    refusal,
    rows,
)

from tinygrad_edu import (
    MLP,
    BatchNorm,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    MaxPool2d,
    Sequential,
)
from tinygrad_edu.export import from_torch, to_torch

torch = pytest.importorskip("torch")
nn = torch.nn

pytestmark = pytest.mark.slow


def of_torch(module: Any, X: Any) -> Any:
    """What the module gives in evaluation mode."""
    with torch.no_grad():
        return module.eval()(torch.tensor(X, dtype=torch.float64)).numpy()


def assert_same(model: Any, module: Any, X: Any) -> None:
    expected = np.array(outputs(model, X))
    assert np.abs(of_torch(module, X) - expected).max() < 1e-12


@pytest.mark.parametrize("activation", SMOOTH)
def test_a_net_goes_to_pytorch_and_back(activation: str) -> None:
    model = mlp(activation)
    module = to_torch(model)
    assert_same(model, module, [*rows(5, 3), [40.0, -40.0, 40.0], [-1000.0, 1000.0, 0.0]])
    back = from_torch(module)
    assert repr(back) == repr(model)
    assert back.state_dict() == model.state_dict()


def test_a_convolutional_net_goes_to_pytorch_and_back() -> None:
    model = convolutional()
    module = to_torch(model)
    assert_same(model, module, rows(4, 49))
    back = from_torch(module)
    *parts, last = model.layers
    assert repr(back.layers) == repr([*parts, *last.layers])  # one after another, none in another
    assert list(back.state_dict().values()) == list(model.state_dict().values())


def test_images_are_taken_as_they_are() -> None:
    model = drawn(Sequential(Conv2d(2, 3, 2, activation="gelu"), MaxPool2d(2), Flatten()))
    images = [[rows(5, 7, seed=k), rows(5, 7, seed=9)] for k in range(3)]
    assert_same(model, to_torch(model), images)
    assert_same(from_torch(to_torch(model)), to_torch(model), images)


def test_batch_normalisation_trains_alike() -> None:
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


def test_the_modes_are_taken_over() -> None:
    model = Sequential(Layer(2, 2), Dropout(0.5), BatchNorm(2))
    model.layers[2].eval()
    module = to_torch(model)
    assert [m.training for m in module] == [True, True, True, False]
    assert [part.training for part in from_torch(module).layers] == [True, True, False]
    assert not to_torch(model.eval()).training
    assert not from_torch(to_torch(model.eval())).training


def test_the_module_has_copies_in_float64_which_learn() -> None:
    model = mlp("prelu")
    module = to_torch(model)
    assert {(p.dtype, p.requires_grad) for p in module.parameters()} == {(torch.float64, True)}
    module.get_parameter("0.weight").data.fill_(7.0)
    assert model.parameters()[0].data != 7.0


def test_random_numbers_of_pytorch_are_left_alone() -> None:
    before = torch.get_rng_state()
    to_torch(convolutional())
    assert torch.equal(before, torch.get_rng_state())


def test_an_mlp_comes_back_as_one_that_can_be_saved(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))
    model = from_torch(module)
    assert repr(model) == "MLP(2, [3, 2, 1], 'tanh', output='linear')"
    model.save(tmp_path / "net.json")
    assert_same(MLP.load(tmp_path / "net.json"), module.double(), rows(3, 2))


RELU = nn.ReLU()
#: Modules as people write them, and what they become.
MODULES = [
    (nn.Linear(2, 1), "MLP(2, [1], 'relu', output='linear')", 2),
    (nn.Sequential(), "Sequential('linear')", 2),
    (nn.Sequential(nn.Linear(2, 3, bias=False), nn.Softmax(dim=1)), None, 2),
    (nn.Sequential(nn.Linear(2, 3), nn.PReLU(), nn.Linear(3, 2), nn.PReLU(2)), None, 2),
    (
        nn.Sequential(nn.Linear(2, 3), RELU, nn.Linear(3, 3), RELU, nn.Linear(3, 1)),
        "MLP(2, [3, 3, 1], 'relu', output='linear')",
        2,
    ),
    (
        nn.Sequential(nn.Identity(), nn.Sequential(nn.Linear(2, 3), nn.Flatten()), nn.ELU()),
        "MLP(2, [3], 'relu', output='elu')",
        2,
    ),
    (
        nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1)),
        "Sequential(Layer(2, 3, 'relu'), Layer(3, 2, 'tanh'), Layer(2, 1, 'linear'))",
        2,
    ),
    (
        nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Dropout(0.25)),
        "Sequential(Layer(2, 3, 'linear'), BatchNorm(3, momentum=0.1, eps=1e-05), 'relu', "
        "Dropout(0.25))",
        2,
    ),
    (
        nn.Sequential(
            nn.Unflatten(1, (1, 4, 4)),
            nn.Conv2d(1, 2, (2, 2), bias=False, padding=(1, 1)),
            nn.PReLU(),
            nn.MaxPool2d((2, 2)),
            nn.Flatten(),
        ),
        None,
        16,
    ),
]


@pytest.mark.parametrize(("module", "expected", "width"), MODULES)
def test_a_module_becomes_a_model(module: Any, expected: str | None, width: int) -> None:
    module = module.double()
    model = from_torch(module)
    assert expected is None or repr(model) == expected
    assert_same(model, module, rows(4, width))


def test_softplus_is_written_without_a_threshold_that_shows() -> None:
    model = Sequential("softplus")
    assert_same(model, to_torch(model), [[z] for z in (-40.0, 19.9, 20.1, 25.0, 39.9, 40.1, 800.0)])


def test_softplus_differs_above_the_threshold_of_pytorch_alone() -> None:
    model = from_torch(nn.Sequential(nn.Softplus()))
    X = [[19.9], [20.5]]
    gaps = np.abs(of_torch(nn.Softplus(), X) - outputs(model, X)).ravel().tolist()
    assert gaps[0] < 1e-12 < gaps[1] < 2.1e-9  # exp(-20) = 2.06e-9


def test_a_file_of_parameters_enters_through_a_module(tmp_path: Path) -> None:
    model = mlp("silu")
    torch.save(to_torch(model).state_dict(), tmp_path / "weights.pt")
    net = to_torch(MLP(3, [4, 4, 2], "silu"))
    net.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert from_torch(net).state_dict() == model.state_dict()


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Tanhshrink())),
            "part 1.0, Tanhshrink(), has no equal here: from_torch takes Sequential of AvgPool2d, "
            "BatchNorm1d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, PReLU, Unflatten, ELU, "
            "GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh",
        ),
        (
            nn.Sequential(nn.ModuleList([nn.ReLU()])),
            "part 0, ModuleList( (0): ReLU() ), has no equal here: from_torch takes Sequential of "
            "AvgPool2d, BatchNorm1d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, PReLU, "
            "Unflatten, ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh",
        ),
        (
            nn.Sequential(nn.GELU(approximate="tanh")),
            "part 0, GELU(approximate='tanh'), has approximate='tanh', which has no equal here: "
            "write 'none'",
        ),
        (
            nn.Sequential(nn.LeakyReLU(0.2)),
            "part 0, LeakyReLU(negative_slope=0.2), has negative_slope=0.2, which has no equal "
            "here: write 0.01",
        ),
        (
            nn.Sequential(nn.Conv2d(1, 2, (2, 3))),
            "part 0, Conv2d(1, 2, kernel_size=(2, 3), stride=(1, 1)), has kernel_size=(2, 3), "
            "which has no equal here: write one whole number",
        ),
        (
            nn.Sequential(nn.Conv2d(1, 2, 3, padding="same")),
            "part 0, Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=same), has "
            "padding='same', which has no equal here: write one whole number",
        ),
        (
            nn.Sequential(nn.Conv2d(2, 2, 3, groups=2)),
            "part 0, Conv2d(2, 2, kernel_size=(3, 3), stride=(1, 1), groups=2), has groups=2, "
            "which has no equal here: write 1",
        ),
        (
            nn.Sequential(nn.BatchNorm1d(2), nn.PReLU()),
            "part 1, PReLU(num_parameters=1), has no equal here unless it follows Linear or Conv2d",
        ),
        (
            nn.Sequential(nn.MaxPool2d(2), nn.ReLU()),
            "part 1, ReLU(), takes rows here and gets images: put it after Flatten, an activation "
            "after Conv2d",
        ),
        (
            nn.Sequential(nn.Linear(2, 4), nn.MaxPool2d(2)),
            "part 1, MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False), "
            "takes images and gets rows: put Unflatten before it",
        ),
        (
            nn.Sequential(nn.Unflatten(1, (2, 2))),
            "part 0, Unflatten(dim=1, unflattened_size=(2, 2)), makes no image: write "
            "Unflatten(1, (channels, height, width))",
        ),
    ],
)
def test_a_module_without_an_equal_is_named(module: Any, message: str) -> None:
    with refusal(message):
        from_torch(module)


@pytest.mark.parametrize("x", [math.inf, math.nan])
def test_numbers_that_are_not_finite_are_refused(x: float) -> None:
    module = nn.Sequential(nn.Linear(2, 1))
    module[0].bias.data.fill_(x)
    with refusal(
        "part 0, Linear(in_features=2, out_features=1, bias=True), has a bias that is not made "
        "of finite numbers"
    ):
        from_torch(module)


def test_a_state_is_no_module() -> None:
    with refusal(
        (
            "from_torch takes a torch.nn.Sequential, got OrderedDict: load a state into "
            "to_torch(model) and pass that"
        ),
        TypeError,
    ):
        from_torch(nn.Linear(2, 1).state_dict())


@pytest.mark.parametrize("activation", ["sign", "step"])
def test_a_step_has_no_module(activation: str) -> None:
    with refusal(
        f"Layer(2, 3, '{activation}'): torch.nn has no module for '{activation}': choose "
        "another activation, or write to_onnx or to_numpy_source"
    ):
        to_torch(MLP(2, [3, 1], activation))


def test_a_part_without_an_equal_is_named() -> None:
    assert_names_what_has_no_equal(to_torch)
