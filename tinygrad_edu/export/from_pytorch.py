"""A module of PyTorch as a model."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, NoReturn, TypeVar

from tinygrad_edu.engine import Value
from tinygrad_edu.export.chain import chain, library
from tinygrad_edu.nn import MLP, Layer, Module, Neuron, Sequential
from tinygrad_edu.nn.activations import RECORDS
from tinygrad_edu.nn.convolution import AvgPool2d, Conv2d, Flatten, MaxPool2d, Unflatten
from tinygrad_edu.nn.norm import BatchNorm, Dropout

#: The names of activations by their classes of torch.nn.
_NAMES: Final = {r.torch: name for name, r in RECORDS.items() if r.torch and r.alpha is None}

_POOL: Final[dict[str, tuple[Any, ...]]] = {"padding": (0, (0, 0)), "ceil_mode": (False,)}

#: The other classes of torch.nn, and the values that options which have no equal here must have.
_MODULES: Final[dict[str, dict[str, tuple[Any, ...]]]] = {
    "AvgPool2d": {**_POOL, "divisor_override": (None,)},
    "BatchNorm1d": {"affine": (True,), "track_running_stats": (True,)},
    "Conv2d": {"dilation": ((1, 1),), "groups": (1,), "padding_mode": ("zeros",)},
    "Dropout": {},
    "Flatten": {"start_dim": (1,), "end_dim": (-1,)},
    "Linear": {},
    "MaxPool2d": {**_POOL, "dilation": (1, (1, 1)), "return_indices": (False,)},
    "PReLU": {},
    "Unflatten": {"dim": (1, -1)},
}
_OPTIONS: Final = {**_MODULES, **{k: RECORDS[n].torch_options for k, n in _NAMES.items()}}

#: The activations that the units of a module can have.
_OF_UNITS: Final = {
    "Conv2d": {*_NAMES, "PReLU"} - {"Softmax"},
    "Linear": {*_NAMES, "PReLU"},
}
_ON_IMAGES: Final = ("AvgPool2d", "Conv2d", "Flatten", "MaxPool2d")

_Part = TypeVar("_Part", bound=Module)


def from_torch(module: Any) -> MLP | Sequential:
    """A `torch.nn.Sequential` as a model, with a copy of its numbers and its mode.

    An MLP where the module is one: `Linear` and activations, all hidden ones the same. Sequentials
    may stand in each other. A module without bias gets the bias 0, a `PReLU` with one slope for all
    units the same slope for each, and a module that stands twice becomes two. A `Flatten` at the
    start is left out: the model takes rows. Above its threshold of 20 PyTorch's `Softplus` gives
    z, up to 2.1e-9 less than here. Raises TypeError or ValueError naming the part
    for other modules, forward hooks, options without an equal, numbers that are not finite, and
    parts that do not fit each other; ImportError without the extra `torch`.
    """
    torch = library("torch")
    if not isinstance(module, torch.nn.Module):
        raise TypeError(
            f"from_torch takes a torch.nn.Sequential, got {type(module).__name__}: load a state "
            "into to_torch(model) and pass that"
        )
    parts: list[Module | str] = []
    for leaf, activation in _pairs(_leaves(torch, module, "")):
        part = _part(leaf, activation)
        if isinstance(part, Module):
            part.train(leaf.module.training)
        parts.append(part)
    sequential = Sequential(*(parts or ["linear"]))
    chain(sequential)  # raises where the parts do not fit
    model = _mlp(parts) or sequential
    model.training = module.training
    return model


class _Leaf(NamedTuple):
    """A module and its name, such as "2.weight" has before the point."""

    name: str
    module: Any
    kind: str
    torch: Any

    def refuse(self, why: str) -> NoReturn:
        place = f"part {self.name}, " if self.name else ""
        shown = " ".join(repr(self.module).split())
        raise ValueError(f"{place}{shown:.80}, {why}") from None

    def refuse_hooks(self) -> None:
        """Raises ValueError where something runs before or after the module."""
        hooks = [*self.module._forward_pre_hooks.values(), *self.module._forward_hooks.values()]
        if not hooks:
            return
        prune = library("torch.nn.utils.prune")
        if isinstance(hooks[0], prune.BasePruningMethod):
            self.refuse(
                f"is pruned: write torch.nn.utils.prune.remove(module, {hooks[0]._tensor_name!r}) "
                "first"
            )
        self.refuse(
            f"has the forward hook {getattr(hooks[0], '__name__', type(hooks[0]).__name__)}, which "
            "has no equal here: remove it first"
        )

    def part(self, kind: Callable[..., _Part], *arguments: Any, **options: Any) -> _Part:
        """The part made of these. Raises ValueError where they are out of its range."""
        try:
            return kind(*arguments, **options)
        except (TypeError, ValueError) as error:
            self.refuse(f"has no equal here: {error}")

    def option(self, name: str) -> int:
        """A whole number, or two that are the same: the height and the width of a square."""
        found = getattr(self.module, name)
        sizes = found if isinstance(found, tuple) else (found, found)
        if len(set(sizes)) != 1 or not isinstance(sizes[0], int):
            self.refuse(f"has {name}={found!r}, which has no equal here: write one whole number")
        return sizes[0]

    def fill(self, values: Sequence[Value], name: str) -> None:
        """A tensor into values, the one slope of a PReLU into all; no bias leaves them.

        Raises ValueError unless it is as many finite real numbers.
        """
        tensor = getattr(self.module, name)
        if tensor is None:
            return
        if tensor.is_meta:
            self.refuse(f"has a {name} without numbers, on the device meta: load its state first")
        if not tensor.is_floating_point():
            self.refuse(f"has a {name} of {tensor.dtype}, not of floating-point numbers")
        if self.kind == "PReLU" and tensor.numel() == 1:
            tensor = tensor.expand(len(values))
        if tensor.numel() != len(values):
            self.refuse(f"has a {name} of {tensor.numel()} numbers, not of {len(values)}")
        if not self.torch.isfinite(tensor).all():
            self.refuse(f"has a {name} that is not made of finite numbers")
        for v, number in zip(values, tensor.detach().double().flatten().tolist(), strict=True):
            v.data = number


def _leaves(torch: Any, module: Any, name: str) -> Iterator[_Leaf]:
    """The modules below, in order, without Identity. Raises ValueError for one without an equal."""
    kind = type(module).__name__
    leaf = _Leaf(name, module, kind, torch)
    leaf.refuse_hooks()
    if type(module) is torch.nn.Sequential:
        for key, child in module._modules.items():  # named_children leaves repeats out
            yield from _leaves(torch, child, f"{name}.{key}" if name else key)
        return
    if kind not in (*_OPTIONS, "Identity") or type(module) is not getattr(torch.nn, kind):
        leaf.refuse(f"has no equal here: from_torch takes Sequential of {', '.join(_OPTIONS)}")
    for option, equal in _OPTIONS.get(kind, {}).items():
        if (found := getattr(module, option)) not in equal:
            leaf.refuse(f"has {option}={found!r}, which has no equal here: write {equal[0]!r}")
    if kind != "Identity":
        yield leaf


def _pairs(leaves: Iterable[_Leaf]) -> list[tuple[_Leaf, _Leaf | None]]:
    """Each module with the activation of its units, which follows it; without Flatten of rows.

    Raises ValueError for a module on an image that takes rows here, and the other way.
    """
    pairs: list[tuple[_Leaf, _Leaf | None]] = []
    image: bool | None = None
    for leaf in leaves:
        before, activation = pairs[-1] if pairs else (None, None)
        if before and not activation and leaf.kind in _OF_UNITS.get(before.kind, ()):
            pairs[-1] = (before, leaf)
            continue
        if leaf.kind == "Flatten" and not image:
            image = False
            continue
        takes_image = leaf.kind in _ON_IMAGES
        if takes_image and image is False:
            leaf.refuse("takes images and gets rows: put Unflatten before it")
        if image and not takes_image:
            leaf.refuse(
                "takes rows here and gets images: put it after Flatten, an activation after Conv2d"
            )
        image = leaf.kind == "Unflatten" or (takes_image and leaf.kind != "Flatten")
        pairs.append((leaf, None))
    return pairs


def _part(leaf: _Leaf, after: _Leaf | None) -> Module | str:
    """The part for a module, or the name of an activation; `after` is the activation of units."""
    module = leaf.module
    activation = "linear"
    if after is not None:
        activation = "prelu" if after.kind == "PReLU" else _NAMES[after.kind]
    match leaf.kind:
        case "Linear":
            layer = leaf.part(
                Layer, module.in_features, module.out_features, activation, init="zeros"
            )
            _fill_units(layer.neurons, leaf, after)
            return layer
        case "Conv2d":
            convolution = leaf.part(
                Conv2d,
                module.in_channels,
                module.out_channels,
                leaf.option("kernel_size"),
                leaf.option("stride"),
                leaf.option("padding"),
                activation=activation,
                init="zeros",
            )
            _fill_units(convolution.kernels, leaf, after)
            return convolution
        case "MaxPool2d":
            return leaf.part(MaxPool2d, leaf.option("kernel_size"), leaf.option("stride"))
        case "AvgPool2d":
            return leaf.part(AvgPool2d, leaf.option("kernel_size"), leaf.option("stride"))
        case "Flatten":
            return Flatten()
        case "Unflatten":
            if len(module.unflattened_size) != 3:
                leaf.refuse("makes no image: write Unflatten(1, (channels, height, width))")
            return leaf.part(Unflatten, *module.unflattened_size)
        case "Dropout":
            return leaf.part(Dropout, module.p)
        case "BatchNorm1d":
            norm = leaf.part(BatchNorm, module.num_features, module.momentum, module.eps)
            leaf.fill(norm.gamma, "weight")
            leaf.fill(norm.beta, "bias")
            leaf.fill(norm.running_mean, "running_mean")
            leaf.fill(norm.running_var, "running_var")
            return norm
        case "PReLU":
            leaf.refuse("has no equal here unless it follows Linear or Conv2d")
    return _NAMES[leaf.kind]


def _fill_units(units: Sequence[Neuron], leaf: _Leaf, after: _Leaf | None) -> None:
    """The weights and biases of `leaf`, and the slopes of a PReLU after it, into units."""
    leaf.fill([w for unit in units for w in unit.w], "weight")
    leaf.fill([unit.b for unit in units], "bias")
    if after is not None and after.kind == "PReLU":
        after.fill([unit.alpha for unit in units if unit.alpha is not None], "weight")


def _mlp(parts: Sequence[Module | str]) -> MLP | None:
    """The MLP of these parts, if they are one."""
    layers = [part for part in parts if isinstance(part, Layer)]
    hidden = [layer.activation for layer in layers[:-1]]
    if not layers or len(layers) < len(parts) or len(set(hidden)) > 1:
        return None
    model = MLP(
        layers[0].neurons[0].nin,
        [len(layer.neurons) for layer in layers],
        hidden[0] if hidden else "relu",
        layers[-1].activation,
        init="zeros",
    )
    model.layers = layers
    model._name_parameters()
    return model
