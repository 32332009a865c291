"""Neuron and Layer: units assembled from Values.

A unit is one `dot` node, its net input z = w . x + b, followed by one node for its activation a, so
that `z.grad` after a backward pass is the delta of the unit. Nothing here knows about gradients.
"""

import random
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from tinygrad_edu import functions as f
from tinygrad_edu.checks import as_random, is_listed, whole
from tinygrad_edu.engine import Value, parameter
from tinygrad_edu.nn.activations import (
    Activation,
    activated,
    activation_function,
    activation_name,
    first_alpha,
    is_of_layer,
)
from tinygrad_edu.nn.initialisers import Initialiser, initialiser
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.registry import check_count, register


@register("nin, activation")
class Neuron(Module):
    """One unit: a = activation(w . x + b), on `nin` inputs.

    `activation` is a name of `ACTIVATIONS` or a function of z; "prelu" has a learnable slope
    `alpha`, 0.25 at first. `init` is a name of `INITIALISERS` or a function (rng, nin, nout) ->
    weight; the default fits the activation. The bias starts at 0. `rng` is a seed or a
    random.Random; without one the weights differ from unit to unit and from run to run.
    `nonlin=False` means "linear", `nonlin=True` "relu", as in micrograd. `nout` is the number of
    units in the layer, for initialisers that ask.
    """

    #: The learned slope of a "prelu" unit.
    alpha: Value | None = None

    def __init__(
        self,
        nin: int,
        activation: Activation = "relu",
        *,
        init: str | Initialiser | None = None,
        rng: int | random.Random | None = None,
        nonlin: bool | None = None,
        nout: int = 1,
    ) -> None:
        self.nin = whole("nin", nin)
        check_count(f"units of {self.nin} inputs", self.nin + 1)
        self.activation = activation_name(activation, nonlin)
        if is_of_layer(self.activation):
            raise ValueError(
                f"{activation} is an activation of a whole layer: use Layer or MLP(output=...)"
            )
        rng = random.Random() if rng is None else as_random(rng)
        draw = initialiser(init, self.activation)
        self.w = [parameter(draw(rng, self.nin, nout)) for _ in range(self.nin)]
        self.b = parameter(0.0)
        if (alpha := first_alpha(self.activation)) is not None:
            self.alpha = parameter(alpha)
        self._name_parameters()

    def net_input(self, x: Iterable[Any]) -> Value:
        """z = w . x + b."""
        z: Value = f.dot(self.w, x, self.b)
        return z

    def activate(self, z: Value) -> Value:
        """a = activation(z)."""
        function = activation_function(self.activation)
        a: Value = function(z) if self.alpha is None else function(z, self.alpha)
        return a

    def __call__(self, x: Iterable[Any]) -> Value:
        """The activation for `nin` numbers or Values."""
        return self.activate(self.net_input(as_inputs(x, self.nin)))


@register("nin, nout, activation")
class Layer(Module):
    """`nout` neurons on the same `nin` inputs; gives the list of their activations.

    Options as for `Neuron`, and "softmax" over the units; `rng` is seed 0 unless given.
    """

    def __init__(
        self,
        nin: int,
        nout: int,
        activation: Activation = "relu",
        *,
        init: str | Initialiser | None = None,
        rng: int | random.Random = 0,
        nonlin: bool | None = None,
    ) -> None:
        nin, nout = whole("nin", nin), whole("nout", nout)
        check_size([nin, nout])
        self.activation = activation_name(activation, nonlin)
        unit = "linear" if is_of_layer(self.activation) else self.activation
        rng = as_random(rng)
        self.neurons = [Neuron(nin, unit, init=init, rng=rng, nout=nout) for _ in range(nout)]
        self._name_parameters()

    @property
    def nin(self) -> int:
        """The number of inputs."""
        return self.neurons[0].nin

    @property
    def nout(self) -> int:
        """The number of units."""
        return len(self.neurons)

    def __call__(self, x: Iterable[Any]) -> list[Value]:
        """The activations, `nout` Values, for `nin` numbers or Values."""
        x = as_inputs(x, self.neurons[0].nin)
        zs = [neuron.net_input(x) for neuron in self.neurons]
        if self.neurons[0].alpha is None:
            return activated(self.activation, zs)
        return [neuron.activate(z) for neuron, z in zip(self.neurons, zs, strict=True)]


def as_inputs(x: Iterable[Any], nin: int | None = None) -> tuple[Value, ...]:
    """The inputs of a layer as Values. Raises ValueError if there are not `nin`."""
    count = "" if nin is None else f"{nin} "
    if not is_listed(x):
        raise TypeError(f"expected a list of {count}numbers or Values, got {type(x).__name__}")
    x = tuple(x)
    try:
        values = tuple([v if isinstance(v, Value) else Value(v) for v in x])
    except TypeError:
        if not any(map(is_listed, x)):
            raise
        raise TypeError(
            f"expected a list of {count}numbers or Values, got several rows: "
            "write predict(model, rows)"
        ) from None
    if nin is not None and len(values) != nin:
        raise ValueError(f"expected {nin} inputs, got {len(values)}")
    return values


def check_size(sizes: Sequence[int]) -> None:
    """Raise ValueError if layers of these sizes would have too many parameters."""
    count = sum((nin + 1) * nout for nin, nout in pairwise(sizes))
    check_count(f"layers of {', '.join(map(str, sizes))}", count)
