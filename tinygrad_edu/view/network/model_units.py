"""The units of a net for one example: what each one computed, and what the loss made of it."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks import number
from tinygrad_edu.engine import Primitive, Value
from tinygrad_edu.losses import Loss
from tinygrad_edu.nn import MLP, Activation, Layer, Neuron
from tinygrad_edu.nn.activations import record_of

_KNOWN: Final = (MLP, Layer, Neuron)


class Units(NamedTuple):
    """A layer: `name` is "layer1", "layer2", ... ("" for a layer or a neuron alone)."""

    name: str
    activation: Activation
    neurons: list[Neuron]

    def unit_name(self, j: int) -> str:
        """The name of unit j, which counts from 0: "layer1.neuron1" for the first."""
        return ".".join(part for part in (self.name, f"neuron{j + 1}") if part)


class Pass(NamedTuple):
    """What a layer took and gave for one example; `z` and `a` are one Value per unit."""

    units: Units
    inputs: list[Value]
    z: list[Value]
    a: list[Value]


def layers_of(model: Any) -> list[Units]:
    """The layers of an MLP, a Layer, a Neuron or a list of Layers.

    Raises TypeError for anything else, and for a subclass with a `__call__` of its own; ValueError
    where one layer does not fit the next.
    """
    if isinstance(model, _KNOWN) and _is_plain(model):
        if isinstance(model, Neuron):
            return [Units("", model.activation, [model])]
        if isinstance(model, Layer):
            return [Units("", model.activation, model.neurons)]
        model = model.layers
    layers = list(model) if isinstance(model, Sequence) and not isinstance(model, str) else []
    if not layers or not all(isinstance(v, Layer) and _is_plain(v) for v in layers):
        raise TypeError(
            f"expected an MLP, a Layer or a list of Layers, got {type(model).__name__}: "
            "give the layers of another model as a list, [layer1, layer2]"
        )
    found = [Units(f"layer{k}", v.activation, v.neurons) for k, v in enumerate(layers, 1)]
    for before, after in pairwise(found):
        if len(before.neurons) != after.neurons[0].nin:
            raise ValueError(
                f"{before.name} gives {len(before.neurons)} activations, "
                f"but {after.name} takes {after.neurons[0].nin}"
            )
    return found


def _is_plain(module: MLP | Layer | Neuron) -> bool:
    """Whether its class does not replace what these three do when they are called."""
    return any(type(module).__call__ is known.__call__ for known in _KNOWN)


def forward(layers: Sequence[Units], x: Iterable[Any]) -> list[Pass]:
    """The forward pass for one example `x` of numbers; a Value counts as its number.

    Raises TypeError for what is no list of numbers, ValueError for the wrong count.
    """
    nin = layers[0].neurons[0].nin
    if isinstance(x, (str, bytes, dict, set)) or not isinstance(x, Iterable):
        raise TypeError(f"expected a list of {nin} numbers, got {type(x).__name__}")
    inputs = [Value(plain(v, "an input")) for v in x]
    if len(inputs) != nin:
        raise ValueError(f"expected {nin} inputs, got {len(inputs)}")
    passes = []
    for units in layers:
        z = [neuron.net_input(inputs) for neuron in units.neurons]
        record = record_of(units.activation)
        if record is not None and record.of_layer:
            a = record.function(z)
        else:
            a = [neuron.activate(v) for neuron, v in zip(units.neurons, z, strict=True)]
        passes.append(Pass(units, inputs, z, a))
        inputs = a
    return passes


def loss_of(model: Any, passes: Sequence[Pass], target: Any, loss: Loss) -> Value:
    """The loss of the outputs, given to `loss` as the model gives them: one Value or a list.

    Raises TypeError if there is nothing to differentiate.
    """
    outputs = passes[-1].a
    single = len(outputs) == 1 and not isinstance(model, Layer)
    found = loss(outputs[0] if single else outputs, target)
    if not isinstance(found, Value) or not found.parents:
        raise TypeError(
            "there is nothing to differentiate: the loss must give a Value made from the output, "
            "outside of no_grad()"
        )
    return found


def plain(x: Any, what: str) -> float:
    """`x` as a float, also if it is a Value."""
    return x.data if isinstance(x, Value) else number(x, what)


def name_of_function(function: Any) -> str:
    """What a loss or an activation of the user's is called: its name, else that of its type."""
    if isinstance(function, Primitive):
        return function.name
    return str(getattr(function, "__name__", type(function).__name__))
