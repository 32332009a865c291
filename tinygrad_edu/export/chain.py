"""Chain: a model as its parts, one after another, which have equals elsewhere; their numbers."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

from tinygrad_edu.convolution import AvgPool2d, Conv2d, Flatten, MaxPool2d, Unflatten
from tinygrad_edu.nn import MLP, Layer, Module, Neuron, Sequential
from tinygrad_edu.nn.sequential import _Activate as Activate
from tinygrad_edu.regularize import BatchNorm, Dropout

_PARTS: Final = (
    *(Activate, AvgPool2d, BatchNorm, Conv2d, Dropout),
    *(Flatten, Layer, MaxPool2d, Unflatten),
)


def library(name: str) -> Any:
    """The library behind the extra of the same name. Raises ImportError saying how to get it."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(f'{name} is missing: pip install "tinygrad-edu[{name}]"') from error


def chain(model: Any) -> list[Module]:
    """The parts of an MLP or Sequential, in order. Raises TypeError or ValueError naming a part."""
    if not isinstance(model, Module):
        raise TypeError(
            f"expected a model such as MLP(2, [16, 1]), got {type(model).__name__} {model!r:.40}"
        )
    if type(model) in (MLP, Sequential):
        layers: list[Module] = model.layers  # type: ignore[attr-defined]
        return [part for layer in layers for part in chain(layer)]
    if type(model) not in _PARTS:
        raise ValueError(
            f"{model!r:.80} has no equal elsewhere: MLP, Sequential and the layers of nn, "
            "convolution and regularize can be exported; for any other model write "
            "to_numpy_source(model, example)"
        )
    activation_of(model)
    return [model]


def activation_of(part: Module) -> str:
    """The name of the activation of a part, "linear" for a part without one.

    Raises ValueError for a function of one's own.
    """
    owner = part.kernels[0] if isinstance(part, Conv2d) else part
    name = getattr(owner, "activation", "linear")
    if not isinstance(name, str):
        raise ValueError(
            f"{part!r:.80} has a function as activation, which has no equal elsewhere: choose one "
            "of nn.ACTIVATIONS by its name, or write to_numpy_source(model, example)"
        )
    return name


def weights(units: Sequence[Neuron]) -> list[float]:
    """The weights of units, one unit after another."""
    return [w.data for unit in units for w in unit.w]


def biases(units: Sequence[Neuron]) -> list[float]:
    """The bias of each unit."""
    return [unit.b.data for unit in units]


def slopes(units: Sequence[Neuron]) -> list[float]:
    """The learned slope of each unit with the activation "prelu"."""
    return [unit.alpha.data for unit in units]


def units_of(part: Layer | Conv2d) -> list[Neuron]:
    """The units of a layer or a convolution."""
    return part.kernels if isinstance(part, Conv2d) else part.neurons


def input_shape(parts: Sequence[Module]) -> tuple[int | None, ...]:
    """The shape of one example, None for sizes that the parts leave open."""
    for part in parts:
        match part:
            case Layer():
                return (part.neurons[0].nin,)
            case BatchNorm():
                return (len(part.gamma),)
            case Unflatten():
                return (part.channels * part.height * part.width,)
            case Conv2d():
                return (part.in_channels, None, None)
            case MaxPool2d() | AvgPool2d() | Flatten():
                return (None, None, None)
    return (None,)
