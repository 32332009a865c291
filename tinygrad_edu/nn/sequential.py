"""Sequential: one module after another; and the layers of a model that is such a chain.

Dense layers are those in which every unit sees every input.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks import listed
from tinygrad_edu.engine import Value
from tinygrad_edu.nn.activations import Activation, activated, activation_name, record_of
from tinygrad_edu.nn.containers import as_inputs
from tinygrad_edu.nn.mlp import MLP, Layer, Neuron
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.registry import register


@register("*layers")
class Sequential(Module):
    """Modules one after another, as in `Sequential(Layer(2, 8), Layer(8, 1, "linear"))`.

    The output of each is the input of the next. An activation, by name or as a function of z, can
    stand among them: it is applied to every number, softmax to the whole row. Gives a Value where
    the last module gives one unit, else a list. Raises TypeError or ValueError for other parts.
    """

    def __init__(self, *modules: Module | Activation) -> None:
        if not modules:
            raise ValueError("Sequential needs at least one module: write Sequential(Layer(2, 1))")
        self.layers = [_module(part, k) for k, part in enumerate(modules, 1)]
        self._name_parameters()

    @property
    def couples_examples(self) -> bool:
        """Whether one of the modules couples the examples of a batch."""
        return any(layer.couples_examples for layer in self.layers)

    def __call__(self, x: Any) -> Any:
        """The output for one example."""
        for layer in self.layers:
            x = layer(_row(x))  # type: ignore[operator]
        return _output(x)

    def batch(self, rows: Sequence[Any]) -> list[Any]:
        """The outputs for several examples; modules that couple them get the whole batch."""
        if not self.couples_examples:
            return super().batch(rows)
        rows = listed("rows", rows, "rows")
        for layer in self.layers:
            rows = layer.batch([_row(x) for x in rows])
        return [_output(x) for x in rows]


@register("activation")
class Activate(Module):
    """An activation on its own: applied to every number, softmax to the whole row."""

    def __init__(self, activation: Activation) -> None:
        self.activation = activation_name(activation)
        if record_of(self.activation).alpha is not None:
            raise ValueError(
                f'"{activation}" has a slope to learn: write Layer(nin, nout, "{activation}")'
            )

    def __call__(self, x: Iterable[Any]) -> list[Any]:
        """The activations of numbers or Values."""
        return activated(self.activation, as_inputs(x))

    def __repr__(self) -> str:
        return f"{self.activation!r:.40}"  # as it stands in a Sequential


def _module(part: Module | Activation, k: int) -> Module:
    if isinstance(part, Module):
        return part
    if isinstance(part, type):
        raise TypeError(f"part {k} of Sequential is the class {part.__name__}: make one of it")
    if isinstance(part, (list, tuple)):
        raise TypeError(
            f"part {k} of Sequential is a {type(part).__name__}: write Sequential(*parts)"
        )
    if not isinstance(part, str) and not callable(part):
        raise TypeError(
            f"part {k} of Sequential must be a module or an activation, "
            f"got {type(part).__name__} {part!r:.40}"
        )
    return Activate(part)


def _row(x: Any) -> Any:
    return [x] if isinstance(x, Value) else x


def _output(x: Any) -> Any:
    row = _row(x)
    return row[0] if len(row) == 1 and isinstance(row[0], Value) else row


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
