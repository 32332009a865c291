"""Chain: a model as parts that have equals elsewhere, one after another; numbers and shapes."""

from collections.abc import Sequence
from importlib import import_module
from math import prod
from typing import Any, Final, TypeAlias

from tinygrad_edu.nn import MLP, Activate, Layer, Module, Neuron, Sequential
from tinygrad_edu.nn.convolution import AvgPool2d, Conv2d, Flatten, MaxPool2d, Unflatten
from tinygrad_edu.nn.norm import BatchNorm, Dropout

#: The shape of one example: (n,) or (channels, height, width), None for a size that is open.
Shape: TypeAlias = tuple[int | None, ...]

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
    """The parts of an MLP or Sequential, in order. Raises TypeError or ValueError naming a part.

    A part without an equal is refused, and one that cannot take what the part before it gives.
    """
    parts = _parts(model)
    shape = input_shape(parts)
    for part in parts:
        _check_fit(model, part, shape)
        shape = _made(part, shape)
    return parts


def _parts(model: Any) -> list[Module]:
    if not isinstance(model, Module):
        fitted = ": write clf.model_ for the net of a fitted estimator clf"
        raise TypeError(
            f"expected a model such as MLP(2, [16, 1]), got {type(model).__name__} {model!r:.40}"
            f"{fitted if hasattr(model, 'model_') else ''}"
        )
    if type(model) in (MLP, Sequential):
        layers: list[Module] = model.layers  # type: ignore[attr-defined]
        return [part for layer in layers for part in _parts(layer)]
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
    name = getattr(part, "activation", "linear")
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
    return [unit.alpha.data for unit in units if unit.alpha is not None]


def units_of(part: Layer | Conv2d) -> list[Neuron]:
    """The units of a layer or a convolution."""
    return part.kernels if isinstance(part, Conv2d) else part.neurons


def input_shape(parts: Sequence[Module]) -> Shape:
    """The shape of one example: of the first part that takes no row of any size."""
    taken = (_taken(part) for part in parts)
    return next((shape for shape in taken if shape != (None,)), (None,))


def size_names(shape: Shape) -> list[int | str]:
    """A shape with names for the sizes that are open."""
    names = ["channels", "height", "width"] if len(shape) == 3 else ["n"]
    return [n if size is None else size for size, n in zip(shape, names, strict=True)]


def _taken(part: Module) -> Shape:
    """The shape that a part takes."""
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


def _made(part: Module, shape: Shape) -> Shape:
    """The shape that a part gives for one that fits it."""
    match part:
        case Layer():
            return (len(part.neurons),)
        case BatchNorm():
            return (len(part.gamma),)
        case Unflatten():
            return (part.channels, part.height, part.width)
        case Flatten():
            return (None if None in shape else prod(n for n in shape if n),)
        case Conv2d() | MaxPool2d() | AvgPool2d():
            channels = len(part.kernels) if isinstance(part, Conv2d) else shape[0]
            least, stride = _least(part), part.stride
            return (channels, *(n and (n - least) // stride + 1 for n in shape[1:]))
    return shape


def _least(part: Module) -> int:
    """The least height and width of an image that a part takes."""
    match part:
        case Conv2d():
            return part.kernel_size - 2 * part.padding
        case MaxPool2d() | AvgPool2d():
            return part.kernel_size
    return 1


def _check_fit(model: Module, part: Module, shape: Shape) -> None:
    """Raises ValueError unless a part of the model takes the shape."""
    taken, least = _taken(part), _least(part)
    takes = _shown(taken)
    if len(taken) == len(shape) and all(
        n == m or None in (n, m) for n, m in zip(taken, shape, strict=True)
    ):
        if all(n is None or n >= least for n in shape[1:]):
            return
        takes = f"an image of at least {least} x {least}"
    raise ValueError(
        f"the parts of {model!r:.80} do not fit each other: "
        f"{part!r:.80} takes {takes} and gets {_shown(shape)}"
    )


def _shown(shape: Shape) -> str:
    sizes = " x ".join(map(str, size_names(shape)))
    return f"an image of {sizes}" if len(shape) == 3 else f"a row of {sizes}"
