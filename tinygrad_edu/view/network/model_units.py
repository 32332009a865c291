"""The units of a net for one example: what each one computed, and what the loss made of it."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tinygrad_edu.checks import is_listed, number
from tinygrad_edu.engine import Primitive, Value, toposort
from tinygrad_edu.losses import Loss
from tinygrad_edu.nn import Layer, Neuron
from tinygrad_edu.nn.dense import DenseLayer
from tinygrad_edu.view.base.naming import Names, names_of


class Pass(NamedTuple):
    """What a layer took and gave for one example; `z` and `a` are one Value per unit.

    `name` is "layer1", "layer2", ... ("" for a layer or a neuron alone).
    """

    layer: DenseLayer
    name: str
    inputs: list[Value]
    z: list[Value]
    a: list[Value]

    @property
    def activation(self) -> str:
        """The name of the activation of the units."""
        return name_of_function(self.layer.activation)


def forward(
    model: Any, layers: Sequence[DenseLayer], x: Iterable[Any], *, activate: bool = True
) -> list[Pass]:
    """The forward pass for one example `x` of numbers; a Value counts as its number.

    Without `activate` it goes on with the net inputs. Raises TypeError for what is no list of
    numbers, ValueError for the wrong count.
    """
    nin = layers[0].neurons[0].nin
    if not is_listed(x):
        raise TypeError(f"expected a list of {nin} numbers, got {type(x).__name__}")
    inputs = [Value(plain(v, "an input")) for v in x]
    if len(inputs) != nin:
        raise ValueError(f"expected {nin} inputs, got {len(inputs)}")
    passes = []
    for k, layer in enumerate(layers, 1):
        z = [neuron.net_input(inputs) for neuron in layer.neurons]
        a = layer.activate(z) if activate else z
        name = "" if isinstance(model, (Layer, Neuron)) else f"layer{k}"
        passes.append(Pass(layer, name, inputs, z, a))
        inputs = a
    return passes


def names_in(
    passes: Sequence[Pass], loss: Value | None, inputs: Sequence[str] | None, notation: str
) -> Names:
    """The names of the values of a forward pass and of its loss; `inputs` are given."""
    labels = dict(zip(passes[0].inputs, inputs or (), strict=inputs is not None))
    roots = [*passes[-1].a, *([] if loss is None else [loss])]
    return names_of(toposort(*roots, leaves=True), labels, notation=notation)


def loss_of(model: Any, passes: Sequence[Pass], target: Any, loss: Loss) -> Value:
    """The loss of the outputs, given to `loss` as the model gives them: one Value or a list.

    Raises TypeError if there is nothing to differentiate.
    """
    outputs = passes[-1].a
    single = len(outputs) == 1 and not isinstance(model, Layer)
    total = loss(outputs[0] if single else outputs, target)
    if not isinstance(total, Value) or not total.parents:
        raise TypeError(
            "there is nothing to differentiate: the loss must give a Value made from the output, "
            "outside of no_grad()"
        )
    return total


def plain(x: Any, what: str) -> float:
    """`x` as a float, also if it is a Value."""
    return x.data if isinstance(x, Value) else number(x, what)


def name_of_function(function: Any) -> str:
    """What a loss or an activation of the user's is called: its name, else that of its type."""
    if isinstance(function, (str, Primitive)):
        return function if isinstance(function, str) else function.name
    return str(getattr(function, "__name__", type(function).__name__))
