"""Neuron, Layer and MLP, the net of the lectures, assembled from Values.

A unit is one `dot` node, its net input z = w . x + b, followed by one node for its activation a, so
that `z.grad` after a backward pass is the delta of the unit. Nothing here knows about gradients.
"""

import random
from collections.abc import Iterable, Sequence
from typing import Any

from tinygrad_edu import functions as f
from tinygrad_edu.checks import as_random, is_listed, whole
from tinygrad_edu.engine import Value, parameter
from tinygrad_edu.nn.activations import DEFAULT, Activation, activated, activation_name, record_of
from tinygrad_edu.nn.containers import as_inputs
from tinygrad_edu.nn.initialisers import Initialiser, initialiser
from tinygrad_edu.nn.mode import check_count, check_size, current, parts
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.registry import register


@register("nin, activation")
class Neuron(Module):
    """One unit: a = activation(w . x + b), on `nin` inputs.

    `activation` is a name of `ACTIVATIONS` or a function of z; "prelu" has a learnable slope
    `alpha`, 0.25 at first. `init` is a name of `INITIALISERS` or a function (rng, nin, nout) ->
    weight; the default fits the activation. The bias starts at 0. `rng` is a seed or a
    random.Random; without one the weights differ from unit to unit and from run to run.
    `nonlin=False` means "linear", `nonlin=True` "relu", as in micrograd, where it is the second
    argument. `nout` is the number of units in the layer, for initialisers that ask. The weights `w`
    are a list, as there: they can be changed, exchanged for others and shared with another unit.
    """

    #: The learned slope of a "prelu" unit.
    alpha: Value | None = None
    #: `w` as `dot` gets it: one tuple while `w` holds the same, by which a unit is told.
    _w: tuple[Value, ...] = ()

    def __init__(
        self,
        nin: int,
        activation: Activation | bool = DEFAULT,
        *,
        init: str | Initialiser | None = None,
        rng: int | random.Random | None = None,
        nonlin: bool | None = None,
        nout: int = 1,
    ) -> None:
        if isinstance(activation, bool):  # micrograd's second argument is `nonlin`
            nonlin, activation = activation, DEFAULT if nonlin is None else "twice"
        self.nin = nin = whole("nin", nin)
        check_count(f"units of {nin} inputs", nin + 1)
        self.activation = activation_name(activation, nonlin)
        record = record_of(self.activation)
        if record.of_layer:
            raise ValueError(
                f"{activation} is an activation of a whole layer: use Layer or MLP(output=...)"
            )
        rng = random.Random() if rng is None else as_random(rng)
        draw, nout = initialiser(init, self.activation), whole("nout", nout)
        place = next(current.get().places)
        self.w = [parameter(draw(rng, nin, nout), f"{place}w[{k}]") for k in range(nin)]
        self._w = tuple(self.w)
        self.b = parameter(0.0, f"{place}b")
        if record.alpha is not None:
            self.alpha = parameter(record.alpha, f"{place}alpha")

    def net_input(self, x: Iterable[Any]) -> Value:
        """z = w . x + b."""
        if (w := tuple(self.w)) != self._w:
            self._w = w
        z: Value = f.dot(self._w, x, self.b)
        return z

    def activate(self, z: Value) -> Value:
        """a = activation(z)."""
        return activated(self.activation, [z], [self.alpha])[0]

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
        activation: Activation = DEFAULT,
        *,
        init: str | Initialiser | None = None,
        rng: int | random.Random = 0,
        nonlin: bool | None = None,
    ) -> None:
        nin, nout = whole("nin", nin), whole("nout", nout)
        check_size([nin, nout])
        self.activation = activation_name(activation, nonlin)
        unit = "linear" if record_of(self.activation).of_layer else self.activation
        rng = as_random(rng)
        with parts("neuron"):
            self.neurons = [Neuron(nin, unit, init=init, rng=rng, nout=nout) for _ in range(nout)]

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
        x = as_inputs(x, self.neurons[0].nin)  # not self.nin, which a cell has otherwise
        zs = [unit.net_input(x) for unit in self.neurons]
        return activated(self.activation, zs, [unit.alpha for unit in self.neurons])


@register("nin, nouts, activation, *, output")
class MLP(Module):
    """A multilayer perceptron: `nin` inputs, then layers of `nouts` units.

    `activation` is that of the hidden layers, or a list with one for each of them, `output` that of
    the last. Gives a Value where the last layer has one unit, else a list. Parameters are drawn
    layer by layer, unit by unit, from `rng` (seed 0 unless given). Raises TypeError or ValueError
    naming the argument, also for more than MAX_PARAMETERS parameters.
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: Activation | Sequence[Activation] = "relu",
        output: Activation = "linear",
        *,
        init: str | Initialiser | None = None,
        rng: int | random.Random = 0,
    ) -> None:
        units = list(nouts) if is_listed(nouts) else []
        if not units:
            raise (ValueError if is_listed(nouts) else TypeError)(
                f"nouts must be a list of layer sizes such as [16, 16, 1], got {nouts!r:.40}"
            )
        sizes = [whole("nin", nin), *(whole("a layer size", n) for n in units)]
        check_size(sizes)
        self.activation: Activation | list[Activation]
        count = len(sizes) - 2
        if isinstance(activation, (list, tuple)):
            if len(activation) != count:
                raise ValueError(
                    f"activation has {len(activation)} entries for {count} hidden layers: give one "
                    "for each, and that of the last layer as output"
                )
            self.activation = hidden = [activation_name(name) for name in activation]
        else:
            self.activation = activation_name(activation)  # type: ignore[arg-type]
            hidden = [self.activation] * count
        self.output = activation_name(output)
        rng = as_random(rng)
        with parts("layer"):
            self.layers = [
                Layer(n, m, a, init=init, rng=rng)
                for n, m, a in zip(sizes[:-1], sizes[1:], [*hidden, self.output], strict=True)
            ]

    @property
    def nin(self) -> int:
        """The number of inputs."""
        return self.layers[0].nin

    @property
    def nouts(self) -> list[int]:
        """The number of units per layer."""
        return [layer.nout for layer in self.layers]

    @property
    def sizes(self) -> list[int]:
        """The number of inputs, then of units per layer."""
        return [self.nin, *self.nouts]

    def __call__(self, x: Iterable[Any]) -> Any:
        """The output for one example of `nin` numbers or Values."""
        for layer in self.layers:
            x = layer(x)
        outputs: list[Value] = list(x)
        return outputs[0] if len(outputs) == 1 else outputs
