"""The layers of a model, and those among them that are dense: every unit sees every input."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from tinygrad_edu.engine import Value
from tinygrad_edu.nn.activations import Activation, activated
from tinygrad_edu.nn.layer import Layer, Neuron
from tinygrad_edu.nn.mlp import MLP
from tinygrad_edu.nn.sequential import Activate, Sequential

_CHAINS: Final = (MLP, Sequential)


class DenseLayer(NamedTuple):
    """Units on the same inputs, and the activation of each, or of all for softmax."""

    neurons: list[Neuron]
    activation: Activation

    def activate(self, z: Sequence[Value]) -> list[Value]:
        """The activations for the net inputs of the units."""
        return activated(self.activation, z, [unit.alpha for unit in self.neurons])


def layers_of(model: Any) -> list[Any]:
    """The layers of an MLP, a Sequential, a Layer, a Neuron or a list of layers, in order.

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


def dense_layers(model: Any) -> list[DenseLayer]:
    """The dense layers of such a model, an activation after a linear layer taken into it.

    Raises TypeError, naming the part, for one that is no dense layer, and ValueError where a layer
    does not fit the one before it.
    """
    layers: list[DenseLayer] = []
    for k, part in enumerate(_flat(model), 1):
        if isinstance(part, Activate) and layers and layers[-1].activation == "linear":
            layers[-1] = layers[-1]._replace(activation=part.activation)
        elif isinstance(part, Layer) and type(part).__call__ is Layer.__call__:
            layers.append(DenseLayer(part.neurons, part.activation))
        elif isinstance(part, Neuron) and type(part).__call__ is Neuron.__call__:
            layers.append(DenseLayer([part], part.activation))
        else:
            raise TypeError(
                f"part {k}, {part!r:.60}, is no dense layer: expected Layers, "
                "and one activation after each"
            )
    for k, (before, after) in enumerate(pairwise(layers), 1):
        if len(before.neurons) != after.neurons[0].nin:
            raise ValueError(
                f"layer{k} gives {len(before.neurons)} activations, "
                f"but layer{k + 1} takes {after.neurons[0].nin}"
            )
    return layers


def _flat(model: Any) -> Iterator[Any]:
    for part in layers_of(model):
        if isinstance(part, _CHAINS):
            yield from _flat(part)
        else:
            yield part
