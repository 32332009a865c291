"""PyTorch: what has no equal is refused, by the name of the part."""

import math

import pytest
from export_models import refusal

from tinygrad_edu import MLP
from tinygrad_edu.export import from_pytorch, from_torch, to_torch

torch = pytest.importorskip("torch")
prune = pytest.importorskip("torch.nn.utils.prune")
nn = torch.nn

pytestmark = pytest.mark.slow


LINEAR = "Linear(in_features=2, out_features=3, bias=True)"
TAKEN = ", ".join(from_pytorch.OPTIONS)

# fmt: off
NO_EQUAL = [
    (nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Tanhshrink())),
     f"part 1.0, Tanhshrink(), has no equal here: from_torch takes Sequential of {TAKEN}"),
    (nn.Sequential(nn.ModuleList([nn.ReLU()])),
     f"part 0, ModuleList( (0): ReLU() ), has no equal here: from_torch takes Sequential of "
     f"{TAKEN}"),
    (nn.Sequential(nn.GELU(approximate="tanh")),
     "part 0, GELU(approximate='tanh'), has approximate='tanh', which has no equal here: "
     "write 'none'"),
    (nn.Sequential(nn.LeakyReLU(0.2)),
     "part 0, LeakyReLU(negative_slope=0.2), has negative_slope=0.2, which has no equal "
     "here: write 0.01"),
    (nn.Sequential(nn.Conv2d(1, 2, (2, 3))),
     "part 0, Conv2d(1, 2, kernel_size=(2, 3), stride=(1, 1)), has kernel_size=(2, 3), "
     "which has no equal here: write one whole number"),
    (nn.Sequential(nn.Conv2d(1, 2, 3, padding="same")),
     "part 0, Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=same), has "
     "padding='same', which has no equal here: write one whole number"),
    (nn.Sequential(nn.Conv2d(2, 2, 3, groups=2)),
     "part 0, Conv2d(2, 2, kernel_size=(3, 3), stride=(1, 1), groups=2), has groups=2, "
     "which has no equal here: write 1"),
    (nn.Sequential(nn.BatchNorm1d(2), nn.PReLU()),
     "part 1, PReLU(num_parameters=1), has no equal here unless it follows Linear or Conv2d"),
    (nn.Sequential(nn.MaxPool2d(2), nn.ReLU()),
     "part 1, ReLU(), takes rows here and gets images: put it after Flatten, an activation "
     "after Conv2d"),
    (nn.Sequential(nn.Linear(2, 4), nn.MaxPool2d(2)),
     "part 1, MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False), "
     "takes images and gets rows: put Unflatten before it"),
    (nn.Sequential(nn.Unflatten(1, (2, 2))),
     "part 0, Unflatten(dim=1, unflattened_size=(2, 2)), makes no image: write "
     "Unflatten(1, (channels, height, width))"),
    (nn.Sequential(nn.Linear(3, 4), nn.PReLU(3)),
     "part 1, PReLU(num_parameters=3), has a weight of 3 numbers, not of 4"),
    (nn.Sequential(nn.Sequential(nn.Dropout(1.0))),
     "part 0.0, Dropout(p=1.0, inplace=False), has no equal here: p must be a finite number "
     ">= 0 and < 1, got 1.0"),
    (nn.Sequential(nn.Unflatten(1, (1, 4, -1))),
     "part 0, Unflatten(dim=1, unflattened_size=(1, 4, -1)), has no equal here: width must "
     "be an int of at least 1, got -1"),
    (nn.Sequential(nn.Unflatten(1, (0, 4, 4))),
     "part 0, Unflatten(dim=1, unflattened_size=(0, 4, 4)), has no equal here: channels "
     "must be an int of at least 1, got 0"),
    (nn.Sequential(nn.MaxPool2d(2, -1)),
     "part 0, MaxPool2d(kernel_size=2, stride=-1, padding=0, dilation=1, ceil_mode=False), "
     "has no equal here: stride must be an int of at least 1, got -1"),
    (nn.Sequential(nn.AvgPool2d(0)),
     "part 0, AvgPool2d(kernel_size=0, stride=0, padding=0), has no equal here: kernel_size "
     "must be an int of at least 1, got 0"),
    (nn.Sequential(nn.Linear(2, 3, device="meta")),
     f"part 0, {LINEAR}, has a weight without numbers, on the device meta: load its state "
     "first"),
    (nn.Sequential(nn.Linear(2, 3, dtype=torch.complex64)),
     f"part 0, {LINEAR}, has a weight of torch.complex64, not of floating-point numbers"),
]
# fmt: on


@pytest.mark.parametrize(("module", "message"), NO_EQUAL)
def test_a_module_without_an_equal_is_named(module, message):
    with refusal(message):
        from_torch(module)


@pytest.mark.parametrize("x", [math.inf, math.nan])
def test_numbers_that_are_not_finite_are_refused(x):
    module = nn.Sequential(nn.Linear(2, 1))
    module[0].bias.data.fill_(x)
    with refusal(
        "part 0, Linear(in_features=2, out_features=1, bias=True), has a bias that is not made "
        "of finite numbers"
    ):
        from_torch(module)


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


def hooked(module, name, before=False):
    """The module with a hook on the part of this name, "" for itself."""

    def doubled(part, x, y=None):
        return x[0] * 2 if before else y * 2

    part = module.get_submodule(name)
    (part.register_forward_pre_hook if before else part.register_forward_hook)(doubled)
    return module


@pytest.mark.parametrize(
    ("module", "part"),
    [
        (hooked(nn.Sequential(nn.Linear(2, 3)), "0"), f"part 0, {LINEAR}"),
        (hooked(nn.Sequential(nn.Linear(2, 3)), "0", before=True), f"part 0, {LINEAR}"),
        (hooked(nn.Sequential(nn.Linear(2, 3)), ""), f"Sequential( (0): {LINEAR} )"),
        (hooked(nn.Linear(2, 3), ""), LINEAR),
        (
            hooked(nn.Sequential(nn.Sequential(nn.ReLU())), "0", before=True),
            "part 0, Sequential( (0): ReLU() )",
        ),
        (hooked(nn.Sequential(nn.Sequential(nn.Identity())), "0.0"), "part 0.0, Identity()"),
    ],
)
def test_a_hook_is_refused(module, part):
    with refusal(f"{part}, has the forward hook doubled, which has no equal here: remove it first"):
        from_torch(module)


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated:FutureWarning")
def test_weights_that_a_hook_makes_are_refused():
    for normed, hook in (
        (nn.utils.weight_norm(nn.Linear(2, 3)), "WeightNorm"),
        (nn.utils.spectral_norm(nn.Linear(2, 3)), "SpectralNorm"),
    ):
        with refusal(
            f"part 0, {LINEAR}, has the forward hook {hook}, which has no equal here: remove it "
            "first"
        ):
            from_torch(nn.Sequential(normed))


def test_a_pruned_module_is_refused_until_pruning_is_made_permanent():
    module = nn.Sequential(nn.Linear(2, 3))
    for _ in range(2):  # twice makes a container of both
        prune.l1_unstructured(module[0], "weight", 0.5)
        with refusal(
            f"part 0, {LINEAR}, is pruned: write torch.nn.utils.prune.remove(module, 'weight') "
            "first"
        ):
            from_torch(module)
    prune.remove(module[0], "weight")
    weights = [w.data for unit in from_torch(module).layers[0].neurons for w in unit.w]
    assert weights == module[0].weight.flatten().tolist()
    assert weights.count(0.0) >= 3


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"momentum": None}, "momentum must be a finite number >= 0 and < 1, got None"),
        ({"momentum": 1.0}, "momentum must be a finite number >= 0 and < 1, got 1.0"),
        ({"eps": 0}, "eps must be a finite number > 0, got 0.0"),
    ],
)
def test_batch_normalisation_out_of_range_is_named(options, why):
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3, **options))
    with refusal(f"part 1, {module[1]!r:.80}, has no equal here: {why}"):
        from_torch(module)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors:UserWarning")
@pytest.mark.parametrize(
    ("kind", "sizes", "shown", "what"),
    [
        ("Linear", (0, 4), "Linear(in_features=0, out_features=4, bias=True)", "nin"),
        ("Linear", (4, 0), "Linear(in_features=4, out_features=0, bias=True)", "nout"),
        ("Conv2d", (1, 0, 2), "Conv2d(1, 0, kernel_size=(2, 2), stride=(1, 1))", "out_channels"),
    ],
)
def test_a_module_without_units_or_inputs_is_named(kind, sizes, shown, what):
    module = nn.Sequential(getattr(nn, kind)(*sizes))
    with refusal(f"part 0, {shown}, has no equal here: {what} must be an int of at least 1, got 0"):
        from_torch(module)
