"""Chain: a model as layers that have equals elsewhere, one after another; numbers and shapes."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from math import prod
from typing import Any, Final, NamedTuple, TypeAlias

from tinygrad_edu.engine import Value
from tinygrad_edu.nn import MLP, Activate, Layer, Module, Neuron, Sequential
from tinygrad_edu.nn.convolution import AvgPool2d, Conv2d, Flatten, MaxPool2d, Unflatten
from tinygrad_edu.nn.norm import BatchNorm, Dropout

#: The shape of one example: (n,) or (channels, height, width), None for a size that is open.
Shape: TypeAlias = tuple[int | None, ...]
#: Values, one after another, and the shape of the tensor that they are.
Tensor: TypeAlias = tuple[list[Value], tuple[int, ...]]


def _maps(part: Any, shape: Shape) -> Shape:
    """The shape of the maps that a window gives which slides over images of this shape."""
    channels = part.out_channels if isinstance(part, Conv2d) else shape[0]
    least = PARTS[type(part)].least(part)
    return (channels, *(n and (n - least) // part.stride + 1 for n in shape[1:]))


def _of_units(units: Sequence[Neuron], *shape: int) -> dict[str, Tensor]:
    """The weights of units, each of this shape, and their biases."""
    weights = [w for unit in units for w in unit.w]
    return {
        "weight": (weights, (len(units), *shape)),
        "bias": ([unit.b for unit in units], (len(units),)),
    }


class Part(NamedTuple):
    """A layer as it is elsewhere, without the activation of its units."""

    #: The class of torch.nn ("" for an activation alone), its arguments, with the attributes that
    #: stand for them here, and the values of its other options for which the two are equal, first
    #: the one that is written.
    torch: str = ""
    arguments: Mapping[str, str] = {}
    options: Mapping[str, tuple[Any, ...]] = {}
    #: Adds it to a graph of ONNX: (graph, part, x, *tensors) -> the name of the result.
    onnx: Callable[..., str] = lambda graph, part, x: x
    #: The shape that it takes, by attributes, what it gives for one, and the least sides it takes.
    takes: tuple[str | None, ...] = (None,)
    gives: Callable[[Any, Shape], Shape] = lambda part, shape: shape
    least: Callable[[Any], int] = lambda part: 1
    #: The attribute that holds its units, which can have an activation.
    units: str = ""
    #: Its numbers, by their names in PyTorch, in the order of the inputs in ONNX.
    tensors: Callable[[Any], dict[str, Tensor]] = lambda part: {}


def _same(*names: str) -> dict[str, str]:
    """Arguments that have the same names here and there."""
    return {name: name for name in names}


_IMAGE: Final = (None, None, None)


def _pool(torch: str, onnx: str, **options: tuple[Any, ...]) -> Part:
    return Part(
        torch,
        arguments=_same("kernel_size", "stride"),
        options={"padding": (0, (0, 0)), "ceil_mode": (False,), **options},
        onnx=lambda graph, p, x: graph.node(
            onnx, x, kernel_shape=[p.kernel_size] * 2, strides=[p.stride] * 2
        ),
        takes=_IMAGE,
        gives=_maps,
        least=lambda p: p.kernel_size,
    )


#: Every layer that has an equal elsewhere; MLP and Sequential are taken apart.
PARTS: Final[dict[type[Module], Part]] = {
    Activate: Part(),
    AvgPool2d: _pool("AvgPool2d", "AveragePool", divisor_override=(None,)),
    BatchNorm: Part(
        torch="BatchNorm1d",
        arguments={"num_features": "n", **_same("momentum", "eps")},
        options={"affine": (True,), "track_running_stats": (True,)},
        onnx=lambda graph, p, *x: graph.node("BatchNormalization", *x, epsilon=p.eps),
        takes=("n",),
        tensors=lambda p: {
            "weight": (p.gamma, (p.n,)),
            "bias": (p.beta, (p.n,)),
            "running_mean": (p.running_mean, (p.n,)),
            "running_var": (p.running_var, (p.n,)),
        },
    ),
    Conv2d: Part(
        torch="Conv2d",
        arguments=_same("in_channels", "out_channels", "kernel_size", "stride", "padding"),
        options={"dilation": ((1, 1),), "groups": (1,), "padding_mode": ("zeros",)},
        onnx=lambda graph, p, *x: graph.node(
            "Conv", *x, strides=[p.stride] * 2, pads=[p.padding] * 4
        ),
        takes=("in_channels", None, None),
        gives=_maps,
        least=lambda p: p.kernel_size - 2 * p.padding,
        units="kernels",
        tensors=lambda p: _of_units(p.kernels, p.in_channels, p.kernel_size, p.kernel_size),
    ),
    Dropout: Part(torch="Dropout", arguments=_same("p")),
    Flatten: Part(
        torch="Flatten",
        options={"start_dim": (1,), "end_dim": (-1,)},
        onnx=lambda graph, p, x: graph.node("Flatten", x),
        takes=_IMAGE,
        gives=lambda p, shape: (None if None in shape else prod(n for n in shape if n),),
    ),
    Layer: Part(
        torch="Linear",
        arguments={"in_features": "nin", "out_features": "nout"},
        onnx=lambda graph, p, *x: graph.node("Gemm", *x, transB=1),
        takes=("nin",),
        gives=lambda p, shape: (p.nout,),
        units="neurons",
        tensors=lambda p: _of_units(p.neurons, p.nin),
    ),
    MaxPool2d: _pool("MaxPool2d", "MaxPool", dilation=(1, (1, 1)), return_indices=(False,)),
    Unflatten: Part(
        torch="Unflatten",
        arguments={"unflattened_size": "channels height width"},
        options={"dim": (1, -1)},
        onnx=lambda graph, p, x: graph.node(
            "Reshape", x, graph.sizes(0, p.channels, p.height, p.width)
        ),
        takes=("size",),
        gives=lambda p, shape: (p.channels, p.height, p.width),
    ),
}


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
        shape = PARTS[type(part)].gives(part, shape)
    return parts


def _parts(model: Any) -> list[Module]:
    if not isinstance(model, Module):
        fitted = ": write clf.model_ for the net of a fitted estimator clf"
        raise TypeError(
            f"expected a model such as MLP(2, [16, 1]), got {type(model).__name__} {model!r:.40}"
            f"{fitted if hasattr(model, 'model_') else ''}"
        )
    kind = type(model)  # not a subclass, which may do something else
    if isinstance(model, (MLP, Sequential)) and kind in (MLP, Sequential):
        return [part for layer in model.layers for part in _parts(layer)]
    if kind not in PARTS:
        raise ValueError(
            f"{model!r:.80} has no equal elsewhere: MLP, Sequential and the layers of nn, "
            "convolution and regularize can be exported; for any other model write "
            "to_numpy_source(model, example)"
        )
    activation_of(model)
    return [model]


def activation_of(part: Any) -> str:
    """The name of the activation of a part, or "linear"; ValueError for a function of one's own."""
    name = part.activation if isinstance(part, Activate) or PARTS[type(part)].units else "linear"
    if not isinstance(name, str):
        raise ValueError(
            f"{part!r:.80} has a function as activation, which has no equal elsewhere: choose one "
            "of nn.ACTIVATIONS by its name, or write to_numpy_source(model, example)"
        )
    return name


def alphas_of(part: Module) -> list[Value]:
    """The learned slope of each unit, of an activation that has one."""
    units = getattr(part, PARTS[type(part)].units, [])
    return [unit.alpha for unit in units if unit.alpha is not None]


def input_shape(parts: Sequence[Module]) -> Shape:
    """The shape of one example: of the first part that takes no row of any size."""
    return next((shape for shape in map(_taken, parts) if shape != (None,)), (None,))


def _taken(part: Module) -> Shape:
    """The shape that a part takes."""
    return tuple(None if name is None else getattr(part, name) for name in PARTS[type(part)].takes)


def size_names(shape: Shape) -> list[int | str]:
    """The shape with names for the sizes that are open."""
    names = ["channels", "height", "width"] if len(shape) == 3 else ["n"]
    return [n if size is None else size for size, n in zip(shape, names, strict=True)]


def _check_fit(model: Module, part: Module, shape: Shape) -> None:
    """Raises ValueError unless a part of the model takes the shape."""
    taken, least = _taken(part), PARTS[type(part)].least(part)
    takes = _described(taken)
    if len(taken) == len(shape) and all(
        n == m or None in (n, m) for n, m in zip(taken, shape, strict=True)
    ):
        if all(n is None or n >= least for n in shape[1:]):
            return
        takes = f"an image of at least {least} x {least}"
    raise ValueError(
        f"the parts of {model!r:.80} do not fit each other: "
        f"{part!r:.80} takes {takes} and gets {_described(shape)}"
    )


def _described(shape: Shape) -> str:
    sizes = " x ".join(map(str, size_names(shape)))
    return f"an image of {sizes}" if len(shape) == 3 else f"a row of {sizes}"
