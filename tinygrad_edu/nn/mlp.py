"""MLP: a multilayer perceptron, the net of the lectures."""

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tinygrad_edu.checks import as_random, is_listed, whole
from tinygrad_edu.engine import Value
from tinygrad_edu.nn.activations import Activation, activation_name
from tinygrad_edu.nn.initialisers import Initialiser
from tinygrad_edu.nn.layer import Layer
from tinygrad_edu.nn.mode import check_size, parts
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.registry import register


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
            raise TypeError(
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
        a = list(x) if isinstance(x, Iterator) else x
        for layer in self.layers:
            a = layer(a)
        outputs: list[Value] = list(a)
        return outputs[0] if len(outputs) == 1 else outputs
