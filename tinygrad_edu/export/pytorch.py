"""A model as a module of PyTorch, and a module of PyTorch as a model."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple, NoReturn

from tinygrad_edu.engine import Value
from tinygrad_edu.export.chain import PARTS, Tensor, activation_of, alphas_of, chain, library
from tinygrad_edu.nn import MLP, Layer, Module, Sequential
from tinygrad_edu.nn.activations import RECORDS

#: The layers and the names of the activations by their classes of torch.nn.
_LAYERS: Final = {part.torch: kind for kind, part in PARTS.items() if part.torch}
_NAMES: Final = {record.torch: name for name, record in RECORDS.items() if record.torch}
_LEARNED: Final = [torch for torch, name in _NAMES.items() if RECORDS[name].alpha is not None]

#: Every class that has an equal, with the values that its other options must have.
OPTIONS: Final[dict[str, Mapping[str, tuple[Any, ...]]]] = {
    torch: PARTS[kind].options for torch, kind in _LAYERS.items()
} | {torch: RECORDS[name].torch_options for torch, name in _NAMES.items()}

#: Those that PyTorch takes for height and width, and a layer here for both.
_SQUARE: Final = ("kernel_size", "stride", "padding")


def to_torch(model: Any) -> Any:
    """The model as a `torch.nn.Sequential` of float64, with a copy of its numbers and its mode.

    It takes (B, n) and gives (B, K); images are (B, channels, height, width). A part that stands
    twice becomes two. "step" and "sign" have no module in torch.nn: raises ValueError naming the
    part for them, for whatever else has no equal and for parts that do not fit each other;
    ImportError without the extra `torch`.
    """
    torch = library("torch")
    modules = []
    for part in chain(model):
        of_part = [*_layer(torch, part), *_activation(torch, part)]
        modules += [module.train(part.training) for module in of_part]
    sequential = torch.nn.Sequential(*modules)
    sequential.training = model.training
    return sequential


def _layer(torch: Any, part: Module) -> list[Any]:
    """The module of PyTorch that does what a part does before its activation, if there is one."""
    equal = PARTS[type(part)]
    if not equal.torch:
        return []
    options = {name: values[0] for name, values in equal.options.items()}
    options |= {k: attrgetter(*names.split())(part) for k, names in equal.arguments.items()}
    kind, tensors = getattr(torch.nn, equal.torch), equal.tensors(part)
    if not tensors:
        return [kind(**options)]
    options["dtype"] = torch.float64
    # without the numbers that PyTorch would draw
    module = torch.nn.utils.skip_init(kind, **options) if equal.units else kind(**options)
    return [_filled(torch, module, tensors)]


def _activation(torch: Any, part: Module) -> list[Any]:
    name = activation_of(part)
    record = RECORDS[name]
    if name == "linear":
        return []
    if not record.torch:
        raise ValueError(
            f"{part!r:.80}: torch.nn has no module for {name!r}: choose another activation, or "
            "write to_onnx or to_numpy_source"
        )
    kind = getattr(torch.nn, record.torch)
    if alphas := alphas_of(part):
        module = kind(len(alphas), dtype=torch.float64)
        return [_filled(torch, module, {"weight": (alphas, (len(alphas),))})]
    return [kind(**{option: values[0] for option, values in record.torch_options.items()})]


def _filled(torch: Any, module: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The module with these numbers as its tensors."""
    with torch.no_grad():
        for name, (values, shape) in tensors.items():
            numbers = torch.tensor([v.data for v in values], dtype=torch.float64)
            getattr(module, name).copy_(numbers.reshape(shape))
    return module


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
        text = " ".join(repr(self.module).split())
        raise ValueError(f"{place}{text:.80}, {why}") from None

    def refuse_value(self, option: str, value: Any, instead: str) -> NoReturn:
        self.refuse(f"has {option}={value!r}, which has no equal here: write {instead}")

    def refuse_hooks(self) -> None:
        """Raises ValueError where something runs before or after the module."""
        hooks = [*self.module._forward_pre_hooks.values(), *self.module._forward_hooks.values()]
        if not hooks:
            return
        if isinstance(hooks[0], library("torch.nn.utils.prune").BasePruningMethod):
            self.refuse(
                f"is pruned: write torch.nn.utils.prune.remove(module, {hooks[0]._tensor_name!r}) "
                "first"
            )
        self.refuse(
            f"has the forward hook {getattr(hooks[0], '__name__', type(hooks[0]).__name__)}, which "
            "has no equal here: remove it first"
        )

    def argument(self, name: str, parts: Sequence[str]) -> dict[str, Any]:
        """An argument of the module as those of the layer, one or several."""
        value = getattr(self.module, name)
        if len(parts) > 1:
            if len(value) != len(parts):
                self.refuse(f"makes no image: write {self.kind}(1, ({', '.join(parts)}))")
            return dict(zip(parts, value, strict=True))
        if name in _SQUARE:
            sizes = value if isinstance(value, tuple) else (value, value)
            if len(set(sizes)) != 1 or not isinstance(sizes[0], int):
                self.refuse_value(name, value, "one whole number")
            value = sizes[0]
        return {parts[0]: value}

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
        if self.kind in _LEARNED and tensor.numel() == 1:
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
    if kind not in (*OPTIONS, "Identity") or type(module) is not getattr(torch.nn, kind):
        leaf.refuse(f"has no equal here: from_torch takes Sequential of {', '.join(OPTIONS)}")
    for option, equal in OPTIONS.get(kind, {}).items():
        if (value := getattr(module, option)) not in equal:
            leaf.refuse_value(option, value, repr(equal[0]))
    if kind != "Identity":
        yield leaf


def _pairs(leaves: Iterable[_Leaf]) -> list[tuple[_Leaf, _Leaf | None]]:
    """Each module with the activation of its units, which follows it; without Flatten of rows."""
    pairs: list[tuple[_Leaf, _Leaf | None]] = []
    image: bool | None = None
    for leaf in leaves:
        before, activation = pairs[-1] if pairs else (None, None)
        if before and not activation and _is_of_units(before.kind, leaf.kind):
            pairs[-1] = (before, leaf)
            continue
        if leaf.kind == "Flatten" and not image:
            image = False
            continue
        takes_image = leaf.kind in _LAYERS and len(PARTS[_LAYERS[leaf.kind]].takes) == 3
        if takes_image and image is False:
            leaf.refuse("takes images and gets rows: put Unflatten before it")
        if image and not takes_image:
            leaf.refuse(
                "takes rows here and gets images: put it after Flatten, an activation after Conv2d"
            )
        image = leaf.kind == "Unflatten" or (takes_image and leaf.kind != "Flatten")
        pairs.append((leaf, None))
    return pairs


def _is_of_units(layer: str, activation: str) -> bool:
    """Whether the units of a layer can have an activation, both by their classes of torch.nn."""
    if layer not in _LAYERS or activation not in _NAMES:
        return False
    part, record = PARTS[_LAYERS[layer]], RECORDS[_NAMES[activation]]
    return bool(part.units) and (len(part.takes) == 1 or not record.of_layer)


def _part(leaf: _Leaf, after: _Leaf | None) -> Module | str:
    """The part for a module, or the name of an activation; `after` is the activation of units."""
    if leaf.kind not in _LAYERS:
        if leaf.kind in _LEARNED:
            leaf.refuse("has no equal here unless it follows Linear or Conv2d")
        return _NAMES[leaf.kind]
    kind = _LAYERS[leaf.kind]
    equal = PARTS[kind]
    options: dict[str, Any] = {}
    for name, ours in equal.arguments.items():
        options |= leaf.argument(name, ours.split())
    if equal.units:
        options |= {"activation": _NAMES[after.kind] if after else "linear", "init": "zeros"}
    try:
        part = kind(**options)
    except (TypeError, ValueError) as error:
        leaf.refuse(f"has no equal here: {error}")
    for name, (values, _) in equal.tensors(part).items():
        leaf.fill(values, name)
    if after is not None and after.kind in _LEARNED:
        after.fill(alphas_of(part), "weight")
    return part


def _mlp(parts: Sequence[Module | str]) -> MLP | None:
    """The MLP of these parts, if they are one."""
    layers = [part for part in parts if isinstance(part, Layer)]
    hidden = [layer.activation for layer in layers[:-1]]
    if not layers or len(layers) < len(parts) or len(set(hidden)) > 1:
        return None
    model = MLP(
        layers[0].nin,
        [layer.nout for layer in layers],
        hidden[0] if hidden else "relu",
        layers[-1].activation,
        init="zeros",
    )
    model.layers = layers
    model._name_parameters()
    return model
