"""PyTorch: what has no equal is refused, by the name of the part."""

import math
import warnings

import pytest
from export_models import refusal

from tinygrad_edu import MLP
from tinygrad_edu.export import from_torch, pytorch, to_torch

torch = pytest.importorskip("torch")
prune = pytest.importorskip("torch.nn.utils.prune")
nn = torch.nn

pytestmark = pytest.mark.slow


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
