"""A model as a module of PyTorch."""

from collections.abc import Sequence
from typing import Any

from tinygrad_edu.engine import Value
from tinygrad_edu.export.chain import (
    activation_of,
    biases,
    chain,
    library,
    slopes,
    units_of,
    weights,
)
from tinygrad_edu.nn import Layer, Module
from tinygrad_edu.nn.activations import RECORDS
from tinygrad_edu.nn.convolution import AvgPool2d, Conv2d, Flatten, MaxPool2d, Unflatten
from tinygrad_edu.nn.norm import BatchNorm, Dropout


def to_torch(model: Any) -> Any:
    """The model as a `torch.nn.Sequential` of float64, with a copy of its numbers and its mode.

    It takes (B, n) and gives (B, K); images are (B, channels, height, width). A part that stands
    twice becomes two. "step" and "sign" have no module in torch.nn: raises ValueError naming the
    part for them, for whatever else has no equal and for parts that do not fit each other;
    ImportError without the extra `torch`.
    """
    torch = library("torch")
    made = []
    for part in chain(model):
        modules = _modules(torch, part)
        made += [module.train(part.training) for module in modules]
    found = torch.nn.Sequential(*made)
    found.training = model.training
    return found


def _modules(torch: Any, part: Module) -> list[Any]:
    """The modules of PyTorch that do what a part does."""
    nn = torch.nn
    numbers: dict[str, list[float]] = {}
    match part:
        case Layer(neurons=units):
            module = nn.utils.skip_init(nn.Linear, units[0].nin, len(units), dtype=torch.float64)
            numbers = {"weight": weights(units), "bias": biases(units)}
        case Conv2d(in_channels=channels, kernels=units):
            module = nn.utils.skip_init(
                nn.Conv2d,
                channels,
                len(units),
                part.kernel_size,
                part.stride,
                part.padding,
                dtype=torch.float64,
            )
            numbers = {"weight": weights(units), "bias": biases(units)}
        case MaxPool2d():
            module = nn.MaxPool2d(part.kernel_size, part.stride)
        case AvgPool2d():
            module = nn.AvgPool2d(part.kernel_size, part.stride)
        case Flatten():
            module = nn.Flatten()
        case Unflatten():
            module = nn.Unflatten(1, (part.channels, part.height, part.width))
        case Dropout():
            module = nn.Dropout(part.p)
        case BatchNorm():
            module = nn.BatchNorm1d(len(part.gamma), part.eps, part.momentum, dtype=torch.float64)
            numbers = {
                "weight": _data(part.gamma),
                "bias": _data(part.beta),
                "running_mean": _data(part.running_mean),
                "running_var": _data(part.running_var),
            }
        case _:
            return _activation(torch, part)
    return [_filled(torch, module, numbers), *_activation(torch, part)]


def _activation(torch: Any, part: Module) -> list[Any]:
    name = activation_of(part)
    record = RECORDS[name]
    if name == "linear":
        return []
    if record.alpha is not None:
        assert isinstance(part, (Layer, Conv2d))
        alpha = slopes(units_of(part))
        module = getattr(torch.nn, record.torch)(len(alpha), dtype=torch.float64)
        return [_filled(torch, module, {"weight": alpha})]
    if not record.torch:
        raise ValueError(
            f"{part!r:.80}: torch.nn has no module for {name!r}: choose another activation, or "
            "write to_onnx or to_numpy_source"
        )
    options = {option: equal[0] for option, equal in record.torch_options.items()}
    return [getattr(torch.nn, record.torch)(**options)]


def _filled(torch: Any, module: Any, numbers: dict[str, list[float]]) -> Any:
    """The module with these numbers as its tensors."""
    with torch.no_grad():
        for name, values in numbers.items():
            tensor = getattr(module, name)
            tensor.copy_(torch.tensor(values, dtype=torch.float64).reshape(tensor.shape))
    return module


def _data(values: Sequence[Value]) -> list[float]:
    return [v.data for v in values]
