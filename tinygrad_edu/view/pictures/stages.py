"""The layers of a model as functions from row to row, and what they give for a row."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from tinygrad_edu.engine import Value
from tinygrad_edu.nn import MLP, Layer, Neuron, Sequential
from tinygrad_edu.train.eval_mode import eval_mode, modules_of

_CHAINS = (MLP, Sequential)


def layers_in(model: Any) -> list[Any]:
    """The layers of an MLP, a Sequential, a Layer, a Neuron or a list of layers.

    Raises TypeError for anything else, and for a subclass with a `__call__` of its own.
    """
    if isinstance(model, (Layer, Neuron)):
        return [model]
    if isinstance(model, _CHAINS):
        if any(type(model).__call__ is chain.__call__ for chain in _CHAINS):
            return list(model.layers)
    elif isinstance(model, Sequence) and model and all(callable(layer) for layer in model):
        return list(model)
    raise TypeError(
        "expected an MLP, a Sequential, a Layer or a list of layers, "
        f"got {type(model).__name__}: give its layers as a list, [layer1, layer2]"
    )


def outputs_of(layers: Sequence[Callable[[Any], Any]], x: Any) -> list[list[Value]]:
    """What each layer gives for the row `x`."""
    found = []
    for layer in layers:
        x = layer(x)
        x = [x] if isinstance(x, Value) else list(x)
        found.append(x)
    return found


def evaluating(model: Any) -> AbstractContextManager[None]:
    """A model, or a list of layers, in evaluation mode; afterwards as it was."""
    parts = model if isinstance(model, Sequence) else [model]
    return eval_mode(*parts)


def first_units(model: Any, *, hidden: bool = False) -> list[Neuron]:
    """The units of the first layer; none where the model does not show its layers.

    With `hidden` none unless units come after them.
    """
    try:
        layers = layers_in(model)
    except TypeError:
        return []
    first = layers[0]
    after = [module for layer in layers[1:] for module in modules_of(layer)]
    if hidden and not any(isinstance(module, Neuron) for module in after):
        return []
    return (
        first.neurons if isinstance(first, Layer) else [first] if isinstance(first, Neuron) else []
    )


def layer_number(layer: int | None, count: int, default: int) -> int:
    """The place of layer `layer`, which counts from 1. Raises ValueError for another number."""
    if layer is None:
        return default
    if isinstance(layer, bool) or not isinstance(layer, int) or not 1 <= layer <= count:
        raise ValueError(f"layer must be a number from 1 to {count}, got {layer!r:.40}")
    return layer - 1
