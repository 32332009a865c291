"""Pretraining: good first weights for the hidden layers, from rows without targets."""

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tinygrad_edu.checks import as_random
from tinygrad_edu.engine import Value
from tinygrad_edu.examples import inputs
from tinygrad_edu.nn import MLP, Activation, Layer, Module
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.train.descent import Augment
from tinygrad_edu.train.engines import Engine
from tinygrad_edu.train.evaluation import predict
from tinygrad_edu.train.fitting import fit
from tinygrad_edu.train.history import History


def pretrain(
    model: MLP,
    X: Iterable[Any],
    *,
    optimizer: str | Callable[[list[Value]], Optimizer],
    epochs: int,
    decoder: Activation = "linear",
    batch_size: int | None = None,
    engine: str | Engine = "auto",
    rng: int | random.Random | None = None,
    augment: Augment | None = None,
    progress: bool = True,
) -> list[History]:
    """Train the hidden layers one by one, from the first on, to keep what their inputs tell.

    Each layer is the encoder of an autoencoder: a new layer, the decoder, learns with it to give
    back the layer's own inputs, which are the activations of the layers below for the rows `X`
    (squared error, `epochs` each), and is thrown away. The last layer stays as it is; `fit` then
    tunes them all. A decoder that is "sigmoid" gives numbers in (0, 1) only. With `augment` the
    first layer has to restore the row from a changed one. Options as for `fit`; `rng` draws the
    decoders and the batches. Gives the history of each layer; one that was stopped is the last.

    Raises TypeError for a model that is no MLP or an optimizer that is made already, ValueError for
    one without hidden layers. Hinton and Salakhutdinov 2006; Bengio, Lamblin, Popovici and
    Larochelle 2007.
    """
    if not isinstance(model, MLP):
        raise TypeError(f"pretrain takes an MLP, got {type(model).__name__}")
    if len(model.layers) < 2:
        raise ValueError(f"{model!r} has no hidden layer to pretrain: write MLP(2, [8, 1])")
    if isinstance(optimizer, Optimizer):
        raise TypeError(
            "every layer is trained by an optimizer of its own: "
            "write optimizer=lambda parameters: SGD(parameters, lr=0.1)"
        )
    rng = as_random(0 if rng is None else rng)
    rows: Sequence[list[float]] = inputs(X)
    histories = []
    for layer, nin, nout in zip(model.layers[:-1], model.sizes, model.sizes[1:], strict=False):
        history = fit(
            _Autoencoder(layer, Layer(nout, nin, decoder, rng=rng)), rows, rows,
            loss="squared_error", optimizer=optimizer, epochs=epochs, batch_size=batch_size,
            engine=engine, rng=rng, augment=augment, progress=progress,
        )  # fmt: skip
        histories.append(history)
        if history.stopped:
            break
        rows, augment = predict(layer, rows, engine=engine), None
    return histories


class _Autoencoder(Module):
    """A decoder after an encoder, whose parameters keep their names."""

    def __init__(self, encoder: Layer, decoder: Layer) -> None:
        self.encoder, self.decoder = encoder, decoder

    def __call__(self, x: Iterable[Any]) -> list[Value]:
        return self.decoder(self.encoder(x))
