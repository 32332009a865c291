"""A model as a module of PyTorch."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from tinygrad_edu.export.chain import PARTS, Tensor, activation_of, alphas_of, chain, library
from tinygrad_edu.nn import Module
from tinygrad_edu.nn.activations import RECORDS


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
