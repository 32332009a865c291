"""Neuron and Layer: units assembled from Values.

A unit is one `dot` node, its net input z = w . x + b, followed by one node for its activation a, so
that `z.grad` after a backward pass is the delta of the unit. Nothing here knows about gradients.
"""

import random
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final

from tinygrad_edu import functions as f
from tinygrad_edu.checks import as_random, whole
from tinygrad_edu.engine import Value, parameter
from tinygrad_edu.nn.activations import Activation, activation_function, activation_name, shown
from tinygrad_edu.nn.initialisers import Initialiser, initialiser
from tinygrad_edu.nn.module import Module

#: More parameters than this are refused: a scalar engine would take minutes a step.
MAX_PARAMETERS: Final = 10_000_000


class Neuron(Module):
    """One unit: a = activation(w . x + b), on `nin` inputs.

    `activation` is a name of `ACTIVATIONS` or a function of z; "prelu" has a learnable slope
    `alpha`, 0.25 at first. `init` is a name of `INITIALISERS` or a function (rng, nin, nout) ->
    weight; the default fits the activation. The bias starts at 0. `rng` is a seed or a
    random.Random; without one the weights differ from unit to unit and from run to run.
    `nonlin=False` means "linear".
    """

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
        self.activation = activation_name(activation, nonlin)
        if self.activation == "softmax":
            raise ValueError(
                "softmax is an activation of a whole layer: use Layer or MLP(output=...)"
            )
        rng = random.Random() if rng is None else as_random(rng)
        draw = initialiser(init, str(self.activation))
        self.w = [parameter(draw(rng, self.nin, nout)) for _ in range(self.nin)]
        self.b = parameter(0.0)
        if self.activation == "prelu":
            self.alpha = parameter(0.25)
        self._name_parameters()

    def net_input(self, x: Iterable[Any]) -> Value:
        """z = w . x + b."""
        z: Value = f.dot(self.w, x, self.b)
        return z

    def activate(self, z: Value) -> Value:
        """a = activation(z)."""
        if self.activation == "prelu":
            return f.prelu(z, self.alpha)
        a: Value = activation_function(self.activation)(z)
        return a

    def __call__(self, x: Iterable[Any]) -> Value:
        """The activation for `nin` numbers or Values."""
        return self.activate(self.net_input(as_inputs(x, self.nin)))

    def __repr__(self) -> str:
        return f"Neuron({self.nin}, {shown(self.activation)})"


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
        unit: Activation = "linear" if self.activation == "softmax" else self.activation
        rng = as_random(rng)
        self.neurons = [Neuron(nin, unit, init=init, rng=rng, nout=nout) for _ in range(nout)]
        self._name_parameters()

    def __call__(self, x: Iterable[Any]) -> list[Value]:
        """The activations, `nout` Values, for `nin` numbers or Values."""
        x = as_inputs(x, self.neurons[0].nin)
        zs = [neuron.net_input(x) for neuron in self.neurons]
        if self.activation == "softmax":
            return f.softmax(zs)
        if self.activation == "prelu":
            return [neuron.activate(z) for neuron, z in zip(self.neurons, zs, strict=True)]
        activation = activation_function(self.activation)
        return [activation(z) for z in zs]

    def __repr__(self) -> str:
        return f"Layer({self.neurons[0].nin}, {len(self.neurons)}, {shown(self.activation)})"


def as_inputs(x: Iterable[Any], nin: int | None = None) -> tuple[Value, ...]:
    """The inputs of a layer as Values. Raises ValueError if there are not `nin`."""
    if isinstance(x, (str, bytes, dict, set)) or not isinstance(x, Iterable):
        count = "" if nin is None else f"{nin} "
        raise TypeError(f"expected a list of {count}numbers or Values, got {type(x).__name__}")
    x = tuple(x)
    try:
        values = tuple([v if isinstance(v, Value) else Value(v) for v in x])
    except TypeError as error:
        if any(isinstance(v, Iterable) and not isinstance(v, str) for v in x):
            error.add_note("a model takes one row: write [model(x) for x in X] for several")
        raise
    if nin is not None and len(values) != nin:
        raise ValueError(f"expected {nin} inputs, got {len(values)}")
    return values


def check_size(sizes: Sequence[int]) -> None:
    """Raise ValueError if layers of these sizes have more than MAX_PARAMETERS parameters."""
    n = sum((nin + 1) * nout for nin, nout in pairwise(sizes))
    if n > MAX_PARAMETERS:
        raise ValueError(
            f"layers of {', '.join(map(str, sizes))} have {n:,} parameters, more than the "
            f"{MAX_PARAMETERS:,} of nn.MAX_PARAMETERS"
        )
