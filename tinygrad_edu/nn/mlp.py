"""MLP: a multilayer perceptron, the net of the lectures, with save and load."""

import random
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from typing import Any, Self

from tinygrad_edu.checks import as_random, whole
from tinygrad_edu.engine import Value
from tinygrad_edu.nn import model_file
from tinygrad_edu.nn.activations import Activation, activation_name, shown
from tinygrad_edu.nn.initialisers import Initialiser
from tinygrad_edu.nn.layer import Layer, check_size
from tinygrad_edu.nn.module import Module


class MLP(Module):
    """A multilayer perceptron: `nin` inputs, then layers of `nouts` units.

    `activation` is that of the hidden layers, `output` that of the last. Gives a Value where the
    last layer has one unit, else a list. Parameters are drawn layer by layer, unit by unit, from
    `rng` (seed 0 unless given). Raises TypeError or ValueError naming the argument, also for more
    than MAX_PARAMETERS parameters.
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: Activation = "relu",
        output: Activation = "linear",
        *,
        init: str | Initialiser | None = None,
        rng: int | random.Random = 0,
    ) -> None:
        if isinstance(nouts, (str, bytes)) or not isinstance(nouts, Sequence) or not nouts:
            raise TypeError(
                f"nouts must be a list of layer sizes such as [16, 16, 1], got {nouts!r:.40}"
            )
        sizes = [whole("nin", nin), *(whole("a layer size", n) for n in nouts)]
        check_size(sizes)
        self.activation, self.output = activation_name(activation), activation_name(output)
        rng = as_random(rng)
        activations = [self.activation] * (len(sizes) - 2) + [self.output]
        self.layers = [
            Layer(n, m, a, init=init, rng=rng)
            for n, m, a in zip(sizes[:-1], sizes[1:], activations, strict=True)
        ]
        self._metadata: dict[str, Any] = {}
        self._name_parameters()

    @property
    def metadata(self) -> dict[str, Any]:
        """What came with the file that the model was loaded from, such as how rows are encoded."""
        return self._metadata

    @property
    def sizes(self) -> list[int]:
        """The number of inputs, then of units per layer."""
        return [self.layers[0].neurons[0].nin, *(len(layer.neurons) for layer in self.layers)]

    def __call__(self, x: Iterable[Any]) -> Any:
        """The output for one example of `nin` numbers or Values."""
        a = list(x) if isinstance(x, Iterator) else x
        for layer in self.layers:
            a = layer(a)
        outputs: list[Value] = list(a)
        return outputs[0] if len(outputs) == 1 else outputs

    def save(self, path: str | PathLike[str], *, metadata: dict[str, Any] | None = None) -> None:
        """Write architecture and parameters to the JSON file `path`, atomically, to the last bit.

        `metadata` is a dict of anything JSON can hold, by default that of the model. A symbolic
        link is replaced by the file. Raises ValueError for a parameter that is inf or nan, for an
        activation that is a function of your own, and for a model whose layers were exchanged.
        """
        for what in (self.activation, self.output):
            if not isinstance(what, str):
                raise ValueError(f"only named activations can be saved, this model has {what!r}")
        activations = [self.activation] * (len(self.layers) - 1) + [self.output]
        if [layer.activation for layer in self.layers] != activations:
            raise ValueError(
                f"the layers {self.layers!r} are not those that {self!r} was made with"
            )
        model_file.write(
            path,
            model_file.MLPFile(
                sizes=self.sizes,
                activation=str(self.activation),
                output=str(self.output),
                parameters=self.state_dict(),
                metadata=self.metadata if metadata is None else metadata,
            ),
        )

    @classmethod
    def load(cls, path: str | PathLike[str], *, max_bytes: int = model_file.MAX_BYTES) -> Self:
        """The model that `save` wrote to `path`. Raises ModelFileError for anything else."""
        return cls.from_file(model_file.read(path, max_bytes=max_bytes))

    @classmethod
    def from_file(cls, content: model_file.MLPFile) -> Self:
        """The model with the architecture and parameters of a file that was read."""
        try:
            nin, *nouts = content.sizes
            model = cls(nin, nouts, content.activation, content.output, init="zeros")
            model.load_state_dict(content.parameters)
            model._metadata = content.metadata
        except (TypeError, ValueError) as error:
            raise model_file.ModelFileError(f"not a model of this release: {error}") from None
        return model

    def __repr__(self) -> str:
        nin, *nouts = self.sizes
        return f"MLP({nin}, {nouts}, {shown(self.activation)}, output={shown(self.output)})"
